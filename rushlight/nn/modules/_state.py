"""Saving and loading of a module's state: state_dict, load_state_dict and their hooks."""

from collections import OrderedDict, namedtuple

import rushlight as torch

from ..parameter import Parameter, is_lazy
from ._hooks import _add, _WrappedHook

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` could not match."""

    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class _State:
    """The part of Module that turns a module into a dictionary of tensors and back."""

    def get_extra_state(self):
        """Override to save something besides tensors; `set_extra_state` gets it back."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called."
        )

    def set_extra_state(self, state):
        """Override together with `get_extra_state`."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called."
        )

    def _overrides(self, name):
        return getattr(type(self), name) is not getattr(_State, name)

    # Hooks

    def _register_state_dict_hook(self, hook):
        """Old form: `hook(module, state_dict, prefix, local_metadata)` may return a new dict."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return _add(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata)` after `state_dict()`."""
        hook._from_public_api = True
        return _add(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook):
        """Call `hook(module, prefix, keep_vars)` before `state_dict()`."""
        return _add(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return _add(
            self._load_state_dict_pre_hooks, _WrappedHook(hook, self if with_module else None)
        )

    def register_load_state_dict_pre_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)` before the module's own entries are loaded."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook):
        """Call `hook(module, incompatible_keys)` after loading; it may edit the two lists."""
        return _add(self._load_state_dict_post_hooks, hook)

    def _hooks_of(self, table):
        """The hooks in a table that may not exist."""
        return tuple(self.__dict__.get(table, {}).values())

    # Saving

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """Put this module's own entries, not its children's, into `destination`."""
        transient = self._non_persistent_buffers_set
        for table in (self._parameters, self._buffers):
            for name, tensor in table.items():
                if tensor is not None and (table is self._parameters or name not in transient):
                    destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._overrides("get_extra_state"):
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """An ordered dict of every parameter and persistent buffer, by dotted name.

        The tensors share storage with the module; they are detached unless `keep_vars`.

        >>> import rushlight as torch
        >>> list(torch.nn.Linear(2, 1).state_dict())
        ['weight', 'bias']
        """
        if args:
            destination, prefix, keep_vars = _positional(args, destination, prefix, keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._hooks_of("_state_dict_pre_hooks"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars
                )
        for hook in self._hooks_of("_state_dict_hooks"):
            result = hook(self, destination, prefix, local_metadata)
            if not getattr(hook, "_from_public_api", False):
                destination = destination if result is None else result
            elif result is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    # Loading

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the entries of `state_dict` into this module and its children.

        Args:
            strict: raise RuntimeError for keys that are missing or unexpected.
            assign: put the given tensors in place of the module's own instead of copying.

        Returns a named tuple (missing_keys, unexpected_keys). Shapes must match always.
        """
        from collections.abc import Mapping

        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata
        found = _IncompatibleKeys([], [])
        errors = []
        _load(self, state_dict, "", metadata or {}, assign, found, errors)
        if strict:
            for kind, keys in (("Unexpected", found[1]), ("Missing", found[0])):
                if keys:
                    names = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{kind} key(s) in state_dict: {names}. ")
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                + "\n\t".join(errors)
            )
        return found

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Load this module's own entries; problems are appended to the three lists."""
        for hook in self._hooks_of("_load_state_dict_pre_hooks"):
            hook(
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        own = {name: p for name, p in self._parameters.items() if p is not None}
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                own[name] = buffer
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                error = self._load_tensor(name, tensor, key, state_dict[key], assign)
                if error:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)
        extra_key = prefix + _EXTRA_STATE_KEY_SUFFIX
        if self._overrides("set_extra_state"):
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra_key:
                    head, *rest = key[len(prefix) :].split(".", 1)
                    if head not in (self._modules if rest else own):
                        unexpected_keys.append(key)

    def _load_tensor(self, name, tensor, key, source, assign):
        """Load one entry; returns what went wrong, or None."""
        if not (isinstance(source, torch.Tensor) or hasattr(source, "__torch_function__")):
            return (
                f'While copying the parameter named "{key}", '
                "expected torch.Tensor or Tensor-like object from checkpoint but "
                f"received {type(source)}"
            )
        lazy = is_lazy(tensor)
        if not lazy:
            # Files of 2017 hold scalars as vectors of one element.
            if len(tensor.shape) == 0 and len(source.shape) == 1:
                source = source[0]
            if source.shape != tensor.shape:
                return (
                    f"size mismatch for {key}: copying a param with shape {source.shape} from "
                    f"checkpoint, the shape in current model is {tensor.shape}."
                )
        if tensor.is_meta and not source.is_meta and not assign:
            import warnings

            warnings.warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta "
                "parameter in the current model, which is a no-op. (Did you mean to "
                "pass `assign=True` to assign items in the state dictionary to their "
                "corresponding key in the module instead of copying them in place?)",
                stacklevel=2,
            )
        try:
            with torch.no_grad():
                if not assign:
                    tensor.copy_(source)
                    return None
                if isinstance(tensor, Parameter):
                    if isinstance(source, Parameter):
                        source.requires_grad_(tensor.requires_grad)
                    else:
                        source = Parameter(source, requires_grad=tensor.requires_grad)
                setattr(self, name, source)
                return None
        except Exception as ex:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{tensor.size()} and whose dimensions in the checkpoint are {source.size()}, "
                f"an exception occurred : {ex.args}."
            )


def _positional(args, destination, prefix, keep_vars):
    """state_dict's arguments given by position, as they could be once."""
    import warnings

    warnings.warn(
        "Positional args are being deprecated, use kwargs instead. Refer to "
        "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict"
        " for details.",
        FutureWarning,
        stacklevel=3,
    )
    if destination is None:
        destination = args[0]
    if len(args) > 1 and prefix == "":
        prefix = args[1]
    if len(args) > 2 and keep_vars is False:
        keep_vars = args[2]
    return destination, prefix, keep_vars


def _load(module, state_dict, prefix, metadata, assign, found, errors):
    """Load `module`, then its children, each from the entries under its own prefix."""
    local_metadata = metadata.get(prefix[:-1], {})
    if assign:
        local_metadata["assign_to_params_buffers"] = assign
    module._load_from_state_dict(
        state_dict, prefix, local_metadata, True, found[0], found[1], errors
    )
    children = {name: child for name, child in module._modules.items() if child is not None}
    groups = _by_child(state_dict, prefix, children)
    for name, child in children.items():
        _load(child, groups[name], prefix + name + ".", metadata, assign, found, errors)
    for hook in module._hooks_of("_load_state_dict_post_hooks"):
        if hook(module, found) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not "
                "expected to return new values, if incompatible_keys need to be modified, "
                "it should be done inplace."
            )


def _by_child(state_dict, prefix, children):
    """The entries of each child, found in one pass over the keys."""
    groups = {name: {} for name in children}
    dotted = [name for name in children if "." in name]
    for key, value in state_dict.items():
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix) :]
        head, dot, _ = rest.partition(".")
        if dot and head in groups:
            groups[head][key] = value
        for name in dotted:
            if rest.startswith(name + "."):
                groups[name][key] = value
    return groups
