"""The Kullback-Leibler divergence of two distributions, in closed form where there is one."""

import math

import rushlight as torch

from . import continuous as c
from . import derived as d
from . import discrete as n
from .distribution import Distribution, sum_rightmost

_rules = _KL_REGISTRY = {}


def register_kl(type_p, type_q):
    """A decorator: the function computes the divergence of these classes (and subclasses).

    Raises TypeError for anything but classes of distributions.
    """
    for cls, name in ((type_p, "type_p"), (type_q, "type_q")):
        if not isinstance(cls, type) or not issubclass(cls, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {cls}")

    def decorate(function):
        _rules[type_p, type_q] = function
        return function

    return decorate


def _rule(p, q):
    best = None
    for (left, right), function in _rules.items():
        if isinstance(p, left) and isinstance(q, right):
            rank = type(p).__mro__.index(left) + type(q).__mro__.index(right)
            if best is None or rank < best[0]:
                best = rank, function
    return best and best[1]


def kl_divergence(p, q):
    """KL(p || q) by batch. Raises NotImplementedError for pairs without a rule.

    >>> import rushlight as torch
    >>> from rushlight.distributions import Normal, kl_divergence
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    function = _rule(p, q)
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} "
            f"and q type {q.__class__.__name__}"
        )
    return function(p, q)


@register_kl(c.Normal, c.Normal)
def _normal(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(c.Laplace, c.Laplace)
def _laplace(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * torch.exp(-distance / p.scale) - 1


@register_kl(c.Cauchy, c.Cauchy)
def _cauchy(p, q):
    top = ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log()
    return top - (4 * p.scale * q.scale).log()


@register_kl(c.Exponential, c.Exponential)
def _exponential(p, q):
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(c.Gamma, c.Gamma)
def _gamma(p, q):
    t = q.concentration * (p.rate / q.rate).log()
    t = t + torch.lgamma(q.concentration) - torch.lgamma(p.concentration)
    t = t + (p.concentration - q.concentration) * torch.digamma(p.concentration)
    return t + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(c.Dirichlet, c.Dirichlet)
def _dirichlet(p, q):
    a, b = p.concentration, q.concentration
    t = a.sum(-1).lgamma() - b.sum(-1).lgamma() + (b.lgamma() - a.lgamma()).sum(-1)
    return t + ((a - b) * (a.digamma() - a.sum(-1).digamma().unsqueeze(-1))).sum(-1)


@register_kl(c.Beta, c.Beta)
def _beta(p, q):
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(c.Uniform, c.Uniform)
def _uniform(p, q):
    result = ((q.high - q.low) / (p.high - p.low)).log()
    outside = (q.low > p.low) | (q.high < p.high)
    return torch.where(outside, torch.full_like(result, math.inf), result)


@register_kl(c.MultivariateNormal, c.MultivariateNormal)
def _multivariate(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes "
            "cannot be computed"
        )
    half = q.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    half = half - p.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    lq, lp = torch.broadcast_tensors(q.scale_tril, p.scale_tril)
    spread = torch.linalg.solve_triangular(lq, lp, upper=False).pow(2).sum((-2, -1))
    away = torch.linalg.solve_triangular(
        lq, (q.loc - p.loc).expand(lq.shape[:-1]).unsqueeze(-1), upper=False
    )
    away = away.pow(2).sum((-2, -1))
    return half + 0.5 * (spread + away - p.event_shape[0])


@register_kl(n.Bernoulli, n.Bernoulli)
def _bernoulli(p, q):
    plus = torch.nn.functional.softplus
    one = p.probs * (plus(-q.logits) - plus(-p.logits))
    one = torch.where(q.probs == 0, torch.full_like(one, math.inf), one)
    one = torch.where(p.probs == 0, torch.zeros_like(one), one)
    zero = (1 - p.probs) * (plus(q.logits) - plus(p.logits))
    zero = torch.where(q.probs == 1, torch.full_like(zero, math.inf), zero)
    zero = torch.where(p.probs == 1, torch.zeros_like(zero), zero)
    return one + zero


@register_kl(n.Binomial, n.Binomial)
def _binomial(p, q):
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return torch.where(p.total_count > q.total_count, torch.full_like(kl, math.inf), kl)


@register_kl(n.Categorical, n.Categorical)
def _categorical(p, q):
    t = p.probs * (p.logits - q.logits)
    t = torch.where((q.probs == 0).expand_as(t), torch.full_like(t, math.inf), t)
    t = torch.where((p.probs == 0).expand_as(t), torch.zeros_like(t), t)
    return t.sum(-1)


@register_kl(n.OneHotCategorical, n.OneHotCategorical)
def _one_hot(p, q):
    return _categorical(p._categorical, q._categorical)


@register_kl(n.Geometric, n.Geometric)
def _geometric(p, q):
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(n.Poisson, n.Poisson)
def _poisson(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(d.HalfNormal, d.HalfNormal)
def _half_normal(p, q):
    return _normal(p.base_dist, q.base_dist)


@register_kl(d.Gumbel, d.Gumbel)
def _gumbel(p, q):
    ratio, euler = p.scale / q.scale, 0.57721566490153286060
    away_p, away_q = p.loc / q.scale, q.loc / q.scale
    t = -ratio.log() - away_q + away_p + ratio * euler
    return t + torch.exp(away_q + (1 + ratio).lgamma() - away_p) - (1 + euler)


@register_kl(d.Independent, d.Independent)
def _independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    inner = kl_divergence(p.base_dist, q.base_dist)
    return sum_rightmost(inner, p.reinterpreted_batch_ndims)


@register_kl(d.TransformedDistribution, d.TransformedDistribution)
def _transformed(p, q):
    if p.event_shape != q.event_shape:
        raise NotImplementedError
    same = [type(t) for t in p.transforms] == [type(t) for t in q.transforms]
    fixed = all(not isinstance(t, (d.AffineTransform, d.PowerTransform)) for t in p.transforms)
    if not (same and (fixed or p.transforms == q.transforms)):
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(d.Pareto, d.Pareto)
def _pareto(p, q):
    ratio = p.alpha / q.alpha
    result = q.alpha * (p.scale / q.scale).log() + ratio.log() + q.alpha / p.alpha - 1
    outside = p.support.lower_bound < q.support.lower_bound
    return torch.where(outside, torch.full_like(result, math.inf), result)


@register_kl(c.Uniform, c.Normal)
def _uniform_normal(p, q):
    width = p.high - p.low
    t = (math.sqrt(math.pi * 2) * q.scale / width).log()
    return t + (width.pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)) / (
        2 * q.scale.pow(2)
    )


@register_kl(c.Normal, c.Laplace)
def _normal_laplace(p, q):
    loc = p.loc - q.loc
    z = loc / p.scale / math.sqrt(2)
    spread = math.sqrt(2 / math.pi) * p.scale * torch.exp(-z.pow(2)) + loc * torch.erf(z)
    return (
        -torch.log(p.scale / q.scale / math.sqrt(2 / math.pi))
        + spread / q.scale
        - 0.5
        + (math.log(2) - 0.5 * math.log(4))
    )


@register_kl(c.Exponential, c.Gamma)
def _exponential_gamma(p, q):
    ratio = q.rate / p.rate
    t = -q.concentration * ratio.log() + ratio + q.concentration.lgamma()
    return t + q.concentration * 0.57721566490153286060 - (1 + 0.57721566490153286060)
