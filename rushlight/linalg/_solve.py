"""Linear systems of square matrices, and inverses."""

import rushlight as torch

from .. import return_types
from ._common import (
    Operation,
    broadcast_batches,
    check,
    check_floating,
    check_info,
    check_kernel,
    check_square,
    check_tensor,
    lapack,
    public,
    type_name,
)
from ._triangular import check_equation


class _Solve(Operation):
    """B has the whole batch; A may be one matrix for several of it."""

    _node_name = "LinalgSolveExBackward0"

    @staticmethod
    def forward(ctx, A, B):
        LU, pivots, info = lapack._getrf(A)
        LU, pivots = _for_batch(LU, pivots, B)
        X = lapack._getrs(LU, pivots, B)
        ctx.save_for_backward(A, X, LU, pivots)
        return X, info

    @staticmethod
    def backward(ctx, g, _):
        A, X, LU, pivots = ctx.saved_tensors
        if torch.is_grad_enabled():  # through A, not through its factors
            gB = _Solve.call(A.mH, g)[0]
        else:
            gB = lapack._getrs(LU, pivots, g, True)
        return -gB @ X.mH if ctx.needs_input_grad[0] else None, gB


def solve_differentiably(A, B):
    """X with A X = B, without checks."""
    return _Solve.call(A, B)[0]


def _for_batch(LU, pivots, B):
    """Factors expanded to B's batch, each factorised once."""
    batch = B.shape[:-2]
    if LU.shape[:-2] == batch:
        return LU, pivots
    return LU.expand(*batch, *LU.shape[-2:]), pivots.expand(*batch, pivots.size(-1))


def is_vector(A, B):
    """Does B hold vectors, [n] or one for each matrix of A's batch, [..., n]?"""
    return B.dim() == 1 or (A.dim() - 1 == B.dim() and B.shape == A.shape[:-1])


def _solve(A, B, left, name="linalg.solve"):
    check_floating(A, name, half=True)
    check(
        A.dtype == B.dtype,
        f"{name}: Expected A and B to have the same dtype, but found A of type {type_name(A)} and B "
        f"of type {type_name(B)} instead",
    )
    vector = is_vector(A, B)
    B = B.unsqueeze(-1) if vector else B
    check_equation(A, B, left, name)
    check(
        left or not vector,
        f"{name}: Vector broadcasting of the left hand side is not supported for left=False. In "
        "this case linalg.solve is equivalent to B / A.squeeze(-1)",
    )
    check_kernel(A, "lu_cpu")
    B = broadcast_batches(A, B)[1]
    if left:
        X, info = _Solve.call(A, B)
        return X.squeeze(-1) if vector else X, info
    X, info = _Solve.call(A.mT, B.mT)
    return X.mT, info


@public("linalg_solve_ex")
def solve_ex(A, B, *, left=True, check_errors=False):
    """(X, info): linalg.solve that reports a singular matrix in `info` (int32, the batch's shape)
    instead of raising, unless `check_errors`.

    A: [..., n, n], B: [..., n, k], [..., n] or [n]; floating or complex. Differentiable.

    >>> torch.linalg.solve_ex(torch.eye(2) * 2, torch.tensor([2.0, 4.0]))
    torch.return_types.linalg_solve_ex(
    result=tensor([1., 2.]),
    info=tensor(0, dtype=torch.int32))
    """
    check_tensor(B, "linalg_solve_ex", "B", 2)
    X, info = _solve(A, B, left)
    if check_errors:
        check_info(info, "torch.linalg.solve_ex")
    return return_types.linalg_solve_ex((X, info))


@public("linalg_solve")
def solve(A, B, *, left=True):
    """X with A X = B, or X A = B if not `left`, by LU with partial pivoting (LAPACK getrf, getrs).

    A: [..., n, n], B: [..., n, k], [..., n] or [n]; floating or complex, batches broadcast. Raises
    LinAlgError for a singular matrix and RuntimeError for shapes or dtypes that do not fit. Faster
    and more accurate than inv(A) @ B.

    >>> torch.linalg.solve(torch.tensor([[2., 0.], [0., 4.]]), torch.tensor([1., 2.]))
    tensor([0.5000, 0.5000])
    """
    check_tensor(B, "linalg_solve", "B", 2)
    X, info = _solve(A, B, left)
    check_info(info, "torch.linalg.solve")
    return X


class _Inverse(Operation):
    _node_name = "LinalgInvExBackward0"

    @staticmethod
    def forward(ctx, A):
        LU, pivots, info = lapack._getrf(A)
        identity = torch.eye(A.size(-1), dtype=A.dtype, device=A.device).expand(A.shape)
        X = lapack._getrs(LU, pivots, identity)
        ctx.save_for_backward(X)
        return X, info

    @staticmethod
    def backward(ctx, g, _):
        (X,) = ctx.saved_tensors
        return -X.mH @ (g @ X.mH)


def _inverse(A):
    check_square(A, "linalg.inv")
    check_floating(A, "linalg.inv")
    return _Inverse.call(A)


@public("linalg_inv_ex")
def inv_ex(A, *, check_errors=False):
    """(inverse, info): linalg.inv that reports a singular matrix in `info` (int32, the batch's
    shape) instead of raising, unless `check_errors`.

    A: [..., n, n], floating or complex. Raises RuntimeError for other matrices. Differentiable.

    >>> torch.linalg.inv_ex(torch.zeros(2, 2)).info
    tensor(1, dtype=torch.int32)
    """
    X, info = _inverse(A)
    if check_errors:
        check_info(info, "linalg.inv_ex")
    return return_types.linalg_inv_ex((X, info))


@public("linalg_inv")
def inv(A):
    """The inverse of square matrices. To solve a system, linalg.solve is better.

    A: [..., n, n], floating or complex. Raises LinAlgError for a singular matrix.

    >>> torch.linalg.inv(torch.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    X, info = _inverse(A)
    check_info(info, "linalg.inv")
    return X


@public("inverse", first="input")
def inverse(input):
    """linalg.inv under its old name.

    A: [..., n, n], floating or complex. Raises LinAlgError for a singular matrix.

    >>> torch.inverse(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return inv(input)
