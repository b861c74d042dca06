"""Reductions, scans and order statistics agree with PyTorch.

Not here: softmax and normalisation (test_normalize.py), speed.
"""

import numpy
import pytest
import torch
from agree import agree, random, same_error

import rushlight

# How the input is laid out, and the dimensions that may be reduced.
LAYOUTS = {
    "vector": (lambda: random(7), [None, 0, -1]),
    "matrix": (lambda: random(5, 6), [None, 0, 1, (0, 1)]),
    "cube": (lambda: random(3, 4, 5), [None, 0, 1, 2, (0, 2), (1, 2), (0, 1)]),
    "transposed": (lambda: (lambda t: t.t(), random(5, 40)), [None, 0, 1]),
    "strided": (lambda: (lambda t: t[:, ::2, 1:], random(3, 7, 5)), [None, 0, 1, 2, (0, 2)]),
    "expanded": (lambda: (lambda t: t.expand(4, 3, 5), random(3, 1)), [None, 1]),
    "scalar": (lambda: random(), [None, 0, -1]),
    "long": (lambda: random(3, 2500), [None, 0, 1]),
    "tall": (lambda: random(2500, 5), [None, 0, 1]),
    "wide": (lambda: random(70, 300), [0, 1]),
    "repeated": (lambda: (lambda t: t.expand(4, 3, 5), random(3, 1)), [0, 2, (0, 2)]),
    "empty": (lambda: random(3, 0, 2), [None, 0, 1, 2]),
}


def several(name, **fixed):
    return lambda m, x, dim, keepdim: getattr(m, name)(x, dim=dim, keepdim=keepdim, **fixed)


# name: (function of m, x, dim, keepdim; order of gradients; does it take several dimensions?)
REDUCTIONS = {
    "sum": (several("sum"), 2, True),
    "sum_dtype": (several("sum", dtype=None), 1, True),
    "mean": (several("mean"), 2, True),
    "nansum": (several("nansum"), 1, True),
    "nanmean": (several("nanmean"), 1, True),
    "amax": (several("amax"), 2, True),
    "amin": (several("amin"), 2, True),
    "std": (several("std"), 2, True),
    "std_0": (several("std", correction=0), 2, True),
    "var": (several("var"), 2, True),
    "var_biased": (several("var", unbiased=False), 1, True),
    "std_mean": (several("std_mean"), 2, True),
    "var_mean": (several("var_mean", correction=2), 1, True),
    "logsumexp": (several("logsumexp"), 2, True),
    "any": (several("any"), 0, True),
    "all": (several("all"), 0, True),
    "prod": (several("prod"), 2, False),
    "max": (several("max"), 2, False),
    "min": (several("min"), 1, False),
    "aminmax": (several("aminmax"), 1, False),
    "argmax": (several("argmax"), 0, False),
    "argmin": (several("argmin"), 0, False),
    "median": (several("median"), 1, False),
    "nanmedian": (several("nanmedian"), 1, False),
    "norm_1": (several("norm", p=1), 1, True),
    "norm_2": (several("norm", p=2), 2, True),
    "norm_3": (several("norm", p=3), 2, True),
    "norm_1.5": (several("norm", p=1.5), 1, True),
    "norm_0.5": (several("norm", p=0.5), 1, True),
    "norm_0": (several("norm", p=0), 1, True),
    "norm_inf": (several("norm", p=float("inf")), 2, True),
    "norm_-inf": (several("norm", p=-float("inf")), 1, True),
    "norm_fro": (several("norm", p="fro"), 1, True),
    "count_nonzero": (lambda m, x, dim, keepdim: m.count_nonzero(x, dim=dim), 0, True),
}
REPEATED = "sum mean prod amax amin logsumexp norm_1 norm_2 any all argmax".split()  # no noise
NEEDS_DIM = {"logsumexp"}  # no dim=None
NO_NONE = {"prod", "max", "min", "median", "nanmedian", "any", "all", "amax", "amin", "aminmax"}


def call(fn, name, dim, keepdim):
    if dim is None and name in NO_NONE:
        base = name.split("_")[0]
        return lambda m, x: getattr(m, base)(x)
    return lambda m, x: fn(m, x, dim, keepdim)


def reduction_cases():
    for name, (fn, order, many) in REDUCTIONS.items():
        for layout, (make, dims) in LAYOUTS.items():
            for dim in dims:
                if layout == "repeated" and name not in REPEATED:
                    continue
                if isinstance(dim, tuple) and not many or dim is None and name in NEEDS_DIM:
                    continue
                yield pytest.param(
                    fn, name, order, make, dim, layout, id=f"{name}-{layout}-{dim}".replace(" ", "")
                )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("fn", "name", "order", "make", "dim", "layout"), list(reduction_cases()))
def test_reduction(fn, name, order, make, dim, layout):
    for keepdim in (False, True):
        f = call(fn, name, dim, keepdim)
        agree(f, make(), dtype="float64", order=order)
        agree(f, make(), dtype="float32", order=min(order, 1))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16"]
)
def test_dtypes(name, dtype):
    fn = REDUCTIONS[name][0]
    x = numpy.round(random(4, 30) * 3)
    for dim in (None, 0, 1):
        if dim is None and name in NEEDS_DIM:
            continue
        f = call(fn, name, dim, False)
        agree(lambda m, x, f=f: f(m, x.to(getattr(m, dtype))), x)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "any", "count_nonzero"])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex(name, dtype):
    fn = REDUCTIONS[name][0]
    x = (random(3, 20) + 1j * random(3, 20, seed=1)).astype(dtype)
    for dim in (None, 0, 1):
        agree(call(fn, name, dim, False), x, order=1 if name != "any" else 0)


@pytest.mark.parametrize(
    "name",
    "sum mean prod nansum nanmean amax amin max min argmax argmin median nanmedian".split(),
)
def test_nan_and_ties(name):
    fn = REDUCTIONS[name][0]
    x = random(6, 40, ties=True)
    agree(call(fn, name, None, False), x, order=1)
    if "median" not in name:  # which of equal elements is unspecified there
        agree(call(fn, name, 1, False), x, order=1)
        agree(call(fn, name, 0, False), x, order=1)
    x = random(6, 40)
    x[1, 3] = x[4, 20] = x[1, 30] = numpy.nan
    x[2, 2] = numpy.inf
    for dim in (None, 0, 1):
        agree(call(fn, name, dim, False), x, dtype="float32")
        agree(call(fn, name, dim, False), (lambda t: t.t(), x), dtype="float32")


def test_nanmean_forms():
    x = random(4, 5)
    x[0] = x[1, 2] = x[:, 4] = numpy.nan
    agree(lambda m, x: m.nanmean(x, axis=1, keepdims=True), x, order=1)
    agree(lambda m, x: m.nanmean(x, (0, 1), True), x, order=1)
    agree(lambda m, x: m.nanmean(x, 0, dtype=m.float64), x, dtype="float32")
    agree(lambda m, x: m.nanmean(x, 0, out=m.empty(0)), x, dtype="float64")


def test_nansum_to_complex():
    same_error(lambda m: m.ones(2).nansum(dtype=m.complex64))
    agree(lambda m, x: x.nansum(dtype=m.complex64), numpy.arange(4))


@pytest.mark.parametrize("zeros", [0, 1, 2])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_prod_with_zeros(zeros, dim):
    x = random(3, 4)
    x.flat[: zeros * 4 : 4] = 0
    x.flat[:zeros] = 0
    agree(lambda m, x: m.prod(x) if dim is None else m.prod(x, dim), x, order=2)


def test_mode():
    x = numpy.round(random(8, 30) * 1.5)
    agree(lambda m, x: m.mode(x).values, x, order=0)
    agree(lambda m, x: m.mode(x, 0, True).values, x.astype("int64"))
    values, indices = rushlight.mode(rushlight.from_numpy(x))
    assert (rushlight.from_numpy(x).gather(1, indices[:, None])[:, 0] == values).all()


def test_forms():
    x = random(3, 4)
    for f in (
        lambda m, x: x.sum(0, True),
        lambda m, x: x.sum(dim=[0, 1]),
        lambda m, x: x.sum(()),
        lambda m, x: m.sum(x, 1, dtype=m.float64),
        lambda m, x: x.mean(-1),
        lambda m, x: m.mean(x, (0,), True),
        lambda m, x: x.std(False),
        lambda m, x: x.std(0),
        lambda m, x: x.std(0, False),
        lambda m, x: x.var(1, True, True),
        lambda m, x: x.var(unbiased=False),
        lambda m, x: x.std(dim=0, unbiased=False, keepdim=True),
        lambda m, x: m.std_mean(x, 0),
        lambda m, x: m.var_mean(x, unbiased=False),
        lambda m, x: x.max(1, True),
        lambda m, x: x.max(dim=1)[0],
        lambda m, x: x.max(x * -1),
        lambda m, x: m.max(x, 0).indices,
        lambda m, x: m.max(x, m.tensor(0)),
        lambda m, x: x.amax(),
        lambda m, x: x.amax((0, 1)),
        lambda m, x: m.aminmax(x, dim=1).max,
        lambda m, x: x.argmax(keepdim=True),
        lambda m, x: x.norm(),
        lambda m, x: x.norm(1),
        lambda m, x: x.norm(2, 1),
        lambda m, x: m.norm(x, p=2, dim=(0, 1), keepdim=True),
        lambda m, x: m.norm(x, "fro"),
        lambda m, x: x.norm(dtype=m.float64),
        lambda m, x: x.any(1),
        lambda m, x: m.all(x > 0),
        lambda m, x: m.dist(x, x * 2 + 1),
        lambda m, x: m.dist(x, x[0] + 1, 3),
        lambda m, x: x.logsumexp(1),
        lambda m, x: m.logsumexp(x, (0, 1), True),
        lambda m, x: x.median(),
        lambda m, x: x.median(1, True),
        lambda m, x: x.numpy().size if not x.requires_grad else 0,
    ):
        agree(f, x, dtype="float32")
        agree(f, x, order=1)


def test_node_names():
    x = torch.randn(3, 4, requires_grad=True)
    y = rushlight.from_numpy(x.detach().numpy()).requires_grad_()
    for f in (
        lambda x: x.sum(),
        lambda x: x.sum(0),
        lambda x: x.mean(),
        lambda x: x.mean(1),
        lambda x: x.prod(),
        lambda x: x.prod(0),
        lambda x: x.max(),
        lambda x: x.max(0)[0],
        lambda x: x.min(),
        lambda x: x.amax(),
        lambda x: x.std(),
        lambda x: x.var(0),
        lambda x: x.norm(),
        lambda x: x.logsumexp(0),
        lambda x: x.median(),
        lambda x: x.median(0)[0],
        lambda x: x.cumsum(0),
        lambda x: x.cumprod(0),
        lambda x: x.cummax(0)[0],
        lambda x: x.logcumsumexp(0),
        lambda x: x.softmax(0),
        lambda x: x.log_softmax(0),
    ):
        assert f(x).grad_fn.name() == f(y).grad_fn.name()


ERRORS = {
    "mean of ints": lambda m: m.tensor([1, 2]).mean(),
    "mean to int": lambda m: m.ones(2).mean(dtype=m.int64),
    "max of nothing": lambda m: m.empty(0).max(),
    "max along nothing": lambda m: m.empty(0, 3).max(0),
    "amax of nothing": lambda m: m.empty(0).amax(),
    "amax along nothing": lambda m: m.empty(0, 3).amax(0),
    "argmax of nothing": lambda m: m.empty(0).argmax(),
    "argmax along nothing": lambda m: m.empty(0, 3).argmax(0),
    "aminmax of nothing": lambda m: m.empty(0).aminmax(),
    "max of complex": lambda m: m.ones(3, dtype=m.complex64).max(),
    "max of complex along": lambda m: m.ones(3, dtype=m.complex64).max(0),
    "argmax of bool": lambda m: m.ones(3, dtype=m.bool).argmax(),
    "duplicate": lambda m: m.ones(2, 3).sum((0, -2)),
    "range": lambda m: m.ones(2, 3).sum(2),
    "range of a scalar": lambda m: m.tensor(1.0).sum(1),
    "std of ints": lambda m: m.tensor([1, 2]).std(),
    "std_mean of ints": lambda m: m.std_mean(m.tensor([1, 2])),
    "norm of ints": lambda m: m.tensor([1, 2]).norm(),
    "norm to ints": lambda m: m.ones(2).norm(dtype=m.int64),
    "inf norm of nothing": lambda m: m.empty(0).norm(float("inf")),
    "norm by name": lambda m: m.ones(2, 2).norm("foo"),
    "median along nothing": lambda m: m.empty(0, 3).median(0),
    "median of bool": lambda m: m.ones(3, dtype=m.bool).median(),
    "mode along nothing": lambda m: m.empty(0).mode(),
    "nansum of complex": lambda m: m.ones(3, dtype=m.complex64).nansum(),
    "nanmean of ints": lambda m: m.tensor([1, 2]).nanmean(),
    "nanmean out of range": lambda m: m.ones(2, 3).nanmean(2),
    "nanmean of a string": lambda m: m.nanmean(m.ones(2), "a"),
    "nanmean of a number": lambda m: m.nanmean(1.0),
    "nanmean into ints": lambda m: m.nanmean(m.ones(2), out=m.empty(0, dtype=m.int64)),
    "cumsum range": lambda m: m.ones(2).cumsum(1),
    "cumsum_ to another dtype": lambda m: m.ones(2).cumsum_(0, dtype=m.float64),
    "cummax of complex": lambda m: m.ones(3, dtype=m.complex64).cummax(0),
    "logcumsumexp of ints": lambda m: m.tensor([1, 2]).logcumsumexp(0),
    "diff of a scalar": lambda m: m.diff(m.tensor(1.0)),
    "diff order": lambda m: m.diff(m.ones(3), n=-1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    same_error(ERRORS[name])


SCANS = {
    "cumsum": (lambda m, x, d: m.cumsum(x, d), 2),
    "cumprod": (lambda m, x, d: m.cumprod(x, d), 2),
    "cummax": (lambda m, x, d: m.cummax(x, d), 1),
    "cummin": (lambda m, x, d: m.cummin(x, d), 1),
    "logcumsumexp": (lambda m, x, d: m.logcumsumexp(x, d), 2),
    "diff": (lambda m, x, d: m.diff(x, dim=d), 1),
    "diff_2": (lambda m, x, d: m.diff(x, n=2, dim=d, append=x), 1),
    "trapezoid": (lambda m, x, d: m.trapezoid(x, dx=0.5, dim=d), 1),
    "trapezoid_x": (lambda m, x, d: m.trapezoid(x, x * x, dim=d), 2),
    "cumulative_trapezoid": (lambda m, x, d: m.cumulative_trapezoid(x, dim=d), 1),
    "cumsum_": (lambda m, x, d: (x * 2).cumsum_(d), 2),
    "cumprod_": (lambda m, x, d: (x * 2).cumprod_(d), 2),
}


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("layout", ["vector", "matrix", "cube", "transposed", "strided", "scalar"])
def test_scan(name, layout):
    make, dims = LAYOUTS[layout]
    fn, order = SCANS[name]
    if layout == "scalar" and ("diff" in name or "trap" in name):
        return
    for d in dims:
        if isinstance(d, int):
            small = layout != "transposed"
            agree(lambda m, x, d=d: fn(m, x, d), make(), order=order if small else 1)
            agree(lambda m, x, d=d: fn(m, x, d), make(), dtype="float32")


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin", "diff"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "bfloat16"])
def test_scan_dtypes(name, dtype):
    x = numpy.round(random(4, 9) * 1.4)
    agree(lambda m, x: SCANS[name][0](m, x.to(getattr(m, dtype)), 1), x)


def test_scan_special():
    nan, inf = numpy.nan, numpy.inf
    x = numpy.array([1.0, nan, 3, nan, 2])
    y = numpy.array([1.0, 1, 0, 1, 2, 2])
    z = numpy.array([-inf, -inf, 1, inf, 2])
    for name in ("cummax", "cummin", "logcumsumexp", "cumsum"):
        for a in (x, y, z):
            agree(lambda m, t, f=SCANS[name][0]: f(m, t, 0), a)
    zeros = numpy.array([[1.0, 0, 2, 3], [0, 0, 1, 2], [1, 2, 3, 0]])
    agree(lambda m, t: m.cumprod(t, 1), zeros, order=2)
    c = random(3, 4) + 1j * random(3, 4, seed=2)
    agree(lambda m, t: m.logcumsumexp(t * 3, 0), c, order=1)
    agree(lambda m, t: m.logsumexp(t * 300, 0), c, order=1)
    agree(lambda m, t: m.diff(t, 0, prepend=t), c)
    agree(lambda m, t: m.cumsum(t, 0), c, order=1)
    agree(lambda m, t: m.cumprod(t, 1), c, order=1)


def test_threads_do_not_matter():
    r = numpy.random.default_rng(0)
    x = rushlight.from_numpy(r.standard_normal((300, 1000)).astype("float32"))
    flat = rushlight.from_numpy(r.standard_normal(1_000_003).astype("float32"))
    results = []
    n = rushlight.get_num_threads()
    try:
        for threads in (1, 2, 3):
            rushlight.set_num_threads(threads)
            results.append(
                [
                    f.numpy().tobytes()
                    for f in (flat.sum(), flat.std(), x.sum(0), x.sum(1), x.t().mean(0), x.norm())
                ]
            )
    finally:
        rushlight.set_num_threads(n)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("n", [1000, 1_000_003])
def test_accuracy(n):
    x = numpy.random.default_rng(0).random(n).astype("float32")
    exact = x.astype("float64").sum()
    mine = abs(float(rushlight.from_numpy(x).sum()) - exact)
    theirs = abs(float(torch.from_numpy(x).sum()) - exact)
    assert mine <= max(theirs, exact * 2**-24)
    wide = rushlight.from_numpy(x[: n // 10 * 10].reshape(-1, 10)).sum(0).numpy()
    columns = x[: n // 10 * 10].reshape(-1, 10).astype("float64").sum(0)
    assert numpy.abs(wide / columns - 1).max() < 1e-6
