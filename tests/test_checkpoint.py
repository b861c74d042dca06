"""torch.utils.checkpoint: each snippet is run with both libraries."""

import contextlib
from importlib import import_module

import pytest
from twin import error_of, outcome, table, twin

import rushlight

CASES, case = table()


def load(m):
    return import_module(m.__name__ + ".utils.checkpoint")


def both_ways(run):
    """A snippet for each way."""
    for reentrant in (False, True):
        CASES[f"{run.__name__}-{reentrant}"] = lambda m, r=reentrant: run(m, load(m), r)
    return run


def net(m):
    m.manual_seed(0)
    return m.nn.Sequential(
        m.nn.Linear(4, 8), m.nn.Tanh(), m.nn.Dropout(0.5), m.nn.Linear(8, 8), m.nn.ReLU(),
        m.nn.Linear(8, 2),
    )  # fmt: skip


def rounded(values):
    return [(v.detach().double() * 1e5).round().tolist() for v in values]


@both_ways
def gradients(m, c, reentrant):
    model, x = net(m), m.ones(3, 4, requires_grad=True)
    calls = []

    def run(x):
        calls.append(m.is_grad_enabled())
        return model(x)

    out = c.checkpoint(run, x, use_reentrant=reentrant)
    after = m.rand(1)
    out.pow(2).sum().backward()
    return [
        rounded([out, x.grad, *(p.grad for p in model.parameters())]), calls,
        after, m.rand(1), out.requires_grad,
    ]  # fmt: skip


@both_ways
def without_the_random_state(m, c, reentrant):
    x = m.ones(30, requires_grad=True)
    drop = lambda x: m.nn.functional.dropout(x, 0.5)  # noqa: E731
    y = c.checkpoint(drop, x, use_reentrant=reentrant, preserve_rng_state=False)
    y.sum().backward()
    return [y, x.grad]


@both_ways
def in_segments(m, c, reentrant):
    model, x = net(m), m.ones(3, 4, requires_grad=True)
    found = []
    for segments in (1, 2, 3, 6):
        m.manual_seed(1)
        x.grad = None
        out = c.checkpoint_sequential(model, segments, x, use_reentrant=reentrant)
        out.sum().backward()
        found.append(rounded([out, x.grad]))
    layers = [lambda x: x * 2, lambda x: x.sin()]
    out = c.checkpoint_sequential(layers, 2, x, reentrant, preserve_rng_state=True)
    return [*found, rounded([out])]


@both_ways
def several_outputs_and_other_arguments(m, c, reentrant):
    x, y = m.ones(2, requires_grad=True), m.ones(2)
    run = lambda a, k, b, none: (a * k, b + 1, (a * a).sum(), none)  # noqa: E731
    out = c.checkpoint(run, x, 3, y, None, use_reentrant=reentrant)
    (out[0].sum() + out[2]).backward()
    return [list(out), x.grad, [o.requires_grad for o in out[:3]]]


@both_ways
def nothing_requires_a_gradient(m, c, reentrant):
    w = m.ones(2, requires_grad=True)
    out = c.checkpoint(lambda x: x * w, m.ones(2), use_reentrant=reentrant)
    return [out.requires_grad, out]


@both_ways
def without_gradients(m, c, reentrant):
    x = m.ones(2, requires_grad=True)
    with m.no_grad():
        out = c.checkpoint(lambda x: x * 2, x, use_reentrant=reentrant)
    return [out.requires_grad, out]


@both_ways
def of_no_use(m, c, reentrant):
    x = m.ones(2, requires_grad=True)
    out = c.checkpoint(lambda x: x.detach() * 2, x, use_reentrant=reentrant)
    return [out.requires_grad, error_of(out.sum().backward)]


@both_ways
def by_grad(m, c, reentrant):
    x = m.ones(2, requires_grad=True)
    run = lambda x: x.exp()  # noqa: E731
    y = c.checkpoint(run, x, use_reentrant=reentrant)
    found = []
    found.append(error_of(lambda: found.append(m.autograd.grad(y.sum(), x)[0])))
    z = c.checkpoint(run, x, use_reentrant=reentrant)
    found.append(error_of(lambda: z.sum().backward(inputs=[x])))
    c.checkpoint(run, x, use_reentrant=reentrant).sum().backward()
    return [*found, x.grad]


@both_ways
def twice_backward(m, c, reentrant):
    x, calls = m.ones(2, requires_grad=True), []

    def run(x):
        calls.append(1)
        return x.exp().sin()

    y = c.checkpoint(run, x, use_reentrant=reentrant).sum()
    y.backward(retain_graph=True)
    y.backward()
    return [x.grad, len(calls), error_of(y.backward)]


@both_ways
def nested(m, c, reentrant):
    x = m.ones(2, requires_grad=True)
    inner = lambda x: c.checkpoint(lambda a: a.sin() * a, x, use_reentrant=reentrant)  # noqa: E731
    y = c.checkpoint(lambda x: inner(x).exp(), x, use_reentrant=reentrant)
    y.sum().backward()
    return [y, x.grad]


@both_ways
def under_autocast(m, c, reentrant):
    layer, x, seen = m.nn.Linear(2, 2), m.ones(1, 2, requires_grad=True), []

    def run(x):
        y = layer(x)
        seen.append(y.dtype)
        return y

    with m.autocast("cpu"):
        y = c.checkpoint(run, x, use_reentrant=reentrant)
    y.float().sum().backward()
    return [seen, layer.weight.grad.dtype]


@both_ways
def unknown_options(m, c, reentrant):
    x = m.ones(2, requires_grad=True)
    f = lambda x: x * 2  # noqa: E731
    context = lambda: (contextlib.nullcontext(), contextlib.nullcontext())  # noqa: E731
    tries = [
        dict(odd=1), dict(context_fn=context), dict(debug=True), dict(determinism_check="odd"),
        dict(debug=True, context_fn=context), dict(early_stop=False),
    ]  # fmt: skip
    found = [error_of(lambda t=t: c.checkpoint(f, x, use_reentrant=reentrant, **t)) for t in tries]
    found.append(error_of(lambda: c.checkpoint_sequential([f], 1, x, reentrant, odd=1)))
    return [*found, error_of(c.detach_variable, 3), c.get_device_states(x)]


@case
def the_way_is_not_said(m):
    c, x = load(m), m.ones(2, requires_grad=True)
    c.checkpoint(lambda x: x.exp(), x).sum().backward()
    c.checkpoint_sequential([lambda x: x.exp()] * 2, 2, x).sum().backward()
    return x.grad


@case
def keyword_arguments(m):
    c, x = load(m), m.ones(2, requires_grad=True)
    run = lambda x, *, scale=1.0: (x * scale).exp()  # noqa: E731
    y = c.checkpoint(run, x, use_reentrant=False, scale=2.0)
    y.sum().backward()
    return [y, x.grad]


@case
def contexts(m):
    c, x, seen = load(m), m.ones(2, requires_grad=True), []

    @contextlib.contextmanager
    def told(what):
        seen.append(what)
        yield
        seen.append(what + " ends")

    def run(x):
        seen.append("runs")
        return x.exp()

    y = c.checkpoint(
        run, x, use_reentrant=False, context_fn=lambda: (told("first"), told("second")),
        early_stop=False,
    )  # fmt: skip
    y.sum().backward()
    return seen


def stopping(m, early, globally):
    c, x, seen = load(m), m.ones(2, requires_grad=True), []

    def run(x):
        y = x.exp()
        seen.append("early")
        y = y.sin()
        seen.append("late")
        return y

    with c.set_checkpoint_early_stop(globally):
        y = c.checkpoint(run, x, use_reentrant=False, early_stop=early)
    y.sum().backward()
    return [seen, x.grad]


for _early in (True, False):
    for _globally in (True, False):
        CASES[f"stopping-{_early}-{_globally}"] = lambda m, e=_early, g=_globally: stopping(m, e, g)


@case
def another_path_the_second_time(m):
    c, found = load(m), []
    for check in ("default", "none"):
        for change in ("fewer", "more", "shape", "dtype"):
            x, calls = m.ones(2, requires_grad=True), []

            def run(x, change=change, calls=calls):
                calls.append(1)
                again = len(calls) > 1
                if change == "shape" and again:
                    return x[:1].exp().sin().expand(2)
                if change == "dtype" and again:
                    return x.double().exp().sin().float()
                y = x.exp()
                if change == "fewer" and again:
                    return y
                if change == "more" and again:
                    y = y.cos()
                return y.sin()

            y = c.checkpoint(
                run, x, use_reentrant=False, determinism_check=check, early_stop=change != "more"
            )
            found.append(error_of(y.sum().backward))
            if check == "none":
                break
    return found


@case
def names(m):
    c = load(m)
    policies = [(p.name, p.value) for p in c.CheckpointPolicy]
    kinds = [c.CheckpointError.__mro__[1].__name__, c.CheckpointFunction.__name__]
    c.DefaultDeviceType.set_device_type("xpu")
    device = c.DefaultDeviceType.get_device_type()
    c.DefaultDeviceType.set_device_type("cuda")
    with c.set_checkpoint_debug_enabled(None):
        pass
    return [policies, kinds, device, len(c.noop_context_fn())]


@case
def second_derivatives(m):
    c, x = load(m), m.tensor([1.5, -0.5, 2.0], requires_grad=True)
    w, found = m.tensor([0.5, 1.0, -1.0], requires_grad=True), []

    def run(x):
        return ((x * w).tanh().exp() * x.sigmoid()).sum() + x.cumsum(0).std()

    for stop in (True, False):
        y = c.checkpoint(run, x, use_reentrant=False, early_stop=stop)
        g, gw = m.autograd.grad(y, (x, w), create_graph=True)
        (h,) = m.autograd.grad((g * g).sum() + gw.sin().sum(), x, create_graph=True)
        found += [y, g, gw, h, *m.autograd.grad((h * h).sum(), (x, w))]
    return [t.detach() for t in found]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(CASES[name])


def test_activations_are_not_kept():
    torch = rushlight
    alive = []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            alive.append(ctx.saved_tensors[0].sum().item())
            return g * 2

    import weakref

    x, kept = torch.ones(3, requires_grad=True), []

    def run(x):
        middle = x + 1
        kept.append(weakref.ref(middle))
        return Watched.apply(middle)

    y = load(torch).checkpoint(run, x, use_reentrant=False)
    assert kept[0]() is None
    y.sum().backward()
    assert alive == [6.0] and torch.equal(x.grad, torch.full((3,), 2.0))


def test_warnings_are_pytorch_s():
    import torch

    theirs, mine = (outcome(m, CASES["the_way_is_not_said"])[1] for m in (torch, rushlight))
    assert mine == theirs and len(mine) == 2
