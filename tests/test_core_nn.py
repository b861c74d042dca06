"""Sampling, CTC, bags, unpooling: hostile input is refused, and what PyTorch gets wrong is right.

Not here: agreement with PyTorch (rows in ops_linear.py and ops_nn.py, test_unpool.py, the operator
database).
"""

import pytest

import rushlight as torch
from rushlight.nn import functional as F

LONG = torch.int64


def ctc(targets, target_lengths=(2, 2), input_lengths=(5, 5), **options):
    log_probs = torch.zeros(5, 2, 4).log_softmax(2)
    return F.ctc_loss(log_probs, torch.tensor(targets), input_lengths, target_lengths, **options)


def bag(offsets, indices=(1, 2, 4, 0), **options):
    offsets = torch.tensor(offsets, dtype=LONG)
    return F.embedding_bag(torch.tensor(indices), torch.ones(5, 3), offsets, **options)


def unpool(n, indices, **options):
    index = torch.full((1, 1, *(2,) * n), indices, dtype=LONG)
    return getattr(F, f"max_unpool{n}d")(torch.ones(1, 1, *(2,) * n), index, 2, **options)


HOSTILE = {
    "ctc: class past the last": lambda: ctc([[1, 10**6], [2, 3]]),
    "ctc: negative class": lambda: ctc([[1, -1], [2, 3]]),
    "ctc: length past the targets": lambda: ctc([[1, 2], [2, 3]], (3, 2)),
    "ctc: huge length": lambda: ctc([1, 2], (2**62, 2**62)),
    "ctc: time past the last": lambda: ctc([[1, 2], [2, 3]], input_lengths=(6, 5)),
    "ctc: negative time": lambda: ctc([[1, 2], [2, 3]], input_lengths=(-1, 5)),
    "ctc: blank": lambda: ctc([[1, 2], [2, 3]], blank=4),
    "bag: decreasing offsets": lambda: bag([0, 3, 2]),
    "bag: negative offset": lambda: bag([0, -1]),
    "bag: offset past the end": lambda: bag([0, 9]),
    "bag: first offset": lambda: bag([1, 2]),
    "bag: index": lambda: bag([0], (7,)),
    "bag: negative index": lambda: bag([0], (-1,)),
    "bag: weights of another size": lambda: bag([0], mode="sum", per_sample_weights=torch.ones(3)),
    "bag: padding": lambda: bag([0], padding_idx=9),
    "bag: renorm": lambda: bag([0], (7,), max_norm=1.0),
    "unpool 2": lambda: unpool(2, 16),
    "unpool 2, negative": lambda: unpool(2, -1),
    "unpool 3": lambda: unpool(3, 10**9),
    "unpool 2, small": lambda: torch._C._nn.max_unpool2d(
        torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2, dtype=LONG), (1, 1)
    ),
    "fractional: window": lambda: F.fractional_max_pool2d(torch.ones(1, 1, 4, 4), 5, (1, 1)),
    "fractional: no window": lambda: F.fractional_max_pool2d(torch.ones(1, 1, 4, 4), 0, (2, 2)),
    "fractional: few draws": lambda: F.fractional_max_pool2d(
        torch.ones(2, 1, 4, 4), 2, (2, 2), _random_samples=torch.zeros(1, 1, 2)
    ),
    "sample: mode": lambda: torch.grid_sampler(
        torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 2), 7, 0, False
    ),
    "sample: dimensions": lambda: torch.grid_sampler(torch.ones(1), torch.ones(1), 0, 0, False),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_raises(name):
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        HOSTILE[name]()


STRANGE = (float("nan"), float("inf"), -float("inf"), 1e30, -1e30, 3e9)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_points_that_are_no_places(mode, padding):
    image = torch.arange(12.0).view(1, 1, 3, 4).requires_grad_()
    grid = torch.tensor([[[[a, b] for a in STRANGE] for b in STRANGE]]).requires_grad_()
    out = F.grid_sample(image, grid, mode, padding, align_corners=False)
    out.sum().backward()
    seen = out[torch.isfinite(out)]
    assert out.shape == (1, 1, 6, 6) and bool((seen.abs() < 100).all())


@pytest.mark.parametrize("draw", STRANGE)
@pytest.mark.parametrize("n", [2, 3])
def test_draws_that_are_no_probabilities(n, draw):
    x = torch.arange(float(5**n)).view(1, 1, *(5,) * n)
    samples = torch.full((1, 1, n), draw)
    pool = getattr(F, f"fractional_max_pool{n}d")
    _, indices = pool(x, 2, 3, return_indices=True, _random_samples=samples)
    assert 0 <= int(indices.min()) and int(indices.max()) < 5**n


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_scale_gradients_by_frequency(mode):
    indices, offsets = torch.tensor([0, 2, 2, 1, 0]), torch.tensor([0, 2, 2, 4])
    weight = torch.randn(3, 4, requires_grad=True)
    F.embedding_bag(indices, weight, offsets, mode=mode, scale_grad_by_freq=True).sum().backward()
    rows = torch.embedding(other := weight.detach().requires_grad_(), indices, -1, True)
    parts = [rows[0:2], rows[2:4], rows[4:5]]
    total = sum(p.sum() / (len(p) if mode == "mean" else 1) for p in parts)
    total.backward()
    torch.testing.assert_close(weight.grad, other.grad)
