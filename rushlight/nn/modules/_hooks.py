"""Hooks of modules: their registration, on one module or on all, and the call that runs them.

A module's hook tables come into being when they are first touched, which also marks the module
(`_hooked`). A module without the mark is called directly; see `Module.__call__`.
"""

from collections import OrderedDict

import rushlight as torch

from ...utils.hooks import BackwardHook, RemovableHandle

_global_backward_pre_hooks = OrderedDict()
_global_backward_hooks = OrderedDict()
_global_is_full_backward_hook = None
_global_forward_pre_hooks = OrderedDict()
_global_forward_hooks = OrderedDict()
_global_forward_hooks_always_called = OrderedDict()
_global_forward_hooks_with_kwargs = OrderedDict()
_global_buffer_registration_hooks = OrderedDict()
_global_module_registration_hooks = OrderedDict()
_global_parameter_registration_hooks = OrderedDict()

# Non-empty from the first registration of a global call hook on: every call then looks for hooks.
_global_call_hooks = set()

# Tables that a call must look at; touching one marks the module.
_CALL_TABLES = frozenset(
    [
        "_forward_hooks",
        "_forward_hooks_with_kwargs",
        "_forward_hooks_always_called",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_backward_hooks",
        "_backward_pre_hooks",
    ]
)
_STATE_TABLES = frozenset(
    [
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks",
    ]
)


class _WrappedHook:
    """A hook that gets its module as first argument, without keeping the module alive."""

    def __init__(self, hook, module=None):
        import functools
        import weakref

        self.hook = hook
        functools.update_wrapper(self, hook)
        self.with_module = module is not None
        if self.with_module:
            self.module = weakref.ref(module)

    def __call__(self, *args, **kwargs):
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self):
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state):
        import weakref

        self.hook, self.with_module = state["hook"], state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


def _add(table, hook, *, first=False, extra=()):
    """Put `hook` in `table`, and its id in the tables `extra`; return the handle."""
    handle = RemovableHandle(table, extra_dict=list(extra) or None)
    table[handle.id] = hook
    for marks in extra:
        marks[handle.id] = True
    if first:
        for marks in (table, *extra):
            marks.move_to_end(handle.id, last=False)
    return handle


def _add_global(table, hook, **options):
    _global_call_hooks.add("used")
    return _add(table, hook, **options)


def _set_global_backward_kind(full):
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a "
            "global Module hook. Please use only one of them."
        )
    _global_is_full_backward_hook = full


def register_module_buffer_registration_hook(hook):
    """Call `hook(module, name, buffer)` whenever a module gets a buffer; it may replace it."""
    return _add(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook):
    """Call `hook(module, name, submodule)` whenever a module gets a child; it may replace it."""
    return _add(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook):
    """Call `hook(module, name, param)` whenever a module gets a parameter; it may replace it."""
    return _add(_global_parameter_registration_hooks, hook)


def register_module_forward_pre_hook(hook):
    """Call `hook(module, args)` before the forward of every module. See Module's own method."""
    return _add_global(_global_forward_pre_hooks, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call `hook(module, args, output)` after the forward of every module."""
    extra = [_global_forward_hooks_with_kwargs] if with_kwargs else []
    extra += [_global_forward_hooks_always_called] if always_call else []
    return _add_global(_global_forward_hooks, hook, extra=extra)


def register_module_backward_hook(hook):
    """Deprecated form of `register_module_full_backward_hook`."""
    _set_global_backward_kind(False)
    return _add_global(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook):
    """Call `hook(module, grad_output)` before the backward of every module."""
    return _add_global(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook):
    """Call `hook(module, grad_input, grad_output)` after the backward of every module."""
    _set_global_backward_kind(True)
    return _add_global(_global_backward_hooks, hook)


def _as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def _warn(message, category=UserWarning):
    import warnings

    warnings.warn(message, category, stacklevel=4)


class _Hooks:
    """The part of Module that keeps and runs hooks."""

    _hooked = False
    _is_full_backward_hook = None

    def _hook_table(self, name):
        """Make the table `name`, which was asked for and is not there yet."""
        attributes = self.__dict__
        if name in _CALL_TABLES:
            attributes["_hooked"] = True
        return attributes.setdefault(name, OrderedDict())

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call `hook(module, args)` before each forward; what it returns replaces the arguments.

        With `with_kwargs` it is called as `hook(module, args, kwargs)` and returns None or both.
        """
        extra = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return _add(self._forward_pre_hooks, hook, first=prepend, extra=extra)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call `hook(module, args, output)` after each forward; a result replaces the output.

        With `with_kwargs` it is called as `hook(module, args, kwargs, output)`. With `always_call`
        it runs even if forward raised, with the output None.

        >>> import rushlight as torch
        >>> layer = torch.nn.Linear(2, 3)
        >>> handle = layer.register_forward_hook(lambda m, args, out: print(out.shape))
        >>> _ = layer(torch.ones(1, 2))
        torch.Size([1, 3])
        >>> handle.remove()
        """
        extra = [self._forward_hooks_with_kwargs] if with_kwargs else []
        extra += [self._forward_hooks_always_called] if always_call else []
        return _add(self._forward_hooks, hook, first=prepend, extra=extra)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call `hook(module, grad_output)` before the module's backward; it may replace them."""
        return _add(self._backward_pre_hooks, hook, first=prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are known.

        Both gradients are tuples, with None for what is no tensor; a returned tuple replaces
        `grad_input`. Inputs and outputs must not be changed in place while the hook is set.
        """
        self._set_backward_kind(True)
        return _add(self._backward_hooks, hook, first=prepend)

    def register_backward_hook(self, hook):
        """Deprecated form of `register_full_backward_hook`: sees only the last autograd node."""
        self._set_backward_kind(False)
        return _add(self._backward_hooks, hook)

    def _set_backward_kind(self, full):
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a "
                "single Module. Please use only one of them."
            )
        self._is_full_backward_hook = full

    def _get_backward_hooks(self):
        """The full and the non-full backward hooks, global ones first."""
        full, plain = [], []
        (full if _global_is_full_backward_hook is True else plain).extend(
            _global_backward_hooks.values()
        )
        own = self._backward_hooks.values()
        (full if self._is_full_backward_hook is True else plain).extend(own)
        return full, plain

    def _get_backward_pre_hooks(self):
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def _call_impl(self, *args, **kwargs):
        """Forward with every hook around it."""
        ran, result = set(), None
        try:
            args, kwargs = self._run_forward_pre_hooks(args, kwargs)
            full, plain = self._get_backward_hooks()
            before = self._get_backward_pre_hooks()
            backward = BackwardHook(self, full, before) if full or before else None
            if backward is not None:
                args = backward.setup_input_hook(args)
            result = self.forward(*args, **kwargs)
            for hook_id, hook, with_kwargs, _ in self._forward_hook_list():
                ran.add(hook_id)
                extra = (args, kwargs) if with_kwargs else (args,)
                replaced = hook(self, *extra, result)
                if replaced is not None:
                    result = replaced
            if backward is not None:
                if not isinstance(result, (torch.Tensor, tuple)):
                    _warn(
                        "For backward hooks to be called, module output should be a Tensor or a "
                        f"tuple of Tensors but received {type(result)}"
                    )
                result = backward.setup_output_hook(result)
            if plain:
                self._set_plain_backward_hooks(plain, args, result)
            return result
        except Exception:
            self._run_always_called_hooks(ran, args, kwargs, result)
            raise

    def _run_forward_pre_hooks(self, args, kwargs):
        with_kwargs = self._forward_pre_hooks_with_kwargs
        hooks = (*_global_forward_pre_hooks.items(), *self._forward_pre_hooks.items())
        for hook_id, hook in hooks:
            if hook_id in with_kwargs:
                both = hook(self, args, kwargs)
                if both is None:
                    continue
                if not (isinstance(both, tuple) and len(both) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, "
                        f"new_kwargs), but got {both}."
                    )
                args, kwargs = both
            else:
                replaced = hook(self, args)
                if replaced is not None:
                    args = _as_tuple(replaced)
        return args, kwargs

    def _forward_hook_list(self):
        """Tuples (id, hook, with_kwargs, always_call), global hooks first."""
        for hooks, with_kwargs, always in (
            (
                _global_forward_hooks,
                _global_forward_hooks_with_kwargs,
                _global_forward_hooks_always_called,
            ),
            (
                self._forward_hooks,
                self._forward_hooks_with_kwargs,
                self._forward_hooks_always_called,
            ),
        ):
            for hook_id, hook in tuple(hooks.items()):
                yield hook_id, hook, hook_id in with_kwargs, hook_id in always

    def _run_always_called_hooks(self, ran, args, kwargs, result):
        """After an error: the hooks that must run even so, unless they have run already."""
        for hook_id, hook, with_kwargs, always in self._forward_hook_list():
            if not always or hook_id in ran:
                continue
            try:
                replaced = hook(self, *((args, kwargs) if with_kwargs else (args,)), result)
                if replaced is not None:
                    result = replaced
            except Exception as e:
                kind = "global module" if hook_id in _global_forward_hooks else "module"
                _warn(
                    f"{kind} forward hook with ``always_call=True`` raised an exception "
                    f"that was silenced as another error was raised in forward: {e!s}"
                )

    def _set_plain_backward_hooks(self, hooks, args, result):
        """Deprecated hooks hang on the node of the first tensor found in the result."""
        first = result
        while not isinstance(first, torch.Tensor):
            if isinstance(first, dict):
                first = next(v for v in first.values() if isinstance(v, torch.Tensor))
            else:
                first = first[0]
        if first.grad_fn is None:
            return
        for hook in hooks:
            first.grad_fn.register_hook(_WrappedHook(hook, self))
        self._maybe_warn_non_full_backward_hook(args, result, first.grad_fn)

    def _maybe_warn_non_full_backward_hook(self, inputs, result, grad_fn):
        """Say when a deprecated backward hook is going to miss some gradients."""
        message = _what_plain_hook_misses(_as_tuple(inputs), _as_tuple(result), grad_fn)
        if message:
            _warn(message, FutureWarning)


_INSTEAD = "Please use register_full_backward_hook to get the documented behavior."


def _what_plain_hook_misses(inputs, outputs, grad_fn):
    later = "is deprecated and will be removed in future versions. This hook will be missing some"
    if not all(isinstance(r, torch.Tensor) for r in outputs):
        return (
            "Using non-full backward hooks on a Module that does not return a "
            f"single Tensor or a tuple of Tensors {later} of the grad_output. {_INSTEAD}"
        )
    if not all(isinstance(i, torch.Tensor) for i in inputs):
        return (
            "Using non-full backward hooks on a Module that does not take as input a "
            f"single Tensor or a tuple of Tensors {later} of the grad_input. {_INSTEAD}"
        )
    out_nodes = {r.grad_fn for r in outputs if r.grad_fn is not None}
    if len(out_nodes) != 1 or grad_fn not in out_nodes:
        return (
            "Using a non-full backward hook when outputs are generated by different autograd "
            f"Nodes {later} grad_output. {_INSTEAD}"
        )
    in_nodes = {i.grad_fn for i in inputs if i.grad_fn is not None}
    if not {node for node, _ in grad_fn.next_functions} <= in_nodes | {None}:
        return (
            "Using a non-full backward hook when the forward contains multiple autograd Nodes "
            f"{later} grad_input. {_INSTEAD}"
        )
    return None
