"""Composites that fit no larger theme: segments, fills, sizes, norms by their old names.

Not here: kernels; copies of views (_copies.py), statistics (_statistics.py).
"""

import rushlight as torch

from ._composite import check_tensors, shape_text, type_name, with_out

__all__ = [
    "_chunk_cat",
    "_segment_reduce",
    "_unsafe_masked_index",
    "_unsafe_masked_index_put_accumulate",
    "empty_permuted",
    "fill",
    "frobenius_norm",
    "get_device",
    "hash_tensor",
    "is_conj",
    "is_distributed",
    "is_neg",
    "is_same_size",
    "is_signed",
    "nonzero_static",
    "norm_except_dim",
    "nuclear_norm",
    "resize_as_",
    "segment_reduce",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
]


# ---- questions ----


def is_conj(input):
    """Is the conjugate bit set? Never: conjugates are computed at once.

    Any tensor; a bool. PyTorch makes conjugates lazily and may answer True: rushlight never does.

    >>> torch.is_conj(torch.tensor([1 + 2j]))
    False
    """
    return False


def is_neg(input):
    """Is the negative bit set? Never.

    Any tensor; a bool. PyTorch may answer True for the imaginary part of a lazy conjugate.

    >>> torch.is_neg(torch.tensor([-1.0]))
    False
    """
    return False


def is_distributed(input):
    """Is the tensor spread over processes? Never.

    Any tensor; a bool.

    >>> torch.is_distributed(torch.ones(2))
    False
    """
    return False


def is_same_size(input, other):
    """Have the two the same sizes?

    Any dtypes; a bool. Shapes that would only broadcast are not the same.

    >>> torch.is_same_size(torch.ones(2, 1), torch.ones(2))
    False
    """
    check_tensors("is_same_size", input=input, other=other)
    return input.shape == other.shape


def is_signed(input):
    """Can elements be negative?

    A question to the dtype: False for uint8 and its like and for bool, True for all others.

    >>> torch.is_signed(torch.tensor([3], dtype=torch.uint8))
    False
    """
    check_tensors("is_signed", input=input)
    return input.dtype.is_signed


def get_device(input):
    """The index of the GPU that holds the tensor, -1 for the CPU.

    Any tensor; an int.

    >>> torch.get_device(torch.ones(2))
    -1
    """
    return input.get_device()


def _is_set_to(self, tensor):
    """Is this the same memory with the same size and strides?

    Another tensor over the same memory at another offset, or of another shape, is not.

    >>> x = torch.zeros(2, 3)
    >>> x.is_set_to(x.view(2, 3)), x.is_set_to(x.view(6))
    (True, False)
    """
    return (
        self.data_ptr() == tensor.data_ptr()
        and self.shape == tensor.shape
        and self.stride() == tensor.stride()
        and self.storage_offset() == tensor.storage_offset()
    )


# ---- sizes ----


def _sum_to_size(self, *size):
    """Sums over the dimensions that broadcasting from `size` would repeat.

    `size` are sizes, or a sequence of them, of at most this tensor's dimensions: each is the
    tensor's own, or 1. What broadcasting does to gradients backward. Raises RuntimeError if it does
    not fit. Differentiable.

    >>> torch.arange(6).view(2, 3).sum_to_size(1, 3)
    tensor([[3, 5, 7]])
    """
    size = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if not size:
        return self.sum()
    lead = self.dim() - len(size)
    fits = lead >= 0 and all(s in (1, n) for s, n in zip(size, self.shape[lead:]))
    if not fits:
        raise RuntimeError(
            f"size {{{shape_text(size)}}} is not expandable to size {{{shape_text(self.shape)}}}."
        )
    repeated = [i + lead for i, s in enumerate(size) if s == 1 and self.size(i + lead) != 1]
    dims = [*range(lead), *repeated]
    return (self.sum(dims, keepdim=True) if dims else self).reshape(size)


def resize_as_(input, the_template, *, memory_format=None):
    """Gives the tensor another's size; what memory it had stays.

    Any dtypes. New elements are uninitialised. Raises RuntimeError for a tensor that requires grad
    or whose memory cannot be resized.

    >>> torch.resize_as_(torch.arange(4), torch.ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return input.resize_(the_template.shape)


def empty_permuted(size, physical_layout, *, dtype=None, layout=None, device=None,
                   requires_grad=False, pin_memory=False):  # fmt: skip
    """Memory for a tensor whose dimensions lie in it in the order `physical_layout`.

    `size` and `physical_layout` have one length n, the latter a permutation of 0 to n - 1: the last
    of it is the dimension whose elements are neighbours. The dtype is the default one unless given.
    Elements are uninitialised. Raises RuntimeError for what is no permutation.

    >>> torch.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    n, layout = len(size), list(physical_layout)
    if n != len(layout):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; "
            f"i.e. len(size) = {n} is not equal to len(physical_layout) = {len(layout)}"
        )
    for i, d in enumerate(layout):
        if not 0 <= d < n:
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {n - 1}, but got {d} at "
                f"index {i}).  NB: negative dims not currently supported; file an issue if you want it."
            )
        if d in layout[:i]:
            raise RuntimeError("Duplicate dim not allowed")
    strides, step = [0] * n, 1
    for d in reversed(layout):
        strides[d], step = step, step * max(size[d], 1)
    return torch.empty_strided(
        size, strides, dtype=dtype, device=device, requires_grad=requires_grad
    )


def _new_empty_strided(self, size, stride, *, dtype=None, device=None, requires_grad=False,
                       layout=None, pin_memory=False):  # fmt: skip
    """Memory of given strides, with this tensor's dtype.

    `size` and `stride` have one length. Elements are uninitialised. Raises RuntimeError for
    negative numbers or different lengths.

    >>> torch.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return torch.empty_strided(size, stride, dtype=dtype or self.dtype, requires_grad=requires_grad)


@with_out
def nonzero_static(input, *, size, fill_value=-1):
    """The indices of elements that are not zero, cut or filled up to `size` rows.

    Any shape with d dimensions and any dtype; the result is int64 (size, d), so that its shape does
    not depend on values. Missing rows hold `fill_value`. Raises RuntimeError for a negative `size`.

    >>> torch.nonzero_static(torch.tensor([0, 3, 4]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])
    """
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = torch.nonzero(input)[:size]
    rest = found.new_full((size - found.size(0), input.dim()), fill_value)
    return torch.cat([found, rest])


# ---- fills ----


def fill(input, value):
    """A tensor like the input, every element `value` (a number or a tensor without dimensions).

    Shape and dtype are the input's; `value` is converted. Raises RuntimeError if `value` is a
    tensor that has dimensions. Differentiable with respect to `value`.

    >>> torch.fill(torch.zeros(2, 2), 3)
    tensor([[3., 3.],
            [3., 3.]])
    """
    recorded = input.requires_grad and torch.is_grad_enabled()
    return (input.clone() if recorded else torch.empty_like(input)).fill_(value)


def _fill_diagonal_(self, fill_value, wrap=False):
    """Fills the main diagonal in place; with `wrap`, a tall matrix's diagonal starts again.

    Two dimensions of any sizes, or more of one size. Any dtype. Raises RuntimeError for fewer
    dimensions, or more of different sizes.

    >>> torch.zeros(5, 2).fill_diagonal_(1, wrap=True)
    tensor([[1., 0.],
            [0., 1.],
            [0., 0.],
            [1., 0.],
            [0., 1.]])
    """
    if self.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.dim() > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    rows, columns = self.size(0), self.size(1)
    size, step = min(self.shape), sum(self.stride())
    with torch.no_grad():
        self.as_strided((size,), (step,), self.storage_offset()).fill_(fill_value)
        if wrap and self.dim() == 2 and rows > columns + 1:
            start = self.stride(0) * (columns + 1)
            count = (rows * columns - 1) // (columns + 1) + 1 - size
            count = max(
                0, min(count, (rows * columns - (columns + 1) * columns + columns) // (columns + 1))
            )
            self.as_strided((count,), (step,), self.storage_offset() + start).fill_(fill_value)
    return self


# ---- pieces ----


def unsafe_chunk(input, chunks, dim=0):
    """chunk; the pieces may be written to as if they were independent.

    Shapes and errors are those of `torch.chunk`.

    >>> torch.unsafe_chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    return torch.chunk(input, chunks, dim)


def unsafe_split(input, split_size, dim=0):
    """split; the pieces may be written to as if they were independent.

    Shapes and errors are those of `torch.split`.

    >>> torch.unsafe_split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    return torch.split(input, split_size, dim)


def unsafe_split_with_sizes(input, split_sizes, dim=0):
    """split_with_sizes; the pieces may be written to as if they were independent.

    Raises RuntimeError unless the sizes add up to that of `dim`.

    >>> torch.unsafe_split_with_sizes(torch.arange(5), [2, 3])
    (tensor([0, 1]), tensor([2, 3, 4]))
    """
    return torch.split_with_sizes(input, split_sizes, dim)


def _chunk_cat(tensors, dim, num_chunks, *, out=None):
    """Each tensor cut into chunks along `dim` (padded with zeros), joined chunk by chunk."""
    dim = _check_chunk_cat(tensors, dim, num_chunks)
    parts = []
    for t in tensors:
        length = -(-t.size(dim) // num_chunks)
        missing = length * num_chunks - t.size(dim)
        pad = list(t.shape)
        pad[dim] = missing
        t = torch.cat([t, t.new_zeros(pad)], dim) if missing else t
        parts.append(t.reshape([*t.shape[:dim], num_chunks, -1]))
    return torch.cat(parts, dim + 1, out=out)


def _check_chunk_cat(tensors, dim, num_chunks):
    """The dimension, counted from the front."""
    if not tensors:
        raise RuntimeError("_chunk_cat expects a non-empty input tensor list")
    if num_chunks < 1:
        raise RuntimeError("_chunk_cat expects positive num_chunks")
    if any(t.numel() == 0 for t in tensors):
        raise RuntimeError("_chunk_cat expects non-empty tensor")
    if dim < 0:
        if len({t.dim() for t in tensors}) > 1:
            raise RuntimeError(
                "_chunk_cat expects non-negative dim when input tensors have different ndims"
            )
        dim += tensors[0].dim()
    if any(dim >= t.dim() for t in tensors):
        raise RuntimeError("_chunk_cat expects dim < ndim for all input tensors")
    if any(t.shape[:dim] != tensors[0].shape[:dim] for t in tensors):
        raise RuntimeError(
            "_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors"
        )
    return dim


# ---- segments ----

_STARTS = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": float("-inf"), "min": float("inf")}
_REDUCES = {"sum": "sum", "mean": "sum", "prod": "prod", "max": "amax", "min": "amin"}


def segment_reduce(data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False,
                   initial=None):  # fmt: skip
    """Reduces consecutive segments of `data` along `axis`: sum, mean, max, min or prod.

    Segments are given by `lengths` or by `offsets` (one more than segments); an empty one gives
    `initial`, or the operation's identity (NaN for mean).

    Floating dtypes, NotImplementedError for others; the result has `data`'s shape but for `axis`, the number of segments.
    Raises RuntimeError for another `reduce`, or lengths that do not add up.

    >>> torch.segment_reduce(torch.tensor([1.0, 2.0, 3.0]), "sum", lengths=torch.tensor([2, 1]))
    tensor([3., 3.])
    """
    if reduce not in _STARTS:
        raise RuntimeError(f"unsupported reduction {reduce}")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if axis < 0:
        axis += data.dim()
    if offsets is not None and lengths is None:
        _check_segments(offsets, data, axis)
        lengths = offsets.diff(dim=axis)
    _check_segments(lengths, data, axis)
    if not data.is_floating_point():
        kind = type_name(data.dtype)
        raise NotImplementedError(f"\"_segment_reduce_cpu\" not implemented for '{kind}'")
    if not (unsafe or lengths.is_meta):
        if bool((lengths < 0).any()):
            raise RuntimeError("lengths contains negative value!")
        if lengths.numel() and not bool((lengths.sum(-1) == data.size(axis)).all()):
            raise RuntimeError("segment_reduce(): Expected all rows of lengths along axis to sum to "
                               "data.size(lengths.dim()-1) when !unsafe.")  # fmt: skip
    return _segments(data, reduce, lengths.long(), axis, initial)


def _check_segments(lengths, data, axis):
    if axis != lengths.dim() - 1:
        raise RuntimeError(
            f"segment_reduce(): Expected axis to be the last dimension of lengths but got {axis}."
        )
    if data.dim() < lengths.dim() or data.shape[:axis] != lengths.shape[:-1]:
        raise RuntimeError(
            "segment_reduce(): Expected all leading dimensions of data and lengths to match."
        )


def _segments(data, reduce, lengths, axis, initial):
    ends = lengths.cumsum(-1)
    places = torch.arange(data.size(axis), device=data.device).expand(
        *lengths.shape[:-1], data.size(axis)
    )
    segment = torch.searchsorted(ends, places.contiguous(), right=True)
    rest = [1] * (data.dim() - axis - 1)
    index = segment.reshape([*segment.shape, *rest]).expand(data.shape)
    count = lengths.size(-1)  # what lies behind the last segment goes to one more
    shape = [*data.shape[:axis], count + 1, *data.shape[axis + 1 :]]
    start = _STARTS[reduce] if initial is None else initial
    result = torch.full(shape, start, dtype=data.dtype, device=data.device)
    if data.numel():
        result = result.scatter_reduce(axis, index, data, _REDUCES[reduce])
    result = result.narrow(axis, 0, count)
    if reduce != "mean":
        return result
    count = lengths.reshape([*lengths.shape, *rest]).to(data.dtype)
    empty = result if initial is not None else torch.full_like(result, float("nan"))
    return torch.where(count > 0, result / count.clamp(min=1), empty)


_segment_reduce = segment_reduce


# ---- indices under a mask ----


def _inside(indices, shape):
    """Indices held within the sizes, None kept."""
    return [None if i is None else i.clamp(-shape[d], shape[d] - 1) for d, i in enumerate(indices)]


def _unsafe_masked_index(input, mask, indices, fill):
    """input[indices], `fill` where the mask is False; there the indices may be anything."""
    index = tuple(slice(None) if i is None else i for i in _inside(indices, input.shape))
    picked = input[index]
    extra = picked.dim() - mask.dim()
    return picked.masked_fill(~mask.reshape([*mask.shape, *[1] * extra]), fill)


def _unsafe_masked_index_put_accumulate(input, mask, indices, values):
    """Adds `values` at the indices where the mask is True."""
    index = [i if i is None else i for i in _inside(indices, input.shape)]
    extra = values.dim() - mask.dim()
    values = values.masked_fill(~mask.reshape([*mask.shape, *[1] * extra]), 0)
    return torch.index_put(input, index, values, accumulate=True)


# ---- norms by their old names ----


@with_out
def frobenius_norm(input, dim, keepdim=False):
    """The Frobenius norm over the given dimensions.

    `dim` is one dimension or a list; with `keepdim` they stay, of size 1. Floating and complex
    dtypes, RuntimeError for others. Differentiable. `torch.linalg.matrix_norm` is the newer name.

    >>> torch.frobenius_norm(torch.tensor([[3.0, 4.0]]), (0, 1))
    tensor(5.)
    """
    return torch.linalg.vector_norm(input, 2, dim, keepdim)


@with_out
def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """The sum of singular values.

    Matrices (*, m, n) give (*), or ones with `keepdim`. Floating and complex dtypes, RuntimeError
    for others. Differentiable. `torch.linalg.matrix_norm(input, "nuc")` is the newer name.

    >>> torch.nuclear_norm(torch.diag(torch.tensor([3.0, -4.0])))
    tensor(7.)
    """
    return torch.linalg.matrix_norm(input, "nuc", dim, keepdim)


def norm_except_dim(v, pow=2, dim=0):
    """The norm of each slice along `dim`, with dimensions of size 1 for the rest."""
    if dim == -1:
        return torch.linalg.vector_norm(v, pow)
    others = [d for d in range(v.dim()) if d != dim]
    return torch.linalg.vector_norm(v, pow, others, True)


# ---- a fingerprint ----


@with_out(wrong="Expected result to be of dtype uint64, but got %G")
def hash_tensor(input, dim=(), keepdim=False, *, mode=0):
    """The exclusive or of the elements' bits, each widened to 64 (uint64).

    Floating elements are widened to float64, others to int64. Mode 0 is the only one.

    `dim` is one dimension or some, all by default; any shape, bool, integer and floating dtypes.
    Equal tensors have equal hashes; so have permuted ones. RuntimeError for another mode.

    >>> torch.hash_tensor(torch.tensor([1, 2, 4]))
    tensor(7, dtype=torch.uint64)
    """
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    wide = torch.float64 if input.is_floating_point() else torch.int64
    bits = input.to(wide).view(torch.int64)
    dims = [dim] if isinstance(dim, int) else list(dim)
    dims = sorted({d % max(bits.dim(), 1) for d in dims} or set(range(bits.dim())), reverse=True)
    for d in dims if bits.dim() else ():
        bits = _xor_along(bits, d)
    result = bits if keepdim or not bits.dim() else bits.squeeze(dims)
    return result.view(torch.uint64)


def _xor_along(bits, d):
    """Folds halves of a dimension onto each other until one is left."""
    if bits.size(d) == 0:
        shape = list(bits.shape)
        shape[d] = 1
        return bits.new_zeros(shape)
    while bits.size(d) > 1:
        half = bits.size(d) // 2
        folded = bits.narrow(d, 0, half) ^ bits.narrow(d, half, half)
        odd = bits.narrow(d, 2 * half, bits.size(d) - 2 * half)
        bits = torch.cat([folded, odd], d)
    return bits


def _as_strided_(self, size, stride, storage_offset=None):
    """as_strided in place: the tensor becomes the view.

    Sizes, strides and offset count in elements of the storage. Raises RuntimeError if they reach
    out of it.

    >>> torch.arange(6).as_strided_((2, 2), (3, 1))
    tensor([[0, 1],
            [3, 4]])
    """
    return self.set_(torch.as_strided(self.detach(), size, stride, storage_offset))


def _float_power_(self, exponent):
    """float_power in place: only of the dtype that it computes in.

    That is float64, or complex128: RuntimeError for any other dtype of the tensor.

    >>> torch.tensor([2.0, 3.0], dtype=torch.float64).float_power_(2)
    tensor([4., 9.], dtype=torch.float64)
    """
    result = torch.float_power(self, exponent)
    if result.dtype != self.dtype:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {type_name(self.dtype)} but the operation's "
            f"result requires dtype {type_name(result.dtype)}"
        )
    return self.copy_(result)


def _rdiv(self, other):
    """other / self."""
    if not isinstance(self, torch.Tensor):
        raise AttributeError(f"'{type(self).__name__}' object has no attribute 'reciprocal'")
    return self.reciprocal() * other


METHODS = {
    "__rdiv__": _rdiv,
    "as_strided_": _as_strided_,
    "fill_diagonal_": _fill_diagonal_,
    "float_power_": _float_power_,
    "is_set_to": _is_set_to,
    "new_empty_strided": _new_empty_strided,
    "sum_to_size": _sum_to_size,
}
