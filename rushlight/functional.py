"""Operations composed of others in Python: differentiable as their parts are."""

import rushlight as torch

from ._composite import check_elements, check_tensors, in_place, shape_text, with_out
from ._einsum import einsum as _einsum

_count = range  # torch.range takes the name below

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "einsum",
    "unravel_index",
    "block_diag",
    "cartesian_prod",
    "combinations",
    "dsplit",
    "hsplit",
    "meshgrid",
    "range",
    "tensordot",
    "unique",
    "unique_consecutive",
    "vsplit",
    "vander",
]


def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes broadcast to.

    `shapes` are sizes or tuples of sizes, aligned at their ends; sizes of 1 stretch. Returns a
    torch.Size. Raises RuntimeError where two sizes differ and neither is 1, or one is negative.

    >>> torch.broadcast_shapes((3, 1), (4,), 1)
    torch.Size([3, 4])
    """
    result = []
    for place, shape in enumerate(shapes):
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        seen = list(result)
        result = [1] * (len(shape) - len(result)) + result
        for i in _count(1, len(shape) + 1):
            fits = result[-i] in (1, shape[-i]) or shape[-i] == 1
            if shape[-i] < 0 or not fits:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[-i]} at {-i}! Mismatching "
                    f"argument at index {place} had {shape}; but expected shape should be "
                    f"broadcastable to {seen or result}"
                )
            if shape[-i] != 1:
                result[-i] = shape[-i]
    return torch.Size(result)


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape, as views.

    Any dtypes; takes the tensors, or one sequence of them. Returns a tuple. Views share memory, so
    clone before writing into them. Raises RuntimeError for shapes that do not broadcast.

    >>> a, b = torch.broadcast_tensors(torch.tensor([[1], [2]]), torch.tensor([5, 6, 7]))
    >>> a
    tensor([[1, 1, 1],
            [2, 2, 2]])
    >>> b
    tensor([[5, 6, 7],
            [5, 6, 7]])
    """
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
    """Each tensor with at least one dimension.

    One tensor gives a tensor, several or a sequence give a tuple. Any dtype; no copy.

    >>> torch.atleast_1d(torch.tensor(3.0))
    tensor([3.])
    """
    return _each(lambda t: t.reshape(1) if t.dim() == 0 else t)(*tensors)


def atleast_2d(*tensors):
    """Each tensor with at least two dimensions; new ones come first.

    () becomes (1, 1), (n,) becomes (1, n); others are kept. One tensor gives a tensor, several or a
    sequence give a tuple. Any dtype; no copy.

    >>> torch.atleast_2d(torch.tensor([1, 2, 3]))
    tensor([[1, 2, 3]])
    """
    return _each(
        lambda t: t.reshape(1, 1) if t.dim() == 0 else t.unsqueeze(0) if t.dim() == 1 else t
    )(*tensors)


def atleast_3d(*tensors):
    """Each tensor with at least three dimensions.

    () becomes (1, 1, 1), (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1); others are kept. One
    tensor gives a tensor, several or a sequence give a tuple. Any dtype; no copy.

    >>> torch.atleast_3d(torch.ones(2, 3)).shape
    torch.Size([2, 3, 1])
    """

    def one(t):
        if t.dim() == 0:
            return t.reshape(1, 1, 1)
        if t.dim() == 1:
            return t.unsqueeze(0).unsqueeze(-1)
        return t.unsqueeze(-1) if t.dim() == 2 else t

    return _each(one)(*tensors)


def vander(x, N=None, *, increasing=False):
    """The Vandermonde matrix: powers of x in columns.

    A vector (n,) gives (n, N), N being n by default; powers fall from N - 1 to 0, or rise from 0
    with `increasing`. Any numeric dtype.

    >>> torch.vander(torch.tensor([1, 2, 3]), increasing=True)
    tensor([[1, 1, 1],
            [1, 2, 4],
            [1, 3, 9]])
    """
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.size(0) if N is None else N
    powers = torch.arange(n) if increasing else torch.arange(n - 1, -1, -1)
    return x.unsqueeze(-1) ** powers


def unravel_index(indices, shape):
    """Flat indices as coordinates in `shape`.

    Returns a tuple, an index tensor of the shape of `indices` for each dimension of `shape`. Raises
    TypeError if indices are no integers, ValueError if `shape` has a negative size.

    >>> torch.unravel_index(torch.tensor([5, 0]), (2, 3))
    (tensor([1, 0]), tensor([2, 0]))
    """
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
        raise TypeError(
            f"expected 'indices' to be integer dtype, but got {str(indices.dtype).replace('rushlight', 'torch')}"
        )
    if any(size < 0 for size in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")


# ---- products of several operands ----


def einsum(equation, *operands):
    """Sums of products by index letters: 'ij,jk->ik' is a matrix product; '...' is any dimensions.

    Operands and lists of their indices may also alternate: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
    Raises RuntimeError for a malformed equation or sizes that do not fit.

    Dtypes are the same for all, RuntimeError otherwise. Differentiable.

    >>> torch.einsum("ij,ij->i", torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = operands[0]
    return _einsum(equation, operands)


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
    """Sums products over the last `dims` dimensions of a and the first of b, or over given pairs.

    `dims` is a number, or a pair of lists (of a, of b) of equal lengths. The result has the
    remaining dimensions of a, then those of b. Both have one dtype. Raises RuntimeError where sizes
    of summed dimensions differ, or there are fewer dimensions than `dims`.

    >>> a, b = torch.arange(6.0).view(2, 3), torch.arange(6.0).view(3, 2)
    >>> torch.tensordot(a, b, dims=1)
    tensor([[10., 13.],
            [28., 40.]])
    >>> torch.tensordot(a, b, dims=([0, 1], [1, 0]))
    tensor(50.)
    """
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
    """Coordinate grids of vectors: one tensor each, of the shape of all lengths.

    Vectors (n,), (m,), ... give grids (n, m, ...), as views; a tensor without dimensions counts as
    one of size 1. `indexing` is "ij", or "xy", which swaps the first two dimensions. Raises
    RuntimeError for other dimensions, different dtypes or another `indexing`.

    >>> x, y = torch.meshgrid(torch.tensor([1, 2]), torch.tensor([4, 5, 6]), indexing="ij")
    >>> x
    tensor([[1, 1, 1],
            [2, 2, 2]])
    >>> y
    tensor([[4, 5, 6],
            [4, 5, 6]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tensors[0]
    check_elements(tensors)
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in tensors:
        if t.dim() > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"{shape_text(t.shape)}"
            )
        if t.dtype != tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    places = [*_count(len(tensors))]
    if indexing == "xy":
        places[:2] = places[1::-1]
    sizes = [tensors[place].numel() for place in places]
    ones = [1] * len(tensors)
    views = (t.view([*ones[:d], t.numel(), *ones[d + 1 :]]) for t, d in zip(tensors, places))
    return tuple(t.expand(sizes) for t in views)


def cartesian_prod(*tensors):
    """All tuples of the vectors' elements, as rows.

    Vectors (n,), (m,) of one dtype give (n * m, 2), and so on; one vector is returned as it is.
    Raises RuntimeError for other dimensions or different dtypes.

    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([4, 5]))
    tensor([[1, 4],
            [1, 5],
            [2, 4],
            [2, 5]])
    """
    check_elements(tensors)
    for t in tensors:
        _check_vector(t)
    if len(tensors) == 1:
        return tensors[0]
    return torch.stack([t.reshape(-1) for t in meshgrid(*tensors)], 1)


def combinations(input, r=2, with_replacement=False):
    """All combinations of `r` elements of a vector, as rows.

    A vector (n) gives (n choose r, r), or (n + r - 1 choose r, r) with replacement, in the order of
    positions. Any dtype, kept. Differentiable. Raises RuntimeError for what is no vector, or a
    negative `r`.

    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    >>> torch.combinations(torch.tensor([1, 2]), with_replacement=True)
    tensor([[1, 1],
            [1, 2],
            [2, 2]])
    """
    check_tensors("combinations", input=input)
    if not isinstance(r, int):
        kind = type(r).__name__
        raise TypeError(f"combinations(): argument 'r' (position 2) must be int, not {kind}")
    _check_vector(input)
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    n, step = input.numel(), 0 if with_replacement else 1
    rows = torch.arange(n, device=input.device).unsqueeze(1)
    while rows.numel() and rows.size(1) < r:  # each row once for every element that may follow it
        first = rows[:, -1] + step
        count = n - first
        which = torch.arange(rows.size(0), device=input.device).repeat_interleave(count)
        place = torch.arange(which.numel(), device=input.device) - (count.cumsum(0) - count)[which]
        rows = torch.cat([rows[which], (first[which] + place).unsqueeze(1)], 1)
    return input.index_select(0, rows.reshape(-1)).reshape(rows.size(0), r)


def _check_vector(t):
    if t.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {shape_text(t.shape)}")


def block_diag(*tensors):
    """A matrix with the given ones on its diagonal and zeros beside.

    Tensors of at most two dimensions; a vector is a row, a number a 1 x 1 matrix. The result is of
    their promoted dtype. Raises RuntimeError for more dimensions.

    >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    check_elements(tensors)
    for i, t in enumerate(tensors):
        if t.dim() > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {i} has {t.dim()} dimensions"
            )
    blocks = [t if t.dim() == 2 else t.reshape(1, -1) for t in tensors]
    width = sum(b.size(1) for b in blocks)
    rows, left = [], 0
    for b in blocks:
        rows.append(torch.constant_pad_nd(b, (left, width - left - b.size(1))))
        left += b.size(1)
    return torch.cat(rows) if rows else torch.empty(1, 0)


# ---- unique elements ----


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The unique elements of a tensor, or slices along `dim`; with each element's place among them
    and the counts, if asked for.

    Returns the elements (k,), or the slices stacked along `dim`, ascending; then, if asked for,
    `inverse` with `output[inverse]` being the input, and the counts (k,), both int64. Any real
    dtype; each NaN is an element of its own. Not differentiable.

    >>> torch.unique(torch.tensor([3, 1, 3, 2]), return_inverse=True, return_counts=True)
    (tensor([1, 2, 3]), tensor([2, 0, 2, 1]), tensor([1, 1, 2]))
    """
    if dim is None:
        result = torch._unique2(input, sorted, return_inverse, return_counts)
    else:
        result = torch._unique_dim(input, dim, sorted, return_inverse, return_counts)
    return _asked(result, return_inverse, return_counts)


def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The first of each run of equal neighbours.

    Over the flattened tensor, or slices along `dim`. Returns the elements, then, if asked for, each
    element's run (int64, the input's shape) and the runs' lengths. Any dtype. Not differentiable.

    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
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
    split.__doc__ = _split_doc(name, axis, least)
    return split


def _split_doc(name, axis, least):
    shape = (4, 2, 2) if axis == 0 else (2, 4, 2) if axis == 1 else (2, 2, 4)
    pieces = [(*shape[:axis], 1 + 2 * (i == 1), *shape[axis + 1 :]) for i in (0, 1)]
    also = ", or the only one" if least == axis else ""
    return f"""Views of pieces along dimension {axis}{also}, as a tuple.

    `indices_or_sections` is a number of equal pieces, or a list of where new ones begin. Any dtype.
    Raises RuntimeError for fewer than {least} dimensions, or a size that the number does not divide.

    >>> [tuple(t.shape) for t in torch.{name}(torch.zeros{shape}, [1])]
    {pieces}
    """


hsplit = _split_along("hsplit", 1, 1)
vsplit = _split_along("vsplit", 0, 2)
dsplit = _split_along("dsplit", 2, 3)


# ---- the rest ----


def range_(start, end=None, step=1, **kwargs):
    """Deprecated: numbers from start to end, both included.

    `arange` leaves `end` out, which is why this one is deprecated. The dtype is the default one.

    >>> torch.range(1, 3)
    tensor([1., 2., 3.])
    """
    start, end = (0, start) if end is None else (start, end)
    kwargs.setdefault("dtype", torch.get_default_dtype())
    return torch.arange(start, end + step / 2, step, **kwargs)


range = range_  # noqa: A001


# ---- what lives in files of its own, and methods of tensors ----

from . import _composites, _copies, _elementwise, _histograms, _products, _stacks, _statistics  # noqa: E402

for _module in (_composites, _copies, _elementwise, _histograms, _products, _stacks, _statistics):
    __all__ += _module.__all__
    globals().update((name, getattr(_module, name)) for name in _module.__all__)

ldexp_ = in_place(_elementwise.ldexp, wrong="ldexp can't be cast to the desired output type %G")
nan_to_num_ = in_place(_elementwise.nan_to_num)
__all__ += ["ldexp_", "nan_to_num_"]


_FROM_ATEN = (
    "_native_batch_norm_legit grid_sampler grid_sampler_2d grid_sampler_3d native_dropout "
    "native_group_norm"
).split()
__all__ += _FROM_ATEN

# Methods of the class Tensor that are composites: found by name when first asked for.
_METHODS = {
    name: globals()[name]
    for name in (
        "allclose angle as_strided_scatter corrcoef cov diagonal_scatter diff dsplit frexp hash_tensor "
        "heaviside histc histogram hsplit is_conj is_distributed is_neg is_same_size is_signed isclose isreal kron ldexp ldexp_ nan_to_num nan_to_num_ "
        "nanmean nanquantile narrow_copy nonzero_static quantile renorm resize_as_ select_scatter signbit "
        "slice_inverse slice_scatter unique unique_consecutive unsafe_chunk unsafe_split "
        "unsafe_split_with_sizes vsplit"
    ).split()
}
_METHODS.update(_composites.METHODS)
_METHODS["heaviside_"] = in_place(_elementwise.heaviside)
_METHODS["renorm_"] = in_place(_statistics.renorm)


def _where(self, condition, other):
    """This tensor's elements where `condition` (bool) is True, those of `other` elsewhere.

    Shapes broadcast; `other` is a tensor or a number, dtypes promote. See `torch.where`.

    >>> torch.tensor([1, 2, 3]).where(torch.tensor([True, False, True]), 0)
    tensor([1, 0, 3])
    """
    return torch.where(condition, self, other)


_METHODS["where"] = _where


def _lazily(module, name, first=None):
    """A method that is a function of a module which is not loaded yet."""

    def method(self, *args, **kwargs):
        from importlib import import_module

        function = getattr(import_module("." + module, __package__), name)
        if first is not None:  # self is the second argument
            return function(kwargs.pop(first) if first in kwargs else args[0], self, *args[1:])
        return function(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = _LAZY_DOCS[name]
    return method


_LAZY_DOCS = {
    "stft": """The short-time Fourier transform of this signal. See `torch.stft`.

    >>> torch.ones(4).stft(2, 1, window=torch.ones(2), return_complex=True).shape
    torch.Size([2, 5])
    """,
    "istft": """The signal of this short-time Fourier transform. See `torch.istft`.

    >>> spectrum = torch.ones(4).stft(2, 1, window=torch.ones(2), return_complex=True)
    >>> spectrum.istft(2, 1, window=torch.ones(2))
    tensor([1., 1., 1., 1.])
    """,
    "polygamma": """The n-th derivative of the digamma function. See `torch.polygamma`.

    >>> torch.tensor([1.0]).polygamma(1)
    tensor([1.6449])
    """,
    "mvlgamma": """The logarithm of the multivariate gamma function. See `torch.mvlgamma`.

    >>> torch.tensor([2.0, 3.0]).mvlgamma(1)
    tensor([0.0000, 0.6931])
    """,
}
_METHODS["stft"], _METHODS["istft"] = _lazily("_signal", "stft"), _lazily("_signal", "istft")
_METHODS["polygamma"] = _lazily("special", "polygamma", first="n")
_METHODS["mvlgamma"] = _lazily("special", "mvlgamma")
_METHODS["polygamma_"] = in_place(_METHODS["polygamma"])
_METHODS["mvlgamma_"] = in_place(
    _METHODS["mvlgamma"], "mvlgamma: result type %G can't be cast to the desired output type %W"
)


def __getattr__(name):
    if name in _FROM_ATEN:
        from . import _aten

        return getattr(_aten, name)
    if name in "cdist istft lu norm pca_lowrank split stft svd_lowrank".split():
        return getattr(torch, name)
    from ._missing import missing

    return missing(__name__, name)
