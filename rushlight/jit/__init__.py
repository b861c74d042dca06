"""`torch.jit`: there is no TorchScript here. Decorators, `script` and `trace` return what they are
given, which runs eagerly with the same results; what would need a graph or a file of it is a stub.
"""

import rushlight as torch

from .._missing import _passthrough, missing

__all__ = ["export", "ignore", "interface", "is_scripting", "is_tracing", "script", "unused"]

export = ignore = interface = unused = script_method = _passthrough


class ScriptModule:
    """Only for isinstance: no module here is scripted."""


class RecursiveScriptModule(ScriptModule):
    """Only for isinstance: no module here is scripted."""


ScriptFunction = type("ScriptFunction", (), {"__module__": __name__})


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """Returns `obj` itself: it runs eagerly, with the same results."""
    return obj


def trace(func, example_inputs=None, *args, **kwargs):
    """Returns `func` itself: it runs eagerly, with the same results."""
    return func


def trace_module(mod, inputs, *args, **kwargs):
    """Returns the module itself: it runs eagerly, with the same results."""
    return mod


def is_scripting():
    """False: code is never compiled as TorchScript."""
    return False


def is_tracing():
    """False: code is never traced."""
    return False


def annotate(the_type, the_value):
    """Returns the value: types are not needed."""
    return the_value


def isinstance(obj, target_type):  # noqa: A001
    """Python's isinstance."""
    import builtins

    return builtins.isinstance(obj, target_type)


def _overload(func):
    return func


_overload_method = _overload


def script_if_tracing(fn):
    """Returns `fn`: nothing is traced."""
    return fn


_script_if_tracing = script_if_tracing  # as torchvision calls it


def optimized_execution(should_optimize):
    """A context manager that changes nothing."""
    from contextlib import nullcontext

    return nullcontext()


def freeze(mod, *args, **kwargs):
    """Returns the module."""
    return mod


def optimize_for_inference(mod, *args, **kwargs):
    """Returns the module."""
    return mod


def enable_onednn_fusion(enabled):
    """Accepted: nothing is fused."""


def onednn_fusion_enabled():
    """False: nothing is fused."""
    return False


def set_fusion_strategy(strategy):
    """Accepted; returns the strategy that PyTorch begins with."""
    return [("STATIC", 2), ("DYNAMIC", 10)]


class strict_fusion:
    """A context manager that changes nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


class Error(Exception):
    """What TorchScript raises, for `except`: nothing raises it here."""


def fork(func, *args, **kwargs):
    """Runs `func` at once; `wait` returns its result."""
    return func(*args, **kwargs)


def wait(future):
    """The result of `fork`."""
    return future


class _Final:
    def __class_getitem__(cls, item):
        return item


Final = _Final


def __getattr__(name):
    if name == "Attribute":
        from collections import namedtuple

        globals()[name] = namedtuple("Attribute", "value type", module=__name__)
        return globals()[name]
    if name == "Future":
        return torch.futures.Future
    return missing(__name__, name)
