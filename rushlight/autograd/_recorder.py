"""Recording which operations run and for how long; the profilers switch it on and off.

An event is a call that Python makes: what an operation calls inside the core is part of it, and a
backward pass is one event.
"""

from _thread import _local, get_ident
from time import perf_counter_ns

from .. import _C, _interpose
from .profiler_util import EventList, FunctionEvent

_recorder = None  # the one that is on: profilers do not nest


class Recorder:
    """The events of one profile."""

    def __init__(self, record_shapes=False):
        self.record_shapes = record_shapes
        self.events = []
        self._open = _local()

    def begin(self, name, args=(), is_user=False):
        """An event starts; what starts before it ends is inside it."""
        shapes = _shapes(args) if self.record_shapes else ()
        event = FunctionEvent(len(self.events), name, get_ident(), 0.0, 0.0, shapes, is_user)
        inside = self._open.__dict__.setdefault("events", [])
        if inside:
            event.cpu_parent = inside[-1]
            inside[-1].cpu_children.append(event)
        inside.append(event)
        self.events.append(event)
        event.time_range.start = event.time_range.end = perf_counter_ns() / 1e3
        return event

    def end(self, event):
        """It ends, and with it what has not ended inside."""
        event.time_range.end = perf_counter_ns() / 1e3
        inside = self._open.__dict__.get("events", ())
        if event in inside:
            del inside[inside.index(event) :]

    def event_list(self):
        """All that has been recorded."""
        return EventList(self.events)


def _shapes(args):
    return [list(a.shape) if isinstance(a, _C.Tensor) else [] for a in args]


def start(record_shapes=False):
    """Switches a new recorder on; RuntimeError if one is on."""
    global _recorder
    if _recorder is not None:
        raise RuntimeError("Profiler is already enabled on this thread")
    MODE.enter()
    _recorder = Recorder(record_shapes)
    return _recorder


def stop():
    """Switches it off."""
    global _recorder
    if _recorder is not None:
        recorder, _recorder = _recorder, None
        MODE.leave()
        while recorder._open.__dict__.get("events"):
            recorder.end(recorder._open.events[0])


def current():
    """The recorder that is on, or None."""
    return _recorder


def _timing(name):
    """Makes a function that records the calls of another."""

    def wrapper(inner):
        def timed(*args, **kwargs):
            recorder = _recorder
            if recorder is None:
                return inner(*args, **kwargs)
            event = recorder.begin(name, args)
            try:
                return inner(*args, **kwargs)
            finally:
                recorder.end(event)

        return _interpose.dress(timed, inner)

    return wrapper


_KERNELS = {"__getitem__": "index", "__setitem__": "index_put_"}  # names that PyTorch shows


def _functions():
    for function, name in _interpose.operations():
        yield function, _timing("aten::" + _KERNELS.get(name, name))
    yield _C._run_backward, _timing("autograd::engine::execute")


MODE = _interpose.Mode("profiler", _functions, of_names_to_come=True)
