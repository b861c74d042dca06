"""A bounded replay of PyTorch's operator database in every dtype: what fails must be listed with its
reason in expected_failures.txt, and what is listed must fail, so that the list can only shrink.

The whole of it: `python -m tests.parity --dtype float32`.
"""

import os

import pytest

from . import report
from .forms import FORMS
from .rates import DTYPES
from .replay import entries_of, replay

OTHERS = "values", "gradients", "out", "errors"  # the forms that are run in other dtypes
EVERY = 8  # the parts that the entries are run in
JOBS = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2


def replayed(entries, dtype, forms, samples):
    """Replays and compares with what is expected."""
    results = replay(entries, dtype, forms, samples, JOBS)
    assert not [r for r in results if r[3] == "crash"]
    new, mended = report.compare(results, dtype, bounded=True)
    assert not new, f"{len(new)} failures are not expected:\n" + "\n".join(new)
    assert not mended, f"they pass; `python -m tests.parity --shrink` takes them out: {mended}"


@pytest.mark.parametrize("part", range(EVERY))
def test_float32(part):
    replayed(entries_of("*", "float32")[part::EVERY], "float32", tuple(FORMS), 2)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "float32"])
def test_other_dtypes(dtype):
    """Some of the entries, others in each dtype."""
    entries = entries_of("*", dtype)[DTYPES.index(dtype) % EVERY :: EVERY]
    replayed(entries, dtype, OTHERS, 1)
