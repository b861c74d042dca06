"""torch.linalg agrees with PyTorch: values, gradients and second gradients of every function, real
and complex, batched. What is unique only up to signs and phases is compared through what is not.

Not here: errors, out=, empty and other special inputs (test_linalg_forms.py).
"""

from unittest import mock

import numpy
import pytest
import torch
from agree import TOLERANCE, agree, random

import rushlight


def complex_(*shape, seed=0):
    return random(*shape, seed=seed) + 1j * random(*shape, seed=seed + 9)


def square(n=4, *batch, seed=0, kind=random):
    """Well-conditioned matrices with distinct eigenvalues."""
    a = kind(*batch, n, n, seed=seed)
    return a + numpy.diag(numpy.arange(2.0, n + 2)) * (1 if kind is random else 1 + 0.5j)


def hermitian(a):
    return a + a.swapaxes(-1, -2).conj()


def positive(a):
    return a @ a.swapaxes(-1, -2).conj() + numpy.eye(a.shape[-1])


def sym(m, a):
    return (a + a.mH) / 2


def tri(m, a):
    return a.tril(-1) + (a.diagonal(dim1=-2, dim2=-1).real.abs() + 1).to(a.dtype).diag_embed()


# name: (function of (m, *tensors), shapes of its arguments; S is a square matrix, V right hand sides)
S, V, B, W, T = "S", "V", "B", "W", "T"  # 4x4, 4x2, 2 of 4x4, 3x5, 5x3
UNIQUE = {
    "cholesky": (lambda m, a: m.linalg.cholesky(a @ a.mH), S),
    "cholesky upper": (lambda m, a: m.linalg.cholesky(a @ a.mH, upper=True), B),
    "cholesky_ex": (lambda m, a: m.linalg.cholesky_ex(a @ a.mH), B),
    "old cholesky": (lambda m, a: m.cholesky(a @ a.mH), S),
    "cholesky_inverse": (lambda m, a: m.cholesky_inverse(tri(m, a)), B),
    "cholesky_inverse upper": (lambda m, a: m.cholesky_inverse(tri(m, a).mH, upper=True), S),
    "cholesky_solve": (lambda m, a, b: m.cholesky_solve(b, tri(m, a)), S, V),
    "cholesky_solve upper": (lambda m, a, b: m.cholesky_solve(b, tri(m, a).mH, True), S, V),
    "cond": (lambda m, a: m.linalg.cond(a), S),
    "cond -2": (lambda m, a: m.linalg.cond(a, -2), S),
    "cond fro": (lambda m, a: m.linalg.cond(a, "fro"), B),
    "cond nuc": (lambda m, a: m.linalg.cond(a, "nuc"), S),
    "cond 1": (lambda m, a: m.linalg.cond(a, 1), B),
    "cond -inf": (lambda m, a: m.linalg.cond(a, float("-inf")), S),
    "det": (lambda m, a: m.linalg.det(a), B),
    "old det": (lambda m, a: a.det(), S),
    "slogdet": (lambda m, a: m.linalg.slogdet(a), B),
    "logdet": (lambda m, a: m.logdet(a @ a.mH), B),
    "inv": (lambda m, a: m.linalg.inv(a), B),
    "inv_ex": (lambda m, a: m.linalg.inv_ex(a), S),
    "inverse": (lambda m, a: a.inverse(), S),
    "solve": (lambda m, a, b: m.linalg.solve(a, b), S, V),
    "solve right": (lambda m, a, b: m.linalg.solve(a, b.mT, left=False), S, V),
    "solve vector": (lambda m, a, b: m.linalg.solve(a, b[:, 0]), S, V),
    "solve vectors": (lambda m, a, b: m.linalg.solve(a, b.mT), B, V),
    "solve broadcast": (lambda m, a, b: m.linalg.solve(a, b), B, V),
    "solve broadcast A": (lambda m, a, b: m.linalg.solve(a, b), S, B),
    "solve_ex": (lambda m, a, b: m.linalg.solve_ex(a, b), B, V),
    "solve_triangular": (lambda m, a, b: m.linalg.solve_triangular(a, b, upper=True), S, V),
    "solve_triangular lower": (lambda m, a, b: m.linalg.solve_triangular(a, b, upper=False), B, V),
    "solve_triangular right": (
        lambda m, a, b: m.linalg.solve_triangular(a, b.mT, upper=True, left=False), S, V),
    "solve_triangular unit": (
        lambda m, a, b: m.linalg.solve_triangular(a / 4, b, upper=False, unitriangular=True), S, V),
    "triangular_solve": (lambda m, a, b: m.triangular_solve(b, a), S, V),
    "triangular_solve T": (lambda m, a, b: m.triangular_solve(b, a, False, True), S, V),
    "lu": (lambda m, a: m.linalg.lu(a), B),
    "lu wide": (lambda m, a: m.linalg.lu(a), W),
    "lu tall": (lambda m, a: m.linalg.lu(a), T),
    "lu_factor": (lambda m, a: m.linalg.lu_factor(a), B),
    "lu_factor_ex wide": (lambda m, a: m.linalg.lu_factor_ex(a), W),
    "lu_factor_ex tall": (lambda m, a: m.linalg.lu_factor_ex(a), T),
    "old lu": (lambda m, a: m.lu(a), S),
    "lu_unpack": (lambda m, a: m.lu_unpack(*m.linalg.lu_factor(a)), T),
    "lu_solve": (lambda m, a, b: m.linalg.lu_solve(*m.linalg.lu_factor(a), b), B, V),
    "lu_solve right": (
        lambda m, a, b: m.linalg.lu_solve(*m.linalg.lu_factor(a), b.mT, left=False), S, V),
    "lu_solve adjoint": (
        lambda m, a, b: m.linalg.lu_solve(*m.linalg.lu_factor(a), b, adjoint=True), S, V),
    "old lu_solve": (lambda m, a, b: m.lu_solve(b, *m.linalg.lu_factor(a)), S, V),
    "qr": (lambda m, a: m.linalg.qr(a), B),
    "qr tall": (lambda m, a: m.linalg.qr(a), T),
    "qr wide": (lambda m, a: m.linalg.qr(a), W),
    "qr complete": (lambda m, a: m.linalg.qr(a, "complete"), W),
    "old qr": (lambda m, a: m.qr(a), T),
    "householder_product": (lambda m, a, t: m.linalg.householder_product(a, t[:, 0] / 4), S, V),
    "householder_product tall": (lambda m, a, t: m.linalg.householder_product(a, t[:2, 1]), T, V),
    "ormqr": (lambda m, a, c: m.ormqr(a, a[0], c), S, V),
    "ormqr adjoint": (lambda m, a, c: m.ormqr(a, a[0], c, transpose=True), S, V),
    "ormqr right": (lambda m, a, c: m.ormqr(a, a[0], c.mT, left=False), S, V),
    "ormqr right adjoint": (lambda m, a, c: m.ormqr(a, a[0], c.mT, False, True), S, V),
    "lstsq": (lambda m, a, b: m.linalg.lstsq(a, b[:, :3].mT).solution, W, W),
    "lstsq tall": (lambda m, a, b: m.linalg.lstsq(a, b, driver="gels")[:2], T, T),
    "lstsq vectors": (lambda m, a, b: m.linalg.lstsq(a, b.mT).solution, B, V),
    "eigvalsh": (lambda m, a: m.linalg.eigvalsh(sym(m, a)), B),
    "eigh": (lambda m, a: m.linalg.eigh(sym(m, a))[1].abs(), B),
    "eigh upper": (lambda m, a: m.linalg.eigh(sym(m, a), UPLO="U")[1].abs(), S),
    "eigvals": (lambda m, a: m.linalg.eigvals(a).abs().sort()[0], B),
    "eig": (lambda m, a: m.linalg.eig(a)[1].abs().sum(-1), S),
    "svdvals": (lambda m, a: m.linalg.svdvals(a), B),
    "svd": (lambda m, a: [t.abs() for t in m.linalg.svd(a, full_matrices=False)], T),
    "svd wide": (lambda m, a: [t.abs() for t in m.linalg.svd(a, full_matrices=False)], W),
    "svd full": (lambda m, a: [t[:3, :3].abs() for t in m.linalg.svd(a)[::2]], W),
    "old svd": (lambda m, a: [t.abs() for t in m.svd(a)], B),
    "matrix_exp": (lambda m, a: m.linalg.matrix_exp(a / 4), B),
    "matrix_exp large": (lambda m, a: m.matrix_exp(a * 3), S),
    "matrix_power": (lambda m, a: m.linalg.matrix_power(a, 5), B),
    "matrix_power 0": (lambda m, a: m.linalg.matrix_power(a, 0), B),
    "matrix_power -2": (lambda m, a: m.matrix_power(a, -2), S),
    **{
        f"matrix_norm {p}": (lambda m, a, p=p: m.linalg.matrix_norm(a, p), B)
        for p in ("fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf"))
    },
    "matrix_norm dims": (lambda m, a: m.linalg.matrix_norm(a, 1, (0, 2), keepdim=True), B),
    "matrix_norm dims nuc": (lambda m, a: m.linalg.matrix_norm(a, "nuc", (2, 0), True), B),
    "norm": (lambda m, a: m.linalg.norm(a), B),
    "norm nuc": (lambda m, a: m.linalg.norm(a, "nuc"), W),
    "norm 3": (lambda m, a: m.linalg.norm(a, 3, dim=-1), B),
    "norm dims": (lambda m, a: m.linalg.norm(a, -2, dim=(0, 1), keepdim=True), T),
    "vector_norm": (lambda m, a: m.linalg.vector_norm(a, 3.5, dim=(0, 1)), W),
    "pinv": (lambda m, a: m.linalg.pinv(a), T),
    "pinv wide": (lambda m, a: m.linalg.pinv(a), W),
    "pinv hermitian": (lambda m, a: m.linalg.pinv(sym(m, a), hermitian=True), B),
    "pinv low rank": (lambda m, a, b: m.linalg.pinv(a[:, :2] @ b[:, :2].mT, rtol=1e-6), T, T),
    "pinverse": (lambda m, a: a.pinverse(), T),
    "tensorinv": (lambda m, a: m.linalg.tensorinv(a.reshape(4, 2, 2), ind=1), S),
    "tensorsolve": (lambda m, a, b: m.linalg.tensorsolve(a.reshape(2, 2, 4), b[:2]), S, V),
    "tensorsolve dims": (
        lambda m, a, b: m.linalg.tensorsolve(a.reshape(2, 4, 2), b[:2], dims=(0, 2)), S, V),
    "vander": (lambda m, a: m.linalg.vander(a, N=3), V),
    "vecdot": (lambda m, a, b: m.linalg.vecdot(a, b), B, S),
    "vecdot dim": (lambda m, a, b: m.linalg.vecdot(a, b, dim=0), T, T),
    "multi_dot": (lambda m, a, b, c: m.linalg.multi_dot([a, b, c]), V, W, T),
    "cross": (lambda m, a, b: m.linalg.cross(a, b), T, T),
    "cross dim": (lambda m, a, b: m.cross(a, b, dim=0), W, W),
    "diagonal": (lambda m, a: m.linalg.diagonal(a, offset=1), B),
}  # fmt: skip
SHAPES = {"V": (4, 2), "W": (3, 5), "T": (5, 3)}
UNIQUE["multi_dot"] = (lambda m, a, b, c: m.linalg.multi_dot([a, b[:2], c]), V, W, T)


def arguments(shapes, kind):
    made = []
    for i, s in enumerate(shapes):
        if s in ("S", "B"):
            made.append(square(4, *((2,) if s == "B" else ()), seed=i, kind=kind))
        else:
            made.append(kind(*SHAPES[s], seed=i))
    return made


def orders(name):
    """How many gradients PyTorch has: it writes over the inverse that cond's would need."""
    return 0 if name in ("cond fro", "cond 1", "cond -inf") else 2


@pytest.mark.parametrize("name", UNIQUE)
def test_real(name):
    fn, *shapes = UNIQUE[name]
    agree_closely(fn, arguments(shapes, random), order=orders(name))
    agree_closely(fn, arguments(shapes, random), dtype="float32", order=0)


@pytest.mark.parametrize("name", UNIQUE)
def test_complex(name):
    fn, *shapes = UNIQUE[name]
    agree_closely(fn, arguments(shapes, complex_), order=orders(name))


def agree_closely(fn, arrays, dtype=None, order=2):
    """agree() with room for the conditioning of the matrices."""
    with mock.patch.dict(TOLERANCE, float32=2e-3, float64=1e-8, complex128=1e-8):
        agree(fn, *arrays, dtype=dtype, order=order)


# ---- what decompositions promise, without an oracle ----

KINDS = {"float32": (random, 2e-5), "float64": (random, 1e-12), "complex64": (complex_, 2e-5),
         "complex128": (complex_, 1e-12)}  # fmt: skip


def tensor(a, dtype, layout="plain"):
    t = rushlight.from_numpy(numpy.ascontiguousarray(a)).to(getattr(rushlight, dtype))
    if layout == "transposed":
        return t.mT.contiguous().mT
    if layout == "strided":
        return rushlight.stack([t, t * 0 + 7], -1)[..., 0]
    return t


def near(a, b, tol):
    scale = max(1.0, float(b.abs().max())) if b.numel() else 1
    assert a.shape == b.shape and (not a.numel() or float((a - b).abs().max()) <= tol * scale * 20)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("layout", ["plain", "transposed", "strided"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 3, 4, 4), (2, 0, 3, 3), (0, 0),
                                   (0, 3), (3, 0), (2, 0, 4), (1, 1)])  # fmt: skip
def test_factors_multiply_to_the_matrix(dtype, layout, shape):
    kind, tol = KINDS[dtype]
    A = tensor(kind(*shape), dtype, layout)
    m, n = shape[-2:]
    L = rushlight.linalg
    P, low, up = L.lu(A)
    near(P @ low @ up, A, tol)
    for mode in ("reduced", "complete"):
        Q, R = L.qr(A, mode)
        near(Q @ R, A, tol)
        near(Q.mH @ Q, rushlight.eye(Q.size(-1), dtype=A.dtype).expand(*shape[:-2], -1, -1), tol)
    near(L.qr(A, "r")[1].abs(), L.qr(A)[1].abs(), tol)
    for full in (False, True):
        U, S, Vh = L.svd(A, full)
        k = S.size(-1)
        near((U[..., :k] * S.unsqueeze(-2)) @ Vh[..., :k, :], A, tol)
        near(U.mH @ U, rushlight.eye(U.size(-1), dtype=A.dtype).expand(*shape[:-2], -1, -1), tol)
        near(Vh @ Vh.mH, rushlight.eye(Vh.size(-2), dtype=A.dtype).expand(*shape[:-2], -1, -1), tol)
    near(L.svdvals(A), S, tol)
    P = L.pinv(A)
    near(A @ P @ A, A, tol * 10)
    if m != n:
        return
    H = A + A.mH
    E, V = L.eigh(H)
    near(H @ V, V * E.unsqueeze(-2), tol)
    near(L.eigvalsh(H, UPLO="U"), E, tol)
    E, V = L.eig(A)
    near(A.to(V.dtype) @ V, V * E.unsqueeze(-2), tol)
    near(L.eigvals(A).abs().sum(-1), E.abs().sum(-1), tol)
    H = A @ A.mH + rushlight.eye(n, dtype=A.dtype)
    C = L.cholesky(H)
    near(C @ C.mH, H, tol)
    for herm, M in ((True, A + A.mH), (False, A + A.mT)):
        LD, pivots = L.ldl_factor(M, hermitian=herm)
        X = L.ldl_solve(LD, pivots, A, hermitian=herm)
        near(M @ X, A, tol * 100)


@pytest.mark.parametrize("driver", ["gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 6, 2), (4, 4), (0, 3), (3, 0), (0, 4, 2)])
def test_lstsq(driver, dtype, shape):
    kind, tol = KINDS[dtype]
    a, b = kind(*shape), kind(*shape[:-1], 2, seed=3)
    mine = rushlight.linalg.lstsq(tensor(a, dtype), tensor(b, dtype), driver=driver)
    theirs = torch.linalg.lstsq(*(torch.from_numpy(x).to(getattr(torch, dtype)) for x in (a, b)),
                                driver=driver)  # fmt: skip
    for x, y in zip(mine, theirs):
        assert str(x.dtype) == str(y.dtype)
        near(
            x.to(rushlight.complex128),
            rushlight.from_numpy(y.to(torch.complex128).numpy()),
            tol * 10,
        )


def test_rank():
    low = random(6, 2) @ random(2, 5, seed=1)
    for options in ({}, {"atol": 1e-3}, {"rtol": 0.9}, {"tol": 1e5}, {"atol": 1e-3, "rtol": 0.5}):
        agree(lambda m, a, o=options: m.linalg.matrix_rank(a, **o), low)
        agree(lambda m, a, o=options: m.linalg.matrix_rank(a, **o), complex_(2, 4, 4))
    agree(lambda m, a: m.linalg.matrix_rank(a, hermitian=True), hermitian(random(4, 4)))
    agree(lambda m, a, t: m.linalg.matrix_rank(a, atol=t), random(2, 4, 4), numpy.array([1.0, 2.0]))
    agree(lambda m, a, t: m.linalg.pinv(a, atol=t), random(2, 4, 4), numpy.array([1.0, 2.0]))


def test_determinant_of_singular_matrices_has_the_adjugate_as_gradient():
    A = rushlight.tensor([[1.0, 2], [2, 4]], requires_grad=True)
    (g,) = rushlight.autograd.grad(rushlight.linalg.det(A), A)
    near(g, rushlight.tensor([[4.0, -2], [-2, 1]]), 1e-6)
    batch = numpy.array([[[1.0, 2], [2, 4]], [[1, 2], [3, 4]]])
    A = rushlight.tensor(batch, requires_grad=True)
    (g,) = rushlight.autograd.grad(rushlight.linalg.det(A).sum(), A, create_graph=True)
    near(g, rushlight.tensor([[[4.0, -2], [-2, 1]], [[4, -3], [-2, 1]]]).double(), 1e-12)


def test_lobpcg_and_low_rank():
    a = positive(random(12, 12))
    E, V = rushlight.lobpcg(tensor(a, "float64"), k=2)
    want = torch.lobpcg(torch.from_numpy(a), k=2, niter=100)[0]
    near(E, rushlight.from_numpy(want.numpy()), 1e-6)
    near(tensor(a, "float64") @ V, V * E, 1e-10)
    b = positive(random(12, 12, seed=5))
    E, V = rushlight.lobpcg(tensor(a, "float64"), k=2, B=tensor(b, "float64"), largest=False)
    near(tensor(a, "float64") @ V, tensor(b, "float64") @ V * E, 1e-9)

    def low_rank(m, a, b):
        m.manual_seed(3)
        U, S, V = m.svd_lowrank(a @ b.mT, q=3)
        return S, (U * S) @ V.mH, m.pca_lowrank(a, q=2)[1]

    agree_closely(low_rank, [random(20, 3), random(15, 3, seed=2)], order=1)
