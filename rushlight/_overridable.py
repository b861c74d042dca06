"""Which functions `__torch_function__` may take over, and how those written in Python are reached.

Operations of the core look at their arguments themselves. Functions in Python (`nn.functional.linear`,
`einsum`) do so only once a program has a class that overrides: then their code is exchanged for one
that looks first. Until then, and in programs without such a class, the calls cost nothing.
"""

import sys

from . import _C, _methods

_MODULES = "functional nn.functional nn.init fft special linalg _layers _signal _queries".split()
# They take no tensor, or are about settings, and are not asked for in PyTorch either.
_NOT = set(
    """arange empty empty_permuted empty_strided eye fill from_file full linspace logspace normal ones
    rand randint randn randperm range scalar_tensor sparse_coo_tensor tril_indices triu_indices zeros
    bartlett_window blackman_window hamming_window hann_window kaiser_window broadcast_shapes can_cast
    promote_types result_type fftfreq rfftfreq calculate_gain vmap assert_int_or_pair upsample
    upsample_bilinear upsample_nearest sigmoid tanh hardsigmoid hardswish as_subclass new new_tensor
    with_out in_place type_name write missing""".split()
)
_Function = type(lambda: None)
_PLAIN = {_C.Tensor, int, float, bool, str, type(None)}

_on = False
_plain = {}  # key: the function as it was written, which runs if no argument overrides
_public = {}  # key: the function that programs see


class _NoModes:
    modes = ()


_stack = _NoModes  # of the function modes, once there was one


def switch_on(stack=None):
    """From now on functions in Python ask their arguments, and the modes of `stack`."""
    global _on, _stack
    _stack = stack or _stack
    if not _on:
        _on = True
        for space in spaces().values():
            for function in python_functions(space).values():
                _exchange(function)


def spaces():
    """{name: the module, or Tensor} of where PyTorch looks for functions to override."""
    from importlib import import_module

    found = {name: import_module(f"{__package__}.{name}") for name in _MODULES}
    return {**found, "Tensor": _C.Tensor}


def python_functions(space):
    """{name: function} of the public functions in Python that take tensors."""
    found = dict(vars(space))
    later = [n for n, v in found.items() if type(v) is _methods._Later and v.find() is not None]
    for name in [*getattr(space, "__all__", ()), *later]:  # bound when they are first named
        found[name] = getattr(space, name)
    interpose = sys.modules.get(f"{__package__}._interpose")
    if interpose is not None:  # while a mode is on, other functions stand in their places
        found = {name: interpose._original_of(value) or value for name, value in found.items()}
    return {
        name: value
        for name, value in found.items()
        if type(value) is _Function and name[0] != "_" and name not in _NOT
    }


def _exchange(function):
    """Gives the function code that asks its arguments first; it stays the same object."""
    key = id(function)
    if key in _public:
        return
    old, name = function.__code__, function.__name__
    plain = _Function(old, function.__globals__, name, function.__defaults__, function.__closure__)
    plain.__kwdefaults__ = function.__kwdefaults__
    _plain[key], _public[key] = plain, function
    if not hasattr(function, "__wrapped__"):
        function.__wrapped__ = plain  # for inspect.signature
    function.__globals__["_ask_overrides"] = _ask_overrides
    code = _asks.__code__
    function.__code__ = code.replace(
        co_consts=tuple(key if c == "key" else c for c in code.co_consts),
        co_name=name,
        co_filename=old.co_filename,
        co_freevars=old.co_freevars,
    )


def _asks(*args, **kwargs):
    return _ask_overrides("key", args, kwargs)


def _ask_overrides(key, args, kwargs):
    if _stack.modes:
        from ._function_mode import ask_mode

        return ask_mode(_public[key], args, kwargs)
    for a in (*args, *kwargs.values()) if kwargs else args:
        kind = type(a)
        if kind not in _PLAIN and (
            any(map(_C._has_torch_function, a))
            if kind is tuple or kind is list
            else _C._has_torch_function(a)
        ):
            from .overrides import _dispatch

            return _dispatch(_public[key], args, kwargs)
    return _plain[key](*args, **kwargs)


# --- the lists of torch.overrides ----------------------------------------------------------------


def _public_functions():
    """(full name, module or class, function, is it asked) of all that programs call."""
    import rushlight

    operation, modules = type(_C._functions["add"]), spaces()
    exchanged = {id(f) for m in modules.values() for f in python_functions(m).values()}
    places = {"": rushlight, **{f".{n}": m for n, m in modules.items() if n[0] != "_"}}
    for place, space in places.items():
        for name in space.__all__ if hasattr(space, "__all__") else dir(space):
            value = getattr(space, name, None)
            if name[0] != "_" and type(value) in (operation, _Function):
                asked = name not in _NOT and (type(value) is operation or id(value) in exchanged)
                yield f"torch{place}.{name}", space, value, asked
    for name, value in vars(_C.Tensor).items():
        if name[0] != "_" and (type(value) is operation or id(value) in exchanged):
            yield f"torch.Tensor.{name}", _C.Tensor, value, True


def get_overridable_functions():
    """{module or class: its functions that `__torch_function__` may take over}."""
    found = {}
    for _, space, function, asked in _public_functions():
        if asked:
            found.setdefault(space, []).append(function)
    return found


def get_ignored_functions():
    """The set of public functions that ask no argument."""
    return {function for _, _, function, asked in _public_functions() if not asked}


def get_testing_overrides():
    """{function: one with its signature, as far as that is known, that returns -1}."""
    from inspect import signature

    found = {}
    for _, _, function, asked in _public_functions():
        if asked:
            stand_in = found[function] = lambda *args, **kwargs: -1
            try:
                stand_in.__signature__ = signature(function)
            except (TypeError, ValueError):
                pass
    return found


def resolve_name(f):
    """The full name of a function that may be overridden ("torch.Tensor.add"), or None."""
    return next(
        (n for n, _, function, asked in _public_functions() if asked and function is f), None
    )
