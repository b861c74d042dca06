"""Discrete distributions made continuous, so that gradients pass through their draws."""

import math

import rushlight as torch

from . import constraints
from .derived import TransformedDistribution, _delegate, _ExpandBase
from .discrete import Bernoulli, Categorical
from .distribution import Distribution, broadcast_all, clamp_probs, one_given
from .transforms import ExpTransform, SigmoidTransform


class LogitRelaxedBernoulli(Distribution):
    """The log-odds of a RelaxedBernoulli."""

    arg_constraints = Bernoulli.arg_constraints
    support = constraints.real
    has_rsample = False

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        one_given(probs=probs, logits=logits)
        self.temperature = temperature
        self._bernoulli = Bernoulli(probs, logits, validate_args)
        super().__init__(self._bernoulli._param.shape, validate_args=validate_args)

    probs = property(lambda self: self._bernoulli.probs)
    logits = property(lambda self: self._bernoulli.logits)

    def _check_parameters(self):
        pass  # Bernoulli has done it

    def __repr__(self):
        return f"{type(self).__name__}{str(self._bernoulli).partition('Bernoulli')[2]}"

    def expand(self, batch_shape, _instance=None):
        inner = self._bernoulli.expand(batch_shape)
        return self._expanded(
            type(self), batch_shape, _instance, _bernoulli=inner, temperature=self.temperature
        )

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(torch.rand(shape, dtype=probs.dtype))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value):
        logits, value = broadcast_all(self.logits, value)
        diff = logits - value.mul(self.temperature)
        return torch.as_tensor(self.temperature).log() + diff - 2 * diff.exp().log1p()


class RelaxedBernoulli(_ExpandBase, TransformedDistribution):
    """Yes or no made continuous (Maddison et al. 2016; Jang et al. 2016)."""

    arg_constraints = Bernoulli.arg_constraints
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    temperature, probs, logits = map(_delegate, ("temperature", "probs", "logits"))


class ExpRelaxedCategorical(Distribution):
    """The logarithm of a RelaxedOneHotCategorical."""

    arg_constraints = Categorical.arg_constraints
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical._param.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)

    def expand(self, batch_shape, _instance=None):
        inner = self._categorical.expand(batch_shape)
        return self._expanded(
            type(self), batch_shape, _instance, _categorical=inner, temperature=self.temperature
        )

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(torch.rand(shape, dtype=self.logits.dtype))
        scores = (self.logits - (-(u.log())).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value):
        n = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        t = torch.as_tensor(self.temperature, dtype=logits.dtype)
        scale = t.log().mul(-(n - 1)) - math.lgamma(n)
        score = logits - value.mul(t)
        score = (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1)
        return score - scale


class RelaxedOneHotCategorical(_ExpandBase, TransformedDistribution):
    """One-hot vectors made continuous (Maddison et al. 2016; Jang et al. 2016)."""

    arg_constraints = Categorical.arg_constraints
    support = constraints.simplex

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    temperature, probs, logits = map(_delegate, ("temperature", "probs", "logits"))
