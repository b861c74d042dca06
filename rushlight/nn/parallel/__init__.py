"""Parallel modules for one device. What PyTorch has here for several is named, and absent."""

from .data_parallel import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]


def __getattr__(name):
    from ..._missing import missing

    return missing("torch.nn.parallel", name)
