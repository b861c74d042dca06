"""Hooks of modules against torch.nn.Module: their order, arguments, results and messages."""

import copy
import gc
import pickle
import weakref

import pytest

torch = pytest.importorskip("torch")
rl = pytest.importorskip("rushlight")
import torch.nn.modules.module as tmodule  # noqa: E402
from nn_same import attempt, same, text  # noqa: E402

import rushlight.nn as rnn  # noqa: E402
import rushlight.nn.modules.module as rmodule  # noqa: E402

tnn = torch.nn


# Hooks of the call


def test_forward_hooks():
    def scenario(lib, nn, log):
        class Net(nn.Module):
            def forward(self, x, scale=1):
                log.append(("forward", text(x), scale))
                return x * scale

        net = Net()
        x = lib.tensor([1.0, 2.0])
        handles = [
            net.register_forward_pre_hook(lambda m, args: log.append(("pre", text(args)))),
            net.register_forward_pre_hook(lambda m, args: args[0] + 1, prepend=True),
            net.register_forward_pre_hook(
                lambda m, args, kwargs: (args, {"scale": 3}), with_kwargs=True
            ),
            net.register_forward_hook(
                lambda m, args, out: log.append(("post", text(args), text(out)))
            ),
            net.register_forward_hook(lambda m, args, out: out * 10, prepend=True),
            net.register_forward_hook(
                lambda m, args, kwargs, out: log.append(("kwargs", kwargs, text(out))),
                with_kwargs=True,
            ),
        ]
        log.append(text(net(x)))
        for handle in handles:
            handle.remove()
            handle.remove()
            log.append(text(net(x, scale=2)))
        with net.register_forward_hook(lambda m, args, out: (out, 1)):
            log.append(text(net(x)))
        log.append(text(net(x)))
        net.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
        log.append(attempt(lambda: net(x)))

    same(scenario)


def test_always_call():
    def scenario(lib, nn, log):
        class Fails(nn.Module):
            def forward(self, x):
                raise ValueError("forward failed")

        net = Fails()
        net.register_forward_hook(lambda m, a, out: log.append(("always", out)), always_call=True)
        net.register_forward_hook(lambda m, a, out: log.append("never"))
        net.register_forward_hook(lambda m, a, out: 1 / 0, always_call=True)
        net.register_forward_hook(
            lambda m, a, kw, out: log.append(("kwargs", kw, out)),
            always_call=True,
            with_kwargs=True,
        )
        log.append(attempt(lambda: net(1)))
        fine = nn.Identity()
        fine.register_forward_hook(lambda m, a, out: log.append(("once", out)), always_call=True)
        fine.register_forward_hook(lambda m, a, out: 1 / 0)
        log.append(attempt(lambda: fine(1)))

    same(scenario)


def test_full_backward_hooks():
    def scenario(lib, nn, log):
        net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
        for i in (0, 1, 2):
            net[i].register_full_backward_hook(
                lambda m, gi, go, i=i: log.append((i, text(gi), text(go)))
            )
        handle = net[1].register_full_backward_hook(
            lambda m, gi, go: tuple(g * 2 for g in gi), prepend=True
        )
        net[1].register_full_backward_pre_hook(lambda m, go: log.append(("pre", text(go))))
        net[1].register_full_backward_pre_hook(lambda m, go: (go[0] * 3,), prepend=True)
        x = lib.tensor([[1.0, 2.0]], requires_grad=True)
        net(x).sum().backward()
        log.append(text(x.grad))
        handle.remove()
        x.grad = None
        net(x).sum().backward()
        log.append(text(x.grad))
        net(x.detach()).sum().backward()
        with lib.no_grad():
            log.append(text(net(x)))

    same(scenario)


def test_full_backward_hooks_of_many_tensors():
    def scenario(lib, nn, log):
        class Two(nn.Module):
            def forward(self, a, b, flag, unused):
                return a * b, flag, a + 1

        net = Two()
        net.register_full_backward_hook(lambda m, gi, go: log.append((text(gi), text(go))))
        a, b, c = (lib.tensor([float(i)], requires_grad=i != 1) for i in range(3))
        out = net(a, b, "flag", c)
        log.append([text(o) for o in out])
        (out[0] * 2).backward(retain_graph=True)
        (out[0] + out[2]).backward()
        log.append([text(t.grad) for t in (a, b, c)])
        bad = Two()
        bad.register_full_backward_hook(lambda m, gi, go: (None,))
        log.append(attempt(lambda: bad(a, b, 1, c)[0].backward()))
        bad = Two()
        bad.register_full_backward_pre_hook(lambda m, go: (None,))
        log.append(attempt(lambda: bad(a, b, 1, c)[0].backward()))
        no_grads = nn.Linear(1, 1)
        no_grads.register_full_backward_hook(lambda m, gi, go: (lib.ones(1),))
        log.append(attempt(lambda: no_grads(lib.ones(1)).backward()))
        listed = nn.Identity()
        listed.register_full_backward_hook(lambda m, gi, go: log.append("listed"))
        listed([a])

    same(scenario)


def test_double_backward_through_hooks():
    def scenario(lib, nn, log):
        net = nn.Linear(1, 1)
        net.register_full_backward_hook(lambda m, gi, go: log.append((text(gi), text(go))))
        x = lib.tensor([2.0], requires_grad=True)
        (g,) = lib.autograd.grad(net(x).pow(3).sum(), x, create_graph=True)
        g.sum().backward()
        log.append(text(x.grad))

    same(scenario)


def test_old_backward_hooks():
    def scenario(lib, nn, log):
        net = nn.Tanh()
        net.register_backward_hook(lambda m, gi, go: log.append((text(gi), text(go))))
        x = lib.tensor([1.0, 2.0], requires_grad=True)
        net(x).sum().backward()
        log.append(attempt(lambda: net.register_full_backward_hook(print)))
        other = nn.Tanh()
        other.register_full_backward_hook(lambda *a: None)
        log.append(attempt(lambda: other.register_backward_hook(print)))

    same(scenario)


def test_global_hooks():
    for lib, nn, module in ((torch, tnn, tmodule), (rl, rnn, rmodule)):
        log = []
        net = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
        net.register_forward_hook(lambda m, a, out, log=log: log.append("own"))
        handles = [
            module.register_module_forward_pre_hook(
                lambda m, a, log=log: log.append("pre " + type(m).__name__)
            ),
            module.register_module_forward_hook(
                lambda m, a, out, log=log: log.append("post " + type(m).__name__)
            ),
            module.register_module_full_backward_hook(
                lambda m, gi, go, log=log: log.append("backward " + type(m).__name__)
            ),
            module.register_module_full_backward_pre_hook(
                lambda m, go, log=log: log.append("before " + type(m).__name__)
            ),
            module.register_module_parameter_registration_hook(
                lambda m, name, p, log=log: log.append("parameter " + name)
            ),
            module.register_module_buffer_registration_hook(
                lambda m, name, b, log=log: log.append("buffer " + name)
            ),
            module.register_module_module_registration_hook(
                lambda m, name, c, log=log: log.append("module " + name)
            ),
        ]
        x = lib.ones(1, 1, requires_grad=True)
        net(x).sum().backward()
        net.extra = nn.BatchNorm1d(1)
        for handle in handles:
            handle.remove()
        net[:2](x)
        if lib is torch:
            expected = log
        else:
            assert log == expected
    assert len(expected) > 10


def test_hook_tables_appear_when_touched():
    """A hook put straight into a table runs too; tables look like PyTorch's."""
    for nn in (tnn, rnn):
        m = nn.Identity()
        assert len(m._forward_hooks) == 0
        m._forward_hooks[-1] = lambda module, args, out: out + 1
        assert m(1) == 2
        other = copy.deepcopy(m)
        assert other(1) == 2
        m._forward_hooks.clear()
        assert m(1) == 1 and other(1) == 2


def test_hooks_are_copied_and_pickled():
    for nn in (tnn, rnn):
        net = nn.Sequential(nn.Identity())
        net[0].register_forward_hook(add_one)
        for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), copy.copy(net)):
            assert other(1) == 2
        net[0].register_load_state_dict_pre_hook(note_load)
        loads.clear()
        other = copy.deepcopy(net)
        other.load_state_dict({})
        assert len(loads) == 1


loads = []


def add_one(module, args, out):
    return out + 1


def note_load(module, *args):
    loads.append(module)


def test_modules_are_freed_at_once():
    """No reference cycles: memory goes back without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        net = rnn.Sequential(rnn.Linear(2, 2), rnn.BatchNorm1d(2))
        handle = net.register_forward_hook(add_one)
        ref = weakref.ref(net)
        del net
        assert ref() is None
        handle.remove()
    finally:
        gc.enable()


def test_subclass_with_own_getattr():
    for nn in (tnn, rnn):

        class Wrapper(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def __getattr__(self, name):
                try:
                    return super().__getattr__(name)
                except AttributeError:
                    return getattr(self.inner, name)

            def forward(self, x):
                return self.inner(x)

        m = Wrapper(nn.Linear(2, 3))
        assert m.in_features == 2 and m.weight is m.inner.weight
        m.register_forward_hook(lambda module, args, out: "hooked")
        assert m(m.weight.detach()) == "hooked"
        assert copy.deepcopy(m)(m.weight.detach()) == "hooked"


def test_call_super_init():
    for nn in (tnn, rnn):

        class Other:
            def __init__(self, value):
                self.value = value

        class Both(nn.Module, Other):
            call_super_init = True

        assert Both(5).value == 5
