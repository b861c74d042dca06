"""torch.overrides: __torch_function__, by which subclasses and foreign types take over functions."""

from . import _C, _overridable
from ._C import Tensor
from ._methods import DisableTorchFunctionSubclass
from ._overridable import (
    get_ignored_functions,
    get_overridable_functions,
    get_testing_overrides,
    resolve_name,
)

__all__ = [
    "BaseTorchFunctionMode",
    "TorchFunctionMode",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


def _overloaded(args):
    """Arguments with an override, one a type, subclasses before their bases."""
    found = []
    for a in args:
        for item in a if isinstance(a, (tuple, list)) else (a,):
            kind = type(item)
            if _C._has_torch_function(item) and kind not in map(type, found):
                at = next((i for i, f in enumerate(found) if issubclass(kind, type(f))), len(found))
                found.insert(at, item)
    return found


def _call_overrides(function, relevant, args, kwargs):
    """Calls the overrides in turn until one answers."""
    types = tuple(map(type, relevant))
    for item in relevant:
        result = type(item).__torch_function__(function, types, args, kwargs)
        if result is not NotImplemented:
            return result
    name = f"{getattr(function, '__module__', 'torch')}.{getattr(function, '__name__', function)}"
    tried = "".join(f"\n  - tensor subclass {t}" for t in types)
    raise TypeError(
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned NotImplemented:\n{tried}"
        "\n\nFor more information, try re-running with TORCH_LOGS=not_implemented"
    )


def _dispatch(function, args, kwargs):
    """What the core calls when an argument has an override."""
    relevant = _overloaded((*args, *kwargs.values()))
    if not all(isinstance(a, Tensor) for a in relevant):  # Tensor notices its own subclasses
        _overridable.switch_on()
    return _call_overrides(function, relevant, args, kwargs)


def _dispatch_method(name, *args):
    return _dispatch(getattr(Tensor, name), args, {})


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """Calls the overrides among `relevant_args` for `public_api(*args, **kwargs)`."""
    return _call_overrides(public_api, _overloaded(relevant_args), args, kwargs)


def has_torch_function(relevant_args):
    """Has any argument an override?"""
    return any(_C._has_torch_function(a) for a in relevant_args)


has_torch_function_variadic = lambda *args: has_torch_function(args)  # noqa: E731
has_torch_function_unary = _C._has_torch_function


def is_tensor_like(inp):
    """A tensor, or something with __torch_function__."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def get_default_nowrap_functions():
    """Functions whose result is not made an instance of the subclass."""
    return {Tensor._base.__get__, Tensor.grad.__get__, Tensor._grad.__get__}


def _convert(value, cls):
    if cls is Tensor:
        return value
    if isinstance(value, Tensor) and not isinstance(value, cls):
        return value.as_subclass(cls)
    if isinstance(value, (tuple, list)):
        items = [_convert(v, cls) for v in value]
        return type(value)(items) if type(value) in (tuple, list) else type(value)(items)
    return value


def _default_torch_function(cls, func, types, args, kwargs):
    """What Tensor.__torch_function__ does: the plain call, its results as `cls`."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **kwargs)
        return result if func in get_default_nowrap_functions() else _convert(result, cls)


def is_tensor_method_or_property(func):
    """Is it a method of Tensor, or the getter of an attribute?"""
    return getattr(func, "__name__", None) == "__get__" or any(
        func is v for v in vars(Tensor).values()
    )


def wrap_torch_function(dispatcher):
    """A decorator that gives a Python function __torch_function__."""

    def decorate(function):
        import functools

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


class TorchFunctionMode:
    """A block in which every operation goes to `__torch_function__(func, types, args, kwargs)` of the
    mode first, the innermost of several; within it, to the next one.

    What Python calls is seen, and not what an operation calls inside the core; attributes such as
    `x.shape` are not operations here.

    >>> class Names(torch.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     y = torch.ones(2).exp()
    ones
    exp
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError

    def __enter__(self):
        from ._function_mode import push

        push(self)
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        from ._function_mode import pop

        pop()

    @classmethod
    def push(cls, *args, **kwargs):
        """Deprecated: makes an instance."""
        import warnings

        warnings.warn(
            "`Mode.push()` is no longer necessary and can be replaced with just `with Mode()`",
            stacklevel=2,
        )
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that calls what it is given."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def __getattr__(name):
    from ._missing import missing

    return missing(__name__, name)
