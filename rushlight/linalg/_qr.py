"""Reflections: QR, the products of reflections, and least squares."""

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
    check_tensor,
    deprecated,
    lapack,
    needs_grad,
    public,
    type_name,
)
from ._solve import is_vector
from ._triangular import triangular

# ---- QR ----


def _hermitian_of(X):
    """The upper triangle mirrored below, with a real diagonal."""
    above = X.triu(1)
    return above + above.mH + X.diagonal(dim1=-2, dim2=-1).real.to(X.dtype).diag_embed()


class _Qr(Operation):
    """With A = [A1 A2] and R = [R1 R2], R1 square: A1's gradient is (gQ' + Q h(R1 gR1^H - gQ'^H Q))
    R1^-H, h the lower triangle mirrored, and gQ' = gQ + Q R2 gR2^H (Walter and Lehmann 2010,
    "Algorithmic differentiation of linear algebra functions"; Roberts and Roberts 2020 for wide A)."""

    _node_name = "LinalgQrBackward0"

    @staticmethod
    def forward(ctx, A, mode):
        ctx.set_materialize_grads(False)
        m, n = A.shape[-2:]
        k = m if mode == "complete" else min(m, n)
        a, tau = lapack._geqrf(A)
        R = a[..., :k, :].triu()
        if k > m or R.size(-2) < k:
            R = torch.nn.functional.pad(R, (0, 0, 0, k - R.size(-2)))
        Q = lapack._orgqr(a, tau, k) if mode != "r" else A.new_empty(0)
        ctx.save_for_backward(Q, R)
        ctx.mode, ctx.shape = mode, (m, n)
        return Q, R

    @staticmethod
    def backward(ctx, gQ, gR):
        Q, R = ctx.saved_tensors
        m, n = ctx.shape
        check(
            ctx.mode != "r",
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please "
            "use linalg.qr(A, mode='reduced') if you are going to differentiate through "
            "linalg.qr.",
        )
        check(
            ctx.mode != "complete" or m <= n,
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols.",
        )
        if gQ is None and gR is None:
            return None, None
        gQ = torch.zeros_like(Q) if gQ is None else gQ
        gR = torch.zeros_like(R) if gR is None else gR
        R1, R2, gR1, gR2 = R[..., :m], R[..., m:], gR[..., :m], gR[..., m:]
        if n > m:
            gQ = gQ + Q @ (R2 @ gR2.mH)
        middle = _hermitian_of(gR1 @ R1.mH - Q.mH @ gQ)
        gA = triangular(R1.mH, gQ + Q @ middle, False, left=False)
        return torch.cat([gA, Q @ gR2], -1) if n > m else gA, None


def _qr(A, mode):
    check_matrix(A, "linalg.qr")
    check_floating(A, "linalg.qr", half=True)
    check(
        mode in ("reduced", "complete", "r"),
        f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
        "'complete'",
    )
    check_kernel(A, "geqrf_cpu")
    return _Qr.call(A, mode)


@public("linalg_qr")
def qr(A, mode="reduced"):
    """(Q, R) with A = Q R, Q's columns orthonormal and R upper triangular, by Householder
    reflections (LAPACK geqrf).

    A: [..., m, n], floating or complex. mode "reduced": Q [..., m, k], R [..., k, n] with
    k = min(m, n); "complete": k = m; "r": R alone, Q empty. The gradient needs the first k columns
    of A to be independent, and not "complete" where m > n.

    >>> Q, R = torch.linalg.qr(torch.tensor([[3., 1.], [4., 2.]]))
    >>> torch.allclose(Q @ R, torch.tensor([[3., 1.], [4., 2.]]))
    True
    """
    return return_types.linalg_qr(_qr(A, mode))


@public("qr", first="input")
def old_qr(input, some=True):
    """linalg.qr under its old name; `some` is its mode "reduced".

    A: [..., m, n], floating or complex. Raises RuntimeError for fewer than two dimensions.

    >>> torch.qr(torch.tensor([[3.0, 1.0], [4.0, 2.0]])).R
    tensor([[-5.0000, -2.2000],
            [ 0.0000,  0.4000]])
    """
    deprecated("qr", "qr",
               "The boolean parameter 'some' has been replaced with a string parameter 'mode'.\nQ, R "
               "= torch.qr(A, some)\nshould be replaced with\nQ, R = torch.linalg.qr(A, 'reduced' if "
               "some else 'complete')")  # fmt: skip
    return return_types.qr(_qr(input, "reduced" if some else "complete"))


@public("geqrf", strict=False, first="input", api="torch.geqrf")
def geqrf(input):
    """(a, tau): QR as LAPACK's geqrf leaves it: R in a's upper triangle, the reflections below.

    input: [..., m, n]; tau: [..., min(m, n)]. Not differentiable; see linalg.qr.

    Raises RuntimeError for fewer than two dimensions, NotImplementedError for integers.

    >>> torch.geqrf(torch.tensor([[3.0, 1.0], [4.0, 2.0]])).tau
    tensor([1.6000, 0.0000])
    """
    check(input.dim() >= 2, "torch.geqrf: input must have at least 2 dimensions.")
    check_kernel(input, "geqrf_cpu")
    return return_types.geqrf(lapack._geqrf(input.detach()))


# ---- products of reflections ----


def _reflect(v, tau, X):
    """(I - tau v v^H) X."""
    return X - (tau.unsqueeze(-1) * v).unsqueeze(-1) * (v.conj().unsqueeze(-2) @ X)


def _reflections(A, tau):
    """The vectors, each with 1 at its own row and 0 above, and their factors."""
    vectors = A.tril(-1) + torch.eye(*A.shape[-2:], dtype=A.dtype, device=A.device)
    return [(vectors[..., i], tau[..., i]) for i in range(tau.size(-1))]


@public(
    "linalg_householder_product",
    first="input",
    strict=False,
    api="torch.linalg.householder_product",
)
def householder_product(input, tau):
    """The first n columns of H1 H2 ... Hk, Hi = I - tau_i v_i v_i^H, with the vectors in the columns
    of `input` below its diagonal as geqrf leaves them (LAPACK orgqr).

    input: [..., m, n] with m >= n, tau: [..., k] with k <= n. Raises RuntimeError for other shapes.

    >>> a, tau = torch.geqrf(torch.tensor([[3.], [4.]]))
    >>> torch.linalg.householder_product(a, tau)
    tensor([[-0.6000],
            [-0.8000]])
    """
    check_tensor(tau, "linalg_householder_product", "tau", 2)
    name = "torch.linalg.householder_product"
    m, n = _check_reflections(input, tau, name)
    if not needs_grad(input, tau):
        return lapack._orgqr(input, tau, n)
    Q = torch.eye(m, n, dtype=input.dtype, device=input.device).expand(input.shape)
    for v, factor in reversed(_reflections(input, tau)):
        Q = _reflect(v, factor, Q)
    return Q


def _check_reflections(A, tau, name):
    check(A.dim() >= 2, f"{name}: input must have at least 2 dimensions.")
    m, n = A.shape[-2:]
    check(m >= n, f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    check(
        n >= tau.size(-1),
        f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]",
    )
    check(
        A.dim() - tau.dim() == 1,
        f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
        f"{tau.dim()} and input.ndim is equal to {A.dim()}",
    )
    check(
        A.shape[:-2] == tau.shape[:-1],
        f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
        f"{list(tau.shape[:-1])}",
    )
    check(
        tau.dtype == A.dtype,
        f"{name}: tau dtype {type_name(tau)} does not match input dtype {type_name(A)}",
    )
    check_kernel(A, "orgqr_cpu")
    return m, n


@public(
    "ormqr",
    first="input",
    strict="torch.ormqr: Expected input and result to have the same dtype, but input has dtype%W and "
    "result has dtype %G",
)
def ormqr(input, tau, other, left=True, transpose=False):
    """other times the whole product of reflections Q: Q C, Q^H C with `transpose`, C Q or C Q^H
    without `left` (LAPACK ormqr).

    input: [..., r, k] and tau: [..., k] as from geqrf; other: [..., m, n] with m = r (n = r without
    `left`). Raises RuntimeError for other shapes or dtypes.

    >>> a, tau = torch.geqrf(torch.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> torch.ormqr(a, tau, a.triu()).round()
    tensor([[3., 1.],
            [4., 2.]])
    """
    check_tensor(tau, "ormqr", "input2", 2)
    check_tensor(other, "ormqr", "input3", 3)
    _check_ormqr(input, tau, other, left)
    if not needs_grad(input, tau, other):
        Q = lapack._orgqr(input, tau, input.size(-2))
        Q = (Q.mH if transpose else Q).mT
        return (other.mT @ Q if left else Q @ other.mT).mT  # column by column, as LAPACK's
    C = other if left else other.mH  # C Q = (Q^H C^H)^H
    reflections = _reflections(input, tau)
    if bool(transpose) == bool(left):
        reflections = [(v, factor.conj()) for v, factor in reflections]
    else:
        reflections.reverse()
    for v, factor in reflections:
        C = _reflect(v, factor, C)
    return C if left else C.mH


def _check_ormqr(A, tau, other, left):
    name = "torch.ormqr"
    check(A.dim() >= 2, f"{name}: input must have at least 2 dimensions.")
    check(other.dim() >= 2, f"{name}: other must have at least 2 dimensions.")
    side = -2 if left else -1
    check(
        other.size(side) == A.size(-2),
        f"{name}: other.shape[{side}] must be equal to input.shape[-2]",
    )
    check(
        tau.size(-1) == min(other.size(side), A.size(-1)),
        f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])",
    )
    for word, t, less in (("tau", tau, 1), ("other", other, 0)):
        wanted = "one dimension less than" if less else "the same number of dimensions as"
        check(
            A.dim() - t.dim() == less,
            f"{name}: Expected {word} to have {wanted} input, but got {word}.ndim equal to {t.dim()} "
            f"and input.ndim is equal to {A.dim()}",
        )
        check(
            t.shape[: A.dim() - 2] == A.shape[:-2],
            f"{name}: Expected batch dimensions of {word} to be equal to input.shape[:-2], but got "
            f"{list(t.shape[: A.dim() - 2])}",
        )
    for word, t in (("tau", tau), ("other", other)):
        check(
            t.dtype == A.dtype,
            f"{name}: Expected input and {word} to have the same dtype, but input has dtype"
            f"{type_name(A)} and {word} has dtype {type_name(t)}",
        )
    check_kernel(A, "ormqr_cpu")


# ---- least squares ----


class _Lstsq(Operation):
    """X = pinv(A) B, and the residuals are smallest at X: there their gradient sees A and B only."""

    _node_name = "LinalgLstsqBackward0"

    @staticmethod
    def forward(ctx, A, B, rcond, driver):
        m, n = A.shape[-2:]
        ctx.set_materialize_grads(False)
        full, rank, S, info = lapack._least_squares(A, B, rcond, driver)
        X = full[..., :n, :]
        residuals = A.new_empty(0, dtype=A.dtype.to_real())
        if m > n and driver != "gelsy" and (driver == "gels" or bool((rank == n).all())):
            residuals = full[..., n:, :].abs().square().sum(-2)
        ctx.save_for_backward(A, B, X)
        ctx.mark_non_differentiable(S)
        return X, residuals, rank, S, info

    @staticmethod
    def backward(ctx, gX, gR, *_):
        from ._norms import pinv, pinv_gradient

        A, B, X = ctx.saved_tensors
        gA = gB = None
        if gX is not None:
            P = pinv(A)
            gB = P.mH @ gX
            gA = pinv_gradient(gX @ B.mH, P, A)
        if gR is not None and gR.numel():
            off = 2 * (A @ X - B) * gR.unsqueeze(-2)
            gA = off @ X.mH if gA is None else gA + off @ X.mH
            gB = -off if gB is None else gB - off
        return gA, gB, None, None


@public("linalg_lstsq", first="input", strict=False, api="torch.linalg.lstsq")
def lstsq(input, b, rcond=None, *, driver=None):
    """The X that makes the norm of A X - B least: (solution, residuals, rank, singular_values).

    A: [..., m, n], B: [..., m, k] or [..., m], floating or complex. driver (LAPACK's routine):
    "gelsy" (default, QR with column pivoting), "gels" (QR; A must have full rank), "gelsd" and
    "gelss" (singular values; these also fill singular_values). rcond: what counts as zero, relative
    to the largest; by default the dtype's epsilon times max(m, n). residuals: squared norms of the
    columns of A X - B, [..., k], where m > n and A has full rank, else empty; rank: int64, the
    batch's shape, empty with "gels". Raises RuntimeError for shapes that do not fit.

    >>> A = torch.tensor([[1., 1.], [1., 2.], [1., 3.]])
    >>> torch.linalg.lstsq(A, torch.tensor([[2.], [3.], [4.]])).solution.round()
    tensor([[1.],
            [1.]])
    """
    check_tensor(b, "linalg_lstsq", "b", 2)
    A, B = input, b
    driver, vector = _check_lstsq(A, B, rcond, driver)
    m, n = A.shape[-2:]
    if rcond is None:
        rcond = torch.finfo(A.dtype).eps * max(m, n)
    A, B = broadcast_batches(A, B.unsqueeze(-1) if vector else B)
    X, residuals, rank, S, info = _Lstsq.call(A, B, float(rcond), driver)
    if driver == "gels":
        check_info(info, "torch.linalg.lstsq")
        rank = torch.empty(0, dtype=torch.int64, device=A.device)
    elif not info.is_meta and (info != 0).any():
        check_info(info, "torch.linalg.lstsq")
    if driver in ("gels", "gelsy"):
        S = S.new_empty(0)
    if vector:
        X = X.squeeze(-1)
    return return_types.linalg_lstsq((X, residuals, rank.long(), S))


def _check_lstsq(A, B, rcond, driver):
    name = "torch.linalg.lstsq"
    check(A.dim() >= 2, f"{name}: input must have at least 2 dimensions.")
    check(B.dim() >= 1, f"{name}: other must have at least 1 dimension.")
    check(
        A.dtype == B.dtype,
        f"{name}: Expected input and other to have the same dtype, but got input's dtype "
        f"{type_name(A)} and other's dtype {type_name(B)}",
    )
    check(
        0 <= A.dim() - B.dim() <= 1,
        f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
        "other.dim()) <= 1",
    )
    side = -1 if is_vector(A, B) else -2
    check(A.size(-2) == B.size(side), f"{name}: input.size(-2) should match other.size({side})")
    check(
        driver in (None, "gels", "gelsy", "gelsd", "gelss"),
        f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)",
    )
    if A.dim() > B.dim() and side == -2:  # what expanding them would say
        torch.empty(A.shape[:-2], device="meta") + torch.empty(B.shape[:-1], device="meta")
    if rcond is None:
        check(
            A.is_floating_point() or A.is_complex(),
            "This function doesn't handle types other than float and double",
        )
    check_kernel(A, "linalg_lstsq_cpu")
    return driver or "gelsy", side == -1
