"""torch.autograd.profiler: times of the operations that a block runs, and names for parts of it.

`torch.profiler` has schedules and traces; both record by _recorder.py.
"""

from . import _recorder
from .profiler_util import EventList, FunctionEvent, FunctionEventAvg  # noqa: F401

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]


class profile:
    """A block whose operations are recorded.

    Args:
        enabled (bool): False records nothing.
        record_shapes (bool): keep the shapes of arguments.

    Options of PyTorch's for GPUs, memory, stacks and flops are accepted and record nothing.
    Raises RuntimeError if it is entered twice.

    >>> with torch.autograd.profiler.profile() as prof:
    ...     _ = torch.ones(2) + 1
    >>> [event.key for event in prof.key_averages()]
    ['aten::ones', 'aten::add']
    """

    def __init__(
        self, enabled=True, *, use_cuda=False, use_device=None, record_shapes=False,
        with_flops=False, profile_memory=False, with_stack=False, with_modules=False,
        use_kineto=False, use_cpu=True, experimental_config=None, acc_events=False,
        custom_trace_id_callback=None, post_processing_timeout_s=None, activity_filters=None,
    ):  # fmt: skip
        self.enabled, self.record_shapes, self.entered = enabled, record_shapes, False
        self.profile_memory, self.with_stack = profile_memory, with_stack
        self.function_events = None

    def __enter__(self):
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        self._recorder = _recorder.start(self.record_shapes)
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        if self.enabled:
            _recorder.stop()
            self.function_events = self._recorder.event_list()
        return False

    def _events(self):
        if self.function_events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.function_events

    def __repr__(self):
        if self.function_events is None:
            return "<unfinished torch.autograd.profile>"
        return repr(self.function_events)

    def __str__(self):
        if self.function_events is None:
            return "<unfinished torch.autograd.profile>"
        return str(self.function_events)

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75,
              max_name_column_width=55, max_shapes_column_width=80, header=None,
              top_level_events_only=False, time_unit=None):  # fmt: skip
        """The events as a table: see EventList.table."""
        return self._events().table(
            sort_by, row_limit, max_src_column_width, max_name_column_width,
            max_shapes_column_width, header, top_level_events_only, time_unit,
        )  # fmt: skip

    def export_chrome_trace(self, path):
        """Writes a file that chrome://tracing and Perfetto show."""
        self._events().export_chrome_trace(path)

    def key_averages(
        self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False
    ):
        """Averages by name."""
        return self._events().key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self):
        """All events as one."""
        return self._events().total_average()

    @property
    def self_cpu_time_total(self):
        """Microseconds in all."""
        return self._events().self_cpu_time_total


class record_function:
    """A block, or a function, that appears in profiles under a name.

    >>> with torch.autograd.profiler.profile() as prof:
    ...     with torch.autograd.profiler.record_function("mine"):
    ...         _ = torch.ones(2)
    >>> [event.key for event in prof.key_averages()]
    ['mine', 'aten::ones']
    """

    def __init__(self, name, args=None):
        self.name, self.args = name, args
        self._event = self._within = None

    def __enter__(self):
        self._within = _recorder.current()
        if self._within is not None:
            self._event = self._within.begin(self.name, is_user=True)
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        if self._within is not None:
            self._within.end(self._event)
            self._within = self._event = None

    def __call__(self, func):
        import functools

        @functools.wraps(func)
        def named(*args, **kwargs):
            with record_function(self.name, self.args):
                return func(*args, **kwargs)

        return named


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
