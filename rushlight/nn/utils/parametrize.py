"""Parametrizations: a parameter or buffer computed, at each read, from others by modules.

The module gets a class of its own with a property for the tensor; `module.parametrizations[name]`
is the list of modules and holds what is trained. Not here: particular ones (parametrizations.py).
"""

import copy
from contextlib import contextmanager

import rushlight as torch

from ..modules.container import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache_enabled = 0  # how many cached() blocks are open
_cache = {}  # (id of the module, name of the tensor): its value


@contextmanager
def cached():
    """Within the block a parametrized tensor is computed once and then kept.

    >>> import rushlight as torch
    >>> P = torch.nn.utils.parametrize
    >>> net = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 2))
    >>> with P.cached():
    ...     net.weight is net.weight
    True
    """
    global _cache_enabled
    _cache_enabled += 1
    try:
        yield
    finally:
        _cache_enabled -= 1
        if not _cache_enabled:
            _cache.clear()


def _register(module, name, tensor):
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _difference(old, new, flag="the `unsafe` flag", labels=None):
    """The error of a parametrization that changes dtype or shape; None if it keeps both."""
    for what in ("dtype", "shape"):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            first, second = labels or (f"unparametrized {what}", f"parametrized {what}")
            return ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless "
                f"{flag} is enabled.\n{first.format(what)}: {before}\n{second.format(what)}: {after}"
            )
    return None


def _check_tensor(value):
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")


def _is_sequence(value):
    from collections.abc import Sequence

    return isinstance(value, Sequence)


class ParametrizationList(ModuleList):
    """The modules that make a tensor, applied in order, and what they make it from.

    What it is made from is `original`, or `original0`, `original1`, ... if the first module takes
    several tensors: its `right_inverse` returned a sequence.
    """

    def __init__(self, modules, original, unsafe=False):
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new = self._inverted(original)
        if not isinstance(new, torch.Tensor) and not _is_sequence(new):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, torch.Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        before = torch.empty(original.shape, dtype=original.dtype, device="meta")
        if self.is_tensor:
            self._keep_one(original, new)
        else:
            self._keep_several(original, new)
        if not unsafe:
            value = self()
            _check_tensor(value)
            error = _difference(before, value, "`unsafe` flag")
            if error is not None:
                raise error

    def _inverted(self, value):
        """What the tensor `value` would be made from; modules without an inverse leave it."""
        with torch.no_grad():
            for module in reversed(self):
                if hasattr(module, "right_inverse"):
                    try:
                        value = module.right_inverse(value)
                    except NotImplementedError:
                        pass
        return value

    def _keep_one(self, original, new):
        for what in ("dtype", "device"):
            if getattr(original, what) != getattr(new, what):
                raise ValueError(
                    f"When `right_inverse` outputs one tensor, it may not change the {what}.\n"
                    f"original.{what}: {getattr(original, what)}\n"
                    f"right_inverse(original).{what}: {getattr(new, what)}"
                )
        with torch.no_grad():  # the same Parameter, which an optimiser may hold already
            original.set_(new)
        _register(self, "original", original)

    def _keep_several(self, original, new):
        for i, part in enumerate(new):
            if not isinstance(part, torch.Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                    f"tuple...). Got element {i} of the sequence with type {type(part).__name__}."
                )
            if isinstance(original, Parameter):
                part = Parameter(part, original.requires_grad)
            part.requires_grad_(original.requires_grad)
            _register(self, f"original{i}", part)

    def _originals(self):
        if self.is_tensor:
            return (self.original,)
        return tuple(getattr(self, f"original{i}") for i in range(self.ntensors))

    def right_inverse(self, value):
        """Sets what the tensor is made from, so that it becomes `value`.

        Raises RuntimeError if a module has no `right_inverse`.
        """
        with torch.no_grad():
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
            if self.is_tensor:
                self._assign_one(value)
            else:
                self._assign_several(value)

    def _assign_one(self, value):
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
        if value.dtype != self.original.dtype:
            raise ValueError(
                f"The tensor returned by `right_inverse` has dtype {value.dtype} "
                f"while `original` has dtype {self.original.dtype}"
            )
        self.original.set_(value)

    def _assign_several(self, value):
        if not _is_sequence(value):
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}."
            )
        if len(value) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(value)}."
            )
        for i, (part, kept) in enumerate(zip(value, self._originals())):
            if not isinstance(part, torch.Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors or reference-type opaques. "
                    f"Got element {i} of type {type(part).__name__}."
                )
            if part.dtype != kept.dtype:
                raise ValueError(
                    f"Tensor {i} returned by `right_inverse` has dtype {part.dtype} "
                    f"while `original{i}` has dtype {kept.dtype}"
                )
            kept.set_(part)

    def forward(self):
        """The tensor."""
        first, *rest = self
        value = first(*self._originals())
        for module in rest:
            value = module(value)
        return value


def _refuse_pickle(self):
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
        "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
    )


def _deepcopy(self, memo):
    # The copy has a class of its own too: parametrizations may be removed from it alone.
    cls = type(self)
    replica = cls.__new__(type(cls)(cls.__name__, cls.__bases__, dict(vars(cls))))
    memo[id(self)] = replica
    replica.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return replica


def _inject_new_class(module):
    """Gives the module a class of its own, where properties can be put."""
    cls = type(module)
    members = {"__getstate__": _refuse_pickle, "__module__": cls.__module__}
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = _deepcopy
    module.__class__ = type(cls)(f"Parametrized{cls.__name__}", (cls,), members)


def _inject_property(module, name):
    """Makes reading `module.name` compute the tensor, and writing it invert the computation."""
    if hasattr(module, name):
        raise AssertionError(f"Module already has an attribute named '{name}'")

    def read(self):
        if not _cache_enabled:
            return self.parametrizations[name]()
        key = id(self), name
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def write(self, value):
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(read, write))


def _check_next(module, name, parametrization):
    """Another parametrization must keep dtype and shape, and its inverse too."""
    value = getattr(module, name)
    new = parametrization(value)
    _check_tensor(new)
    labels = (f"module.{name}.{{}}", f"parametrization(module.{name}).{{}}")
    error = _difference(value, new, labels=labels)
    if error is not None:
        raise error
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(new)
    except NotImplementedError:
        return
    if not isinstance(back, torch.Tensor):
        raise ValueError(
            f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
        )
    for what in ("dtype", "shape"):
        if getattr(back, what) != getattr(value, what):
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {what} "
                f"as module.{name}, unless the `unsafe` flag is enabled.\n"
                f"module.{name}.{what}: {getattr(value, what)}\n"
                f"returned {what}: {getattr(back, what)}"
            )


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Lets `module.tensor_name` be `parametrization(...)` of what is trained instead.

    Args:
        module (Module): changed, and returned.
        tensor_name (str): a parameter, a buffer, or a tensor that is parametrized already.
        parametrization (Module): `forward(X)` gives the tensor; `right_inverse(tensor)`, if it is
            there, gives the X to begin with, and makes the attribute writable.
        unsafe (bool): allows a parametrization that changes the dtype or the shape.

    Raises ValueError for such a change, or if there is no such tensor.

    >>> import rushlight as torch
    >>> class Symmetric(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> net = torch.nn.Linear(3, 3)
    >>> net = torch.nn.utils.parametrize.register_parametrization(net, "weight", Symmetric())
    >>> bool((net.weight == net.weight.T).all()), [n for n, _ in net.named_parameters()]
    (True, ['bias', 'parametrizations.weight.original'])
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        parametrizations = module.parametrizations[tensor_name]
        parametrizations.append(parametrization)
        parametrizations.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        parametrizations = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _inject_new_class(module)
            module.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        module.parametrizations[tensor_name] = parametrizations
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def is_parametrized(module, tensor_name=None):
    """Has the module a parametrization, or one of the tensor of that name?"""
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Makes the tensor an ordinary parameter or buffer again; returns the module.

    Its value is the current one, or with `leave_parametrized=False` that of the `original`. Raises
    ValueError if it is not parametrized, or if there are several originals to leave.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations = module.parametrizations[tensor_name]
    if parametrizations.is_tensor:
        original = parametrizations.original
        if leave_parametrized:
            with torch.no_grad():
                original.set_(getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor "
            "that is parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module):
    """The class that the module had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Parametrizes `to_module` as `from_module` is, with the same originals; returns `to_module`.

    Only the tensor `tensor_name` if it is given. Both modules then share the parameters.
    """
    if not is_parametrized(from_module):
        return to_module
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        source = from_module.parametrizations[name]
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        target = to_module.parametrizations[name]
        for key in ("original", *(f"original{i}" for i in range(source.ntensors))):
            if hasattr(source, key):
                setattr(target, key, getattr(source, key))
    return to_module
