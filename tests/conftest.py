"""Tests that fail or whose last run was cut off, listed in known_failures.txt by pattern, each with
its reason: they are run, and a failure is reported as expected. The list may only shrink."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest


def known_failures():
    listed = {}
    for line in Path(__file__).with_name("known_failures.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            test, _, reason = line.partition("  ")
            listed[test] = reason.strip()
    return listed


def pytest_collection_modifyitems(items):
    listed = known_failures()
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        for pattern, reason in listed.items():
            if fnmatchcase(name, pattern):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=False))
