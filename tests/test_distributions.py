"""torch.distributions against PyTorch's: draws for a seed, log_prob, moments, entropies, gradients,
divergences, texts and errors.
"""

import from_torch
import pytest
import torch

import rushlight

T = [[0.5, -1.0, 2.0], [1.5, 0.0, 0.25]]
P = [[0.5, 1.0, 2.0], [1.5, 3.0, 0.25]]
Q = [[0.5, 0.1, 0.4], [0.25, 0.25, 0.5]]
COV = [[2.0, 0.5], [0.5, 1.0]]
DISTRIBUTIONS = {
    "Normal": lambda m, D: D.Normal(m.tensor(T), m.tensor(P)),
    "Normal of numbers": lambda m, D: D.Normal(0.0, 2.0),
    "Normal of many": lambda m, D: D.Normal(m.zeros(5, 7), 1.0),
    "Laplace": lambda m, D: D.Laplace(m.tensor(T), m.tensor(P)),
    "Cauchy": lambda m, D: D.Cauchy(m.tensor(T), m.tensor(P)),
    "StudentT": lambda m, D: D.StudentT(m.tensor(P) + 2, m.tensor(T), m.tensor(P)),
    "Uniform": lambda m, D: D.Uniform(m.tensor(T), m.tensor(T) + m.tensor(P)),
    "Exponential": lambda m, D: D.Exponential(m.tensor(P)),
    "Gamma": lambda m, D: D.Gamma(m.tensor(P), m.tensor(P) + 1),
    "Chi2": lambda m, D: D.Chi2(m.tensor(P)),
    "FisherSnedecor": lambda m, D: D.FisherSnedecor(m.tensor(P), m.tensor(P) + 3),
    "Dirichlet": lambda m, D: D.Dirichlet(m.tensor(P)),
    "Beta": lambda m, D: D.Beta(m.tensor(P), m.tensor(P) + 1),
    "MultivariateNormal": lambda m, D: D.MultivariateNormal(m.tensor([1.0, 2.0]), m.tensor(COV)),
    "MultivariateNormal by precision": lambda m, D: D.MultivariateNormal(
        m.tensor([[1.0, 2.0], [0.0, 1.0]]), precision_matrix=m.tensor(COV)
    ),
    "MultivariateNormal by scale": lambda m, D: D.MultivariateNormal(
        m.zeros(2), scale_tril=m.tensor([[1.0, 0.0], [0.5, 2.0]])
    ),
    "Bernoulli": lambda m, D: D.Bernoulli(m.tensor(Q)),
    "Bernoulli by logits": lambda m, D: D.Bernoulli(logits=m.tensor(T)),
    "Geometric": lambda m, D: D.Geometric(m.tensor(Q)),
    "Binomial": lambda m, D: D.Binomial(5, m.tensor(Q)),
    "NegativeBinomial": lambda m, D: D.NegativeBinomial(5, m.tensor(Q)),
    "Poisson": lambda m, D: D.Poisson(m.tensor(P)),
    "Categorical": lambda m, D: D.Categorical(m.tensor(P)),
    "Categorical by logits": lambda m, D: D.Categorical(logits=m.tensor(T)),
    "OneHotCategorical": lambda m, D: D.OneHotCategorical(m.tensor(P)),
    "OneHotCategoricalStraightThrough": lambda m, D: D.OneHotCategoricalStraightThrough(
        m.tensor(P)
    ),
    "Multinomial": lambda m, D: D.Multinomial(4, m.tensor(P)),
    "LogNormal": lambda m, D: D.LogNormal(m.tensor(T), m.tensor(P)),
    "HalfNormal": lambda m, D: D.HalfNormal(m.tensor(P)),
    "HalfCauchy": lambda m, D: D.HalfCauchy(m.tensor(P)),
    "Gumbel": lambda m, D: D.Gumbel(m.tensor(T), m.tensor(P)),
    "Weibull": lambda m, D: D.Weibull(m.tensor(P), m.tensor(P)),
    "Pareto": lambda m, D: D.Pareto(m.tensor(P), m.tensor(P)),
    "Kumaraswamy": lambda m, D: D.Kumaraswamy(m.tensor(P), m.tensor(P)),
    "InverseGamma": lambda m, D: D.InverseGamma(m.tensor(P), m.tensor(P)),
    "LogisticNormal": lambda m, D: D.LogisticNormal(m.tensor(T), m.tensor(P)),
    "RelaxedBernoulli": lambda m, D: D.RelaxedBernoulli(m.tensor(0.7), m.tensor(Q)),
    "RelaxedOneHotCategorical": lambda m, D: D.RelaxedOneHotCategorical(m.tensor(0.7), m.tensor(Q)),
    "Independent": lambda m, D: D.Independent(D.Normal(m.tensor(T), m.tensor(P)), 1),
    "MixtureSameFamily": lambda m, D: D.MixtureSameFamily(
        D.Categorical(m.tensor(Q)), D.Normal(m.tensor(T), m.tensor(P))
    ),
    "TransformedDistribution": lambda m, D: D.TransformedDistribution(
        D.Normal(m.tensor(T), m.tensor(P)),
        [D.transforms.TanhTransform(), D.transforms.AffineTransform(1.0, 3.0)],
    ),
}


def attempt(function):
    try:
        return function()
    except NotImplementedError:
        return "not implemented"


def _facts(m, name):
    D = m.distributions
    d = DISTRIBUTIONS[name](m, D)
    out = {"repr": repr(d), "shapes": [tuple(d.batch_shape), tuple(d.event_shape)]}
    m.manual_seed(3)
    x = d.sample()
    out["sample"], out["samples"] = x, d.sample((2,))
    out["log_prob"] = d.log_prob(x)
    for fact in ("mean", "variance", "stddev", "mode"):
        out[fact] = attempt(lambda fact=fact: getattr(d, fact))
    out["entropy"] = attempt(d.entropy)
    out["cdf"] = attempt(lambda: d.cdf(x))
    out["icdf"] = attempt(lambda: d.icdf(m.full(tuple(d.batch_shape), 0.3)))
    out["support"] = attempt(lambda: d.enumerate_support())
    out["rsample"] = d.has_rsample
    wide = d.expand((2, *d.batch_shape))
    out["wide"] = [tuple(wide.batch_shape), wide.log_prob(x)]
    return out


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_facts(name):
    theirs, mine = _facts(torch, name), _facts(rushlight, name)
    for fact, value in theirs.items():
        from_torch.close(mine[fact], value, 2e-4, 2e-5, fact)


def _gradient(m, name):
    D = m.distributions
    loc = m.tensor(T, requires_grad=True)
    scale = m.tensor(P, requires_grad=True)
    d = getattr(D, name)(loc, scale)
    m.manual_seed(2)
    x = d.rsample((2,))
    (x.sin().sum() + d.log_prob(x.detach()).sum()).backward()
    return [loc.grad, scale.grad]


@pytest.mark.parametrize("name", ["Normal", "Laplace", "Cauchy", "LogNormal", "Gumbel"])
def test_gradients(name):
    from_torch.close(_gradient(rushlight, name), _gradient(torch, name), 1e-4, 1e-5)


def _gamma_gradient(m):
    a = m.tensor(P, dtype=m.float64, requires_grad=True)
    m.manual_seed(0)
    m.distributions.Gamma(a, 1.0).rsample((3,)).sum().backward()
    return a.grad


def test_gradient_of_gamma_draws():
    from_torch.close(_gamma_gradient(rushlight), _gamma_gradient(torch), 1e-4, 1e-5)


PAIRS = [
    *[(n, n) for n in ("Normal", "Laplace", "Cauchy", "Exponential", "Gamma", "Dirichlet", "Beta",
      "Bernoulli", "Binomial", "Categorical", "OneHotCategorical", "Geometric", "Poisson",
      "HalfNormal", "Gumbel", "LogNormal", "Independent", "MultivariateNormal", "Chi2", "Pareto")],
    ("Uniform", "Normal"), ("Normal", "Laplace"), ("Exponential", "Gamma"), ("Normal", "Poisson"),
    ("MultivariateNormal", "MultivariateNormal by scale"),
]  # fmt: skip


def _other(m, D, name):
    """Another one of the family."""
    global T, P, Q
    kept = T, P, Q
    try:
        T, P = [[0.1, 0.3, -1.0], [2.0, 0.5, 0.0]], [[1.5, 0.7, 1.0], [0.5, 2.0, 2.25]]
        Q = [[0.3, 0.3, 0.4], [0.5, 0.25, 0.25]]
        return DISTRIBUTIONS[name](m, D)
    finally:
        T, P, Q = kept


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(pair))
def test_divergence(pair):
    got = []
    for m in (torch, rushlight):
        D = m.distributions
        p, q = DISTRIBUTIONS[pair[0]](m, D), _other(m, D, pair[1])
        got.append(attempt(lambda D=D, p=p, q=q: D.kl_divergence(p, q)))
    from_torch.close(got[1], got[0], 1e-4, 1e-5)


ERRORS = {
    "scale": lambda m, D: D.Normal(0.0, -1.0),
    "both": lambda m, D: D.Bernoulli(0.5, 0.1),
    "probs": lambda m, D: D.Bernoulli(m.tensor([0.5, 1.5])),
    "support": lambda m, D: D.Exponential(1.0).log_prob(m.tensor(-1.0)),
    "uniform": lambda m, D: D.Uniform(1.0, 0.0),
    "value shape": lambda m, D: D.Normal(m.zeros(3), 1.0).log_prob(m.zeros(2)),
    "event shape": lambda m, D: D.Dirichlet(m.ones(3)).log_prob(m.ones(2)),
    "no tensor": lambda m, D: D.Poisson(1.0).log_prob(1.0),
    "scalar categorical": lambda m, D: D.Categorical(m.tensor(0.5)),
    "class": lambda m, D: D.Categorical(m.ones(3)).log_prob(m.tensor(3)),
    "matrices": lambda m, D: D.MultivariateNormal(m.zeros(2)),
    "text": lambda m, D: D.Normal("a", 1.0),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    got = []
    for m in (torch, rushlight):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - compared
            ERRORS[name](m, m.distributions)
        got.append((caught.type.__name__, str(caught.value).split("\n")[0]))
    assert got[1] == got[0]


@pytest.mark.parametrize("name", ["positive", "unit_interval", "real", "simplex", "nonnegative"])
def test_transform_to(name):
    got = []
    for m in (torch, rushlight):
        D = m.distributions
        x = m.linspace(-1, 1, 9).reshape(3, 3)
        for registry in (D.biject_to, D.transform_to):
            t = registry(getattr(D.constraints, name))
            y = t(x)
            got.append([y, t.inv(y), bool(getattr(D.constraints, name).check(y).all())])
    from_torch.close(got[2:], got[:2], 1e-4, 1e-5)


def test_modules_are_torch_s():
    from rushlight.distributions.categorical import Categorical
    from rushlight.distributions.normal import Normal

    assert Normal is rushlight.distributions.Normal and Categorical.__name__ == "Categorical"
