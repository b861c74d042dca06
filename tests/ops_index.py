"""Rows of indexing, scattering, masks, triangles, padding and uniqueness.

Not here: what tensor[...] accepts (test_indexing.py).
"""

from ops_inputs import COMPLEX, FLOATS, INTS, NUMBERS, REAL, WIDE, K, X, row

A, B, V, S, E = X(3, 4), X(2, 3, 4), X(5), X(), X(0, 3)
FEW = ("bool", "uint8", "int64", "float16", "bfloat16", "float32", "float64", "complex64")


def I(*values, dtype="int64"):  # noqa: E743
    """Indices."""
    return X(at=list(values) if values else 0, dtype=dtype)


I2 = X(at=[[0, 2, 1, 0], [2, 2, 0, 1]], dtype="int64")  # of a 3 x 4 tensor, along 0
M = X(3, 4, dtype="bool")
OUT = I(0, 3, 9)

INDEXING = [
    row("_index_tensors", (A, [I(0, 2)]), (A, [None, I(1, 1, -1)]), (A, [I(0, 1), I(3, -4)]), (B, [I(1), None, I(0, 2)]),
        (A, [M]), (A, [OUT]), dtypes=FEW, ref=lambda m, x, i: x[tuple(slice(None) if t is None else t for t in i)]),
    *(row(name, (A, [I(0, 2)], X(2, 4)), (A, [I(0, 1), I(3, -4)], S), (A, [I(0, 0)], X(2, 4), True), (A, [M], S),
          (A, [OUT], S), (A, [I(0)], X(4, dtype="int8")), dtypes=FEW)
      for name in ("index_put", "_index_put_impl_")),
    row("index_select", (A, 0, I(2, 0)), (A, -1, I(1, 1, 3)), (A, 0, I(dtype="int64")), (S, 0, I(0)), (A, 0, OUT),
        (A, 0, I(0, dtype="int32")), (A, 0, X(at=[[0]], dtype="int64")), dtypes=FEW),
    row("index_add", (A, 0, I(2, 0), X(2, 4)), (A, 1, I(1, 1), X(3, 2)), (A, 0, I(0), X(1, 4), K(alpha=2)),
        (A, 0, I(0), X(2, 4)), (A, 0, OUT, X(3, 4)), dtypes=FEW),
    row("index_copy", (A, 0, I(2, 0), X(2, 4)), (A, 1, I(1, 3), X(3, 2)), (A, 0, OUT, X(3, 4)), dtypes=FEW),
    row("index_fill", (A, 0, I(2, 0), 3), (A, 1, I(1, 1), S), (A, 0, OUT, 1), dtypes=FEW),
    row("take", (A, I(0, 11, -1)), (A, X(at=[[0, 5]], dtype="int64")), (A, I(12)), dtypes=FEW),
    row("put", (A, I(0, 11, -2), X(3)), (A, I(1, 1), X(2), True), (A, I(12), X(1)), (A, I(1), X(2)), dtypes=FEW),
    row("take_along_dim", (A, I2, 0), (A, I(0, 11)), (A, X(at=[[0], [1], [3]], dtype="int64"), 1), dtypes=FEW,
        layouts=("strided",)),
    row("gather", (A, 0, I2), (A, 1, X(at=[[0, 3], [1, 1]], dtype="int64")), (S, 0, I()), (A, 0, X(at=[[7]], dtype="int64")),
        (A, 0, I(0)), dtypes=FEW),
    row("scatter", (A, 0, I2, X(2, 4, at="distinct")), (A, 0, I2, 2.0), (A, 0, I2, X(2, 4), K(reduce="add")),
        (A, 0, X(at=[[7]], dtype="int64"), X(1, 1)), (A, 0, I2, 3, K(reduce="multiply")), dtypes=FEW,
        skip={"gradients": "indices repeat: which source wins is not defined", "second": "as the gradients"}),
    row("scatter_add", (A, 0, I2, X(2, 4)), (A, 1, X(at=[[0, 3], [1, 1]], dtype="int64"), X(2, 2)),
        (A, 0, X(at=[[7]], dtype="int64"), X(1, 1)), (A, 0, I2, X(1, 1)), dtypes=FEW),
    *(row("scatter_reduce", *((X(3, 4, at="nonzero"), 0, I2, X(2, 4, at="nonzero"), r, K(include_self=s))
                              for r in ("sum", "prod", "mean", "amax", "amin") for s in (True, False)),
          (A, 0, I2, X(2, 4), "no"), dtypes=(*INTS, *FLOATS), tol=10) for _ in (0,)),
    row("index_reduce", *((X(3, 4, at="nonzero"), 0, I(0, 2, 0), X(3, 4, at="nonzero"), r, K(include_self=s))
                          for r in ("prod", "mean", "amax", "amin") for s in (True, False)),
        (A, 0, OUT, X(3, 4), "mean"), messages=False, dtypes=(*INTS, *FLOATS), tol=10),
    row("repeat_interleave", (V, 2), (A, 2, 1), (V, I(1, 0, 2, 1, 3)), (A, I(1, 2, 0), 0), (I(1, 0, 2),), (V, -1),
        (V, I(1, 2)), dtypes=FEW),
]  # fmt: skip

MASKS = [
    row("masked_fill", (A, M, 2), (A, X(4, dtype="bool"), X()), (X(4), M, 1), (A, M, 1.5), (A, X(2, dtype="bool"), 1)),
    row("masked_select", (A, M), (A, X(4, dtype="bool")), (S, X(dtype="bool")), (A, X(2, dtype="bool"))),
    row("masked_scatter", (A, M, X(12)), (A, X(4, dtype="bool"), X(12)), (A, M, X(1))),
    row("nonzero", X(at=[[0.0, 1, 2], [3, 0, 0]]), S, E, orders=0),
    row("argwhere", X(at=[[0.0, 1, 2], [3, 0, 0]]), S, E, orders=0),
    row("bincount", I(0, 1, 1, 5), (I(0, 1, 1), X(3, dtype="float64")), (I(0, 1), K(minlength=6)), (I(-1),), (A,),
        dtypes=("float32",), orders=0),
    row("one_hot", I(0, 2, 1), (I(0, 2, 1), 5), (I(0, 9), 5), (I(-1), 3), (A,), dtypes=("float32",), orders=0),
]  # fmt: skip

TRIANGLES = [
    row("tril", A, (B, 1), (A, -1), (X(0, 3),), (V,)),
    row("triu", A, (B, 1), (A, -1), (X(0, 3),), (V,)),
    row("tril_indices", (3, 4), (3, 3, -1), (0, 2), dtypes=("float32",), orders=0),
    row("triu_indices", (3, 4), (3, 3, 1), (0, 2), dtypes=("float32",), orders=0),
    row("diag", V, A, (V, 1), (A, -1), (B,)),
    row("diag_embed", V, A, (A, 1), (A, -1, 0, 2), (A, 0, 1, 1)),
    row("diagflat", V, A, (V, -1), S),
    row("trace", A, X(3, 3), X(0, 0), (V,)),
    row("constant_pad_nd", (A, (1, 2)), (A, (1, -1, 2, 0)), (A, (1, 1), 2.5), (V, (-2, 0)), (A, (1,)), (S, ())),
    row("pad", (A, (1, 2)), (A, (1, 1, 2, 0), "constant", 3.0), (X(1, 2, 5), (2, 1), "reflect"),
        (X(1, 2, 5), (2, 1), "replicate"), (X(1, 2, 5), (2, 1), "circular"), (A, (1, 1), "nope"), dtypes=WIDE),
    *(row(f"{kind}_pad{n}d", (X(1, 2, *[4] * n), (1, 2) * n), (X(2, *[4] * n), (2, 0) * n), (X(1, 2, *[4] * n), (9, 0) * n),
          dtypes=(*FLOATS, "complex64")) for kind in ("reflection", "replication") for n in (1, 2, 3)),
    row("pixel_shuffle", (X(1, 8, 2, 3), 2), (X(9, 1, 2), 3), (X(1, 3, 2, 2), 2)),
    row("pixel_unshuffle", (X(1, 2, 4, 6), 2), (X(1, 3, 6), 3), (X(1, 3, 3, 2), 2)),
]  # fmt: skip

T = X(at=[2.0, 1, 2, 3, 3, 1])
UNIQUE = [
    row("_unique2", T, (T, True, True, True), (X(at=[[1.0, 2], [2, 1]]), K(return_inverse=True)), (X(0),),
        dtypes=NUMBERS[:9], orders=0, ref=lambda m, *a, **k: m._unique2(*a, **k)),
    row("_unique_dim", (X(at=[[1.0, 2], [2, 1], [1, 2]]), 0), (X(at=[[1.0, 2], [2, 1], [1, 2]]), 0, True, True, True),
        dtypes=("int64", "float32"), orders=0,
        ref=lambda m, x, d, s=True, i=False, c=False: m.unique(x, s, i, c, d) if i else (m.unique(x, s, i, c, d),),
        skip={"values": "m.unique returns fewer results; test_unique of test_sort.py covers it"}),
    row("_unique_consecutive", (T, True, True), (T, True, True, 0), dtypes=NUMBERS[:9], orders=0,
        ref=lambda m, *a: m.unique_consecutive(*a)),
]  # fmt: skip

ROWS = [*INDEXING, *MASKS, *TRIANGLES, *UNIQUE]
__all__ = ["COMPLEX", "REAL", "ROWS"]
