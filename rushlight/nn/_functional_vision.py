"""Padding, shuffling, sliding blocks and resampling of images in nn.functional: signatures and
checks; the computing is the core's."""

import math
import warnings

import rushlight as torch

from ._functional_pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from ._tuples import _pair

__all__ = [
    "affine_grid",
    "channel_shuffle",
    "fold",
    "grid_sample",
    "interpolate",
    "native_channel_shuffle",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

_nn = torch._C._nn


def pad(input, pad, mode="constant", value=None):
    """Add `pad` = (left, right, top, bottom, ...) elements, the last dimension first.

    Modes: "constant" (any dimensions; negative numbers crop), "reflect", "replicate", "circular".

    Any dtype. Raises RuntimeError for an odd count or more pairs than dimensions, or a reflection
    beyond the input; NotImplementedError for another mode.

    >>> F.pad(torch.ones(1, 2), (1, 0)).tolist()
    [[0.0, 1.0, 1.0]]
    """
    return _nn.pad(input, pad, mode, value)


# Shuffling


def pixel_shuffle(input, upscale_factor):
    """(*, C r^2, H, W) to (*, C, H r, W r) (Shi et al. 2016).

    Any dtype. Raises RuntimeError for fewer than three dimensions, or channels that r^2 does not
    divide.

    >>> F.pixel_shuffle(torch.arange(4).view(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_shuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    if c % (r * r) != 0:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of"
            f" upscale_factor, but input.size(-3)={c} is not divisible by {r * r}"
        )
    x = input.reshape(math.prod(lead), c // (r * r), r, r, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input, downscale_factor):
    """(*, C, H r, W r) to (*, C r^2, H, W): pixel_shuffle turned round.

    Any dtype. Raises RuntimeError for fewer than three dimensions, or sizes that r does not divide.

    >>> F.pixel_unshuffle(torch.arange(4).view(1, 2, 2), 2).flatten()
    tensor([0, 1, 2, 3])
    """
    r = downscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    for n, name, size in ((2, "height", h), (1, "width", w)):
        if size % r != 0:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"input.size(-{n})={size} is not divisible by {r}"
            )
    x = input.reshape(math.prod(lead), c, h // r, r, w // r, r).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input, groups):
    """Deal the channels, dimension 1, out of `groups` groups in turn (Zhang et al. 2017).

    (N, C, *) keeps its shape; any dtype. Raises RuntimeError for fewer than three dimensions, or
    channels that `groups` does not divide.

    >>> F.channel_shuffle(torch.arange(4).view(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    if input.dim() < 3:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    n, c = input.shape[:2]
    if c % groups != 0:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    x = input.reshape(n, groups, c // groups, *input.shape[2:])
    return x.transpose(1, 2).reshape(input.shape)


native_channel_shuffle = channel_shuffle


# Sliding blocks


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Sliding blocks of (N, C, H, W) as columns: (N, C * kh * kw, L).

    Also (C, H, W) to (C * kh * kw, L), L being the number of blocks. Sizes are one number or two.
    Overlapping elements are copied. Raises RuntimeError if no block fits.

    >>> F.unfold(torch.arange(6.0).view(1, 1, 2, 3), 2)
    tensor([[[0., 1.],
             [1., 2.],
             [3., 4.],
             [4., 5.]]])
    """
    return _nn.im2col(input, *map(_pair, (kernel_size, dilation, padding, stride)))


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Add columns (N, C * kh * kw, L) up to the image (N, C, *output_size): unfold turned round.

    Also without N. Elements that overlap are summed, so fold(unfold(x)) is x times the number of
    blocks over each. Sizes are one number or two. Raises RuntimeError if L is not the number of
    blocks.

    >>> F.fold(torch.ones(1, 4, 2), (2, 3), 2)
    tensor([[[[1., 2., 1.],
              [1., 2., 1.]]]])
    """
    return _nn.col2im(input, *map(_pair, (output_size, kernel_size, dilation, padding, stride)))


# Interpolation

_DIMS = {
    "linear": 1,
    "bilinear": 2,
    "bicubic": 2,
    "trilinear": 3,
}


def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """Resize (N, C, ...) to `size` or by `scale_factor`.

    Modes: "nearest", "nearest-exact", "area", "linear" (3-d input), "bilinear", "bicubic",
    "lanczos" (4-d), "trilinear" (5-d). `align_corners` makes corner pixels coincide.

    Floating dtypes and uint8. Raises ValueError for none or both of the sizes, NotImplementedError
    for a mode that does not fit the dimensions. Source of bicubic: Keys 1981.

    >>> x = torch.arange(4.0).view(1, 1, 2, 2)
    >>> F.interpolate(x, scale_factor=2).shape
    torch.Size([1, 1, 4, 4])
    """
    align_corners = _check_align(mode, align_corners)
    dim = input.dim() - 2
    size, scales = _output_size(input, size, scale_factor, dim)
    if recompute_scale_factor and scales is not None:
        sizes = input.shape[2:]
        size, scales = [math.floor(n * s) for n, s in zip(sizes, scales, strict=True)], None
    elif recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D tensor as input"
        )
    _check_mode(mode, input.dim(), align_corners, antialias)
    if mode == "area":
        if size is None:
            sizes = input.shape[2:]
            size = [math.floor(n * s) for n, s in zip(sizes, scales, strict=True)]
        pools = {3: adaptive_avg_pool1d, 4: adaptive_avg_pool2d, 5: adaptive_avg_pool3d}
        return pools[input.dim()](input, size)
    if mode in ("nearest", "nearest-exact"):
        prefix = "upsample_nearest" if mode == "nearest" else "_upsample_nearest_exact"
        return getattr(_nn, f"{prefix}{dim}d")(input, size, scales)
    name = f"_upsample_{mode}2d_aa" if antialias else f"upsample_{mode}{dim}d"
    return getattr(_nn, name)(input, size, align_corners, scales)


def _check_align(mode, align_corners):
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the "
                "interpolating modes: linear | bilinear | bicubic | trilinear"
            )
        return False
    return bool(align_corners)


def _output_size(input, size, scale_factor, dim):
    """(size, None) or (None, scales), one number for each spatial dimension."""
    spatial = list(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if not isinstance(size, (list, tuple)):
            return [size] * dim, None
        if len(size) != dim:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got "
                f"input with spatial dimensions of {spatial} and output size of {size}. "
                "Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
                "output size in (o1, o2, ...,oK) format."
            )
        if not all(isinstance(n, int) for n in size):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or "
                f"Tuple[int, int, int], but got size with types {[type(n) for n in size]}"
            )
        return list(size), None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if not isinstance(scale_factor, (list, tuple)):
        return None, [scale_factor] * dim
    if len(scale_factor) != dim:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but "
            f"got input with spatial dimensions of {spatial} and "
            f"scale_factor of shape {scale_factor}. "
            "Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
            "scale_factor in (s1, s2, ...,sK) format."
        )
    return None, list(scale_factor)


def _check_mode(mode, ndim, align_corners, antialias):
    if mode == "lanczos":
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    if 3 <= ndim <= 5:
        if mode in ("nearest", "nearest-exact", "area") or _DIMS.get(mode) == ndim - 2:
            return
        if mode == "lanczos" and ndim == 4:
            return
        if mode in ("linear", "bilinear", "trilinear"):
            raise NotImplementedError(
                f"Got {ndim}D input, but {mode} mode needs {_DIMS[mode] + 2}D input"
            )
    raise NotImplementedError(
        "Input Error: Only 3D, 4D and 5D input Tensors supported"
        f" (got {ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | "
        f"lanczos | area | nearest-exact (got {mode})"
    )


def _deprecated(name):
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """Deprecated name of `interpolate`.

    >>> F.upsample(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """Deprecated: `interpolate` with mode "nearest".

    >>> F.upsample_nearest(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """Deprecated: `interpolate` with mode "bilinear" and align_corners.

    >>> F.upsample_bilinear(torch.tensor([[[[1.0, 3.0]]]]), (1, 3))
    tensor([[[[1., 2., 3.]]]])
    """
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# Sampling at given points


def _warn_align_corners():
    warnings.warn(
        "Default grid_sample and affine_grid behavior has changed "
        "to align_corners=False since 1.3.0. Please specify "
        "align_corners=True if the old behavior is desired. "
        "See the documentation of grid_sample for details.",
        stacklevel=3,
    )
    return False


def affine_grid(theta, size, align_corners=None):
    """The points at which `grid_sample` applies affine maps (N, 2, 3) or (N, 3, 4).

    `size` is that of the output, (N, C, H, W) or (N, C, D, H, W); the result is (N, H, W, 2) or
    (N, D, H, W, 3), in coordinates from -1 to 1.

    Without `align_corners` -1 and 1 are the outer edges of the corner pixels, with it their
    centres. Raises ValueError for other shapes or integers, NotImplementedError for other sizes.
    Source: Jaderberg et al. 2015, "Spatial Transformer Networks".

    >>> theta = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> F.affine_grid(theta, (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    if align_corners is None:
        align_corners = _warn_align_corners()
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, "
            "for 2D and 3D affine transforms, respectively. "
            f"Got size {size}."
        )
    if theta.dim() != 3 or tuple(theta.shape[-2:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} "
            f"for size {size}. Got {theta.shape}."
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed "
            "for unit-size grids when align_corners=True. "
            "This is not an intended use case of affine_grid. "
            "See the documentation of affine_grid for details.",
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    axes = []
    for d in range(n):
        # The last dimension is x, the first coordinate.
        count = size[-1 - d]
        steps = torch.linspace(-1, 1, count, dtype=theta.dtype, device=theta.device)
        if count <= 1:
            steps = torch.zeros_like(steps)
        elif not align_corners:
            steps = steps * (count - 1) / count
        axes.append(steps.view([-1] + [1] * d).expand(*size[2:]))
    points = torch.stack([*axes, torch.ones_like(axes[0])], -1).view(1, -1, n + 1)
    return (points @ theta.transpose(1, 2)).view(size[0], *size[2:], n)


# By the numbers under which the core knows them.
_SAMPLING = ("bilinear", "nearest", "bicubic")
_PADDING = ("zeros", "border", "reflection")


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """Values of images (N, C, H, W) at the points `grid` (N, H', W', 2), x first, -1 to 1.

    Modes: "bilinear", "nearest", "bicubic". Outside the image `padding_mode` is "zeros", "border"
    or "reflection". Volumes (N, C, D, H, W) take points (N, D', H', W', 3).

    The result is (N, C, H', W'), of the input's dtype, which the grid has too; floating dtypes.
    Raises ValueError for another mode, RuntimeError for shapes or dtypes that do not fit. Source:
    Jaderberg et al. 2015.

    >>> x, grid = torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[0.0, 0.0]]]])
    >>> F.grid_sample(x, grid, align_corners=False)
    tensor([[[[2.]]]])
    """
    if mode not in _SAMPLING:
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be "
            f"'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in _PADDING:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', "
            f"or 'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        align_corners = _warn_align_corners()
    mode, padding_mode = _SAMPLING.index(mode), _PADDING.index(padding_mode)
    return torch.grid_sampler(input, grid, mode, padding_mode, align_corners)
