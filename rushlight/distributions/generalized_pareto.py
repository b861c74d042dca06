"""GeneralizedPareto: tails above a threshold, as extreme value theory has them."""

import math

import rushlight as torch

from . import constraints
from .distribution import Distribution, broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """1 - F(x) = (1 + c (x - loc) / scale) ^ (-1/c); exponential at c = `concentration` = 0.

    >>> import rushlight as torch
    >>> torch.distributions.GeneralizedPareto(0.0, 1.0, 0.0).log_prob(torch.tensor(2.0))
    tensor(-2.)
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        wide = {n: getattr(self, n).expand(shape) for n in self.arg_constraints}
        return self._expanded(GeneralizedPareto, shape, _instance, **wide)

    def rsample(self, sample_shape=torch.Size()):  # noqa: B008
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def _exponential(self):
        """Where the concentration is 0, and a concentration to divide by."""
        zero = torch.isclose(self.concentration, torch.zeros_like(self.concentration))
        return zero, torch.where(zero, torch.ones_like(self.concentration), self.concentration)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._exponential()
        power = 1 / c + torch.ones_like(z)
        tail = torch.where(power == 0, power, power * torch.log1p(c * z))
        return torch.where(zero, -z, -tail) - self.scale.log()

    def log_survival_function(self, value):
        """log P(X > value)."""
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._exponential()
        return torch.where(zero, -z, -torch.log1p(c * z) / c)

    def log_cdf(self, value):
        """log P(X <= value)."""
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def cdf(self, value):
        return torch.exp(self.log_cdf(value))

    def icdf(self, value):
        zero, c = self._exponential()
        log_rest = torch.log1p(-value)
        power = self.loc + self.scale / c * torch.expm1(-c * log_rest)
        return torch.where(zero, self.loc - self.scale * log_rest, power)

    def _moment(self, limit, harmless, formula):
        """A moment that is there for concentrations under `limit`, NaN elsewhere."""
        c = self.concentration
        there = c < limit
        value = formula(torch.where(there, c, torch.full_like(c, harmless)))
        return torch.where(there, value, torch.full_like(value, math.nan))

    @property
    def mean(self):
        return self._moment(1.0, 0.5, lambda c: self.loc + self.scale / (1 - c))

    @property
    def variance(self):
        return self._moment(
            0.5, 0.25, lambda c: self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)) + 0 * self.loc
        )

    def entropy(self):
        return (self.scale.log() + self.concentration + 1).expand(self._batch_shape)

    @property
    def mode(self):
        return self.loc

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        end = self.loc - self.scale / self.concentration
        infinite = torch.full_like(end, math.inf)
        return constraints.interval(self.loc, torch.where(self.concentration < 0, end, infinite))
