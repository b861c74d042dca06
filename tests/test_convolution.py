"""Convolutions agree with PyTorch: values, gradients of both orders, dtypes, layouts, errors.

Not here: speed.
"""

import pytest
import torch
from agree import agree, random, same_error

# (n, in, out, sizes, kernel, options)
CONV = {
    "1d": (2, 3, 4, (9,), (3,), {}),
    "1d-stride": (2, 3, 4, (11,), (4,), {"stride": 3, "padding": 2}),
    "1d-groups": (1, 4, 6, (9,), (3,), {"groups": 2, "dilation": 2}),
    "1d-depthwise": (2, 4, 4, (9,), (3,), {"groups": 4, "padding": 1}),
    "1d-same": (2, 3, 4, (9,), (3,), {"padding": "same", "dilation": 2}),
    "1d-same-even": (2, 3, 4, (9,), (4,), {"padding": "same"}),
    "1d-valid": (2, 3, 4, (9,), (3,), {"padding": "valid", "stride": 2}),
    "2d": (2, 3, 4, (6, 7), (3, 3), {}),
    "2d-one": (2, 3, 4, (5, 5), (1, 1), {}),
    "2d-stride": (2, 3, 4, (8, 9), (3, 2), {"stride": (2, 3), "padding": (1, 0)}),
    "2d-stride-one-number": (1, 2, 3, (8, 9), (3, 3), {"stride": 2, "padding": 1}),
    "2d-unused-edge": (1, 2, 3, (8, 8), (3, 3), {"stride": 4}),
    "2d-dilation": (2, 2, 3, (9, 9), (3, 2), {"dilation": (2, 3)}),
    "2d-groups": (2, 4, 6, (6, 5), (3, 3), {"groups": 2, "padding": 1}),
    "2d-depthwise": (2, 3, 6, (6, 5), (3, 3), {"groups": 3}),
    "2d-padding-past-kernel": (1, 2, 2, (3, 3), (2, 2), {"padding": 4}),
    "2d-same": (2, 3, 4, (6, 7), (3, 5), {"padding": "same"}),
    "2d-same-even": (1, 2, 2, (6, 7), (2, 4), {"padding": "same"}),
    "3d": (2, 2, 3, (4, 5, 6), (2, 3, 3), {}),
    "3d-stride": (1, 2, 3, (5, 6, 7), (3, 2, 3), {"stride": (2, 1, 2), "padding": (1, 1, 0)}),
    "3d-dilation": (1, 2, 2, (6, 5, 5), (2, 2, 2), {"dilation": (3, 2, 1), "padding": 1}),
    "3d-groups": (2, 4, 2, (3, 4, 4), (2, 2, 2), {"groups": 2}),
    "3d-same": (1, 2, 2, (3, 4, 5), (3, 2, 3), {"padding": "same"}),
}
TRANSPOSED = {
    "1d": (2, 3, 4, (5,), (3,), {}),
    "1d-stride": (2, 3, 4, (5,), (4,), {"stride": 3, "padding": 1, "output_padding": 2}),
    "2d": (2, 3, 4, (4, 5), (3, 3), {}),
    "2d-stride": (2, 3, 4, (4, 3), (3, 2), {"stride": (2, 3), "padding": (1, 0)}),
    "2d-output-padding": (
        (1, 2, 3, (4, 4), (3, 3), {"stride": 2, "padding": 1, "output_padding": 1})
    ),
    "2d-output-padding-within-dilation": (
        (1, 2, 2, (3, 4), (2, 2), {"dilation": (3, 2), "output_padding": (2, 1)})
    ),
    "2d-groups": (2, 4, 6, (4, 3), (2, 2), {"groups": 2, "dilation": 2}),
    "3d": (1, 2, 3, (3, 2, 3), (2, 3, 2), {"stride": (2, 1, 2), "padding": (0, 1, 0)}),
    "3d-output-padding": (
        (1, 4, 2, (2, 3, 2), (2, 2, 2), {"stride": 2, "output_padding": 1, "groups": 2})
    ),
}


def conv(sizes, options, transposed=False):
    name = f"conv{'_transpose' if transposed else ''}{len(sizes)}d"
    return lambda m, *args: getattr(m, name)(*args, **options)


def arrays(n, into, out, sizes, kernel, options, transposed=False):
    groups = options.get("groups", 1)
    first, second = (into, out) if transposed else (out, into)
    weight = random(first, second // groups, *kernel, seed=1)
    return random(n, into, *sizes), weight, random(out, seed=2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CONV)
def test_conv(name):
    case = CONV[name]
    x, w, b = arrays(*case)
    f = conv(case[3], case[5])
    agree(f, x, w, b, dtype="float64", order=2)
    agree(f, x, w, dtype="float64", order=2)
    agree(f, x, w, b, dtype="float32", order=1)
    agree(f, x[0], w, b, dtype="float64", order=2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TRANSPOSED)
def test_conv_transpose(name):
    case = TRANSPOSED[name]
    x, w, b = arrays(*case, transposed=True)
    f = conv(case[3], case[5], transposed=True)
    agree(f, x, w, b, dtype="float64", order=2)
    agree(f, x, w, dtype="float64", order=2)
    agree(f, x, w, b, dtype="float32", order=1)
    agree(f, x[0], w, b, dtype="float64", order=1)


@pytest.mark.parametrize("only", [0, 1, 2])
def test_one_gradient(only):
    x, w, b = arrays(*CONV["2d"])

    def f(m, x, w, b):
        args = [t if i == only else t.detach() for i, t in enumerate((x, w, b))]
        return m.conv2d(*args)

    agree(f, x, w, b, dtype="float64", order=2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex64", "complex128", "int64"])
@pytest.mark.parametrize("name", ["1d", "2d-stride", "2d-groups", "3d"])
def test_dtypes(name, dtype):
    case = CONV[name]
    x, w, b = arrays(*case)
    if dtype.startswith("complex"):
        x, w, b = (t + 1j * t[::-1] for t in (x, w, b))
    if dtype == "int64":
        x, w, b = ((t * 3).astype("int64") for t in (x, w, b))
    f = conv(case[3], case[5])
    if dtype.startswith("complex"):
        x, w, b = (t.astype(dtype) for t in (x, w, b))
        agree(f, x, w, b, order=1)
    else:
        agree(f, x, w, b, dtype=dtype, order=0)


@pytest.mark.parametrize("name", ["1d-stride", "2d", "3d"])
def test_layouts(name):
    case = CONV[name]
    x, w, b = arrays(*case)
    f = conv(case[3], case[5])
    last = (lambda t: t.transpose(-1, 1), x.swapaxes(-1, 1).copy())
    agree(f, last, w, b, dtype="float64", order=1)
    agree(f, x, (lambda t: t.transpose(0, 1), w.swapaxes(0, 1).copy()), b, order=1)
    agree(f, (lambda t: t[..., :-2], x), w, (lambda t: t.expand(case[2]), b[:1]), order=1)


def test_empty_batch():
    for name in ("1d", "2d", "3d"):
        case = CONV[name]
        x, w, b = arrays(*case)
        agree(conv(case[3], case[5]), x[:0], w, b, dtype="float64", order=1)
    x, w, b = arrays(*TRANSPOSED["2d"], transposed=True)
    agree(conv((1, 1), {}, True), x[:0], w, b, dtype="float64", order=1)


def test_convolution():
    x, w, b = arrays(*CONV["2d"])
    agree(lambda m, x, w, b: m.convolution(x, w, b, [1], [1], [1], False, [0], 1), x, w, b, order=1)


def test_real_layers():
    """Sizes that take the kernels' other paths: many channels, wide images, stems."""
    for shape in (
        (1, 3, 8, (40, 40), (7, 7), {"stride": 2, "padding": 3}),
        (1, 64, 48, (14, 14), (3, 3), {"padding": 1}),
        (2, 40, 24, (9, 9), (1, 1), {"stride": 2}),
        (1, 32, 32, (20, 20), (3, 3), {"padding": 1, "groups": 32}),
    ):
        x, w, b = arrays(*shape)
        agree(conv(shape[3], shape[5]), x, w, b, dtype="float64", order=1)
        agree(conv(shape[3], shape[5]), x, w, b, dtype="float32", order=1)


def test_second_backward_needs_retain_graph():
    same_error(
        lambda m: [
            (y := m.conv2d(m.zeros(1, 1, 3, 3), m.zeros(1, 1, 2, 2, requires_grad=True)).sum()),
            y.backward(),
            y.backward(),
        ]
    )


def z(m, *shape, dtype="float32"):
    return m.zeros(*shape, dtype=getattr(m, dtype))


ERRORS = {
    "channels": lambda m: m.conv2d(z(m, 1, 2, 8, 8), z(m, 4, 3, 3, 3)),
    "channels-1d": lambda m: m.conv1d(z(m, 1, 2, 8), z(m, 4, 3, 3)),
    "small": lambda m: m.conv2d(z(m, 1, 3, 2, 2), z(m, 4, 3, 3, 3)),
    "small-1d": lambda m: m.conv1d(z(m, 1, 3, 2), z(m, 4, 3, 3)),
    "rank": lambda m: m.conv2d(z(m, 8, 8), z(m, 4, 3, 3, 3)),
    "rank-high": lambda m: m.conv2d(z(m, 1, 1, 1, 1, 1, 1), z(m, 4, 3, 3, 3)),
    "rank-1d": lambda m: m.conv1d(z(m, 8), z(m, 4, 3, 3)),
    "rank-3d": lambda m: m.conv3d(z(m, 8, 2, 2), z(m, 4, 3, 3, 3, 3)),
    "weight-rank": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3)),
    "bias": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), z(m, 5)),
    "bias-rank": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), z(m, 4, 1)),
    "stride": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), stride=0),
    "stride-long": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), stride=(1, 2, 3)),
    "padding": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), padding=-1),
    "padding-name": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), padding="foo"),
    "same-stride": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), padding="same", stride=2),
    "dilation": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), dilation=0),
    "groups": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), groups=2),
    "groups-out": lambda m: m.conv2d(z(m, 1, 4, 8, 8), z(m, 3, 2, 3, 3), groups=2),
    "groups-zero": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), groups=0),
    "no-outputs": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 0, 3, 3, 3)),
    "no-kernel": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 0, 3)),
    "dtype": lambda m: m.conv2d(z(m, 1, 3, 8, 8, dtype="float64"), z(m, 4, 3, 3, 3)),
    "dtype-int": lambda m: m.conv2d(z(m, 1, 3, 8, 8, dtype="int64"), z(m, 4, 3, 3, 3)),
    "dtype-half": lambda m: m.conv2d(z(m, 1, 3, 8, 8, dtype="float16"), z(m, 4, 3, 3, 3)),
    "dtype-bias": lambda m: m.conv2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3), z(m, 4, dtype="float64")),
    "bool": lambda m: m.conv2d(z(m, 1, 3, 8, 8, dtype="bool"), z(m, 4, 3, 3, 3, dtype="bool")),
    "transposed-channels": lambda m: m.conv_transpose2d(z(m, 1, 3, 8, 8), z(m, 4, 3, 3, 3)),
    "transposed-bias": lambda m: m.conv_transpose2d(z(m, 1, 4, 8, 8), z(m, 4, 3, 3, 3), z(m, 4)),
    "transposed-rank": lambda m: m.conv_transpose2d(z(m, 8, 8), z(m, 3, 4, 3, 3)),
    "transposed-small": lambda m: m.conv_transpose2d(z(m, 1, 3, 1, 1), z(m, 3, 4, 3, 3), padding=2),
    "output-padding": lambda m: m.conv_transpose2d(
        z(m, 1, 3, 8, 8), z(m, 3, 4, 3, 3), stride=2, output_padding=2
    ),
    "output-padding-negative": lambda m: m.conv_transpose2d(
        z(m, 1, 3, 8, 8), z(m, 3, 4, 3, 3), output_padding=-1
    ),
    "output-padding-long": lambda m: m.conv_transpose2d(
        z(m, 1, 3, 8, 8), z(m, 3, 4, 3, 3), output_padding=(1, 1, 1)
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    if name == "dtype-half" and not torch.ops.mkldnn._is_mkldnn_fp16_supported():
        pytest.skip("PyTorch has other words on processors without arithmetic in float16")
    same_error(ERRORS[name])
