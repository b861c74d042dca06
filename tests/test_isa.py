"""Every instruction set gives the same results up to rounding: float as double within 100 roundings
of the largest number of a result, what is not rounded to the bit, and all sets as one another."""

import os
import subprocess
import sys

import numpy
import pytest

PROGRAM = os.path.join(os.path.dirname(__file__), "instruction_sets.py")
SETS = ["baseline", "avx2", "avx512"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What the program finds under each set that was built and that this processor has."""
    found = {}
    for isa in SETS:
        path = tmp_path_factory.mktemp("isa") / f"{isa}.npz"
        environment = {**os.environ, "RUSHLIGHT_ISA": isa}
        subprocess.run([sys.executable, PROGRAM, str(path)], check=True, env=environment)
        with numpy.load(path) as file:
            if file["isa"] == isa:
                found[isa] = dict(file)
    return found


@pytest.mark.parametrize("isa", SETS)
def test_float_is_as_double(results, isa):
    if isa not in results:
        pytest.skip(f"{isa} was not built, or this processor lacks it")
    ours = results[isa]
    names = [name[8:] for name in ours if name.startswith("float32 ")]
    assert len(names) > 500
    wrong = {}
    for name in names:
        single, double = ours[f"float32 {name}"], ours[f"float64 {name}"]
        assert single.shape == double.shape
        error = abs(single - double).max() / max(abs(double).max(), 1) / 2**-24
        if not error <= 100:
            wrong[name] = error
    assert not wrong


@pytest.mark.parametrize("isa", SETS[1:])
def test_sets_agree(results, isa):
    if isa not in results:
        pytest.skip(f"{isa} was not built, or this processor lacks it")
    for name, theirs in results["baseline"].items():
        mine = results[isa][name]
        if name.startswith("exact "):
            numpy.testing.assert_array_equal(mine, theirs, err_msg=name)
        elif name.startswith("float"):
            bound = 200 * (2**-24 if name.startswith("float32") else 2**-53)
            scale = max(abs(theirs).max(), 1)
            numpy.testing.assert_allclose(mine, theirs, rtol=0, atol=bound * scale, err_msg=name)
