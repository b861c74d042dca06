"""Every operator of PyTorch's database on about a million elements, on torch and on rushlight.

    python benchmarks/operators.py                    all of them; writes results/operators.md
    python benchmarks/operators.py --rows 'fft.*'     those that a pattern finds; writes nothing
    python benchmarks/operators.py --threads 1 --rounds 5 --seconds 0.02

As bench.py: a process for each library, medians of rounds that take turns. Forward calls without
gradients; with one thread it is the processor's time that counts, which other work on the machine
disturbs less. What is slower by more than twice is listed with a reason (operators_slow.txt).
"""

import argparse
import fnmatch
import json
import math
import pathlib
import sys
import time
import timeit
import warnings

import report
from bench import STATM, Worker, summarise

HERE = pathlib.Path(__file__).resolve().parent
REASONS = "operators_slow.txt"
SLOW = 2.0
MEMORY = 1 << 30  # more than a worker has when it starts: what needs more is no million elements


# ---- a worker: requests {"row": name or [name, plan], "seconds": budget} ----


def work(library):
    """None is answered with all names, a name with a plan, both with the time of a call."""
    import resource

    import operator_samples  # noqa: F401  (PyTorch and its database)

    pages = int(pathlib.Path(STATM).read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(HERE.parent))
    timers, answers = {}, sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = answered(library, request["row"], request["seconds"], timers)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(answer), file=answers, flush=True)


def answered(library, row, budget, timers):
    import operator_samples

    if row is None:
        return {"us": list(operator_samples.entries())}
    if isinstance(row, str):
        return {"us": operator_samples.find(row)}
    name, plan = row
    if name not in timers:
        timers.clear()  # the tensors of the row before
        timer = timers_of(library, name, plan, operator_samples)
        timer.timeit(1)
        once = timer.timeit(1)
        if once < budget / 20:
            once = timer.timeit(10) / 10
        timers[name] = timer, max(1, math.ceil(budget / max(once, 1e-8)))
    timer, count = timers[name]
    return {"us": timer.timeit(count) / count * 1e6}


def timers_of(library, name, plan, operator_samples):
    import torch

    function = operator_samples.entries()[name].op
    args, kwargs = operator_samples.make(name, plan)
    if library == "rushlight":
        import rushlight
        from tests.parity import translate

        translate.forget()
        function = translate.function(function)
        args, kwargs = map(translate.value, (args, kwargs))
        torch = rushlight
    torch.set_num_threads(threads())
    torch.manual_seed(0)
    clock = time.process_time if threads() == 1 else time.perf_counter
    names = {"f": function, "args": args, "kwargs": kwargs}
    return timeit.Timer("f(*args, **kwargs)", timer=clock, globals=names)


def threads():
    import os

    return int(os.environ["OMP_NUM_THREADS"])


# ---- the run ----


def note(path, found):
    """A line of the log, by which a run that was cut off goes on."""
    if path:
        with open(path, "a") as f:
            f.write(json.dumps(found) + "\n")


def earlier(path):
    """What the log has: (records, {name: why there is no row})."""
    lines = (
        pathlib.Path(path).read_text().splitlines() if path and pathlib.Path(path).exists() else []
    )
    found = dict(map(json.loads, lines))
    absent = {name: "no sample can be scaled" for name, record in found.items() if not record}
    return [record for record in found.values() if record], absent


def measure(wanted, args):
    """(records, {name: why there is no row}) of the entries whose name is wanted"""
    part, parts = map(int, args.part.split("/"))
    workers = {
        library: Worker(library, args.threads, __file__) for library in ("torch", "rushlight")
    }
    names = [name for name in workers["torch"].time(None, 0) if wanted(name)][part::parts]
    records, absent = earlier(args.log)
    done = {*absent, *(r["name"] for r in records)}
    for number, name in enumerate(names, 1):
        if name in done:
            continue
        plan = workers["torch"].time(name, 0)
        if not isinstance(plan, (list, str)) or plan == "the process ended":
            absent[name] = "no sample can be scaled"
            note(args.log, [name, None])
            if plan == "the process ended":
                workers["torch"] = Worker("torch", args.threads, __file__)
            continue
        times = {"torch": [], "rushlight": []}
        for turn in range(args.rounds):
            for library in list(times)[:: 1 if turn % 2 == 0 else -1]:
                time.sleep(0.04 if args.threads > 1 else 0.002)  # as in bench.py
                taken = workers[library].time([name, plan], args.seconds)
                times[library].append(taken)
                if taken == "the process ended":
                    workers[library] = Worker(library, args.threads, __file__)
        records.append(summarise("operators", name, "us", times, False))
        note(args.log, [name, records[-1]])
        if not args.quiet:
            ratio = records[-1].get("ratio", math.nan)
            print(f"{number}/{len(names)} {name} {ratio:.2f} {plan}", file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.close()
    return records, absent


def slow(records):
    return [r for r in records if r.get("ratio", SLOW) < 1 / SLOW]


def text(run, absent):
    """The page: what is slow with its reason, then the table, the slowest first."""
    records, known = run["rows"], report.reasons(REASONS)
    ratios = sorted(r["ratio"] for r in records if "ratio" in r)
    lines = [
        "# Every operator on a million elements\n",
        report.describe(run) + "\n",
        f"{len(ratios)} entries; the median is {ratios[len(ratios) // 2]:.2f} times faster than "
        f"PyTorch; {sum(x >= 1 for x in ratios)} are faster, {len(slow(records))} slower by more "
        "than twice. Written by `python benchmarks/operators.py`.\n",
    ]
    if slow(records):
        lines.append("## Slower by more than twice\n")
        for r in slow(records):
            lines.append(
                f"- {r['name']} ({1 / r['ratio']:.1f}x): {report.reason_of(r['name'], known)}"
            )
        lines.append("")
    lines += ["## All\n", report.table(run)]
    lines.append(f"Without a row: {', '.join(sorted(absent)) or 'none'}.")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", metavar="PATTERNS", default="*", help="names, with commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.02, help="of one timing")
    parser.add_argument("--part", default="0/1", help="i/n: every n-th entry from the i-th on")
    parser.add_argument("--log", metavar="FILE", help="a run that was cut off goes on from it")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(args.worker)
    patterns = args.rows.split(",")
    records, absent = measure(lambda n: any(fnmatch.fnmatch(n, p) for p in patterns), args)
    records.sort(key=lambda r: r.get("ratio", 0))
    run = report.results(records, args)
    if (args.rows, args.part) == ("*", "0/1"):
        path = report.RESULTS / "operators.md"
        path.write_text(text(run, absent))
        print(f"wrote {path}")
    else:
        print(report.table(run))
        print("without a row:", ", ".join(absent))
    known = report.reasons(REASONS)
    missing = [r["name"] for r in slow(records) if report.reason_of(r["name"], known) is None]
    print("slower by more than twice, without a reason:", ", ".join(missing) or "none")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
