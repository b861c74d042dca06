"""Hermitian matrices without eigenvalues: Cholesky and LDL factorisations and their solvers."""

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
    public,
    type_name,
)
from ._triangular import check_old_solve, triangular


class _Cholesky(Operation):
    """dL = L h(L^-1 dA L^-H), h the lower triangle with half the diagonal (Murray 2016,
    "Differentiation of the Cholesky decomposition"); its adjoint, made Hermitian, is the gradient."""

    _node_name = "LinalgCholeskyExBackward0"

    @staticmethod
    def forward(ctx, A, upper):
        L, info = lapack._potrf(A, upper)
        ctx.save_for_backward(L)
        ctx.upper = upper
        return L, info

    @staticmethod
    def backward(ctx, g, _):
        (L,) = ctx.saved_tensors
        if ctx.upper:
            L, g = L.mH, g.mH
        middle = (L.mH @ g).tril()
        middle = 0.5 * (middle + middle.tril(-1).mH)
        left = triangular(L.mH, middle, True)
        return triangular(L, left, False, left=False), None


def _cholesky(A, upper, name):
    check_square(A, name)
    if name == "linalg.cholesky":
        check_floating(A, name, half=True)
    check_kernel(A, "cholesky_cpu")
    return _Cholesky.call(A, bool(upper))


@public("linalg_cholesky_ex", first="input")
def cholesky_ex(input, *, upper=False, check_errors=False):
    """(L, info): linalg.cholesky that reports a matrix that is not positive-definite in `info`
    (int32, the batch's shape: the order of the first bad minor) instead of raising.

    A: [..., n, n], floating or complex; only the lower triangle is read (with `upper` the other).
    With `check_errors` a bad matrix raises LinAlgError. Differentiable.

    >>> torch.linalg.cholesky_ex(torch.tensor([[1.0, 2.0], [2.0, 1.0]])).info
    tensor(2, dtype=torch.int32)
    """
    L, info = _cholesky(input, upper, "linalg.cholesky")
    if check_errors:
        check_info(info, "linalg.cholesky_ex")
    return return_types.linalg_cholesky_ex((L, info))


@public("linalg_cholesky", first="input")
def cholesky(input, *, upper=False):
    """The lower triangle L with A = L L^H of a Hermitian positive-definite A (LAPACK potrf); with
    `upper` the U with A = U^H U.

    A: [..., n, n], floating or complex; only its lower triangle is read (with `upper` the other).
    Raises LinAlgError if A is not positive-definite. The gradient is Hermitian.

    >>> torch.linalg.cholesky(torch.tensor([[4., 2.], [2., 10.]]))
    tensor([[2., 0.],
            [1., 3.]])
    """
    L, info = _cholesky(input, upper, "linalg.cholesky")
    check_info(info, "linalg.cholesky")
    return L


@public("cholesky", strict=False, first="input")
def old_cholesky(input, upper=False):
    """linalg.cholesky under its old name.

    A: [..., n, n], floating or complex. Raises LinAlgError if A is not positive-definite.

    >>> torch.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    deprecated("cholesky", "cholesky",
               "L = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\n"
               "U = torch.cholesky(A, upper=True)\nshould be replaced with\nU = "
               "torch.linalg.cholesky(A).mH\nThis transform will produce equivalent results for all "
               "valid (symmetric positive definite) inputs.")  # fmt: skip
    L, info = _cholesky(input, upper, "cholesky")
    check_info(info, "cholesky")
    return L


class _CholeskySolve(Operation):
    """With A = L L^H: the gradient by A is -gB X^H, of which L's follows; as in PyTorch it is not
    restricted to the triangle."""

    _node_name = "CholeskySolveBackward0"

    @staticmethod
    def forward(ctx, B, L, upper):
        lower = L.mH if upper else L
        X = triangular(lower.mH, triangular(lower, B, False), True)
        ctx.save_for_backward(L, X)
        ctx.upper = upper
        return X

    @staticmethod
    def backward(ctx, g):
        L, X = ctx.saved_tensors
        gB, gL = _CholeskySolve.call(g, L, ctx.upper), None
        if ctx.needs_input_grad[1]:
            gL = _factor_gradient(-gB @ X.mH, L, ctx.upper)
        return gB, gL, None


def _factor_gradient(gA, L, upper):
    """The gradient of L from that of A = L L^H, or of U from A = U^H U."""
    gA = gA + gA.mH
    return L @ gA if upper else gA @ L


@public("cholesky_solve", strict=False, first="input")
def cholesky_solve(input, L, upper=False):
    """X with A X = B from A's Cholesky factor: L L^H, or L^H L if `upper`.

    B (input): [..., n, k], L: [..., n, n]; batches broadcast. Raises RuntimeError for shapes or
    dtypes that do not fit.

    >>> torch.cholesky_solve(torch.tensor([[8.]]), torch.tensor([[2.]]))
    tensor([[2.]])
    """
    check_tensor(L, "cholesky_solve", "input2", 2)
    for letter, t in (("b", input), ("u", L)):
        check(
            t.dim() >= 2,
            f"{letter} should have at least 2 dimensions, but has {t.dim()} dimensions instead",
        )
    check_old_solve(input, L, "cholesky_solve")
    L, B = broadcast_batches(L, input)
    check_kernel(L, "cholesky_solve_cpu")
    return _CholeskySolve.call(B, L, bool(upper))


class _CholeskyInverse(Operation):
    _node_name = "CholeskyInverseBackward0"

    @staticmethod
    def forward(ctx, L, upper):
        identity = torch.eye(L.size(-1), dtype=L.dtype, device=L.device).expand(L.shape)
        inverse = triangular(L.mH if upper else L, identity, False)
        X = inverse.mH @ inverse
        ctx.save_for_backward(L, X)
        ctx.upper = upper
        return X

    @staticmethod
    def backward(ctx, g):
        L, X = ctx.saved_tensors
        return _factor_gradient(-X @ g @ X, L, ctx.upper), None


@public("cholesky_inverse", strict=False, first="input")
def cholesky_inverse(input, upper=False):
    """The inverse of A from its Cholesky factor: L L^H, or L^H L if `upper`.

    L (input): [..., n, n]. Raises LinAlgError for a zero on the diagonal.

    >>> torch.cholesky_inverse(torch.tensor([[2.]]))
    tensor([[0.2500]])
    """
    check_square(input, "cholesky_inverse")
    check_kernel(input, "cholesky_inverse_out_cpu")
    zeros = input.detach().diagonal(dim1=-2, dim2=-1) == 0
    if not zeros.is_meta and zeros.any():
        first = (zeros.int().argmax(-1) + 1) * zeros.any(-1)
        check_info(first.int(), "cholesky_inverse")
    return _CholeskyInverse.call(input, bool(upper))


# ---- LDL ----


class _Ldl(Operation):
    _node_name = "NotImplemented"

    @staticmethod
    def forward(ctx, A, hermitian):
        LD, pivots, info = lapack._sytrf(A, hermitian)
        return LD.tril(), pivots, info

    @staticmethod
    def backward(ctx, *_):
        raise RuntimeError("derivative for linalg_ldl_factor_ex is not implemented")


def _ldl(A, hermitian):
    check_square(A, "torch.linalg.ldl_factor_ex")
    check_floating(A, "torch.linalg.ldl_factor_ex", half=True)
    check_kernel(A, "ldl_factor_kernel_cpu")
    return _Ldl.call(A, bool(hermitian))


@public("linalg_ldl_factor_ex", first="input")
def ldl_factor_ex(input, *, hermitian=False, check_errors=False):
    """(LD, pivots, info): linalg.ldl_factor that reports a singular D in `info` (int32, the batch's
    shape) instead of raising, unless `check_errors`.

    A: [..., n, n], floating or complex; only the lower triangle is read. `hermitian` takes complex
    matrices for Hermitian, else they are symmetric. Not differentiable.

    >>> LD, pivots, info = torch.linalg.ldl_factor_ex(torch.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> LD
    tensor([[2.0000, 0.0000],
            [0.5000, 1.5000]])
    >>> info
    tensor(0, dtype=torch.int32)
    """
    LD, pivots, info = _ldl(input, hermitian)
    if check_errors:
        check_info(info, "torch.linalg.ldl_factor_ex")
    return return_types.linalg_ldl_factor_ex((LD, pivots, info))


@public("linalg_ldl_factor", first="input")
def ldl_factor(input, *, hermitian=False):
    """(LD, pivots): A = L D L^T of a symmetric A, D with blocks of one and two (Bunch and Kaufman
    1977; LAPACK sytrf), packed; with `hermitian` L D L^H.

    A: [..., n, n], only its lower triangle is read; pivots: int32 [..., n], negative for the rows of
    blocks of two. Not differentiable. Raises RuntimeError for a singular D.

    >>> torch.linalg.ldl_factor(torch.tensor([[4., 2.], [2., 10.]])).LD.tril()
    tensor([[4.0000, 0.0000],
            [0.5000, 9.0000]])
    """
    LD, pivots, info = _ldl(input, hermitian)
    check_info(info, "torch.linalg.ldl_factor")
    return return_types.linalg_ldl_factor((LD, pivots))


@public("linalg_ldl_solve", first="LD")
def ldl_solve(LD, pivots, B, *, hermitian=False):
    """X with A X = B from ldl_factor's (LD, pivots).

    LD: [..., n, n], B: [..., n, k]; batches broadcast. Not differentiable.

    Raises RuntimeError for shapes or dtypes that do not fit.

    >>> A = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
    >>> torch.linalg.ldl_solve(*torch.linalg.ldl_factor(A), torch.tensor([[3.0], [3.0]]))
    tensor([[1.],
            [1.]])
    """
    check_tensor(B, "linalg_ldl_solve", "B", 3)
    name = "torch.linalg.ldl_solve"
    check_square(LD, name)
    check_floating(LD, name, half=True)
    check_old_solve(B, LD, name)
    check(
        LD.shape[:-1] == pivots.shape,
        f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
        f"{list(pivots.shape)} instead",
    )
    check(
        not (pivots.is_floating_point() or pivots.is_complex() or pivots.dtype == torch.bool),
        f"{name}: Expected pivots to be integers. Got {type_name(pivots)}",
    )
    LD, B = broadcast_batches(LD, B)
    check_kernel(LD, "ldl_solve_kernel_cpu")
    pivots = pivots.int().expand(LD.shape[:-1])
    return lapack._sytrs(LD.detach(), pivots, B.detach(), bool(hermitian))
