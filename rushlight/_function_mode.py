"""The modes of torch.overrides.TorchFunctionMode that are on, by thread, and what asks them."""

from _thread import _local

from . import _interpose, _overridable


class _Stack(_local):
    def __init__(self):
        self.modes = []


_stack = _Stack()


def push(mode):
    """The mode is on, and the innermost."""
    _overridable.switch_on(_stack)
    MODE.enter()
    _stack.modes.append(mode)


def pop():
    """The innermost mode is off."""
    _stack.modes.pop()
    MODE.leave()


def ask_mode(function, args, kwargs):
    """What the innermost mode makes of a call. What it calls itself goes to the next one."""
    from .overrides import _overloaded

    types = tuple(map(type, _overloaded((*args, *kwargs.values()))))
    modes = _stack.modes
    mode = modes.pop()
    try:
        return mode.__torch_function__(function, types, args, kwargs)
    finally:
        modes.append(mode)


def inside(mode, function, args, kwargs):
    """Calls what a mode was given. If that is written in Python, the mode sees what it calls."""
    plain = _overridable._plain.get(id(function))
    if plain is None:
        return function(*args, **kwargs)
    _stack.modes.append(mode)
    try:
        return plain(*args, **kwargs)
    finally:
        _stack.modes.pop()


def _asking(name):
    """Makes a function that asks the modes first. They are given that function itself, which is what
    `torch.<name>` is meanwhile."""

    def wrapper(inner):
        def ask(*args, **kwargs):
            if not _stack.modes:
                return inner(*args, **kwargs)
            return ask_mode(ask, args, kwargs)

        ask = _interpose.dress(ask, inner)
        ask.__name__ = name
        return ask

    return wrapper


def _functions():
    for function, name in _interpose.operations():
        yield function, _asking(name)


MODE = _interpose.Mode("function modes", _functions, of_names_to_come=True)
