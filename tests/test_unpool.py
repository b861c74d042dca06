"""Fractional max pooling and max unpooling agree with PyTorch: values, indices, gradients, memory
formats, the meta device, errors; and hostile arguments raise.

Not here: what nn.functional and nn's layers say (test_nn.py), draws that are no probabilities
(test_core_nn.py).
"""

import os
import subprocess
import sys

import numpy
import pytest
from agree import agree, random, same_error
from twin import table, twin

import rushlight

FLOATS = ("float16", "bfloat16", "float32", "float64")
CASES, case = table()


def operation(m, name, n):
    return getattr(m._C._nn, f"{name}{n}d")


def draws(*shape):
    return numpy.random.default_rng(sum(shape)).random(shape)


# --- fractional pooling ---

WINDOWS = {  # kernel_size and output_size
    "one size": (2, 3),
    "sizes": ((2, 1, 3), (1, 4, 2)),
    "single elements": (1, 5),
    "one window": (3, 1),
    "no window": (2, (0, 2, 2)),
    "a window past the end, but none": ((7, 1, 2), (0, 2, 2)),
}


def by_axis(sizes, n):
    return sizes if isinstance(sizes, int) else sizes[:n]


def pooled(n, kernel, size):
    kernel, size = by_axis(kernel, n), by_axis(size, n)
    return lambda m, x, r: operation(m, "fractional_max_pool", n)(x, kernel, size, r)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("windows", WINDOWS)
def test_fractional(windows, n):
    f = pooled(n, *WINDOWS[windows])
    x, r = random(2, 3, *(6, 7, 8)[:n]), draws(2, 3, n)
    order = 0 if 0 in numpy.ravel(WINDOWS[windows][1]) else 2
    agree(lambda m, x, r: f(m, x, r.detach()), x, r, dtype="float64", order=order)
    for dtype in FLOATS:
        agree(lambda m, x, r: f(m, x, r.detach()), x, r, dtype=dtype, order=min(order, 1))
        agree(f, random(2, 3, *(6, 7, 8)[:n], ties=True), r, dtype=dtype)
    agree(f, x[0], r)
    agree(f, x[:0], r)
    agree(f, x[0, :0], r[:, :0])
    agree(lambda m, x, r: f(m, x.transpose(0, 1).mT, r), x.swapaxes(0, 1).swapaxes(-1, -2), r)


@pytest.mark.parametrize("n", [2, 3])
def test_fractional_nan_and_infinity(n):
    x = random(1, 2, *(6,) * n)
    place = numpy.random.default_rng(0).random(x.shape)
    x[place < 0.3], x[place > 0.5] = numpy.nan, -numpy.inf
    for dtype in FLOATS:  # the last NaN, else the first of the largest
        agree(pooled(n, 2, 3), x, draws(1, 2, n), dtype=dtype)
        agree(pooled(n, 2, 3), -numpy.abs(x), draws(1, 2, n), dtype=dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_fractional_rounds_as_pytorch(dtype):
    """Far from the corner a dtype has no more numbers for each place."""
    for kernel, size in ((2, 299), (3, 150), (2, 260)):
        agree(pooled(2, kernel, size), random(1, 3, 301, 301), draws(1, 3, 2), dtype=dtype)


def test_fractional_large_windows():
    f, x, r = pooled(2, (40, 50), 2), random(1, 2, 60, 70), draws(1, 2, 2)
    agree(lambda m, x, r: f(m, x, r.detach()), x, r, order=1)


# --- unpooling ---


def positions(shape, volume, seed=0):
    """Different positions for each plane of this shape."""
    planes, count = int(numpy.prod(shape[:2])), int(numpy.prod(shape[2:]))
    r = numpy.random.default_rng(seed)
    return numpy.stack([r.permutation(volume)[:count] for _ in range(planes)]).reshape(shape)


def unpooled(n, size):
    more = () if n == 2 else ((2,) * n, (0,) * n)
    return lambda m, x, at: operation(m, "max_unpool", n)(x, at, size, *more)


@pytest.mark.parametrize("n", [2, 3])
def test_unpool(n):
    size = (4, 5, 6)[:n]
    f, shape = unpooled(n, size), (2, 3, *(2, 3, 4)[:n])
    x, at = random(*shape), positions(shape, int(numpy.prod(size)))
    agree(f, x, at, dtype="float64", order=2)
    for dtype in FLOATS:
        agree(f, x, at, dtype=dtype, order=1)
    agree(f, x[0], at[0], order=1)
    agree(f, x[:0], at[:0], order=1)
    agree(f, x[0, :0], at[0, :0], order=1)
    agree(f, x, at // 7, order=2)  # several to one place: the last stays
    agree(lambda m, x, at: f(m, x.mT, at.mT), x, at)  # PyTorch has no gradient of those


def test_unpool_sizes():
    x, at = random(2, 3, 2, 2), positions((2, 3, 2, 2), 16)
    agree(lambda m, x, at: m._C._nn.max_unpool2d(x, at, 4), x, at, order=1)
    agree(unpooled(2, (0, 4)), x, at)
    agree(unpooled(2, (1, 16)), x, at)
    agree(unpooled(2, [8, 2]), x, at)


@pytest.mark.parametrize("n", [2, 3])
def test_gradients(n):
    check, again = rushlight.autograd.gradcheck, rushlight.autograd.gradgradcheck
    x = rushlight.randn(1, 2, *(5,) * n, dtype=rushlight.float64, requires_grad=True)
    r = rushlight.from_numpy(draws(1, 2, n))
    pool = pooled(n, 2, 3)
    for test in (check, again):
        assert test(lambda x: pool(rushlight, x, r)[0], (x,))
    y, at = pool(rushlight, x, r)[0].detach().requires_grad_(), positions((1, 2, *(3,) * n), 5**n)
    at = rushlight.from_numpy(at)
    for test in (check, again):
        assert test(lambda y: unpooled(n, (5,) * n)(rushlight, y, at), (y,))


# --- what is beside the values ---


@case
def memory_formats(m):
    def strides(*shape, format, n=2):
        x = m.ones(shape).to(memory_format=format)
        at = m.zeros(shape, dtype=m.int64)
        return unpooled(n, (4,) * n)(m, x, at).stride()

    last, last_3d = m.channels_last, m.channels_last_3d
    sliced = m.ones(2, 4, 2, 2).to(memory_format=last)[:, 1:3]
    return [
        strides(2, 3, 2, 2, format=last),
        strides(2, 1, 2, 2, format=last),
        strides(2, 3, 1, 1, format=last),
        strides(1, 3, 2, 1, format=last),
        strides(0, 3, 2, 2, format=last),
        strides(2, 3, 2, 2, 2, format=last_3d, n=3),
        unpooled(2, (4, 4))(m, sliced, m.zeros(2, 2, 2, 2).long()).stride(),
        unpooled(2, (4, 4))(m, m.ones(2, 2, 2).mT, m.zeros(2, 2, 2).long()).stride(),
        [t.stride() for t in pooled(2, 2, 3)(m, m.ones(2, 3, 5, 5).to(memory_format=last), m.zeros(2, 3, 2))],
    ]  # fmt: skip


@case
def on_meta(m):
    def told(t):
        return str(t.device), tuple(t.shape), str(t.dtype)

    def meta(*shape, **options):
        return m.ones(shape, device="meta", **options)

    at = meta(1, 2, 2, 2, dtype=m.int64)
    at_3d = meta(2, 2, 2, 2, dtype=m.int64)
    return [
        told(unpooled(2, (4, 5))(m, meta(1, 2, 2, 2), at)),
        told(unpooled(2, (2**10, 2**10))(m, meta(1, 2, 2, 2, dtype=m.bfloat16), at)),
        told(unpooled(3, (4, 5, 6))(m, meta(2, 2, 2, 2, dtype=m.float64), at_3d)),
        *map(told, pooled(2, 2, 3)(m, meta(1, 2, 9, 9), meta(1, 2, 2))),
        *map(told, pooled(3, 2, 3)(m, meta(2, 9, 9, 9).half(), meta(1, 2, 3).half())),
    ]


@case
def given_results(m):
    x, at, r = m.arange(4.0).view(1, 2, 2), m.arange(4).view(1, 2, 2), m.zeros(1, 1, 2)
    out = m.ones(1, 3, 3)
    same = m._C._nn.max_unpool2d(x, at, (3, 3), out=out) is out
    pair = m.empty(0), m.empty(0, dtype=m.int64)
    m._C._nn.fractional_max_pool2d(x, 1, 2, r, out=pair)
    return [same, out, *pair]


@case
def names(m):
    x, at, r = m.arange(4.0).view(1, 2, 2), m.arange(4).view(1, 2, 2), m.zeros(1, 1, 2)
    aten, volume = m.ops.aten, (x[None], at[None], (1, 3, 3))
    return [
        aten.max_unpool2d(x, at, (3, 3)),
        aten.max_unpool3d(*volume, (1, 1, 1), (0, 0, 0)),
        *aten.fractional_max_pool2d(x, 1, 2, r),
        *m.nn.functional.fractional_max_pool2d_with_indices(x, 1, 2, _random_samples=r),
        m.nn.functional.max_unpool1d(x[0], at[0] % 2, 2),
    ]


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    twin(CASES[name])


def test_names_before_nn_is_loaded():
    code = "import rushlight as torch; print(torch._C._nn.max_unpool2d.__name__)"
    code += "; print(hasattr(torch._C._nn, 'max_unpool9d'))"
    folder = os.path.dirname(__file__)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.stdout.split() == ["max_unpool2d", "False"], done.stderr


# --- errors ---

POOL = """
P(2, R(2, 5, 5), (2, 2, 2), 3)
P(2, R(2, 5, 5), 2, (3,))
P(2, R(2, 5, 5), 2.5, 3)
P(2, R(2, 5, 5), 2, (3.5, 3))
P(2, R(2, 5, 5), None, 3)
P(2, R(5, 5), 2, 3)
P(2, R(1, 1, 2, 5, 5), 2, 3)
P(2, R(2, 0, 5), 2, 3)
P(2, R(2, 5, 5), 2, 5)
P(2, R(2, 5, 5), (2, 6), 2)
P(2, R(2, 5, 5), 2**62, 2)
P(2, R(2, 5, 5), 2, 2**62)
P(2, R(2, 5, 5).double(), 2, 3)
P(2, R(2, 5, 5), 2, 3, R(2, 2))
P(2, R(2, 5, 5), 2, 3, R(1, 3, 2))
P(2, R(2, 5, 5), 2, 3, R(1, 2, 3))
P(2, R(2, 5, 5), 2, 3, R(0, 2, 2))
P(2, R(2, 2, 5, 5), 2, 3)
P(2, R(2, 5, 5), 2, 3, 1)
P(2, [1], 2, 3)
P(2, R(2, 5, 5).long(), 2, 3, R(1, 2, 2).long())
P(2, R(2, 5, 5).bool(), 2, 3, R(1, 2, 2).bool())
P(3, R(2, 5, 5, 5), (2, 2), 3)
P(3, R(2, 5, 5, 5), 2, (3, 3))
P(3, R(5, 5, 5), 2, 3)
P(3, R(0, 5, 5, 5), 2, 3)
P(3, R(2, 5, 5, 5), (6, 2, 2), 2)
P(3, R(2, 5, 5, 5), (2, 3, 2), 3)
P(3, R(2, 5, 5, 5), (2, 2, 6), 2)
P(3, R(2, 5, 5, 5), 2, 3, R(1, 2, 2))
P(3, R(2, 5, 5, 5).long(), 2, 3, R(1, 2, 3).long())
"""
UNPOOL = """
U(2, R(1, 2, 2), L(1, 2, 2), (4,))
U(2, R(1, 2, 2), L(1, 2, 2), (4, 4, 4))
U(2, R(1, 2, 2), L(1, 2, 2), (-4, 4))
U(2, R(1, 2, 2), L(1, 2, 2), (4.5, 4))
U(2, R(1, 2, 2), L(1, 2, 2), 'ab')
U(2, R(1, 2, 2), L(1, 2, 2).int(), (4, 4))
U(2, R(1, 2, 2), R(1, 2, 2), (4, 4))
U(2, R(2, 2), L(2, 2), (4, 4))
U(2, R(1, 1, 1, 2, 2), L(1, 1, 1, 2, 2), (4, 4))
U(2, R(1, 2, 2), L(1, 2, 3), (4, 4))
U(2, R(2, 0, 2, 2), L(2, 0, 2, 2), (4, 4))
U(2, R(1, 2, 2), L(1, 2, 2) + 16, (4, 4))
U(2, R(1, 2, 2), L(1, 2, 2) - 1, (4, 4))
U(2, R(1, 2, 2).long(), L(1, 2, 2), (4, 4))
U(2, R(1, 2, 2).long(), L(1, 2, 2) + 99, (4, 4))
U(2, R(1, 2, 2).bool(), L(1, 2, 2), (4, 4))
U(2, [1], L(1, 2, 2), (4, 4))
U(2, R(1, 2, 2), [1], (4, 4))
U(2, R(1, 2, 2, device='meta'), L(1, 2, 2), (4, 4))
U(2, R(1, 2, 2), L(1, 2, 2, device='meta'), (4, 4))
U(2, R(1, 2, 2), L(1, 2, 2), (4, 4), out=L(0))
U(2, R(1, 2, 2), L(1, 2, 2), (4, 4), out=R(0).double())
U(3, R(1, 2, 2, 2), L(1, 2, 2, 2), (4, 4), (2,) * 3, (0,) * 3)
U(3, R(1, 2, 2, 2), L(1, 2, 2, 2), (4,) * 3, (2, 2), (0,) * 3)
U(3, R(1, 2, 2, 2), L(1, 2, 2, 2), (4,) * 3, (2,) * 3, (0,) * 2)
U(3, R(1, 2, 2, 2), L(1, 2, 2, 2), (4,) * 3, (2, 0, 2), (0,) * 3)
U(3, R(1, 2, 2, 2), L(1, 2, 2, 2), (4, -4, 4), (2,) * 3, (0,) * 3)
U(3, R(1, 2, 2, 2), L(1, 2, 2, 2).int(), (4,) * 3, (2,) * 3, (0,) * 3)
U(3, R(2, 2, 2), L(2, 2, 2), (4,) * 3, (2,) * 3, (0,) * 3)
U(3, R(1, 2, 2, 2), L(1, 2, 2, 3), (4,) * 3, (2,) * 3, (0,) * 3)
U(3, R(1, 2, 0, 2), L(1, 2, 0, 2), (4,) * 3, (2,) * 3, (0,) * 3)
U(3, R(1, 2, 2, 2), L(1, 2, 2, 2) + 99, (4,) * 3, (2,) * 3, (0,) * 3)
U(3, R(1, 2, 2, 2).long(), L(1, 2, 2, 2), (4,) * 3, (2,) * 3, (0,) * 3)
"""


@pytest.mark.parametrize("code", (POOL.strip() + UNPOOL.rstrip()).split("\n"))
def test_error(code):
    def f(m):
        def pool(n, x, kernel, size, r=None):
            r = m.ones(1, 2, n) if r is None else r
            return operation(m, "fractional_max_pool", n)(x, kernel, size, r)

        def unpool(n, *args, **options):
            return operation(m, "max_unpool", n)(*args, **options)

        def zeros(*shape, **options):
            return m.zeros(*shape, dtype=m.int64, **options)

        return eval(code, {"m": m, "P": pool, "U": unpool, "R": m.ones, "L": zeros})

    same_error(f)


HUGE = 2**31


def spread(*shape, dtype=None):
    return rushlight.zeros(1, dtype=dtype).expand(shape)


REFUSED = {
    "elements past 64 bits": lambda: unpooled(2, (2**40, 2**40))(rushlight, *ones()),
    "a size past 64 bits": lambda: unpooled(2, (2**70, 1))(rushlight, *ones()),
    "bytes past 64 bits": lambda: unpooled(2, (HUGE, HUGE - 1))(rushlight, *ones()),
    "planes past 64 bits": lambda: unpooled(2, (2**30, 2**30))(
        rushlight, spread(8, 1, 1, 1), spread(8, 1, 1, 1, dtype=rushlight.int64)
    ),
    "more than memory": lambda: unpooled(2, (2**24, 2**24))(rushlight, *ones()),
    "indices near 64 bits": lambda: unpooled(2, (4, 4))(
        rushlight, spread(1, 2, 1), rushlight.tensor([[[2**63 - 1], [-(2**63)]]])
    ),
    "no kernel": lambda: pooled(2, 0, 2)(rushlight, spread(1, 1, 4, 4), spread(1, 1, 2)),
    "a negative kernel": lambda: pooled(3, -1, 2)(
        rushlight, spread(1, 1, 4, 4, 4), spread(1, 1, 3)
    ),
    "a negative output": lambda: pooled(2, 2, -1)(rushlight, spread(1, 1, 4, 4), spread(1, 1, 2)),
    "a kernel past memory": lambda: pooled(2, HUGE // 2, 3)(
        rushlight, spread(1, 1, HUGE, HUGE - 1), spread(1, 1, 2)
    ),
    "an output past memory": lambda: pooled(2, 2, 2**23)(
        rushlight, spread(1, 1, 2**24, 2**24), spread(1, 1, 2)
    ),
}


def ones():
    return rushlight.ones(1, 1, 1, 1), rushlight.zeros(1, 1, 1, 1, dtype=rushlight.int64)


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_sizes_raise(name):
    with pytest.raises(RuntimeError):
        REFUSED[name]()
