"""Normalisations of nn.functional."""

import rushlight as torch

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "rms_norm",
]


def _verify_batch_size(size):
    """A channel's statistics need more than one value."""
    count = size[0]
    for n in size[2:]:
        count *= n
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}"
        )


def _verify_spatial_size(size):
    count = 1
    for n in size[2:]:
        count *= n
    if count == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {size}"
        )


def batch_norm(
    input,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    training=False,
    momentum=0.1,
    eps=1e-5,
):
    """(x - mean) / sqrt(var + eps) * weight + bias, with statistics of each channel, dimension 1.

    In training the statistics are those of the batch, and the running ones, if given, move towards
    them by the share `momentum`; otherwise the running ones are used (Ioffe, Szegedy 2015).

    Input (N, C, *); the statistics, weight and bias are (C,). Shape and floating dtype are kept.
    The variance divides by the count, the running one by one less. Raises ValueError for one value
    a channel in training, RuntimeError for sizes that do not fit.

    >>> x = torch.tensor([[0.0, 5.0], [2.0, 5.0]])
    >>> F.batch_norm(x, None, None, training=True, eps=1e-12)
    tensor([[-1.,  0.],
            [ 1.,  0.]])
    >>> F.batch_norm(x, torch.zeros(2), torch.ones(2), eps=0.0)
    tensor([[0., 5.],
            [2., 5.]])
    """
    if training:
        _verify_batch_size(input.size())
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    elif eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return torch.batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, True
    )


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Like batch_norm, with statistics of each channel of each sample (Ulyanov et al. 2016).

    Input (N, C, *); the running statistics, weight and bias are (C,). Without `use_input_stats` the
    running ones are used, RuntimeError if there are none. Raises ValueError for one value a
    channel.

    >>> F.instance_norm(torch.tensor([[[0.0, 2.0], [5.0, 9.0]]]), eps=1e-12)
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    if use_input_stats:
        _verify_spatial_size(input.size())
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    n, c = input.shape[:2]

    def repeated(t):
        return None if t is None else t.repeat(n)

    # Samples and channels together are the channels of one batch norm.
    mean, var = repeated(running_mean), repeated(running_var)
    out = torch.batch_norm(
        input.contiguous().view(1, n * c, *input.shape[2:]),
        repeated(weight),
        repeated(bias),
        mean,
        var,
        use_input_stats,
        momentum,
        eps,
        True,
    )
    with torch.no_grad():
        if running_mean is not None:
            running_mean.copy_(mean.view(n, c).mean(0))
        if running_var is not None:
            running_var.copy_(var.view(n, c).mean(0))
    return out.view(input.shape)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """(x - mean) / sqrt(var + eps) * weight + bias over the last dimensions (Ba et al. 2016).

    `normalized_shape` names those dimensions' sizes.

    Input (*, normalized_shape), which weight and bias have. Shape and floating dtype are kept.
    Raises RuntimeError for sizes that do not fit.

    >>> F.layer_norm(torch.tensor([[0.0, 2.0], [5.0, 9.0]]), (2,), eps=1e-12)
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    return torch.layer_norm(input, normalized_shape, weight, bias, eps)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / sqrt(mean(x^2) + eps) * weight over the last dimensions (Zhang, Sennrich 2019).

    `eps` is the smallest step of the dtype by default.

    Input (*, normalized_shape), which weight has. Shape and dtype are kept; half types are computed
    in float32. Raises RuntimeError for sizes that do not fit.

    >>> F.rms_norm(torch.tensor([3.0, 4.0]), (2,)) * 12.5**0.5
    tensor([3., 4.])
    """
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least "
            "one element, but got normalized_shape = []"
        )
    if weight is not None and tuple(weight.shape) != shape:
        raise RuntimeError(
            "Expected weight to be of same shape as normalized_shape, but got weight of shape "
            f"{list(weight.shape)} and normalized_shape = {list(shape)}"
        )
    if tuple(input.shape[-len(shape) :]) != shape:
        wanted = ", ".join(str(n) for n in shape)
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{wanted}]"
            f", but got input of size{list(input.shape)}"
        )
    # Half types are normalised in float32, as in the core's own norms.
    x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
    if eps is None:
        eps = torch.finfo(x.dtype).eps
    dims = tuple(range(-len(shape), 0))
    y = x * torch.rsqrt(x.pow(2).mean(dims, keepdim=True) + eps)
    if weight is not None:
        y = y * weight
    return y.type_as(input)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Like layer_norm over each of `num_groups` groups of channels (Wu, He 2018).

    Input (N, C, *), C divisible by `num_groups`; weight and bias are (C,). Shape and floating dtype
    are kept. Raises RuntimeError for sizes that do not fit, ValueError for one value a group.

    >>> F.group_norm(torch.tensor([[0.0, 2.0, 5.0, 9.0]]), 2, eps=1e-12)
    tensor([[-1.,  1., -1.,  1.]])
    """
    if input.dim() < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.dim()}"
        )
    size = input.size()
    _verify_batch_size([size[0] * size[1] // num_groups, num_groups, *size[2:]])
    return torch.group_norm(input, num_groups, weight, bias, eps, True)


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """x / (k + alpha * mean(x^2 over `size` neighbouring channels))^beta (Krizhevsky 2012).

    Input (N, C, *), ValueError for fewer than three dimensions. Shape and floating dtype are kept.
    The mean is over `size` channels, zeros counting beyond the first and the last.

    >>> x = torch.tensor([[[1.0], [2.0]]])
    >>> F.local_response_norm(x, 1, alpha=1.0, beta=1.0, k=0.0).flatten()
    tensor([1.0000, 0.5000])
    """
    dim = input.dim()
    if dim < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality                          "
            f"input (got {dim} dimensions)"
        )
    if input.numel() == 0:
        return input
    # A window of one column slides over the channels of the padded squares.
    square = input.mul(input).reshape(input.size(0), 1, input.size(1), -1)
    square = torch._C._nn.pad(square, (0, 0, size // 2, (size - 1) // 2))
    mean = torch._C._nn.avg_pool2d(square, (size, 1), 1).view(input.shape)
    return input / mean.mul(alpha).add(k).pow(beta)
