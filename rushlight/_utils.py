"""Functions by which pickles rebuild tensors and parameters. Their names are part of the format."""

import rushlight as torch


def _rebuild_tensor(storage, storage_offset, size, stride):
    untyped = getattr(storage, "_untyped_storage", storage)
    return torch._C._tensor_from_storage(untyped, storage.dtype, storage_offset, size, stride)


def _finish(tensor, requires_grad, metadata):
    """Apply the lazy conjugation and negation that PyTorch notes, then the gradient flag."""
    if metadata and metadata.get("conj"):
        tensor = tensor.conj()
    if metadata and metadata.get("neg"):
        tensor = tensor.neg()
    tensor.requires_grad = requires_grad
    return tensor


# Hooks are never saved; `backward_hooks` only keeps its place in the format.


def _rebuild_tensor_v2(
    storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None
):
    tensor = _rebuild_tensor(storage, storage_offset, size, stride)
    return _finish(tensor, requires_grad, metadata)


def _rebuild_tensor_v3(
    storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None
):
    untyped = getattr(storage, "_untyped_storage", storage)
    tensor = torch._C._tensor_from_storage(untyped, dtype, storage_offset, size, stride)
    return _finish(tensor, requires_grad, metadata)


def _rebuild_meta_tensor_no_storage(dtype, size, stride, requires_grad):
    return torch.empty_strided(
        size, stride, dtype=dtype, device="meta", requires_grad=requires_grad
    )


def _rebuild_parameter(data, requires_grad, backward_hooks):
    return torch.nn.Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data, requires_grad, backward_hooks, state):
    return _set_obj_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _get_obj_state(obj):
    """The attributes a program put on `obj`: a dict, or a pair of it and a dict of slots."""
    import copyreg

    attributes = dict(getattr(obj, "__dict__", None) or {})
    names = copyreg._slotnames(type(obj))
    slots = {name: getattr(obj, name) for name in names if hasattr(obj, name)}
    return (attributes, slots) if slots else attributes


def _set_obj_state(obj, state):
    """Restore what `_get_obj_state` gave. Returns the object."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for key, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(obj, key, value)
    return obj


def _find_op(name):
    """The operation of that name, wherever it appears."""
    import rushlight._C as _C

    for table in (
        _C._functions,
        vars(_C._nn),
        vars(_C._special),
        vars(_C._linalg),
        vars(_C.Tensor),
    ):
        if name in table:
            return table[name]
    raise AttributeError(f"no operation '{name}'")


class KeyErrorMessage(str):
    """A text whose repr is itself: KeyError shows the repr of its argument."""

    def __repr__(self):
        return str(self)


class ExceptionWrapper:
    """An exception on its way to another thread or process: what is being handled, or `exc_info`."""

    def __init__(self, exc_info=None, where="in background"):
        import sys
        import traceback

        exc_info = exc_info or sys.exc_info()
        self.exc_type, self.where = exc_info[0], where
        self._name = self.exc_type.__name__  # also if its class cannot be sent
        self.exc_msg = "".join(traceback.format_exception(*exc_info))

    def reraise(self):
        """Raises an exception of the same class whose message holds the first one's traceback."""
        text = f"Caught {self._name} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            text = KeyErrorMessage(text)
        try:
            error = self.exc_type(text)
        except Exception:  # noqa: BLE001 - whatever its constructor does
            error = RuntimeError(text)  # a class that wants other arguments cannot be made again
        raise error from None


def callable_module(module_name):
    """Makes a module callable as its function of the same name, which its parent's attribute means:
    an import of the module puts the module there."""
    import sys

    name = module_name.rpartition(".")[2]

    class Module(type(sys)):
        def __call__(self, *args, **kwargs):
            return vars(self)[name](*args, **kwargs)

    sys.modules[module_name].__class__ = Module
