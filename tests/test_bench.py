"""The benchmark script works: a few rows, on rushlight alone. No figure is looked at."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def run(tmp_path, *arguments):
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "--quick", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)


def test_rows_are_timed(tmp_path):
    pattern = "4 elements|matmul 16|import:|digits|memory:.*MLP 20"
    done = run(tmp_path, "--libraries", "rushlight", "--rows", pattern)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| a + b, 4 elements |" in done.stdout
    assert "| matmul 16 x 16 |" in done.stdout
    assert "import, milliseconds" in done.stdout
    assert "installed, with what it requires" in done.stdout
    assert "peak memory above the import's: MLP 20" in done.stdout
    assert "of the floor" in done.stdout
    assert "failed" not in done.stdout


def test_an_error_is_told(tmp_path):
    done = run(tmp_path, "--libraries", "no_such_library", "--rows", "zeros")
    assert done.returncode == 1
    assert "the process ended" in done.stdout


def test_table_and_ratios(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import argparse

    import bench
    import report

    times = {"torch": [4.0, 2.0, 3.0], "rushlight": [1.5, 1.0, 2.0], "numpy": [1.0, 1.0, 1.0]}
    records = [
        bench.summarise("small", "one", "us", times, True),
        bench.summarise("small", "two", "us", {"torch": [2e4], "rushlight": ["no"]}, False),
        bench.summarise("small", "three", "us", {"torch": [1.0], "rushlight": [2.0]}, False, 1.6),
        bench.summarise("memory", "four", "MB", {"torch": [9.0], "rushlight": [1.0]}, False),
    ]
    settings = argparse.Namespace(threads=2, rounds=3, seconds=0.1)
    results = json.loads(json.dumps(report.results(records, settings)))
    assert results["geometric_mean"] == 1
    assert results["worst"] == {"name": "three", "ratio": 0.5}
    text = report.table(results)
    assert "| one | 3.00 us | 1.50 us | 2.00 |  | 1.00 us |" in text
    assert "| two | 20.0 ms | failed |  |  |  |" in text
    assert "| three | 1.00 us | 2.00 us | 0.50 | 1.25 |  |" in text
    assert "| four | 9 MB | 1 MB | 9.00 |  |  |" in text
    assert "Geometric mean of 2 timed rows" in text
    assert "- two, rushlight: no" in text


def test_readme_places(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import report

    text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    assert report.fill(text, "x", "new\n") == "a\n<!-- x -->\nnew\n<!-- end of x -->\nb\n"
    readme = (BENCHMARKS.parent / "README.md").read_text()
    for mark in ("benchmarks", "digits"):
        assert f"<!-- {mark} -->" in readme and f"<!-- end of {mark} -->" in readme


def test_floors_and_operations(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import limits
    from row import Row
    from rows_layers import flops_of

    can = {"bytes": 1e9, "flops": 1e9}
    assert limits.floor(Row("g", "n", "", "", moved=5000, flops=2000), can) == 5
    assert limits.floor(Row("g", "n", "", ""), can) is None
    assert limits.floor(Row("g", "n", "", "", flops=1), {}) is None
    assert flops_of("2d(3, 16, 3, padding=1", "8, 3, 32, 32") == 2 * 8 * 16 * 32 * 32 * 27
    assert flops_of("2d(4, 4, 3, 2, groups=4", "1, 4, 9, 9") == 2 * 4 * 16 * 9
    assert flops_of("Transpose2d(64, 32, 2, 2", "4, 64, 28, 28") == 2 * 4 * 28 * 28 * 64 * 32 * 4
