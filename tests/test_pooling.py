"""Pooling, resizing, unfolding agree with PyTorch: values, indices, gradients, dtypes, errors.

Not here: what nn.functional adds in Python (test_nn.py), speed.
"""

import numpy
import pytest
from agree import agree, random, same_error


def nn(m):
    return m._C._nn


def op(m, name):
    return getattr(m, name) if hasattr(m, name) else getattr(m._C._nn, name)


FIXED = {
    "2": ((2,), {}),
    "3-stride-2": ((3, 2), {}),
    "3-stride-1-pad": ((3, 1, 1), {}),
    "2-ceil": ((2,), {"ceil_mode": True}),
    "3-stride-2-pad-ceil": ((3, 2, 1), {"ceil_mode": True}),
    "3-stride-3-ceil": ((3, 3), {"ceil_mode": True}),
    "stride-none": ((2, None), {}),
    "stride-past-kernel": ((1, 3), {}),
}
DILATED = {
    "dilation": ((2,), {"dilation": 2, "stride": 1}),
    "dilation-pad-ceil": ((3, 2, 1), {"dilation": 2, "ceil_mode": True}),
}
SHAPES = {1: (2, 3, 11), 2: (2, 3, 9, 10), 3: (2, 2, 6, 7, 8)}


@pytest.mark.parametrize("case", FIXED | DILATED)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_max_pool(n, case):
    args, options = (FIXED | DILATED)[case]
    x = random(*SHAPES[n])
    for name in (f"max_pool{n}d", f"max_pool{n}d_with_indices"):
        f = lambda m, x, name=name: op(m, name)(x, *args, **options)  # noqa: E731
        agree(f, x, dtype="float64", order=2)
        agree(f, x, dtype="float32", order=1)
        agree(f, x[0], dtype="float64", order=1)
        agree(f, x[:0], dtype="float64", order=1)
        agree(f, random(*SHAPES[n], ties=True), dtype="float32", order=1)


@pytest.mark.parametrize("case", FIXED)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_avg_pool(n, case):
    args, options = FIXED[case]
    x = random(*SHAPES[n])
    for more in ({}, {"count_include_pad": False}, {"divisor_override": -3} if n > 1 else {}):
        f = lambda m, x, more=more: op(m, f"avg_pool{n}d")(x, *args, **options, **more)  # noqa: E731
        agree(f, x, dtype="float64", order=2)
        agree(f, x, dtype="float32", order=1)
        agree(f, x[0], dtype="float64", order=1)
        agree(f, x[:0], dtype="float64", order=1)


def test_uneven_windows():
    x = random(2, 3, 9, 10)
    for args in (((2, 3),), ((2, 3), (1, 2)), ((3, 2), (2, 1), (1, 0)), ((4, 1), 2, (2, 0))):
        agree(lambda m, x, a=args: m.max_pool2d(x, *a), x, dtype="float64", order=1)
        agree(lambda m, x, a=args: nn(m).avg_pool2d(x, *a), x, dtype="float64", order=1)
    for args in (((2, 3, 1),), ((2, 3, 1), (1, 2, 1)), ((3, 2, 2), (2, 1, 3), (1, 0, 1))):
        agree(lambda m, x, a=args: m.max_pool3d(x, *a), random(2, 5, 6, 7), order=1)
        agree(lambda m, x, a=args: nn(m).avg_pool3d(x, *a), random(2, 5, 6, 7), order=1)


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 3, 4), (4, 2, 7), (12, 9, 10), (0, 1, 2)])
def test_adaptive(n, kind, size):
    name = f"adaptive_{kind}_pool{n}d"
    f = lambda m, x: op(m, name)(x, size[:n])  # noqa: E731
    x = random(*SHAPES[n])
    if 0 in size[:n]:  # PyTorch has no gradient for these
        return agree(f, x)
    agree(f, x, dtype="float64", order=2)
    agree(f, x, dtype="float32", order=1)
    agree(f, x[0], dtype="float64", order=1)
    agree(f, x[:0], dtype="float64", order=1)
    agree(f, (lambda t: t.transpose(0, 1), x), dtype="float64", order=1)


def test_nan_and_infinity():
    x = random(1, 2, 6, 6)
    x[0, 0, 1, 1] = numpy.nan
    x[0, 1] = -numpy.inf
    for name in ("max_pool2d_with_indices", "adaptive_max_pool2d"):
        agree(lambda m, x, name=name: op(m, name)(x, 3), x)
    agree(lambda m, x: nn(m).max_pool3d_with_indices(x, 2), x)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int64", "int32", "uint8", "bool"])
def test_dtypes(dtype):
    x = numpy.round(random(2, 3, 6, 6) * 3)
    for f in (
        lambda m, x: m.max_pool2d(x, 2),
        lambda m, x: nn(m).max_pool2d_with_indices(x, 3, 2, 1),
        lambda m, x: m.max_pool3d(x, 2),
        lambda m, x: nn(m).avg_pool2d(x, 2),
        lambda m, x: nn(m).adaptive_avg_pool2d(x, (2, 3)),
        lambda m, x: nn(m).adaptive_max_pool2d(x, (2, 3)),
    ):
        agree(lambda m, x, f=f: f(m, x.to(getattr(m, dtype))), x)


def test_layouts():
    x = random(3, 8, 2, 9)
    for f in (lambda m, x: m.max_pool2d(x, 2), lambda m, x: nn(m).avg_pool2d(x, 2)):
        agree(f, (lambda t: t.permute(0, 2, 1, 3), x), dtype="float64", order=2)
        agree(f, (lambda t: t[:, :, ::2].expand(3, 8, 1, 9).transpose(1, 2), x[:, :, :1]))
    agree(lambda m, x: m.max_pool3d(x, 2), (lambda t: t.transpose(0, 3), random(8, 4, 5, 6)))


def test_written_indices_are_noticed():
    def f(m):
        x = m.zeros(1, 1, 4, 4, requires_grad=True)
        y, indices = m._C._nn.max_pool2d_with_indices(x, 2)
        indices.fill_(100)
        y.sum().backward()

    import rushlight

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        f(rushlight)


# ---- resizing ----

RESIZE = {
    "nearest1d": ("upsample_nearest1d", 1, ()),
    "nearest2d": ("upsample_nearest2d", 2, ()),
    "nearest3d": ("upsample_nearest3d", 3, ()),
    "exact1d": ("_upsample_nearest_exact1d", 1, ()),
    "exact2d": ("_upsample_nearest_exact2d", 2, ()),
    "linear1d": ("upsample_linear1d", 1, (False,)),
    "linear1d-aligned": ("upsample_linear1d", 1, (True,)),
    "bilinear2d": ("upsample_bilinear2d", 2, (False,)),
    "bilinear2d-aligned": ("upsample_bilinear2d", 2, (True,)),
    "trilinear3d": ("upsample_trilinear3d", 3, (False,)),
    "trilinear3d-aligned": ("upsample_trilinear3d", 3, (True,)),
    "bicubic2d": ("upsample_bicubic2d", 2, (False,)),
    "bicubic2d-aligned": ("upsample_bicubic2d", 2, (True,)),
}


@pytest.mark.parametrize("name", RESIZE)
def test_resize(name):
    function, n, flags = RESIZE[name]
    x = random(2, 3, *(5, 4, 6)[:n])
    for size in ((10, 8, 12), (3, 7, 6), (1, 1, 1), (5, 4, 6), (11, 13, 5)):
        f = lambda m, x, s=size[:n]: op(m, function)(x, s, *flags)  # noqa: E731
        agree(f, x, dtype="float64", order=2)
        agree(f, x, dtype="float32", order=1)
        agree(f, x[:0], dtype="float64", order=1)
    for factor in (2.0, 0.6, 1.7):
        factors = [factor] * n
        f = lambda m, x, s=factors: op(m, function)(x, None, *flags, s)  # noqa: E731
        agree(f, x, dtype="float64", order=1)
        size = [int(s * factor) for s in x.shape[2:]]
        f = lambda m, x, s=size, k=factors: op(m, function)(x, s, *flags, *k)  # noqa: E731
        agree(f, x, dtype="float64", order=1)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "uint8"])
def test_resize_dtypes(dtype):
    x = numpy.abs(numpy.round(random(1, 2, 4, 4) * 30))
    f = lambda m, x: nn(m).upsample_nearest2d(x.to(getattr(m, dtype)), (7, 8))  # noqa: E731
    agree(f, x)


# ---- windows as columns ----

WINDOWS = [(2, 1, 0, 1), (3, 1, 1, 2), ((2, 3), (2, 1), (1, 0), (1, 2)), ((1, 1), 1, 0, 3)]


@pytest.mark.parametrize("window", WINDOWS)
def test_unfold(window):
    f = lambda m, x: nn(m).im2col(x, *window)  # noqa: E731
    x = random(2, 3, 6, 7)
    agree(f, x, dtype="float64", order=2)
    agree(f, x, dtype="float32", order=1)
    agree(f, x[0], dtype="float64", order=1)
    agree(f, x[:0], dtype="float64", order=1)
    agree(f, x > 0)
    agree(f, x + 1j * x)

    def back(m, x):
        return nn(m).col2im(nn(m).im2col(x, *window) * 2, (6, 7), *window)

    agree(back, x, dtype="float64", order=2)
    agree(back, x, dtype="float16")
    agree(back, x[0], dtype="float64", order=1)
    agree(back, x[:0], dtype="float64", order=1)


def z(m, *shape, dtype="float32"):
    return m.zeros(*shape, dtype=getattr(m, dtype))


ERRORS = {
    "max_pool2d": [
        ((8, 8), 2),
        ((1, 1, 1, 1, 1), 2),
        ((1, 0, 8, 8), 2),
        ((1, 3, 0, 8), 2),
        ((1, 3, 8, 8), 0),
        ((1, 3, 8, 8), 0, 1),
        ((1, 3, 8, 8), 2, 0),
        ((1, 3, 8, 8), 2, -1),
        ((1, 3, 8, 8), 2, 2, 2),
        ((1, 3, 8, 8), 2, 2, -1),
        ((1, 3, 8, 8), 2, 2, 0, 0),
        ((1, 3, 8, 8), (2, 2, 2)),
        ((1, 3, 8, 8), 2, (2, 2, 2)),
        ((1, 3, 8, 8), 2, 2, (1, 1, 1)),
        ((1, 3, 8, 8), 2, 2, 0, (1, 1, 1)),
        ((1, 3, 8, 8), ()),
        ((1, 3, 1, 1), 2),
    ],
    "max_pool1d": [
        ((9,), 2),
        ((1, 1, 3, 9), 2),
        ((3, 9), 0),
        ((3, 9), 2, 0),
        ((3, 9), 2, 2, 2),
        ((3, 9), 2, 2, -1),
        ((3, 9), 2, 2, 0, 0),
        ((3, 1), 2),
        ((3, 0), 2),
        ((0, 9), 2),
        ((3, 9), (2, 2)),
    ],
    "max_pool1d_with_indices": [((9,), 2), ((3, 9), (2, 2))],
    "max_pool3d": [
        ((8, 8, 8), 2),
        ((1, 3, 8, 8, 8), (2, 2)),
        ((1, 3, 8, 8, 8), 2, 0),
        ((1, 3, 8, 8, 8), 2, 2, 2),
        ((1, 3, 1, 8, 8), 2, 2),
        ((1, 3, 4, 8, 8), 0, 2),
        ((1, 3, 4, 8, 8), 2, 2, 0, 0),
    ],
    "avg_pool2d": [
        ((8, 8), 2),
        ((1, 3, 8, 8), 0),
        ((1, 3, 8, 8), 2, 0),
        ((1, 3, 8, 8), 2, 2, 2),
        ((1, 3, 8, 8), 2, 2, -1),
        ((1, 3, 8, 8), 2, 2, 0, False, True, 0),
        ((1, 3, 8, 8), (2, 2, 2)),
        ((1, 3, 8, 8), 2, (2, 2, 2)),
        ((1, 3, 8, 8), 2, 2, (1, 1, 1)),
        ((1, 0, 8, 8), 2),
        ((1, 3, 1, 1), 2),
    ],
    "avg_pool1d": [((9,), 2), ((1, 1, 3, 9), 2), ((3, 9), (2, 2)), ((3, 9), 0), ((3, 1), 2, 2)],
    "avg_pool3d": [
        ((8, 8, 8), 2),
        ((1, 3, 8, 8, 8), 2, 2, 2),
        ((1, 3, 8, 8, 8), (2, 2), 0, 1),
        ((1, 3, 8, 8, 8), 2, 2, 0, False, True, 0),
    ],
    "adaptive_avg_pool1d": [((8,), 2), ((1, 3, 8), (2, 2)), ((1, 3, 8), -1)],
    "adaptive_avg_pool2d": [
        ((8, 8), (2, 3)),
        ((1, 3, 8, 8), (2, 2, 2)),
        ((1, 3, 8, 8), (-1, 2)),
        ((1, 3, 0, 8), (1, 2)),
    ],
    "adaptive_avg_pool3d": [
        ((8, 8, 8), (1, 2, 3)),
        ((1, 3, 8, 8, 8), (1, 2)),
        ((1, 3, 8, 8, 8), (-1, 2, 3)),
        ((1, 3, 0, 8, 8), (1, 2, 3)),
    ],
    "adaptive_max_pool1d": [((8,), 2), ((1, 3, 8), (2, 2)), ((1, 3, 0), 1)],
    "adaptive_max_pool2d": [
        ((8, 8), (2, 3)),
        ((1, 3, 8, 8), (2, 2, 2)),
        ((1, 3, 8, 8), (-1, 2)),
        ((1, 3, 0, 8), (1, 2)),
    ],
    "adaptive_max_pool3d": [((8, 8, 8), (1, 2, 3)), ((1, 3, 8, 8, 8), (1, 2))],
    "upsample_nearest2d": [
        ((1, 3, 4, 4), [8, 8], [2.0, 2.0]),
        ((1, 3, 4, 4), None, None),
        ((3, 4, 4), [8, 8]),
        ((1, 3, 4, 4), [0, 8]),
        ((1, 3, 0, 4), [1, 8]),
        ((1, 0, 4, 4), [1, 8]),
    ],
    "upsample_linear1d": [((1, 3, 4), [0], False), ((1, 0, 4), [2], False), ((3, 4), [8], False)],
    "upsample_trilinear3d": [((1, 3, 4, 4, 4), [0, 1, 1], False)],
    "im2col": [
        ((4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
        ((1, 3, 4, 4), (5, 5), (1, 1), (0, 0), (1, 1)),
        ((1, 3, 4, 4), (0, 5), (1, 1), (0, 0), (1, 1)),
        ((1, 3, 4, 4), (2, 2), (0, 1), (0, 0), (1, 1)),
        ((1, 3, 4, 4), (2, 2), (1, 1), (-1, 0), (1, 1)),
        ((1, 3, 4, 4), (2, 2), (1, 1), (0, 0), (0, 1)),
        ((1, 0, 4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
    ],
    "col2im": [
        ((9,), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
        ((1, 13, 9), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
        ((1, 12, 8), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
        ((1, 12, 9), (4, 4), (2, 2), (0, 1), (0, 0), (1, 1)),
        ((1, 12, 9), (4, 4), (2, 2), (1, 1), (-1, 0), (1, 1)),
        ((1, 12, 9), (4, 4), (2, 2), (1, 1), (0, 0), (1, 0)),
        ((1, 12, 9), (4, -4), (2, 2), (1, 1), (0, 0), (1, 1)),
    ],
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    for shape, *args in ERRORS[name]:
        same_error(lambda m, s=shape, a=args: op(m, name)(z(m, *s), *a))


@pytest.mark.parametrize("name", ["max_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool3d"])
def test_integers_are_refused(name):
    same_error(lambda m: op(m, name)(z(m, 1, 3, 4, 4, dtype="int64")[..., :4], 2))
