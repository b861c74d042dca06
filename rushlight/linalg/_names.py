"""The names that functions of torch.linalg have in torch and on tensors. No mathematics."""
# ruff: noqa: F401

from . import _functions, _qr
from ._cholesky import cholesky_inverse, cholesky_solve
from ._cholesky import old_cholesky as cholesky
from ._common import public
from ._det import logdet
from ._det import old_det as det
from ._det import old_slogdet as slogdet
from ._functions import old_cross as cross
from ._lowrank import lobpcg, pca_lowrank, svd_lowrank
from ._lu import lu_unpack
from ._lu import old_lu as lu
from ._lu import old_lu_solve as lu_solve
from ._norms import pinverse
from ._qr import geqrf, ormqr
from ._qr import old_qr as qr
from ._solve import inverse
from ._spectral import old_svd as svd
from ._triangular import triangular_solve


def _under(name, function, **options):
    return public(name, first="input", **options)(function.__wrapped__)


matrix_exp = _under("matrix_exp", _functions.matrix_exp, out=False)
matrix_power = _under("matrix_power", _functions.matrix_power, strict=False)
orgqr = _under("orgqr", _qr.householder_product)
