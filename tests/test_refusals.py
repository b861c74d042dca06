"""What operations refuse, in PyTorch's classes and first lines: formulas in every kind of dtype, and
scalars, parts and distributions that PyTorch checks before it computes."""

import pytest
import torch

import rushlight
from rushlight import _C

FORMULAS = {op["name"]: op for op in _C._operations() if op["formula"]}
DTYPES = ("bool", "int64", "complex64", "float32", "float16")
# Formulas of the core's own, by what programs call.
PUBLIC = {
    "_gelu": lambda m: m.nn.functional.gelu,
    "_round": lambda m: m.round,
    "_bitwise_not": lambda m: m.bitwise_not,
    "_logit": lambda m: m.logit,
    "_logaddexp": lambda m: m.logaddexp,
    "_trunc_divide": lambda m: lambda a, b: m.div(a, b, rounding_mode="trunc"),
    "_clamp": lambda m: lambda x, *_: m.clamp(x, min=x, max=x),
    "_clamp_min": lambda m: lambda x, *_: m.clamp(x, min=x),
    "_clamp_max": lambda m: lambda x, *_: m.clamp(x, max=x),
}
NUMBERS = {"hardshrink": (0.5,), "softshrink": (0.5,), "threshold": (0.0, 0.0)}
# The weight of lerp is a number or a tensor: PyTorch's kernels have two names.
OWN_WORDS = {"lerp"}


def called(m, name):
    if name in PUBLIC:
        return PUBLIC[name](m)
    for space in (m, m.nn.functional, m.special):
        if hasattr(space, name):
            return getattr(space, name)
    return None


def outcome(fn):
    try:
        fn()
    except Exception as error:
        return type(error).__name__, (str(error).splitlines() or [""])[0]
    return None


def run(m, name, dtype):
    operands = [m.ones(2, dtype=getattr(m, dtype)) for _ in range(FORMULAS[name]["operands"])]
    if name == "where":
        operands[0] = m.ones(2, dtype=m.bool)
    function = called(m, name)
    return outcome(lambda: function(*operands, *NUMBERS.get(name, ())))


@pytest.mark.parametrize("name", [n for n in FORMULAS if called(torch, n)])
def test_dtypes(name):
    for dtype in DTYPES:
        mine, theirs = run(rushlight, name, dtype), run(torch, name, dtype)
        if mine is None:  # half precision in special functions is more than PyTorch has
            assert theirs is None or dtype == "float16", (dtype, theirs)
        elif name in OWN_WORDS:
            assert mine[0] == theirs[0], dtype
        else:
            assert mine == theirs, dtype


def whole(m):
    return m.tensor([1, 2])


def real(m):
    return m.tensor([1.0, 2.0])


def wide(m):
    return m.tensor([1.0, 2.0], dtype=m.float64)


def imaginary(m):
    return m.tensor([1 + 1j, 2.0])


CASES = {
    "alpha of integers": lambda m: m.add(whole(m), whole(m), alpha=2.5),
    "alpha of integers, in place": lambda m: whole(m).sub_(whole(m), alpha=2.5),
    "alpha of integers, out": lambda m: m.add(whole(m), whole(m), alpha=2.5, out=whole(m)),
    "bool alpha": lambda m: m.add(whole(m), whole(m), alpha=True),
    "complex alpha": lambda m: m.rsub(real(m), real(m), alpha=1j),
    "celu of 0": lambda m: m.celu(real(m), alpha=0.0),
    "lerp to another dtype": lambda m: m.lerp(real(m), wide(m), 0.5),
    "lerp by another dtype": lambda m: m.lerp(real(m), real(m), wide(m)),
    "addcdiv of integers": lambda m: m.addcdiv(real(m), whole(m), whole(m)),
    "polar of integers": lambda m: m.polar(whole(m), whole(m)),
    "polar of two dtypes": lambda m: m.polar(real(m), wide(m)),
    "trapezoid of bool": lambda m: m.trapezoid(real(m) > 1),
    "norm into a narrower dtype": lambda m: m.norm(wide(m), dtype=m.float32),
    "vector_norm into a narrower dtype": lambda m: m.linalg.vector_norm(wide(m), dtype=m.float32),
    "randperm beyond bytes": lambda m: m.randperm(300, dtype=m.uint8),
    "randperm beyond half": lambda m: m.randperm(3000, dtype=m.float16),
    "exponential_ of complex": lambda m: imaginary(m).exponential_(),
    "exponential_ of integers": lambda m: whole(m).exponential_(),
    "cauchy_ of integers": lambda m: whole(m).cauchy_(),
    "bernoulli_ of complex": lambda m: imaginary(m).bernoulli_(),
    "bernoulli of integers": lambda m: m.bernoulli(whole(m)),
    "geometric_ of bool": lambda m: (real(m) > 1).geometric_(0.5),
    "rand of integers": lambda m: m.rand(2, dtype=m.int64),
    "normal_ of integers": lambda m: whole(m).normal_(),
    "log_normal_ of integers": lambda m: whole(m).log_normal_(),
    "binomial of integers": lambda m: m.binomial(whole(m), real(m)),
    "binomial by integers": lambda m: m.binomial(real(m), whole(m)),
    "round of integers to tens": lambda m: m.round(whole(m), decimals=-1),
    "empty_strided": lambda m: m.empty_strided((2,), (1, 1)),
    "out= of a method": lambda m: real(m).add(1, out=real(m)),
    "out= of isfinite": lambda m: m.isfinite(real(m), out=real(m) > 0),
    "out= of selu": lambda m: m.selu(real(m), out=real(m)),
    "multinomial into another dtype": lambda m: m.multinomial(-real(m), 1, out=real(m)),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    mine, theirs = outcome(lambda: CASES[name](rushlight)), outcome(lambda: CASES[name](torch))
    assert theirs is not None and mine == theirs
