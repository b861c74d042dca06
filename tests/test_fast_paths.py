"""Fast paths on both sides of the borders where they take over: against float64, and bit for bit the
same on one thread and on two. What the operations mean is tested with their families.
"""

import os
from unittest import mock

import numpy
import pytest
import torch as oracle
from both_ways import both_ways, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight as torch

PRODUCTS = [
    # few rows, B out of the caches: read along its rows
    (8, 700, 767),
    (8, 700, 768),
    (64, 700, 769),
    (65, 700, 769),
    (3, 530, 1000),
    (64, 1025, 1000),
    # many rows: B packed or in place, by how far apart its rows lie
    (112, 40, 512),
    (113, 40, 512),
    (113, 40, 511),
    (897, 33, 100),
    # columns that fill no vector
    (4096, 8, 8),
    (100, 9, 7),
    (15, 20, 17),
    (29, 3, 31),
    (29, 3, 33),
    # B packed in turn, or before all rows of a block
    (448, 600, 70),
    (449, 600, 70),
    (225, 530, 530),
    # panels of A that threads share, or not: a block of rows and of k, and more than one
    (63, 512, 513),
    (64, 512, 513),
    (448, 512, 100),
    (449, 513, 100),
    (910, 1030, 33),
    # vectors: y in registers or not
    (1, 100, 256),
    (1, 100, 255),
    (1, 100, 300),
    (1, 1000, 262),
    (1, 1100, 1024),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("m,k,n", PRODUCTS)
def test_products(m, k, n, transposed, dtype):
    a, b, c = numbers(m, k), numbers(k, n, seed=1), numbers(m, n, seed=2)
    a, b, c = (x.astype(dtype) for x in (a, b, c))
    ta, tb, tc = (torch.from_numpy(x) for x in (a, b, c))
    if transposed:
        tb = tb.t().contiguous().t()
    exact = a.astype("float64") @ b.astype("float64")
    bound = numpy.finfo(dtype).eps * 4 * (abs(a) @ abs(b) + 1)
    assert (abs(both_ways(lambda: ta @ tb) - exact) < bound).all()
    turned = ta.t().contiguous().t()
    assert (abs(both_ways(lambda: turned @ tb) - exact) < bound).all()
    scaled = both_ways(lambda: torch.addmm(tc, ta, tb, beta=0.5, alpha=-2.0))
    assert (abs(scaled - (0.5 * c - 2 * exact)) < 3 * bound).all()


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 90), st.integers(1, 70)),
    st.tuples(st.booleans(), st.booleans()),
    st.integers(0, 3),
    st.sampled_from(["bfloat16", "float16"]),
)
def test_products_of_16_bits(shape, transposed, offset, dtype):
    """By instructions of their own or as floats: sums as float, rounded once; k odd or even, rows
    that lie on four bytes or not."""
    m, k, n = shape
    dtype = getattr(torch, dtype)

    def matrix(rows, columns, turned, seed):
        size = (columns, rows + offset) if turned else (rows, columns + offset)
        x = torch.from_numpy(numbers(*size, seed=seed)).to(dtype)[:, offset:]
        return x.t() if turned else x

    a, b = matrix(m, k, transposed[0], 0), matrix(k, n, transposed[1], 1)
    c = torch.from_numpy(numbers(m, n, seed=2)).to(dtype)
    da, db, dc = (t.double().numpy() for t in (a, b, c))
    exact, size = da @ db, abs(da) @ abs(db)
    eps = torch.finfo(dtype).eps

    def close(got, exact, size):
        bound = eps / 2 * 1.01 * abs(exact) + 2e-7 * (k + 2) * size + 1e-7
        assert (abs(got.double().numpy() - exact) <= bound).all()

    close(a @ b, exact, size)
    close(torch.addmm(c, a, b, beta=0.5, alpha=-2.0), 0.5 * dc - 2 * exact, 2 * size + abs(dc))
    batch = torch.stack([a, a.flip(0)]) @ b
    close(batch[1], exact[::-1], size[::-1])


@pytest.mark.parametrize(
    "m,k,n", [(128, 1030, 40), (449, 513, 100), (910, 1031, 33), (16, 700, 769)]
)
def test_long_products_of_16_bits(m, k, n):
    a, b = numbers(m, k), numbers(n, k, seed=1)
    ta, tb = (torch.from_numpy(x).bfloat16() for x in (a, b))
    exact = ta.double().numpy() @ tb.double().numpy().T
    got = both_ways(lambda: (ta @ tb.t()).float())
    assert (abs(got - exact) <= 2**-8 * abs(exact) + 2e-7 * k * (abs(a) @ abs(b).T)).all()


@pytest.mark.parametrize("ld", [0, 7, 8])
def test_products_of_16_bits_of_nothing(ld):
    for m, k, n in ((5, 0, 4), (0, 3, 4), (5, 3, 0)):
        a = torch.ones(m, k + ld).bfloat16()[:, :k]
        assert torch.equal(a @ torch.ones(k, n).bfloat16(), torch.full((m, n), k).bfloat16())


@pytest.mark.parametrize("value", [numpy.inf, -numpy.inf, numpy.nan])
def test_products_of_16_bits_not_finite(value):
    a, b = torch.ones(20, 33).bfloat16(), torch.ones(33, 20).bfloat16()
    a[3, 32] = value
    got = (a @ b).float().numpy()
    want = numpy.full((20, 20), 33.0)
    want[3] = value
    numpy.testing.assert_array_equal(got, want)


def test_a_product_reads_and_writes_nothing_beside_it():
    a, b = torch.ones(30, 5), torch.full((40, 40), float("nan"))
    b[:5, 10:19] = 2.0
    out = torch.full((30, 40), 7.0)
    torch.mm(a, b[:5, 10:19], out=out[:, 3:12])
    assert (out[:, 3:12] == 10).all()
    assert (out[:, :3] == 7).all() and (out[:, 12:] == 7).all()


# ---- selection: few of many elements are looked at closely, and ties are left to the slow path ----


def lines(kind, rows, n, dtype):
    x = numbers(rows, n) * 1000
    if kind == "ties":
        x = x.round(-3)
    elif kind == "equal":
        x[:] = 3
    elif kind == "nan" and dtype.startswith("float"):
        x[:, 1::5] = numpy.nan
        x[:, 2::7] = numpy.inf
        x[:, 3::7] = -numpy.inf
    elif kind == "zeros":
        x = numpy.where(x > 0, 0.0, -0.0)
    return x.astype(dtype)


KINDS = ["random", "ties", "equal", "nan", "zeros"]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "int16"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n,k", [(63, 1), (64, 1), (640, 10), (639, 10), (1000, 15), (5003, 3)])
def test_topk(n, k, kind, dtype):
    x = lines(kind, 4, n, dtype)
    ours, theirs = torch.from_numpy(x), oracle.from_numpy(x)
    for largest in (True, False):
        for view in (lambda t: t, lambda t: t.t().contiguous().t()):
            got = view(ours).topk(k, dim=1, largest=largest)
            want = view(theirs).topk(k, dim=1, largest=largest)
            numpy.testing.assert_array_equal(got.values.numpy(), want.values.numpy())
            numpy.testing.assert_array_equal(got.indices.numpy(), want.indices.numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "int16"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 4096, 4097, 50001])
def test_median(n, kind, dtype):
    x = lines(kind, 2, n, dtype)
    t = torch.from_numpy(x)
    for pick, ignores_nan in ((torch.median, False), (torch.nanmedian, True)):
        got = pick(t, 1)
        for row, value, index in zip(x, got.values.numpy(), got.indices.numpy(), strict=True):
            nan = numpy.isnan(row.astype("float64"))
            order = numpy.argsort(row, kind="stable")  # NaN last
            place = order[(n - nan.sum() - 1) // 2] if not nan.all() else 0
            if nan.any() and not ignores_nan:
                place = nan.argmax()
            assert index == place
            numpy.testing.assert_array_equal(value, row[place])
        numpy.testing.assert_array_equal(pick(t).numpy(), pick(t.reshape(-1), 0).values.numpy())


# ---- reductions in two passes: large tensors block by block ----


@pytest.mark.parametrize("shape", [(5001, 700), (3, 1700, 700), (2, 63, 40_000)])
@pytest.mark.parametrize("kind", ["random", "ties", "nan"])
def test_large_in_two_passes(shape, kind):
    x = lines(kind, shape[0], shape[1] * (shape[2] if len(shape) > 2 else 1), "float32")
    x = x.reshape(shape)
    t, o = torch.from_numpy(x), oracle.from_numpy(x)
    for dim in range(len(shape)):
        for keepdim in (False, True):
            for name in ("max", "min"):
                got = getattr(t, name)(dim, keepdim)
                want = getattr(o, name)(dim, keepdim)
                numpy.testing.assert_array_equal(got.values.numpy(), want.values.numpy())
                numpy.testing.assert_array_equal(got.indices.numpy(), want.indices.numpy())
        assert (both_ways(lambda dim=dim: t.argmax(dim)) == o.argmax(dim).numpy()).all()
        got = both_ways(lambda dim=dim: t.var(dim))
        with numpy.errstate(invalid="ignore"):
            want = x.astype("float64").var(dim, ddof=1)
        numpy.testing.assert_allclose(got, want, rtol=1e-5)
        mean = both_ways(lambda dim=dim: torch.var_mean(t, dim)[1])
        with numpy.errstate(invalid="ignore"):
            exact = x.astype("float64").mean(dim)
        numpy.testing.assert_allclose(mean, exact, rtol=1e-5, atol=1e-3)


# ---- gather and scatter: the index is checked while it is used ----


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("wrong", [-1, 300])
def test_places_out_of_bounds(dim, wrong):
    index = torch.zeros(300, 300, dtype=torch.int64)
    index[299, 151] = wrong
    x = torch.ones(300, 300)
    for call in (
        lambda: x.gather(dim, index),
        lambda: x.scatter(dim, index, x * 2),
        lambda: x.scatter_(dim, index, x * 2),
        lambda: x.scatter_add(dim, index, x),
        lambda: x.scatter_add_(dim, index, x),
        lambda: x.scatter_reduce_(dim, index, x, "mean"),
        lambda: x.scatter_(dim, index, 5.0),
    ):
        with pytest.raises(
            RuntimeError, match=f"index {wrong} is out of bounds for dimension {dim}"
        ):
            call()
        assert (x == 1).all()


# ---- convolutions: input planes cut into bands, and by the phases of a stride ----


CONVOLUTIONS = [
    *((2, 3, 5, 7, width, 3, 2, pad) for width in range(30, 38) for pad in (0, 1)),
    (1, 3, 20, 70, 81, 7, 2, 3),
    (1, 20, 30, 40, 66, 3, 3, 1),
    (1, 64, 20, 57, 56, 3, 1, 1),  # two bands
    (1, 4, 64, 120, 114, 7, 1, 3),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n,c,k,h,w,r,stride,pad", CONVOLUTIONS)
def test_convolutions(n, c, k, h, w, r, stride, pad, dtype):
    x, weight = numbers(n, c, h, w).astype(dtype), numbers(k, c, r, r, seed=1).astype(dtype)
    exact = oracle.nn.functional.conv2d(
        *(oracle.from_numpy(a).double() for a in (x, weight)), stride=stride, padding=pad
    )
    size = oracle.nn.functional.conv2d(
        *(oracle.from_numpy(abs(a)).double() for a in (x, weight)), stride=stride, padding=pad
    )
    tx, tw = torch.from_numpy(x), torch.from_numpy(weight)
    got = both_ways(lambda: torch.nn.functional.conv2d(tx, tw, stride=stride, padding=pad))
    bound = numpy.finfo(dtype).eps * 4 * (size.numpy() + 1)
    assert (abs(got - exact.numpy()) < bound).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("groups,c,k", [(15, 1, 1), (16, 1, 1), (17, 1, 2), (16, 2, 1), (40, 3, 2)])
def test_gradients_of_grouped_weights(groups, c, k, dtype):
    x = numbers(3, groups * c, 9, 38).astype(dtype)
    weight = numbers(groups * k, c, 3, 5, seed=1).astype(dtype)
    options = {"stride": (1, 2), "padding": 1, "groups": groups}
    exact = oracle.from_numpy(weight).double().requires_grad_()
    y = oracle.nn.functional.conv2d(oracle.from_numpy(x).double(), exact, **options)
    g = numbers(*y.shape, seed=2).astype(dtype)
    y.backward(oracle.from_numpy(g).double())

    def gradient():
        leaf = torch.from_numpy(weight).requires_grad_()
        torch.nn.functional.conv2d(torch.from_numpy(x), leaf, **options).backward(
            torch.from_numpy(g)
        )
        return leaf.grad

    numpy.testing.assert_allclose(
        both_ways(gradient), exact.grad.numpy(), rtol=0, atol=2000 * numpy.finfo(dtype).eps
    )


# ---- convolutions of 3 x 3 filters: the direct sum and Winograd's algorithm ----


def three_by_three(m, x, weight, bias, dy, padding):
    """The output and both gradients, one after the other."""
    x, weight, dy = (m.from_numpy(a) for a in (x, weight, dy))
    x.requires_grad_(), weight.requires_grad_()
    y = m.nn.functional.conv2d(x, weight, bias and m.from_numpy(bias), padding=padding)
    y.backward(dy)
    return m.cat([t.detach().flatten() for t in (y, x.grad, weight.grad)])


def roundings(x, weight, dy, padding):
    """What the errors of the three are measured in: every number of a window meets every other."""
    x, weight, dy = (oracle.from_numpy(abs(a)).double() for a in (x, weight, dy))
    total = weight.sum((2, 3), keepdim=True).expand_as(weight)
    y = oracle.nn.functional.conv2d(x, total, padding=padding)
    dx = oracle.nn.functional.conv_transpose2d(dy, total, padding=padding)
    wide = [p + 1 for p in padding]
    dw = oracle.nn.functional.conv2d(x.transpose(0, 1), dy.transpose(0, 1), padding=wide)
    dw = dw.sum((2, 3), keepdim=True).transpose(0, 1).expand_as(weight)
    return oracle.cat([t.flatten() for t in (y, dx, dw)]).numpy() * 8 * numpy.finfo("float32").eps


def use(algorithm):
    return mock.patch.dict(os.environ, RUSHLIGHT_CONV=algorithm)


def check_three_by_three(n, c, k, h, w, padding, spread=0):
    """`spread`: how many powers of ten the numbers are apart."""
    shapes = (n, c, h, w), (k, c, 3, 3), (n, k, h + 2 * padding[0] - 2, w + 2 * padding[1] - 2)
    rng = numpy.random.default_rng(n + c + k + h + w)
    arrays = [numbers(*s, seed=i) * 10 ** rng.uniform(0, spread, s) for i, s in enumerate(shapes)]
    x, weight, dy = (a.astype("float32") for a in arrays)
    exact = three_by_three(
        oracle, *(a.astype("float64") for a in (x, weight)), None, dy.astype("float64"), padding
    ).numpy()
    bound = roundings(x, weight, dy, padding)
    for algorithm in ("direct", "winograd"):
        with use(algorithm):
            got = both_ways(lambda: three_by_three(torch, x, weight, None, dy, padding))
        assert (abs(got - exact) <= bound).all(), algorithm


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*(st.integers(1, most) for most in (4, 40, 40))),
    st.tuples(st.integers(3, 24), st.integers(3, 70)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.integers(0, 6),
)
def test_three_by_three(channels, size, padding, spread):
    check_three_by_three(*channels, *size, padding, spread)


BLOCKS = [
    (3, 33, 65, 34, 30, (1, 1)),  # many tiles; the last block is short
    (1, 33, 40, 70, 71, (2, 0)),  # slices of tiles
    (2, 130, 140, 30, 35, (1, 1)),  # so many weights that outputs are shared, tiles in two blocks
    (2, 70, 80, 7, 9, (1, 1)),  # few tiles
    (16, 40, 33, 1, 1, (1, 1)),
    (1, 1, 1, 3, 600, (0, 0)),
]


@pytest.mark.parametrize("case", BLOCKS, ids=str)
def test_three_by_three_in_blocks(case):
    check_three_by_three(*case)


@pytest.mark.parametrize("what", [0, 1, 2])
@pytest.mark.parametrize("value", [numpy.inf, -numpy.inf, numpy.nan, 3e38])
def test_three_by_three_not_finite(value, what):
    """Where one number is not finite, or overflows, all are those of the direct sum."""
    arrays = [numbers(*s).astype("float32") for s in ((2, 20, 9, 8), (24, 20, 3, 3), (2, 24, 9, 8))]
    arrays[what][1, 7, 1, 2] = value
    with use("winograd"):
        got = three_by_three(torch, *arrays[:2], None, arrays[2], (1, 1)).numpy()
    with use("direct"):
        direct = three_by_three(torch, *arrays[:2], None, arrays[2], (1, 1)).numpy()
    ends = numpy.cumsum([arrays[2].size, arrays[0].size])
    for i, (a, b) in enumerate(zip(numpy.split(got, ends), numpy.split(direct, ends), strict=True)):
        if not numpy.isfinite(b).all():
            numpy.testing.assert_array_equal(a, b)
        else:
            assert i == (what + 1) % 3 or value == 3e38
            assert numpy.isfinite(a).all()


def test_three_by_three_with_a_bias():
    x, weight, bias = (numbers(*s).astype("float32") for s in ((2, 9, 5, 7), (6, 9, 3, 3), (6,)))
    bias[2] = numpy.inf
    with use("winograd"):
        args = [torch.from_numpy(a) for a in (x, weight, bias)]
        y, plain = torch.conv2d(*args), torch.conv2d(*args[:2])
    numpy.testing.assert_array_equal(y.numpy(), plain.numpy() + bias[:, None, None])


# ---- sorting: integers that differ in the low half only are taken for shorter ones ----


@pytest.mark.parametrize("n", [1, 2, 255, 256, 1000])
@pytest.mark.parametrize("low,high", [(0, 1), (-5, 5), (2**40, 2**40 + 2**20), (-(2**62), 2**62)])
def test_keys_of_long_integers(low, high, n):
    x = numpy.random.default_rng(n).integers(low, high, n)
    t, o = torch.from_numpy(x), oracle.from_numpy(x)
    for descending in (False, True):
        got, want = (
            t.sort(descending=descending, stable=True),
            o.sort(descending=descending, stable=True),
        )
        numpy.testing.assert_array_equal(got.values.numpy(), want.values.numpy())
        numpy.testing.assert_array_equal(got.indices.numpy(), want.indices.numpy())
    for flags in ({}, {"return_inverse": True, "return_counts": True}):
        got, want = t.unique(**flags), o.unique(**flags)
        for a, b in zip(*[x if flags else [x] for x in (got, want)], strict=True):
            numpy.testing.assert_array_equal(a.numpy(), b.numpy())


# ---- NumPy and back, by the buffer protocol ----

ARRAYS = {
    "big endian": numpy.zeros(3, ">f4"),
    "text": numpy.array(["a"], ">U1"),
    "bytes": numpy.array([b"a"]),
    "objects": numpy.array([None]),
    "dates": numpy.zeros(2, "M8[s]"),
    "records": numpy.zeros(2, [("a", "f4")]),
    "backwards": numpy.arange(4)[::-1],
    "between": numpy.zeros(2, [("a", "i1"), ("b", "i8")])["b"],
    "long double": numpy.zeros(2, numpy.longdouble),
    "number": numpy.array(3.5),
    "steps": numpy.arange(24, dtype="int16").reshape(4, 6)[::2, 1::2],
    "one": numpy.zeros((2, 3, 4))[:, 1:2],
    "repeated": numpy.broadcast_to(numpy.ones(3, "complex64"), (2, 3)),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.filterwarnings("ignore")
def test_from_numpy(name):
    def run(library):
        try:
            t = library.from_numpy(ARRAYS[name])
        except (TypeError, ValueError) as error:
            return type(error), str(error).splitlines()[0]
        back = t.numpy()
        return str(t.dtype), t.stride(), back.dtype, back.shape, back.strides, back.tolist()

    assert run(torch) == run(oracle)


def test_numpy_keeps_the_memory_and_lets_it_go():
    t = torch.arange(6.0)
    array = t.numpy()
    with pytest.raises(RuntimeError, match="not resizable"):
        t.resize_(100)
    part = array[3:]
    del array, t
    assert part.tolist() == [3, 4, 5]
    t = torch.arange(6.0)
    array = t.numpy()
    del array
    assert t.resize_(100).numel() == 100


# ---- what is done block by block, line by line or by squares ----


@pytest.mark.parametrize("shape", [(3_000_001,), (2100, 1001), (70, 40, 1000)], ids=str)
def test_variance_in_one_pass(shape):
    """Numbers that grow along the first dimension: they are far from the first, which is taken off."""
    a = (
        numbers(*shape) + numpy.linspace(-3, 1000, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    ).astype("float32")
    x, exact = torch.from_numpy(a), a.astype("float64")
    for dims in {(0,), tuple(range(len(shape)))}:
        got = both_ways(lambda dims=dims: x.var(dims, keepdim=True))
        want = exact.var(dims, ddof=1, keepdims=True)
        numpy.testing.assert_allclose(got, want, rtol=2e-6)
    std, mean = torch.std_mean(x, 0, correction=0)
    numpy.testing.assert_allclose(std.numpy(), exact.std(0), rtol=2e-6)
    numpy.testing.assert_allclose(mean.numpy(), exact.mean(0), rtol=2e-6, atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 2), (0, 1, 2)], ids=str)
def test_variance_around_a_bad_first_element(dims, dtype):
    a = torch.from_numpy(numbers(130, 401, 90).astype("float32")).transpose(1, 2)
    x = torch.empty(130, 90, 401).copy_(a).to(getattr(torch, dtype)) if dims != (1,) else a
    tolerance = {"rtol": 2e-6 if x.dtype == torch.float32 else 2**-8}
    for first in (0.0, 200.0, numpy.inf, numpy.nan):
        x[0, 0, 0] = first
        exact = x.double().numpy()
        with numpy.errstate(invalid="ignore"):
            want, mean = exact.var(dims, ddof=1), exact.mean(dims)
        got, got_mean = torch.var_mean(x, dims)
        numpy.testing.assert_allclose(got.double().numpy(), want, **tolerance)
        numpy.testing.assert_allclose(got_mean.double().numpy(), mean, **tolerance, atol=1e-3)
    same = torch.full((3000, 1000), 3.3)
    assert same.var(0).eq(0).all() and same.std().item() == 0


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "float16"])
@pytest.mark.parametrize("shape", [(16, 64), (16, 63), (15, 64), (3, 7, 130)], ids=str)
def test_places_of_extrema(shape, dtype):
    a = (numbers(*shape) * 20).round().astype(dtype)  # many are equal: the first counts
    if dtype.startswith("float"):
        a.reshape(-1)[5::333] = numpy.nan
    x = torch.from_numpy(a)
    for name in ("max", "min"):
        values, places = getattr(x, name)(-1)
        want = getattr(a, "arg" + name)(-1)
        numpy.testing.assert_array_equal(places.numpy(), want)
        numpy.testing.assert_array_equal(
            values.numpy(), numpy.take_along_axis(a, want[..., None], -1)[..., 0]
        )
        numpy.testing.assert_array_equal(both_ways(lambda n=name: getattr(x, "arg" + n)(-1)), want)


@pytest.mark.parametrize("dtype", ["int16", "float32", "int64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(1, 5), (15, 17), (16, 32), (33, 70), (513, 520)], ids=str)
def test_transposed_copies(shape, dtype):
    a = (numbers(*shape) * 1000).astype(dtype)
    x = torch.from_numpy(a)
    numpy.testing.assert_array_equal(both_ways(lambda: x.t().contiguous()), a.T)
    numpy.testing.assert_array_equal(x[1:, ::2].t().clone().numpy(), a[1:, ::2].T)
    numpy.testing.assert_array_equal(x[:, 1:].t().contiguous().numpy(), a[:, 1:].T)


@pytest.mark.parametrize("n,bins", [(0, 0), (3, 9), (40_000, 5), (40_001, 5000), (40_000, 4999)])
def test_counting(n, bins):
    a = numpy.random.default_rng(n).integers(0, bins, n) if n else numpy.zeros(0, "int64")
    x = torch.from_numpy(a)
    for least in (0, bins + 3):
        got = both_ways(lambda least=least: torch.bincount(x, minlength=least))
        numpy.testing.assert_array_equal(got, numpy.bincount(a, minlength=least))


@pytest.mark.parametrize("where", ["all", "first", "last", "middle", "itself"])
@pytest.mark.parametrize("value", [7, 0.5, True, None], ids=str)
def test_numbers_where_a_mask_is_true(where, value):
    """x[mask] = number, and the gradient of what was there."""

    def run(lib):
        base = lib.from_numpy(numbers(3, 4, 5).astype("float32"))
        x = base.clone().transpose(0, 2) if where == "middle" else base.clone()
        mask = {
            "all": lambda: x > 0,
            "first": lambda: x[:, 0, 0] > 0,
            "last": lambda: (slice(None), slice(None), x[0, 0] > 0),
            "middle": lambda: (slice(None), x[0, :, 0] > 0),
            "itself": lambda: x > 0,
        }[where]()
        if where == "itself":
            mask[mask] = False
            return [mask]
        leaf = x.clone().requires_grad_()
        y = leaf * 2
        y[mask] = lib.tensor(0.25, requires_grad=True) if value is None else value
        y.sum().backward()
        return [y.detach(), leaf.grad]

    for a, b in zip(run(torch), run(oracle), strict=True):
        numpy.testing.assert_array_equal(a.numpy(), b.numpy())
