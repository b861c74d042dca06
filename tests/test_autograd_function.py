"""Custom autograd.Functions and __torch_function__ do what PyTorch's do, in results and errors.

Not here: the engine's own behaviour (test_autograd.py).
"""

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()


def leaf(m, *values):
    return m.tensor(values or (1.0, 2.0, 3.0), requires_grad=True)


def make(m, forward, backward, **more):
    body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    body.update({k: staticmethod(v) for k, v in more.items()})
    return type("F", (m.autograd.Function,), body)


def exp(m):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    return make(m, forward, lambda ctx, g: g * ctx.saved_tensors[0])


@case
def saved_output(m):
    x = leaf(m)
    y = exp(m).apply(x)
    y.sum().backward()
    return y, x.grad, type(y.grad_fn).__name__, y.grad_fn.name(), y.is_leaf


@case
def saved_output_second_order(m):
    x = leaf(m)
    y = exp(m).apply(x)
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = m.autograd.grad(g.sum(), x, create_graph=True)
    return g.detach(), h.detach(), m.autograd.grad(h.sum(), x)[0]


@case
def second_backward(m):
    y = exp(m).apply(leaf(m)).sum()
    y.backward()
    return error_of(y.backward)


@case
def second_backward_without_saved(m):
    x = leaf(m)
    y = make(m, lambda ctx, x: x * 2, lambda ctx, g: g * 2).apply(x)
    y.backward(m.ones(3))
    y.backward(m.ones(3))
    return x.grad


@case
def saved_input_modified(m):
    w = m.ones(3)
    F = make(
        m,
        lambda ctx, x, w: (ctx.save_for_backward(w), x * w)[1],
        lambda ctx, g: (g * ctx.saved_tensors[0], None),
    )
    y = F.apply(leaf(m), w)
    w.add_(1)
    return y.sum().backward()


@case
def saved_output_modified(m):
    y = exp(m).apply(leaf(m))
    y.add_(1)
    return error_of(y.sum().backward).replace("of FBackward", "of F")


@case
def arguments(m):
    log = []

    def forward(ctx, x, k, w, name):
        log.append((ctx.needs_input_grad, m.is_grad_enabled(), x.requires_grad))
        ctx.k = k
        ctx.save_for_backward(x, None, w)
        return x * k

    def backward(ctx, g):
        x, none, w = ctx.saved_tensors
        log.append((ctx.needs_input_grad, none, w.tolist(), m.is_grad_enabled()))
        return g * ctx.k, None, None, None

    x = leaf(m)
    make(m, forward, backward).apply(x, 3.0, m.ones(1), "text").sum().backward()
    return x.grad, log


@case
def keyword_argument(m):
    return make(m, lambda ctx, x, k=1: x * k, lambda ctx, g: g).apply(leaf(m), k=2)


@case
def several_outputs(m):
    x = leaf(m)
    F = make(m, lambda ctx, x: (x * 2, x * 3), lambda ctx, a, b: a * 2 + b * 3)
    a, b = F.apply(x)
    (a * 1 + b * 10).sum().backward()
    return a.output_nr, b.output_nr, a.grad_fn is b.grad_fn, x.grad


@case
def outputs_that_are_no_tensors(m):
    x = leaf(m)
    F = make(m, lambda ctx, x: (x * 2, 5, None, "s"), lambda ctx, g, *rest: g * 2 + len(rest) * 0)
    a, *rest = F.apply(x)
    a.sum().backward()
    return a, rest, x.grad


@case
def list_output(m):
    return make(m, lambda ctx, x: [x * 2], lambda ctx, g: g).apply(leaf(m))


@case
def number_output(m):
    return make(m, lambda ctx, x: 5, lambda ctx, g: g).apply(leaf(m))


@case
def materialized(m):
    log = []

    def backward(ctx, a, b):
        log.append([None if g is None else g.tolist() for g in (a, b)])
        return a

    for on in (True, False):
        F = make(
            m, lambda ctx, x, on=on: (ctx.set_materialize_grads(on), (x * 2, x.sum()))[1], backward
        )
        F.apply(leaf(m))[0].sum().backward()
    return log


@case
def non_differentiable(m):
    def forward(ctx, x):
        y, i = x * 2, x.argmax()
        z = x * 5
        ctx.mark_non_differentiable(i, z)
        return y, i, z

    x = leaf(m)
    y, i, z = make(m, forward, lambda ctx, g, gi, gz: g * 2).apply(x)
    y.sum().backward()
    return y, i, z, x.grad


@case
def integer_output(m):
    x = leaf(m)
    y, i = make(m, lambda ctx, x: (x * 2, x.argmax()), lambda ctx, g, gi: g * 2).apply(x)
    y.sum().backward()
    return i, x.grad


@case
def dirty(m):
    def forward(ctx, x):
        x.add_(1)
        ctx.mark_dirty(x)
        return x

    F = make(m, forward, lambda ctx, g: g * 7)
    x = leaf(m)
    y = x * 1
    z = F.apply(y)
    z.sum().backward()
    return z is y, y, y._version, x.grad, error_of(F.apply, leaf(m)), F.apply(m.ones(2))


@case
def dirty_view(m):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    x = leaf(m)
    y = x * 1
    make(m, forward, lambda ctx, g: g * 2).apply(y[:2])
    y.sum().backward()
    return y.tolist(), x.grad


@case
def dirty_not_returned(m):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x * 2

    return make(m, forward, lambda ctx, g: g).apply(leaf(m) * 1)


@case
def input_returned(m):
    x = leaf(m)
    y = make(m, lambda ctx, x: x, lambda ctx, g: g * 2).apply(x)
    y.sum().backward()
    return y is x, y, x.grad, y.data_ptr() == x.data_ptr()


@case
def view_returned(m):
    x = leaf(m)
    y = make(m, lambda ctx, x: x[1:], lambda ctx, g: m.cat([g[:1] * 0, g])).apply(x)
    y.sum().backward()
    return y, x.grad


@case
def nothing_needs_grad(m):
    y = exp(m).apply(m.ones(3))
    with m.no_grad():
        z = exp(m).apply(leaf(m))
    return y, z


@case
def too_few_gradients(m):
    F = make(m, lambda ctx, x, y: x * y, lambda ctx, g: g)
    return F.apply(leaf(m), leaf(m)).sum().backward()


@case
def too_many_gradients(m):
    F = make(m, lambda ctx, x: x * 1, lambda ctx, g: (g, g))
    return F.apply(leaf(m)).sum().backward()


@case
def trailing_nones(m):
    x = leaf(m)
    make(m, lambda ctx, x: x * 1, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    return x.grad


@case
def gradient_of_wrong_type(m):
    return make(m, lambda ctx, x: x * 1, lambda ctx, g: 5).apply(leaf(m)).sum().backward()


@case
def gradient_of_wrong_shape(m):
    return make(m, lambda ctx, x: x * 1, lambda ctx, g: g[:2]).apply(leaf(m)).sum().backward()


@case
def gradient_is_reduced(m):
    x = leaf(m)
    make(m, lambda ctx, x: x * 1, lambda ctx, g: g.expand(2, 3)).apply(x).sum().backward()
    return x.grad


@case
def gradient_for_a_number(m):
    F = make(m, lambda ctx, x, k: x * k, lambda ctx, g: (g, g))
    return F.apply(leaf(m), 2.0).sum().backward()


@case
def none_as_gradient(m):
    x = leaf(m)
    make(m, lambda ctx, x: x * 1, lambda ctx, g: None).apply(x).sum().backward()
    return x.grad


@case
def forward_raises(m):
    def forward(ctx, x):
        raise LookupError("forward")

    return error_of(make(m, forward, lambda ctx, g: g).apply, leaf(m)), m.is_grad_enabled()


@case
def backward_raises(m):
    def backward(ctx, g):
        raise LookupError("backward")

    x = leaf(m)
    y = make(m, lambda ctx, x: x * 1, backward).apply(x).sum()
    first = error_of(y.backward)
    (x * 2).sum().backward()
    return first, x.grad, m.is_grad_enabled()


@case
def no_backward(m):
    F = type("F", (m.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 1)})
    return F.apply(leaf(m)).sum().backward()


@case
def no_forward(m):
    return type("F", (m.autograd.Function,), {}).apply(leaf(m))


@case
def not_instantiated(m):
    F = exp(m)
    return F()(leaf(m))


@case
def setup_context(m):
    def setup(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output)
        ctx.k = inputs[1]

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y * ctx.k / x * 0 + g, None

    x = leaf(m)
    make(m, lambda x, k: x * k, backward, setup_context=setup).apply(x, 2).sum().backward()
    return x.grad


@case
def once(m):
    from importlib import import_module

    once = import_module(m.__name__ + ".autograd.function").once_differentiable
    x = leaf(m)
    F = make(
        m,
        lambda ctx, x: (ctx.save_for_backward(x), x * x)[1],
        once(lambda ctx, g: g * 2 * ctx.saved_tensors[0]),
    )
    (g,) = m.autograd.grad(F.apply(x).sum(), x, create_graph=True)
    return g.detach(), g.requires_grad, error_of(g.sum().backward)


@case
def save_no_tensor(m):
    F = make(m, lambda ctx, x: (ctx.save_for_backward(5), x * 1)[1], lambda ctx, g: g)
    return F.apply(leaf(m))


@case
def node_of_function(m):
    x, log = leaf(m), []
    h = x * 2
    y = exp(m).apply(h)
    n = y.grad_fn
    n.metadata["a"] = 1
    n.register_hook(lambda i, o: log.append(("post", len(i), len(o))))
    n.register_prehook(lambda o: log.append(("pre", len(o))))
    y.sum().backward()
    return (
        n is y.grad_fn,
        n.next_functions[0][0] is h.grad_fn,
        n.next_functions[0][1],
        log,
        n.metadata,
    )


@case
def hooks_on_outputs(m):
    x = leaf(m)
    y = exp(m).apply(x)
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    y.sum().backward()
    return y.grad, x.grad


@case
def saved_hooks_apply(m):
    log = []
    with m.autograd.graph.saved_tensors_hooks(
        lambda t: log.append("pack") or t, lambda t: log.append("unpack") or t
    ):
        y = exp(m).apply(leaf(m))
    y.sum().backward()
    return log


@case
def inner_graph_in_backward(m):
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        with m.enable_grad():
            d = x.detach().requires_grad_()
            (r,) = m.autograd.grad((d**3).sum(), d)
        return g * r

    x = leaf(m)
    make(m, lambda ctx, x: (ctx.save_for_backward(x), x**3)[1], backward).apply(x).sum().backward()
    return x.grad


@case
def inside_a_module(m):
    F = exp(m)

    class Layer(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = m.nn.Parameter(m.ones(3))

        def forward(self, x):
            return F.apply(x * self.w)

    layer = Layer()
    layer(leaf(m)).sum().backward()
    return layer.w.grad


# ---- __torch_function__ ----


def logged(m, log):
    class Sub(m.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            log.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs or {})

    return Sub


@case
def subclass_results(m):
    class Sub(m.Tensor):
        pass

    x = m.ones(3).as_subclass(Sub)
    y = m.ones(3) + x
    a, b = (x * 2).split([1, 2])
    return [
        type(t).__name__
        for t in (
            y,
            x + 1,
            1 + x,
            -x,
            x[0],
            a,
            b,
            x.sum(),
            m.add(x, x),
            m.stack([x, x]),
            x.clone(),
            x.max(dim=0).values,
        )
    ] + [type(x.tolist()).__name__, type(x.shape).__name__, repr(x), isinstance(x, m.Tensor)]


@case
def subclass_in_place(m):
    class Sub(m.Tensor):
        pass

    x = m.ones(3).as_subclass(Sub)
    y = x
    y += 1
    x[0] = 9
    return y is x, type(y).__name__, x.tolist()


@case
def subclass_grad(m):
    class Sub(m.Tensor):
        pass

    x = Sub([1.0, 2.0])
    x.requires_grad_()
    (x * x).sum().backward()
    return type(x.grad).__name__, x.grad.tolist()


@case
def overrides_see_calls(m):
    log = []
    x = m.ones(3).as_subclass(logged(m, log))
    m.sum(x)
    x.sum()
    x.exp()
    m.matmul(x, x)
    m.nn.functional.relu(x)
    return log


@case
def foreign_type(m):
    class Foreign:
        def __init__(self, x):
            self.x = x

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            args = [a.x if isinstance(a, Foreign) else a for a in args]
            return cls(func(*args, **(kwargs or {})))

    f = Foreign(m.ones(2))
    return m.add(f, 1).x, m.mean(f).x, m.add(m.ones(2), f).x, (m.ones(2) + f).x


@case
def not_implemented(m):
    class Foreign:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    return m.add(m.ones(2), Foreign())


@case
def override_raises(m):
    class Foreign:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise LookupError("hostile")

    f = Foreign()
    return [
        error_of(call)
        for call in (
            lambda: m.add(f, 1),
            lambda: m.ones(2) + f,
            lambda: m.cat([m.ones(1), f]),
            lambda: m.sum(f),
        )
    ]


@case
def override_recurses(m):
    class Foreign:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    return error_of(lambda: m.add(Foreign(), 1)).split(":")[0]


@case
def disabled(m):
    log = []
    x = m.ones(3).as_subclass(logged(m, log))
    with m._C.DisableTorchFunctionSubclass():
        y = x + 1
    return log, type(y).__name__


@case
def parameter_results_are_tensors(m):
    p = m.nn.Parameter(m.ones(3))
    return [
        type(t).__name__ for t in (p + 1, p[0], p.clone(), p.detach(), p.data, p.view(3))
    ], isinstance(p, m.nn.Parameter)


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    twin(CASES[name])


def test_pretending_to_be_a_context():
    for hostile in (5, None, "x", object(), rushlight.ones(1)):
        for call in (
            lambda h=hostile: rushlight._C._saved_tensors(h),
            lambda h=hostile: rushlight._C._node_add_pre_hook(h, print),
            lambda h=hostile: rushlight._C._record_function(h, "n", (), (), (), (), ()),
        ):
            with pytest.raises((TypeError, RuntimeError)):
                call()
    node = rushlight._C.Node()
    for use in (
        node.name,
        lambda: node.next_functions,
        lambda: node.metadata,
        lambda: node(rushlight.ones(1)),
    ):
        with pytest.raises(RuntimeError):
            use()
