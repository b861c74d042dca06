"""What becomes of measurements: the table, the files of results/, README's part. Times nothing."""

import fnmatch
import json
import math
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, distribution

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
NUMBER = {"us": "{:,.2f} us", "ms": "{:,.1f} ms", "MB": "{:,.0f} MB"}


def machine():
    """What the figures depend on; nothing that names the machine."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        processor = re.search(r"model name\s*: (.*)", text)[1]
    except (OSError, TypeError):
        processor = platform.processor() or platform.machine()
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    return {
        "processor": processor,
        "cores": len(usable),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def installed_package(name):
    """What pip knows of a package, or None."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def installed(package):
    if found := installed_package(package):
        return found.version
    if package != "rushlight":
        return None
    from rushlight.version import rushlight  # a checkout on the path

    return rushlight


def results(records, args):
    """Everything about a run, as it is written to a file."""
    rows = [r for r in records if "ratio" in r and r["group"] not in ("import", "memory")]
    ratios = [record["ratio"] for record in rows]
    worst = min(rows, key=lambda record: record["ratio"], default=None)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
        "versions": {name: installed(name) for name in ("torch", "rushlight", "numpy")},
        "threads": args.threads,
        "rounds": args.rounds,
        "seconds": args.seconds,
        "geometric_mean": math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None,
        "timed": len(ratios),
        "worst": worst and {"name": worst["name"], "ratio": worst["ratio"]},
        "rows": records,
    }


def show(record, library):
    if library in record:
        value, unit = record[library], record["unit"]
        if unit == "us" and value >= 1000:
            value, unit = value / 1000, "ms"
        return NUMBER[unit].format(value)
    return "failed" if library in record["errors"] else ""


def in_short(run):
    worst = run["worst"] or {"name": "none", "ratio": math.nan}
    return (
        f"{run['geometric_mean']:.2f} times faster; the worst row: {worst['name']}, "
        f"{worst['ratio']:.2f} times."
    )


def table(run, rows=None):
    """A table in Markdown: a row a line, then the geometric mean, the worst row, the errors."""
    rows = run["rows"] if rows is None else rows
    numpy = any("numpy" in record for record in rows)
    floor = any("floor" in record for record in rows)
    heads = ["row", "torch", "rushlight", "times faster"]
    heads += ["of the floor"] * floor + ["numpy"] * numpy
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    for record in rows:
        ratio = f"{record['ratio']:.2f}" if "ratio" in record else ""
        cells = [record["name"], show(record, "torch"), show(record, "rushlight"), ratio]
        if floor:
            known = "floor" in record and "rushlight" in record
            cells.append(f"{record['rushlight'] / record['floor']:.2f}" if known else "")
        cells += [show(record, "numpy")] if numpy else []
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    if run["geometric_mean"]:
        lines.append(f"Geometric mean of {run['timed']} timed rows: {in_short(run)}")
    for record in run["rows"]:
        for library, error in record["errors"].items():
            lines.append(f"- {record['name']}, {library}: {error}")
    return "\n".join(lines).rstrip() + "\n"


def reasons(file):
    """{pattern: why a row may be slower than PyTorch}, from a text beside this file."""
    lines = pathlib.Path(__file__).with_name(file).read_text().splitlines()
    pairs = (line.split("  ", 1) for line in lines if line.strip() and line[0] != "#")
    return {name: reason.strip() for name, reason in pairs}


def reason_of(name, known):
    return next((why for pattern, why in known.items() if fnmatch.fnmatchcase(name, pattern)), None)


def slower(run):
    """The rows under 0.95, each with its reason, in Markdown."""
    known = reasons("rows_slow.txt")
    rows = sorted((r["ratio"], r["name"]) for r in run["rows"] if r.get("ratio", 1) < 0.95)
    lines = [
        f"- {name} ({ratio:.2f}): {reason_of(name, known) or 'not known'}" for ratio, name in rows
    ]
    return "\n".join(["", "## Slower than PyTorch", "", *lines, ""]) if lines else ""


def describe(run):
    """What was measured, on what machine and how, and what that machine can do."""
    computer, versions, can = run["machine"], run["versions"], run.get("limits")
    floor = (
        f" The floor: {can['bytes'] / 1e9:.0f} GB/s, which NumPy's copy of 40 MB moves on all threads, or "
        f"{can['flops'] / 1e9:.0f} GFLOP/s of its product of 1024 x 1024."
        if can
        else ""
    )
    return (
        f"{computer['processor']}, {computer['cores']} cores, {run['threads']} threads, "
        f"{computer['system']}, Python {computer['python']}, torch {versions['torch']}, "
        f"rushlight {versions['rushlight']}; medians of {run['rounds']} rounds in turns, "
        f"{run['date']}.{floor}"
    )


def save(run, name=None):
    """Writes results/NAME.json and NAME.md."""
    computer = run["machine"]
    name = name or f"{computer['processor']} {computer['cores']} cores"
    name = re.sub(r"[^a-z0-9]+", "-", name.lower().replace("(r)", "")).strip("-")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(run, indent=1) + "\n")
    text = f"# {name}\n\n{describe(run)}\n\n{table(run)}{slower(run)}"
    (RESULTS / f"{name}.md").write_text(text)
    print(f"wrote benchmarks/results/{name}.json and .md")


# --- README --------------------------------------------------------------------------------------


def all_runs():
    """The committed results, one a machine, the newest first."""
    runs = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    if not runs:
        sys.exit("no results: run python benchmarks/bench.py first")
    return sorted(runs, key=lambda run: run["date"], reverse=True)


def fill(text, mark, content):
    """`text` with what stands between <!-- mark --> and <!-- end of mark --> replaced."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end of {mark} -->)", re.S)
    if not pattern.search(text):
        sys.exit(f"README.md has no place marked {mark}")
    return pattern.sub(lambda found: found[1] + content + found[2], text)


def digits_text():
    """What the example prints."""
    program = str(ROOT / "examples" / "digits.py")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rushlight", "run", program]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def update_readme():
    """The newest results, a line of each other machine's, and a run of the example, into README.md."""
    run, *others = all_runs()
    chosen = table(run, [record for record in run["rows"] if record["readme"]])
    path = ROOT / "README.md"
    parts = [describe(run), chosen.rstrip()]
    for other in others:
        computer = other["machine"]
        name = f"{computer['processor']}, {computer['cores']} cores, {other['date']}"
        parts.append(f"{name}: {in_short(other)}")
    text = fill(path.read_text(), "benchmarks", "\n\n".join(parts) + "\n")
    text = fill(text, "digits", f"```text\n{digits_text()}\n```\n")
    path.write_text(text)
    print("updated README.md")
