"""Pooling of nn.functional: averages and maxima over windows, of fixed size or of fixed number."""

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
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
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
avg_pool2d = _nn.avg_pool2d


# Averages


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Means over windows of (N, C, L) or (C, L). See `avg_pool2d`."""
    (k,), (p,) = _ntuple(1)(kernel_size), _ntuple(1)(padding)
    (s,) = (k,) if stride in (None, (), []) else _ntuple(1)(stride)
    out = avg_pool2d(input.unsqueeze(-2), (1, k), (1, s), (0, p), ceil_mode, count_include_pad)
    return out.squeeze(-2)


def _avg_counts(size, out, k, s, p, include_pad):
    """For each window along one dimension, how many elements it counts."""
    counts = []
    for i in range(out):
        start = i * s - p
        end = min(start + k, size + p)
        if not include_pad:
            start, end = max(start, 0), min(end, size)
        counts.append(end - start)
    return counts


def avg_pool3d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    """Means over windows of (N, C, D, H, W) or (C, D, H, W). See `avg_pool2d`."""
    k, p = _ntuple(3)(kernel_size), _ntuple(3)(padding)
    s = k if stride in (None, (), []) else _ntuple(3)(stride)
    # Sums over a box are sums over the plane, then along the depth.
    sizes = input.shape[-3:]
    planes = avg_pool2d(
        input.reshape(-1, *sizes), k[1:], s[1:], p[1:], ceil_mode, True, divisor_override=1
    )
    h, w = planes.shape[-2:]
    sums = avg_pool2d(
        planes.reshape(-1, sizes[0], h * w), (k[0], 1), (s[0], 1), (p[0], 0), ceil_mode, True, 1
    )
    out = sums.reshape(*input.shape[:-3], -1, h, w)
    if divisor_override is not None:
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        return out / divisor_override
    for d in range(3):
        counts = _avg_counts(sizes[d], out.shape[d - 3], k[d], s[d], p[d], count_include_pad)
        shape = [1, 1, 1]
        shape[d] = -1
        out = out / torch.tensor(counts, dtype=out.dtype, device=out.device).view(shape)
    return out


def adaptive_avg_pool1d(input, output_size):
    """Means over `output_size` windows that together cover (N, C, L) or (C, L)."""
    (size,) = _ntuple(1)(output_size)
    return _nn.adaptive_avg_pool2d(input.unsqueeze(-2), (1, size)).squeeze(-2)


def adaptive_avg_pool2d(input, output_size):
    """Means over windows that cover (N, C, H, W); None in `output_size` keeps a dimension."""
    size = _list_with_default(_ntuple(2)(output_size), input.size())
    return _nn.adaptive_avg_pool2d(input, size)


def adaptive_avg_pool3d(input, output_size):
    """Means over windows that cover (N, C, D, H, W). See `adaptive_avg_pool2d`."""
    depth, h, w = _list_with_default(_ntuple(3)(output_size), input.size())
    planes = _nn.adaptive_avg_pool2d(input.reshape(-1, *input.shape[-3:]), (h, w))
    columns = planes.reshape(-1, input.shape[-3], h * w)
    out = _nn.adaptive_avg_pool2d(columns, (depth, h * w))
    return out.reshape(*input.shape[:-3], depth, h, w)


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
    """The maxima, and the position of each in its row, flattened."""
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
    """The maxima, and the position of each in its plane, flattened."""
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
    """The maxima, and the position of each in its box, flattened."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _max_over(input, windows):
    """Maxima over the windows `windows[d]` (out_d, k_d; or with leading N, C) of dimension d.

    Also gives each maximum's position in the flattened spatial dimensions. A window may name an
    element twice.
    """
    n = len(windows)
    sizes = input.shape[-n:]
    flat = input.reshape(*input.shape[:-n], -1)
    position = torch.zeros((), dtype=torch.int64, device=input.device)
    for d, window in enumerate(windows):
        lead, (out, k) = window.shape[:-2], window.shape[-2:]
        # Dimensions of `position`: (lead, out_0, ..., out_n-1, k_0, ..., k_n-1).
        shape = [1] * (2 * n)
        shape[d], shape[n + d] = out, k
        position = position * sizes[d] + window.reshape(*lead, *shape)
    outs = position.shape[-2 * n : -n]
    position = position.reshape(*position.shape[:-n], -1)
    position = position.expand(*input.shape[:-n], *position.shape[-n - 1 :])
    values = flat.gather(-1, position.reshape(*flat.shape[:-1], -1)).view(position.shape)
    best, which = values.max(-1)
    where = position.gather(-1, which.unsqueeze(-1)).squeeze(-1)
    shape = (*input.shape[:-n], *outs)
    return best.view(shape), where.view(shape)


def _adaptive_windows(size, out, device):
    """Positions of the elements of each of `out` windows: (out, k)."""
    starts = [i * size // out for i in range(out)]
    ends = [-((-(i + 1) * size) // out) for i in range(out)]
    k = max((e - s for s, e in zip(starts, ends, strict=True)), default=1)
    rows = [[min(s + j, e - 1) for j in range(k)] for s, e in zip(starts, ends, strict=True)]
    return torch.tensor(rows, dtype=torch.int64, device=device).view(out, k)


def _adaptive_max(n, input, output_size):
    name = f"adaptive_max_pool{n}d"
    if input.dim() not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}"
        )
    size = _list_with_default(_ntuple(n)(output_size), input.size())
    pairs = zip(input.shape[-n:], size, strict=True)
    return _max_over(input, [_adaptive_windows(i, o, input.device) for i, o in pairs])


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """Maxima over windows that cover (N, C, L) or (C, L); None keeps a dimension."""
    out = _adaptive_max(1, input, output_size)
    return out if return_indices else out[0]


def adaptive_max_pool1d_with_indices(input, output_size, return_indices=False):
    """The maxima, and the position of each."""
    return _adaptive_max(1, input, output_size)


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """Maxima over windows that cover (N, C, H, W) or (C, H, W); None keeps a dimension."""
    out = _adaptive_max(2, input, output_size)
    return out if return_indices else out[0]


def adaptive_max_pool2d_with_indices(input, output_size, return_indices=False):
    """The maxima, and the position of each."""
    return _adaptive_max(2, input, output_size)


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """Maxima over windows that cover (N, C, D, H, W) or (C, D, H, W); None keeps a dimension."""
    out = _adaptive_max(3, input, output_size)
    return out if return_indices else out[0]


def adaptive_max_pool3d_with_indices(input, output_size, return_indices=False):
    """The maxima, and the position of each."""
    return _adaptive_max(3, input, output_size)


def _fractional_windows(samples, size, k, out):
    """Windows placed by the draws `samples` (N, C): (N, C, out, k) (Graham 2014)."""
    i = torch.arange(max(out - 1, 0), device=samples.device)
    last = torch.full((*samples.shape, 1), size - k, dtype=torch.int64, device=samples.device)
    if out > 1:
        alpha = (size - k) / (out - 1)
        u = samples.unsqueeze(-1)
        starts = ((i + u) * alpha).long() - (u * alpha).long()
        last = torch.cat([starts, last], -1)
    return last.unsqueeze(-1) + torch.arange(k, device=samples.device)


def _fractional_max(n, input, kernel_size, output_size, output_ratio, samples):
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        sizes = input.shape[-n:]
        ratios = _ntuple(n)(output_ratio)
        if len(ratios) > n:
            raise ValueError(
                f"{name} requires output_ratio to either be a single Int or tuple of Ints."
            )
        output_size = [int(s * r) for s, r in zip(sizes, ratios, strict=True)]
    k, out = _ntuple(n)(kernel_size), _ntuple(n)(output_size)
    batched = input.dim() == n + 2
    x = input if batched else input.unsqueeze(0)
    if samples is None:
        samples = torch.rand(*x.shape[:2], n, dtype=input.dtype, device=input.device)
    for d in range(n):
        if out[d] + k[d] - 1 > x.shape[d - n]:
            raise RuntimeError(
                f"{name}(): pool size ({k[d]}) too large relative to input size ({x.shape[d - n]})"
            )
    # The draws come in the order W, H (and T, W, H turned round) of the dimensions.
    order = range(n) if n == 3 else (1, 0)
    windows = [
        _fractional_windows(samples[..., j], x.shape[2 + d], k[d], out[d])
        for d, j in zip(range(n), order, strict=True)
    ]
    best, where = _max_over(x, windows)
    return (best, where) if batched else (best.squeeze(0), where.squeeze(0))


def fractional_max_pool2d(
    input,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples=None,
):
    """Maxima over windows placed at random, to a given size or share of it (Graham 2014)."""
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
    """The maxima, and the position of each."""
    return _fractional_max(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d(
    input,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples=None,
):
    """Maxima over boxes placed at random, to a given size or share of it (Graham 2014)."""
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
    """The maxima, and the position of each."""
    return _fractional_max(3, input, kernel_size, output_size, output_ratio, _random_samples)


# Power means


def _lp_pool(pool, n, input, norm_type, kernel_size, stride, ceil_mode):
    count = 1
    for k in _ntuple(n)(kernel_size):
        count *= k
    mean = pool(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * torch.relu(mean.abs())).mul(count).pow(1.0 / norm_type)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum of x^p over each window)^(1/p), with p = norm_type."""
    return _lp_pool(avg_pool1d, 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum of x^p over each window)^(1/p), with p = norm_type."""
    return _lp_pool(avg_pool2d, 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(sum of x^p over each window)^(1/p), with p = norm_type."""
    return _lp_pool(avg_pool3d, 3, input, norm_type, kernel_size, stride, ceil_mode)
