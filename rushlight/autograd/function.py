"""autograd.Function: operations with a derivative of one's own.

`apply` runs `forward` unrecorded and asks the core to record one node whose context is `ctx`; the
engine calls the context back with the outputs' gradients.
"""

from .. import _C
from .._grad_mode import no_grad


class FunctionCtx:
    """What forward and backward share: `ctx`."""

    _saved = ()
    _dirty = ()
    _non_differentiable = ()
    _materialize = True
    needs_input_grad = ()

    def save_for_backward(self, *tensors):
        """Keeps tensors (or None) for backward; writes to them in place are noticed."""
        self._saved = tensors

    def save_for_forward(self, *tensors):
        """Accepted: forward-mode differentiation is not in this version."""

    def mark_dirty(self, *args):
        """Says which inputs forward wrote in place; they must be returned."""
        self._dirty = args

    def mark_non_differentiable(self, *args):
        """Says which outputs have no gradient."""
        self._non_differentiable = args

    def set_materialize_grads(self, value):
        """False: gradients that nobody gave are None in backward, not zeros."""
        self._materialize = value

    @property
    def saved_tensors(self):
        """What save_for_backward kept."""
        return _C._saved_tensors(self)

    saved_variables = saved_tensors


class _Node(FunctionCtx, _C.Node):
    """The context as a node of the graph: what `output.grad_fn` is. The core adds `next_functions`,
    `metadata` and hooks, which work once forward was recorded."""

    def name(self):
        """The node's name."""
        return type(self).__name__

    # ---- called by the engine ----

    def _run_backward(self, grads):
        if self._materialize:
            grads = tuple(
                _C._functions["zeros"](shape, dtype=dtype) if g is None and shape is not None else g
                for g, (shape, dtype) in zip(grads, self._outputs)
            )
        cls = self._function
        if cls.vjp is not Function.vjp:
            if cls.backward is not Function.backward:
                raise RuntimeError(
                    "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                    "implement one of them."
                )
            result = cls.vjp(self, *grads)
        else:
            result = cls.backward(self, *grads)
        result = result if isinstance(result, tuple) else (result,)
        while len(result) > self._count and result[-1] is None:
            result = result[:-1]
        if len(result) != self._count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {self._count}, got {len(result)})"
            )
        return result


class _FunctionMeta(type):
    def __init__(cls, name, bases, attrs):
        super().__init__(name, bases, attrs)
        cls._backward_cls = type(
            attrs.get("_node_name", name + "Backward"),
            (_Node,),
            {"_function": cls, "__module__": cls.__module__},
        )


class Function(FunctionCtx, metaclass=_FunctionMeta):
    """A differentiable operation: static `forward(ctx, *args)` and `backward(ctx, *grads)`; or
    `forward(*args)` with `setup_context(ctx, inputs, output)`.

    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         return g * 2
    >>> x = torch.ones(2, requires_grad=True)
    >>> Double.apply(x).sum().backward()
    >>> x.grad
    tensor([2., 2.])
    """

    def __init__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args, **kwargs):
        """Computes the outputs."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Saves what backward needs, where forward has no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The inputs' gradients from the outputs'."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    vjp = backward  # the other name it may be given

    @classmethod
    def apply(cls, *args, **kwargs):
        """Runs forward and records."""
        ctx = cls._backward_cls()
        recording = _C.is_grad_enabled()
        ctx.needs_input_grad = tuple(isinstance(a, _C.Tensor) and a.requires_grad for a in args)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        many = isinstance(output, tuple)
        outputs = output if many else (output,)
        _check_dirty(ctx, outputs)
        if recording and any(ctx.needs_input_grad):
            result = _record(ctx, cls, args, outputs)
        else:
            result = tuple(
                o.detach() if any(o is a for a in args) and not _among(o, ctx._dirty) else o
                for o in outputs
            )
            for o in ctx._dirty:
                _C._bump_version(o)
        return result if many else result[0]


def _among(tensor, tensors):
    return any(tensor is t for t in tensors)


def _check_dirty(ctx, outputs):
    for t in ctx._dirty:
        if not _among(t, outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )


def _record(ctx, cls, args, outputs):
    """One node for the call; the outputs that have gradients become its outputs."""
    differentiable = tuple(
        isinstance(o, _C.Tensor)
        and (o.is_floating_point() or o.is_complex())
        and not _among(o, ctx._non_differentiable)
        for o in outputs
    )
    dirty = tuple(_among(o, ctx._dirty) for o in outputs)
    ctx._count = len(args)
    ctx._outputs = tuple(
        (o.shape, o.dtype) if isinstance(o, _C.Tensor) else (None, None) for o in outputs
    )
    saved, ctx._saved = ctx._saved, ()
    return _C._record_function(
        ctx, cls._backward_cls.__name__, args, outputs, dirty, differentiable, saved or ()
    )


class _Once:
    """Made on first use: a function whose own backward says that there is none."""

    function = None

    @classmethod
    def apply(cls, *outputs):
        if cls.function is None:

            class DelayedError(Function):
                @staticmethod
                def forward(ctx, *outputs):
                    return tuple(o.detach() for o in outputs)

                @staticmethod
                def backward(ctx, *grads):
                    raise RuntimeError(
                        "trying to differentiate twice a function that was marked with @once_differentiable"
                    )

            cls.function = DelayedError
        return cls.function.apply(*outputs)


def once_differentiable(function):
    """A decorator of `backward`: its results cannot be differentiated again, and say so.

    Gradients of them raise RuntimeError, instead of being wrong where `backward` computes outside
    of what is recorded.

    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return 2 * x
    ...     @staticmethod
    ...     @torch.autograd.function.once_differentiable
    ...     def backward(ctx, grad):
    ...         return 2 * grad
    >>> x = torch.ones(1, requires_grad=True)
    >>> torch.autograd.grad(Double.apply(x), x)
    (tensor([2.]),)
    """
    import functools

    @functools.wraps(function)
    def wrapper(ctx, *grads):
        with no_grad():
            outputs = function(ctx, *grads)
        if not _C.is_grad_enabled() or not any(
            isinstance(g, _C.Tensor) and g.requires_grad for g in grads
        ):
            return outputs
        many = isinstance(outputs, tuple)
        outputs = outputs if many else (outputs,)
        places = [i for i, o in enumerate(outputs) if isinstance(o, _C.Tensor)]
        marked = _Once.apply(*(outputs[i].detach().requires_grad_() for i in places))
        result = list(outputs)
        for i, o in zip(places, marked):
            result[i] = o
        return tuple(result) if many else result[0]

    return wrapper


class NestedIOFunction(Function):
    """Legacy; here the same as Function."""


BackwardCFunction = _Node
InplaceFunction = Function
