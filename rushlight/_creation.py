"""tensor, as_tensor, asarray: tensors of Python data. Factories of sizes are in the core."""

from . import _C


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False, names=None):
    """A new tensor of `data`: a number, a nested sequence of numbers, or an array; always a copy.

    The dtype is inferred (ints int64, floats the default dtype) unless given. Raises ValueError
    for ragged sequences, TypeError for what is no number.

    >>> torch.tensor([[1, 2], [3, 4]]).dtype
    torch.int64
    """
    if isinstance(data, _C.Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() "
            "or sourceTensor.detach().clone().requires_grad_(True), rather than "
            "torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
    result = _C._tensor_from(data, dtype, True)
    result = _place(result, device)
    if not requires_grad:
        return result
    if not (result.is_floating_point() or result.is_complex()):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return result.requires_grad_(True)


def as_tensor(data, dtype=None, device=None):
    """`data` as a tensor, sharing memory with tensors and NumPy arrays where dtype allows.

    The dtype is that of `data` unless given: ints give int64, floats the default dtype. Raises what
    `torch.tensor` raises. No copy of a tensor on the same device, so a change is seen in both.

    >>> x = torch.ones(2)
    >>> torch.as_tensor(x) is x
    True
    >>> torch.as_tensor([1, 2.5])
    tensor([1.0000, 2.5000])
    """
    if isinstance(data, _C.Tensor):
        data = _place(data, device)
        return data if dtype is None or dtype == data.dtype else data.to(dtype)
    result = _C._tensor_from(data, dtype, False)
    return _place(result, device)


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    """`obj` as a tensor: of tensors, arrays, buffers, DLPack objects and sequences.

    `copy` is True (always), False (never: ValueError where one is needed) or None (as needed);
    bytes and buffers hold elements of `dtype`. With requires_grad=False the result takes no part in a graph.

    >>> torch.asarray(bytearray(b"ab"), dtype=torch.uint8)
    tensor([97, 98], dtype=torch.uint8)
    >>> torch.asarray([1, 2])
    tensor([1, 2])
    """
    if isinstance(obj, _C.Tensor):
        result = obj.clone() if copy else obj
        if not requires_grad and result.requires_grad:
            result = result.detach()
        if dtype is not None and dtype != result.dtype:
            if copy is False:
                given, wanted = _C._type_name(result.dtype), _C._type_name(dtype)
                raise ValueError(f"can't alias tensor with dtype '{given}' into dtype '{wanted}'.")
            result = result.to(dtype)
    elif not hasattr(obj, "__array_interface__") and hasattr(obj, "__dlpack__"):
        from ._tools import from_dlpack

        result = from_dlpack(obj)
        result = result.to(dtype) if dtype is not None else result.clone() if copy else result
    elif not hasattr(obj, "__array_interface__") and (buffer := _buffer(obj)) is not None:
        kind = dtype or _C.get_default_dtype()
        empty = buffer.nbytes == 0
        result = _C._functions["empty"](0, dtype=kind) if empty else _C.frombuffer(obj, dtype=kind)
        result = result.clone() if copy else result
    else:
        if copy is False and not hasattr(obj, "__array_interface__"):
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        result = _C._tensor_from(obj, dtype, bool(copy))
    result = _place(result, device)
    return result.requires_grad_(True) if requires_grad else result


def _buffer(obj):
    """The memory of bytes, storages, mapped files and their like; None of what has none."""
    try:
        return memoryview(obj)
    except TypeError:
        return None


def _place(tensor, device):
    return tensor if device is None else tensor.to(device)


def set_default_dtype(d):
    """Sets the dtype of floats that have none of their own, float32 at first.

    Floating dtypes only, TypeError for others. Affects `torch.tensor(1.0)`, factories, and what
    integers become in a formula.

    >>> torch.set_default_dtype(torch.float64)
    >>> torch.tensor(1.0).dtype
    torch.float64
    >>> torch.set_default_dtype(torch.float32)
    """
    _C.set_default_dtype(d)
