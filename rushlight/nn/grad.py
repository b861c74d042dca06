"""torch.nn.grad: the gradients of convolutions as functions of their own."""

import rushlight as torch

from . import functional as F

__all__ = [
    "conv1d_input",
    "conv1d_weight",
    "conv2d_input",
    "conv2d_weight",
    "conv3d_input",
    "conv3d_weight",
]


def _gradient(which, dims):
    conv = getattr(F, f"conv{dims}d")

    def gradient(x, weight, grad_output, stride, padding, dilation, groups):
        with torch.enable_grad():
            y = conv(x, weight, None, stride, padding, dilation, groups)
        of = (x, weight)[which]
        create = torch.is_grad_enabled() and (grad_output.requires_grad or of.is_leaf is False)
        return torch.autograd.grad(y, of, grad_output, create_graph=create)[0]

    return gradient


def _like(size, other):
    return torch.zeros(size, dtype=other.dtype, device=other.device, requires_grad=True)


def _named(function, dims, of):
    function.__name__ = function.__qualname__ = f"conv{dims}d_{of}"
    function.__doc__ = (
        f"The gradient of `conv{dims}d` with respect to its {of}, of size `{of}_size`, where "
        "`grad_output` is that of its output."
    )
    return function


def _by_input(dims):
    gradient = _gradient(0, dims)

    def conv(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
        x = _like(input_size, weight)
        return gradient(x, weight, grad_output, stride, padding, dilation, groups)

    return _named(conv, dims, "input")


def _by_weight(dims):
    gradient = _gradient(1, dims)

    def conv(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
        weight = _like(weight_size, input)
        return gradient(input, weight, grad_output, stride, padding, dilation, groups)

    return _named(conv, dims, "weight")


conv1d_input, conv2d_input, conv3d_input = map(_by_input, (1, 2, 3))
conv1d_weight, conv2d_weight, conv3d_weight = map(_by_weight, (1, 2, 3))
