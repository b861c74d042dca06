"""ContinuousBernoulli: on [0, 1], with the density p^x (1-p)^(1-x) up to a constant."""

import math

import rushlight as torch
from rushlight.nn import functional as F

from . import constraints
from .distribution import (
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    one_given,
    probs_to_logits,
)
from .exp_family import ExponentialFamily

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ExponentialFamily):
    """By `probs` or `logits`; between the two `lims` round 1/2 formulas are Taylor series.

    Loaiza-Ganem & Cunningham 2019, https://arxiv.org/abs/1907.06845.

    >>> import rushlight as torch
    >>> torch.distributions.ContinuousBernoulli(torch.tensor(0.5)).mean
    tensor(0.5000)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012
    support = constraints.unit_interval
    _mean_carrier_measure = 0
    has_rsample = True

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        one_given(probs=probs, logits=logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
            if validate_args is not None and not constraints.unit_interval.check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
            self._param = self.probs
        else:
            (self.logits,) = broadcast_all(logits)
            self._param = self.logits
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        names = [n for n in ("probs", "logits") if n in self.__dict__]
        wide = {n: self.__dict__[n].expand(shape) for n in names}
        return self._expanded(
            ContinuousBernoulli, shape, _instance, **wide, _param=wide[names[0]], _lims=self._lims
        )

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._param.size()

    @lazy_property
    def logits(self):
        """Log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self):
        """p of the density; not the mean."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _outside(self):
        """Where p is far enough from 1/2 for the plain formulas."""
        low, high = self._lims
        return (self.probs <= low) | (self.probs > high)

    def _cut(self):
        """p, and something harmless where it is near 1/2."""
        return torch.where(self._outside(), self.probs, torch.full_like(self.probs, self._lims[0]))

    def _cont_bern_log_norm(self):
        """The logarithm of the density's constant."""
        p = self._cut()
        below = torch.where(p <= 0.5, p, torch.zeros_like(p))
        above = torch.where(p >= 0.5, p, torch.ones_like(p))
        plain = (torch.log1p(-p) - p.log()).abs().log() - torch.where(
            p <= 0.5, torch.log1p(-2.0 * below), (2.0 * above - 1.0).log()
        )
        x = (self.probs - 0.5).pow(2)
        series = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x
        return torch.where(self._outside(), plain, series)

    @property
    def mean(self):
        p = self._cut()
        plain = p / (2.0 * p - 1.0) + 1.0 / (torch.log1p(-p) - p.log())
        x = self.probs - 0.5
        return torch.where(self._outside(), plain, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def stddev(self):
        return self.variance.sqrt()

    @property
    def variance(self):
        p = self._cut()
        plain = p * (p - 1.0) / (1.0 - 2.0 * p).pow(2) + 1.0 / (torch.log1p(-p) - p.log()).pow(2)
        x = (self.probs - 0.5).pow(2)
        series = 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x
        return torch.where(self._outside(), plain, series)

    def rsample(self, sample_shape=torch.Size()):  # noqa: B008
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        plain = F.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return -plain + self._cont_bern_log_norm()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        p = self._cut()
        inner = (p.pow(value) * (1.0 - p).pow(1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inner = torch.where(self._outside(), inner, value)
        return torch.where(
            value <= 0.0,
            torch.zeros_like(value),
            torch.where(value >= 1.0, torch.ones_like(value), inner),
        )

    def icdf(self, value):
        p = self._cut()
        plain = (torch.log1p(-p + value * (2.0 * p - 1.0)) - torch.log1p(-p)) / (
            p.log() - torch.log1p(-p)
        )
        return torch.where(self._outside(), plain, value)

    def entropy(self):
        log0, log1 = torch.log1p(-self.probs), self.probs.log()
        return self.mean * (log0 - log1) - self._cont_bern_log_norm() - log0

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        near = (x <= self._lims[1] - 0.5) & (x > self._lims[0] - 0.5)
        cut = torch.where(near, torch.full_like(x, self._lims[0] - 0.5), x)
        plain = ((cut.exp() - 1.0).abs()).log() - cut.abs().log()
        return torch.where(near, 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0, plain)
