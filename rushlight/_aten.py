"""Operations that PyTorch has under `torch.ops.aten` only, or as private names of torch: parts of
larger operations and their gradients. Not here: operations with a public name.
"""

import rushlight as torch

from ._composite import SCALAR, with_out
from ._copies import _slice


def slice(input, dim=0, start=None, end=None, step=1):
    """The view input[start:end:step] along `dim`."""
    return _slice(input, dim, start, end, step)


def native_dropout_backward(grad_output, mask, scale):
    """The gradient of dropout, whose mask kept what is True."""
    return grad_output * mask * scale


def _softmax_backward_data(grad_output, output, dim, input_dtype):
    """The gradient of softmax from its result."""
    if output.dtype in (torch.float16, torch.bfloat16):
        grad_output, output = grad_output.float(), output.float()
    part = grad_output * output
    return (part - output * part.sum(dim, keepdim=True)).to(input_dtype)


def _safe_softmax(input, dim, dtype=None):
    """softmax that is 0, not NaN, where all elements are -inf."""
    hidden = (input == float("-inf")).all(dim, keepdim=True)
    return torch.softmax(input.masked_fill(hidden, 0), dim, dtype=dtype).masked_fill(hidden, 0)


def max_pool2d_with_indices_backward(
    grad_output, input, kernel_size, stride, padding, dilation, ceil_mode, indices
):
    """The gradient of max_pool2d: each element goes to where its maximum was."""
    flat = torch.zeros_like(input).flatten(-2)
    return flat.scatter_add(-1, indices.flatten(-2), grad_output.flatten(-2)).view(input.shape)


@with_out(wrong=SCALAR)
def _native_batch_norm_legit(input, weight, bias, *rest):
    """native_batch_norm with running statistics, or without them: (result, mean, 1 / deviation)."""
    if len(rest) == 3:
        rest = (None, None, *rest)
    return torch.native_batch_norm(input, weight, bias, *rest)


def _batch_norm_with_update(input, weight, bias, running_mean, running_var, momentum, eps):
    """native_batch_norm in training; the fourth result is the memory that cuDNN would keep."""
    result = torch.native_batch_norm(
        input, weight, bias, running_mean, running_var, True, momentum, eps
    )
    return *result, torch.empty(0, dtype=torch.uint8)


def _upsample_bilinear2d_aa(
    input, output_size, align_corners, scales_h=None, scales_w=None, *, scale_factors=None
):
    """Bilinear interpolation that also smooths when it shrinks."""
    kernel = torch._C._nn._upsample_bilinear2d_aa
    if scale_factors is not None:
        return kernel(input, output_size, align_corners, scale_factors)
    return kernel(input, output_size, align_corners, scales_h, scales_w)


# Those of nn.functional have other arguments.
fractional_max_pool2d = torch._C._nn.fractional_max_pool2d
fractional_max_pool3d = torch._C._nn.fractional_max_pool3d
max_unpool2d = torch._C._nn.max_unpool2d
max_unpool3d = torch._C._nn.max_unpool3d


_GRID_MODES = ("bilinear", "nearest", "bicubic")
_GRID_PADDINGS = ("zeros", "border", "reflection")


def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """grid_sample with numbers for the modes."""
    return torch.nn.functional.grid_sample(
        input, grid, _GRID_MODES[interpolation_mode], _GRID_PADDINGS[padding_mode], align_corners
    )


grid_sampler_2d = grid_sampler_3d = grid_sampler


def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """group_norm with the mean and 1 / deviation of each group.

    input: (N, C, *) of N C HxW elements; weight and bias: (C,) or None; mean and 1 / deviation: (N,
    group). Floating dtypes. Differentiable. Source: Wu and He 2018, "Group Normalization".

    >>> torch.native_group_norm(torch.tensor([[0.0, 2.0]]), None, None, 1, 2, 1, 1, 0.0)
    (tensor([[-1.,  1.]]), tensor([[1.]]), tensor([[1.]]))
    """
    x = input.reshape(N, group, C // group * HxW)
    mean = x.mean(-1)
    rstd = torch.rsqrt(x.var(-1, correction=0) + eps)
    result = ((x - mean.unsqueeze(-1)) * rstd.unsqueeze(-1)).reshape(input.shape)
    shape = [1, C, *[1] * (input.dim() - 2)]
    if weight is not None:
        result = result * weight.reshape(shape)
    if bias is not None:
        result = result + bias.reshape(shape)
    return result, mean, rstd


def native_dropout(input, p, train):
    """dropout with its mask: (result, mask)."""
    if not train:
        return input, torch.ones_like(input, dtype=torch.bool)
    mask = torch.empty_like(input, dtype=torch.bool).bernoulli_(1 - p)
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return input * mask * scale, mask
