"""Storages as Python sees them: `UntypedStorage` (the core's bytes) and the classes pickles name.

Elements are not computed with here; a typed storage only remembers the dtype of some bytes.
"""

import rushlight as torch

_NAMES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
}


class TypedStorage:
    """Bytes together with a dtype. Made by `tensor.storage()`; prefer `tensor.untyped_storage()`.

    Args:
        size (int): number of elements, for a new storage.
        wrap_storage (UntypedStorage): existing bytes to use instead.
        dtype (torch.dtype): type of the elements.

    Indexing and iteration give Python numbers. Raises IndexError out of range.

    >>> s = torch.ones(3).storage()
    >>> s.dtype, len(s), s[0]
    (torch.float32, 3, 1.0)
    """

    _dtype = None

    def __init__(self, size=None, *, wrap_storage=None, dtype=None, device=None, _internal=False):
        self.dtype = dtype or self._dtype or torch.get_default_dtype()
        if isinstance(size, (list, tuple)):
            wrap_storage = torch.tensor(size, dtype=self.dtype).untyped_storage()
        elif wrap_storage is None:
            wrap_storage = torch.UntypedStorage((size or 0) * self.dtype.itemsize)
        self._untyped_storage = wrap_storage

    def _tensor(self):
        n = self._size()
        return torch._C._tensor_from_storage(self._untyped_storage, self.dtype, 0, (n,), (1,))

    def _size(self):
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    __len__ = size = _size

    def nbytes(self):
        return self._untyped_storage.nbytes()

    def __sizeof__(self):
        return super().__sizeof__() + self.nbytes()

    def element_size(self):
        return self.dtype.itemsize

    def untyped(self):
        return self._untyped_storage

    def data_ptr(self):
        return self._untyped_storage.data_ptr()

    @property
    def device(self):
        return self._untyped_storage.device

    @property
    def is_cuda(self):
        return self.device.type == "cuda"

    def tolist(self):
        return self._tensor().tolist()

    def __iter__(self):
        return iter(self.tolist())

    def __getitem__(self, index):
        if isinstance(index, slice):
            return TypedStorage(
                wrap_storage=self._tensor()[index].clone().untyped_storage(), dtype=self.dtype
            )
        return self._tensor()[index].item()

    def __setitem__(self, index, value):
        self._tensor()[index] = value

    def fill_(self, value):
        self._tensor().fill_(value)
        return self

    def copy_(self, source, non_blocking=None):
        self._tensor().copy_(torch.tensor(list(source), dtype=self.dtype))
        return self

    def type(self, dtype=None, non_blocking=False):
        """The name of its class, or these elements as another dtype."""
        if dtype is None:
            return f"torch.{_storage_name(self.dtype)}"
        return self._to(dtype)

    def _to(self, dtype):
        if dtype == self.dtype:
            return self
        return TypedStorage(wrap_storage=self._tensor().to(dtype).untyped_storage(), dtype=dtype)

    def cpu(self):
        return self

    def get_device(self):
        return None if self.device.type == "cpu" else self.device.index

    def is_shared(self):
        return self._tensor().is_shared()

    def is_pinned(self, device="cuda"):
        return False

    def resizable(self):
        return True

    is_sparse = False

    def clone(self):
        return TypedStorage(wrap_storage=self._tensor().clone().untyped_storage(), dtype=self.dtype)

    def __repr__(self):
        lines = "".join(f" {x}\n" for x in self.tolist())
        return (
            f"{lines}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) "
            f"of size {len(self)}]"
        )

    def __reduce__(self):
        # torch's own format: the storage is a small legacy file inside the pickle.
        import io

        from .serialization import save

        buffer = io.BytesIO()
        save(self, buffer, _use_new_zipfile_serialization=False)
        return _load_from_bytes, (buffer.getvalue(),)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = self.clone()
        return memo[id(self)]


def _conversion(dtype):
    def convert(self):
        return self._to(getattr(torch, dtype))

    convert.__doc__ = f"These elements as {dtype}."
    return convert


for _name, _dtype in _NAMES.items():
    _short = {"Byte": "byte", "Char": "char", "BFloat16": "bfloat16", "ComplexDouble": "complex_double",
              "ComplexFloat": "complex_float"}.get(_name[:-7], _name[:-7].lower())  # fmt: skip
    setattr(TypedStorage, _short, _conversion(_dtype))


def _load_from_bytes(data):
    """Reads the bytes that `TypedStorage.__reduce__` wrote (pickles name this function)."""
    import io

    return torch.serialization.load(io.BytesIO(data), weights_only=False)


def _storage_name(dtype):
    """`'FloatStorage'` for float32, ...; None for dtypes that have no class of their own."""
    text = str(dtype)[6:]
    return next((name for name, value in _NAMES.items() if value == text), None)


def __getattr__(name):
    if name == "UntypedStorage":
        return torch.UntypedStorage
    if name in _NAMES:
        namespace = {"_dtype": getattr(torch, _NAMES[name]), "__module__": "torch"}
        globals()[name] = cls = type(name, (TypedStorage,), namespace)
        return cls
    from ._missing import missing

    return missing(__name__, name)
