"""torch._foreach_add and its like, run with both libraries."""

import pytest
import torch
from twin import error_of, twin

import rushlight
from rushlight import _foreach


def a(m):
    return [m.tensor([1.5, -2.0]), m.tensor([[0.25]])]


def b(m):
    return [m.tensor([2.0, 3.0]), m.tensor([[4.0]])]


SECOND = {
    "number": lambda m: 2,
    "numbers": lambda m: [2.0, 3.0],
    "tensors": b,
    "tensor": lambda m: m.tensor(2.0),
    "matrix": lambda m: b(m)[1],
    "one number": lambda m: [1.0],
    "one tensor": lambda m: b(m)[:1],
    "nothing": lambda m: [],
}


def both(m, name, *args, **kwargs):
    """A new list, and the first one changed in place; or the errors."""
    found, tensors = [], a(m)
    for tail, x in (("", a(m)), ("_", tensors)):
        try:
            found.append(getattr(m, f"_foreach_{name}{tail}")(x, *args, **kwargs))
        except Exception as e:  # noqa: BLE001
            found.append([type(e).__name__, str(e).split("\n")[0].replace(f"{name}_", name)])
    return [*found, tensors, found[1] is tensors, type(found[0]).__name__]


def test_names():
    theirs = {n for n in dir(torch) if n.startswith("_foreach_")}
    assert theirs == _foreach.NAMES
    assert not hasattr(rushlight, "_foreach_nosuch")


@pytest.mark.parametrize("name", _foreach._UNARY)
def test_unary(name):
    twin(lambda m: both(m, name))


@pytest.mark.parametrize("kind", SECOND)
@pytest.mark.parametrize("name", _foreach._BINARY)
def test_binary(name, kind):
    if (name, kind) not in {
        (n, "tensor") for n in _foreach._BINARY if n not in ("add", "mul", "div")
    }:
        twin(lambda m: both(m, name, SECOND[kind](m)))


@pytest.mark.parametrize("name", ["addcdiv", "addcmul"])
def test_ternary(name):
    for value in ((), (2,), ([1.0, 2.0],)):
        twin(lambda m, value=value: both(m, name, b(m), b(m), *value))
    twin(lambda m: both(m, name, b(m), b(m), m.tensor([1.0, 2.0])))
    twin(lambda m: both(m, name, b(m), b(m), value=3))


def test_others():
    def rest(m):
        x, copied, zeroed = m.ones(2, requires_grad=True), a(m), a(m)
        return [
            both(m, "add", b(m), alpha=3),
            both(m, "sub", other=b(m), alpha=3),
            both(m, "lerp", b(m), 0.5),
            both(m, "lerp", b(m), b(m)),
            both(m, "lerp", b(m), weight=0.5),
            m._foreach_norm(a(m)),
            m._foreach_norm(a(m), 1),
            m._foreach_norm(a(m), ord=float("inf"), dtype=m.float64),
            m._foreach_powsum(a(m), 3),
            m._foreach_pow(2.0, b(m)),
            m._foreach_max(a(m)),
            m._foreach_clone(a(m)),
            [m._foreach_copy_(copied, b(m)) is copied, copied],
            [m._foreach_zero_(zeroed) is zeroed, zeroed],
            m._foreach_mm([m.ones(2, 3)], [m.ones(3, 1)]),
            m.autograd.grad(m._foreach_mul([x, x * 2], 3)[1].sum(), x),
            error_of(m._foreach_mul_, [x], 3),
            error_of(m._foreach_add, [], 1),
            error_of(m._foreach_exp, m.ones(2)),
            m._foreach_div([m.tensor([1, 2])], 2),
        ]

    twin(rest)
