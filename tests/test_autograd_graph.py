"""Nodes, hooks, saved tensors and copies: the graph as a Python program sees it, compared with PyTorch's.

Not here: gradients and modes (test_autograd.py).
"""

import copy
import gc
import io
import pickle
import weakref

import pytest
import torch as oracle
from twin import error_of, table, twin

import rushlight as torch

CASES, case = table()


def leaf(m, *values):
    return m.tensor(values or (1.0, 2.0, 3.0), requires_grad=True)


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


# ---- saved tensors, checkpoint ----


@case
def gradients_of_edges(m):
    edge = m.autograd.graph.get_gradient_edge
    x = leaf(m)
    y = x * 2
    made = edge(y)
    return (
        m.autograd.grad(made, x, m.ones(3), retain_graph=True)[0].tolist(),
        m.autograd.grad((y * y).sum(), [made, x], retain_graph=True)[0].tolist(),
        m.autograd.backward([made, edge(y.sum())], [m.ones(3), None], retain_graph=True),
        m.autograd.grad(edge((y * 1).sum()), edge(x))[0].tolist(),
        x.grad.tolist(),
        error_of(m.autograd.grad, made, x),
        error_of(m.autograd.grad, made, x, m.ones(2)),
    )


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


# ---- gradients that nobody asked for are not computed ----

PARTS = {
    "mul": (lambda m, a, b: a * b, (3,), (3,)),
    "mm": (lambda m, a, b: a @ b, (3, 4), (4, 5)),
    "addmm": (lambda m, a, b, c: m.addmm(a, b, c), (3, 5), (3, 4), (4, 5)),
    "conv2d": (lambda m, x, w: m.nn.functional.conv2d(x, w), (1, 2, 5, 5), (3, 2, 3, 3)),
    "layer_norm": (lambda m, x, w: m.nn.functional.layer_norm(x, (4,), w), (3, 4), (4,)),
}


@pytest.mark.parametrize("name", PARTS)
def test_only_what_is_asked_for(name):
    make, *sizes = PARTS[name]

    def run(library):
        seen = []
        inputs = [library.ones(size, requires_grad=True) for size in sizes]
        for asked in inputs:
            for backward in (False, True):
                y = make(library, *inputs)
                y.grad_fn.register_hook(lambda got, _: seen.append([g is not None for g in got]))
                if backward:
                    y.sum().backward(inputs=[asked])
                else:
                    library.autograd.grad(y.sum(), asked)
        return seen, [i.grad.tolist() for i in inputs]

    assert run(torch) == run(oracle)
