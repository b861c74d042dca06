"""Tensor's methods that are Python: printing, NumPy, pickling, backward, hooks, and conversions that
need no kernel. They are put on the class at import; everything heavy is imported on first use.
"""

from . import _C, _gradient_methods, _tensor_names
from ._C import Tensor


class layout:
    """torch.layout: how a tensor's memory is organised; here always strided.

    >>> torch.strided
    torch.strided
    """

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return f"torch.{self._name}"

    def __reduce__(self):
        return self._name


class memory_format(layout):
    """torch.memory_format: the order of dimensions in memory.

    >>> torch.channels_last
    torch.channels_last
    """


strided = layout("strided")
sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc = map(
    layout, ("sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc")
)
contiguous_format, preserve_format, channels_last, channels_last_3d = map(
    memory_format, ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
)
for _name in ("layout", "memory_format"):
    globals()[_name].__module__ = "torch"


def _repr(self, *, tensor_contents=None):
    from ._tensor_str import _str

    return _str(self, tensor_contents=tensor_contents)


def _repr_html(self):
    """What a notebook shows: a heat map, statistics and the text."""
    from ._html import tensor_html

    return tensor_html(self)


def _format(self, spec):
    if self.dim() == 0 and not self.is_meta and type(self) is Tensor:
        return self.item().__format__(spec)
    return object.__format__(self, spec)


def _numpy(self, *, force=False):
    """The tensor as a NumPy array over the same memory.

    Shape and dtype are kept. A change of either is seen in both. Raises RuntimeError for a tensor
    that requires grad unless `force`, TypeError for bfloat16.

    >>> x = torch.zeros(2)
    >>> x.numpy()[0] = 5
    >>> x
    tensor([5., 0.])
    """
    import numpy

    if force:
        self = self.detach().cpu()
    if self.requires_grad and _C.is_grad_enabled():
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            "\nfix: for a value to log, loss.item() is enough."
        )
    if self.dtype is _C.bfloat16:
        raise TypeError("Got unsupported ScalarType BFloat16")
    return numpy.asarray(_C._face(self))


def _array(self, dtype=None, copy=None):
    array = self.numpy()
    if dtype is not None and array.dtype != dtype:
        return array.astype(dtype)
    return array.copy() if copy else array


def _array_wrap(self, array, context=None, return_scalar=False):
    from . import from_numpy

    if array.dtype == bool:
        array = array.astype("uint8")
    return from_numpy(array.copy() if array.ndim == 0 else array)


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """A DLPack capsule over the same memory."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return _C._to_dlpack(self.clone() if copy else self)


def _dlpack_device(self):
    """(kLDCPU, 0)."""
    return (1, 0)


def _tolist(self):
    """The elements as nested lists of Python numbers, a number without dimensions.

    float16 and bfloat16 become floats, complex numbers complex.

    >>> torch.tensor([[1, 2], [3, 4]]).tolist(), torch.tensor(2.5).tolist()
    ([[1, 2], [3, 4]], 2.5)
    """
    return _C._tolist(self)


def _type(self, dtype=None, non_blocking=False, **_):
    """The name of the tensor's type, or the tensor as another type.

    `dtype` is a dtype, or a legacy tensor class or its name; ValueError for another name. Shape is
    kept, and the tensor itself returned where it has that type. `to` is the newer name.

    >>> torch.ones(2).type()
    'torch.FloatTensor'
    >>> torch.ones(2).type(torch.int64)
    tensor([1, 1])
    """
    from ._legacy import DTYPES, NAMES

    if dtype is None:
        return "torch." + NAMES[self.dtype]
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2]
        if name not in DTYPES:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = DTYPES[name]
    return self.to(getattr(dtype, "dtype", dtype))


def _untyped_storage(self):
    """The bytes this tensor views.

    A torch.UntypedStorage, shared by all views of the memory.

    >>> x = torch.zeros(2, 3)
    >>> x.untyped_storage().nbytes(), x[0].untyped_storage().nbytes()
    (24, 24)
    """
    return _C._storage_of(self)


def _storage(self):
    """The storage, as elements of the tensor's dtype.

    A torch.TypedStorage, shared by all views of the memory; `untyped_storage` is the newer name.

    >>> len(torch.zeros(2, 3).storage())
    6
    """
    from .storage import TypedStorage

    return TypedStorage(wrap_storage=self.untyped_storage(), dtype=self.dtype)


def _reduce_ex(self, proto):
    from ._tensor import _reduce_ex

    return _reduce_ex(self, proto)


def _deepcopy(self, memo):
    from ._tensor import _deepcopy

    return _deepcopy(self, memo)


def _copy(self):
    result = Tensor._make_subclass(type(self), self, self.requires_grad)
    result.__dict__.update(self.__dict__)
    return result


_set_tensor = Tensor.set_


def _set_(self, source=None, storage_offset=0, size=None, stride=None):
    """Makes self a view of a tensor's or a storage's memory; of nothing without arguments.

    `source` is a tensor of this dtype, or a storage with an offset, sizes and strides in elements.
    Raises RuntimeError for another dtype, or if they reach out of the storage.

    >>> x = torch.arange(4)
    >>> torch.empty(0, dtype=torch.int64).set_(x.untyped_storage(), 1, (2,))
    tensor([1, 2])
    """
    if source is None:
        return _set_tensor(self, self.new_empty(0))
    if isinstance(source, Tensor):
        if size is None:
            return _set_tensor(self, source)
        source = source.untyped_storage()
    source = getattr(source, "_untyped_storage", source)
    if size is None:
        size = (source.nbytes() // self.element_size(),)
    if stride is None:
        stride = self.new_empty(size, device="meta").stride()
    return _set_tensor(
        self,
        _C._tensor_from_storage(source, self.dtype, storage_offset, tuple(size), tuple(stride)),
    )


def _contains(self, element):
    if isinstance(element, (Tensor, int, float, complex, bool)):
        return bool((element == self).any().item())
    raise RuntimeError(
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
    )


def _reversed(self):
    return self if self.dim() == 0 else self.flip(0)


def _dir(self):
    return sorted({*dir(type(self)), *self.__dict__})


class _Later:
    """A method that the class gets when it is first asked for: a function of that name in `module`, a
    composite, or a stub that says that rushlight lacks it. Not a `__getattr__`: that would slow down
    every attribute of every tensor."""

    __slots__ = ("name", "module")

    def __init__(self, name, module=None):
        self.name, self.module = name, module

    def __get__(self, tensor, cls):
        function = self.find()
        if function is None:
            from ._missing import missing_method

            return missing_method(self.name)
        setattr(Tensor, self.name, function)
        return getattr(cls if tensor is None else tensor, self.name)

    def find(self):
        if self.module is None:
            from .functional import _METHODS

            return _METHODS.get(self.name)
        from importlib import import_module

        return getattr(import_module(self.module, __package__), self.name)


def _new(self, *args, **kwargs):
    """A tensor of the same dtype, by the legacy constructor.

    Sizes give uninitialised memory, a sequence its elements. `new_empty` and `new_tensor` are the
    newer names.

    >>> torch.ones(1, dtype=torch.float64).new([3, 4])
    tensor([3., 4.], dtype=torch.float64)
    """
    return _C._legacy_tensor(self.dtype, args, kwargs or None)


def _new_tensor(self, data, *, dtype=None, device=None, requires_grad=False, **_):
    """A copy of `data` with this tensor's dtype.

    `data` is a number, a nested sequence, or an array; `dtype` and `device` replace the tensor's
    own. Raises ValueError for ragged sequences, TypeError for what is no number.

    >>> torch.ones(1, dtype=torch.float64).new_tensor([3, 4])
    tensor([3., 4.], dtype=torch.float64)
    """
    result = _C._tensor_from(data, dtype or self.dtype, True)
    result = result.to(device or self.device)
    return result.requires_grad_(True) if requires_grad else result


def _is_pinned(self, device=None):
    """Does it lie in memory that a GPU reads directly? Never.

    >>> torch.ones(2).is_pinned()
    False
    """
    return False


def _pin_memory(self, device=None):
    """The tensor itself: memory is not pinned here.

    PyTorch raises RuntimeError where there is no GPU.
    """
    return self


def _is_cpu(self):
    """Does it lie in the CPU's memory?

    >>> torch.ones(2).is_cpu
    True
    """
    return self.device.type == "cpu"


def _layout(self):
    """How its memory is organised: torch.strided, always.

    >>> torch.ones(2).layout
    torch.strided
    """
    return strided


def _no_name(self):
    """None: tensors have no names.

    >>> torch.ones(2).name is None
    True
    """


def _share_memory_(self):
    """Moves the tensor to memory that processes share; views of it stay where they are.

    Any dtype. Returns the tensor. Processes that get it through a queue then see each other's
    changes.

    >>> torch.ones(2).share_memory_().is_shared()
    True
    """
    from . import _shared

    _shared.install()
    return _shared.share(self)


def _is_shared(self):
    """Does it lie in memory that processes share?

    See `share_memory_`.

    >>> torch.ones(2).is_shared()
    False
    """
    import sys

    shared = sys.modules.get(f"{__package__}._shared")
    return shared.is_shared(self) if shared else self.untyped_storage().is_shared()


def _check_no_grad(tensor, name):
    if tensor.requires_grad:
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
        )


def _apply_(self, function):
    """Replaces each element by `function` of it.

    `function` takes and returns a Python number; slow. Raises RuntimeError for a tensor that
    requires grad. For formulas see torch.where and its like.

    >>> torch.tensor([1.0, 2.0]).apply_(lambda v: v * 10)
    tensor([10., 20.])
    """
    _check_no_grad(self, "apply_")
    values = [function(v) for v in self.flatten().tolist()]
    return self.copy_(_C._tensor_from(values, self.dtype, True).view(self.shape))


def _map_(self, tensor, function):
    """Replaces each element by `function(element, other)`.

    `tensor` broadcasts to this one, RuntimeError otherwise; `function` takes two Python numbers and
    returns one; slow.

    >>> torch.tensor([1.0, 2.0]).map_(torch.tensor([3.0, 4.0]), lambda a, b: a * b)
    tensor([3., 8.])
    """
    _check_no_grad(self, "map_")
    pairs = zip(self.flatten().tolist(), tensor.expand_as(self).flatten().tolist())
    values = [function(a, b) for a, b in pairs]
    return self.copy_(_C._tensor_from(values, self.dtype, True).view(self.shape))


@classmethod
def _torch_function(cls, func, types, args=(), kwargs=None):
    """Runs `func` as for plain tensors; results become instances of the subclass."""
    from .overrides import _default_torch_function

    return _default_torch_function(cls, func, types, args, kwargs or {})


def _init_subclass(cls, **kwargs):
    """If the class overrides functions, those written in Python ask it from now on; properties too."""
    owner = next(c for c in cls.__mro__ if "__torch_function__" in vars(c))
    value = vars(owner)["__torch_function__"]
    if value is _C._disabled_torch_function_impl:
        return
    overrides = owner.__module__.partition(".")[0] not in ("torch", __package__)
    if overrides:
        from ._overridable import switch_on

        switch_on()
    from ._asking import ask

    ask(cls, overrides)


_LINALG_METHODS = (
    "cholesky cholesky_inverse cholesky_solve cross det geqrf inverse logdet lu lu_solve matrix_exp "
    "matrix_power orgqr ormqr pinverse qr slogdet svd triangular_solve"
).split()

_attributes = {
    **{name: _Later(name, ".linalg._names") for name in _LINALG_METHODS},
    "__repr__": _repr,
    "_repr_html_": _repr_html,
    "__format__": _format,
    "numpy": _numpy,
    "__array__": _array,
    "__array_wrap__": _array_wrap,
    "__array_priority__": 1000,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device,
    "tolist": _tolist,
    "type": _type,
    "backward": _gradient_methods.backward,
    "register_hook": _gradient_methods.register_hook,
    "register_post_accumulate_grad_hook": _gradient_methods.register_post_accumulate_grad_hook,
    "retain_grad": _gradient_methods.retain_grad,
    "untyped_storage": _untyped_storage,
    "storage": _storage,
    "_typed_storage": _storage,
    "__reduce_ex__": _reduce_ex,
    "__deepcopy__": _deepcopy,
    "__copy__": _copy,
    "set_": _set_,
    "__contains__": _contains,
    "__reversed__": _reversed,
    "__dir__": _dir,
    "new": _new,
    "new_tensor": _new_tensor,
    "share_memory_": _share_memory_,
    "apply_": _apply_,
    "map_": _map_,
    "is_shared": _is_shared,
    "is_pinned": _is_pinned,
    "pin_memory": _pin_memory,
    "is_nonzero": _Later("is_nonzero", "._queries"),
    **dict.fromkeys("is_ipu is_maia is_mtia is_sparse_csr is_vulkan is_xla".split(), False),
    "is_cpu": property(_is_cpu),
    "layout": property(_layout),
    "name": property(_no_name),
    "_backward_hooks": None,
    "__torch_function__": _torch_function,
    "__init_subclass__": classmethod(_init_subclass),
    "__module__": "torch",
}
for _name, _value in _attributes.items():
    if callable(_value) and hasattr(_value, "__name__") and hasattr(_value, "__qualname__"):
        try:
            _value.__name__ = _name
            _value.__qualname__ = f"Tensor.{_name}"
        except AttributeError:
            pass  # functions of the core keep their names
    setattr(Tensor, _name, _value)
for _name in _tensor_names.NAMES.split():
    if _name not in Tensor.__dict__:
        setattr(Tensor, _name, _Later(_name))
del _attributes, _name, _value


class DisableTorchFunctionSubclass:
    """Inside, no __torch_function__ is called."""

    def __enter__(self):
        self.previous = _C._torch_function_enabled()
        _C._set_torch_function_enabled(False)

    def __exit__(self, *exc):
        _C._set_torch_function_enabled(self.previous)


_C.DisableTorchFunctionSubclass = _C.DisableTorchFunction = DisableTorchFunctionSubclass


def _disabled_torch_function_impl(func, types, args=(), kwargs=None):
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


_C._disabled_torch_function_impl = staticmethod(_disabled_torch_function_impl)

_C._log_api_usage_once = lambda name: None


# Plain pickles name what is in the core by a function of ours: its `__module__` is "torch", which
# need not be rushlight, or be installed, where the pickle is read.


def _named(name):
    import importlib

    package = importlib.import_module(__package__)
    if name in vars(package) or name in _C._functions:
        return getattr(package, name)
    from ._utils import _find_op

    return _find_op(name)  # gelu and its like, which torch has elsewhere


def _made(name, args):
    return _named(name)(*args)


def _public_name(obj):
    """The name under rushlight of a dtype, layout, function of the core, or the class Tensor."""
    if obj is Tensor:
        return "Tensor"
    if isinstance(obj, type):
        return None
    return getattr(obj, "__name__", None) or str(obj).rpartition(".")[2]


def _register_pickles():
    import copyreg

    def by_name(obj):
        name = _public_name(obj)
        return (_named, (name,)) if name else obj.__qualname__

    for kind in (_C.dtype, layout, memory_format, type(Tensor), type(Tensor.add)):
        copyreg.pickle(kind, by_name)
    copyreg.pickle(_C.Size, lambda s: (_made, ("Size", (tuple(s),))))
    copyreg.pickle(_C.device, lambda d: (_made, ("device", (str(d),))))


_register_pickles()

from . import _untyped  # noqa: E402, F401  (the methods of UntypedStorage)
