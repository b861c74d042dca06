"""Selective checkpointing: a policy says by operation which results are kept, not computed again.

A function mode sees the calls of both runs. Of a call whose result is kept, the second run makes
nothing: it takes the result, and what the call had saved for its backward, from the first. Policies
are asked about `torch.ops.aten` operations by the names that PyTorch has for the parts of a call: a
linear layer is `addmm` or `mm`, a convolution `convolution`.
"""

import rushlight as torch

from .._function_mode import inside
from .._overridable import _plain
from ..overrides import TorchFunctionMode
from ._pytree import tree_leaves, tree_map

_KEEP = frozenset("MUST_SAVE PREFER_SAVE MUST_CPU_OFFLOAD PREFER_CPU_OFFLOAD".split())
_RENAMED = {
    "scaled_dot_product_attention": "_scaled_dot_product_flash_attention",
    "layer_norm": "native_layer_norm",
    "group_norm": "native_group_norm",
    "batch_norm": "native_batch_norm",
    "softmax": "_softmax",
    "log_softmax": "_log_softmax",
}


class SelectiveCheckpointContext:
    """What a policy is told of a call: its result, and `is_recompute`, which is False."""

    def __init__(self, *, is_recompute, op_output=None):
        self.is_recompute, self.op_output = is_recompute, op_output


def operation(name, args):
    """The operation of torch.ops.aten that a call of a function stands for."""
    if name == "linear":
        fits = args[0].dim() <= 3 and args[0].is_contiguous()
        name = "addmm" if len(args) > 2 and args[2] is not None and fits else "mm"
    elif name == "matmul":
        dims = args[0].dim(), args[1].dim()
        name = "dot" if dims == (1, 1) else "mv" if 1 in dims else "bmm" if min(dims) > 2 else "mm"
    elif name[:4] == "conv" and name[-1] == "d":
        name = "convolution"
    return getattr(torch.ops.aten, _RENAMED.get(name, name), None)


class _Mode(TorchFunctionMode):
    frame = None  # of the checkpoint, which sets it

    def __init__(self, entries):
        self.entries = entries  # {(operation, how many-th): kept result}

    def __enter__(self):
        self.counts = {}
        return super().__enter__()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func.__name__
        op = None
        if name in _RENAMED or id(func) not in _plain:
            op = operation(name, args)
        if op is None:
            return inside(self, func, args, kwargs)
        number = self.counts[op] = self.counts.get(op, -1) + 1
        return self.call((op, number), func, args, kwargs)


class _First(_Mode):
    def __init__(self, entries, policy):
        super().__init__(entries)
        self.policy = policy

    def call(self, key, func, args, kwargs):
        saved = self.frame.recent = []
        out = func(*args, **kwargs)
        self.frame.recent = None
        context = SelectiveCheckpointContext(is_recompute=False, op_output=out)
        policy = self.policy(context, key[0], *args, **kwargs)
        if policy is True or getattr(policy, "name", None) in _KEEP:
            self.entries[key] = _Entry(out, saved, (args, kwargs))
        return out


class _Second(_Mode):
    def __init__(self, entries, allow_mutation):
        super().__init__(entries)
        self.allow_mutation = allow_mutation

    def call(self, key, func, args, kwargs):
        entry = self.entries.get(key)
        if entry is None:
            return func(*args, **kwargs)
        return entry.again(self.frame, (args, kwargs), self.allow_mutation)


def _place(tensor, inputs, outputs):
    """Where a saved tensor comes from: ("input", i), ("output", i), or itself."""
    for kind, places in (("input", inputs), ("output", outputs)):
        for i, other in enumerate(places):
            if isinstance(other, torch.Tensor) and _same(tensor, other):
                return kind, i
    return "value", tensor.detach()


def _same(a, b):
    return a is b or (
        a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()
        and a.dtype == b.dtype and a.numel() > 0
    )  # fmt: skip


class _Entry:
    """A kept result, and how to get again what its call had saved for backward."""

    def __init__(self, out, saved, inputs):
        outputs = tree_leaves(out)
        self.places = [_place(t, tree_leaves(inputs), outputs) for t in saved]
        self.needs = [getattr(t, "requires_grad", False) for t in outputs]
        self.out = tree_map(lambda t: t.detach() if isinstance(t, torch.Tensor) else t, out)
        self.versions = [getattr(t, "_version", 0) for t in tree_leaves(self.out)]

    def again(self, frame, inputs, allow_mutation):
        outputs = tree_leaves(self.out)
        if not allow_mutation and self.versions != [getattr(t, "_version", 0) for t in outputs]:
            raise RuntimeError(
                "Tensor cached during selective activation checkpoint has been mutated"
            )
        have = {"input": tree_leaves(inputs), "output": outputs}
        for kind, place in self.places:
            frame.found_again(place if kind == "value" else have[kind][place])
        needs = iter(self.needs)
        return tree_map(lambda t: _variable(t, next(needs)), self.out)


def _variable(value, needs_grad):
    if not isinstance(value, torch.Tensor):
        return value
    return value.detach().requires_grad_(needs_grad)


def create_selective_checkpoint_contexts(policy_fn_or_list, allow_cache_entry_mutation=False):
    """Two contexts for `checkpoint(..., context_fn=)`, by which some results are kept.

    Args:
        policy_fn_or_list (callable or list): from (context, operation, *args, **kwargs) to a
            CheckpointPolicy, or True to keep; or the operations whose results are kept.
        allow_cache_entry_mutation (bool): whether a kept result may have been written in place.

    Raises TypeError for another policy, ValueError for a list of something else than operations,
    and in backward RuntimeError if a kept result has changed.

    >>> from functools import partial
    >>> keep = partial(create_selective_checkpoint_contexts, [torch.ops.aten.mm.default])
    >>> x = torch.ones(2, 2, requires_grad=True)
    >>> f = lambda x: (x @ x).exp()
    >>> y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False, context_fn=keep)
    """
    if isinstance(policy_fn_or_list, list):
        for op in policy_fn_or_list:
            if not isinstance(op, torch.ops._OpOverload):
                raise ValueError(
                    f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}. "
                )

        def policy(context, op, *args, **kwargs):
            return op in policy_fn_or_list

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    entries = {}
    return _First(entries, policy), _Second(entries, allow_cache_entry_mutation)
