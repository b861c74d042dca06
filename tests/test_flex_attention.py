"""torch.nn.attention.flex_attention and .bias, run with both libraries."""

import importlib

import pytest
import torch
from twin import error_of, table, twin

import rushlight

CASES, case = table()
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _distributions_as_they_were():
    """PyTorch's compiler, which its flex_attention loads, turns their checks off."""
    before = torch.distributions.Distribution._validate_args
    yield
    torch.distributions.Distribution.set_default_validate_args(before)


def load(m, name="flex_attention"):
    return importlib.import_module(f"{m.__name__}.nn.attention.{name}")


def causal(b, h, q, k):
    return q >= k


def near(b, h, q, k):
    return (q - k).abs() < 5


def inputs(m, heads=2, shared=2, queries=12, keys=12, dtype=None):
    m.manual_seed(0)
    dtype = dtype or m.float64
    sizes = [(heads, queries), (shared, keys), (shared, keys)]
    return [m.randn(2, h, n, 8, dtype=dtype) for h, n in sizes]


def results(m, *args, **kwargs):
    import warnings

    q, k, v = args[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(m).flex_attention(q, k, v, *args[1:], **kwargs)


@case
def plain(m):
    found = [results(m, inputs(m)), results(m, inputs(m, keys=20), scale=0.3)]
    return [*found, results(m, inputs(m, heads=4), enable_gqa=True, return_lse=True)]


@case
def scores(m):
    slopes = m.tensor([0.5, 0.25], dtype=m.float64)
    table = m.arange(40.0, dtype=m.float64) / 10

    def alibi(score, b, h, q, k):
        return score - slopes[h] * (q - k).abs()

    def relative(score, b, h, q, k):
        return m.where(b == 0, score + table[q - k + 20], m.tanh(score))

    return [results(m, inputs(m), alibi), results(m, inputs(m), score_mod=relative)]


@case
def masks(m):
    f = load(m)
    both = f.and_masks(causal, near)
    documents = m.tensor([0] * 4 + [1] * 5 + [2] * 3)

    def same_document(b, h, q, k):
        return documents[q] == documents[k]

    def nothing_first(b, h, q, k):
        return (q > 0) & (k < 3 + b)

    found = []
    for mask in (causal, both, f.or_masks(same_document, near), f.noop_mask, same_document):
        block = f.create_block_mask(mask, None, None, 12, 12, device="cpu", BLOCK_SIZE=4)
        found.append(results(m, inputs(m), block_mask=block, return_lse=True))
    block = f.create_block_mask(nothing_first, 2, None, 12, 12, device="cpu")
    return [*found, results(m, inputs(m), block_mask=block)]


@case
def dense(m):
    f = load(m)
    return [
        f.create_mask(causal, 2, None, 3, 4, device="cpu"),
        f.create_mask(
            lambda s, b, h, q, k: m.where(q < k, -m.inf, s + q), 1, 2, 2, 2, device="cpu"
        ),
    ]


@case
def blocks(m):
    f, found = load(m), []
    for mask, size in ((causal, 128), (near, 16), (causal, (32, 64))):
        for q, k in ((256, 256), (200, 130)):
            b = f.create_block_mask(mask, 2, 3, q, k, device="cpu", BLOCK_SIZE=size)
            found.append(
                [b.shape, b.numel(), b.sparsity(), b.seq_lengths, b.BLOCK_SIZE, b.to_dense()]
            )
            for name in ("kv", "full_kv", "q", "full_q"):
                counts = getattr(b, f"{name}_num_blocks")
                found[-1] += [counts, getattr(b, f"{name}_indices").shape]
            found[-1] += [b.kv_indices, b.full_kv_indices, b[1].to_dense(), b[0, 2].shape]
    small = f.create_block_mask(causal, None, None, 256, 256, device="cpu")
    return [found, repr(small), str(small), small.to("cpu").to_dense()]


@case
def errors(m):
    f = load(m)
    block = f.create_block_mask(causal, None, None, 8, 8, device="cpu")
    q, k, v = inputs(m)
    return [
        error_of(lambda: f.flex_attention(q, *inputs(m, shared=1)[1:])),
        error_of(lambda: f.flex_attention(*inputs(m, heads=3), enable_gqa=True)),
        error_of(lambda: f.flex_attention(q, k, v, block_mask=block)).partition(":")[0],
        error_of(lambda: f.flex_attention(q[0], k[0], v[0])),
    ]


@case
def causal_biases(m):
    b, found = load(m, "bias"), []
    q, k, v = inputs(m, queries=4, keys=6)
    for make in (b.causal_upper_left, b.causal_lower_right):
        mask = make(4, 6)
        out = m.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        found += [
            repr(mask),
            mask.seq_len_q,
            str(mask.variant),
            mask._materialize(),
            out,
        ]
    return [found, type(out).__name__, isinstance(mask, m.Tensor), error_of(b.causal_upper_left, 3)]


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])


def test_derivatives():
    """PyTorch has none on the CPU."""
    f, q = load(rushlight), inputs(rushlight, queries=4, keys=4)
    block = f.create_block_mask(causal, None, None, 4, 4)
    q = [t[:1].requires_grad_() for t in q]

    def run(q, k, v):
        return f.flex_attention(
            q, k, v, lambda s, b, h, i, j: s.sin() - i * j, block, return_lse=True
        )

    assert rushlight.autograd.gradcheck(run, q) and rushlight.autograd.gradgradcheck(run, q)


def test_rows_that_see_nothing():
    f = load(rushlight)
    q = [t.requires_grad_() for t in inputs(rushlight, queries=3, keys=3)]
    block = f.create_block_mask(lambda b, h, i, j: i > j, None, None, 3, 3)
    aux = f.AuxRequest(lse=True, max_scores=True)
    out, found = f.flex_attention(*q, block_mask=block, return_aux=aux)
    assert out[:, :, 0].abs().sum() == 0 and found.lse[0, 0, 0] == -rushlight.inf
    assert found.max_scores.shape == (2, 2, 3)
    (gradient,) = rushlight.autograd.grad(out.sum(), q[0])
    assert gradient.isfinite().all() and gradient[:, :, 0].abs().sum() == 0
