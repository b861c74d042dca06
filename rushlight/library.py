"""`torch.library`: Python functions registered as operations, reachable as `torch.ops.ns.name`.

Operations registered here are plain Python calls: there is one implementation for all devices.
"""

from ._missing import _passthrough, missing
from .ops import _register

__all__ = ["Library", "custom_op", "define", "impl", "register_autograd", "register_fake"]

_operators = {}
_NOT_NEEDED = ("Meta", "Autograd", "Autocast")  # dispatch keys without a meaning here


def _split(qualname, namespace=None):
    name = str(qualname).split("(")[0].split(".")[0]
    return name.split("::", 1) if "::" in name else (namespace, name)


class Library:
    """A group of operations in a namespace.

    Example:
        >>> lib = torch.library.Library("demo", "DEF")
        >>> lib.define("twice(Tensor x) -> Tensor")
        'twice'
        >>> lib.impl("twice", lambda x: x * 2)
        >>> torch.ops.demo.twice(torch.ones(1))
        tensor([2.])
    """

    def __init__(self, ns, kind, dispatch_key=""):
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key

    def define(self, schema, alias_analysis="", *, tags=()):
        """Declares an operation; returns its name."""
        return _split(schema, self.ns)[1]

    def impl(self, op_name, fn, dispatch_key="", *, with_keyset=False, allow_override=False):
        """Gives the operation its body; those for shapes, gradients and casts are not needed."""
        if not (dispatch_key or self.dispatch_key).startswith(_NOT_NEEDED):
            name = getattr(op_name, "__name__", op_name)
            _register(*_split(name, self.ns), fn)


class CustomOpDef:
    """What `custom_op` returns: callable, with decorators for what PyTorch registers beside it."""

    def __init__(self, qualname, function):
        self._qualname, self._function, self._backward = qualname, function, None

    def __call__(self, *args, **kwargs):
        if self._backward is None:
            return self._function(*args, **kwargs)
        return self._backward(self._function, *args, **kwargs)

    def register_fake(self, fn):
        return fn

    register_kernel = staticmethod(lambda device_types, fn=None: _passthrough(fn))

    def register_autograd(self, backward, *, setup_context=None):
        """Gives the operation a backward: `backward(ctx, *grads)`."""
        self._backward = _with_backward(backward, setup_context)


def _with_backward(backward, setup_context):
    import rushlight as torch

    def call(function, *args, **kwargs):
        class Op(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *inputs):
                output = function(*inputs, **kwargs)
                if setup_context is not None:
                    setup_context(ctx, inputs, output)
                return output

        Op.backward = staticmethod(backward)
        return Op.apply(*args)

    return call


def custom_op(name, fn=None, /, *, mutates_args=(), device_types=None, schema=None, tags=None):
    """Decorator: a Python function as the operation `torch.ops.<namespace>.<name>`."""

    def wrap(function):
        op = _operators[name] = CustomOpDef(name, function)
        _register(*_split(name), op)
        return op

    return wrap if fn is None else wrap(fn)


def define(qualname, schema=None, *, lib=None, tags=()):
    """Declares an operation; `impl` gives it a body."""


def impl(qualname, types="", func=None, *, lib=None):
    """Decorator or call: the body of a declared operation."""

    def wrap(function):
        kinds = (types,) if isinstance(types, str) else types
        if not all(kind.startswith(_NOT_NEEDED) for kind in kinds):
            _register(*_split(qualname, getattr(lib, "ns", None)), function)
        return function

    return wrap if func is None else wrap(func)


def register_fake(op, func=None, /, *, lib=None, _stacklevel=1, allow_override=False):
    """Accepted: shapes need no second body here."""
    return (lambda f: f) if func is None else func


impl_abstract = register_fake


def register_autograd(op, backward, /, *, setup_context=None, lib=None):
    """Gives an operation of `custom_op` a backward; others are differentiable as they are."""
    op = _operators.get(op) if isinstance(op, str) else op
    if op is not None:
        op.register_autograd(backward, setup_context=setup_context)


def __getattr__(name):
    return missing(__name__, name)
