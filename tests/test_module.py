"""Module's behaviour against torch.nn.Module: registration, state, hooks, containers, messages.

Most tests run one function with each library and compare what it noted down.
"""

import copy
import io
import pickle
from collections import OrderedDict

import pytest

torch = pytest.importorskip("torch")
rl = pytest.importorskip("rushlight")

from nn_same import attempt, same, text  # noqa: E402

import rushlight.nn as rnn  # noqa: E402

tnn = torch.nn


# Registration and attributes

REGISTER = """
m.register_buffer(3, None)
m.register_buffer('a.b', None)
m.register_buffer('', None)
m.register_buffer('a', 3)
m.register_buffer('forward', None)
m.register_buffer('w', None)
m.register_parameter(3, None)
m.register_parameter('a.b', None)
m.register_parameter('', None)
m.register_parameter('a', 3)
m.register_parameter('forward', None)
m.register_parameter('a', lib.ones(2))
m.register_parameter('buf', None)
m.add_module(3, None)
m.add_module('a.b', None)
m.add_module('', None)
m.add_module('a', 3)
m.add_module('forward', None)
m.add_module('w', None)
m.nope
delattr(m, 'nope')
setattr(m, 'w', 3)
setattr(m, 'w', lib.ones(2))
setattr(m, 'buf', 3)
setattr(m, 'child', 3)
m.train(3)
m.get_submodule('child').in_features
m.get_submodule('').__class__.__name__
m.get_submodule('x.y')
m.get_submodule('training')
m.get_submodule('child.weight')
m.get_parameter('child.weight').shape
m.get_parameter('training')
m.get_parameter('child.nope')
m.get_buffer('buf').shape
m.get_buffer('w')
m.get_buffer('nope')
m.set_submodule('', m)
m.set_submodule('child', 3)
m.set_submodule('other', nn.ReLU(), strict=True)
m.set_submodule('other', nn.ReLU())
m.set_submodule('training', nn.ReLU())
m.set_submodule('other.inner', nn.ReLU())
m.set_submodule('nope.inner', nn.ReLU())
m
nn.Module(3)
nn.Module(a=3)
nn.Module()(1)
nn.Linear(2, 2).to(lib.int32)
nn.Linear(2, 2).to(1, 2, 3, 4)
nn.Linear(2, 2).to(foo=1)
nn.Linear(2, 2).to(lib.float64).weight.dtype
nn.Linear(2, 2).to('cpu', lib.float16).weight.dtype
nn.Linear(2, 2).to(lib.zeros(1).double()).weight.dtype
nn.Linear(2, 2).half().bias.dtype
nn.Linear(2, 2).bfloat16().float().bias.dtype
nn.BatchNorm1d(2).double().num_batches_tracked.dtype
nn.BatchNorm1d(2).type(lib.float64).num_batches_tracked.dtype
nn.Linear(2, 2, device='meta').weight.device
nn.Linear(2, 2, device='meta').to('cpu')
nn.Linear(2, 2, device='meta').to_empty(device='cpu').weight.shape
nn.Linear(2, 2, dtype=lib.float64).weight.dtype
nn.Identity(5, a=3)
nn.Sequential(3)
nn.ModuleList([3])
nn.Linear(2, 2).state_dict(None, 'a.').keys()
""".strip().split("\n")


@pytest.mark.parametrize("code", REGISTER)
def test_messages(code):
    def scenario(lib, nn, log):
        m = nn.Module()
        m.w = nn.Parameter(lib.ones(2))
        m.register_buffer("buf", lib.ones(2))
        m.child = nn.Linear(2, 2)
        log.append(attempt(eval("lambda: " + code, {"m": m, "lib": lib, "nn": nn})))

    same(scenario)


def test_before_init():
    def scenario(lib, nn, log):
        class NoInit(nn.Module):
            def __init__(self, value):
                self.x = value

        for value in (nn.Parameter(lib.ones(1)), nn.ReLU(), nn.Buffer(lib.ones(1)), 3):
            log.append(attempt(lambda value=value: NoInit(value).x))
        log.append(attempt(lambda: NoInit(3).register_buffer("a", None)))
        log.append(attempt(lambda: NoInit(3).register_parameter("a", None)))
        log.append(attempt(lambda: NoInit(3).y))

    same(scenario)


def test_registration_moves():
    """A name is a parameter, a buffer, a module or an attribute, whatever was assigned last."""

    def scenario(lib, nn, log):
        m = nn.Module()

        def note():
            where = [m._parameters, m._buffers, m._modules, m.__dict__]
            log.append([("x" in table) for table in where] + sorted(m._non_persistent_buffers_set))
            log.append(sorted(m.state_dict()))

        m.x = 3
        note()
        m.x = nn.Parameter(lib.ones(1))
        note()
        m.x = None
        note()
        log.append(attempt(lambda: setattr(m, "x", nn.Buffer(lib.ones(2)))))
        del m.x
        m.x = nn.Buffer(lib.ones(2), persistent=False)
        note()
        m.x = nn.ReLU()
        note()
        log.append(attempt(lambda: setattr(m, "x", nn.Buffer(lib.ones(2)))))
        del m.x
        note()
        m.x = nn.Buffer(lib.ones(2), persistent=False)
        note()
        m.x = lib.zeros(3)
        note()
        m.x = None
        note()
        del m.x
        note()
        m.register_buffer("x", lib.ones(1), persistent=False)
        note()
        m.x = nn.Parameter(lib.ones(1))
        note()

    same(scenario)


def test_parameter():
    for lib, nn in ((torch, tnn), (rl, rnn)):
        data = lib.ones(2)
        p = nn.Parameter(data)
        assert p.requires_grad and p.is_leaf and p.data_ptr() == data.data_ptr()
        assert isinstance(p, nn.Parameter) and isinstance(p, lib.Tensor)
        assert type(p * 2) is lib.Tensor and type(p.detach()) is lib.Tensor
        assert not isinstance(data, nn.Parameter)
        assert not nn.Parameter(data, requires_grad=False).requires_grad
        assert nn.Parameter().shape == (0,)
        assert repr(p).startswith("Parameter containing:\n")
        p.grad = lib.ones(2)
        q = copy.deepcopy(p)
        assert type(q) is nn.Parameter and q.data_ptr() != p.data_ptr() and q.requires_grad
        r = pickle.loads(pickle.dumps(p))
        assert type(r) is nn.Parameter and r.tolist() == [1, 1] and r.requires_grad
        b = nn.Buffer(data, persistent=False)
        assert isinstance(b, nn.Buffer) and type(b) is lib.Tensor and b.persistent is False


def test_custom_parameter():
    """A subclass of Tensor keeps its class and becomes a parameter all the same."""
    for lib, nn in ((torch, tnn), (rl, rnn)):

        class Own(lib.Tensor):
            pass

        p = nn.Parameter(lib.ones(2).as_subclass(Own))
        assert type(p) is Own and isinstance(p, nn.Parameter)
        m = nn.Module()
        m.p = p
        assert [name for name, _ in m.named_parameters()] == ["p"]


def test_walks():
    def scenario(lib, nn, log):
        shared = nn.Linear(2, 2)
        net = nn.Sequential(
            OrderedDict(a=shared, b=nn.Sequential(shared, nn.BatchNorm1d(2)), c=shared)
        )
        net.register_module("none", None)
        net.b[0].alias = shared.weight
        for duplicate in (True, False):
            for members in (net.named_modules, net.named_parameters, net.named_buffers):
                log.append([n for n, _ in members(prefix="p", remove_duplicate=duplicate)])
        log.append([n for n, _ in net.named_parameters(recurse=False)])
        log.append([n for n, _ in net.named_children()])
        log.append([len(list(f())) for f in (net.modules, net.children, net.parameters)])
        log.append(net)
        order = []
        net.apply(lambda m: order.append(type(m).__name__))
        log.append(order)
        net.eval()
        log.append([m.training for m in net.modules()])
        net.requires_grad_(False)
        log.append([p.requires_grad for p in net.parameters()])
        hidden = {k for k in dir(net) if k.startswith("_")}
        log.append(sorted(set(dir(net)) - hidden))

    same(scenario)


def test_zero_grad():
    def scenario(lib, nn, log):
        m = nn.Linear(2, 1)
        m(lib.ones(1, 2)).sum().backward()
        m.zero_grad(set_to_none=False)
        log.append([text(p.grad) for p in m.parameters()])
        m.zero_grad()
        log.append([p.grad for p in m.parameters()])

    same(scenario)


def test_conversion_keeps_parameters():
    """Optimisers hold on to the Parameter objects, so a cast must not replace them."""
    for nn in (tnn, rnn):
        m = nn.Linear(2, 2)
        before = list(m.parameters())
        m(before[0].detach()).sum().backward()
        m.double()
        assert all(a is b for a, b in zip(before, m.parameters(), strict=True))
        assert all(str(p.grad.dtype).endswith("float64") for p in m.parameters())


# State


def test_state_dict():
    def scenario(lib, nn, log):
        class Extra(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.BatchNorm1d(2)
                self.register_buffer("gone", lib.ones(1), persistent=False)
                self.register_buffer("none", None)
                self.note = "before"

            def get_extra_state(self):
                return {"note": self.note}

            def set_extra_state(self, state):
                self.note = state["note"]

        m = Extra()
        state = m.state_dict(prefix="p.")
        log.append(list(state))
        log.append({k: dict(v) for k, v in state._metadata.items()})
        state = m.state_dict()
        log.append([state[k].requires_grad for k in state if k != "_extra_state"])
        log.append(m.state_dict(keep_vars=True)["inner.weight"] is m.inner.weight)
        log.append(state["inner.weight"].data_ptr() == m.inner.weight.data_ptr())
        state["_extra_state"] = {"note": "after"}
        log.append(repr(m.load_state_dict(state)))
        log.append(m.note)
        del state["_extra_state"]
        log.append(attempt(lambda: m.load_state_dict(state)))
        log.append(attempt(lambda: nn.Linear(1, 1).load_state_dict({"_extra_state": 1})))
        log.append(attempt(lambda: nn.Linear(1, 1).get_extra_state()).split(".")[0])

    same(scenario)


LOADS = [
    "{}",
    "3",
    "{'0.weight': lib.ones(3), '0.bias': 3, 'x': 1, 'a.b': 4, '0.y': 1, '0.weight.z': 2}",
    "{'0.weight': lib.ones(2, 2), '1.running_mean': lib.ones(3)}",
    "OrderedDict({'0.bias': lib.ones(2)})",
]


@pytest.mark.parametrize("code", LOADS)
@pytest.mark.parametrize("strict", [True, False])
def test_load_messages(code, strict):
    def scenario(lib, nn, log):
        net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        state = eval(code, {"lib": lib, "OrderedDict": OrderedDict})
        log.append(attempt(lambda: net.load_state_dict(state, strict=strict)))
        log.append({k: text(v) for k, v in net.state_dict().items()})

    same(scenario)


def test_load_assign():
    def scenario(lib, nn, log):
        m = nn.Linear(2, 2, device="meta")
        source = {"weight": lib.ones(2, 2), "bias": lib.zeros(2)}
        log.append(attempt(lambda: m.load_state_dict(source)))
        log.append(m.weight.is_meta)
        log.append(attempt(lambda: m.load_state_dict(source, assign=True)))
        log.append([m.weight.is_meta, type(m.weight).__name__, m.weight.requires_grad])
        log.append(m.weight.data_ptr() == source["weight"].data_ptr())
        log.append(attempt(lambda: m.load_state_dict({"weight": source["bias"]}, assign=True)))

    same(scenario)


def test_load_scalar_from_vector():
    def scenario(lib, nn, log):
        m = nn.Module()
        m.x = nn.Parameter(lib.tensor(1.0))
        log.append(attempt(lambda: m.load_state_dict({"x": lib.tensor([5.0])})))
        log.append(text(m.x))

    same(scenario)


def test_batchnorm_without_count():
    def scenario(lib, nn, log):
        m = nn.BatchNorm1d(2)
        state = m.state_dict()
        del state["num_batches_tracked"]
        log.append(attempt(lambda: m.load_state_dict(state)))
        log.append(attempt(lambda: m.load_state_dict(dict(state))))

    same(scenario)


def test_state_hooks():
    def scenario(lib, nn, log):
        net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

        def old(module, state, prefix, meta):
            log.append(("old", type(module).__name__, list(state), prefix, meta))

        net._register_state_dict_hook(old)
        handle = net.register_state_dict_post_hook(
            lambda *args: log.append(("post", list(args[1]), *args[2:]))
        )
        net[0].register_state_dict_pre_hook(lambda *args: log.append(("pre", *args[1:])))
        net.state_dict(prefix="p.")
        handle.remove()
        net.state_dict()
        net._register_load_state_dict_pre_hook(lambda *args: log.append(("load", len(args))))
        net[0].register_load_state_dict_pre_hook(
            lambda module, state, prefix, *rest: log.append(("with", list(state), prefix, rest))
        )
        net.register_load_state_dict_post_hook(
            lambda module, keys: log.append(("done", repr(keys))) or keys.missing_keys.clear()
        )
        log.append(attempt(lambda: net.load_state_dict({"0.bias": lib.ones(2)})))
        net.register_load_state_dict_post_hook(lambda module, keys: 3)
        log.append(attempt(lambda: net.load_state_dict(net.state_dict())))
        log.append(attempt(lambda: net.register_state_dict_post_hook(lambda *a: 3) and 0))
        log.append(attempt(net.state_dict))
        log.append(attempt(lambda: net._register_state_dict_hook(log_hook)))

    def log_hook(*args):
        pass

    log_hook._from_public_api = True
    same(scenario)


# Containers


def test_containers():
    def scenario(lib, nn, log):
        def note(f):
            log.append(attempt(f))

        pd = nn.ParameterDict({"a": lib.ones(2, 3), "b": 5})
        note(lambda: (pd, nn.ParameterDict(pd), pd | {"c": lib.ones(1)}, list(reversed(pd))))
        note(lambda: (pd.keys(), len(pd), "a" in pd, pd.get("x", 4), pd.fromkeys(["q"], 3)))
        note(lambda: pd.popitem())
        note(lambda: (pd.setdefault("r"), pd.update([("u", lib.ones(1))]), list(pd)))
        note(lambda: (pd.update({"zz": 1, "aa": 2}), list(pd)))
        for key in ("nope", 3, "keys"):
            note(lambda key=key: type(pd[key]))
            note(lambda key=key: pd.__setitem__(key, lib.ones(1)))
            note(lambda key=key: type(pd.pop(key)))
        note(lambda: pd(1))
        md = nn.ModuleDict({"b": nn.ReLU(), "a": nn.Linear(1, 1)})
        note(lambda: (md, list(md), list(md.items()), len(md), "a" in md, md.pop("b"), md))
        note(lambda: md.__setitem__("keys", nn.ReLU()))
        note(lambda: (md.clear(), md))
        for bad in (5, [1], [(1, 2, 3)], [("a", 3)]):
            note(lambda bad=bad: md.update(bad))
            note(lambda bad=bad: nn.ParameterDict().update(bad))
        pl = nn.ParameterList([lib.ones(2, 3), 5, nn.Parameter(lib.tensor(1.0))])
        note(lambda: (pl, len(pl), list(pl.state_dict()), pl[1:], pl.extra_repr()))
        for index in (9, -4, "a"):
            note(lambda index=index: pl[index])
        note(lambda: pl.extend(4))
        note(lambda: pl.extend(lib.ones(2)))
        note(lambda: pl.append(3).__class__.__name__)
        note(lambda: pl())
        ml = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.ReLU()])
        note(lambda: (ml, ml + [nn.ReLU()], ml[0:2], ml[-1], len(ml)))
        note(lambda: (ml.insert(1, nn.Tanh()), ml))
        note(lambda: (ml.pop(0), ml, ml.__delitem__(slice(0, 1)), ml))
        note(lambda: ml.extend(5))
        for index in (7, -9, "a"):
            note(lambda index=index: ml[index])
        note(lambda: ml(1))
        note(lambda: (nn.ModuleList(), nn.ParameterList(), nn.ModuleDict(), nn.Sequential()))
        note(lambda: nn.Container())

    same(scenario)


def test_sequential():
    def scenario(lib, nn, log):
        s = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Tanh())
        codes = """
        s[1:], s[-1], s + s, s * 2, 2 * s
        s.__delitem__(0), s
        s.insert(0, nn.ReLU()), s.append(nn.Tanh()), s.extend([nn.Linear(1, 1)])
        s.__iadd__(nn.Sequential(nn.Softmax(1)))
        s.__imul__(2)
        s.__delitem__(slice(1, 3)), s
        s[9]
        s['x']
        s * 'a'
        s * 0
        s + 3
        s.insert(99, nn.ReLU())
        s.insert(0, 3)
        s.pop(99)
        s.append(4)
        s.__setitem__(0, 5)
        s.__setitem__(0, nn.GELU()), s
        s.pop(-1), s
        len(s), [type(m).__name__ for m in s]
        """
        for code in codes.strip().split("\n"):
            log.append(attempt(eval("lambda: " + code.strip(), {"s": s, "nn": nn})))

    same(scenario)


def test_deepcopy_and_pickle_of_a_net():
    net = rnn.Sequential(rnn.Linear(2, 2), rnn.BatchNorm1d(2), rnn.LSTM(2, 2))
    net.eval()
    buffer = io.BytesIO()
    pickle.dump(net, buffer)
    buffer.seek(0)
    for other in (copy.deepcopy(net), pickle.load(buffer)):
        assert repr(other) == repr(net) and not other.training
        for (n, p), (m, q) in zip(net.named_parameters(), other.named_parameters(), strict=True):
            assert n == m and p is not q and p.tolist() == q.tolist()


def test_compile_is_kept_out_of_copies():
    net = rnn.Identity()
    net._compiled_call_impl = lambda x: "compiled"
    net.__dict__["_hooked"] = True
    assert net(1) == "compiled"
    assert copy.deepcopy(net)(1) == 1
