"""Pooling of nn.functional: averages and maxima over windows, of fixed size or of fixed number. The
windows are the core's; here are the signatures, and what None means among the sizes."""

import rushlight as torch

from ._tuples import _list_with_default, _ntuple

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
]

_nn = torch._C._nn

# Averages

avg_pool1d = torch.avg_pool1d
avg_pool2d = _nn.avg_pool2d
avg_pool3d = _nn.avg_pool3d
adaptive_avg_pool1d = torch.adaptive_avg_pool1d


def adaptive_avg_pool2d(input, output_size):
    """Means over windows that cover (N, C, H, W); None in `output_size` keeps a dimension.

    `output_size` is one number or two; the result is (N, C, *output_size), or without N. Floating
    dtypes. Raises RuntimeError for other dimensions. The window of output i goes from floor(i n /
    m) to ceil((i + 1) n / m), n and m being the sizes.

    >>> F.adaptive_avg_pool2d(torch.arange(8.0).view(1, 2, 4), (1, 2))
    tensor([[[2.5000, 4.5000]]])
    """
    return _nn.adaptive_avg_pool2d(input, _list_with_default(output_size, input.size()))


def adaptive_avg_pool3d(input, output_size):
    """Means over windows that cover (N, C, D, H, W). See `adaptive_avg_pool2d`.

    `output_size` is one number or three, None keeps a dimension; the result is (N, C,
    *output_size), or without N. Floating dtypes. Raises RuntimeError for other dimensions.

    >>> F.adaptive_avg_pool3d(torch.arange(8.0).view(1, 2, 2, 2), (2, 1, None)).flatten()
    tensor([1., 2., 5., 6.])
    """
    size = (output_size,) * 3 if isinstance(output_size, int) else output_size
    return _nn.adaptive_avg_pool3d(input, _list_with_default(size, input.size()))


# Maxima


def max_pool1d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """Maxima over windows of (N, C, L) or (C, L).

    The stride is the kernel's size by default. With `return_indices` the positions come too.

    The result is (N, C, M) with M = floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride
    + 1), rounded up with `ceil_mode`. NaN wins. Floating dtypes. Raises RuntimeError if `padding`
    is more than half of the kernel, or nothing is left.

    >>> F.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    f = torch.max_pool1d_with_indices if return_indices else torch.max_pool1d
    stride = [] if stride is None else stride
    return f(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d_with_indices(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """The maxima, and the position of each in its row, flattened.

    Shapes and errors are those of `max_pool1d`; the positions are int64.

    >>> F.max_pool1d_with_indices(torch.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    (tensor([[3., 5.]]), tensor([[1, 3]]))
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """Maxima over windows of (N, C, H, W) or (C, H, W).

    The stride is the kernel's size by default. With `return_indices` the positions come too.

    Sizes are one number, or one for H and one for W; the result's follow `max_pool1d`'s formula.
    NaN wins. Floating dtypes and integers. Raises RuntimeError if `padding` is more than half of
    the kernel, or nothing is left.

    >>> F.max_pool2d(torch.arange(8.0).view(1, 2, 4), 2)
    tensor([[[5., 7.]]])
    """
    f = _nn.max_pool2d_with_indices if return_indices else torch.max_pool2d
    stride = [] if stride is None else stride
    return f(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """The maxima, and the position of each in its plane, flattened.

    Shapes and errors are those of `max_pool2d`; the positions are int64.

    >>> F.max_pool2d_with_indices(torch.arange(8.0).view(1, 2, 4), 2)[1]
    tensor([[[5, 7]]])
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """Maxima over windows of (N, C, D, H, W) or (C, D, H, W).

    The stride is the kernel's size by default. With `return_indices` the positions come too.

    Sizes are one number or three; the result's follow `max_pool1d`'s formula. NaN wins.
    Floating dtypes and integers. Raises RuntimeError if `padding` is more than half of the kernel,
    or nothing is left.

    >>> F.max_pool3d(torch.arange(8.0).view(1, 2, 2, 2), (1, 2, 2)).flatten()
    tensor([3., 7.])
    """
    f = _nn.max_pool3d_with_indices if return_indices else torch.max_pool3d
    stride = [] if stride is None else stride
    return f(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """The maxima, and the position of each in its box, flattened.

    Shapes and errors are those of `max_pool3d`; the positions are int64.

    >>> F.max_pool3d_with_indices(torch.arange(8.0).view(1, 2, 2, 2), 2)[1]
    tensor([[[[7]]]])
    """
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d_with_indices(input, output_size, return_indices=False):
    """The maxima, and the position of each.

    Shapes and errors are those of `adaptive_max_pool1d`; the positions are int64.

    >>> F.adaptive_max_pool1d_with_indices(torch.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    (tensor([[3., 5.]]), tensor([[1, 3]]))
    """
    return torch.adaptive_max_pool1d(input, output_size)


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """Maxima over windows that cover (N, C, L) or (C, L).

    `output_size` is the result's L; `return_indices` gives the positions too, int64. Floating
    dtypes. Raises RuntimeError for other dimensions.

    >>> F.adaptive_max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    out = adaptive_max_pool1d_with_indices(input, output_size)
    return out if return_indices else out[0]


def adaptive_max_pool2d_with_indices(input, output_size, return_indices=False):
    """The maxima, and the position of each.

    Shapes and errors are those of `adaptive_max_pool2d`; the positions count in the plane, int64.

    >>> F.adaptive_max_pool2d_with_indices(torch.arange(8.0).view(1, 2, 4), (1, 2))[1]
    tensor([[[5, 7]]])
    """
    return _nn.adaptive_max_pool2d(input, _list_with_default(output_size, input.size()))


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """Maxima over windows that cover (N, C, H, W) or (C, H, W); None keeps a dimension.

    `output_size` is one number or two; `return_indices` gives the positions too, int64. Floating
    dtypes. Raises RuntimeError for other dimensions.

    >>> F.adaptive_max_pool2d(torch.arange(8.0).view(1, 2, 4), (1, 2))
    tensor([[[5., 7.]]])
    """
    out = adaptive_max_pool2d_with_indices(input, output_size)
    return out if return_indices else out[0]


def adaptive_max_pool3d_with_indices(input, output_size, return_indices=False):
    """The maxima, and the position of each.

    Shapes and errors are those of `adaptive_max_pool3d`; the positions count in the box, int64.

    >>> F.adaptive_max_pool3d_with_indices(torch.arange(8.0).view(1, 2, 2, 2), (2, 1, 1))[1].flatten()
    tensor([3, 7])
    """
    return _nn.adaptive_max_pool3d(input, _list_with_default(output_size, input.size()))


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """Maxima over windows that cover (N, C, D, H, W) or (C, D, H, W); None keeps a dimension.

    `output_size` is one number or three; `return_indices` gives the positions too, int64. Floating
    dtypes. Raises RuntimeError for other dimensions.

    >>> F.adaptive_max_pool3d(torch.arange(8.0).view(1, 2, 2, 2), (2, 1, 1)).flatten()
    tensor([3., 7.])
    """
    out = adaptive_max_pool3d_with_indices(input, output_size)
    return out if return_indices else out[0]


# Power means


def _lp_pool(pool, n, input, norm_type, kernel_size, stride, ceil_mode):
    count = 1
    for k in _ntuple(n)(kernel_size):
        count *= k
    mean = pool(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * torch.relu(mean.abs())).mul(count).pow(1.0 / norm_type)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum of x^p over each window)^(1/p), with p = norm_type.

    (N, C, L) or (C, L); floating dtypes. The stride is the kernel's size by default. p = 1 gives
    sums, a large p nears the maximum. Negative sums count as they are.

    >>> F.lp_pool1d(torch.tensor([[3.0, 4.0, 0.0, 2.0]]), 2, 2)
    tensor([[5., 2.]])
    """
    return _lp_pool(avg_pool1d, 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum of x^p over each window)^(1/p), with p = norm_type.

    (N, C, H, W) or (C, H, W); floating dtypes. The stride is the kernel's size by default. p = 1
    gives sums, a large p nears the maximum.

    >>> F.lp_pool2d(torch.tensor([[[3.0, 4.0], [0.0, 0.0]]]), 2, 2)
    tensor([[[5.]]])
    """
    return _lp_pool(avg_pool2d, 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum of x^p over each window)^(1/p), with p = norm_type.

    (N, C, D, H, W) or (C, D, H, W); floating dtypes. The stride is the kernel's size by default. p
    = 1 gives sums, a large p nears the maximum.

    >>> F.lp_pool3d(torch.ones(1, 2, 2, 2), 1, 2)
    tensor([[[[8.]]]])
    """
    return _lp_pool(avg_pool3d, 3, input, norm_type, kernel_size, stride, ceil_mode)
