"""Runs the snippets of beginners' notes on PyTorch as notebook cells that say `import torch`.

By default `torch` is rushlight under its alias; RUSHLIGHT_TEST_BACKEND=torch takes PyTorch
itself, which these tests must pass as well.
"""

import ast
import contextlib
import importlib
import io
import os
import sys
import textwrap

import pytest


def _is_torch(name):
    return name == "torch" or name.startswith("torch.")


def _classes():
    """(module name, class) of everything in rushlight's modules."""
    for name, module in list(sys.modules.items()):
        if name == "rushlight" or name.startswith("rushlight."):
            yield from ((name, v) for v in list(vars(module).values()) if isinstance(v, type))


def _name_classes_as_before(names):
    """The alias renames classes for good, and pickle finds a class by its name."""
    for name, cls in _classes():
        if cls in names:
            if cls.__module__ != names[cls]:
                cls.__module__ = names[cls]
        elif cls.__module__ == "torch" + name[9:]:  # loaded in between
            cls.__module__ = name


@pytest.fixture
def torch():
    """The module that `import torch` gives while the test runs; seeded with 0."""
    if os.environ.get("RUSHLIGHT_TEST_BACKEND", "rushlight") == "torch":
        module = importlib.import_module("torch")
        module.manual_seed(0)
        yield module
        return
    # Other tests of the session hold the real PyTorch: give it back afterwards.
    modules = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_torch(name)}
    finders = sys.meta_path[:]
    names = {cls: cls.__module__ for _, cls in _classes()}
    try:
        rushlight = importlib.import_module("rushlight")
        rushlight.as_torch()
        rushlight.manual_seed(0)
        yield rushlight
    finally:
        for name in list(sys.modules):
            if _is_torch(name):
                del sys.modules[name]
        sys.modules.update(modules)
        sys.meta_path[:] = finders
        _name_classes_as_before(names)


class Notebook:
    """Cells that share their names; a call returns what the cell prints and displays."""

    def __init__(self):
        self.names = {"__name__": "__main__"}

    def __call__(self, code):
        tree = ast.parse(textwrap.dedent(code))
        last = tree.body[-1]
        shown = None
        with contextlib.redirect_stdout(io.StringIO()) as out:
            if isinstance(last, ast.Expr):
                rest = ast.Module(tree.body[:-1], type_ignores=[])
                exec(compile(rest, "<cell>", "exec"), self.names)  # noqa: S102
                shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), self.names)
            else:
                exec(compile(tree, "<cell>", "exec"), self.names)  # noqa: S102
        return out.getvalue() + ("" if shown is None else repr(shown) + "\n")

    def __getitem__(self, name):
        return self.names[name]


@pytest.fixture
def cell(torch):
    """A fresh notebook: `cell(code)` runs a cell, `cell["x"]` is the value of a name."""
    pytest.importorskip("numpy")
    return Notebook()
