"""Rows of the formulas: a name and the values its operands take; the rest follows from the record.

Not here: operations that are functions (ops_functions.py and its neighbours).
"""

import math

import numpy
from ops_inputs import ALL, COMPLEX, DIFFERENTIABLE, FLOATS, INTS, REAL, K, Row, X

import rushlight

RECORDS = {o["name"]: o for o in rushlight._C._operations() if o["formula"]}
INF, NAN = math.inf, math.nan
EDGES = [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 25.0, 1e-8]
FEW = [NAN, INF, -INF, 0.0, -0.0, 1.0, -2.0, 0.5]
COMPLEX_EDGES = [1.0, -1.0, 1j, -1j, 0.5 + 0.5j, -2.0 - 0.25j, 3.0 + 2j]


def edge_values(dtype, operands):
    if dtype in COMPLEX:
        return COMPLEX_EDGES
    if dtype == "bool":
        return [False, True]
    if dtype in INTS:
        limits = numpy.iinfo(dtype)
        small = [0, 1, 2, 3, 7] if dtype == "uint8" else [0, 1, -1, 2, 3, -7]
        return [*small, limits.min, limits.max]
    return EDGES if operands == 1 else FEW if operands == 2 else [NAN, INF, 0.0, 1.0, -2.0]


def operand(at, *shape):
    """An operand in a range; "bool" is a mask, and "!" behind the range says: no gradient."""
    if at == "bool":
        return X(*shape, dtype="bool")
    return X(*shape, at=at.rstrip("!"), grad=not at.endswith("!"))


def edges_of(at, keywords):
    def edges(dtype):
        grid = numpy.meshgrid(*[numpy.array(edge_values(dtype, len(at)))] * len(at))
        dtypes = ("bool" if a == "bool" else None for a in at)
        yield (*(X(at=g.ravel(), dtype=d) for g, d in zip(grid, dtypes)), keywords)

    return edges


def samples_of(at, keywords, broadcast):
    n = len(at)

    def inputs(*shapes):
        return (*(operand(r, *s) for s, r in zip(shapes, at)), keywords)

    yield inputs(*[(3, 4)] * n)
    yield inputs(*[()] * n)
    yield inputs(*[(0, 3)] * n)
    yield inputs(*[(1100,)] * n)
    if n > 1 and broadcast:
        yield inputs(*[(3, 1), (4,), (2, 1, 1)][:n])
        yield inputs((3, 4), *[()] * (n - 1))
        yield inputs(*[()] * (n - 1), (3, 4))
        yield (operand(at[0], 3, 4), *[2] * (n - 1), keywords)
        yield (operand(at[0], 3, 4), *[1.5] * (n - 1), keywords)


class Formula(Row):
    """The row of a formula: samples by the number of operands, with the schema's scalars given."""

    def __init__(
        self,
        name,
        *at,
        dtypes=ALL,
        edges=True,
        broadcast=True,
        keywords=None,
        promotes=True,
        **options,
    ):
        record = RECORDS[name]
        n = record["operands"]
        at = at if len(at) == n else (at or ("any",)) * n
        samples = list(samples_of(at, K(keywords or {}), broadcast))
        if keywords:
            samples.append((*(operand(r, 3, 4) for r in at),))
        super().__init__(
            name,
            samples,
            dtypes,
            edges=edges_of(at, K(keywords or {})) if edges else (),
            promotes=promotes and n == 2 and record["function"],
            orders=2 if record["differentiable"] else 0,
            **options,
        )
        self.formula, self.relaid = True, (0, 3, 4)


def functional(name, **fixed):
    return lambda m, *args: getattr(m.nn.functional, name)(*args, **fixed)


def loss(name):
    return functional(name, reduction="none")


def clamp_like(name):
    return lambda m, x, *bounds: getattr(m, name)(x, *bounds)


F = Formula
ROWS = [
    # arithmetic
    F("add", keywords={"alpha": 3}),
    F("sub", keywords={"alpha": 3}),
    F("rsub", keywords={"alpha": 3}),
    F("mul"),
    F("div", "any", "nonzero"),
    F("floor_divide", "any", "nonzero"),
    F("_trunc_divide", "any", "nonzero", ref=lambda m, x, o: m.div(x, o, rounding_mode="trunc")),
    F("remainder", "any", "nonzero"),
    F("fmod", "any", "nonzero"),
    F("neg"),
    F("reciprocal", "nonzero"),
    F("square"),
    F("_cube", ref=lambda m, x: m.pow(x, 3)),
    F("abs"),
    F("sign"),
    F("sgn"),
    F("conj_physical"),
    F("addcmul", keywords={"value": 2}),
    F("addcdiv", "any", "any", "nonzero", keywords={"value": 2}),
    F("lerp", "any", "any", "(0, 1)"),
    F("maximum"),
    F("minimum"),
    F("fmax"),
    F("fmin"),
    F("_clamp", "any", "(-2, 0)", "(0, 2)", broadcast=False, ref=clamp_like("clamp")),
    F("_clamp_min", ref=clamp_like("clamp_min")),
    F("_clamp_max", ref=clamp_like("clamp_max")),
    F("floor"),
    F("ceil"),
    F("trunc"),
    F("_round", ref=lambda m, x: m.round(x)),
    F("frac"),
    F("bitwise_and"),
    F("bitwise_or"),
    F("bitwise_xor"),
    F("_bitwise_not", dtypes=INTS, ref=lambda m, x: m.bitwise_not(x)),
    F("bitwise_left_shift", "any", "(0, 6)"),
    F("bitwise_right_shift", "any", "(0, 6)"),
    # comparison
    F("eq"),
    F("ne"),
    F("lt"),
    F("le"),
    F("gt"),
    F("ge"),
    F("isnan"),
    F("isinf"),
    F("isfinite"),
    F("isposinf"),
    F("isneginf"),
    F("_nan_to_num", dtypes=FLOATS, ref=lambda m, x, nan=0, posinf=0, neginf=0: m.nan_to_num(x, nan, posinf, neginf),
      keywords={"nan": 1, "posinf": 2, "neginf": -3}),
    F("_angle", dtypes=REAL, ref=lambda m, x: m.angle(x)),
    F("logical_and"),
    F("logical_or"),
    F("logical_xor"),
    F("logical_not"),
    F("where", "bool", "any", "any"),
    # exponential
    F("exp"),
    F("exp2"),
    F("expm1"),
    F("log", "positive"),
    F("log2", "positive"),
    F("log10", "positive"),
    F("log1p", "(-0.9, 3)"),
    F("sqrt", "positive"),
    F("rsqrt", "positive"),
    F("sigmoid"),
    F("_logaddexp", broadcast=False, dtypes=REAL, ref=lambda m, x, o: m.logaddexp(x, o)),
    F("logaddexp2"),
    F("_pow", "positive", "any", ref=lambda m, x, e: m.pow(x, e), tol=3),
    F("xlogy", "any", "positive"),
    # trigonometric
    F("sin"),
    F("cos"),
    F("tan", "(-1.4, 1.4)"),
    F("asin", "(-0.95, 0.95)"),
    F("acos", "(-0.95, 0.95)"),
    F("atan"),
    F("sinh"),
    F("cosh"),
    F("tanh"),
    F("asinh"),
    F("acosh", "(1.1, 5)"),
    F("atanh", "(-0.9, 0.9)"),
    F("atan2"),
    F("hypot"),
    F("copysign"),
    F("nextafter"),
    F("deg2rad"),
    F("rad2deg"),
    F("sinc"),
    # special
    F("erf"),
    F("erfc"),
    F("erfinv", "(-0.95, 0.95)"),
    F("lgamma", "positive"),
    F("digamma", "positive"),
    F("_logit", "(0.05, 0.95)", ref=lambda m, x: m.logit(x)),
    F("_logit_eps", "any", "(0.05, 0.2)", "(0.7, 0.9)", dtypes=FLOATS, edges=False,
      call=lambda m, x, *_: m.logit(x, 0.1)),  # fmt: skip
    # activation
    F("relu"),
    F("_gelu", ref=functional("gelu")),
    F("_gelu_tanh", ref=functional("gelu", approximate="tanh")),
    F("silu"),
    F("mish"),
    F("elu", keywords={"alpha": 1.5}),
    F("selu"),
    F("celu", keywords={"alpha": 1.5}),
    F("leaky_relu", keywords={"negative_slope": 0.2}),
    F("_prelu_kernel", promotes=False),
    F("hardtanh", keywords={"min_val": -1, "max_val": 2}),
    F("hardswish"),
    F("hardsigmoid"),
    F("softplus", keywords={"beta": 2, "threshold": 3}),
    F("softshrink", keywords={"lambd": 0.75}),
    F("hardshrink", keywords={"lambd": 0.75}),
    F("threshold", keywords={"threshold": 1, "value": 2}),
    F("log_sigmoid", ref=functional("logsigmoid")),
    # loss, one element
    F("_mse", dtypes=DIFFERENTIABLE, broadcast=False, ref=loss("mse_loss")),
    F("_l1", dtypes=FLOATS, broadcast=False, ref=loss("l1_loss")),
    F("_smooth_l1", dtypes=FLOATS, broadcast=False, ref=loss("smooth_l1_loss")),
    F("_huber", dtypes=FLOATS, broadcast=False, ref=loss("huber_loss")),
    F("_soft_margin", dtypes=FLOATS, broadcast=False, ref=loss("soft_margin_loss")),
    F("_bce", "(0.05, 0.95)", edges=False, dtypes=FLOATS, broadcast=False, tol=100,
      ref=loss("binary_cross_entropy")),
    F("_bce_logits", "any", "(0, 1)", "positive!", dtypes=FLOATS, broadcast=False, edges=False,
      tol=4, ref=lambda m, x, t, w: m.nn.functional.binary_cross_entropy_with_logits(
          x, t, pos_weight=w, reduction="none")),
]  # fmt: skip
