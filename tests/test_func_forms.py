"""torch.func: all options and mistakes of each transform, each snippet run with both libraries.

Values of derivatives in general are in test_func.py.
"""

import warnings

import pytest
from twin import error_of, table, twin

CASES, case = table()


def x(m):
    return m.tensor([0.5, -1.0, 2.0])


def matrix(m):
    return m.arange(6.0).reshape(2, 3) / 4


# --- vmap ----------------------------------------------------------------------------------------


@case
def dimensions(m):
    a, b = matrix(m), m.arange(12.0).reshape(2, 3, 2)
    v = m.func.vmap
    return [
        v(m.sin)(a), v(m.dot, in_dims=(1, 1))(a, a), v(m.dot, in_dims=(0, None))(a, x(m)),
        v(lambda t: t * 2, out_dims=1)(a), v(lambda t: t * 2, -1, -1)(b),
        v(lambda t: (t, t.sum()), out_dims=(1, 0))(a), v(lambda t: t.sum(), out_dims=(0,))(a),
        v(lambda d: d["a"] * d["b"][0], in_dims=({"a": 0, "b": [1]},))({"a": x(m), "b": [a]}),
        v(lambda d: d["a"] * d["b"][0], in_dims=(0,))({"a": a, "b": [a]}),
        v(lambda t, k: t * k, in_dims=(0, None))(a, 3), v(lambda t, k=1: t * k)(a, k=4),
        v(v(m.mul, in_dims=(None, 0)), in_dims=(0, None))(x(m), x(m)),
        v(lambda t: {"u": t, "w": [t.sum()]}, out_dims={"u": 1, "w": [0]})(a),
        v(lambda t: {"u": t, "w": [t.sum()]})(a), v(lambda t: m.ones(2))(a),
        v(lambda p, q: p[0] + q, in_dims=((0, None), 0))((a, 1), a),
    ]  # fmt: skip


@case
def in_chunks(m):
    a = m.arange(15.0).reshape(5, 3)
    return [m.func.vmap(lambda t: (t.sum(), t * 2), chunk_size=k)(a) for k in (1, 2, 5, 9, None)]


@case
def randomness(m):
    a, found = m.zeros(4, 2), []
    for kind in ("same", "different"):
        m.manual_seed(0)
        found.append(m.func.vmap(lambda t: t + m.rand(2), randomness=kind)(a))
        found.append(m.rand(1))
    message = error_of(m.func.vmap(lambda t: t + m.rand(2)), a)
    dropout = error_of(m.func.vmap(lambda t: m.nn.functional.dropout(t, 0.5)), a)
    return [*found, message[:70], dropout[:70], m.func.vmap(lambda t: t + 1)(a)]


@case
def gradients_through_vmap(m):
    a = matrix(m).requires_grad_()
    out = m.func.vmap(lambda t: (t**2).sum() * t[0])(a)
    out.sum().backward()
    jac = m.func.vmap(m.func.jacrev(lambda t: t**3))(matrix(m))
    return [a.grad, jac]


@case
def mistakes_of_vmap(m):
    a, v = matrix(m), m.func.vmap

    def f(*args, **kwargs):
        return args[0]

    def two(t):
        return t, t

    def number(t):
        return 3

    return [
        error_of(v(f)), error_of(v(f, in_dims=None), a), error_of(v(f, in_dims=[0]), a),
        error_of(v(f, in_dims="a"), a), error_of(v(f, in_dims=(0, 0)), a), error_of(v(f), 3),
        error_of(v(f, in_dims=(None,)), a), error_of(v(f, in_dims=(5,)), a),
        error_of(v(f, in_dims=(-3,)), a), error_of(v(f), a, a[:1]), error_of(v(f), a, 3),
        error_of(v(f, in_dims=((0, 0),)), a), error_of(v(f, in_dims=("a",)), a),
        error_of(v(f, out_dims="a"), a), error_of(v(f, out_dims=(0, 0)), a),
        error_of(v(two, out_dims=(0,)), a), error_of(v(two, out_dims=(0, 0, 0)), a),
        error_of(v(number), a), error_of(lambda: v(f, randomness="some")(a)),
        error_of(lambda: v(f, chunk_size=0)(a)), error_of(v(f), a.sum()),
    ]  # fmt: skip


# --- derivatives ---------------------------------------------------------------------------------


@case
def options_of_grad(m):
    f = m.func
    pair = lambda a, b: (a * b.sin()).sum()  # noqa: E731
    tree = lambda d: (d["a"] ** 2).sum() * d["b"][0]  # noqa: E731
    aux = lambda a: ((a**2).sum(), {"twice": a * 2})  # noqa: E731
    given = {"a": x(m), "b": [m.tensor(3.0)]}
    return [
        f.grad(pair)(x(m), x(m)), f.grad(pair, argnums=1)(x(m), x(m)),
        f.grad(pair, argnums=(0, 1))(x(m), x(m)), f.grad(pair, argnums=-1)(x(m), x(m)),
        f.grad(tree)(given), f.grad(aux, has_aux=True)(x(m)), f.grad_and_value(pair)(x(m), x(m)),
        f.grad_and_value(aux, has_aux=True)(x(m)), f.grad(lambda a, *, k: (a * k).sum())(x(m), k=2),
    ]  # fmt: skip


@case
def options_of_jacobians(m):
    f, found = m.func, []
    two = lambda a, b: (a * b, (a + b).sum())  # noqa: E731
    aux = lambda a: (a**2, a.sum())  # noqa: E731
    tree = lambda d: {"u": d["a"] ** 2}  # noqa: E731
    for jac in (f.jacrev, f.jacfwd):
        found += [
            jac(two)(x(m), x(m)), jac(two, argnums=(0, 1))(x(m), x(m)),
            jac(aux, has_aux=True)(x(m)), jac(tree)({"a": x(m)}),
            jac(lambda a: a.sum())(matrix(m)), jac(jac(lambda a: a**3))(x(m)),
        ]  # fmt: skip
    found.append(f.hessian(lambda a, b: (a**2 * b).sum(), argnums=(0, 1))(x(m), x(m)))
    found.append(f.jacrev(m.sin, chunk_size=2)(x(m)))
    return [*found, f.hessian(lambda a: (a**3).sum())(x(m))]


@case
def options_of_products(m):
    f = m.func
    out, pull, aux = f.vjp(lambda a: (a.sin(), {"n": a.sum()}), x(m), has_aux=True)
    both = f.vjp(lambda a, b: (a * b, a.sum()), x(m), x(m))
    pushed = f.jvp(lambda a, b: {"s": a * b}, (x(m), x(m)), (x(m), x(m)))
    aside = f.jvp(lambda a: (a * 2, a.sum()), (x(m),), (x(m),), has_aux=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's about its own tracing
        value, linear = f.linearize(lambda a, b: (a * b.exp(), a.sum()), x(m), x(m))
    return [
        out, pull(x(m)), aux, both[0], both[1]((x(m), m.tensor(1.0))), pushed, aside, value,
        linear(x(m), x(m)), linear(x(m) * 2, x(m)), f.jvp(lambda a: m.ones(2), (x(m),), (x(m),)),
    ]  # fmt: skip


@case
def mistakes_of_derivatives(m):
    f, a = m.func, x(m)
    total = lambda t: t.sum()  # noqa: E731
    same = lambda t: t * 2  # noqa: E731
    none = lambda t: None  # noqa: E731
    text = lambda t: "a"  # noqa: E731
    return [
        error_of(f.grad(same), a), error_of(f.grad(text), a), error_of(f.grad(total), 3.0),
        error_of(f.grad(total, argnums=1), a), error_of(f.grad(total, argnums=-2), a),
        error_of(f.grad(total, argnums="a"), a), error_of(f.grad(total, argnums=()), a),
        error_of(f.grad(total, argnums=(0, 0)), a), error_of(f.grad(total, has_aux=True), a),
        error_of(f.grad_and_value(total, has_aux=True), a), error_of(f.grad(total, (0, "a")), a),
        error_of(f.vjp, none, a), error_of(f.vjp, text, a), error_of(f.vjp, total, 3),
        error_of(lambda: f.vjp(total, a, has_aux=True)), error_of(f.vjp(same, a)[1], (a, a)),
        error_of(f.vjp, lambda t: t.long(), a), error_of(f.jacrev(none), a),
        error_of(f.jacrev(text), a), error_of(f.jacrev(total, argnums=3), a),
        error_of(lambda: f.jacrev(total, chunk_size=0)(a)), error_of(f.jvp, total, a, a),
        error_of(f.jvp, total, (a,), a), error_of(f.jvp, total, (a,), (a, a)),
        error_of(f.jvp, total, (), ()), error_of(f.jvp, text, (a,), (a,)),
        error_of(lambda: f.jvp(total, (a,), (a,), has_aux=True)),
        error_of(lambda: f.jvp(lambda t: m.ones(2), (a,), (a,), strict=True)),
        error_of(lambda: f.functionalize(total, remove="all")(a)),
    ]  # fmt: skip


# --- modules -------------------------------------------------------------------------------------


@case
def calls(m):
    net = m.nn.Sequential(m.nn.Linear(2, 2), m.nn.BatchNorm1d(2))
    state = {k: v.detach() * 0 + 1 for k, v in net.state_dict().items()}
    params = {k: v for k, v in state.items() if "running" not in k and "num" not in k}
    buffers = {k: v for k, v in state.items() if k not in params}
    call, a = m.func.functional_call, m.ones(3, 2)
    found = [call(net, params, a), call(net, (params, buffers), (a,)), buffers["1.running_mean"]]
    net.eval()
    found += [
        call(net, {"0.bias": m.zeros(2)}, a),
        call(net, [state], args=(), kwargs={"input": a}),
    ]
    tied = m.nn.ModuleDict({"a": m.nn.Linear(1, 1)})
    tied["b"] = tied["a"]
    return [
        *found, error_of(call, net, 3, a), error_of(call, net, [3], a),
        error_of(call, net, [params, params], a), error_of(call, net, {"odd": a}, a),
        error_of(lambda: call(net, {"odd": a}, a, strict=True)),
        error_of(lambda: call(net, params, a, strict=True)),
    ]  # fmt: skip


@case
def stacks(m):
    models = [m.nn.BatchNorm1d(2) for _ in range(3)]
    params, buffers = m.func.stack_module_state(models)
    frozen = m.nn.Linear(1, 1).requires_grad_(False)
    evaluated = m.nn.Linear(1, 1).eval()
    one, stack = m.nn.Linear(1, 1), m.func.stack_module_state
    still, _ = stack([frozen, frozen])
    return [
        params, buffers, [p.is_leaf for p in params.values()],
        [p.requires_grad for p in still.values()], error_of(stack, []),
        error_of(stack, [one, m.nn.ReLU()]), error_of(stack, [one, evaluated]),
        error_of(stack, [one, frozen]),
    ]  # fmt: skip


@case
def batch_norms_replaced(m):
    net = m.nn.Sequential(m.nn.Conv1d(1, 2, 1), m.nn.BatchNorm1d(2), m.nn.Sequential(
        m.nn.BatchNorm2d(2)))  # fmt: skip
    same = m.func.replace_all_batch_norm_modules_(net) is net
    alone = m.func.replace_all_batch_norm_modules_(m.nn.BatchNorm1d(2))
    return [same, repr(net), repr(alone), list(net.state_dict())]


def cut(message):
    """Without the text of a structure, which PyTorch breaks into lines, or what follows it."""
    return message.partition(" has structure")[0].partition(" with structure")[0]


def detached(value):
    """twin looks at the history: here only values count."""
    if isinstance(value, (list, tuple)):
        return [detached(v) for v in value]
    if isinstance(value, dict):
        return {k: detached(v) for k, v in value.items()}
    if isinstance(value, str):
        return cut(value)
    return value.detach() if hasattr(value, "detach") else value


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(lambda m: detached(CASES[name](m)))
