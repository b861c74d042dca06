"""Statistics composed of other operations: means without NaN, quantiles, covariance, finite differences, integrals.

Not here: histograms, and plain reductions, which are the core's.
"""

from numbers import Integral  # NumPy's among them

import rushlight as torch

from ._composite import EXACT, SCALAR_TYPE, check_tensors, type_name, with_out, write

__all__ = [
    "corrcoef",
    "cov",
    "cumulative_trapezoid",
    "diff",
    "gradient",
    "nanmean",
    "nanquantile",
    "quantile",
    "renorm",
    "trapezoid",
    "trapz",
]


# ---- means ----


def nanmean(input, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=False, out=None):
    """The mean of what is not NaN.

    dim: an int, several, or None for all. (N, C) over dim=1 -> (N,); keepdim=True keeps a 1.
    Floating dtypes; others raise RuntimeError. NaN where there is nothing else. `axis` and
    `keepdims` are NumPy's names of `dim` and `keepdim`. Takes `out=` too.

    >>> torch.nanmean(torch.tensor([[1.0, float("nan"), 3.0], [4.0, 5.0, 6.0]]), dim=1)
    tensor([2., 5.])
    """
    check_tensors("nanmean", input=input)
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{type_name(input.dtype)}"
        )
    dim, keepdim = axis if dim is None else dim, keepdim or keepdims
    if not (dim is None or isinstance(dim, (Integral, tuple, list, torch.Tensor))):
        kind = type(dim).__name__
        raise TypeError(f"nanmean(): argument 'dim' (position 2) must be tuple of ints, not {kind}")
    x = input.detach()
    count = (x == x).sum(dim, keepdim)
    result = torch.nansum(input, dim, keepdim, dtype=dtype) / count
    if out is None:
        return result
    if not (out.is_floating_point() or out.is_complex()):
        name = type_name(out.dtype)
        raise NotImplementedError(f"\"nansum_cpu\" not implemented for '{name}'")
    return write(out, result, "nanmean")


# ---- quantiles ----


@with_out(wrong="quantile() out tensor must be same dtype as the input tensor")
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The q-th quantiles (q in [0, 1], a number or a vector) along `dim`, or of all elements.

    A vector q gives one more dimension, the first. `interpolation` between two elements is linear,
    lower, higher, midpoint or nearest. NaN if there is a NaN.

    float32 and float64, q too: RuntimeError for another dtype, an empty input or q outside of [0,
    1]. The result is (len(q), *rest), without the first for a number. Differentiable.

    >>> torch.quantile(torch.tensor([0.0, 1.0, 2.0, 3.0]), 0.5)
    tensor(1.5000)
    """
    return _quantile(input, q, dim, keepdim, interpolation, False)


@with_out(wrong="quantile() out tensor must be same dtype as the input tensor")
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """quantile of the elements that are not NaN.

    NaN only where all elements are. Shapes, dtypes, errors and `interpolation` are those of
    `quantile`.

    >>> torch.nanquantile(torch.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile(input, q, dim, keepdim, interpolation, True)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _check_quantile(input, q, interpolation):
    if not input.numel():
        raise RuntimeError("quantile() input tensor must be non-empty")
    if not isinstance(q, torch.Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q:g}")
        q = torch.tensor(q, dtype=input.dtype, device=input.device)
    if q.dim() > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if input.dtype not in (torch.float32, torch.float64):
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if input.dtype != q.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if not q.is_meta and not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )
    return q


def _quantile(input, q, dim, keepdim, interpolation, skip_nan):
    q = _check_quantile(input, q, interpolation)
    kept = [1] * input.dim()
    if dim is None:
        rows = input.flatten()
    elif input.dim() == 0:
        rows = input.reshape(1)
    else:
        rows = input.movedim(dim, -1)
        kept = list(input.shape)
        kept[dim] = 1
    if dim is not None and input.dim() == 0:
        torch.select(input.reshape(1), dim, 0)  # the dimension is checked
    rows = rows.sort(-1).values
    shape = kept if keepdim else list(rows.shape[:-1])
    result = _between(rows, q, _ranks(rows, q, skip_nan), interpolation)
    if q.dim() == 0:
        return result.squeeze(-1).reshape(shape)
    return result.movedim(-1, 0).reshape([q.numel(), *shape])


def _ranks(rows, q, skip_nan):
    """Where in each sorted row the quantiles are, as real numbers; NaNs come last in a row."""
    last, q = rows.size(-1) - 1, q.reshape(-1)
    if skip_nan:
        count = rows.isnan().logical_not().sum(-1, keepdim=True)
        return (q * (count - 1)).clamp(min=0)
    ranks = (q * last).expand(*rows.shape[:-1], q.numel())
    return torch.where(
        rows[..., -1:].isnan(), torch.tensor(float(last), dtype=q.dtype, device=q.device), ranks
    )


def _between(rows, q, ranks, interpolation):
    if interpolation in ("lower", "higher", "nearest"):
        rounding = {"lower": torch.floor, "higher": torch.ceil, "nearest": torch.round}
        return rows.gather(-1, rounding[interpolation](ranks).long())
    below = ranks.long()
    weight = torch.full_like(ranks, 0.5) if interpolation == "midpoint" else ranks - below
    return torch.lerp(rows.gather(-1, below), rows.gather(-1, ranks.ceil().long()), weight)


# ---- covariance ----


def _check_weights(name, weights, count, integral):
    if weights.dim() > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
            f"{weights.dim()} dimensions"
        )
    if integral == weights.is_floating_point() or weights.dtype == torch.bool:
        kind = "integral" if integral else "floating point"
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with "
            f"{type_name(weights.dtype)} dtype"
        )
    if weights.numel() != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input "
            f"but got {weights.numel()} != {count}"
        )
    if count and bool((weights < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")


def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariance of variables in rows (NumPy's cov).

    `fweights` are frequencies (integers), `aweights` are importances of the observations.

    Input [variables, observations] gives [variables, variables]; a vector is one variable, its
    result a number. Integers become the default dtype; bool raises RuntimeError, as do more
    dimensions or weights of another dtype or length. Divides by the count less `correction`.
    Differentiable.

    >>> torch.cov(torch.tensor([[0, 1, 2], [2, 1, 0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.dim() > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.dim()} dimensions"
        )
    if input.dtype == torch.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input if input.dim() == 2 else input.reshape(1, -1)
    count = x.size(1)
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is not None:
            _check_weights(name, weights, count, name == "fweights")
    weight = fweights
    if aweights is not None:
        weight = aweights if weight is None else weight * aweights
    if weight is None:
        mean, norm = x.sum(1, keepdim=True) / count if count else x.sum(1, keepdim=True), count
    else:
        norm = weight.sum()
        if count and bool(norm == 0):
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = (x * weight).sum(1, keepdim=True) / norm
    total = norm
    if correction:
        norm = norm - (
            correction if aweights is None else correction * (weight * aweights).sum() / total
        )
    norm = max(norm, 0) if isinstance(norm, (int, float)) else norm.clamp(min=0)
    x = x - mean
    right = x if weight is None else x * weight
    return torch.true_divide(x @ right.t().conj(), norm).squeeze()


def corrcoef(input):
    """The correlation coefficients of variables in rows.

    Input [variables, observations] gives [variables, variables], in [-1, 1]; a vector gives a
    number. A constant variable's are NaN. Raises RuntimeError for more than two dimensions or bool.
    Differentiable.

    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.dim() > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.dim()} dimensions"
        )
    c = cov(input)
    if c.dim() == 0:
        return c / c
    d = (c.diagonal().real if c.is_complex() else c.diagonal()).sqrt()
    c = c / d.unsqueeze(1) / d.unsqueeze(0)
    if c.is_complex():
        return torch.complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1))
    return c.clamp(-1, 1)


# ---- norms of slices, finite differences ----


@with_out(wrong=EXACT)
def renorm(input, p, dim, maxnorm):
    """Each slice along `dim` scaled down to a p-norm of `maxnorm` where it is greater.

    Two dimensions or more, floating or complex; shape and dtype are kept. Raises RuntimeError for a
    p that is not positive, a negative maxnorm or fewer dimensions. Differentiable.

    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), p=2, dim=0, maxnorm=1)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    if isinstance(p, complex) or p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.dim() < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {input.dim()} dimensions"
        )
    torch.select(input, dim, 0) if input.size(dim) else None
    others = [d for d, _ in enumerate(input.shape) if d != dim % input.dim()]
    low = input.dtype in (torch.float16, torch.bfloat16)
    wide = torch.float32 if low else input.dtype.to_real()
    norm = torch.linalg.vector_norm(input.to(wide) if low else input, p, others, True)
    factor = torch.where(
        norm > maxnorm,
        maxnorm / (norm + 1e-7),
        torch.ones((), dtype=norm.dtype, device=norm.device),
    )
    return input * factor.to(input.dtype)


def gradient(input, *, spacing=None, dim=None, edge_order=1):
    """Estimates of the derivative along each dimension by central differences (second order).

    `spacing` is the distance of samples, one for all or one a dimension, or their coordinates.
    Returns a tuple, a tensor for each dimension. Edges are of order `edge_order`, 1 or 2.

    Shape is kept; integers become floats. Raises RuntimeError for a dimension of edge_order
    elements or fewer, or a `spacing` of another length. Source: Fornberg 1988.

    >>> torch.gradient(torch.tensor([1.0, 4.0, 9.0]))
    (tensor([3., 4., 5.]),)
    """
    dims = _gradient_dims(input, dim)
    given = spacing if isinstance(spacing, (list, tuple)) else None
    _check_gradient(input, given, spacing, dim, dims, edge_order)
    if given is None:
        given = [1 if spacing is None else spacing] * len(dims)
    return tuple(_difference(input, h, d, edge_order) for h, d in zip(given, dims))


def _gradient_dims(input, dim):
    if dim is None:
        return list(range(input.dim()))
    return [dim] if isinstance(dim, int) else list(dim)


def _check_gradient(input, given, spacing, dim, dims, edge_order):
    if isinstance(spacing, torch.Tensor):
        raise TypeError("gradient(): argument 'spacing' must be a tuple of Tensors, not Tensor")
    if given is not None:
        if dim is not None and len(given) != len(dims):
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim "
                f"arguments to have the same length, but got a spacing argument of length {len(given)} "
                f"and a dim argument of length {len(dims)}."
            )
        if dim is None and len(given) != input.dim():
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal "
                f"to 'self.dim() = {input.dim()}', since dim argument was not given, but got a spacing "
                f"argument of length {len(given)}."
            )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    wrapped = []
    for d in dims:
        if not -input.dim() <= d < input.dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-input.dim()}, "
                f"{input.dim() - 1}], but got {d})"
            )
        d %= input.dim()
        if d in wrapped:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        wrapped.append(d)
    for h in given or ():
        if isinstance(h, torch.Tensor) and h.device != input.device:
            raise RuntimeError(
                "torch.gradient expected each tensor to be on the same device, but got devices "
                f"{input.device} and {h.device}!"
            )
    for d in wrapped:
        if input.size(d) <= edge_order:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
            )


def _difference(x, h, dim, order):
    """The derivative along one dimension; h is a distance, or coordinates."""
    n = x.size(dim)

    def part(start, length, t=None):
        return torch.narrow(x if t is None else t, dim, start, length)

    if not isinstance(h, torch.Tensor):
        inner = (part(2, n - 2) - part(0, n - 2)) / (2 * h)
        steps = [h, h], [h, h]
    else:
        shape = [1] * x.dim()
        shape[dim] = n - 1
        step = h.diff().reshape(shape)
        a, b = part(0, n - 2, step), part(1, n - 2, step)
        low, high = -b / (a * (a + b)), a / (b * (a + b))
        inner = part(0, n - 2) * low + part(1, n - 2) * ((b - a) / (a * b)) + part(2, n - 2) * high
        ends = h.diff()
        steps = [ends[0], ends[min(1, n - 2)]], [ends[-1], ends[max(-2, 1 - n)]]
    first = _edge([part(i, 1) for i in range(min(3, n))], *steps[0], order)
    last = _edge([part(n - 1 - i, 1) for i in range(min(3, n))], *steps[1], order)
    return torch.cat([first, inner, -last], dim)


def _edge(points, a, b, order):
    """The one-sided derivative at points[0], the steps being a and b."""
    if order == 1:
        return (points[1] - points[0]) / a
    x, y, z = points
    return -(2 * a + b) / (a * (a + b)) * x + (a + b) / (a * b) * y - a / (b * (a + b)) * z


# ---- differences and integrals ----


def diff(input, n=1, dim=-1, prepend=None, append=None, *, out=None):
    """The n-th differences of neighbours along a dimension.

    (N, L) along dim=1 -> (N, L - n), empty if nothing is left. prepend and append are joined to input
    along dim first. bool differs by `logical_xor`. A scalar or a negative n raises RuntimeError.
    Takes `out=` too.

    >>> x = torch.tensor([1, 4, 9, 16])
    >>> torch.diff(x), torch.diff(x, n=2), torch.diff(x, prepend=torch.tensor([0]))
    (tensor([3, 5, 7]), tensor([2, 2]), tensor([1, 3, 5, 7]))
    """
    check_tensors("diff", input=input)
    if not isinstance(n, int):
        raise TypeError(f"diff(): argument 'n' must be int, not {type(n).__name__}")
    if not input.dim():
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if n == 0:
        result = input.clone()
        return result if out is None else write(out, result, "diff", SCALAR_TYPE)
    parts = [t for t in (prepend, input, append) if t is not None]
    result = torch.cat(parts, dim) if len(parts) > 1 else input
    minus = torch.ne if result.dtype == torch.bool else torch.sub
    for _ in range(min(n, result.size(dim))):
        m = result.size(dim) - 1
        result = minus(result.narrow(dim, 1, m), result.narrow(dim, 0, m))
    return result if out is None else write(out, result, "diff")


def _trapezia(y, x, dx, dim):
    """Twice the areas of the trapezia between neighbours."""
    if x is not None and dx is not None:
        raise RuntimeError("trapezoid(): only one of x and dx may be given")
    m = y.size(dim) - 1
    sums = y.narrow(dim, 1, m) + y.narrow(dim, 0, m)
    if x is None:
        return sums if dx is None else sums * dx
    if x.dim() == 0:
        raise RuntimeError("trapezoid(): x must have at least one dimension")
    dim %= y.dim()
    if x.dim() == 1:
        x = x.reshape([-1 if d == dim else 1 for d in range(y.dim())])
    return sums * x.diff(dim=x.dim() - (y.dim() - dim))


def trapezoid(y, x=None, *, dx=None, dim=-1):
    """The integral by the trapezoidal rule: the sum of (y[i] + y[i + 1]) / 2 times the distance of
    the points. Exact for straight lines.

    y (N, L) -> (N,). x holds the points (L values, or a shape that broadcasts with y); dx is their
    distance, 1 unless given. RuntimeError for bool and for both x and dx. Differentiable.

    >>> x = torch.tensor([0., 1., 3.])
    >>> torch.trapezoid(2 * x, x), torch.trapezoid(2 * x)
    (tensor(9.), tensor(5.))
    """
    check_tensors("trapezoid", y=y)
    for name, t in (("y", y), ("x", x)):
        if t is not None and t.dtype == torch.bool:
            raise RuntimeError(
                f"trapezoid: received a bool input for `{name}`, but bool is not supported"
            )
    if y.dim() and y.size(dim) == 0:
        return y.sum(dim, dtype=y.dtype)
    return _trapezia(y, x, dx, dim).sum(dim) / 2


trapz = trapezoid


def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    """Running integrals by the trapezoidal rule.

    y (N, L) -> (N, L - 1): the integral from the first point to each further one. x holds the points
    (L values, or a shape that broadcasts with y); dx is their distance, 1 unless given. RuntimeError
    for both. Differentiable.

    >>> torch.cumulative_trapezoid(torch.tensor([1., 2., 4.]))
    tensor([1.5000, 4.5000])
    >>> torch.cumulative_trapezoid(torch.tensor([1., 2., 4.]), torch.tensor([0., 1., 3.]))
    tensor([1.5000, 7.5000])
    """
    check_tensors("cumulative_trapezoid", y=y)
    return _trapezia(y, x, dx, dim).cumsum(dim) / 2
