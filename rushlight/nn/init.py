"""Initial values for parameters: fills tensors in place, without recording gradients."""

import math
import warnings

import rushlight as torch

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_LINEAR = frozenset(
    [
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
    ]
)


def _no_grad_uniform_(tensor, a, b, generator=None):
    with torch.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def _no_grad_normal_(tensor, mean, std, generator=None):
    with torch.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def _no_grad_fill_(tensor, val):
    with torch.no_grad():
        return tensor.fill_(val)


def _no_grad_zero_(tensor):
    with torch.no_grad():
        return tensor.zero_()


def calculate_gain(nonlinearity, param=None):
    """The factor by which to scale initial weights before a nonlinearity.

    1 for linear maps, convolutions and the sigmoid; 5/3 for tanh; sqrt(2) for relu;
    sqrt(2 / (1 + slope^2)) for leaky_relu, whose slope is `param` (0.01); 3/4 for selu.

    Raises ValueError for another name, or a slope that is no number. Source: He et al. 2015 for
    relu.

    >>> nn.init.calculate_gain("leaky_relu", 0.2)
    1.3867504905630728
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fill with draws from the uniform distribution on [a, b).

    Any shape, floating dtypes; returns the tensor. `generator` draws instead of the default one.

    >>> _ = torch.manual_seed(0)
    >>> nn.init.uniform_(torch.empty(3), -1.0, 1.0)
    tensor([-0.0075,  0.5364, -0.8230])
    """
    return _no_grad_uniform_(tensor, a, b, generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fill with draws from the normal distribution.

    Any shape, floating dtypes; returns the tensor. Raises RuntimeError for a negative `std`.

    >>> _ = torch.manual_seed(0)
    >>> nn.init.normal_(torch.empty(3), std=0.1)
    tensor([ 0.1541, -0.0293, -0.2179])
    """
    return _no_grad_normal_(tensor, mean, std, generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fill with draws from the normal distribution, those outside [a, b] being drawn again.

    Any shape, floating dtypes; returns the tensor. Warns if the mean lies more than 2 std outside.

    >>> _ = torch.manual_seed(0)
    >>> nn.init.trunc_normal_(torch.empty(100), std=2.0, a=-1.0, b=1.0).abs().max() <= 1
    tensor(True)
    """
    return _no_grad_trunc_normal_(tensor, mean, std, a, b, generator)


def _no_grad_trunc_normal_(tensor, mean, std, a, b, generator=None):
    if tensor.is_meta:
        return tensor
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=3,
        )

    def cdf(x):
        return (1.0 + math.erf((x - mean) / std / math.sqrt(2.0))) / 2.0

    with torch.no_grad():
        # Where [a, b] holds little of the mass, almost every normal draw would be rejected.
        if cdf(b) - cdf(a) > 0.3:
            _reject_normal(tensor, mean, std, a, b, generator)
        else:
            _reject_uniform(tensor, mean, std, a, b, generator)
    return tensor


def _reject_normal(tensor, mean, std, a, b, generator):
    """Normal draws; those outside the bounds, as the dtype holds them, are replaced."""
    low, high = (tensor.new_tensor(bound, device="cpu").item() for bound in (a, b))
    values = tensor.normal_(mean, std, generator=generator)
    outside = (values < low) | (values > high)
    while outside.any():
        again = torch.empty_like(values).normal_(mean, std, generator=generator)
        values = torch.where(outside, again, values)
        outside = (values < low) | (values > high)
    if values is not tensor:
        tensor.copy_(values)


def _reject_uniform(tensor, mean, std, a, b, generator):
    """Uniform draws x on [a, b], each accepted with the probability pdf(x) / pdf(mode)."""
    mode = max(a, min(mean, b))
    log_peak = -0.5 * ((mode - mean) / std) ** 2

    def rejected(x):
        log_ratio = x.clone().sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(log_peak)
        return torch.empty_like(x).uniform_(generator=generator).log_().gt(log_ratio)

    values = tensor.uniform_(a, b, generator=generator)
    pending = rejected(values)
    while pending.any():
        again = torch.empty_like(values).uniform_(a, b, generator=generator)
        values = torch.where(pending, again, values)
        pending = torch.where(pending, rejected(again), pending)
    if values is not tensor:
        tensor.copy_(values)


def constant_(tensor, val):
    """Fill with one value.

    Any shape and dtype; returns the tensor.

    >>> nn.init.constant_(torch.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    return _no_grad_fill_(tensor, val)


def ones_(tensor):
    """Fill with ones.

    Any shape and dtype; returns the tensor.

    >>> nn.init.ones_(torch.empty(2))
    tensor([1., 1.])
    """
    return _no_grad_fill_(tensor, 1.0)


def zeros_(tensor):
    """Fill with zeros.

    Any shape and dtype; returns the tensor.

    >>> nn.init.zeros_(torch.empty(2))
    tensor([0., 0.])
    """
    return _no_grad_zero_(tensor)


def eye_(tensor):
    """Make a matrix the identity: ones on the diagonal, zeros elsewhere.

    Returns the tensor. Raises ValueError unless it has two dimensions.

    >>> nn.init.eye_(torch.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with torch.no_grad():
        tensor.zero_().diagonal().fill_(1.0)
    return tensor


def dirac_(tensor, groups=1):
    """Make a convolution's weight copy its input channels, as many as there are, per group.

    Weights (out, in, *) of 3 to 5 dimensions, ValueError otherwise, or if `groups` does not divide
    out. Returns the tensor.

    >>> nn.init.dirac_(torch.empty(2, 2, 3))[0]
    tensor([[0., 1., 0.],
            [0., 0., 0.]])
    """
    if tensor.ndimension() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tensor.size()
    if sizes[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    if tensor.is_meta:
        return tensor
    out_per_group = sizes[0] // groups
    middle = tuple(size // 2 for size in sizes[2:])
    with torch.no_grad():
        tensor.zero_()
        for group in range(groups):
            for d in range(min(out_per_group, sizes[1])):
                tensor[(group * out_per_group + d, d, *middle)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor):
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform on [-a, a] with a = gain * sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010).

    Weights (out, in, *), ValueError for fewer dimensions: fan_in is in times the rest, fan_out out
    times the rest. Returns the tensor.

    >>> _ = torch.manual_seed(0)
    >>> nn.init.xavier_uniform_(torch.empty(2, 4)).abs().max() <= 1
    tensor(True)
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    a = math.sqrt(3.0) * std
    return _no_grad_uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with the deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot, Bengio 2010).

    Weights (out, in, *), ValueError for fewer dimensions. Fans as in `xavier_uniform_`. Returns the
    tensor.

    >>> _ = torch.manual_seed(0)
    >>> nn.init.xavier_normal_(torch.empty(1, 3))
    tensor([[ 1.0896, -0.2075, -1.5406]])
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    return _no_grad_normal_(tensor, 0.0, std, generator)


def _calculate_correct_fan(tensor, mode):
    mode = mode.lower()
    modes = ["fan_in", "fan_out"]
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode)]


def _kaiming_std(tensor, a, mode, nonlinearity):
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _is_empty(tensor):
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform with the bound gain * sqrt(3 / fan) (He et al. 2015).

    Args:
        a: slope of the leaky_relu that follows.
        mode: "fan_in" keeps the size of the signal forward, "fan_out" that of the gradient.

    Weights (out, in, *), ValueError for fewer dimensions or another mode. Fans as in
    `xavier_uniform_`, gain from `calculate_gain(nonlinearity, a)`. Returns the tensor.

    >>> _ = torch.manual_seed(0)
    >>> nn.init.kaiming_uniform_(torch.empty(2, 6), nonlinearity="relu").abs().max() <= 1
    tensor(True)
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return _no_grad_uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with the deviation gain / sqrt(fan) (He et al. 2015). See `kaiming_uniform_`.

    Weights (out, in, *), ValueError for fewer dimensions or another mode. Returns the tensor.

    >>> _ = torch.manual_seed(0)
    >>> nn.init.kaiming_normal_(torch.empty(1, 3), nonlinearity="relu")
    tensor([[ 1.2582, -0.2396, -1.7790]])
    """
    if _is_empty(tensor):
        return tensor
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return _no_grad_normal_(tensor, 0, std, generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Make rows or columns, whichever are fewer, orthonormal, times `gain` (Saxe et al. 2013).

    Dimensions from the second on count as one.

    Two dimensions or more, ValueError otherwise; floating dtypes. Returns the tensor.

    >>> _ = torch.manual_seed(0)
    >>> q = nn.init.orthogonal_(torch.empty(2, 3))
    >>> torch.allclose(q @ q.T, torch.eye(2), atol=1e-6)
    True
    """
    if tensor.ndimension() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor
    rows = tensor.size(0)
    cols = tensor.numel() // rows
    flat = tensor.new_empty((rows, cols)).normal_(0, 1, generator=generator)
    if rows < cols:
        flat.t_()
    q, r = torch.linalg.qr(flat)
    # The signs of R's diagonal make the result uniform over all orthogonal matrices.
    q *= torch.diag(r, 0).sign()
    if rows < cols:
        q.t_()
    with torch.no_grad():
        tensor.view_as(q).copy_(q)
        tensor.mul_(gain)
    return tensor


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Normal entries in a matrix whose columns have a share `sparsity` of zeros (Martens 2010).

    The normal's deviation is `std`. Returns the tensor. Raises ValueError unless it has two
    dimensions.

    >>> _ = torch.manual_seed(0)
    >>> (nn.init.sparse_(torch.empty(4, 3), sparsity=0.5) == 0).sum(0)
    tensor([2, 2, 2])
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    if tensor.is_meta:
        return tensor
    rows, cols = tensor.shape
    num_zeros = math.ceil(sparsity * rows)
    with torch.no_grad():
        tensor.normal_(0, std, generator=generator)
        for col in range(cols):
            zeros = torch.randperm(rows)[:num_zeros]
            tensor[zeros, col] = 0
    return tensor


def _make_deprecate(meth):
    """The old name of an initialiser, without the underscore: warns and calls it."""
    new_name = meth.__name__
    old_name = new_name[:-1]

    def deprecated_init(*args, **kwargs):
        warnings.warn(
            f"`nn.init.{old_name}` is now deprecated in favor of `nn.init.{new_name}`.",
            FutureWarning,
            stacklevel=2,
        )
        return meth(*args, **kwargs)

    deprecated_init.__name__ = old_name
    deprecated_init.__doc__ = f"Deprecated name of `{new_name}`.\n\n    {meth.__doc__}"
    return deprecated_init


uniform = _make_deprecate(uniform_)
normal = _make_deprecate(normal_)
constant = _make_deprecate(constant_)
eye = _make_deprecate(eye_)
dirac = _make_deprecate(dirac_)
xavier_uniform = _make_deprecate(xavier_uniform_)
xavier_normal = _make_deprecate(xavier_normal_)
kaiming_uniform = _make_deprecate(kaiming_uniform_)
kaiming_normal = _make_deprecate(kaiming_normal_)
orthogonal = _make_deprecate(orthogonal_)
sparse = _make_deprecate(sparse_)
