"""torch.profiler and torch.autograd.profiler: what is recorded when, and how it is shown.

Times differ from run to run; names, counts, schedules, columns and errors are compared.
"""

import gzip
import json
from importlib import import_module

import pytest
import torch as pytorch
from twin import error_of, outcome, table, twin

import rushlight

CASES, case = table()
LIBRARIES = (pytorch, rushlight)


def load(m):
    return import_module(m.__name__ + ".profiler")


SCHEDULES = {
    "all": dict(wait=0, warmup=1, active=2),
    "usual": dict(wait=1, warmup=1, active=2),
    "twice": dict(wait=1, warmup=1, active=1, repeat=2),
    "late": dict(wait=2, warmup=1, active=3, repeat=1, skip_first=3),
    "no first wait": dict(wait=2, warmup=1, active=1, skip_first=1, skip_first_wait=1),
}  # fmt: skip


def scheduled(m, options):
    p = load(m)
    plan, told = p.schedule(**options), []

    def ready(prof):
        steps = sorted(e.key for e in prof.key_averages() if e.key.startswith("ProfilerStep"))
        count = sum(e.count for e in prof.key_averages() if e.key == "mine")
        told.append([prof.step_num, steps, count])

    with p.profile(schedule=plan, on_trace_ready=ready) as prof:
        for _ in range(11):
            with p.record_function("mine"):
                m.ones(2) + 1
            prof.step()
    return [[plan(i).name for i in range(20)], told, prof.step_num]


@case
def mistakes(m):
    p, a = load(m), m.autograd.profiler
    bad = [dict(wait=-1, warmup=0, active=1), dict(wait=0, warmup=0, active=0)]
    found = [error_of(lambda o=o: p.schedule(**o)) for o in bad]
    found.append(error_of(p.schedule(wait=0, warmup=0, active=1), -1))
    fresh = p.profile()
    found += [error_of(f) for f in (fresh.key_averages, fresh.events)]
    found.append(error_of(fresh.export_chrome_trace, "nowhere"))
    block = a.profile()
    with block:
        pass
    found.append(error_of(block.__enter__))
    with p.profile() as prof:
        m.ones(2) + 1
    found.append(error_of(prof.export_stacks, "nowhere"))
    found.append(error_of(lambda: prof.key_averages().table(sort_by="odd")).partition(" object")[2])
    return found


@case
def names_and_counts(m):
    p = load(m)

    @p.record_function("decorated")
    def work(x):
        return x.exp()

    x = m.ones(2, 2)
    with p.profile(record_shapes=True) as prof:
        with p.record_function("outer"):
            for _ in range(3):
                work(x)
            m.mm(x, x)
    rows = {e.key: e for e in prof.key_averages()}
    wanted = ("outer", "decorated", "aten::exp", "aten::mm")
    shapes = [e.input_shapes for e in prof.events() if e.name == "aten::mm"]
    return [
        {k: [rows[k].count, rows[k].is_user_annotation] for k in wanted}, shapes,
        all(0 <= rows[k].self_cpu_time_total <= rows[k].cpu_time_total for k in wanted),
        rows["outer"].cpu_time_total >= rows["decorated"].cpu_time_total,
        rows["decorated"].cpu_time_total >= rows["aten::exp"].cpu_time_total,
    ]  # fmt: skip


@case
def columns(m):
    with m.autograd.profiler.profile(record_shapes=True) as prof:
        m.mm(m.ones(2, 2), m.ones(2, 2))
    found = []
    for text in (prof.key_averages().table(sort_by="self_cpu_time_total", header="Title"),
                 prof.key_averages(group_by_input_shape=True).table(row_limit=1, time_unit="ms"),
                 prof.table(max_name_column_width=8), str(prof)):  # fmt: skip
        head = next(line for line in text.split("\n") if "Self CPU %" in line)
        last = [line for line in text.split("\n") if line][-1]
        found += [head.split("  "), last.partition(":")[0]]
    return [[[c.strip() for c in f if c.strip()] if isinstance(f, list) else f for f in found]]


@case
def switched_off(m):
    with m.autograd.profiler.profile(enabled=False) as prof:
        m.ones(2) + 1
    with m.autograd.profiler.record_function("alone"):
        y = m.ones(2) * 3
    return [prof is None, y, str(m.autograd.profiler.profile())]


@case
def activities(m):
    p = load(m)
    kinds = [p.ProfilerActivity.CPU.name, p.ProfilerActivity.CUDA.name]
    found = [kinds, [a.name for a in p.ProfilerAction], [a.name for a in p.supported_activities()]]
    with p.profile(activities=[p.ProfilerActivity.CPU]) as prof:
        m.ones(2)
    return [
        *found,
        len(prof.events()) > 0,
        m.autograd.profiler.record_function is p.record_function,
    ]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(CASES[name])


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    theirs, mine = (outcome(m, lambda m: scheduled(m, SCHEDULES[name]))[0] for m in LIBRARIES)
    assert mine == theirs


def profiled():
    torch = rushlight
    x = torch.ones(3, 3, requires_grad=True)
    with torch.profiler.profile(record_shapes=True) as prof:
        with torch.profiler.record_function("step"):
            (x @ x + 1).sum().backward()
    return prof


def test_operators_and_the_backward_pass_are_recorded():
    prof = profiled()
    assert [e.name for e in prof.events()] == [
        "step", "aten::matmul", "aten::add", "aten::sum", "autograd::engine::execute"
    ]  # fmt: skip
    step, *inside = prof.events()
    assert step.cpu_children == inside and all(e.cpu_parent is step for e in inside)


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_trace_file(tmp_path, name):
    prof = profiled()
    prof.add_metadata("who", "me")
    prof.add_metadata_json("what", "[1, 2]")
    path = tmp_path / name
    prof.export_chrome_trace(str(path))
    opened = gzip.open(path, "rt") if name.endswith("gz") else open(path)
    with opened as file:
        trace = json.load(file)
    assert trace["who"] == "me" and trace["what"] == [1, 2]
    events = {e["name"]: e for e in trace["traceEvents"] if e["ph"] == "X"}
    assert set(events) >= {"step", "aten::matmul"}
    step, inner = events["step"], events["aten::matmul"]
    assert step["cat"] == "user_annotation" and inner["cat"] == "cpu_op"
    assert inner["args"]["Input Dims"] == [[3, 3], [3, 3]]
    assert step["ts"] <= inner["ts"] and inner["ts"] + inner["dur"] <= step["ts"] + step["dur"]


def test_trace_handler_writes_a_file_a_recording(tmp_path):
    p = rushlight.profiler
    handler = p.tensorboard_trace_handler(str(tmp_path / "logs"), "worker")
    plan = p.schedule(wait=0, warmup=0, active=1, repeat=2)
    with p.profile(schedule=plan, on_trace_ready=handler) as prof:
        for _ in range(4):
            rushlight.ones(2)
            prof.step()
    files = sorted((tmp_path / "logs").iterdir())
    assert len(files) == 2 and all(f.name.startswith("worker.") for f in files)
    assert all("traceEvents" in json.loads(f.read_text()) for f in files)


def test_with_autocast_in_any_order():
    torch, x = rushlight, rushlight.ones(2, 2)
    before = torch.mm, torch.Tensor.__dict__["__matmul__"]
    with torch.profiler.profile() as prof:
        with torch.autocast("cpu"):
            assert torch.mm(x, x).dtype is torch.bfloat16
        assert torch.mm(x, x).dtype is torch.float32
    assert [e.name for e in prof.events()].count("aten::mm") == 2
    with torch.autocast("cpu"):
        with torch.profiler.profile() as prof:
            assert (x @ x).dtype is torch.bfloat16
        assert (x @ x).dtype is torch.bfloat16
    assert "aten::matmul" in [e.name for e in prof.events()]
    assert (torch.mm, torch.Tensor.__dict__["__matmul__"]) == before
    assert (x @ x).dtype is torch.float32


def test_profilers_do_not_nest():
    with rushlight.profiler.profile():
        message = error_of(rushlight.profiler.profile().start)
    assert message.startswith("RuntimeError")
    assert rushlight.autograd._recorder.current() is None


def test_texts_of_times_are_pytorch_s():
    mine = import_module("rushlight.autograd.profiler_util")
    theirs = import_module("torch.autograd.profiler_util")
    for us in (0.0, 12.3456, 999.9999, 1000.0, 123456.7, 2e6):
        assert mine._format_time(us) == theirs._format_time(us)
        for unit in ("us", "ms", "s"):
            assert mine._format_in(us, unit).endswith(unit)
    assert mine._share(1.0, 3.0) == theirs._format_time_share(1.0, 3.0)
    assert mine._share(0, 0) == theirs._format_time_share(0, 0)
