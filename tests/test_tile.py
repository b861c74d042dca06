"""The tile interpreter against the two other ways that run a formula on the CPU: its compiled
kernels, and tensor operations one instruction at a time. For every formula and gradient.
"""

import pathlib
import re

import formulas
import numpy as np
import pytest

import rushlight

C = rushlight._C
FLOATS = [np.float32, np.float64]
WHOLE = [np.int32, np.int64]


def dtype_of(dtype):
    return rushlight.from_numpy(np.zeros(1, dtype)).dtype


def cases(dtypes, gradients=False):
    return [
        pytest.param(name, dtype, id=f"{name}-{dtype.__name__}")
        for dtype in dtypes
        for name, f in formulas.ALL.items()
        if dtype_of(dtype) in f["dtypes"] and (f["differentiable"] or not gradients)
    ]


def same(a, b):
    """Bit for bit, but for the sign of a zero's or NaN's."""
    a, b = a.detach().numpy(), b.detach().numpy()
    assert a.dtype == b.dtype and a.shape == b.shape
    np.testing.assert_array_equal(a, b)


CORE = pathlib.Path(__file__).parent.parent / "core"
WIDE = set(re.findall(r"RL_WIDE_LEAF\((\w+)\)", (CORE / "expr/wide.h").read_text())) - {"name"}


def leaves(name, gradient):
    lines = C._program(name, gradient).split("\n")
    return lines, dict(re.match(r"(%\d+) = (\w+)", line).groups() for line in lines if "=" in line)


def contracts(name, gradient):
    """May a compiler fuse a product and a sum of this program, and so round once less?"""
    lines, leaf = leaves(name, gradient)
    sums = re.findall(r"= (?:add|sub)((?: %\d+)+)", "\n".join(lines))
    return any(leaf[o] == "mul" for line in sums for o in line.split())


def close(a, b, name, gradient):
    """Equal, or within what contraction may change for ordinary (not edge) values, or within some
    ulp of a function that is computed for many floats at once where it stands alone."""
    wide = a.dtype == rushlight.float32 and WIDE & set(leaves(name, gradient)[1].values())
    if not (wide or contracts(name, gradient)):
        return same(a, b)
    a, b = a.detach().numpy(), b.detach().numpy()
    eps = np.finfo(a.dtype).eps
    if contracts(name, gradient):
        np.testing.assert_allclose(a[-2500:], b[-2500:], rtol=1e4 * eps, atol=100 * eps)
    else:
        np.testing.assert_allclose(a, b, rtol=16 * eps, atol=4 * eps)


@pytest.mark.parametrize("name, dtype", cases(FLOATS + WHOLE))
def test_forward(name, dtype):
    tensors, scalars = formulas.samples(name, dtype)
    tile = C._run_program(name, -1, tensors, scalars)
    inputs = formulas.as_operands(name, tensors)
    compiled = C._run_formula(name, inputs, scalars)
    if dtype in WHOLE:  # a program's constants are floats to tensors: they would promote
        same(tile, compiled)
    else:
        same(tile, C._interpret_program(name, -1, inputs, scalars))
        close(tile, compiled, name, -1)


@pytest.mark.parametrize("name, dtype", cases(FLOATS, gradients=True))
def test_gradients(name, dtype):
    g, tensors, scalars, y, which, fused, interpreted = formulas.gradients(name, dtype)
    assert which
    loads = formulas.ALL[name]["loads"]
    for k, by_kernel, by_tensors in zip(which, fused, interpreted, strict=True):
        given = [t if loads[k][j] else None for j, t in enumerate([g, *tensors, y])]
        tile = C._run_program(name, k, given, scalars)
        same(tile, by_tensors)
        close(tile, by_kernel, name, k)


@pytest.mark.parametrize("name, dtype", cases([np.float32]))
def test_numbers_are_constant_tensors(name, dtype):
    tensors, scalars = formulas.samples(name, dtype)
    for k in range(len(tensors) if len(tensors) > 1 else 0):
        for value in (0.0, 1.0, -2.5, float("nan")):
            mixed = [value if j == k else t for j, t in enumerate(tensors)]
            full = [rushlight.full_like(t, value) if j == k else t for j, t in enumerate(tensors)]
            same(C._run_program(name, -1, mixed, scalars), C._run_program(name, -1, full, scalars))


@pytest.mark.parametrize("size", [0, 1, 7, 1023, 1024, 1025, 16384, 100_003])
@pytest.mark.parametrize("name", ["_gelu_tanh", "isfinite", "log_sigmoid", "add"])
def test_sizes(name, size):
    operands, scalars = formulas.ALL[name]["operands"], formulas.ALL[name]["defaults"]
    rushlight.manual_seed(size)
    tensors = [rushlight.randn(size) for _ in range(operands)]
    tile = C._run_program(name, -1, tensors, scalars)
    same(tile, C._interpret_program(name, -1, tensors, scalars))


def test_programs_without_steps():
    g = rushlight.arange(5.0)
    same(C._run_program("remainder", 0, [g, None, None, None], []), g)  # the input itself
    same(C._run_program("mul", 0, [2.0, None, g, None], []), 2 * g)
    same(C._run_program("mul", 1, [2.0, 3.0, g, None], []), rushlight.full((5,), 6.0))
    numbers = C._run_program("lt", -1, [g, 2.0], [])
    assert numbers.dtype == rushlight.bool and numbers.tolist() == [True, True, False, False, False]


def test_errors():
    x = rushlight.ones(4)
    with pytest.raises(RuntimeError, match="leaf exp is not for int32"):
        C._run_program("exp", -1, [rushlight.ones(4, dtype=rushlight.int32)], [])
    with pytest.raises(RuntimeError, match="tiles are real, not complex64"):
        C._run_program("exp", -1, [rushlight.ones(4, dtype=rushlight.complex64)], [])
    with pytest.raises(ValueError, match="the program reads input 1"):
        C._run_program("mul", -1, [x, None], [])
    with pytest.raises(ValueError, match="contiguous, of one dtype and size"):
        C._run_program("mul", -1, [x, rushlight.ones(8)[::2]], [])
    with pytest.raises(ValueError, match="expected 2 inputs"):
        C._run_program("mul", -1, [x], [])
    with pytest.raises(IndexError):
        C._run_program("eq", 0, [x, x, x, x], [])
