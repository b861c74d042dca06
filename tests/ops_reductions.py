"""Rows of reductions, extrema, order statistics, norms, scans and sorting.

Not here: matrix products (ops_linear.py).
"""

from ops_inputs import COMPLEX, FLOATS, NUMBERS, REAL, D, K, X, row

A, B, V, S, E = X(3, 4), X(2, 3, 4), X(5), X(), X(0, 3)
DA, DB, DV = X(3, 4, at="distinct"), X(2, 3, 4, at="distinct"), X(7, at="distinct")
FLOATING = (*FLOATS, *COMPLEX)


def reduction(name, *more, **options):
    base = [A, (A, 0), (A, -1, True), (B, (0, 2)), S, (S, 0), E, (E, 0), (A, 2)]
    return row(name, *base, *more, **options)


def deviation(name, **options):
    return row(name, A, (A, False), (A, 1), (A, (0, 1), True, True), (A, K(dim=0, correction=2)),
               (B, K(correction=0, keepdim=True)), X(1), E, S, **options)  # fmt: skip


def extremum(name):
    return row(name, DA, (DA, 0), (DB, -1, True), S, (S, 0), (A, X(3, 4)), (A, X(4, dtype="float64")),
               E, (X(3, 0), 0), dtypes=(*REAL, "complex64"))  # fmt: skip


def scan(name, *more, at="any", **options):
    return row(
        name, (X(3, 4, at=at), 0), (X(3, 4, at=at), -1), (S, 0), (E, 1), (A, 2), *more, **options
    )


ROWS = [
    reduction("sum", (A, K(dtype=D("float64"))), (A, K(axis=1, keepdims=True))),
    reduction("mean", (A, K(dtype=D("float64")))),
    reduction("nansum", dtypes=REAL),
    row("prod", X(2, 3, at="nonzero"), (X(2, 3, at="nonzero"), 0), (A, 1, True), S, E, (E, 0),
        (A, K(dtype=D("float64"))), tol=10),
    reduction("any", orders=0),
    reduction("all", orders=0),
    row("count_nonzero", A, (A, 0), (B, (0, 1)), S, E, orders=0),
    deviation("std", dtypes=FLOATING, tol=4),
    deviation("var", dtypes=FLOATING, tol=4),
    deviation("std_mean", dtypes=FLOATING, tol=4),
    deviation("var_mean", dtypes=FLOATING, tol=4),
    extremum("max"),
    extremum("min"),
    row("amax", DA, (DA, 0), (DB, (0, 2), True), (X(at=[[1.0, 1.0], [0.0, 1.0]]), 1), S, E, (E, 0), dtypes=REAL),
    row("amin", DA, (DA, 0), (DB, (0, 2), True), (X(at=[[1.0, 1.0], [1.0, 1.5]]), 1), S, E, (E, 1), dtypes=REAL),
    row("aminmax", DA, (DA, K(dim=0)), (DB, K(dim=-1, keepdim=True)), S, E, dtypes=REAL),
    row("argmax", DA, (DA, 0), (DB, -1, True), S, E, (E, 1), dtypes=NUMBERS[:9], orders=0),
    row("argmin", DA, (DA, 0), (DB, -1, True), S, E, (E, 1), dtypes=NUMBERS[:9], orders=0),
    row("median", DV, DA, (DA, 0), (DB, 1, True), S, dtypes=NUMBERS[:9]),
    row("nanmedian", DV, DA, (DA, 0), (DB, 1, True), S, dtypes=NUMBERS[:9]),
    row("mode", (X(at=[[1.0, 2, 2, 3], [4, 4, 4, 1]]),), (X(at=[[1.0, 2, 2, 3], [4, 4, 4, 1]]), 1, True), S,
        dtypes=NUMBERS[:9], orders=0),
    row("vector_norm", A, (A, 1), (A, 3, 0), (B, 2, (0, 2), True), (A, float("inf"), 1), S, (A, 0),
        (A, 2, K(dtype=D("float64"))), dtypes=FLOATING, tol=4,
        ref=lambda m, *a, **k: m.linalg.vector_norm(*a, **k)),
    row("norm", A, (A, 1), (A, 3, 0), (B, 2, (0, 2), True), (A, "fro"), (A, float("inf")), S, E,
        (A, K(p=2, dim=1, dtype=D("float64"))), dtypes=FLOATING, tol=4),
    row("dist", (A, X(3, 4)), (A, X(4), 1), (A, X(3, 4), 3), dtypes=FLOATING, tol=4),
    row("logaddexp", (A, X(3, 4)), (A, X(4)), (A, S), tol=4),
    row("logsumexp", (A, 0), (B, (0, 2), True), (S, 0), (E, 1), (X(at=[[float("-inf")] * 2, [1.0, 2.0]]), 1),
        dtypes=REAL, tol=4),
    scan("cumsum", (A, 0, K(dtype=D("float64"))), tol=4),
    scan("cumprod", at="nonzero", tol=10),
    scan("cummax", at="distinct", dtypes=REAL),
    scan("cummin", at="distinct", dtypes=REAL),
    scan("logcumsumexp", dtypes=FLOATS, tol=4),
    row("sort", DV, (DA, 0), (DA, 1, True), (A, K(dim=0, stable=True)), S, E, dtypes=REAL),
    row("argsort", DV, (DA, 0), (DA, 1, True), S, E, dtypes=NUMBERS[:9], orders=0),
    row("msort", DV, DA, dtypes=NUMBERS[:9]),
    row("topk", (DV, 3), (DA, 2, 0), (DA, 2, 1, False), (DV, 9), (S, 1), (DV, 0), dtypes=NUMBERS[:9]),
    row("kthvalue", (DV, 3), (DA, 2, 0), (DA, 1, 1, True), (DV, 9), (S, 1), dtypes=NUMBERS[:9]),
    row("searchsorted", (X(at=[1.0, 3, 5, 7]), X(2, 3)), (X(at=[1.0, 3, 5, 7]), 4), (X(at=[1.0, 3, 5]), X(at=[1.0, 3]),
        K(right=True)), (X(at=[1.0, 3, 5]), X(at=[3.0]), K(side="right", out_int32=True)), dtypes=NUMBERS[:9], orders=0),
    row("bucketize", (A, X(at=[-1.0, 0, 2])), (A, X(at=[0.0]), K(right=True, out_int32=True)), (2, X(at=[1.0, 3])),
        dtypes=NUMBERS[:9], orders=0),
]  # fmt: skip
