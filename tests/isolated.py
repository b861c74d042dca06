"""Runs risky snippets in another process, which may die of them: its death is a result like another.

    outcomes = run("test_errors", names)      # {name: outcome, or "died: signal 11"}

The worker imports a test module, runs its CASES with rushlight, and writes a line of JSON for each.
"""

import json
import os
import pathlib
import subprocess
import sys

WORKER = """
import json, os, resource, sys
if "ASAN_OPTIONS" not in os.environ:  # a mistake of size must fail, not fill the machine
    resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))
sys.path[:0] = json.loads(sys.argv[1])
module, names = sys.argv[2], json.loads(sys.stdin.read())
import importlib, rushlight
cases = importlib.import_module(module).CASES
from twin import outcome
for name in names:
    print("\\x01" + name, flush=True)
    print("\\x02" + json.dumps(outcome(rushlight, cases[name])), flush=True)
"""


def run(module, names, timeout=120):
    here = str(pathlib.Path(__file__).parent)
    path = [here, *sys.path]
    results, left = {}, list(names)
    while left:
        try:
            worker = subprocess.run(
                [sys.executable, "-X", "faulthandler", "-c", WORKER, json.dumps(path), module],
                input=json.dumps(left), capture_output=True, text=True, timeout=timeout,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
            code, out, err = worker.returncode, worker.stdout, worker.stderr
        except subprocess.TimeoutExpired as e:
            code, out, err = "timeout", (e.stdout or b"").decode(), ""
        current = None
        for line in out.splitlines():
            if line[:1] == "\x01":
                current = line[1:]
            elif line[:1] == "\x02":
                results[current] = json.loads(line[1:])
                current = None
        if current is None and code == 0:
            break
        if current is None:
            raise RuntimeError(f"the worker failed between cases ({code}):\n{err[-3000:]}")
        results[current] = f"died: {code}\n{err[-1500:]}"
        left = left[left.index(current) + 1 :]
    return results
