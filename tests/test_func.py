"""torch.func against PyTorch's: values and structures of derivatives and maps, and errors."""

import from_torch
import pytest
import torch

import rushlight

BOTH = (torch, rushlight)


def _x(m):
    return m.tensor([0.5, -1.0, 2.0])


def _net(m):
    m.manual_seed(0)
    return m.nn.Sequential(m.nn.Linear(3, 4), m.nn.Tanh(), m.nn.Linear(4, 2))


def _loss(m):
    net = _net(m)
    params = {k: v.detach() for k, v in net.named_parameters()}

    def loss(params, x, y):
        return (m.func.functional_call(net, params, x) - y).pow(2).mean()

    return loss, params


def _per_sample(m):
    loss, params = _loss(m)
    x, y = m.linspace(-1, 1, 15).reshape(5, 3), m.ones(5, 2)
    return m.func.vmap(m.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)


def _ensemble(m):
    m.manual_seed(1)
    models = [m.nn.Linear(3, 2) for _ in range(4)]
    params, buffers = m.func.stack_module_state(models)
    call = lambda p, b, x: m.func.functional_call(models[0], (p, b), x)  # noqa: E731
    return m.func.vmap(call, in_dims=(0, 0, None))(params, buffers, m.ones(5, 3))


def _vjp(m):
    out, pull = m.func.vjp(lambda x: (x.sin(), {"a": x.sum()}), _x(m))
    return out, pull((_x(m), {"a": m.tensor(2.0)}))


def _outer(m):
    """A gradient of PyTorch's own around a transform."""
    w = m.tensor(2.0, requires_grad=True)
    out = m.func.grad(lambda x: (w * x**3).sum())(m.tensor(3.0)) * w.detach() ** 0
    return out.detach()


CASES = {
    "grad": lambda m: m.func.grad(lambda x: (x**3).sum())(_x(m)),
    "third": lambda m: m.func.grad(m.func.grad(m.func.grad(m.sin)))(m.tensor(0.3)),
    "argnums": lambda m: m.func.grad(lambda a, b: (a * b).sum(), argnums=(1, 0))(_x(m), _x(m) + 1),
    "aux": lambda m: m.func.grad(lambda x: (x.sum() ** 2, x * 2), has_aux=True)(_x(m)),
    "value": lambda m: m.func.grad_and_value(lambda x: x.exp().sum())(_x(m)),
    "tree": lambda m: m.func.grad(lambda d: (d["a"] * d["b"][0]).sum())({"a": _x(m), "b": [_x(m)]}),
    "unused": lambda m: m.func.grad(lambda a, b: a.sum(), argnums=(0, 1))(_x(m), _x(m)),
    "no_grad inside": lambda m: _no_grad(m),
    "vjp": _vjp,
    "jvp": lambda m: m.func.jvp(lambda a, b: a.sin() * b, (_x(m), _x(m)), (m.ones(3), _x(m))),
    "linearize": lambda m: m.func.linearize(lambda x: x**2, _x(m))[1](m.ones(3)),
    "jacrev": lambda m: m.func.jacrev(lambda x: m.outer(x, x))(_x(m)),
    "jacfwd": lambda m: m.func.jacfwd(lambda x: m.outer(x, x))(_x(m)),
    "jacobian of two": lambda m: m.func.jacrev(lambda a, b: (a * b, a.sum()), (0, 1))(_x(m), _x(m)),
    "hessian": lambda m: m.func.hessian(lambda x: (x**3).sum() + x.prod())(_x(m)),
    "jacobian of gradient": lambda m: m.func.jacrev(m.func.grad(lambda x: (x**4).sum()))(_x(m)),
    "outer": _outer,
    "per sample": _per_sample,
    "ensemble": _ensemble,
    "vmap": lambda m: m.vmap(lambda x, y: x @ y)(m.ones(2, 3), m.arange(6.0).reshape(2, 3)),
    "vmap dims": lambda m: m.vmap(lambda x, y: x * y, (1, None), 1)(m.ones(3, 2), _x(m)),
    "vmap nested": lambda m: m.vmap(m.vmap(m.dot, (0, None)), (None, 0))(
        m.ones(2, 3), m.ones(4, 3)
    ),
    "vmap tree": lambda m: m.vmap(lambda d: {"s": d["a"].sum(), "t": d["a"] * 2}, ({"a": 0},))(
        {"a": m.arange(6.0).reshape(2, 3)}
    ),
    "vmap of hessian": lambda m: m.vmap(m.func.hessian(lambda x: (x**3).sum()))(m.ones(2, 3)),
    "vmap kwargs": lambda m: m.vmap(lambda x, y: x + y)(m.ones(2, 3), y=m.ones(3)),
}


def _no_grad(m):
    with m.no_grad():
        return m.func.grad(lambda x: (x * x).sum())(_x(m))


@pytest.mark.parametrize("name", CASES)
def test_same_as_torch(name):
    theirs, mine = (CASES[name](m) for m in BOTH)
    from_torch.close(mine, theirs, 1e-5, 1e-6)
    for x, y in zip(from_torch.leaves(mine), from_torch.leaves(theirs), strict=True):
        assert x.requires_grad == y.requires_grad


ERRORS = {
    "vector": lambda m: m.func.grad(lambda x: x)(_x(m)),
    "no tensor": lambda m: m.func.grad(lambda x: 3.0)(_x(m)),
    "sizes": lambda m: m.vmap(m.add)(m.ones(2), m.ones(3)),
    "jvp": lambda m: m.func.jvp(m.sin, _x(m), _x(m)),
    "randomness": lambda m: m.vmap(m.sin, randomness="x")(_x(m)),
    "twice": lambda m: m.func.functional_call(_net(m), [{"0.bias": 1}, {"0.bias": 2}], _x(m)),
    "strict": lambda m: m.func.functional_call(_net(m), {"x": _x(m)}, _x(m), strict=True),
}


@pytest.mark.parametrize("name", ERRORS)
def test_same_errors(name):
    seen = []
    for m in BOTH:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - compared
            ERRORS[name](m)
        seen.append((caught.type.__name__, str(caught.value).split(",")[0][:60]))
    assert seen[1] == seen[0]


def test_functional_call_leaves_the_module_and_updates_buffers():
    for m in BOTH:
        norm = m.nn.BatchNorm1d(3)
        state = {k: v.clone() for k, v in norm.state_dict().items()}
        m.func.functional_call(norm, state, m.ones(2, 3) * 5)
        assert norm.running_mean.tolist() == [0, 0, 0]
        assert state["running_mean"].tolist() == [0.5] * 3


def test_a_refused_draw_leaves_the_generator_as_it_was():
    for m in (torch, rushlight):
        m.manual_seed(0)
        m.randn(3)
        state = m.get_rng_state()
        with pytest.raises(RuntimeError, match="randomness error mode"):
            m.vmap(lambda x, m=m: x + m.randn(1))(m.zeros(3, 1))
        assert m.equal(m.get_rng_state(), state)


def test_same_randomness():
    for m in BOTH:
        out = m.vmap(lambda x, m=m: x + m.rand(3), randomness="same")(m.zeros(2, 3))
        assert out[0].tolist() == out[1].tolist()
