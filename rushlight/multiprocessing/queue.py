"""torch.multiprocessing.queue: Python's own, by which tensors travel as torch.multiprocessing says."""

from multiprocessing.queues import Queue, SimpleQueue

from .._shared import install as _install

__all__ = ["Queue", "SimpleQueue"]

_install()


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
