"""Max pooling over windows placed at random (fractional), and what undoes max pooling: nn.functional,
and under it the operations of torch._C._nn, made of gathers and scatters."""

import math
import operator
from itertools import product

import rushlight as torch

from .._composite import EXACT, SCALAR, check_tensors, shape_text, type_name, with_out
from ._tuples import _ntuple

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

_nn = torch._C._nn


# What both take


def _operation(name, wrong):
    """Puts a function among the operations of torch._C._nn, where it takes out= too."""

    def put(function):
        function.__name__ = function.__qualname__ = name
        setattr(_nn, name, with_out(function, wrong=wrong))
        return function

    return put


def _check(valid, message):
    if not valid:
        raise RuntimeError(message)


def _check_floating(kernel, input):
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{type_name(input.dtype)}'")


def _check_not_empty(prefix, input):
    for d in range(1, input.dim()):
        _check(
            input.size(d) > 0, f"{prefix}{shape_text(input.shape)} with dimension {d} being empty."
        )


def _ints(function, n, place, name, value):
    """A size for each of n dimensions: `value`, an int or a sequence of ints, as a tuple."""
    start = f"{function}(): argument '{name}' (position {place}) must be tuple of ints, "
    if isinstance(value, int):
        return (value,) * n
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{start}not {type(value).__name__}")
    for i, v in enumerate(value):
        if not hasattr(v, "__index__"):
            raise TypeError(f"{start}but found element of type {type(v).__name__} at pos {i}")
    return tuple(map(operator.index, value))


# Windows placed at random


def _check_windows(name, n, input, kernel, size):
    full = name if n == 2 else name + "_out"
    _check(
        input.dim() in (n + 1, n + 2),
        f"{full}(): Expected {n + 1}D or {n + 2}D tensor, but got: {shape_text(input.shape)}",
    )
    start = f"{full}(): Expected input to have non-zero size for non-batch dimensions, but got"
    _check_not_empty(start, input)
    axes = ("time", "height", "width")[-n:]
    for axis, had, window, count in zip(axes, input.shape[-n:], kernel, size, strict=True):
        _check(
            window > 0 and count >= 0,
            f"{name}(): kernel_size should be positive and output_size not negative, but got "
            f"kernel_size {window} and output_size {count}",
        )
        _check(  # PyTorch wants one more of volumes
            window + count - 1 <= had - (n == 3),
            f"{full}(): pool {axis} {window} too large relative to input {axis} {had}",
        )


def _check_samples(n, input, samples):
    _check(samples.dtype == input.dtype, "Expect _random_samples to have the same dtype as input")
    _check(samples.dim() == 3, f"Expect _random_samples to have 3 dimensions, got {samples.dim()}")
    _check(
        samples.size(0) >= (input.size(0) if input.dim() == n + 2 else 1),
        "Expect _random_samples.size(0) no less then input batch size.",
    )
    _check(
        samples.size(1) == input.size(-n - 1),
        "Expect _random_samples.size(1) equals to input channel size.",
    )
    _check(
        samples.size(2) == n,
        f"Expect _random_samples.size(2) equals to {n}; got {samples.size(2)}.",
    )


def _starts(draw, last, count):
    """Where `count` windows of an axis begin, (planes, count), the last one at `last`.

    Rounded as PyTorch rounds: every step in the dtype of the draws (planes, 1).
    """
    alpha = draw.new_full((), last) / draw.new_full((), count - 1)
    place = (torch.arange(count, dtype=draw.dtype, device=draw.device) + draw) * alpha
    place = torch.where(place.abs() < 1e9, place, 0).long()  # any number may come in
    place = (place - place[:, :1]).clamp(0, last)
    place[:, -1:] = last
    return place


def _first_elements(samples, sizes, kernel, counts):
    """The position of each window's first element in its plane, (planes, windows)."""
    n = len(sizes)
    order = (1, 0) if n == 2 else (0, 1, 2)  # planes draw the column first, volumes the depth
    at = torch.zeros(samples.size(0), 1, dtype=torch.int64, device=samples.device)
    for size, window, count, draw in zip(sizes, kernel, counts, order, strict=True):
        starts = _starts(samples[:, draw : draw + 1], size - window, count)
        at = (at.unsqueeze(2) * size + starts.unsqueeze(1)).flatten(1)
    return at


def _greatest(planes, first, sizes, kernel):
    """Where the greatest element of each window is: the first of equal ones, but the last NaN.

    All windows are looked at together, a place in them at a time: overlapping windows are not copied.
    """
    best, offset = planes.gather(1, first), torch.zeros_like(first)
    places = product(*map(range, kernel))
    next(places)  # the first one is looked at
    for place in places:
        step = 0
        for i, size in zip(place, sizes, strict=True):
            step = step * size + i
        value = planes[:, step:].gather(1, first)
        better = (value > best) | (value != value)
        best = torch.maximum(best, value)
        offset.masked_fill_(better, step)
    return first + offset


def _fractional(n):
    name, tuples = f"fractional_max_pool{n}d", "tuple of Ints" if n == 2 else "tuple of three Ints"

    @_operation(name, EXACT)
    def pool(input, kernel_size, output_size, random_samples):
        """The greatest element of each of output_size windows of kernel_size, and where it is.

        `random_samples` (batch, channels, spatial dimensions), between 0 and 1, place the windows.
        """
        check_tensors(name, input=input)
        kernel = _ints(name, n, 2, "kernel_size", kernel_size)
        size = _ints(name, n, 3, "output_size", output_size)
        check_tensors(name, 4, random_samples=random_samples)
        for what, value in (("kernel_size", kernel), ("output_size", size)):
            _check(len(value) == n, f"{name}: {what} must either be a single Int or {tuples}")
        _check_windows(name, n, input, kernel, size)
        _check_samples(n, input, random_samples)
        _check_floating(f"{name}_out_frame", input)
        x, sizes = input.contiguous().flatten(-n), input.shape[-n:]
        planes = x.detach().flatten(0, -2)
        samples = random_samples.detach().flatten(0, 1)[: planes.size(0)]
        at = _first_elements(samples, sizes, kernel, size)
        if at.numel() and not input.is_meta:
            at = _greatest(planes, at, sizes, kernel)
        at = at.view(*x.shape[:-1], at.size(1))
        return x.gather(-1, at).unflatten(-1, size), at.unflatten(-1, size)

    return pool


_pool2d, _pool3d = _fractional(2), _fractional(3)


def _fractional_max(n, input, kernel_size, output_size, output_ratio, samples):
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratios = _ntuple(n)(output_ratio)
        if len(ratios) > n:
            raise ValueError(
                f"{name} requires output_ratio to either be a single Int or tuple of Ints."
            )
        sizes = input.shape[-n:]
        output_size = [int(s * r) for s, r in zip(sizes, ratios, strict=True)]
    if samples is None:
        lead = (input.size(-n - 1),) if input.dim() == n + 1 else input.shape[:2]
        samples = torch.rand(
            *((1,) * (2 - len(lead))), *lead, n, dtype=input.dtype, device=input.device
        )
    return (_pool2d if n == 2 else _pool3d)(input, kernel_size, output_size, samples)


def fractional_max_pool2d(
    input,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples=None,
):
    """Maxima over windows placed at random, to a given size or share of it (Graham 2014).

    (N, C, H, W) or (C, H, W); floating dtypes. Name `output_size`, or `output_ratio` between 0 and
    1: ValueError otherwise. Raises RuntimeError for a window that does not fit.

    >>> _ = torch.manual_seed(0)
    >>> F.fractional_max_pool2d(torch.arange(9.0).view(1, 3, 3), 2, output_size=(1, 2))
    tensor([[[7., 8.]]])
    """
    out = _fractional_max(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return out if return_indices else out[0]


def fractional_max_pool2d_with_indices(
    input,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples=None,
):
    """The maxima, and the position of each.

    Shapes and errors are those of `fractional_max_pool2d`; the positions count in the plane, int64.

    >>> _ = torch.manual_seed(0)
    >>> x = torch.arange(9.0).view(1, 3, 3)
    >>> F.fractional_max_pool2d_with_indices(x, 2, output_size=(1, 2))[1]
    tensor([[[7, 8]]])
    """
    return _fractional_max(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d(
    input,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples=None,
):
    """Maxima over boxes placed at random, to a given size or share of it (Graham 2014).

    (N, C, D, H, W) or (C, D, H, W); floating dtypes. Name `output_size`, or `output_ratio` between
    0 and 1: ValueError otherwise. Raises RuntimeError for a window that does not fit.

    >>> _ = torch.manual_seed(0)
    >>> F.fractional_max_pool3d(torch.arange(27.0).view(1, 3, 3, 3), 2, output_size=(1, 1, 1))
    tensor([[[[26.]]]])
    """
    out = _fractional_max(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return out if return_indices else out[0]


def fractional_max_pool3d_with_indices(
    input,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples=None,
):
    """The maxima, and the position of each.

    Shapes and errors are those of `fractional_max_pool3d`; the positions count in the box, int64.

    >>> _ = torch.manual_seed(0)
    >>> x = torch.arange(27.0).view(1, 3, 3, 3)
    >>> F.fractional_max_pool3d_with_indices(x, 2, output_size=(1, 1, 1))[1]
    tensor([[[[26]]]])
    """
    return _fractional_max(3, input, kernel_size, output_size, output_ratio, _random_samples)


# Maxima back where they were


def _check_unpool(n, input, indices, size):
    _check(
        all(s >= 0 for s in size),
        f"max_unpooling{n}d(): output_size must contain non-negative spatial dimensions, "
        f"but got output_size={size}",
    )
    got = f" but got: {type_name(indices.dtype)}" if n == 2 else ""
    _check(indices.dtype == torch.int64, f"elements in indices should be type int64{got}")
    _check(
        input.dim() in (n + 1, n + 2),
        f"Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor "
        f"with {input.dim()} dimensions.",
    )
    _check(
        input.shape == indices.shape,
        "Expected shape of indices to be same as that of the input tensor "
        f"({shape_text(input.shape)}) but got indices tensor with shape: {shape_text(indices.shape)}",
    )
    _check_not_empty(
        f"max_unpooling{n}d_forward_out_cpu(): Expected input to have non-zero size for non-batch "
        "dimensions, but got ",
        input,
    )
    _check(
        input.device == indices.device,
        f"Tensor on device {input.device} is not on the expected device {indices.device}!",
    )
    _check_floating(f"max_unpool{n}d", input)


def _channels_innermost(t):
    """Whether PyTorch takes the strides of t for those of images whose channels are last."""
    if t.dim() != 4 or t.stride(1) == 0:
        return False
    least = 0
    for d in (1, 3, 2, 0):
        if t.size(d) == 0 or t.stride(d) < least or (d == 0 and least == t.stride(1)):
            return False
        least = t.stride(d) * t.size(d)
    return True


def _put_back(n, input, indices, size):
    """Zeros of the last dimensions `size` with the input at `indices`."""
    _check_unpool(n, input, indices, size)
    shape, volume = (*input.shape[:-n], *size), math.prod(size)
    _check(
        math.prod(shape) < 2**63,
        f"Storage size calculation overflowed with sizes={shape_text(shape)}",
    )
    if volume == 0:
        return input.new_zeros(shape)
    zeros = input.new_zeros(()).expand(*input.shape[:-n], volume)
    try:  # it checks the indices as it goes
        flat = zeros.scatter(-1, indices.flatten(-n), input.flatten(-n))
    except RuntimeError:
        wrong = indices[(indices < 0) | (indices >= volume)]
        if not wrong.numel():
            raise
        sizes = "x".join(map(str, size))
        raise RuntimeError(
            f"Found an invalid max index: {wrong[-1].item()} (output volumes are of size {sizes})"
        ) from None
    out = flat.view(shape)
    keep = n == 2 and _channels_innermost(input)
    return out.clone(memory_format=torch.channels_last) if keep else out


_THREE = "There should be exactly three elements (depth, height, width) in"


@_operation("max_unpool2d", SCALAR)
def _unpool2d(input, indices, output_size):
    """Zeros (..., *output_size) with the input (..., h, w) at `indices`, which count in the plane."""
    name = _unpool2d.__name__
    check_tensors(name, input=input, indices=indices)
    size = _ints(name, 2, 3, "output_size", output_size)
    _check(
        len(size) == 2,
        "There should be exactly two elements (height, width) in output_size, but got "
        f"{len(size)} elements.",
    )
    return _put_back(2, input, indices, size)


@_operation("max_unpool3d", SCALAR)
def _unpool3d(input, indices, output_size, stride, padding):
    """Zeros (..., *output_size) with the input (..., d, h, w) at `indices`, which count in the
    volume. The windows' `stride` and `padding` are checked, and do not count."""
    name = _unpool3d.__name__
    check_tensors(name, input=input, indices=indices)
    size = _ints(name, 3, 3, "output_size", output_size)
    stride, padding = _ints(name, 3, 4, "stride", stride), _ints(name, 3, 5, "padding", padding)
    _check(len(size) == 3, f"{_THREE} output_size, but got {len(size)} elements.")
    _check(len(stride) == 3, f"{_THREE} stride, but got: {len(stride)} elements.")
    _check(len(padding) == 3, f"{_THREE} padding, but got: {len(padding)} elements.")
    _check(
        all(s > 0 for s in stride),
        f"strides should be greater than zero, but got stride: {shape_text(stride)}",
    )
    return _put_back(3, input, indices, size)


def _unpool_output_size(input, kernel_size, stride, padding, output_size):
    """The size before pooling: the smallest one, or `output_size` if that is possible."""
    n = len(kernel_size)
    sizes = input.size()[-n:]
    default = [
        (size - 1) * s + k - 2 * p
        for size, s, k, p in zip(sizes, stride, kernel_size, padding, strict=True)
    ]
    if output_size is None:
        chosen = default
    else:
        if len(output_size) == n + 2:
            output_size = output_size[2:]
        if len(output_size) != n:
            raise ValueError(
                f"output_size should be a sequence containing {n} or {n + 2} elements, "
                f"but it has a length of '{len(output_size)}'"
            )
        for d in range(n):
            low, high = default[d] - stride[d], default[d] + stride[d]
            if not low < output_size[d] < high:
                raise ValueError(
                    f'invalid output_size "{output_size}" '
                    f"(dim {d} must be between {low} and {high})"
                )
        chosen = output_size
    for d in range(n):
        if chosen[d] < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, "
                f"but got output_size[{d}]={chosen[d]}"
            )
    return list(chosen)


def _max_unpool(n, input, indices, kernel_size, stride, padding, output_size):
    k, p = _ntuple(n)(kernel_size), _ntuple(n)(padding)
    s = k if stride is None else _ntuple(n)(stride)
    return _unpool_output_size(input, k, s, p, output_size), s, p


def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put each maximum back where max_pool1d found it; zeros elsewhere.

    `input` and `indices`, int64, have one shape, (N, C, M) or (C, M). The size before is ambiguous:
    give `output_size` if it is not the smallest one. Raises ValueError for a size that is
    impossible, RuntimeError for indices out of range.

    >>> x, where = F.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 5.0]]), 2, return_indices=True)
    >>> F.max_unpool1d(x, where, 2)
    tensor([[0., 3., 0., 5.]])
    """
    size, _, _ = _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)
    # A row is an image of one column.
    size = list(size[-1:]) + [1]
    return _unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), size).squeeze(-1)


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put each maximum back where max_pool2d found it; zeros elsewhere.

    `input` and `indices`, int64, have one shape, (N, C, H, W) or (C, H, W). The size before is
    ambiguous: give `output_size` if it is not the smallest one. Raises ValueError for a size that
    is impossible, RuntimeError for indices out of range.

    >>> x, where = F.max_pool2d(torch.arange(8.0).view(1, 2, 4), 2, return_indices=True)
    >>> F.max_unpool2d(x, where, 2)
    tensor([[[0., 0., 0., 0.],
             [0., 5., 0., 7.]]])
    """
    size, _, _ = _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)
    return _unpool2d(input, indices, size)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put each maximum back where max_pool3d found it; zeros elsewhere.

    `input` and `indices`, int64, have one shape, (N, C, D, H, W) or (C, D, H, W). The size before
    is ambiguous: give `output_size` if it is not the smallest one. Raises ValueError for a size
    that is impossible, RuntimeError for indices out of range.

    >>> x, where = F.max_pool3d(torch.arange(8.0).view(1, 2, 2, 2), 2, return_indices=True)
    >>> F.max_unpool3d(x, where, 2).flatten()
    tensor([0., 0., 0., 0., 0., 0., 0., 7.])
    """
    args = _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
    return _unpool3d(input, indices, *args)
