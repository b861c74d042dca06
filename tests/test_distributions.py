"""torch.distributions against PyTorch's: draws for a seed, log_prob, moments, entropies, gradients,
divergences, texts and errors.
"""

import from_torch
import pytest
import torch

import rushlight


@pytest.fixture(autouse=True)
def _arguments_are_checked():
    """PyTorch's compiler turns checks off when some other test loads it."""
    for m in (torch, rushlight):
        m.distributions.Distribution.set_default_validate_args(True)


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
    "Uniform within": lambda m, D: D.Uniform(m.tensor(Q) / 4 + 0.5, m.tensor(Q) / 2 + 0.5),
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
    "VonMises": lambda m, D: D.VonMises(m.tensor(T), m.tensor(P)),
    "VonMises flat": lambda m, D: D.VonMises(m.tensor(0.5), m.tensor(1e-6)),
    "ContinuousBernoulli": lambda m, D: D.ContinuousBernoulli(m.tensor(Q)),
    "ContinuousBernoulli by logits": lambda m, D: D.ContinuousBernoulli(logits=m.tensor(T)),
    "GeneralizedPareto": lambda m, D: D.GeneralizedPareto(
        m.tensor(T), m.tensor(P), m.tensor([[0.3, 0.0, -0.5], [2.0, 0.7, 0.45]])
    ),
    "LKJCholesky": lambda m, D: D.LKJCholesky(3, m.tensor([0.5, 1.0])),
    "LKJCholesky of two": lambda m, D: D.LKJCholesky(2),
    "LowRankMultivariateNormal": lambda m, D: D.LowRankMultivariateNormal(
        m.tensor(T), m.tensor([[1.0, 0.5], [0.0, 2.0], [-1.0, 0.25]]), m.tensor(P)
    ),
    "MultivariateNormal of three": lambda m, D: D.MultivariateNormal(
        m.tensor(T), scale_tril=m.tensor(P).unsqueeze(-1) * m.eye(3) + m.ones(3, 3).tril(-1)
    ),
    "Wishart": lambda m, D: D.Wishart(m.tensor([3.0, 4.5]), m.tensor(COV)),
    "Wishart by precision": lambda m, D: D.Wishart(3.0, precision_matrix=m.tensor(COV)),
    "Wishart by scale": lambda m, D: D.Wishart(
        m.tensor(2.5), scale_tril=m.tensor([[1.0, 0.0], [0.5, 2.0]])
    ),
    "LogitRelaxedBernoulli": lambda m, D: D.relaxed_bernoulli.LogitRelaxedBernoulli(
        m.tensor(0.7), m.tensor(Q)
    ),
    "ExpRelaxedCategorical": lambda m, D: D.relaxed_categorical.ExpRelaxedCategorical(
        m.tensor(0.7), m.tensor(Q)
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
    ("LowRankMultivariateNormal", "LowRankMultivariateNormal"),
    ("LowRankMultivariateNormal", "MultivariateNormal of three"),
    ("MultivariateNormal of three", "LowRankMultivariateNormal"), ("Wishart", "Wishart by scale"),
    ("Bernoulli", "Poisson"), ("Poisson", "Bernoulli"), ("Poisson", "Binomial"),
    ("ContinuousBernoulli", "ContinuousBernoulli by logits"),
    *[(p, q) for q in ("Beta", "ContinuousBernoulli", "Exponential", "Gamma", "Gumbel", "Normal",
      "Pareto", "Uniform") for p in ("Beta", "ContinuousBernoulli", "Exponential", "Gamma",
      "Gumbel", "Laplace", "Normal", "Pareto", "Uniform") if p != q],
    *[(p, q) for q in ("Beta", "ContinuousBernoulli", "Exponential", "Gamma", "Pareto")
      for p in ("Uniform within",)],
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
    "lkj": lambda m, D: D.LKJCholesky(1),
    "low rank loc": lambda m, D: D.LowRankMultivariateNormal(m.tensor(1.0), 1, 1),
    "low rank factor": lambda m, D: D.LowRankMultivariateNormal(m.ones(2), m.ones(2), m.ones(2)),
    "low rank size": lambda m, D: D.LowRankMultivariateNormal(m.ones(2), m.ones(3, 1), m.ones(2)),
    "low rank diagonal": lambda m, D: D.LowRankMultivariateNormal(
        m.ones(2), m.ones(2, 1), m.ones(3)
    ),
    "low rank batch": lambda m, D: D.LowRankMultivariateNormal(
        m.ones(2, 2), m.ones(3, 2, 1), m.ones(2)
    ),
    "wishart": lambda m, D: D.Wishart(m.tensor(3.0)),
    "wishart df": lambda m, D: D.Wishart(m.tensor(1.0), m.eye(2)),
    "wishart matrix": lambda m, D: D.Wishart(m.tensor(1.0), m.ones(2)),
    "continuous bernoulli": lambda m, D: D.ContinuousBernoulli(1.5, validate_args=True),
    "continuous bernoulli both": lambda m, D: D.ContinuousBernoulli(),
    "outside": lambda m, D: D.Bernoulli(0.5).log_prob(m.tensor(3.0)),
    "event shapes": lambda m, D: D.kl_divergence(
        DISTRIBUTIONS["LowRankMultivariateNormal"](m, D), DISTRIBUTIONS["MultivariateNormal"](m, D)
    ),
    "cat lengths": lambda m, D: D.CatTransform([D.ExpTransform()], lengths=[1, 2]),
    "cat parts": lambda m, D: D.CatTransform([3]),
    "cat size": lambda m, D: D.CatTransform([D.ExpTransform()])(m.ones(2)),
    "cat dim": lambda m, D: D.CatTransform([D.ExpTransform()], dim=1)(m.ones(2)),
    "stack parts": lambda m, D: D.StackTransform([3]),
    "stack size": lambda m, D: D.StackTransform([D.ExpTransform()])(m.ones(2)),
    "stack dim": lambda m, D: D.StackTransform([D.ExpTransform()], 2)(m.ones(2)),
    "corr shape": lambda m, D: D.CorrCholeskyTransform().forward_shape((4,)),
    "corr square": lambda m, D: D.CorrCholeskyTransform().inverse_shape((4, 3)),
    "reshape": lambda m, D: D.ReshapeTransform((2,), (3,)),
    "reshape few": lambda m, D: D.ReshapeTransform((2, 3), (6,)).forward_shape((3,)),
    "reshape other": lambda m, D: D.ReshapeTransform((2, 3), (6,)).forward_shape((3, 2)),
    "cache": lambda m, D: D.ExpTransform(cache_size=2),
    "vector to matrix": lambda m, D: D.utils.vec_to_tril_matrix(m.ones(4)),
    "matrix to vector": lambda m, D: D.utils.tril_matrix_to_vec(m.ones(2, 2), 2),
    "registry": lambda m, D: D.transform_to.register(3, len),
    "no transform": lambda m, D: D.transform_to(D.constraints.boolean),
    "dependent": lambda m, D: D.constraints.dependent.check(1),
    "independent": lambda m, D: D.constraints.real_vector.check(m.tensor(1.0)),
    "cat constraint": lambda m, D: D.constraints.cat([D.constraints.real], lengths=[1, 2]),
    "stack constraint": lambda m, D: D.constraints.stack([3]),
    "family": lambda m, D: D.ExponentialFamily().entropy(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    got = []
    for m in (torch, rushlight):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - compared
            ERRORS[name](m, m.distributions)
        got.append((caught.type.__name__, str(caught.value).split("\n")[0]))
    assert got[1] == got[0]


CONSTRAINTS = {
    **{
        name: (lambda c, m, name=name: getattr(c, name), shape)
        for name, shape in {
            "real": (3, 3), "positive": (3, 3), "nonnegative": (3, 3), "unit_interval": (3, 3),
            "simplex": (3, 3), "lower_cholesky": (3, 3), "corr_cholesky": (2, 6),
            "positive_definite": (2, 3, 3), "positive_semidefinite": (2, 3, 3),
            "real_vector": (3, 3),
        }.items()
    },
    "interval": (lambda c, m: c.interval(-1.0, m.tensor([2.0, 3.0, 4.0])), (3, 3)),
    "half_open": (lambda c, m: c.half_open_interval(0.0, 2.0), (3, 3)),
    "less_than": (lambda c, m: c.less_than(2.0), (3, 3)),
    "greater_than": (lambda c, m: c.greater_than(m.tensor(2.0)), (3, 3)),
    "greater_than_eq": (lambda c, m: c.greater_than_eq(1.0), (3, 3)),
    "independent": (lambda c, m: c.independent(c.positive, 1), (3, 3)),
    "cat": (lambda c, m: c.cat([c.positive, c.unit_interval], -1, [1, 2]), (3, 3)),
    "stack": (lambda c, m: c.stack([c.positive, c.unit_interval, c.real], 1), (3, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_transform_to(name):
    make, shape = CONSTRAINTS[name]
    got = []
    for m in (torch, rushlight):
        D = m.distributions
        c = make(D.constraints, m)
        m.manual_seed(0)
        x = m.randn(shape)
        rows = [repr(c), c.event_dim, c.is_discrete]
        for registry in (D.biject_to, D.transform_to):
            try:
                t = registry(c)
            except NotImplementedError as e:
                rows.append(str(e))
                continue
            y = t(x)
            det = attempt(lambda t=t, x=x, y=y: t.log_abs_det_jacobian(x, y))
            rows += [y, t.inv(y), bool(c.check(y).all()), det, t.bijective]
            rows += [attempt(lambda t=t: str(t.sign)), tuple(t.forward_shape(tuple(x.shape)))]
        got.append(rows)
    from_torch.close(got[1], got[0], 1e-4, 1e-5)


TRANSFORMS = {
    "cat": lambda D, m: D.CatTransform([D.ExpTransform(), D.TanhTransform()], 1, [1, 2]),
    "cat of events": lambda D, m: D.CatTransform(
        [D.SoftmaxTransform(), D.ExpTransform()], -1, [2, 1]
    ),
    "stack": lambda D, m: D.StackTransform(
        [D.ExpTransform(), D.AffineTransform(1.0, 2.0), D.SigmoidTransform()], -1
    ),
    "cdf": lambda D, m: D.CumulativeDistributionTransform(D.Normal(m.zeros(3), 2.0)),
    "exp": lambda D, m: D.ExpTransform(), "abs": lambda D, m: D.AbsTransform(),
    "tanh": lambda D, m: D.TanhTransform(), "softplus": lambda D, m: D.SoftplusTransform(),
    "power": lambda D, m: D.ComposeTransform([D.ExpTransform(), D.PowerTransform(m.tensor(2.0))]),
    "affine": lambda D, m: D.AffineTransform(m.tensor([1.0, 2.0, 3.0]), -2.0, event_dim=1),
    "sticks": lambda D, m: D.StickBreakingTransform(),
    "reshape": lambda D, m: D.ReshapeTransform((3,), (3, 1)),
    "independent": lambda D, m: D.IndependentTransform(D.ExpTransform(), 1),
    "composed": lambda D, m: D.ComposeTransform(
        [D.AffineTransform(1.0, 2.0), D.SigmoidTransform(), D.ReshapeTransform((3,), (1, 3))]
    ),
    "inverse": lambda D, m: D.ComposeTransform([D.ExpTransform(), D.ExpTransform().inv]),
    "nothing": lambda D, m: D.identity_transform,
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    got = []
    for m in (torch, rushlight):
        D = m.distributions
        t, same = TRANSFORMS[name](D, m), TRANSFORMS[name](D, m)
        m.manual_seed(0)
        x = m.randn(2, 3, requires_grad=True)
        y = t(x)
        det = attempt(lambda t=t, x=x, y=y: t.log_abs_det_jacobian(x, y))
        (gradient,) = m.autograd.grad(y.sum(), x)
        cached = attempt(lambda t=t: t.with_cache(1))
        kept = cached if isinstance(cached, str) else cached(x) is cached(x)
        got.append([
            y, t.inv(y), det, gradient, t.bijective, attempt(lambda t=t: str(t.sign)),
            tuple(t.forward_shape((2, 3))), tuple(t.inverse_shape(tuple(y.shape))), kept,
            t == same, t.inv == same.inv, t == 3, t.inv.inv is t, repr(t).replace("\n", ""),
            t.domain.event_dim, t.codomain.event_dim,
        ])  # fmt: skip
    from_torch.close(got[1], got[0], 1e-4, 1e-5)


def _gradients_of(m, make, **tensors):
    leaves = {k: m.tensor(v, dtype=m.float64, requires_grad=True) for k, v in tensors.items()}
    d = make(m.distributions, **leaves)
    m.manual_seed(5)
    x = d.rsample((2,)) if d.has_rsample else d.sample((2,))
    m.set_default_dtype(m.float64)  # PyTorch's GeneralizedPareto needs it
    try:
        (x.sum() + d.log_prob(x.detach()).sum() + d.entropy().sum()).backward()
    finally:
        m.set_default_dtype(m.float32)
    return [t.grad for t in leaves.values()]


REPARAMETRIZED = {
    "low rank": (
        lambda D, a, b, c: D.LowRankMultivariateNormal(a, b, c),
        dict(a=T, b=[[1.0], [0.0], [-1.0]], c=P),
    ),
    "continuous": (lambda D, a: D.ContinuousBernoulli(a), dict(a=Q)),
    "tails": (lambda D, a, b: D.GeneralizedPareto(a, b, b / 5), dict(a=T, b=P)),
}  # fmt: skip


@pytest.mark.parametrize("name", REPARAMETRIZED)
def test_gradients_of_the_rarer_ones(name):
    make, tensors = REPARAMETRIZED[name]
    got = [_gradients_of(m, make, **tensors) for m in (torch, rushlight)]
    from_torch.close(got[1], got[0], 1e-3, 1e-4)


@pytest.mark.parametrize("diag", [-1, 0, 1])
def test_triangles_as_vectors(diag):
    got = []
    for m in (torch, rushlight):
        u = m.distributions.utils
        mat = m.arange(18.0).reshape(2, 3, 3)
        vec = u.tril_matrix_to_vec(mat, diag)
        got.append([vec, u.vec_to_tril_matrix(vec, diag)])
    from_torch.close(got[1], got[0], 0, 0)


def test_registered_pairs_and_families_are_torch_s():
    from rushlight.distributions import kl

    def names(registry):
        return {(p.__name__, q.__name__) for p, q in registry}

    assert names(kl._KL_REGISTRY) == names(torch.distributions.kl._KL_REGISTRY)
    for name in torch.distributions.__all__:
        theirs, mine = getattr(torch.distributions, name), getattr(rushlight.distributions, name)
        if isinstance(theirs, type) and issubclass(theirs, torch.distributions.Distribution):
            family = rushlight.distributions.ExponentialFamily
            assert issubclass(mine, family) == issubclass(
                theirs, torch.distributions.ExponentialFamily
            )


@pytest.mark.parametrize(
    "name", ["Normal", "Gamma", "Exponential", "Bernoulli", "Dirichlet", "Beta"]
)
def test_entropy_by_the_family_s_normalizer(name):
    d = DISTRIBUTIONS[name](rushlight, rushlight.distributions)
    general = rushlight.distributions.ExponentialFamily.entropy(d)
    if name not in ("Dirichlet", "Beta"):
        from_torch.close(general, torch.tensor(d.entropy().tolist()), 1e-4, 1e-5)
    p, q = (
        DISTRIBUTIONS[name](rushlight, rushlight.distributions),
        _other(rushlight, rushlight.distributions, name),
    )
    kl = rushlight.distributions.kl
    family = rushlight.distributions.ExponentialFamily
    bregman = kl._KL_REGISTRY[family, family](p, q)
    from_torch.close(bregman, torch.tensor(kl.kl_divergence(p, q).tolist()), 1e-3, 1e-4)


def test_modules_are_torch_s():
    from rushlight.distributions.categorical import Categorical
    from rushlight.distributions.normal import Normal

    assert Normal is rushlight.distributions.Normal and Categorical.__name__ == "Categorical"
