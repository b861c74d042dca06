"""Worker processes of the data loader: seeds, transport, deaths, ends. Batches' contents and
orders are compared with PyTorch in test_data.py.
"""

import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch as oracle

import rushlight
from rushlight.utils.data._utils import transport

BOTH = (rushlight, oracle)
data = rushlight.utils.data
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

HERE = os.path.dirname(__file__)  # where a new interpreter finds the installed rushlight


class Draws:
    """Items are what the worker's generators give."""

    def __init__(self, lib):
        self.lib = lib

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return [self.lib.rand(()).item(), random.random(), np.random.rand(), os.getpid()]


def collected(batches):
    return [[float(value) for value in batch[:3]] for batch in batches]


@pytest.mark.parametrize("persistent", [False, True])
def test_seeds_of_workers_are_torch_s(persistent):
    results = []
    for lib in BOTH:
        lib.manual_seed(3)
        loader = lib.utils.data.DataLoader(
            Draws(lib), num_workers=2, persistent_workers=persistent, collate_fn=lambda x: x[0]
        )
        passes = [collected(loader) for _ in range(2)]
        results.append([passes, lib.rand(2).tolist()])
    assert results[0] == results[1]


def test_worker_info_and_init_fn():
    for lib in BOTH:

        class Parts(lib.utils.data.IterableDataset):
            start, end = 0, 8

            def __iter__(self):
                return iter(range(self.start, self.end))

        def init(worker_id, lib=lib):
            info = lib.utils.data.get_worker_info()
            assert (info.id, info.num_workers) == (worker_id, 2)
            info.dataset.start, info.dataset.end = 4 * worker_id, 4 * worker_id + 4

        dataset = Parts()
        loader = lib.utils.data.DataLoader(
            dataset, num_workers=2, worker_init_fn=init, batch_size=None
        )
        assert list(loader) == [0, 4, 1, 5, 2, 6, 3, 7]
        assert lib.utils.data.get_worker_info() is None
        assert (dataset.start, dataset.end) == (0, 8)


VALUES = {
    "tensor": lambda m: m.arange(12.0).reshape(3, 4),
    "large": lambda m: m.arange(100_000),
    "strided": lambda m: m.arange(20_000).reshape(100, 200).t(),
    "bfloat16": lambda m: m.arange(9000).to(m.bfloat16),
    "complex": lambda m: m.ones(3, dtype=m.complex64) * 2j,
    "bool": lambda m: m.arange(5) > 2,
    "empty": lambda m: m.zeros(0, 3),
    "scalar": lambda m: m.tensor(3.5),
    "slice of a large one": lambda m: m.arange(100_000)[5:9],
    "grad": lambda m: m.ones(3, requires_grad=True),
    "parameter": lambda m: m.nn.Parameter(m.ones(2)),
    "views of one": lambda m: (lambda x: [x, x[1:], x.t()])(m.arange(9.0).reshape(3, 3)),
    "array": lambda m: np.arange(50_000).reshape(2, -1),
    "others": lambda m: {"a": "text" * 10_000, "b": [1, None, 2.5, (m.ones(1), b"x")]},
}


def shown(x):
    if isinstance(x, dict):
        return {k: shown(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [type(x).__name__, *map(shown, x)]
    if isinstance(x, rushlight.Tensor):
        values = x.tolist()
        return [type(x).__name__, str(x.dtype), values, x.stride(), x.requires_grad]
    return [str(x.dtype), x.tolist()] if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize("with_file", [True, False])
@pytest.mark.parametrize("name", VALUES)
def test_transport(name, with_file):
    value = VALUES[name](rushlight)
    fd = transport.open_file() if with_file else None
    try:
        for slot in (0, 3):
            back = transport.unpack(transport.pack(value, fd, slot), fd, slot)
            assert shown(back) == shown(value)
    finally:
        if fd is not None:
            os.close(fd)
    if name == "views of one":
        back[0].fill_(7)
        assert back[1].tolist() == [[7.0] * 3] * 2


def test_a_tensor_with_history_is_refused():
    class Results(data.Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, i):
            return rushlight.ones(2, requires_grad=True) * 2

    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor"):
        list(data.DataLoader(Results(), num_workers=1, batch_size=None))


def run(code, *arguments, timeout=60):
    """A fresh interpreter; its output."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *arguments],
        capture_output=True, text=True, timeout=timeout, cwd=HERE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_kept_batches_hold_no_descriptors():
    out = run("""
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        import rushlight as torch
        class Data(torch.utils.data.Dataset):
            def __len__(self): return 3000
            def __getitem__(self, i): return {"x": torch.full((8000,), i), "y": torch.ones(3)}
        kept = [b for b in torch.utils.data.DataLoader(Data(), num_workers=2, batch_size=None)]
        print(sum(int(b["x"][-1]) for b in kept) == sum(range(3000)), len(kept))
    """)
    assert out == ["True", "3000"]


class Killed(data.Dataset):
    def __init__(self, way):
        self.way = way

    def __len__(self):
        return 100

    def __getitem__(self, i):
        if i == 5:
            self.way()
        return i


@pytest.mark.parametrize(
    ("way", "line"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "Worker 1 was killed by signal SIGKILL."),
        (lambda: os._exit(3), "Worker 1 ended with exit code 3"),
        (lambda: os._exit(0), "Worker 1 ended with exit code 0"),
    ],
)
def test_a_dead_worker_is_named_soon(way, line):
    loader = data.DataLoader(Killed(way), num_workers=2)
    start = time.perf_counter()
    with pytest.raises(RuntimeError) as caught:
        list(loader)
    assert time.perf_counter() - start < 2
    lines = str(caught.value).split("\n")
    assert lines[0].startswith("DataLoader worker (pid(s) ")
    assert lines[0].endswith(") exited unexpectedly")
    assert lines[1].startswith(line)


def test_a_worker_killed_while_another_is_slow():
    class Slow(data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            time.sleep(30 if i % 2 == 0 else 0)
            return i

    iterator = iter(data.DataLoader(Slow(), num_workers=2))
    processes = iterator._pool.processes
    os.kill(processes[1].pid, signal.SIGKILL)
    start = time.perf_counter()
    with pytest.raises(RuntimeError, match=f"pid.s. {processes[1].pid}. exited unexpectedly"):
        next(iterator)
    assert time.perf_counter() - start < 4.5
    assert not processes[0].is_alive()
    with pytest.raises(StopIteration):
        next(iterator)


def test_system_exit_and_what_cannot_be_pickled():
    class Odd(data.Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return lambda: i

    with pytest.raises(Exception, match="in DataLoader worker process 0"):
        list(data.DataLoader(Odd(), num_workers=1, batch_size=None))

    class Local(Exception):
        pass

    def broken(i):
        raise Local("gone")

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 0"):
        list(data.DataLoader(range(2), num_workers=1, collate_fn=broken))


def test_workers_end_with_their_iterator():
    iterator = iter(data.DataLoader(range(100), num_workers=2))
    next(iterator)
    processes = iterator._pool.processes
    assert all(process.is_alive() for process in processes)
    start = time.perf_counter()
    del iterator
    assert not any(process.is_alive() for process in processes)
    assert time.perf_counter() - start < 1


def test_many_tasks_and_answers_do_not_block_each_other():
    order = [list(range(i, i + 3000)) for i in range(200)]
    loader = data.DataLoader(
        range(4000), batch_sampler=order, num_workers=2, prefetch_factor=100,
        collate_fn=lambda items: [str(items), sum(items)],
    )  # fmt: skip
    assert [batch[1] for batch in loader] == [sum(indices) for indices in order]


def test_two_loaders_at_once():
    first = iter(data.DataLoader(range(20), num_workers=2, persistent_workers=True))
    next(first)
    second = data.DataLoader(range(6), num_workers=2)
    for _ in range(2):
        assert [int(batch) for batch in second] == list(range(6))
    assert [int(batch) for batch in first] == list(range(1, 20))


def test_out_of_order():
    class Uneven(data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            time.sleep(0.3 if i == 0 else 0)
            return i

    loader = data.DataLoader(Uneven(), num_workers=2, batch_size=None, in_order=False)
    got = list(loader)
    assert sorted(got) == list(range(6)) and got[0] != 0


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
@pytest.mark.parametrize("end", ["", "raise SystemExit", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_no_process_is_left(end):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(f"""
            import os
            import rushlight as torch
            loader = torch.utils.data.DataLoader(
                range(1000), num_workers=2, persistent_workers=True)
            it = iter(loader)
            next(it)
            print(*[p.pid for p in it._pool.processes], flush=True)
            {end}
        """)],
        capture_output=True, text=True, timeout=30, cwd=HERE,
    )  # fmt: skip
    pids = done.stdout.split()
    assert len(pids) == 2, done.stderr
    deadline = time.perf_counter() + 5
    while any(map(alive, pids)) and time.perf_counter() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


SPAWN = """
import rushlight as torch

class Squares(torch.utils.data.Dataset):
    def __init__(self):
        self.x = torch.arange(12.) ** 2
    def __len__(self): return 12
    def __getitem__(self, i): return self.x[i], torch.rand(())

if __name__ == "__main__":
    import sys
    torch.manual_seed(5)
    loader = torch.utils.data.DataLoader(
        Squares(), batch_size=5, num_workers=2, multiprocessing_context=sys.argv[1])
    for x, y in loader:
        print(x.sum().item(), y.tolist())
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_start(method, tmp_path):
    script = tmp_path / "main.py"
    script.write_text(SPAWN)
    outputs = []
    for how in ("fork", method):
        done = subprocess.run(
            [sys.executable, str(script), how], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1] and outputs[0].startswith("30.0 [")


def test_context_errors_are_torch_s():
    for context in ("no", 3):
        errors = []
        for lib in BOTH:
            with pytest.raises((ValueError, TypeError)) as caught:
                lib.utils.data.DataLoader([1], num_workers=1, multiprocessing_context=context)
            errors.append((caught.type, str(caught.value)))
        assert errors[0] == errors[1]


ENDS = """
import os, signal, sys
import rushlight as torch

class Ends(torch.utils.data.Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, i):
        if i == 5 and sys.argv[2] == "worker":
            os.kill(os.getpid(), signal.SIGKILL)
        return i

class Locked(Ends):
    def __init__(self):
        self.plain, self.opened = 1, open(os.devnull)

if __name__ == "__main__":
    options = {"num_workers": 2, "multiprocessing_context": sys.argv[1]}
    if sys.argv[2] == "unpicklable":
        for dataset, collate in ((Locked(), None), (Ends(), lambda batch: batch)):
            try:
                list(torch.utils.data.DataLoader(dataset, collate_fn=collate, **options))
            except Exception as error:
                print(str(error).replace("\\n", " | "))
        sys.exit()
    batches = iter(torch.utils.data.DataLoader(Ends(), **options))
    next(batches)
    print(*(p.pid for p in batches._pool.processes), flush=True)
    if sys.argv[2] == "parent":
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        list(batches)
    except RuntimeError as error:
        print(error)
"""


def ends(tmp_path, method, who):
    script = tmp_path / "main.py"
    script.write_text(ENDS)
    command = [sys.executable, str(script), method, who]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_dead_worker_is_named_however_it_was_started(method, tmp_path):
    done = ends(tmp_path, method, "worker")
    pids, error, how = done.stdout.splitlines()
    assert (
        re.fullmatch(r"DataLoader worker \(pid\(s\) (\d+)\) exited unexpectedly", error)[1] in pids
    )
    assert "was killed by signal SIGKILL." in how


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_end_with_their_parent(method, tmp_path):
    done = ends(tmp_path, method, "parent")
    assert done.returncode == -9
    until = time.monotonic() + 5
    left = [int(pid) for pid in done.stdout.split()]
    assert len(left) == 2
    while left and time.monotonic() < until:
        left = [pid for pid in left if alive(pid)]
        time.sleep(0.05)
    assert not left


def test_what_cannot_be_sent_to_a_worker_is_named(tmp_path):
    lines = ends(tmp_path, "spawn", "unpicklable").stdout.splitlines()
    assert lines[0].startswith(
        "cannot pickle '_io.TextIOWrapper' object | why: the start method is"
    )
    assert "where: dataset (Locked), dataset.opened (TextIOWrapper) cannot be pickled." in lines[0]
    assert "where: collate_fn or sampler (partial) cannot be pickled." in lines[1]
    assert "multiprocessing_context='fork'" in lines[1]
