"""Optimisers and learning-rate schedules, each loaded when it is first named."""

import importlib

_HOME = {
    "Optimizer": "optimizer",
    "SGD": "sgd",
    "Adam": "adam",
    "AdamW": "adamw",
    "RMSprop": "rmsprop",
    "Adagrad": "adagrad",
    "Adadelta": "adadelta",
    "Adamax": "adamax",
    "NAdam": "nadam",
    "RAdam": "radam",
    "ASGD": "asgd",
    "Rprop": "rprop",
    "LBFGS": "lbfgs",
    "Adafactor": "_adafactor",
    "Muon": "_muon",
    "lr_scheduler": None,
    "swa_utils": None,
}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        from .._missing import missing

        return missing(__name__, name)
    module = importlib.import_module("." + (_HOME[name] or name), __name__)
    value = getattr(module, name) if _HOME[name] else module
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(__all__))
