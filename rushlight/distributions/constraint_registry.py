"""From a constraint to a transform of all real numbers onto it: `biject_to`, `transform_to`."""

from . import constraints, transforms


class ConstraintRegistry:
    """Calling it with a constraint gives the transform registered for its class."""

    def __init__(self):
        self._registry = {}

    def register(self, constraint, factory=None):
        """Registers `factory(constraint)`; without it, a decorator."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        is_class = isinstance(constraint, type) and issubclass(constraint, constraints.Constraint)
        if not is_class and not isinstance(constraint, constraints.Constraint):
            raise TypeError(
                "Expected constraint to be either a Constraint subclass or instance, "
                f"but got {constraint}"
            )
        self._registry[self._key(constraint)] = factory
        return factory

    @staticmethod
    def _key(constraint):
        """Rules that differ by a function only are told apart by instance, others by class."""
        if isinstance(constraint, (type, constraints._Rule)):
            return constraint
        return type(constraint)

    def __call__(self, constraint):
        factory = self._registry.get(self._key(constraint))
        if factory is None:
            name = repr(constraint).partition("(")[0]
            raise NotImplementedError(f"Cannot transform _{name} constraints")
        return factory(constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _above(c):
    low = c.lower_bound
    if isinstance(low, (int, float)) and low == 0:
        return transforms.ExpTransform()
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(low, 1)]
    )


def _below(c):
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(c.upper_bound, -1)]
    )


def _between(c):
    low, high = c.lower_bound, c.upper_bound
    if all(isinstance(v, (int, float)) for v in (low, high)) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform(
        [transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)]
    )


for _registry in (biject_to, transform_to):
    _registry.register(constraints.real, lambda c: transforms.identity_transform)
    _registry.register(constraints.greater_than, _above)
    _registry.register(constraints.greater_than_eq, _above)
    _registry.register(constraints.less_than, _below)
    _registry.register(constraints.interval, _between)
    _registry.register(constraints.half_open_interval, _between)
    _registry.register(constraints.corr_cholesky, lambda c: transforms.CorrCholeskyTransform())
    _registry.register(
        constraints.cat,
        lambda c, r=_registry: transforms.CatTransform(list(map(r, c.cseq)), c.dim, c.lengths),
    )
    _registry.register(
        constraints.stack,
        lambda c, r=_registry: transforms.StackTransform(list(map(r, c.cseq)), c.dim),
    )
    _registry.register(
        constraints.independent,
        lambda c, r=_registry: transforms.IndependentTransform(
            r(c.base_constraint), c.reinterpreted_batch_ndims
        ),
    )
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
for _matrices in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_matrices, lambda c: transforms.PositiveDefiniteTransform())
biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
del _registry, _matrices
