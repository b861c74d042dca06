"""torch.amp: autocast on the CPU and GradScaler, each snippet run with both libraries.

What an operation returns is compared by dtype, and by value to bfloat16's precision.
"""

import sys
import threading
import types

import pytest
import torch as pytorch
from twin import error_of, first_line, outcome, table

import rushlight

CASES, case = table()


def dtype(value):
    if isinstance(value, (tuple, list)):
        return [dtype(v) for v in value]
    return str(value.dtype) if hasattr(value, "dtype") else value


# --- what is cast --------------------------------------------------------------------------------

# name: (function, shapes of its float arguments). All are called under autocast.
OPERATIONS = {
    "matmul": (lambda m, a, b: m.matmul(a, b), [(2, 3), (3, 2)]),
    "matmul-method": (lambda m, a, b: a.matmul(b), [(2, 3), (3, 2)]),
    "operator": (lambda m, a, b: a @ b, [(2, 3), (3, 2)]),
    "mm": (lambda m, a, b: m.mm(a, b), [(2, 3), (3, 2)]),
    "mm-out": (lambda m, a, b: m.mm(a, b, out=m.empty(2, 2, dtype=a.dtype)), [(2, 3), (3, 2)]),
    "mv": (lambda m, a, b: m.mv(a, b), [(2, 3), (3,)]),
    "dot": (lambda m, a, b: m.dot(a, b), [(3,), (3,)]),
    "bmm": (lambda m, a, b: a.bmm(b), [(1, 2, 3), (1, 3, 2)]),
    "addmm": (lambda m, c, a, b: m.addmm(c, a, b, alpha=2), [(2, 2), (2, 3), (3, 2)]),
    "addmm_": (lambda m, c, a, b: c.clone().addmm_(a, b), [(2, 2), (2, 3), (3, 2)]),
    "baddbmm": (lambda m, c, a, b: m.baddbmm(c, a, b), [(1, 2, 2), (1, 2, 3), (1, 3, 2)]),
    "addbmm": (lambda m, c, a, b: m.addbmm(c, a, b), [(2, 2), (1, 2, 3), (1, 3, 2)]),
    "addmv": (lambda m, c, a, b: m.addmv(c, a, b), [(2,), (2, 3), (3,)]),
    "inner": (lambda m, a, b: m.inner(a, b), [(2, 3), (2, 3)]),
    "outer": (lambda m, a, b: m.outer(a, b), [(2,), (3,)]),
    "einsum": (lambda m, a, b: m.einsum("ij,jk->ik", a, b), [(2, 3), (3, 2)]),
    "einsum-one": (lambda m, a: m.einsum("ij->i", a), [(2, 3)]),
    "tensordot": (lambda m, a, b: m.tensordot(a, b, 1), [(2, 3), (3, 2)]),
    "tensordot-all": (lambda m, a, b: m.tensordot(a, b, 2), [(2, 3), (2, 3)]),
    "multi_dot": (lambda m, a, b: m.linalg.multi_dot([a, b, a]), [(2, 3), (3, 2)]),
    "matrix_power": (lambda m, a: m.linalg.matrix_power(a, 2), [(2, 2)]),
    "vecdot": (lambda m, a, b: m.linalg.vecdot(a, b), [(2, 3), (2, 3)]),
    "cov": (lambda m, a: m.cov(a), [(2, 3)]),
    "linear": (lambda m, a, b, c: m.nn.functional.linear(a, b, c), [(2, 3), (4, 3), (4,)]),
    "bilinear": (lambda m, a, b, c: m.nn.functional.bilinear(a, b, c), [(2, 3), (2, 3), (4, 3, 3)]),
    "conv1d": (lambda m, a, b: m.conv1d(a, b), [(1, 2, 5), (3, 2, 3)]),
    "conv2d": (lambda m, a, b: m.nn.functional.conv2d(a, b), [(1, 2, 5, 5), (3, 2, 3, 3)]),
    "conv3d": (lambda m, a, b: m.conv3d(a, b), [(1, 2, 3, 3, 3), (3, 2, 3, 3, 3)]),
    "conv_transpose": (lambda m, a, b: m.conv_transpose1d(a, b), [(1, 2, 5), (2, 3, 3)]),
    "prelu": (lambda m, a, b: m.prelu(a, b), [(2, 3), (1,)]),
    "sdpa": (
        lambda m, a, b: m.nn.functional.scaled_dot_product_attention(a, b, b), [(1, 3, 4), (1, 2, 4)]
    ),
    "avg_pool3d": (lambda m, a: m.nn.functional.avg_pool3d(a, 2), [(1, 1, 2, 2, 2)]),
    "max_pool3d": (lambda m, a: m.nn.functional.adaptive_max_pool3d(a, 1), [(1, 1, 2, 2, 2)]),
    "max_pool2d": (lambda m, a: m.nn.functional.max_pool2d(a, 2), [(1, 1, 2, 2)]),
    "unpool": (
        lambda m, a: m.nn.functional.max_unpool1d(a, m.tensor([[[0, 3]]]), 2), [(1, 1, 2)]
    ),
    "reflect": (lambda m, a: m.nn.functional.pad(a, (1, 1), mode="reflect"), [(1, 2, 4)]),
    "reflect-3": (lambda m, a: m.nn.functional.pad(a, [1] * 6, "reflect"), [(1, 1, 3, 3, 3)]),
    "replicate": (lambda m, a: m.nn.functional.pad(a, (1, 1), mode="replicate"), [(1, 2, 4)]),
    "circular": (lambda m, a: m.nn.functional.pad(a, (1, 1), mode="circular"), [(1, 2, 4)]),
    "zeros": (lambda m, a: m.nn.functional.pad(a, (1, 1)), [(1, 2, 4)]),
    "grid_sample": (
        lambda m, a, b: m.nn.functional.grid_sample(a, b, align_corners=False),
        [(1, 1, 2, 2), (1, 2, 2, 2)],
    ),
    "interpolate": (lambda m, a: m.nn.functional.interpolate(a, scale_factor=2), [(1, 1, 2)]),
    "mse": (lambda m, a, b: m.nn.functional.mse_loss(a, b), [(2, 3), (2, 3)]),
    "l1": (lambda m, a, b: m.nn.functional.l1_loss(a, b), [(2, 3), (2, 3)]),
    "huber": (lambda m, a, b: m.nn.functional.huber_loss(a, b), [(2, 3), (2, 3)]),
    "smooth": (lambda m, a, b: m.nn.functional.smooth_l1_loss(a, b), [(2, 3), (2, 3)]),
    "entropy": (lambda m, a: m.nn.functional.cross_entropy(a, m.tensor([0, 1])), [(2, 3)]),
    "nll": (lambda m, a: m.nn.functional.nll_loss(a, m.tensor([0, 1])), [(2, 3)]),
    "bce": (
        lambda m, a, b: m.nn.functional.binary_cross_entropy(a.sigmoid(), b.sigmoid()),
        [(2, 3), (2, 3)],
    ),
    "bce-logits": (
        lambda m, a, b: m.nn.functional.binary_cross_entropy_with_logits(a, b), [(2, 3), (2, 3)]
    ),
    "kl_div": (lambda m, a, b: m.nn.functional.kl_div(a, b.exp(), reduction="sum"), [(2, 3), (2, 3)]),
    "hinge": (
        lambda m, a: m.nn.functional.hinge_embedding_loss(a, m.ones(3)), [(2, 3)]
    ),
    "margin": (
        lambda m, a: m.nn.functional.multi_margin_loss(a, m.tensor([0, 1])), [(2, 3)]
    ),
    "soft_margin": (lambda m, a: m.nn.functional.soft_margin_loss(a, m.ones(2, 3)), [(2, 3)]),
    "triplet": (
        lambda m, a, b: m.nn.functional.triplet_margin_loss(a, b, b + 1), [(2, 3), (2, 3)]
    ),
    "cosine": (
        lambda m, a, b: m.nn.functional.cosine_embedding_loss(a, b, m.ones(2)), [(2, 3), (2, 3)]
    ),
    "poisson": (lambda m, a, b: m.nn.functional.poisson_nll_loss(a, b), [(2, 3), (2, 3)]),
    "gaussian": (
        lambda m, a, b: m.nn.functional.gaussian_nll_loss(a, b, b * b + 1), [(2, 3), (2, 3)]
    ),
    "prod": (lambda m, a: a.prod(), [(2, 3)]),
    "sum": (lambda m, a: a.sum(), [(2, 3)]),
    "softmax": (lambda m, a: a.softmax(-1), [(2, 3)]),
    "layer_norm": (lambda m, a: m.nn.functional.layer_norm(a, (3,)), [(2, 3)]),
    "gelu": (lambda m, a: m.nn.functional.gelu(a), [(2, 3)]),
    "exp": (lambda m, a: a.exp(), [(2, 3)]),
    "norm": (lambda m, a: a.norm(), [(2, 3)]),
    "trace": (lambda m, a: m.trace(a), [(2, 2)]),
    "quantile": (lambda m, a: m.quantile(a, 0.5), [(2, 3)]),
    "cdist": (lambda m, a, b: m.cdist(a, b), [(2, 3), (2, 3)]),
    "inv": (lambda m, a: m.linalg.inv(a @ a.mT + m.eye(2)), [(2, 2)]),
    "solve": (lambda m, a, b: m.linalg.solve(a * a + 3 * m.eye(2), b), [(2, 2), (2, 1)]),
    "svdvals": (lambda m, a: m.linalg.svdvals(a), [(2, 2)]),
    "fft": (lambda m, a: m.fft.rfft(a.float()), [(4,)]),
    "add": (lambda m, a, b: a + b, [(2, 3), (2, 3)]),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_dtypes(name):
    fn, shapes = OPERATIONS[name]

    def run(m):
        found = []
        for into, kind in (("bfloat16", "float32"), ("bfloat16", "bfloat16"),
                           ("bfloat16", "float64"), ("float16", "float32")):  # fmt: skip
            m.manual_seed(1)
            inputs = [m.randn(s).to(getattr(m, kind)) for s in shapes]
            with m.autocast("cpu", dtype=getattr(m, into)):
                try:
                    out = fn(m, *inputs)
                except (RuntimeError, NotImplementedError):
                    out = None  # not for this dtype: what each library lacks differs
            found.append(out)
        return found

    checked = 0
    for mine, theirs in zip(run(rushlight), run(pytorch), strict=True):
        if mine is not None and theirs is not None:
            checked += 1
            if isinstance(theirs, tuple):
                mine, theirs = mine[0], theirs[0]
            assert dtype(mine) == dtype(theirs)
            if not theirs.is_complex():
                a = pytorch.tensor(mine.detach().tolist(), dtype=pytorch.float64)
                assert pytorch.allclose(a, theirs.detach().double(), rtol=2e-2, atol=5e-2)
    assert checked >= 1


LAYERS = {
    "lstm": (lambda m: m.nn.LSTM(4, 3, 2, bidirectional=True), (5, 2, 4)),
    "gru": (lambda m: m.nn.GRU(4, 3), (5, 2, 4)),
    "rnn": (lambda m: m.nn.RNN(4, 3), (5, 2, 4)),
    "lstm-cell": (lambda m: m.nn.LSTMCell(4, 3), (2, 4)),
    "gru-cell": (lambda m: m.nn.GRUCell(4, 3), (2, 4)),
    "conv": (lambda m: m.nn.Conv2d(2, 3, 3), (1, 2, 5, 5)),
    "conv-reflect": (lambda m: m.nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (1, 2, 5, 5)),
    "transposed": (lambda m: m.nn.ConvTranspose1d(2, 3, 3), (1, 2, 5)),
    "encoder": (lambda m: m.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), (3, 2, 4)),
    "net": (
        lambda m: m.nn.Sequential(
            m.nn.Conv2d(1, 2, 3, bias=False), m.nn.BatchNorm2d(2), m.nn.ReLU(), m.nn.MaxPool2d(2),
            m.nn.Flatten(), m.nn.Linear(8, 3), m.nn.LogSoftmax(-1),
        ),
        (2, 1, 6, 6),
    ),
    "max-pool": (lambda m: m.nn.AvgPool3d(2), (1, 1, 2, 2, 2)),
    "embedding": (lambda m: m.nn.Sequential(m.nn.LayerNorm(4), m.nn.Linear(4, 2)), (2, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    make, shape = LAYERS[name]

    def run(m):
        m.manual_seed(0)
        net, x = make(m), m.randn(shape)
        with m.autocast("cpu"):
            out = net(x)
        first = out[0] if isinstance(out, tuple) else out
        if list(net.parameters()):
            first.float().pow(2).sum().backward()
        return dtype(out), first, [p.grad for p in net.parameters()]

    mine, theirs = run(rushlight), run(pytorch)
    assert mine[0] == theirs[0]
    for a, b in zip((mine[1], *mine[2]), (theirs[1], *theirs[2]), strict=True):
        assert dtype(a) == dtype(b)
        a = pytorch.tensor(a.detach().tolist(), dtype=pytorch.float64)
        b = b.detach().double()
        assert (a - b).norm() <= 0.04 * b.norm() + 0.02


# --- the mode itself -----------------------------------------------------------------------------


def state(m):
    return [
        m.is_autocast_enabled("cpu"), m.get_autocast_dtype("cpu"), m.is_autocast_cache_enabled(),
        m.is_autocast_enabled(), m.get_autocast_dtype("cuda"),
    ]  # fmt: skip


@case
def nested(m):
    a = m.ones(2, 2)
    found = [state(m), (a @ a).dtype]
    with m.autocast("cpu") as inside:
        found += [type(inside).__name__, state(m), (a @ a).dtype]
        with m.autocast("cpu", m.float16, cache_enabled=False):
            found += [state(m), (a @ a).dtype]
        with m.autocast("cpu", enabled=False):
            found += [state(m), (a @ a).dtype]
            with m.autocast("cpu"):
                found.append((a @ a).dtype)
        found += [state(m), (a @ a).dtype]
    return [*found, state(m), (a @ a).dtype]


@case
def left_by_an_error(m):
    def fail():
        with m.autocast("cpu"):
            raise KeyError("x")

    return [error_of(fail), state(m), (m.ones(1, 1) @ m.ones(1, 1)).dtype]


@case
def decorator(m):
    @m.autocast("cpu")
    def product(a):
        """Doc."""
        return a @ a

    @m.amp.autocast(device_type="cpu", dtype=m.float16)
    def half(a):
        return product(a).dtype, m.mm(a, a).dtype

    a = m.ones(2, 2)
    return [product(a).dtype, half(a), product.__name__, product.__doc__, (a @ a).dtype]


@case
def gradients(m):
    net = m.nn.Linear(3, 2)
    x = m.ones(4, 3, requires_grad=True)
    with m.autocast("cpu"):
        y = net(x)
        loss = m.nn.functional.mse_loss(y, m.zeros(4, 2))
        twice = net(x) + y
    loss.backward()
    return [
        y.dtype, loss.dtype, twice.dtype, net.weight.dtype, net.weight.grad.dtype, x.grad.dtype,
    ]  # fmt: skip


@case
def weights_cast_without_gradients_first(m):
    net = m.nn.Linear(2, 2)
    with m.autocast("cpu"):
        with m.no_grad():
            first = net(m.ones(1, 2)).requires_grad
        second = m.nn.Linear(2, 2)(m.ones(1, 2)).requires_grad
    return [first, second]


@case
def promoted(m):
    a, b = m.ones(2), m.ones(2, dtype=m.bfloat16)
    with m.autocast("cpu"):
        return [
            m.cat([a, b]).dtype, m.stack([b, b]).dtype, m.cat([a.double(), b]).dtype,
            m.cat((b, m.ones(2, dtype=m.int64))).dtype,
            m.index_copy(a, 0, m.tensor([1]), b[:1]), a.index_copy(0, m.tensor([1]), b[:1]).dtype,
            error_of(m.cat, [b, b.half()]),
        ]  # fmt: skip


@case
def mistakes(m):
    return [
        error_of(m.autocast, 3), error_of(m.autocast, "moon"), error_of(m.autocast, "meta"),
        error_of(m.autocast), error_of(m.autocast("cpu"), 3),
        error_of(m.is_autocast_enabled, "moon"), error_of(m.get_autocast_dtype, "meta"),
        error_of(m.is_autocast_enabled, "meta"), error_of(m.amp.is_autocast_available, "moon"),
        [m.amp.is_autocast_available(d) for d in ("cpu", "cuda", "mps", "meta")],
        error_of(lambda: m.amp.custom_fwd(len, device_type=3)),
        error_of(lambda: m.amp.custom_bwd(len, device_type=3)),
        error_of(lambda: m.amp.custom_fwd(len)),
    ]  # fmt: skip


@case
def unusable(m):
    found = []
    for device, kind in (("cuda", None), ("cpu", m.float32), ("cpu", m.float64)):
        a = m.autocast(device, kind)
        with a:
            found += [(m.ones(1, 1) @ m.ones(1, 1)).dtype, state(m), a.fast_dtype, a.device]
    return found


@case
def settings(m):
    found = [m.is_autocast_cpu_enabled(), m.get_autocast_cpu_dtype(), m.get_autocast_gpu_dtype()]
    m.set_autocast_enabled("cpu", True)
    found += [(m.ones(1, 1) @ m.ones(1, 1)).dtype, m.is_autocast_enabled("cpu")]
    m.set_autocast_dtype("cpu", m.float16)
    found.append((m.ones(1, 1) @ m.ones(1, 1)).dtype)
    m.set_autocast_enabled("cpu", False)
    m.set_autocast_dtype("cpu", m.bfloat16)
    m.set_autocast_cache_enabled(False)
    found.append(state(m))
    m.set_autocast_cache_enabled(True)
    m.clear_autocast_cache()
    found.append([m.autocast_increment_nesting(), m.autocast_decrement_nesting()])
    return [*found, state(m), (m.ones(1, 1) @ m.ones(1, 1)).dtype]


@case
def custom_functions(m):
    seen = []

    def make(cast):
        class Product(m.autograd.Function):
            @staticmethod
            @m.amp.custom_fwd(device_type="cpu", cast_inputs=cast)
            def forward(ctx, a, b, extra):
                ctx.save_for_backward(a, b)
                seen.append([a.dtype, b.dtype, m.is_autocast_enabled("cpu")])
                return a @ b

            @staticmethod
            @m.amp.custom_bwd(device_type="cpu")
            def backward(ctx, g):
                a, b = ctx.saved_tensors
                seen.append([g.dtype, m.is_autocast_enabled("cpu")])
                return g @ b.mT, a.mT @ g, None

        return Product

    for cast in (None, m.float32, m.bfloat16):
        a, b = m.ones(2, 2, requires_grad=True), m.ones(2, 2, requires_grad=True)
        with m.autocast("cpu"):
            out = make(cast).apply(a, b, [m.ones(1), "x"])
        out.float().sum().backward()
        plain = make(cast).apply(a, b, None)
        seen.append([out.dtype, plain.dtype, a.grad.dtype])
    return seen


@case
def older_names(m):
    found = []
    for space in (m.cpu.amp, m.cuda.amp):
        with space.autocast():
            found.append((m.ones(1, 1) @ m.ones(1, 1)).dtype)
        found.append(space.GradScaler().is_enabled())
    return found


# --- GradScaler ----------------------------------------------------------------------------------


def scaled_steps(m, bad):
    p = m.nn.Parameter(m.ones(2))
    optimizer = m.optim.SGD([p], lr=0.1)
    scaler = m.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    found = [scaler.get_scale(), scaler.state_dict()]
    for i in range(6):
        optimizer.zero_grad()
        loss = (p * p).sum() * (float("inf") if i in bad else 1.0)
        scaler.scale(loss).backward()
        if i % 2:
            scaler.unscale_(optimizer)
            found.append(p.grad)
        scaler.step(optimizer)
        scaler.update(8.0 if i == 4 else None)
        found += [p.detach().clone(), scaler.get_scale(), scaler.state_dict()]
    other = m.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    return [*found, other.get_scale(), other.state_dict(), other.get_growth_interval()]


CASES["scaler"] = lambda m: scaled_steps(m, ())
CASES["scaler-overflow"] = lambda m: scaled_steps(m, (1, 2, 5))


@case
def scaler_mistakes(m):
    import pickle

    p = m.nn.Parameter(m.ones(2))
    o = m.optim.SGD([p], lr=1.0)
    s = m.amp.GradScaler("cpu", 4.0)
    found = [error_of(f, *a) for f, a in ((s.step, (o,)), (s.update, ()), (s.unscale_, (o,)))]
    found += [error_of(s.scale, 3), s.scale([p.sum(), (p.sum(),)]), list(s.scale(iter([p.sum()])))]
    found += [error_of(s.step, o), error_of(s.update)]
    s = m.amp.GradScaler("cpu", 4.0)
    s.scale(p.sum()).backward()
    s.unscale_(o)
    found += [error_of(s.unscale_, o), error_of(lambda: s.step(o, closure=len))]
    s.step(o)
    found += [error_of(s.step, o), error_of(s.unscale_, o), error_of(pickle.dumps, s)]
    found += [error_of(s.update, m.tensor([1.0, 2.0])), s.update(m.tensor(16.0)), s.get_scale()]
    again = pickle.loads(pickle.dumps(s))
    found += [again.get_scale(), error_of(s.load_state_dict, {})]
    found += [error_of(lambda: m.amp.GradScaler("cpu", growth_factor=1.0))]
    found += [error_of(lambda: m.amp.GradScaler("cpu", backoff_factor=1.0))]
    half = m.nn.Parameter(m.ones(2).half())
    half.grad = m.ones(2).half()
    found.append(error_of(s.unscale_, m.optim.SGD([half], lr=1.0)))
    s.set_growth_factor(3.0), s.set_backoff_factor(0.1), s.set_growth_interval(7)
    return [*found, s.state_dict()]


@case
def scaler_off(m):
    p = m.nn.Parameter(m.ones(2))
    o = m.optim.SGD([p], lr=1.0)
    found = []
    for s in (m.amp.GradScaler("cpu", enabled=False), m.amp.GradScaler("cuda"), m.amp.GradScaler()):
        loss = p.sum()
        p.grad = m.ones(2)
        same = s.scale(loss) is loss
        s.unscale_(o), s.step(o), s.update(), s.load_state_dict({})
        found += [same, s.state_dict(), s.get_scale(), s.is_enabled(), p.detach().clone()]
    return found


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    (theirs, warned), (mine, mine_warned) = (outcome(m, CASES[name]) for m in (pytorch, rushlight))
    assert mine == theirs
    assert [first_line(w) for w in mine_warned] == [first_line(w) for w in warned]


# --- of this implementation ----------------------------------------------------------------------


def names():
    from rushlight import _C
    from rushlight.nn.modules import conv

    return [
        rushlight.mm, rushlight.Tensor.mm, rushlight.Tensor.__dict__["__matmul__"],
        rushlight.nn.functional.linear, _C._functions["mm"], _C._nn.linear,
        conv.Conv2d._function,
    ]  # fmt: skip


def test_everything_is_as_before_outside():
    before = names()
    with rushlight.autocast("cpu"):
        inside = names()
    assert all(a is b for a, b in zip(names(), before))
    assert not any(a is b for a, b in zip(inside, before))


def test_a_module_that_is_imported_inside(monkeypatch):
    before = names()
    with rushlight.autocast("cpu"):
        monkeypatch.setitem(sys.modules, "newcomer", types.ModuleType("newcomer"))
        with rushlight.overrides.BaseTorchFunctionMode():  # a second mode: all is looked up again
            pass
    with rushlight.autocast("cpu"):
        inside = names()
    assert all(a is b for a, b in zip(names(), before))
    assert not any(a is b for a, b in zip(inside, before))


def test_functions_imported_by_name_are_cast():
    space = {}
    exec("from rushlight import matmul\nfrom rushlight.nn.functional import linear as f", space)
    import sys
    import types

    module = types.ModuleType("a_program_of_the_test")
    module.__dict__.update(space)
    sys.modules[module.__name__] = module
    try:
        a = rushlight.ones(2, 2)
        with rushlight.autocast("cpu"):
            assert module.matmul(a, a).dtype is module.f(a, a).dtype is rushlight.bfloat16
        assert module.matmul(a, a).dtype is rushlight.float32
    finally:
        del sys.modules[module.__name__]


def test_a_name_that_the_program_writes_inside_stays():
    own = lambda a, b: 3  # noqa: E731
    before = rushlight.mm
    try:
        with rushlight.autocast("cpu"):
            rushlight.mm = own
        assert rushlight.mm is own
    finally:
        rushlight.mm = before


def test_each_thread_has_its_mode():
    a = rushlight.ones(2, 2)
    found, ready, done = [], threading.Event(), threading.Event()

    def other():
        ready.wait(5)
        found.append((a @ a).dtype)
        with rushlight.autocast("cpu", rushlight.float16):
            found.append((a @ a).dtype)
        found.append(rushlight.is_autocast_enabled("cpu"))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with rushlight.autocast("cpu"):
        ready.set()
        done.wait(5)
        assert (a @ a).dtype is rushlight.bfloat16
    thread.join()
    assert found == [rushlight.float32, rushlight.float16, False]
    assert (a @ a).dtype is rushlight.float32


def test_weights_are_cast_once_and_again_when_they_change():
    from rushlight.amp.autocast_mode import _cached_cast

    p = rushlight.nn.Parameter(rushlight.ones(2, 2))
    with rushlight.autocast("cpu"):
        first = _cached_cast(p, rushlight.bfloat16)
        assert _cached_cast(p, rushlight.bfloat16) is first
        with rushlight.no_grad():
            p.mul_(2)
        assert _cached_cast(p, rushlight.bfloat16)[0, 0] == 2
    with rushlight.autocast("cpu", cache_enabled=False):
        one, other = (_cached_cast(p, rushlight.bfloat16) for _ in range(2))
        assert one is not other


def test_older_modules():
    from importlib import import_module

    for device in ("cuda", "cpu"):
        for module, name in (("autocast_mode", "autocast"), ("grad_scaler", "GradScaler")):
            found = import_module(f"rushlight.{device}.amp.{module}")
            assert getattr(found, name) is getattr(import_module(f"rushlight.{device}.amp"), name)
    assert rushlight.cuda.amp.amp_definitely_not_available() is not rushlight.cuda.is_available()
