"""Small functions of the torch namespace that are no operations: tests, limits, settings."""

from . import _C
from ._C import Tensor


def _assert(condition, message):
    """`assert condition, message`, for code that PyTorch would trace."""
    assert condition, message


def is_tensor(obj):
    """Is it a tensor?"""
    return isinstance(obj, Tensor)


def is_storage(obj):
    """Is it a storage?"""
    from .storage import TypedStorage

    return isinstance(obj, (_C.UntypedStorage, TypedStorage))


def typename(obj):
    """The full name of an object's type: 'torch.FloatTensor' for tensors."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    module = getattr(kind, "__module__", "") or ""
    name = getattr(kind, "__qualname__", kind.__name__)
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


class iinfo:
    """Limits of an integer dtype: bits, min, max, dtype."""

    def __init__(self, dtype):
        if dtype.is_floating_point or dtype.is_complex or dtype is _C.bool:
            raise TypeError(
                f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{dtype}'"
            )
        self.bits = dtype.itemsize * 8
        self.max = 2 ** (self.bits - dtype.is_signed) - 1
        self.min = -self.max - 1 if dtype.is_signed else 0
        self.dtype = str(dtype)[6:]

    def __repr__(self):
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


# Mantissa bits and largest exponent, by dtype (IEEE 754; bfloat16 has float32's exponent).
_FLOATS = {"float16": (10, 15), "bfloat16": (7, 127), "float32": (23, 127), "float64": (52, 1023)}


# Eight-bit dtypes exist here only by name: eps, max, tiny.
_FLOATS8 = {
    "float8_e4m3fn": (0.125, 448.0, 0.015625),
    "float8_e4m3fnuz": (0.125, 240.0, 0.0078125),
    "float8_e5m2": (0.25, 57344.0, 6.103515625e-05),
    "float8_e5m2fnuz": (0.125, 57344.0, 3.0517578125e-05),
}


class finfo:
    """Limits of a floating dtype: bits, eps, max, min, tiny, smallest_normal, resolution, dtype."""

    def __init__(self, dtype=None):
        if str(dtype)[6:] in _FLOATS8:
            self.dtype, self.bits, self.resolution = str(dtype)[6:], 8, 1.0
            self.eps, self.max, self.tiny = _FLOATS8[self.dtype]
            self.min, self.smallest_normal = -self.max, self.tiny
            return
        dtype = (dtype or _C.get_default_dtype()).to_real()
        name = str(dtype)[6:]
        if name not in _FLOATS:
            raise TypeError(
                f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{dtype}'"
            )
        mantissa, exponent = _FLOATS[name]
        self.bits = dtype.itemsize * 8
        self.eps = 2.0**-mantissa
        self.max = (2 - self.eps) * 2.0**exponent
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - exponent)
        digits = {"float16": 3, "bfloat16": 2, "float32": 6, "float64": 15}[name]
        self.resolution = float(f"1e-{digits}")
        self.dtype = name

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


def set_default_device(device):
    """Sets the device of tensors that are made without one."""
    _C._set_default_device("cpu" if device is None else device)


def get_default_device():
    """The device of tensors that are made without one."""
    return _C.get_default_device()


def set_default_tensor_type(t):
    """Sets the default dtype by a legacy tensor class or its name."""
    name = t if isinstance(t, str) else f"torch.{t.__name__}"
    from ._legacy import DTYPES

    _C.set_default_dtype(DTYPES[name.rpartition(".")[2]])


_settings = {"deterministic": False, "warn_only": False, "precision": "highest", "warn": False}


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Accepted: every operation on the CPU is deterministic here."""
    _settings.update(deterministic=bool(mode), warn_only=bool(warn_only))


def are_deterministic_algorithms_enabled():
    """What use_deterministic_algorithms was told."""
    return _settings["deterministic"]


def is_deterministic_algorithms_warn_only_enabled():
    """What use_deterministic_algorithms was told."""
    return _settings["warn_only"]


def get_deterministic_debug_mode():
    """0, 1 (warn) or 2 (error)."""
    return (2 - _settings["warn_only"]) if _settings["deterministic"] else 0


def set_deterministic_debug_mode(debug_mode):
    """Accepted, as use_deterministic_algorithms."""
    level = {"default": 0, "warn": 1, "error": 2}.get(debug_mode, debug_mode)
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_float32_matmul_precision():
    """'highest', unless set."""
    return _settings["precision"]


def set_float32_matmul_precision(precision):
    """Accepted: float32 products are always float32 on the CPU."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"float32_matmul_precision: invalid precision {precision!r}")
    _settings["precision"] = precision


def set_flush_denormal(mode):
    """False: denormals are never flushed here."""
    return False


def set_warn_always(b):
    """Accepted."""
    _settings["warn"] = bool(b)


def is_warn_always_enabled():
    """What set_warn_always was told."""
    return _settings["warn"]


def get_num_interop_threads():
    """1: one pool serves everything."""
    return 1


def set_num_interop_threads(n):
    """Accepted: one pool serves everything."""


def compile(model=None, **_):
    """The function or module itself: capture is not in this version; programs run eagerly."""
    return (lambda m: m) if model is None else model


def cond(pred, true_fn, false_fn, operands=()):
    """`true_fn(*operands)` or `false_fn(*operands)`, by a bool or a tensor of one element.

    >>> torch.cond(torch.tensor(True), lambda x: x + 1, lambda x: x - 1, (torch.ones(1),))
    tensor([2.])
    """
    if not isinstance(pred, (bool, _C.Tensor)):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if isinstance(pred, _C.Tensor) and pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, (tuple, list)):
        raise RuntimeError(
            "Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of "
            f"tensor leaves, but got {operands}."
        )
    return (true_fn if pred else false_fn)(*operands)


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor over the memory of an object with `__dlpack__`, or of a DLPack capsule."""
    capsule = ext_tensor.__dlpack__() if hasattr(ext_tensor, "__dlpack__") else ext_tensor
    result = _C._from_dlpack(capsule)
    return result.clone() if copy else result


def to_dlpack(tensor):
    """A DLPack capsule over the tensor's memory."""
    return _C._to_dlpack(tensor)
