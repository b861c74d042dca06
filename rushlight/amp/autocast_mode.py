"""autocast: the mode, its settings and its cache of cast weights. The state is each thread's own.

Which operations cast is in _policies.py, how in _casts.py. Only the CPU casts in this version.
"""

import functools
from _thread import _local

import rushlight as torch

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]

_DEVICES = "cpu cuda ipu xpu xla mps hpu mtia maia privateuseone".split()
_TYPES = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, "
    "mps, meta, hpu, mtia, privateuseone"
)
_BFLOAT16 = ("cpu", "xla", "hpu", "maia")  # the default there; float16 elsewhere
_CPU_DTYPES = (torch.bfloat16, torch.float16)


class _State(_local):
    """A thread's mode."""

    def __init__(self):
        self.cpu = False  # is it on, on the CPU: what every cast asks
        self.enabled = {}
        self.dtypes = {d: torch.bfloat16 if d in _BFLOAT16 else torch.float16 for d in _DEVICES}
        self.use_cache = True
        self.nesting = 0
        self.cache = {}  # (id, gradients on): (tensor, its version, its cast)


_state = _State()

# --- settings ------------------------------------------------------------------------------------


def _check_type(device_type, unknown):
    """`device_type`, if autocast knows it; an error of that text if it is another device type."""
    if device_type not in _DEVICES:
        if device_type not in _TYPES.split(", "):
            raise RuntimeError(
                f"Expected one of {_TYPES} device type at start of device string: {device_type}"
            )
        raise RuntimeError(unknown)
    return device_type


_NO_KEY = "unknown device type for autocast in get_autocast_dispatch_key_from_device_type"


def is_autocast_available(device_type):
    """Does autocast know this type of device ("cpu", "cuda", ...)? RuntimeError if it is none."""
    if device_type not in _TYPES.split(", "):
        _check_type(device_type, "")
    return device_type in _DEVICES


def is_autocast_enabled(device_type=None):
    """Is autocast on for this type of device ("cuda" by default)?

    A bool, of this thread. Raises RuntimeError for what is no type of device.

    >>> with torch.autocast("cpu"):
    ...     print(torch.is_autocast_enabled("cpu"))
    True
    >>> torch.is_autocast_enabled("cpu")
    False
    """
    device_type = "cuda" if device_type is None else _check_type(device_type, _NO_KEY)
    return _state.enabled.get(device_type, False)


def _is_any_autocast_enabled():
    return any(_state.enabled.values())


def set_autocast_enabled(device_type, enabled=None):
    """Switches autocast on or off in this thread; `autocast` is the usual way.

    Without a device type, for "cuda". Raises RuntimeError for what is no type of device.

    >>> torch.set_autocast_enabled("cpu", True)
    >>> (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    >>> torch.set_autocast_enabled("cpu", False)
    """
    if enabled is None:
        device_type, enabled = "cuda", device_type
    state, enabled = _state, bool(enabled)
    was = state.enabled.get("cpu", False)
    state.enabled[_check_type(device_type, _NO_KEY)] = enabled
    if device_type == "cpu":
        state.cpu = enabled
        if enabled != was:
            from ._casts import MODE

            MODE.enter() if enabled else MODE.leave()


def get_autocast_dtype(device_type):
    """The dtype that autocast casts to on this type of device.

    bfloat16 for "cpu", float16 for "cuda", unless set. Raises RuntimeError for what is no type of
    device.

    >>> torch.get_autocast_dtype("cpu")
    torch.bfloat16
    """
    return _state.dtypes[_check_type(device_type, "unsupported scalarType")]


def set_autocast_dtype(device_type, dtype):
    """Sets the dtype that autocast casts to on this type of device.

    For this thread, until it is set again; `autocast(dtype=...)` does so for a block. Raises
    RuntimeError for what is no type of device.

    >>> torch.set_autocast_dtype("cpu", torch.float16)
    >>> torch.get_autocast_dtype("cpu")
    torch.float16
    >>> torch.set_autocast_dtype("cpu", torch.bfloat16)
    """
    _state.dtypes[_check_type(device_type, "unsupported scalarType")] = dtype


def is_autocast_cache_enabled():
    """Are casts of weights kept until the outermost block ends?

    True at first.

    >>> torch.is_autocast_cache_enabled()
    True
    """
    return _state.use_cache


def set_autocast_cache_enabled(enabled):
    """Switches the cache of cast weights on or off in this thread.

    Without it a weight is cast each time it is used.

    >>> torch.set_autocast_cache_enabled(False)
    >>> torch.is_autocast_cache_enabled()
    False
    >>> torch.set_autocast_cache_enabled(True)
    """
    _state.use_cache = bool(enabled)


def clear_autocast_cache():
    """Forgets the cast weights.

    The outermost block does so when it ends.

    >>> torch.clear_autocast_cache()
    """
    _state.cache.clear()


def autocast_increment_nesting():
    """One more block is open; returns how many.

    What `autocast` calls when a block begins; call `autocast_decrement_nesting` as often.

    >>> torch.autocast_increment_nesting()
    1
    >>> torch.autocast_decrement_nesting()
    0
    """
    _state.nesting += 1
    return _state.nesting


def autocast_decrement_nesting():
    """One block less is open; returns how many.

    What `autocast` calls when a block ends.

    >>> _ = torch.autocast_increment_nesting()
    >>> torch.autocast_decrement_nesting()
    0
    """
    _state.nesting -= 1
    return _state.nesting


def _old_names(device_type):
    """The functions that name a device: is_autocast_cpu_enabled and its like."""
    short = "gpu" if device_type == "cuda" else device_type
    pairs = {
        f"is_autocast_{short}_enabled": (is_autocast_enabled, "is_autocast_enabled({!r})"),
        f"set_autocast_{short}_enabled": (
            set_autocast_enabled,
            "set_autocast_enabled({!r}, enabled)",
        ),
        f"get_autocast_{short}_dtype": (get_autocast_dtype, "get_autocast_dtype({!r})"),
        f"set_autocast_{short}_dtype": (set_autocast_dtype, "set_autocast_dtype({!r}, dtype)"),
    }
    for name, (function, now) in pairs.items():
        globals()[name] = _old_name(name, function, device_type, now.format(device_type))


def _old_name(name, function, device_type, now):
    given = name + ("()" if name[0] != "s" else "(enabled)" if "enabled" in name else "(dtype)")

    def old(*args):
        import warnings

        warnings.warn(
            f"torch.{given} is deprecated. Please use torch.{now} instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return function(device_type, *args)

    old.__name__ = old.__qualname__ = name
    old.__doc__ = f"The older form of torch.{now}.\n\n    {function.__doc__}"
    return old


for _device in ("cpu", "cuda", "ipu", "xla"):
    _old_names(_device)
del _device

# --- casts ---------------------------------------------------------------------------------------


def _eligible(t, device_type="cpu"):
    """Is it cast at all? float64 and what is no floating-point number stay."""
    return t.is_floating_point() and t.dtype is not torch.float64 and t.device.type == device_type


def _cached_cast(t, dtype):
    """`t` in `dtype`, if it is of a kind that is cast; weights are cast once a block."""
    if t.dtype is dtype or not _eligible(t):
        return t
    state = _state
    keep = (
        state.use_cache
        and t.requires_grad
        and t.is_leaf
        and t.dtype is torch.float32
        and dtype is state.dtypes["cpu"]
        and state.nesting
        and not t.is_inference()
        and t._base is None
    )
    if not keep:
        return t.to(dtype)
    # A cast made without gradients serves no one who needs them, an old one nobody.
    key = id(t), torch.is_grad_enabled()
    found = state.cache.get(key)
    if found is None or found[1] != t._version:
        found = state.cache[key] = t, t._version, t.to(dtype)
    return found[2]


# --- the mode ------------------------------------------------------------------------------------


def autocast_decorator(autocast_instance, func):
    """`func` run within the block."""

    @functools.wraps(func)
    def decorated(*args, **kwargs):
        with autocast_instance:
            return func(*args, **kwargs)

    return decorated


class autocast:
    """Context manager and decorator: operations inside choose a lower precision where that is safe.

    Products and convolutions are computed in `dtype`; losses, sums of many terms and linear algebra
    in float32; the rest in the dtype of their arguments.

    Args:
        device_type (str): "cpu"; other devices are accepted and change nothing.
        dtype (torch.dtype): bfloat16 (default on the CPU) or float16.
        enabled (bool): False switches autocast off inside.
        cache_enabled (bool): cast a weight once for all its uses in the block.

    Raises ValueError or RuntimeError for no or an unknown device type; warns and does nothing for
    another dtype.

    >>> with torch.autocast("cpu"):
    ...     y = torch.ones(2, 2) @ torch.ones(2, 2)
    >>> y.dtype, (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    (torch.bfloat16, torch.float32)
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'"
            )
        self.device = device_type
        self.custom_backend_name = "privateuseone"
        self._cache_enabled = (
            is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        )
        reason = self._obstacle() if enabled else None
        if reason:
            import warnings

            warnings.warn(reason, stacklevel=2)
        self._enabled = enabled and not reason
        self._outside = []

    def _obstacle(self):
        """Why it cannot be on, or None."""
        if self.device == "cuda" and not torch.cuda.is_available():
            return "CUDA is not available or torch_xla is imported. Disabling autocast."
        if self.device == "cpu" and self.fast_dtype not in _CPU_DTYPES:
            return (
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
            )
        return None

    def __enter__(self):
        device = self.device
        self._outside.append(
            (is_autocast_enabled(device), get_autocast_dtype(device), is_autocast_cache_enabled())
        )
        set_autocast_dtype(device, self.fast_dtype)
        set_autocast_enabled(device, self._enabled)
        autocast_increment_nesting()
        set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()
        enabled, dtype, cache = self._outside.pop()
        set_autocast_enabled(self.device, enabled)
        set_autocast_dtype(self.device, dtype)
        set_autocast_cache_enabled(cache)
        return False

    def __call__(self, func):
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. "
                "Did you mean to use autocast as a context manager? For example:\n"
                "    with torch.autocast(device_type=...):\n"
                "        output = model(input)"
            )
        return autocast_decorator(self, func)


# --- custom functions ----------------------------------------------------------------------------


def _cast(value, device_type, dtype):
    """All floating-point tensors in `value` in `dtype`."""
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if _eligible(value, device_type) else value
    if isinstance(value, dict):
        cast = functools.partial(_cast, device_type=device_type, dtype=dtype)
        return {cast(k): cast(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(v, device_type, dtype) for v in value)
    return value


def _check_decorator(device_type):
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd=None, *, device_type, cast_inputs=None):
    """Decorator for `forward` of a custom Function: it tells `custom_bwd` what mode it ran in.

    With `cast_inputs`, a dtype, the floating-point arguments are cast to it if autocast is on, and
    forward runs with autocast off; without it, in the mode that is on.
    """
    _check_decorator(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args, **kwargs):
        ctx, on = args[0], is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if cast_inputs is None or not on:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(
                *_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs)
            )

    return decorated


def custom_bwd(bwd=None, *, device_type):
    """Decorator for `backward` of a custom Function: it runs in the mode that forward ran in."""
    _check_decorator(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args, **kwargs):
        ctx = args[0]
        with autocast(device_type, ctx._dtype, enabled=ctx._fwd_used_autocast):
            return bwd(*args, **kwargs)

    return decorated
