"""Methods of UntypedStorage in Python: mapping files, copies, single bytes. The bytes are the core's."""

from . import _C

_Storage = _C.UntypedStorage


def _from_file(filename, shared=False, nbytes=0):
    """The bytes of a file, mapped: writes reach the file if `shared`, else only this process."""
    if not nbytes:
        return _Storage(0)
    import mmap
    import os

    with open(filename, "r+b" if shared else "rb") as file:
        if shared and os.fstat(file.fileno()).st_size < nbytes:
            file.truncate(nbytes)
        access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
        mapped = mmap.mmap(file.fileno(), nbytes, access=access)
    return _C.frombuffer(mapped, dtype=_C.uint8).untyped_storage()


def _bytes(self):
    return memoryview(self).cast("B")


def _clone(self):
    """A copy."""
    new = _Storage(self.nbytes())
    _bytes(new)[:] = _bytes(self)
    return new


def _copy_(self, source, non_blocking=None):
    """Takes over the bytes of `source`, of the same size."""
    _bytes(self)[:] = _bytes(source)
    return self


def _fill_(self, value):
    _bytes(self)[:] = bytes([value]) * self.nbytes()
    return self


def _getitem(self, index):
    part = _bytes(self)[index]
    if isinstance(part, int):
        return part
    return _Storage(0) if not part.nbytes else _C.frombuffer(part, dtype=_C.uint8).untyped_storage()


def _setitem(self, index, value):
    _bytes(self)[index] = value if isinstance(index, int) else _bytes(value)


def _repr(self):
    lines = "".join(f" {x}\n" for x in _bytes(self))
    return f"{lines}[torch.storage.UntypedStorage(device={self.device}) of size {self.nbytes()}]"


def _same(self, *args, **kwargs):
    return self


for _name, _value in {
    "from_file": staticmethod(_from_file),
    "clone": _clone,
    "copy_": _copy_,
    "fill_": _fill_,
    "tolist": lambda self: list(_bytes(self)),
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__iter__": lambda self: iter(_bytes(self)),
    "__repr__": _repr,
    "__sizeof__": lambda self: object.__sizeof__(self) + self.nbytes(),
    "__copy__": _clone,
    "__deepcopy__": lambda self, memo: memo.setdefault(id(self), _clone(self)),
    "untyped": _same,
    "cpu": _same,
    "share_memory_": _same,
    "pin_memory": _same,
    "is_pinned": lambda self, device=None: False,
    "element_size": lambda self: 1,
    "is_cuda": False,
    "is_sparse": False,
}.items():
    setattr(_Storage, _name, _value)
del _name, _value
