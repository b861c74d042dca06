"""Determinants."""

import rushlight as torch

from .. import return_types
from ._common import (
    Operation,
    check_floating,
    check_kernel,
    check_square,
    lapack,
    public,
)
from ._solve import solve, solve_differentiably
from ._spectral import svd


def _exchanges(pivots):
    """-1 where an odd number of rows was exchanged, else 1 (int64, the batch's shape)."""
    rows = torch.arange(1, pivots.size(-1) + 1, dtype=torch.int32, device=pivots.device)
    return 1 - (pivots != rows).sum(-1) % 2 * 2


def _adjugate(A, g):
    """g times the adjugate of A^H, for any A: by singular values (Higham, "What is the adjugate of
    a matrix?", 2020). The product of all singular values but one is differentiable at zeros."""
    U, S, Vh = svd(A)
    n = S.size(-1)
    others = (
        S.unsqueeze(-2)
        .expand(*S.shape, n)
        .masked_fill(torch.eye(n, dtype=torch.bool, device=S.device), 1)
    )
    alpha = (det(U) * det(Vh)).conj() * g
    return (U * (alpha.unsqueeze(-1) * others.prod(-1)).unsqueeze(-2)) @ Vh


class _Det(Operation):
    _node_name = "LinalgDetBackward0"

    @staticmethod
    def forward(ctx, A):
        LU, pivots, _ = lapack._getrf(A)
        result = LU.diagonal(dim1=-2, dim2=-1).prod(-1) * _exchanges(pivots)
        ctx.save_for_backward(A, result, LU, pivots)
        return result

    @staticmethod
    def backward(ctx, g):
        A, result, LU, pivots = ctx.saved_tensors
        singular = result == 0
        if singular.any():
            if singular.all():
                return _adjugate(A, g)
            parts = torch.zeros_like(A)
            parts = parts.index_put((singular,), _adjugate(A[singular], g[singular]))
            rest = ~singular
            regular = solve(A[rest].mH, _scaled_identity(A[rest], (g * result.conj())[rest]))
            return parts.index_put((rest,), regular)
        d = _scaled_identity(A, g * result.conj())
        if torch.is_grad_enabled():
            return solve_differentiably(A.mH, d)
        return lapack._getrs(LU, pivots, d, True)


def _scaled_identity(A, scale):
    return scale.unsqueeze(-1).expand(A.shape[:-1]).diag_embed()


@public("linalg_det")
def det(A):
    """The determinant of square matrices, [..., n, n] to [...], by LU factorisation.

    Floating or complex; may overflow where linalg.slogdet does not. Its gradient det(A)^* A^-H is
    continued to singular matrices by the adjugate.

    >>> torch.linalg.det(torch.tensor([[2., 1.], [0., 3.]]))
    tensor(6.)
    """
    check_square(A, "linalg.det")
    check_floating(A, "linalg.det", half=True)
    check_kernel(A, "lu_cpu")
    return _Det.call(A)


class _Slogdet(Operation):
    _node_name = "LinalgSlogdetBackward0"

    @staticmethod
    def forward(ctx, A):
        ctx.set_materialize_grads(False)
        LU, pivots, _ = lapack._getrf(A)
        diagonal = LU.diagonal(dim1=-2, dim2=-1)
        sign = diagonal.sgn().prod(-1) * _exchanges(pivots)
        logabs = diagonal.abs().log().sum(-1)
        ctx.save_for_backward(A, sign, LU, pivots)
        return sign, logabs

    @staticmethod
    def backward(ctx, gsign, glogabs):
        A, sign, LU, pivots = ctx.saved_tensors
        g = torch.zeros_like(sign) if glogabs is None else glogabs
        if A.is_complex() and gsign is not None:
            g = g + 1j * (sign.conj() * gsign).imag
        d = _scaled_identity(A, g.to(A.dtype))
        if torch.is_grad_enabled():
            return solve_differentiably(A.mH, d)
        return lapack._getrs(LU, pivots, d, True)


def _slogdet(A, name):
    check_square(A, name)
    check_floating(A, name)
    return _Slogdet.call(A)


@public("linalg_slogdet")
def slogdet(A):
    """(sign, logabsdet) with det(A) = sign * exp(logabsdet); (0, -inf) for singular matrices.

    A: [..., n, n], floating or complex (then sign has modulus 1); logabsdet is real.

    >>> torch.linalg.slogdet(torch.tensor([[0., 2.], [3., 5.]])).sign
    tensor(-1.)
    """
    return return_types.linalg_slogdet(_slogdet(A, "linalg.slogdet"))


@public("logdet", first="input", out=False)
def logdet(input):
    """The logarithm of the determinant: NaN where that is negative, -inf where it is zero.

    A: [..., n, n], floating or complex; the result is [...]. Raises RuntimeError for other matrices. For large
    ones it does not overflow as `det` does. Differentiable.

    >>> torch.logdet(torch.diag(torch.tensor([2.0, 3.0])))
    tensor(1.7918)
    """
    sign, logabs = _slogdet(input, "logdet")
    if input.is_complex():
        return sign.log() + logabs
    return torch.where(sign == -1, float("nan"), logabs)


@public("slogdet", first="input")
def old_slogdet(input):
    """linalg.slogdet under its old name.

    A: [..., n, n], floating or complex; both results are [...].

    >>> torch.slogdet(torch.diag(torch.tensor([1.0, -1.0])))
    torch.return_types.slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.))
    """
    return return_types.slogdet(_slogdet(input, "linalg.slogdet"))


@public("det", first="input", out=False)
def old_det(input):
    """linalg.det under its old name.

    A: [..., n, n], floating or complex; the result is [...].

    >>> torch.det(torch.tensor([[2.0, 1.0], [0.0, 3.0]]))
    tensor(6.)
    """
    return det(input)
