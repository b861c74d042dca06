"""`torch.save`: writes objects as PyTorch's files, under torch's module names. It does not read."""

import os
import pickle
import sys

import rushlight as torch

from . import _archive, _methods, _tensor, serialization
from .storage import TypedStorage, _storage_name


class _Name:
    """A global to be written by its name alone."""

    __slots__ = ("module", "name")

    def __init__(self, module, name):
        self.module, self.name = module, name


def _file_module(module):
    """The module name a file has for one of ours: rushlight.nn -> torch.nn; None for others."""
    if not isinstance(module, str):
        return None
    head, dot, rest = module.partition(".")
    return "torch" + dot + rest if head in ("rushlight", "torch") else None


class Pickler(pickle._Pickler):
    """Python's pickler, writing storages beside the pickle and rushlight's names as torch's.

    The pure-Python pickler is used because the C one insists on importing every name it writes.
    """

    dispatch = dict(pickle._Pickler.dispatch)

    def __init__(self, file, protocol, storage_id):
        super().__init__(file, protocol)
        self.storage_id = storage_id

    def persistent_id(self, obj):
        if isinstance(obj, (TypedStorage, torch.UntypedStorage)):
            return self.storage_id(obj)
        return None

    def reducer_override(self, obj):
        kind = type(obj)
        if kind is torch.Tensor:
            return _tensor._reduce_ex(obj, self.proto)
        if kind is torch.Size:
            return torch.Size, (tuple(obj),)
        if kind is torch.device:
            return torch.device, (obj.type,) if obj.index is None else (obj.type, obj.index)
        if kind in (
            torch.dtype,
            torch.layout,
            torch.memory_format,
            type(torch.Tensor),
            type(torch.add),
        ):
            return _methods._public_name(obj) or obj.__qualname__  # for save_global
        return NotImplemented

    def save_global(self, obj, name=None):
        if type(obj) is torch.dtype:
            return self._save_name(_Name("torch", str(obj)[6:]), obj)
        module = _file_module(getattr(obj, "__module__", None))
        name = name or getattr(obj, "__qualname__", None)
        if name is not None and "<locals>" in name:
            raise AttributeError(f"Can't pickle local object '{name}'")
        if module is None or name is None or "." in name:
            return super().save_global(obj, name)
        return self._save_name(_Name(module, name), obj)

    def _save_name(self, target, obj=None):
        if self.proto >= 4:
            self.save(target.module)
            self.save(target.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{target.module}\n{target.name}\n".encode())
        self.memoize(target if obj is None else obj)

    dispatch[_Name] = _save_name
    dispatch[torch.dtype] = save_global
    dispatch[type(_file_module)] = save_global


class _StorageTable:
    """Numbers the storages met while pickling, and gives each its persistent id."""

    def __init__(self, legacy):
        self.legacy, self.names, self.known, self.dtypes = legacy, {}, {}, {}

    def storage_id(self, obj):
        storage = getattr(obj, "_untyped_storage", obj)
        dtype = obj.dtype if isinstance(obj, TypedStorage) else torch.uint8
        self._check_dtype(storage, dtype)
        key = self.known.setdefault(storage._cdata, (str(len(self.known)), storage, dtype))[0]
        kind = _storage_name(dtype) if isinstance(obj, TypedStorage) else "UntypedStorage"
        module = "torch.storage" if kind == "UntypedStorage" else "torch"
        name = self.names.setdefault(kind, _Name(module, kind))
        count = storage.nbytes() // dtype.itemsize
        pid = ("storage", name, key, serialization.location_tag(storage), count)
        return (*pid, None) if self.legacy else pid

    def _check_dtype(self, storage, dtype):
        if storage.nbytes() and self.dtypes.setdefault(storage._cdata, dtype) != dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                f"types: here {self.dtypes[storage._cdata]} and {dtype}. Clone one of them first."
            )


def save(
    obj,
    f,
    pickle_module=pickle,
    pickle_protocol=serialization.DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization=True,
    _disable_byteorder_record=False,
):
    """Saves an object (tensors, state dicts, modules, anything picklable) to a .pt file.

    Args:
        obj: the object.
        f: a path, or a binary file object with `write`. A path is written atomically: the file
            appears, or replaces the old one, only when it is complete.
        pickle_module: module that pickles (its own names are then written unchanged).
        pickle_protocol (int): 2 for files that every PyTorch reads.

    Raises:
        RuntimeError: the folder is missing, or two dtypes share one storage.
        pickle.PicklingError: the object cannot be pickled.

    Example:
        >>> torch.save(torch.nn.Linear(2, 3).state_dict(), "model.pt")
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    write = _save_archive if _use_new_zipfile_serialization else _save_legacy
    how = (pickle_module, pickle_protocol, _disable_byteorder_record)
    if isinstance(f, (str, os.PathLike)):
        path = os.fspath(f)
        with _archive.AtomicFile(path) as file:
            write(obj, file, os.path.splitext(os.path.basename(path))[0] or "archive", *how)
    else:
        write(obj, f, "archive", *how)


def _pickler(module, file, protocol, table):
    if module is pickle:
        return Pickler(file, protocol, table.storage_id)

    def persistent_id(self, obj):
        return Pickler.persistent_id(self, obj)

    members = {"persistent_id": persistent_id, "storage_id": staticmethod(table.storage_id)}
    return type("Pickler", (module.Pickler,), members)(file, protocol)


def _data_of(storage):
    if storage.device.type != "cpu":
        storage = serialization._move(storage, "cpu")
    return serialization._bytes_of(storage) if storage.nbytes() else b""


def _save_archive(obj, file, name, module, protocol, no_byteorder):
    import io

    table, buffer = _StorageTable(legacy=False), io.BytesIO()
    _pickler(module, buffer, protocol, table).dump(obj)
    archive = _archive.ArchiveWriter(file, name)
    archive.write("data.pkl", buffer.getvalue())
    archive.write(".format_version", b"1")
    archive.write(".storage_alignment", b"64")
    if not no_byteorder:
        archive.write("byteorder", sys.byteorder.encode())
    for key, storage, _ in table.known.values():
        archive.write(f"data/{key}", _data_of(storage))
    archive.write("version", b"3\n")
    archive.write(".data/serialization_id", _content_id(buffer.getvalue(), table))
    archive.close()


def _content_id(data, table):
    """Forty digits that depend on the content alone, so that equal objects make equal files."""
    from zlib import crc32

    sizes = repr([s.nbytes() for _, s, _ in table.known.values()]).encode()
    return f"{crc32(data):020d}{crc32(sizes):020d}".encode()


def _save_legacy(obj, file, name, module, protocol, no_byteorder):
    table = _StorageTable(legacy=True)
    sizes = {"short": 2, "int": 4, "long": 4}
    info = {
        "protocol_version": serialization.PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": sizes,
    }
    for header in (serialization.MAGIC_NUMBER, serialization.PROTOCOL_VERSION, info):
        pickle.dump(header, file, protocol)
    _pickler(module, file, protocol, table).dump(obj)
    entries = sorted(table.known.values(), key=lambda entry: entry[0])
    pickle.dump([key for key, _, _ in entries], file, protocol)
    file.flush()
    for _, storage, dtype in entries:
        file.write((storage.nbytes() // dtype.itemsize).to_bytes(8, "little"))
        file.write(_data_of(storage))
