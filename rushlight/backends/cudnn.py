"""`torch.backends.cudnn`: switches that programs set, kept for the GPU backend to read."""

from contextlib import contextmanager

import rushlight as torch

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True
fp32_precision = "none"


def is_available():
    """True if cuDNN can be used."""
    return version() is not None


def version():
    """cuDNN's version number, or None."""
    ask = getattr(torch._C, "_cudnn_version", None)
    return ask() if ask is not None and torch.cuda.is_available() else None


def is_acceptable(tensor):
    """True if cuDNN can work on the tensor."""
    return enabled and tensor.is_cuda and is_available()


def set_flags(_enabled=None, _benchmark=None, _benchmark_limit=None, _deterministic=None,
              _allow_tf32=None):  # fmt: skip
    """Sets the switches that are not None and returns the old values."""
    names = ("enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32")
    new = (_enabled, _benchmark, _benchmark_limit, _deterministic, _allow_tf32)
    old = tuple(globals()[name] for name in names)
    globals().update((name, value) for name, value in zip(names, new) if value is not None)
    return old


@contextmanager
def flags(enabled=False, benchmark=False, benchmark_limit=10, deterministic=False, allow_tf32=True):
    """Context manager: the switches within a block."""
    old = set_flags(enabled, benchmark, benchmark_limit, deterministic, allow_tf32)
    try:
        yield
    finally:
        set_flags(*old)


__path__ = []  # PyTorch has a package here: its other modules are stubs
