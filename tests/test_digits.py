"""The example program: it learns, tells the same story for the same seed, and says what it saves."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent / "examples" / "digits.py"


def run(out, *arguments):
    backend = os.environ.get("RUSHLIGHT_TEST_BACKEND", "rushlight")
    start = [sys.executable] + (["-m", "rushlight", "run"] if backend == "rushlight" else [])
    command = [*start, str(PROGRAM), "--out", str(out), *arguments]
    # Not in the checkout, whose package has no extension.
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=True, cwd=out
    ).stdout


def test_short_runs_are_alike(tmp_path):
    texts = [run(tmp_path, "--epochs", "2", "--seed", "5", "--no-plot") for _ in range(2)]
    assert texts[0] == texts[1]
    assert run(tmp_path, "--epochs", "2", "--seed", "6", "--no-plot") != texts[0]


def test_it_learns_and_saves(tmp_path):
    text = run(tmp_path)
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+)% +([\d.]+) +([\d.]+)%$", text, re.MULTILINE)
    assert [int(row[0]) for row in rows] == list(range(1, 13))
    losses = [float(row[1]) for row in rows]
    assert losses[-1] < 0.1 * losses[0]
    accuracy = float(re.search(r"test accuracy of the loaded model: ([\d.]+)%", text)[1])
    assert accuracy >= 98
    assert accuracy == pytest.approx(float(rows[-1][4]))
    assert "loading it:   <All keys matched successfully>" in text
    assert (tmp_path / "digits.pt").stat().st_size > 100_000
    picture = tmp_path / "losses.png"
    assert picture.exists() or "matplotlib is not installed" in text
    drawing = text.split("sure):\n")[1].splitlines()
    assert len(drawing) == 8 and all(len(line) == 16 for line in drawing)
