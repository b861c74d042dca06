"""Parameter and Buffer: the tensors that a Module keeps, and their forms of a yet unknown shape."""

from collections import OrderedDict

import rushlight as torch

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]

_Tensor = torch.Tensor


class _ParameterMeta(type(_Tensor)):
    # A tensor subclass of the user's own stays what it is and only carries a mark.
    def __instancecheck__(cls, instance):
        if not isinstance(instance, _Tensor):
            return False
        return issubclass(type(instance), cls) or (
            cls is Parameter and getattr(instance, "_is_param", False)
        )


class Parameter(torch.Tensor, metaclass=_ParameterMeta):
    """A tensor that a Module lists in `parameters()` as soon as it is assigned as an attribute.

    It shares storage with `data` and requires a gradient unless told otherwise.

    >>> import rushlight as torch
    >>> p = torch.nn.Parameter(torch.ones(2))
    >>> p.requires_grad, isinstance(p, torch.Tensor)
    (True, True)
    """

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = torch.empty(0)
        if type(data) is torch.Tensor or type(data) is Parameter:
            return torch.Tensor._make_subclass(cls, data, requires_grad)
        t = data.detach().requires_grad_(requires_grad)
        if type(t) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} "
                "requires that detach() returns an instance of the same type, but return "
                f"type {type(t).__name__} was found instead. To use the type as a "
                "Parameter, please correct the detach() semantics defined by "
                "its __torch_dispatch__() implementation."
            )
        t._is_param = True
        return t

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            data = self.data.clone(memory_format=torch.preserve_format)
            memo[id(self)] = type(self)(data, self.requires_grad)
        return memo[id(self)]

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto):
        from .._utils import _rebuild_parameter, _rebuild_parameter_with_state

        # Hooks cannot be saved: their place in the format stays empty.
        args = (self.data, self.requires_grad, OrderedDict())
        if self.__dict__:
            return _rebuild_parameter_with_state, (*args, self.__dict__)
        return _rebuild_parameter, args

    # Operations on parameters give plain tensors.
    __torch_function__ = torch._C._disabled_torch_function_impl


_SHAPE_ERROR = (
    "Can't access the shape of an uninitialized parameter or buffer. "
    "This error usually happens in `load_state_dict` when trying to load "
    "an uninitialized parameter into an initialized one. "
    "Call `forward` to initialize the parameters before accessing their attributes."
)


def _allowed_while_lazy():
    """The functions that need no shape: moving, casting, copying, reading flags."""
    t = torch.Tensor
    names = "half float double char short int long cuda cpu to _has_compatible_shallow_copy_type"
    functions = [getattr(t, name, None) for name in [*names.split(), "copy_", "get_device"]]
    flags = "is_cuda device dtype layout is_meta requires_grad data grad is_sparse names _version"
    descriptors = [getattr(t, name, None) for name in flags.split()]
    return functions + [getattr(d, m, None) for d in descriptors for m in ("__get__", "__set__")]


class UninitializedTensorMixin:
    """A tensor without shape, for lazy modules. `materialize` gives it one, and its final class."""

    def materialize(self, shape, device=None, dtype=None):
        """Become a tensor of `shape` with undefined content, on the same device by default."""
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = torch.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        raise RuntimeError(_SHAPE_ERROR)

    def share_memory_(self):
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. "
            "Call `forward` to initialize the parameters before calling "
            "`module.share_memory()`."
        )

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, proto):
        return type(self), (self.requires_grad,)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        # Bound descriptors are made anew at each access, so they are compared by value.
        is_accessor = getattr(func, "__name__", "") in ("__get__", "__set__")
        if is_accessor or func in _allowed_while_lazy():
            return super().__torch_function__(func, types, args, kwargs or {})
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}. "
            "This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `torch.nn.parameter.{cls.__name__}` "
            "objects. When using LazyModules Call `forward` with a dummy batch "
            "to initialize the parameters before calling torch functions"
        )


def is_lazy(param):
    """Whether `param` still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape is found by the first forward of a lazy module."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        data = torch.empty(0, device=device, dtype=dtype)
        return torch.Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


class _BufferMeta(type(_Tensor)):
    def __instancecheck__(cls, instance):
        if not isinstance(instance, _Tensor):
            return False
        return issubclass(type(instance), cls) or (
            cls is Buffer and getattr(instance, "_is_buffer", False)
        )


class Buffer(torch.Tensor, metaclass=_BufferMeta):
    """A tensor that a Module registers as a buffer when it is assigned as an attribute.

    The result is a plain tensor that carries a mark. `persistent=False` keeps it out of the
    module's state_dict.
    """

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = torch.empty(0)
        t = data.detach().requires_grad_(data.requires_grad)
        t.persistent = persistent
        t._is_buffer = True
        return t

    __torch_function__ = torch._C._disabled_torch_function_impl


class UninitializedBuffer(UninitializedTensorMixin, torch.Tensor):
    """A Buffer whose shape is found by the first forward of a lazy module."""

    cls_to_become = torch.Tensor

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        data = torch.empty(0, device=device, dtype=dtype)
        buffer = torch.Tensor._make_subclass(cls, data, requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer
