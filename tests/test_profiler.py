"""torch.profiler: schedules as PyTorch's, ranges inside of ranges, and what is left behind: nothing."""

import gzip
import itertools
import json
import time

import pytest
import torch as real

import rushlight as torch
from rushlight import profiler
from rushlight.profiler import ProfilerActivity, profile, record_function, schedule


def model_and_step():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        with record_function("forward"):
            loss = model(torch.ones(2, 4)).sum()
        loss.backward()
        optimizer.step()

    return step


@pytest.mark.filterwarnings("ignore:Profiler won't be using warmup")
def test_schedules_are_torchs():
    for wait, warmup, active, repeat, skip in itertools.product(
        (0, 2), (0, 1), (1, 3), (0, 2), (0, 3)
    ):
        options = dict(wait=wait, warmup=warmup, active=active, repeat=repeat, skip_first=skip)
        with_skip = [options, {**options, "skip_first_wait": 1}]
        for arguments in with_skip:
            ours, theirs = schedule(**arguments), real.profiler.schedule(**arguments)
            assert [ours(i).name for i in range(20)] == [theirs(i).name for i in range(20)], (
                arguments
            )
    with pytest.raises(AssertionError):
        schedule(wait=1, warmup=1, active=0)


def test_ranges():
    step = model_and_step()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
        with record_function("all"):
            step()
            time.sleep(0.02)
        step()
    found = {event.key: event for event in prof.key_averages()}
    assert {name: event.count for name, event in found.items()} == {
        "all": 1, "forward": 2, "nn.Module: Sequential": 2, "nn.Module: Linear": 2,
        "nn.Module: ReLU": 2, "backward": 2, "Optimizer.step#SGD.step": 2,
    }  # fmt: skip
    for event in found.values():
        assert 0 < event.self_cpu_time_total <= event.cpu_time_total
    assert found["all"].self_cpu_time_total >= 20_000 > found["forward"].cpu_time_total
    inner = {
        event.name for event in prof.events() if event.cpu_parent and event.cpu_parent.name == "all"
    }
    assert inner == {"forward", "backward", "Optimizer.step#SGD.step"}
    table = prof.key_averages().table(sort_by="cpu_time_total", row_limit=2)
    rows = table.split("\n")
    assert rows[3].split()[0] == "all" and len(rows) == 8 and "Self CPU time total" in table
    total = prof.key_averages().total_average()
    whole = sum(event.cpu_time_total for event in prof.events() if event.cpu_parent is None)
    assert total.self_cpu_time_total == pytest.approx(whole)


def test_nothing_is_left():
    backward = torch.Tensor.backward
    step = model_and_step()
    with pytest.raises(ZeroDivisionError), profile() as prof:
        step()
        raise ZeroDivisionError
    assert torch.Tensor.backward == backward and profiler._open is None
    count = len(prof.events())
    step()
    assert len(prof.events()) == count

    @record_function("named")
    def double(x):
        return 2 * x

    assert double(2) == 4
    with profile() as prof:
        assert double(double(1)) == 4
        with pytest.raises(RuntimeError, match="already enabled"), profile():
            pass
    assert [(event.key, event.count) for event in prof.key_averages()] == [("named", 2)]


def test_schedule_and_traces(tmp_path):
    step, seen = model_and_step(), []

    def ready(prof):
        seen.append(
            [event.name for event in prof.events() if event.name.startswith("ProfilerStep")]
        )
        write(prof)

    write = profiler.tensorboard_trace_handler(str(tmp_path), use_gzip=True)
    with profile(
        schedule=schedule(wait=1, warmup=1, active=2, repeat=2), on_trace_ready=ready
    ) as prof:
        for _ in range(10):
            step()
            prof.step()
    assert seen == [["ProfilerStep#2", "ProfilerStep#3"], ["ProfilerStep#6", "ProfilerStep#7"]]
    traces = sorted(tmp_path.glob("*.pt.trace.json.gz"))
    assert len(traces) == 2
    events = json.loads(gzip.decompress(traces[0].read_bytes()))["traceEvents"]
    assert sum(event["name"] == "backward" for event in events) == 2
    assert all(event["dur"] >= 0 and event["ph"] == "X" for event in events)


def test_the_older_door():
    from rushlight.autograd import profiler as old

    step = model_and_step()
    with old.profile() as prof:
        step()
    assert "backward" in prof.table(sort_by="self_cpu_time_total")
    with old.profile(enabled=False) as prof, old.emit_nvtx():
        step()
    assert len(prof.events()) == 0
    assert torch.autograd.profiler.record_function is record_function


def test_config():
    assert torch.version.rushlight in torch.__config__.show()
    assert str(torch.get_num_threads()) in torch.__config__.parallel_info()
