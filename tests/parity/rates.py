"""The tables of docs/parity.md: a row a dtype, replaced when that dtype is replayed.

Not here: running anything; tables for the terminal (report.py).
"""

import pathlib
from collections import defaultdict

import torch

from .replay import SPACES, namespace
from .report import BAD, cell

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "parity.md"
DTYPES = (
    "float32 float64 complex64 complex128 float16 bfloat16 int64 int32 uint8 bool".split()
)  # fmt: skip
COLUMNS = "torch", *SPACES
FORMS = "values", "gradients", "second", "method", "inplace", "out", "errors", "every form"

TEXT = """\
# Parity with PyTorch's operator database

PyTorch ships the database that its own operators are tested with: entries with sample inputs. Each
is run with PyTorch {version} and with rushlight, and the two are compared: values, dtype, shape,
strides of views, gradients and their gradients, the method, in-place and `out=` forms, and errors
(class and first line). The tables count the entries that PyTorch has in a dtype and of which every
sample is right. They are written by

    python -m tests.parity --dtype float64 --docs

What fails is listed with its reason in `tests/parity/expected_failures.txt`, and the list may only
shrink. A number is right if it agrees with PyTorch's, or with what PyTorch computes of the same
inputs in the next wider dtype (float32 for half, float64 for float32), or is no farther from that
than PyTorch's own. Left out by design: sparse, quantised and nested tensors.

## Entries whose every value and gradient is right

{values}

## Entries right, form by form

Errors do not depend on a dtype: they are counted with float32, or with the first dtype of an entry.

{forms}
"""


def right(results, key):
    """{key(entry, form): (entries right, entries compared)}"""
    statuses = defaultdict(lambda: defaultdict(set))
    for entry, form, _, status, _ in results:
        for k in key(entry, form):
            statuses[k][entry].add(status)
    compared = {"pass", *BAD}
    return {
        k: (
            sum("pass" in s and not s & set(BAD) for s in entries.values()),
            sum(bool(s & compared) for s in entries.values()),
        )
        for k, entries in statuses.items()
    }


def rows(results, dtype, samples):
    """The two rows of a dtype."""
    by_space = right(
        results,
        lambda entry, form: ("all", namespace(entry)) if form in ("values", "gradients") else (),
    )
    by_form = right(results, lambda entry, form: (form, "every form"))
    count = sum(status in ("pass", *BAD) for *_, status, _ in results)
    tell = f"{count:,}, " + (f"at most {samples} an entry" if samples else "all")
    first = [cell(*by_space.get(c, (0, 0))) for c in (*COLUMNS, "all")]
    second = [cell(*by_form.get(f, (0, 0))) for f in FORMS]
    return row(dtype, *first, tell), row(dtype, *second)


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def record(results, dtype, samples):
    """Replaces the rows of a dtype in docs/parity.md."""
    tables = [{}, {}]
    for line in DOCS.read_text().splitlines() if DOCS.exists() else ():
        name = line.removeprefix("| ").partition(" ")[0]
        if name in DTYPES and line.startswith("| "):
            tables[name in tables[0]][name] = line
    tables[0][dtype], tables[1][dtype] = rows(results, dtype, samples)
    heads = ("", *COLUMNS, "all", "comparisons, samples"), ("", *FORMS)
    texts = [
        "\n".join([row(*head), row(*["---"] * len(head)), *(t[d] for d in DTYPES if d in t)])
        for head, t in zip(heads, tables)
    ]
    DOCS.write_text(TEXT.format(version=torch.__version__, values=texts[0], forms=texts[1]))
