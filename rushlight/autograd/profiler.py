"""torch.autograd.profiler: the older door to torch.profiler."""

from contextlib import nullcontext

from .. import profiler as _profiler
from ..profiler import EventList, FunctionEvent, record_function

__all__ = ["EventList", "FunctionEvent", "emit_itt", "emit_nvtx", "profile", "record_function"]


class profile(_profiler.profile):
    """Records while it is open, unless `enabled` is False; `table` and `total_average` are its own."""

    def __init__(self, enabled=True, **_):
        super().__init__()
        self.enabled = enabled

    def start(self):
        if self.enabled:
            super().start()

    def table(self, *args, **kwargs):
        """The sums by name as text."""
        return self.key_averages().table(*args, **kwargs)

    def total_average(self):
        """The sum of all."""
        return self.events().total_average()

    @property
    def self_cpu_time_total(self):
        return self.events().self_cpu_time_total


def emit_nvtx(enabled=True, record_shapes=False):
    """Does nothing: marks for NVIDIA's tools are not made."""
    return nullcontext()


def emit_itt(enabled=True, record_shapes=False):
    """Does nothing: marks for Intel's tools are not made."""
    return nullcontext()


def __getattr__(name):
    from .._missing import missing

    return missing("torch.autograd.profiler", name)
