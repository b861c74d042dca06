"""Putting other functions in the place of rushlight's while a mode is on: autocast's casts, the
profiler's clocks.

The core knows nothing of such modes and pays nothing for them. While one is on in some thread, its
functions are replaced wherever a module of this process or a class of rushlight holds them under a
name; afterwards everything is as before. A function kept elsewhere, in a list or in an attribute of
the user's, is not seen. Several modes may be on: each wraps what the one before it has put there.
"""

import operator
import sys
from _thread import RLock

_lock = RLock()
_modes = {}  # name: Mode
_active = ()  # names of the modes that are on, in order of their registration
_variants = {}  # (id of an original, modes): what stands for it; originals are kept in _originals
_originals = {}  # id of an original, or of what stands for it: the original
_alive = []  # what has such an id
_sites = []  # [(namespace or class, name, original, is it in a staticmethod)]
_scanned = None  # what there was when these were collected
_spaces = []  # the namespaces of our modules
_changes = {}  # (modes before, modes after): what to write


class Mode:
    """A mode's functions: `functions()` gives [(function, wrapper)], where `wrapper(inner)` is what
    stands for the function, and `inner` the function or what another mode put in its place."""

    def __init__(self, name, functions, of_names_to_come=False):
        self.name, self._functions, self.wrappers = name, functions, None
        # Has it functions that the package binds only when they are first named?
        self.of_names_to_come = of_names_to_come
        self.users = 0
        _modes[name] = self

    def enter(self):
        """The mode is now on in one more thread, or block."""
        with _lock:
            self.users += 1
            if self.users == 1:
                self._load()
                _switch(tuple(n for n, m in _modes.items() if m.users))

    def leave(self):
        """The mode is now on in one thread, or block, less."""
        with _lock:
            self.users -= 1
            if not self.users:
                _switch(tuple(n for n, m in _modes.items() if m.users))

    def _load(self):
        global _scanned
        if self.wrappers is None:
            if _active:
                _switch(())  # to find the functions themselves
            self.wrappers = {}
            for function, wrapper in self._functions():
                self.wrappers.setdefault(id(function), wrapper)
                _remember(function, function)
            _scanned = None


def _remember(value, original):
    _originals[id(value)] = original
    _alive.append(value)


def _variant(original, modes, static):
    """What stands for a function when these modes are on."""
    key = id(original), modes, static
    value = _variants.get(key)
    if value is None:
        value = original
        for name in modes:
            wrapper = _modes[name].wrappers.get(id(original))
            if wrapper is not None:
                value = wrapper(value)
        _remember(value, original)
        if static:
            value = staticmethod(value)
        _variants[key] = value
    return value


def _original_of(value):
    return _originals.get(id(value))


def _class_sites(cls):
    for name, value in list(vars(cls).items()):
        static = isinstance(value, staticmethod)
        original = _original_of(value.__func__ if static else value)
        if original is not None:
            yield cls, name, original, static


def _module_sites(module):
    try:  # past __getattribute__, by which some modules load themselves
        space = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return
    if type(space) is not dict:
        return
    own_name = space.get("__name__") or ""
    ours = isinstance(own_name, str) and own_name.startswith("rushlight.nn.modules.")
    for name, value in list(space.items()):
        original = _original_of(value)
        if original is not None:
            yield space, name, original, False
        elif ours and isinstance(value, type):
            # Classes say that they are of torch.nn.modules, or of rushlight's.
            if value.__module__.rpartition(".")[2] == own_name.rpartition(".")[2]:
                yield from _class_sites(value)


def _scan():
    """Collects where the functions are; again when modules have been imported since."""
    global _sites, _scanned
    from . import _C

    tables = (_C._nn, _C._special, _C._linalg, _C._hidden)
    sites = [*_class_sites(_C.Tensor)]
    for name, value in _C._functions.items():
        original = _original_of(value)
        if original is not None:
            sites.append((_C._functions, name, original, False))
    for module in {id(m): m for m in (*sys.modules.values(), *tables) if m is not None}.values():
        sites.extend(_module_sites(module))
    ours = (m for name, m in sys.modules.items() if name.partition(".")[0] == __package__)
    _spaces[:] = [object.__getattribute__(m, "__dict__") for m in ours]
    _sites, _scanned = sites, _extent()
    _changes.clear()


def _extent():
    """How many modules there are, the newest, and how many names ours have: functions are bound when
    they are first named."""
    return len(sys.modules), next(reversed(sys.modules)), sum(map(len, _spaces))


def _switch(modes):
    """Writes what stands for the functions under `modes` where the present modes' stands."""
    global _active
    if _scanned != _extent():
        _scan()
    key = _active, modes
    if key not in _changes:
        _changes[key] = _prepare(*key)
    classes, spaces = _changes[key]
    for cls, name, before, after in classes:
        if _same(cls.__dict__.get(name), before):
            setattr(cls, name, after)
    for space, getter, before, after in spaces:
        try:
            unchanged = getter(space) == getter(before)
        except KeyError:
            unchanged = False
        if unchanged:
            space.update(after)
        else:  # a program has written one of the names since
            space.update({k: v for k, v in after.items() if space.get(k) is before[k]})
    if not modes and any(_modes[name].of_names_to_come for name in _active):
        _unbind()
    _active = modes


def _unbind():
    """Takes away what the package has bound meanwhile."""
    space = vars(sys.modules[__package__])
    for name, value in list(space.items()):
        original = _original_of(value)
        if original is not None and original is not value:
            space[name] = original


def _same(value, expected):
    if isinstance(value, staticmethod) and isinstance(expected, staticmethod):
        return value.__func__ is expected.__func__
    return value is expected


def _prepare(before, after):
    """([(class, name, old, new)], [(dict, reader, {name: old}, {name: new})]) where they differ."""
    classes, spaces = [], {}
    for holder, name, original, static in _sites:
        old, new = _variant(original, before, static), _variant(original, after, static)
        if _same(old, new):
            continue
        if isinstance(holder, type):
            classes.append((holder, name, old, new))
        else:
            olds, news = spaces.setdefault(id(holder), (holder, {}, {}))[1:]
            olds[name], news[name] = old, new
    return classes, [(space, _getter(olds), olds, news) for space, olds, news in spaces.values()]


def _getter(names):
    """A function that reads these names from a dict, as a tuple."""
    first, *rest = names
    return operator.itemgetter(first, *(rest or (first,)))


_OPERATORS = """
    add:add radd:add sub:sub rsub:rsub mul:mul rmul:mul truediv:div rtruediv:div matmul:matmul
    rmatmul:matmul pow:pow rpow:pow floordiv:floor_divide mod:remainder neg:neg abs:abs invert:bitwise_not
    and:bitwise_and or:bitwise_or xor:bitwise_xor iadd:add_ isub:sub_ imul:mul_ itruediv:div_
    eq:eq ne:ne lt:lt le:le gt:gt ge:ge getitem:__getitem__ setitem:__setitem__
"""


def operations():
    """(function, name) of every operation of the core and every operator of Tensor."""
    from . import _C

    for pair in _OPERATORS.split():
        method, _, name = pair.partition(":")
        value = vars(_C.Tensor).get(f"__{method}__")
        if value is not None:
            yield value, name
    kind = type(_C._functions["add"])
    tables = (_C._functions, *(vars(t) for t in (_C._nn, _C._special, _C._linalg, _C._hidden)))
    for table in (*tables, vars(_C.Tensor)):
        for name, value in list(table.items()):
            if type(value) is kind:
                yield value, name


def dress(replacement, function):
    """`replacement` with the name and the documentation of `function`."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        try:
            setattr(replacement, name, getattr(function, name))
        except (AttributeError, TypeError):
            pass
    return replacement
