"""Tensors on the meta device: shapes and dtypes as PyTorch tells them, and nothing that reads memory
which is not there. The expressions are evaluated with both libraries.
"""

import pytest
import torch

import rushlight

MADE = [  # a factory's text, to which device="meta" is added
    "rand(3)", "randn(3)", "randint(5, (3,))", "randperm(4)", "eye(3)", "arange(4)", "full((2,), 1.0)",
    "arange(0.0, 1.0, 0.1)", "linspace(0, 1, 5)", "logspace(0, 1, 5)", "zeros(3)", "ones(2, 3)",
    "empty(3)", "empty_strided((2, 3), (1, 2))", "tril_indices(3, 3)", "triu_indices(3, 3)",
    "tensor([1, 2])", "tensor(3.0)", "as_tensor([1.0, 2])", "normal(0.0, 1.0, (3,))",
    "hann_window(4)", "kaiser_window(4)", "fft.fftfreq(5)", "rand_like(m.ones(3))",
    "zeros_like(m.ones(3))", "full_like(m.ones(3), 2.0)", "ones(3).new_zeros(2)",
    "ones(3).new_tensor([1.0])", "linspace(m.tensor(0.0), m.tensor(1.0), 5)",
]  # fmt: skip
META = 'm.ones(3, device="meta")'
CALLED = [
    'ones(3).to("meta")', "empty_like(META, device='cpu')", "zeros_like(META, device='cpu')",
    "META.new_ones(2, device='cpu')", "ones(3).to(META)", "ones(3).type_as(META.double())",
    "META.resize_(5)", "ones(2, 3, device='meta').t_()", "ones(2, 3, device='meta').unsqueeze_(0)",
    "ones(1, 3, device='meta').squeeze_()", "META.add_(m.ones(3))", "META.as_strided((2,), (1,))",
    "multinomial(META, 2)", "META.normal_()", "META.copy_(m.ones(3))", "META * 2 + m.ones(())",
    "META[m.tensor([0, 1])]", "linalg.inv(m.ones(2, 2, device='meta'))",
    "linalg.det(m.ones(2, 2, device='meta'))", "linalg.eigvals(m.ones(2, 2, device='meta'))",
    "nn.functional.fractional_max_pool2d(m.ones(1, 4, 4, device='meta'), 2, 2)",
]  # fmt: skip
REFUSED = [
    "META.cpu()", "META.to('cpu')", "META.to(m.ones(2))", "ones(3).copy_(META)", "META.tolist()",
    "ones(3).put_(m.tensor([0]), m.ones(1, device='meta'))", "META.numpy()", "ones(3).set_(META)",
    "full((2,), m.ones((), device='meta'))", "tensor([m.ones((), device='meta'), 1.0])",
    "masked_select(META, META > 0)", "ones(3) * m.ones((), device='meta')", "cat([m.ones(2), META])",
    "where(m.tensor([True], device='meta'), m.ones(1), m.ones(1))", "ones(3).clamp(META)",
    "nn.Linear(2, 3)(m.ones(1, 2, device='meta'))", "META.bincount()", "META.nonzero()",
]  # fmt: skip


def told(m, text):
    """What a result looks like, or what is raised."""
    try:
        text = text.replace("META", META)
        t = eval(text if text.startswith("m.") else "m." + text, {"m": m})
    except Exception as e:  # noqa: BLE001
        return type(e).__name__, str(e)
    return tuple(t.shape), str(t.dtype).rpartition(".")[2], str(t.device), t.requires_grad


@pytest.mark.parametrize("text", MADE)
def test_factories(text):
    text = text[:-1] + ', device="meta")'
    assert told(rushlight, text) == told(torch, text)
    assert told(rushlight, text)[2] == "meta"


@pytest.mark.parametrize("text", CALLED)
def test_shapes(text):
    mine = told(rushlight, text)
    assert mine == told(torch, text)
    assert len(mine) == 4


@pytest.mark.parametrize("text", REFUSED)
def test_what_needs_memory_is_refused(text):
    mine, theirs = told(rushlight, text), told(torch, text)
    assert len(theirs) == 2
    assert mine[0] == theirs[0]
    if not any(w in theirs[1] + mine[1] for w in ("aten::", "register_meta", "Expected all tens")):
        assert mine[1].partition("\n")[0] == theirs[1].partition("\n")[0]


@pytest.mark.parametrize("text", ["add_(META)", "fill_(m.ones((), device='meta'))"])
def test_writing_from_meta_is_refused(text):
    """PyTorch leaves the tensor as it was, and says nothing."""
    x = rushlight.zeros(3)
    with pytest.raises(NotImplementedError):
        eval("x." + text.replace("META", META), {"x": x, "m": rushlight})
    with pytest.raises(NotImplementedError):
        x[rushlight.tensor([0])] = rushlight.ones(1, device="meta")
    assert x.tolist() == [0, 0, 0]


def test_numbers_are_not_drawn():
    rushlight.manual_seed(0)
    rushlight.rand(5, device="meta")
    with rushlight.device("meta"):
        assert rushlight.randn(4).is_meta
        assert rushlight.nn.Linear(3, 4).weight.is_meta
    after = rushlight.rand(3)
    rushlight.manual_seed(0)
    assert after.equal(rushlight.rand(3))
