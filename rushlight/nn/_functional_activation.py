"""Activations, softmax and dropout of nn.functional. Formulas live in the core; here are the
signatures, the checks and the choice between the plain and the in-place form."""

import rushlight as torch

from .._composite import type_name

__all__ = [
    "alpha_dropout",
    "celu",
    "celu_",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "feature_alpha_dropout",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]

_nn = torch._C._nn

celu_ = torch.celu_
elu_ = _nn.elu_
gelu = _nn.gelu
hardshrink = torch.hardshrink
hardtanh_ = _nn.hardtanh_
leaky_relu_ = _nn.leaky_relu_
logsigmoid = _nn.log_sigmoid
prelu = torch.prelu
relu_ = torch.relu_
rrelu_ = torch.rrelu_
selu_ = torch.selu_
softplus = _nn.softplus
threshold_ = torch.threshold_


def relu(input, inplace=False):
    """max(0, x).

    Any shape; real dtypes. `inplace` writes over the input. The gradient at 0 is 0.

    >>> F.relu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    return torch.relu_(input) if inplace else torch.relu(input)


def relu6(input, inplace=False):
    """min(max(0, x), 6).

    Any shape; real dtypes. `inplace` writes over the input. Source: Krizhevsky 2010, "Convolutional
    Deep Belief Networks on CIFAR-10".

    >>> F.relu6(torch.tensor([-1.0, 3.0, 8.0]))
    tensor([0., 3., 6.])
    """
    return _nn.relu6_(input) if inplace else _nn.relu6(input)


def threshold(input, threshold, value, inplace=False):
    """x where x > threshold, `value` elsewhere.

    Any shape; real dtypes. `inplace` writes over the input. The gradient is 0 where x was replaced.

    >>> F.threshold(torch.tensor([0.5, 2.0]), 1.0, -1.0)
    tensor([-1.,  2.])
    """
    f = torch.threshold_ if inplace else torch.threshold
    return f(input, threshold, value)


_threshold = threshold


def elu(input, alpha=1.0, inplace=False):
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert et al. 2015).

    Any shape; floating dtypes, NotImplementedError for others. `inplace` writes over the input.

    >>> F.elu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.6321,  0.0000,  2.0000])
    """
    return _nn.elu_(input, alpha) if inplace else _nn.elu(input, alpha)


def selu(input, inplace=False):
    """scale * elu(x, alpha), with constants that keep mean and variance (Klambauer et al. 2017).

    The scale is 1.0507, alpha 1.6733. Any shape; floating dtypes, NotImplementedError for others.
    `inplace` writes over the input.

    >>> F.selu(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-1.1113,  0.0000,  1.0507])
    """
    return torch.selu_(input) if inplace else torch.selu(input)


def celu(input, alpha=1.0, inplace=False):
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) (Barron 2017).

    Any shape; floating dtypes, NotImplementedError for others. `inplace` writes over the input.
    Raises RuntimeError for alpha = 0.

    >>> F.celu(torch.tensor([-1.0, 0.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  0.0000,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return torch.celu_(input, alpha) if inplace else torch.celu(input, alpha)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """x where x > 0, negative_slope * x elsewhere.

    Any shape; floating dtypes, NotImplementedError for others. `inplace` writes over the input.
    Source: Maas et al. 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models".

    >>> F.leaky_relu(torch.tensor([-1.0, 0.0, 2.0]), 0.1)
    tensor([-0.1000,  0.0000,  2.0000])
    """
    f = _nn.leaky_relu_ if inplace else _nn.leaky_relu
    return f(input, negative_slope)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """leaky_relu with a slope drawn for each element in training, and their mean otherwise.

    Slopes are uniform on [lower, upper]; RuntimeError if lower > upper. Any shape; floating dtypes.
    `inplace` writes over the input. Source: Xu et al. 2015.

    >>> F.rrelu(torch.tensor([-4.0, 2.0]), lower=0.2, upper=0.3)
    tensor([-1.,  2.])
    """
    f = torch.rrelu_ if inplace else torch.rrelu
    return f(input, lower, upper, training)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """x cut off at min_val and max_val.

    Any shape; real dtypes. `inplace` writes over the input. Raises ValueError if min_val > max_val.

    >>> F.hardtanh(torch.tensor([-2.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    f = _nn.hardtanh_ if inplace else _nn.hardtanh
    return f(input, min_val, max_val)


def softshrink(input, lambd=0.5, *, out=None):
    """x moved towards zero by lambd, and zero within it.

    Any shape; floating dtypes, NotImplementedError for others. Raises RuntimeError for a negative
    `lambd`.

    >>> F.softshrink(torch.tensor([-2.0, 0.3, 1.0]))
    tensor([-1.5000,  0.0000,  0.5000])
    """
    if input.is_floating_point() and not 0 <= lambd <= torch.finfo(input.dtype).max:
        kind = {2: "Half", 4: "Float", 8: "Double"}[input.element_size()]
        kind = "BFloat16" if input.dtype == torch.bfloat16 else kind
        raise RuntimeError(
            f"lambda must be in range [0, {torch.finfo(input.dtype).max:g}] for input dtype "
            f"{kind}, but found {lambd:g}"
        )
    return _nn.softshrink(input, lambd, out=out)


def hardsigmoid(input, inplace=False):
    """relu6(x + 3) / 6.

    0 below -3, 1 above 3. Any shape; floating dtypes, NotImplementedError for others. `inplace`
    writes over the input. Source: Courbariaux et al. 2015, "BinaryConnect".

    >>> F.hardsigmoid(torch.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return _nn.hardsigmoid_(input) if inplace else _nn.hardsigmoid(input)


def hardswish(input, inplace=False):
    """x * relu6(x + 3) / 6 (Howard et al. 2019).

    0 below -3, x above 3. Any shape; floating dtypes, NotImplementedError for others. `inplace`
    writes over the input.

    >>> F.hardswish(torch.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000, 0.6667, 4.0000])
    """
    return _nn.hardswish_(input) if inplace else _nn.hardswish(input)


def silu(input, inplace=False):
    """x * sigmoid(x), also called swish (Elfwing et al. 2017).

    Any shape; floating and complex dtypes, NotImplementedError for others. `inplace` writes over
    the input.

    >>> F.silu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """
    return _nn.silu_(input) if inplace else _nn.silu(input)


def mish(input, inplace=False):
    """x * tanh(softplus(x)) (Misra 2019).

    Any shape; floating dtypes, NotImplementedError for others. `inplace` writes over the input.

    >>> F.mish(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3034,  0.0000,  1.9440])
    """
    return _nn.mish_(input) if inplace else _nn.mish(input)


def glu(input, dim=-1):
    """a * sigmoid(b) for the halves a, b of the input along `dim` (Dauphin et al. 2016).

    (*, 2 n, *) gives (*, n, *); floating dtypes. Raises RuntimeError for a dimension of odd size or
    a tensor without dimensions.

    >>> F.glu(torch.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.size(dim)
    if size % 2 != 0:
        dim %= input.dim()
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    if not input.is_floating_point():
        raise NotImplementedError(f"\"glu_cpu\" not implemented for '{type_name(input.dtype)}'")
    a, b = input.chunk(2, dim)
    return a * b.sigmoid()


def tanh(input):
    """Hyperbolic tangent.

    Any shape and dtype; integers give floats. `torch.tanh` is the same.

    >>> F.tanh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return input.tanh()


def sigmoid(input):
    """1 / (1 + exp(-x)).

    Any shape and dtype; integers give floats. `torch.sigmoid` is the same.

    >>> F.sigmoid(torch.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """
    return input.sigmoid()


def tanhshrink(input):
    """x - tanh(x).

    Any shape and dtype but bool; integers give floats.

    >>> F.tanhshrink(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """
    return input - input.tanh()


def softsign(input):
    """x / (1 + |x|).

    Any shape and dtype but bool; integers give floats. Source: Glorot and Bengio 2010.

    >>> F.softsign(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)


def _get_softmax_dim(name, ndim, stacklevel):
    """The dimension that softmax takes when none is given."""
    import warnings

    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. "
        "Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(x_i) / sum_j exp(x_j) along `dim`; `dtype` casts the input before.

    Shape kept; floating dtypes, others need `dtype`. Without `dim` a warning, and 0 or 1 by the
    number of dimensions. IndexError for a dimension out of range.

    >>> F.softmax(torch.zeros(4), dim=0).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    if dim is None:
        dim = _get_softmax_dim("softmax", input.dim(), _stacklevel)
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax of -x.

    Small numbers have large shares. Shape kept; floating dtypes, others need `dtype`. Without `dim`
    a warning, and 0 or 1 by the number of dimensions. IndexError for a dimension out of range.

    >>> F.softmin(torch.tensor([0.0, 0.0, 2.0]), dim=0)
    tensor([0.4683, 0.4683, 0.0634])
    """
    if dim is None:
        dim = _get_softmax_dim("softmin", input.dim(), _stacklevel)
    return (-input).softmax(dim) if dtype is None else (-input).softmax(dim, dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """The logarithm of softmax, computed so that it stays exact.

    x_i - log(sum_j exp(x_j)), with the largest x taken out first. Shape kept; floating dtypes,
    others need `dtype`. Without `dim` a warning, and 0 or 1 by the number of dimensions. IndexError
    for a dimension out of range.

    >>> F.log_softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _get_softmax_dim("log_softmax", input.dim(), _stacklevel)
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """A draw from the Gumbel-softmax distribution (Jang et al. 2016).

    With `hard` the draw is one-hot, with the gradient of the soft one.

    softmax((logits + g) / tau) along `dim`, g = -log(-log u) for uniform u. Shape and floating
    dtype are those of `logits`. A small `tau` gives draws that are nearly one-hot.

    >>> _ = torch.manual_seed(0)
    >>> F.gumbel_softmax(torch.zeros(3), hard=True)
    tensor([0., 0., 1.])
    """
    if eps != 1e-10:
        import warnings

        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    gumbels = -torch.empty_like(logits).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = torch.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft


# Dropout


def _check_probability(p):
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input, p=0.5, training=True, inplace=False):
    """In training, zero each element with the probability p and divide the others by 1 - p.

    Any shape; floating dtypes, RuntimeError for integers. `inplace` writes over the input. Raises
    ValueError if p is not between 0 and 1. Source: Srivastava et al. 2014.

    >>> _ = torch.manual_seed(0)
    >>> F.dropout(torch.ones(4), 0.5)
    tensor([0., 0., 2., 0.])
    """
    _check_probability(p)
    return torch.dropout_(input, p, training) if inplace else torch.dropout(input, p, training)


def _one_per_channel(input):
    """The shape of what is drawn once for each channel."""
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*input.shape[:2], *(1,) * (input.dim() - 2))


def _drop_channels(input, p, training, inplace):
    if not training or p == 0 or input.numel() == 0:
        return input
    if p == 1:
        return input.mul_(0.0) if inplace else input * 0.0
    noise = input.new_empty(_one_per_channel(input)).bernoulli_(1 - p).div_(1 - p)
    return input.mul_(noise) if inplace else input * noise


def _unbatched(function, input):
    """Add the batch dimension for `function` and take it away again."""
    return function(input.unsqueeze(0)).squeeze(0)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """In training, zero whole channels of (N, C, L) or (C, L) with the probability p.

    The other channels are divided by 1 - p. Floating dtypes. `inplace` writes over the input.
    Raises ValueError if p is not between 0 and 1, RuntimeError for other dimensions. Source:
    Tompson et al. 2015, "Efficient Object Localization Using Convolutional Networks".

    >>> _ = torch.manual_seed(0)
    >>> F.dropout1d(torch.ones(3, 2), 0.5)
    tensor([[0., 0.],
            [0., 0.],
            [2., 2.]])
    """
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. "
            "Note that dropout1d exists to provide channel-wise dropout on inputs with 1 "
            "spatial dimension, a channel dimension, and an optional batch dimension "
            "(i.e. 2D or 3D inputs)."
        )
    return _drop_channel_dims(input, p, training, inplace, batched=ndim == 3)


def _drop_channel_dims(input, p, training, inplace, batched):
    if batched:
        return _drop_channels(input, p, training, inplace)
    if inplace:
        return _drop_channels(input.unsqueeze_(0), p, training, inplace).squeeze_(0)
    return _unbatched(lambda x: _drop_channels(x, p, training, inplace), input)


def _warn_dims(name, ndim, expected, spatial):
    import warnings

    warnings.warn(
        f"{name}: Received a {ndim}-D input to {name}, which is deprecated "
        "and will result in an error in a future release. To retain the behavior "
        f"and silence this warning, please use dropout instead. Note that {name} "
        f"exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, "
        f"a channel dimension, and an optional batch dimension (i.e. {expected} inputs).",
        stacklevel=3,
    )


def dropout2d(input, p=0.5, training=True, inplace=False):
    """In training, zero whole channels of (N, C, H, W) with the probability p.

    The other channels are divided by 1 - p. Floating dtypes. `inplace` writes over the input.
    Raises ValueError if p is not between 0 and 1; warns for other dimensions. Source: Tompson et
    al. 2015.

    >>> _ = torch.manual_seed(0)
    >>> F.dropout2d(torch.ones(1, 3, 1, 2), 0.5).flatten()
    tensor([0., 0., 0., 0., 2., 2.])
    """
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (3, 4):
        _warn_dims("dropout2d", ndim, "3D or 4D", 2)
    if ndim == 3:
        import warnings

        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise "
            "1D dropout behavior is desired - input is interpreted as shape (N, C, L), where C "
            "is the channel dim. This behavior will change in a future release to interpret the "
            "input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D "
            "channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _drop_channels(input, p, training, inplace)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """In training, zero whole channels of (N, C, D, H, W) or (C, D, H, W).

    The other channels are divided by 1 - p. Floating dtypes. `inplace` writes over the input.
    Raises ValueError if p is not between 0 and 1; warns for other dimensions. Source: Tompson et
    al. 2015.

    >>> _ = torch.manual_seed(0)
    >>> F.dropout3d(torch.ones(3, 1, 1, 2), 0.5).view(3, 2)
    tensor([[0., 0.],
            [0., 0.],
            [2., 2.]])
    """
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (4, 5):
        _warn_dims("dropout3d", ndim, "4D or 5D", 3)
    return _drop_channel_dims(input, p, training, inplace, batched=ndim != 4)


# Minus what selu tends to for x -> -inf: the value that alpha dropout puts in place of zero.
_SELU_FLOOR = 1.7580993408473766


def _alpha_drop(input, p, training, inplace, channels=False):
    if not training or p == 0 or input.numel() == 0:
        return input
    if p == 1:
        return input.mul_(0.0) if inplace else input * 0.0
    # Scale a and shift b keep mean 0 and variance 1 (Klambauer et al. 2017).
    shape = _one_per_channel(input) if channels else input.shape
    noise = input.new_empty(shape).bernoulli_(1 - p)
    a = 1.0 / ((_SELU_FLOOR * _SELU_FLOOR * p + 1) * (1 - p)) ** 0.5
    b = noise.add(-1).mul_(_SELU_FLOOR * a).add_(_SELU_FLOOR * a * p)
    noise = noise.mul_(a)
    return input.mul_(noise).add_(b) if inplace else input * noise + b


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean and variance of selu networks.

    In training each element becomes selu's limit at -infinity with the probability p, and all are
    scaled and shifted so that mean 0 and variance 1 stay. Any shape; floating dtypes. Raises
    ValueError if p is not between 0 and 1. Source: Klambauer et al. 2017.

    >>> _ = torch.manual_seed(0)
    >>> F.alpha_dropout(torch.ones(3), 0.5, training=True)
    tensor([-0.7792, -0.7792,  1.6656])
    """
    _check_probability(p)
    return _alpha_drop(input, p, training, inplace)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """alpha_dropout of whole channels, dimension 1.

    (N, C, *); floating dtypes. Raises ValueError if p is not between 0 and 1, RuntimeError for
    fewer than two dimensions in training.

    >>> _ = torch.manual_seed(0)
    >>> F.feature_alpha_dropout(torch.ones(1, 2, 3), 0.5, training=True)
    tensor([[[-0.7792, -0.7792, -0.7792],
             [-0.7792, -0.7792, -0.7792]]])
    """
    _check_probability(p)
    return _alpha_drop(input, p, training, inplace, channels=True)
