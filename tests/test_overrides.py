"""Which functions `__torch_function__` takes over, those written in Python among them.

Not here: what a subclass of Tensor gets from operations of the core (test_autograd_function.py), and
modes (test_function_mode.py).
"""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from twin import error_of, table, twin

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


def attributes_asked(m):
    seen = []

    class Sub(m.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            of = getattr(func, "__self__", None) or func
            seen.append((func.__name__, getattr(of, "__name__", None), types == (cls,)))
            return super().__torch_function__(func, types, args, kwargs or {})

    return seen, m.arange(1.0, 7.0).view(2, 3).as_subclass(Sub)


@case
def properties(m):
    seen, x = attributes_asked(m)
    names = "T mT H mH data real grad grad_fn shape dtype device ndim is_leaf is_cuda "
    values = [getattr(x, n) for n in (names + "is_meta requires_grad nbytes").split()]
    x.requires_grad = True
    x.grad = m.ones(2, 3)
    del x.grad
    kinds = [type(v).__name__ for v in values]
    return [seen, kinds, x.requires_grad, x.grad, type(x).shape is m.Tensor.shape]


@case
def one_property_answered(m):
    handled = {m.Tensor.shape.__get__: lambda x: (7,), m.Tensor.grad.__set__: lambda x, g: None}

    class Sub(m.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            function = handled.get(func)
            return function(*args) if function else super().__torch_function__(func, types, args)

    x = m.ones(2, 3).as_subclass(Sub)
    x.grad = "nothing of the kind"
    return [x.shape, x.ndim, x.size(), x.grad]


@case
def methods_that_are_no_operations(m):
    seen, x = attributes_asked(m)
    names = "size stride dim numel element_size storage_offset is_contiguous is_floating_point "
    names += "is_complex get_device requires_grad_ __len__ __reversed__ __dlpack_device__"
    values = [getattr(x, n)() for n in names.split()]
    values += [x.size(1), x.size(dim=0), m.numel(x), m.is_floating_point(x), m.is_complex(x)]
    one = x.detach().sum()
    values += [bool(one), int(one), float(one), m.is_nonzero(one), 3.0 in x, x == None, x != None]  # noqa: E711
    return [seen, [type(v).__name__ for v in values], values[1:5], values[-2:]]


@case
def texts_and_copies_of_subclasses(m):
    seen, x = attributes_asked(m)
    text = [repr(x), str(x), error_of(lambda: f"{x[0, 0]:.1f}")]
    pickle.dumps(x.__reduce_ex__(2)[1][2:3])
    return [seen, text, [type(row).__name__ for row in x], error_of(iter, x[0, 0])]


@case
def plain_subclasses_stay_what_they_are(m):
    class Sub(m.Tensor):
        pass

    x = m.arange(6.0).view(2, 3).as_subclass(Sub)
    made = [x.T, x.data, x.real, x.mT, x.new_tensor([1]), x + 1, 1 + x, x[0], np.sin(x), *x]
    grad = x.requires_grad_().exp().sum().backward() or x.grad
    return [[type(v).__name__ for v in made], type(grad).__name__, x == None, x != None]  # noqa: E711


@case
def properties_of_the_users_own(m):
    class Shape:
        @property
        def shape(self):
            return "mine"

    class Sub(Shape, m.Tensor):
        def __len__(self):
            return 77

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return super().__torch_function__(func, types, args, kwargs)

    x = m.ones(2, 3).as_subclass(Sub)
    return [x.shape, len(x), x.dim(), type(x.T).__name__]


@case
def questions_about_no_tensor(m):
    names = "is_floating_point is_complex is_nonzero is_inference numel".split()
    return [error_of(getattr(m, name), 3) for name in names]


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
