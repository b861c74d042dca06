"""torch.special: how accurate its functions are, what they are at their poles and limits, and which
have no gradient. Their agreement with PyTorch over dtypes is tested by the rows of ops_special.py.
"""

import math

import numpy as np
import pytest
import torch
from test_math_accuracy import exact, worst_ulp
from twin import outcome, twin

import rushlight as rl

mpmath = pytest.importorskip("mpmath")
INF, NAN = math.inf, math.nan


def ndtri(p):
    return mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1)


def near(function, x):
    """Of x up to |x| = 700 on both sides, mostly near zero."""
    rng = np.random.default_rng(3)
    some = np.concatenate([10 ** rng.uniform(-8, np.log10(x), 40), rng.uniform(0, min(x, 12), 40)])
    return function(some)


def both(x):
    return np.concatenate([x, -x])


def same(x):
    return x


# name -> (mpmath's function, points, ulp allowed in float64)
UNARY = {
    "i0": (lambda x: mpmath.besseli(0, x), near(both, 700), 5),
    "i0e": (lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), near(both, 700), 5),
    "i1": (lambda x: mpmath.besseli(1, x), near(both, 700), 5),
    "i1e": (lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), near(both, 700), 5),
    "modified_bessel_k0": (lambda x: mpmath.besselk(0, x), near(same, 600), 8),
    "modified_bessel_k1": (lambda x: mpmath.besselk(1, x), near(same, 600), 8),
    "scaled_modified_bessel_k0": (
        lambda x: mpmath.besselk(0, x) * mpmath.exp(x), near(same, 600), 8),
    "scaled_modified_bessel_k1": (
        lambda x: mpmath.besselk(1, x) * mpmath.exp(x), near(same, 600), 8),
    "spherical_bessel_j0": (lambda x: mpmath.sinc(x), near(both, 3), 3),
    "airy_ai": (mpmath.airyai, near(same, 100), 8),
    "erfcx": (lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
              np.append(near(same, 600), np.linspace(-26, 0, 50)), 5),
    "ndtr": (mpmath.ncdf, np.linspace(-37, 8, 150), 4),
    "log_ndtr": (lambda x: mpmath.log(mpmath.ncdf(x)), np.linspace(-300, 3, 150), 8),
    "ndtri": (ndtri, np.append(np.linspace(0.01, 0.49, 60), np.linspace(0.51, 0.999, 60)), 5),
    "entr": (lambda x: -x * mpmath.log(x), near(same, 600)[:40], 4),
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    function, x, limit = UNARY[name]
    x = x.astype(np.float64)
    got = getattr(rl.special, name)(rl.from_numpy(x)).numpy()
    assert worst_ulp(got, exact(function, x), np.float64) <= limit


def test_far_tail_of_ndtri():
    """The inverse of log_ndtr: p = exp(l) is exact enough far out."""
    p = np.array([1e-20, 1e-50, 1e-100, 1e-200, 1e-300, 2e-308])
    x = rl.special.ndtri(rl.from_numpy(p)).numpy()
    back = exact(mpmath.ncdf, x)
    for a, b, place in zip(p, back, x):  # d log(p) / d log(x) is about x^2
        assert abs(float(b) / a - 1) < 4e-16 * place * place


@pytest.mark.parametrize("name", ["bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai"])
def test_waves(name):
    """Between their zeros relative to the value, near them to the height of the wave."""
    x = np.linspace(0.05, 40, 300) * (-1 if name == "airy_ai" else 1)
    function = {"airy_ai": mpmath.airyai}.get(name) or (
        lambda t: getattr(mpmath, name[:-1].replace("_", ""))(int(name[-1]), t)
    )
    got = getattr(rl.special, name)(rl.from_numpy(x)).numpy()
    height = np.abs(x) ** (-0.25 if name == "airy_ai" else -0.5)
    wrong = np.abs(got - np.array([float(v) for v in exact(function, x)])) / height
    assert wrong.max() < 2e-15


@pytest.mark.parametrize("a", [0.01, 0.5, 1.0, 1.2, 5.0, 19.5, 21.0, 130.0])
def test_incomplete_gamma(a):
    rng = np.random.default_rng(int(a * 100))
    x = np.concatenate([a * rng.uniform(0.05, 2, 15), rng.uniform(0, 2, 8)])
    x = np.append(x, a * (1 + rng.normal(0, 1, 10) / math.sqrt(a)))
    x = x[x > 0]
    t, first = rl.from_numpy(x), rl.full((len(x),), a, dtype=rl.float64)
    lower = exact(lambda v: mpmath.gammainc(a, 0, v, regularized=True), x)
    upper = exact(lambda v: mpmath.gammainc(a, v, mpmath.inf, regularized=True), x)
    assert worst_ulp(rl.igamma(first, t).numpy(), lower, np.float64) <= 20
    assert worst_ulp(rl.igammac(first, t).numpy(), upper, np.float64) <= 20


@pytest.mark.parametrize("s", [1.1, 2.0, 3.5, 10.0])
def test_zeta(s):
    x = near(same, 200)
    got = rl.special.zeta(s, rl.from_numpy(x)).numpy()
    assert worst_ulp(got, exact(lambda q: mpmath.zeta(mpmath.mpf(s), q), x), np.float64) <= 8


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_polygamma(n):
    x = np.append(near(same, 200), np.linspace(-9.7, -0.3, 30))
    got = rl.polygamma(n, rl.from_numpy(x)).numpy()
    assert worst_ulp(got, exact(lambda q: mpmath.polygamma(n, q), x), np.float64) <= 60


def chebyshev_u(n, x):
    p, q = mpmath.mpf(0), mpmath.mpf(1)
    for _ in range(n):
        p, q = q, 2 * x * q - p
    return q


POLYNOMIALS = {
    "chebyshev_polynomial_t": mpmath.chebyt, "chebyshev_polynomial_u": chebyshev_u,
    "hermite_polynomial_h": mpmath.hermite, "legendre_polynomial_p": mpmath.legendre,
    "laguerre_polynomial_l": lambda n, x: mpmath.laguerre(n, 0, x),
    "shifted_chebyshev_polynomial_t": lambda n, x: mpmath.chebyt(n, 2 * x - 1),
}  # fmt: skip


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials(name):
    x = np.linspace(-1.3, 1.3, 27)
    for n in (0, 1, 2, 5, 12, 30):
        got = getattr(rl.special, name)(rl.from_numpy(x), n).numpy()
        want = np.array([float(v) for v in exact(lambda t, n=n: POLYNOMIALS[name](n, t), x)])
        np.testing.assert_allclose(got, want, rtol=2e-13, atol=1e-14 * np.abs(want).max())


@pytest.mark.parametrize("name", ["legendre_polynomial_p", "laguerre_polynomial_l"])
def test_polynomials_of_very_high_degree(name):
    f, k = getattr(rl.special, name), 999_999
    x = rl.linspace(-0.99, 0.99, 7, dtype=rl.float64)
    if name == "laguerre_polynomial_l":
        x = x.abs() * 5
        q, p = f(x, k), f(x, k - 1)
        want = ((2 * k + 1 - x) * q - k * p) / (k + 1)
    else:
        want = ((2 * k + 1) * x * f(x, k) - k * f(x, k - 1)) / (k + 1)
    assert rl.allclose(f(x, k + 1), want, rtol=1e-5, atol=1e-5 * want.abs().max().item())
    assert f(x, 2**62).isfinite().all()  # at once


def test_no_degree_and_no_number():
    for name in dir(rl.special):
        if "_polynomial_" not in name:
            continue
        f = getattr(rl.special, name)
        x = rl.tensor([0.5, -2.0, NAN], dtype=rl.float64)
        assert f(x, -1).tolist() == [0, 0, 0] and f(x, NAN).tolist() == [0, 0, 0]
        assert f(x, 0).tolist() == [1, 1, 1]
        assert math.isnan(f(x, 3)[2])


# name -> what it is at 0, inf, -inf, NaN
LIMITS = {
    "i0e": (1, 0, 0, NAN), "i1e": (0, 0, 0, NAN), "erfcx": (1, 0, INF, NAN),
    "ndtr": (0.5, 1, 0, NAN), "log_ndtr": (math.log(0.5), 0, -INF, NAN),
    "ndtri": (-INF, NAN, NAN, NAN), "entr": (0, -INF, -INF, NAN),
    "bessel_j0": (1, NAN, NAN, NAN), "bessel_y0": (-INF, NAN, NAN, NAN),
    "bessel_j1": (0, NAN, NAN, NAN), "bessel_y1": (-INF, NAN, NAN, NAN),
    "modified_bessel_k0": (INF, 0, NAN, NAN), "modified_bessel_k1": (INF, 0, NAN, NAN),
    "scaled_modified_bessel_k0": (INF, 0, NAN, NAN), "spherical_bessel_j0": (1, 0, 0, NAN),
    "airy_ai": (0.35502805388781724, NAN, NAN, NAN),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name):
    for dtype in (rl.float32, rl.float64):
        got = getattr(rl.special, name)(rl.tensor([0.0, INF, -INF, NAN], dtype=dtype))
        np.testing.assert_allclose(got.numpy(), LIMITS[name], rtol=1e-7)


def test_limits_of_two():
    edges = [NAN, INF, -INF, 0.0, -0.0, 1.0, -2.0, 0.5, 3.0]
    for name in ("igamma", "igammac"):
        for a in edges:
            args = [[a] * len(edges), edges]
            mine, theirs = (
                getattr(m, name)(*(m.tensor(v, dtype=m.float64) for v in args)).tolist()
                for m in (rl, torch)
            )
            for x, one, other in zip(edges, mine, theirs):
                if a == a and x == x:
                    np.testing.assert_allclose(one, other, rtol=1e-13)
                else:  # PyTorch gives 0 or 1 for NaN at the limits of the other operand
                    assert math.isnan(one)


def test_negative_zeta_and_poles():
    s = rl.special
    q = rl.tensor([-0.5, -3.25, -1e30, -4.0, 0.0], dtype=rl.float64)
    want = [float(mpmath.zeta(3, v)) for v in (-0.5, -3.25)]
    np.testing.assert_allclose(s.zeta(3, q)[:2].numpy(), want, rtol=1e-13)
    assert s.zeta(3, q)[2:].tolist() == [INF] * 3
    assert math.isnan(s.zeta(2.5, rl.tensor(-0.5)))
    assert rl.polygamma(1, rl.tensor([-1.0, 0.0, INF])).tolist() == [INF, INF, 0]


# ---- gradients ----


def raises(m, y):
    try:
        y.sum().backward()
    except Exception as e:  # noqa: BLE001
        return type(e).__name__, str(e)


@pytest.mark.parametrize("name", ["zeta", "igamma", "igammac"])
def test_first_operand_has_no_gradient(name):
    def run(m):
        f = getattr(m, name, None) or getattr(m.special, name)
        x = m.tensor([2.0, 3.0], requires_grad=True)
        other = m.tensor([1.5, 2.5], requires_grad=True)
        error = raises(m, f(x, other))
        f(m.tensor([2.0, 3.0]), other).sum().backward()
        return error, other.grad

    twin(run)


def test_functions_without_gradients():
    def run(m):
        x = m.tensor([0.5, 0.25], requires_grad=True)
        return [
            getattr(m.special, n)(x).requires_grad
            for n in ("bessel_j0", "airy_ai", "modified_bessel_k1", "spherical_bessel_j0")
        ] + [m.special.legendre_polynomial_p(x, 2).requires_grad]

    twin(run)


def test_gradients():
    x = rl.tensor([0.3, 0.7], dtype=rl.float64, requires_grad=True)
    n = rl.tensor([2.0, 3.0], dtype=rl.float64)
    s = rl.special
    check, again = rl.autograd.gradcheck, rl.autograd.gradgradcheck
    for f in (s.i0, s.i0e, s.i1, s.i1e, s.erfcx, s.ndtr, s.log_ndtr, s.ndtri, s.entr, s.digamma,
              lambda t: s.xlog1py(t, t), lambda t: s.zeta(n, t), lambda t: rl.igamma(n, t),
              lambda t: rl.igammac(n, t), lambda t: rl.polygamma(2, t),
              lambda t: rl.mvlgamma(t + 2, 3)):  # fmt: skip
        assert check(f, (x,)) and again(f, (x,))


# ---- names and errors ----


def test_every_name_exists():
    for name in torch.special.__all__:
        assert callable(getattr(rl.special, name)), name
        assert getattr(rl.special, name).__doc__
    assert sorted(rl.special.__all__) == sorted(torch.special.__all__)


CALLS = {
    "negative order": lambda m: m.polygamma(-1, m.ones(2)),
    "order is a float": lambda m: m.polygamma(1.5, m.ones(2)),
    "order by name": lambda m: m.polygamma(input=m.ones(2), n=2),
    "method": lambda m: m.ones(2).polygamma(1),
    "in place": lambda m: m.ones(2).polygamma_(1),
    "integers": lambda m: m.polygamma(2, m.tensor([1, 2])),
    "out": lambda m: m.polygamma(1, m.ones(2), out=m.empty(2)),
    "mvlgamma": lambda m: m.mvlgamma(m.tensor([3.0, 0.5]), 2),
    "mvlgamma of ints": lambda m: m.tensor([3, 4]).mvlgamma(2),
    "mvlgamma in place": lambda m: m.tensor([3.0, 4.0]).mvlgamma_(2),
    "mvlgamma of nothing": lambda m: m.mvlgamma(m.ones(2), 0),
    "mvlgamma of bools": lambda m: m.mvlgamma(m.tensor([True]), 1),
    "by old names": lambda m: m.special.airy_ai(x=m.tensor([1.0])),
    "a number first": lambda m: m.special.zeta(2, m.tensor([1.0])),
    "a number second": lambda m: m.special.hermite_polynomial_he(m.tensor([0.5]), 4),
    "igamma of ints": lambda m: m.igamma(m.tensor([1]), m.tensor([2.0])),
    "softmax": lambda m: m.special.softmax(m.arange(3.0), 0),
    "rounded": lambda m: m.special.round(m.tensor([1.26]), decimals=1),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    twin(CALLS[name])


def test_igamma_of_integers_is_refused():
    error = outcome(rl, lambda m: m.igamma(m.tensor([1]), m.tensor([1])))[0]
    assert error[:2] == ["raised", "NotImplementedError"]
