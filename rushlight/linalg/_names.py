"""The names that functions of torch.linalg have in torch and on tensors. No function."""
# ruff: noqa: F401

from ._cholesky import cholesky_inverse, cholesky_solve
from ._cholesky import old_cholesky as cholesky
from ._functions import matrix_exp, matrix_power
from ._lowrank import lobpcg, pca_lowrank, svd_lowrank
from ._norms import pinverse
from ._qr import geqrf, ormqr
from ._qr import householder_product as orgqr
from ._qr import old_qr as qr
from ._solve import _old_lu as lu
from ._solve import det, logdet, lu_unpack, triangular_solve
from ._solve import inv as inverse
from ._solve import old_lu_solve as lu_solve
from ._solve import old_slogdet as slogdet
from ._spectral import old_svd as svd
