"""How a batch goes from a worker process to its parent: pickled, its arrays beside the pickle.

Small batches travel inside the message. Large ones are written to a memory file that the two
share: one file, so one descriptor, a worker, whatever the number of tensors or of batches kept.
The reader copies into memory of its own, so nothing shared outlives a batch. No processes here.
"""

import io
import os
import pickle

import rushlight as torch

_INLINE = 16 << 10
_SLOT = 40  # a slot's place in the file is slot << 40: the file is sparse, so room costs nothing


def open_file():
    """A descriptor of a new memory file, or None where the system lacks what is needed."""
    if not hasattr(os, "preadv"):
        return None
    if hasattr(os, "memfd_create"):
        # Not in /dev/shm, which containers keep small.
        return os.memfd_create("rushlight-worker")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class _Pickler(pickle.Pickler):
    """Leaves the storages of plain tensors out, once each, in `blobs`."""

    def __init__(self, file, blobs):
        super().__init__(file, 5, buffer_callback=self._buffer)
        self.blobs, self.known, self.kept = blobs, {}, []

    def _buffer(self, buffer):
        self.blobs.append(buffer.raw())

    def persistent_id(self, value):
        if type(value) is torch.Tensor:
            return self._tensor(value)
        return None

    def _tensor(self, value):
        if value.requires_grad and not value.is_leaf:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, "
                "since autograd does not support crossing process boundaries.  "
                "If you just want to transfer the data, call detach() on the tensor "
                "before serializing (e.g., putting it on the queue)."
            )
        whole = value.untyped_storage()
        size, stride, grad = tuple(value.shape), value.stride(), value.requires_grad
        offset = value.storage_offset()
        if whole.nbytes() > 2 * value.numel() * value.itemsize:
            # A small part of a large storage, as a row of a data set is: send the part.
            value = value.detach().clone(memory_format=torch.contiguous_format)
            whole, stride, offset = value.untyped_storage(), value.stride(), 0
        key = whole.data_ptr()
        if key not in self.known or not whole.nbytes():
            self.known[key] = len(self.kept)
            self.kept.append(whole)
        return self.known[key], str(value.dtype)[6:], offset, size, stride, grad

    def pack(self, value):
        """The pickle; afterwards `blobs` holds the bytes of arrays, then those of tensors."""
        self.dump(value)
        arrays = len(self.blobs)
        self.blobs += [memoryview(storage).cast("B") for storage in self.kept]
        return arrays


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, buffers, storages):
        super().__init__(file, buffers=buffers)
        self.storages = storages

    def persistent_load(self, key):
        which, dtype, offset, size, stride, grad = key
        storage = self.storages[which]
        dtype = getattr(torch, dtype)
        tensor = torch._C._tensor_from_storage(storage, dtype, offset, size, stride)
        return tensor.requires_grad_() if grad else tensor


def pack(value, fd, slot):
    """A message for `unpack`; what is large lies in the file `fd` at `slot` afterwards."""
    body, blobs = io.BytesIO(), []
    arrays = _Pickler(body, blobs).pack(value)
    parts = [body.getbuffer(), *blobs]
    sizes = [len(part) for part in parts]
    if fd is None or sum(sizes) <= _INLINE:
        return arrays, None, [bytes(part) for part in parts]
    where = slot << _SLOT
    for part in parts:
        _write(fd, part, where)
        where += len(part)
    return arrays, sizes, None


def unpack(message, fd, slot):
    """The value that `pack` was given, in memory of its own."""
    arrays, sizes, inline = message
    sizes = sizes or [len(part) for part in inline]
    storages = [torch.UntypedStorage(n) for n in sizes[arrays + 1 :]]
    buffers = [bytearray(n) for n in sizes[: arrays + 1]]
    targets = [memoryview(part).cast("B") for part in buffers + storages]
    where = slot << _SLOT
    for i, target in enumerate(targets):
        if not len(target):
            continue
        if inline is not None:
            target[:] = inline[i]
        else:
            _read(fd, target, where)
            where += len(target)
    return _Unpickler(io.BytesIO(buffers[0]), buffers[1:], storages).load()


def _write(fd, part, where):
    while len(part):
        done = os.pwrite(fd, part, where)
        part, where = part[done:], where + done


def _read(fd, target, where):
    while len(target):
        done = os.preadv(fd, [target], where)
        if done <= 0:
            raise RuntimeError("a DataLoader worker's memory file is shorter than its batch")
        target, where = target[done:], where + done
