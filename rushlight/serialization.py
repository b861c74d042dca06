"""`torch.save` and `torch.load`: .pt/.pth files that PyTorch and rushlight read from each other.

A file is a pickle of everything but the numbers, beside the raw bytes of each storage. By default
the pickle is read by an interpreter that can only build data (`_unpickle.py`). Writing is in
`_pickle_save.py`; the zip container is in `_archive.py`.
"""

import io
import os
import pickle

import rushlight as torch

from . import _archive
from ._unpickle import DataUnpickler, StorageType, storage_type
from .storage import TypedStorage

DEFAULT_PROTOCOL = 2
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

_safe_globals = {}
_package_registry = []
_options = {"crc32": True, "mmap": 2, "endian": None}  # 2: MAP_PRIVATE


# --- public options ------------------------------------------------------------------------------


class LoadEndianness:
    """Byte orders for `set_default_load_endianness`: NATIVE, LITTLE, BIG."""

    NATIVE, LITTLE, BIG = 1, 2, 3


def set_default_load_endianness(endianness):
    """Byte order assumed for files that do not state one (None: little)."""
    _options["endian"] = endianness


def get_default_load_endianness():
    return _options["endian"]


def set_crc32_options(compute_crc32):
    """Accepted for compatibility: checksums are always written."""
    _options["crc32"] = bool(compute_crc32)


def get_crc32_options():
    return _options["crc32"]


def set_default_mmap_options(flags):
    """Kept for compatibility: `load(mmap=True)` always maps privately (copy on write)."""
    _options["mmap"] = flags


def get_default_mmap_options():
    return _options["mmap"]


def _global_name(entry):
    if isinstance(entry, tuple):
        return entry[1], entry[0]
    module = entry.__module__
    if module.split(".")[0] == "rushlight":
        module = "torch" + module[len("rushlight") :]
    return f"{module}.{getattr(entry, '__qualname__', entry.__name__)}", entry


def add_safe_globals(safe_globals):
    """Lets `load(weights_only=True)` call these classes and functions when a file names them.

    Args:
        safe_globals (list): classes or functions, or pairs `(object, "module.name")`.
    """
    _safe_globals.update(map(_global_name, safe_globals))


def get_safe_globals():
    """The list given to `add_safe_globals` so far."""
    return list(_safe_globals.values())


def clear_safe_globals():
    """Empties the list of `add_safe_globals`."""
    _safe_globals.clear()


class safe_globals:
    """Context manager: `add_safe_globals` for the duration of a block."""

    def __init__(self, safe_globals):
        self.added = safe_globals

    def __enter__(self):
        self.saved = dict(_safe_globals)
        add_safe_globals(self.added)

    def __exit__(self, *exc):
        _safe_globals.clear()
        _safe_globals.update(self.saved)


# --- where storages go ---------------------------------------------------------------------------


def register_package(priority, tagger, deserializer):
    """Adds a kind of location: `tagger(storage)` names, `deserializer(storage, name)` restores."""
    _package_registry.append((priority, tagger, deserializer))
    _package_registry.sort(key=lambda entry: entry[0])


def location_tag(storage):
    """The text that stands for a storage's device in a file: `'cpu'`, `'cuda:0'`."""
    for _, tagger, _ in _package_registry:
        location = tagger(storage)
        if location:
            return location
    return str(storage.device)


def default_restore_location(storage, location):
    """Moves a freshly read CPU storage to the device that `location` names.

    Raises:
        RuntimeError: for an unknown location, or a GPU that is not there.
    """
    for _, _, deserializer in _package_registry:
        result = deserializer(storage, location)
        if result is not None:
            return result
    if location.startswith("cpu"):
        return storage
    if location.startswith("cuda"):
        return _move(storage, validate_cuda_device(location))
    if location == "meta":
        return _move(storage, "meta")
    raise RuntimeError(
        f"don't know how to restore data location of torch.storage.UntypedStorage "
        f"(tagged with {location})"
    )


def validate_cuda_device(location):
    """The index of the GPU that `location` names; RuntimeError if this machine lacks it."""
    if not torch.cuda.is_available():
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
            "False. If you are running on a CPU-only machine, please use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU."
        )
    device, count = torch.device(location), torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {device.index} but "
            f"torch.cuda.device_count() is {count}. Please use torch.load with map_location to map "
            "your storages to an existing device."
        )
    return device


def _move(storage, device):
    nbytes = storage.nbytes()
    flat = torch._C._tensor_from_storage(storage, torch.uint8, 0, (nbytes,), (1,))
    return flat.to(device).untyped_storage()


def _restorer(map_location):
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda s, loc: default_restore_location(s, map_location.get(loc, loc))
    if isinstance(map_location, (str, bytes)):
        text = map_location if isinstance(map_location, str) else map_location.decode()
        return lambda s, loc: default_restore_location(s, text)
    if isinstance(map_location, torch.device):
        return lambda s, loc: default_restore_location(s, str(map_location))

    def call(storage, location):
        result = map_location(storage, location)
        if result is None:
            result = default_restore_location(storage, location)
        return getattr(result, "_untyped_storage", result)

    return call


# --- storages from a file ------------------------------------------------------------------------


def _bytes_of(storage):
    """A storage's memory as a flat, writable memoryview."""
    return memoryview(storage).cast("B")


def _swap(view, dtype):
    """Reverses the bytes of each element in place (a file from a big-endian machine)."""
    size = dtype.itemsize // (2 if dtype.is_complex else 1)
    for i in range(size // 2):
        low, high = bytes(view[i::size]), bytes(view[size - 1 - i :: size])
        view[i::size], view[size - 1 - i :: size] = high, low


class _Storages:
    """Turns persistent ids into storages, each read once. `_allocate` is the container's part."""

    def __init__(self, map_location, swap=False):
        self.map_location, self.restore, self.swap = map_location, _restorer(map_location), swap
        self.loaded = {}

    def persistent_load(self, pid):
        """A storage for the id `('storage', class, key, location, count)`, sizes checked first."""
        kind, key, location, count = self._parse(pid)
        dtype = kind.dtype or torch.uint8
        nbytes = count * dtype.itemsize
        if key not in self.loaded:
            self.loaded[key] = nbytes, self._load(key, location, nbytes, dtype)
        have, storage = self.loaded[key]
        if have != nbytes:
            raise pickle.UnpicklingError(f"storage {key} has {have} bytes, not {nbytes}")
        if kind.dtype is None:
            return storage
        return TypedStorage(wrap_storage=storage, dtype=dtype)

    def _parse(self, pid):
        sound = type(pid) is tuple and len(pid) in (5, 6) and pid[0] in ("storage", b"storage")
        if sound:
            kind, key, location, count = pid[1:5]
            sound = type(kind) is StorageType and type(count) is int and 0 <= count < 2**60
            key, location = _ascii(key), _ascii(location)
            sound = sound and type(key) is str and type(location) is str
        if not sound:
            raise pickle.UnpicklingError("a persistent id that is not a storage's")
        view = pid[5] if len(pid) == 6 else None
        if view is not None:
            raise pickle.UnpicklingError("a storage that is a view of another is not supported")
        return kind, key, location, count

    def _load(self, key, location, nbytes, dtype):
        storage = self._allocate(key, nbytes)
        if self.swap and dtype.itemsize > 1:
            _swap(_bytes_of(storage), dtype)
        return self.restore(storage, location)


def _ascii(x):
    return x.decode("ascii", "replace") if type(x) is bytes else x


class _ArchiveStorages(_Storages):
    """Storages of a zip file: the record `data/<key>`."""

    def __init__(self, archive, map_location, mapped):
        order = archive.read("/byteorder") if "/byteorder" in archive else None
        if order not in (None, b"little", b"big"):
            raise RuntimeError(f"Unknown endianness type: {order}")
        big = order == b"big" or (order is None and _options["endian"] == LoadEndianness.BIG)
        super().__init__(map_location, swap=big)
        self.archive, self.mapped = archive, mapped

    def _allocate(self, key, nbytes):
        offset, size = self.archive.span(f"/data/{key}")
        if size != nbytes:
            raise pickle.UnpicklingError(
                f"storage {key} has {size} bytes in the file, not {nbytes}"
            )
        if self.mapped is not None and nbytes:
            flat = torch.frombuffer(self.mapped, dtype=torch.uint8, count=nbytes, offset=offset)
            return flat.untyped_storage()
        storage = torch.UntypedStorage(nbytes)
        if nbytes:
            self.archive.read_into(offset, _bytes_of(storage))
        return storage


class _LegacyStorages(_Storages):
    """Storages of a file from before PyTorch 1.6: their bytes follow the pickle, read by `fill`."""

    def __init__(self, map_location, room):
        super().__init__(map_location)
        self.room, self.waiting = room, {}

    def _load(self, key, location, nbytes, dtype):
        self.room -= nbytes
        if self.room < 0:
            raise pickle.UnpicklingError(f"storage {key} is larger than the file")
        storage = torch.UntypedStorage(nbytes)
        self.waiting[key] = storage, dtype.itemsize, location
        return storage

    def place(self):
        """Moves the filled storages to their devices; True if any is now another object."""
        moved = False
        for key, (storage, _, location) in self.waiting.items():
            placed = self.restore(storage, location)
            moved = moved or placed is not storage
            self.loaded[key] = storage.nbytes(), placed
        return moved

    def fill(self, keys, data, position):
        """Copies the bytes of each storage from `data`, in the order of `keys`. Returns the end."""
        keys = list(map(_ascii, keys)) if type(keys) is list else [None]
        if not all(type(k) is str for k in keys) or sorted(keys) != sorted(self.waiting):
            raise pickle.UnpicklingError("the list of storages does not match the data")
        for key in keys:
            storage, itemsize, _ = self.waiting[key]
            count = int.from_bytes(data[position : position + 8], "little")
            end = position + 8 + storage.nbytes()
            if end > len(data):
                raise RuntimeError(
                    f"unexpected EOF, expected {end - len(data)} more bytes. The file might be "
                    "corrupted."
                )
            if count * itemsize != storage.nbytes():
                raise pickle.UnpicklingError(f"storage {key} has another size than its tensors")
            if storage.nbytes():
                _bytes_of(storage)[:] = data[position + 8 : end]
            position = end
        return position


# --- load ----------------------------------------------------------------------------------------


class _FullUnpickler(pickle.Unpickler):
    """Python's own unpickler, reading torch's module names as rushlight's (weights_only=False)."""

    def find_class(self, module, name):
        kind = storage_type(module, name)
        if kind is not None:
            return kind
        if module == "torch" or module.startswith("torch."):
            module = "rushlight" + module[5:]
        return super().find_class(module, name)


def load(
    f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args
):
    """Loads an object saved with `torch.save`, by PyTorch or by rushlight.

    Args:
        f: a path or a binary file object with `read`, `seek` and `tell`.
        map_location: a device, a string, a dict of strings, or a function `(storage, location)`;
            None puts each storage where it was saved from.
        pickle_module: a module to unpickle with; implies `weights_only=False`.
        weights_only (bool): True, the default, builds only tensors and plain data and can run
            nothing. False runs whatever the file asks: only for files you trust.
        mmap (bool): map the file instead of reading it (paths only).

    Raises:
        pickle.UnpicklingError: the data is malformed or not allowed by `weights_only`.
        EOFError: the file is empty.
        RuntimeError: the archive is damaged, or a device is not there.

    Example:
        >>> torch.save({"w": torch.ones(2)}, "w.pt")
        >>> torch.load("w.pt")
        {'w': tensor([1., 1.])}
    """
    weights_only = _choose_mode(weights_only, pickle_module)
    for name in pickle_load_args.keys() - {"encoding", "errors", "fix_imports", "buffers"}:
        raise TypeError(f"Unpickler.__init__() got an unexpected keyword argument '{name}'")
    pickle_load_args.setdefault("encoding", "utf-8")
    mode = (map_location, weights_only, pickle_module or pickle, pickle_load_args)
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _load_file(file, mmap and f, mode)
    for method in ("seek", "tell", "read"):
        if not hasattr(f, method):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{method}'. You can only torch.load "
                "from a file that is seekable. Please pre-load the data into a buffer like "
                "io.BytesIO and try to load from it instead."
            )
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    return _load_file(f, False, mode)


def _choose_mode(weights_only, pickle_module):
    forced = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0") in ("1", "y", "yes", "true")
    opened = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0") in ("1", "y", "yes", "true")
    if weights_only is None:
        weights_only = pickle_module is None and not opened
    weights_only = weights_only or forced
    if weights_only and pickle_module is not None:
        raise RuntimeError(
            "Can not safely load weights when explicit pickle_module is specified. Leave "
            "pickle_module out, or pass weights_only=False if you trust the file."
        )
    return weights_only


def _is_zipfile(f):
    """Does an archive begin here? The position stays."""
    start = f.tell()
    head = f.read(4)
    f.seek(start)
    return head == b"PK\3\4"


def _load_file(file, mmap, mode):
    start = file.tell()
    if not file.read(1):
        raise EOFError("Ran out of input")
    file.seek(start)
    if _is_zipfile(file):
        # An archive inside a larger stream is read on its own: its offsets count from its start.
        archive_file = io.BytesIO(file.read()) if start else file
        result = _load_archive(archive_file, mmap, mode)
        if not start:
            file.seek(0, os.SEEK_END)
        return result
    if mmap:
        path = f"{mmap}, " if isinstance(mmap, str) else ""
        raise RuntimeError(
            f"mmap can only be used with files saved with `torch.save({path}"
            "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this "
            "option in order to use mmap."
        )
    return _load_legacy(file, mode)


def _load_archive(file, mmap, mode):
    map_location, weights_only, module, args = mode
    archive = _archive.ArchiveReader(file)
    if "/constants.pkl" in archive:
        raise RuntimeError(
            "this file is a TorchScript archive (torch.jit.save), which rushlight does not read. "
            "Save the model's state_dict() with torch.save instead."
        )
    mapped = None
    if mmap:
        from mmap import ACCESS_COPY
        from mmap import mmap as Map

        mapped = Map(file.fileno(), 0, access=ACCESS_COPY)
    storages = _ArchiveStorages(archive, map_location, mapped)
    data = archive.read("/data.pkl")
    if weights_only:
        return _load_data(data, 0, storages, args)[0]
    return _unpickler(module, io.BytesIO(data), storages, args).load()


def _load_data(data, position, storages, args):
    """(object, position after it), by the interpreter that can only build data."""
    unpickler = DataUnpickler(
        data, position, storages.persistent_load, _safe_globals, args["encoding"]
    )
    try:
        return unpickler.load(), unpickler.position
    except pickle.UnpicklingError as e:
        raise pickle.UnpicklingError(_refusal(str(e))) from None


def _refusal(detail):
    return (
        "Weights only load failed. The file is damaged, or holds more than tensors and plain "
        f"data.\nWeightsUnpickler error: {detail}\n"
        "To load it anyway, pass weights_only=False: do that only if you trust where the file "
        "comes from, since it lets the file run any code."
    )


def _unpickler(module, file, storages, args):
    base = _FullUnpickler
    if module is not pickle:
        base = type("Unpickler", (module.Unpickler,), {"find_class": _find_class(module)})
    unpickler = base(file, **args)
    unpickler.persistent_load = storages.persistent_load
    return unpickler


def _find_class(module):
    def find_class(self, name, attribute):
        kind = storage_type(name, attribute)
        if kind is not None:
            return kind
        if name == "torch" or name.startswith("torch."):
            name = "rushlight" + name[5:]
        return module.Unpickler.find_class(self, name, attribute)

    return find_class


def _load_legacy(file, mode):
    """Files from before PyTorch 1.6: three small pickles, the object, the keys, the storages."""
    map_location, weights_only, module, args = mode
    begin = file.tell()
    data = file.read()
    storages = _LegacyStorages(map_location, len(data))
    if weights_only:

        def read(position):
            return _load_data(data, position, storages, args)

    else:

        def read(position):
            stream = io.BytesIO(data)
            stream.seek(position)
            return _unpickler(module, stream, storages, args).load(), stream.tell()

    magic, position = read(0)
    if magic != MAGIC_NUMBER:
        if weights_only:
            raise pickle.UnpicklingError(_refusal("Invalid magic number; corrupt file?"))
        raise RuntimeError("Invalid magic number; corrupt file?")
    version, position = read(position)
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    _, position = read(position)
    start = position
    result, position = read(start)
    keys, position = read(position)
    file.seek(begin + storages.fill(keys, data, position))  # another object may follow
    # The object came before the bytes; if these went to another device it is built anew on them.
    return read(start)[0] if storages.place() else result


def get_unsafe_globals_in_checkpoint(f):
    """Names in a .pt file that `load(weights_only=True)` refuses, in order, nothing being built."""
    from pickletools import genops

    opened = open(f, "rb") if isinstance(f, (str, os.PathLike)) else f
    try:
        data = _archive.ArchiveReader(opened).read("/data.pkl")
    finally:
        if opened is not f:
            opened.close()
    check, found, strings = DataUnpickler(b"", allowed=_safe_globals), {}, []
    for op, value, _ in genops(data):
        if isinstance(value, str) and op.name != "GLOBAL":
            strings.append(value)
        if op.name in ("GLOBAL", "STACK_GLOBAL"):
            names = value.split(" ", 1) if op.name == "GLOBAL" else strings[-2:]
            try:
                check.find(*names)
            except pickle.UnpicklingError:
                found[".".join(names)] = None
    return list(found)


def __getattr__(name):
    # The writer is imported on its first use.
    if name in ("save", "Pickler"):
        from . import _pickle_save

        return getattr(_pickle_save, name)
    from ._missing import missing

    return missing(__name__, name)
