"""Eigenvalues and singular values."""

import rushlight as torch

from .. import return_types
from ._common import (
    Operation,
    check,
    check_floating,
    check_info,
    check_kernel,
    check_matrix,
    check_square,
    lapack,
    needs_grad,
    public,
    type_name,
)
from ._solve import solve


def _diagonal(X):
    return X.diagonal(dim1=-2, dim2=-1)


def _gaps(values):
    """E with E[i, j] = values[j] - values[i], and 1 on the diagonal."""
    gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
    return gaps + torch.eye(gaps.size(-1), dtype=gaps.dtype, device=gaps.device)


def _check_phase(imaginary, scale, name, what):
    """Vectors are only known up to a factor e^(i phi): a loss that feels it has no gradient."""
    tolerance = 1e-2 * scale.abs().clamp(max=1) + 1e-2
    check(
        bool((imaginary.abs() <= tolerance).all()),
        f"{name}_backward: The {what} in the complex case are specified up to multiplication by "
        "e^{i phi}. The specified loss function depends on this quantity, so it is ill-defined.",
    )


# ---- general matrices ----


class _Eig(Operation):
    """gA = V^-H ((V^H gV - V^H V diag(re diag V^H gV)) / E^* + diag(gL)) V^H, E the differences of
    the eigenvalues (Boeddeker et al. 2017, "On the computation of complex-valued gradients")."""

    _node_name = "LinalgEigBackward0"

    @staticmethod
    def forward(ctx, A):
        ctx.set_materialize_grads(False)
        L, V, info = lapack._geev(A)
        check(
            info.is_meta or not bool((info < 0).any()),
            "torch.linalg.eig: input tensor should not contain infs or NaNs.",
        )
        check_info(info, "linalg.eig")
        ctx.save_for_backward(L, V)
        ctx.real = not A.is_complex()
        return L, V

    @staticmethod
    def backward(ctx, gL, gV):
        L, V = ctx.saved_tensors
        if gL is None and gV is None:
            return None
        if gV is None:
            g = gL.unsqueeze(-1) * V.mH
        else:
            inner = V.mH @ gV
            d = _diagonal(inner)
            _check_phase(d.detach().imag, d.detach(), "linalg_eig", "eigenvectors")
            middle = (inner - V.mH @ V * d.real.unsqueeze(-2)) / _gaps(L).conj()
            middle = middle - _diagonal(middle).diag_embed()
            if gL is not None:
                middle = middle + gL.diag_embed()
            g = middle @ V.mH
        gA = solve(V.mH, g)
        return gA.real if ctx.real else gA


def _check_eig(A, name):
    check_square(A, name)
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(f"Unknown Complex ScalarType for {type_name(A)}")
    check_kernel(A, "linalg_eig_out_cpu")


@public("linalg_eig", strict=False, first="input", api="torch.linalg.eig")
def eig(input):
    """(eigenvalues, eigenvectors) of any square matrix: A V = V diag(L) (LAPACK geev).

    A: [..., n, n]; L: [..., n] and V: [..., n, n] are complex, V's columns have norm 1. The order of
    the eigenvalues and the vectors' phases are LAPACK's. Raises RuntimeError for infinities and NaN.
    The gradient needs distinct eigenvalues and a loss that does not depend on the phases.

    >>> torch.linalg.eig(torch.tensor([[2., 0.], [0., 3.]])).eigenvalues
    tensor([2.+0.j, 3.+0.j])
    """
    _check_eig(input, "linalg.eig")
    return return_types.linalg_eig(_Eig.call(input))


@public(
    "linalg_eigvals", strict=False, first="input", api="torch.linalg.eigvals", word="eigenvalues"
)
def eigvals(input):
    """The eigenvalues of any square matrix, complex: [..., n, n] to [..., n]; see eig.

    Floating or complex; a real matrix has them in conjugate pairs, in no order. Raises LinAlgError
    if the algorithm does not converge, RuntimeError for what is not square or finite.
    Differentiable.

    >>> torch.linalg.eigvals(torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
    tensor([0.+1.j, 0.-1.j])
    """
    _check_eig(input, "linalg.eigvals")
    if needs_grad(input):
        return _Eig.call(input)[0]
    L, _, info = lapack._geev(input, False)
    check(
        info.is_meta or not bool((info < 0).any()),
        "torch.linalg.eig: input tensor should not contain infs or NaNs.",
    )
    check_info(info, "linalg.eigvals")
    return L


# ---- Hermitian matrices ----


class _Eigh(Operation):
    """gA = V ((V^H gV) / E + diag(gL)) V^H, E the differences of the eigenvalues (Giles 2008,
    "Collected matrix derivative results for forward and reverse mode AD", 3.1)."""

    _node_name = "LinalgEighBackward0"

    @staticmethod
    def forward(ctx, A, upper):
        ctx.set_materialize_grads(False)
        L, V, info = lapack._syevd(A, upper)
        check_info(info, "linalg.eigh")
        ctx.save_for_backward(L, V)
        return L, V

    @staticmethod
    def backward(ctx, gL, gV):
        L, V = ctx.saved_tensors
        if gL is None and gV is None:
            return None, None
        if gV is None:
            return (V * gL.unsqueeze(-2)) @ V.mH, None
        inner = V.mH @ gV
        if V.is_complex():
            d = _diagonal(inner).detach()
            _check_phase(d.imag, d, "linalg_eigh", "eigenvectors")
        middle = 0.5 * _skew(inner) / _gaps(L)
        middle = middle - _diagonal(middle).diag_embed()
        if gL is not None:
            middle = middle + gL.to(V.dtype).diag_embed()
        return V @ middle @ V.mH, None


def _upper(UPLO):
    check(
        isinstance(UPLO, str) and UPLO.upper() in ("L", "U"),
        f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}",
    )
    return UPLO.upper() == "U"


@public("linalg_eigh", first="input")
def eigh(input, UPLO="L"):
    """(eigenvalues, eigenvectors) of a Hermitian matrix: A = V diag(L) V^H (LAPACK syevd).

    A: [..., n, n], of which only the triangle UPLO is read; L: real, ascending, [..., n]; V: [..., n,
    n], unitary, its phases LAPACK's. Raises LinAlgError where there is no convergence, as with NaN.
    The gradient of V needs distinct eigenvalues and a loss that does not depend on the phases.

    >>> torch.linalg.eigh(torch.tensor([[2., 1.], [1., 2.]])).eigenvalues.round(decimals=4)
    tensor([1., 3.])
    """
    check_square(input, "linalg.eigh")
    upper = _upper(UPLO)
    check_kernel(input, "linalg_eigh_cpu")
    return return_types.linalg_eigh(_Eigh.call(input, upper))


@public("linalg_eigvalsh", first="input")
def eigvalsh(input, UPLO="L"):
    """The eigenvalues of a Hermitian matrix, ascending: [..., n, n] to real [..., n]; see eigh.

    Floating or complex; only the lower triangle is read, or the upper one if UPLO is "U". Raises
    RuntimeError for what is not square. Its gradient is right where eigenvalues repeat too.

    >>> torch.linalg.eigvalsh(torch.tensor([[2.0, 1.0], [1.0, 2.0]])).round()
    tensor([1., 3.])
    """
    check_square(input, "linalg.eigh")
    upper = _upper(UPLO)
    check_kernel(input, "linalg_eigh_cpu")
    if needs_grad(input):
        return _Eigh.call(input, upper)[0]
    L, _, info = lapack._syevd(input, upper, False)
    check_info(info, "linalg.eigh")
    return L


# ---- singular values ----


def _skew(X):
    return X - X.mH


class _Svd(Operation):
    """Townsend 2016, "Differentiating the singular value decomposition"; Wan and Zhang 2019 for
    complex matrices. E holds the differences of squared singular values."""

    _node_name = "LinalgSvdBackward0"

    @staticmethod
    def forward(ctx, A, full):
        ctx.set_materialize_grads(False)
        U, S, Vh, info = lapack._gesdd(A, full)
        check_info(info, "linalg.svd")
        ctx.save_for_backward(U, S, Vh)
        return U, S, Vh

    @staticmethod
    def backward(ctx, gU, gS, gVh):
        U, S, Vh = ctx.saved_tensors
        k = S.size(-1)
        if gU is None and gS is None and gVh is None:
            return None, None
        U, Vh = U[..., :k], Vh[..., :k, :]
        if gU is None and gVh is None:
            return (U * gS.unsqueeze(-2)) @ Vh, None
        gU = gU if gU is None else gU[..., :k]
        gV = gVh if gVh is None else gVh[..., :k, :].mH
        return _svd_gradient(U, S, Vh.mH, gU, gS, gV), None


def _svd_gradient(U, S, V, gU, gS, gV):
    k, E = S.size(-1), _gaps(S * S)
    left = torch.zeros_like(E) if gU is None else U.mH @ gU
    right = torch.zeros_like(E) if gV is None else V.mH @ gV
    if U.is_complex():
        phase = (_diagonal(left) + _diagonal(right)).detach()
        _check_phase(phase.imag, phase, "svd", "singular vectors")
    middle = (_skew(left) / E) * S.unsqueeze(-2) + S.unsqueeze(-1) * (_skew(right) / E)
    middle = middle - _diagonal(middle).diag_embed()
    if U.is_complex() and gU is not None:
        middle = middle + (1j * _diagonal(left).imag / S).diag_embed()
    if gS is not None:
        middle = middle + gS.to(middle.dtype).diag_embed()
    # What of gU and gV stands outside the spaces that U and V span.
    if gU is not None and U.size(-2) > k:
        gA = (U @ middle + (gU - U @ left) / S.unsqueeze(-2)) @ V.mH
    else:
        gA = U @ middle @ V.mH
    if gV is not None and V.size(-2) > k:
        gA = gA + U @ ((gV - V @ right) / S.unsqueeze(-2)).mH
    return gA


def _check_svd(A, driver):
    check_matrix(A, "linalg.svd")
    check_floating(A, "linalg.svd", half=True)
    check(
        driver is None,
        "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
        "cuSOLVER backend.",
    )
    check_kernel(A, "linalg_svd_cpu")


@public("linalg_svd")
def svd(A, full_matrices=True, *, driver=None):
    """(U, S, Vh) with A = U diag(S) Vh, U and V unitary, S descending (LAPACK gesdd).

    A: [..., m, n], floating or complex, k = min(m, n). U: [..., m, m] and Vh: [..., n, n], or [..., m,
    k] and [..., k, n] without `full_matrices`; S: real, [..., k]. Signs and phases are LAPACK's.
    Raises LinAlgError where there is no convergence or A is not finite; RuntimeError for a `driver`,
    which is for GPUs. The gradient needs distinct singular values and, for U and Vh, a loss that does
    not depend on the phases nor on more than k columns.

    >>> torch.linalg.svd(torch.tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    _check_svd(A, driver)
    return return_types.linalg_svd(_Svd.call(A, bool(full_matrices)))


@public("linalg_svdvals")
def svdvals(A, *, driver=None):
    """The singular values, descending: [..., m, n] to real [..., min(m, n)]; see svd.

    Floating or complex. Their gradient is stable where vectors' is not. `driver` names a routine of
    CUDA's. Raises RuntimeError for fewer than two dimensions.

    >>> torch.linalg.svdvals(torch.diag(torch.tensor([2.0, -3.0])))
    tensor([3., 2.])
    """
    _check_svd(A, driver)
    if needs_grad(A):
        return _Svd.call(A, False)[1]
    _, S, _, info = lapack._gesdd(A, False, False)
    check_info(info, "linalg.svd")
    return S


@public("svd", first="input")
def old_svd(input, some=True, compute_uv=True):
    """(U, S, V) with A = U diag(S) V^H: linalg.svd under its old name, with V instead of Vh; zeros for
    U and V without `compute_uv`.

    A: [..., m, n], floating or complex; U: [..., m, k], S: real [..., k], V: [..., n, k] with k =
    min(m, n), or all of U and V without `some`. Raises RuntimeError for fewer than two dimensions.

    >>> torch.svd(torch.diag(torch.tensor([2.0, -3.0]))).S
    tensor([3., 2.])
    """
    check(
        input.dim() >= 2,
        "linalg.svd: input should have at least 2 dimensions, but has "
        f"{input.dim()} dimensions instead",
    )
    if not compute_uv:
        m, n = input.shape[-2:]
        S = svdvals(input)
        U, V = (
            torch.zeros(*input.shape[:-2], k, k, dtype=input.dtype, device=input.device)
            for k in (m, n)
        )
        return return_types.svd((U, S, V))
    U, S, Vh = svd(input, full_matrices=not some)
    return return_types.svd((U, S, Vh.mH))
