"""Elementwise losses and glu agree with PyTorch: values, gradients of both orders, errors.

Not here: cross_entropy and nll_loss (test_normalize.py), nn.functional's own rules (test_nn.py).
"""

import numpy
import pytest
import torch
from agree import agree, random, same_error

import rushlight


def op(m, name):
    return getattr(m, name) if hasattr(m, name) else getattr(m._C._nn, name)


LOSSES = {
    "mse_loss": (),
    "l1_loss": (),
    "smooth_l1_loss": (0.7,),
    "huber_loss": (0.7,),
    "soft_margin_loss": (),
}


@pytest.mark.parametrize("reduction", [0, 1, 2])
@pytest.mark.parametrize("name", LOSSES)
def test_distances(name, reduction):
    def f(m, x, y):
        y = y.detach() if name == "soft_margin_loss" else y
        return op(m, name)(x, y, reduction, *LOSSES[name])

    x, y = random(6, 7), random(6, 7, seed=1)
    agree(f, x, y, dtype="float64", order=2)
    agree(f, x, y, dtype="float32", order=1)
    agree(f, x, y, dtype="float16", order=0)
    agree(f, (lambda t: t.t(), x), (lambda t: t.t(), y), dtype="float64", order=2)
    agree(f, random(), random(seed=1), dtype="float64", order=2)
    agree(f, (lambda t: t[:, ::2], x), y[:, :4], dtype="float64", order=2)
    # PyTorch's mean divides the gradient of a broadcast target by the target's own size.
    if name == "l1_loss" or name == "mse_loss" and reduction != 1:
        agree(f, x, y[:1], dtype="float64", order=2)
    if reduction != 1:
        agree(f, x[:0], y[:0], dtype="float64", order=1)


def test_one_side_only():
    x, y = random(6, 7), random(6, 7, seed=1)
    agree(lambda m, x, y: op(m, "mse_loss")(x, y.detach(), 1), x, y, dtype="float64", order=2)
    agree(lambda m, x, y: op(m, "mse_loss")(x.detach(), y, 1), x, y, dtype="float64", order=2)


def test_large():
    x, y = random(300, 701), random(300, 701, seed=1)
    for reduction in (1, 2):
        f = lambda m, x, y, r=reduction: op(m, "mse_loss")(x, y, r)  # noqa: E731
        agree(f, x, y, dtype="float32", order=1)


def probabilities(*shape, seed=0):
    return 1 / (1 + numpy.exp(-random(*shape, seed=seed)))


@pytest.mark.parametrize("reduction", [0, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy(reduction, weighted):
    x, y = probabilities(5, 6), probabilities(5, 6, seed=1)

    def f(m, x, y, w):
        w = w.detach() if weighted else None
        return op(m, "binary_cross_entropy")(x, y, w, reduction)

    weight = probabilities(5, 6, seed=2)
    agree(f, x, y, weight, dtype="float64", order=2)
    agree(f, x, y, weight, dtype="float32", order=1)
    agree(f, x, y, weight[:1], dtype="float64", order=1)
    # At 0 and 1 the loss stops at 100; PyTorch's gradient of the target is infinite all the same.
    sure, truth = numpy.array([0.0, 1.0, 0.0, 1.0]), numpy.array([0.0, 1.0, 1.0, 0.0])
    g = lambda m, x, y, w: f(m, x, y.detach(), w)  # noqa: E731
    agree(g, sure, truth, sure + 1, dtype="float64", order=1)


@pytest.mark.parametrize("reduction", [0, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive", [False, True])
def test_binary_cross_entropy_with_logits(reduction, weighted, positive):
    x, y = random(5, 6) * 4, probabilities(5, 6, seed=1)

    def f(m, x, y, w, p):
        w = w.detach() if weighted else None
        p = p.detach() if positive else None
        return m.binary_cross_entropy_with_logits(x, y, w, p, reduction)

    w, p = probabilities(5, 6, seed=2), probabilities(6, seed=3) * 3
    agree(f, x, y, w, p, dtype="float64", order=2)
    agree(f, x, y, w, p, dtype="float32", order=1)
    agree(f, x, y, w[:1], p, dtype="float64", order=1)
    agree(f, x * 300, numpy.round(y), w, p, dtype="float64", order=1)


@pytest.mark.parametrize("reduction", [0, 1, 2])
def test_composed(reduction):
    x, y = random(6, 7), numpy.sign(random(6, 7, seed=1))
    r = {"reduction": reduction}
    agree(lambda m, x, y: m.hinge_embedding_loss(x, y, 0.5, **r), x, y, dtype="float64", order=1)
    agree(
        lambda m, a, b, y: m.margin_ranking_loss(a, b, y, 0.2, **r),
        *(x, random(6, 7, seed=2), y),
        dtype="float64",
        order=1,
    )
    for log in (False, True):
        f = lambda m, x, y, log=log: m.kl_div(x, y, log_target=log, **r)  # noqa: E731
        agree(f, x, probabilities(6, 7), dtype="float64", order=2)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_glu(dim):
    f = lambda m, x: op(m, "glu")(x, dim)  # noqa: E731
    agree(f, random(4, 6), dtype="float64", order=2)
    agree(f, random(4, 6), dtype="float32", order=1)
    agree(f, random(4, 6), dtype="float16")
    agree(f, (lambda t: t.t(), random(6, 4)), dtype="float64", order=2)
    agree(f, random(0, 0, 6), dtype="float64", order=1)


NODES = {
    "mse_loss": "MseLossBackward0",
    "smooth_l1_loss": "SmoothL1LossBackward0",
    "huber_loss": "HuberLossBackward0",
    "soft_margin_loss": "SoftMarginLossBackward0",
    "binary_cross_entropy": "BinaryCrossEntropyBackward0",
    "binary_cross_entropy_with_logits": "BinaryCrossEntropyWithLogitsBackward0",
    "l1_loss": "MeanBackward0",
}


@pytest.mark.parametrize("name", NODES)
def test_node_names(name):
    for m in (torch, rushlight):
        x = m.tensor([0.5, 0.25], requires_grad=True)
        out = op(m, name)(x, m.tensor([0.0, 1.0]), reduction=1)
        assert out.grad_fn.name() == NODES[name]


def z(m, *shape, dtype="float32"):
    return m.zeros(*shape, dtype=getattr(m, dtype))


def g(m, n):
    return m.full((n,), 0.5, requires_grad=True)


@pytest.mark.parametrize(
    "f",
    [
        lambda m: op(m, "mse_loss")(z(m, 3), z(m, 4), 1),
        lambda m: op(m, "mse_loss")(z(m, 3, dtype="int64"), z(m, 3, dtype="int64"), 1),
        lambda m: op(m, "smooth_l1_loss")(z(m, 3), z(m, 3), 1, -1.0),
        lambda m: op(m, "huber_loss")(z(m, 3), z(m, 3), 1, 0.0),
        lambda m: op(m, "huber_loss")(z(m, 3, dtype="int64"), z(m, 3, dtype="int64"), 1),
        lambda m: op(m, "binary_cross_entropy")(z(m, 3) + 2, z(m, 3), None, 1),
        lambda m: op(m, "binary_cross_entropy")(z(m, 3), z(m, 3) + 2, None, 1),
        lambda m: op(m, "binary_cross_entropy")(z(m, 3), z(m, 4), None, 1),
        lambda m: op(m, "binary_cross_entropy")(z(m, 3), z(m, 3, dtype="float64"), None, 1),
        lambda m: op(m, "binary_cross_entropy")(g(m, 3), z(m, 3), g(m, 3), 1),
        lambda m: m.binary_cross_entropy_with_logits(g(m, 3), z(m, 3), None, g(m, 3), 1),
        lambda m: op(m, "soft_margin_loss")(z(m, 3), g(m, 3), 1),
        lambda m: m.kl_div(z(m, 3, dtype="int64"), z(m, 3)),
        lambda m: op(m, "glu")(z(m, 3, 3)),
        lambda m: op(m, "glu")(z(m, ())),
        lambda m: op(m, "glu")(z(m, 4, 2), 3),
        lambda m: op(m, "glu")(z(m, 4, 2, dtype="int64")),
    ],
)
def test_errors(f):
    same_error(f)
