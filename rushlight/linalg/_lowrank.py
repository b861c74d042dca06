"""A few singular values or eigenvalues of a large matrix: torch.svd_lowrank, pca_lowrank, lobpcg."""

import rushlight as torch

from ._cholesky import cholesky
from ._qr import qr
from ._spectral import eigh, svd
from ._triangular import triangular


def _basis(A, q, niter, M):
    """Orthonormal columns that nearly span those of A - M: random ones, multiplied by the matrix
    and its transpose `niter` times (Halko et al. 2009, algorithm 4.4)."""

    def times(X):
        return A @ X if M is None else A @ X - M @ X

    def turned_times(X):
        return A.mH @ X if M is None else A.mH @ X - M.mH @ X

    Q = qr(times(torch.randn(A.size(-1), q, dtype=A.dtype)))[0]
    for _ in range(niter):
        Q = qr(turned_times(Q))[0]
        Q = qr(times(Q))[0]
    return Q


def svd_lowrank(A, q=6, niter=2, M=None):
    """(U, S, V) with A - M nearly U diag(S) V^H: the q largest singular values, by random projection
    (Halko, Martinsson and Tropp 2009, "Finding structure with randomness", algorithm 5.1).

    A: [..., m, n]; q should be somewhat above the rank that is looked for; `niter` subspace iterations
    make it sharper. Draws from the global generator.

    Floating dtypes. Differentiable.

    >>> torch.svd_lowrank(torch.diag(torch.tensor([3., 2., 0.])), q=2)[1].round(decimals=4)
    tensor([3., 2.])
    """
    q = 6 if q is None else q
    m, n = A.shape[-2:]
    M = None if M is None else M.broadcast_to(A.shape)
    wide = m < n
    if wide:
        A, M = A.mH, None if M is None else M.mH
    Q = _basis(A, q, niter, M)
    B = Q.mH @ A
    if M is not None:
        B = B - Q.mH @ M
    U, S, Vh = svd(B, full_matrices=False)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A, q=None, center=True, niter=2):
    """svd_lowrank of A without its columns' means: principal components in V's columns.

    A: [..., m, n], q: by default min(6, m, n). Raises ValueError for a q or niter out of range.

    Returns (U, S, V): [..., m, q], [..., q], [..., n, q]. Source: Halko, Martinsson and Tropp 2009.

    >>> A = torch.tensor([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])
    >>> torch.pca_lowrank(A, q=1)[1]
    tensor([3.1623])
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if not (A.is_floating_point() or A.is_complex()):
        raise ValueError(f"Unknown dtype: {A.dtype}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


def lobpcg(A, k=None, B=None, X=None, n=None, iK=None, niter=None, tol=None, largest=None,
           method=None, tracker=None, ortho_iparams=None, ortho_fparams=None, ortho_bparams=None):  # fmt: skip
    """(E, X): the k largest (or smallest) eigenvalues of a Hermitian A and their vectors, with B those
    of A x = e B x.

    A: [..., m, m], B: the same or None, positive-definite. k defaults to X's columns, or 1. What
    steers PyTorch's iteration (X, iK, niter, tol, method, ...) is accepted and not needed: matrices are
    dense here, and linalg.eigh gives all eigenvalues to full precision. Raises ValueError if m < 3 k.

    >>> torch.lobpcg(torch.diag(torch.tensor([1., 2., 3.])))[0].round()
    tensor([3.])
    """
    k = (1 if X is None else X.size(-1)) if k is None else k
    m = A.size(-1)
    n = k if n is None else n
    if m < 3 * n:
        raise ValueError(
            f"LPBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x "
            f"the number of requested eigenpairs (={n})"
        )
    if B is None:
        E, V = eigh(A)
    else:  # with B = L L^H the eigenvectors of L^-1 A L^-H
        L = cholesky(B)
        inner = triangular(L, triangular(L, A, False).mH, False).mH
        E, V = eigh(inner)
        V = triangular(L.mH, V, True)
    if largest is None or largest:
        return E.flip(-1)[..., :k], V.flip(-1)[..., :k]
    return E[..., :k], V[..., :k]
