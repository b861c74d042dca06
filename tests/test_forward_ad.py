"""torch.autograd.forward_ad: primals and tangents as PyTorch's. Not here: torch.func.jvp (test_func.py)."""

from importlib import import_module

import pytest
from twin import error_of, table, twin

CASES, case = table()


def forward_ad(m):
    return import_module(f"{m.__name__}.autograd.forward_ad")


def unpacked(m, *tensors):
    return [[list(pair), pair._fields] for pair in map(forward_ad(m).unpack_dual, tensors)]


@case
def functions(m):
    f, F = forward_ad(m), m.nn.functional
    x, v = m.tensor([1.0, 2.0, 3.0]), m.tensor([1.0, 0.0, 2.0])
    with f.dual_level():
        d = f.make_dual(x, v)
        e = f.make_dual(m.tensor([4.0, 5.0, 6.0]), m.ones(3))
        c = f.make_dual(m.tensor([1 + 2j]), m.tensor([1j]))
        results = [d * d + 1, d.exp().prod(), F.linear(d, m.ones(2, 3)), d * e, d.max(), d[1]]
        results += [(d - 2).relu(), d.round(), d > 1, c**2, m.ones(2) * 3, x, F.softmax(d, 0)]
        return unpacked(m, *results, d, (d * 3).detach()), d.tolist()


@case
def with_gradients(m):
    f, v = forward_ad(m), m.tensor([1.0, 0.0, 2.0])
    p = m.tensor([2.0, 3.0, 4.0], requires_grad=True)
    w = m.ones(3, requires_grad=True)
    with f.dual_level():
        cubes = f.unpack_dual((f.make_dual(p, v) ** 3).sum())
        cubes.tangent.backward()
        product = f.unpack_dual((f.make_dual(v, v) * w).sum())
        product.primal.backward()
    flags = [t.requires_grad for pair in (cubes, product) for t in pair]
    return [flags, p.grad, w.grad, cubes.tangent.item()]


@case
def functions_of_ones_own(m):
    class Cube(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            return grad * 3 * ctx.saved_tensors[0] ** 2

        @staticmethod
        def jvp(ctx, tangent):
            return tangent * 3 * ctx.saved_tensors[0] ** 2

    with forward_ad(m).dual_level():
        return unpacked(m, Cube.apply(forward_ad(m).make_dual(m.tensor(2.0), m.tensor(5.0))))


@case
def modules(m):
    f, net, x = forward_ad(m), m.nn.Linear(3, 1), m.tensor([1.0, 2.0, 3.0])
    with f.dual_level():
        duals = {k: f.make_dual(m.ones_like(p), m.ones_like(p)) for k, p in net.named_parameters()}
        return unpacked(m, m.func.functional_call(net, duals, x))


@case
def levels(m):
    f, x = forward_ad(m), m.ones(2)
    calls = [error_of(f.make_dual, x, x), error_of(f.exit_dual_level)]
    level = f.enter_dual_level()
    calls += [level, error_of(f.enter_dual_level), error_of(lambda: f.exit_dual_level(level=1))]
    d = f.make_dual(x, x)
    f.exit_dual_level(level=level)
    return [*calls, f.unpack_dual(d).tangent, f.unpack_dual(x * 2).tangent]


@case
def what_cannot_be_dual(m):
    f, x = forward_ad(m), m.ones(3)
    with f.dual_level():
        dual = f.make_dual(x, x)
        pairs = [(x, m.ones(2)), (m.arange(3), x), (x, m.arange(3)), (dual, x)]
        return [error_of(f.make_dual, *pair) for pair in pairs]


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])
