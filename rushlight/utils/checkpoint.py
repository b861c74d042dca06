"""`torch.utils.checkpoint`: trade time for memory by computing activations again in backward.

Method: Chen et al., Training Deep Nets with Sublinear Memory Cost, https://arxiv.org/abs/1604.06174.
Both values of `use_reentrant` do the same here; gradients of captured parameters are accumulated
by backward(), so that `autograd.grad` with respect to them does not see through a checkpoint.
"""

import rushlight as torch

_function = None


def _detach(args):
    return tuple(
        a.detach().requires_grad_(a.requires_grad) if isinstance(a, torch.Tensor) else a
        for a in args
    )


def _make_function():
    """The autograd function, made on first use: this module costs nothing to import."""

    class CheckpointFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, anchor, run, keep_rng, *args):
            ctx.run, ctx.args = run, args
            ctx.rng = torch.get_rng_state() if keep_rng else None
            with torch.no_grad():
                return run(*args)

        @staticmethod
        def backward(ctx, *grads):
            args = _detach(ctx.args)
            now = torch.get_rng_state()
            try:
                if ctx.rng is not None:
                    torch.set_rng_state(ctx.rng)
                with torch.enable_grad():
                    outputs = ctx.run(*args)
            finally:
                torch.set_rng_state(now)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            pairs = [
                (o, g)
                for o, g in zip(outputs, grads)
                if isinstance(o, torch.Tensor) and o.requires_grad
            ]
            if pairs:
                torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
            inputs = (a.grad if isinstance(a, torch.Tensor) else None for a in args)
            return None, None, None, *inputs

    return CheckpointFunction


def checkpoint(function, *args, use_reentrant=None, context_fn=None, determinism_check="default",
               debug=False, preserve_rng_state=True, **kwargs):  # fmt: skip
    """`function(*args, **kwargs)` without keeping what its backward needs: that is computed again.

    Args:
        function (callable): from tensors to a tensor or a tuple of tensors.
        preserve_rng_state (bool): dropout draws the same numbers the second time.

    Example:
        >>> x = torch.ones(2, requires_grad=True)
        >>> checkpoint(torch.exp, x, use_reentrant=False).sum().backward()
        >>> x.grad
        tensor([2.7183, 2.7183])
    """
    global _function
    if not torch.is_grad_enabled():
        return function(*args, **kwargs)
    if _function is None:
        _function = _make_function()
    # The anchor makes backward run even if only parameters inside `function` need gradients.
    anchor = torch.empty(0, requires_grad=True)
    return _function.apply(anchor, lambda *a: function(*a, **kwargs), preserve_rng_state, *args)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """Runs a Sequential in `segments` checkpointed parts (the last one is kept)."""
    layers = list(functions.children()) if isinstance(functions, torch.nn.Module) else functions
    layers, size = list(layers), len(layers) // segments

    def part(start, end):
        def run(x):
            for layer in layers[start:end]:
                x = layer(x)
            return x

        return run

    for i in range(segments - 1):
        input = checkpoint(
            part(i * size, (i + 1) * size), input, use_reentrant=use_reentrant, **kwargs
        )
    return part((segments - 1) * size, len(layers))(input)


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
