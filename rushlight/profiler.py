"""torch.profiler: where a program's time goes, by named ranges, modules, `backward` and steps.

Single operations are not recorded: the core runs them without a look at the profiler. CPU time on
the clock only; no memory, shapes or stacks.
"""

import time
from contextlib import ContextDecorator
from enum import Enum

import rushlight as torch

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
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
    """What to record; here always the CPU."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(Enum):
    """What a schedule asks for at a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def kineto_available():
    """False: there is no Kineto here."""
    return False


def supported_activities():
    """{ProfilerActivity.CPU}."""
    return {ProfilerActivity.CPU}


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """A function from the number of a step to what is to be done at it.

    After `skip_first` steps come rounds of `wait`, `warmup` and `active` ones; `repeat` of them, or
    no end if that is 0. `skip_first_wait` leaves the first round's waiting out.
    """
    if min(wait, warmup, repeat, skip_first, skip_first_wait) < 0 or active <= 0:
        raise AssertionError("Invalid profiler schedule arguments")

    def action(step):
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        step += wait if skip_first_wait else 0
        turn, place = divmod(step, wait + warmup + active)
        if (repeat > 0 and turn >= repeat) or place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        last = place == wait + warmup + active - 1
        return ProfilerAction.RECORD_AND_SAVE if last else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """For `on_trace_ready`: writes each trace into the folder, in Chrome's format."""
    import os

    def write(prof):
        os.makedirs(dir_name, exist_ok=True)
        name = f"{worker_name or os.getpid()}.{time.time_ns()}.pt.trace.json"
        prof.export_chrome_trace(os.path.join(dir_name, name + (".gz" if use_gzip else "")))

    return write


# --- what is recorded ----------------------------------------------------------------------------


def _shown(microseconds):
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    if microseconds >= 1e3:
        return f"{microseconds / 1e3:.3f}ms"
    return f"{microseconds:.3f}us"


class FunctionEvent:
    """One range: name, start and end in microseconds, and the time that its inner ranges took."""

    def __init__(self, name, start, parent):
        self.name = self.key = name
        self.start, self.end, self.inner = start, start, 0.0
        self.cpu_parent, self.count = parent, 1

    cpu_time_total = property(lambda self: self.end - self.start)
    self_cpu_time_total = property(lambda self: self.cpu_time_total - self.inner)
    cpu_time = cpu_time_total

    def __repr__(self):
        return f"<FunctionEvent name={self.name} cpu_time={_shown(self.cpu_time_total)}>"


class FunctionEventAvg:
    """All ranges of one name: count, and the sums of their times in microseconds."""

    device_time_total = self_device_time_total = cuda_time_total = self_cuda_time_total = 0.0
    cpu_memory_usage = self_cpu_memory_usage = flops = 0
    input_shapes = ()

    def __init__(self, key):
        self.key, self.count = key, 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    cpu_time = property(lambda self: self.cpu_time_total / self.count if self.count else 0.0)
    cpu_time_str = property(lambda self: _shown(self.cpu_time))
    cpu_time_total_str = property(lambda self: _shown(self.cpu_time_total))
    self_cpu_time_total_str = property(lambda self: _shown(self.self_cpu_time_total))

    def add(self, event):
        self.count += 1
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total

    def __repr__(self):
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} count={self.count}>"
        )


class EventList(list):
    """Ranges, or their averages."""

    @property
    def self_cpu_time_total(self):
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, *_, **__):
        """One FunctionEventAvg a name."""
        found = {}
        for event in self:
            found.setdefault(event.key, FunctionEventAvg(event.key)).add(event)
        return EventList(found.values())

    def total_average(self):
        """The sum of all."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def table(self, sort_by=None, row_limit=100, *_, header=None, **__):
        """The averages as text, the largest `sort_by` first (an attribute such as cpu_time_total)."""
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=lambda event: -getattr(event, sort_by, 0))
        rows = rows if row_limit < 0 else rows[:row_limit]
        total = self.self_cpu_time_total or 1.0
        cells = [
            (
                "Name",
                "Self CPU %",
                "Self CPU",
                "CPU total %",
                "CPU total",
                "CPU time avg",
                "# of Calls",
            )
        ]
        for event in rows:
            own, whole = event.self_cpu_time_total, event.cpu_time_total
            cells.append((
                event.key, f"{own / total:.2%}", _shown(own), f"{whole / total:.2%}", _shown(whole),
                _shown(whole / event.count), str(event.count),
            ))  # fmt: skip
        widths = [max(len(row[i]) for row in cells) for i in range(7)]
        rule = "  ".join("-" * width for width in widths)
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths)) for row in cells]
        head = [header] if header else []
        end = f"Self CPU time total: {_shown(self.self_cpu_time_total)}\n"
        return "\n".join([*head, rule, lines[0], rule, *lines[1:], rule, end])

    __str__ = table

    def export_chrome_trace(self, path):
        """Writes the ranges for chrome://tracing or Perfetto; gzipped if the name ends so."""
        import gzip
        import json
        import os

        events = [
            {"ph": "X", "cat": "user_annotation", "name": event.name, "pid": os.getpid(), "tid": 1,
             "ts": event.start, "dur": event.cpu_time_total}
            for event in self
        ]  # fmt: skip
        opener = gzip.open if str(path).endswith(".gz") else open
        with opener(path, "wt", encoding="utf-8") as file:
            json.dump({"traceEvents": events}, file)


# --- recording -----------------------------------------------------------------------------------

_open = None  # the open ranges of the running profiler, outermost first, or None
_events = None


def _begin(name):
    if _open is not None:
        parent = _open[-1] if _open else None
        event = FunctionEvent(name, time.perf_counter_ns() / 1e3, parent)
        _events.append(event)
        _open.append(event)
        return event


def _finish(event):
    if event is not None and _open is not None and event in _open:
        while True:
            last = _open.pop()
            last.end = time.perf_counter_ns() / 1e3
            if last.cpu_parent is not None:
                last.cpu_parent.inner += last.cpu_time_total
            if last is event:
                break


class record_function(ContextDecorator):
    """Names a part of the program for the profiler: `with record_function("loading"): ...`.

    Also a decorator. Without a running profiler it does nothing.
    """

    def __init__(self, name, args=None):
        self.name, self.args, self._ranges = name, args, []

    def __enter__(self):
        self._ranges.append(_begin(self.name))
        return self

    def __exit__(self, *_):
        _finish(self._ranges.pop())


class _Watch:
    """What the profiler hangs into while it records: modules, optimisers, and Tensor.backward."""

    def __init__(self):
        from .nn.modules import module
        from .optim import optimizer

        self.ranges = {}
        self.handles = [
            module.register_module_forward_pre_hook(
                lambda m, _: self.enter(m, f"nn.Module: {type(m).__name__}")
            ),
            module.register_module_forward_hook(lambda m, *_: self.leave(m), always_call=True),
            optimizer.register_optimizer_step_pre_hook(
                lambda o, *_: self.enter(o, f"Optimizer.step#{type(o).__name__}.step")
            ),
            optimizer.register_optimizer_step_post_hook(lambda o, *_: self.leave(o)),
        ]
        self.backward = backward = torch.Tensor.backward

        def recorded(tensor, *args, **kwargs):
            with record_function("backward"):
                return backward(tensor, *args, **kwargs)

        torch.Tensor.backward = recorded

    def enter(self, owner, name):
        self.ranges.setdefault(id(owner), []).append(_begin(name))

    def leave(self, owner):
        if self.ranges.get(id(owner)):
            _finish(self.ranges[id(owner)].pop())

    def remove(self):
        for handle in self.handles:
            handle.remove()
        torch.Tensor.backward = self.backward


class profile:
    """Records while it is open: `with profile() as prof: ...; print(prof.key_averages().table())`.

    With a `schedule`, call `step()` after each step of the program; `on_trace_ready(prof)` is called
    after each recorded round. Other arguments are accepted and change nothing.

    >>> import rushlight as torch
    >>> from rushlight.profiler import profile, record_function
    >>> with profile() as prof:
    ...     with record_function("work"):
    ...         _ = torch.nn.Linear(2, 2)(torch.ones(1, 2))
    >>> [(event.key, event.count) for event in prof.key_averages()]
    [('work', 1), ('nn.Module: Linear', 1)]
    """

    def __init__(self, *, activities=None, schedule=None, on_trace_ready=None, **_):
        self.schedule, self.on_trace_ready = schedule, on_trace_ready
        self.step_num, self._recorded, self._watch, self._step = 0, EventList(), None, None
        self.current_action = ProfilerAction.NONE

    def _wanted(self):
        return self.schedule(self.step_num) if self.schedule else ProfilerAction.RECORD

    def _follow(self, wanted):
        """Starts or ends recording as the schedule wants it."""
        global _open, _events
        recording = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        ends = self.current_action is ProfilerAction.RECORD_AND_SAVE or wanted not in recording
        if self._watch is not None and ends:
            while _open:
                _finish(_open[-1])
            self._watch.remove()
            self._watch = _open = _events = None
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        if self._watch is None and wanted in recording:
            if _open is not None:
                raise RuntimeError("Profiler is already enabled on this thread")
            self._recorded = _events = EventList()
            _open = []
            self._watch = _Watch()
        self.current_action = wanted

    def start(self):
        self._follow(self._wanted())
        if self.schedule:
            self._step = _begin(f"ProfilerStep#{self.step_num}")

    def stop(self):
        self._follow(ProfilerAction.NONE)

    def step(self):
        """The program's next step begins."""
        _finish(self._step)
        self.step_num += 1
        self._follow(self._wanted())
        self._step = _begin(f"ProfilerStep#{self.step_num}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def events(self):
        """The recorded ranges."""
        return self._recorded

    def key_averages(self, *_, **__):
        """The recorded ranges, summed by name."""
        return self._recorded.key_averages()

    def export_chrome_trace(self, path):
        """Writes the ranges for chrome://tracing or Perfetto."""
        self._recorded.export_chrome_trace(path)

    def add_metadata(self, key, value):
        """Accepted."""

    def add_metadata_json(self, key, value):
        """Accepted."""


def __getattr__(name):
    from ._missing import missing

    return missing("torch.profiler", name)
