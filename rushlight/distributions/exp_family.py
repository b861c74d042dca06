"""ExponentialFamily: densities exp(<t(x), theta> - F(theta) + k(x)), and what follows from F."""

import rushlight as torch

from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A subclass gives theta as `_natural_params`, F as `_log_normalizer` and E[k(x)] as
    `_mean_carrier_measure`; its entropy, and divergences within it, follow by differentiation."""

    @property
    def _natural_params(self):
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self):
        raise NotImplementedError

    def entropy(self):
        """F(theta) - <theta, grad F> - E[k] (Nielsen & Nock 2010)."""
        result = -self._mean_carrier_measure
        params = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*params)
        gradients = torch.autograd.grad(normalizer.sum(), params, create_graph=True)
        result = result + normalizer
        for theta, gradient in zip(params, gradients):
            result = result - (theta * gradient).reshape(self._batch_shape + (-1,)).sum(-1)
        return result


def _family(cls, natural, normalizer, carrier=0.0):
    """Gives a class the three by functions."""
    cls._natural_params = property(natural)
    cls._log_normalizer = lambda self, *params: normalizer(*params)
    if carrier is not None:
        cls._mean_carrier_measure = carrier


def _fill():
    """The families among the distributions; entropies that they compute otherwise stay."""
    from . import continuous as c
    from . import discrete as d

    log = torch.log
    _family(
        c.Normal,
        lambda s: (s.loc / s.scale.pow(2), -0.5 * s.scale.pow(2).reciprocal()),
        lambda x, y: -0.25 * x.pow(2) / y + 0.5 * log(-torch.pi / y),
    )
    _family(c.Exponential, lambda s: (-s.rate,), lambda x: -log(-x))
    _family(
        c.Gamma,
        lambda s: (s.concentration - 1, -s.rate),
        lambda x, y: torch.lgamma(x + 1) + (x + 1) * log(-y.reciprocal()),
    )
    _family(
        c.Dirichlet,
        lambda s: (s.concentration,),
        lambda x: x.lgamma().sum(-1) - torch.lgamma(x.sum(-1)),
    )
    _family(
        c.Beta,
        lambda s: (s.concentration1, s.concentration0),
        lambda x, y: torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y),
    )
    _family(d.Bernoulli, lambda s: (torch.logit(s.probs),), lambda x: log(1 + torch.exp(x)))
    _family(d.Poisson, lambda s: (log(s.rate),), torch.exp, carrier=None)
