"""nn against torch.nn: every class and function, its repr, parameters, values and gradients."""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
rl = pytest.importorskip("rushlight")
import torch.nn.functional as TF  # noqa: E402
from nn_cases import (  # noqa: E402
    FLAT,
    FUNCTIONS,
    IMG,
    LAZY,
    MISTAKES,
    MODULES,
    N,
    assert_same,
    backward,
    build,
    numpy,
)

import rushlight.nn as rnn  # noqa: E402
import rushlight.nn.functional as RF  # noqa: E402

tnn = torch.nn


def ids(row):
    return f"{row[0]}-{row[1]}-{'-'.join(map(str, row[2]))}"


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pair(row):
    """The module of both libraries, made from the same seed."""
    made = []
    for lib, nn in ((torch, tnn), (rl, rnn)):
        args, kwargs = build(row[1], lib, 900), build(row[2], lib, 950)
        lib.manual_seed(3)
        made.append(getattr(nn, row[0])(*args, **kwargs))
    return made


@pytest.mark.parametrize("row", MODULES, ids=ids)
def test_module(row):
    a, b = pair(row)
    assert repr(a) == repr(b)
    assert list(a.state_dict()) == list(b.state_dict())
    for key, value in a.state_dict().items():
        np.testing.assert_array_equal(numpy(value), numpy(b.state_dict()[key]), err_msg=key)
    results = []
    for lib, module in ((torch, a), (rl, b)):
        inputs = build(row[3], lib, 7)
        lib.manual_seed(5)
        out = module(*inputs)
        grads = backward(out, inputs, list(module.parameters()))
        results.append((out, grads, dict(module.state_dict())))
    for x, y in zip(*results, strict=True):
        assert_same(x, y)
    # In eval mode the running statistics that the first call left are used.
    results = []
    for lib, module in ((torch, a), (rl, b)):
        lib.manual_seed(6)
        results.append(module.eval()(*build(row[3], lib, 8)))
    assert_same(*results)


@pytest.mark.parametrize("row", MODULES[::7], ids=ids)
def test_copies(row):
    _, b = pair(row)
    for other in (copy.deepcopy(b), pickle.loads(pickle.dumps(b))):
        assert repr(other) == repr(b)
        assert_same(dict(other.state_dict()), dict(b.state_dict()), 0, 0)
        for name, p in other.named_parameters():
            assert isinstance(p, rnn.Parameter)
            assert p is not dict(b.named_parameters())[name]


@pytest.mark.parametrize("row", LAZY, ids=ids)
def test_lazy(row):
    a, b = pair(row)
    assert repr(a) == repr(b)
    assert list(a.state_dict()) == list(b.state_dict())
    out = []
    for lib, module in ((torch, a), (rl, b)):
        lib.manual_seed(4)
        out.append(module(*build(row[3], lib, 7)))
    assert_same(*out)
    assert type(a).__name__ == type(b).__name__ == row[0].removeprefix("Lazy")
    assert repr(a) == repr(b)
    assert_same(dict(a.state_dict()), dict(b.state_dict()))


@pytest.mark.parametrize("row", FUNCTIONS, ids=ids)
def test_function(row):
    name, args, kwargs = row
    results = []
    for lib, F in ((torch, TF), (rl, RF)):
        a, k = build(args, lib, 7), build(kwargs, lib, 8)
        if "dtype" in k:
            k["dtype"] = getattr(lib, k["dtype"])
        lib.manual_seed(5)
        out = getattr(F, name)(*a, **k)
        results.append((out, backward(out, (a, k))))
    rtol = 2e-4 if "grid" in name or k.get("antialias") else 2e-5
    for x, y in zip(*results, strict=True):
        assert_same(x, y, rtol, 2e-5)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("flat", [False, True])
def test_ctc_loss(reduction, flat):
    lengths, targets = [7, 6, 7], [3, 2, 0]
    rows = np.array([[1, 2, 2], [3, 1, 0], [0, 0, 0]])
    if flat:
        rows = np.concatenate([r[:n] for r, n in zip(rows, targets, strict=True)])
    results = []
    for lib, F in ((torch, TF), (rl, RF)):
        x = N(7, 3, 5).make(lib, 1)
        args = (lib.from_numpy(rows.copy()), lib.tensor(lengths), lib.tensor(targets))
        out = F.ctc_loss(x.log_softmax(2), *args, reduction=reduction)
        results.append((out, backward(out, (x,))))
    assert_same(*results)


def test_ctc_loss_checks_classes():
    with pytest.raises(RuntimeError):
        RF.ctc_loss(rl.zeros(4, 1, 4), rl.tensor([[1000000]]), rl.tensor([4]), rl.tensor([1]))


def test_unpool():
    results = []
    for lib, nn in ((torch, tnn), (rl, rnn)):
        x = IMG.make(lib, 0)
        out, where = nn.MaxPool2d(2, return_indices=True)(x)
        back = nn.MaxUnpool2d(2)(out, where, output_size=(2, 4, 7, 6))
        results.append((back, backward(back, (x,))))
    assert_same(*results)


# Errors and warnings: the class and the first line are PyTorch's.


def outcome(f, lib, nn, functional):
    """What a call raises or warns: (class name, first line)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            f(lib, nn, functional)
        except Exception as e:
            text = str(e).replace("rushlight.", "torch.")
            return type(e).__name__, text.split("\n")[0]
    return [(w.category.__name__, str(w.message).replace("rushlight.", "torch.")) for w in caught]


@pytest.mark.parametrize("code", MISTAKES)
def test_mistake(code):
    f = eval("lambda lib, nn, F: " + code)
    assert outcome(f, rl, rnn, RF) == outcome(f, torch, tnn, TF)


# Initialisers

INITS = """
uniform_(w, -1.0, 2.0)
normal_(w, 1.0, 0.5)
trunc_normal_(w)
trunc_normal_(w, 0.0, 0.02, -0.04, 0.04)
trunc_normal_(w, 0.0, 1.0, 1.5, 2.0)
constant_(w, 3.0)
ones_(w)
zeros_(w)
eye_(w)
xavier_uniform_(w, gain=2.0)
xavier_normal_(w)
kaiming_uniform_(w, a=0.1, mode="fan_out")
kaiming_normal_(w, nonlinearity="relu")
orthogonal_(w)
orthogonal_(w.t(), gain=2)
sparse_(w, 0.4)
""".strip().split("\n")


@pytest.mark.parametrize("code", INITS)
def test_init(code):
    results = []
    for lib, nn in ((torch, tnn), (rl, rnn)):
        lib.manual_seed(11)
        w = lib.zeros(9, 7, requires_grad=True)
        eval("init." + code, {"init": nn.init, "w": w})
        results.append(w)
    if "orthogonal" in code:
        assert_same(*results, rtol=1e-4, atol=1e-5)
    else:
        np.testing.assert_array_equal(numpy(results[0]), numpy(results[1]))


def test_dirac():
    for shape, groups in (((4, 2, 3), 1), ((4, 2, 3, 3), 2), ((3, 3, 3, 3, 2), 1)):
        a, b = tnn.init.dirac_(torch.zeros(shape), groups), rnn.init.dirac_(rl.zeros(shape), groups)
        assert_same(a, b)


# Packed sequences


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_packed(name, bidirectional, enforce_sorted):
    lengths = [4, 3, 1] if enforce_sorted else [3, 4, 1]
    results = []
    for lib, nn in ((torch, tnn), (rl, rnn)):
        lib.manual_seed(0)
        model = getattr(nn, name)(6, 5, 2, bidirectional=bidirectional)
        x = N(4, 3, 6).make(lib, 2)
        tools = nn.utils.rnn
        packed = tools.pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted)
        out, hidden = model(packed)
        padded, sizes = tools.pad_packed_sequence(out, total_length=5)
        grads = backward((padded, hidden), (x,), list(model.parameters()))
        results.append((packed.data, packed.batch_sizes, padded, sizes, hidden, grads))
    for x, y in zip(*results, strict=True):
        assert_same(x, y)


def test_pad_sequence():
    for side in ("left", "right"):
        for batch_first in (False, True):
            out = []
            for lib, nn in ((torch, tnn), (rl, rnn)):
                parts = [N(n, 2).make(lib, n) for n in (2, 4, 1)]
                pad = nn.utils.rnn.pad_sequence
                out.append(pad(parts, batch_first, -1.0, padding_side=side))
            assert_same(*out)


# Tools for gradients


def test_clip():
    results = []
    for lib, nn in ((torch, tnn), (rl, rnn)):
        lib.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2))
        row = []
        for norm_type in (2.0, 1.0, float("inf")):
            model.zero_grad()
            model(FLAT.make(lib, 0)).pow(2).sum().backward()
            row.append(nn.utils.clip_grad_norm_(model.parameters(), 0.7, norm_type))
            row.append([p.grad for p in model.parameters()])
        nn.utils.clip_grad_value_(model.parameters(), 0.01)
        row.append([p.grad.clone() for p in model.parameters()])
        row.append(nn.utils.parameters_to_vector(model.parameters()))
        nn.utils.vector_to_parameters(row[-1].detach() * 2, model.parameters())
        row.append(list(model.parameters()))
        results.append(row)
    for x, y in zip(*results, strict=True):
        assert_same(x, y)


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_weight_hooks(name):
    results = []
    for lib, nn in ((torch, tnn), (rl, rnn)):
        lib.manual_seed(0)
        layer = getattr(nn.utils, name)(nn.Linear(6, 4))
        x = FLAT.make(lib, 0)
        out = layer(x)
        row = [out, backward(out, (x,)), dict(layer.state_dict())]
        getattr(nn.utils, "remove_" + name)(layer)
        results.append([*row, layer.weight, layer(x)])
    for x, y in zip(*results, strict=True):
        assert_same(x, y)


def test_surface():
    """Every public name exists, with PyTorch's argument names and defaults."""

    def arguments(f):
        try:
            parameters = inspect.signature(f).parameters.values()
        except (TypeError, ValueError):
            return None
        return [(p.name, p.kind, None if callable(p.default) else p.default) for p in parameters]

    missing = set(tnn.modules.__all__) - set(rnn.__all__) - {"LinearCrossEntropyOptions"}
    assert not missing
    for name in tnn.modules.__all__:
        if name != "LinearCrossEntropyOptions":
            a, b = getattr(tnn, name), getattr(rnn, name)
            assert arguments(a.__init__) == arguments(b.__init__), name
            assert a.__module__.split(".")[1:] == b.__module__.split(".")[1:], name
    for ours, theirs in ((RF, TF), (rnn.init, tnn.init)):
        for name in dir(ours):
            f = getattr(theirs, name, None)
            if name.startswith("_") or not inspect.isfunction(f) or "pool" in name:
                continue
            assert arguments(f) == arguments(getattr(ours, name)), name
