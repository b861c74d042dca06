"""torch.signal: window functions. The transforms are torch.stft and torch.fft."""

from . import windows

__all__ = ["windows"]
