"""`torch.backends`: which libraries are used. Submodules hold the switches that programs set."""

from .._missing import missing


def __getattr__(name):
    return missing(__name__, name)
