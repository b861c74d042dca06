"""Recurrent cells: the kernels agree with PyTorch, and with the same formulas step by step.

Layers, packed sequences and printed forms are in test_nn.py and test_module_db.py.
"""

import pytest
import torch
from from_torch import close, tensor

import rushlight

SIZES = [(1, 1), (3, 5), (2, 64), (70, 33)]


def cell(kind, n, hidden, dtype=torch.float64):
    """The same cell and inputs twice, the inputs requiring gradients."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(4, hidden, dtype=dtype)
    mine = getattr(rushlight.nn, kind)(4, hidden, dtype=getattr(rushlight, str(dtype)[6:]))
    mine.load_state_dict({k: tensor(v) for k, v in theirs.state_dict().items()})
    inputs = [torch.randn(n, 4, dtype=dtype)]
    inputs += [torch.randn(n, hidden, dtype=dtype) for _ in range(2 if kind == "LSTMCell" else 1)]
    return theirs, mine, inputs


def run(lib, module, inputs):
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    state = tuple(inputs[1:]) if len(inputs) == 3 else inputs[1]
    out = module(inputs[0], state)
    return inputs, out if isinstance(out, tuple) else (out,)


@pytest.mark.parametrize("n, hidden", SIZES)
@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_values_and_gradients(kind, n, hidden):
    theirs, mine, inputs = cell(kind, n, hidden)
    found = []
    for lib, module, x in ((torch, theirs, inputs), (rushlight, mine, [tensor(i) for i in inputs])):
        leaves, out = run(lib, module, x)
        sum((o.sin() * (k + 1)).sum() for k, o in enumerate(out)).backward()
        grads = [p.grad for p in [*leaves, *module.parameters()]]
        found.append([*out, *grads])
    for wanted, got in zip(*found, strict=True):
        close(got, wanted, 1e-9, 1e-11)


@pytest.mark.parametrize("used", [0, 1])
def test_one_of_two_outputs(used):
    theirs, mine, inputs = cell("LSTMCell", 3, 5)
    grads = []
    for lib, module, x in ((torch, theirs, inputs), (rushlight, mine, [tensor(i) for i in inputs])):
        leaves, out = run(lib, module, x)
        out[used].sum().backward()
        grads.append([v.grad for v in leaves])
    for wanted, got in zip(*grads, strict=True):
        close(got, wanted, 1e-9, 1e-11)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell"])
def test_second_derivatives(kind):
    theirs, mine, inputs = cell(kind, 2, 3)
    second = []
    for lib, module, x in ((torch, theirs, inputs), (rushlight, mine, [tensor(i) for i in inputs])):
        leaves, out = run(lib, module, x)
        first = lib.autograd.grad(sum(o.pow(2).sum() for o in out), leaves, create_graph=True)
        sum(g.sin().sum() for g in first).backward()
        second.append([*first, *(v.grad for v in [*leaves, *module.parameters()])])
    for wanted, got in zip(*second, strict=True):
        close(got, wanted, 1e-8, 1e-10)


def test_gradcheck():
    c = rushlight._C._hidden
    gates = rushlight.randn(2, 12, dtype=rushlight.float64, requires_grad=True)
    state = rushlight.randn(2, 3, dtype=rushlight.float64, requires_grad=True)
    assert rushlight.autograd.gradcheck(c._lstm_cell, (gates, state))
    assert rushlight.autograd.gradgradcheck(c._lstm_cell, (gates, state))
    x, y = (rushlight.randn(2, 9, dtype=rushlight.float64, requires_grad=True) for _ in range(2))
    assert rushlight.autograd.gradcheck(c._gru_cell, (x, y, state))
    assert rushlight.autograd.gradgradcheck(c._gru_cell, (x, y, state))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half(kind, dtype):
    module = getattr(rushlight.nn, kind)(3, 4, dtype=getattr(rushlight, dtype))
    wide = getattr(rushlight.nn, kind)(3, 4)
    wide.load_state_dict(module.state_dict())
    x = rushlight.randn(5, 2, 3)
    out = module(x.to(getattr(rushlight, dtype)))[0]
    assert out.dtype == getattr(rushlight, dtype)
    assert rushlight.allclose(out.float(), wide(x)[0], atol=0.03)


def test_large_gates_saturate():
    gates = rushlight.tensor([[1e4, -1e4, 1e4, 1e4], [-1e4, 1e4, -1e4, -1e4]])
    h, c = rushlight._C._hidden._lstm_cell(gates, rushlight.tensor([[2.0], [3.0]]))
    assert c.tolist() == [[1], [3]]
    assert h.tolist() == [[rushlight.tensor(1.0).tanh().item()], [0]]
    nan = rushlight._C._hidden._lstm_cell(gates * float("nan"), rushlight.ones(2, 1))
    assert all(t.isnan().all() for t in nan)


def test_the_number_of_threads_does_not_matter():
    gates, state = rushlight.randn(300, 400), rushlight.randn(300, 100)
    several = rushlight._C._hidden._lstm_cell(gates, state)
    threads = rushlight.get_num_threads()
    rushlight.set_num_threads(1)
    try:
        one = rushlight._C._hidden._lstm_cell(gates, state)
    finally:
        rushlight.set_num_threads(threads)
    assert all(rushlight.equal(a, b) for a, b in zip(one, several))


@pytest.mark.parametrize("batch", [1, 5, 17, 70, 130])
def test_a_layer_is_its_steps_whatever_the_threads(batch):
    whole = rushlight.nn.LSTM(24, 40, dtype=rushlight.float64)
    one_step = rushlight.nn.LSTMCell(24, 40, dtype=rushlight.float64)
    one_step.load_state_dict({k[:-3]: v for k, v in whole.state_dict().items()})
    x = rushlight.randn(6, batch, 24, dtype=rushlight.float64)

    def gradients(threads):
        rushlight.set_num_threads(threads)
        out, (h, c) = whole(x)
        loss = out.sin().sum() + (h * c).sum()
        return [out, *rushlight.autograd.grad(loss, list(whole.parameters()))]

    before = rushlight.get_num_threads()
    try:
        one, several = gradients(1), gradients(3)
    finally:
        rushlight.set_num_threads(before)
    assert all(rushlight.equal(a, b) for a, b in zip(one, several, strict=True))
    state = None
    for step, out in zip(x, one[0], strict=True):
        state = one_step(step, state)
        assert rushlight.allclose(out, state[0], rtol=1e-10, atol=1e-12)


def test_layer_gradcheck():
    shapes = [(3, 2, 12), (2, 3), (2, 3), (12, 3)]
    inputs = [rushlight.randn(s, dtype=rushlight.float64, requires_grad=True) for s in shapes]
    layer = rushlight._C._hidden._lstm_layer
    assert rushlight.autograd.gradcheck(layer, inputs)
    assert rushlight.autograd.gradgradcheck(layer, inputs)
    with pytest.raises(RuntimeError, match="do not fit a state"):
        layer(inputs[0], inputs[1], inputs[2][:1], inputs[3])


WRONG = [
    ("LSTMCell", (2, 5), (2, 3), (2, 3)),
    ("LSTMCell", (2, 4), (2, 4), (2, 3)),
    ("LSTMCell", (2, 4), (2, 3), (2, 4)),
    ("LSTMCell", (2, 4), (3, 3), (3, 3)),
    ("GRUCell", (2, 4), (2, 2)),
    ("GRUCell", (2, 4), (3, 3)),
    ("RNNCell", (2, 3), (2, 3)),
    ("RNNCell", (2, 4), (2, 9)),
]


@pytest.mark.parametrize("kind, x, state", [(w[0], w[1], w[2:]) for w in WRONG])
def test_wrong_sizes(kind, x, state):
    said = []
    for lib in (torch, rushlight):
        module, hx = getattr(lib.nn, kind)(4, 3), tuple(lib.zeros(s) for s in state)
        with pytest.raises(RuntimeError) as error:
            module(lib.zeros(x), hx if kind == "LSTMCell" else hx[0])
        said.append(str(error.value).split("\n")[0])
    assert said[0] == said[1]
