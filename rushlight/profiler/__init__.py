"""torch.profiler: which operations take how long, over chosen steps of a program.

Events are the calls that Python makes; there are no times of GPUs, no memory, stacks or flops.
"""

import os
from enum import Enum

from ..autograd import _recorder
from ..autograd.profiler import record_function
from ..autograd.profiler_util import _write_trace

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(Enum):
    """What can be watched; here only the CPU."""

    CPU = 0
    XPU = 1
    CUDA = 2
    HPU = 3
    MTIA = 4
    PrivateUse1 = 5


class ProfilerAction(Enum):
    """What a profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3
    DEVICE_STOPPED = 4


def kineto_available():
    """False: rushlight records by itself."""
    return False


def supported_activities():
    """What can be watched here."""
    return {ProfilerActivity.CPU}


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """Which steps are recorded: after `skip_first`, rounds of `wait`, `warmup` and `active` steps.

    `repeat` is the number of rounds, 0 for no end. Raises AssertionError for negative numbers.

    >>> [s.name for s in map(schedule(wait=1, warmup=1, active=2, repeat=1), range(5))]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), "
            f"warmup={warmup} (need >= 0), active={active} (need > 0), repeat={repeat} "
            f"(need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        import warnings

        warnings.warn(
            "Profiler won't be using warmup, this can skew profiler results", stacklevel=2
        )
    length = wait + warmup + active

    def action(step):
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        # The first round may start without waiting.
        if skip_first_wait != 0:
            step += wait
        if repeat > 0 and step / length >= repeat:
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        last = place == length - 1
        return ProfilerAction.RECORD_AND_SAVE if last else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False, use_python_export=False):
    """A handler for `on_trace_ready` that writes each trace to a file in `dir_name`."""

    def handler(prof):
        import socket
        import time

        try:
            os.makedirs(dir_name, exist_ok=True)
        except Exception as e:
            raise RuntimeError("Can't create directory: " + dir_name) from e
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + ".gz" * use_gzip
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return handler


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class profile:
    """A block whose operations are recorded, all of them or by `schedule`.

    Args:
        activities: accepted; only the CPU is watched.
        schedule (callable): from a step's number to a ProfilerAction; `step()` ends a step.
        on_trace_ready (callable): called with the profiler when a recording is complete.
        record_shapes (bool): keep the shapes of arguments.

    Other options of PyTorch's are accepted and record nothing.

    >>> with torch.profiler.profile() as prof:
    ...     with torch.profiler.record_function("mine"):
    ...         _ = torch.ones(2, 2) @ torch.ones(2, 2)
    >>> [event.key for event in prof.key_averages()]
    ['mine', 'aten::ones', 'aten::matmul']
    """

    def __init__(
        self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes=False,
        profile_memory=False, with_stack=False, with_flops=False, with_modules=False,
        experimental_config=None, execution_trace_observer=None, acc_events=False, use_cuda=None,
        custom_trace_id_callback=None, post_processing_timeout_s=None,
    ):  # fmt: skip
        self.activities = supported_activities() if activities is None else set(activities)
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.record_steps = schedule is not None
        self.on_trace_ready, self.record_shapes = on_trace_ready, record_shapes
        self.with_stack, self.profile_memory = with_stack, profile_memory
        self.with_flops, self.with_modules = with_flops, with_modules
        self.step_num, self.current_action = 0, self.schedule(0)
        self._metadata, self._recorder, self._step = {}, None, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.stop()
        return False

    def start(self):
        """Begins the first step."""
        self._act(None, self.current_action)
        self._begin_step()

    def stop(self):
        """Ends the last step."""
        self._end_step()
        self._act(self.current_action, None)

    def step(self):
        """Ends a step and begins the next."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._act(before, self.current_action)
        self._begin_step()

    def _begin_step(self):
        if self.record_steps:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self):
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None

    def _act(self, before, after):
        """Starts, stops and hands over between two steps; None is before and after all."""
        recording = before in _RECORDING
        if recording and (before is ProfilerAction.RECORD_AND_SAVE or after not in _RECORDING):
            _recorder.stop()
            recording = False
            # A recording that a schedule cuts short is not handed over.
            if self.on_trace_ready and (before is ProfilerAction.RECORD_AND_SAVE or after is None):
                self.on_trace_ready(self)
        if after in _RECORDING and not recording:
            self._recorder = _recorder.start(self.record_shapes)

    def events(self):
        """All events, an EventList."""
        if self._recorder is None:
            raise AssertionError("Profiler must be initialized before accessing events")
        return self._recorder.event_list()

    def key_averages(
        self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False
    ):
        """Averages by name (and shapes), an EventList; its `table()` is text."""
        if self._recorder is None:
            raise AssertionError("Profiler must be initialized before getting key averages")
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path):
        """Writes a file that chrome://tracing and Perfetto show; with gzip if it ends so."""
        if self._recorder is None:
            raise AssertionError("Profiler must be initialized before exporting chrome trace")
        _write_trace(self.events(), path, self._metadata)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Not here: no stacks are recorded."""
        if not self.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        raise NotImplementedError("stacks are not recorded in this version of rushlight")

    def add_metadata(self, key, value):
        """Text for the trace file."""
        self._metadata[key] = value

    def add_metadata_json(self, key, value):
        """JSON for the trace file."""
        import json

        self._metadata[key] = json.loads(value)

    preset_metadata_json = add_metadata_json


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
