"""The zip container of .pt files: reading with every size checked first, writing aligned records.

Records are stored, never compressed, so that one can be read or mapped straight into a storage.
"""

import os
import struct

_ALIGNMENT = 64
_LOCAL_HEADER = 30
_ZIP64 = 20
_HINT = (
    "This can happen if the file was not saved completely, was changed or transferred incorrectly, "
    "or is not a checkpoint."
)


def _failed(what):
    return RuntimeError(f"PytorchStreamReader failed {what}. {_HINT}")


class ArchiveReader:
    """The records of a checkpoint. Raises RuntimeError for whatever is not a sound archive.

    Args:
        file: a seekable binary file object, left open.
    """

    def __init__(self, file):
        self.file = file
        self.file_size = file.seek(0, os.SEEK_END)
        try:
            from zipfile import ZipFile

            entries = ZipFile(file).infolist()
        except Exception:
            raise _failed("reading zip archive: failed finding central directory") from None
        # Stored records cannot overlap, so that all of them together are no larger than the file.
        total = 0
        for entry in entries:
            total += entry.file_size
            stored = entry.compress_type == 0 and not entry.flag_bits & 1
            if not stored or entry.file_size != entry.compress_size:
                raise _failed(f"reading zip archive: record {entry.filename!r} is compressed")
        if total > self.file_size:
            raise _failed("reading zip archive: records overlap")
        self.entries = {entry.filename: entry for entry in entries}
        self.prefix = next((e[:-9] for e in self.entries if e.endswith("/data.pkl")), None)
        if self.prefix is None:
            raise _failed("locating file data.pkl: file not found")

    def __contains__(self, name):
        return f"{self.prefix}{name}" in self.entries

    def span(self, name):
        """(offset, size) in the file of a record's bytes, checked to lie inside the file."""
        entry = self.entries.get(f"{self.prefix}{name}")
        if entry is None:
            raise _failed(f"locating file {name.lstrip('/')}: file not found")
        header = b""
        if 0 <= entry.header_offset < self.file_size:
            self.file.seek(entry.header_offset)
            header = self.file.read(_LOCAL_HEADER)
        if len(header) != _LOCAL_HEADER or header[:4] != b"PK\3\4":
            raise _failed(f"reading file {name.lstrip('/')}: invalid header")
        offset = entry.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", header[26:30]))
        if offset + entry.file_size > self.file_size:
            raise _failed(f"reading file {name.lstrip('/')}: file read failed")
        return offset, entry.file_size

    def read(self, name):
        """A record's bytes."""
        offset, size = self.span(name)
        self.file.seek(offset)
        data = self.file.read(size)
        if len(data) != size:
            raise _failed(f"reading file {name.lstrip('/')}: file read failed")
        return data

    def read_into(self, offset, view):
        read_into(self.file, offset, view)


def read_into(file, offset, view):
    """Fills the memoryview `view` with the bytes of `file` from `offset` on."""
    file.seek(offset)
    readinto = getattr(file, "readinto", None)
    done = 0
    while done < len(view):
        if readinto:
            count = readinto(view[done:])
        else:
            chunk = file.read(min(len(view) - done, 1 << 24))
            count = len(chunk)
            view[done : done + count] = chunk
        if not count:
            raise _failed("reading file: file read failed")
        done += count


class ArchiveWriter:
    """Writes records one after another into `file`; `close` writes the directory."""

    def __init__(self, file, prefix):
        from zipfile import ZipFile

        self.zip, self.prefix = ZipFile(file, "w"), prefix

    def write(self, name, data):
        """One record, its bytes beginning at a multiple of 64 so that it can be mapped."""
        from zipfile import ZipInfo

        info = ZipInfo(f"{self.prefix}/{name}")
        info.file_size = data.nbytes if isinstance(data, memoryview) else len(data)
        large = info.file_size > 0x7FFF0000
        start = self.zip.fp.tell() + _LOCAL_HEADER + len(info.filename.encode()) + 4
        padding = -(start + (_ZIP64 if large else 0)) % _ALIGNMENT
        info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        with self.zip.open(info, "w", force_zip64=large) as record:
            record.write(data)

    def close(self):
        self.zip.close()


class AtomicFile:
    """A file that appears under its name only when it is complete: `with AtomicFile(path) as f`.

    An existing file keeps its mode; devices, pipes and unwritable folders are written in place.
    """

    def __init__(self, path):
        self.path = os.path.realpath(path)

    def __enter__(self):
        folder = os.path.dirname(self.path)
        if not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {folder} does not exist.")
        self.temporary = None
        if os.path.isfile(self.path) or not os.path.exists(self.path):
            self._open_temporary()
        if self.temporary is None:
            self.file = open(self.path, "wb")
        return self.file

    def _open_temporary(self):
        name = f"{self.path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
        mode = 0o666
        if os.path.exists(self.path):
            if not os.access(self.path, os.W_OK):
                return  # opening it in place raises the error that the user expects
            mode = os.stat(self.path).st_mode & 0o777
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            self.file = os.fdopen(os.open(name, flags, mode), "wb")
        except OSError:
            return
        self.temporary = name

    def __exit__(self, kind, value, traceback):
        try:
            self.file.close()
            if self.temporary and kind is None:
                os.replace(self.temporary, self.path)
                self.temporary = None
        finally:
            if self.temporary:
                os.unlink(self.temporary)
