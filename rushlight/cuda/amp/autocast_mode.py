"""`torch.cuda.amp`'s autocast under the name of PyTorch's module."""

from . import autocast, custom_bwd, custom_fwd

__all__ = ["autocast", "custom_bwd", "custom_fwd"]
