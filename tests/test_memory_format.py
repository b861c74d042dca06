"""memory_format=: the strides of what comes out are PyTorch's. Values: where each operation is tested."""

import pytest
import torch

import rushlight

LIKE = ["empty_like", "zeros_like", "ones_like", "rand_like", "randn_like"]
FORMATS = ["contiguous_format", "preserve_format", "channels_last", "channels_last_3d"]


def tensors(m):
    """Of 2, 4 and 5 dimensions, in rows, transposed, and with the channels last."""
    image, volume = m.ones(2, 3, 4, 5), m.ones(2, 3, 4, 5, 6)
    return [
        m.ones(2, 3).t(), m.ones(4)[::2], image, image.permute(0, 2, 3, 1), image.permute(0, 3, 1, 2),
        image.contiguous(memory_format=m.channels_last), image[:, :, ::2], m.ones(0, 3, 4, 5),
        volume, volume.contiguous(memory_format=m.channels_last_3d),
    ]  # fmt: skip


def same(call):
    """Strides, shape and dtype of each tensor's result, or the first line of its error."""
    found = []
    for m in (torch, rushlight):
        results = []
        for x in tensors(m):
            try:
                r = call(m, x)
                results.append((tuple(r.shape), tuple(r.stride()), str(r.dtype), r is x))
            except RuntimeError as e:
                results.append(str(e).split("\n")[0])
        found.append(results)
    assert found[0] == found[1]


@pytest.mark.parametrize("name", FORMATS)
def test_clone_and_contiguous(name):
    same(lambda m, x: x.clone(memory_format=getattr(m, name)))
    same(lambda m, x: x.contiguous(memory_format=getattr(m, name)))


@pytest.mark.parametrize("name", FORMATS)
def test_to(name):
    same(lambda m, x: x.to(memory_format=getattr(m, name)))
    same(lambda m, x: x.to(m.float64, memory_format=getattr(m, name)))
    same(lambda m, x: x.to("cpu", m.float32, copy=True, memory_format=getattr(m, name)))
    same(lambda m, x: x.double(memory_format=getattr(m, name)))
    same(lambda m, x: x.float(memory_format=getattr(m, name)))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("function", LIKE)
def test_like(function, name):
    same(lambda m, x: getattr(m, function)(x, memory_format=getattr(m, name)))


@pytest.mark.parametrize("name", FORMATS)
def test_full_and_randint_like(name):
    same(lambda m, x: m.full_like(x, 7, memory_format=getattr(m, name)))
    same(lambda m, x: m.randint_like(x, 7, memory_format=getattr(m, name)))


@pytest.mark.parametrize("name", FORMATS)
def test_empty(name):
    same(lambda m, x: m.empty(x.shape, memory_format=getattr(m, name)))


def test_values_follow():
    x = rushlight.arange(120.0).view(2, 3, 4, 5)
    last = x.contiguous(memory_format=rushlight.channels_last)
    assert last.equal(x) and last.clone(memory_format=rushlight.contiguous_format).view(-1).equal(
        x.view(-1)
    )
    y = rushlight.ones(2, 3, requires_grad=True)
    (
        y.t().clone(memory_format=rushlight.contiguous_format).view(-1) * rushlight.arange(6.0)
    ).sum().backward()
    assert y.grad.tolist() == [[0, 2, 4], [1, 3, 5]]
    full = rushlight.full_like(last, 3, memory_format=rushlight.contiguous_format)
    assert full.sum() == 360 and full.is_contiguous()
