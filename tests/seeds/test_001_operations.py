"""Notes 001: NumPy-like operations, which product for which shapes, and the parts of a Module."""

import pytest


def test_array_and_float_tensor(cell):
    """The same array as ndarray and as tensor."""
    out = cell("""
        import numpy as np
        n_array = np.arange(10).reshape(2,5)
        print(n_array)
        print("ndim :", n_array.ndim, "shape :", n_array.shape)
        import torch
        t_array = torch.FloatTensor(n_array)
        print(t_array)
        print("ndim :", t_array.ndim, "shape :", t_array.shape)
    """)
    assert out.splitlines() == [
        "[[0 1 2 3 4]",
        " [5 6 7 8 9]]",
        "ndim : 2 shape : (2, 5)",
        "tensor([[0., 1., 2., 3., 4.],",
        "        [5., 6., 7., 8., 9.]])",
        "ndim : 2 shape : torch.Size([2, 5])",
    ]


def test_from_numpy(cell):
    """The note uses `data` before it gives it a value; with one, an array becomes a tensor."""
    code = """
        import numpy as np, torch
        nd_array_ex = np.array(data)
        tensor_array = torch.from_numpy(nd_array_ex)
        tensor_array
    """
    with pytest.raises(NameError):
        cell(code)
    cell("data = [[3, 5, 20],[10, 5, 50], [1, 5, 10]]")
    assert cell(code) == "tensor([[ 3,  5, 20],\n        [10,  5, 50],\n        [ 1,  5, 10]])\n"


@pytest.fixture
def x_data(cell):
    cell("import torch\ndata = [[3, 5, 20],[10, 5, 50], [1, 5, 10]]\nx_data = torch.tensor(data)")
    return cell


@pytest.mark.parametrize(
    "code, shown",
    [
        ("x_data[1:]", "tensor([[10,  5, 50],\n        [ 1,  5, 10]])"),
        ("x_data[:2, 1:]", "tensor([[ 5, 20],\n        [ 5, 50]])"),
        ("x_data.flatten()", "tensor([ 3,  5, 20, 10,  5, 50,  1,  5, 10])"),
        (
            "torch.ones_like(x_data)",
            "tensor([[1, 1, 1],\n        [1, 1, 1],\n        [1, 1, 1]])",
        ),
        (
            "x_data.numpy()",
            "array([[ 3,  5, 20],\n       [10,  5, 50],\n       [ 1,  5, 10]])",
        ),
        ("x_data.shape", "torch.Size([3, 3])"),
        ("x_data.dtype", "torch.int64"),
        ("x_data.device", "device(type='cpu')"),
    ],
)
def test_numpy_like_operations(x_data, code, shown):
    """Slices, flatten, ones_like, numpy, shape, dtype, device."""
    assert x_data(code) == shown + "\n"


def test_to_gpu(x_data, torch):
    """As noted, without an indent, it is no Python; indented it needs a GPU."""
    with pytest.raises(IndentationError):
        x_data("if torch.cuda.is_available():\nx_data_cuda = x_data.to('cuda')")
    code = """
        if torch.cuda.is_available():
            x_data_cuda = x_data.to('cuda')
        x_data_cuda.device
    """
    if torch.cuda.is_available():
        assert x_data(code) == "device(type='cuda', index=0)\n"
    else:
        with pytest.raises(NameError):
            x_data(code)


def test_view_and_reshape_of_rand(cell):
    """Both give two rows of six."""
    cell("import torch\ntensor_ex = torch.rand(size=(2, 3, 2))")
    assert cell("tensor_ex.view([-1, 6]).shape") == "torch.Size([2, 6])\n"
    assert cell("tensor_ex.reshape([-1,6])") == cell("tensor_ex.view([-1, 6])")


def test_view_shares_memory(cell):
    """A view is no copy."""
    cell("import torch\na = torch.zeros(3, 2)\nb = a.view(2, 3)\na.fill_(1)")
    assert cell("a") == "tensor([[1., 1.],\n        [1., 1.],\n        [1., 1.]])\n"
    assert cell("b") == "tensor([[1., 1., 1.],\n        [1., 1., 1.]])\n"


def test_reshape_of_a_transpose_copies(cell):
    """The note says that reshape copies: it does so after t(), and only where it must."""
    cell("import torch\na = torch.zeros(3, 2)\nb = a.t().reshape(6)\na.fill_(1)")
    assert cell("a") == "tensor([[1., 1.],\n        [1., 1.],\n        [1., 1.]])\n"
    assert cell("b") == "tensor([0., 0., 0., 0., 0., 0.])\n"
    assert cell("c = a.reshape(6)\na.fill_(2)\nc") == "tensor([2., 2., 2., 2., 2., 2.])\n"


def test_squeeze(cell):
    cell("import torch\ntensor_ex = torch.rand(size=(2, 1, 2))")
    assert cell("tensor_ex.squeeze().shape") == "torch.Size([2, 2])\n"


@pytest.mark.parametrize("place, shape", [(0, "1, 2, 2"), (1, "2, 1, 2"), (2, "2, 2, 1")])
def test_unsqueeze(cell, place, shape):
    cell("import torch\ntensor_ex = torch.rand(size=(2, 2))")
    assert cell(f"tensor_ex.unsqueeze({place}).shape") == f"torch.Size([{shape}])\n"


@pytest.fixture
def t1(cell):
    cell("""
        import numpy as np, torch
        n1 = np.arange(10).reshape(2,5)
        n2 = np.arange(10).reshape(5,2)
        t1 = torch.FloatTensor(n1)
        t2 = torch.FloatTensor(n2)
    """)
    return cell


def test_sums_and_differences(t1):
    """+ and - go element by element."""
    assert (
        t1("t1 + t1") == "tensor([[ 0.,  2.,  4.,  6.,  8.],\n        [10., 12., 14., 16., 18.]])\n"
    )
    assert t1("t1 - t1") == "tensor([[0., 0., 0., 0., 0.],\n        [0., 0., 0., 0., 0.]])\n"


def test_mm_and_matmul_of_matrices(t1):
    for product in ("t1.mm(t2)", "t1.matmul(t2)"):
        assert t1(product) == "tensor([[ 60.,  70.],\n        [160., 195.]])\n"


def test_dot_is_not_for_matrices(t1):
    with pytest.raises(RuntimeError) as caught:
        t1("t1.dot(t2)")
    first = str(caught.value).split("\n")[0]
    assert first == "1D tensors expected, but got 2D and 2D tensors"


def test_dot_is_for_vectors(cell):
    """dot gives a tensor without dimensions."""
    cell("import torch\na = torch.rand(10)\nb = torch.rand(10)\nc = a.dot(b)")
    assert cell("c.shape, a.shape") == "(torch.Size([]), torch.Size([10]))\n"
    pairs = zip(cell["a"].tolist(), cell["b"].tolist())
    assert cell["c"].item() == pytest.approx(sum(x * y for x, y in pairs), rel=1e-5)


def test_mm_is_not_for_vectors(cell):
    cell("import torch\na = torch.rand(10)\nb = torch.rand(10)")
    with pytest.raises(RuntimeError) as caught:
        cell("a.mm(b)")
    assert str(caught.value).split("\n")[0] == "self must be a matrix"


def test_mm_does_not_broadcast(cell):
    cell("import torch\na = torch.rand(5,2, 3)\nb = torch.rand(5)")
    with pytest.raises(RuntimeError) as caught:
        cell("a.mm(b)")
    assert str(caught.value).split("\n")[0] == "self must be a matrix"


def test_matmul_broadcasts(cell):
    """matmul of a batch is mm of each matrix."""
    cell("import torch\na = torch.rand(5,2, 3)\nb = torch.rand(3)")
    assert cell("a.matmul(b).shape") == "torch.Size([5, 2])\n"
    assert cell("a[0].mm(torch.unsqueeze(b,1)).squeeze().shape") == "torch.Size([2])\n"
    for i in range(5):
        assert cell(f"a[{i}].mm(torch.unsqueeze(b,1)).shape") == "torch.Size([2, 1])\n"
        row = f"a[{i}].mm(torch.unsqueeze(b,1)).squeeze()"
        assert cell(f"torch.allclose(a.matmul(b)[{i}], {row})") == "True\n"


def test_softmax(cell):
    out = cell("""
        import torch
        import torch.nn.functional as F
        tensor = torch.FloatTensor([0.5, 0.7, 0.1])
        h_tensor = F.softmax(tensor, dim=0)
        h_tensor
    """)
    assert out == "tensor([0.3458, 0.4224, 0.2318])\n"


def test_one_hot(cell):
    cell("import torch\ny = torch.randint(5, (10,5))\ny_label = y.argmax(dim=1)")
    assert cell("y_label.shape, y_label.dtype") == "(torch.Size([10]), torch.int64)\n"
    cell("hot = torch.nn.functional.one_hot(y_label)")
    assert cell("(hot.argmax(dim=1) == y_label).all(), hot.sum()") == "(tensor(True), tensor(10))\n"


def test_cartesian_product(cell):
    """cartesian_prod is itertools.product of tensors."""
    out = cell("""
        import itertools
        a = [1, 2, 3]
        b = [4, 5]
        list(itertools.product(a, b))
    """)
    assert out == "[(1, 4), (1, 5), (2, 4), (2, 5), (3, 4), (3, 5)]\n"
    out = cell("""
        import torch
        tensor_a = torch.tensor(a)
        tensor_b = torch.tensor(b)
        torch.cartesian_prod(tensor_a, tensor_b)
    """)
    rows = ["[1, 4]", "[1, 5]", "[2, 4]", "[2, 5]", "[3, 4]", "[3, 5]"]
    assert out == "tensor([" + ",\n        ".join(rows) + "])\n"


def test_derivative_of_a_square(cell):
    """z = 10 w^2 + 50: the constant does not matter."""
    out = cell("""
        import torch
        w = torch.tensor(2.0, requires_grad=True)
        y = w**2
        z = 10*y + 50
        z.backward()
        w.grad
    """)
    assert out == "tensor(40.)\n"


def test_partial_derivatives(cell):
    """The comment says Q = 3a^3 = b^2; the code has the minus that the results need."""
    cell("""
        import torch
        a = torch.tensor([2., 3.], requires_grad=True)
        b = torch.tensor([6., 4.], requires_grad=True)
        Q = 3*a**3 - b**2
        external_grad = torch.tensor([1., 1.])
        Q.backward(gradient=external_grad)
    """)
    assert cell("a.grad") == "tensor([36., 81.])\n"
    assert cell("b.grad") == "tensor([-12.,  -8.])\n"


# What the second half of the note says in words: the parts of nn.Module.

MODEL = """
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(self.linear(x))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block()
            self.head = nn.Linear(4, 2)
            self.plain = torch.ones(3)
            self.weight = nn.Parameter(torch.ones(3))
            self.register_buffer("buffer", torch.ones(3))

        def forward(self, x):
            return self.head(self.block(x))

    model = Model()
"""


@pytest.fixture
def model(cell):
    cell(MODEL)
    return cell


def test_named_children_and_named_modules(model):
    """Children are one level, modules are all levels and the model itself."""
    assert model("[name for name, _ in model.named_children()]") == "['block', 'head']\n"
    assert (
        model("[name for name, _ in model.named_modules()]")
        == "['', 'block', 'block.linear', 'block.act', 'head']\n"
    )


def test_get_submodule(model):
    """The note calls it get_submodules: the method's name is get_submodule."""
    assert model("model.get_submodule('block.linear') is model.block.linear") == "True\n"
    assert model("model.get_submodule('') is model") == "True\n"
    with pytest.raises(AttributeError):
        model("model.get_submodules('block')")
    with pytest.raises(AttributeError) as caught:
        model("model.get_submodule('block.conv')")
    assert str(caught.value).split("\n")[0] == "Block has no attribute `conv`"


def test_print_of_a_module(model):
    assert model("model") == (
        "Model(\n"
        "  (block): Block(\n"
        "    (linear): Linear(in_features=4, out_features=4, bias=True)\n"
        "    (act): ReLU()\n"
        "  )\n"
        "  (head): Linear(in_features=4, out_features=2, bias=True)\n"
        ")\n"
    )


def test_tensor_parameter_and_buffer(model):
    """A parameter learns and is saved, a buffer is saved, a plain tensor is neither."""
    assert model("list(model.state_dict())") == (
        "['weight', 'buffer', 'block.linear.weight', 'block.linear.bias', "
        "'head.weight', 'head.bias']\n"
    )
    names = model("[name for name, _ in model.named_parameters()]")
    assert "'weight'" in names and "buffer" not in names and "plain" not in names
    assert model("[name for name, _ in model.named_buffers()]") == "['buffer']\n"
    assert (
        model("model.weight.requires_grad, model.buffer.requires_grad, model.plain.requires_grad")
        == "(True, False, False)\n"
    )


def test_only_the_parameter_is_updated(model):
    """An optimiser of model.parameters() moves the parameter alone."""
    out = model("""
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        loss = (model.weight + model.buffer + model.plain).sum()
        loss.backward()
        optimizer.step()
        print(model.weight.tolist(), model.buffer.tolist(), model.plain.tolist())
        print(model.buffer.grad, model.plain.grad)
    """)
    assert out == "[0.5, 0.5, 0.5] [1.0, 1.0, 1.0] [1.0, 1.0, 1.0]\nNone None\n"


def test_parameter_is_a_tensor(model):
    assert model("isinstance(model.weight, torch.Tensor), type(model.weight)") == (
        "(True, <class 'torch.nn.parameter.Parameter'>)\n"
    )
    assert (
        model("model.weight") == "Parameter containing:\ntensor([1., 1., 1.], requires_grad=True)\n"
    )


def test_hooks(model):
    """Others' code, run between the steps of a packaged forward and backward."""
    out = model("""
        def before(module, args):
            print("before", type(module).__name__, args[0].shape)
            return (args[0] * 0,)

        def after(module, args, output):
            print("after", type(module).__name__, output.shape)
            return output + 1

        def backward(module, grad_input, grad_output):
            print("backward", type(module).__name__, grad_output[0].shape)

        handles = [
            model.block.register_forward_pre_hook(before),
            model.block.register_forward_hook(after),
            model.head.register_full_backward_hook(backward),
        ]
        out = model(torch.ones(3, 4))
        out.sum().backward()
        for handle in handles:
            handle.remove()
        _ = model(torch.ones(3, 4))
    """)
    assert out.splitlines() == [
        "before Block torch.Size([3, 4])",
        "after Block torch.Size([3, 4])",
        "backward Linear torch.Size([3, 2])",
    ]


def test_hook_of_a_tensor(model):
    """A tensor's hook may change the gradient on its way."""
    out = model("""
        t = torch.ones(2, requires_grad=True)
        handle = t.register_hook(lambda grad: grad * 10)
        (t * 3).sum().backward()
        t.grad
    """)
    assert out == "tensor([30., 30.])\n"


def test_apply(model):
    """apply meets the inner modules first; its common use is to set the first weights."""
    out = model("""
        def visit(module):
            print(type(module).__name__)

        def init_weights(module):
            if isinstance(module, nn.Linear):
                nn.init.constant_(module.weight, 0.25)
                module.bias.data.zero_()

        model.apply(visit) is model
    """)
    assert out.splitlines() == ["Linear", "ReLU", "Block", "Linear", "Model", "True"]
    model("_ = model.apply(init_weights)")
    assert model("model.head.weight.unique(), model.block.linear.bias.sum().item()") == (
        "(tensor([0.2500], grad_fn=<Unique2Backward0>), 0.0)\n"
    )
