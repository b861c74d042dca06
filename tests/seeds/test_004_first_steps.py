"""Notes 004: making tensors, adding, multiplying, NumPy and back, the graph and its gradients."""

import re

import pytest


def test_empty(cell):
    """empty promises a shape and a dtype, no values."""
    out = cell("import torch\nx = torch.empty(3, 4)\nx")
    assert out.startswith("tensor([[") and out.endswith("]])\n")
    assert cell("x.shape, x.dtype") == "(torch.Size([3, 4]), torch.float32)\n"


def test_rand(cell):
    """Uniform numbers; those of seed 0 are known."""
    out = cell("import torch\nx = torch.rand(3,4)\nx")
    assert out == (
        "tensor([[0.4963, 0.7682, 0.0885, 0.1320],\n"
        "        [0.3074, 0.6341, 0.4901, 0.8964],\n"
        "        [0.4556, 0.6323, 0.3489, 0.4017]])\n"
    )


@pytest.mark.parametrize("name, value", [("zeros", 0), ("ones", 1)])
def test_zeros_and_ones(cell, name, value):
    row = "[" + ", ".join([str(value)] * 4) + "]"
    out = cell(f"import torch\ntorch.{name}(3,4,dtype=torch.long)")
    assert out == f"tensor([{row},\n        {row},\n        {row}])\n"


def test_array_and_tensor_print(cell):
    """NumPy prints what is needed, a tensor always four decimals."""
    out = cell("""
        import numpy as np
        import torch
        print(np.array([3.4,3,2.1]))
        print(torch.tensor([3.4,3,2.1]))
    """)
    assert out == "[3.4 3.  2.1]\ntensor([3.4000, 3.0000, 2.1000])\n"


def test_randn_like(cell):
    cell("import torch\nx = torch.ones(3,4)\nr = torch.randn_like(x,dtype=torch.float)")
    assert cell("r.shape, r.dtype") == "(torch.Size([3, 4]), torch.float32)\n"
    assert cell("r").startswith("tensor([[ 1.5410, -0.2934, -2.1788,  0.5684],\n")  # seed 0


@pytest.fixture
def xy(cell):
    cell("import torch\nx = torch.randn(3,4)\ny = torch.randn(3,4)")
    return cell


def test_tuple_of_tensors(xy):
    out = xy("x, y, x + y")
    assert out.startswith("(tensor([[") and out.count("tensor(") == 3
    pairs = zip(xy["x"].flatten().tolist(), xy["y"].flatten().tolist())
    total = xy("_ = (x + y).flatten().tolist(); _")
    assert eval(total) == pytest.approx([a + b for a, b in pairs], rel=1e-6)


def test_add(xy):
    assert xy("torch.add(x, y)") == xy("x + y")


def test_add_in_place(xy):
    """add_ changes y and returns it."""
    total = xy("x + y")
    assert xy("before = y\ny.add_(x)") == total
    assert xy("y") == total and xy("before is y") == "True\n"


def test_products_of_matrices(cell):
    cell("import torch\nx = torch.randn(3,4)\ny = torch.randn(4,5)")
    out = cell("x, y, torch.mm(x,y),x @ y")
    parts = out.split(" tensor(")
    assert len(parts) == 4 and parts[2].rstrip(",") == parts[3].rstrip(")\n") + ")"
    assert cell("(x @ y).shape") == "torch.Size([3, 5])\n"


def test_one_element(cell):
    """An element is a tensor without dimensions; item() is Python's float."""
    cell("import torch\nx = torch.randn(4,5)")
    out = cell("x[1,1], x[1,1].item(), type(x[1,1]),type(x[1,1].item())")
    value = cell["x"][1, 1].item()
    assert out == f"(tensor({value:.4f}), {value!r}, <class 'torch.Tensor'>, <class 'float'>)\n"


def test_view_and_size(cell):
    """The comment's lines: view changes the shape, size tells it."""
    cell("import torch\nx = torch.randn(4, 4)")
    assert cell("x.view(-1,8).size()") == "torch.Size([2, 8])\n"
    assert cell("x.size() == x.shape, x.size(0)") == "(True, 4)\n"


def test_tensor_to_numpy(cell):
    """numpy() shares the memory."""
    out = cell("import numpy as np\nimport torch\na = torch.ones(5)\na.numpy()")
    assert out == "array([1., 1., 1., 1., 1.], dtype=float32)\n"
    assert cell("n = a.numpy(); a.add_(1); n[0] == 2") in ("True\n", "np.True_\n")


def test_numpy_to_tensor(cell):
    out = cell("import numpy as np, torch\nb = np.array([1,2,3,4,5])\ntorch.from_numpy(b)")
    assert out == "tensor([1, 2, 3, 4, 5])\n"


def test_gpu_or_not(cell, torch):
    """The whole cell runs on both kinds of machine."""
    out = cell("""
        import torch
        if torch.cuda.is_available():
            device = torch.device('cuda')
            x = torch.ones(5, device=device)
            y = torch.ones(5)
            y = y.to(device)
            z = x + y
            print(f"on the GPU: {z}")
            print(f"back on the CPU: {z.to('cpu', torch.double)}")
        else :
            print("no GPU")
            device = torch.device('cpu')
    """)
    if torch.cuda.is_available():
        assert out == (
            "on the GPU: tensor([2., 2., 2., 2., 2.], device='cuda:0')\n"
            "back on the CPU: tensor([2., 2., 2., 2., 2.], dtype=torch.float64)\n"
        )
    else:
        assert out == "no GPU\n"
        assert cell("device") == "device(type='cpu')\n"


def test_requires_grad_shows(cell):
    out = cell("import torch\nx = torch.ones(2,2, requires_grad=True)\nx, x.size()")
    assert out == (
        "(tensor([[1., 1.],\n        [1., 1.]], requires_grad=True), torch.Size([2, 2]))\n"
    )


def test_graph_and_backward(cell):
    """out = mean(3 (x + 2)^2): grad_fn names each step, and the gradient at 1 is 4.5."""
    cell("import torch\nx = torch.ones(2,2, requires_grad=True)")
    out = cell("y = x + 2\nprint(y, y.grad_fn)\nz= y * y * 3\nout = z.mean()\nz, out")
    pattern = (
        r"tensor\(\[\[3., 3.\],\n        \[3., 3.\]\], grad_fn=<AddBackward0>\) "
        r"<AddBackward0 object at 0x[0-9A-Fa-f]+>\n"
        r"\(tensor\(\[\[27., 27.\],\n        \[27., 27.\]\], grad_fn=<MulBackward0>\), "
        r"tensor\(27., grad_fn=<MeanBackward0>\)\)\n"
    )
    assert re.fullmatch(pattern, out)
    assert (
        cell("out.backward()\nx.grad") == "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])\n"
    )


NORM = """
    import torch
    x = torch.randn(3, requires_grad=True)
    print(x)
    y = x * 2
    i = 0
    while y.data.norm()  < 1000:
        y = y*2
        i += 1
    print(f'y: {y}')
    print(f'rounds : {i}   y = x*2^i+1')
    v = torch.tensor([0.1,1.0,0.0001], dtype=torch.float)
    y.backward(v)
    print(f'x.grad: {x.grad}')
"""


def test_vector_times_jacobian(cell):
    """A loop that the data ends; backward(v) gives v times the Jacobian, here 2^(i + 1) v.

    The note prints "x*2^i+1": the exponent is i + 1."""
    out = cell(NORM).splitlines()
    assert out[0] == "tensor([ 1.5410, -0.2934, -2.1788], requires_grad=True)"  # seed 0
    assert out[1] == "y: tensor([  788.9900,  -150.2356, -1115.5402], grad_fn=<MulBackward0>)"
    rounds = cell["i"]
    assert out[2] == f"rounds : {rounds}   y = x*2^i+1"
    factor = 2.0 ** (rounds + 1)
    assert cell["y"].tolist() == [value * factor for value in cell["x"].tolist()]
    assert cell["x"].grad.tolist() == pytest.approx([0.1 * factor, factor, 0.0001 * factor])
    assert rounds == 8 and out[3] == "x.grad: tensor([5.1200e+01, 5.1200e+02, 5.1200e-02])"


def test_no_grad_and_detach(cell):
    """Inside no_grad nothing is recorded; detach cuts y off.

    The note shows False before detach as well: there the cell had run twice."""
    cell(NORM)
    code = """
        with torch.no_grad():
            print(f'inside no_grad : {(x**2).requires_grad}')
        print(f'before detach {y.requires_grad}')
        y = x.detach()
        print(f'after detach {y.requires_grad}')
    """
    assert cell(code).splitlines() == ["inside no_grad : False", "before detach True", "after detach False"]  # fmt: skip
    assert cell(code).splitlines()[1] == "before detach False"
    assert cell("y.data_ptr() == x.data_ptr()") == "True\n"
