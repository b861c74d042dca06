"""Sorting, selection by order, searching and unique values agree with PyTorch: values, gradients,
dtypes, errors.

Not here: medians and quantiles.
"""

# ruff: noqa: B023  (the lambdas are called at once)
import numpy
import pytest
import torch
from agree import agree, random, same_error

import rushlight

nan, inf = float("nan"), float("inf")
DTYPES = ["uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
SPECIAL = numpy.array([3.0, nan, -inf, 0.0, -0.0, inf, nan, -2.0, 3.0, 0.0])
SHAPES = [(7,), (), (0,), (5, 6), (3, 4, 5), (3, 0, 2), (2, 300), (300, 2), (1, 5000)]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_sort(shape, descending):
    for dim in range(-1, max(len(shape), 1)):
        agree(lambda m, x: m.sort(x, dim, descending), random(*shape), order=2)
        agree(
            lambda m, x: m.sort(x, dim=dim, descending=descending, stable=True),
            numpy.asarray(random(*shape, ties=True)),
        )
        agree(
            lambda m, x: m.argsort(x, dim=dim, descending=descending, stable=True),
            numpy.asarray(random(*shape, ties=True)),
        )


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_sort_dtypes(dtype, descending):
    for n in (10, 1000):
        a = numpy.round(random(n) * 50)
        agree(lambda m, x: x.to(getattr(m, dtype)).sort(stable=True, descending=descending), a)
    if "float" in dtype:
        agree(
            lambda m, x: x.to(getattr(m, dtype)).sort(stable=True, descending=descending), SPECIAL
        )
        long = numpy.tile(SPECIAL, 60)
        agree(lambda m, x: x.to(getattr(m, dtype)).sort(stable=True, descending=descending), long)


def test_sort_of_views():
    agree(lambda m, x: x.t().sort(0), random(5, 6), order=1)
    agree(lambda m, x: x[:, ::2].sort(1), random(5, 6), order=1)
    agree(lambda m, x: x.expand(3, 6).sort(dim=0, stable=True), random(6), order=1)
    agree(lambda m, x: m.msort(x), random(5, 6), order=1)
    agree(lambda m, x: x.sort().values.sort(descending=True).indices, random(5, 6))


def test_extreme_integers():
    edge = numpy.iinfo("int64")
    agree(lambda m, x: x.sort(), numpy.array([3, edge.min, edge.max, -1, 0]))
    agree(lambda m, x: x.sort(), numpy.random.default_rng(0).integers(edge.min, edge.max, 1000))


@pytest.mark.parametrize("largest", [True, False])
def test_topk(largest):
    few = [((7,), 0, 3), ((5, 6), 0, 2), ((5, 6), 1, 6), ((3, 4, 5), 1, 1), ((), 0, 1)]
    for shape, dim, k in [*few, ((3, 4), 1, 0), ((2, 1000), -1, 5), ((2, 1000), -1, 500)]:
        agree(lambda m, x: m.topk(x, k, dim, largest), random(*shape), order=2)
    agree(lambda m, x: x.t().topk(2, largest=largest), random(5, 6), order=1)
    agree(lambda m, x: x.topk(4, largest=largest)[0], SPECIAL)
    agree(lambda m, x: x.topk(4, largest=largest, sorted=False)[0].sum(), random(9))
    for dtype in DTYPES:
        whole = numpy.random.default_rng(0).permutation(100)
        agree(lambda m, x: x.to(getattr(m, dtype)).topk(7, largest=largest), whole)


def test_kthvalue():
    for shape, dim, k in [
        ((7,), 0, 3),
        ((5, 6), 0, 2),
        ((5, 6), 1, 6),
        ((3, 4, 5), 1, 1),
        ((), 0, 1),
    ]:
        for keepdim in (False, True):
            agree(lambda m, x: m.kthvalue(x, k, dim, keepdim), random(*shape), order=2)
    agree(lambda m, x: x.t().kthvalue(2), random(5, 6), order=1)
    for k in range(1, 11):
        agree(lambda m, x: x.kthvalue(k)[0], SPECIAL)


@pytest.mark.parametrize("right", [False, True])
def test_search(right):
    line = numpy.sort(random(20, ties=True))
    agree(lambda m, s, v: m.searchsorted(s, v, right=right), line, random(3, 4, ties=True))
    agree(lambda m, s, v: m.searchsorted(s, v, right=right, out_int32=True), line, random(3, 4))
    agree(lambda m, s, v: m.searchsorted(s, v.float(), right=right), line, random(3, 4))
    agree(lambda m, s: m.searchsorted(s, 0.5, right=right), line)
    agree(lambda m, s: m.searchsorted(s.long(), 0.5, right=right), line * 9)
    agree(lambda m, s, v: m.searchsorted(s, v, side="right" if right else "left"), line, random())
    agree(lambda m, s, v: m.searchsorted(s, v, right=right), line, SPECIAL)
    agree(lambda m, s, v: m.searchsorted(s.sort()[0], v, right=right), SPECIAL, SPECIAL)
    rows = numpy.sort(random(3, 4, 9, ties=True))
    agree(lambda m, s, v: m.searchsorted(s, v, right=right), rows, random(3, 4, 5, ties=True))
    agree(
        lambda m, s, v: m.searchsorted(s.mT.contiguous().mT, v, right=right), rows, random(3, 4, 5)
    )
    agree(
        lambda m, s, v: m.searchsorted(s, v, right=right, sorter=s.argsort()), random(9), random(5)
    )
    agree(lambda m, s, v: m.searchsorted(s, v, sorter=s.argsort()), random(3, 9), random(3, 5))
    agree(lambda m, s, v: m.searchsorted(s, v), numpy.zeros((3, 0)), random(3, 5))
    agree(lambda m, s, v: m.bucketize(v, s, right=right), line, random(3, 4, ties=True))
    agree(lambda m, s: m.bucketize(0.5, s, right=right, out_int32=True), line)
    for dtype in DTYPES:
        agree(lambda m, s, v: m.searchsorted(s.to(getattr(m, dtype)), v.to(getattr(m, dtype))),
              numpy.arange(9.0), numpy.arange(5.0))  # fmt: skip


def test_histc():
    for dtype in ("float32", "float64"):
        agree(lambda m, x: m.histc(x), random(500), dtype=dtype)
        agree(lambda m, x: x.histc(bins=7, min=-1, max=2), random(500), dtype=dtype)
        agree(lambda m, x: m.histc(x, 4, 0, 3), numpy.arange(5.0), dtype=dtype)
        agree(lambda m, x: m.histc(x, 4), numpy.ones(5), dtype=dtype)
        agree(lambda m, x: m.histc(x, 4), numpy.zeros(0), dtype=dtype)
        agree(lambda m, x: m.histc(x, 4, 0, 5), SPECIAL, dtype=dtype)
        agree(lambda m, x: m.histc(x, 999, -1.7, 0.3), random(60000), dtype=dtype)
        agree(lambda m, x: m.histc(x.t(), 3), random(5, 6), dtype=dtype)
        agree(
            lambda m, x: m.histc(x, 3, m.tensor(-1.0), m.tensor(1)), numpy.array(0.4), dtype=dtype
        )
        agree(lambda m, x: m.histc(x, 3, out=x.new_empty(0)), random(9), dtype=dtype)
        agree(lambda m, x: m.histc(x.requires_grad_(), 3).requires_grad, random(9), dtype=dtype)
    for dtype in ("float16", "bfloat16"):
        agree(lambda m, x: m.histc(x, 4, -2, 2), random(500), dtype=dtype)


def test_histc_of_a_range_that_overflows():
    x = rushlight.tensor([3e38, -3e38])
    assert rushlight.histc(x, 4).sum() == 2


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_without_data(dtype):
    x = rushlight.ones(3, 4, dtype=getattr(rushlight, dtype), device="meta")
    counts, many = rushlight.histc(x, 7), rushlight.ones(40, device="meta")
    assert counts.is_meta and counts.shape == (7,) and counts.dtype == x.dtype
    for tests in (x, many, 2):
        found = rushlight.isin(x, tests)
        assert found.is_meta and found.shape == (3, 4) and found.dtype == rushlight.bool
    mantissa, exponent = rushlight.frexp(x)
    assert mantissa.is_meta and mantissa.shape == (3, 4) and mantissa.dtype == x.dtype
    assert exponent.is_meta and exponent.shape == (3, 4) and exponent.dtype == rushlight.int32
    mean = rushlight.nanmean(x, 1)
    assert mean.is_meta and mean.shape == (3,) and mean.dtype == x.dtype


def test_isin():
    for invert in (False, True):
        agree(
            lambda m, a, b: m.isin(a, b, invert=invert),
            random(3, 4, ties=True),
            random(5, ties=True),
        )
        agree(lambda m, a: m.isin(a, 0.5, invert=invert), random(3, 4, ties=True))
        agree(lambda m, a: m.isin(0.5, a, invert=invert), random(3, 4, ties=True))
        agree(lambda m, a, b: m.isin(a, b, invert=invert), SPECIAL, SPECIAL)
    agree(lambda m, a, b: m.isin(a, b), random(300, ties=True), random(200, ties=True))
    agree(lambda m, a, b: m.isin(a, b, assume_unique=True), numpy.arange(9), numpy.arange(3, 20))
    agree(lambda m, a, b: m.isin(a, b), numpy.arange(9), random(4, ties=True))
    agree(lambda m, a, b: m.isin(a, b), numpy.arange(9), numpy.zeros(0, "int64"))


@pytest.mark.parametrize("repeats", [1, 9])  # few tests are compared with one by one
def test_isin_of_odd_numbers(repeats):
    special = numpy.tile(SPECIAL, repeats)
    for invert in (False, True):
        agree(lambda m, a, b: m.isin(a, b, invert=invert), SPECIAL, special)
        agree(lambda m, a, b: m.isin(a, b[b.isnan()], invert=invert), SPECIAL, special)
        agree(lambda m, a, b: m.isin(a, b[b == 0], invert=invert), SPECIAL, special)
        agree(lambda m, a, b: m.isin(a.t(), b, invert=invert), random(4, 5, ties=True), special)
        agree(lambda m, a, b: m.isin(a, b, invert=invert), numpy.zeros((0, 3)), special)
        agree(lambda m, a, b: m.isin(a[3], b, invert=invert), SPECIAL, special)
    edge = numpy.array([2**63 - 1, -(2**63), 2**53, 2**53 + 1])
    agree(lambda m, a, b: m.isin(a, b), edge, numpy.tile(edge[1:], 15 * repeats))
    agree(lambda m, a, b: m.isin(a, b), edge, numpy.tile([2.0**53], 5 * repeats))
    for dtype in DTYPES:
        agree(
            lambda m, a, b: m.isin(a.to(getattr(m, dtype)), b.to(getattr(m, dtype))),
            numpy.arange(9.0), numpy.tile(numpy.arange(3.0, 20), repeats),
        )  # fmt: skip


def test_numbers_of_numpy():
    x = numpy.array([1.5, 3.0, 1.0])
    agree(lambda m, x: m.isin(x, numpy.int64(1)), x)
    agree(lambda m, x: m.isin(numpy.float64(1.5), x), x)
    agree(lambda m, x: m.histc(x, numpy.int64(3), numpy.float64(0), numpy.int32(4)), x)
    agree(lambda m, x: m.nanmean(x, numpy.int64(0)), x)


def test_isin_of_large_unsigned_numbers():
    x = rushlight.tensor([2**64 - 1, 2**63, 5], dtype=rushlight.uint64)
    assert rushlight.isin(x, x[1:]).tolist() == [False, True, True]
    assert rushlight.isin(x, x[:1].expand(50)).tolist() == [True, False, False]


def unique(m, x, dim=None, **asked):
    if m is not torch:
        if dim is None:
            return m._unique2(x, True, asked["return_inverse"], asked["return_counts"])
        return m._unique_dim(x, dim, True, asked["return_inverse"], asked["return_counts"])
    parts = m.unique(x, dim=dim, **asked)
    return filled(m, parts, **asked)


def unique_consecutive(m, x, dim=None, **asked):
    if m is not torch:
        return m._unique_consecutive(x, asked["return_inverse"], asked["return_counts"], dim)
    return filled(m, m.unique_consecutive(x, dim=dim, **asked), **asked)


def filled(m, parts, return_inverse, return_counts):
    """The parts that were not asked for are empty in C++."""
    parts = list(parts) if isinstance(parts, tuple) else [parts]
    none = m.zeros(0, dtype=m.int64)
    values = parts.pop(0)
    inverse = parts.pop(0) if return_inverse else none
    return values, inverse, parts.pop(0) if return_counts else none


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("counts", [False, True])
def test_unique(inverse, counts):
    asked = {"return_inverse": inverse, "return_counts": counts}
    for fn in (unique, unique_consecutive):
        for a in (random(30, ties=True), random(5, 6, ties=True), random(), numpy.zeros(0), SPECIAL,
                  numpy.zeros((2, 0)), random(700, ties=True)):  # fmt: skip
            agree(lambda m, x: fn(m, x, **asked), a)
        agree(lambda m, x: fn(m, x.t(), **asked), random(5, 6, ties=True))
        agree(lambda m, x: fn(m, x > 0, **asked), random(7))
        for dtype in DTYPES:
            agree(lambda m, x: fn(m, x.to(getattr(m, dtype)), **asked), numpy.round(random(40) * 3))
        few = numpy.array([[1.0, 2, 1, 1], [1, 2, 1, 1], [0, 5, 0, 0], [1, 2, 1, 1]])
        for dim in (0, 1, -1):
            agree(lambda m, x: fn(m, x, dim=dim, **asked), few)
            agree(lambda m, x: fn(m, x.t(), dim=dim, **asked), few)
        agree(lambda m, x: fn(m, x, dim=1, **asked), numpy.stack([few, few], 1))
        agree(lambda m, x: fn(m, x, dim=1, **asked), numpy.zeros((3, 0)))


ERRORS = """
x.sort(2)
R(3, dtype=m.complex64).sort()
x.topk(5)
x.topk(-1)
R(()).topk(2)
R(3, dtype=m.bool).topk(1)
R(3, dtype=m.complex64).topk(1)
x.kthvalue(5)
x.kthvalue(0)
R(3, 0).kthvalue(1)
R(3, dtype=m.bool).kthvalue(1)
R(3, dtype=m.complex64).kthvalue(1)
m.searchsorted(x, R(2, 2))
m.searchsorted(x, 2.)
m.searchsorted(L(1.), L(2.))
m.searchsorted(L([1., 2, 3]), 2., side='foo')
m.searchsorted(L([1., 2, 3]), 2., side='left', right=True)
m.searchsorted(L([1., 2, 3]), 2., sorter=L([0, 1]))
m.searchsorted(L([1., 2, 3]), 2., sorter=L([0, 1, 5]))
m.searchsorted(L([1., 2, 3]), 2., sorter=L([0, 1, 2.]))
m.bucketize(L([2.]), x)
m.histc(R(4), 0)
m.histc(R(4), 4, 5, 1)
m.histc(R(4), 4, float('nan'), 1)
m.histc(R(4, dtype=m.int32))
m.histc(L([1, float('inf')]), bins=4)
m.isin(R(2, dtype=m.complex64), x)
m.isin(x > 0, x > 0)
m.isin(x, x, out=m.empty(0))
m.histc(R(4), out=m.empty(0, dtype=m.float64))
m.histc(R(4), 2.5)
m.histc(R(4), 2, 'a')
m.histc([1.0])
unique(m, R(3, dtype=m.complex64), return_inverse=False, return_counts=False)
unique(m, x, dim=3, return_inverse=False, return_counts=False)
unique(m, R(3, 0), dim=0, return_inverse=False, return_counts=False)
unique(m, R(0, 3), dim=1, return_inverse=False, return_counts=False)
unique(m, R(()), dim=0, return_inverse=False, return_counts=False)
""".strip().split("\n")


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    def call(m):
        x = m.arange(12.0).reshape(3, 4)
        return eval(source, globals() | {"m": m, "R": m.ones, "L": m.tensor, "x": x})

    same_error(call)


@pytest.mark.parametrize(
    "source", ["g.sort()[0]", "g.topk(2)[0]", "g.kthvalue(2)[0]", "m.msort(g)"]
)
def test_names_of_nodes(source):
    def name(m):
        return eval(source, {"m": m, "g": m.ones(3, requires_grad=True)}).grad_fn.name()

    assert name(rushlight) == name(torch)


def test_fields():
    x = rushlight.tensor([2.0, 3, 1])
    assert x.sort().indices.tolist() == [2, 0, 1]
    assert x.topk(1).values.tolist() == [3]
    assert x.kthvalue(1).indices.item() == 2
