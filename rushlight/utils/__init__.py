"""Helpers around the core: data loading, hooks, checkpoints. Each part loads when it is named."""

import importlib

_MODULES = ("benchmark", "checkpoint", "data", "dlpack", "hooks", "model_zoo", "tensorboard")


def __getattr__(name):
    if name in _MODULES:
        try:
            return importlib.import_module("." + name, __name__)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    from .._missing import missing

    return missing(__name__, name)
