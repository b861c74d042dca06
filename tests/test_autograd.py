"""The engine and its Python face do what PyTorch's do: each snippet runs on both and is compared.

Not here: in-place writes and views (test_autograd_inplace.py), custom functions
(test_autograd_function.py), gradients of single operations.
"""

import copy
import gc
import io
import pickle
import threading
import weakref

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()


def leaf(m, *values):
    return m.tensor(values or (1.0, 2.0, 3.0), requires_grad=True)


# ---- backward, grad ----


@case
def accumulates(m):
    x = leaf(m)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    return x.grad, first is x.grad, x.grad is x.grad


@case
def grad_starts_as_none_and_can_be_set(m):
    x = leaf(m)
    before = x.grad
    x.grad = m.ones(3)
    x.sum().backward()
    return (
        before,
        x.grad,
        error_of(lambda: setattr(x, "grad", m.ones(2))),
        error_of(lambda: setattr(x, "grad", 5)),
        error_of(lambda: setattr(x, "grad", m.ones(3, dtype=m.float64))),
        error_of(lambda: setattr(x, "grad", x)),
    )


@case
def grad_deleted(m):
    x = leaf(m)
    x.sum().backward()
    del x.grad
    return x.grad


@case
def vector_loss(m):
    return (leaf(m) * 2).backward()


@case
def vector_loss_with_gradient(m):
    x = leaf(m)
    (x * 2).backward(m.tensor([1.0, 10.0, 100.0]))
    return x.grad


@case
def gradient_of_wrong_shape(m):
    return (leaf(m) * 2).backward(m.ones(2))


@case
def gradient_of_wrong_type(m):
    return (leaf(m) * 2).backward([1.0, 2.0, 3.0])


@case
def gradient_number(m):
    return (leaf(m) * 2).sum().backward(1.0)


@case
def gradient_of_other_dtype(m):
    x = leaf(m)
    (x * 2).backward(m.ones(3, dtype=m.float64))
    return x.grad


@case
def no_grad_needed(m):
    return m.ones(3).sum().backward()


@case
def second_backward(m):
    y = (leaf(m) ** 2).sum()
    y.backward()
    y.backward()


@case
def second_backward_without_saved(m):
    x = leaf(m)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return x.grad


@case
def retain_graph(m):
    x = leaf(m)
    y = (x**2).sum()
    for _ in range(3):
        y.backward(retain_graph=True)
    return x.grad


@case
def shared_part_is_freed(m):
    x = leaf(m)
    h = x.exp()
    h.sum().backward()
    (h * 2).sum().backward()


@case
def third_order(m):
    x = leaf(m)
    y = (x**4).sum()
    results = []
    for _ in range(4):
        (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
        results.append(y.detach())
    return results


@case
def third_order_of_functions(m):
    x = leaf(m, 0.3, 0.7)
    y = (x.sin() * x.exp() + (x * x).tanh() / (1 + x)).sum()
    out = []
    for _ in range(3):
        (g,) = m.autograd.grad(y, x, create_graph=True)
        out.append(g.detach())
        y = g.sum()
    return out


@case
def create_graph_backward(m):
    x = leaf(m)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    flag = g.requires_grad
    x.grad = None
    g.sum().backward()
    return flag, x.grad


@case
def gradient_penalty(m):
    x, w = leaf(m), leaf(m, 0.5, -1.0, 2.0)
    y = (m.tanh(x * w) ** 2).sum()
    (g,) = m.autograd.grad(y, x, create_graph=True)
    ((g.norm() - 1) ** 2).backward()
    return x.grad, w.grad


@case
def grad_of_unused(m):
    x, z = leaf(m), leaf(m)
    y = (x * 2).sum()
    return (
        error_of(lambda: m.autograd.grad(y, [x, z], retain_graph=True)),
        m.autograd.grad(y, [x, z], allow_unused=True, retain_graph=True),
        m.autograd.grad(y, [x, z], materialize_grads=True),
    )


@case
def grad_materialize_and_not_allowed(m):
    x = leaf(m)
    return m.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True)


@case
def grad_of_constant_input(m):
    x = leaf(m)
    return m.autograd.grad(x.sum(), m.ones(3))


@case
def grad_of_constant_output(m):
    return m.autograd.grad(m.ones(3).sum(), leaf(m))


@case
def grad_leaves_alone(m):
    x = leaf(m)
    g = m.autograd.grad((x * x).sum(), x)
    return g, x.grad


@case
def grad_of_middle(m):
    x = leaf(m)
    h = x * 2
    y = (h * h).sum()
    return m.autograd.grad(y, [h, x])


@case
def grad_same_input_twice(m):
    x = leaf(m)
    return m.autograd.grad((x * x).sum(), [x, x])


@case
def grad_of_output_itself(m):
    x = leaf(m)
    y = (x * x).sum()
    return m.autograd.grad(y, [y, x])


@case
def grad_several_outputs(m):
    x = leaf(m)
    return m.autograd.grad([x.sum(), (x * x)], x, [None, m.ones(3) * 3])


@case
def grad_batched(m):
    x = leaf(m)
    return m.autograd.grad(x * x, x, m.eye(3), is_grads_batched=True)


@case
def grad_lengths_differ(m):
    x = leaf(m)
    return m.autograd.grad([x.sum(), x.sum()], x, [None])


@case
def backward_inputs(m):
    x, w = leaf(m), leaf(m)
    (x * w).sum().backward(inputs=[x])
    return x.grad, w.grad


@case
def backward_inputs_middle(m):
    x = leaf(m)
    h = x * 2
    h.retain_grad()
    (h * h).sum().backward(inputs=[h])
    return h.grad, x.grad


@case
def backward_inputs_empty(m):
    return leaf(m).sum().backward(inputs=[])


@case
def backward_several(m):
    x = leaf(m)
    m.autograd.backward([x.sum(), (x * x).sum()], [m.tensor(2.0), None])
    return x.grad


@case
def complex_without_gradient(m):
    x = m.tensor([1 + 2j, 3j], requires_grad=True)
    return (x * x).sum().backward()


@case
def complex_gradient(m):
    x = m.tensor([1 + 2j, 3j], requires_grad=True)
    (x * x).sum().abs().backward()
    return x.grad


@case
def real_through_complex(m):
    x = leaf(m)
    y = x * m.tensor([1j, 1 + 1j, 2.0])
    (y.abs() ** 2).sum().backward()
    return x.grad


@case
def integer_requires_grad(m):
    return m.tensor([1, 2], requires_grad=True)


@case
def requires_grad_of_non_leaf(m):
    y = leaf(m) * 2
    y.requires_grad = False


@case
def broadcast_and_cast(m):
    x, s = leaf(m), m.tensor(2.0, dtype=m.float64, requires_grad=True)
    h = m.ones(2, 1, 3, dtype=m.float16).requires_grad_()
    (x * s * h).sum().backward()
    return x.grad, s.grad, h.grad


@case
def zero_size(m):
    x = m.zeros(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    return x.grad


@case
def expanded_gradient_can_be_written(m):
    x = leaf(m)
    x.sum().backward()
    x.grad += 1
    x.grad[0] = 7
    return x.grad, x.grad.stride()


@case
def gradients_do_not_alias(m):
    x, y = leaf(m), leaf(m)
    (x + y).sum().backward()
    x.grad.zero_()
    g = m.ones(3)
    x.backward(g)
    x.grad.mul_(5)
    return y.grad, g


# ---- identity ----


@case
def node_identity(m):
    y = leaf(m) * 2
    return (
        y.grad_fn is y.grad_fn,
        y.grad_fn.name(),
        [str(n[0].name()) for n in y.grad_fn.next_functions],
    )


@case
def accumulate_identity(m):
    x = leaf(m)
    a = (x * 2).grad_fn.next_functions[0][0]
    b = (x * 3).grad_fn.next_functions[0][0]
    return a is b, a.variable is x, type(a).__name__, a.name()


@case
def attributes_survive(m):
    x = leaf(m)
    x.sum().backward()
    x.grad.mark = "here"
    gc.collect()
    return x.grad.mark


@case
def saved_tensor_keeps_object(m):
    x = leaf(m)
    w = m.ones(3)
    w.tag = 5
    (x * w).sum().backward()
    return w.tag


@case
def subclass_survives(m):
    class Sub(m.Tensor):
        pass

    x = leaf(m)
    x.grad = m.ones(3).as_subclass(Sub)
    gc.collect()
    return type(x.grad).__name__


@case
def weakrefs(m):
    x = m.ones(2)
    r = weakref.ref(x)
    alive = r() is x
    del x
    return alive, r()


@case
def weakref_to_grad(m):
    x = leaf(m)
    x.sum().backward()
    r = weakref.ref(x.grad)
    alive = r() is x.grad
    x.grad = None
    return alive, r()


@case
def cycle_through_attribute(m):
    x = m.ones(2)
    x.me = x
    r = weakref.ref(x)
    del x
    gc.collect()
    return r()


@case
def cycle_through_hook(m):
    x = leaf(m)
    x.register_hook(lambda g, x=x: x)
    r = weakref.ref(x)
    del x
    gc.collect()
    return r()


@case
def tensors_hash_by_identity(m):
    x, y = m.ones(2), m.ones(2)
    return len({x, y, x}), {x: 1}[x], x in {x: 1}


# ---- hooks ----


@case
def tensor_hook_replaces(m):
    x = leaf(m)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    return x.grad


@case
def tensor_hooks_in_order(m):
    x, log = leaf(m), []
    x.register_hook(lambda g: log.append(("a", g.tolist())))
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: log.append(("b", g.tolist())))
    (x * 2).sum().backward()
    return log, x.grad


@case
def hook_removed(m):
    x = leaf(m)
    h = x.register_hook(lambda g: g * 0)
    h.remove()
    h.remove()
    with x.register_hook(lambda g: g * 2):
        pass
    x.sum().backward()
    return x.grad


@case
def hook_removes_itself(m):
    x, log = leaf(m), []
    handles = [
        x.register_hook(lambda g, i=i: (log.append(i), handles[i].remove())[2:] or None)
        for i in range(3)
    ]
    x.sum().backward()
    x.sum().backward()
    return log


@case
def hook_adds_hook(m):
    x, log = leaf(m), []
    x.register_hook(
        lambda g: (log.append("outer"), x.register_hook(lambda g: log.append("inner")))[2:] or None
    )
    x.sum().backward()
    x.sum().backward()
    return log


@case
def hook_of_wrong_kind(m):
    x = leaf(m)
    y = x * 2
    y.register_hook(lambda g: 5)
    return y.sum().backward()


@case
def hook_changes_shape(m):
    x = leaf(m)
    y = x * 2
    y.register_hook(lambda g: g[:2])
    return y.sum().backward()


@case
def hook_on_constant(m):
    return m.ones(2).register_hook(print)


@case
def hook_raises(m):
    x = leaf(m)
    y = x * 2

    def hook(g):
        raise KeyError("mine")

    h = y.register_hook(hook)
    first = error_of(lambda: y.sum().backward())
    h.remove()
    (x * 3).sum().backward()
    return first, x.grad, m.is_grad_enabled()


@case
def hook_sees_grad_mode(m):
    x, log = leaf(m), []
    y = x * 2
    y.register_hook(lambda g: log.append((m.is_grad_enabled(), g.requires_grad)))
    y.sum().backward(retain_graph=True)
    y.sum().backward(create_graph=True)
    return log


@case
def hook_with_create_graph(m):
    x = leaf(m)
    y = x * x
    y.register_hook(lambda g: g * x)
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    return g, m.autograd.grad(g.sum(), x)


@case
def retain_grad_and_hooks(m):
    x = leaf(m)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    y.retain_grad()
    y.sum().backward()
    return y.grad, x.grad, y.retains_grad, x.retains_grad


@case
def retain_grad_accumulates(m):
    y = leaf(m) * 2
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return y.grad


@case
def retain_grad_of_constant(m):
    return m.ones(2).retain_grad()


@case
def grad_of_non_leaf_warns(m):
    y = leaf(m) * 2
    y.sum().backward()
    return y.grad


@case
def node_hooks(m):
    x, log = leaf(m), []
    y = x * x
    show = lambda gs: [None if g is None else g.tolist() for g in gs]  # noqa: E731
    y.grad_fn.register_prehook(lambda out: log.append(("pre", show(out))))
    y.grad_fn.register_hook(lambda i, o: log.append(("post", show(i), show(o))))
    y.sum().backward()
    return log, x.grad


@case
def node_hooks_replace(m):
    x = leaf(m)
    y = x * 3
    y.grad_fn.register_prehook(lambda out: (out[0] * 2,))
    y.grad_fn.register_hook(lambda i, o: (i[0] + 1, None))
    y.sum().backward()
    return x.grad


@case
def node_hook_wrong_count(m):
    y = leaf(m) * 3
    y.grad_fn.register_hook(lambda i, o: (i[0],) * 5)
    return y.sum().backward()


@case
def accumulate_hook(m):
    x, log = leaf(m), []
    node = (x * 1).grad_fn.next_functions[0][0]
    node.register_hook(lambda *a: log.append(x.grad.tolist()))
    (x * 2).sum().backward()
    return log


@case
def post_accumulate(m):
    x, log = leaf(m), []
    h = x.register_post_accumulate_grad_hook(lambda p: log.append((p is x, p.grad.tolist())))
    x.sum().backward()
    x.sum().backward()
    h.remove()
    x.sum().backward()
    return log, error_of(lambda: (x * 2).register_post_accumulate_grad_hook(print))


@case
def post_accumulate_sets_grad_to_none(m):
    x = leaf(m)

    def step(p):
        with m.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * x).sum().backward()
    return x, x.grad


@case
def leaf_hooks_run_with_grad(m):
    x, log = leaf(m), []
    x.register_hook(lambda g: log.append(g.tolist()) or g * 2)
    g = m.autograd.grad((x * x).sum(), x)
    return g, log


@case
def backward_in_a_hook(m):
    x, z = leaf(m), leaf(m)
    y = x * 2

    def hook(g):
        with m.enable_grad():
            (z * x.detach()).sum().backward()

    y.register_hook(hook)
    y.sum().backward()
    return x.grad, z.grad


@case
def backward_of_the_same_graph_in_a_hook(m):
    x = leaf(m)
    y = (x * x).sum()
    z = y * 2
    z.register_hook(lambda g: y.backward(retain_graph=True))
    z.backward()
    return x.grad


@case
def queue_callback(m):
    x, log = leaf(m), []
    engine = m.autograd.Variable._execution_engine
    x.register_hook(lambda g: engine.queue_callback(lambda: log.append(x.grad.tolist())))
    x.sum().backward()
    return log


@case
def gradient_edge(m):
    y = leaf(m) * 2
    e = m.autograd.graph.get_gradient_edge(y)
    return e.node is y.grad_fn, e.output_nr, error_of(m.autograd.graph.get_gradient_edge, m.ones(2))


# ---- modes ----


@case
def no_grad_block(m):
    x = leaf(m)
    with m.no_grad():
        y = x * 2
        with m.enable_grad():
            z = x * 2
        inner = m.is_grad_enabled()
    return y, z, inner, m.is_grad_enabled()


@case
def modes_as_decorators(m):
    x = leaf(m)

    @m.no_grad()
    def f():
        return x * 2

    @m.no_grad
    def g():
        return x * 3

    @m.enable_grad()
    def h():
        return x * 4

    @m.set_grad_enabled(False)
    def k():
        return x * 5

    @m.inference_mode()
    def i():
        return (x * 6).is_inference()

    with m.no_grad():
        r = h()
    return f(), g(), r, k(), i(), f.__name__, m.is_grad_enabled()


@case
def no_grad_generator(m):
    x = leaf(m)

    @m.no_grad()
    def gen():
        try:
            got = yield (x * 2).requires_grad
        except ValueError:
            got = "thrown"
        yield got, (x * 2).requires_grad

    g, h = gen(), gen()
    first = next(g)
    between = (x * 2).requires_grad
    next(h)
    return first, between, g.send("hello"), h.throw(ValueError()), m.is_grad_enabled()


@case
def set_grad_enabled(m):
    m.set_grad_enabled(False)
    off = m.is_grad_enabled()
    m.set_grad_enabled(True)
    with m.set_grad_enabled(False):
        inside = m.is_grad_enabled()
    return off, inside, m.is_grad_enabled()


@case
def mode_restored_after_error(m):
    try:
        with m.no_grad():
            raise ValueError
    except ValueError:
        pass
    return m.is_grad_enabled()


@case
def inference(m):
    x = leaf(m)
    with m.inference_mode():
        a = m.ones(3)
        b = x * 2
        v = x.view(3)
        flags = a.is_inference(), b.is_inference(), v.is_inference(), m.is_inference_mode_enabled()
        a.add_(1)
    with m.inference_mode(False):
        c = x * 2
    return (
        flags,
        c,
        error_of(lambda: a.add_(1)),
        error_of(lambda: (x * a).sum()),
        error_of(lambda: a.requires_grad_()),
        (b.clone() * x),
        b + 1,
        error_of(lambda: a._version),
    )


@case
def modes_are_per_thread(m):
    seen = []
    with m.no_grad():
        t = threading.Thread(target=lambda: seen.append(m.is_grad_enabled()))
        t.start()
        t.join()
    return seen


@case
def anomaly_nan(m):
    x = m.tensor([-1.0], requires_grad=True)
    with m.autograd.detect_anomaly():
        y = x.sqrt().sum()
        return y.backward()


@case
def anomaly_without_nan_check(m):
    x = m.tensor([-1.0], requires_grad=True)
    with m.autograd.set_detect_anomaly(True, check_nan=False):
        x.sqrt().sum().backward()
    return x.grad, m.is_anomaly_enabled()


@case
def anomaly_restored(m):
    with m.autograd.set_detect_anomaly(True):
        inside = m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()
    m.autograd.set_detect_anomaly(False)
    return inside, m.is_anomaly_enabled()


# ---- saved tensors, checkpoint ----


@case
def saved_hooks(m):
    x, log = leaf(m), []

    def pack(t):
        log.append(("pack", tuple(t.shape)))
        return t.tolist()

    def unpack(v):
        log.append("unpack")
        return m.tensor(v)

    with m.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = x * x
    y.sum().backward()
    return log, x.grad


@case
def saved_hooks_unpack_wrong(m):
    x = leaf(m)
    with m.autograd.graph.saved_tensors_hooks(lambda t: t, lambda v: 5):
        y = x * x
    return y.sum().backward()


@case
def saved_hooks_raise(m):
    x = leaf(m)

    def pack(t):
        raise KeyError("pack")

    with m.autograd.graph.saved_tensors_hooks(pack, lambda v: v):
        return x * x


@case
def saved_hooks_nest(m):
    x, log = leaf(m), []

    def hooks(name):
        return m.autograd.graph.saved_tensors_hooks(
            lambda t: log.append("pack " + name) or t, lambda t: log.append("unpack " + name) or t
        )

    with hooks("outer"):
        a = x.exp()
        with hooks("inner"):
            b = a.sin()
        c = b.tanh()
    c.sum().backward()
    return log, x.grad


@case
def save_on_cpu(m):
    x = leaf(m)
    with m.autograd.graph.save_on_cpu():
        y = (x * x).exp()
    y.sum().backward()
    return x.grad


@case
def checkpoint(m):
    from importlib import import_module

    checkpoint = import_module(m.__name__ + ".utils.checkpoint").checkpoint
    x, w, calls = leaf(m), leaf(m), []

    def f(a, k=1):
        calls.append(m.is_grad_enabled())
        return (a * w).sin() * k

    out = []
    for reentrant in (False, True):
        y = checkpoint(f, x, use_reentrant=reentrant)
        y.sum().backward()
        out.append((x.grad.tolist(), w.grad.tolist()))
    return out, len(calls)


@case
def checkpoint_dropout(m):
    from importlib import import_module

    checkpoint = import_module(m.__name__ + ".utils.checkpoint").checkpoint
    x = m.ones(20, requires_grad=True)
    y = checkpoint(lambda a: m.nn.functional.dropout(a, 0.5), x, use_reentrant=False)
    y.sum().backward()
    return y.tolist(), x.grad


# ---- copies ----


@case
def deepcopies(m):
    x = leaf(m)
    x.tag = [1]
    x.sum().backward()
    y = copy.deepcopy(x)
    p = copy.deepcopy(m.nn.Parameter(m.ones(2), requires_grad=False))
    pair = copy.deepcopy([x, x.detach()[1:]])
    pair[0].data[1] = 50.0
    return (
        y,
        y.grad,
        y.tag,
        y.tag is x.tag,
        type(p).__name__,
        p,
        pair,
        error_of(lambda: copy.deepcopy(x * 2)),
    )


@case
def copies(m):
    x = leaf(m)
    x.tag = 5
    y = copy.copy(x)
    return y, y.tag, y is x, y.data_ptr() == x.data_ptr()


@case
def pickles(m):
    x = leaf(m)
    p = m.nn.Parameter(m.ones(2, 2))
    back = pickle.loads(pickle.dumps([x, p, x.detach()[1:], m.Size([2])]))
    return [back[0], type(back[1]).__name__, back[1], *back[2:]]


@case
def saves(m):
    f = io.BytesIO()
    m.save({"a": leaf(m), "b": m.nn.Parameter(m.ones(2))}, f)
    f.seek(0)
    return m.load(f)


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    twin(CASES[name])


# ---- size, threads, memory: rushlight alone ----


def rss():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


def test_deep_graphs():
    x = rushlight.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    y = x
    for _ in range(100_000):
        y = y.sin()
    del y  # destroyed without backward


def test_deep_python_functions():
    class Same(rushlight.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x + 0

        @staticmethod
        def backward(ctx, g):
            return g

    x = rushlight.ones(1, requires_grad=True)
    for done in (True, False):
        y = x
        for _ in range(20_000):
            y = Same.apply(y)
        if done:
            y.backward()
    del y
    assert x.grad.item() == 1


def test_deep_gradients():
    first = rushlight.ones(1)
    x = first
    for _ in range(100_000):
        x.grad = rushlight.ones(1)
        x = x.grad
    del x, first


def test_threads():
    w = rushlight.ones(300, 300, requires_grad=True)
    errors = []

    def work():
        try:
            for _ in range(30):
                ((w @ w).tanh() * w).sum().backward()
        except Exception as e:  # noqa: BLE001
            errors.append(e)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    total, w.grad = w.grad, None
    ((w @ w).tanh() * w).sum().backward()
    assert rushlight.allclose(total, w.grad * 120, rtol=1e-3)


def test_threads_over_one_graph():
    w = rushlight.ones(200, 200, requires_grad=True)
    h = (w * 2).tanh()
    y = (h @ h).sum()

    def hook(g):
        import time

        time.sleep(0.001)

    h.register_hook(hook)
    threads = [threading.Thread(target=lambda: y.backward(retain_graph=True)) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    total, w.grad = w.grad, None
    y.backward()
    assert rushlight.allclose(total, w.grad * 6)


def test_cycles_are_collected():
    m = rushlight

    class Keeps(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.out = [x * 2]
            return ctx.out[0]

    def by_attribute():
        x = m.ones(2)
        x.me = x
        return x

    def by_hook():
        y = m.ones(2, requires_grad=True) * 2
        y.register_hook(lambda g, y=y: y)
        y.grad_fn.register_hook(lambda i, o, y=y: None)
        return y

    def by_grad():
        x = m.ones(2, requires_grad=True)
        x.grad = m.ones(2)
        x.grad.owner = x
        return x

    for make in (
        by_attribute,
        by_hook,
        by_grad,
        lambda: Keeps.apply(m.ones(2, requires_grad=True)),
    ):
        r = weakref.ref(make())
        gc.collect()
        assert r() is None


def leaks(step, n=3000, warm=300):
    """Bytes that n calls leave behind."""
    for _ in range(warm):
        step()
    gc.collect()
    before, used = rss(), rushlight._C._memory_stats()[0]
    for _ in range(n):
        step()
    gc.collect()
    return rss() - before, rushlight._C._memory_stats()[0] - used


def check_leaks(step, n=3000):
    grown, used = leaks(step, n)
    assert used == 0 and grown < 2_000_000


def test_no_leak_in_training():
    m = rushlight
    model = m.nn.Sequential(m.nn.Linear(8, 16), m.nn.ReLU(), m.nn.Dropout(0.1), m.nn.Linear(16, 4))
    optimizer = m.optim.Adam(model.parameters())
    x, y = m.randn(5, 8), m.tensor([0, 1, 2, 3, 0])

    def step():
        optimizer.zero_grad()
        m.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    check_leaks(step, 10_000)


def test_no_leak_without_backward():
    class Exp(rushlight.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[1]

    x = rushlight.ones(100, requires_grad=True)
    check_leaks(lambda: Exp.apply(x).sum())
    check_leaks(lambda: Exp.apply(x).sum().backward())
    check_leaks(lambda: (x.exp() * x).view(10, 10)[2].mul_(3))


def test_no_leak_in_errors_and_hooks():
    x = rushlight.ones(100, requires_grad=True)

    def failing():
        y = x * 2
        y.register_hook(lambda g: 1 / 0)
        y.retain_grad()
        assert error_of(y.sum().backward) == "ZeroDivisionError: division by zero"

    def wrong():
        error_of(lambda: x @ rushlight.ones(3, 3))
        error_of(lambda: x.sum(dim=[0, 5]))
        error_of(lambda: x + "a")

    def higher():
        (g,) = rushlight.autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()

    for step in (failing, wrong, higher):
        check_leaks(step, 1500)
