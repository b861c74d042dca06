"""Every row of the table of operations (ops.py) is run through what any operation must do.

What is known not to agree is listed in expected_failures.txt, one `test row dtype  reason` a line; a
listed line that passes fails, so that the list can only shrink. (Two kinds may pass: what PyTorch does
"on some processors", and in the sanitized build, which rounds as another instruction set, what is
"noise in both".)
"""

import os
from pathlib import Path

import ops_check
import ops_forms
import pytest
import torch
from ops import HIDDEN, OPERATIONS, ROWS, covered_by

import rushlight

CHECKS = {
    "values": ops_check.check_values,
    "gradients": ops_check.check_gradients,
    "second": ops_check.check_second,
    "fused": ops_check.check_fused,
    "method": ops_forms.check_method,
    "in_place": ops_forms.check_in_place,
    "out": ops_forms.check_out,
    "promotion": ops_forms.check_promotion,
}


def read_expected():
    """{(test, row): {dtype or case: reason}}."""
    expected = {}
    for line in Path(__file__).with_name("expected_failures.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, reason = line.partition("  ")
            test, row, case = key.split(" ", 2)
            assert reason.strip(), f"no reason: {line}"
            expected.setdefault((test, row), {})[case] = reason.strip()
    return expected


EXPECTED = read_expected()
MAY_PASS = ("on some processors", "noise in both")[: 2 if "ASAN_OPTIONS" in os.environ else 1]


def run(kind, name):
    """Runs a check over a row; collects what fails by dtype, and compares with what is expected."""
    row = ROWS[name]
    if kind in row.skip:
        pytest.skip(row.skip[kind])
    failed = {}
    for label, case, problem in CHECKS[kind](row):
        if problem:
            failed.setdefault(case, f"{label} {case}: {problem}")
    expected = EXPECTED.get((kind, name), {})
    new = [text for case, text in failed.items() if case not in expected]
    assert not new, f"{kind} of {name}:\n  " + "\n  ".join(new)
    mended = [
        case for case in expected if case not in failed and not expected[case].endswith(MAY_PASS)
    ]
    assert not mended, f"take '{kind} {name} {mended}' out of expected_failures.txt: it passes"


def name_is_hidden(op):
    return not (op["function"] or op["method"] or op["nn"] or op["special"] or op["linalg"])


def rows(wanted):
    names = [n for n, r in ROWS.items() if r.name in OPERATIONS and wanted(r, OPERATIONS[r.name])]
    return pytest.mark.parametrize("name", names)


@rows(lambda row, op: True)
def test_values(name):
    run("values", name)


@rows(lambda row, op: row.orders >= 1)
def test_gradients(name):
    run("gradients", name)


@rows(lambda row, op: row.orders >= 2)
def test_second_gradients(name):
    run("second", name)


@rows(lambda row, op: row.formula and row.orders >= 1)
def test_fused_gradient_is_the_interpreted_one(name):
    run("fused", name)


@rows(lambda row, op: op["method"] and hasattr(torch.Tensor, op["name"]))
def test_method(name):
    run("method", name)


@rows(lambda row, op: ops_forms.in_place_name(row) is not None and not name_is_hidden(op))
def test_in_place(name):
    run("in_place", name)


@rows(lambda row, op: op["out"] and op["function"] and row.call is None and not name_is_hidden(op))
def test_out(name):
    run("out", name)


@rows(lambda row, op: row.promotes)
def test_promotion(name):
    run("promotion", name)


def test_every_operation_has_a_row():
    missing = [n for n in OPERATIONS if n not in HIDDEN and covered_by(n) is None]
    assert not missing, f"no row in tests/ops.py: {missing}"
    gone = [n for n in (*(r.name for r in ROWS.values()), *HIDDEN) if n not in OPERATIONS]
    assert not gone, f"rows of no operation: {gone}"


def test_expected_failures_name_rows():
    wrong = [k for k in EXPECTED if k[0] not in CHECKS or k[1] not in ROWS]
    assert not wrong


def names_of(op):
    for name in (op["name"], *op["aliases"]):
        yield name
        if op["in_place"]:
            yield name + "_"


def test_operations_appear_where_pytorch_has_them():
    """hasattr(torch, name) tells programs what they can use."""
    wrong = []
    for op in OPERATIONS.values():
        for name in names_of(op):
            if name.startswith("_"):
                continue
            if hasattr(rushlight, name) and not hasattr(torch, name):
                wrong.append(f"torch.{name}")
            if hasattr(rushlight.Tensor, name) and not hasattr(torch.Tensor, name):
                wrong.append(f"Tensor.{name}")
    assert not wrong


def test_operations_have_documentation():
    assert not [n for n, op in OPERATIONS.items() if not op["doc"].strip()]
