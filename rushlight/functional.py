"""Operations composed of others in Python: differentiable as their parts are."""

import rushlight as torch

from ._composite import in_place, type_name, with_out

_count = range  # torch.range takes the name below

__all__ = [
    "allclose",
    "angle",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "einsum",
    "heaviside",
    "isclose",
    "isreal",
    "nan_to_num",
    "signbit",
    "unravel_index",
    "block_diag",
    "cartesian_prod",
    "chain_matmul",
    "dsplit",
    "hsplit",
    "ldexp",
    "meshgrid",
    "range",
    "rrelu",
    "rrelu_",
    "tensordot",
    "unique",
    "unique_consecutive",
    "vsplit",
    "vander",
]


def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes broadcast to."""
    result = []
    for shape in shapes:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        result = [1] * (len(shape) - len(result)) + result
        for i in _count(1, len(shape) + 1):
            if shape[-i] < 0:
                raise RuntimeError(
                    f"Trying to create tensor with negative dimension ({shape[-i]}): ({shape[-i]})"
                )
            if shape[-i] != 1 and result[-i] not in (1, shape[-i]):
                raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape")
            if shape[-i] != 1:
                result[-i] = shape[-i]
    return torch.Size(result)


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape, as views."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tensors[0]
    total = tensors[0]
    shape = tensors[0].shape
    for t in tensors[1:]:
        shape = (
            (torch.empty(shape, device=total.device).expand(shape) + torch.empty(t.shape)).shape
            if shape != t.shape
            else shape
        )
    return tuple(t.expand(shape) for t in tensors)


def _each(function):
    def many(*tensors):
        if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
            return tuple(function(t) for t in tensors[0])
        return function(tensors[0]) if len(tensors) == 1 else tuple(function(t) for t in tensors)

    return many


def atleast_1d(*tensors):
    """Each tensor with at least one dimension."""
    return _each(lambda t: t.reshape(1) if t.dim() == 0 else t)(*tensors)


def atleast_2d(*tensors):
    """Each tensor with at least two dimensions; new ones come first."""
    return _each(
        lambda t: t.reshape(1, 1) if t.dim() == 0 else t.unsqueeze(0) if t.dim() == 1 else t
    )(*tensors)


def atleast_3d(*tensors):
    """Each tensor with at least three dimensions."""

    def one(t):
        if t.dim() == 0:
            return t.reshape(1, 1, 1)
        if t.dim() == 1:
            return t.unsqueeze(0).unsqueeze(-1)
        return t.unsqueeze(-1) if t.dim() == 2 else t

    return _each(one)(*tensors)


def _check_tensors(function, **given):
    for place, (name, value) in enumerate(given.items(), 1):
        if not isinstance(value, torch.Tensor):
            kind = type(value).__name__
            raise TypeError(
                f"{function}(): argument '{name}' (position {place}) must be Tensor, not {kind}"
            )


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """abs(input - other) <= atol + rtol * abs(other), elementwise."""
    _check_tensors("isclose", input=input, other=other)
    if input.dtype != other.dtype:
        raise RuntimeError(f"{type_name(input.dtype)} did not match {type_name(other.dtype)}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol:g}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol:g}")
    close = input == other
    if equal_nan and (input.is_floating_point() or input.is_complex()):
        close = close | (input.isnan() & other.isnan())
    if rtol == 0 and atol == 0:
        return close
    if not (input.is_floating_point() or input.is_complex()):
        other = other.to(torch.get_default_dtype())
    error = (input.to(other.dtype) - other).abs()
    return close | (error.isfinite() & (error <= atol + (rtol * other).abs()))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """isclose everywhere?

    >>> torch.allclose(torch.ones(2), torch.ones(2) + 1e-7)
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def isreal(input):
    """True where the imaginary part is zero."""
    return input.imag == 0 if input.is_complex() else torch.ones_like(input, dtype=torch.bool)


@with_out(wrong="signbit does not support non-boolean outputs.")
def signbit(input):
    """True for negative numbers, -0.0 among them."""
    if not input.is_floating_point():
        return input < 0
    return torch.copysign(torch.ones_like(input), input) < 0


@with_out(wrong="heaviside is not yet implemented for tensors with different dtypes.")
def heaviside(input, values):
    """0 below zero, 1 above, `values` at zero."""
    _check_tensors("heaviside", input=input, values=values)
    if input.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    one, zero = torch.ones_like(input), torch.zeros_like(input)
    return torch.where(input == 0, values, torch.where(input > 0, one, zero))


@with_out(wrong="nan_to_num: dtype of out: %G should be same as input: %W")
def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
    """NaN and infinities replaced by numbers."""
    if not (input.is_floating_point() or input.is_complex()):
        return input.clone()
    limits = torch.finfo(input.dtype)
    out = torch.where(input.isnan(), nan or 0.0, input)
    out = torch.where(out == float("inf"), limits.max if posinf is None else posinf, out)
    return torch.where(out == float("-inf"), limits.min if neginf is None else neginf, out)


def vander(x, N=None, *, increasing=False):
    """The Vandermonde matrix: powers of x in columns."""
    n = x.size(0) if N is None else N
    powers = torch.arange(n) if increasing else torch.arange(n - 1, -1, -1)
    return x.unsqueeze(-1) ** powers


def unravel_index(indices, shape):
    """Flat indices as coordinates in `shape`."""
    if isinstance(shape, torch.Tensor):
        shape = shape.tolist()
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    _check_flat_indices(indices, shape)
    steps = [1]
    for size in shape[:0:-1]:
        steps.insert(0, steps[0] * size)
    steps, sizes = torch.tensor(steps[: len(shape)]), torch.tensor(shape)
    places = torch.div(indices.unsqueeze(-1), steps, rounding_mode="floor") % sizes
    return places.unbind(-1)


def _check_flat_indices(indices, shape):
    if indices.is_complex() or indices.is_floating_point() or indices.dtype == torch.bool:
        raise ValueError(
            f"expected 'indices' to be integer dtype, but got {str(indices.dtype).replace('rushlight', 'torch')}"
        )
    if any(size < 0 for size in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")


# ---- products of several operands ----


def einsum(equation, *operands):
    """Sums of products by index letters: 'ij,jk->ik' is a matrix product; '...' is any dimensions.

    Operands and lists of their indices may also alternate: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
    Raises RuntimeError for a malformed equation or sizes that do not fit.

    >>> torch.einsum("ij,ij->i", torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = operands[0]
    return torch._einsum(equation, list(operands))


def _from_sublists(args):
    operands = args[0 : len(args) - len(args) % 2 : 2]
    lists = args[1::2]
    out = args[-1] if len(args) % 2 else None

    def letter(i):
        return "..." if i is Ellipsis else chr(ord("A") + i) if i < 26 else chr(ord("a") + i - 26)

    equation = ",".join("".join(map(letter, indices)) for indices in lists)
    return (equation if out is None else equation + "->" + "".join(map(letter, out))), operands


@with_out(
    wrong="tensordot: Expected the output tensor to have dtype %W, but got an output tensor with dtype %G"
)
def tensordot(a, b, dims=2):
    """Sums products over the last `dims` dimensions of a and the first of b, or over given pairs."""
    if isinstance(dims, torch.Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        pairs = [*_count(a.dim() - dims, a.dim())], [*_count(0, dims)]
    else:
        pairs = [[d] if isinstance(d, int) else list(d) for d in dims]
    return torch._tensordot(a, b, *pairs)


def meshgrid(*tensors, indexing=None):
    """Coordinate grids of vectors: one tensor each, of the shape of all lengths."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tensors[0]
    return torch._meshgrid(list(tensors), indexing=indexing or "ij")


def cartesian_prod(*tensors):
    """All tuples of the vectors' elements, as rows.

    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([4, 5]))
    tensor([[1, 4],
            [1, 5],
            [2, 4],
            [2, 5]])
    """
    return torch._cartesian_prod(list(tensors))


def block_diag(*tensors):
    """A matrix with the given ones on its diagonal and zeros beside."""
    return torch._block_diag(list(tensors))


@with_out
def chain_matmul(*matrices):
    """The product of a chain of matrices, in the cheapest order."""
    return torch._chain_matmul(list(matrices))


# ---- unique elements ----


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The unique elements of a tensor, or slices along `dim`; with each element's place among them
    and the counts, if asked for."""
    if dim is None:
        result = torch._unique2(input, sorted, return_inverse, return_counts)
    else:
        result = torch._unique_dim(input, dim, sorted, return_inverse, return_counts)
    return _asked(result, return_inverse, return_counts)


def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The first of each run of equal neighbours."""
    result = torch._unique_consecutive(input, return_inverse, return_counts, dim)
    return _asked(result, return_inverse, return_counts)


def _asked(result, inverse, counts):
    picked = (result[0], *(result[1:2] if inverse else ()), *(result[2:3] if counts else ()))
    return picked if len(picked) > 1 else picked[0]


# ---- pieces ----


def _split_along(name, axis, least):
    def split(input, indices_or_sections):
        if input.dim() < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, "
                f"but got a tensor with {input.dim()} dimensions!"
            )
        dim = axis if not (name == "hsplit" and input.dim() == 1) else 0
        sections = indices_or_sections
        if isinstance(sections, int) and (sections <= 0 or input.size(dim) % sections):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                f"{input.size(dim)} is not divisible by the split_size {indices_or_sections}!"
            )
        return torch.tensor_split(input, indices_or_sections, dim)

    split.__name__ = split.__qualname__ = name
    split.__doc__ = f"Views of pieces along dimension {axis}."
    return split


hsplit = _split_along("hsplit", 1, 1)
vsplit = _split_along("vsplit", 0, 2)
dsplit = _split_along("dsplit", 2, 3)


# ---- the rest ----


@with_out
def angle(input):
    """The argument of complex numbers; pi for negative real ones."""
    if input.is_complex():
        return torch.atan2(input.imag, input.real)
    real = input.dtype if input.is_floating_point() else torch.get_default_dtype()
    result = torch.where(input < 0, torch.tensor(torch.pi, dtype=real), 0.0)
    return torch.where(input.isnan(), float("nan"), result) if input.is_floating_point() else result


@with_out(wrong="ldexp can't be cast to the desired output type %G")
def ldexp(input, other):
    """input * 2 ** other."""
    _check_tensors("ldexp", input=input, other=other)
    return input * torch.pow(2.0, other)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """leaky_relu with a slope drawn from [lower, upper] for each negative element in training."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return torch._C._nn.leaky_relu(input, (lower + upper) / 2)
    with torch.no_grad():
        negative = input <= 0
        count = int(negative.sum())
        slopes = torch.empty(count, dtype=torch.float64).uniform_(lower, upper, generator=generator)
        noise = torch.ones_like(input).masked_scatter(negative, slopes.to(input.dtype))
    return input * noise


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """rrelu in place."""
    return input.copy_(rrelu(input.clone(), lower, upper, training, generator))


def range_(start, end=None, step=1, **kwargs):
    """Deprecated: numbers from start to end, both included."""
    start, end = (0, start) if end is None else (start, end)
    kwargs.setdefault("dtype", torch.get_default_dtype())
    return torch.arange(start, end + step / 2, step, **kwargs)


range = range_  # noqa: A001


# ---- what lives in files of its own, and methods of tensors ----

from . import _composites, _copies, _statistics  # noqa: E402

for _module in (_composites, _copies, _statistics):
    __all__ += _module.__all__
    globals().update((name, getattr(_module, name)) for name in _module.__all__)

ldexp_ = in_place(ldexp, wrong="ldexp can't be cast to the desired output type %G")
nan_to_num_ = in_place(nan_to_num)
__all__ += ["ldexp_", "nan_to_num_"]


def _from_aten(name):
    def function(*args, **kwargs):
        from . import _aten

        return getattr(_aten, name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    return function


for _name in (
    "_native_batch_norm_legit grid_sampler grid_sampler_2d grid_sampler_3d native_dropout "
    "native_group_norm"
).split():
    globals()[_name] = _from_aten(_name)
    __all__.append(_name)

# Methods of the class Tensor that are composites: found by name when first asked for.
_METHODS = {
    name: globals()[name]
    for name in (
        "allclose angle as_strided_scatter corrcoef cov diagonal_scatter dsplit hash_tensor "
        "heaviside histogram hsplit is_signed isclose isreal ldexp ldexp_ nan_to_num nan_to_num_ "
        "nanquantile narrow_copy nonzero_static quantile renorm resize_as_ select_scatter signbit "
        "slice_inverse slice_scatter unique unique_consecutive unsafe_chunk unsafe_split "
        "unsafe_split_with_sizes vsplit"
    ).split()
}
_METHODS.update(_composites.METHODS)
_METHODS["heaviside_"] = in_place(heaviside)
_METHODS["renorm_"] = in_place(_statistics.renorm)
_METHODS["where"] = lambda self, condition, other: torch.where(condition, self, other)
_METHODS["broadcast_to"] = lambda self, *size: self.expand(*size)


def _lazily(module, name, first=None):
    """A method that is a function of a module which is not loaded yet."""

    def method(self, *args, **kwargs):
        from importlib import import_module

        function = getattr(import_module("." + module, __package__), name)
        if first is not None:  # self is the second argument
            return function(kwargs.pop(first) if first in kwargs else args[0], self, *args[1:])
        return function(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    return method


_METHODS["stft"], _METHODS["istft"] = _lazily("_signal", "stft"), _lazily("_signal", "istft")
_METHODS["polygamma"] = _lazily("special", "polygamma", first="n")
_METHODS["mvlgamma"] = _lazily("special", "mvlgamma")
_METHODS["polygamma_"] = in_place(_METHODS["polygamma"])
_METHODS["mvlgamma_"] = in_place(
    _METHODS["mvlgamma"], "mvlgamma: result type %G can't be cast to the desired output type %W"
)


def __getattr__(name):
    if name in "cdist istft lu norm pca_lowrank split stft svd_lowrank".split():
        return getattr(torch, name)
    from ._missing import missing

    return missing(__name__, name)
