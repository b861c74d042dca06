"""Which functions `__torch_function__` takes over, those written in Python among them.

Not here: what a subclass of Tensor gets from operations of the core (test_autograd_function.py), and
modes (test_function_mode.py).
"""

import inspect
import subprocess
import sys

import pytest
import torch
from twin import table, twin

import rushlight
from rushlight import overrides

CASES, case = table()


def watched(m, seen):
    class Watched(m.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            seen.append(func.__name__.removeprefix("fft_"))
            assert cls in types
            return super().__torch_function__(func, types, args, kwargs or {})

    return m.arange(6.0).view(2, 3).as_subclass(Watched)


@case
def functions_in_python(m):
    seen, F = [], m.nn.functional
    x = watched(m, seen)
    labels = m.tensor([0, 1])
    results = [
        F.cross_entropy(x, labels),
        F.mse_loss(x, m.zeros(2, 3), reduction="sum"),
        F.softmax(x, dim=1),
        F.layer_norm(x, (3,)),
        F.normalize(input=x),
        F.pad(x, (1, 1)),
        m.einsum("ij,kj->ik", x, x),
        m.linalg.norm(x),
        m.fft.rfft(x),
        m.block_diag(x, m.ones(1, 1)),
        m.tensordot(x, x, 2),
        m.meshgrid(x[0], x[1], indexing="ij"),
    ]
    return [seen, results, [type(r).__name__ for r in results]]


@case
def a_table_by_function(m):
    handled = {m.nn.functional.mse_loss: "mse", m.einsum: "einsum", m.add: "add"}

    class Own:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return handled.get(func, NotImplemented)

    m.add(Own(), 1)
    return [m.nn.functional.mse_loss(Own(), 2), m.einsum("i->", Own()), m.add(1, Own())]


@case
def a_mixin(m):
    class Says:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func is m.nn.functional.softplus or func is m.nn.functional.gelu

    class Sub(Says, m.Tensor):
        pass

    x = m.ones(2).as_subclass(Sub)
    return [m.nn.functional.gelu(x), m.nn.functional.mse_loss(x, x)]


@case
def a_mode_sees_functions_in_python(m):
    seen, x, labels = [], m.ones(2, 3), m.tensor([0, 1])

    class Record(m.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(func.__name__)
            return func(*args, **(kwargs or {}))

    with Record():
        m.nn.functional.cross_entropy(x, labels)
        m.einsum("ij->j", x)
    m.einsum("ij->j", x)
    return seen


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])


def test_every_overridable_function_asks():
    asked = []

    class Foreign:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            asked.append(func)
            return 1

    rushlight.add(Foreign(), 1)
    functions = [f for fs in overrides.get_overridable_functions().values() for f in fs]
    assert len(functions) > 1200
    for function in functions:
        asked.clear()
        for count in range(1, 5):
            try:
                function(*(Foreign() for _ in range(count)))
            except TypeError:  # too few arguments
                continue
            if asked:
                break
        assert asked and asked[0] is function, function


def test_lists():
    ours, theirs = overrides.get_testing_overrides(), torch.overrides.get_testing_overrides()
    assert torch.nn.functional.mse_loss in theirs and rushlight.nn.functional.mse_loss in ours
    stand_in = ours[rushlight.nn.functional.mse_loss]
    assert stand_in() == -1 and list(inspect.signature(stand_in).parameters)[:2] == [
        "input",
        "target",
    ]
    for m in (torch, rushlight):
        ignored = m.overrides.get_ignored_functions()
        assert {
            m.zeros,
            m.manual_seed,
            m.nn.init.calculate_gain,
        } <= ignored and m.add not in ignored
        assert m.add in m.overrides.get_overridable_functions()[m]
        for (
            name
        ) in "torch.add torch.Tensor.add torch.nn.functional.linear torch.linalg.inv".split():
            function = eval(name, {"torch": m})
            assert m.overrides.resolve_name(function) == name
        assert m.overrides.resolve_name(print) is None


def test_programs_without_overrides_do_not_pay(tmp_path):
    code = (
        "import sys, rushlight as torch\n"
        "class Plain(torch.Tensor): pass\n"
        "torch.nn.LazyLinear(2)(torch.ones(1, 2)), torch.einsum('i->', torch.ones(2).as_subclass(Plain))\n"
        "before = torch.nn.functional.mse_loss.__code__\n"
        "assert before.co_argcount > 1\n"
        "class Sub(torch.Tensor):\n"
        "    __torch_function__ = classmethod(lambda cls, f, t, a=(), k=None: 1)\n"
        "assert torch.nn.functional.mse_loss.__code__ is not before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=tmp_path)
