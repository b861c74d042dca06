"""Triangular systems: one substitution, no factorisation."""

from .. import return_types
from .._composite import SCALAR, check_scalar_type
from ._common import (
    Operation,
    broadcast_batches,
    check,
    check_kernel,
    check_matrix,
    check_square,
    check_tensor,
    deprecated,
    lapack,
    public,
    type_name,
)


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


def check_equation(A, B, left, name):
    check_square(A, name)
    check_matrix(B, name, "B")
    if A.size(-1) != B.size(-2 if left else -1):
        shapes = "{}x{} and {}x{}".format(*A.shape[-2:], *B.shape[-2:])
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} ({shapes})"
        )


@public(
    "linalg_solve_triangular",
    first="input",
    strict=SCALAR,
)
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
    check_equation(input, B, left, "linalg.solve_triangular")
    A, B = broadcast_batches(input, B)
    check_kernel(A, "triangular_solve_cpu")
    check_scalar_type(A.dtype, B.dtype)
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
    rows, columns = b.size(-2), b.size(-1)
    check(
        rows == n,
        f"Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix is "
        f"{rows} by {columns}",
    )


@public("triangular_solve", first="input")
def triangular_solve(input, A, upper=True, transpose=False, unitriangular=False):
    """(X, A) with A X = b, or A^T X = b: the old form of linalg.solve_triangular.

    b: [..., n, k], A: [..., n, n]; floating or complex, one dtype; batches broadcast. Raises
    RuntimeError for other shapes. A zero on the diagonal gives infinities.

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
