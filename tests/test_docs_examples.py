"""Every example in a docstring runs and prints what it says; those of operations under PyTorch too."""

import doctest
import importlib
import math
import pkgutil
import types

import pytest
import torch

import rushlight
from rushlight import _docs

PARSER = doctest.DocTestParser()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def names(module):
    """What an example may name without importing it."""
    return {"torch": module, "nn": module.nn, "F": module.nn.functional, "math": math}


def run(text, name, module, more=None):
    module.manual_seed(0)
    test = PARSER.get_doctest(text, {**(more or {}), **names(module)}, name, name, 0)
    said = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=said.append)
    module.manual_seed(0)  # for the tests that follow
    assert not said, "".join(said)


ENTRIES = [name for name, text in _docs.entries().items() if ">>>" in text]


@pytest.mark.parametrize("module", [rushlight, torch], ids=["rushlight", "torch"])
@pytest.mark.parametrize("name", ENTRIES)
def test_entry(name, module):
    run(_docs.entries()[name], name, module)


def test_entries_name_operations():
    assert not sorted(set(_docs.entries()) - set(_docs.operations()))


def test_out_is_of_functions():
    assert "`out=`" in _docs.document("add")
    assert "out=" not in _docs.document("float")  # a method


def test_form_in_place_says_what_it_does():
    assert "`scatter_`" in _docs.document("scatter")
    assert "src[i][j]" in _docs.document("scatter_") and "input itself" in _docs.document(
        "scatter_"
    )


def modules():
    for found in pkgutil.walk_packages(rushlight.__path__, "rushlight."):
        if found.name.rpartition(".")[2] not in ("_C", "__main__"):
            yield found.name


def functions_of(module):
    """The functions and classes that a module defines, with those of its classes."""
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, types.FunctionType | type):
            yield name, value
        if isinstance(value, type):
            for inner, member in vars(value).items():
                if isinstance(member, types.FunctionType):
                    yield f"{name}.{inner}", member


def examples():
    for module_name in modules():
        try:
            module = importlib.import_module(module_name)
        except ImportError:  # it stands for a package that is not there
            continue
        for name, value in functions_of(module):
            if ">>>" in (value.__doc__ or ""):
                yield f"{module_name}.{name}", value.__doc__, module


FOUND = {name: (text, module) for name, text, module in examples()}


@pytest.mark.parametrize("name", FOUND)
def test_docstring(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, module = FOUND[name]
    run(text, name, rushlight, vars(module))


# Where users find functions: an example printed there prints the same under PyTorch.
PUBLIC = ("", "nn.functional", "linalg", "fft", "special", "autograd", "autograd.functional")
PUBLIC += ("autograd.graph", "nn.init", "Tensor")
# Examples that PyTorch answers otherwise, on purpose.
OURS = {"slice_inverse"}


def public_examples():
    """(name, docstring) of what both libraries have; operations have entries, tested above."""
    seen = set(OURS)
    for space in PUBLIC:
        ours, theirs = find(rushlight, space), find(torch, space)
        for name in dir(theirs):
            value = getattr(ours, name, None)
            text = "" if name[0] == "_" else getattr(value, "__doc__", None) or ""
            if ">>>" in text and not seen & {name, text} and type(value) is not type(rushlight.add):
                seen.add(text)
                yield f"{space}.{name}".lstrip("."), text


def find(module, path):
    for name in path.split(".") if path else ():
        module = getattr(module, name)
    return module


SHOWN = dict(public_examples())


@pytest.mark.parametrize("module", [rushlight, torch], ids=["rushlight", "torch"])
@pytest.mark.parametrize("name", SHOWN)
def test_public_docstring(name, module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(SHOWN[name], name, module)
