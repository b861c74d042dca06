"""The padding functions and transposed convolutions that only other functions call, against PyTorch."""

import numpy as np
import pytest
import torch

import rushlight as rl

SHAPES = {"1d": (2, 3, 6), "2d": (2, 3, 5, 6), "3d": (1, 2, 4, 5, 6)}
PADS = [
    (kind, d) for kind in ("reflection_pad", "replication_pad") for d in ("1d", "2d", "3d")
]  # reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
#    replication_pad3d


def pair(shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return rl.from_numpy(values.copy()), torch.from_numpy(values.copy())


@pytest.mark.parametrize("kind, d", PADS)
def test_padding(kind, d):
    sides = [1, 2] * int(d[0])
    results = []
    for lib, x in zip((rl, torch), pair(SHAPES[d])):
        x.requires_grad_()
        y = getattr(lib._C._nn, kind + d)(x, sides)
        (y * y).sum().backward()
        results.append((y.detach().numpy(), x.grad.numpy()))
    np.testing.assert_allclose(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1])


@pytest.mark.parametrize("name, d", [("conv_transpose1d", "1d"), ("conv_transpose3d", "3d")])
def test_transposed_convolution(name, d):
    results = []
    inputs = zip((rl, torch), pair(SHAPES[d]), pair((SHAPES[d][1], 4) + (2,) * int(d[0]), 1))
    for lib, x, w in inputs:
        x.requires_grad_()
        y = getattr(lib, name)(x, w, stride=2)
        y.sum().backward()
        results.append((y.detach().numpy(), x.grad.numpy()))
    np.testing.assert_allclose(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1])
