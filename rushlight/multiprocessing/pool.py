"""torch.multiprocessing.pool: Python's own, by which tensors travel as torch.multiprocessing says."""

from multiprocessing.pool import Pool

from .._shared import install as _install

__all__ = ["Pool"]

_install()


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
