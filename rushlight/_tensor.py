"""How tensors are pickled and deep-copied: the bodies of `Tensor.__reduce_ex__` and `__deepcopy__`.

The names follow PyTorch's checkpoints, which call `torch._tensor._rebuild_from_type_v2`.
"""

from collections import OrderedDict

import rushlight as torch

from . import _utils
from .storage import TypedStorage, _storage_name


def _rebuild_from_type_v2(func, new_type, args, state):
    """A tensor of a subclass, or with attributes of its own."""
    result = func(*args)
    if type(result) is not new_type:
        result = result.as_subclass(new_type)
    if getattr(new_type, "__setstate__", None) is not getattr(torch.Tensor, "__setstate__", None):
        result.__setstate__(state)
        return result
    return _utils._set_obj_state(result, state)


def _reduce_ex(tensor, proto=2):
    """`(function, arguments)` from which pickle rebuilds `tensor`, in PyTorch's format."""
    func, args = _reduce_plain(tensor)
    state = _utils._get_obj_state(tensor) if hasattr(tensor, "__dict__") else {}
    if type(tensor) is torch.Tensor and not state:
        return func, args
    return _rebuild_from_type_v2, (func, type(tensor), args, state)


def _reduce_plain(tensor):
    if tensor.device.type == "meta":
        args = (tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.requires_grad)
        return _utils._rebuild_meta_tensor_no_storage, args
    # Lazy conjugates are written as values: the file then needs no metadata.
    requires_grad = tensor.requires_grad
    if tensor.is_complex() and tensor.is_conj():
        tensor = tensor.resolve_conj()
    storage = tensor.untyped_storage()
    where = (tensor.storage_offset(), tuple(tensor.size()), tuple(tensor.stride()))
    args = (*where, requires_grad, OrderedDict())
    if _storage_name(tensor.dtype) is None:
        return _utils._rebuild_tensor_v3, (storage, *args, tensor.dtype)
    typed = TypedStorage(wrap_storage=storage, dtype=tensor.dtype)
    return _utils._rebuild_tensor_v2, (typed, *args)


def _deepcopy(tensor, memo):
    """A copy with a storage of its own; tensors that shared one storage share the copy."""
    if not tensor.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm "
            "usage, see https://github.com/pytorch/pytorch/pull/103001\nThis one was made by an operation. Copy its values with "
            "tensor.detach().clone(), or copy before the operation."
        )
    if id(tensor) in memo:
        return memo[id(tensor)]
    import copy

    with torch.no_grad():
        new = _copy_values(tensor, memo)
        if type(tensor) is not torch.Tensor:
            new = new.as_subclass(type(tensor))
        new.requires_grad = tensor.requires_grad
        memo[id(tensor)] = new
        if tensor.grad is not None:
            new.grad = copy.deepcopy(tensor.grad, memo)
    if getattr(tensor, "__dict__", None):
        new.__dict__.update(copy.deepcopy(tensor.__dict__, memo))
    return new


def _copy_values(tensor, memo):
    if tensor.device.type == "meta" or (tensor.is_complex() and tensor.is_conj()):
        return tensor.detach().clone()
    plain = tensor.detach().as_subclass(torch.Tensor)
    storage = plain.untyped_storage()
    copies = memo.setdefault("torch", {})
    if storage._cdata not in copies:
        view = torch._C._tensor_from_storage(storage, torch.uint8, 0, (storage.nbytes(),), (1,))
        # The original stays in the memo too: its identity must not be reused meanwhile.
        copies[storage._cdata] = (view.clone().untyped_storage(), storage)
    where = (plain.storage_offset(), tuple(plain.size()), tuple(plain.stride()))
    return torch._C._tensor_from_storage(copies[storage._cdata][0], plain.dtype, *where)
