"""Putting casts before functions while autocast is on, and taking them away again.

The core knows nothing of autocast and pays nothing for it. While the mode is on in some thread, the
functions of the table are replaced by ones that ask the thread's mode, wherever a module of this
process or a class of rushlight holds them under a name; afterwards everything is as before. A
function kept elsewhere, in a list or an attribute of the user's, is not seen.
"""

import functools
import operator
import sys

import rushlight as torch

from . import _policies
from .autocast_mode import _lock, _state

_classes = []  # [(class, name, original, replacement)]
_spaces = []  # [(dict, a reader of the names, {name: original}, {name: replacement})]
_scanned = None  # how many modules there were when these were collected
_wrapped = {}  # id of a function: (the function, its replacement)
_active = 0  # threads in which autocast is on


def _replacement(function, policy):
    """`function` with its arguments cast; inside it autocast is off, as it is one operation."""

    def cast(*args, **kwargs):
        state = _state
        if not state.cpu or kwargs.get("out") is not None:
            return function(*args, **kwargs)
        new = policy(args, kwargs, state.dtypes["cpu"])
        if new is None:
            return function(*args, **kwargs)
        state.cpu = False
        try:
            return function(*new[0], **new[1])
        finally:
            state.cpu = True

    for name in functools.WRAPPER_ASSIGNMENTS:
        try:
            setattr(cast, name, getattr(function, name))
        except (AttributeError, TypeError):
            pass
    return cast


def _collect_functions():
    """Finds the functions of the table under all their names."""
    from .. import _C, fft, linalg
    from ..nn import functional
    from ..nn.modules import _rnn

    for full_name, policy in _policies.table().items():
        space, _, name = full_name.rpartition(".")
        homes = {"linalg": (linalg,), "fft": (fft,)}.get(space)
        for home in homes or (torch, functional, _C._nn, torch.Tensor):
            if (found := _own(home, name)) is not None:
                _wrapped.setdefault(id(found), (found, _replacement(found, policy)))
    _wrapped[id(_rnn.run)] = _rnn.run, _replacement(_rnn.run, _policies.RECURRENCE)


def _own(home, name):
    try:
        found = getattr(home, name)
    except AttributeError:
        return None
    if isinstance(home, type):
        found = home.__dict__.get(name)
    # Stubs of what is not in this version stay stubs.
    return None if getattr(found, "__module__", "") == "rushlight._missing" else found


def _class_sites(cls):
    for name, value in list(vars(cls).items()):
        if isinstance(value, staticmethod):
            found = _wrapped.get(id(value.__func__))
            if found and found[0] is value.__func__:
                yield cls, name, value, staticmethod(found[1])
        elif (found := _wrapped.get(id(value))) and found[0] is value:
            yield cls, name, value, found[1]


def _module_sites(module):
    space = getattr(module, "__dict__", None)
    if type(space) is not dict:
        return
    ours = getattr(module, "__name__", "").startswith("rushlight.nn.modules.")
    for name, value in list(space.items()):
        if (found := _wrapped.get(id(value))) and found[0] is value:
            yield space, name, value, found[1]
        elif ours and isinstance(value, type):
            # Classes say that they are of torch.nn.modules, or of rushlight's.
            if value.__module__.rpartition(".")[2] == module.__name__.rpartition(".")[2]:
                yield from _class_sites(value)


def _scan():
    """Collects where the functions are; again when modules have been imported since."""
    global _spaces, _classes, _scanned
    if not _wrapped:
        _collect_functions()
    from .. import _C

    sites = [*_class_sites(torch.Tensor)]
    for name, value in _C._functions.items():
        if (found := _wrapped.get(id(value))) and found[0] is value:
            sites.append((_C._functions, name, value, found[1]))
    for module in {id(m): m for m in (*sys.modules.values(), _C._nn) if m is not None}.values():
        sites.extend(_module_sites(module))
    _classes = [site for site in sites if isinstance(site[0], type)]
    spaces = {}
    for space, name, original, replacement in sites:
        if not isinstance(space, type):
            originals, replacements = spaces.setdefault(id(space), (space, {}, {}))[1:]
            originals[name], replacements[name] = original, replacement
    _spaces = [
        (space, _getter(originals), originals, replacements)
        for space, originals, replacements in spaces.values()
    ]
    _scanned = len(sys.modules)


def _getter(names):
    """A function that reads these names from a dict, as a tuple."""
    first, *rest = names
    return operator.itemgetter(first, *(rest or (first,)))


def _put(replaced):
    """Writes all replacements, or all originals, where the other of the two still is."""
    for cls, name, original, replacement in _classes:
        before, after = (original, replacement) if replaced else (replacement, original)
        if cls.__dict__.get(name) is before:
            setattr(cls, name, after)
    for space, getter, originals, replacements in _spaces:
        before, after = (originals, replacements) if replaced else (replacements, originals)
        try:
            unchanged = getter(space) == getter(before)
        except KeyError:
            unchanged = False
        if unchanged:
            space.update(after)
        else:  # a program has written one of the names since
            space.update({k: v for k, v in after.items() if space.get(k) is before[k]})


def enter():
    """Autocast is now on in one more thread."""
    global _active
    with _lock:
        if _active == 0:
            if _scanned != len(sys.modules):
                _scan()
            _put(True)
        _active += 1


def leave():
    """Autocast is now on in one thread less."""
    global _active
    with _lock:
        _active -= 1
        if _active == 0:
            _put(False)
