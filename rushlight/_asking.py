"""How subclasses of Tensor are asked for what is no operation: `x.shape`, `x.grad = g`, `len(x)`, `repr(x)`.

Tensor's own properties and methods of this kind ask nobody and cost nothing more. A class with
`__torch_function__` gets others in their place, through which one sees Tensor's: `Sub.shape is
Tensor.shape`. Not here: how functions are asked (_overridable.py).
"""

from . import _C
from ._C import Tensor

_METHODS = frozenset(
    """__array__ __array_wrap__ __bool__ __contains__ __deepcopy__ __dir__ __dlpack__
    __dlpack_device__ __float__ __format__ __index__ __int__ __len__ __reduce_ex__ __repr__
    __reversed__ _is_view data_ptr dim element_size get_device is_complex is_contiguous
    is_floating_point is_inference is_signed ndimension nelement new new_tensor numel requires_grad_
    size storage_offset stride""".split()
)
# What gives tensors and would else give plain ones. Every subclass has these.
_OF_TENSORS = frozenset("H T mH mT data real imag new new_tensor __array_wrap__".split())
_UNASKED = {"__dict__", "__weakref__"}


class _Asked:
    # A property or method of Tensor, through which the class has Tensor's own. (No docstrings here:
    # they would be taken for the property's.)

    __slots__ = ("original",)

    def __init__(self, original):
        self.original = original


class _Property(_Asked):
    # Asks `__torch_function__` of the object's class first.

    __slots__ = ()

    def __get__(self, item, owner=None):
        return self.original if item is None else self._call("__get__", item)

    def __set__(self, item, value):
        self._call("__set__", item, value)

    def __delete__(self, item):
        self._call("__delete__", item)

    def _call(self, name, item, *value):
        access = getattr(self.original, name)
        return _ask(access, item, *value) if _C._has_torch_function(item) else access(item, *value)


class _Method(_Asked):
    # The same of a method.

    __slots__ = ()

    def __get__(self, item, owner=None):
        if item is None:
            return self.original
        if not _C._has_torch_function(item):
            return self.original.__get__(item)
        return lambda *args, **kwargs: _ask(self.original, item, *args, **kwargs)


def _ask(function, *args, **kwargs):
    from .overrides import _dispatch

    return _dispatch(function, args, kwargs)


def _eq(self, other):
    try:
        asked = _C._has_torch_function(self) or _C._has_torch_function(other)
        return _ask(Tensor.__eq__, self, other) if asked else Tensor.__eq__(self, other)
    except TypeError:
        return NotImplemented  # and so `x == None` is False


def _ne(self, other):
    return NotImplemented if other is None else Tensor.__ne__(self, other)


def _iter(self):
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def ask(cls, overrides):
    """Gives `cls`, a subclass of Tensor, properties and methods that ask: all of them if it overrides
    `__torch_function__`, and else those that give tensors."""
    for name, original in vars(Tensor).items():
        kind = _Property if hasattr(type(original), "__set__") else _Method
        if name in _UNASKED or kind is _Method and name not in _METHODS:
            continue
        if (overrides or name in _OF_TENSORS) and _inherited(cls, name) is original:
            type.__setattr__(cls, name, kind(original))
    for name, method in {"__eq__": _eq, "__ne__": _ne, "__iter__": _iter}.items():
        if _inherited(cls, name) is vars(Tensor)[name]:
            type.__setattr__(cls, name, method)


def _inherited(cls, name):
    return next(vars(c)[name] for c in cls.__mro__ if name in vars(c))
