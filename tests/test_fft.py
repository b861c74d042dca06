"""torch.fft: values, dtypes and gradients as PyTorch's, its errors, and lengths of every kind."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from agree import agree, random
from both_ways import both_ways
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import error_of, twin

import rushlight as rl

ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
MANY = ["fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn"]
REAL_ONLY = {"rfft", "ihfft", "rfftn", "ihfftn"}
NORMS = [None, "backward", "ortho", "forward"]


def both(name, *shape):
    """Real input, and complex where it is allowed."""
    x = random(*shape)
    return [x] if name in REAL_ONLY else [x, x + 1j * random(*shape, seed=5)]


@pytest.mark.parametrize("name", ONE)
def test_one_dimension(name):
    for norm in NORMS:
        for x in both(name, 4, 6):
            agree(lambda m, t, k=norm: getattr(m.fft, name)(t, norm=k), x, order=2)
    for n, dim in ((3, -1), (8, 0), (1, 1), (5, 1)):
        for x in both(name, 4, 6):
            agree(lambda m, t, n=n, d=dim: getattr(m.fft, name)(t, n, d), x, order=2)


@pytest.mark.parametrize("name", MANY)
def test_several_dimensions(name):
    f = lambda m, t, *a: getattr(m.fft, name)(t, *a)  # noqa: E731
    for x in both(name, 3, 4, 5):
        for args in ((), (None, (0, 2)), ((2, 6),), ((4, -1), (2, 0)), ((5,), (1,), "ortho"),
                     (None, (1,), "forward")):  # fmt: skip
            agree(lambda m, t, a=args: f(m, t, *a), x, order=2)


@pytest.mark.parametrize("name", [n[:-1] + "2" for n in MANY])
def test_two_dimensions(name):
    for x in both(name[:-1] + "n", 2, 3, 4):
        agree(lambda m, t: getattr(m.fft, name)(t), x, order=1)
        agree(lambda m, t: getattr(m.fft, name)(t, (4, 4), (0, 1), "ortho"), x, order=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes(dtype):
    for name in ONE + MANY:
        agree(lambda m, t, name=name: getattr(m.fft, name)(t), random(4, 4), dtype=dtype, order=1)


def test_gradcheck():
    x = rl.tensor(random(3, 4), requires_grad=True)
    c = rl.tensor(random(3, 4) + 1j * random(3, 4, seed=2), requires_grad=True)
    for name in ONE + MANY:
        for t in [x] if name in REAL_ONLY else [x, c]:
            f = getattr(rl.fft, name)
            assert rl.autograd.gradcheck(f, (t,))
            assert rl.autograd.gradgradcheck(f, (t,))


def test_inverses():
    x = rl.randn(3, 5, 6)
    assert rl.allclose(rl.fft.ifftn(rl.fft.fftn(x)).real, x, atol=1e-6)
    assert rl.allclose(rl.fft.irfftn(rl.fft.rfftn(x), x.shape), x, atol=1e-6)
    assert rl.allclose(rl.fft.hfft(rl.fft.ihfft(x), 6), x, atol=1e-6)


def test_strides():
    for view in (
        lambda t: t.t(),
        lambda t: t[:, ::2],
        lambda t: t.expand(2, 4, 6),
        lambda t: t[1:],
    ):
        agree(lambda m, t: m.fft.rfft2(t), (view, random(4, 6)), order=1)


SNIPPETS = {
    "frequencies": lambda m: [m.fft.fftfreq(7, 0.3), m.fft.fftfreq(4), m.fft.rfftfreq(7, 0.3),
                              m.fft.rfftfreq(6), m.fft.fftfreq(0), m.fft.rfftfreq(0)],
    "frequencies of a dtype": lambda m: m.fft.fftfreq(4, 2.0, dtype=m.float64),
    "frequencies with a gradient": lambda m: m.fft.rfftfreq(4, requires_grad=True),
    "frequencies out": lambda m: m.fft.fftfreq(4, out=m.empty(4)),
    "integer frequencies": lambda m: m.fft.fftfreq(4, dtype=m.int64),
    "shift": lambda m: [f(m.arange(12).view(3, 4), d) for f in (m.fft.fftshift, m.fft.ifftshift)
                        for d in (None, 0, 1, (0, 1), -1)],
    "shift out of range": lambda m: m.fft.fftshift(m.ones(2), 3),
    "integers": lambda m: [m.fft.rfft(m.arange(4)), m.fft.fft(m.arange(4)), m.fft.irfft(m.arange(4)),
                           m.fft.ihfft(m.tensor([True, False]))],
    "doubles by default": lambda m: (m.set_default_dtype(m.float64), m.fft.rfft(m.arange(4)),
                                     m.set_default_dtype(m.float32))[1],
    "no dimensions": lambda m: [m.fft.fftn(m.tensor(2.0)), m.fft.ifftn(m.ones(2), dim=())],
    "out": lambda m: m.fft.fft(m.ones(4), out=m.empty(0, dtype=m.complex64)),
    "wider out": lambda m: m.fft.rfft(m.ones(4), out=m.empty(0, dtype=m.complex128)),
    "s is a number": lambda m: m.fft.fftn(m.ones(2, 3), 4).shape,
}  # fmt: skip


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets(name):
    twin(SNIPPETS[name])


@pytest.mark.parametrize("name", ONE)
def test_errors_of_one_dimension(name):
    def errors(m):
        f = getattr(m.fft, name)
        r, c = m.ones(4, 6), m.ones(4, 6, dtype=m.complex64)
        return [
            *(error_of(f, r, n) for n in (0, -1, -3)),
            error_of(f, r, None, 5),
            error_of(f, r, None, -1, "what"),
            error_of(f, r.half()),
            error_of(f, r.bfloat16()),
            error_of(f, m.tensor(1.0)),
            error_of(f, m.zeros(0)),
            error_of(f, c),
            error_of(lambda: f(r, out=m.empty(0, dtype=m.int64))),
            error_of(lambda: f(r, out=m.empty(0, dtype=m.bool))),
        ]

    twin(errors)


@pytest.mark.parametrize("name", MANY + [n[:-1] + "2" for n in MANY])
def test_errors_of_several_dimensions(name):
    def errors(m):
        f = getattr(m.fft, name)
        r, c = m.ones(4, 6), m.ones(4, 6, dtype=m.complex64)
        return [
            *(error_of(f, r, s) for s in ((0, 2), (-3, 2), (2, 0), (2, 2, 2))),
            error_of(f, r, (2,), (0, 1)),
            *(error_of(f, r, None, dim) for dim in ((0, 0), (0, -2), (0, 5), ())),
            error_of(f, r, None, (0, 1), "what"),
            error_of(f, r.half()),
            error_of(f, c),
            error_of(f, m.tensor(1.0)),
            error_of(f, m.ones(3)),
            error_of(f, m.zeros(0, 4)),
        ]

    twin(errors)


def test_empty_batches():
    """PyTorch's MKL fails here; an empty batch has an empty transform."""
    assert rl.fft.fft(rl.zeros(0, 4)).shape == (0, 4)
    assert rl.fft.irfft2(rl.zeros(0, 4, 4, dtype=rl.complex64)).shape == (0, 4, 6)


def test_names():
    names = set(torch.fft.__all__) - {"Tensor"}
    assert set(rl.fft.__all__) == names
    for name in [*names, "hfft2", "hfftn", "ihfft2", "ihfftn"]:
        assert getattr(rl.fft, name).__doc__


def test_numpy_is_not_needed():
    code = """
import sys
sys.modules["numpy"] = None
import rushlight
assert rushlight.fft.fft(rushlight.ones(4)).real.tolist() == [4, 0, 0, 0]
rushlight.stft(rushlight.ones(16), 4, return_complex=True)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=os.path.dirname(__file__))


# ---- lengths of every kind, against float64 ----

LENGTHS = [*range(1, 34), 59, 61, 62, 64, 67, 97, 121, 127, 128, 243, 300, 360, 512, 625, 1009, 1024,
           1331, 3721, 4096, 4097, 4098, 5000, 8192, 10007, 2**15, 2**16, 3**10]  # fmt: skip


def spectrum_agrees(shape, dim, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype) + 1j * rng.standard_normal(shape).astype(dtype)
    n, eps = shape[dim], np.finfo(dtype).eps
    want = np.fft.fft(x.astype("complex128"), axis=dim)
    bound = 8 * eps * (1 + n**0.5) * abs(x).max()  # the root of n numbers is the size of a sum
    t = rl.from_numpy(x)
    close = lambda got, want, b: np.testing.assert_allclose(got, want, rtol=0, atol=b)  # noqa: E731
    close(both_ways(lambda: rl.fft.fft(t, dim=dim)), want, bound)
    close(both_ways(lambda: rl.fft.ifft(t, dim=dim, norm="ortho")) * n**0.5,
          np.fft.ifft(x.astype("complex128"), axis=dim) * n, bound)  # fmt: skip
    half = rl.fft.rfft(t.real, dim=dim)
    close(half, np.fft.rfft(x.real.astype("float64"), axis=dim), bound)
    close(rl.fft.irfft(half, n, dim=dim), x.real, bound / n**0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", LENGTHS)
def test_lengths(n, dtype):
    spectrum_agrees((n,), 0, dtype)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 200), st.integers(1, 40), st.sampled_from("fd"))
def test_layouts(outer, n, inner, kind):
    """One line, as many as a register has lanes, one more; together or apart."""
    for shape, dim in (((outer, n), 1), ((n, inner), 0), ((outer % 4 + 1, n, inner), 1)):
        spectrum_agrees(shape, dim, kind)


def test_lengths_that_split_with_others_beside_them():
    for shape, dim in (((3, 6000), 1), ((6000, 3), 0), ((2, 8192, 17), 1), ((20, 5000), 1)):
        spectrum_agrees(shape, dim, "float32")


def test_what_is_not_finite_stays_in_its_line():
    for n in (16, 67, 1000):
        x = rl.ones(2, n)
        x[0, 1] = float("nan")
        y = rl.fft.fft(x)
        assert y[0].isnan().all() and not y[1].isnan().any()


def test_plans_come_and_go():
    """More lengths than are kept, twice."""
    for n in [*range(70, 120), *range(70, 120)]:
        x = rl.arange(n, dtype=rl.float64)
        assert rl.allclose(rl.fft.ifft(rl.fft.fft(x)).real, x)


@pytest.mark.parametrize(
    "x,dim,size",
    [
        (rl.ones(4), 0, 5),
        (rl.ones(4), 0, -1),
        (rl.ones(4), 1, 4),
        (rl.tensor(1.0), 0, 1),
        (rl.ones(4).half(), 0, 4),
        (rl.ones(4).int(), 0, 4),
        (rl.ones(67), 0, 67),
    ],
    ids=str,
)
def test_the_core_refuses(x, dim, size):
    with pytest.raises((RuntimeError, IndexError)):
        rl._C._hidden._fft(x, dim, False, 1.0, size, False)
