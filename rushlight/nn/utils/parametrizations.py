"""Ready parametrizations of weights: orthogonal, spectral norm, weight norm.

The machinery is parametrize.py; the older hooks of the same names are in their own files.
"""

from enum import Enum, auto

import rushlight as torch

from .. import functional as F
from ..modules.module import Module
from . import parametrize

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _is_orthogonal(q, eps=None):
    """Are the columns orthonormal, up to rounding?"""
    n, k = q.size(-2), q.size(-1)
    eps = 10 * n * torch.finfo(q.dtype).eps if eps is None else eps
    return torch.allclose(q.mH @ q, torch.eye(k, dtype=q.dtype, device=q.device), atol=eps)


def _make_orthogonal(a):
    """The Q of a = QR where the diagonal of R is positive: the nearest sign of each column."""
    x, tau = torch.geqrf(a)
    q = torch.linalg.householder_product(x, tau)
    return q * x.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


class _OrthMaps(Enum):
    matrix_exp = auto()
    cayley = auto()
    householder = auto()


class _Orthogonal(Module):
    """Any matrix to one with orthonormal columns (or rows, if it is wide).

    With a `base` the result is base @ map(X), where X starts at -1 times the identity, which all
    maps send to the identity up to sign (Lezcano-Casado: Trivializations, 2019).
    """

    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        if weight.is_complex() and orthogonal_map == _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X):
        wide = X.size(-2) < X.size(-1)
        if wide:
            X = X.mT
        if self.orthogonal_map == _OrthMaps.householder:
            q = self._reflections(X)
        else:
            q = self._rotation(X)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    @staticmethod
    def _reflections(x):
        a = x.tril(diagonal=-1)
        tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
        q = torch.linalg.householder_product(a, tau)
        # The diagonal is 1 or -1 and not trained: it gives each column its sign.
        return q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)

    def _rotation(self, x):
        n, k = x.size(-2), x.size(-1)
        x = x.tril()
        if n != k:
            fill = x.new_zeros(n, n - k).expand(*x.shape[:-2], -1, -1)
            x = torch.cat([x, fill], dim=-1)
        a = x - x.mH
        if self.orthogonal_map == _OrthMaps.matrix_exp:
            q = torch.matrix_exp(a)
        else:
            one = torch.eye(n, dtype=a.dtype, device=a.device)
            q = torch.linalg.solve(torch.add(one, a, alpha=-0.5), torch.add(one, a, alpha=0.5))
        return q[..., :k] if n != k else q

    def right_inverse(self, Q):
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {Q.shape}."
            )
        wide = Q.size(-2) < Q.size(-1)
        q = Q.mT if wide else Q
        if not hasattr(self, "base"):
            if self.orthogonal_map != _OrthMaps.householder:
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential "
                    "or the Cayley parametrizations when use_trivialization=False."
                )
            a, tau = torch.geqrf(q)
            diagonal = a.diagonal(dim1=-2, dim2=-1)
            diagonal.sign_()
            # LAPACK drops a reflection that would do nothing, sign and all.
            diagonal[tau == 0.0] *= -1
            return a.mT if wide else a
        n, k = q.size(-2), q.size(-1)
        if n != k:
            others = torch.randn(*q.shape[:-2], n, n - k, dtype=q.dtype, device=q.device)
            self.base = _make_orthogonal(torch.cat([q, others], dim=-1))
        else:
            self.base = q.clone() if _is_orthogonal(q) else _make_orthogonal(q)
        start = torch.zeros_like(Q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return start


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Lets the matrices `module.name` (*, m, n) be orthogonal: Q^H Q = 1, or Q Q^H = 1 if m < n.

    Args:
        orthogonal_map (str): "matrix_exp", "cayley" or "householder", by which a free matrix
            becomes an orthogonal one. Default: the first for square or complex weights, the last
            otherwise.
        use_trivialization (bool): start from the present weight, which can be assigned to.

    Raises ValueError if the weight is not a matrix, or the map is not known.

    >>> import rushlight as torch
    >>> net = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 5))
    >>> torch.allclose(net.weight.T @ net.weight, torch.eye(3), atol=1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, torch.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    chosen = getattr(_OrthMaps, orthogonal_map, None)
    if chosen is None:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    orth = _Orthogonal(weight, chosen, use_trivialization=use_trivialization)
    parametrize.register_parametrization(module, name, orth, unsafe=True)
    return module


class _WeightNorm(Module):
    """Length g times direction v (Salimans, Kingma 2016)."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_v * (weight_g / torch.norm_except_dim(weight_v, 2, self.dim))

    def right_inverse(self, weight):
        return torch.norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Splits the tensor `module.name` into length (`original0`) and direction (`original1`).

    `dim` is the dimension along which lengths differ; None for one length of the whole tensor.
    State dicts of the older `torch.nn.utils.weight_norm` can be loaded.

    >>> import rushlight as torch
    >>> net = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 2))
    >>> net.parametrizations.weight.original0.shape
    torch.Size([2, 1])
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict, prefix, *args):
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                new = f"{prefix}parametrizations.{name}.original{i}"
                state_dict[new] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value, estimated by power iteration."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        ndim = weight.ndim
        if dim >= ndim or dim < -ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] "
                f"but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but "
                f"got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        if ndim > 1:  # a vector is just normalised
            self.n_power_iterations = n_power_iterations
            matrix = self._reshape_weight_to_matrix(weight)
            for key, size in zip(("_u", "_v"), matrix.shape):
                start = matrix.new_empty(size).normal_(0, 1)
                self.register_buffer(key, F.normalize(start, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight):
        if self.dim != 0:
            weight = weight.movedim(self.dim, 0)
        return weight.flatten(1)

    @torch.no_grad()
    def _power_method(self, matrix, n_power_iterations):
        # In place, so that copies of the module on other devices follow.
        for _ in range(n_power_iterations):
            self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.mH.mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight):
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / torch.vdot(u, matrix.mv(v))

    def right_inverse(self, value):
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divides the tensor `module.name` by its largest singular value (Miyato et al. 2018).

    `dim` is the dimension of the outputs: by default 1 for transposed convolutions, 0 otherwise.
    In training mode each read of the tensor refines the estimate by `n_power_iterations`.

    >>> import rushlight as torch
    >>> net = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 4))
    >>> round(torch.linalg.matrix_norm(net.weight, 2).item(), 1)
    1.0
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, torch.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        nn = torch.nn
        transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
        dim = 1 if isinstance(module, transposed) else 0
    norm = _SpectralNorm(weight, n_power_iterations, dim, eps)
    parametrize.register_parametrization(module, name, norm)
    return module
