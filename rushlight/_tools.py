"""Small functions of the torch namespace that are no operations: tests, limits, settings."""

from . import _C
from ._C import Tensor


def _assert(condition, message):
    """`assert condition, message`, for code that PyTorch would trace."""
    assert condition, message


def is_tensor(obj):
    """Is it a tensor?

    The same as isinstance(obj, torch.Tensor).

    >>> torch.is_tensor(torch.ones(2)), torch.is_tensor([1.0])
    (True, False)
    """
    return isinstance(obj, Tensor)


def is_storage(obj):
    """Is it a storage?

    True for typed and untyped ones.

    >>> torch.is_storage(torch.ones(2).untyped_storage()), torch.is_storage(torch.ones(2))
    (True, False)
    """
    from .storage import TypedStorage

    return isinstance(obj, (_C.UntypedStorage, TypedStorage))


def typename(obj):
    """The full name of an object's type: 'torch.FloatTensor' for tensors.

    Any object, or a type.

    >>> torch.typename(torch.ones(1)), torch.typename([])
    ('torch.FloatTensor', 'list')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    module = getattr(kind, "__module__", "") or ""
    name = getattr(kind, "__qualname__", kind.__name__)
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


class iinfo:
    """Limits of an integer dtype: bits, min, max, dtype.

    Raises TypeError for bool, floating and complex dtypes.

    >>> torch.iinfo(torch.int8).max, torch.iinfo(torch.int8).bits
    (127, 8)
    """

    def __init__(self, dtype):
        if dtype is _C.bool:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if dtype.is_floating_point or dtype.is_complex:
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
    """Limits of a floating dtype: bits, eps, max, min, tiny, smallest_normal, resolution, dtype.

    The default dtype's without an argument; a complex dtype's are those of its parts. eps is the
    step from 1 to the next number, tiny the smallest normal one. Raises TypeError for integers and
    bool.

    >>> torch.finfo(torch.float32).eps == 2**-23
    True
    >>> torch.finfo(torch.float16).max
    65504.0
    """

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
    """Sets the device of tensors that are made without one.

    A torch.device, its name, or None for the CPU. Raises RuntimeError for an unknown name.

    >>> torch.set_default_device("cpu")
    >>> torch.ones(1).device
    device(type='cpu')
    >>> torch.set_default_device(None)
    """
    _C._set_default_device("cpu" if device is None else device)


def get_default_device():
    """The device of tensors that are made without one.

    >>> torch.get_default_device()
    device(type='cpu')
    """
    return _C.get_default_device()


def set_default_tensor_type(t):
    """Sets the default dtype by a legacy tensor class or its name.

    torch.DoubleTensor or "torch.DoubleTensor", of a floating dtype: TypeError for others.
    `set_default_dtype` is the newer name.

    >>> torch.set_default_tensor_type("torch.FloatTensor")
    >>> torch.tensor(1.0).dtype
    torch.float32
    """
    name = (t if isinstance(t, str) else t.__name__).rpartition(".")[2]
    from ._legacy import DTYPES

    if name not in DTYPES:
        raise AttributeError(f"module 'torch' has no attribute '{name}'")
    _C.set_default_dtype(DTYPES[name])


_settings = {"deterministic": False, "warn_only": False, "precision": "highest", "warn": False}


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Accepted: every operation on the CPU is deterministic here.

    `mode` and `warn_only` are bools that the functions below tell.

    >>> torch.use_deterministic_algorithms(False)
    >>> torch.are_deterministic_algorithms_enabled()
    False
    """
    _settings.update(deterministic=bool(mode), warn_only=bool(warn_only))


def are_deterministic_algorithms_enabled():
    """What use_deterministic_algorithms was told.

    False at first.

    >>> torch.are_deterministic_algorithms_enabled()
    False
    """
    return _settings["deterministic"]


def is_deterministic_algorithms_warn_only_enabled():
    """What use_deterministic_algorithms was told.

    False at first.

    >>> torch.is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return _settings["warn_only"]


def get_deterministic_debug_mode():
    """0, 1 (warn) or 2 (error).

    What set_deterministic_debug_mode was told; 0 at first.

    >>> torch.get_deterministic_debug_mode()
    0
    """
    return (2 - _settings["warn_only"]) if _settings["deterministic"] else 0


def set_deterministic_debug_mode(debug_mode):
    """Accepted, as use_deterministic_algorithms.

    0 or "default", 1 or "warn", 2 or "error": RuntimeError for another value, TypeError for another
    type.

    >>> torch.set_deterministic_debug_mode("default")
    >>> torch.get_deterministic_debug_mode()
    0
    """
    if not isinstance(debug_mode, (str, int)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    names, text = ("default", "warn", "error"), isinstance(debug_mode, str)
    if debug_mode not in (names if text else range(3)):
        wanted = "`default`, `warn`, `error`" if text else "0, 1, or 2"
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of {wanted}, but got {debug_mode}"
            if text
            else f"invalid value of debug_mode, expected {wanted}, but got {debug_mode}"
        )
    level = names.index(debug_mode) if text else debug_mode
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_float32_matmul_precision():
    """'highest', unless set.

    >>> torch.get_float32_matmul_precision()
    'highest'
    """
    return _settings["precision"]


def set_float32_matmul_precision(precision):
    """Accepted: float32 products are always float32 on the CPU.

    "highest", "high" or "medium"; RuntimeError for another word.

    >>> torch.set_float32_matmul_precision("highest")
    """
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"float32_matmul_precision: invalid precision {precision!r}")
    _settings["precision"] = precision


def set_flush_denormal(mode):
    """False: denormals are never flushed here.

    PyTorch answers True where the processor can do so.

    >>> torch.set_flush_denormal(False) in (True, False)
    True
    """
    return False


def set_warn_always(b):
    """Accepted.

    Warnings of rushlight come through Python's `warnings`, whose filters decide.

    >>> torch.set_warn_always(False)
    """
    _settings["warn"] = bool(b)


def is_warn_always_enabled():
    """What set_warn_always was told.

    False at first.

    >>> torch.is_warn_always_enabled()
    False
    """
    return _settings["warn"]


def get_num_interop_threads():
    """1: one pool serves everything.

    PyTorch has a second pool for independent operations.

    >>> torch.get_num_interop_threads() >= 1
    True
    """
    return 1


def set_num_interop_threads(n):
    """Accepted: one pool serves everything.

    Raises RuntimeError unless `n` is a positive int. PyTorch takes it once, before any work.
    """
    if not isinstance(n, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(n).__name__}")
    if n <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")


def compile(model=None, **_):
    """The function or module itself: capture is not in this version; programs run eagerly.

    With options only, a decorator. Results are those of the function; so are its errors.

    >>> @torch.compile(backend="eager")
    ... def double(x):
    ...     return 2 * x
    >>> double(torch.ones(2))
    tensor([2., 2.])
    """
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
    """A tensor over the memory of an object with `__dlpack__`, or of a DLPack capsule.

    No copy unless `copy` is True. Raises RuntimeError for what is no capsule. A capsule serves
    once.

    >>> x = torch.arange(3)
    >>> y = torch.from_dlpack(x)
    >>> y[0] = 7
    >>> x
    tensor([7, 1, 2])
    """
    capsule = ext_tensor.__dlpack__() if hasattr(ext_tensor, "__dlpack__") else ext_tensor
    result = _C._from_dlpack(capsule)
    return result.clone() if copy else result


def to_dlpack(tensor):
    """A DLPack capsule over the tensor's memory.

    For a library that has `from_dlpack`; the memory stays alive with the capsule. A tensor that
    requires grad should be detached before.

    >>> torch.from_dlpack(torch.to_dlpack(torch.arange(3)))
    tensor([0, 1, 2])
    """
    return _C._to_dlpack(tensor)
