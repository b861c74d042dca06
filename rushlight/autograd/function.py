"""autograd.Function: operations with a derivative of one's own.

`apply` runs `forward` unrecorded and asks the core to record one node whose context is `ctx`; the
engine calls the context back with the outputs' gradients.
"""

from .. import _C
from .._grad_mode import no_grad


class FunctionCtx:
    """What forward and backward share: `ctx`."""

    _saved = ()
    _freed = False
    _dirty = ()
    _non_differentiable = ()
    _materialize = True
    needs_input_grad = ()

    def save_for_backward(self, *tensors):
        """Keeps tensors (or None) for backward; writes to them in place are noticed."""
        for t in tensors:
            if t is not None and not isinstance(t, _C.Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(t).__name__}")
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
        if self._freed:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors after they have "
                "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
                "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or "
                "if you need to access saved tensors after calling backward."
            )
        for t, version in self._versions:
            if t._version != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"[{t.type()} {list(t.shape)}] is at version {t._version}; expected version {version} instead. "
                    "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
                    "torch.autograd.set_detect_anomaly(True)."
                )
        return self._kept

    saved_variables = saved_tensors
    _versions = ()
    _kept = ()


class _Node(FunctionCtx):
    """The context as a node of the graph: what `output.grad_fn` is."""

    def name(self):
        """The node's name."""
        return type(self).__name__

    @property
    def next_functions(self):
        """The nodes of the inputs, as (node, number) pairs."""
        return self._next

    metadata = property(lambda self: self.__dict__.setdefault("_metadata", {}))

    # ---- called by the engine ----

    def _run_backward(self, grads):
        if self._materialize:
            grads = tuple(
                _C._functions["zeros"](shape, dtype=dtype) if g is None and shape is not None else g
                for g, (shape, dtype) in zip(grads, self._outputs)
            )
        result = self._function.backward(self, *grads)
        result = result if isinstance(result, tuple) else (result,)
        while len(result) > self._count and result[-1] is None:
            result = result[:-1]
        if len(result) != self._count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {self._count}, got {len(result)})"
            )
        return tuple(result)

    def _release(self):
        self._freed = True
        self._kept = self._versions = ()

    def register_hook(self, hook):
        """Not on custom nodes in this version."""
        raise NotImplementedError("hooks on custom Function nodes are not in this version of rushlight")


class _FunctionMeta(type):
    def __init__(cls, name, bases, attrs):
        super().__init__(name, bases, attrs)
        cls._backward_cls = type(name + "Backward", (_Node,), {"_function": cls, "__module__": cls.__module__})


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
            f"Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            f"function with static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function): {type(self).__name__}"
        )

    @staticmethod
    def forward(*args, **kwargs):
        """Computes the outputs."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

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
        for o in outputs:
            if not many and not isinstance(o, _C.Tensor):
                raise TypeError(f"{cls.__name__}.forward: expected Tensor or tuple of Tensor (got {type(o).__name__}) for return value 0")
        _check_dirty(ctx, outputs)
        if recording and any(ctx.needs_input_grad):
            result = _record(ctx, cls, args, outputs)
        else:
            result = tuple(o.detach() if any(o is a for a in args) and not _among(o, ctx._dirty) else o for o in outputs)
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
    ctx._outputs = tuple((o.shape, o.dtype) if isinstance(o, _C.Tensor) else (None, None) for o in outputs)
    ctx._next = tuple(
        _C._gradient_edge(a) if isinstance(a, _C.Tensor) and a.requires_grad else (None, 0) for a in args
    )
    result = _C._record_function(ctx, cls._backward_cls.__name__, args, outputs, dirty, differentiable)
    kept = []
    for t in ctx._saved:
        # A saved output is the recorded tensor, without which its own history would be lost.
        match = next((r for o, r in zip(outputs, result) if o is t), t)
        kept.append(match)
    ctx._kept = tuple(kept)
    ctx._versions = tuple((t, t._version) for t in kept if t is not None)
    ctx._saved = ()
    return result


def once_differentiable(function):
    """A decorator of `backward`: what it computes is not recorded."""
    import functools

    @functools.wraps(function)
    def wrapper(ctx, *grads):
        with no_grad():
            result = function(ctx, *grads)
        return result

    return wrapper


class NestedIOFunction(Function):
    """Legacy; here the same as Function."""


BackwardCFunction = _Node
InplaceFunction = Function
