"""Masked operations: what the mask leaves out becomes the operation's identity, then the plain
operation runs. Not here: any kernel; dtypes and dims are checked as the plain operations check.
"""

import rushlight as torch

_SMALL = {torch.uint8, torch.bool, torch.int8, torch.int16, torch.int32}
_INF = float("inf")


def _limit(dtype, low):
    if dtype.is_floating_point:
        return -_INF if low else _INF
    return torch.iinfo(dtype).min if low else torch.iinfo(dtype).max


def _dims(dim, ndim):
    """The dims as a sorted tuple; all of them for None and ()."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    ndim, found = max(ndim, 1), []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -ndim <= d < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {d})"
            )
        found.append(d % ndim)
    return tuple(sorted(found))


def _mask_of(input, mask):
    """The mask as bools of the input's shape."""
    if mask.shape != input.shape:
        if mask.dim() > input.dim():
            raise IndexError(
                "_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)"
            )
        mask = torch.broadcast_to(mask.clone(), input.shape)
    return mask.to(torch.bool)


def _kept(input, mask, identity):
    """The input with `identity` where the mask is False."""
    if mask is None:
        return input
    fill = torch.tensor(identity, dtype=input.dtype, device=input.device)
    return torch.where(_mask_of(input, mask), input, fill)


def _summed_dtype(dtype, input):
    """What sums and products are in: int64 for the smaller integers."""
    return dtype or (torch.int64 if input.dtype in _SMALL else input.dtype)


# ---- reductions ----


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The sum of what the mask keeps; 0 where it keeps nothing.

    >>> torch.masked.sum(torch.tensor([1, 2, 3]), mask=torch.tensor([True, False, True]))
    tensor(4)
    """
    dtype = _summed_dtype(dtype, input)
    dims = _dims(dim, input.dim())
    return torch.sum(_kept(input, mask, 0), dims, bool(keepdim), dtype=dtype)


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The product of what the mask keeps; 1 where it keeps nothing."""
    result = _kept(input, mask, 1).to(_summed_dtype(dtype, input))
    for d in reversed(_dims(dim, input.dim())):
        result = result.prod(d, keepdim=bool(keepdim))
    return result


def amax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The largest element that the mask keeps; the least of the dtype where it keeps nothing."""
    kept = _kept(input, mask, _limit(input.dtype, True))
    return torch.amax(kept, _dims(dim, input.dim()), bool(keepdim)).to(dtype or input.dtype)


def amin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The smallest element that the mask keeps; the greatest of the dtype where it keeps nothing."""
    kept = _kept(input, mask, _limit(input.dtype, False))
    return torch.amin(kept, _dims(dim, input.dim()), bool(keepdim)).to(dtype or input.dtype)


def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The index of the largest element that the mask keeps."""
    kept = _kept(input, mask, _limit(input.dtype, True))
    return torch.argmax(kept, dim, bool(keepdim)).to(dtype or input.dtype)


def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The index of the smallest element that the mask keeps."""
    kept = _kept(input, mask, _limit(input.dtype, False))
    return torch.argmin(kept, dim, bool(keepdim)).to(dtype or input.dtype)


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The mean of what the mask keeps; NaN where it keeps nothing."""
    source = "Input" if dtype is None else "Optional"
    dtype = dtype or input.dtype
    if not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either "
            f"a floating point or complex dtype. Got: {dtype}"
        )
    total = sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask)
    return total / _count(input, dim, keepdim, mask)


def _count(input, dim, keepdim, mask):
    """How many elements the mask keeps."""
    if mask is None:
        return sum(
            torch.ones(input.shape, dtype=torch.int64, device=input.device), dim, keepdim=keepdim
        )
    return torch.sum(_mask_of(input, mask), _dims(dim, input.dim()), bool(keepdim))


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """The lower median of what the mask keeps; NaN where it keeps nothing."""
    d = _dims(dim, input.dim())[0]
    if input.is_floating_point():
        return torch.nanmedian(_kept(input, mask, float("nan")), d, keepdim).values
    result = torch.nanmedian(_kept(input.to(torch.float), mask, float("nan")), d, keepdim).values
    if result.isnan().any():
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    return result.to(dtype or input.dtype)


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """log(sum(exp(input))) of what the mask keeps."""
    least = -_INF if input.is_complex() else _limit(input.dtype, True)
    result = torch.logsumexp(_kept(input, mask, least), _dims(dim, input.dim()), keepdim=keepdim)
    return result.to(dtype or input.dtype)


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The vector norm of what the mask keeps."""
    identity = _INF if ord == -_INF else 0
    dims = _dims(dim, input.dim())
    return torch.linalg.vector_norm(
        _kept(input, mask, identity), ord, dims, bool(keepdim), dtype=dtype or input.dtype
    )


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The variance of what the mask keeps, its divisor the count less `correction` (1)."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1.0 if unbiased is None or unbiased else 0.0
    if dtype is None and not (input.is_floating_point() or input.is_complex()):
        dtype = torch.float32
    dtype = dtype or input.dtype
    wide = dtype if dtype.is_floating_point or dtype.is_complex else torch.float32
    inside = None if mask is None else _mask_of(input, mask)
    count = _count(input, dim, True, inside)
    x = input - sum(input, dim, keepdim=True, dtype=dtype, mask=inside) / count
    total = sum(x * x.conj(), dim, keepdim=keepdim, dtype=wide, mask=inside)
    count = count.reshape(total.shape)
    if correction != 0:
        count = torch.clamp(count.to(wide.to_real()) - float(correction), min=0)
    return (total / count).to(dtype)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The standard deviation of what the mask keeps."""
    return torch.sqrt(
        var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask)
    )


# ---- the same shape as the input ----


def cumsum(input, dim, *, dtype=None, mask=None):
    """Running sums of what the mask keeps."""
    d, dtype = _dims(dim, input.dim())[0], dtype or input.dtype
    return torch.cumsum(_kept(input, mask, 0), d, dtype=dtype).to(dtype)


def cumprod(input, dim, *, dtype=None, mask=None):
    """Running products of what the mask keeps."""
    d, dtype = _dims(dim, input.dim())[0], dtype or input.dtype
    return torch.cumprod(_kept(input, mask, 1), d, dtype=dtype).to(dtype)


def softmax(input, dim, *, dtype=None, mask=None):
    """softmax over what the mask keeps; the rest gets 0."""
    kept = _kept(input, mask, _limit(input.dtype, True))
    return torch.softmax(kept, _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """log_softmax over what the mask keeps; the rest gets -inf."""
    kept = _kept(input, mask, _limit(input.dtype, True))
    return torch.log_softmax(kept, _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def softmin(input, dim, *, dtype=None, mask=None):
    """softmax of the negative over what the mask keeps."""
    kept = _kept(input, mask, _limit(input.dtype, False))
    return torch.softmax(-kept, _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """What the mask keeps, divided by its norm along `dim`, or by eps if that is greater."""
    size = norm(input, ord, dim, keepdim=True, dtype=dtype or input.dtype, mask=mask)
    return _kept(input, mask, 0) / torch.maximum(size, size.new_full([], eps))


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """log(exp(input) + exp(other)), each with its mask."""
    a = _kept(input, input_mask, -_INF)
    b = _kept(other, other_mask, -_INF)
    return torch.logaddexp(a, b).to(dtype or input.dtype)
