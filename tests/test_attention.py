"""Attention by blocks of rows (core/ops/attention.cpp): the same numbers as PyTorch's."""

import pytest
import torch as theirs

import rushlight as ours

MASKS = {
    "none": lambda b, h, n: None,
    "padding": lambda b, h, n: theirs.rand(b, 1, 1, n) > 0.3,
    "nothing": lambda b, h, n: theirs.zeros(b, 1, n, n, dtype=theirs.bool),
    "numbers": lambda b, h, n: theirs.randn(b, 1, n, n),
    "heads": lambda b, h, n: theirs.rand(1, h, n, n) > 0.4,
    "pairs": lambda b, h, n: theirs.rand(n, n) > 0.6,
    "infinite": lambda b, h, n: theirs.full((n, n), -theirs.inf).triu(),
}


@pytest.mark.parametrize("recording", [False, True])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("shape", [(2, 3, 4, 8), (5, 1, 7, 8), (1, 2, 150, 16), (0, 2, 3, 4)])
def test_masks(shape, mask, recording):
    theirs.manual_seed(0)
    inputs = [theirs.randn(shape) for _ in range(3)]
    mask = MASKS[mask](*shape[:3])
    results = []
    for torch in (theirs, ours):
        q, k, v = (torch.asarray(t.numpy()).requires_grad_(recording) for t in inputs)
        m = None if mask is None else torch.asarray(mask.numpy())
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=m)
        results.append([y.detach().numpy()])
        if recording:
            y.sin().sum().backward()
            results[-1] += [t.grad.numpy() for t in (q, k, v)]
    for a, b in zip(*results):
        assert a.shape == b.shape and abs(a - b).max(initial=0) < 2e-6


def test_joining_heads_is_a_view():
    q = ours.randn(2, 3, 4, 8)
    y = ours.nn.functional.scaled_dot_product_attention(q, q, q)
    joined = y.transpose(1, 2).flatten(2)
    assert joined.data_ptr() == y.data_ptr()


@pytest.mark.parametrize("lengths", [(5, 5), (3, 7), (130, 70), (70, 130)])
def test_causal(lengths):
    """Also where there are more queries than keys, and more rows than a block has."""
    theirs.manual_seed(0)
    length, keys = lengths
    shapes = (2, 3, length, 8), (2, 3, keys, 8), (2, 3, keys, 4)
    inputs = [theirs.randn(shape, dtype=theirs.float64) for shape in shapes]
    results = []
    for torch in (theirs, ours):
        q, k, v = (torch.asarray(t.numpy()).requires_grad_() for t in inputs)
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3)
        y.sin().sum().backward()
        results.append([t.detach().numpy() for t in (y, q.grad, k.grad, v.grad)])
    for a, b in zip(*results):
        assert abs(a - b).max() < 1e-12


@pytest.mark.parametrize("form", ["plain", "causal", "booleans", "numbers"])
def test_second_derivatives(form):
    ours.manual_seed(0)
    q, k, v = (ours.randn(2, 3, 4, dtype=ours.float64, requires_grad=True) for _ in range(3))
    masks = {"booleans": ours.rand(3, 3) > 0.3, "numbers": ours.randn(3, 3, dtype=ours.float64)}

    def attend(q, k, v):
        return ours.nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=masks.get(form), is_causal=form == "causal"
        )

    assert ours.autograd.gradcheck(attend, (q, k, v))
    assert ours.autograd.gradgradcheck(attend, (q, k, v))
