"""Histograms: of numbers, and of points of several coordinates."""

import math
from numbers import Integral, Number  # NumPy's among them

import rushlight as torch

from . import return_types
from ._composite import c_name, check_tensors, type_name, with_out

__all__ = ["histc", "histogram", "histogramdd"]


@with_out(
    wrong="torch.histogram: input tensor and hist tensor should have the same dtype, but got input "
    "%w and hist %g"
)
def histc(input, bins=100, min=0, max=0):
    """How many elements fall into each of `bins` equal ranges from min to max (from the data if
    they are equal).

    Shapes: any -> (bins). Elements outside of min to max do not count; max itself does, in the last
    range. Dtypes: floating (others: NotImplementedError), kept. Not differentiable. RuntimeError:
    `bins` is below 1, `max` is below `min`, or the range is not finite.

    >>> torch.histc(torch.tensor([0.0, 1.0, 1.0, 4.0]), bins=4, min=0, max=4)
    tensor([1., 2., 0., 1.])
    """
    bins, min, max = _check_histc(input, bins, min, max)
    x = input.detach()
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()
    low, high = _limits(x, min, max)
    if x.is_meta or not x.numel():
        return torch.zeros(bins, dtype=input.dtype, device=input.device)
    x = x.reshape(-1)
    place = ((x - low) * bins / (high - low)).long().clamp_(0, bins - 1)
    if min != max:  # what is outside counts in one bin more, which is dropped
        place = torch.where((x >= low) & (x <= high), place, bins)
    return place.bincount(minlength=bins)[:bins].to(input.dtype)


def _check_histc(input, bins, min, max):
    """The arguments as numbers of Python."""
    check_tensors("histc", input=input)
    if not isinstance(bins, (Integral, torch.Tensor)):
        kind = type(bins).__name__
        raise TypeError(f"histc(): argument 'bins' (position 2) must be int, not {kind}")
    for place, (name, value) in enumerate({"min": min, "max": max}.items(), 3):
        if not isinstance(value, (Number, torch.Tensor)):
            kind = type(value).__name__
            raise TypeError(
                f"histc(): argument '{name}' (position {place}) must be Number, not {kind}"
            )
    if not input.is_floating_point():
        name = type_name(input.dtype)
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{name}'")
    bins = int(bins)
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    low, high = (v.item() if isinstance(v, torch.Tensor) else v for v in (min, max))
    return bins, complex(low).real, complex(high).real


def _limits(x, min, max):
    """The range's ends, rounded as the elements are."""
    low, high = torch.tensor((min, max), dtype=x.dtype).tolist()
    if low == high and x.numel() and not x.is_meta:
        low, high = (end.item() for end in x.aminmax())
    if low == high:
        low, high = torch.tensor((low - 1, high + 1), dtype=x.dtype).tolist()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low >= high:
        raise RuntimeError("torch.histc: max must be larger than min")
    return low, high


def _histogram(input, bins, *, range=None, weight=None, density=False):
    """How many elements fall into each bin, and the bins' edges.

    `bins` is their number, or their edges (increasing). With `density` the counts are divided so
    that the integral is 1. Returns (hist, bin_edges).

    Input of any shape, float32 or float64 (NotImplementedError otherwise); `weight` has its shape
    and dtype. hist: [bins], bin_edges: [bins + 1]; a bin holds its lower edge, the last one both.
    Elements outside of `range` do not count. Raises RuntimeError for bins that are not positive or
    edges of another dtype.

    >>> hist, edges = torch.histogram(torch.tensor([0.0, 1.0, 2.0, 1.0]), bins=2)
    >>> hist
    tensor([1., 3.])
    >>> edges
    tensor([0., 1., 2.])
    """
    points = input.reshape(-1, 1)
    weight = None if weight is None else weight.reshape(-1)
    hist, edges = _histogramdd(points, [bins], range, weight, density)
    return return_types.histogram((hist, edges[0]))


_histogram.__name__ = _histogram.__qualname__ = "histogram"
histogram = with_out(
    _histogram,
    wrong="torch.histogram: input tensor and hist tensor should have the same dtype, but got input "
    "%w and hist %g",
)


def histogramdd(input, bins, range=None, weight=None, density=False):
    """The histogram of points: the last dimension of the input holds their coordinates.

    `bins` is a number, one number a coordinate, or the edges of each. Returns (hist, bin_edges).

    Points (..., d), float32 or float64; `range` are 2 d numbers. hist has a dimension for each
    coordinate, bin_edges is a tuple of d vectors. Raises RuntimeError for fewer than two
    dimensions, or not d bins.

    >>> points = torch.tensor([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    >>> torch.histogramdd(points, bins=2).hist
    tensor([[1., 0.],
            [1., 1.]])
    """
    if input.dim() < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    n = input.size(-1)
    bins = [bins] * n if isinstance(bins, int) else list(bins)
    if len(bins) != n:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input."
        )
    return return_types.histogramdd(_histogramdd(input, bins, range, weight, density))


def _histogramdd(input, bins, limits, weight, density):
    given = [b for b in bins if isinstance(b, torch.Tensor)]
    for d, b in enumerate(bins):
        if not given and b <= 0:
            raise RuntimeError(
                f"torch.histogram(): bins must be > 0, but got {b} for dimension {d}"
            )
    _check_dtype(input, limits is not None or given)
    edges = given or _equal_edges(input.detach().reshape(-1, len(bins)), bins, limits)
    _check_edges(input, edges)
    _check_weight(input, weight)
    hist = _counted(input.detach().reshape(-1, len(bins)), edges, weight)
    if density:
        hist = hist / hist.sum()
        for d, e in enumerate(edges):
            hist = hist / e.diff().reshape([-1 if d == i else 1 for i, _ in enumerate(edges)])
    return hist, tuple(edges)


# ---- checks ----


def _check_dtype(input, given):
    """float and double; halves too, but only into edges that are given."""
    low = input.dtype in (torch.float16, torch.bfloat16)
    if input.dtype not in (torch.float32, torch.float64) and not (low and given):
        kernel = "histogram_cpu" if given else "histogramdd"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{type_name(input.dtype)}'")


def _check_edges(input, edges):
    for d, e in enumerate(edges):
        where = f"in the bins tensor for dimension {d}"
        if e.dtype != input.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got "
                f"input with dtype {c_name(input.dtype)} and bins for dimension {d} with dtype "
                f"{c_name(e.dtype)}"
            )
        if e.dim() != 1:
            raise RuntimeError(
                "torch.histogramdd: bins tensor should have one dimension, but got "
                f"{e.dim()} dimensions {where}"
            )
        if not e.numel():
            raise RuntimeError(
                "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements "
                f"{where}"
            )


def _check_weight(input, weight):
    if weight is None:
        return
    if weight.dtype != input.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should "
            f"have the same dtype, but got input({c_name(input.dtype)}), and "
            f"weight({c_name(weight.dtype)})"
        )
    if weight.shape != input.shape[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input "
            f"tensor excluding its innermost dimension, but got input with shape {list(input.shape)} "
            f"and weight with shape {list(weight.shape)}"
        )


# ---- bins, and what falls into them ----


def _equal_edges(points, bins, limits):
    """The edges of equal bins along each dimension, over the points' range if it is not given."""
    n = len(bins)
    if limits is not None and len(limits) != 2 * n:
        raise RuntimeError(
            f"torch.histogramdd: for a {n}-dimensional histogram range should have {2 * n} elements, "
            f"but got {len(limits)}"
        )
    return [_edges(points[:, d], d, bins[d], limits) for d in range(n)]


def _edges(x, d, bins, limits):
    if limits is not None:
        low, high = limits[2 * d : 2 * d + 2]
    else:
        low, high = (float(x.min()), float(x.max())) if x.numel() else (0.0, 1.0)
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise RuntimeError(
            f"torch.histogramdd: dimension {d}'s range [{low:g}, {high:g}] is not finite"
        )
    if low > high:
        raise RuntimeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
            f"dimension {d}"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return torch.linspace(low, high, bins + 1, dtype=x.dtype, device=x.device)


def _places(x, edges):
    """Each element's bin, -1 outside; the last bin holds its upper edge."""
    count = edges.numel() - 1
    place = torch.searchsorted(edges, x.contiguous(), right=True) - 1
    place = torch.where(x == edges[-1], count - 1, place)
    outside = (x < edges[0]) | (x > edges[-1]) | x.isnan()
    return torch.where(outside, -1, place.clamp(max=count - 1))


def _counted(points, edges, weight):
    """The sum of weights in each bin, by the place of the bins of all coordinates in one row."""
    place, inside, total = 0, True, 1
    for d, e in enumerate(edges):
        p = _places(points[:, d], e)
        place, inside = place * (e.numel() - 1) + p, inside & (p >= 0)
        total *= e.numel() - 1
    kind = dict(dtype=points.dtype, device=points.device)
    values = torch.ones(len(points), **kind) if weight is None else weight.reshape(-1)
    hist = torch.zeros(total, **kind).index_add(0, place[inside], values[inside])
    return hist.reshape([e.numel() - 1 for e in edges])
