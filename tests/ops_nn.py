"""Rows of softmax, losses, normalisation, embeddings, random numbers and the variants of formulas.

Not here: modules (test_nn.py).
"""

from ops_inputs import ALL, COMPLEX, FLOATS, INTS, REAL, WIDE, D, G, K, X, row

A, B, V, S = X(3, 4), X(2, 3, 4), X(5), X()
SOME = ("bfloat16", "float32", "float64")
LABELS = X(at=[1, 0, 3], dtype="int64")


def probability(*shape):
    return X(*shape, at="(0.05, 0.95)")


SOFTMAX = [
    row("softmax", (A, 0), (B, -1), (S, 0), (X(0, 3), 1), (A, 1, D("float64")), (A, 2), dtypes=FLOATS, tol=4),
    row("log_softmax", (A, 0), (B, -1), (S, 0), (X(0, 3), 1), (A, 1, D("float64")), (A, 2), dtypes=FLOATS, tol=4),
    row("glu", X(3, 4), (X(4, 3), 0), (X(3, 3),), dtypes=FLOATS, tol=4),
    row("relu6", A, S),
]  # fmt: skip


def loss(name, *samples, **options):
    options.setdefault("dtypes", SOME)
    return row(name, *samples, tol=8, **options)


def pairs(make, other, *more):
    """Input and target, by each reduction."""
    yield from ((make(3, 4), other(3, 4), *more, r) for r in (0, 1, 2))
    yield (make(), other(), *more, 1)


W4 = X(4, at="positive", grad=False)
# The reduction is always given: as a default, PyTorch's parser reads it as 0.
LOSSES = [
    *(loss(name, (A, LABELS, None, 1), (A, LABELS, W4, 1), (A, LABELS, None, 0), (A, LABELS, W4, 2, 3),
           (A, LABELS, None, 1, 0), (A, X(at=[9, 0, 0], dtype="int64"), None, 1)) for name in ("nll_loss", "nll_loss_nd")),
    loss("cross_entropy_loss", (A, LABELS, None, 1), (A, LABELS, W4, 1, 0, 0.1), (A, probability(3, 4), None, 1),
         (A, probability(3, 4), W4, 1), (X(4), X(at=2, dtype="int64"), None, 1),
         (X(2, 4, 3), X(at=[[0, 1, 2], [3, 3, 0]], dtype="int64"), None, 0)),
    loss("mse_loss", *pairs(X, X), (X(0), X(0), 1)),
    loss("l1_loss", *pairs(X, X), (X(0), X(0), 1)),
    loss("smooth_l1_loss", *pairs(X, X), (A, X(3, 4), 1, 0.5), (A, X(3, 4), 1, 0.0)),
    loss("huber_loss", *pairs(X, X), (A, X(3, 4), 1, 0.5)),
    loss("soft_margin_loss", *pairs(X, X)),
    loss("binary_cross_entropy", *pairs(probability, probability, None),
         (probability(3, 4), probability(3, 4), W4, 1), (X(3, at="(2, 3)"), probability(3), None, 1),
         skip={"second": "differs in the last digits: a difference of quotients"}),
    loss("binary_cross_entropy_with_logits", *pairs(X, probability, None, None), (A, probability(3, 4), W4, W4, 1)),
    loss("kl_div", *pairs(X, probability), (A, X(3, 4), 2, K(log_target=True))),
    loss("hinge_embedding_loss", (A, X(at=[1.0, -1, 1, -1]), 1.0, 1), (A, X(at=[1.0, -1, 1, -1]), 2.0, 2)),
    loss("margin_ranking_loss", (A, X(3, 4), X(3, 4), 0.0, 1), (A, X(3, 4), X(3, 4), 1.0, 0)),
]  # fmt: skip
LOG_P, LABEL_ROWS = X(6, 2, 4), X(at=[[1, 2, 2], [3, 1, 0]], dtype="int64")
CTC = [
    row("_ctc_loss", (LOG_P, LABEL_ROWS, (6, 5), (3, 2)), (LOG_P, X(at=[1, 2, 3], dtype="int64"), (6, 5), (1, 2)),
        (LOG_P, LABEL_ROWS, (6, 5), (0, 2)), (LOG_P, LABEL_ROWS, (7, 5), (3, 2)), (LOG_P, LABEL_ROWS, (2, 5), (3, 2), 0, True),
        dtypes=WIDE, tol=30, orders=1, layouts=("transposed",), call=lambda m, *a: m._ctc_loss(*a)[0]),
    row("ctc_loss", *((LOG_P, LABEL_ROWS, (6, 5), (3, 2), 0, r) for r in (0, 1, 2)), (LOG_P, LABEL_ROWS, (6, 5), (3, 2), 9),
        (X(6, 4), X(at=[1, 2], dtype="int64"), (6,), (2,), 0, 0), (LOG_P, LABEL_ROWS, (2, 5), (3, 2), 0, 1, True),
        dtypes=WIDE, tol=30, orders=1, layouts=("transposed",)),
]  # fmt: skip
for _row in LOSSES:
    _row.layouts = ()

BAGS = X(at=[0, 2, 2, 1, 0], dtype="int64")
OFFSETS = X(at=[0, 2, 2, 4], dtype="int64")
NORMALISATION = [
    row("layer_norm", (A, (4,)), (A, (4,), X(4), X(4)), (B, (3, 4), X(3, 4), X(3, 4), 1e-3), (A, (3,)), dtypes=SOME, tol=20),
    row("native_layer_norm", (A, (4,), X(4), X(4), 1e-5), (A, (4,), None, None, 1e-5), dtypes=("float32", "float64"), tol=20),
    row("rms_norm", (A, (4,)), (A, (4,), X(4)), (B, (3, 4), X(3, 4), 1e-3), dtypes=SOME, tol=20),
    row("group_norm", (X(2, 4, 3), 2), (X(2, 4, 3), 2, X(4), X(4)), (X(2, 4, 2), 4), (X(2, 4, 3), 3), dtypes=SOME, tol=40),
    row("batch_norm", (X(4, 3), X(3), X(3), X(3, grad=False), X(3, at="positive", grad=False), True, 0.1, 1e-5, False),
        (X(4, 3, 2), X(3), X(3), X(3, grad=False), X(3, at="positive", grad=False), False, 0.1, 1e-5, False),
        (X(4, 3), None, None, None, None, True, 0.1, 1e-5, False), dtypes=SOME, tol=20),
    row("native_batch_norm", (X(4, 3), X(3), X(3), X(3, grad=False), X(3, at="positive", grad=False), True, 0.1, 1e-5),
        dtypes=WIDE, tol=20),
    row("instance_norm", (X(2, 3, 5), X(3), X(3), None, None, True, 0.1, 1e-5, False),
        (X(2, 3, 5), X(3), X(3), X(3, grad=False), X(3, at="positive", grad=False), False, 0.1, 1e-5, False), dtypes=WIDE, tol=40),
    row("embedding", (A, X(at=[[0, 2], [1, 2]], dtype="int64")), (A, X(at=[0, 2, 2], dtype="int64"), 2),
        (A, X(at=[0, 2, 2], dtype="int64"), -1, True), (A, X(at=[3], dtype="int64")), (A, X(0, dtype="int64")), dtypes=SOME),
    row("embedding_bag", *((A, BAGS, OFFSETS, False, mode) for mode in (0, 1, 2)),
        (A, BAGS, OFFSETS, False, 0, False, X(5)), (A, BAGS, X(at=[0, 2, 2, 5], dtype="int64"), False, 1, False, None, True),
        (A, X(at=[3], dtype="int64"), X(at=[0], dtype="int64")), (A, BAGS, X(at=[1], dtype="int64")), (A, BAGS, X(at=[0, 9], dtype="int64")),
        (A, BAGS, OFFSETS, False, 1, False, X(5)), dtypes=SOME, orders=1, tol=4, messages=False, call=lambda m, *a: m.embedding_bag(*a)[0]),
    row("embedding_renorm_", (A, X(at=[0, 2], dtype="int64"), 1.0, 2.0), dtypes=WIDE, tol=4, orders=0,
        call=lambda m, x, *a: m.embedding_renorm_(x.detach(), *a)),
]  # fmt: skip


def draw(name, *samples, dtypes=FLOATS, **options):
    return row(name, *samples, dtypes=dtypes, exact=True, orders=0, **options)


SMALL, LARGE = X(3, 4), X(40)
P = probability(3, 4)
RANDOM = [
    draw("uniform_", SMALL, LARGE, (SMALL, -1, 2), (SMALL, K(generator=G(3))), (SMALL, 2, 1)),
    draw("normal_", SMALL, LARGE, (LARGE, -1, 2), (SMALL, 0, -1), dtypes=WIDE),
    draw("exponential_", SMALL, (LARGE, 2.0), (SMALL, 0.0), dtypes=WIDE),
    draw("cauchy_", SMALL, (SMALL, 1.0, 2.0), dtypes=WIDE),
    draw("log_normal_", SMALL, (LARGE, 0.0, 0.5), dtypes=WIDE),
    draw("geometric_", (SMALL, 0.3), (SMALL, 1.5)),
    draw("random_", SMALL, (SMALL, 5), (SMALL, -3, 7), (SMALL, 5, 5), dtypes=REAL),
    draw("bernoulli_", SMALL, (SMALL, 0.3), (SMALL, P), (SMALL, 2.0)),
    draw("bernoulli", P, (SMALL, 0.3), (P, K(generator=G(3))), dtypes=WIDE),
    draw("rand", 3, ((2, 3),), (20, K(generator=G(3))), (2, K(dtype=D("float64"))), dtypes=("float32",)),
    draw("randn", 3, ((2, 3),), (20,), (2, K(dtype=D("float64"))), dtypes=("float32",)),
    draw("randint", (5, (3,)), (-2, 5, (20,)), (5, (3,), K(dtype=D("float32"))), (0, (3,)), dtypes=("float32",)),
    draw("randperm", 10, 0, (5, K(dtype=D("int32"))), (-1,), dtypes=("float32",)),
    draw("rand_like", SMALL, LARGE, dtypes=WIDE),
    draw("randn_like", SMALL, LARGE, dtypes=WIDE),
    draw("randint_like", (SMALL, 5), (SMALL, -2, 5), dtypes=REAL),
    draw("normal", (1.0, 2.0, (20,)), (SMALL, 2.0), (0.0, P), (SMALL, P), (0.0, -1.0, (2,)), dtypes=WIDE,
         skip={"in_place": "normal_ is an operation of its own"}),
    draw("poisson", (X(40, at="positive"),), (X(at=[0.0, 3.0, 20.0, 300.0]),), (X(at=[-1.0]),), dtypes=WIDE),
    draw("binomial", (X(at=[4.0, 30.0, 0.0, 500.0]), X(at=[0.3, 0.6, 0.5, 1.0])), (X(at=[50.0]), X(40, at="(0, 1)")), dtypes=WIDE),
    draw("multinomial", (P, 2), (P, 7, True), (P, 9), (SMALL, 1), dtypes=WIDE),
    row("dropout", (SMALL, 0.5, True), (SMALL, 0.5, False), (LARGE, 0.2, True), (SMALL, 1.0, True), (SMALL, 2.0, True), dtypes=WIDE),
    row("dropout_", (SMALL, 0.5, True), (SMALL, 0.5, False), (SMALL, 1.0, True), dtypes=WIDE),
    row("feature_dropout", (X(2, 3, 4), 0.5, True), (X(2, 3, 4), 0.5, False), (X(2, 3, 4), 1.0, True), dtypes=WIDE),
]  # fmt: skip

VARIANTS = [
    row("gcd", (X(at=[4, -6, 0, 7]), X(at=[6, 9, 0, 0])), (X(3, 4), X(4)), dtypes=(*INTS, "float32", "bool"), orders=0),
    row("lcm", (X(at=[4, -6, 0, 7]), X(at=[6, 9, 0, 0])), (X(3, 4), X(4)), dtypes=(*INTS, "float32", "bool"), orders=0),
    row("pow", *((X(3, 4, at="positive"), e) for e in (2, 3, 0.5, -0.5, -1, 0, 1, 2.5, True)), (A, X(3, 4, at="(0, 3)")),
        (2, A), (2.5, A), (A, X()), (X(at=[0.0, 0.0, -2.0]), 2), tol=4, promotes=True),
    row("float_power", (X(3, 4, at="positive"), 2), (X(3, 4, at="positive"), X(4)), (2, A), tol=4, promotes=True),
    row("div", (A, X(3, 4, at="nonzero"), K(rounding_mode="floor")), (A, 2, K(rounding_mode="trunc")),
        (A, 2, K(rounding_mode=None)), (A, 2, K(rounding_mode="nope")), dtypes=ALL),
    row("clamp", (A, -1, 1), (A, None, 0.5), (A, K(min=0)), (A, X(4), X(3, 1)), (A,), (A, 1, -1), (A, X(3, 4), None), (A, K(max=X())), messages=False),
    row("clamp_min", (A, 1), (A, 0.5), (A, X(4)), messages=False),
    row("clamp_max", (A, 1), (A, 0.5), (A, X(4)), messages=False),
    row("round", A, X(at=[0.5, 1.5, -2.5, 3.4999]), (A, K(decimals=1)), (X(at=[123.0, 178.0]), K(decimals=-1))),
    row("bitwise_not", A, S),
    row("gelu", A, (A, K(approximate="tanh")), (A, K(approximate="no"))),
    row("logit", probability(3, 4), (X(3, 4, at="(-0.5, 1.5)"), 0.1), dtypes=ALL),
    row("prelu", (X(2, 3, 4), X(3)), (A, X(1)), (A, X(4)), (V, X()), (A, X(3)), (S, X(1)), dtypes=SOME),
    row("positive", A, S),
    row("result_type", (A, 2), (A, 2.5), (S, X(2, dtype="int8")), (A, 1j), orders=0,
        dtypes=("bool", "int64", "bfloat16", "float32", "complex64")),
    row("promote_types", (D("int8"), D("uint8")), (D("float16"), D("bfloat16")), dtypes=("float32",), orders=0),
    row("can_cast", (D("float32"), D("int8")), (D("int8"), D("float16")), (D("int64"), D("int8")), dtypes=("float32",), orders=0),
    row("equal", (A, X(3, 4)), (X(at=[1.0, 2]), X(at=[1.0, 2])), (A, X(4)), (X(0), X(0)), (S, S), orders=0),
]  # fmt: skip

ROWS = [*SOFTMAX, *LOSSES, *CTC, *NORMALISATION, *RANDOM, *VARIANTS]
__all__ = ["COMPLEX", "ROWS"]
