"""A bounded replay of PyTorch's operator database in float32: what fails must be listed with its
reason in expected_failures.txt, and what is listed must fail, so that the list can only shrink.

The whole of it, other dtypes included: `python -m tests.parity`.
"""

import pytest

from . import report
from .forms import FORMS
from .replay import entries_of, replay

SAMPLES = 3


@pytest.fixture(scope="module")
def results():
    return replay(entries_of(), "float32", tuple(FORMS), SAMPLES)


def test_no_crash(results):
    crashed = [r for r in results if r[3] == "crash"]
    assert not crashed


def test_no_new_failures(results):
    new, _ = report.compare(results, "float32", bounded=True)
    assert not new, f"{len(new)} failures are not expected:\n" + "\n".join(new)


def test_expected_failures_fail(results):
    _, mended = report.compare(results, "float32", bounded=True)
    assert not mended, f"they pass; `python -m tests.parity --shrink` takes them out: {mended}"
