"""torch.utils.benchmark: timing of statements, and tables of such times. No instruction counts."""

import timeit as _timeit

import rushlight as torch

__all__ = ["Compare", "Measurement", "Timer", "timer"]

timer = _timeit.default_timer


def _unit(seconds):
    """(name, seconds) of the unit that suits a time."""
    units = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3))
    return next((unit for unit in units if seconds < 999.5 * unit[1]), ("s", 1.0))


class Measurement:
    """Times of runs of one statement: `times`, `mean`, `median`, `iqr`, all in seconds a run."""

    def __init__(
        self, number_per_run, raw_times, stmt="", setup="pass", label=None, sub_label=None,
        description=None, num_threads=1, env=None,
    ):  # fmt: skip
        self.number_per_run, self.raw_times = number_per_run, list(raw_times)
        self.stmt, self.setup, self.num_threads, self.env = stmt, setup, num_threads, env
        self.label, self.sub_label, self.description = label, sub_label, description
        self.metadata = None

    @property
    def times(self):
        return [time / self.number_per_run for time in self.raw_times]

    def _quantile(self, share):
        times = sorted(self.times)
        place = share * (len(times) - 1)
        low = int(place)
        high = min(low + 1, len(times) - 1)
        return times[low] + (place - low) * (times[high] - times[low])

    mean = property(lambda self: sum(self.times) / len(self.raw_times))
    median = property(lambda self: self._quantile(0.5))
    iqr = property(lambda self: self._quantile(0.75) - self._quantile(0.25))
    has_warnings = property(lambda self: self.iqr > 0.1 * self.median)
    as_row_name = property(lambda self: self.sub_label or self.stmt or "[Unknown]")

    def meets_confidence(self, threshold=0.1):
        """Is the spread of the middle half below a share of the median?"""
        return self.iqr <= threshold * self.median

    @property
    def title(self):
        label = self.label or (f"stmt: {self.stmt}" if not self.sub_label else "")
        return ": ".join(part for part in (label, self.sub_label) if part)

    @staticmethod
    def merge(measurements):
        """One measurement for those of the same statement and settings."""
        groups = {}
        for m in measurements:
            key = (m.number_per_run, m.stmt, m.setup, m.label, m.sub_label, m.description,
                   m.num_threads, m.env)  # fmt: skip
            groups.setdefault(key, []).extend(m.raw_times)
        return [Measurement(k[0], times, *k[1:]) for k, times in groups.items()]

    def __repr__(self):
        count, name, unit = len(self.raw_times), *_unit(self.median)
        lines = [super().__repr__(), self.title]
        lines += [self.description] if self.description else []
        lines += [f"setup: {self.setup}"] if self.setup not in ("", "pass") else []
        lines.append(f"  {'Median: ' if count > 1 else ''}{self.median / unit:.2f} {name}")
        if count >= 4:
            low, high = self._quantile(0.25) / unit, self._quantile(0.75) / unit
            lines.append(f"  IQR:    {self.iqr / unit:.2f} {name} ({low:.2f} to {high:.2f})")
        threads = f"{self.num_threads} thread" + ("s" if self.num_threads > 1 else "")
        lines.append(
            f"  {count} measurement{'s' if count > 1 else ''}, {self.number_per_run} runs "
            f"{'per measurement' if count > 1 else ''}, {threads}"
        )
        return "\n".join(lines)


class Timer:
    """Times a Python statement, as timeit does, with a set number of threads and after a warm-up.

    >>> from rushlight.utils.benchmark import Timer
    >>> timer = Timer("x + 1", setup="x = torch.ones(4)")
    >>> timer.timeit(10).number_per_run
    10
    """

    def __init__(
        self, stmt="pass", setup="pass", global_setup="", timer=timer, globals=None, label=None,
        sub_label=None, description=None, env=None, num_threads=1, language="python",
    ):  # fmt: skip
        if str(language).lower() not in ("python", "py", "language.python"):
            raise NotImplementedError("Timer: only Python statements are timed")
        if not isinstance(stmt, str):
            raise ValueError("Only a `str` stmt is supported.")
        names = {"torch": torch, **(globals or {})}
        stmt, setup = (_dedent(text) for text in (stmt, setup))
        self._timer = _timeit.Timer(stmt, setup, timer, names)
        self._facts = dict(stmt=stmt, setup=setup, label=label, sub_label=sub_label,
                           description=description, num_threads=num_threads, env=env)  # fmt: skip
        self._threads = num_threads

    def _run(self, number):
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            return self._timer.timeit(number)
        finally:
            torch.set_num_threads(before)

    def timeit(self, number=1_000_000):
        """A Measurement of one block of `number` runs."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], **self._facts)

    def _block(self, seconds):
        """How many runs take so long, and so outweigh the reading of the clock."""
        number = 1
        while True:
            taken = self._run(number)
            if taken >= seconds:
                return number
            number *= 10 if taken < seconds / 10 else 2

    def repeat(self, repeat=-1, number=-1):
        """Not there, as in PyTorch: use blocked_autorange."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    autorange = repeat

    def blocked_autorange(self, callback=None, min_run_time=0.2):
        """A Measurement of as many equal blocks as fill `min_run_time` seconds."""
        number, times = self._block(min_run_time / 1000), []
        while sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, **self._facts)

    def adaptive_autorange(
        self, threshold=0.1, *, min_run_time=0.01, max_run_time=10.0, callback=None
    ):
        """Blocks until the spread is below `threshold` of the median, or time is up."""
        number, times = self._block(0.01), []
        while sum(times) < max_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
            found = Measurement(number, times, **self._facts)
            if sum(times) >= min_run_time and len(times) > 3 and found.meets_confidence(threshold):
                break
        return found

    def collect_callgrind(self, *_, **__):
        """Not there: instructions are not counted."""
        raise NotImplementedError("Timer.collect_callgrind is not in rushlight")


def _dedent(text):
    import textwrap

    return textwrap.dedent(text).strip() or "pass"


class Compare:
    """A table of measurements: rows by statement and threads, columns by description."""

    def __init__(self, results):
        self._results, self._trim, self._colors = list(results), False, False

    def extend_results(self, results):
        self._results.extend(results)

    def trim_significant_figures(self):
        """Shows three digits a number."""
        self._trim = True

    def colorize(self, rowwise=False):
        """Marks the best of each row in green."""
        self._colors = True

    def highlight_warnings(self):
        """Accepted."""

    def print(self):
        print(self)

    def _tables(self):
        labels = {}
        for result in Measurement.merge(self._results):
            labels.setdefault(result.label, []).append(result)
        return labels.items()

    def __str__(self):
        return "\n".join(self._table(label, results) for label, results in self._tables())

    def _table(self, label, results):
        name, unit = _unit(min(result.median for result in results))
        columns = list(dict.fromkeys(result.description or "" for result in results))
        rows = {}
        for r in results:
            row = rows.setdefault((r.num_threads, r.as_row_name), {})
            row[r.description or ""] = r.median / unit
        shown = "{:.3g}" if self._trim else "{:.1f}"
        cells = {
            key: [shown.format(row[c]) if c in row else "" for c in columns]
            for key, row in rows.items()
        }
        first = max(len(key[1]) for key in rows) + 6
        widths = [
            max(len(c), *(len(row[i]) for row in cells.values())) for i, c in enumerate(columns)
        ]

        def line(head, texts, best=None):
            parts = []
            for i, (text, width) in enumerate(zip(texts, widths)):
                text = text.rjust(width)
                parts.append(f"\033[92m{text}\033[0m" if self._colors and i == best else text)
            return "  |  ".join([head.ljust(first), *parts])

        head = line("", columns)
        title = f" {label or ''} "
        lines, threads = [f"[{title.center(max(len(head) - 2, len(title)), '-')}]", head], None
        for (count, row_name), texts in sorted(cells.items(), key=lambda item: item[0][0]):
            if count != threads:
                lines.append(f"{count} threads: ".ljust(len(head), "-"))
                threads = count
            values = rows[count, row_name]
            best = columns.index(min(values, key=values.get))
            lines.append(line("      " + row_name, texts, best))
        names = {"ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds"}
        return "\n".join([*lines, "", f"Times are in {names[name]} ({name}).", ""])


__path__ = []  # PyTorch has a package here: its other modules are stubs


def __getattr__(name):
    from .._missing import missing

    return missing("torch.utils.benchmark", name)
