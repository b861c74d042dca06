"""Autocast's functions: what stands for an operation of the table while the mode is on."""

import rushlight as torch

from .. import _interpose
from . import _policies
from .autocast_mode import _state


def _casting(function, policy):
    """Makes `function` with its arguments cast; inside it autocast is off: it is one operation."""

    def wrapper(inner):
        def cast(*args, **kwargs):
            state = _state
            if not state.cpu or kwargs.get("out") is not None:
                return inner(*args, **kwargs)
            new = policy(args, kwargs, state.dtypes["cpu"])
            if new is None:
                return inner(*args, **kwargs)
            state.cpu = False
            try:
                return inner(*new[0], **new[1])
            finally:
                state.cpu = True

        return _interpose.dress(cast, function)

    return wrapper


def _own(home, name):
    try:
        found = getattr(home, name)
    except AttributeError:
        return None
    if isinstance(home, type):
        found = home.__dict__.get(name)
    # Stubs of what is not in this version stay stubs.
    return None if getattr(found, "__module__", "") == "rushlight._missing" else found


def _functions():
    """The functions of the table under all their names."""
    from .. import _C, fft, linalg
    from ..nn import functional
    from ..nn.modules import _rnn

    for full_name, policy in _policies.table().items():
        space, _, name = full_name.rpartition(".")
        homes = {"linalg": (linalg,), "fft": (fft,)}.get(space)
        for home in homes or (torch, functional, _C._nn, torch.Tensor):
            if (found := _own(home, name)) is not None:
                yield found, _casting(found, policy)
    yield _rnn.run, _casting(_rnn.run, _policies.RECURRENCE)


MODE = _interpose.Mode("autocast", _functions)
