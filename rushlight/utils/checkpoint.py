"""`torch.utils.checkpoint`: trade time for memory by computing activations again in backward.

Method: Chen et al., Training Deep Nets with Sublinear Memory Cost, https://arxiv.org/abs/1604.06174.
There are two ways. The better one (`use_reentrant=False`) saves nothing for backward and runs the
function again when the first saved tensor is asked for. The other makes the function one node of
the graph, whose backward runs it again and calls backward on that. Not here: how selective
checkpointing decides by operation (_selective.py).
"""

import contextlib
import warnings
from enum import Enum

import rushlight as torch

__all__ = [
    "CheckpointError",
    "CheckpointFunction",  # noqa: F822  (made on first use)
    "CheckpointPolicy",
    "DefaultDeviceType",
    "SelectiveCheckpointContext",  # noqa: F822
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",  # noqa: F822
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]

_early_stop = None  # what set_checkpoint_early_stop says; None: it says nothing


class CheckpointError(RuntimeError):
    """The function did something else when it was run again."""


class _Stop(Exception):
    """Enough has been computed again."""


class CheckpointPolicy(Enum):
    """What selective checkpointing may say of an operation."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


class DefaultDeviceType:
    """The device type whose random state is kept besides the CPU's."""

    _default_device_type = "cuda"

    @staticmethod
    def set_device_type(device="cuda"):
        """Sets it."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type():
        """It."""
        return DefaultDeviceType._default_device_type


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled):
    """Accepted: errors are the same with and without."""
    yield


@contextlib.contextmanager
def set_checkpoint_early_stop(enable):
    """Whether computing again stops as soon as all that is needed is there."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


def noop_context_fn():
    """Two contexts that do nothing: one for the first run, one for the second."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs):
    """The tensors of a tuple without their history; the rest as it is."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            "Only tuple of tensors is supported. Got Unsupported input type: "
            f"{type(inputs).__name__}"
        )
    return tuple(
        a.detach().requires_grad_(a.requires_grad) if isinstance(a, torch.Tensor) else a
        for a in inputs
    )


def check_backward_validity(inputs):
    """Warns if no gradient can come out."""
    if not any(isinstance(a, torch.Tensor) and a.requires_grad for a in inputs):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )


def get_device_states(*args):
    """(devices, random states) of the arguments' GPUs: none on the CPU."""
    return [], []


def set_device_states(devices, states, *, device_type=None):
    """Nothing, as there are no such states."""


# --- running twice -------------------------------------------------------------------------------


class _Surroundings:
    """The random state and the autocast mode of the first run, for the second."""

    def __init__(self, keep_rng):
        from ..amp import autocast_mode as amp

        self.rng = torch.get_rng_state() if keep_rng else None
        self.autocast = amp.is_autocast_enabled("cpu"), amp.get_autocast_dtype("cpu")
        self.cache = amp.is_autocast_cache_enabled()

    @contextlib.contextmanager
    def restored(self):
        """They hold inside; afterwards what held before."""
        now = torch.get_rng_state() if self.rng is not None else None
        enabled, dtype = self.autocast
        try:
            if self.rng is not None:
                torch.set_rng_state(self.rng)
            with torch.autocast("cpu", dtype, enabled, self.cache):
                yield
        finally:
            if now is not None:
                torch.set_rng_state(now)


class _Holder:
    """What is saved for backward instead of a tensor."""

    __slots__ = ("frame", "index", "metadata", "value")

    def __init__(self, frame, index, tensor):
        self.frame, self.index, self.value = frame, index, None
        self.metadata = _metadata(tensor)


def _metadata(tensor):
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


class _Frame:
    """A checkpointed call: what it saved, and how to run it again."""

    def __init__(self, run, context, surroundings, check, early_stop):
        self.run, self.context, self.surroundings = run, context, surroundings
        self.check, self.early_stop = check, early_stop
        self.holders = []
        self.count = 0
        self.recent = None  # a list, while a selective policy wants to know what is saved

    def pack(self, tensor):
        """First run: keeps nothing but the shape."""
        holder = _Holder(self, len(self.holders), tensor)
        self.holders.append(holder)
        if self.recent is not None:
            self.recent.append(tensor)
        return holder

    @staticmethod
    def unpack(holder):
        """In backward: the tensor, from a second run of the whole if it is not there."""
        if holder.value is None:
            holder.frame.recompute()
        value, holder.value = holder.value, None
        return value

    def found_again(self, tensor):
        """Second run: the next of what the first run saved. Ends the run at the last."""
        if self.count >= len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: trying to save more tensors during recomputation than "
                "during the original forward pass."
            )
        self.holders[self.count].value = tensor.detach()
        self.count += 1
        if self.early_stop and self.count == len(self.holders):
            raise _Stop
        return tensor.detach()

    def recompute(self):
        """Runs the function again; each tensor that it saves goes to its holder."""
        from ..autograd.graph import saved_tensors_hooks

        self.count = 0
        hooks = saved_tensors_hooks(self.found_again, lambda tensor: tensor)
        with contextlib.suppress(_Stop), torch.enable_grad(), self.surroundings.restored():
            with self.context, hooks:
                self.run()
        self._compare()

    def _compare(self):
        if self.count != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                "original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {self.count}."
                "\nwhy: the function takes another path when it is run again in backward."
            )
        lines = []
        for i, holder in enumerate(self.holders):
            now = _metadata(holder.value)
            if self.check and now != holder.metadata:
                lines.append(
                    f"tensor at position {i}:\nsaved metadata: {holder.metadata}\n"
                    f"recomputed metadata: {now}"
                )
        if lines:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have "
                "different metadata than during the forward pass.\n" + "\n".join(lines)
            )


def _without_reentry(run, keep_rng, context_fn, determinism_check, debug, early_stop):
    """Runs now, and again in backward."""
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    from ..autograd.graph import saved_tensors_hooks

    first, second = context_fn()
    if not torch.is_grad_enabled():
        with first:
            return run()
    frame = _Frame(
        run, second, _Surroundings(keep_rng), determinism_check == "default",
        early_stop if _early_stop is None else _early_stop,
    )  # fmt: skip
    for context in (first, second):
        if hasattr(context, "frame"):  # of selective checkpointing
            context.frame = frame
    with saved_tensors_hooks(frame.pack, frame.unpack), first:
        return run()


def _make_function():
    """The autograd function of the other way, made on first use."""
    from .. import autograd

    class CheckpointFunction(torch.autograd.Function):
        """A function whose backward runs it again and calls backward on that."""

        @staticmethod
        def forward(ctx, run_function, preserve_rng_state, *args):
            check_backward_validity(args)
            ctx.run, ctx.surroundings = run_function, _Surroundings(preserve_rng_state)
            ctx.places = [i for i, a in enumerate(args) if isinstance(a, torch.Tensor)]
            ctx.save_for_backward(*(args[i] for i in ctx.places))
            ctx.args = [None if isinstance(a, torch.Tensor) else a for a in args]
            with torch.no_grad():
                return run_function(*args)

        @staticmethod
        def backward(ctx, *grads):
            if autograd._selecting:
                raise RuntimeError(
                    "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() "
                    "or passing an `inputs` parameter to .backward(). To resolve this error, you "
                    "can either set use_reentrant=False, or call .backward() without passing the "
                    "`inputs` argument."
                )
            args = list(ctx.args)
            for i, tensor in zip(ctx.places, ctx.saved_tensors):
                args[i] = tensor
            args = detach_variable(tuple(args))
            with ctx.surroundings.restored(), torch.enable_grad():
                outputs = ctx.run(*args)
            outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
            pairs = [
                (o, g)
                for o, g in zip(outputs, grads)
                if isinstance(o, torch.Tensor) and o.requires_grad
            ]
            if not pairs:
                raise RuntimeError(
                    "none of output has requires_grad=True, this checkpoint() is not necessary"
                )
            torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
            inputs = (a.grad if isinstance(a, torch.Tensor) else None for a in args)
            return None, None, *inputs

    return CheckpointFunction


def _unexpected(kwargs):
    raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))


def _warn_of_default(name, version):
    warnings.warn(
        f"torch.utils.checkpoint{name}: the use_reentrant parameter should be passed explicitly. "
        f"{version} use_reentrant=False is recommended, but if you need to preserve the current "
        "default behavior, you can pass use_reentrant=True. Refer to docs for more details on the "
        "differences between the two variants.",
        stacklevel=3,
    )


def checkpoint(function, *args, use_reentrant=None, context_fn=noop_context_fn,
               determinism_check="default", debug=False, early_stop=True, **kwargs):  # fmt: skip
    """`function(*args, **kwargs)` without keeping what its backward needs: that is computed again.

    Args:
        function (callable): from tensors to a tensor or a tuple of tensors.
        use_reentrant (bool): False is better: keyword arguments, `autograd.grad`, parameters inside
            the function all work. True (the default, with a warning) needs an argument that
            requires a gradient.
        context_fn (callable): gives two context managers, round the first and the second run.
        determinism_check (str): "default" compares the shapes of both runs, "none" does not.
        early_stop (bool): stop the second run as soon as it has computed all that is needed.
        preserve_rng_state (bool): dropout draws the same numbers the second time. Default True.

    Raises ValueError for unknown options; in backward CheckpointError if the runs differ.

    >>> x = torch.ones(2, requires_grad=True)
    >>> checkpoint(torch.exp, x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([2.7183, 2.7183])
    """
    if use_reentrant is None:
        _warn_of_default(
            "",
            "Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an "
            "exception.",
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        return _without_reentry(
            lambda: function(*args, **kwargs), preserve, context_fn, determinism_check, debug,
            early_stop,
        )  # fmt: skip
    if kwargs:
        _unexpected(kwargs)
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError(
            "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
        )
    return __getattr__("CheckpointFunction").apply(function, preserve, *args)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """Runs a Sequential, or a list of functions, in `segments` checkpointed parts.

    The last part is an ordinary one: its activations would be needed again at once.

    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    >>> y = checkpoint_sequential(net, 2, torch.ones(1, 2), use_reentrant=False)
    >>> y.shape
    torch.Size([1, 1])
    """
    if use_reentrant is None:
        _warn_of_default(
            ".checkpoint_sequential",
            "In version 2.9 we will raise an exception if use_reentrant is not passed.",
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        _unexpected(kwargs)
    if isinstance(functions, torch.nn.Sequential):
        functions = list(functions.children())
    layers, size = list(functions), len(functions) // segments

    def part(start, end):
        def run(x):
            for layer in layers[start:end]:
                x = layer(x)
            return x

        return run

    last = size * (segments - 1)
    for start in range(0, last, size):
        input = checkpoint(
            part(start, start + size), input, use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )  # fmt: skip
    return part(last, len(layers))(input)


def __getattr__(name):
    if name == "CheckpointFunction":
        value = globals()[name] = _make_function()
        return value
    if name in ("SelectiveCheckpointContext", "create_selective_checkpoint_contexts"):
        from . import _selective

        return getattr(_selective, name)
    from .._missing import missing

    return missing(__name__, name)
