"""Linear systems: triangular and general solvers, inverses, LU factorisations, determinants.

Not here: symmetric matrices (_cholesky.py) and least squares (_qr.py).
"""

import rushlight as torch

from .. import return_types
from ._common import (
    Operation,
    broadcast_batches,
    check,
    check_floating,
    check_info,
    check_kernel,
    check_matrix,
    check_square,
    check_tensor,
    deprecated,
    lapack,
    needs_grad,
    public,
    type_name,
)

# ---- triangular systems ----


class _SolveTriangular(Operation):
    _node_name = "LinalgSolveTriangularBackward0"

    @staticmethod
    def forward(ctx, A, B, upper, left, unit):
        X = lapack._trsm(A, B, upper, left, unit)
        ctx.save_for_backward(A, X)
        ctx.options = upper, left, unit
        return X

    @staticmethod
    def backward(ctx, g):
        A, X = ctx.saved_tensors
        upper, left, unit = ctx.options
        gA = None
        gB = triangular(A.mH, g, not upper, left, unit)
        if ctx.needs_input_grad[0]:
            gA = -(gB @ X.mH if left else X.mH @ gB)
            gA = gA.triu(int(unit)) if upper else gA.tril(-int(unit))
        return gA, gB, None, None, None


def triangular(A, B, upper, left=True, unit=False):
    """solve_triangular without its checks: batches are expanded to the same, sizes fit."""
    return _SolveTriangular.call(*broadcast_batches(A, B), upper, left, unit)


def _check_equation(A, B, left, name):
    check_square(A, name)
    check_matrix(B, name, "B")
    if A.size(-1) != B.size(-2 if left else -1):
        shapes = "{}x{} and {}x{}".format(*A.shape[-2:], *B.shape[-2:])
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} ({shapes})"
        )


@public("linalg_solve_triangular", first="input")
def solve_triangular(input, B, *, upper, left=True, unitriangular=False):
    """X with A X = B, or X A = B if not `left`, for a triangular A: one substitution, no
    factorisation (BLAS trsm).

    A: [..., n, n], B: [..., n, k] (or [..., k, n]), floating or complex; batches broadcast. Only
    the triangle that `upper` names is read, without its diagonal if `unitriangular`. A zero on the
    diagonal gives infinities, not an error. Raises RuntimeError for shapes that do not fit.

    >>> A = torch.tensor([[2., 0.], [1., 4.]])
    >>> torch.linalg.solve_triangular(A, torch.tensor([[2.], [9.]]), upper=False)
    tensor([[1.],
            [2.]])
    """
    check_tensor(B, "linalg_solve_triangular", "B", 2)
    _check_equation(input, B, left, "linalg.solve_triangular")
    A, B = broadcast_batches(input, B)
    check_kernel(A, "triangular_solve_cpu")
    check(A.dtype == B.dtype, f"expected scalar type {type_name(A)} but found {type_name(B)}")
    return _SolveTriangular.call(A, B, bool(upper), bool(left), bool(unitriangular))


def check_old_solve(b, A, name):
    """The checks of triangular_solve and cholesky_solve."""
    check(
        b.dtype == A.dtype,
        "Expected b and A to have the same dtype, but found b of type "
        f"{type_name(b)} and A of type {type_name(A)} instead.",
    )
    m, n = A.shape[-2:]
    check(m == n, f"A must be batches of square matrices, but they are {m} by {n} matrices")
    rows, columns = b.shape[-2:]
    check(
        rows == n,
        f"Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix is "
        f"{rows} by {columns}",
    )


@public("triangular_solve", strict=False, first="input")
def triangular_solve(input, A, upper=True, transpose=False, unitriangular=False):
    """(X, A) with A X = b, or A^T X = b: the old form of linalg.solve_triangular.

    >>> torch.triangular_solve(torch.ones(1, 1), torch.tensor([[2.]])).solution
    tensor([[0.5000]])
    """
    check_tensor(A, "triangular_solve", "A", 2)
    deprecated("triangular_solve", "solve_triangular",
               "torch.linalg.solve_triangular has its arguments reversed and does not return a "
               "copy of one of the inputs.\nX = torch.triangular_solve(B, A).solution\nshould be "
               "replaced with\nX = torch.linalg.solve_triangular(A, B).")  # fmt: skip
    for letter, t in (("b", input), ("A", A)):
        check(
            t.dim() >= 2,
            f"torch.triangular_solve: Expected {letter} to have at least 2 dimensions, but it has "
            f"{t.dim()} dimensions instead",
        )
    check_old_solve(input, A, "triangular_solve")
    A, b = broadcast_batches(A, input)
    check_kernel(A, "triangular_solve_cpu")
    turned = A.mT if transpose else A
    X = _SolveTriangular.call(turned, b, bool(upper) != bool(transpose), True, bool(unitriangular))
    return return_types.triangular_solve((X, A.clone()))


# ---- LU factorisation ----


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
    check(pivot, f"{name}: LU without pivoting is not implemented on the CPU")
    check_kernel(A, "lu_cpu")
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
    """(LU, pivots), as lu_factor_ex gives them; RuntimeError where U has a zero on its diagonal."""
    LU, pivots, info = _factor(A, pivot, "linalg.lu_factor", "torch.lu_factor")
    check_info(info, "torch.linalg.lu_factor")
    return return_types.linalg_lu_factor((LU, pivots))


def _permutation_matrix(pivots, rows, dtype):
    """P with A = P L U."""
    order = lapack._pivots_to_permutation(pivots, rows)
    P = torch.zeros(*order.shape, rows, dtype=dtype)
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
    check(pivot, "linalg.lu: LU without pivoting is not implemented on the CPU")
    check_kernel(A, "lu_cpu")
    return return_types.linalg_lu(_Lu.call(A))


@public("lu_unpack", first="input")
def lu_unpack(input, LU_pivots, unpack_data=True, unpack_pivots=True):
    """(P, L, U) of what lu_factor packed; what is not asked for comes empty.

    LU_data: [..., m, n]; LU_pivots: int32 [..., min(m, n)]. Raises RuntimeError for pivots of
    another dtype or shape.
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
    none = torch.empty(0, dtype=input.dtype)
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
    check_floating(LU, name)
    check(
        LU.dtype == B.dtype,
        f"{name}: Expected LU and B to have the same dtype, but found LU of type {type_name(LU)} "
        f"and B of type {type_name(B)} instead",
    )
    check(
        pivots.dtype == torch.int32, f"{name}: pivots should be a Tensor of scalar type torch.int32"
    )
    check_square(LU, name, "LU")
    _check_equation(LU, B, left, name)
    check(
        LU.size(-1) == pivots.size(-1),
        f"{name}: Number of pivots per batch should be same as the dimension of the matrix",
    )
    check(
        LU.shape[:-1] == pivots.shape,
        f"{name}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
        f"{list(pivots.shape)} instead",
    )
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


# ---- general systems ----


class _Solve(Operation):
    _node_name = "LinalgSolveExBackward0"

    @staticmethod
    def forward(ctx, A, B):
        LU, pivots, info = lapack._getrf(A)
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


def _is_vector(A, B):
    """Does B hold vectors, [n] or one for each matrix of A's batch, [..., n]?"""
    return B.dim() == 1 or (A.dim() - 1 == B.dim() and B.shape == A.shape[:-1])


def _solve(A, B, left, name="linalg.solve"):
    check_floating(A, name)
    check(
        A.dtype == B.dtype,
        f"{name}: Expected A and B to have the same dtype, but found A of type {type_name(A)} and B "
        f"of type {type_name(B)} instead",
    )
    vector = _is_vector(A, B)
    check(
        left or not vector,
        f"{name}: Vector broadcasting of the left hand side is not supported for left=False. In "
        "this case linalg.solve is equivalent to B / A.squeeze(-1)",
    )
    B = B.unsqueeze(-1) if vector else B
    _check_equation(A, B, left, name)
    A, B = broadcast_batches(A, B)
    if left:
        X, info = _Solve.call(A, B)
        return X.squeeze(-1) if vector else X, info
    X, info = _Solve.call(A.mT, B.mT)
    return X.mT, info


@public("linalg_solve_ex")
def solve_ex(A, B, *, left=True, check_errors=False):
    """(X, info): linalg.solve that reports a singular matrix in `info` (int32, the batch's shape)
    instead of raising, unless `check_errors`."""
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
        identity = torch.eye(A.size(-1), dtype=A.dtype).expand(A.shape)
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
    shape) instead of raising, unless `check_errors`."""
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


# ---- determinants ----


def _exchanges(pivots):
    """-1 where an odd number of rows was exchanged, else 1 (int64, the batch's shape)."""
    rows = torch.arange(1, pivots.size(-1) + 1, dtype=torch.int32)
    return 1 - (pivots != rows).sum(-1) % 2 * 2


def _adjugate(A, g):
    """g times the adjugate of A^H, for any A: by singular values (Higham, "What is the adjugate of
    a matrix?", 2020). The product of all singular values but one is differentiable at zeros."""
    from ._spectral import svd

    U, S, Vh = svd(A)
    n = S.size(-1)
    others = S.unsqueeze(-2).expand(*S.shape, n).masked_fill(torch.eye(n, dtype=torch.bool), 1)
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
            return _Solve.call(A.mH, d)[0]
        return lapack._getrs(LU, pivots, d, True)


def _scaled_identity(A, scale):
    return scale.unsqueeze(-1).expand(A.shape[:-1]).diag_embed()


@public("linalg_det")
def det(A):
    """The determinant of square matrices, [..., n, n] to [...], by LU factorisation.

    Floating or complex; may overflow where linalg.slogdet does not. Its gradient det(A)^* A^-H is
    continued to singular matrices by the adjugate.

    >>> torch.linalg.det(torch.tensor([[1., 2.], [3., 5.]]))
    tensor(-1.)
    """
    check_square(A, "linalg.det")
    if A.dtype not in (torch.float16, torch.bfloat16):
        check_floating(A, "linalg.det")
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
            return _Solve.call(A.mH, d)[0]
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


@public("logdet", first="input")
def logdet(input):
    """The logarithm of the determinant: NaN where that is negative, -inf where it is zero."""
    sign, logabs = _slogdet(input, "logdet")
    if input.is_complex():
        return sign.log() + logabs
    return torch.where(sign == -1, float("nan"), logabs)


# ---- old names ----


def _old_lu(A, pivot=True, get_infos=False, out=None):
    """(LU, pivots), or (LU, pivots, info): the old form of linalg.lu_factor."""
    deprecated("lu", "lu_factor", "")
    LU, pivots, info = _factor(A, pivot, "linalg.lu_factor", "torch.lu_factor")
    if get_infos:
        result = return_types._lu_with_info((LU, pivots, info))
    else:
        check_info(info, "torch.linalg.lu_factor")
        result = (LU, pivots)
    if out is None:
        return result
    from ._common import write_out

    return write_out("lu", out, result)


@public("lu_solve", strict=False, first="input")
def old_lu_solve(input, LU_data, LU_pivots):
    """linalg.lu_solve with the right hand side first."""
    deprecated(
        "lu_solve", "lu_solve", "Note that torch.linalg.lu_solve has its arguments reversed."
    )
    return lu_solve(LU_data, LU_pivots, input)


@public("slogdet", first="input")
def old_slogdet(input):
    """linalg.slogdet under its old name."""
    return return_types.slogdet(_slogdet(input, "linalg.slogdet"))
