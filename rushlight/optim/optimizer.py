"""The base class of all optimisers: parameter groups, state, hooks; not an update rule."""

import functools
import warnings
from collections import OrderedDict, defaultdict
from copy import deepcopy
from itertools import chain

import rushlight as torch

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]

_global_pre_hooks = OrderedDict()
_global_post_hooks = OrderedDict()


class _RequiredParameter:
    """The default of an option that every parameter group must give itself."""

    def __repr__(self):
        return "<required parameter>"


required = _RequiredParameter()


def _register(hooks, hook, prepend=False):
    from ..utils.hooks import RemovableHandle

    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook):
    """Call `hook(optimizer, args, kwargs)` before every step of every optimiser.

    The hook returns None, or (args, kwargs) to replace the arguments of `step`.
    Returns a handle whose `remove()` takes the hook away.
    """
    return _register(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook):
    """Call `hook(optimizer, args, kwargs)` after every step of every optimiser.

    Returns a handle whose `remove()` takes the hook away.
    """
    return _register(_global_post_hooks, hook)


def _with_step_hooks(step):
    """Wrap a class's `step` so that hooks run round it; without hooks it only passes on."""

    @functools.wraps(step)
    def wrapper(self, *args, **kwargs):
        before, after = self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks
        if not (before or after or _global_pre_hooks or _global_post_hooks):
            return step(self, *args, **kwargs)
        args = (self, *args)
        for hook in [*_global_pre_hooks.values(), *before.values()]:
            result = hook(self, args, kwargs)
            if result is None:
                continue
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    f"{step} must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {result}."
                )
            args, kwargs = result
        out = step(*args, **kwargs)
        for hook in [*after.values(), *_global_post_hooks.values()]:
            hook(self, args, kwargs)
        return out

    wrapper.hooked = True
    return wrapper


def _listed(params):
    """`list(params)`, with help for what is not a collection of parameters."""
    if isinstance(params, torch.Tensor):
        raise TypeError(
            "params argument given to the optimizer should be an iterable of Tensors or dicts, "
            f"but got {torch.typename(params)}\nA single tensor goes into a list: [tensor]."
        )
    try:
        params = list(params)
    except TypeError as error:
        if hasattr(params, "parameters"):
            hint = f"Pass the parameters of the {type(params).__name__}: model.parameters()."
            raise TypeError(f"{error}\n{hint}") from None
        raise
    if not params:
        raise ValueError(
            "optimizer got an empty parameter list\n"
            "model.parameters() is empty for a model without parameters, and a generator can be "
            "read only once."
        )
    return params


class Optimizer:
    """Holds parameters in groups and the state that an update rule keeps of each of them.

    `params` is an iterable of tensors, of (name, tensor) pairs, or of dicts with a "params"
    entry and options of their own; `defaults` are the options of groups that give none.
    A subclass writes `step`. Raises TypeError or ValueError for anything but leaf tensors.

    >>> import rushlight as torch
    >>> class Descent(torch.optim.Optimizer):
    ...     def step(self):
    ...         with torch.no_grad():
    ...             for group in self.param_groups:
    ...                 for p in group["params"]:
    ...                     p -= group["lr"] * p.grad
    >>> w = torch.tensor([2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Descent([w], {"lr": 0.25}).step()
    >>> w
    tensor([1.], requires_grad=True)
    """

    def __init__(self, params, defaults):
        self.defaults = defaults
        self._optimizer_step_pre_hooks = OrderedDict()
        self._optimizer_step_post_hooks = OrderedDict()
        self._optimizer_state_dict_pre_hooks = OrderedDict()
        self._optimizer_state_dict_post_hooks = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks = OrderedDict()
        self._optimizer_load_state_dict_post_hooks = OrderedDict()
        self._patch_step_function()
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = _listed(params)
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _patch_step_function(self):
        cls = type(self)
        if not hasattr(cls.step, "hooked"):
            cls.step = _with_step_hooks(cls.step)

    profile_hook_step = staticmethod(_with_step_hooks)

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        for kind in ("step", "state_dict", "load_state_dict"):
            for when in ("pre", "post"):
                self.__dict__.setdefault(f"_optimizer_{kind}_{when}_hooks", OrderedDict())
        self._patch_step_function()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self):
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            if i:
                lines.append("")
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    # -- hooks --------------------------------------------------------------------------

    def register_step_pre_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` before each step; it may replace the arguments."""
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` before `state_dict` is made."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)`; a result other than None replaces the dict."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)`; a result other than None is loaded instead."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` after a state dict was loaded."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # -- saving and loading ----------------------------------------------------------------

    def state_dict(self):
        """The state and the options, with the running number of a parameter in its place.

        Returns {"state": {number: {name: value}}, "param_groups": [{..., "params": [number]}]};
        the tensors are the optimiser's own, not copies.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        number = {}

        def packed(group):
            out = {key: value for key, value in group.items() if key != "params"}
            for p in group["params"]:
                number.setdefault(id(p), len(number))
            out["params"] = [number[id(p)] for p in group["params"]]
            return out

        groups = [packed(group) for group in self.param_groups]
        state = {
            number[id(key)] if isinstance(key, torch.Tensor) else key: value
            for key, value in self.state.items()
        }
        result = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict):
        """Take over what `state_dict()` gave; parameters are matched by their order.

        State tensors are cast to their parameter's dtype (but for "step") and device.
        Raises ValueError where the groups do not fit.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        saved_groups = deepcopy(state_dict["param_groups"])
        self._check_fit(saved_groups)
        saved = chain.from_iterable(group["params"] for group in saved_groups)
        ours = chain.from_iterable(group["params"] for group in self.param_groups)
        by_number = dict(zip(saved, ours, strict=True))
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_number:
                p = by_number[key]
                state[p] = self._cast_state(p, value, key, saved_groups)
            else:
                state[key] = value
        groups = [
            self._merged_group(group, saved)
            for group, saved in zip(self.param_groups, saved_groups, strict=True)
        ]
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def _check_fit(self, saved_groups):
        ours = [len(group["params"]) for group in self.param_groups]
        saved = [len(group["params"]) for group in saved_groups]
        if len(ours) != len(saved):
            raise ValueError(
                "loaded state dict has a different number of parameter groups\n"
                f"The optimizer has {len(ours)}, the state dict {len(saved)}."
            )
        for i, (here, there) in enumerate(zip(ours, saved, strict=True)):
            if here != there:
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of "
                    f"optimizer's group\nGroup {i} has {here} parameters here, {there} in the "
                    "state dict."
                )

    @staticmethod
    def _merged_group(group, saved):
        saved["params"] = group["params"]
        if "param_names" in group and "param_names" not in saved:
            saved["param_names"] = group["param_names"]
        return saved

    @staticmethod
    def _process_value_according_to_param_policy(param, value, param_id, param_groups, key=None):
        if key == "step":
            # A step count keeps its dtype; it lives with the parameter only where a device
            # kernel reads it.
            for group in param_groups:
                if param_id in group["params"]:
                    if group.get("fused") or group.get("capturable"):
                        return value.to(dtype=torch.float32, device=param.device)
                    return value
            return value
        if param.is_floating_point() or param.is_complex():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)

    def _cast_state(self, param, value, number, groups, key=None):
        if isinstance(value, torch.Tensor):
            return self._process_value_according_to_param_policy(param, value, number, groups, key)
        if isinstance(value, dict):
            return {k: self._cast_state(param, v, number, groups, k) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._cast_state(param, v, number, groups) for v in value)
        return value

    # -- use -------------------------------------------------------------------------------

    def zero_grad(self, set_to_none=True):
        """Forget the gradients; with `set_to_none=False` fill them with zeros in place."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    if p.grad.grad_fn is not None:
                        p.grad.detach_()
                    else:
                        p.grad.requires_grad_(False)
                    p.grad.zero_()

    def step(self, closure=None):
        """Update the parameters once. `closure` computes the loss anew and returns it."""
        raise NotImplementedError

    def add_param_group(self, param_group):
        """Add a dict of "params" and options, e.g. for layers thawed during training.

        Raises TypeError for what is not a tensor, ValueError for a non-leaf tensor or for one
        that another group holds.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but "
                "the ordering of tensors in sets will change between runs. "
                "Please use a list instead."
            )
        params = [params] if isinstance(params, torch.Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names and len(names) != len(params):
            raise ValueError(
                "all optimizer params should be with/without names. Some param names are missing"
            )
        if names:
            params = [p[1] for p in params]
            param_group["param_names"] = names
        param_group["params"] = params
        for p in params:
            self._check_param(p)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            param_group.setdefault(name, default)
        self._check_group(param_group)
        self.param_groups.append(param_group)

    def _check_param(self, p):
        if not isinstance(p, torch.Tensor):
            hint = ""
            if hasattr(p, "parameters"):
                hint = f"\nPass the parameters of the {type(p).__name__}: model.parameters()."
            elif isinstance(p, str):
                hint = "\nA dict was iterated: pass its values()."
            raise TypeError(
                "optimizer can only optimize Tensors, but one of the params is "
                f"{torch.typename(p)}{hint}"
            )
        if not (self.defaults.get("differentiable") or p.is_leaf or p.retains_grad):
            raise ValueError(
                "can't optimize a non-leaf Tensor\n"
                "It is the result of an operation: give the tensors that it was computed from, or "
                "make it a leaf with .detach().requires_grad_()."
            )

    def _check_group(self, group):
        params = {id(p) for p in group["params"]}
        if len(params) != len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; "
                "in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        if self.param_groups and ("param_names" in group) != (
            "param_names" in self.param_groups[0]
        ):
            kind = "with names" if "param_names" in group else "without names"
            raise ValueError(
                "all optimizer param groups should be with/without names. "
                f"cannot add param group {kind} to the optimizer"
            )
        if any(id(p) in params for other in self.param_groups for p in other["params"]):
            raise ValueError("some parameters appear in more than one parameter group")


def __getattr__(name):
    if name == "ParamsT":  # for annotations
        from collections.abc import Iterable
        from typing import Any

        parts = Iterable[torch.Tensor] | Iterable[dict[str, Any]]
        return parts | Iterable[tuple[str, torch.Tensor]]
    raise AttributeError(f"module 'torch.optim.optimizer' has no attribute '{name}'")
