"""torch.utils.benchmark: counts of runs, statistics, threads, and the table."""

import pytest

import rushlight as torch
from rushlight.utils.benchmark import Compare, Measurement, Timer


def test_timing():
    calls, before = [], torch.get_num_threads()
    timer = Timer(
        "calls.append(torch.get_num_threads())",
        globals={"calls": calls}, num_threads=before + 1, label="add", description="plain",
    )  # fmt: skip
    found = timer.timeit(50)
    assert set(calls) == {before + 1} and torch.get_num_threads() == before
    assert len(calls) == 52 and found.number_per_run == 50 and len(found.times) == 1
    assert found.median == found.mean == found.times[0] > 0 and found.iqr == 0
    lines = repr(found).split("\n")
    assert lines[1:3] == ["add", "plain"] and lines[-1].startswith("  1 measurement, 50 runs")

    seen = []
    found = timer.blocked_autorange(lambda number, time: seen.append(number), min_run_time=0.02)
    assert sum(found.raw_times) >= 0.02 and seen == [found.number_per_run] * len(found.times)
    assert sum(found.raw_times[:-1]) < 0.02
    slow = Timer("time.sleep(0.002)", "import time").adaptive_autorange(max_run_time=0.2)
    assert 0.002 <= slow.median < 0.1 and sum(slow.raw_times[:-1]) < 0.2
    with pytest.raises(NotImplementedError):
        timer.repeat()


def test_statistics():
    found = Measurement(10, [10.0, 40.0, 20.0, 30.0], stmt="x")
    assert found.times == [1, 4, 2, 3] and found.mean == found.median == 2.5
    assert found.iqr == 1.5 and found.has_warnings and not found.meets_confidence()
    assert "IQR:    1.50 s (1.75 to 3.25)" in repr(found)
    merged = Measurement.merge([found, Measurement(10, [50.0], stmt="x"), Measurement(5, [1.0])])
    assert [m.raw_times for m in merged] == [[10, 40, 20, 30, 50], [1.0]]


def test_table():
    def row(size, name, time):
        return Measurement(1, [time], label="add", sub_label=f"n={size}", description=name)

    table = Compare([row(4, "a", 2e-6), row(4, "b", 1e-6), row(400, "a", 3e-5)])
    lines = str(table).split("\n")
    assert " add " in lines[0] and lines[1].split() == ["|", "a", "|", "b"]
    assert lines[2].startswith("1 threads: ---")
    assert lines[3].split() == ["n=4", "|", "2.0", "|", "1.0"]
    assert lines[4].split() == ["n=400", "|", "30.0", "|"]
    assert lines[6] == "Times are in microseconds (us)."
    table.colorize()
    assert "\033[92m1.0\033[0m" in str(table)
    table.extend_results([row(400, "b", 1.23456e-5)])
    table.trim_significant_figures()
    assert "12.3" in str(table) and "12.3456" not in str(table)
