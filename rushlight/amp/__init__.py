"""`torch.amp`: mixed precision. `autocast` casts what operations are given; `GradScaler` scales
losses."""

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
