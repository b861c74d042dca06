"""What a replay found: pass rates by namespace, failures grouped by cause, and the comparison with
expected_failures.txt. Not here: running anything.
"""

import pathlib
from collections import Counter, defaultdict

from .compare import cause
from .replay import SPACES, namespace

EXPECTED = pathlib.Path(__file__).with_name("expected_failures.txt")
BAD = ("fail", "crash")


def by_entry(results):
    """{(entry, form): statuses}"""
    found = defaultdict(Counter)
    for entry, form, _, status, _ in results:
        found[entry, form][status] += 1
    return found


def table(results):
    """Entries of which every sample is right, by namespace and form; then samples."""
    forms = list(dict.fromkeys(form for _, form, *_ in results))
    good, tried = Counter(), Counter()
    for (entry, form), statuses in by_entry(results).items():
        if statuses["pass"] + statuses["fail"] + statuses["crash"]:
            for space in (namespace(entry), "all"):
                tried[space, form] += 1
                good[space, form] += not (statuses["fail"] or statuses["crash"])
    whole = defaultdict(list)
    for entry, _, _, status, _ in results:
        whole[entry].append(status)
    for entry, statuses in whole.items():
        if {"pass", *BAD} & set(statuses):
            for space in (namespace(entry), "all"):
                tried[space, "every form"] += 1
                good[space, "every form"] += not set(BAD) & set(statuses)
    spaces = [s for s in ("torch", *SPACES, "all") if any(tried[s, f] for f in forms)]
    head = f"{'entries right':16}" + "".join(f"{f:>13}" for f in (*forms, "every form"))
    lines = [head]
    for space in spaces:
        cells = "".join(
            f"{cell(good[space, f], tried[space, f]):>13}" for f in (*forms, "every form")
        )
        lines.append(f"{space:16}{cells}")
    counts = Counter(status for *_, status, _ in results)
    lines.append("samples: " + ", ".join(f"{n} {status}" for status, n in counts.most_common()))
    return "\n".join(lines)


def cell(good, tried):
    return f"{good}/{tried} {100 * good // tried}%" if tried else "-"


def causes(results):
    """Failing samples grouped by cause, the causes of most entries first."""
    groups = defaultdict(lambda: defaultdict(list))
    for entry, form, i, status, problem in results:
        if status in BAD:
            label = f"CRASH {problem}" if status == "crash" else cause(problem)
            groups[label][entry, form].append((i, problem))
    lines = []
    order = sorted(groups.items(), key=lambda g: (-len({e for e, _ in g[1]}), g[0]))
    for label, members in order:
        entries = sorted({entry for entry, _ in members})
        lines.append(f"== {len(entries)} entries: {label}")
        for entry in entries:
            samples = {form: s for (e, form), s in members.items() if e == entry}
            forms = ", ".join(f"{form} {numbers(s)}" for form, s in samples.items())
            example = min((problem for s in samples.values() for _, problem in s), key=len)
            shown = "" if cause(example) == example == label else f"\n        {example}"
            lines.append(f"    {entry}: {forms}{shown}")
    return "\n".join(lines)


def numbers(samples):
    """Which samples: the first few, and how many."""
    shown = " ".join(str(i) for i, _ in samples[:4])
    return f"[{shown}]" if len(samples) <= 4 else f"[{shown} ... {len(samples)} in all]"


def failing(results):
    """{(entry, form): problem of the first failing sample}"""
    found = {}
    for entry, form, i, status, problem in results:
        if status in BAD:
            found.setdefault((entry, form), f"sample {i}: {problem}")
    return found


# ---- expected failures ----


def expected(dtype):
    """{(entry, form): (samples, reason)} for a dtype; `samples` is "few" if a bounded replay shows
    the failure, "all" if only a full one does."""
    found = {}
    for line in EXPECTED.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, reason = line.partition("  ")
            entry, dtypes, form, samples = key.split()
            assert reason.strip(), f"no reason: {line}"
            if dtype in dtypes.split(","):
                found[entry, form] = samples, reason.strip()
    return found


def shrink(mended, dtype):
    """Takes lines that pass out of the list, or this dtype out of a line of several."""
    gone, lines = set(mended), []
    for line in EXPECTED.read_text().splitlines():
        words = line.partition("  ")[0].split()
        if not line.startswith("#") and len(words) == 4 and (words[0], words[2]) in gone:
            rest = [d for d in words[1].split(",") if d != dtype]
            if not rest:
                continue
            line = line.replace(f" {words[1]} ", f" {','.join(rest)} ", 1)
        lines.append(line)
    EXPECTED.write_text("\n".join(lines) + "\n")


def compare(results, dtype, bounded):
    """(failures that are not expected, as lines; (entry, form) of expected ones that pass)."""
    known, found = expected(dtype), failing(results)
    ran = {(entry, form) for entry, form, *_ in results}
    new = [f"{e} {f}: {p}" for (e, f), p in sorted(found.items()) if (e, f) not in known]
    mended = [
        (e, f)
        for (e, f), (samples, _) in sorted(known.items())
        if (e, f) in ran and (e, f) not in found and (samples == "few" or not bounded)
    ]
    return new, mended
