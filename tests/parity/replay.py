"""Runs entries of the database in child processes, which may crash or hang: that is a result too.

    for result in replay(entries, dtype, forms, samples, jobs): ...

A child is forked after PyTorch is loaded, so that a new one costs nothing. It notes in shared memory
where it is, and appends what it finds to a file. Not here: what a form does (forms.py), tables.
"""

import fnmatch
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback

import numpy
import torch
from torch.testing._internal.common_methods_invocations import op_db

import rushlight

from .forms import FORMS, Sample, Skip
from .translate import LeftOut

CHUNK = 20  # entries a child takes at a time
TIMEOUT = 60  # seconds for one form of one sample
MEMORY = 24 << 30
SPACES = ("nn.functional", "linalg", "special", "fft", "masked", "signal.windows")


def entries_of(pattern="*", dtype="float32"):
    """Entries that PyTorch has in this dtype and whose name matches: patterns of full names, plain
    names and namespaces, with commas; a minus before one leaves its entries out."""
    wanted = getattr(torch, dtype)
    patterns = pattern.split(",")
    inside = [p for p in patterns if p[0] != "-"] or ["*"]
    outside = [p[1:] for p in patterns if p[0] == "-"]
    return [
        e
        for e in op_db
        if wanted in e.supported_dtypes("cpu")
        and any(matches(e, p) for p in inside)
        and not any(matches(e, p) for p in outside)
    ]


def matches(entry, pattern):
    full = name_of(entry)
    return fnmatch.fnmatch(full, pattern) or pattern in (entry.name, namespace(full))


def namespace(name):
    """The namespace of an entry's full name; "torch" for those in none."""
    return next((s for s in SPACES if name.startswith(s + ".")), "torch")


def name_of(entry):
    return f"{entry.name}.{entry.variant_test_name}" if entry.variant_test_name else entry.name


def samples_of(entry, dtype, count):
    """Sample inputs, `count` of the first 4 * count at equal steps, all if None; a sample is the
    same however many are wanted."""
    seed()
    wanted = getattr(torch, dtype)
    grad = entry.supports_autograd and wanted in entry.supported_backward_dtypes("cpu")
    made = entry.sample_inputs("cpu", wanted, requires_grad=grad)
    if count is None:
        return list(enumerate(made))
    first = [s for _, s in zip(range(4 * count), made)]
    step = max(1, len(first) / count)
    return [(i, first[i]) for i in sorted({int(k * step) for k in range(min(count, len(first)))})]


def seed():
    torch.manual_seed(0)
    numpy.random.seed(0)
    random.seed(0)


def errors_of(entry, dtype, count):
    """Error inputs, which are not of any dtype: they go with float32, or an entry's first dtype."""
    known = sorted(str(d)[6:] for d in entry.supported_dtypes("cpu"))
    if entry.error_inputs_func is None or dtype != ("float32" if "float32" in known else known[0]):
        return
    seed()
    for i, error in enumerate(entry.error_inputs("cpu")):
        if count is None or i < 4 * count:
            yield i, error.sample_input


# ---- the child ----


def work(entries, plan, place, path, start):
    """Runs entries[start.entry:] from a sample and form on; the place goes to shared memory."""
    first_entry, first_step = start
    if "ASAN_OPTIONS" not in os.environ:  # whose shadow is larger, and which has a limit of its own
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    torch.set_num_threads(1)
    rushlight.set_num_threads(1)
    with open(path, "a", buffering=1) as out:
        for index in range(first_entry, len(entries)):
            skip = first_step if index == first_entry else 0
            for step, (form, i, run) in enumerate(steps(entries[index], plan)):
                place[:16] = struct.pack("qq", index, step)
                place[16:64] = f"{form} {i}".encode().ljust(48)
                if step < skip:
                    continue
                status, problem = one(run)
                line = [name_of(entries[index]), form, i, status, problem]
                out.write(json.dumps(line) + "\n")


def one(run):
    try:
        problem = run()
    except Skip as e:
        return "skip", str(e)[:200]
    except LeftOut as e:
        return "left out", str(e)
    except MemoryError as e:
        return "fail", f"MemoryError: {e}"
    except Exception:  # noqa: BLE001  (a mistake of the suite's own shows as a failure)
        return "fail", "suite: " + traceback.format_exc()[-600:]
    return ("fail", problem[:600]) if problem else ("pass", "")


def steps(entry, plan):
    """(form, number of the sample, what runs it) of an entry, in a fixed order."""
    dtype, forms, count = plan
    if set(forms) - {"errors"}:
        try:
            for i, sample in samples_of(entry, dtype, count):
                both = Sample(entry, sample)
                for form in forms:
                    if form != "errors":
                        yield form, i, lambda form=form, both=both: FORMS[form](both)
        except Exception as e:  # noqa: BLE001
            problem = f"PyTorch makes no samples: {str(e)[:100]}"
            yield "values", -1, lambda: skip(problem)
    if "errors" in forms:
        for i, sample in errors_of(entry, dtype, count):
            both = Sample(entry, sample)
            yield "errors", i, lambda both=both: FORMS["errors"](both)


def skip(problem):
    raise Skip(problem)


# ---- the parent ----


class Child:
    """A forked process that works through a chunk of entries."""

    def __init__(self, entries, plan, path, start=(0, 0)):
        self.entries, self.plan, self.path = entries, plan, path
        self.place = mmap.mmap(-1, 64)
        self.moved, self.last = time.monotonic(), None
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.run(start)

    def run(self, start):
        code = 1
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 2)
            work(self.entries, self.plan, self.place, self.path, start)
            code = 0
        finally:
            os._exit(code)

    def poll(self):
        """None while it runs; then the child that takes up the rest, or True if there is none."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            now = bytes(self.place)
            if now != self.last:
                self.moved, self.last = time.monotonic(), now
            elif time.monotonic() - self.moved > TIMEOUT:
                os.kill(self.pid, signal.SIGKILL)
            return None
        if status == 0:
            return True
        index, step = struct.unpack("qq", self.place[:16])
        form, i = self.place[16:64].decode().split()
        why = "hangs" if time.monotonic() - self.moved > TIMEOUT else died(status)
        with open(self.path, "a") as out:
            line = [name_of(self.entries[index]), form, int(i), "crash", why]
            out.write(json.dumps(line) + "\n")
        return Child(self.entries, self.plan, self.path, (index, step + 1))


def died(status):
    if os.WIFSIGNALED(status):
        return f"dies of {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exits with {os.WEXITSTATUS(status)}"


def replay(entries, dtype="float32", forms=tuple(FORMS), samples=None, jobs=2, progress=None):
    """[entry, form, sample, status, problem] of each form of each sample; status is pass, fail,
    crash, skip (PyTorch has nothing to compare with) or left out (by design)."""
    plan = dtype, tuple(forms), samples
    chunks = [entries[i : i + CHUNK] for i in range(0, len(entries), CHUNK)][::-1]
    running, done, total = [], 0, len(chunks)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results")
        open(path, "w").close()
        while running or chunks:
            while chunks and len(running) < jobs:
                running.append(Child(chunks.pop(), plan, path))
            time.sleep(0.02)
            after = [(child, child.poll()) for child in running]
            running = [new if new else child for child, new in after if new is not True]
            if (finished := total - len(chunks) - len(running)) != done:
                done = finished
                if progress:
                    progress(f"{done * CHUNK}/{total * CHUNK}")
        with open(path) as f:
            return [json.loads(line) for line in f]
