"""Neural networks: modules, their parameters, functions, initialisers and tools.

Nothing is loaded before it is named.
"""

import importlib

from . import modules

_PARTS = tuple("attention common_types functional grad init parallel parameter utils".split())
_PARAMETERS = ("Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter")
__all__ = [*modules.__all__, *_PARAMETERS, "DataParallel", "factory_kwargs"]


def factory_kwargs(kwargs):
    """The device, dtype and memory_format among a module's keyword arguments, for its tensors."""
    if kwargs is None:
        return {}
    known = {"device", "dtype", "memory_format"}
    if set(kwargs) - known - {"factory_kwargs"}:
        raise TypeError(f"unexpected kwargs {kwargs.keys()}")
    given = dict(kwargs.get("factory_kwargs", {}))
    for name in known & set(kwargs):
        if name in given:
            raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
        given[name] = kwargs[name]
    return given


def __getattr__(name):
    if name in _PARTS:
        return importlib.import_module("." + name, __name__)
    if name in modules.__all__:
        value = getattr(modules, name)
    elif name in _PARAMETERS:
        value = getattr(importlib.import_module(".parameter", __name__), name)
    elif name == "DataParallel":
        value = importlib.import_module(".parallel", __name__).DataParallel
    else:
        from .._missing import missing

        return missing(__name__, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, *_PARTS})
