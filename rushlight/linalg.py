"""torch.linalg: norms and the decompositions that this version has."""

import rushlight as torch

from . import _C

multi_dot = _C._linalg.multi_dot if hasattr(_C._linalg, "multi_dot") else None
vector_norm = _C._linalg.vector_norm
matmul = torch.matmul
cross = torch.cross
diagonal = torch.diagonal
vander = torch.vander

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_norm",
    "multi_dot",
    "norm",
    "qr",
    "vander",
    "vecdot",
    "vector_norm",
]


def vecdot(x, y, *, dim=-1, out=None):
    """Sums of conj(x) * y along a dimension."""
    return (x.conj() * y).sum(dim)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    """Matrix norms: 'fro', 1, -1, inf, -inf."""
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    rows, columns = (d % A.dim() for d in dim)
    if ord in (float("inf"), float("-inf")):
        rows, columns = columns, rows
    elif ord not in (1, -1):
        raise NotImplementedError(
            f"linalg.matrix_norm: order {ord} is not in this version of rushlight"
        )
    sums = vector_norm(A, 1, rows, True, dtype=dtype)
    result = sums.amax(columns, True) if ord > 0 else sums.amin(columns, True)
    return result if keepdim else result.squeeze([rows, columns])


def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None, out=None):
    """A vector norm, or a matrix norm where `ord` is text or `dim` has two entries."""
    if isinstance(dim, int):
        dim = (dim,)
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if (dim is not None and len(dim) == 2) or (dim is None and A.dim() == 2):
        return matrix_norm(A, ord, dim or (0, 1), keepdim, dtype=dtype)
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)


def qr(A, mode="reduced", *, out=None):
    """(Q, R) with A = Q R, by Householder reflections (Golub and Van Loan, section 5.2).

    Signs are LAPACK's: each reflection takes a column to -sign(x0) * norm(x). Batches are loops.
    """
    if A.dim() < 2:
        raise RuntimeError("linalg.qr: The input tensor A must have at least 2 dimensions.")
    if A.dim() > 2:
        pairs = [qr(a, mode) for a in A.reshape(-1, *A.shape[-2:])]
        q, r = (torch.stack(x).view(*A.shape[:-2], *x[0].shape) for x in zip(*pairs))
        return q, r
    m, n = A.shape
    r, reflections = A, []
    for k in range(min(m - 1, n)):
        x = r[k:, k]
        alpha = -torch.copysign(x.norm(), x[0])
        v = torch.cat([(x[0] - alpha).reshape(1), x[1:]])
        square = (v * v).sum()
        if square == 0:
            reflections.append(None)
            continue
        below = r[k:] - v.unsqueeze(1) * (2 / square) * (v @ r[k:])
        r = torch.cat([r[:k], below])
        reflections.append((v, square))
    k = m if mode == "complete" else min(m, n)
    q = torch.eye(m, k, dtype=A.dtype)
    for i in range(len(reflections) - 1, -1, -1):
        if reflections[i] is not None:
            v, square = reflections[i]
            q = torch.cat([q[:i], q[i:] - v.unsqueeze(1) * (2 / square) * (v @ q[i:])])
    return q, r[:k].triu()


def __getattr__(name):
    from ._missing import missing

    return missing("torch.linalg", name)
