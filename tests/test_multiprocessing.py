"""torch.multiprocessing: tensors in shared memory, what is sent and how, processes that fail."""

import subprocess
import sys

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()

PROGRAM = """
import sys
{imports}
import torch.multiprocessing as mp

def work(i, shared, model, inbox, outbox, read):
    with torch.no_grad():
        shared[i] += 10 * (i + 1)
        model.weight.add_(1)
    received = inbox.get()
    received.mul_(2)
    outbox.put((i, received.is_shared(), type(received).__name__, torch.full((2,), float(i))))
    read.wait()  # this process lives until the other has read

def fails(i):
    if i == 1:
        raise ValueError("process one")

if __name__ == "__main__":
    context = mp.get_context(sys.argv[1])
    shared = torch.zeros(2, 3).share_memory_()
    model = torch.nn.Linear(2, 1)
    torch.nn.init.zeros_(model.weight)
    model.share_memory()
    inbox, outbox, read = context.Queue(), context.Queue(), context.Event()
    sent = torch.nn.Parameter(torch.ones(3)).share_memory_()
    processes = []
    for i in range(2):
        processes.append(context.Process(target=work, args=(i, shared, model, inbox, outbox, read)))
        processes[-1].start()
    inbox.put(sent.data)
    inbox.put(sent.data)
    found = sorted((outbox.get() for _ in range(2)), key=lambda row: row[0])
    read.set()
    for process in processes:
        process.join()
    print(shared.tolist(), shared.is_shared(), model.weight.tolist(), sent.tolist(), sent.requires_grad)
    print([(i, is_shared, kind, t.tolist()) for i, is_shared, kind, t in found])
    try:
        mp.spawn(fails, nprocs=2)
    except mp.ProcessRaisedException as error:
        print(str(error).strip().splitlines()[0], str(error).strip().splitlines()[-1])
"""


def output(tmp_path, imports, method):
    script = tmp_path / "main.py"
    script.write_text(PROGRAM.format(imports=imports))
    command = [sys.executable, str(script), method]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_memory_is_shared(tmp_path):
    theirs = output(tmp_path, "import torch", "fork")
    for method in ("fork", "spawn", "forkserver"):
        ours = "import rushlight; rushlight.as_torch(); import torch"
        assert output(tmp_path, ours, method) == theirs


@case
def sharing(m):
    x = m.arange(6.0).view(2, 3).t()
    before = x.is_shared()
    same = x.share_memory_() is x
    grad = m.ones(2, requires_grad=True).share_memory_()
    (grad * 3).sum().backward()
    return [
        before,
        same,
        x.is_shared(),
        x[1].is_shared(),
        x.stride(),
        x,
        grad.grad,
        m.empty(0).share_memory_(),
    ]


@case
def tensors_with_history(m):
    from multiprocessing.reduction import ForkingPickler

    import torch.multiprocessing  # noqa: F401

    return error_of(ForkingPickler.dumps, m.ones(2, requires_grad=True) * 2)


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    rushlight.multiprocessing  # noqa: B018  (it tells multiprocessing how to send tensors)
    twin(CASES[name])


def test_files_are_closed_with_their_tensors():
    from rushlight import _shared

    tensors = [rushlight.zeros(10).share_memory_() for _ in range(5)]
    views = [t[2:] for t in tensors]
    count = len(_shared._files)
    del tensors
    assert len(_shared._files) == count
    del views
    assert len(_shared._files) == count - 5


def test_the_pool_and_the_queues_by_their_modules(tmp_path):
    (tmp_path / "program.py").write_text(
        "import torch\n"
        "from torch.multiprocessing import get_context\n"
        "from torch.multiprocessing.pool import Pool\n"
        "from torch.multiprocessing.queue import SimpleQueue\n"
        "def double(t): return t * 2\n"
        "if __name__ == '__main__':\n"
        "    with Pool(2) as pool:\n"
        "        print(pool.map(double, [torch.ones(2), torch.ones(1)])[0].tolist())\n"
        "    queue = SimpleQueue(ctx=get_context())\n"
        "    queue.put(torch.ones(1))\n"
        "    print(queue.get().tolist())\n"
    )
    command = [sys.executable, "-m", "rushlight", "run", "program.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.stdout.split("\n") == ["[2.0, 2.0]", "[1.0]", ""], done.stderr


@pytest.mark.parametrize("library", ["torch", "rushlight"])
def test_a_process_that_fails_says_which_and_how(tmp_path, library):
    (tmp_path / "program.py").write_text(
        "import os, torch.multiprocessing as mp\n"
        "def fails(i, how):\n"
        "    if how == 'raise': raise ValueError('gone')\n"
        "    os.kill(os.getpid(), 9) if how == 'kill' else os._exit(3)\n"
        "if __name__ == '__main__':\n"
        "    for how in ('raise', 'kill', 'exit'):\n"
        "        try: mp.spawn(fails, (how,), nprocs=1)\n"
        "        except (mp.ProcessRaisedException, mp.ProcessExitedException) as e:\n"
        "            print(type(e).__name__, e.error_index, e.error_pid > 0, str(e).strip()[:42],\n"
        "                  getattr(e, 'exit_code', None), getattr(e, 'signal_name', None))\n"
    )
    run = ["-m", "rushlight", "run"] if library == "rushlight" else []
    command = [sys.executable, *run, "program.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "ProcessRaisedException 0 True -- Process 0 terminated with the following None None",
        "ProcessExitedException 0 True process 0 terminated with signal SIGKILL -9 SIGKILL",
        "ProcessExitedException 0 True process 0 terminated with exit code 3 3 None",
    ], done.stderr
