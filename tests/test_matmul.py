"""Products of matrices, vectors and batches agree with PyTorch: values, gradients, dtypes, errors.

Not here: speed, and the kernels under the products (core/cpu/gemm*).
"""

# ruff: noqa: B023  (the lambdas are called at once)
import numpy
import pytest
import torch
from agree import agree, random, same_error

import rushlight

FLOATS = ["float16", "bfloat16", "float32", "float64"]


def T(m):
    """tensordot's C++ part, with the dimensions as lists."""

    def tensordot(a, b, dims=2):
        if isinstance(dims, int):
            dims = [*range(-dims, 0)], [*range(dims)]
        return m._tensordot(a, b, *dims)

    return m.tensordot if m is torch else tensordot


def turned(*shape):
    """The transpose of an array of the turned shape: the same shape, other strides."""
    return (lambda t: t.mT, random(*shape[:-2], shape[-1], shape[-2]))


def complex_(*shape):
    return random(*shape) + 1j * random(*shape, seed=9)


# shapes of a and b, for torch.matmul
MATMUL = [
    ((3,), (3,)),
    ((0,), (0,)),
    ((4, 3), (3,)),
    ((3,), (3, 5)),
    ((4, 3), (3, 5)),
    ((1, 3), (3, 1)),
    ((0, 3), (3, 5)),
    ((4, 0), (0, 5)),
    ((4, 3), (3, 0)),
    ((2, 4, 3), (3,)),
    ((2, 4, 3), (3, 5)),
    ((2, 0, 3), (3, 5)),
    ((3,), (2, 3, 5)),
    ((4, 3), (2, 3, 5)),
    ((2, 4, 3), (2, 3, 5)),
    ((1, 4, 3), (2, 3, 5)),
    ((6, 2, 4, 3), (2, 3, 5)),
    ((6, 1, 4, 3), (1, 2, 3, 5)),
    ((6, 2, 4, 3), (6, 2, 3, 5)),
    ((0, 4, 3), (0, 3, 5)),
    ((2, 4, 0), (2, 0, 5)),
    ((2, 1, 3), (2, 3, 1)),
    ((70, 65), (65, 33)),
    ((300, 17), (17, 129)),
]


@pytest.mark.parametrize("a,b", MATMUL)
def test_matmul(a, b):
    agree(lambda m, x, y: m.matmul(x, y), random(*a), random(*b, seed=1), order=2)
    agree(lambda m, x, y: x @ y, random(*a), random(*b, seed=1), dtype="float32")


@pytest.mark.parametrize("a,b", [s for s in MATMUL if len(s[0]) > 1 and len(s[1]) > 1])
def test_matmul_of_transposed(a, b):
    agree(lambda m, x, y: m.matmul(x, y), turned(*a), random(*b), order=2)
    agree(lambda m, x, y: m.matmul(x, y), random(*a), turned(*b), order=2)
    agree(lambda m, x, y: m.matmul(x, y), turned(*a), turned(*b), order=1)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "a,b", [((4, 3), (3, 5)), ((2, 4, 3), (2, 3, 5)), ((4, 3), (3,)), ((9,), (9,))]
)
def test_matmul_dtypes(a, b, dtype):
    agree(lambda m, x, y: m.matmul(x, y), random(*a), random(*b), dtype=dtype, order=1)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize(
    "a,b", [((4, 3), (3, 5)), ((2, 4, 3), (2, 3, 5)), ((4, 3), (3,)), ((9,), (9,))]
)
def test_matmul_of_integers(a, b, dtype):
    whole = [numpy.arange(numpy.prod(s)).reshape(s) * 7 % 100 for s in (a, b)]
    agree(lambda m, x, y: m.matmul(x.to(getattr(m, dtype)), y.to(getattr(m, dtype))), *whole)


@pytest.mark.parametrize(
    "a,b", [((4, 3), (3, 5)), ((2, 4, 3), (2, 3, 5)), ((4, 3), (3,)), ((4,), (4,))]
)
def test_matmul_of_complex(a, b):
    agree(lambda m, x, y: m.matmul(x, y), complex_(*a), complex_(*b), order=2)


def test_strided_operands_are_not_copied_wrongly():
    layouts = [
        (lambda t: t[:, ::2], random(6, 8)),
        (lambda t: t[::2], random(12, 4)),
        (lambda t: t[1:7, 3:7], random(9, 9)),
        (lambda t: t.t()[::2], random(4, 12)),
        (lambda t: t[:1].expand(6, 4), random(2, 4)),
        (lambda t: t[:, :1].expand(6, 4), random(6, 2)),
    ]
    for left in layouts:
        agree(lambda m, x, y: x @ y, left, random(4, 3), order=1)
        agree(lambda m, x, y: y @ x, left, random(3, 6), order=1)
        agree(lambda m, x, y: x @ y, left, (lambda t: t[::2], random(8)), order=1)
        agree(lambda m, x, y: x @ y, left, (lambda t: t[:1].expand(4), random(2)), order=1)


def test_heads_of_attention():
    def heads(t):
        return t.view(2, 7, 4, 5).transpose(1, 2)

    agree(
        lambda m, q, k: q @ k.transpose(-1, -2),
        (heads, random(2, 7, 20)),
        (heads, random(2, 7, 20, seed=1)),
        order=2,
    )


PRODUCTS = {
    "mm": (lambda m, a, b: m.mm(a, b), (4, 3), (3, 5)),
    "bmm": (lambda m, a, b: m.bmm(a, b), (2, 4, 3), (2, 3, 5)),
    "mv": (lambda m, a, b: m.mv(a, b), (4, 3), (3,)),
    "dot": (lambda m, a, b: m.dot(a, b), (3,), (3,)),
    "vdot": (lambda m, a, b: m.vdot(a, b), (3,), (3,)),
    "outer": (lambda m, a, b: m.outer(a, b), (3,), (4,)),
    "ger": (lambda m, a, b: m.ger(a, b), (3,), (4,)),
    "inner": (lambda m, a, b: m.inner(a, b), (2, 3), (4, 3)),
    "inner vectors": (lambda m, a, b: m.inner(a, b), (3,), (3,)),
    "inner scalar": (lambda m, a, b: m.inner(a, b), (), (4, 3)),
    "kron": (lambda m, a, b: m.kron(a, b), (2, 3), (4, 1, 2)),
    "multi_dot": (lambda m, a, b: m.linalg.multi_dot([a, b, a, b]), (4, 3), (3, 4)),
    "multi_dot of vectors": (lambda m, a, b: m.linalg.multi_dot([a, b, b[0]]), (3,), (3, 3)),
    "chain_matmul": (lambda m, a, b: m.chain_matmul(a, b, a), (4, 3), (3, 4)),
    "tensordot": (lambda m, a, b: T(m)(a, b, dims=([1, 0], [0, 2])), (2, 3, 4), (3, 5, 2)),
    "tensordot 2": (lambda m, a, b: T(m)(a, b, dims=2), (2, 3, 4), (3, 4, 5)),
    "tensordot 0": (lambda m, a, b: T(m)(a, b, dims=0), (2, 3), (4,)),
    "tensordot repeated": (lambda m, a, b: T(m)(a, b, ([1], [0])), (2, 3), (1, 4)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    fn, a, b = PRODUCTS[name]
    agree(fn, random(*a), random(*b, seed=1), order=2)
    agree(fn, random(*a), random(*b, seed=1), dtype="float32", order=1)
    agree(fn, complex_(*a), complex_(*b), order=1)


ADDED = {
    "addmm": (
        lambda m, c, a, b, **k: m.addmm(c, a, b, **k),
        [(4, 5), (5,), (4, 1), ()],
        (4, 3),
        (3, 5),
    ),
    "addmv": (lambda m, c, a, b, **k: m.addmv(c, a, b, **k), [(4,), (1,), ()], (4, 3), (3,)),
    "addbmm": (
        lambda m, c, a, b, **k: m.addbmm(c, a, b, **k),
        [(4, 5), (5,), ()],
        (2, 4, 3),
        (2, 3, 5),
    ),
    "baddbmm": (
        lambda m, c, a, b, **k: m.baddbmm(c, a, b, **k),
        [(2, 4, 5), (5,), (4, 1)],
        (2, 4, 3),
        (2, 3, 5),
    ),
    "addr": (lambda m, c, a, b, **k: m.addr(c, a, b, **k), [(4, 5), (5,), ()], (4,), (5,)),
}


@pytest.mark.parametrize("factors", [{}, {"beta": 0.5, "alpha": -2}, {"beta": 0}, {"alpha": 0}])
@pytest.mark.parametrize("name", ADDED)
def test_added_products(name, factors):
    fn, starts, a, b = ADDED[name]
    for start in starts:
        for dtype in ("float64", "float32"):
            agree(
                lambda m, c, x, y: fn(m, c, x, y, **factors),
                random(*start),
                random(*a),
                random(*b, seed=1),
                dtype=dtype,
                order=2 if dtype == "float64" else 1,
            )
    agree(
        lambda m, c, x, y: fn(m, c, x, y, **factors),
        complex_(*starts[0]),
        complex_(*a),
        complex_(*b),
        order=1,
    )


@pytest.mark.parametrize("name", ADDED)
def test_added_products_in_place(name):
    _, starts, a, b = ADDED[name]

    def write(m, c, x, y):
        return getattr(c * 1, name + "_")(x, y, beta=2, alpha=3)

    agree(write, random(*starts[0]), random(*a), random(*b), order=1)


def test_zero_beta_ignores_what_is_there():
    nan = numpy.full((4, 5), numpy.nan)
    agree(lambda m, c, a, b: m.addmm(c, a, b, beta=0), nan, random(4, 3), random(3, 5))


LINEAR = [
    ((4, 3), (5,)),
    ((2, 4, 3), (5,)),
    ((2, 2, 4, 3), (5,)),
    ((3,), (5,)),
    ((4, 3), (1,)),
    ((4, 3), ()),
    ((0, 3), (5,)),
    ((2, 0, 3), (5,)),
    ((4, 3), (4, 5)),
    ((64, 3), (5,)),
]


@pytest.mark.parametrize("x,bias", LINEAR)
def test_linear(x, bias):
    linear = lambda m, x, w, b=None: m._C._nn.linear(x, w, b)  # noqa: E731
    agree(linear, random(*x), random(5, 3), order=2)
    agree(linear, random(*x), random(5, 3), random(*bias), order=2)
    agree(linear, random(*x), random(5, 3), random(*bias), dtype="float32", order=1)
    agree(linear, random(*x), turned(5, 3), random(*bias), order=1)
    if len(x) > 1:
        agree(linear, turned(*x), random(5, 3), random(*bias), order=2)


def test_linear_with_a_vector_of_weights():
    agree(lambda m, x, w: m._C._nn.linear(x, w), random(4, 3), random(3), order=2)
    agree(lambda m, x, w: m._C._nn.linear(x, w), random(3), random(3), order=2)


def test_bilinear():
    agree(
        lambda m, a, b, w, c: m.bilinear(a, b, w, c),
        random(6, 3),
        random(6, 4),
        random(5, 3, 4),
        random(5),
        order=2,
    )


EINSUM = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("ij->ji", (2, 3)),
    ("ba", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iij->ij", (3, 3, 2)),
    ("jiji->ij", (2, 3, 2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("i,i->", (3,), (3,)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,ij->i", (2, 3), (2, 1)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("bn,anm,bm->ba", (2, 5), (3, 5, 4), (2, 4)),
    ("...ij->...ji", (2, 3, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (4, 5)),
    ("ij...,jk...->ik...", (2, 3, 5), (3, 4, 1)),
    ("i...j->j", (2, 3, 4)),
    ("...,...", (2, 3), (3,)),
    ("i->...i", (2,)),
    (",->", (), ()),
    (" i j , j k -> i k", (2, 3), (3, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ijk,k,j->i", (2, 3, 4), (4,), (3,)),
    ("i,j,k->kij", (2,), (3,), (4,)),
    ("ij,k->i", (2, 3), (4,)),
    ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)),
]


@pytest.mark.parametrize("case", EINSUM, ids=lambda c: c[0].replace(" ", ""))
def test_einsum(case):
    equation, *shapes = case
    arrays = [random(*s, seed=i) for i, s in enumerate(shapes)]
    agree(lambda m, *t: m.einsum(equation, *t), *arrays, order=2)


ERRORS = """
m.mm(R(2, 3), R(4, 5))
m.mm(R(2), R(4, 5))
m.mm(R(2, 3), R(4))
m.mm(R(2, 3), R(3, 5, dtype=m.float64))
m.mm(R(2, 3, dtype=m.int64), R(3, 5, dtype=m.int32))
m.mm(R(2, 3, dtype=m.bool), R(3, 5, dtype=m.bool))
m.mm(R(2, 3, dtype=m.half), R(3, 5, dtype=m.bfloat16))
m.mm(R(2, 3, dtype=m.complex64), R(3, 5))
m.mm(R(2, 3, dtype=m.int8), R(3, 5, dtype=m.uint8))
m.bmm(R(2, 3), R(2, 3, 4))
m.bmm(R(2, 3, 4), R(3, 4))
m.bmm(R(2, 3, 4), R(2, 5, 4))
m.bmm(R(2, 3, 4), R(3, 4, 4))
m.bmm(R(2, 3, 4), R(2, 4, 4, dtype=m.float64))
m.bmm(R(2, 3, 4, dtype=m.bool), R(2, 4, 4, dtype=m.bool))
m.mv(R(2, 3), R(4))
m.mv(R(2, 3), R(3, dtype=m.float64))
m.mv(R(2, 3, dtype=m.bool), R(3, dtype=m.bool))
m.dot(R(3), R(4))
m.dot(R(3, 3), R(3, 3))
m.dot(R(3), R(3, dtype=m.float64))
m.dot(R(3, dtype=m.bool), R(3, dtype=m.bool))
m.vdot(R(3), R(4))
m.vdot(R(3, dtype=m.complex64), R(3))
m.inner(R(3), R(4))
m.inner(R(2, 3), R(4, 4))
m.inner(R(3), R(3, dtype=m.float64))
m.outer(R(3, 1), R(3))
m.outer(R(3), R(3, 2))
m.matmul(R(()), R(3))
m.matmul(R(3), R(()))
m.matmul(R(2, 3), R(4))
m.matmul(R(3), R(4))
m.matmul(R(3), R(4, 5))
m.matmul(R(2, 2, 3), R(4, 5))
m.matmul(R(2, 2, 3), R(4))
m.matmul(R(3), R(2, 4, 5))
m.matmul(R(2, 3), R(2, 4, 5))
m.matmul(R(2, 2, 3), R(3, 3, 5))
m.matmul(R(2, 2, 3), R(2, 4, 5))
m.matmul(R(2, 2, 2, 3), R(3, 2, 3, 5))
m.matmul(R(2, 2, 3), R(2, 3, 5, dtype=m.float64))
m.matmul(R(2, 2, 3), R(3, 5, dtype=m.float64))
R(2, 3) @ R(4, 5)
m.addmm(R(2), R(2, 3), R(3, 5))
m.addmm(R(2, 5, 1), R(2, 3), R(3, 5))
m.addmm(R(5), R(2, 3), R(4, 5))
m.addmm(R(5), R(2, 3, 1), R(4, 5))
m.addmm(R(5), R(2, 3), R(5))
m.addmm(R(5, dtype=m.float64), R(2, 3), R(3, 5))
m.addmm(R(5), R(2, 3), R(3, 5), beta=2j)
R(5).addmm_(R(2, 3), R(3, 5))
m.addmv(R(3), R(2, 3), R(3))
m.addmv(R(5), R(3, 4), R(3))
m.addmv(R(5), R(3, 4), R(3, 2))
m.addmv(R(2, dtype=m.float64), R(2, 3), R(3))
m.addbmm(R(3, 5), R(2, 3, 4), R(2, 5, 5))
m.addbmm(R(3, 5), R(2, 3, 4), R(3, 4, 5))
m.addbmm(R(2, 5), R(2, 3, 4), R(2, 4, 5))
m.baddbmm(R(2, 5), R(2, 3, 4), R(2, 4, 5))
m.baddbmm(R(5), R(2, 3, 4), R(3, 4, 5))
m.baddbmm(R(5), R(3, 4), R(2, 3, 5))
m.baddbmm(R(5, dtype=m.float64), R(2, 3, 4), R(2, 4, 5))
m.addr(R(3, 2), R(3), R(3))
m.addr(R(3, 3), R(3, 1), R(3))
m.addr(R(3, 3, dtype=m.int64), R(3, dtype=m.int64), R(3, dtype=m.int64), beta=.5)
m._C._nn.linear(R(2, 3), R(4, 5))
m._C._nn.linear(R(2, 2, 3), R(4, 5))
m._C._nn.linear(R(2, 3), R(4, 3), R(5))
m._C._nn.linear(R(2, 2, 3), R(4, 3), R(5))
m._C._nn.linear(R(3), R(4, 5))
m._C._nn.linear(R(()), R(3))
m._C._nn.linear(R(2, 3), R(4, 3, 1))
m._C._nn.linear(R(2, 3), R(4, 3, dtype=m.float64))
m._C._nn.linear(R(2, 3), R(4, 3), R(4, dtype=m.float64))
m._C._nn.linear(R(2, 2, 3), R(4, 3, dtype=m.float64), R(4, dtype=m.float64))
m.linalg.multi_dot([R(2, 3)])
m.linalg.multi_dot([R(2, 3), R(2, 3)])
m.linalg.multi_dot([R(2, 3), R(3, 3, 3), R(3, 3)])
m.linalg.multi_dot([R(2, 3, 1), R(3, 3)])
m.linalg.multi_dot([R(3), R(3, 3, dtype=m.float64), R(3)])
T(m)(R(2, 3), R(4, 4), 1)
T(m)(R(2, 3), R(3, 4), ([1], [0, 1]))
m.einsum('ij,jk->ik', R(2, 3), R(4, 5))
m.einsum('ij,jk->ik', R(2, 3), 5)
m.einsum('ij')
m.einsum('i-j', R(2))
m.einsum('i..', R(2))
m.einsum('i...->..i', R(2))
m.einsum('bc,baa->ba', R(4, 2), R(3, 2, 4))
m.einsum('baa->ba', R(3, 2, 4))
m.einsum('i...,...i', R(2, 3), R(4, 2))
m.einsum('i1', R(2, 3))
m.einsum('ij', R(2, 3), R(2))
m.einsum('ij,jk', R(2, 3))
m.einsum('ij', R(2, 3, 4))
m.einsum('i...j...', R(2, 3, 4))
m.einsum('ii', R(2, 3))
m.einsum('ij->k', R(2, 2))
m.einsum('ij->ii', R(2, 2))
m.einsum('ij->1', R(2, 3))
m.einsum('ij...,jk...->ik...', R(2, 3, 5), R(3, 4, 2))
""".strip().split("\n")


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    same_error(lambda m: eval(source, {"m": m, "R": m.ones, "T": T}))


@pytest.mark.parametrize("source", [
    "m.mm(G(2,3), R(3,4))", "m.bmm(G(2,2,3), R(2,3,4))", "m.mv(G(2,3), R(3))", "m.dot(G(3), R(3))",
    "m.vdot(G(3), R(3))", "m.matmul(G(2,2,3), R(3,5))", "m.addmm(G(5), R(2,3), R(3,5))",
    "m.baddbmm(R(3,5), G(2,3,4), R(2,4,5))", "m.addbmm(R(3,5), G(2,3,4), R(2,4,5))",
    "m.addmv(G(2), R(2,3), R(3))", "m.addr(G(3,3), R(3), R(3))",
    "m._C._nn.linear(G(2,3), R(4,3), R(4))", "m._C._nn.linear(G(2,3), R(4,3))",
    "m._C._nn.linear(G(2,2,3), R(4,3), R(4))", "m._C._nn.linear(G(2,2,3), R(4,3))",
])  # fmt: skip
def test_names_of_nodes(source):
    def name(m):
        def leaf(*shape):
            return m.ones(*shape, requires_grad=True)

        return eval(source, {"m": m, "G": leaf, "R": m.ones}).grad_fn.name()

    assert name(rushlight) == name(torch)
