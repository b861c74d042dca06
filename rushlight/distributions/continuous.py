"""Distributions of real numbers whose parameters broadcast together."""

import math

import rushlight as torch

from . import constraints
from ._sampling import standard_gamma
from .distribution import Distribution, broadcast_all
from .exp_family import ExponentialFamily

_LOG_2PI = math.log(2 * math.pi)


class _Broadcast(Distribution):
    """Parameters named in `_params` are broadcast and kept under their names."""

    _params = ()

    def __init__(self, *values, validate_args=None):
        values = broadcast_all(*values)
        for name, value in zip(self._params, values, strict=True):
            setattr(self, name, value)
        super().__init__(values[0].shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with a larger batch shape."""
        shape = torch.Size(batch_shape)
        params = {name: getattr(self, name).expand(shape) for name in self._params}
        return self._expanded(type(self), shape, _instance, **params)

    def _checked(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return value

    def _empty(self, sample_shape, like):
        return torch.empty(self._extended_shape(sample_shape), dtype=like.dtype)


class _LocScale(_Broadcast):
    _params = ("loc", "scale")
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(loc, scale, validate_args=validate_args)

    mean = mode = property(lambda self: self.loc)

    def _place(self, value):
        return (self._checked(value) - self.loc) / self.scale


class Normal(_LocScale, ExponentialFamily):
    """The normal distribution.

    >>> import rushlight as torch
    >>> torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-0.9189)
    """

    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale**2)

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape=()):
        return self.loc + self._empty(sample_shape, self.loc).normal_() * self.scale

    def log_prob(self, value):
        z = self._checked(value) - self.loc
        return -(z**2) / (2 * self.variance) - self.scale.log() - _LOG_2PI / 2

    def cdf(self, value):
        return 0.5 * (1 + torch.erf(self._place(value) / math.sqrt(2)))

    def icdf(self, value):
        return self.loc + self.scale * torch.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self):
        return 0.5 + 0.5 * _LOG_2PI + torch.log(self.scale)


class Laplace(_LocScale):
    """The two-sided exponential distribution."""

    variance = property(lambda self: 2 * self.scale.pow(2))
    stddev = property(lambda self: 2**0.5 * self.scale)

    def rsample(self, sample_shape=()):
        eps = torch.finfo(self.loc.dtype).eps
        u = self._empty(sample_shape, self.loc).uniform_(eps - 1, 1)
        return self.loc - self.scale * u.sign() * torch.log1p(-u.abs())

    def log_prob(self, value):
        self._checked(value)
        return -torch.log(2 * self.scale) - torch.abs(value - self.loc) / self.scale

    def cdf(self, value):
        z = self._place(value)
        return 0.5 - 0.5 * z.sign() * torch.expm1(-z.abs())

    def icdf(self, value):
        term = value - 0.5
        return self.loc - self.scale * term.sign() * torch.log1p(-2 * term.abs())

    def entropy(self):
        return 1 + torch.log(2 * self.scale)


class Cauchy(_LocScale):
    """The ratio of two normal variables: no mean, no variance."""

    mean = property(lambda self: torch.full_like(self.loc, math.nan))
    variance = property(lambda self: torch.full_like(self.loc, math.inf))
    mode = property(lambda self: self.loc)

    def rsample(self, sample_shape=()):
        return self.loc + self._empty(sample_shape, self.loc).cauchy_() * self.scale

    def log_prob(self, value):
        return -math.log(math.pi) - self.scale.log() - (self._place(value) ** 2).log1p()

    def cdf(self, value):
        return torch.atan(self._place(value)) / math.pi + 0.5

    def icdf(self, value):
        return torch.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self):
        return math.log(4 * math.pi) + self.scale.log()


class StudentT(_Broadcast):
    """Student's t."""

    _params = ("df", "loc", "scale")
    arg_constraints = {  # noqa: RUF012
        "df": constraints.positive, "loc": constraints.real, "scale": constraints.positive
    }  # fmt: skip
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        super().__init__(df, loc, scale, validate_args=validate_args)
        self._chi2 = Chi2(self.df)

    def expand(self, batch_shape, _instance=None):
        new = super().expand(batch_shape, _instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return new

    mode = property(lambda self: self.loc)

    @property
    def mean(self):
        return torch.where(self.df > 1, self.loc, torch.full_like(self.loc, math.nan))

    @property
    def variance(self):
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        out = torch.where(self.df > 2, finite, torch.full_like(self.df, math.inf))
        return torch.where(self.df > 1, out, torch.full_like(self.df, math.nan))

    def rsample(self, sample_shape=()):
        x = self._empty(sample_shape, self.df).normal_()
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * x * torch.rsqrt(z / self.df)

    def log_prob(self, value):
        y = (self._checked(value) - self.loc) / self.scale
        n = self.df
        constant = self.scale.log() + 0.5 * n.log() + 0.5 * math.log(math.pi)
        constant = constant + torch.lgamma(0.5 * n) - torch.lgamma(0.5 * (n + 1))
        return -0.5 * (n + 1) * torch.log1p(y**2 / n) - constant

    def entropy(self):
        n = self.df
        beta = torch.lgamma(0.5 * n) + math.lgamma(0.5) - torch.lgamma(0.5 * (1 + n))
        slope = torch.digamma(0.5 * (1 + n)) - torch.digamma(0.5 * n)
        return self.scale.log() + 0.5 * (n + 1) * slope + 0.5 * n.log() + beta


class Uniform(_Broadcast):
    """Even between low and high."""

    _params = ("low", "high")
    has_rsample = True

    @property
    def arg_constraints(self):
        return {
            "low": constraints.less_than(self.high),
            "high": constraints.greater_than(self.low),
        }

    def __init__(self, low, high, validate_args=None):
        super().__init__(low, high, validate_args=validate_args)
        if self._validate_args and not torch.lt(self.low, self.high).all():
            raise ValueError("Uniform is not defined when low>= high")

    @constraints.dependent_property
    def support(self):
        return constraints.interval(self.low, self.high)

    mean = property(lambda self: (self.high + self.low) / 2)
    mode = property(lambda self: math.nan * self.high)
    stddev = property(lambda self: (self.high - self.low) / 12**0.5)
    variance = property(lambda self: (self.high - self.low).pow(2) / 12)

    def rsample(self, sample_shape=()):
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.low.dtype)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value):
        self._checked(value)
        inside = (self.low.le(value) & self.high.gt(value)).type_as(self.low)
        return torch.log(inside) - torch.log(self.high - self.low)

    def cdf(self, value):
        self._checked(value)
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value):
        return value * (self.high - self.low) + self.low

    def entropy(self):
        return torch.log(self.high - self.low)


class Exponential(_Broadcast, ExponentialFamily):
    """Waiting times at a rate."""

    _params = ("rate",)
    arg_constraints = {"rate": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate, validate_args=None):
        super().__init__(rate, validate_args=validate_args)

    mean = stddev = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: torch.zeros_like(self.rate))
    variance = property(lambda self: self.rate.pow(-2))

    def rsample(self, sample_shape=()):
        return self._empty(sample_shape, self.rate).exponential_() / self.rate

    def log_prob(self, value):
        return self.rate.log() - self.rate * self._checked(value)

    def cdf(self, value):
        return 1 - torch.exp(-self.rate * self._checked(value))

    def icdf(self, value):
        return -torch.log1p(-value) / self.rate

    def entropy(self):
        return 1.0 - torch.log(self.rate)


class Gamma(_Broadcast, ExponentialFamily):
    """The gamma distribution, by concentration and rate."""

    _params = ("concentration", "rate")
    arg_constraints = {  # noqa: RUF012
        "concentration": constraints.positive, "rate": constraints.positive
    }  # fmt: skip
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        super().__init__(concentration, rate, validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate.pow(2))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=torch.finfo(value.dtype).tiny)
        return value

    def log_prob(self, value):
        value = torch.as_tensor(value, dtype=self.rate.dtype)
        self._checked(value)
        a, b = self.concentration, self.rate
        return torch.xlogy(a, b) + torch.xlogy(a - 1, value) - b * value - torch.lgamma(a)

    def cdf(self, value):
        return torch.special.gammainc(self.concentration, self.rate * self._checked(value))

    def entropy(self):
        a = self.concentration
        return a - torch.log(self.rate) + torch.lgamma(a) + (1.0 - a) * torch.digamma(a)


class Chi2(Gamma):
    """The sum of `df` squared normal variables."""

    arg_constraints = {"df": constraints.positive}  # noqa: RUF012

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return super().expand(batch_shape, self.__new__(type(self)))

    df = property(lambda self: self.concentration * 2)


class FisherSnedecor(_Broadcast):
    """The F distribution."""

    _params = ("df1", "df2")
    arg_constraints = {  # noqa: RUF012
        "df1": constraints.positive, "df2": constraints.positive
    }  # fmt: skip
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1, df2, validate_args=None):
        super().__init__(df1, df2, validate_args=validate_args)

    @property
    def mean(self):
        return torch.where(
            self.df2 > 2, self.df2 / (self.df2 - 2), torch.full_like(self.df2, math.nan)
        )

    @property
    def mode(self):
        out = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return torch.where(self.df1 > 2, out, torch.full_like(out, math.nan))

    @property
    def variance(self):
        a, b = self.df1, self.df2
        out = 2 * b.pow(2) * (a + b - 2) / (a * (b - 2).pow(2) * (b - 4))
        return torch.where(b > 4, out, torch.full_like(out, math.nan))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        parts = []
        for df in (self.df1, self.df2):
            parts.append(standard_gamma((df * 0.5).expand(shape)) / df)
        tiny = torch.finfo(parts[1].dtype).tiny
        return parts[0] / parts[1].clamp(min=tiny)

    def log_prob(self, value):
        self._checked(value)
        a, b = self.df1 * 0.5, self.df2 * 0.5
        r = self.df1 / self.df2
        out = (a + b).lgamma() - a.lgamma() - b.lgamma() + a * r.log()
        return out + (a - 1) * value.log() - (a + b) * torch.log1p(r * value)


class Dirichlet(ExponentialFamily):
    """Distributions over probabilities that add up to 1."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        wide = self.concentration.expand(shape + self.event_shape)
        return self._expanded(Dirichlet, shape, _instance, concentration=wide)

    def rsample(self, sample_shape=()):
        gamma = standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        return gamma / gamma.sum(-1, True)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return (
            torch.xlogy(a - 1.0, value).sum(-1) + torch.lgamma(a.sum(-1)) - torch.lgamma(a).sum(-1)
        )

    mean = property(lambda self: self.concentration / self.concentration.sum(-1, True))

    @property
    def mode(self):
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = torch.nn.functional.one_hot(mode.argmax(-1), above.shape[-1]).to(mode)
        return torch.where((self.concentration < 1).all(-1, True), corner, mode)

    @property
    def variance(self):
        a = self.concentration
        total = a.sum(-1, True)
        return a * (total - a) / (total.pow(2) * (total + 1))

    def entropy(self):
        a = self.concentration
        k, total = a.size(-1), a.sum(-1)
        out = torch.lgamma(a).sum(-1) - torch.lgamma(total) - (k - total) * torch.digamma(total)
        return out - ((a - 1.0) * torch.digamma(a)).sum(-1)


class Beta(ExponentialFamily):
    """Probabilities, by two concentrations."""

    arg_constraints = {  # noqa: RUF012
        "concentration1": constraints.positive, "concentration0": constraints.positive
    }  # fmt: skip
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        pair = torch.stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(pair, validate_args=validate_args)
        super().__init__(self._dirichlet._batch_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        inner = self._dirichlet.expand(batch_shape)
        return self._expanded(Beta, batch_shape, _instance, _dirichlet=inner)

    concentration1 = property(lambda self: self._dirichlet.concentration[..., 0])
    concentration0 = property(lambda self: self._dirichlet.concentration[..., 1])
    mean = property(lambda self: self.concentration1 / (self.concentration1 + self.concentration0))

    mode = property(lambda self: self._dirichlet.mode[..., 0])

    @property
    def variance(self):
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape=()):
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self._dirichlet.log_prob(torch.stack([value, 1.0 - value], -1))

    def entropy(self):
        return self._dirichlet.entropy()

    def __repr__(self):
        return "Beta()"


def only_matrix(error, covariance_matrix, precision_matrix, scale_tril):
    """(name, matrix) of the one that is given; raises `error` unless exactly one is."""
    given = {
        "covariance_matrix": covariance_matrix,
        "precision_matrix": precision_matrix,
        "scale_tril": scale_tril,
    }
    given = [(name, matrix) for name, matrix in given.items() if matrix is not None]
    if len(given) != 1:
        raise error(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    return given[0]


class MultivariateNormal(Distribution):
    """Normal vectors, by covariance, precision or the covariance's Cholesky factor."""

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None,
        validate_args=None,
    ):  # fmt: skip
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        self._kind, matrix = only_matrix(
            ValueError, covariance_matrix, precision_matrix, scale_tril
        )
        if matrix.dim() < 2:
            raise ValueError(
                f"{self._kind} matrix must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        matrix = matrix.expand(batch + matrix.shape[-2:])
        self.loc = loc.expand(batch + loc.shape[-1:])
        setattr(self, "_" + self._kind, matrix)
        super().__init__(batch, self.loc.shape[-1:], validate_args=False)
        if validate_args is not None:
            self._validate_args = validate_args
        elif "_validate_args" in self.__dict__:
            del self._validate_args
        if self._validate_args:
            for name, value in (("loc", self.loc), (self._kind, matrix)):
                constraint = self.arg_constraints[name]
                if not constraint.check(value).all():
                    raise ValueError(
                        f"Expected parameter {name} (Tensor of shape {tuple(value.shape)}) of "
                        f"distribution {self!r} to satisfy the constraint {constraint!r}, "
                        f"but found invalid values:\n{value}"
                    )
        if self._kind == "scale_tril":
            self._unbroadcasted_scale_tril = scale_tril
        elif self._kind == "covariance_matrix":
            self._unbroadcasted_scale_tril = torch.linalg.cholesky(covariance_matrix)
        else:
            flipped = torch.linalg.cholesky(torch.flip(precision_matrix, (-2, -1)))
            inverse = torch.transpose(torch.flip(flipped, (-2, -1)), -2, -1)
            eye = torch.eye(precision_matrix.shape[-1], dtype=precision_matrix.dtype)
            self._unbroadcasted_scale_tril = torch.linalg.solve_triangular(
                inverse, eye.expand(precision_matrix.shape), upper=False
            )

    @property
    def scale_tril(self):
        n = self._event_shape[0]
        return self._unbroadcasted_scale_tril.expand(self._batch_shape + (n, n))

    @property
    def covariance_matrix(self):
        scale = self._unbroadcasted_scale_tril
        n = self._event_shape[0]
        return (scale @ scale.mT).expand(self._batch_shape + (n, n))

    @property
    def precision_matrix(self):
        n = self._event_shape[0]
        inverse = torch.cholesky_inverse(self._unbroadcasted_scale_tril)
        return inverse.expand(self._batch_shape + (n, n))

    mean = mode = property(lambda self: self.loc)

    @property
    def variance(self):
        return self.scale_tril.pow(2).sum(-1)

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        return self._expanded(
            MultivariateNormal, shape, _instance,
            loc=self.loc.expand(shape + self._event_shape), _kind=self._kind,
            _unbroadcasted_scale_tril=self._unbroadcasted_scale_tril,
        )  # fmt: skip

    def rsample(self, sample_shape=()):
        noise = torch.empty(self._extended_shape(sample_shape), dtype=self.loc.dtype).normal_()
        return self.loc + (self._unbroadcasted_scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        difference = value - self.loc
        scale = self._unbroadcasted_scale_tril
        solved = torch.linalg.solve_triangular(
            scale.expand(difference.shape[:-1] + scale.shape[-2:]),
            difference.unsqueeze(-1), upper=False,
        )  # fmt: skip
        half_log_det = scale.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        m = solved.squeeze(-1).pow(2).sum(-1)
        return -0.5 * (self._event_shape[0] * _LOG_2PI + m) - half_log_det

    def entropy(self):
        half_log_det = self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        h = 0.5 * self._event_shape[0] * (1.0 + _LOG_2PI) + half_log_det
        return h if len(self._batch_shape) == 0 else h.expand(self._batch_shape)

    def __repr__(self):
        values = {"loc": self.loc, self._kind: getattr(self, "_" + self._kind, self.scale_tril)}
        parts = [f"{k}: {v if v.numel() == 1 else v.size()}" for k, v in values.items()]
        return f"MultivariateNormal({', '.join(parts)})"
