"""Rows of copies, creation, views, pieces and joins.

Not here: indexing (ops_index.py).
"""

from ops_inputs import COMPLEX, INTS, WIDE, D, K, X, row

A, B, V, S, E = X(3, 4), X(2, 3, 4), X(5), X(), X(0, 3)
FEW = ("bool", "uint8", "int64", "float16", "bfloat16", "float32", "float64", "complex64")
LONG = ("float32", "complex128", "int64")


def convert(name):
    return row(name, A, S, E, view=True)


def factory(name, *samples, **options):
    return row(name, *samples, dtypes=("float32",), orders=0, **options)


COPIES = [
    row("clone", A, S, E, B),
    row("contiguous", A, S, E),
    row("to", (A, D("float64")), (A, D("int32")), (A, D("complex64")), (S, D("bool")), (E, D("float16")),
        (A, "cpu"), (A, D("float32"), False, True), (A, K(dtype=D("float64"))), (A, X(2, dtype="int16")),
        view=True, orders=1),
    row("type_as", (A, X(2, dtype="float64")), (A, X(2, dtype="int64"))),
    row("cpu", A),
    row("cuda", A, dtypes=("float32",), orders=0),
    *map(convert, "float double half bfloat16 long int short char byte bool cfloat cdouble".split()),
    row("copy_", (A, X(3, 4)), (A, X(4)), (A, S), (A, X(3, 1, dtype="float64")), (A, X(2)), (S, S)),
    row("fill_", (A, 2), (A, 1.5), (A, X(dtype="float32", grad=False)), (S, 3), (E, 1), (A, X(2))),
    row("zero_", A, S, E),
    row("item", S, X(1, 1), A, E, layouts=()),
    row("resize_", (A, (2, 2)), (V, 3, 1), dtypes=LONG, layouts=(), orders=0),
    row("set_", (A, X(2)), dtypes=LONG, layouts=(), orders=0),
]  # fmt: skip

CREATION = [
    factory("empty", (2, 3), ((2, 0),), undefined=True),
    factory("zeros", (2, 3), ((2, 0),), (2, K(dtype=D("int64"))), ((),), ((-1,),)),
    factory("ones", (2, 3), ((2, 0),), (2, K(dtype=D("bool")))),
    factory("full", ((2, 3), 1.5), ((2,), 3), ((2,), True), ((2,), 1j), ((), 2, K(dtype=D("float16")))),
    factory("empty_strided", ((2, 3), (1, 2)), undefined=True, view=True),
    factory("scalar_tensor", 2, 1.5, (2, K(dtype=D("int64")))),
    row("empty_like", A, (A, K(dtype=D("float64"))), undefined=True, view=True, orders=0),
    row("zeros_like", A, S, E, (A, K(dtype=D("float64"))), orders=0),
    row("ones_like", A, S, E, (A, K(dtype=D("int8"))), orders=0),
    row("full_like", (A, 2), (S, 1.5, K(dtype=D("float64"))), (E, 1), orders=0),
    row("new_empty", (A, (2, 3)), undefined=True, orders=0),
    row("new_zeros", (A, (2, 3)), (A, 2, 3), (A, 2, K(dtype=D("float64"))), orders=0),
    row("new_ones", (A, (2, 3)), (A, 2), orders=0),
    row("new_full", (A, (2, 3), 2), (A, (), 1.5, K(dtype=D("float64"))), orders=0),
    factory("arange", 5, 2.5, (1, 7, 2), (0.1, 2, 0.3), (5, 1, -1.5), (1, 5, K(dtype=D("float64"))),
            (0,), (5, 1), (1, 2, 0), (0, 10, 3, K(dtype=D("int8"))), (1, 3, 0.25, K(dtype=D("bfloat16")))),
    factory("linspace", (0, 1, 5), (0, 1, 1), (0, 1, 0), (-2.5, 3, 7, K(dtype=D("float64"))),
            (1, 9, 4, K(dtype=D("int64"))), (0, 1j, 3, K(dtype=D("complex64"))), (0, 1, -1)),
    factory("logspace", (0, 1, 5), (0, 2, 3, 2.0), (0, 1, 1), (0, 3, 4, K(dtype=D("int64"))), tol=2),
    factory("eye", 3, (2, 3), (0,), (3, K(dtype=D("int64"))), (-1,)),
    row("complex", (A, X(3, 4)), (A, X(4)), (S, S), dtypes=("bfloat16", *WIDE, "int64")),
    row("polar", (X(3, 4, at="positive"), X(3, 4)), (S, S), dtypes=WIDE),
]  # fmt: skip


def view(name, *samples, dtypes=FEW, **options):
    return row(name, *samples, dtypes=dtypes, view=True, **options)


VIEWS = [
    view("view", (A, (4, 3)), (A, 2, -1), (E, (3, 0)), (S, (1, 1)), (A, D("int32")), (A, (5, 2)),
         (A, (-1, -1)), (X(2, 4), D("float64")), (X(2, 4), D("uint8")), (X(3), D("float64"))),
    view("reshape", (A, (4, 3)), (A, (-1,)), (B, (2, 3, 2, 2)), (E, (0, 5)), (S, (1,)), (A, (7,))),
    view("transpose", (A, 0, 1), (B, 0, -1), (S, 0, -1), (A, 0, 2)),
    view("permute", (B, (2, 0, 1)), (S, ()), (A, (0, 0)), (A, (0,))),
    view("expand", (X(3, 1), (3, 4)), (X(3, 1), 2, -1, 5), (S, (2,)), (A, (2, 4)), (A, (4,)), (X(1, 3), (0, 3))),
    view("unsqueeze", (A, 0), (A, 1), (A, -1), (S, 0), (A, 3)),
    view("squeeze", X(1, 3, 1), (X(1, 3, 1), 0), (X(1, 3, 1), 1), (X(1, 3, 1), (0, 2)), S, (S, 0), (A, 2)),
    view("select", (A, 0, 1), (A, -1, -2), (B, 1, 0), (A, 0, 3), (S, 0, 0)),
    view("narrow", (A, 1, 1, 2), (A, 0, -2, 1), (A, 0, 3, 0), (A, 0, 2, 2), (S, 0, 0, 0)),
    view("as_strided", (A, (2, 2), (1, 2)), (A, (2, 3), (1, 1), 1), (A, (), ()), (A, (9, 9), (4, 1)),
         (A, (2,), (-1,)), layouts=()),
    view("detach", A, S, E, orders=0),
    view("t", A, V, S, B),
    view("numpy_T", A, V, S, ref=lambda m, x: x.permute(tuple(range(x.dim() - 1, -1, -1)))),
    view("matrix_T", A, B, ref=lambda m, x: x.mT),
    view("adjoint", A, B, dtypes=("float32", "int64")),
    row("adjoint", X(2, 3), dtypes=COMPLEX),
    view("view_as", (A, X(4, 3)), (A, X(2, 6))),
    view("reshape_as", (A, X(4, 3)), (A, X(5))),
    view("expand_as", (X(3, 1), X(3, 4)), (S, X(2)), (A, X(2))),
    view("broadcast_to", (X(3, 1), (3, 4)), (S, (2,)), (A, (2, 4))),
    view("ravel", A, S, E),
    view("flatten", A, B, S, (B, 1), (B, 0, 1), (B, 2, 1), E),
    view("unflatten", (A, 1, (2, 2)), (A, 1, (2, -1)), (A, 1, (3, 2)), (A, 0, ())),
    view("movedim", (B, 0, 2), (B, (0, 1), (1, 2)), (B, (0, 1), (1,)), (B, (0, 0), (1, 2))),
    view("diagonal", A, (A, 1), (A, -2), (B, 0, 1, 2), (B, 1, 0, -1), (A, 9), (A, 0, 1, 1)),
    view("unfold", (V, 0, 2, 1), (A, 1, 3, 2), (S, 0, 1, 1), (V, 0, 6, 1), (V, 0, 2, 0)),
    view("split", (V, 2), (V, (1, 4)), (A, 3, 1), (V, 0), (V, (1, 1)), (S, 1), (V, -1)),
    view("split_with_sizes", (V, (1, 4)), (A, (2, 2), 1), (V, (1, 1)), (V, (6, -1))),
    view("chunk", (V, 2), (A, 3, 1), (V, 9), (V, 0), (E, 2)),
    view("tensor_split", (V, 2), (A, 3, 1), (V, (1, 3)), (V, (-2,)), (V, 0), (V, (4, 2))),
    view("unbind", A, (A, 1), E, S),
    view("view_as_real", A, S, dtypes=COMPLEX),
    view("view_as_complex", X(3, 2), X(2), X(3), S, dtypes=WIDE),
    view("real", A, S, dtypes=(*COMPLEX, "float32", "int64")),
    view("imag", A, S, dtypes=(*COMPLEX, "float32")),
    row("conj", A, S, E, dtypes=FEW),
    row("resolve_conj", A, dtypes=FEW),
    row("resolve_neg", A, dtypes=FEW),
    view("squeeze_", X(1, 3, 1), (X(1, 3, 1), 0), (X(1, 3, 1), 1)),
    view("unsqueeze_", (A, 0), (A, -1), (A, 3)),
    view("transpose_", (A, 0, 1), (B, 0, 2)),
    view("t_", A, V, B),
    view("detach_", A, orders=0),
    # Sizes one by one, which only methods take.
    view("reshape", (A, -1), (A, 4, 3), call=lambda m, x, *sizes: x.reshape(*sizes)),
    view("permute", (B, 0, 2, 1), call=lambda m, x, *dims: x.permute(*dims)),
    row("flip", (B, 1), (B, 0, -1), call=lambda m, x, *dims: x.flip(*dims)),
]  # fmt: skip

JOINS = [
    row("cat", ([A, X(2, 4)],), ([A, X(3, 2)], 1), ([A, X(3, 4, dtype="float64")],), ([X(0), A],), ([],),
        ([A, X(2, 3)],), ([S, S],), ([A, X(0, 4)], 0)),
    row("stack", ([A, X(3, 4)],), ([A, X(3, 4)], 1), ([A, X(3, 4)], -1), ([S, S],), ([A, V],), ([],)),
    row("repeat", (A, (2, 3)), (A, 2, 1, 1), (S, 3), (A, (0, 1)), (A, (2,)), (A, (-1, 1))),
    row("tile", (A, (2,)), (A, (2, 1, 3)), (S, (2,)), (A, ())),
    row("flip", (A, (0,)), (A, (0, 1)), (B, (1,)), (S, ()), (A, (0, 0)), (E, (0,))),
    row("fliplr", A, B, V),
    row("flipud", A, V, S),
    row("roll", (A, 1), (A, -1, 0), (A, (1, 2), (0, 1)), (S, 1), (E, 1), (A, (1, 2), (0,))),
    row("rot90", A, (A, 2), (A, -1), (B, 3, (1, 2)), (V,), (A, 1, (0, 0))),
]  # fmt: skip

ROWS = [*COPIES, *CREATION, *VIEWS, *JOINS]
__all__ = ["ROWS", "INTS"]
