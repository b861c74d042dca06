"""`torch.utils.dlpack`: tensors to and from other libraries without copying."""

import rushlight as torch


def to_dlpack(tensor):
    """A DLPack capsule that shares the tensor's memory; it can be consumed once."""
    return tensor.__dlpack__()


def from_dlpack(ext_tensor):
    """A tensor that shares the memory of a DLPack capsule or of an object with `__dlpack__`."""
    return torch.from_dlpack(ext_tensor)
