"""The memory format of convolution weights: accepted; rushlight's convolutions choose their own."""

import rushlight as torch

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _convert(module, memory_format, kinds):
    for part in module.modules():
        if isinstance(part, kinds):
            part.weight.data = part.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module, memory_format):
    """Copies the weights of all 2-d convolutions in `module` to the format; returns the module."""
    nn = torch.nn
    return _convert(module, memory_format, (nn.Conv2d, nn.ConvTranspose2d))


def convert_conv3d_weight_memory_format(module, memory_format):
    """Copies the weights of all 3-d convolutions in `module` to the format; returns the module."""
    nn = torch.nn
    return _convert(module, memory_format, (nn.Conv3d, nn.ConvTranspose3d))
