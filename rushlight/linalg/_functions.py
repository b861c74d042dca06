"""Functions of matrices, and products and equations of tensors."""

from functools import lru_cache

import rushlight as torch

from .._composite import check_scalar_type, check_tensor_list
from ._common import (
    Operation,
    check,
    check_floating,
    check_info,
    check_square,
    check_tensor,
    lapack,
    public,
    type_name,
    warn_once,
    write_out,
)
from ._solve import inv, inv_ex, solve

# ---- the exponential ----

# Pade's approximant of exp of degree 13 (7 for float32), and up to which norm it is exact to
# rounding: Higham 2005, "The scaling and squaring method for the matrix exponential revisited".
_PADE = {
    7: (3.925724783138660, (17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1)),
    13: (5.371920351148152, (64764752532480000, 32382376266240000, 7771770303897600,
         1187353796428800, 129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920,
         40840800, 960960, 16380, 182, 1)),
}  # fmt: skip


def _exponential(A):
    """exp(A) without recording. Each matrix is halved until the approximant holds, and its result
    squared as often."""
    single = A.dtype in (torch.float32, torch.complex64)
    limit, b = _PADE[7 if single else 13]
    norms = A.abs().sum(-2).amax(-1)
    halvings = (norms / limit).log2().ceil().clamp(min=0)
    halvings = halvings.where(norms.isfinite(), 0.0).reshape(*norms.shape, 1, 1)
    A = A * torch.exp2(-halvings)
    square = A @ A
    power = torch.eye(A.size(-1), dtype=A.dtype, device=A.device).expand(A.shape)
    odd, even = b[1] * power, b[0] * power
    for i in range(2, len(b), 2):
        power = power @ square
        odd, even = odd + b[i + 1] * power, even + b[i] * power
    odd = A @ odd
    LU, pivots, _ = lapack._getrf(even - odd)
    result = lapack._getrs(LU, pivots, even + odd)
    for i in range(int(halvings.max())):
        result = torch.where(i < halvings, result @ result, result)
    return result


class _MatrixExp(Operation):
    """exp of [[A^H, g], [0, A^H]] has the gradient above its diagonal (Najfeld and Havel 1995,
    "Derivatives of the matrix exponential and their computation")."""

    _node_name = "LinalgMatrixExpBackward0"

    @staticmethod
    def forward(ctx, A):
        ctx.save_for_backward(A)
        if A.dtype in (torch.float16, torch.bfloat16):
            return _exponential(A.float()).to(A.dtype)
        return _exponential(A)

    @staticmethod
    def backward(ctx, g):
        (A,) = ctx.saved_tensors
        n = A.size(-1)
        above = torch.cat([A.mH, g], -1)
        below = torch.cat([torch.zeros_like(A), A.mH], -1)
        return _MatrixExp.call(torch.cat([above, below], -2))[..., :n, n:]


@public("linalg_matrix_exp", first="input", out=False)
def matrix_exp(input):
    """The matrix exponential, the sum of A^k / k!, of square matrices [..., n, n] (Higham 2005).

    Floating (half types compute in float32) or complex. Raises RuntimeError for other dtypes and
    matrices that are not square.

    >>> torch.linalg.matrix_exp(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    A = input
    check_square(A, "linalg.matrix_exp")
    check_floating(A, "linalg.matrix_exp", half=True)
    if A.numel() == 0:
        return A.clone()
    return A.exp() if A.size(-1) == 1 else _MatrixExp.call(A)


@public("linalg_matrix_power", first="input", strict=False, api="matrix_power")
def matrix_power(input, n):
    """The n-th power of square matrices by repeated squaring; for n < 0 of the inverse.

    input: [..., m, m]. Raises LinAlgError for a negative power of a singular matrix.

    >>> torch.linalg.matrix_power(torch.tensor([[1., 1.], [0., 1.]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    A = input
    check_square(A, "linalg.matrix_power")
    if n == 0:
        return torch.eye(A.size(-1), dtype=A.dtype, device=A.device).expand(A.shape).clone()
    if n < 0:
        A, n = inv(A), -n
    if n == 1:
        return A.clone()
    if n == 3:
        return (A @ A) @ A
    result = None
    while n:
        if n & 1:
            result = A if result is None else result @ A
        n >>= 1
        if n:
            A = A @ A
    return result


# ---- equations of tensors ----


def _product(sizes):
    result = 1
    for s in sizes:
        result *= s
    return result


@public("linalg_tensorinv", first="input", strict=False, api="tensorinv")
def tensorinv(input, ind=2):
    """The inverse of tensordot(A, ., dims=ind): of `input` read as a matrix whose rows are its first
    `ind` dimensions. Its shape is A.shape[ind:] + A.shape[:ind].

    Raises RuntimeError unless the two groups of dimensions have as many elements, or for a singular
    matrix LinAlgError.

    >>> torch.linalg.tensorinv(torch.eye(4).reshape(2, 2, 2, 2)).shape
    torch.Size([2, 2, 2, 2])
    """
    check(ind > 0, f"Expected a strictly positive integer for 'ind', but got {ind}")
    shape = tuple(input.shape)
    check(ind <= len(shape), f"ArrayRef: invalid slice, N = {ind}; size = {len(shape)}")
    rows, columns = _product(shape[:ind]), _product(shape[ind:])
    check(
        rows == columns,
        "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
        f"but got {columns} != {rows}",
    )
    inverse, info = inv_ex(input.reshape(rows, columns))
    check_info(info, "inv")
    return inverse.reshape(shape[ind:] + shape[:ind])


@public("linalg_tensorsolve", first="input", strict=False, api="tensorsolve")
def tensorsolve(input, other, dims=None):
    """X with tensordot(A, X, dims=X.dim()) = B: A read as a matrix whose rows are B's dimensions.

    input: shape B.shape + X.shape, after moving the dimensions `dims` to the end; other: B. Raises
    RuntimeError unless the matrix is square, LinAlgError if it is singular.

    >>> torch.linalg.tensorsolve(torch.eye(4).reshape(2, 2, 4), torch.ones(2, 2))
    tensor([1., 1., 1., 1.])
    """
    check_tensor(other, "linalg_tensorsolve", "other", 2)
    A, B = input, other
    if dims is not None:
        dims = [dims] if isinstance(dims, int) else list(dims)
        A = A.movedim(dims, list(range(A.dim() - len(dims), A.dim())))
    check(B.dim() <= A.dim(), "cannot create std::vector larger than max_size()")
    shape = A.shape[B.dim() :]
    rows, columns = B.numel(), _product(shape)
    check(
        rows == columns,
        "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
        f"prod(self.shape[:other.ndim]), but got {columns} != {rows}",
    )
    return solve(A.reshape(rows, columns), B.flatten()).reshape(shape)


# ---- products ----


def _check_same_dtype(x, y, name):
    check(
        x.dtype == y.dtype,
        f"{name}: Expected x and y to have the same dtype, but found x of type {type_name(x)} and y "
        f"of type {type_name(y)} instead",
    )


@public(
    "linalg_vecdot",
    first="x",
    strict="linalg.vecdot: Expected out of dtype%W but found %G",
)
def vecdot(x, y, *, dim=-1):
    """The sum of conj(x) * y along a dimension; other dimensions broadcast. Floating or complex.

    >>> torch.linalg.vecdot(torch.tensor([1., 2.]), torch.tensor([3., 4.]))
    tensor(11.)
    """
    check_tensor(y, "linalg_vecdot", "y", 2)
    check_floating(x, "linalg.vecdot", half=True)
    _check_same_dtype(x, y, "linalg.vecdot")
    if x.dim() == 1 and y.dim() == 1:
        return torch.vdot(x, y)
    return (x.conj() * y).sum(dim)


@lru_cache(256)
def _cheapest_order(sizes):
    """Where to split a chain of matrices sizes[i] x sizes[i + 1]: {(first, last): last of the left}
    (dynamic programming, Cormen et al., "Introduction to Algorithms", 15.2)."""
    n = len(sizes) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return split


def _check_chain(tensors):
    check_tensor_list("linalg_multi_dot", tensors)
    last = len(tensors) - 1
    check(last > 0, f"multi_dot(): expected at least 2 tensors but got {last + 1}")
    for i, t in enumerate(tensors):
        if i in (0, last):
            check(
                t.dim() in (1, 2),
                f"multi_dot(): the {'last' if i else 'first'} tensor must be 1D or 2D but got {t.dim()}D",
            )
        else:
            check(t.dim() == 2, f"multi_dot(): tensor {i} must be 2D but got {t.dim()}D")
        check(
            t.dtype == tensors[0].dtype,
            "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
            f"{tensors[0].dtype._c_name} and tensor {i} {t.dtype._c_name}",
        )


def multi_dot(tensors, *, out=None):
    """The product of a chain of matrices, multiplied in the cheapest order.

    Two or more matrices of one dtype, any but bool; the first may be a vector, taken as a row, the
    last one, taken as a column: the dimension put in is left out of the result. Raises RuntimeError
    for fewer than two tensors, other dimensions, dtypes that differ or sizes that do not fit.

    >>> torch.linalg.multi_dot([torch.ones(2, 3), torch.ones(3, 4), torch.ones(4)])
    tensor([12., 12.])
    """
    _check_chain(tensors)
    parts = list(tensors)
    if tensors[0].dim() == 1:
        parts[0] = tensors[0].unsqueeze(0)
    if tensors[-1].dim() == 1:
        parts[-1] = tensors[-1].unsqueeze(1)
    for i, (left, right) in enumerate(zip(parts, parts[1:], strict=False)):
        check(
            left.size(1) == right.size(0),
            f"multi_dot(): tensors {i} and {i + 1} with shapes {list(left.shape)} and "
            f"{list(right.shape)} cannot be multiplied",
        )
    split = _cheapest_order(tuple([t.size(0) for t in parts] + [parts[-1].size(1)]))

    def product(i, j):
        if i == j:
            return parts[i]
        k = split[i, j]
        return product(i, k).mm(product(k + 1, j))

    sizes = [*tensors[0].shape[:-1], *tensors[-1].shape[1:]]
    result = product(0, len(parts) - 1).reshape(sizes)
    if out is None:
        return result
    wrong = "multi_dot(): expected out tensor to have dtype %w but got %g"
    return write_out("multi_dot", out, result, wrong)


@public("linalg_cross", first="input")
def cross(input, other, *, dim=-1):
    """The cross product of vectors of 3 along a dimension; other dimensions broadcast.

    Raises RuntimeError for other lengths, or unequal numbers of dimensions.

    >>> torch.linalg.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    check_tensor(other, "linalg_cross", "other", 2)
    a, b = input, other
    if a.dim() == b.dim() == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    check(a.dim() == b.dim(), "linalg.cross: inputs must have the same number of dimensions.")
    check(
        a.size(dim) == 3 and b.size(dim) == 3,
        f"linalg.cross: inputs dimension {dim} must have length 3. Got {a.size(dim)} and "
        f"{b.size(dim)}",
    )
    shape = (torch.empty(a.shape, device="meta") + torch.empty(b.shape, device="meta")).shape
    if a.dtype == torch.bool:
        raise NotImplementedError("\"cross\" not implemented for 'Bool'")
    check_scalar_type(a.dtype, b.dtype)
    a, b = a.expand(shape), b.expand(shape)
    return a.roll(-1, dim) * b.roll(1, dim) - a.roll(1, dim) * b.roll(-1, dim)


@public("cross", first="input")
def old_cross(input, other, dim=None):
    """linalg.cross, along the first dimension of size 3 if `dim` is None.

    Two tensors that broadcast, of size 3 along `dim`; any numeric dtype. Raises RuntimeError where
    no dimension has size 3.

    >>> torch.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0]), dim=0)
    tensor([0, 0, 1])
    """
    check_tensor(other, "cross", "other", 2)
    if dim is None:
        warn_once(
            "cross",
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the "
            "dim explicitly or simply use torch.linalg.cross.",
        )
        dim = next((d for d, size in enumerate(input.shape) if size == 3), None)
        check(dim is not None, "no dimension of size 3 in input")
    return cross(input, other, dim=dim)


@public("linalg_diagonal", out=False)
def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonal of matrices, a view: torch.diagonal with the last two dimensions as default.

    [..., m, n] gives [..., k]; any dtype. Raises IndexError for fewer than two dimensions,
    RuntimeError for one dimension named twice.

    >>> torch.linalg.diagonal(torch.eye(2))
    tensor([1., 1.])
    """
    return torch.diagonal(A, offset=offset, dim1=dim1, dim2=dim2)


@public("linalg_vander", first="x", out=False)
def vander(x, N=None):
    """The Vandermonde matrix: the powers 0 to N - 1 of each element, [..., n] to [..., n, N].

    N defaults to n. Raises RuntimeError for N < 2 and for bools and half types.

    >>> torch.linalg.vander(torch.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [1, 2, 4],
            [1, 3, 9]])
    """
    check(
        x.dtype not in (torch.bool, torch.float16, torch.bfloat16),
        "linalg.vander supports floating point, complex, and integer tensors, but got "
        f"{type_name(x)}",
    )
    check(x.dim() > 0 or N is not None, "N must be greater than 1.")
    n = x.size(-1) if N is None else N
    check(n > 1, "N must be greater than 1.")
    x = x.reshape(1, 1) if x.dim() == 0 else x.unsqueeze(-1)
    powers = x.expand(*x.shape[:-1], n - 1).cumprod(-1)
    return torch.cat([torch.ones_like(x, dtype=powers.dtype), powers], -1)


def matmul(input, other, *, out=None):
    """torch.matmul.

    Shapes, dtypes and errors are those of `torch.matmul`.

    >>> torch.linalg.matmul(torch.eye(2), torch.ones(2))
    tensor([1., 1.])
    """
    return torch.matmul(input, other) if out is None else torch.matmul(input, other, out=out)
