"""`torch.cuda.amp`'s GradScaler under the name of PyTorch's module."""

from . import GradScaler

__all__ = ["GradScaler"]
