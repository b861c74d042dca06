"""Embeddings agree with PyTorch: rows, dense gradients, options, errors."""

import numpy
import pytest
from agree import agree, random, same_error

INDICES = {
    "vector": numpy.array([0, 3, 3, 6, 1]),
    "matrix": numpy.array([[0, 2, 2], [5, 2, 6]]),
    "scalar": numpy.array(4),
    "empty": numpy.zeros((0, 3), dtype="int64"),
    "int32": numpy.array([[1, 6], [1, 0]], dtype="int32"),
    "strided": (lambda t: t.t()[::2], numpy.array([[0, 2, 2], [5, 2, 6]])),
}


@pytest.mark.parametrize("options", [{}, {"padding_idx": 2}, {"scale_grad_by_freq": True}])
@pytest.mark.parametrize("name", INDICES)
def test_embedding(name, options):
    f = lambda m, w, i: m.embedding(w, i, **options)  # noqa: E731
    agree(f, random(7, 5), INDICES[name], dtype="float64", order=2)
    agree(f, random(7, 5), INDICES[name], dtype="float32", order=1)
    agree(f, random(7, 0), INDICES[name], dtype="float32", order=1)


def test_second_order():
    f = lambda m, w, i: m.embedding(w, i, padding_idx=2) ** 3  # noqa: E731
    agree(f, random(7, 5), INDICES["matrix"], dtype="float64", order=2)
    agree(f, (lambda t: t.t(), random(5, 7)), INDICES["matrix"], dtype="float64", order=2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int64", "bool", "complex64"])
def test_dtypes(dtype):
    w = numpy.round(random(7, 5) * 3)
    agree(lambda m, w, i: m.embedding(w.to(getattr(m, dtype)), i), w, INDICES["matrix"])


def test_many_rows():
    r = numpy.random.default_rng(0)
    agree(
        lambda m, w, i: m.embedding(w, i),
        random(300, 64),
        r.integers(0, 300, (70, 40)),
        dtype="float64",
        order=1,
    )


def test_indices_may_change_after_the_call():
    def f(m, w, i):
        out = m.embedding(w, i)
        i.fill_(1000)
        return out

    import rushlight

    w = rushlight.zeros(4, 2, requires_grad=True)
    f(rushlight, w, rushlight.tensor([1, 2])).sum().backward()
    assert w.grad.tolist() == [[0, 0], [1, 1], [1, 1], [0, 0]]


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_renorm(p):
    f = lambda m, w, i: m.embedding_renorm_(w, i, 0.7, p)  # noqa: E731
    agree(f, random(7, 5), INDICES["matrix"], dtype="float64")
    agree(f, (lambda t: t.t(), random(5, 7)), INDICES["vector"], dtype="float32")


@pytest.mark.parametrize(
    "f",
    [
        lambda m: m.embedding(m.zeros(5, 3), m.tensor([0, 5])),
        lambda m: m.embedding(m.zeros(5, 3), m.tensor([0, -1])),
        lambda m: m.embedding(m.zeros(5, 3), m.tensor([0.0])),
        lambda m: m.embedding(m.zeros(5, 3), m.tensor([True])),
        lambda m: m.embedding(m.zeros(5), m.tensor([0])),
        lambda m: m.embedding_renorm_(m.zeros(5, 3), m.tensor([7]), 1.0, 2.0),
    ],
)
def test_errors(f):
    same_error(f)
