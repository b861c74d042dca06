"""Divergences between different families, and within the rarer ones; see kl.py.

KL(p || q) = -H(p) - E_p[log q]: for each q the second term is written once, in the moments of p.
"""

import math

import rushlight as torch

from . import continuous as c
from . import derived as d
from . import discrete as n
from .continuous_bernoulli import ContinuousBernoulli
from .distribution import sum_rightmost
from .exp_family import ExponentialFamily
from .kl import register_kl
from .lowrank_multivariate_normal import (
    LowRankMultivariateNormal,
    _log_det,
    _mahalanobis,
    _whitened,
)

_PARAMETERS = ("loc", "rate", "concentration", "concentration1", "alpha", "low", "probs", "logits")


def _unless(outside, value):
    return torch.where(outside, torch.full_like(value, math.inf), value)


def _parameter(p):
    if isinstance(p, c.Beta):
        return p.concentration1
    return next(getattr(p, name) for name in _PARAMETERS if name in vars(p))


def _infinite(p, q):
    """p gives values that q never does."""
    return torch.full_like(_parameter(p), math.inf)


_REALS = (d.Gumbel, c.Laplace, c.Normal)
_POSITIVE = (c.Exponential, c.Gamma)
_BOUNDED = (c.Beta, ContinuousBernoulli, c.Uniform)
for _p in _REALS:
    for _q in (*_BOUNDED, *_POSITIVE, d.Pareto):
        register_kl(_p, _q)(_infinite)
for _p in (*_POSITIVE, d.Pareto):
    for _q in _BOUNDED:
        register_kl(_p, _q)(_infinite)
for _p in (c.Beta, ContinuousBernoulli, *_POSITIVE):
    register_kl(_p, d.Pareto)(_infinite)
for _q in (n.Bernoulli, n.Binomial):
    register_kl(n.Poisson, _q)(lambda p, q: torch.full_like(p.rate, math.inf))


# --- q normal, by mean and variance --------------------------------------------------------------


def _to_normal(p, q):
    away = (p.variance + (p.mean - q.loc).pow(2)) / (2 * q.scale.pow(2))
    return -p.entropy() + (math.sqrt(2 * math.pi) * q.scale).log() + away


for _p in (c.Beta, ContinuousBernoulli, c.Exponential, c.Gamma, d.Gumbel, c.Laplace):
    register_kl(_p, c.Normal)(_to_normal)


@register_kl(d.Pareto, c.Normal)
def _pareto_normal(p, q):
    finite = p.alpha > 2  # otherwise the variance is not
    harmless = d.Pareto(p.scale, torch.where(finite, p.alpha, torch.full_like(p.alpha, 3.0)))
    return _unless(~finite, _to_normal(harmless, q))


# --- q exponential or gamma, by mean and E log ---------------------------------------------------


def _to_exponential(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.mean


for _p in (c.Beta, ContinuousBernoulli, c.Gamma):
    register_kl(_p, c.Exponential)(_to_exponential)


@register_kl(d.Pareto, c.Exponential)
def _pareto_exponential(p, q):
    finite = p.alpha > 1  # otherwise the mean is not
    harmless = d.Pareto(p.scale, torch.where(finite, p.alpha, torch.full_like(p.alpha, 2.0)))
    return _unless(~finite, _to_exponential(harmless, q))


@register_kl(c.Uniform, c.Exponential)
def _uniform_exponential(p, q):
    value = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return _unless(p.low < 0, value)


def _gamma_terms(q, mean, mean_log):
    """-E log of a gamma density."""
    constant = q.concentration.lgamma() - q.concentration * q.rate.log()
    return constant - (q.concentration - 1) * mean_log + q.rate * mean


@register_kl(c.Beta, c.Gamma)
def _beta_gamma(p, q):
    mean_log = p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    return -p.entropy() + _gamma_terms(q, p.mean, mean_log)


@register_kl(d.Pareto, c.Gamma)
def _pareto_gamma(p, q):
    finite = p.alpha > 1
    alpha = torch.where(finite, p.alpha, torch.full_like(p.alpha, 2.0))
    harmless = d.Pareto(p.scale, alpha)
    mean_log = p.scale.log() + 1 / alpha
    value = -harmless.entropy() + _gamma_terms(q, harmless.mean, mean_log)
    return _unless(~finite, value)


def _x_log_x(x):
    return torch.special.xlogy(x, x)


@register_kl(c.Uniform, c.Gamma)
def _uniform_gamma(p, q):
    width = p.high - p.low
    mean_log = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    value = -width.log() + _gamma_terms(q, (p.high + p.low) / 2, mean_log)
    return _unless(p.low < 0, value)


# --- q Gumbel, by mean and the moment generating function at -1 / scale --------------------------


def _gumbel_terms(q, mean, moment):
    """-E log of a Gumbel density."""
    return q.scale.log() + (mean - q.loc) / q.scale + (q.loc / q.scale).exp() * moment


@register_kl(c.Exponential, d.Gumbel)
def _exponential_gumbel(p, q):
    product = p.rate * q.scale
    return -p.entropy() + _gumbel_terms(q, p.mean, product / (product + 1))


@register_kl(c.Gamma, d.Gumbel)
def _gamma_gumbel(p, q):
    moment = (1 + (p.rate * q.scale).reciprocal()).pow(-p.concentration)
    return -p.entropy() + _gumbel_terms(q, p.mean, moment)


@register_kl(c.Normal, d.Gumbel)
def _normal_gumbel(p, q):
    moment = (-p.mean / q.scale + (p.scale / q.scale).pow(2) * 0.5).exp()
    return -p.entropy() + _gumbel_terms(q, p.mean, moment)


@register_kl(c.Uniform, d.Gumbel)
def _uniform_gumbel(p, q):
    width = p.high - p.low
    moment = ((-p.low / q.scale).exp() - (-p.high / q.scale).exp()) * q.scale / width
    return -width.log() + _gumbel_terms(q, (p.high + p.low) / 2, moment)


# --- q on an interval ----------------------------------------------------------------------------


@register_kl(c.Beta, c.Uniform)
def _beta_uniform(p, q):
    return _unless((q.high < 1) | (q.low > 0), -p.entropy() + (q.high - q.low).log())


@register_kl(ContinuousBernoulli, c.Uniform)
def _continuous_bernoulli_uniform(p, q):
    # PyTorch counts the ends as outside here.
    return _unless((q.high <= 1) | (q.low >= 0), -p.entropy() + (q.high - q.low).log())


@register_kl(c.Uniform, c.Beta)
def _uniform_beta(p, q):
    width, a, b = p.high - p.low, q.concentration1, q.concentration0
    log_x = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    log_rest = -(_x_log_x(1 - p.high) - _x_log_x(1 - p.low) + width) / width
    constant = a.lgamma() + b.lgamma() - (a + b).lgamma()
    value = constant - width.log() - (a - 1) * log_x - (b - 1) * log_rest
    return _unless((p.high > 1) | (p.low < 0), value)


@register_kl(c.Uniform, d.Pareto)
def _uniform_pareto(p, q):
    width = p.high - p.low
    log_x = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    value = (q.alpha + 1) * log_x - (q.alpha * q.scale.pow(q.alpha) * width).log()
    return _unless(p.low < q.support.lower_bound, value)


def _to_continuous_bernoulli(p, q):
    return -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._cont_bern_log_norm()


for _p in (c.Beta, ContinuousBernoulli):
    register_kl(_p, ContinuousBernoulli)(_to_continuous_bernoulli)


@register_kl(c.Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p, q):
    outside = (p.high >= q.support.upper_bound) | (p.low <= q.support.lower_bound)
    return _unless(outside, _to_continuous_bernoulli(p, q))


@register_kl(n.Bernoulli, n.Poisson)
def _bernoulli_poisson(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


# --- families and normal vectors -----------------------------------------------------------------


@register_kl(ExponentialFamily, ExponentialFamily)
def _families(p, q):
    """The Bregman divergence of the log-normalisers (Nielsen & Nock 2010)."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot "
            "                            be computed using Bregman divergences"
        )
    p_params = [t.detach().requires_grad_() for t in p._natural_params]
    q_params = q._natural_params
    normalizer = p._log_normalizer(*p_params)
    gradients = torch.autograd.grad(normalizer.sum(), p_params, create_graph=True)
    result = q._log_normalizer(*q_params) - normalizer
    for theta_p, theta_q, gradient in zip(p_params, q_params, gradients):
        term = (theta_q - theta_p) * gradient
        result = result - sum_rightmost(term, len(q.event_shape))
    return result


def _check_shapes(p, q, what):
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two {what} Multivariate Normals with"
            "                          different event shapes cannot be computed"
        )


def _squares(x):
    return x.pow(2).sum((-2, -1))


def _root(p):
    """Matrices whose squares M M^T add up to p's covariance."""
    if isinstance(p, LowRankMultivariateNormal):
        w, diagonal, _ = p._parts
        return w, torch.diag_embed(diagonal.sqrt())
    return (p._unbroadcasted_scale_tril,)


def _log_det_of(p):
    if isinstance(p, LowRankMultivariateNormal):
        return _log_det(*p._parts[1:])
    return 2 * p._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p, q):
    _check_shapes(p, q, "Low Rank")
    return _to_low_rank(p, q)


@register_kl(c.MultivariateNormal, LowRankMultivariateNormal)
def _multivariate_low_rank(p, q):
    _check_shapes(p, q, "(Low Rank)")
    return _to_low_rank(p, q)


def _to_low_rank(p, q):
    w, diagonal, tril = q._parts
    a, root = _whitened(w, diagonal, tril), diagonal.sqrt().unsqueeze(-1)
    spread = sum(_squares(m / root) - _squares(a @ m) for m in _root(p))
    away = _mahalanobis(w, diagonal, tril, q.loc - p.loc)
    return 0.5 * (_log_det_of(q) - _log_det_of(p) + spread + away - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, c.MultivariateNormal)
def _low_rank_multivariate(p, q):
    _check_shapes(p, q, "(Low Rank)")
    tril = q._unbroadcasted_scale_tril

    def solved(m):
        return _squares(torch.linalg.solve_triangular(tril, m, upper=False))

    spread = sum(solved(m) for m in _root(p))
    away = solved((q.loc - p.loc).unsqueeze(-1))
    return 0.5 * (_log_det_of(q) - _log_det_of(p) + spread + away - p.event_shape[0])
