"""`torch.multiprocessing`: Python's multiprocessing, and `spawn`. Tensors that `share_memory_` moved
are sent as the same memory, others by value.
"""

import multiprocessing as _mp

from .._shared import install as _install
from .spawn import (
    ProcessContext,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

__all__ = [
    "ProcessContext",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_install()
_strategy = "file_system"


def get_all_sharing_strategies():
    """There is one way, whatever it is called: a file in memory, by its descriptor."""
    return {"file_descriptor", "file_system"}


def get_sharing_strategy():
    """The strategy that was set last."""
    return _strategy


def set_sharing_strategy(new_strategy):
    """Accepted for compatibility."""
    global _strategy
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(f"invalid sharing strategy {new_strategy}")
    _strategy = new_strategy


def __getattr__(name):
    if hasattr(_mp, name):
        return getattr(_mp, name)
    from .._missing import missing

    return missing(__name__, name)
