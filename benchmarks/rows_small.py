"""Calls on a few numbers: what stands between Python and the arithmetic."""

from row import Row

PAIR = "a, b = torch.rand(4), torch.rand(4)"
RECORDING = "a, b = torch.rand(4, requires_grad=True), torch.rand(4, requires_grad=True)"
SMALL_MATRIX = "m = torch.rand(3, 4)"
LINEAR = "layer, x = nn.Linear(4, 4), torch.rand(1, 4)"
NUMPY_PAIR = (
    "a, b = numpy.random.rand(4).astype(numpy.float32), numpy.random.rand(4).astype(numpy.float32)"
)
ROWS = [
    Row("small", "a + b, 4 elements", PAIR, "a + b", NUMPY_PAIR, "a + b", readme=True),
    Row("small", "a + b, 4 elements, recording", RECORDING, "a + b", readme=True),
    Row("small", "a.add_(b), 4 elements", PAIR, "a.add_(b)", NUMPY_PAIR, "numpy.add(a, b, out=a)"),
    Row("small", "a.view(2, 2)", PAIR, "a.view(2, 2)", NUMPY_PAIR, "a.reshape(2, 2)"),
    Row("small", "a[1]", PAIR, "a[1]", NUMPY_PAIR, "a[1]"),
    Row("small", "a[1:3]", PAIR, "a[1:3]", NUMPY_PAIR, "a[1:3]"),
    Row("small", "zeros(4)", "", "torch.zeros(4)", "", "numpy.zeros(4, numpy.float32)"),
    Row("small", "tensor([1, 2, 3, 4])", "", "torch.tensor([1.0, 2.0, 3.0, 4.0])"),
    Row("small", "a.sum().item()", PAIR, "a.sum().item()", NUMPY_PAIR, "a.sum().item()"),
    Row("small", "s.item()", "s = torch.rand(())", "s.item()"),
    Row(
        "small",
        "mul, add, sum, backward, 4 elements",
        RECORDING,
        "(a * b + a).sum().backward()",
        readme=True,
    ),
    Row("small", "rows of (100, 4), one by one", "a = torch.rand(100, 4)", "for row in a: row"),
    Row("small", "cat of ten (10, 4)", "a = [torch.rand(10, 4)] * 10", "torch.cat(a)"),
    Row("small", "a * 2 + 1, 4 elements", PAIR, "a * 2 + 1", NUMPY_PAIR, "a * 2 + 1"),
    Row("small", "a > 0.5, 4 elements", PAIR, "a > 0.5", NUMPY_PAIR, "a > 0.5"),
    Row("small", "a.exp(), 4 elements", PAIR, "a.exp()", NUMPY_PAIR, "numpy.exp(a)"),
    Row("small", "a.clone()", PAIR, "a.clone()", NUMPY_PAIR, "a.copy()"),
    Row("small", "a.detach()", RECORDING, "a.detach()"),
    Row("small", "a[1] = 2.0", PAIR, "a[1] = 2.0", NUMPY_PAIR, "a[1] = 2.0"),
    Row("small", "a[i], i of 2 integers", PAIR + "; i = torch.tensor([0, 2])", "a[i]"),
    Row("small", "a[a > 0.5]", PAIR, "a[a > 0.5]", NUMPY_PAIR, "a[a > 0.5]"),
    Row("small", "m.t(), m.reshape(-1)", "m = torch.rand(2, 3)", "m.t(); m.reshape(-1)"),
    Row("small", "m.transpose(0, 1).contiguous()", SMALL_MATRIX, "m.transpose(0, 1).contiguous()"),
    Row("small", "m.mean(dim=1)", SMALL_MATRIX, "m.mean(dim=1)", readme=False),
    Row("small", "m.max(dim=1)", SMALL_MATRIX, "m.max(dim=1)"),
    Row("small", "stack of two", PAIR, "torch.stack([a, b])"),
    Row("small", "where, 4 elements", PAIR, "torch.where(a > b, a, b)"),
    Row("small", "m @ v, 3 x 3", "m, v = torch.rand(3, 3), torch.rand(3)", "m @ v"),
    Row("small", "a.to(float64)", PAIR, "a.to(torch.float64)"),
    Row("small", "a.numpy(), from_numpy", PAIR, "torch.from_numpy(a.numpy())"),
    Row("small", "a.tolist()", PAIR, "a.tolist()", NUMPY_PAIR, "a.tolist()"),
    Row("small", "repr(a)", PAIR, "repr(a)", NUMPY_PAIR, "repr(a)"),
    Row("small", "nn.Linear(4, 4), one row", LINEAR, "layer(x)"),
    Row("small", "nn.Linear(4, 4), one row, no grad", LINEAR, "with torch.no_grad(): layer(x)"),
    Row("small", "softmax of 10", "x = torch.rand(1, 10)", "x.softmax(1)"),
    Row("small", "relu of 10", "x = torch.rand(1, 10)", "F.relu(x)"),
    Row("small", "torch.no_grad()", "", "with torch.no_grad(): pass"),
]
