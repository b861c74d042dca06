"""torch.nn.utils: parametrizations, pruning and fusing, each snippet run with both libraries.

Not here: clipping of gradients and packed sequences (test_nn.py).
"""

import copy
from importlib import import_module

import pytest
from twin import error_of, table, twin

CASES, case = table()


def load(m, name):
    return import_module(f"{m.__name__}.nn.utils.{name}")


def rounded(t):
    """A result of several steps: to fewer digits than twin compares, and without its history."""
    return (t.detach().double() * 1e4).round().tolist()


def state(module):
    return {k: rounded(v) for k, v in module.state_dict().items()}


def grads(module):
    return {k: p.grad for k, p in module.named_parameters()}


def symmetric(m):
    class Symmetric(m.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

        def right_inverse(self, a):
            return a.triu()

    return Symmetric()


def halves(m, **kinds):
    """Two tensors that are added; `kinds` replaces methods."""

    class Halves(m.nn.Module):
        def forward(self, a, b):
            return a + b

        def right_inverse(self, x):
            return x * 0.25, x * 0.75

    for name, method in kinds.items():
        setattr(Halves, name, method)
    return Halves()


def scaled(m, factor, dtype=None, inverse=None):
    class Scaled(m.nn.Module):
        def forward(self, x):
            return (x * factor).to(dtype or x.dtype)

    if inverse:
        Scaled.right_inverse = inverse
    return Scaled()


@case
def one_parametrization(m):
    P = load(m, "parametrize")
    net = m.nn.Linear(3, 3)
    weight = net.weight
    net = P.register_parametrization(net, "weight", symmetric(m))
    out = net(m.ones(2, 3))
    out.sum().backward()
    return [
        repr(net), type(net).__name__, state(net), grads(net), out, net.weight,
        net.parametrizations.weight.original is weight, P.is_parametrized(net),
        P.is_parametrized(net, "weight"), P.is_parametrized(net, "bias"),
        P.type_before_parametrizations(net).__name__, isinstance(net, m.nn.Linear),
        [n for n, _ in net.named_modules()], net.parametrizations.weight.is_tensor,
    ]  # fmt: skip


@case
def several_and_assigned(m):
    P = load(m, "parametrize")
    net = m.nn.Linear(2, 2)
    P.register_parametrization(net, "weight", symmetric(m))
    P.register_parametrization(
        net, "weight", scaled(m, 2.0, inverse=lambda self, x: x / 2), unsafe=False
    )
    P.register_parametrization(net, "bias", halves(m))
    net.weight = m.tensor([[1.0, 2.0], [2.0, 3.0]])
    net.bias = m.tensor([4.0, 8.0])
    return [state(net), net.weight, net.bias, repr(net), net.parametrizations.bias.ntensors]


@case
def buffers(m):
    P = load(m, "parametrize")
    net = m.nn.BatchNorm1d(2)
    P.register_parametrization(net, "running_var", scaled(m, 3.0))
    return [state(net), net.running_var, [n for n, _ in net.named_buffers()]]


@case
def removed(m):
    P = load(m, "parametrize")
    found = []
    for leave in (True, False):
        net = m.nn.Linear(2, 2)
        weight = net.weight
        P.register_parametrization(net, "weight", scaled(m, 2.0))
        P.register_parametrization(net, "bias", halves(m))
        P.remove_parametrizations(net, "weight", leave_parametrized=leave)
        found += [state(net), net.weight is weight, type(net).__name__]
        found.append(error_of(P.remove_parametrizations, net, "bias", False))
        P.remove_parametrizations(net, "bias")
        found += [type(net).__name__, hasattr(net, "parametrizations"), state(net)]
        found.append([n for n, _ in net.named_parameters()])
        found.append(error_of(P.remove_parametrizations, net, "bias"))
    return found


@case
def caching(m):
    P = load(m, "parametrize")
    net = m.nn.Linear(2, 2)
    P.register_parametrization(net, "weight", scaled(m, 2.0))
    with P.cached():
        with P.cached():
            first = net.weight
        inside = net.weight is first
    return [inside, net.weight is first, net.weight]


@case
def copies(m):
    P = load(m, "parametrize")
    import pickle

    net = m.nn.Linear(2, 2)
    P.register_parametrization(net, "weight", scaled(m, 2.0))
    other = copy.deepcopy(net)
    other.parametrizations.weight.original.data.zero_()
    loaded = m.nn.Linear(2, 2)
    P.register_parametrization(loaded, "weight", scaled(m, 2.0))
    loaded.load_state_dict(net.state_dict())
    return [net.weight, other.weight, loaded.weight, error_of(pickle.dumps, net)]


@case
def transferred(m):
    P = load(m, "parametrize")
    a, b = m.nn.Linear(2, 2), m.nn.Linear(2, 2)
    P.register_parametrization(a, "weight", scaled(m, 2.0))
    P.register_parametrization(a, "bias", halves(m))
    P.transfer_parametrizations_and_params(a, b, "bias")
    once = state(b)
    P.transfer_parametrizations_and_params(a, b)
    same = b.parametrizations.weight.original is a.parametrizations.weight.original
    plain = m.nn.Linear(2, 2)
    P.transfer_parametrizations_and_params(plain, b)
    return [once, state(b), same]


@case
def mistakes_of_parametrizations(m):
    P = load(m, "parametrize")
    R = P.register_parametrization

    def new(*first):
        net = m.nn.Linear(2, 2)
        for f in first:
            R(net, "weight", f)
        return net

    class Count(m.nn.Module):
        def forward(self, x):
            return 3

    shape = scaled(m, 1.0)
    type(shape).forward = lambda self, x: x[0]
    back = lambda f: scaled(m, 1.0, inverse=lambda self, x: f(x))  # noqa: E731
    broken = halves(m, right_inverse=lambda self, x: (x, 3))
    found = [
        error_of(R, new(), "nothing", symmetric(m)),
        error_of(R, new(), "weight", Count()),
        error_of(R, new(), "weight", scaled(m, 1.0, m.float64)),
        error_of(R, new(), "weight", shape),
        error_of(R, new(), "weight", back(lambda x: x.double())),
        error_of(R, new(), "weight", back(lambda x: 3)),
        error_of(R, new(), "weight", broken),
        error_of(P.ParametrizationList, [], m.ones(2)),
        error_of(R, new(symmetric(m)), "weight", Count()),
        error_of(R, new(symmetric(m)), "weight", scaled(m, 1.0, m.float64)),
        error_of(R, new(symmetric(m)), "weight", shape),
        error_of(R, new(symmetric(m)), "weight", back(lambda x: 3)),
        error_of(R, new(symmetric(m)), "weight", back(lambda x: x.double())),
        error_of(R, new(symmetric(m)), "weight", back(lambda x: x[0])),
    ]
    net = new(scaled(m, 2.0))
    found.append(error_of(setattr, net, "weight", m.ones(2, 2)))
    net = R(m.nn.Linear(2, 2), "weight", halves(m))
    for wrong in (lambda self, x: 3, lambda self, x: (x,), lambda self, x: (x, 3),
                  lambda self, x: (x, x.double())):  # fmt: skip
        type(net.parametrizations.weight[0]).right_inverse = wrong
        found.append(error_of(setattr, net, "weight", m.ones(2, 2)))
    changed = R(m.nn.Linear(2, 2), "weight", shape, unsafe=True)
    return [*found, changed.weight, changed.parametrizations.weight.unsafe]


# --- ready ones ----------------------------------------------------------------------------------


def trained(m, net, x, steps=3):
    optimizer = m.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        net(x).pow(2).sum().backward()
        optimizer.step()
    return [state(net), rounded(net.weight), rounded(net(x)), repr(net)]


@case
def weight_norm(m):
    P = load(m, "parametrizations")
    found = []
    for dim in (0, 1, None, -1):
        net = P.weight_norm(m.nn.Linear(4, 3), dim=dim)
        found += trained(m, net, m.ones(2, 4))
    conv = P.weight_norm(m.nn.Conv2d(2, 3, 3), dim=1)
    old = m.nn.Linear(4, 3)
    fresh = P.weight_norm(m.nn.Linear(4, 3))
    weights = {"weight_g": m.full((3, 1), 2.0), "weight_v": m.ones(3, 4), "bias": old.bias.data}
    fresh.load_state_dict(weights)
    return [*found, state(conv), rounded(conv.weight), state(fresh), rounded(fresh.weight)]


@case
def spectral_norm(m):
    P = load(m, "parametrizations")
    found = trained(m, P.spectral_norm(m.nn.Linear(4, 3)), m.ones(2, 4))
    found += trained(m, P.spectral_norm(m.nn.Linear(4, 3), "bias"), m.ones(2, 4))
    conv = P.spectral_norm(m.nn.ConvTranspose2d(2, 3, 3), n_power_iterations=2)
    found += [state(conv), rounded(conv.eval().weight), rounded(conv.weight)]
    return [
        *found,
        error_of(P.spectral_norm, m.nn.Linear(2, 2), "nothing"),
        error_of(P.spectral_norm, m.nn.Linear(2, 2), "weight", 0),
        error_of(P.spectral_norm, m.nn.Linear(2, 2), "weight", 1, 1e-12, 2),
    ]


@case
def orthogonal_errors(m):
    P = load(m, "parametrizations")
    net = P.orthogonal(m.nn.Linear(2, 2), use_trivialization=False)
    return [
        error_of(P.orthogonal, m.nn.Linear(2, 2), "nothing"),
        error_of(P.orthogonal, m.nn.Linear(2, 2), "bias"),
        error_of(P.orthogonal, m.nn.Linear(2, 2), "weight", "other"),
        error_of(setattr, net, "weight", m.eye(2)),
        error_of(setattr, P.orthogonal(m.nn.Linear(2, 2)), "weight", m.eye(3)),
        error_of(
            P.orthogonal, m.nn.Linear(2, 3, dtype=m.complex64), "weight", "householder"
        ),
    ]  # fmt: skip


def orthogonal(kind, shape, trivial):
    def run(m):
        P = load(m, "parametrizations")
        net = P.orthogonal(
            m.nn.Linear(*shape, dtype=m.float64), "weight", kind, use_trivialization=trivial
        )
        found = trained(m, net, m.arange(shape[0], dtype=m.float64)[None])
        if trivial or kind == "householder":
            net.weight = m.eye(shape[1], shape[0], dtype=m.float64)
            found.append(rounded(net.weight))
        return found

    return run


for _kind in ("matrix_exp", "cayley", "householder", None):
    for _shape in ((3, 3), (2, 4), (4, 2)):
        for _trivial in (True, False):
            CASES[f"orthogonal-{_kind}-{_shape}-{_trivial}"] = orthogonal(_kind, _shape, _trivial)


# --- pruning -------------------------------------------------------------------------------------


def pruned(m, fn):
    net = m.nn.Sequential(m.nn.Linear(4, 5), m.nn.Linear(5, 3))
    p = load(m, "prune")
    fn(p, net)
    out = net(m.ones(2, 4))
    out.sum().backward()
    hooks = [
        type(h).__name__ for layer in net for h in layer._forward_pre_hooks.values()
    ]  # fmt: skip
    return [state(net), grads(net), out, hooks, p.is_pruned(net), repr(net)]


PRUNE = {
    "identity": lambda p, n: p.identity(n[0], "weight"),
    "random": lambda p, n: p.random_unstructured(n[0], "weight", 0.4),
    "random-count": lambda p, n: p.random_unstructured(n[0], "bias", amount=2),
    "l1": lambda p, n: p.l1_unstructured(n[0], "weight", 0.35),
    "l1-scores": lambda p, n: p.l1_unstructured(
        n[0], "weight", 7, importance_scores=n[0].weight.detach().abs().flip(0)
    ),
    "random-structured": lambda p, n: p.random_structured(n[0], "weight", 2, dim=0),
    "random-structured-1": lambda p, n: p.random_structured(n[0], "weight", 0.5, dim=1),
    "ln": lambda p, n: p.ln_structured(n[0], "weight", 2, n=2, dim=0),
    "ln-inf": lambda p, n: p.ln_structured(n[0], "weight", 0.5, n=float("inf"), dim=-1),
    "ln-1": lambda p, n: p.ln_structured(n[0], "weight", 0, n=1, dim=1),
    "twice": lambda p, n: (
        p.l1_unstructured(n[0], "weight", 0.3), p.random_unstructured(n[0], "weight", 0.5)
    ),
    "thrice": lambda p, n: (
        p.ln_structured(n[0], "weight", 1, n=2, dim=0), p.l1_unstructured(n[0], "weight", 3),
        p.ln_structured(n[0], "weight", 1, n=2, dim=0),
    ),
    "global": lambda p, n: p.global_unstructured(
        [(n[0], "weight"), (n[1], "weight")], p.L1Unstructured, amount=0.5
    ),
    "global-twice": lambda p, n: [
        p.global_unstructured([(n[0], "weight"), (n[1], "bias")], p.RandomUnstructured, amount=4)
        for _ in range(2)
    ],
    "removed": lambda p, n: p.remove(p.l1_unstructured(n[0], "weight", 0.5), "weight"),
}  # fmt: skip
for _name, _fn in PRUNE.items():
    CASES[f"prune-{_name}"] = lambda m, fn=_fn: pruned(m, fn)


@case
def prune_by_mask_and_method(m):
    p = load(m, "prune")

    class Every(p.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    net = m.nn.Linear(2, 3)
    p.custom_from_mask(net, "weight", m.tensor([[0, 1], [1, 0], [1, 1]]))
    Every.apply(net, "bias")
    Every.apply(net, "weight")
    t = m.arange(6.0)
    method = p.L1Unstructured(amount=2)
    copied = copy.deepcopy(net)
    return [
        state(net), net.weight, net.bias, method.prune(t), method.prune(t, t > 2, -t),
        state(copied),
    ]  # fmt: skip


@case
def mistakes_of_pruning(m):
    p = load(m, "prune")
    net = m.nn.Linear(2, 3)
    container = p.PruningContainer()
    container._tensor_name = "x"
    other = p.Identity()
    other._tensor_name = "y"
    strange = p.Identity()
    strange._tensor_name, strange.PRUNING_TYPE = "x", "odd"
    container.add_pruning_method(strange)
    found = [
        error_of(p.random_unstructured, net, "weight", "half"),
        error_of(p.random_unstructured, net, "weight", 1.5),
        error_of(p.random_unstructured, net, "weight", -1),
        error_of(p.random_unstructured, net, "weight", 7),
        error_of(p.ln_structured, net, "bias", 1, 2, 0),
        error_of(p.ln_structured, net, "weight", 1, 2, 3),
        error_of(p.custom_from_mask, net, "weight", m.ones(2)),
        error_of(p.remove, net, "weight"),
        error_of(p.global_unstructured, 3, p.L1Unstructured),
        error_of(p.global_unstructured, [(net, "weight")], p.L1Unstructured, 3),
        error_of(lambda: p.global_unstructured([(net, "weight")], p.LnStructured, amount=1, n=2)),
        error_of(lambda: p.l1_unstructured(net, "weight", 1, importance_scores=m.ones(2))),
        error_of(p.L1Unstructured(1).prune, m.ones(2), None, m.ones(3)),
        error_of(container.add_pruning_method, 3),
        error_of(container.compute_mask, m.ones(2), m.ones(2)),
        error_of(p.BasePruningMethod),
        sorted(net.state_dict()),
        p.is_pruned(net),
    ]
    message = error_of(container.add_pruning_method, other)
    return [*found, message.partition("<")[0], message.rpartition(">")[2]]


# --- fusing and others ---------------------------------------------------------------------------


@case
def fused(m):
    found = []
    for layer, bn, x in (
        (m.nn.Conv2d(2, 4, 3), m.nn.BatchNorm2d(4), m.ones(1, 2, 5, 5)),
        (m.nn.Conv1d(2, 4, 3, bias=False), m.nn.BatchNorm1d(4, affine=False), m.ones(1, 2, 5)),
        (m.nn.Linear(3, 4), m.nn.BatchNorm1d(4), m.ones(2, 3)),
    ):
        bn(layer(m.randn(8, *x.shape[1:])))
        layer.eval(), bn.eval()
        kind = "linear" if isinstance(layer, m.nn.Linear) else "conv"
        new = getattr(m.nn.utils, f"fuse_{kind}_bn_eval")(layer, bn)
        found += [state(new), new(x), [p.requires_grad for p in new.parameters()], repr(new)]
    t = m.nn.ConvTranspose1d(2, 3, 2).eval()
    bn = m.nn.BatchNorm1d(3).eval()
    bn.running_mean.fill_(0.5), bn.running_var.fill_(4.0)
    new = m.nn.utils.fuse_conv_bn_eval(t, bn, transpose=True)
    weights = m.nn.utils.fuse_conv_bn_weights(
        m.ones(2, 1, 1), None, m.ones(2), m.ones(2), 0.0, None, None
    )
    return [*found, state(new), rounded(new(m.ones(1, 2, 4)) - bn(t(m.ones(1, 2, 4)))), weights]


@case
def mistakes_of_fusing(m):
    u, conv, bn = m.nn.utils, m.nn.Conv1d(1, 2, 1), m.nn.BatchNorm1d(2)
    free = m.nn.BatchNorm1d(2, track_running_stats=False).eval()
    linear = m.nn.Linear(1, 2).eval()
    return [
        error_of(u.fuse_conv_bn_eval, conv, bn),
        error_of(u.fuse_conv_bn_eval, conv.eval(), free),
        error_of(u.fuse_linear_bn_eval, linear, bn),
        error_of(u.fuse_linear_bn_eval, linear, m.nn.BatchNorm1d(3).eval()),
        error_of(u.fuse_linear_bn_eval, linear, free),
        u.fuse_linear_bn_eval(linear, m.nn.BatchNorm1d(1).eval()).weight,
    ]


@case
def skipped_init(m):
    u = m.nn.utils
    net = u.skip_init(m.nn.Linear, 2, 3, bias=False)
    return [
        repr(net), net.weight.shape, str(net.weight.device), net.weight.requires_grad,
        error_of(u.skip_init, m.nn.ReLU), error_of(u.skip_init, dict),
    ]  # fmt: skip


@case
def memory_formats(m):
    net = m.nn.Sequential(m.nn.Conv2d(2, 3, 3), m.nn.Conv3d(1, 1, 1))
    before = state(net)
    same = m.nn.utils.convert_conv2d_weight_memory_format(net, m.channels_last) is net
    m.nn.utils.convert_conv3d_weight_memory_format(net, m.channels_last_3d)
    return [same, before, state(net)]


@case
def old_spectral_norm(m):
    net = m.nn.utils.spectral_norm(m.nn.Linear(2, 3))
    net(m.ones(1, 2))
    kept = net.state_dict()
    metadata = dict(kept._metadata)
    net.eval()
    u = net.weight_u.clone()
    ancient = {
        "weight": net.weight.detach(), "weight_orig": kept["weight_orig"].clone(),
        "weight_u": u, "bias": kept["bias"],
    }  # fmt: skip
    other = m.nn.utils.spectral_norm(m.nn.Linear(2, 3))
    result = error_of(other.load_state_dict, ancient)
    values = state(other)
    m.nn.utils.remove_spectral_norm(net)
    return [metadata, result, list(values), len(net._state_dict_hooks), list(net.state_dict())]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(CASES[name])


def test_a_copy_keeps_its_parametrization_when_the_first_loses_it():
    import rushlight as torch

    P = torch.nn.utils.parametrize
    net = P.register_parametrization(torch.nn.Linear(2, 2), "weight", scaled(torch, 2.0))
    other = copy.deepcopy(net)
    P.remove_parametrizations(net, "weight")
    assert torch.equal(other.weight, 2 * other.parametrizations.weight.original)
    assert torch.equal(other.weight, net.weight)
