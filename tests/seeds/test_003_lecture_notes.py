"""Notes 003: from_numpy and what it takes, indexing, products, gradients of vectors."""

import pytest


def test_from_numpy_and_tensor(cell):
    """from_numpy keeps the integers, torch.Tensor makes float32 of them."""
    cell("""
        import numpy as np, torch
        a_numpy = np.array([1,2,3,4])
        a_tensor_from_numpy = torch.from_numpy(a_numpy)
        a_tensor = torch.Tensor([1,2,3,4])
    """)
    assert cell("a_tensor_from_numpy") == "tensor([1, 2, 3, 4])\n"
    assert cell("a_tensor, a_tensor.dtype") == "(tensor([1., 2., 3., 4.]), torch.float32)\n"


def test_from_numpy_of_a_list(cell):
    """The note gives from_numpy a list: that is a TypeError, and a list has no [:, 0]."""
    cell("import numpy as np, torch\ndata = [[1,2,3],[4,5,6],[7,8,9]]")
    with pytest.raises(TypeError) as caught:
        cell("tensor_from_data=torch.from_numpy(data)")
    assert str(caught.value).split("\n")[0] == "expected np.ndarray (got list)"
    with pytest.raises(TypeError):
        cell("data[:,0]")


def test_a_column(cell):
    """Meant was an array: a column of it has one dimension, not the two that are noted."""
    cell("""
        import numpy as np, torch
        data = np.array([[1,2,3],[4,5,6],[7,8,9]])
        tensor_from_data = torch.from_numpy(data)
    """)
    assert cell("data[:,0]") == "array([1, 4, 7])\n"
    assert cell("tensor_from_data[:,0]") == "tensor([1, 4, 7])\n"
    assert cell("tensor_from_data[:,:1]") == "tensor([[1],\n        [4],\n        [7]])\n"


def test_to_gpu(cell, torch):
    """Bound is data_cuda, asked for is x_data_cuda: a NameError with and without a GPU."""
    cell("import torch\ntensor_from_data = torch.tensor([[1,2,3],[4,5,6],[7,8,9]])")
    with pytest.raises(NameError, match="x_data_cuda"):
        cell("""
            if torch.cuda.is_available():
                data_cuda = tensor_from_data.to('cuda')
            x_data_cuda.device
        """)
    if torch.cuda.is_available():
        assert cell("data_cuda.device") == "device(type='cuda', index=0)\n"


def test_view_and_reshape(cell):
    """Rows of six, in four decimals, row by row."""
    cell("import torch\ntensor_ex = torch.rand(size=(2, 3, 2))")
    values = cell["tensor_ex"].flatten().tolist()
    rows = [", ".join(f"{v:.4f}" for v in values[i : i + 6]) for i in (0, 6)]
    shown = f"tensor([[{rows[0]}],\n        [{rows[1]}]])\n"
    assert cell("tensor_ex.view([-1, 6])") == shown
    assert cell("tensor_ex.reshape([-1,6])") == shown
    pairs = [f"[{values[i]:.4f}, {values[i + 1]:.4f}]" for i in range(0, 12, 2)]
    assert cell("tensor_ex") == "tensor([[{},\n         {},\n         {}],\n\n        [{},\n         {},\n         {}]])\n".format(*pairs)  # fmt: skip


def test_reshape_makes_no_new_tensor_where_it_need_not(cell):
    """The note says that reshape gives a new tensor: of a contiguous one it is a view."""
    cell("import torch\na = torch.zeros(4)\nb = a.reshape(2, 2)\na[0] = 5")
    assert cell("b") == "tensor([[5., 0.],\n        [0., 0.]])\n"


def test_squeeze_and_unsqueeze(cell):
    cell("import torch\ntensor_ex = torch.rand(size=(2, 1, 2))")
    assert cell("tensor_ex.squeeze().shape") == "torch.Size([2, 2])\n"
    cell("tensor_ex = torch.rand(size=(2, 2))")
    for place, shape in ((0, "1, 2, 2"), (1, "2, 1, 2"), (2, "2, 2, 1")):
        assert cell(f"tensor_ex.unsqueeze({place}).shape") == f"torch.Size([{shape}])\n"


def test_products(cell):
    """mm and matmul are for matrices, dot is for vectors, and mm is not."""
    cell("import numpy as np, torch\nn2 = np.arange(10).reshape(5,2)\nt2 = torch.FloatTensor(n2)")
    with pytest.raises(NameError):
        cell("t1.mm(t2)")  # the note leaves out the line that makes t1
    cell("t1 = torch.FloatTensor(np.arange(10).reshape(2,5))")
    for product in ("t1.mm(t2)", "t1.matmul(t2)"):
        assert cell(product) == "tensor([[ 60.,  70.],\n        [160., 195.]])\n"
    with pytest.raises(RuntimeError, match="^1D tensors expected, but got 2D and 2D tensors"):
        cell("t1.dot(t2)")
    cell("a = torch.rand(10)\nb = torch.rand(10)")
    assert cell("a.dot(b).shape") == "torch.Size([])\n"
    with pytest.raises(RuntimeError, match="^self must be a matrix"):
        cell("a.mm(b)")


def test_gradients(cell):
    """9 a^2 (the note leaves its result out) and -2 b."""
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
