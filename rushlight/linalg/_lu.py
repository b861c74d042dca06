"""LU factorisation and the solver on its factors."""

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
    deprecated,
    lapack,
    needs_grad,
    public,
    type_name,
)
from ._triangular import check_equation, triangular


def _permute(order, X):
    """Rows of X in an order; P^T X for the P of an LU factorisation."""
    return X.gather(-2, order.unsqueeze(-1).expand(X.shape))


def _permute_back(order, X):
    return _permute(order.argsort(-1), X)


def lu_gradient(order, L, U, gL, gU):
    """The gradient of A = P L U from those of L and U, either of which may be None.

    With k = min(m, n), 1 for the leading k x k blocks and 2 for the rest (de Hoog, Anderssen, Lukas
    2011, "Differentiation of matrix functionals using triangular factorization"): the square part's
    gradient is L1^-H (tril(L1^H gL1 - gU2 U2^H, -1) + triu(gU1 U1^H - L2^H gL2)) U1^-H.
    """
    m, n = L.size(-2), U.size(-1)
    k = L.size(-1)
    gL = torch.zeros_like(L) if gL is None else gL
    gU = torch.zeros_like(U) if gU is None else gU
    L1, L2, gL1, gL2 = L[..., :k, :], L[..., k:, :], gL[..., :k, :], gL[..., k:, :]
    U1, U2, gU1, gU2 = U[..., :k], U[..., k:], gU[..., :k], gU[..., k:]
    lower, upper = L1.mH @ gL1, gU1 @ U1.mH
    if n > k:
        lower = lower - gU2 @ U2.mH
    if m > k:
        upper = upper - L2.mH @ gL2
    middle = lower.tril(-1) + upper.triu()
    if n > k:
        middle = torch.cat([middle, gU2], -1)
    if m > k:
        g = triangular(U1.mH, middle, False, left=False)
        g = torch.cat([g, triangular(U1.mH, gL2, False, left=False)], -2)
        g = torch.cat([triangular(L1.mH, g[..., :k, :], True, unit=True), g[..., k:, :]], -2)
    else:
        g = triangular(L1.mH, middle, True, unit=True)
        left = triangular(U1.mH, g[..., :k], False, left=False)
        g = torch.cat([left, g[..., k:]], -1)
    return _permute_back(order, g)


def _split_lu(LU):
    """L with ones on its diagonal, and U, of a packed factorisation."""
    m, n = LU.shape[-2:]
    k = min(m, n)
    L = LU[..., :k].tril(-1)
    return L + torch.eye(m, k, dtype=LU.dtype, device=LU.device), LU[..., :k, :].triu()


class _LuFactor(Operation):
    _node_name = "LinalgLuFactorExBackward0"

    @staticmethod
    def forward(ctx, A):
        LU, pivots, info = lapack._getrf(A)
        ctx.save_for_backward(LU, pivots)
        return LU, pivots, info

    @staticmethod
    def backward(ctx, g, *_):
        LU, pivots = ctx.saved_tensors
        L, U = _split_lu(LU)
        k = L.size(-1)
        order = lapack._pivots_to_permutation(pivots, LU.size(-2))
        return lu_gradient(order, L, U, g[..., :k], g[..., :k, :])


def _factor(A, pivot, name, message):
    check(
        A.dim() >= 2,
        f"{message}: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead",
    )
    check_kernel(A, "lu_cpu")
    check(pivot, f"{name}: LU without pivoting is not implemented on the CPU")
    return _LuFactor.call(A)


@public("linalg_lu_factor_ex")
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """(LU, pivots, info): the factors of A = P L U packed in one matrix (LAPACK getrf).

    A: [..., m, n], floating or complex. pivots: int32 [..., min(m, n)], from 1: row i was exchanged
    with row pivots[i]. info: int32 [...], 0 or the index from 1 of a zero on U's diagonal, which
    raises RuntimeError if `check_errors`. Raises RuntimeError for pivot=False.

    >>> LU, pivots, info = torch.linalg.lu_factor_ex(torch.tensor([[1., 2.], [2., 2.]]))
    >>> LU, pivots
    (tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]]), tensor([2, 2], dtype=torch.int32))
    """
    LU, pivots, info = _factor(A, pivot, "linalg.lu_factor", "torch.lu_factor")
    if check_errors:
        check_info(info, "torch.linalg.lu_factor_ex")
    return return_types.linalg_lu_factor_ex((LU, pivots, info))


@public("linalg_lu_factor")
def lu_factor(A, *, pivot=True):
    """(LU, pivots), as lu_factor_ex gives them; RuntimeError where U has a zero on its diagonal.

    A: [..., m, n], floating or complex. Solves many systems with `lu_solve` at the cost of one
    factorisation. Differentiable.

    >>> LU, pivots = torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> LU
    tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]])
    >>> pivots
    tensor([2, 2], dtype=torch.int32)
    """
    LU, pivots, info = _factor(A, pivot, "linalg.lu_factor", "torch.lu_factor")
    check_info(info, "torch.linalg.lu_factor")
    return return_types.linalg_lu_factor((LU, pivots))


def _permutation_matrix(pivots, rows, dtype):
    """P with A = P L U."""
    order = lapack._pivots_to_permutation(pivots, rows)
    P = torch.zeros(*order.shape, rows, dtype=dtype, device=order.device)
    return P.scatter_(-2, order.unsqueeze(-2), 1) if P.numel() else P


class _Lu(Operation):
    _node_name = "LinalgLuBackward0"

    @staticmethod
    def forward(ctx, A):
        ctx.set_materialize_grads(False)
        LU, pivots, _ = lapack._getrf(A)
        L, U = _split_lu(LU)
        P = _permutation_matrix(pivots, A.size(-2), A.dtype)
        ctx.save_for_backward(pivots, L, U)
        ctx.mark_non_differentiable(P)
        return P, L, U

    @staticmethod
    def backward(ctx, _, gL, gU):
        pivots, L, U = ctx.saved_tensors
        order = lapack._pivots_to_permutation(pivots, L.size(-2))
        return lu_gradient(order, L, U, gL, gU)


@public("linalg_lu")
def lu(A, *, pivot=True):
    """(P, L, U) with A = P L U: a permutation, a unit lower and an upper triangle.

    A: [..., m, n]; L: [..., m, k], U: [..., k, n] with k = min(m, n). Raises RuntimeError for
    pivot=False. See lu_factor for the packed form that solvers take.

    >>> P, L, U = torch.linalg.lu(torch.tensor([[1., 2.], [2., 2.]]))
    >>> P @ L @ U
    tensor([[1., 2.],
            [2., 2.]])
    """
    check(
        A.dim() >= 2,
        f"linalg.lu: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead",
    )
    check_kernel(A, "lu_cpu")
    check(pivot, "linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return return_types.linalg_lu(_Lu.call(A))


@public("lu_unpack", first="input")
def lu_unpack(input, LU_pivots, unpack_data=True, unpack_pivots=True):
    """(P, L, U) of what lu_factor packed; what is not asked for comes empty.

    LU_data: [..., m, n]; LU_pivots: int32 [..., min(m, n)]. Raises RuntimeError for pivots of
    another dtype or shape.

    >>> A = torch.tensor([[1.0, 2.0], [2.0, 2.0]])
    >>> P, L, U = torch.lu_unpack(*torch.linalg.lu_factor(A))
    >>> torch.equal(P @ L @ U, A)
    True
    """
    m, n = input.shape[-2:]
    check(
        not unpack_pivots or LU_pivots.dtype == torch.int32,
        "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
        "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor",
    )
    if unpack_pivots:
        check(
            LU_pivots.shape == (*input.shape[:-2], min(m, n)),
            "lu_unpack: Expected LU_pivots to have the shape of LU_data without its last "
            "dimension, min(m, n) long",
        )
    none = torch.empty(0, dtype=input.dtype, device=input.device)
    P = _permutation_matrix(LU_pivots, m, input.dtype) if unpack_pivots else none
    L, U = _split_lu(input) if unpack_data else (none, none)
    return return_types.lu_unpack((P, L, U))


@public("linalg_lu_solve", first="LU")
def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """X with A X = B (or X A = B, A^H X = B, X A^H = B) from lu_factor's (LU, pivots).

    LU: [..., n, n], B: [..., n, k]; batches broadcast. Raises RuntimeError for shapes, dtypes or
    pivots that do not come from lu_factor.

    >>> A = torch.tensor([[1., 2.], [2., 2.]])
    >>> torch.linalg.lu_solve(*torch.linalg.lu_factor(A), torch.tensor([[3.], [4.]]))
    tensor([[1.],
            [1.]])
    """
    check_tensor(B, "linalg_lu_solve", "B", 3)
    name = "linalg.lu_solve"
    check_floating(LU, "torch.linalg.lu_solve", half=True)
    check(
        LU.dtype == B.dtype,
        f"{name}: Expected LU and B to have the same dtype, but found LU of type {type_name(LU)} "
        f"and B of type {type_name(B)} instead",
    )
    check(
        pivots.dtype == torch.int32, f"{name}: pivots should be a Tensor of scalar type torch.int32"
    )
    check_square(LU, "torch.linalg.lu_solve")
    check_equation(LU, B, left, name)
    check(
        LU.size(-1) == pivots.size(-1),
        f"{name}: Number of pivots per batch should be same as the dimension of the matrix",
    )
    check(
        LU.shape[:-1] == pivots.shape,
        f"{name}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
        f"{list(pivots.shape)} instead",
    )
    check_kernel(LU, "lu_solve_cpu")
    return _lu_solve(LU, pivots, B, left, adjoint)


def _lu_solve(LU, pivots, B, left=True, adjoint=False):
    if not left:  # X A = B is A^H X^H = B^H
        return _lu_solve(LU, pivots, B.mH, True, not adjoint).mH
    LU, B = broadcast_batches(LU, B)
    pivots = pivots.expand(LU.shape[:-1])
    if not needs_grad(LU, B):
        return lapack._getrs(LU, pivots, B, adjoint)
    order = lapack._pivots_to_permutation(pivots, LU.size(-1))
    if adjoint:
        X = triangular(LU.mH, B, False)  # U^H
        return _permute_back(order, triangular(LU.mH, X, True, unit=True))  # L^H
    X = triangular(LU, _permute(order, B), False, unit=True)
    return triangular(LU, X, True)


@public("_lu_with_info", first="input", strict=None)
def old_lu(A, pivot=True, get_infos=False):
    """(LU, pivots), or (LU, pivots, info): the old form of linalg.lu_factor; nothing is raised for
    singular matrices.

    A: [..., m, n], floating or complex; pivots: int32 [..., min(m, n)], counted from 1; info: int32
    [...]. Raises RuntimeError for pivot=False. Differentiable.

    >>> torch.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))[0]
    tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]])
    """
    deprecated("lu", "lu_factor / torch.linalg.lu_factor_ex", "")
    result = _factor(A, pivot, "linalg.lu_factor", "torch.lu_factor")
    return return_types._lu_with_info(result) if get_infos else tuple(result[:2])


@public("lu_solve", first="input")
def old_lu_solve(input, LU_data, LU_pivots):
    """linalg.lu_solve with the right hand side first.

    B (input): [..., n, k], LU: [..., n, n]; batches broadcast. Raises RuntimeError for shapes,
    dtypes or pivots that do not come from lu_factor.

    >>> A = torch.tensor([[1.0, 2.0], [2.0, 2.0]])
    >>> torch.lu_solve(torch.tensor([[3.0], [4.0]]), *torch.linalg.lu_factor(A))
    tensor([[1.],
            [1.]])
    """
    deprecated(
        "lu_solve", "lu_solve", "Note that torch.linalg.lu_solve has its arguments reversed."
    )
    return lu_solve(LU_data, LU_pivots, input)
