"""torch.cpu: the CPU as if it were an accelerator: there is one, and it needs no waiting for."""

from contextlib import nullcontext

__all__ = [
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
    "set_device",
    "stream",
    "synchronize",
    "Event",
    "Stream",
    "StreamContext",
]


def is_available():
    """True."""
    return True


def is_initialized():
    """True."""
    return True


def synchronize(device=None):
    """Nothing: every operation has ended when its call returns."""


def device_count():
    """1."""
    return 1


def current_device():
    """The name of the CPU."""
    return "cpu"


def set_device(device):
    """Nothing: there is one CPU."""


class Stream:
    """A queue of work that is always empty."""

    def __init__(self, priority=-1):
        pass

    def wait_stream(self, stream):
        """Nothing."""

    def record_event(self):
        """Nothing."""

    def wait_event(self, event):
        """Nothing."""


class Event:
    """A mark in a Stream, always passed."""

    def __init__(self, enable_timing=False):
        self.enable_timing = enable_timing

    def query(self):
        """True."""
        return True

    def record(self, stream=None):
        """Nothing."""

    def synchronize(self):
        """Nothing."""

    def wait(self, stream=None):
        """Nothing."""


_stream = Stream()


def current_stream(device=None):
    """The one stream."""
    return _stream


class StreamContext(nullcontext):
    """A block in which a stream is current: it changes nothing."""


def stream(stream):
    """A block in which a stream is current: it changes nothing."""
    return StreamContext(stream)


def __getattr__(name):
    if name == "amp":
        from importlib import import_module

        return import_module(".amp", __name__)
    from .._missing import missing

    return missing(__name__, name)
