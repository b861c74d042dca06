"""`torch.cpu.amp`: the older names of `torch.amp`, with the device filled in."""

import warnings

from ... import _C
from ... import amp as _amp

__all__ = ["GradScaler", "autocast"]


def _warn(name):
    warnings.warn(
        f"`torch.cpu.amp.{name}(args...)` is deprecated. "
        f"Please use `torch.amp.{name}('cpu', args...)` instead.",
        FutureWarning,
        stacklevel=3,
    )


class autocast(_amp.autocast):
    """`torch.amp.autocast("cpu", ...)`."""

    def __init__(self, enabled=True, dtype=_C.bfloat16, cache_enabled=True):
        _warn("autocast")
        super().__init__("cpu", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(_amp.GradScaler):
    """`torch.amp.GradScaler("cpu", ...)`."""

    def __init__(self, init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5,
                 growth_interval=2000, enabled=True):  # fmt: skip
        _warn("GradScaler")
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
