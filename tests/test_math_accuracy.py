"""How many ulp the mathematical functions are off, and their edge values.

float32 is compared with NumPy's float64 over many points, float64 with mpmath over fewer. Speed and
gradients are tested elsewhere.
"""

import math

import numpy as np
import pytest

import rushlight as rl

mpmath = pytest.importorskip("mpmath")

# name -> (NumPy's name or a function of float64 arrays, mpmath's function, interval,
#          ulp allowed in float32, in float64)
BIG = 3.0e38
UNARY = {
    "exp": (np.exp, "exp", (-104, 89), 1, 1),
    "exp2": (np.exp2, lambda x: mpmath.power(2, x), (-149, 128), 1.3, 1.3),
    "expm1": (np.expm1, "expm1", (-20, 88), 2, 2),
    "log": (np.log, "log", (1e-40, BIG), 1, 1),
    "log2": (np.log2, lambda x: mpmath.log(x, 2), (1e-40, BIG), 1, 1),
    "log10": (np.log10, "log10", (1e-40, BIG), 1, 1),
    "log1p": (np.log1p, "log1p", (-0.999, 1e6), 2, 2),
    "sin": (np.sin, "sin", (-BIG, BIG), 2, 1),
    "cos": (np.cos, "cos", (-BIG, BIG), 2, 1),
    "tan": (np.tan, "tan", (-BIG, BIG), 1, 2),
    "asin": (np.arcsin, "asin", (-1, 1), 1, 2),
    "acos": (np.arccos, "acos", (-1, 1), 1, 2),
    "atan": (np.arctan, "atan", (-BIG, BIG), 2, 1),
    "sinh": (np.sinh, "sinh", (-89, 89), 2, 2),
    "cosh": (np.cosh, "cosh", (-89, 89), 2, 2),
    "tanh": (np.tanh, "tanh", (-30, 30), 1, 1),
    "asinh": (np.arcsinh, "asinh", (-BIG, BIG), 1, 2),
    "acosh": (np.arccosh, "acosh", (1, BIG), 1, 2),
    "atanh": (np.arctanh, "atanh", (-1, 1), 1, 2),
    "sigmoid": (None, lambda x: 1 / (1 + mpmath.exp(-x)), (-104, 40), 2.5, 2),
    "sqrt": (np.sqrt, "sqrt", (0, BIG), 0.5, 0.5),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x: 1 / mpmath.sqrt(x), (1e-40, BIG), 1.5, 1.5),
    "erf": (np.vectorize(math.erf), "erf", (-7, 7), 1.5, 1),
    "erfc": (np.vectorize(math.erfc), "erfc", (-7, 10), 1, 4),
    "lgamma": (np.vectorize(math.lgamma), "loggamma", (2.1, 1e6), 1, 4),
    "digamma": (None, "digamma", (1.6, 1e6), 1, 8),
    "i0": (None, lambda x: mpmath.besseli(0, x), (-88, 88), 1, 4),
}
DTYPES = [np.float32, np.float64]


def call(name, *arrays):
    return getattr(rl, name)(*(rl.from_numpy(a) for a in arrays)).numpy()


def points(interval, dtype, count, seed=0):
    """Values of every magnitude inside an interval, and its integers."""
    rng = np.random.default_rng(seed)
    low, high = interval
    signs = rng.choice([-1.0, 1.0], count)
    x = [signs * 10 ** rng.uniform(-40, np.log10(max(abs(low), high)), count)]
    for scale in (1, 10, 1e3, 1e5):
        x += [rng.uniform(max(low, -scale), min(high, scale), count)] if low < scale else []
    x += [rng.integers(-200, 200, count).astype(float), 1 + 1e-3 * rng.normal(size=count)]
    x = np.concatenate(x).astype(dtype)
    return x[(x >= low) & (x <= high)]


def exact(function, *arrays):
    """mpmath's values, as mpmath numbers."""
    function = getattr(mpmath, function) if isinstance(function, str) else function
    digits = 100 if max(np.abs(a).max() for a in arrays) > 1e9 else 40
    with mpmath.workdps(digits):
        return [function(*(mpmath.mpf(float(v)) for v in values)) for values in zip(*arrays)]


def worst_ulp(got, wanted, dtype):
    """The largest error; `wanted` is float64, or mpmath numbers where that is not enough."""
    worst, tiny = 0.0, np.finfo(dtype).tiny
    if isinstance(wanted, np.ndarray):
        with np.errstate(over="ignore"):
            rounded = wanted.astype(dtype)
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(rounded))
        ok = np.isfinite(got)
        unit = np.spacing(np.maximum(np.abs(rounded[ok]), tiny)).astype(np.float64)
        return np.max(np.abs(got[ok].astype(np.float64) - wanted[ok]) / unit, initial=0.0)
    for g, w in zip(got, wanted):
        unit = float(np.spacing(max(abs(dtype(float(w))), tiny)))
        worst = max(worst, float(abs(mpmath.mpf(float(g)) - w) / unit))
    return worst


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name, dtype):
    fast, slow, interval, *limits = UNARY[name]
    dense = dtype is np.float32 and fast is not None
    x = points(interval, dtype, 20000 if dense else 60)
    with np.errstate(all="ignore"):
        wanted = fast(x.astype(np.float64)) if dense else exact(slow, x)
    assert worst_ulp(call(name, x), wanted, dtype) <= limits[dtype is np.float64]


BINARY = {
    "pow": (np.power, mpmath.power, 1, 1.5),
    "atan2": (np.arctan2, mpmath.atan2, 2, 1),
    "hypot": (np.hypot, mpmath.hypot, 1, 1.5),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, dtype):
    fast, slow, *limits = BINARY[name]
    rng = np.random.default_rng(1)
    count = 50000 if dtype is np.float32 else 500
    x, y = (
        np.exp(3 * rng.normal(size=count)).astype(dtype),
        (9 * rng.normal(size=count)).astype(dtype),
    )
    wanted = fast(x.astype(float), y.astype(float)) if dtype is np.float32 else exact(slow, x, y)
    assert worst_ulp(call(name, x, y), wanted, dtype) <= limits[dtype is np.float64]


def same(got, wanted):
    """Equal, with NaN equal to NaN, and zeros of one sign."""
    np.testing.assert_array_equal(got, wanted)
    zero = wanted == 0
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(wanted[zero]))


INF, NAN = math.inf, math.nan
EDGES = {  # name -> what it is at 0, -0, inf, -inf, NaN
    "exp": (1, 1, INF, 0, NAN), "exp2": (1, 1, INF, 0, NAN), "expm1": (0.0, -0.0, INF, -1, NAN),
    "log": (-INF, -INF, INF, NAN, NAN), "log2": (-INF, -INF, INF, NAN, NAN),
    "log10": (-INF, -INF, INF, NAN, NAN), "log1p": (0.0, -0.0, INF, NAN, NAN),
    "sin": (0.0, -0.0, NAN, NAN, NAN), "cos": (1, 1, NAN, NAN, NAN),
    "tan": (0.0, -0.0, NAN, NAN, NAN), "asin": (0.0, -0.0, NAN, NAN, NAN),
    "atan": (0.0, -0.0, math.pi / 2, -math.pi / 2, NAN), "acosh": (NAN, NAN, INF, NAN, NAN),
    "sinh": (0.0, -0.0, INF, -INF, NAN), "cosh": (1, 1, INF, INF, NAN),
    "tanh": (0.0, -0.0, 1, -1, NAN), "asinh": (0.0, -0.0, INF, -INF, NAN),
    "atanh": (0.0, -0.0, NAN, NAN, NAN), "erf": (0.0, -0.0, 1, -1, NAN),
    "erfc": (1, 1, 0.0, 2, NAN), "erfinv": (0.0, -0.0, NAN, NAN, NAN),
    "sigmoid": (0.5, 0.5, 1, 0.0, NAN), "sqrt": (0.0, -0.0, INF, NAN, NAN),
    "rsqrt": (INF, -INF, 0.0, NAN, NAN), "digamma": (-INF, INF, INF, NAN, NAN),
    "i0": (1, 1, NAN, NAN, NAN), "round": (0.0, -0.0, INF, -INF, NAN),
    "floor": (0.0, -0.0, INF, -INF, NAN), "ceil": (0.0, -0.0, INF, -INF, NAN),
    "trunc": (0.0, -0.0, INF, -INF, NAN), "sign": (0.0, 0.0, 1, -1, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EDGES)
def test_edges(name, dtype):
    for length in (1, 40):  # alone, and inside a SIMD loop
        x = np.tile(np.array([0.0, -0.0, INF, -INF, NAN], dtype), length)
        same(call(name, x), np.tile(np.array(EDGES[name], dtype), length))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["pow", "atan2", "fmod", "hypot", "nextafter", "copysign"])
def test_binary_edges(name, dtype):
    info = np.finfo(dtype)
    e = np.array([0.0, 1, 0.5, 2, 3, 4, 5.5, 1e-30, 1e30, 16777217, INF, NAN, info.max,
                  info.smallest_subnormal], dtype)  # fmt: skip
    e = np.concatenate([e, -e])
    x, y = (a.ravel() for a in np.meshgrid(e, e))
    reference = {"pow": np.power, "atan2": np.arctan2}.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        wanted = reference(x, y)
        got = call(name, x, y)
    if name in ("fmod", "nextafter", "copysign"):
        return same(got, wanted)
    finite = np.isfinite(wanted) & (wanted != 0)
    same(got[~finite], wanted[~finite])
    np.testing.assert_allclose(got[finite], wanted[finite], rtol=4 * info.eps, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_fmod_is_exact(dtype):
    rng = np.random.default_rng(2)
    x = (rng.normal(size=20000) * 10 ** rng.uniform(-5, 12, 20000)).astype(dtype)
    y = (rng.normal(size=20000) * 10 ** rng.uniform(-5, 5, 20000)).astype(dtype)
    same(call("fmod", x, y), np.fmod(x, y))


@pytest.mark.parametrize("dtype", DTYPES)
def test_erfinv(dtype):
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(-1, 1, 150), 1 - 10 ** rng.uniform(-7, -1, 80)]).astype(dtype)
    x = x[np.abs(x) < 1]
    wanted = exact(lambda v: mpmath.erfinv(v), x)
    assert worst_ulp(call("erfinv", x), wanted, dtype) <= (1 if dtype is np.float32 else 4)


COMPLEX = ["exp", "log", "log2", "log10", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "sinh",
           "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh"]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex(name, dtype):
    """Values, and the side of each branch cut that a signed zero chooses."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=500) + 1j * rng.normal(size=500)
    cut = [complex(a, b) for a in (-2.0, -0.5, -0.0, 0.0, 0.5, 2.0) for b in (0.0, -0.0)]
    cut += [complex(b, a) for a in (-2.0, 2.0) for b in (0.0, -0.0)]
    x = np.concatenate([x, cut]).astype(dtype)
    names = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
    names |= {k + "h": v + "h" for k, v in names.items()}
    with np.errstate(all="ignore"):
        wanted = getattr(np, names.get(name, name))(x.astype(np.complex128))
    finite = np.isfinite(wanted)  # all but log(0)
    # NumPy's own log1p and expm1 lose digits near 0.
    rtol = 1e-6 if dtype is np.complex64 else 1e-12
    np.testing.assert_allclose(call(name, x)[finite], wanted[finite], rtol=rtol, atol=0)


# Where a formula has a near form, a block of common arguments takes it: bit for bit the same.
NEAR = {"exp": (-86, 86), "sigmoid": (-86, 86), "sin": (-131072, 131072),
        "cos": (-131072, 131072), "log": (1.2e-38, 3e38)}  # fmt: skip
NOT_NEAR = [INF, -INF, NAN, 1e-45, 1e38, -1e38]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NEAR)
def test_near_form_is_the_same(name, dtype):
    x = points(NEAR[name], dtype, 5000)
    alone = call(name, x)
    for block in range(0, len(x), 1000):  # every block of 1024 holds one that is not near
        x[block] = NOT_NEAR[block // 1000 % len(NOT_NEAR)]
    kept = np.arange(len(x)) % 1000 != 0
    same(call(name, x)[kept], alone[kept])
    same(call(name, x[::-1].copy())[::-1], call(name, x))


@pytest.mark.parametrize("dtype", [rl.float32, rl.float64])
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_near_gradient_is_the_same(name, dtype):
    x = rl.linspace(-9e4, 9e4, 3000, dtype=dtype)
    far = rl.cat([x[:1500], rl.tensor([1e30], dtype=dtype), x[1500:]])

    def gradient(v):
        v = v.clone().requires_grad_()
        getattr(rl, name)(v).sum().backward()
        return v.grad

    mixed = gradient(far)
    assert rl.equal(rl.cat([mixed[:1500], mixed[1501:]]), gradient(x))


WIDE = ["exp", "log", "sin", "cos", "tanh", "erf", "sqrt", "sigmoid"]


@pytest.mark.parametrize("name", [*WIDE, "gelu", "silu"])
def test_element_is_the_same_wherever_it_stands(name):
    """Alone, in a row of any length, in a column, in place, in half of a gradient."""
    f = getattr(rl, name, None) or getattr(rl.nn.functional, name)
    x = rl.from_numpy(points((-300, 300), np.float32, 30)[:150].copy())
    whole = f(x).numpy()
    for n in (1, 15, 16, 17, 33):
        same(f(x[:n]).numpy(), whole[:n])
    for i in range(0, 150, 7):
        same(f(x[i : i + 1]).numpy(), whole[i : i + 1])
        same(f(x[i]).numpy(), whole[i])
    same(f(x[::3]).numpy(), whole[::3])
    same(f(x.reshape(10, 15).t()).t().reshape(-1).numpy(), whole)

    def gradient(v):
        v = v.clone().requires_grad_()
        f(v).sum().backward()
        return v.grad.numpy()

    same(gradient(x)[:21], gradient(x[:21]))
