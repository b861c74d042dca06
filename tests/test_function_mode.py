"""torch.overrides.TorchFunctionMode: what a mode sees and decides, run with both libraries."""

import subprocess
import sys
import threading

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()


def recorder(m, seen, tag=""):
    class Record(m.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(tag + func.__name__)
            return func(*args, **(kwargs or {}))

    return Record()


@case
def names(m):
    seen, x, w = [], m.ones(2), m.ones(3, 2)
    mode = recorder(m, seen)
    with mode as entered:
        y = x + 1
        m.zeros(2)
        y.exp()
        m.mm(w, w.new_ones(2, 2))
        m.nn.functional.relu(x)
        m.nn.functional.linear(x, w)
        y += 1
        x[0]
        x.sum()
        2 * x
        m.neg(-x)
    after = x + 1
    return [seen, entered is mode, y, after]


@case
def several(m):
    seen, x = [], m.ones(2)
    with recorder(m, seen, "a "), recorder(m, seen, "b "):
        x.exp()
        with recorder(m, seen, "c "):
            m.sin(x)
    return seen


@case
def other_results(m):
    class Zeros(m.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            kwargs = dict(kwargs or {})
            if func is m.ones:
                return m.zeros(*args, **kwargs)
            if func is m.Tensor.exp:
                return "exp"
            return func(*args, **kwargs)

    with Zeros():
        found = [m.ones(2), m.ones(2).exp(), m.full((2,), 3.0)]
    return [*found, m.ones(2)]


@case
def the_base_and_errors(m):
    with m.overrides.BaseTorchFunctionMode():
        a = m.ones(1)

    def bare():
        with m.overrides.TorchFunctionMode():
            m.ones(1)

    return [a, error_of(bare), m.ones(1)]


@case
def gradients(m):
    seen, x = [], m.ones(2, requires_grad=True)
    with recorder(m, seen):
        y = (x * x).sum()
    y.backward()
    return [seen, x.grad]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(CASES[name])


def test_with_other_modes_and_threads():
    torch, seen, other = rushlight, [], []
    before = torch.mm
    x = torch.ones(2, 2)
    with recorder(torch, seen), torch.autocast("cpu"), torch.profiler.profile() as prof:
        assert torch.mm(x, x).dtype is torch.bfloat16
        thread = threading.Thread(target=lambda: other.append(torch.mm(x, x).dtype))
        thread.start()
        thread.join()
    assert "mm" in seen and seen.count("mm") == 1
    assert other == [torch.float32]
    assert [e.name for e in prof.events()].count("aten::mm") == 2
    assert torch.mm is before


def test_a_first_mode_inside_of_autocast(tmp_path):
    code = (
        "import rushlight as torch\n"
        "attention, seen = torch.nn.functional.scaled_dot_product_attention, []\n"
        "class Record(torch.overrides.TorchFunctionMode):\n"
        "    def __torch_function__(self, func, types, args=(), kwargs=None):\n"
        "        seen.append(func.__name__)\n"
        "        return func(*args, **(kwargs or {}))\n"
        "x = torch.ones(1, 2, 2)\n"
        "with torch.autocast('cpu'):\n"
        "    with Record():\n"
        "        pass\n"
        "with Record():\n"
        "    attention(x, x, x)\n"
        "assert seen == ['scaled_dot_product_attention'], seen\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=tmp_path)
