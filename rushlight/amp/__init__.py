"""`torch.amp`: mixed precision. `autocast` sets the core's mode; `GradScaler` scales losses.

A build whose core has no autocast computes in full precision and says so once.
"""

import functools

import rushlight as torch

from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

_DEVICES = ("cpu", "cuda")


def is_autocast_available(device_type):
    """True if this build can cast automatically on the device type."""
    return device_type in _DEVICES and hasattr(torch._C, "_set_autocast")


class autocast:
    """Context manager and decorator: operations inside choose a lower precision where that is safe.

    Args:
        device_type (str): "cpu" or "cuda".
        dtype (torch.dtype): bfloat16 by default on the CPU, float16 on a GPU.
        enabled (bool): False makes it do nothing.
        cache_enabled (bool): reuse casts of weights within the block.

    Example:
        >>> with torch.autocast("cpu", enabled=False):
        ...     y = torch.ones(2, 2) @ torch.ones(2, 2)
        >>> y.dtype
        torch.float32
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type not in (*_DEVICES, "mps", "xpu", "meta"):
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'"
            )
        self.device = device_type
        self.fast_dtype = dtype or (torch.bfloat16 if device_type == "cpu" else torch.float16)
        self.cache_enabled = True if cache_enabled is None else cache_enabled
        self._enabled = enabled and self._usable()

    def _usable(self):
        reason = None
        if self.device == "cuda" and not torch.cuda.is_available():
            reason = "User provided device_type of 'cuda', but CUDA is not available. Disabling"
        elif not is_autocast_available(self.device):
            reason = "autocast is not in this build of rushlight: computing in full precision"
        if reason:
            import warnings

            warnings.warn(reason, stacklevel=4)
        return reason is None

    def __enter__(self):
        if hasattr(torch._C, "_set_autocast"):
            self.previous = torch._C._set_autocast(
                self.device, self._enabled, self.fast_dtype, self.cache_enabled
            )
        return self

    def __exit__(self, *exc):
        if hasattr(torch._C, "_set_autocast"):
            torch._C._set_autocast(*self.previous)
        return False

    def __call__(self, func):
        @functools.wraps(func)
        def decorated(*args, **kwargs):
            with self:
                return func(*args, **kwargs)

        return decorated


def custom_fwd(fwd=None, *, device_type="cuda", cast_inputs=None):
    """Decorator for `forward` of a custom Function: runs it with autocast off if `cast_inputs`."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args, **kwargs):
        if cast_inputs is None or not _inside(device_type):
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*_cast(args, cast_inputs), **_cast(kwargs, cast_inputs))

    return decorated


def _inside(device_type):
    enabled = getattr(torch._C, "_is_autocast_enabled", None)
    return bool(enabled and enabled(device_type))


def _cast(value, dtype):
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {k: _cast(v, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(v, dtype) for v in value)
    return value


def custom_bwd(bwd=None, *, device_type="cuda"):
    """Decorator for `backward` of a custom Function: it runs in the precision that forward had."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    return bwd
