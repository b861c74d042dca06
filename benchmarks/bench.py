"""Runs the rows of rows.py on torch and on rushlight, taking turns, and prints the ratios.

    python benchmarks/bench.py                    everything; writes benchmarks/results/
    python benchmarks/bench.py --rows matmul      rows whose name or group matches
    python benchmarks/bench.py --readme           the newest results into README.md, no measurement

Each library has a process of its own. They are fed row by row: in every round torch is timed, then
rushlight (every other round the other way round), and the medians of the rounds are compared.
"""

import argparse
import compileall
import importlib.util
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import limits
import report
from rows import ROWS

HERE = pathlib.Path(__file__).resolve().parent
IMPORTS = ("import, milliseconds above bare Python", "memory after the import, MB")
INSTALLED = "installed, with what it requires, MB"
PEAK = "peak memory above the import's: "
STATM = "/proc/self/statm"  # the second number: resident pages


# --- a worker: one library, rows in, times out ---------------------------------------------------


def load_library(name):
    """The names that rows may use, for one library."""
    import importlib
    import importlib.util

    def load(program):
        path = HERE.parent / "examples" / f"{program}.py"
        spec = importlib.util.spec_from_file_location(program, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    if name == "numpy":
        return {"numpy": importlib.import_module("numpy")}
    if name == "rushlight":
        importlib.import_module("rushlight").as_torch()
        name = "torch"
    torch = importlib.import_module(name)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.manual_seed(0)
    functional = importlib.import_module("torch.nn.functional")
    return {"torch": torch, "nn": torch.nn, "F": functional, "load": load}


def timer(row, library, names):
    import timeit

    numpy = library == "numpy"
    setup = row.numpy_setup if numpy else row.setup
    space = dict(names)
    exec(setup, space)
    return timeit.Timer(row.numpy if numpy else row.statement, globals=space)


def work(library):
    """Answers requests {"row": index, "seconds": budget} with {"us": time of one call}."""
    names, timers, counts = load_library(library), {}, {}
    for line in sys.stdin:
        request = json.loads(line)
        i, budget = request["row"], request["seconds"]
        try:
            if i not in timers:
                timers.clear()  # the tensors of the row before
                timers[i] = timer(ROWS[i], library, names)
                timers[i].timeit(1)
                once = timers[i].timeit(1)
                if once < budget / 20:
                    once = timers[i].timeit(10) / 10
                counts[i] = max(1, math.ceil(budget / max(once, 1e-8)))
            answer = {"us": timers[i].timeit(counts[i]) / counts[i] * 1e6}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)


class Worker:
    """A process that times rows with one library."""

    def __init__(self, library, threads, script=__file__):
        env = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        env["OPENBLAS_NUM_THREADS"] = str(threads)
        command = [sys.executable, str(script), "--worker", library]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def time(self, row, seconds):
        """Microseconds of one call, or a text that says why there are none."""
        try:
            self.process.stdin.write(json.dumps({"row": row, "seconds": seconds}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return "the process ended"
        answer = json.loads(line)
        return answer.get("us", answer.get("error"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# --- the run -------------------------------------------------------------------------------------


def measure_rows(indices, libraries, args, can):
    """{library: [median microseconds, error text or None]} for each row, in turns; `can`: limits."""
    workers = {library: Worker(library, args.threads) for library in libraries}
    for number, i in enumerate(indices, 1):
        row = ROWS[i]
        taking = [x for x in libraries if x != "numpy" or row.numpy]
        times = {library: [] for library in taking}
        for turn in range(args.rounds):
            for library in taking if turn % 2 == 0 else taking[::-1]:
                time.sleep(0.04)  # OpenMP's threads spin for some 25 ms before they sleep
                times[library].append(workers[library].time(i, args.seconds))
        yield summarise(row.group, row.name, "us", times, row.readme, limits.floor(row, can))
        if sys.stderr.isatty():
            print(f"\r{number}/{len(indices)}", end="", file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.close()


def measure_imports(libraries, args):
    """Rows of what an import costs: each round runs bare Python, then every library."""
    for library in libraries:  # as pip leaves a package: a checkout may have no byte code
        compileall.compile_dir(find_package(library), quiet=2)
    wall, memory = ({library: [] for library in libraries} for _ in range(2))
    for _ in range(args.rounds + 1):  # the first round warms the disk's cache
        bare = min(start_python("pass")[0] for _ in range(3))  # a disturbed one would flatter
        for library in libraries:
            code = f"import {library}; print(open('{STATM}').read().split()[1])"
            seconds, text = start_python(code)
            wall[library].append((seconds - bare) * 1e3)
            memory[library].append(int(text) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    rows = []
    for name, unit, times in ((IMPORTS[0], "ms", wall), (IMPORTS[1], "MB", memory)):
        times = {library: values[1:] for library, values in times.items()}
        rows.append(summarise("import", name, unit, times, True))
    return rows


def measure_peaks(libraries, wanted, args):
    """Rows of the memory of training: five steps in a process of their own, from the import on."""
    for i, row in enumerate(ROWS):
        name = PEAK + row.name.removesuffix(", a step")
        if not row.peak or not wanted.search(f"memory: {name}"):
            continue
        peaks = {}
        for library in libraries:
            command = [sys.executable, __file__, "--peak", library, str(i)]
            env = {**os.environ, "OMP_NUM_THREADS": str(args.threads)}
            done = subprocess.run(command, capture_output=True, text=True, env=env)
            error = (done.stderr.splitlines() or ["the process ended"])[-1]
            peaks[library] = [float(done.stdout) if done.returncode == 0 else error]
        yield summarise("memory", name, "MB", peaks, True)


def work_once(library, row):
    """Prints how far the resident memory grew, in MB, by a row's setup and five calls."""

    def resident(what):
        status = pathlib.Path("/proc/self/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) / 1024

    names = load_library(library)
    before = resident("VmRSS")
    timer(row, library, names).timeit(5)
    print(resident("VmHWM") - before)


def measure_sizes(libraries):
    """The row of what pip writes to the disk: a package and, once each, those it requires."""
    sizes = {library: [installed_bytes(library) / 2**20] for library in libraries}
    return summarise("import", INSTALLED, "MB", sizes, True)


def installed_bytes(library):
    packages, seen = [library], set()
    if library == "rushlight" and not report.installed_package(library):  # a checkout on the path
        packages.append("scipy-openblas32")
    total = 0
    while packages:
        name = re.split(r"[^\w.-]", packages.pop())[0].lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        found = report.installed_package(name)
        if found:
            files = [found.locate_file(f) for f in found.files or []]
            packages += [r for r in found.requires or [] if ";" not in r]
        else:
            files = pathlib.Path(find_package(name)).rglob("*") if name == library else []
        total += sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc")
    return total


def find_package(library):
    return os.path.dirname(importlib.util.find_spec(library).origin)


def start_python(code):
    start = time.perf_counter()
    command = [sys.executable, "-c", code]  # not from a checkout, whose package would come first
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE)
    return time.perf_counter() - start, done.stdout


def summarise(group, name, unit, times, readme, floor=None):
    """The record of a row: each library's median and all its rounds, or its error."""
    record = {"group": group, "name": name, "unit": unit, "readme": readme, "errors": {}}
    if floor:
        record["floor"] = floor
    for library, values in times.items():
        errors = [value for value in values if isinstance(value, str)]
        if errors:
            record["errors"][library] = errors[0]
        else:
            record[library] = statistics.median(values)
            record[f"{library}_rounds"] = values
    if "torch" in record and "rushlight" in record:
        record["ratio"] = record["torch"] / max(record["rushlight"], 1e-9)
    return record


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", metavar="PATTERN", help="only rows that this expression finds")
    parser.add_argument("--libraries", default="torch,rushlight,numpy", metavar="A,B")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.1, help="of one timing")
    parser.add_argument("--quick", action="store_true", help="does the script work? no figures")
    parser.add_argument("--name", help="of the results; default: the processor")
    parser.add_argument("--readme", action="store_true", help="update README.md from the results")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 1e-4
    return args


def main():
    args = parse_arguments()
    if args.worker:
        return work(args.worker)
    if args.peak:
        return work_once(args.peak[0], ROWS[int(args.peak[1])])
    if args.readme:
        return report.update_readme()
    wanted = re.compile(args.rows or "")
    libraries = args.libraries.split(",")
    indices = [i for i, row in enumerate(ROWS) if wanted.search(f"{row.group}: {row.name}")]
    can = limits.measured(args.threads)
    records = list(measure_rows(indices, libraries, args, can))
    pair = [library for library in libraries if library != "numpy"]
    if os.path.exists(STATM):
        records += measure_peaks(pair, wanted, args)
        if any(wanted.search(f"import: {name}") for name in (*IMPORTS, INSTALLED)):
            records = [*measure_imports(pair, args), measure_sizes(pair), *records]
    results = report.results(records, args) | {"limits": can}
    print("\n" + report.table(results))
    if args.name or not (args.quick or args.rows):
        report.save(results, args.name)
    return 1 if any(record["errors"] for record in records) else 0


if __name__ == "__main__":
    sys.exit(main())
