"""What a profile consists of: events, their averages by name, the table, the trace file.

How they are recorded is in _recorder.py.
"""

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "Interval"]

MEMORY_EVENT_NAME = "[memory]"


def _format_time(time_us):
    """A time in microseconds as text."""
    if time_us >= 1e6:
        return f"{time_us / 1e6:.3f}s"
    if time_us >= 1e3:
        return f"{time_us / 1e3:.3f}ms"
    return f"{time_us:.3f}us"


def _format_in(time_us, unit):
    if unit is None:
        return _format_time(time_us)
    size = {"us": 1.0, "ms": 1e3, "s": 1e6}.get(unit)
    if size is None:
        raise ValueError(f"Unknown time unit: {unit}")
    return f"{time_us / size:.3f}{unit}"


def _share(part, whole):
    if whole == 0:
        if part != 0:
            raise AssertionError(f"Expected time_us == 0 but got {part}")
        return "NaN"
    return f"{part * 100.0 / whole:.2f}%"


class Interval:
    """A time from `start` to `end`, in microseconds."""

    def __init__(self, start, end):
        self.start, self.end = start, end

    def elapsed_us(self):
        """How long it was."""
        return self.end - self.start


class _Times:
    """The texts and ratios that events and averages share. GPU times are 0: nothing runs there."""

    device_time = cuda_time = device_time_total = self_device_time_total = 0.0
    cpu_memory_usage = self_cpu_memory_usage = 0
    device_memory_usage = self_device_memory_usage = 0
    flops = 0
    is_async = is_remote = is_legacy = False
    use_device = None
    node_id = -1
    overload_name = ""

    @property
    def cpu_time(self):
        """Microseconds a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    cpu_time_str = property(lambda self: _format_time(self.cpu_time))
    cpu_time_total_str = property(lambda self: _format_time(self.cpu_time_total))
    self_cpu_time_total_str = property(lambda self: _format_time(self.self_cpu_time_total))
    device_time_str = property(lambda self: _format_time(self.device_time))
    device_time_total_str = property(lambda self: _format_time(self.device_time_total))


class FunctionEvent(_Times):
    """One call of an operation, or one block of record_function."""

    count = 1

    def __init__(self, id, name, thread, start_us, end_us, input_shapes=(), is_user=False):
        self.id, self.name, self.thread = id, name, thread
        self.key = "ProfilerStep*" if name.startswith("ProfilerStep#") else name
        self.time_range = Interval(start_us, end_us)
        self.input_shapes, self.is_user_annotation = list(input_shapes), is_user
        self.cpu_parent, self.cpu_children = None, []
        self.stack, self.scope = [], 0

    @property
    def cpu_time_total(self):
        """Microseconds, those of the calls inside included."""
        return self.time_range.elapsed_us()

    @property
    def self_cpu_time_total(self):
        """Microseconds, without those of the calls inside."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    def __repr__(self):
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={self.cpu_time_str} "
            f"cpu_start_us={self.time_range.start} cpu_end_us={self.time_range.end} "
            f"cpu_children={[c.id for c in self.cpu_children]} name={self.name} "
            f"thread={self.thread} input_shapes={self.input_shapes} cpu_memory_usage=0 "
            "is_async=False is_remote=False seq_nr=-1 is_legacy=False>"
        )


class FunctionEventAvg(_Times):
    """Calls of one name, and of the same shapes if that is asked for."""

    def __init__(self):
        self.key, self.count, self.input_shapes = None, 0, None
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.is_user_annotation, self.stack, self.scope = False, None, None
        self.cpu_children, self.cpu_parent = None, None

    def add(self, other):
        """Counts an event or another average in."""
        if self.key is None:
            self.key, self.input_shapes = other.key, other.input_shapes
            self.is_user_annotation, self.stack = other.is_user_annotation, other.stack
            self.scope, self.cpu_parent = other.scope, other.cpu_parent
            self.cpu_children = other.cpu_children
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        self.count += other.count
        return self

    __iadd__ = add

    def __repr__(self):
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str}  self_cuda_time=0.000us cuda_time=0.000us "
            f"input_shapes={self.input_shapes} cpu_memory_usage=0 cuda_memory_usage=0>"
        )


class EventList(list):
    """Events, or averages, in order; `table()` prints them."""

    def __init__(self, *args, use_device=None, profile_memory=False, with_flops=False):
        super().__init__(*args)

    def __str__(self):
        return self.table()

    @property
    def self_cpu_time_total(self):
        """Microseconds in all."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(
        self, group_by_input_shapes=False, group_by_stack_n=0, group_by_overload_name=False
    ):
        """Averages by name, in the order of first calls."""
        found = {}
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shapes else ""
            found.setdefault((event.key, shapes), FunctionEventAvg()).add(event)
        averages = EventList(found.values())
        if not group_by_input_shapes:
            for average in averages:
                average.input_shapes = ""
        return averages

    def total_average(self):
        """All events as one."""
        total = FunctionEventAvg()
        for event in self:
            total.add(event)
        total.key = None
        return total

    def table(
        self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55,
        max_shapes_column_width=80, header=None, top_level_events_only=False, time_unit=None,
    ):  # fmt: skip
        """A table, sorted by an attribute, largest first.

        `sort_by`: "cpu_time", "cpu_time_total", "self_cpu_time_total", "count", ...; None keeps the
        order. `time_unit`: "us", "ms", "s"; None chooses for each number.
        """
        rows = list(self)
        if not rows:
            return ""
        if sort_by is not None:
            sort_by = sort_by.replace("cuda", "device")
            rows.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        if top_level_events_only:
            rows = [event for event in rows if event.cpu_parent is None]
        total = self.self_cpu_time_total
        shown = rows if row_limit < 0 else rows[:row_limit]
        with_shapes = any(event.input_shapes for event in rows)
        heads = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
        heads += ["# of Calls"] + ["Input Shapes"] * with_shapes
        cells = [_row(e, total, max_name_column_width, time_unit) for e in shown]
        if with_shapes:
            for row, event in zip(cells, shown):
                row.append(str(event.input_shapes)[:max_shapes_column_width])
        widths = [_width([e.key for e in self], max_name_column_width)] + [12] * 6
        if with_shapes:
            widths.append(_width([str(e.input_shapes) for e in self], max_shapes_column_width))
        footer = f"Self CPU time total: {_format_in(total, time_unit)}"
        return _layout(widths, heads, cells, header, footer)

    def export_chrome_trace(self, path):
        """Writes a file that chrome://tracing and Perfetto show."""
        _write_trace(self, path)

    supported_export_stacks_metrics = staticmethod(
        lambda: ["self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total"]
    )


def _width(texts, limit):
    """Of a column: its longest text and some air."""
    width = max(map(len, texts)) + 4
    return width if limit is None else min(width, limit)


def _row(event, total, width, unit):
    name = event.key
    if width is not None and len(name) > width:
        name = name[: width - 3] + "..."
    return [
        name, _share(event.self_cpu_time_total, total),
        _format_in(event.self_cpu_time_total, unit), _share(event.cpu_time_total, total),
        _format_in(event.cpu_time_total, unit), _format_in(event.cpu_time, unit), str(event.count),
    ]  # fmt: skip


def _layout(widths, heads, rows, title, footer):
    """The text of a table."""
    rule = "".join("-" * w + "  " for w in widths)

    def line(cells):
        return "".join(cell.rjust(w) + "  " for cell, w in zip(cells, widths))

    lines = [rule] if title is None else [rule, title.center(len(rule)).rstrip(), rule]
    return "\n".join([*lines, line(heads), rule, *map(line, rows), rule, footer, ""])


def _write_trace(events, path, metadata=None):
    import json
    import os

    process = os.getpid()
    found = [
        {"ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": {"name": "python"}}
    ]
    for event in events:
        args = {"Input Dims": event.input_shapes} if event.input_shapes else {}
        found.append({
            "ph": "X", "cat": "user_annotation" if event.is_user_annotation else "cpu_op",
            "name": event.name, "pid": process, "tid": event.thread,
            "ts": event.time_range.start, "dur": event.time_range.elapsed_us(), "args": args,
        })  # fmt: skip
    content = {"schemaVersion": 1, "displayTimeUnit": "ms", **(metadata or {})}
    content["traceEvents"] = found
    if path.endswith(".gz"):
        import gzip

        with gzip.open(path, "wt") as file:
            json.dump(content, file)
    else:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
