"""Module, the base class of every layer and model. Its hooks, state and conversions
are in the files _hooks, _state and _convert."""

import rushlight as torch

from ..parameter import Buffer, Parameter
from ._convert import _Convert
from ._hooks import (  # noqa: F401
    _CALL_TABLES,
    _STATE_TABLES,
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_buffer_registration_hooks,
    _global_call_hooks,
    _global_forward_hooks,
    _global_forward_hooks_always_called,
    _global_forward_hooks_with_kwargs,
    _global_forward_pre_hooks,
    _global_module_registration_hooks,
    _global_parameter_registration_hooks,
    _Hooks,
    _WrappedHook,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from ._state import _EXTRA_STATE_KEY_SUFFIX, _IncompatibleKeys, _State  # noqa: F401

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_Tensor = torch.Tensor
_HOOK_TABLES = _CALL_TABLES | _STATE_TABLES


def _addindent(s_, numSpaces):
    """Indent every line of a text but the first."""
    return s_.replace("\n", "\n" + " " * numSpaces)


def _typename(obj):
    """The full name of an object's type, as error messages give it."""
    if isinstance(obj, torch.Tensor):
        return obj.type()
    cls = type(obj)
    module = cls.__module__
    return (
        cls.__qualname__
        if module in ("builtins", "__builtin__")
        else f"{module}.{cls.__qualname__}"
    )


def _check_name(module, kind, name, table):
    """A new entry's name must be a plain string that is not taken. `kind`: buffer, parameter..."""
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
    if "." in name:
        got = f", got: {name}" if kind == "module" else ""
        raise KeyError(f'{kind} name can\'t contain "."{got}')
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""')
    if name not in table and hasattr(module, name):
        raise KeyError(f"attribute '{name}' already exists")


def _after_hooks(hooks, module, name, value):
    """The value after the global registration hooks have seen, and perhaps replaced, it."""
    for hook in hooks.values():
        replaced = hook(module, name, value)
        if replaced is not None:
            value = replaced
    return value


def _discard(name, *tables):
    """Remove a name from every dict or set that has it."""
    for table in tables:
        if isinstance(table, set):
            table.discard(name)
        else:
            table.pop(name, None)


def _forward_unimplemented(self, *input):
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


class Module(_Hooks, _State, _Convert):
    """Base class of all layers and models.

    A subclass calls `super().__init__()`, assigns Parameters, buffers and other Modules as
    attributes, which registers them, and defines `forward`. Calling the module runs `forward` and
    the hooks.

    >>> import rushlight as torch
    >>> class Scale(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = torch.nn.Parameter(torch.tensor(2.0))
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(torch.ones(2)).tolist()
    [2.0, 2.0]
    """

    dump_patches = False
    _version = 1
    training: bool
    call_super_init = False
    _compiled_call_impl = None

    T_destination = dict

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and (args or kwargs):
            name = f"{type(self).__name__}.__init__()"
            if kwargs:
                raise TypeError(f"{name} got an unexpected keyword argument '{next(iter(kwargs))}'")
            raise TypeError(f"{name} takes 1 positional argument but {len(args) + 1} were given")
        # Written past __setattr__, which would look for the tables made here.
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _modules={},
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward = _forward_unimplemented

    def __call__(self, *args, **kwargs):
        # The one test of a call: hooks and compile() leave a mark here.
        if self._hooked or _global_call_hooks:
            return self._wrapped_call_impl(*args, **kwargs)
        return self.forward(*args, **kwargs)

    def _wrapped_call_impl(self, *args, **kwargs):
        if self._compiled_call_impl is not None:
            return self._compiled_call_impl(*args, **kwargs)
        return self._call_impl(*args, **kwargs)

    def compile(self, *args, **kwargs):
        """Run this module's calls, hooks included, through `compile` from now on."""
        self._compiled_call_impl = torch.compile(self._call_impl, *args, **kwargs)
        self.__dict__["_hooked"] = True

    # Registration

    def register_buffer(self, name, tensor, persistent=True):
        """Add a buffer: state that moves with the module but is no parameter.

        Args:
            tensor: the buffer, or None, which is kept but not saved.
            persistent: whether the buffer is part of the state_dict.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        _check_name(self, "buffer", name, self._buffers)
        if tensor is not None and not (
            isinstance(tensor, torch.Tensor) or hasattr(tensor, "__torch_function__")
        ):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = _after_hooks(_global_buffer_registration_hooks, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name, param):
        """Add a parameter under `name`. None is kept, listed nowhere and reads as None."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        _check_name(self, "parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model "
                    f"parameters must be created explicitly. To express '{name}' "
                    "as a function of another Tensor, compute the value in "
                    "the forward() method."
                )
            param = _after_hooks(_global_parameter_registration_hooks, self, name, param)
        self._parameters[name] = param

    def add_module(self, name, module):
        """Add a child module under `name`; it can be read as an attribute."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        _check_name(self, "module", name, self._modules)
        self._modules[name] = _after_hooks(_global_module_registration_hooks, self, name, module)

    def register_module(self, name, module):
        """Another name of `add_module`."""
        self.add_module(name, module)

    # Lookup by dotted name

    def get_submodule(self, target):
        """The module at the dotted path `target`; the module itself for "".

        Raises AttributeError where the path leads nowhere or to something else than a Module.
        """
        module = self
        for item in target.split(".") if target else ():
            if not hasattr(module, item):
                raise AttributeError(f"{module._get_name()} has no attribute `{item}`")
            module = getattr(module, item)
            if not isinstance(module, Module):
                raise AttributeError(f"`{item}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Replace the module at the dotted path `target`, or add it there.

        With `strict` only an existing module is replaced; otherwise AttributeError.
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def _get_tensor(self, target):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return module, name, getattr(module, name)

    def get_parameter(self, target):
        """The parameter at the dotted path `target`; AttributeError if there is none."""
        _, name, param = self._get_tensor(target)
        if not isinstance(param, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return param

    def get_buffer(self, target):
        """The buffer at the dotted path `target`; AttributeError if there is none."""
        module, name, buffer = self._get_tensor(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    # Attributes

    def __getattr__(self, name):
        # Reached only when ordinary lookup has failed.
        attributes = self.__dict__
        if "_parameters" in attributes:
            table = attributes["_parameters"]
            if name in table:
                return table[name]
            table = attributes["_modules"]
            if name in table:
                return table[name]
            table = attributes["_buffers"]
            if name in table:
                return table[name]
        if name in _HOOK_TABLES:
            return self._hook_table(name)
        hint = ""
        if name in ("save", "graph", "code", "graph_for"):
            hint = (
                "\nwhy: torch.jit.script and torch.jit.trace return the module itself here."
                "\nfix: torch.save(model.state_dict(), path) keeps its parameters."
            )
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}")

    def __setattr__(self, name, value):
        attributes = self.__dict__
        params = attributes.get("_parameters")
        if params is None:
            return self._set_before_init(name, value)
        modules, buffers = attributes["_modules"], attributes["_buffers"]
        is_tensor = isinstance(value, _Tensor)
        if is_tensor and isinstance(value, Parameter):
            _discard(name, attributes, buffers, modules, self._non_persistent_buffers_set)
            self.register_parameter(name, value)
        elif name in params:
            _none_expected(value, "as parameter", name, "torch.nn.Parameter or None expected")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            _discard(name, attributes, params, buffers, self._non_persistent_buffers_set)
            modules[name] = _after_hooks(_global_module_registration_hooks, self, name, value)
        elif name in modules:
            _none_expected(value, "as child module", name, "torch.nn.Module or None expected")
            modules[name] = _after_hooks(_global_module_registration_hooks, self, name, value)
        elif name in buffers or (is_tensor and isinstance(value, Buffer)):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_before_init(self, name, value):
        if isinstance(value, Parameter):
            raise AttributeError("cannot assign parameters before Module.__init__() call")
        if isinstance(value, Module):
            raise AttributeError("cannot assign module before Module.__init__() call")
        if isinstance(value, Buffer):
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        object.__setattr__(self, name, value)

    def _set_buffer(self, name, value):
        if value is not None and not isinstance(value, torch.Tensor):
            _none_expected(
                value, "as buffer", name, "torch.nn.Buffer, torch.Tensor or None expected"
            )
        transient = self._non_persistent_buffers_set
        if isinstance(value, Buffer):
            persistent = value.persistent
        else:
            persistent = name not in transient
        _discard(name, self.__dict__, self._parameters, self._modules, transient)
        if type(self).register_buffer is Module.register_buffer:
            self.register_buffer(name, value, persistent)
        elif persistent:
            # An override may know nothing of `persistent`.
            self.register_buffer(name, value)
        else:
            self._register_transient_by_override(name, value)

    def _register_transient_by_override(self, name, value):
        import inspect

        if "persistent" not in inspect.signature(self.register_buffer).parameters:
            raise RuntimeError(
                "Registering a non-persistent buffer "
                "on a Module subclass that implements "
                "register_buffer() without the persistent "
                "argument is not allowed."
            )
        self.register_buffer(name, value, False)

    def __delattr__(self, name):
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            object.__delattr__(self, name)

    def __dir__(self):
        keys = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted({key for key in keys if not key[0].isdigit()})

    def __getstate__(self):
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        # A state from elsewhere has hook tables and no mark.
        if any(state.get(table) for table in _CALL_TABLES):
            self.__dict__["_hooked"] = True
        elif "_hooked" not in state:
            for table in _CALL_TABLES:
                self.__dict__.pop(table, None)

    # Iteration

    def _named_members(self, get_members_fn, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (dotted name, member) of what `get_members_fn(module)` lists in each module."""
        seen = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield f"{path}.{name}" if path else name, member

    def parameters(self, recurse=True):
        """All parameters, each once; without `recurse`, this module's own only."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (dotted name, parameter)."""
        yield from self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse=True):
        """All buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (dotted name, buffer)."""
        yield from self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def children(self):
        """The immediate child modules, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self):
        """Pairs (name, child module)."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate=True):
        """This module and all below it, parents first, each once unless told otherwise."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Pairs (dotted name, module); the name of the module itself is `prefix`."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    # Modes and gradients

    def apply(self, fn):
        """Call `fn(module)` on every submodule, children first, and on self. Returns self."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode=True):
        """Set training mode, here and below; it changes what Dropout, BatchNorm, ... do."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """The same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Let every parameter record gradients, or none. Returns self."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Drop every parameter's gradient, or fill it with zeros."""
        for p in self.parameters():
            if p.grad is None:
                continue
            if set_to_none:
                p.grad = None
            elif p.grad.grad_fn is not None:
                p.grad.detach_().zero_()
            else:
                p.grad.requires_grad_(False)
                p.grad.zero_()

    # Text

    def _get_name(self):
        return self.__class__.__name__

    def extra_repr(self):
        """Override to show arguments inside the parentheses of the module's repr."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [
            f"({name}): {_addindent(repr(module), 2)}" for name, module in self._modules.items()
        ]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        body = "\n  ".join(lines + children)
        return f"{self._get_name()}(\n  {body}\n)" if body else f"{self._get_name()}()"

    def _repr_html_(self):
        """What a notebook shows: a tree to fold, with shapes and counts."""
        from ..._html import module_html

        return module_html(self)

    def _replicate_for_data_parallel(self):
        replica = self.__new__(type(self))
        replica.__dict__.update(self.__dict__)
        replica.__dict__.update(
            _parameters={},
            _buffers=self._buffers.copy(),
            _modules=self._modules.copy(),
            _is_replica=True,
        )
        return replica


def _none_expected(value, role, name, expected):
    if value is not None:
        raise TypeError(f"cannot assign '{_typename(value)}' {role} '{name}' ({expected})")
