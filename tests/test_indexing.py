"""Indexing by tensors and masks, index_*, gather and scatter, triangles and diagonals
agree with PyTorch: values, gradients, dtypes, errors.

Not here: slices and other views.
"""

# ruff: noqa: B023  (the lambdas are called at once)
import numpy
import pytest
import torch
from agree import agree, random, same_error

import rushlight

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "complex64",
]


def L(*values, dtype="int64"):
    return numpy.array(values, dtype=dtype)


def mask(*shape, seed=0):
    return random(*shape, seed=seed) > 0.1


X = random(4, 5, 6)

# name: (indices as a function of the index arrays, the arrays)
INDEXED = {
    "vector": (lambda x, i: x[i], [L(0, 3, 1)]),
    "repeated": (lambda x, i: x[i], [L(1, 1, -1, 1)]),
    "int32": (lambda x, i: x[i], [L(1, 1, -1, 1, dtype="int32")]),
    "matrix of indices": (lambda x, i: x[i], [L([0, 1], [2, 3])]),
    "empty": (lambda x, i: x[i], [numpy.zeros((0,), "int64")]),
    "empty matrix": (lambda x, i: x[i], [numpy.zeros((2, 0), "int64")]),
    "0-d": (lambda x, i: x[i], [numpy.array(2)]),
    "second": (lambda x, i: x[:, i], [L(0, 4, 4)]),
    "last": (lambda x, i: x[..., i], [L(5, 0)]),
    "two": (lambda x, i, j: x[i, j], [L(0, 1, 2), L(4, 3, 4)]),
    "two broadcast": (lambda x, i, j: x[i, j], [L([0], [1]), L(4, 3, 4)]),
    "two later": (lambda x, i, j: x[:, i, j], [L([0], [1]), L(4, 3, 5)]),
    "two apart": (lambda x, i, j: x[i, :, j], [L([0], [1]), L(4, 3, 5)]),
    "number and vector": (lambda x, i: x[1, :, i], [L(4, 3, 5)]),
    "vector and number": (lambda x, i: x[i, :, 2], [L(3, 3)]),
    "new dimension": (lambda x, i: x[i, None], [L(3, 3)]),
    "new dimension between": (lambda x, i, j: x[i, None, j], [L(3, 2), L(0, 4)]),
    "slice and vector": (lambda x, i: x[1:3, i, ::2], [L(3, 0)]),
    "three": (lambda x, i, j, k: x[i, j, k], [L(0, 1), L(4, 3), L(5, 5)]),
    "mask of one": (lambda x, i: x[i], [numpy.array([True, False, True, True])]),
    "mask of two": (lambda x, i: x[i], [mask(4, 5)]),
    "mask of all": (lambda x, i: x[i], [mask(4, 5, 6)]),
    "mask of none": (lambda x, i: x[i], [numpy.zeros((4, 5), "bool")]),
    "mask behind": (lambda x, i: x[:, i], [mask(5, 6)]),
    "mask of last": (lambda x, i: x[..., i], [mask(6)]),
    "mask and vector": (
        lambda x, i, j: x[i, :, j],
        [numpy.array([True, False, True, True]), L(1, 1, 0)],
    ),
    "mask and one": (lambda x, i, j: x[i, j], [mask(4, 5), L(2)]),
    "list": (lambda x: x[[0, 2]], []),
    "lists": (lambda x: x[[0, 2], [1, 4]], []),
    "true": (lambda x: x[True], []),
    "false": (lambda x: x[False], []),
}


@pytest.mark.parametrize("name", INDEXED)
def test_reading(name):
    fn, at = INDEXED[name]
    agree(lambda m, x, *i: fn(x, *i), X, *at, order=2)
    agree(
        lambda m, x, *i: fn(x, *i), ((lambda t: t.permute(2, 0, 1)), random(5, 6, 4)), *at, order=1
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["vector", "two apart", "mask of two", "last"])
def test_reading_dtypes(name, dtype):
    fn, at = INDEXED[name]
    agree(lambda m, x, *i: fn(x.to(getattr(m, dtype)), *i), numpy.round(X * 20), *at)


WRITTEN = {
    "vector": (lambda x, v, i: x.__setitem__(i, v), (3, 5, 6), [L(0, 3, 1)]),
    "broadcast": (lambda x, v, i: x.__setitem__(i, v), (6,), [L(0, 3, 1)]),
    "one": (lambda x, v, i: x.__setitem__(i, v), (), [L(0, 3, 1)]),
    "two": (lambda x, v, i, j: x.__setitem__((i, j), v), (3, 6), [L(0, 1, 2), L(4, 3, 4)]),
    "apart": (
        lambda x, v, i, j: x.__setitem__((i, slice(None), j), v),
        (2, 3, 5),
        [L([0], [1]), L(4, 3, 5)],
    ),
    "behind": (lambda x, v, i: x.__setitem__((slice(1, 3), i), v), (2, 2, 6), [L(3, 0)]),
    "mask": (lambda x, v, i: x.__setitem__(i, v), (), [mask(4, 5, 6)]),
    "mask of two": (lambda x, v, i: x.__setitem__(i, v), (6,), [mask(4, 5)]),
    "mask and values": (
        lambda x, v, i: x.__setitem__(i, v),
        (int(mask(4, 5, 6).sum()),),
        [mask(4, 5, 6)],
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_writing(name):
    fn, shape, at = WRITTEN[name]

    def write(m, x, v, *i):
        y = x * 1
        fn(y, v, *i)
        return y

    def write_to_view(m, x, v, *i):
        y = x * 1
        fn(y.permute(2, 0, 1), v, *i)
        return y

    agree(write, X, random(*shape), *at, order=2)
    agree(write_to_view, random(5, 6, 4), random(*shape), *at, order=1)


def test_writing_numbers_and_lists():
    def write(m, x, i):
        y = x * 1
        y[i] = 3
        y[:, i] = 2.5
        y[i, 0] = m.tensor([1.0, 2.0, 3.0, 4, 5, 6]).to(x.dtype)
        return y

    agree(write, X, L(0, 2), order=1)


@pytest.mark.parametrize("accumulate", [False, True])
def test_index_put(accumulate):
    def put(m, x, v, i, j):
        return m.index_put(x, (i, j), v, accumulate), (x * 1).index_put_((i, j), v, accumulate)

    agree(put, X, random(2, 3, 6), L([0], [2]), L(4, 3, 1), order=2)
    agree(put, X, random(6), L([0], [2]), L(4, 3, 1), order=2)
    agree(put, X, random(), L([0], [2]), L(4, 3, 1), order=2)
    if accumulate:
        agree(put, X, random(3, 6), L(1, 1, 1), L(2, 2, 3), order=2)
        agree(
            lambda m, x, v, i: m.index_put(x, (i,), v, True),
            random(5, 4000),
            random(3, 4000),
            L(1, 1, 1),
        )


# name: (function, [arrays])
ALONG = {
    "index_select 0": (lambda m, x, i: m.index_select(x, 0, i), [X, L(0, 3, 3)]),
    "index_select -1": (lambda m, x, i: x.index_select(-1, i), [X, L(0, 3, 3)]),
    "index_select int32": (lambda m, x, i: m.index_select(x, 1, i), [X, L(0, 3, 3, dtype="int32")]),
    "index_select 0-d index": (lambda m, x, i: m.index_select(x, 1, i), [X, numpy.array(2)]),
    "index_select scalar": (lambda m, x, i: m.index_select(x, 0, i), [random(), L(0)]),
    "index_select none": (lambda m, x, i: m.index_select(x, 1, i), [X, numpy.zeros(0, "int64")]),
    "index_add": (lambda m, x, v, i: m.index_add(x, 1, i, v), [X, random(4, 3, 6), L(0, 3, 3)]),
    "index_add alpha": (
        lambda m, x, v, i: x.index_add(1, i, v, alpha=2.5),
        [X, random(4, 3, 6), L(0, 3, 3)],
    ),
    "index_add_": (
        lambda m, x, v, i: (x * 1).index_add_(0, i, v),
        [X, random(3, 5, 6), L(0, 3, 3)],
    ),
    "index_add scalar": (lambda m, x, v, i: m.index_add(x, 0, i, v), [random(), random(1), L(0)]),
    "index_copy": (lambda m, x, v, i: m.index_copy(x, 1, i, v), [X, random(4, 3, 6), L(0, 4, 3)]),
    "index_copy_": (lambda m, x, v, i: (x * 1).index_copy_(2, i, v), [X, random(4, 5, 2), L(0, 4)]),
    "index_fill": (lambda m, x, i: m.index_fill(x, 1, i, 1.5), [X, L(0, -1, 3)]),
    "index_fill_": (lambda m, x, i: (x * 1).index_fill_(1, i, 1.5), [X, L(0, -1, 3)]),
    "index_fill tensor": (lambda m, x, v, i: m.index_fill(x, 0, i, v), [X, random(), L(0, 3)]),
    "take": (lambda m, x, i: m.take(x, i), [X, L([0, 7], [-1, 7])]),
    "put_": (lambda m, x, v, i: (x * 1).put_(i, v), [X, random(2, 2), L([0, 7], [-1, 8])]),
    "put accumulate": (
        lambda m, x, v, i: x.put(i, v, accumulate=True),
        [X, random(4), L([0, 7], [-1, 7])],
    ),
    "take_along_dim": (lambda m, x, i: m.take_along_dim(x, i, 1), [X, L([[0], [4]])]),
    "take_along_dim flat": (lambda m, x, i: m.take_along_dim(x, i), [X, L(0, 40, 3)]),
    "masked_fill": (lambda m, x, i: m.masked_fill(x, i, -2), [X, mask(5, 6)]),
    "masked_fill larger": (lambda m, x, i: m.masked_fill(x, i, -2), [random(5, 6), mask(4, 5, 6)]),
    "masked_fill tensor": (lambda m, x, v, i: m.masked_fill(x, i, v), [X, random(), mask(5, 6)]),
    "masked_fill_": (lambda m, x, i: (x * 1).masked_fill_(i, -2), [X, mask(5, 6)]),
    "masked_fill_ tensor": (
        lambda m, x, v, i: (x * 1).masked_fill_(i, v),
        [X, random(), mask(4, 1, 6)],
    ),
    "masked_select": (lambda m, x, i: m.masked_select(x, i), [X, mask(4, 5, 6)]),
    "masked_select smaller": (lambda m, x, i: x.masked_select(i), [X, mask(6)]),
    "masked_select larger": (lambda m, x, i: x.masked_select(i), [random(6), mask(4, 5, 6)]),
    "masked_scatter": (
        lambda m, x, v, i: m.masked_scatter(x, i, v),
        [X, random(130), mask(4, 5, 6)],
    ),
    "masked_scatter_": (
        lambda m, x, v, i: (x * 1).masked_scatter_(i, v),
        [X, random(13, 10), mask(5, 6)],
    ),
    "gather 0": (
        lambda m, x, i: m.gather(x, 0, i),
        [random(4, 5), L([0, 1, 3, 3, 2], [1, 1, 1, 1, 1])],
    ),
    "gather 1": (lambda m, x, i: x.gather(-1, i), [random(4, 5), L([0, 1], [4, 4], [2, 2])]),
    "gather int32": (
        lambda m, x, i: x.gather(-1, i),
        [random(4, 5), L([0, 1], [4, 4], dtype="int32")],
    ),
    "gather expanded": (
        lambda m, x, i: x.gather(0, i[:, None].expand(-1, 5)),
        [random(4, 5), L(0, 3, 3)],
    ),
    "gather middle": (
        lambda m, x, i: x.gather(1, i),
        [X, L([[0, 1, 4], [2, 2, 2]], [[1, 1, 1], [0, 0, 4]])],
    ),
    "gather scalar": (lambda m, x, i: x.gather(0, i), [random(), numpy.array(0)]),
    "gather none": (lambda m, x, i: x.gather(0, i), [random(4), numpy.zeros(0, "int64")]),
}


@pytest.mark.parametrize("name", ALONG)
def test_along(name):
    fn, arrays = ALONG[name]
    agree(fn, *arrays, order=2)
    agree(fn, *arrays, dtype="float32", order=1)
    agree(fn, *arrays, dtype="bfloat16")
    x = arrays[0]
    if x.ndim == 3 and "take" not in name and "put" not in name:
        agree(fn, (lambda t: t.permute(2, 0, 1), x.transpose(1, 2, 0).copy()), *arrays[1:], order=1)


SCATTERED = [
    (0, (4, 5), (2, 5), L([0, 1, 3, 3, 2], [1, 1, 1, 1, 1])),
    (1, (4, 5), (3, 2), L([0, 1], [4, 4], [2, 2])),
    (1, (4, 5), (4, 6), L([0, 1], [4, 4], [2, 2])),
    (0, (4,), (6,), L(0, 0, 3, 3, 3, 1)),
    (0, (), (), numpy.array(0)),
    (1, (2, 3, 4), (2, 2, 4), L([[0, 1, 2, 0], [0, 1, 1, 0]], [[1, 1, 1, 1], [0, 0, 0, 0]])),
    (0, (4, 5), (2, 5), numpy.zeros((0, 5), "int64")),
]


@pytest.mark.parametrize("dim,shape,source,at", SCATTERED)
def test_scatter(dim, shape, source, at):
    x, v = random(*shape), random(*source, seed=3)
    if source == at.shape:  # PyTorch's gradient needs equal shapes
        agree(lambda m, x, v, i: m.scatter_add(x, dim, i, v), x, v, at, order=2)
        agree(lambda m, x, v, i: (x * 1).scatter_add_(dim, i, v), x, v, at, order=1)
    agree(lambda m, x, v, i: m.scatter_add(x, dim, i, v), x, v, at)
    agree(lambda m, x, i: m.scatter(x, dim, i, 2.5), x, at, order=2)
    agree(lambda m, x, i: (x * 1).scatter_(dim, i, 2.5), x, at, order=1)
    agree(lambda m, x, i: x.scatter(dim, i, 2.5, reduce="add"), x, at)
    agree(lambda m, x, v, i: x.scatter(dim, i, v, reduce="multiply"), x, v, at)


def test_scatter_of_different_places():
    at = L([0, 1, 3, 3, 2], [1, 0, 2, 1, 3])
    agree(lambda m, x, v, i: m.scatter(x, 0, i, v), random(4, 5), random(2, 5), at, order=2)
    agree(lambda m, x, v, i: (x * 1).scatter_(0, i, v), random(4, 5), random(2, 5), at, order=1)


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("dim,shape,source,at", SCATTERED)
def test_scatter_reduce(dim, shape, source, at, reduce, include_self):
    def scatter(m, x, v, i):
        return x.scatter_reduce(dim, i, v, reduce, include_self=include_self)

    def scatter_(m, x, v, i):
        return (x * 1).scatter_reduce_(dim, i, v, reduce, include_self=include_self)

    same = at.size and source == at.shape
    v = random(*source, seed=3)
    agree(scatter, random(*shape), v, at, order=1 if same else 0)
    agree(scatter_, random(*shape), v, at, order=1 if same else 0)
    agree(scatter, numpy.round(random(*shape)), numpy.round(v), at, order=1 if same else 0)
    agree(lambda m, x, v, i: scatter(m, x.int(), v.int(), i), random(*shape) * 9, v * 9, at)
    if reduce == "prod" and same and include_self:
        agree(scatter, random(*shape), v, at, order=2)


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
def test_index_reduce(reduce, include_self):
    def combine(m, x, v, i):
        return m.index_reduce(x, 1, i, v, reduce, include_self=include_self)

    def combine_(m, x, v, i):
        return (x * 1).index_reduce_(1, i, v, reduce, include_self=include_self)

    order = 0 if reduce == "prod" else 1  # PyTorch's gradient of prod wants one index a place
    agree(combine, X, random(4, 3, 6), L(0, 3, 3), order=order)
    agree(combine_, X, random(4, 3, 6), L(0, 3, 3), order=order)


def test_repeat_interleave():
    agree(lambda m, x: m.repeat_interleave(x, 2), X, order=2)
    agree(lambda m, x: x.repeat_interleave(3, dim=1), X, order=2)
    agree(lambda m, x: x.repeat_interleave(3), random(), order=1)
    agree(lambda m, x: x.repeat_interleave(0, 1), X)
    agree(lambda m, x, i: x.repeat_interleave(i, 0), X, L(1, 0, 3, 2), order=2)
    agree(lambda m, x, i: x.repeat_interleave(i, 1, output_size=10), X, L(2), order=2)
    agree(lambda m, i: m.repeat_interleave(i), L(1, 0, 3))
    agree(lambda m, i: m.repeat_interleave(i), L(1, 0, 3, dtype="int32"))


def test_places_of_what_is_true():
    for a in (
        mask(3, 4),
        random(3, 4, ties=True),
        random(),
        numpy.array(0.0),
        numpy.zeros((3, 0)),
        mask(50, 60),
    ):
        agree(lambda m, x: m.nonzero(x), a)
        agree(lambda m, x: m.argwhere(x), a)
        agree(lambda m, x: m.where(x), a)
    agree(lambda m, x: x.t().nonzero(), random(3, 4, ties=True))
    agree(lambda m, x: x.nonzero(as_tuple=True), mask(3, 4))
    agree(lambda m, x: m.nonzero(x.half()), random(3, 4, ties=True))


def test_counting():
    agree(lambda m, x: m.bincount(x), L(3, 1, 1, 7))
    agree(lambda m, x: x.bincount(minlength=10), L(3, 1, 1, 7))
    agree(lambda m, x, w: m.bincount(x, w), L(3, 1, 1, 7), random(4))
    agree(lambda m, x, w: m.bincount(x, w.float()), L(3, 1, 1, 7), random(4))
    agree(lambda m, x, w: m.bincount(x, w), L(3, 1, 1, 7), L(1, 2, 3, 4))
    agree(lambda m, x: m.bincount(x), numpy.zeros(0, "int64"))
    agree(lambda m, x: m._C._nn.one_hot(x), L([3, 1], [0, 2]))
    agree(lambda m, x: m._C._nn.one_hot(x, 5), L([3, 1], [0, 2]))
    agree(lambda m, x: m._C._nn.one_hot(x, 5), numpy.zeros((0, 2), "int64"))


@pytest.mark.parametrize("k", [-9, -1, 0, 1, 2, 9])
@pytest.mark.parametrize("shape", [(4, 5), (5, 4), (2, 3, 3), (0, 3), (3, 0), (1, 1)])
def test_triangles(shape, k):
    for name in ("tril", "triu"):
        agree(lambda m, x: getattr(m, name)(x, k), random(*shape), order=2)
        agree(lambda m, x: getattr(x.mT, name)(k), random(*shape), order=1)
        agree(lambda m, x: getattr(x * 1, name + "_")(k), random(*shape), order=1)
        agree(lambda m, x: getattr((x * 1).mT, name + "_")(k), random(*shape), order=1)
        agree(lambda m, x: getattr(x > 0, name)(k), random(*shape))
        agree(lambda m: getattr(m, name + "_indices")(shape[-2], shape[-1], k))
    agree(lambda m: m.tril_indices(4, 5, 1, dtype=m.int32))


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 3])
def test_diagonals(k):
    agree(lambda m, x: m.diag(x, k), random(3), order=2)
    agree(lambda m, x: x.diag(k), random(4, 5), order=2)
    agree(lambda m, x: m.diagflat(x, k), random(2, 3), order=2)
    agree(lambda m, x: m.diag_embed(x, k), random(2, 3), order=2)
    agree(lambda m, x: m.diag_embed(x, k, 0, 2), random(2, 3), order=2)
    agree(lambda m, x: m.diag_embed(x, k, 2, 0), random(2, 3), order=2)


def test_trace():
    for shape in ((3, 3), (2, 4), (4, 2), (0, 3)):
        agree(lambda m, x: m.trace(x), random(*shape), order=2)
    agree(lambda m, x: m.trace(x.int()), random(3, 3) * 9)
    agree(lambda m, x: m.trace(x.t()), random(3, 4), order=1)


ERRORS = """
x[L([0, 5])]
x[:, L([0, 5])]
x[L([0, -5])]
x[L([0, 1]), L([0, 1, 2])]
x[L([0]), L([0]), L([0])]
x[L([True, False])]
x[:, L([True, False])]
x[L([[True, False]])]
x[L([0.])]
x[L([0, 1], dtype=m.int16)]
R(0, 3)[L([0])]
R(3, 0)[:, L([0])]
x.index_put((L([0, 1]),), L([1., 2, 3]))
x.index_put((L([0, 1]),), L([1.], dtype=m.float64))
x.index_put((L([0, 1]),), R(2, 2, 4))
x.index_put((L([0.]),), R(1, 4))
x.index_put((L([0, 9]),), R(1, 4))
x.index_select(0, L([0, 5]))
x.index_select(0, L([0, -1]))
x.index_select(2, L([0]))
x.index_select(0, L([[0]]))
x.index_select(0, L([0.]))
x.index_select(0, L([0], dtype=m.int16))
L(1.).index_select(0, L([1]))
L(1.).index_select(0, L([0, 0]))
x.index_add(0, L([0, 1]), R(3, 4))
x.index_add(0, L([0, 1]), R(2, 5))
x.index_add(0, L([0, 1]), R(2))
x.index_add(0, L([0, 3]), R(2, 4))
x.index_add(0, L([0, -1]), R(2, 4))
x.index_add(0, L([0., 1]), R(2, 4))
x.index_add(0, L([0, 1]), R(2, 4, dtype=m.float64))
x.index_add(0, L([[0, 1]]), R(2, 4))
x.index_copy(0, L([0, 1]), R(3, 4))
x.index_copy(0, L([0, 1]), R(2, 5))
x.index_copy(0, L([0, 7]), R(2, 4))
x.index_copy(0, L([0, -1]), R(2, 4))
x.index_copy(0, L([0, 1], dtype=m.int32), R(2, 4))
x.index_copy(0, L([0, 1]), R(2, 4, dtype=m.float64))
x.index_copy(0, L([[0, 1]]), R(2, 4))
x.index_copy(0, L([0, 1]), R(()))
x.index_copy(0, L(0), R(4))
x.index_fill(0, L([0, 7]), 1.5)
x.index_fill(0, L([0, 1], dtype=m.int32), 1.5)
x.index_fill(0, L([0.]), 1.5)
x.index_fill(0, L([[0]]), 1.5)
x.index_fill(0, L([0]), R(2))
x.take(L([0, 12]))
x.take(L([0, -13]))
x.take(L([0.]))
x.take(L([0], dtype=m.int32))
R(0).take(L([0]))
x.clone().put_(L([0, 1]), R(3))
x.clone().put_(L([0, 12]), R(2))
x.clone().put_(L([0, 1]), R(2, dtype=m.float64))
x.clone().put_(L([0, 1], dtype=m.int32), R(2))
m.take_along_dim(x, L([0]), 0)
m.take_along_dim(x, L([[0.]]), 0)
x.masked_fill(x, 1)
x.masked_fill(L([True, False]), 1)
x.masked_fill(L([1, 0, 1, 1], dtype=m.uint8), 1)
x.masked_fill(x > 3, R(2))
x.masked_fill(x > 3, 2j)
x.clone().masked_fill_(R(2, 3, 4) > 0, 1)
x.masked_select(x)
x.masked_select(L([True, False]))
x.masked_scatter(x > 3, R(2))
x.masked_scatter(x > 3, R(20, dtype=m.float64))
x.masked_scatter(x, R(20))
x.masked_scatter(L([True, False]), R(20))
m.bincount(L([1, 2, 2]), minlength=-1)
m.bincount(L([1, 2, -2]))
m.bincount(L([1, 2.]))
m.bincount(L([[1, 2]]))
m.bincount(L([1, 2]), R(3))
m.bincount(L([True]))
m._C._nn.one_hot(L([1, 2]), 2)
m._C._nn.one_hot(L([1, -2]), 2)
m._C._nn.one_hot(L([1, 2.]), 2)
m._C._nn.one_hot(L([1, 2], dtype=m.int32), 3)
m._C._nn.one_hot(L([], dtype=m.long))
m.tril(R(3))
m.triu(R(()))
m.tril_indices(-3, 3)
m.tril_indices(3, 3, 1, dtype=m.float)
m.diag(R(()))
m.diag(R(2, 2, 2))
m.diag_embed(R(2), 0, 0, 0)
m.diag_embed(R(2), 0, 0, 5)
m.trace(R(2))
m.trace(R(2, 2, dtype=m.bool))
x.gather(0, L([[0, 3]]))
x.gather(0, L([[0, -1]]))
x.gather(1, L([[0, 5]]))
x.gather(0, L([0]))
x.gather(0, L([[0.]]))
x.gather(0, L([[0, 0, 0, 0, 0]]))
x.gather(1, L([[0]] * 4))
x.gather(3, z)
L(1.).gather(0, L([1]))
x.scatter(0, z, R(1, 3))
x.scatter(0, L([[9]]), R(1, 4))
x.scatter(0, L([[-1]]), R(1, 4))
x.scatter(0, L([[0.]]), R(1, 4))
x.scatter(0, z, R(1, 4, dtype=m.float64))
x.scatter(0, L([0]), R(4))
x.scatter(0, L([[0] * 5]), R(1, 5))
x.scatter(1, L([[0]] * 4), 1.)
x.scatter(0, z, R(1, 4), reduce='foo')
x.scatter(0, z, 2j)
x.scatter(0, z, L(1.))
x.scatter_add(0, z, R(1, 3))
x.scatter_add(0, z, R(1, 4, dtype=m.float64))
x.scatter_add(0, L([[9]]), R(1, 4))
x.scatter_add(0, L([0]), R(4))
x.scatter_reduce(0, z, R(1, 4), 'foo')
x.scatter_reduce(0, z, R(1, 4, dtype=m.float64), 'sum')
x.repeat_interleave(L([1, 2]), 0)
x.repeat_interleave(L([1, 2]))
x.repeat_interleave(-1)
x.repeat_interleave(L([1, -2, 3]), 0)
x.repeat_interleave(L([1.]), 0)
x.repeat_interleave(L([[1]]), 0)
x.repeat_interleave(L([1, 2, 3]), 0, output_size=7)
m.repeat_interleave(L([[1, 2, 3]]))
""".strip().split("\n")


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    def call(m):
        x = m.arange(12.0).reshape(3, 4)
        z = m.tensor([[0, 1, 2, 0]])
        return eval(source, {"m": m, "R": m.ones, "L": m.tensor, "x": x, "z": z})

    same_error(call)


NODES = """
g[L([0])]
g.index_select(0, L([0]))
g.masked_fill(b, 1)
g.masked_fill(b, L(1.))
g.masked_select(b)
g.masked_scatter(b, R(4))
g.index_add(0, L([0]), R(1, 2))
g.index_copy(0, L([0]), R(1, 2))
g.index_fill(0, L([0]), 1)
g.take(L([0]))
g.put(L([0]), R(1))
g.tril()
g.triu()
g.index_put((L([0]),), L(1.))
g.gather(0, L([[0]]))
g.scatter(0, L([[0]]), 1.)
g.scatter(0, L([[0]]), R(1, 1))
g.scatter_add(0, L([[0]]), R(1, 1))
g.scatter_reduce(0, L([[0]]), R(1, 1), 'sum')
m.trace(g)
m.diag_embed(g)
""".strip().split("\n")


@pytest.mark.parametrize("source", NODES)
def test_names_of_nodes(source):
    def name(m):
        g = m.ones(2, 2, requires_grad=True)
        scope = {"m": m, "R": m.ones, "L": m.tensor, "g": g, "b": m.ones(2, 2) > 3}
        return eval(source, scope).grad_fn.name()

    assert name(rushlight) == name(torch)


def test_a_write_from_itself_reads_first():
    x = rushlight.arange(12.0).reshape(4, 3)
    at = rushlight.tensor([1, 2])
    for write in (
        lambda y, v: y.__setitem__(at, v),
        lambda y, v: y.index_copy_(0, at, v),
        lambda y, v: y.index_add_(0, at, v),
        lambda y, v: y.index_put_((at,), v, accumulate=True),
        lambda y, v: y.scatter_(0, at[:, None].expand(2, 3), v),
    ):
        a, b = x.clone(), x.clone()
        write(a, a[:2])
        write(b, x[:2])
        assert a.tolist() == b.tolist()
