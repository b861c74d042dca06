"""Gives `torch.load` files that were damaged at random: it may refuse, and nothing else may happen.

    python tests/fuzz_checkpoints.py --files 1000000       # about 20 minutes; --seconds N instead
    python tests/fuzz_checkpoints.py --seed 7 --only 4711  # one file again, with its traceback

A finding is an exception that a program would not expect of a bad file, code that ran, a file or a
module that was opened, a load of over five seconds, memory far beyond the file's size, or the death
of the process that reads. Findings are kept in --keep, and the exit status is then 1.
Not here: hostile files written on purpose, which are in test_serialization.py.
"""

import argparse
import ast
import io
import os
import pickle
import random
import struct
import subprocess
import sys
import time
import traceback
import zipfile
from collections import Counter, OrderedDict, defaultdict

import rushlight as torch

EXPECTED = (pickle.UnpicklingError, RuntimeError, EOFError)
# What no load of data does. (Reading a file is `open`; a module is `import`.)
FORBIDDEN = {"import", "open", "exec", "compile", "os.system", "os.exec", "os.posix_spawn", "os.fork",
             "os.remove", "os.rename", "os.mkdir", "os.listdir", "subprocess.Popen", "socket.connect",
             "socket.__new__", "ctypes.dlopen", "pickle.find_class", "code.__new__"}  # fmt: skip
ROOM = 1 << 30  # bytes that a load may take beyond what the process had
OPCODES = bytes(range(33, 127)) + bytes(range(0x80, 0x98))
PIECES = (
    [b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x10", b"\xff" * 8, b"\0" * 8, b"\xff" * 7 + b"\x7f"]
    + [b"cos\nsystem\n", b"cbuiltins\neval\n", b"X\4\0\0\0echo\x85R", b"csubprocess\nPopen\n"]
    + [b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nFloatStorage\n", b"ctorch\nTensor\n"]
    + [b"ctorch._utils\n_rebuild_parameter\n", b"ccollections\nOrderedDict\n", b"cbuiltins\nset\n"]
    + [b"ccollections\ndefaultdict\n", b"cbuiltins\nbytearray\n", b"c_codecs\nencode\n", b"ctorch\nSize\n"]
    + [b"ctorch\ndevice\n", b")R", b")\x81", b"}b", b"Nb", b"h\0", b"q\0", b"\x8a\x09" + b"\xff" * 9]
    + [b"J\xff\xff\xff\xff", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", b"(" * 50, b"\x85" * 50, b"2e"]
)  # fmt: skip


def contents():
    """Objects that checkpoints hold, small, so that damage falls on the structure."""
    base = torch.arange(12.0).reshape(3, 4)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    plain = [1, -5, 2**40, 2.5, None, True, "é", b"bytes", (1, (2,)), {1, 2}, torch.Size([2])]
    yield {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    yield [base, base[1:, ::2], torch.nn.Parameter(base.t()), torch.empty(0, 3), torch.tensor(2.5)]
    yield [
        torch.ones(3).to(getattr(torch, d)) for d in "bool int8 int64 half bfloat16 cfloat".split()
    ]
    yield plain + [Counter("aab"), OrderedDict(a=1), defaultdict(list, {"x": [torch.ones(1)]})]
    yield [
        torch.float32,
        torch.device("cpu"),
        torch.strided,
        slice,
        complex(1, 2),
        bytearray(b"xy"),
    ]


def corpus():
    """Sound files: (bytes, is it an archive)."""
    files = []
    for content in contents():
        for archive, protocol in [(True, 2), (True, 4), (True, 5), (False, 2), (False, 4)]:
            buffer = io.BytesIO()
            try:
                torch.save(content, buffer, pickle, protocol, archive)
                torch.load(io.BytesIO(buffer.getvalue()))
            except pickle.UnpicklingError:
                continue  # a plain value that checkpoints may not name
            files.append((buffer.getvalue(), archive))
    return files


def damage(rng, data, other):
    """`data` with one to eight changes; `other` is a file to take pieces from."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        i = rng.randrange(len(data) + 1)
        what = rng.randrange(8)
        if what == 0:
            data[i : i + 1] = bytes([rng.randrange(256)])
        elif what == 1:
            data[i : i + 1] = bytes([rng.choice(OPCODES)])
        elif what == 2:
            del data[i : i + rng.randrange(1, 20)]
        elif what == 3:
            piece = rng.choice(PIECES)
            data[i : i + rng.choice([0, len(piece)])] = piece
        elif what == 4 and data:
            data[i : i + 1] = bytes([data[i % len(data)] ^ 1 << rng.randrange(8)])
        elif what == 5:
            j = rng.randrange(len(other))
            data[i:i] = other[j : j + rng.randrange(1, 60)]
        elif what == 6:
            number = rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, len(data)])
            form = rng.choice(["<I", "<Q"])
            data[i : i + struct.calcsize(form)] = struct.pack(
                form, number % 2 ** (8 * struct.calcsize(form))
            )
        else:
            del data[max(i, len(data) // 4) :]
    return bytes(data)


def damaged_archive(rng, data, other):
    """An archive that is sound as such, with a damaged record (mostly the pickle), or one fewer."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        names = old.namelist()
        pickled = next(n for n in names if n.endswith("/data.pkl"))
        target = pickled if rng.random() < 0.85 else rng.choice(names)
        drop = rng.random() < 0.03
        for name in names:
            record = old.read(name)
            if name == target:
                record = damage(rng, record, other)
            if name != target or not drop:
                new.writestr(name, record)
    return result.getvalue()


def make(seed, number, files):
    """File `number` of a run: bytes, and how to load them."""
    rng = random.Random(seed * 1_000_003 + number)
    data, archive = rng.choice(files)
    other = rng.choice(files)[0]
    change = damaged_archive if archive and rng.random() < 0.6 else damage
    kwargs = {
        "map_location": rng.choice([None, None, "cpu", {"cuda:0": "cpu"}, torch.device("cpu")])
    }
    return change(rng, data, other), kwargs


class Watch:
    """Notes what an audit hook sees while `on`."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self.hook)

    def hook(self, event, args):
        if self.on and event in FORBIDDEN:
            self.seen.append((event, args))


def problem(data, kwargs, watch):
    """What was wrong with loading `data`, as text, or None."""
    watch.seen.clear()
    watch.on, start = True, time.monotonic()
    try:
        torch.load(io.BytesIO(data), **kwargs)
    except EXPECTED as e:
        watch.on = False
        if "allocate" in str(e):
            return f"asked for memory: {e}"
    except BaseException:  # noqa: BLE001
        watch.on = False
        return traceback.format_exc()
    watch.on = False
    seen = [s for s in watch.seen if s[0] != "import" or s[1][0] not in sys.modules]
    if seen:
        return f"did what no load does: {seen[:5]}"
    seconds = time.monotonic() - start
    return f"took {seconds:.1f} s" if seconds > 5 else None


def work(args, first):
    """The process that reads files from number `first` on. Prints what it finds; may die."""
    import faulthandler
    import resource

    faulthandler.enable()
    files, watch, done = corpus(), Watch(), 0
    for data, _ in files:  # so that what is imported on first use is there
        torch.load(io.BytesIO(data), map_location="cpu")
    with open("/proc/self/statm") as f:
        used = int(f.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, resource.RLIM_INFINITY))
    stop = time.monotonic() + args.seconds
    for number in range(first, args.files):
        if time.monotonic() > stop:
            break
        print(f"> {number}", flush=number % 16 == 0)
        found = problem(*make(args.seed, number, files), watch)
        done += 1
        if found:
            print(f"! {number} {found!r}")
    print(f"= {done}")


def run(args):
    """Runs workers until the files or the seconds are used up: (files read, {number: finding})."""
    findings, done, first, start = {}, 0, 0, time.monotonic()
    while first < args.files and (left := args.seconds - (time.monotonic() - start)) > 0:
        command = [sys.executable, __file__, "--worker", str(first), "--files", str(args.files)]
        command += ["--seconds", str(left), "--seed", str(args.seed)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            number, ended = first, False
            for line in child.stdout:
                if line[0] == ">":
                    number = int(line[2:])
                elif line[0] == "!":
                    at, _, text = line[2:].partition(" ")
                    findings[int(at)] = ast.literal_eval(text)
                elif line[0] == "=":
                    ended = True
        done += number - first + 1
        first = number + 1
        if ended:
            break
        findings[number] = f"the process died: {child.returncode} (or up to 16 files later)"
    return done, findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=10**12, help="how many files")
    parser.add_argument("--seconds", type=float, default=10**9, help="for how long at most")
    parser.add_argument("--seed", type=int, default=0, help="other seeds, other damage")
    parser.add_argument("--only", type=int, help="load one file again")
    parser.add_argument("--keep", default="fuzz-findings", help="folder for files with a finding")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker is not None:
        return work(args, args.worker)
    if args.only is not None:
        data, kwargs = make(args.seed, args.only, corpus())
        print(len(data), "bytes", kwargs)
        print(torch.load(io.BytesIO(data), **kwargs))
        return None
    start = time.monotonic()
    done, findings = run(args)
    seconds = time.monotonic() - start
    files = corpus() if findings else None
    for number, text in findings.items():
        os.makedirs(args.keep, exist_ok=True)
        with open(os.path.join(args.keep, f"{args.seed}-{number}.pt"), "wb") as f:
            f.write(make(args.seed, number, files)[0])
        print(f"file {number}: {text}")
    print(f"{done} files in {seconds:.0f} s, {len(findings)} findings")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
