"""Notes 000: tensors beside NumPy's arrays, views, products, softmax, automatic derivatives."""

import pytest


def test_array_and_float_tensor(cell):
    """A FloatTensor takes over an integer array as float32."""
    out = cell("""
        import numpy as np
        n_array = np.arange(10).reshape(2, 5)
        print(n_array)
        print(n_array.ndim, n_array.shape)
        import torch
        t_array = torch.FloatTensor(n_array)
        print(t_array)
        print(t_array.ndim, t_array.shape)
    """)
    assert out == (
        "[[0 1 2 3 4]\n [5 6 7 8 9]]\n2 (2, 5)\n"
        "tensor([[0., 1., 2., 3., 4.],\n        [5., 6., 7., 8., 9.]])\n2 torch.Size([2, 5])\n"
    )


def test_tensor_from_lists(cell):
    """Integers stay integers."""
    out = cell("import torch\ndata = [[3, 5], [10, 5]]\nprint(torch.tensor(data))")
    assert out == "tensor([[ 3,  5],\n        [10,  5]])\n"
    assert cell("torch.tensor(data).dtype") == "torch.int64\n"


def test_from_numpy(cell):
    """from_numpy shows the array's values and shares its memory."""
    out = cell("""
        import numpy as np, torch
        data = [[3, 5], [10, 5]]
        nd_array_ex = np.array(data)
        print(torch.from_numpy(nd_array_ex))
    """)
    assert out == "tensor([[ 3,  5],\n        [10,  5]])\n"
    assert (
        cell("t = torch.from_numpy(nd_array_ex); nd_array_ex[0, 0] = 7; t[0, 0]") == "tensor(7)\n"
    )


def test_to_gpu(cell, torch):
    """Without a GPU the name is never bound: the note's last line then fails."""
    code = """
        import torch
        x_data = torch.tensor([[3, 5, 20], [10, 5, 50], [1, 5, 10]])
        if torch.cuda.is_available():
            x_data_cuda = x_data.to('cuda')
        x_data_cuda.device
    """
    if torch.cuda.is_available():
        assert cell(code) == "device(type='cuda', index=0)\n"
    else:
        with pytest.raises(NameError):
            cell(code)
        assert cell("x_data.device") == "device(type='cpu')\n"


def test_rand_view_reshape(cell):
    """A shape may be given as a keyword or a list; view and reshape agree."""
    cell("import torch\ntensor_ex = torch.rand(size=(2, 3, 2))")
    assert cell("tensor_ex.shape") == "torch.Size([2, 3, 2])\n"
    assert cell["tensor_ex"].min() >= 0 and cell["tensor_ex"].max() < 1
    viewed, reshaped = cell("tensor_ex.view([-1, 6])"), cell("tensor_ex.reshape([-1, 6])")
    assert viewed == reshaped and viewed.startswith("tensor([[0.")
    assert cell("tensor_ex.view([-1, 6]).tolist() == tensor_ex.reshape(2, 6).tolist()") == "True\n"


def test_view_shares_memory_and_reshape_after_t_does_not(cell):
    """fill_ shows in the view; after t() reshape has to copy."""
    out = cell("""
        import torch
        a = torch.zeros(3, 2)
        b = a.view(2, 3)
        a.fill_(1)
        print(b)
        a = torch.zeros(3, 2)
        b = a.t().reshape(6)
        a.fill_(1)
        print(b)
    """)
    assert (
        out == "tensor([[1., 1., 1.],\n        [1., 1., 1.]])\ntensor([0., 0., 0., 0., 0., 0.])\n"
    )


def test_what_view_promises(cell):
    """The note prefers view as it keeps things contiguous: really it refuses where it cannot
    share memory, while reshape shares where it can and copies otherwise."""
    cell("import torch\na = torch.zeros(3, 2)")
    with pytest.raises(RuntimeError, match="view size is not compatible with input tensor's size"):
        cell("a.t().view(6)")
    assert cell("a.reshape(2, 3).data_ptr() == a.data_ptr()") == "True\n"
    assert cell("a.t().reshape(6).data_ptr() == a.data_ptr()") == "False\n"
    assert cell("a.t().is_contiguous(), a.view(6).is_contiguous()") == "(False, True)\n"


def test_squeeze(cell):
    """squeeze drops the dimension of size 1."""
    cell("import torch\ntensor_ex = torch.rand(size=(2, 1, 2))")
    assert cell("tensor_ex.squeeze().shape") == "torch.Size([2, 2])\n"
    assert cell("tensor_ex.squeeze().tolist() == tensor_ex[:, 0].tolist()") == "True\n"


def test_unsqueeze(cell):
    """unsqueeze adds it at the given place."""
    out = cell("""
        import torch
        tensor_ex = torch.rand(size=(2, 2))
        print(tensor_ex.unsqueeze(0).shape)
        print(tensor_ex.unsqueeze(1).shape)
        print(tensor_ex.unsqueeze(2).shape)
    """)
    assert out == "torch.Size([1, 2, 2])\ntorch.Size([2, 1, 2])\ntorch.Size([2, 2, 1])\n"


def test_mm(cell):
    """The product of matrices is mm."""
    out = cell("""
        import numpy as np, torch
        n1 = np.arange(10).reshape(2, 5)
        t1 = torch.FloatTensor(n1)
        n2 = np.arange(10).reshape(5, 2)
        t2 = torch.FloatTensor(n2)
        t1.mm(t2)
    """)
    assert out == "tensor([[ 60.,  70.],\n        [160., 195.]])\n"


def test_matmul_broadcasts(cell):
    """matmul applies a vector to each matrix of a batch."""
    cell("import torch\na = torch.rand(5, 2, 3)\nb = torch.rand(3)")
    assert cell("a.matmul(b).shape") == "torch.Size([5, 2])\n"
    assert cell("torch.allclose(a.matmul(b), (a * b).sum(-1))") == "True\n"


def test_softmax(cell):
    """nn.functional turns scores into chances."""
    out = cell("""
        import torch
        import torch.nn.functional as F
        tensor = torch.FloatTensor([0.5, 0.7, 0.1])
        h_tensor = F.softmax(tensor, dim=0)
        h_tensor
    """)
    assert out == "tensor([0.3458, 0.4224, 0.2318])\n"
    assert cell["h_tensor"].sum().item() == pytest.approx(1)


def test_argmax_and_one_hot(cell):
    """A row of one_hot marks the label; its width is the largest label plus one."""
    cell("""
        import torch
        import torch.nn.functional as F
        y = torch.randint(5, (10, 5))
        y_label = y.argmax(dim=1)
    """)
    assert all(0 <= value < 5 for row in cell["y"].tolist() for value in row)
    labels = cell["y_label"].tolist()
    assert [row[i] for row, i in zip(cell["y"].tolist(), labels)] == list(
        map(max, cell["y"].tolist())
    )
    width = max(labels) + 1
    assert (
        cell("F.one_hot(y_label).tolist()")
        == repr([[int(i == label) for i in range(width)] for label in labels]) + "\n"
    )
    assert cell("F.one_hot(y_label).dtype") == "torch.int64\n"


def test_derivative_of_a_square(cell):
    """dz/dw of z = 10 w^2 + 25 at w = 2 is 40."""
    out = cell("""
        import torch
        w = torch.tensor(2.0, requires_grad=True)
        y = w**2
        z = 10*y + 25
        z.backward()
        w.grad
    """)
    assert out == "tensor(40.)\n"


def test_derivatives_of_a_vector(cell):
    """A vector needs the gradient that comes from outside: 9 a^2 and -2 b."""
    out = cell("""
        import torch
        a = torch.tensor([2., 3.], requires_grad=True)
        b = torch.tensor([6., 4.], requires_grad=True)
        Q = 3*a**3 - b**2
        external_grad = torch.tensor([1., 1.])
        Q.backward(gradient=external_grad)
        print(a.grad)
        print(b.grad)
    """)
    assert out == "tensor([36., 81.])\ntensor([-12.,  -8.])\n"


POLYNOMIAL = """
    import torch
    import math
    dtype = torch.float
    device = torch.device("cpu")
    x = torch.linspace(-math.pi, math.pi, 2000, device=device, dtype=dtype)
    y = torch.sin(x)
    a = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    b = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    c = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    d = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    learning_rate = 1e-6
    for t in range(2000):
        y_pred = a + b * x + c * x ** 2 + d * x ** 3
        loss = (y_pred - y).pow(2).sum()
        if t % 100 == 99:
            print(t, loss.item())
        loss.backward()
        with torch.no_grad():
            a -= learning_rate * a.grad
            b -= learning_rate * b.grad
            c -= learning_rate * c.grad
            d -= learning_rate * d.grad
            a.grad = None
            b.grad = None
            c.grad = None
            d.grad = None
    print(f'Result: y = {a.item()} + {b.item()} x + {c.item()} x^2 + {d.item()} x^3')
"""


# What PyTorch's run of the cell prints after manual_seed(0).
FIRST_LOSS, LAST_LOSS = 3238.3005, 12.2867
COEFFICIENTS = (0.0586234, 0.8372475, -0.0101135, -0.0905576)


def test_polynomial_fit(cell):
    """Gradient descent by hand: sin(x) as a polynomial, the same numbers for the same seed."""
    lines = cell(POLYNOMIAL).splitlines()
    steps, losses = zip(*[(int(t), float(loss)) for t, loss in map(str.split, lines[:-1])])
    assert steps == tuple(range(99, 2000, 100))
    assert list(losses) == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx(FIRST_LOSS, rel=1e-3)
    assert losses[-1] == pytest.approx(LAST_LOSS, rel=1e-3)
    terms = lines[-1].removeprefix("Result: y = ").split(" + ")
    assert [term.partition(" ")[2] for term in terms] == ["", "x", "x^2", "x^3"]
    for term, value in zip(terms, COEFFICIENTS, strict=True):
        assert float(term.split()[0]) == pytest.approx(value, rel=1e-3)
