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
JOBS = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_parity(dtype):
    forms, samples = (tuple(FORMS), 2) if dtype == "float32" else (OTHERS, 1)
    results = replay(entries_of("*", dtype), dtype, forms, samples, JOBS)
    assert not [r for r in results if r[3] == "crash"]
    new, mended = report.compare(results, dtype, bounded=True)
    assert not new, f"{len(new)} failures are not expected:\n" + "\n".join(new)
    assert not mended, f"they pass; `python -m tests.parity --shrink` takes them out: {mended}"
