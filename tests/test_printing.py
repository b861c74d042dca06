"""Printed tensors equal PyTorch's text for random shapes, dtypes, magnitudes and print options."""

import random

import pytest
import torch

import rushlight as rl
from rushlight import _tensor_str

DTYPES = (
    "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"
).split()


@pytest.fixture(autouse=True)
def default_options():
    yield
    for module in (_tensor_str, torch):
        module.set_printoptions(profile="default")


def to_rl(t, dtype):
    """The same values and shape as a rushlight tensor."""
    return rl.tensor(t.reshape(-1).tolist(), dtype=getattr(rl, dtype)).reshape(tuple(t.shape))


def random_values(rng, shape, dtype):
    x = torch.randn(shape, dtype=torch.float64)
    x = x * rng.choice([1, 1, 10, 1e-3, 1e-6, 1e3, 1e5, 1e9, 1e30])
    if rng.random() < 0.3:
        x = x.round()
    if rng.random() < 0.2:
        x = x * 10 ** (torch.rand(shape) * rng.choice([1, 4, 10]))
    if rng.random() < 0.2:
        special = rng.choice([0.0, float("inf"), float("-inf"), float("nan")])
        x = torch.where(torch.rand(shape) < 0.2, special, x)
    if dtype.startswith("complex"):
        x = torch.complex(x, torch.randn(shape, dtype=torch.float64) * rng.choice([1, 1e5]))
    elif "float" not in dtype:
        x = x.nan_to_num(0, 1e9, -1e9).clamp(-1e15, 1e15)
    return x.to(getattr(torch, dtype))


def random_shape(rng):
    if rng.random() < 0.2:
        return [rng.choice([1001, 2000, 7])] + [rng.choice([1, 3, 30])] * rng.randint(0, 1)
    return [rng.choice([0, 1, 1, 2, 3, 4, 5, 7, 8, 20]) for _ in range(rng.randint(0, 4))]


def random_options(rng):
    choices = {
        "precision": [0, 1, 2, 6, 10],
        "threshold": [0, 5, 100, 1000],
        "edgeitems": [0, 1, 2, 5],
        "linewidth": [10, 40, 120],
        "profile": ["default", "short"],
        "sci_mode": [None, True, False],
    }
    return {k: rng.choice(v) for k, v in choices.items() if rng.random() < 0.4}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(4))
def test_random(dtype, seed):
    rng = random.Random(f"{dtype}{seed}")
    torch.manual_seed(seed)
    for _ in range(40):
        options = random_options(rng) if rng.random() < 0.4 else {}
        for module in (_tensor_str, torch):
            module.set_printoptions(profile="default")
            module.set_printoptions(**options)
        t = random_values(rng, random_shape(rng), dtype)
        r = to_rl(t, dtype)
        if ("float" in dtype or "complex" in dtype) and rng.random() < 0.3:
            t.requires_grad_()
            r.requires_grad_()
        assert _tensor_str._str(r) == repr(t), (tuple(t.shape), options)


def test_grad_fn_and_wrapping():
    for n in (1, 9, 10, 11, 12, 40):
        t = torch.ones(n, requires_grad=True) + 1
        r = rl.ones(n, requires_grad=True) + 1
        assert _tensor_str._str(r) == repr(t)


def test_view_empty_and_meta_like():
    for shape in ((0,), (0, 3), (2, 0, 4)):
        for dtype in ("float32", "int64", "bool"):
            t = torch.empty(shape, dtype=getattr(torch, dtype))
            assert _tensor_str._str(rl.empty(shape, dtype=getattr(rl, dtype))) == repr(t)
    t = torch.arange(12.0).reshape(3, 4).t()[1:, ::2]
    assert _tensor_str._str(rl.arange(12.0).reshape(3, 4).t()[1:, ::2]) == repr(t)


def test_default_dtype():
    for module in (rl, torch):
        module.set_default_dtype(module.float64)
    try:
        for dtype in ("float32", "float64", "complex64", "complex128"):
            t = torch.ones(2, dtype=getattr(torch, dtype))
            assert _tensor_str._str(rl.ones(2, dtype=getattr(rl, dtype))) == repr(t)
    finally:
        for module in (rl, torch):
            module.set_default_dtype(module.float32)


def test_options():
    _tensor_str.set_printoptions(precision=2, sci_mode=True)
    assert _tensor_str.get_printoptions() == {
        "precision": 2,
        "threshold": 1000,
        "edgeitems": 3,
        "linewidth": 80,
        "sci_mode": True,
    }
    _tensor_str.set_printoptions(edgeitems=1)
    assert _tensor_str.get_printoptions()["sci_mode"] is None
    with _tensor_str.printoptions(precision=1):
        assert _tensor_str._str(rl.tensor([1.25])) == "tensor([1.2])"
    assert _tensor_str.get_printoptions()["precision"] == 2
    with pytest.raises(ValueError):
        _tensor_str.set_printoptions(profile="tall")


def test_contents_given():
    assert _tensor_str._str(rl.ones(2), tensor_contents="here") == "tensor(here)"


def test_str_is_repr():
    """A class that writes its own __repr__ prints by it, as Parameter does."""

    def texts(module):
        class Mine(module.Tensor):
            def __repr__(self):
                return "mine"

        p = module.nn.Parameter(module.ones(2))
        values = (p, module.ones(2).as_subclass(Mine), module.ones(2), module.histc(p.detach(), 2))
        return [f(v) for v in values for f in (str, repr, format)]

    assert texts(rl) == texts(torch)
    assert str(rl.nn.Parameter(rl.ones(1))).startswith("Parameter containing:\n")


def test_named_tuples_of_python():
    ours, theirs = (module.histogram(module.arange(4.0), 2) for module in (rl, torch))
    assert repr(ours) == repr(theirs)
    assert ours.hist is ours[0] and ours.bin_edges is ours[1]
