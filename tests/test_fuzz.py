"""Every operation with hostile arguments, and damaged checkpoints: the interpreter survives, and
nothing reads outside a tensor's memory. RUSHLIGHT_FUZZ_SECONDS=3600 goes deeper, from other seeds.

Not here: whether results are right. The calls are made in other processes: fuzz_worker.py and
fuzz_checkpoints.py.
"""

import os
import pathlib
import random
import subprocess
import sys
import time

import pytest

import rushlight

SECONDS = float(os.environ.get("RUSHLIGHT_FUZZ_SECONDS", "60"))
DANGEROUS = {"manual_seed"}


def worker(names, examples, seconds):
    here = pathlib.Path(__file__).parent
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", str(here / "fuzz_worker.py"), str(examples), str(seconds)],
        input="\n".join(names), capture_output=True, text=True, errors="replace",
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}, timeout=seconds + 300,
    )  # fmt: skip


def test_operations_survive():
    names = [op["name"] for op in rushlight._C._operations() if op["name"] not in DANGEROUS]
    random.Random(0 if SECONDS <= 60 else None).shuffle(names)
    problems, calls, start = [], 0, time.monotonic()
    examples = max(5, int(SECONDS * 600 / len(names)))
    while names and time.monotonic() - start < SECONDS and len(problems) < 40:
        result = worker(names, examples, SECONDS - (time.monotonic() - start))
        lines = result.stdout.splitlines()
        last = name = ""
        for line in lines:
            calls += line.startswith("> ")
            if line.startswith("# "):
                name = line[2:]
            elif line.startswith("> "):
                last = line[2:]
            elif line.startswith("! "):
                problems.append(f"{last}\n    {line[2:]}")
        if lines and lines[-1] == "= done":
            break
        problems.append(f"{last}\n    died: {result.returncode}\n{result.stderr[:600]}")
        if name not in names:
            break
        names = names[names.index(name) + 1 :]
    print(f"{calls} calls")
    if problems:
        pytest.fail(f"{len(problems)} problems in {calls} calls:\n" + "\n".join(problems))


def test_damaged_checkpoints(tmp_path):
    command = [sys.executable, str(pathlib.Path(__file__).parent / "fuzz_checkpoints.py")]
    command += ["--seconds", str(SECONDS / 4), "--keep", str(tmp_path)]
    command += ["--seed", str(0 if SECONDS <= 60 else random.randrange(10**6))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 300)
    print(result.stdout[-200:])
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(result.stdout.split()[0]) > 500
