"""What the tests of mistakes share: tables of snippets that must survive in another process, and how
their errors are compared with PyTorch's. Not here: any snippet (test_errors.py, test_hostile.py).
"""

import json

import isolated
import pytest
import torch
from twin import error_of, outcome, table

# The class agrees and the words do not: how a call that fits no signature is described, mostly.
OTHER_WORDS = {
    "PyTorch: names": (
        '_cpu" not implemented',
        "received an invalid combination of arguments",
        "takes no arguments",
    ),
    "Python's own parser": ("missing 1 required positional arguments",),
    "PyTorch names itself": (
        "must be Number, not str",
        "torch.iinfo()",
        "torch.finfo()",
        "and strides=[1]",
    ),
    "overloads": ('failed to unpack the object at pos 2 with error "type must be',),
}


def tables():
    """(snippets, those for rushlight alone, the decorators of both)."""
    cases, case = table()
    alone = set()  # rushlight must survive; PyTorch does not, or does something else on purpose

    def only(fn):
        alone.add(fn.__name__)
        return case(fn)

    return cases, alone, case, only


def errors(*calls):
    return [error_of(f) for f in calls]


def compare(module, cases, alone):
    """All at once: one worker, unless it dies."""
    found = isolated.run(module, list(cases))
    wrong = {}
    for name, fn in cases.items():
        mine = found[name]
        if name in alone:
            if isinstance(mine, str) or mine[0] is not None:
                wrong[name] = mine
            continue
        theirs = json.loads(json.dumps(outcome(torch, fn)))
        if mine != theirs:
            if text := difference(theirs, mine):
                wrong[name] = text
    if wrong:
        pytest.fail("\n\n".join(f"{name}:\n{text}" for name, text in wrong.items()))


def excused(a, b):
    """Are these two errors of one class, with words known to differ?"""
    words = [w for group in OTHER_WORDS.values() for w in group]
    known = isinstance(a, str) and isinstance(b, str) and any(w in a for w in words)
    return known and a.split(":")[0] == b.split(":")[0]


def difference(theirs, mine):
    """The entries that differ."""
    if (
        isinstance(mine, str)
        or not isinstance(mine[0], list)
        or theirs[0] is None
        or len(mine[0]) != len(theirs[0])
    ):
        return f"PyTorch: {theirs}\nrushlight: {mine}"
    pairs = [
        (i, a, b)
        for i, (a, b) in enumerate(zip(theirs[0], mine[0]))
        if a != b and not excused(a, b)
    ]
    if not pairs and theirs[1] == mine[1]:
        return ""
    text = "\n".join(f"  {i}\n    PyTorch:   {a}\n    rushlight: {b}" for i, a, b in pairs)
    return text or f"warnings: {theirs[1]} and {mine[1]}"
