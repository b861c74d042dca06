"""Rows of products: matrices, contractions, convolutions, pooling, resampling, windows.

Not here: convolutions of real layers' sizes (test_convolution.py).
"""

from ops_inputs import COMPLEX, FLOATS, NUMBERS, WIDE, K, X, row

A, V, S = X(3, 4), X(5), X()
DOT = ("int64", "int32", "float16", "bfloat16", "float32", "float64", "complex64", "complex128")
SOME = ("bfloat16", "float32", "float64")


def product(name, *samples, **options):
    options.setdefault("dtypes", DOT)
    return row(name, *samples, tol=8, **options)


PRODUCTS = [
    product("mm", (A, X(4, 2)), (X(0, 4), X(4, 2)), (X(3, 0), X(0, 2)), (A, X(3, 4)), (V, A)),
    product("bmm", (X(2, 3, 4), X(2, 4, 5)), (X(0, 3, 4), X(0, 4, 5)), (X(2, 3, 4), X(3, 4, 5)), (A, A)),
    product("mv", (A, X(4)), (X(3, 0), X(0)), (A, X(3))),
    product("dot", (V, X(5)), (X(0), X(0)), (V, X(4)), (A, A)),
    product("vdot", (V, X(5)), (X(0), X(0))),
    product("outer", (V, X(3)), (X(0), X(3)), (A, V)),
    product("matmul", (A, X(4, 2)), (V, X(5)), (A, X(4)), (X(3), A), (X(2, 3, 4), X(4, 5)), (X(2, 1, 3, 4), X(5, 4, 2)),
            (X(2, 0, 4), X(4, 3)), (A, X(3, 4)), (S, A)),
    product("linear", (A, X(2, 4)), (A, X(2, 4), X(2)), (X(4), X(2, 4), X(2)), (X(2, 3, 4), X(2, 4), X(2)),
            (X(0, 4), X(2, 4)), (A, X(2, 3))),
    product("addmm", (X(3, 2), A, X(4, 2)), (X(2), A, X(4, 2), K(beta=2, alpha=3)), (X(3, 2), A, X(4, 2), K(beta=0)),
            (X(5), A, X(4, 2)), messages=False),
    product("addmv", (X(3), A, X(4)), (S, A, X(4), K(beta=2, alpha=3)), (X(2), A, X(4)), messages=False),
    product("addbmm", (X(3, 5), X(2, 3, 4), X(2, 4, 5)), (X(5), X(2, 3, 4), X(2, 4, 5), K(beta=2, alpha=3)), messages=False),
    product("baddbmm", (X(2, 3, 5), X(2, 3, 4), X(2, 4, 5)), (X(5), X(2, 3, 4), X(2, 4, 5), K(beta=2, alpha=3)),
            (X(2, 3, 5), X(2, 3, 4), X(2, 4, 5), K(beta=0))),
    product("addr", (X(5, 3), V, X(3)), (X(3), V, X(3), K(beta=2, alpha=3)), (X(2), V, X(3)), messages=False),
    product("inner", (V, X(5)), (A, X(2, 4)), (S, A), (A, X(3))),
    product("_tensordot", (A, X(4, 2), (1,), (0,)), (X(2, 3, 4), X(4, 3, 5), (1, 2), (1, 0)),
            ref=lambda m, a, b, x, y: m.tensordot(a, b, (list(x), list(y)))),
    product("cdist", (A, X(2, 4)), (A, X(2, 4), 1.0), (X(2, 3, 4), X(2, 5, 4), 3.0), (A, X(2, 3)), (A, X(2, 4), 0.0),
            (A, X(2, 4), float("inf")), (X(2, 1, 3, 4), X(3, 5, 4), 0.5), (X(3, 17), X(4, 17), 1.5), (X(30, 5), X(3, 5)), dtypes=WIDE),
    product("pdist", A, (A, 1.0), (A, 0.0), (A, float("inf")), (X(5, 17), 3.0), (V,), dtypes=WIDE, orders=1),
]  # fmt: skip


def sizes(n, value):
    return (value,) * n


def convolution(n):
    x, w = X(2, 4, *sizes(n, 5)), X(6, 4, *sizes(n, 3))
    return row(f"conv{n}d", (x, w, X(6)), (x, w, None, 2, 1), (x, X(6, 2, *sizes(n, 2)), X(6), 1, 0, 2, 2),
               (x, w, None, 1, "same"), (X(4, *sizes(n, 5)), w), (x, X(6, 3, *sizes(n, 3))), (X(2, 4, *sizes(n, 1)), w),
               dtypes=SOME, tol=20, layouts=("transposed",))  # fmt: skip


def transposed(n):
    x, w = X(2, 4, *sizes(n, 3)), X(4, 3, *sizes(n, 2))
    return row(f"conv_transpose{n}d", (x, w, X(3)), (x, w, None, 2, 1, 1), (x, w, X(6), 1, 0, 0, 2), (X(4, *sizes(n, 3)), w),
               (x, X(3, 3, *sizes(n, 2))), dtypes=SOME, tol=20, layouts=())  # fmt: skip


CONVOLUTIONS = [
    *map(convolution, (1, 2, 3)),
    *map(transposed, (1, 2, 3)),
    row("convolution", (X(2, 4, 5), X(6, 4, 3), X(6), (2,), (1,), (1,), False, (0,), 1),
        (X(2, 4, 5), X(4, 3, 3), None, (2,), (1,), (1,), True, (1,), 1), dtypes=SOME, tol=20),
]  # fmt: skip


def pools():
    for n in (1, 2, 3):
        x, small = X(1, 2, *sizes(n, 6), at="distinct"), X(2, *sizes(n, 5), at="distinct")
        shape = [
            (x, 2),
            (x, 3, 2, 1),
            (small, 2, 1),
            (x, 3, 2, 0, 1, True),
            (x, 2, 1, 0, 2),
            (x, 2, 2, 2),
            (X(3), 2),
        ]
        average = [
            (x, 2),
            (x, 3, 2, 1),
            (small, 2, 1),
            (x, 3, 2, 1, True),
            (x, 3, 2, 1, False, False),
            (x, 2, 2, 2),
        ]
        yield row(f"max_pool{n}d", *shape, dtypes=SOME)
        yield row(f"max_pool{n}d_with_indices", *shape, dtypes=SOME)
        yield row(f"avg_pool{n}d", *average, dtypes=SOME, tol=4)
        yield row(
            f"adaptive_avg_pool{n}d",
            (x, sizes(n, 3)),
            (x, sizes(n, 4)),
            (small, sizes(n, 1)),
            dtypes=SOME,
            tol=4,
        )
        yield row(
            f"adaptive_max_pool{n}d",
            (x, sizes(n, 3)),
            (x, sizes(n, 4)),
            (small, sizes(n, 1)),
            dtypes=SOME,
        )


def resamples():
    for n, linear in ((1, "linear"), (2, "bilinear"), (3, "trilinear")):
        x = X(1, 2, *sizes(n, 4))
        near = [(x, sizes(n, 7)), (x, sizes(n, 2)), (x, None, (1.5,) * n), (X(3), sizes(n, 2))]
        yield row(f"upsample_nearest{n}d", *near, dtypes=SOME)
        yield row(f"_upsample_nearest_exact{n}d", *near, dtypes=SOME)
        yield row(f"upsample_{linear}{n}d", (x, sizes(n, 7), False), (x, sizes(n, 7), True), (x, sizes(n, 2), False),
                  (x, None, False, (1.5,) * n), dtypes=SOME, tol=8)  # fmt: skip
    x = X(1, 2, 4, 5)
    yield row(
        "upsample_bicubic2d",
        (x, (7, 8), False),
        (x, (7, 8), True),
        (x, None, False, (0.5, 2.0)),
        dtypes=SOME,
        tol=20,
    )

    for name in ("bilinear", "bicubic", "lanczos"):
        yield row(f"_upsample_{name}2d_aa", (x, (3, 2), False), (x, (7, 3), name != "lanczos"),
                  (x, None, False, (0.5, 0.4)), dtypes=WIDE, tol=20)  # fmt: skip


def samplers():
    plane, volume = X(2, 3, 4, 5), X(1, 2, 3, 4, 3)
    points, more = X(2, 3, 2, 2, at="(-1.3, 1.3)"), X(1, 2, 3, 2, 3, at="(-1.3, 1.3)")
    choices = [(mode, padding, align) for mode in (0, 1, 2) for padding, align in ((0, False), (1, True), (2, False), (2, True))]  # fmt: skip
    planes = [(plane, points, *c) for c in choices]
    volumes = [(volume, more, *c) for c in choices if c[0] < 2]
    wrong = [(plane, X(1, 3, 2, 2), 0, 0, False), (plane, X(2, 3, 2, 3), 0, 0, False)]
    yield row("grid_sampler", *planes, *volumes, *wrong, dtypes=WIDE, tol=60, layouts=())
    yield row("grid_sampler_2d", *planes[:2], dtypes=WIDE, tol=60)
    yield row("grid_sampler_3d", *volumes[:2], dtypes=WIDE, tol=60)


WINDOWS = [
    row("im2col", (X(2, 3, 5, 5), (2, 3), (1, 1), (0, 1), (1, 2)), (X(3, 5, 5), (2, 2), (2, 1), (0, 0), (1, 1)),
        (X(2, 3, 2, 2), (3, 3), (1, 1), (0, 0), (1, 1)), dtypes=(*FLOATS, *COMPLEX)),
    row("col2im", (X(2, 12, 16), (5, 5), (2, 2), (1, 1), (0, 0), (1, 1)), (X(12, 9), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
        (X(2, 12, 15), (5, 5), (2, 2), (1, 1), (0, 0), (1, 1)), dtypes=(*FLOATS, *COMPLEX)),
]  # fmt: skip

ROWS = [
    *PRODUCTS,
    *CONVOLUTIONS,
    *pools(),
    *resamples(),
    *samplers(),
    *WINDOWS,
]
__all__ = ["NUMBERS", "ROWS"]
