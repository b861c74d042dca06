"""Invertible maps with the logarithm of their volume change, for `TransformedDistribution`."""

import math

import rushlight as torch
from rushlight.nn import functional as F

from . import constraints
from .distribution import sum_rightmost


class Transform:
    """Base: a subclass writes `_call`, `_inverse` and `log_abs_det_jacobian(x, y)`."""

    bijective = False
    domain = codomain = constraints.real

    def __init__(self, cache_size=0):
        self._cache_size, self._cached, self._inv = cache_size, (None, None), None
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")

    @property
    def event_dim(self):
        """The number of dimensions that map together."""
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self):
        """The inverse, as a transform."""
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    @property
    def sign(self):
        """+1 if it keeps the order, -1 if it turns it round."""
        raise NotImplementedError

    def __call__(self, x):
        if self._cache_size and self._cached[0] is x:
            return self._cached[1]
        y = self._call(x)
        self._cached = (x, y) if self._cache_size else (None, None)
        return y

    def _inv_call(self, y):
        if self._cache_size and self._cached[1] is y:
            return self._cached[0]
        x = self._inverse(y)
        self._cached = (x, y) if self._cache_size else (None, None)
        return x

    def log_abs_det_jacobian(self, x, y):
        """log |dy/dx|."""
        raise NotImplementedError

    def with_cache(self, cache_size=1):
        """The same transform with a cache of one pair."""
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"{type(self)}.with_cache is not implemented")

    def forward_shape(self, shape):
        """The output's shape."""
        return shape

    def inverse_shape(self, shape):
        """The input's shape."""
        return shape

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__

    def __repr__(self):
        return type(self).__name__ + "()"


class _SameClass(Transform):
    """Base of those without parameters: all of a class are equal."""

    def __eq__(self, other):
        return type(other) is type(self)

    __hash__ = object.__hash__


class _InverseTransform(Transform):
    def __init__(self, transform):
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform

    def __eq__(self, other):
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    __hash__ = object.__hash__

    def with_cache(self, cache_size=1):
        return self.inv.with_cache(cache_size).inv

    bijective = property(lambda self: self._inv.bijective)
    domain = property(lambda self: self._inv.codomain)
    codomain = property(lambda self: self._inv.domain)
    sign = property(lambda self: self._inv.sign)

    def __call__(self, x):
        return self._inv._inv_call(x)

    def _inv_call(self, y):
        return self._inv(y)

    def log_abs_det_jacobian(self, x, y):
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._inv.forward_shape(shape)

    def __repr__(self):
        return f"_InverseTransform({self._inv!r})"


class ComposeTransform(Transform):
    """Several, one after the other."""

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size)
        self.parts = [p.with_cache(cache_size) for p in parts] if cache_size else list(parts)

    def __eq__(self, other):
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__ = object.__hash__

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return ComposeTransform(self.parts, cache_size=cache_size)

    bijective = property(lambda self: all(p.bijective for p in self.parts))
    domain = property(lambda self: self._end(self.parts, "domain", "codomain"))
    codomain = property(lambda self: self._end(self.parts[::-1], "codomain", "domain"))

    @staticmethod
    def _end(parts, side, other):
        if not parts:
            return constraints.real
        end = getattr(parts[0], side)
        need = getattr(parts[-1], other).event_dim
        for part in parts[::-1]:
            need += getattr(part, side).event_dim - getattr(part, other).event_dim
            need = max(need, getattr(part, side).event_dim)
        return constraints.independent(end, need - end.event_dim) if need > end.event_dim else end

    @property
    def sign(self):
        out = 1
        for part in self.parts:
            out = out * part.sign
        return out

    @property
    def inv(self):
        if self._inv is None:
            self._inv = ComposeTransform([p.inv for p in self.parts[::-1]])
            self._inv._inv = self
        return self._inv

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def _inv_call(self, y):
        for part in self.parts[::-1]:
            y = part._inv_call(y)
        return y

    def log_abs_det_jacobian(self, x, y):
        total, dim = 0.0, self.domain.event_dim
        for i, part in enumerate(self.parts):
            out = y if i == len(self.parts) - 1 else part(x)
            term = part.log_abs_det_jacobian(x, out)
            total = total + sum_rightmost(term, dim - part.domain.event_dim)
            dim += part.codomain.event_dim - part.domain.event_dim
            x = out
        return total if self.parts else torch.zeros_like(x)

    def forward_shape(self, shape):
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape):
        for part in self.parts[::-1]:
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self):
        inner = ",\n    ".join(map(repr, self.parts))
        return f"ComposeTransform(\n    {inner}\n)"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """A transform with more dimensions taken as one event."""

    def __init__(self, base_transform, reinterpreted_batch_ndims, cache_size=0):
        super().__init__(cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return IndependentTransform(
            self.base_transform, self.reinterpreted_batch_ndims, cache_size=cache_size
        )

    bijective = property(lambda self: self.base_transform.bijective)
    sign = property(lambda self: self.base_transform.sign)
    domain = property(
        lambda self: constraints.independent(
            self.base_transform.domain, self.reinterpreted_batch_ndims
        )
    )
    codomain = property(
        lambda self: constraints.independent(
            self.base_transform.codomain, self.reinterpreted_batch_ndims
        )
    )

    def _call(self, x):
        if x.dim() < self.domain.event_dim:
            raise ValueError("Too few dimensions on input")
        return self.base_transform(x)

    def _inverse(self, y):
        if y.dim() < self.codomain.event_dim:
            raise ValueError("Too few dimensions on input")
        return self.base_transform._inv_call(y)

    def forward_shape(self, shape):
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape):
        return self.base_transform.inverse_shape(shape)

    def __repr__(self):
        return f"{type(self).__name__}({self.base_transform!r}, {self.reinterpreted_batch_ndims})"

    def log_abs_det_jacobian(self, x, y):
        result = self.base_transform.log_abs_det_jacobian(x, y)
        return sum_rightmost(result, self.reinterpreted_batch_ndims)


def _simple(name, doc, domain, codomain, sign, call, inverse, log_det):
    members = {
        "__doc__": doc, "__module__": __name__, "bijective": True, "sign": sign,
        "domain": domain, "codomain": codomain,
        "_call": lambda self, x: call(x),
        "_inverse": lambda self, y: inverse(y),
        "log_abs_det_jacobian": lambda self, x, y: log_det(x, y),
    }  # fmt: skip
    return type(name, (_SameClass,), members)


def _logit(y):
    eps = torch.finfo(y.dtype)
    y = y.clamp(min=eps.tiny, max=1.0 - eps.eps)
    return y.log() - (-y).log1p()


_R = constraints
ExpTransform = _simple(
    "ExpTransform", "y = exp(x).", _R.real, _R.positive, 1,
    torch.exp, torch.log, lambda x, y: x,
)  # fmt: skip
SigmoidTransform = _simple(
    "SigmoidTransform", "y = 1 / (1 + exp(-x)).", _R.real, _R.unit_interval, 1,
    lambda x: torch.sigmoid(x).clamp(
        min=torch.finfo(x.dtype).tiny, max=1.0 - torch.finfo(x.dtype).eps
    ),
    _logit, lambda x, y: -F.softplus(-x) - F.softplus(x),
)  # fmt: skip
SoftplusTransform = _simple(
    "SoftplusTransform", "y = log(1 + exp(x)).", _R.real, _R.positive, 1,
    F.softplus, lambda y: (-y).expm1().neg().log() + y, lambda x, y: -F.softplus(-x),
)  # fmt: skip
TanhTransform = _simple(
    "TanhTransform", "y = tanh(x).", _R.real, _R.interval(-1.0, 1.0), 1,
    torch.tanh, torch.atanh, lambda x, y: 2.0 * (math.log(2.0) - x - F.softplus(-2.0 * x)),
)  # fmt: skip


class AbsTransform(_SameClass):
    """y = |x|: not invertible, its inverse is the positive one."""

    domain, codomain = constraints.real, constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


class PowerTransform(Transform):
    """y = x ** exponent."""

    domain = codomain = constraints.positive
    bijective = True

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size)
        self.exponent = torch.as_tensor(exponent)

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return PowerTransform(self.exponent, cache_size=cache_size)

    def __eq__(self, other):
        return isinstance(other, PowerTransform) and bool(self.exponent.eq(other.exponent).all())

    __hash__ = object.__hash__

    def forward_shape(self, shape):
        return torch.broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape

    sign = property(lambda self: self.exponent.sign())

    def _call(self, x):
        return x.pow(self.exponent)

    def _inverse(self, y):
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        return (self.exponent * y / x).abs().log()


def _equal(a, b):
    """Are two parameters, numbers or tensors, the same?"""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b
    return bool((torch.as_tensor(a) == torch.as_tensor(b)).all())


class AffineTransform(Transform):
    """y = loc + scale * x."""

    bijective = True

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return AffineTransform(self.loc, self.scale, self.event_dim, cache_size=cache_size)

    def __eq__(self, other):
        return (
            isinstance(other, AffineTransform)
            and _equal(self.loc, other.loc)
            and _equal(self.scale, other.scale)
        )

    __hash__ = object.__hash__

    def forward_shape(self, shape):
        return torch.broadcast_shapes(
            shape, getattr(self.loc, "shape", ()), getattr(self.scale, "shape", ())
        )

    inverse_shape = forward_shape

    event_dim = property(lambda self: self._event_dim)

    @property
    def domain(self):
        n = self._event_dim
        return constraints.independent(constraints.real, n) if n else constraints.real

    codomain = domain

    @property
    def sign(self):
        if isinstance(self.scale, (int, float)):
            return (self.scale > 0) - (self.scale < 0)
        return self.scale.sign()

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        if isinstance(self.scale, (int, float)):
            result = torch.full_like(x, math.log(abs(self.scale)))
        else:
            result = torch.abs(self.scale).log()
        shape = x.shape
        if self._event_dim:
            result = result.expand(x.shape) if result.dim() else torch.full_like(x, 1.0) * result
            result = sum_rightmost(result, self._event_dim)
            shape = shape[: -self._event_dim]
        return result.expand(shape)


def _at_least(dims, shape):
    if len(shape) < dims:
        raise ValueError("Too few dimensions on input")
    return shape


class SoftmaxTransform(_SameClass):
    """y = softmax(x): its inverse is a logarithm, up to a constant."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x):
        probs = (x - x.max(-1, True)[0]).exp()
        return probs / probs.sum(-1, True)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        return _at_least(1, shape)

    inverse_shape = forward_shape


class StickBreakingTransform(_SameClass):
    """Real vectors to probabilities with one entry more, a piece of the rest at a time."""

    domain, codomain, bijective = constraints.real_vector, constraints.simplex, True

    def _offset(self, x):
        return x.shape[-1] + 1 - x.new_ones(x.shape[-1]).cumsum(-1)

    def _call(self, x):
        z = SigmoidTransform()(x - self._offset(x).log())
        rest = (1 - z).cumprod(-1)
        return F.pad(z, [0, 1], value=1) * F.pad(rest, [1, 0], value=1)

    def _inverse(self, y):
        crop = y[..., :-1]
        rest = (1 - crop.cumsum(-1)).clamp(min=torch.finfo(y.dtype).tiny)
        return crop.log() - rest.log() + self._offset(crop).log()

    def log_abs_det_jacobian(self, x, y):
        x = x - self._offset(x).log()
        return (-x + F.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        return _at_least(1, shape)[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        return _at_least(1, shape)[:-1] + (shape[-1] - 1,)


class ReshapeTransform(Transform):
    """Events of one shape as events of another."""

    bijective = True

    def __init__(self, in_shape, out_shape, cache_size=0):
        super().__init__(cache_size)
        self.in_shape, self.out_shape = torch.Size(in_shape), torch.Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size=cache_size)

    @staticmethod
    def _replaced(shape, from_, to):
        """`shape` with its last dimensions `from_` as `to`."""
        if len(shape) < len(from_):
            raise ValueError("Too few dimensions on input")
        cut = len(shape) - len(from_)
        if tuple(shape[cut:]) != tuple(from_):
            raise ValueError(f"Shape mismatch: expected {shape[cut:]} but got {from_}")
        return tuple(shape[:cut]) + tuple(to)

    def forward_shape(self, shape):
        return self._replaced(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape):
        return self._replaced(shape, self.out_shape, self.in_shape)

    domain = property(lambda self: constraints.independent(constraints.real, len(self.in_shape)))
    codomain = property(lambda self: constraints.independent(constraints.real, len(self.out_shape)))

    def _call(self, x):
        return x.reshape(x.shape[: x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y):
        return y.reshape(y.shape[: y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x, y):
        return x.new_zeros(x.size()[: x.dim() - len(self.in_shape)])


class LowerCholeskyTransform(_SameClass):
    """Square matrices to lower triangular ones with a positive diagonal."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


# These build on the above; PyTorch has them here.
from ._joint_transforms import (  # noqa: E402, F401
    CatTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    PositiveDefiniteTransform,
    StackTransform,
)
