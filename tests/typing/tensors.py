"""A program for the type checker, not run by the tests: tensors and automatic differentiation."""

from typing import Any

from typing_extensions import assert_type

import rushlight as torch
from rushlight import Tensor


def polynomial(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return a + b * x + 3 * x**2 - (1 - x) / 2


x = torch.linspace(-1, 1, 2000, dtype=torch.float32)
weights = torch.randn(4, 5, requires_grad=True, device="cpu")
assert_type(torch.tensor([1.0, 2.0]), Tensor)
assert_type(torch.zeros(2, 3), Tensor)
assert_type(torch.zeros((2, 3), dtype=torch.int64), Tensor)
assert_type(x.view(-1, 2), Tensor)
assert_type(x.reshape([20, 100])[0, :, None], Tensor)
assert_type(x.shape, torch.Size)
assert_type(x.size(0), int)
assert_type(x.dim(), int)
assert_type(x.requires_grad, bool)
assert_type(weights.grad, Tensor | None)
assert_type(polynomial(x, weights[0, 0], weights[0, 1]), Tensor)
assert_type(x.to(torch.float64), Tensor)
assert_type(x.to("cpu", torch.float64, non_blocking=True), Tensor)
assert_type(x > 0, Tensor)
assert_type(torch.equal(x, x), bool)
assert_type(torch.cat([x, x], dim=0), Tensor)
assert_type(x.split(100), tuple[Tensor, ...])

found = weights.max(dim=1, keepdim=True)
assert_type(found.values, Tensor)
values, indices = torch.sort(x, descending=True)
assert_type(indices, Tensor)

with torch.no_grad():
    weights -= 0.1 * weights
    weights.add_(weights, alpha=2).clamp_(min=0)

loss = (weights @ torch.rand(5)).pow(2).sum()
loss.backward()
answer: Any = loss.item()
torch.manual_seed(0)
total: float = loss.item() + 1
for row in weights:
    assert_type(row, Tensor)
torch.add(x, 1, out=x)
