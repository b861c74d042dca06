# ruff: noqa: F401
"""torch.distributions: probability distributions, their constraints, transforms and divergences.

The same draws as PyTorch's for a seed.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from . import (
    _kl_cross,  # registers divergences
    constraints,
    exp_family,
    kl,
    transforms,
    utils,
)
from .constraint_registry import biject_to, transform_to
from .continuous import (
    Beta,
    Cauchy,
    Chi2,
    Dirichlet,
    Exponential,
    FisherSnedecor,
    Gamma,
    Laplace,
    MultivariateNormal,
    Normal,
    StudentT,
    Uniform,
)
from .continuous_bernoulli import ContinuousBernoulli
from .derived import (
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Independent,
    InverseGamma,
    Kumaraswamy,
    LogisticNormal,
    LogNormal,
    MixtureSameFamily,
    Pareto,
    TransformedDistribution,
    Weibull,
)
from .discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Multinomial,
    NegativeBinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
)
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .generalized_pareto import GeneralizedPareto
from .kl import kl_divergence, register_kl
from .lkj_cholesky import LKJCholesky
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .relaxed import (
    ExpRelaxedCategorical,
    LogitRelaxedBernoulli,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
)
from .transforms import *  # noqa: F403
from .transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from .von_mises import VonMises
from .wishart import Wishart

exp_family._fill()

# PyTorch has a module a distribution: `torch.distributions.normal.Normal`.
_MODULES = {
    "fishersnedecor": "FisherSnedecor", "studentT": "StudentT", "half_normal": "HalfNormal",
    "half_cauchy": "HalfCauchy", "inverse_gamma": "InverseGamma", "log_normal": "LogNormal",
    "logistic_normal": "LogisticNormal", "mixture_same_family": "MixtureSameFamily",
    "multivariate_normal": "MultivariateNormal", "negative_binomial": "NegativeBinomial",
    "one_hot_categorical": "OneHotCategorical", "relaxed_bernoulli": "RelaxedBernoulli",
    "relaxed_categorical": "RelaxedOneHotCategorical",
    "transformed_distribution": "TransformedDistribution",
    **{name.lower(): name for name in (
        "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "Dirichlet",
        "Exponential", "Gamma", "Geometric", "Gumbel", "Independent", "Kumaraswamy", "Laplace",
        "Multinomial", "Normal", "Pareto", "Poisson", "Uniform", "Weibull",
    )},
}  # fmt: skip
_ALSO = {
    "one_hot_categorical": (OneHotCategoricalStraightThrough,),
    "relaxed_bernoulli": (LogitRelaxedBernoulli,),
    "relaxed_categorical": (ExpRelaxedCategorical,),
}
for _module, _name in _MODULES.items():
    _full = f"{__name__}.{_module}"
    _new = ModuleType(_full, f"Holds {_name}.")
    _new.__spec__ = ModuleSpec(_full, None)
    setattr(_new, _name, globals()[_name])
    for _other in _ALSO.get(_module, ()):
        setattr(_new, _other.__name__, _other)
        _other.__module__ = "torch.distributions." + _module
    sys.modules[_full] = globals()[_module] = _new
    globals()[_name].__module__ = "torch.distributions." + _module
del _module, _name, _full, _new, _other, _ALSO
del ExpRelaxedCategorical, LogitRelaxedBernoulli  # PyTorch has them in their modules only


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
