"""Norms, and what is decided by singular values: condition numbers, ranks, pseudoinverses."""

import rushlight as torch

from .. import _C
from ._common import (
    LinAlgError,
    Operation,
    check,
    check_floating,
    check_matrix,
    check_square,
    public,
    type_name,
)
from ._solve import inv_ex
from ._spectral import eigh, eigvalsh, svd, svdvals

_inf = float("inf")
_vector_norm = _C._linalg.vector_norm

# ---- norms ----


@public("linalg_vector_norm", first="x", strict=True)
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """sum(abs(x)**ord)**(1/ord) over `dim`, or over all elements; inf and -inf are the largest and
    the smallest modulus, 0 counts what is not zero.

    x: floating or complex, the result is real. Raises RuntimeError for an empty dimension and a norm
    without identity.

    >>> torch.linalg.vector_norm(torch.tensor([3., 4.]))
    tensor(5.)
    """
    return _vector_norm(x, ord, dim, keepdim, dtype=dtype)


def _two_dims(A, dim):
    check(
        not isinstance(dim, int) and len(dim) == 2,
        "linalg.matrix_norm: dim must be a 2-tuple. Got "
        + (str(dim) if isinstance(dim, int) else " ".join(map(str, dim))),
    )
    n = A.dim()
    for d in dim:
        if not -n <= d < n:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {d})"
            )
    first, second = (d % n for d in dim)
    check(first != second, f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    return first, second


def _check_dtype(dtype, A, name):
    if dtype is None:
        return
    check(
        dtype.is_floating_point or dtype.is_complex,
        f"{name}: dtype should be floating point or complex, but got {type_name(dtype)}",
    )
    check(
        dtype.is_complex == A.is_complex(),
        f"{name}: dtype should be {'complex' if A.is_complex() else 'real'} for "
        f"{'complex' if A.is_complex() else 'real'} inputs, but got {type_name(dtype)}",
    )
    check(
        torch.promote_types(A.dtype, dtype) == dtype,
        f"{name}: the dtype of the input ({type_name(A)}) should be convertible without narrowing "
        f"to the specified dtype ({type_name(dtype)})",
    )


def _extreme(values, dim, largest):
    """The largest or smallest along a dimension; the largest of none is 0."""
    if not largest:
        return values.amin(dim)
    return values.amax(dim) if values.size(dim) else values.sum(dim)


@public(
    "linalg_matrix_norm",
    first="input",
    strict="linalg.matrix_norm expected out tensor dtype %W but got: %G",
    overloads=2,
)
def matrix_norm(input, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """A norm of matrices: "fro" the root of the sum of squares, "nuc" the sum of singular values, 2
    and -2 the largest and smallest of them, 1 and -1 the largest and smallest sum of moduli in a
    column, inf and -inf in a row.

    input: [..., m, n], floating or complex, the matrices in the two dimensions `dim`; the result is
    real. Raises RuntimeError for another `ord`, or dimensions that are equal.

    >>> torch.linalg.matrix_norm(torch.tensor([[1., 2.], [3., 4.]]), 1)
    tensor(6.)
    """
    A = input
    if isinstance(ord, str):
        check(ord in ("fro", "nuc"), f"linalg.matrix_norm: Order {ord} not supported.")
    else:
        check(abs(ord) in (1, 2, _inf), f"linalg.matrix_norm: Order {ord:g} not supported.")
    by_values = ord == "nuc" or ord in (2, -2)
    check_matrix(A, "linalg.matrix_norm")
    check_floating(A, "linalg.matrix_norm", half=not by_values)
    _check_dtype(dtype, A, "linalg.matrix_norm")
    rows, columns = _two_dims(A, dim)
    if ord == "fro":
        return _vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype)
    if by_values:
        A = A if dtype is None else A.to(dtype)
        S = svdvals(A.movedim((rows, columns), (-2, -1)))
        result = S.sum(-1) if ord == "nuc" else _extreme(S, -1, ord > 0)
    else:
        if abs(ord) == _inf:
            rows, columns = columns, rows
        sums = _vector_norm(A, 1, rows, dtype=dtype)
        columns -= columns > rows
        result = _extreme(sums, columns, ord > 0)
    if keepdim:
        for d in sorted((rows, columns + (columns >= rows) * (not by_values))):
            result = result.unsqueeze(d)
    return result


@public(
    "linalg_norm",
    first="input",
    strict="linalg.norm expected out tensor dtype %W but got: %G",
    overloads=2,
)
def norm(input, ord=None, dim=None, keepdim=False, *, dtype=None):
    """A norm of vectors, or of matrices where `dim` has two entries, or `ord` is given and `dim` is
    not and `input` has two dimensions. Without `ord` the root of the sum of squares.

    See vector_norm and matrix_norm. Raises RuntimeError for an `ord` that needs one or two dimensions
    and finds others.

    >>> torch.linalg.norm(torch.tensor([[1., 2.], [3., 4.]]), "nuc").round(decimals=4)
    tensor(5.8310)
    """
    A = input
    dim = (dim,) if isinstance(dim, int) else dim
    if ord is not None:
        check(
            dim is None or len(dim) in (1, 2),
            f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim or ())}",
        )
        check(
            dim is not None or A.dim() in (1, 2),
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{A.dim()}D.",
        )
        if isinstance(ord, str) or (A.dim() == 2 if dim is None else len(dim) == 2):
            return matrix_norm(A, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)
    return _vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


# ---- condition number ----


@public("linalg_cond", first="input", strict=False, api="linalg.cond", overloads=2)
def cond(input, p=None):
    """The condition number of matrices in a norm: norm(A, p) * norm(inv(A), p), with p None or 2 (-2)
    the quotient of the largest (smallest) and the smallest (largest) singular value.

    input: [..., m, n], square but for p None, 2, -2; the result is real, infinite for a singular
    matrix. Raises RuntimeError for a p that matrix_norm does not know.

    >>> torch.linalg.cond(torch.tensor([[2., 0.], [0., 8.]]))
    tensor(4.)
    """
    A = input
    if not isinstance(p, str):
        check(A.dim() >= 2, "linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is None or (not isinstance(p, str) and abs(p) == 2):
        S = svdvals(A)
        largest, smallest = S[..., :1].squeeze(-1), S[..., -1:].squeeze(-1)
        if A.numel() == 0:
            return torch.zeros(A.shape[:-2], dtype=S.dtype, device=S.device)
        return smallest / largest if p == -2 else largest / smallest
    word = p if isinstance(p, str) else f"{p:g}"
    if isinstance(p, str):
        check_square(A, f"linalg.cond(ord={word})")
    known = p in ("fro", "nuc") if isinstance(p, str) else abs(p) in (1, _inf)
    check(known, f"linalg.cond got an invalid norm type: {word}")
    check_square(A, f"linalg.cond(ord={word})")
    if p == "nuc":
        S = svdvals(A)
        return S.sum(-1) * S.reciprocal().sum(-1)
    check_floating(A, "linalg.inv")
    if A.numel() == 0:
        return torch.zeros(A.shape[:-2], dtype=A.dtype.to_real(), device=A.device)
    inverse, info = inv_ex(A)
    product = matrix_norm(A, p) * matrix_norm(inverse, p)
    return torch.where(info == 0, product, _inf) if not info.is_meta and info.any() else product


# ---- rank and pseudoinverse ----


def _tolerance(A, atol, rtol, largest, name):
    """What counts as zero: the larger of atol and rtol times the largest value, [..., 1]."""
    for word, value in (("atol", atol), ("rtol", rtol)):
        check(
            not isinstance(value, torch.Tensor) or not value.is_complex(),
            f"{name}: {word} tensor of complex type is not supported.",
        )
    default = torch.finfo(A.dtype).eps * max(A.shape[-2:])
    if rtol is None:
        if isinstance(atol, torch.Tensor):
            rtol = torch.where(atol > 0, 0.0, default)
        else:
            rtol = 0.0 if atol else default
    bounds = [
        v.to(largest.dtype).unsqueeze(-1) if isinstance(v, torch.Tensor) else v
        for v in (0.0 if atol is None else atol, rtol)
    ]
    relative = bounds[1] * largest
    if isinstance(bounds[0], torch.Tensor):
        return torch.maximum(bounds[0], relative)
    return relative.clamp(min=bounds[0])


@public("linalg_matrix_rank", first="input", strict=False, overloads=1)
def matrix_rank(input, tol=None, hermitian=False, *, atol=None, rtol=None):
    """The number of singular values above a tolerance, int64, [..., m, n] to [...]: the larger of
    `atol` and `rtol` times the largest of them.

    rtol defaults to the dtype's epsilon times max(m, n), or to 0 if atol is above 0; both may be
    tensors that broadcast with the batch. `hermitian` takes eigenvalues instead, which is faster.

    >>> torch.linalg.matrix_rank(torch.tensor([[1., 2.], [2., 4.]]))
    tensor(1)
    """
    A = input.detach()
    check_matrix(A, "torch.linalg.matrix_rank", "input")
    check(
        A.dtype in (torch.float32, torch.float64, torch.complex64, torch.complex128),
        "This function doesn't handle types other than float and double",
    )
    if tol is not None:
        atol, rtol = tol, 0.0
    if A.numel() == 0:
        return torch.zeros(A.shape[:-2], dtype=torch.int64, device=A.device)
    S = eigvalsh(A).abs() if hermitian else svdvals(A)
    limit = _tolerance(A, atol, rtol, S.amax(-1, True), "torch.linalg.matrix_rank")
    return (S > limit).sum(-1)


def pinv_gradient(g, P, A):
    """The gradient of A from that of its pseudoinverse P (Golub and Pereyra 1973, "The
    differentiation of pseudo-inverses and nonlinear least squares problems")."""
    m, n = A.shape[-2:]
    Ph, gh = P.mH, g.mH
    if m <= n:
        K = gh @ P
        KPh = K @ Ph
        return -(P @ K).mH + KPh - (A @ P) @ KPh + (Ph @ P) @ (gh - K @ A)
    K = P @ gh
    PhK = Ph @ K
    return -(K @ P).mH + ((gh - A @ K) @ P) @ Ph + PhK - (PhK @ P) @ A


class _Pinv(Operation):
    _node_name = "LinalgPinvBackward0"

    @staticmethod
    def forward(ctx, A, atol, rtol, hermitian):
        if hermitian:
            S, U = eigh(A)
            size, V = S.abs(), U
        else:
            U, S, Vh = svd(A, False)
            size, V = S, Vh.mH
        limit = _tolerance(A, atol, rtol, size.amax(-1, True), "torch.linalg.pinv")
        scale = torch.where(size > limit, 1 / S, 0.0)
        P = V @ (scale.unsqueeze(-1) * U.mH)
        ctx.save_for_backward(A, P)
        return P

    @staticmethod
    def backward(ctx, g):
        A, P = ctx.saved_tensors
        return pinv_gradient(g, P, A), None, None, None


@public("linalg_pinv", first="input", strict=False, api="linalg.pinv", overloads=1)
def pinv(input, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """The pseudoinverse, [..., m, n] to [..., n, m]: 1 / s for the singular values s above a
    tolerance, 0 for the rest (Moore 1920, Penrose 1955). `hermitian` takes eigenvalues instead.

    Floating or complex; the tolerance is as in matrix_rank, and its gradient holds where the rank is
    constant. For least squares use linalg.lstsq.

    >>> torch.linalg.pinv(torch.tensor([[2., 0.], [0., 0.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    A = input
    if isinstance(rcond, bool):
        rcond, hermitian = None, rcond
    if A.dim() < 2 or A.dtype not in (
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
    ):
        raise RuntimeError(
            f"linalg.pinv({type_name(A)}{{{list(A.shape)}}}): expected a tensor with 2 or more "
            "dimensions of float, double, cfloat or cdouble types"
        )
    rtol = rcond if rtol is None else rtol
    if A.numel() == 0:
        return torch.zeros(*A.shape[:-2], A.size(-1), A.size(-2), dtype=A.dtype, device=A.device)
    if hermitian:
        check_square(A, "linalg.eigh")
    return _Pinv.call(A, atol, rtol, bool(hermitian))


@public("pinverse", first="input", out=False)
def pinverse(input, rcond=1e-15):
    """linalg.pinv under its old name; rcond is its rtol.

    A: [..., m, n], floating or complex; the result is [..., n, m]. Singular values below `rcond`
    times the largest count as zero. Differentiable.

    >>> torch.pinverse(torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    return pinv(input, rtol=rcond)


__all__ = ["LinAlgError", "cond", "matrix_norm", "matrix_rank", "norm", "pinv", "vector_norm"]
