"""`torch.cpu.amp`'s autocast under the name of PyTorch's module."""

from . import autocast

__all__ = ["autocast"]
