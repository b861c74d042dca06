"""Wishart: random covariance matrices, sums of squares of normal vectors."""

import math

import rushlight as torch

from . import constraints
from .continuous import Chi2, only_matrix
from .distribution import Distribution, lazy_property
from .exp_family import ExponentialFamily

__all__ = ["Wishart"]


def _mvdigamma(x, p):
    return torch.digamma(
        x.unsqueeze(-1) - torch.arange(p, dtype=x.dtype, device=x.device).div(2)
    ).sum(-1)


def _precision_to_scale_tril(precision):
    """The Cholesky factor of the inverse."""
    flipped = torch.linalg.cholesky(precision.flip((-2, -1)))
    inverse = flipped.flip((-2, -1)).mT
    one = torch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return torch.linalg.solve_triangular(inverse, one.expand(precision.shape), upper=False)


class Wishart(ExponentialFamily):
    """The sum of `df` squares x x^T where x has the given covariance (or precision, or scale_tril).

    Sampling: Bartlett's decomposition (Sawyer 2007).

    >>> import rushlight as torch
    >>> d = torch.distributions.Wishart(torch.tensor(3.0), torch.eye(2))
    >>> d.mean.tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """

    arg_constraints = {  # noqa: RUF012
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
        "df": constraints.greater_than(0),
    }
    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None,
                 validate_args=None):  # fmt: skip
        kind, matrix = only_matrix(AssertionError, covariance_matrix, precision_matrix, scale_tril)
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        df = torch.as_tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch, event = torch.broadcast_shapes(df.shape, matrix.shape[:-2]), matrix.shape[-2:]
        self.df = df.expand(batch)
        setattr(self, kind, matrix.expand(batch + event))
        if self.df.le(event[-1] - 1).any():
            raise ValueError(
                f"Value of df={df} expected to be greater than ndim - 1 = {event[-1] - 1}."
            )
        Distribution.__init__(self, batch, event, validate_args=validate_args)
        if self.df.lt(event[-1]).any():
            import warnings

            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for "
                "ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        if kind == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif kind == "covariance_matrix":
            self._unbroadcasted_scale_tril = torch.linalg.cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = _precision_to_scale_tril(matrix)
        steps = torch.arange(event[-1], dtype=df.dtype, device=df.device)
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - steps.expand(batch + (-1,)))

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        names = ("covariance_matrix", "precision_matrix", "scale_tril")
        wide = {
            n: self.__dict__[n].expand(shape + self._event_shape)
            for n in names
            if n in self.__dict__
        }
        return self._expanded(
            Wishart, shape, _instance, df=self.df.expand(shape), **wide,
            _unbroadcasted_scale_tril=self._unbroadcasted_scale_tril.expand(
                shape + self._event_shape
            ),
            _dist_chi2=self._dist_chi2.expand(shape + self._event_shape[-1:]),
        )  # fmt: skip

    def _square(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        """The Cholesky factor of the covariance."""
        return self._square(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        """Of the normal vectors."""
        return self._square(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self):
        """Its inverse."""
        n = self._event_shape[-1]
        one = torch.eye(n, dtype=self.df.dtype, device=self.df.device)
        tril = self._unbroadcasted_scale_tril
        return self._square(torch.cholesky_solve(one.expand(tril.shape), tril))

    @property
    def mean(self):
        return self.df.view(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def mode(self):
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        factor = torch.where(factor <= 0, torch.full_like(factor, math.nan), factor)
        return factor.view(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def variance(self):
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df.view(self._batch_shape + (1, 1)) * (v.pow(2) + products)

    def _bartlett_sampling(self, sample_shape):
        p = self._event_shape[-1]
        noise = self._dist_chi2.rsample(sample_shape).sqrt().diag_embed(dim1=-2, dim2=-1)
        i, j = torch.tril_indices(p, p, offset=-1)
        noise[..., i, j] = torch.randn(
            torch.Size(sample_shape) + self._batch_shape + (p * (p - 1) // 2,),
            dtype=noise.dtype,
            device=noise.device,
        )
        chol = self._unbroadcasted_scale_tril @ noise
        return chol @ chol.mT

    def rsample(self, sample_shape=torch.Size(), max_try_correction=None):  # noqa: B008
        """Draws; one that rounding made singular is drawn again, a few times."""
        tries = 10 if max_try_correction is None else max_try_correction
        batch = tuple(range(-len(self._batch_shape), 0))

        def any_of_batch(flags):
            return flags.amax(batch) if batch else flags

        sample = self._bartlett_sampling(sample_shape)
        # PyTorch draws once more what is regular; without it the numbers would be others.
        again = any_of_batch(self.support.check(sample))
        for _ in range(tries):
            if not again.any():
                return sample
            new = self._bartlett_sampling(again[again].shape)
            at = again.clone()
            sample = sample.clone()
            sample[at] = new
            again[at] = any_of_batch(~self.support.check(new))
        if again.any():
            import warnings

            warnings.warn("Singular sample detected.", stacklevel=2)
        return sample

    def _half_log_det(self):
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        nu, p = self.df, self._event_shape[-1]
        trace = torch.cholesky_solve(value, self._unbroadcasted_scale_tril)
        return (
            -nu * (p * math.log(2) / 2 + self._half_log_det())
            - torch.mvlgamma(nu / 2, p=p)
            + (nu - p - 1) / 2 * torch.linalg.slogdet(value).logabsdet
            - trace.diagonal(dim1=-2, dim2=-1).sum(-1) / 2
        )

    def entropy(self):
        nu, p = self.df, self._event_shape[-1]
        return (
            (p + 1) * (p * math.log(2) / 2 + self._half_log_det())
            + torch.mvlgamma(nu / 2, p=p)
            - (nu - p - 1) / 2 * _mvdigamma(nu / 2, p=p)
            + nu * p / 2
        )

    @property
    def _natural_params(self):
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x, y):
        p = self._event_shape[-1]
        nu = y + (p + 1) / 2
        return nu * (-torch.linalg.slogdet(-2 * x).logabsdet + p * math.log(2)) + torch.mvlgamma(
            nu, p=p
        )
