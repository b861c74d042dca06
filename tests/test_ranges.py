"""linspace and arange give PyTorch's numbers to the last bit; arange of bfloat16 nearly always, and
is not here. Parity of their other forms: tests/parity."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight

ENDS = st.floats(-5, 5) | st.integers(-1000, 1000)
DTYPES = ["float32", "float64", "float16"]


def same(name, dtype, *args):
    theirs = getattr(torch, name)(*args, dtype=getattr(torch, dtype)).tolist()
    mine = getattr(rushlight, name)(*args, dtype=getattr(rushlight, dtype)).tolist()
    assert mine == theirs


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
@given(ENDS, ENDS, st.integers(0, 300))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_linspace(dtype, start, end, steps):
    same("linspace", dtype, start, end, steps)


@pytest.mark.parametrize("dtype", DTYPES)
@given(ENDS, st.floats(0.01, 20), st.sampled_from([0.1, 0.01, 0.5, 1, 3, 1 / 3]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_arange(dtype, start, length, step):
    same("arange", dtype, start, start + length, step)
    same("arange", dtype, start, start - length, -step)


def test_arange_of_whole_numbers():
    for n in (7, 1000, 100_000):
        same("arange", "float32", n)
        same("arange", "float32", 0, n, 3)
