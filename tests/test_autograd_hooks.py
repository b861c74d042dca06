"""torch.autograd.graph's hooks of several tensors, versions and switches, run with both libraries."""

import subprocess
import sys

import pytest
import torch
from twin import error_of, table, twin

import rushlight

CASES, case = table()


def leaves(m, count=3):
    return [m.ones(2, requires_grad=True) for _ in range(count)]


def plain(gradients):
    return [None if g is None else g.tolist() for g in gradients]


@case
def all_gradients(m):
    a, b, c = leaves(m)
    seen = []
    handle = m.autograd.graph.register_multi_grad_hook([a, b, c], lambda g: seen.append(plain(g)))
    (a * b).sum().backward()
    (a * b * c).sum().backward()
    handle.remove()
    (a * b * c).sum().backward()
    with m.autograd.graph.register_multi_grad_hook((a,), lambda g: seen.append(plain(g))):
        (a * 2).sum().backward()
    (a * 2).sum().backward()
    return seen


@case
def any_gradient(m):
    a, b, _ = leaves(m)
    seen = []
    hook = m.autograd.graph.register_multi_grad_hook
    handle = hook([a, b], lambda g: seen.append(g.tolist()), mode="any")
    (a * b).sum().backward()
    (b * 2).sum().backward()
    handle.remove()
    (a * b).sum().backward()
    return [seen, error_of(lambda: hook([a], len, mode="some"))]


@case
def within_the_graph(m):
    a, b, _ = leaves(m)
    seen, middle = [], a * 3
    m.autograd.graph.register_multi_grad_hook([middle, b], lambda g: seen.append(plain(g)))
    (middle * b).sum().backward()
    return seen


@case
def versions(m):
    up, a = m.autograd.graph.increment_version, m.ones(2)
    up(a)
    up([a, a])
    x = m.ones(2, requires_grad=True)
    y = x.exp()
    up(y)
    failed = error_of(y.sum().backward).partition(":")[0]
    return [a._version, error_of(up, 3), error_of(up, [a, 3]), failed]


@case
def hooks_that_are_refused(m):
    g, x = m.autograd.graph, m.ones(2, requires_grad=True)

    def saving():
        with g.saved_tensors_hooks(lambda t: t, lambda t: t):
            return x.exp()

    with g.disable_saved_tensors_hooks("not now"):
        inside = error_of(saving)
        with g.disable_saved_tensors_hooks("nor now"):
            deeper = error_of(saving)
        again = error_of(saving)
    return [inside, deeper, again, error_of(saving)]


@case
def threads(m):
    with m.autograd.set_multithreading_enabled(False):
        pass
    return m.autograd.is_multithreading_enabled()


@case
def variables(m):
    from importlib import import_module

    v = import_module(m.__name__ + ".autograd.variable").Variable
    return [isinstance(m.ones(1), v), v is m.autograd.Variable, v(m.ones(1), requires_grad=True)]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(CASES[name])


def test_a_pass_that_fails_does_not_spoil_the_next():
    import rushlight as torch

    a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    seen, broken = [], [True]

    def fail(gradient):
        if broken[0]:
            raise KeyError("x")

    b.register_hook(fail)
    torch.autograd.graph.register_multi_grad_hook([a, b], lambda g: seen.append(len(g)))
    for _ in range(2):
        with pytest.raises(KeyError):
            (a + (b * 2).exp()).backward()
    broken[0] = False
    (a + (b * 2).exp()).backward()
    assert seen == [2]


def test_second_derivatives_through_saved_tensors_hooks():
    """What a hook gives back has the history of what it was given."""
    results = []
    for m in (torch, rushlight):
        x = m.tensor([1.5, 2.0], requires_grad=True, dtype=m.float64)
        hooks = m.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t)
        with hooks:
            y = (x * x).exp()
            loss = (y * x.sin() * y.sqrt()).sum()
        (g,) = m.autograd.grad(loss, x, create_graph=True)
        results.append(m.autograd.grad((g * g).sum(), x)[0].tolist())
    assert results[0] == pytest.approx(results[1], rel=1e-12)


def test_a_program_may_end_inside_of_the_block(tmp_path):
    code = (
        "import rushlight as torch\n"
        "for _ in range(2):\n"
        "    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t)\n"
        "    hooks.__enter__()\n"
        "torch.ones(2, requires_grad=True).exp().sum().backward()\n"
        "print('done')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
