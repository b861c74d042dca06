"""Rows of the special functions: formulas of torch.special, and of torch itself.

Not here: how accurate they are (test_special.py).
"""

from ops_inputs import FLOATS, REAL, X, row
from ops_pointwise import Formula as F

POLYNOMIALS = """
chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w
shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v
shifted_chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l
legendre_polynomial_p
""".split()

ROWS = [
    F("i0"),
    F("i0e", tol=4),
    F("i1", tol=4),
    F("i1e", tol=4),
    F("erfcx", "(-3, 6)", tol=4),
    F("ndtr"),
    F("log_ndtr", tol=4),
    F("ndtri", "(0, 1)", tol=4),
    F("entr"),
    F("xlog1py", "any", "positive"),
    F("zeta", "(1.5, 6)!", "positive", tol=4, dtypes=REAL),
    F("igamma", "positive!", "positive", dtypes=FLOATS, tol=4, edges=False, broadcast=False),
    F("igammac", "positive!", "positive", dtypes=FLOATS, tol=4, edges=False, broadcast=False),
    row(
        "_polygamma",
        *[(n, X(3, 4, at="positive")) for n in (0, 1, 2, 5)],
        (2, X()),
        (1, X(0, 3)),
        call=lambda m, n, x: m.polygamma(n, x),
        dtypes=REAL,
        tol=4,
    ),
    *[F(f"bessel_{kind}", dtypes=REAL, tol=20) for kind in ("j0", "j1", "y0", "y1")],
    F("modified_bessel_i0", dtypes=REAL, tol=4),
    F("modified_bessel_i1", dtypes=REAL, tol=4),
    F("modified_bessel_k0", dtypes=REAL, tol=4),
    F("modified_bessel_k1", dtypes=REAL, tol=4),
    *[F(f"scaled_modified_bessel_{kind}", dtypes=REAL, tol=4) for kind in ("k0", "k1")],
    F("spherical_bessel_j0", dtypes=REAL, tol=4),
    F("airy_ai", dtypes=REAL, tol=20),
    *[F(name, "(-1.5, 1.5)", "(0, 9)", dtypes=REAL, tol=20, edges=False) for name in POLYNOMIALS],
]
