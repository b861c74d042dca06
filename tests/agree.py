"""The generic comparison with PyTorch: one function is run on both libraries and must agree in
values, shapes, dtypes, gradients of first and second order, or in the error that it raises.

Not here: any case; those are tables in the test files.
"""

import numpy
import torch

import rushlight

TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 2e-5, "complex64": 2e-5}


def dtype_name(t):
    return str(t.dtype).split(".")[-1]


def to_numpy(t):
    t = t.detach()
    if t.is_complex() and t.is_conj():
        t = t.resolve_conj()
    if dtype_name(t) == "bfloat16":
        t = t.float()
    return t.numpy(force=True)


def tensors(m, arrays, dtype, grad):
    """Arrays as tensors of m; floating ones take `dtype`. Callables make views: (make, array)."""
    made, leaves = [], []
    for a in arrays:
        view, a = a if isinstance(a, tuple) else (None, a)
        if not isinstance(a, numpy.ndarray):
            made.append(a)
            continue
        t = m.from_numpy(a.copy())
        if dtype is not None and t.is_floating_point():
            t = t.to(getattr(m, dtype))
        if grad and (t.is_floating_point() or t.is_complex()):
            t.requires_grad_()
            leaves.append(t)
        made.append(view(t) if view else t)
    return made, leaves


def flat(result):
    if isinstance(result, (tuple, list)):
        return [t for r in result for t in flat(r)]
    return [result]


def first_line(error):
    return str(error).split("\n")[0]


def run(m, fn, arrays, dtype, order):
    """What fn gives: results, then gradients by order; or the error."""
    grad = order > 0
    inputs, leaves = tensors(m, arrays, dtype, grad)
    try:
        outputs = flat(fn(m, *inputs))
    except Exception as e:  # noqa: BLE001  (whatever PyTorch raises, the same is wanted)
        return type(e).__name__, first_line(e)
    results = [[to_numpy(t) if hasattr(t, "dtype") else t for t in outputs]]
    dtypes = [[dtype_name(t) if hasattr(t, "dtype") else None for t in outputs]]
    sources = outputs
    for k in range(order):
        total = 0
        for i, t in enumerate(sources):
            if t is None or not hasattr(t, "requires_grad") or not t.requires_grad:
                continue
            w = numpy.cos(numpy.arange(t.numel(), dtype="float64") * (1.3 + i) + k + i).reshape(
                tuple(t.shape)
            )
            weight = m.from_numpy(w).to(t.dtype)
            term = (t * weight).sum()
            total = total + (term.real if term.is_complex() else term)
        if not hasattr(total, "requires_grad") or not total.requires_grad:
            break
        sources = m.autograd.grad(
            total, leaves, create_graph=k + 1 < order, allow_unused=True, retain_graph=True
        )
        results.append([None if t is None else to_numpy(t) for t in sources])
        dtypes.append([None if t is None else dtype_name(t) for t in sources])
    return results, dtypes


def close(mine, theirs, dtype, label):
    if theirs is None or mine is None:
        # A gradient that is zero may be absent on one side.
        rest = mine if theirs is None else theirs
        assert rest is None or not numpy.any(rest), label
        return
    if not isinstance(theirs, numpy.ndarray):
        assert mine == theirs, label
        return
    assert mine.shape == theirs.shape, (label, mine.shape, theirs.shape)
    tol = TOLERANCE.get(dtype, 1e-10)
    size = numpy.abs(theirs[numpy.isfinite(theirs)]).max() if numpy.isfinite(theirs).any() else 1
    numpy.testing.assert_allclose(
        mine, theirs, rtol=tol, atol=tol * max(float(size), 1e-4), err_msg=label
    )


def agree(fn, *arrays, dtype=None, order=0):
    """fn(m, *tensors) must do the same on both libraries, with gradients up to `order`."""
    mine = run(rushlight, fn, arrays, dtype, order)
    theirs = run(torch, fn, arrays, dtype, order)
    if isinstance(theirs[0], str) or isinstance(mine[0], str):
        assert mine == theirs
        return
    for k, name in enumerate(("value", "gradient", "second gradient")[: len(theirs[0])]):
        if k >= len(mine[0]):
            assert not any(numpy.any(t) for t in theirs[0][k] if t is not None), f"no {name}"
            break
        assert len(mine[0][k]) == len(theirs[0][k]), name
        for i, (a, b) in enumerate(zip(mine[0][k], theirs[0][k])):
            if a is not None and b is not None:
                assert mine[1][k][i] == theirs[1][k][i], (name, i)
            close(a, b, theirs[1][k][i], f"{name} {i}")


def random(*shape, seed=0, ties=False):
    r = numpy.random.default_rng(seed + sum(shape))
    x = r.standard_normal(shape)
    return numpy.round(x * 2) / 2 if ties else x


def same_error(fn):
    """fn(m) must raise, and the same on both."""
    theirs = run(torch, lambda m: fn(m), [], None, 0)
    assert isinstance(theirs[0], str), "PyTorch does not raise"
    assert run(rushlight, lambda m: fn(m), [], None, 0) == theirs
