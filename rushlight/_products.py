"""Products composed of others: Kronecker, bilinear, chains of matrices.

Not here: einsum (_einsum.py), and the products themselves, which are the core's.
"""

import rushlight as torch

from ._composite import check_tensors, with_out

__all__ = ["bilinear", "chain_matmul", "kron"]


@with_out
def kron(input, other):
    """The Kronecker product: every element of `input` becomes a block, itself times `other`.

    Shapes: dimension by dimension the product of both sizes; the smaller of the two is taken with
    ones in front of its shape. Any dtypes; the result has the promoted one. Differentiable.

    >>> torch.kron(torch.tensor([[1, 0], [0, 10]]), torch.tensor([[1, 2]]))
    tensor([[ 1,  2,  0,  0],
            [ 0,  0, 10, 20]])
    """
    check_tensors("kron", input=input, other=other)
    n = max(input.dim(), other.dim())
    a = [1] * (n - input.dim()) + [*input.shape]
    b = [1] * (n - other.dim()) + [*other.shape]
    blocks = input.reshape([s for size in a for s in (size, 1)])
    product = blocks * other.reshape([s for size in b for s in (1, size)])
    return product.reshape([x * y for x, y in zip(a, b, strict=True)])


def bilinear(input1, input2, weight, bias=None):
    """`y_o = x1^T W_o x2 + b_o` for inputs (*, in1) and (*, in2), weight (out, in1, in2).

    bias: (out,); the result is (*, out). Raises RuntimeError for shapes that do not fit.

    >>> x1, x2 = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0]])
    >>> torch.bilinear(x1, x2, torch.tensor([[[1.0], [10.0]]]))
    tensor([[63.]])
    """
    check_tensors("bilinear", input1=input1, input2=input2, weight=weight)
    if input1.dim() != input2.dim():
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {input1.dim()} and {input2.dim()}"
        )
    for i in range(input1.dim() - 1):
        if input1.size(i) != input2.size(i):
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {i}: "
                f"got {input1.size(i)} and {input2.size(i)}"
            )
    if weight.dim() != 3 or not input1.dim():
        raise RuntimeError(f"bilinear(): weight must be 3D, got {weight.dim()}D")
    for n, x in ((1, input1), (2, input2)):
        if x.size(-1) != weight.size(n):
            raise RuntimeError(
                f"bilinear(): input{n} size does not match weight size: "
                f"got {x.size(-1)} but expected {weight.size(n)}"
            )
    out, in1, in2 = weight.shape
    if bias is not None and bias.size(0) != out:
        raise RuntimeError(
            "bilinear(): bias size does not match weight size: "
            f"got {bias.size(0)} but expected {out}"
        )
    x1, x2 = input1.reshape(-1, in1), input2.reshape(-1, in2)
    rows = (x1 @ weight.transpose(0, 1).reshape(in1, out * in2)).view(-1, out, in2)
    y = (rows @ x2.unsqueeze(-1)).view(*input1.shape[:-1], out)
    return y if bias is None else y + bias


@with_out
def chain_matmul(*matrices):
    """The product of a chain of matrices, in the cheapest order.

    Matrices (a, b), (b, c), ..., (y, z) of one dtype give (a, z). Raises RuntimeError if sizes do
    not fit. `torch.linalg.multi_dot` is the newer name.

    >>> torch.chain_matmul(torch.ones(2, 3), torch.ones(3, 4), torch.ones(4, 1))
    tensor([[12.],
            [12.]])
    """
    for t in matrices:
        if t.dim() != 2:
            raise RuntimeError(f"Tensor dimension is {t.dim()}, expected 2 instead.")
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    return matrices[0] if len(matrices) == 1 else torch.linalg.multi_dot(matrices)
