"""Handles that remove hooks, and the machinery behind a Module's full backward hooks."""

import weakref
from collections import OrderedDict

import rushlight as torch

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """Takes a hook out of its table again: by `remove()`, or at the end of a `with` block.

    The handle holds the table weakly, so that keeping a handle keeps no module alive.
    `extra_dict` names one or more further tables in which the same id may stand.
    """

    next_id = 0

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        if extra_dict is None:
            extra = ()
        elif isinstance(extra_dict, list):
            extra = extra_dict
        else:
            extra = (extra_dict,)
        self.extra_dict_ref = tuple(weakref.ref(table) for table in extra)

    def remove(self):
        """Remove the hook. Removing it twice, or after its module died, does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = ref()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self):
        return self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref)

    def __setstate__(self, state):
        table, self.id, extra = state if len(state) == 3 else (*state, ())
        # A table that was gone when the handle was pickled is replaced by an empty one.
        tables = [OrderedDict() if t is None else t for t in (table, *extra)]
        self.hooks_dict_ref, *extra_refs = map(weakref.ref, tables)
        self.extra_dict_ref = tuple(extra_refs)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self):
        return self

    def __exit__(self, type, value, tb):
        self.remove()


def unserializable_hook(f):
    """Mark a hook as one that need not be saved: saving its tensor then warns no more."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor):
    """Warn about each backward hook that pickling `tensor` is going to drop."""
    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            import warnings

            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, "
                "you can decorate the function with @torch.utils.hooks.unserializable_hook to "
                "suppress this warning",
                stacklevel=2,
            )


_function = None


def _hook_function():
    """The identity that reports the gradients passing through it (made on first use)."""
    global _function
    if _function is None:

        class BackwardHookFunction(torch.autograd.Function):
            @staticmethod
            def forward(ctx, on_grads, materialize, *tensors):
                ctx.on_grads = on_grads
                ctx.set_materialize_grads(materialize)
                ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
                return tensors

            @staticmethod
            def backward(ctx, *grads):
                return (None, None, *ctx.on_grads(grads))

        _function = BackwardHookFunction
    return _function


def _tap(args, on_grads, materialize):
    """Send the tensors of the tuple `args` through the identity function.

    Returns the new tuple and the positions of the tensors, or (args, None) where no gradient can
    pass. Only the top level is looked at: tensors inside lists or dicts are left alone.
    """
    where = [i for i, arg in enumerate(args) if isinstance(arg, torch.Tensor)]
    if not (torch.is_grad_enabled() and any(args[i].requires_grad for i in where)):
        return args, None
    tapped = _hook_function().apply(on_grads, materialize, *[args[i] for i in where])
    out = list(args)
    for i, tensor in zip(where, tapped, strict=True):
        out[i] = tensor
    # A namedtuple keeps its type.
    return (type(args)(*out) if hasattr(args, "_fields") else tuple(out)), where


def _spread(where, values, size):
    """A tuple of length `size` with `values` at the positions `where` and None elsewhere."""
    out = [None] * size
    for i, value in zip(where, values, strict=True):
        out[i] = value
    return tuple(out)


class BackwardHook:
    """Runs a Module's full backward hooks during one backward pass.

    The inputs and the outputs of the module go through an identity function each. Backward
    reaches the outputs first: there the pre-hooks run and the output gradients are kept until the
    inputs' gradients arrive and the hooks themselves run. If no input needs a gradient, the hooks
    run at the outputs, with None for every input.
    """

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs = None
        self.n_inputs = self.n_outputs = -1
        self.input_tensors_index = self.output_tensors_index = None

    def setup_input_hook(self, args):
        """Wrap the module's positional arguments."""
        args, self.input_tensors_index = _tap(args, self._on_grad_inputs, True)
        self.n_inputs = len(args)
        return args

    def setup_output_hook(self, args):
        """Wrap the module's result, a tensor or a tuple."""
        single = not isinstance(args, tuple)
        args = (args,) if single else args
        self.n_outputs = len(args)
        # Positions are noted before: backward may only run later, but never earlier.
        args, self.output_tensors_index = _tap(args, self._on_grad_outputs, False)
        return args[0] if single else args

    def _on_grad_outputs(self, grads):
        self.grad_outputs = _spread(self.output_tensors_index, grads, self.n_outputs)
        for hook in self.user_pre_hooks:
            replaced = hook(self.module, self.grad_outputs)
            if replaced is None:
                continue
            replaced = replaced if isinstance(replaced, tuple) else (replaced,)
            if len(replaced) != self.n_outputs:
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(replaced)}, but expected {self.n_outputs}"
                )
            self.grad_outputs = replaced
        passed = self.grad_outputs
        if self.input_tensors_index is None:
            self._run_without_grad_inputs()
        return tuple(passed[i] for i in self.output_tensors_index)

    def _run_without_grad_inputs(self):
        if self.user_hooks:
            import warnings

            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module "
                "outputs since no inputs require gradients. See https://docs.pytorch.org/docs/main/"
                "generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook for "
                "more details.",
                stacklevel=5,
            )
        nothing = (None,) * self.n_inputs
        for hook in self.user_hooks:
            out = hook(self.module, nothing, self.grad_outputs)
            if out is not None and not (isinstance(out, tuple) and all(g is None for g in out)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    "return None or None for all gradients."
                )
        self.grad_outputs = None

    def _on_grad_inputs(self, grads):
        # Gradients that came to the input by a way around the output do not concern the hooks.
        if self.grad_outputs is None:
            return grads
        grad_inputs = _spread(self.input_tensors_index, grads, self.n_inputs)
        for hook in self.user_hooks:
            out = hook(self.module, grad_inputs, self.grad_outputs)
            if out is None:
                continue
            out = out if isinstance(out, tuple) else (out,)
            if len(out) != len(grad_inputs):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(out)}, but expected {len(grad_inputs)}"
                )
            grad_inputs = out
        self.grad_outputs = None
        return tuple(grad_inputs[i] for i in self.input_tensors_index)
