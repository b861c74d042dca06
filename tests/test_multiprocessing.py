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
