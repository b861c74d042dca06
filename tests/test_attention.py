"""Attention without recording goes over the batch in parts: the same numbers as PyTorch's."""

import pytest
import torch as theirs

import rushlight as ours
from rushlight.nn import _functional_attention

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
@pytest.mark.parametrize("shape", [(2, 3, 4, 8), (5, 1, 7, 8), (3, 4, 6, 16), (0, 2, 3, 4)])
def test_in_parts(shape, mask, recording, monkeypatch):
    monkeypatch.setattr(_functional_attention, "_SCORES_AT_A_TIME", 2 * shape[1] * shape[2] ** 2)
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
