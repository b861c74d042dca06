"""Tensors in memory that processes share: `share_memory_`, and how such a tensor is sent.

A tensor is moved into a memory file of its own. What is forked sees the same memory; what is sent
through a queue, a pipe or as an argument of a process arrives as the same memory too. Tensors that
were not moved are sent by value. Not here: batches of data loaders (utils/data/_utils/transport.py).
"""

import mmap
import os
import weakref
from multiprocessing import reduction

import rushlight as torch

_files = {}  # address: descriptor of the memory file that lies there


class _Memory(mmap.mmap):
    """A mapped memory file; a class of its own because mmap itself takes no weak references."""


def _map(descriptor, nbytes):
    """The storage of a memory file, which is closed when nothing uses it any more."""
    memory = _Memory(descriptor, nbytes)
    storage = torch.frombuffer(memory, dtype=torch.uint8).untyped_storage()
    address = storage.data_ptr()
    _files[address] = descriptor
    weakref.finalize(memory, _close, address, descriptor).atexit = False
    return storage


def _close(address, descriptor):
    _files.pop(address, None)
    os.close(descriptor)


def is_shared(tensor):
    """Does the tensor lie in memory that processes share?"""
    storage = tensor.untyped_storage()
    return storage.is_shared() or storage.data_ptr() in _files


def share(tensor):
    """Moves a tensor to shared memory, and returns it. Views of it stay where they are."""
    if tensor.device.type != "cpu" or is_shared(tensor):
        return tensor
    from .utils.data._utils.transport import open_file

    old, nbytes = tensor.untyped_storage(), max(tensor.untyped_storage().nbytes(), 1)
    descriptor = open_file()
    if descriptor is None:
        raise NotImplementedError("this system has no memory files that rushlight can share")
    os.ftruncate(descriptor, nbytes)
    new = _map(descriptor, nbytes)
    if old.nbytes():
        memoryview(new).cast("B")[:] = memoryview(old).cast("B")
    place = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
    with torch.no_grad():
        tensor.data = torch._C._tensor_from_storage(new, tensor.dtype, *place)
    return tensor


def _rebuild(cls, descriptor, nbytes, dtype, place, requires_grad):
    storage = _map(descriptor.detach(), nbytes)
    tensor = torch._C._tensor_from_storage(storage, dtype, *place)
    if cls is torch.nn.Parameter:
        return torch.nn.Parameter(tensor, requires_grad)
    return tensor.requires_grad_(requires_grad)


def _reduce(tensor):
    """How multiprocessing sends a tensor."""
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd "
            "does not support crossing process boundaries.  If you just want to transfer the data, "
            "call detach() on the tensor before serializing (e.g., putting it on the queue)."
        )
    storage = tensor.untyped_storage()
    descriptor = _files.get(storage.data_ptr())
    if descriptor is None:
        return tensor.__reduce_ex__(2)
    place = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
    return _rebuild, (
        type(tensor), reduction.DupFd(descriptor), storage.nbytes(), tensor.dtype, place,
        tensor.requires_grad,
    )  # fmt: skip


def install():
    """multiprocessing sends tensors as this file says."""
    for cls in (torch.Tensor, torch.nn.Parameter):
        reduction.register(cls, _reduce)
