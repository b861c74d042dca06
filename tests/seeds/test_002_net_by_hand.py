"""Notes 002: a two-layer ReLU net whose gradients are written out, in NumPy and in torch."""

import pytest

NUMPY_NET = """
    import numpy as np
    N, D_in, H, D_out = 64, 1000, 100, 10
    np.random.seed(0)
    x = np.random.randn(N, D_in)
    y = np.random.randn(N, D_out)
    w1 = np.random.randn(D_in, H)
    w2 = np.random.randn(H, D_out)
    start = x.copy(), y.copy(), w1.copy(), w2.copy()
    learning_rate = 1e-6
    for t in range(300):
        h = x.dot(w1)
        h_relu = np.maximum(h, 0)
        y_pred = h_relu.dot(w2)
        loss = np.square(y_pred - y).sum()
        print(t, loss)
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.T.dot(grad_y_pred)
        grad_h_relu = grad_y_pred.dot(w2.T)
        grad_h = grad_h_relu.copy()
        grad_h[h < 0] = 0
        grad_w1 = x.T.dot(grad_h)
        w1 -= learning_rate * grad_w1
        w2 -= learning_rate * grad_w2
"""


def losses(printed):
    return [float(line.split()[-1]) for line in printed.splitlines()]


def test_numpy_net_and_its_twin_in_torch(cell):
    """The NumPy cell, then the same 300 steps in torch on the same numbers."""
    ours = losses(cell(NUMPY_NET))
    assert len(ours) == 300 and ours[0] > 1e7 and ours[-1] < 100
    twin = cell("""
        import torch
        x, y, w1, w2 = (torch.from_numpy(a) for a in start)
        for t in range(300):
            h = x.mm(w1)
            h_relu = h.clamp(min=0)
            y_pred = h_relu.mm(w2)
            print(t, (y_pred - y).pow(2).sum().item())
            grad_y_pred = 2.0 * (y_pred - y)
            grad_w2 = h_relu.t().mm(grad_y_pred)
            grad_h = grad_y_pred.mm(w2.t())
            grad_h[h < 0] = 0
            w1 -= learning_rate * x.t().mm(grad_h)
            w2 -= learning_rate * grad_w2
    """)
    assert losses(twin) == pytest.approx(ours, rel=1e-6)


def test_numpy_dot(cell):
    """The cell's text block: dot of ndarrays is the product of matrices."""
    out = cell("""
        import numpy as np
        test1 = np.random.rand(3, 5)
        test2 = np.random.rand(5, 2)
        result = test1.dot(test2)
        result.shape
    """)
    assert out == "(3, 2)\n"


def test_one_sample_net(cell):
    """Tensors on "cpu:0"; one sample is learned by heart."""
    out = cell("""
        import torch
        dtype = torch.float
        device = torch.device("cpu:0")
        N, D_in, H, D_out = 1,1000,100,5
        x = torch.randn(N, D_in, device=device, dtype=dtype)
        y = torch.randn(N, D_out, device=device, dtype=dtype)
        print(y)
        w1 = torch.randn(D_in, H, device=device, dtype=dtype)
        w2 = torch.randn(H, D_out, device=device, dtype=dtype)
        learning_rate = 1e-6
        for t in range(500):
            h = x.mm(w1)
            h_relu = h.clamp(min=0)
            y_pred = h_relu.mm(w2)
            loss = (y_pred - y).pow(2).sum().item()
            if t % 100 == 99:
                print(t,"th result : ", loss)
            grad_y_pred = 2.0 * (y_pred - y)
            grad_w2 = h_relu.t().mm(grad_y_pred)
            grad_h_relu = grad_y_pred.mm(w2.t())
            grad_h = grad_h_relu.clone()
            grad_h[h < 0] = 0
            grad_w1 = x.t().mm(grad_h)
            w1 -= learning_rate * grad_w1
            w2 -= learning_rate * grad_w2
        print(y_pred)
    """)
    lines = out.splitlines()
    assert lines[0] == "tensor([[-1.4730,  0.3793, -0.2629,  1.4841, -0.2907]])"  # seed 0
    assert lines[-1].startswith("tensor([[") and lines[-1].endswith("]])")
    assert [line.split()[0] for line in lines[1:-1]] == ["99", "199", "299", "399", "499"]
    assert all(float(line.split()[-1]) < 1e-2 for line in lines[2:-1])
    assert cell["y_pred"].tolist()[0] == pytest.approx(cell["y"].tolist()[0], abs=0.05)
    assert cell("device") == "device(type='cpu', index=0)\n"


@pytest.mark.parametrize("call", ["current_device()", "get_device_name(0)"])
def test_cuda_questions(cell, torch, call):
    """With a GPU they answer; without one they raise."""
    cell("import torch")
    if torch.cuda.is_available():
        assert cell(f"torch.cuda.{call}")
    else:
        with pytest.raises((AssertionError, RuntimeError)):
            cell(f"torch.cuda.{call}")


def test_cuda_device_object(cell):
    """torch.cuda.device is a context manager, not a device: its repr is the plain one."""
    assert cell("import torch\ntorch.cuda.device(0)").startswith("<torch.cuda.device object at 0x")


@pytest.fixture
def net(cell):
    cell("""
        import torch
        dtype = torch.float
        device = torch.device("cpu")
        N,D_in,H,D_out = 64 ,1000,100,10
        x =torch.randn(N,D_in,device=device,dtype=dtype)
        y =torch.randn(N,D_out,device=device,dtype=dtype)
        w1 = torch.randn(D_in, H, device = device , dtype=dtype)
        w2 = torch.randn(H, D_out, device = device , dtype=dtype)
        learning_rate = 1e-6
    """)
    return cell


FORWARD = "h = x.mm(w1)\nh_relu = h.clamp(min=0)\ny_pred = h_relu.mm(w2)"
BACKWARD = """
grad_y_pred = 2.0 * (y_pred - y)
grad_w2 = h_relu.t().mm(grad_y_pred)
grad_h_relu = grad_y_pred.mm(w2.t())
grad_h = grad_h_relu.clone()
grad_h[h < 0] = 0
grad_w1 = x.t().mm(grad_h)
"""


def test_hidden_layer(net):
    """mm and clamp: what is below zero becomes zero."""
    net("h= x.mm(w1)\nh_relu = h.clamp(min=0)")
    assert net("h.shape") == "torch.Size([64, 100])\n"
    assert net("torch.equal(h_relu, torch.relu(h)), bool((h < 0).any())") == "(True, True)\n"


def test_prediction_shape(net):
    assert net(FORWARD + "\nprint(y_pred.shape)") == "torch.Size([64, 10])\n"


def test_loss_is_a_python_float(net):
    out = net(FORWARD + "\nloss =(y_pred -y).pow(2).sum().item()\nprint(loss)")
    assert isinstance(net["loss"], float)
    assert float(out) == pytest.approx(33489912.0, rel=0.5)


def test_gradient_of_the_prediction_prints_in_full(net):
    """640 numbers, nothing left out; with exponents where the largest is 1,000 times the least."""
    out = net(FORWARD + "\ngrad_y_pred = 2.0 * (y_pred - y)\nprint(grad_y_pred)")
    numbers = out.removeprefix("tensor(").replace("[", "").replace("]", "").strip(" )\n")
    values = [float(word) for word in numbers.split(",")]
    assert len(values) == 640 and "..." not in out
    flat = net["grad_y_pred"].flatten().tolist()
    assert values == pytest.approx(flat, rel=1e-4, abs=1e-3)
    sizes = [abs(value) for value in flat]
    assert ("e+0" in out) == (max(sizes) / min(sizes) > 1000)
    assert net("torch.tensor([600.48, -0.29005])") == "tensor([ 6.0048e+02, -2.9005e-01])\n"


def test_gradient_of_w2(net):
    """The note shows two sizes here that its cell does not print: they are those of h_relu and
    of its transpose."""
    assert net(FORWARD + BACKWARD) == ""
    assert net("print(h_relu.shape)\nprint(h_relu.t().shape)") == (
        "torch.Size([64, 100])\ntorch.Size([100, 64])\n"
    )
    assert (
        net("grad_w2.shape, grad_w1.shape") == "(torch.Size([100, 10]), torch.Size([1000, 100]))\n"
    )


def test_relu_backward_by_a_mask(net):
    """grad_h[h < 0] = 0 writes through a mask, and only into the clone."""
    net(FORWARD + BACKWARD)
    assert net("bool((grad_h[h < 0] == 0).all())") == "True\n"
    assert net("torch.equal(grad_h[h >= 0], grad_h_relu[h >= 0])") == "True\n"
    assert net("bool((grad_h_relu[h < 0] != 0).any())") == "True\n"


def test_gradients_by_hand_are_those_of_autograd(net):
    net(FORWARD + BACKWARD)
    net("""
        v1, v2 = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        (x.mm(v1).clamp(min=0).mm(v2) - y).pow(2).sum().backward()
    """)
    for by_hand, by_autograd in (("grad_w1", "v1.grad"), ("grad_w2", "v2.grad")):
        assert net(f"torch.allclose({by_hand}, {by_autograd}, rtol=1e-3, atol=0.5)") == "True\n"


def test_update_in_place(net):
    """-= changes the tensor itself, and the loss falls."""
    net(FORWARD + BACKWARD + "before = (y_pred - y).pow(2).sum().item(); same = w1")
    net("w1 -= learning_rate * grad_w1\nw2 -= learning_rate * grad_w2")
    assert net("same is w1") == "True\n"
    net(FORWARD)
    assert net("(y_pred - y).pow(2).sum().item() < before") == "True\n"


def test_print_of_a_large_tensor(net):
    """More than 1,000 numbers are cut to the outer three of each dimension."""
    out = net("print(w1)\nprint(w1)")
    first = out[: len(out) // 2]
    assert out == first * 2
    lines = first.splitlines()
    assert len(lines) == 7 and lines[3] == "        ...,"
    assert all(line.count("...") == 1 for line in lines)
    assert lines[0].startswith("tensor([[") and lines[-1].endswith("]])")
    assert lines[0].count(",") == 7 and ",  ..., " in lines[0]
