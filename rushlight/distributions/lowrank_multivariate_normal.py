"""LowRankMultivariateNormal: normal vectors with covariance W W^T + diag(D), W tall and narrow."""

import math

import rushlight as torch

from . import constraints
from .distribution import Distribution, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _capacitance_tril(w, d):
    """The Cholesky factor of 1 + W^T D^-1 W, a small matrix."""
    inner = (w.mT / d.unsqueeze(-2)) @ w
    return torch.linalg.cholesky(inner + torch.eye(w.size(-1), dtype=w.dtype, device=w.device))


def _log_det(d, tril):
    """Of the covariance, by the matrix determinant lemma."""
    return 2 * tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + d.log().sum(-1)


def _whitened(w, d, tril):
    """A with (W W^T + D)^-1 = D^-1 - A^T A (Woodbury)."""
    return torch.linalg.solve_triangular(tril, w.mT / d.unsqueeze(-2), upper=False)


def _mahalanobis(w, d, tril, x):
    """x^T (W W^T + D)^-1 x."""
    inner = (_whitened(w, d, tril) @ x.unsqueeze(-1)).squeeze(-1)
    return (x.pow(2) / d).sum(-1) - inner.pow(2).sum(-1)


class LowRankMultivariateNormal(Distribution):
    """By `loc` (n), `cov_factor` W (n, m) and `cov_diag` D (n): costs grow as n m^2, not n^3.

    >>> import rushlight as torch
    >>> d = torch.distributions.LowRankMultivariateNormal(
    ...     torch.zeros(2), torch.tensor([[1.0], [0.0]]), torch.ones(2)
    ... )
    >>> d.covariance_matrix.tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, "
                "with optional leading batch dimensions"
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(
                f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m"
            )
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            batch = torch.broadcast_shapes(
                loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
            )
        except RuntimeError as e:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from e
        self.loc = loc.expand(batch + event_shape)
        self.cov_diag = cov_diag.expand(batch + event_shape)
        self.cov_factor = cov_factor.expand(batch + cov_factor.shape[-2:])
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = _capacitance_tril(cov_factor, cov_diag)
        super().__init__(batch, event_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        return self._expanded(
            LowRankMultivariateNormal, shape, _instance,
            loc=self.loc.expand(shape + self._event_shape),
            cov_diag=self.cov_diag.expand(shape + self._event_shape),
            cov_factor=self.cov_factor.expand(shape + self.cov_factor.shape[-2:]),
            _unbroadcasted_cov_factor=self._unbroadcasted_cov_factor,
            _unbroadcasted_cov_diag=self._unbroadcasted_cov_diag,
            _capacitance_tril=self._capacitance_tril,
        )  # fmt: skip

    mean = mode = property(lambda self: self.loc)

    @property
    def _parts(self):
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag, self._capacitance_tril

    def _square(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def variance(self):
        w, d, _ = self._parts
        return (w.pow(2).sum(-1) + d).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        """The Cholesky factor of the covariance, (n, n)."""
        w, d, _ = self._parts
        root = d.sqrt().unsqueeze(-1)
        scaled = w / root
        inner = scaled @ scaled.mT
        one = torch.eye(self._event_shape[0], dtype=w.dtype, device=w.device)
        return self._square(root * torch.linalg.cholesky(inner + one))

    @lazy_property
    def covariance_matrix(self):
        """(n, n)."""
        w, d, _ = self._parts
        return self._square(w @ w.mT + torch.diag_embed(d))

    @lazy_property
    def precision_matrix(self):
        """The covariance's inverse, (n, n)."""
        a = _whitened(*self._parts)
        return self._square(torch.diag_embed(self._parts[1].reciprocal()) - a.mT @ a)

    def rsample(self, sample_shape=torch.Size()):  # noqa: B008
        shape = self._extended_shape(sample_shape)
        w, d, _ = self._parts
        like = dict(dtype=self.loc.dtype, device=self.loc.device)
        along = torch.empty(shape[:-1] + w.shape[-1:], **like).normal_()
        own = torch.empty(shape, **like).normal_()
        return self.loc + (w @ along.unsqueeze(-1)).squeeze(-1) + d.sqrt() * own

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        w, d, tril = self._parts
        m = _mahalanobis(w, d, tril, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + _log_det(d, tril) + m)

    def entropy(self):
        _, d, tril = self._parts
        h = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + _log_det(d, tril))
        return h if len(self._batch_shape) == 0 else h.expand(self._batch_shape)
