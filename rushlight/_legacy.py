"""FloatTensor and its like: the legacy constructors, one a dtype; and the names of tensor types."""

from . import _C

DTYPES = {
    "FloatTensor": _C.float32,
    "DoubleTensor": _C.float64,
    "HalfTensor": _C.float16,
    "BFloat16Tensor": _C.bfloat16,
    "ByteTensor": _C.uint8,
    "CharTensor": _C.int8,
    "ShortTensor": _C.int16,
    "IntTensor": _C.int32,
    "LongTensor": _C.int64,
    "BoolTensor": _C.bool,
    "ComplexFloatTensor": _C.complex64,
    "ComplexDoubleTensor": _C.complex128,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


class _TensorType(type):
    def __instancecheck__(cls, obj):
        return isinstance(obj, _C.Tensor) and obj.dtype == cls.dtype

    def __call__(cls, *args, **kwargs):
        kwargs.pop("device", None)
        return _C._legacy_tensor(cls.dtype, args, kwargs or None)

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>"


def tensor_class(name):
    """The class of a legacy name, or None."""
    if name not in DTYPES:
        return None
    return _TensorType(name, (), {"dtype": DTYPES[name], "__module__": "torch", "is_cuda": False})
