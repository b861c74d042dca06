"""Where parameters and samples may lie: objects with `check(value)`, True where it holds."""

import rushlight as torch


class Constraint:
    """Base: `check` gives a boolean tensor; `event_dim` rightmost dimensions are checked as one."""

    is_discrete = False
    event_dim = 0

    def check(self, value):
        """Where the constraint holds."""
        raise NotImplementedError

    def __repr__(self):
        return type(self).__name__.lstrip("_") + "()"


class _Dependent(Constraint):
    """Depends on the other parameters: cannot be checked by itself."""

    def __init__(self, *, is_discrete=False, event_dim=0):
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def check(self, x):
        raise ValueError("Cannot determine validity of dependent constraint")


class _DependentProperty(property, _Dependent):
    """A property that gives a constraint; by itself, of the class, it is a dependent one."""

    def __init__(self, fn=None, *, is_discrete=False, event_dim=0):
        property.__init__(self, fn)
        _Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn):
        return _DependentProperty(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


class _Rule(Constraint):
    """A constraint by a function of the value."""

    def __init__(self, name, rule, is_discrete=False, event_dim=0):
        self._name, self._rule = name, rule
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def check(self, value):
        return self._rule(value)

    def __repr__(self):
        return self._name


class _Bounded(Constraint):
    """Between bounds; which, the subclass says."""

    def __init__(self, lower_bound=None, upper_bound=None):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def __repr__(self):
        name = type(self).__name__.title().replace("_", "")
        text = ", ".join(
            f"{key}={getattr(self, key)}" for key in self._shown if getattr(self, key) is not None
        )
        return f"{name}({text})"

    _shown = ("lower_bound", "upper_bound")


class interval(_Bounded):
    """lower <= x <= upper."""

    def check(self, value):
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class half_open_interval(_Bounded):
    """lower <= x < upper."""

    def check(self, value):
        return (self.lower_bound <= value) & (value < self.upper_bound)


class integer_interval(_Bounded):
    """Integers with lower <= x <= upper."""

    is_discrete = True

    def check(self, value):
        return (value % 1 == 0) & (self.lower_bound <= value) & (value <= self.upper_bound)


class greater_than(_Bounded):
    """lower < x."""

    def check(self, value):
        return self.lower_bound < value


class greater_than_eq(_Bounded):
    """lower <= x."""

    def check(self, value):
        return self.lower_bound <= value


class less_than(_Bounded):
    """x < upper."""

    def __init__(self, upper_bound):
        super().__init__(None, upper_bound)

    def check(self, value):
        return value < self.upper_bound


class multinomial(Constraint):
    """Counts that add up to no more than `upper_bound`."""

    is_discrete, event_dim = True, 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, x):
        return (x >= 0).all(dim=-1) & (x.sum(dim=-1) <= self.upper_bound)


class independent(Constraint):
    """A constraint with more of the rightmost dimensions taken as one."""

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def is_discrete(self):
        return self.base_constraint.is_discrete

    @property
    def event_dim(self):
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def __repr__(self):
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"

    def check(self, value):
        result = self.base_constraint.check(value)
        n = self.reinterpreted_batch_ndims
        if result.dim() < n:
            expected = self.base_constraint.event_dim + n
            raise ValueError(f"Expected value.dim() >= {expected} but got {value.dim()}")
        return result.reshape(result.shape[: result.dim() - n] + (-1,)).all(-1) if n else result


class MixtureSameFamilyConstraint(Constraint):
    """A component's constraint, for values without the component's dimension."""

    def __init__(self, base_constraint):
        self.base_constraint = base_constraint

    @property
    def is_discrete(self):
        return self.base_constraint.is_discrete

    @property
    def event_dim(self):
        return self.base_constraint.event_dim

    def check(self, value):
        at = value.dim() - self.event_dim
        result = self.base_constraint.check(value.unsqueeze(at))
        n = value.dim() - self.event_dim
        return result.reshape(result.shape[:n] + (-1,)).all(-1)


class _Joined(Constraint):
    """Parts of a value along `dim`, each with its own constraint."""

    def __init__(self, cseq, dim=0):
        if not all(isinstance(c, Constraint) for c in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.cseq, self.dim = list(cseq), dim

    @property
    def is_discrete(self):
        return any(c.is_discrete for c in self.cseq)

    def _check_dim(self, value):
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(
                f"dim {self.dim} out of range for value with {value.dim()} dimensions"
            )

    def __repr__(self):
        return type(self).__name__.title() + "()"


class cat(_Joined):
    """Pieces of a value along `dim`, of the given lengths, each with its own constraint."""

    def __init__(self, cseq, dim=0, lengths=None):
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(
                f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})"
            )

    @property
    def event_dim(self):
        return max(c.event_dim for c in self.cseq)

    def check(self, value):
        self._check_dim(value)
        parts = value.split(self.lengths, self.dim)
        return torch.cat([c.check(v) for c, v in zip(self.cseq, parts)], self.dim)


class stack(_Joined):
    """Slices of a value along `dim`, each with its own constraint."""

    @property
    def event_dim(self):
        deepest = max(c.event_dim for c in self.cseq)
        return deepest + 1 if self.dim + deepest < 0 else deepest

    def check(self, value):
        self._check_dim(value)
        parts = value.unbind(self.dim)
        return torch.stack([c.check(v) for c, v in zip(self.cseq, parts)], self.dim)


dependent = _Dependent()
dependent_property = _DependentProperty
real = _Rule("Real()", lambda x: x == x)
boolean = _Rule("Boolean()", lambda x: (x == 0) | (x == 1), True)
one_hot = _Rule("OneHot()", lambda x: ((x == 0) | (x == 1)).all(-1) & x.sum(-1).eq(1), True, 1)
nonnegative_integer = integer_greater_than_zero = _Rule(
    "IntegerGreaterThan(lower_bound=0)", lambda x: (x % 1 == 0) & (x >= 0), True
)
positive_integer = _Rule(
    "IntegerGreaterThan(lower_bound=1)", lambda x: (x % 1 == 0) & (x >= 1), True
)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
simplex = _Rule("Simplex()", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), False, 1)
lower_triangular = _Rule(
    "LowerTriangular()", lambda x: (x.tril() == x).flatten(-2).min(-1)[0], False, 2
)


def _lower_cholesky(x):
    return lower_triangular.check(x) & (x.diagonal(dim1=-2, dim2=-1) > 0).min(-1)[0]


def _corr_cholesky(x):
    tolerance = torch.finfo(x.dtype).eps * x.size(-1) * 10
    unit = (torch.linalg.norm(x.detach(), dim=-1) - 1).abs().le(tolerance).all(dim=-1)
    return _lower_cholesky(x) & unit


def _symmetric(x):
    square = x.shape[-2] == x.shape[-1]
    if not square:
        return torch.full(x.shape[:-2], False, dtype=torch.bool)
    return torch.isclose(x, x.mT, atol=1e-6).all(-2).all(-1)


def _definite(x):
    good = _symmetric(x)
    return good & torch.linalg.cholesky_ex(x).info.eq(0) if good.all() else good


lower_cholesky = _Rule("LowerCholesky()", _lower_cholesky, False, 2)
corr_cholesky = _Rule("CorrCholesky()", _corr_cholesky, False, 2)
square = _Rule("Square()", lambda x: torch.full(x.shape[:-2], x.shape[-2] == x.shape[-1]), False, 2)
symmetric = _Rule("Symmetric()", _symmetric, False, 2)
positive_semidefinite = _Rule(
    "PositiveSemidefinite()",
    lambda x: _symmetric(x) & torch.linalg.eigvalsh(x).ge(-1e-6).all(-1),
    False,
    2,
)
positive_definite = _Rule("PositiveDefinite()", _definite, False, 2)
real_vector = independent(real, 1)


def is_dependent(constraint):
    """Is it one that cannot be checked by itself?"""
    return isinstance(constraint, _Dependent)
