"""softmax, cross-entropy and the normalisations agree with PyTorch.

Not here: the modules of rushlight.nn (test_nn.py), speed.
"""

import numpy
import pytest
from agree import agree, random, same_error

import rushlight

SHAPES = [
    ((5,), [0]),
    ((3, 4), [0, 1]),
    ((2, 3, 17), [0, 1, 2]),
    ((4, 1500), [0, 1]),
    ((300, 5), [0]),
    ((), [0, -1]),
    ((0, 3), [0, 1]),
]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("shape", "dims"), SHAPES)
def test_softmax(name, shape, dims):
    for dim in dims:
        f = lambda m, x, d=dim: getattr(m, name)(x, d)  # noqa: E731
        agree(f, random(*shape), order=2 if numpy.prod(shape) < 200 else 1)
        agree(f, random(*shape) * 30, dtype="float32", order=1)
        agree(f, random(*shape), dtype="float16")
        agree(f, random(*shape), dtype="bfloat16")
        agree(f, (lambda t: t.t() if t.dim() == 2 else t, random(*shape[::-1])), order=1)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_special(name):
    inf, nan = numpy.inf, numpy.nan
    x = numpy.array(
        [[1.0, -inf, 2, 3], [inf, 1, 2, 0], [nan, 1, 2, 3], [-inf] * 4, [1000, 999, -1000, 0]]
    )
    for dim in (0, 1):
        agree(lambda m, x, d=dim: getattr(m, name)(x, d), x, dtype="float32")
        agree(lambda m, x, d=dim: getattr(x, name)(d, dtype=m.float64), x, dtype="float32")
    agree(lambda m, x: getattr(m, name)(x.long(), 0, dtype=m.float32), random(3))


CLASSES = 5
INPUTS = {
    "vector": ((CLASSES,), ()),
    "vector and one": ((CLASSES,), (1,)),
    "matrix": ((7, CLASSES), (7,)),
    "sequence": ((3, CLASSES, 4), (3, 4)),
    "image": ((2, CLASSES, 3, 2), (2, 3, 2)),
    "volume": ((2, CLASSES, 3, 2, 2), (2, 3, 2, 2)),
    "none": ((0, CLASSES), (0,)),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("reduction", [0, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignored", [False, True])
def test_class_indices(name, reduction, weighted, ignored):
    shape, target_shape = INPUTS[name]
    r = numpy.random.default_rng(0)
    target = r.integers(0, CLASSES, target_shape)
    if ignored and target.size > 1:
        target.flat[1] = 2
    target = numpy.asarray(target, dtype="int64")
    weight = numpy.abs(random(CLASSES)) if weighted else None

    def loss(m, x, which, smoothing=None):
        w = None if weight is None else m.from_numpy(weight).to(x.dtype)
        more = () if smoothing is None else (smoothing,)
        index = 2 if ignored else -100
        return getattr(m._C._nn, which)(x, m.from_numpy(target), w, reduction, index, *more)

    for dtype in ("float64", "float32"):
        order = 2 if dtype == "float64" else 1
        if name == "vector and one":
            order = 0  # PyTorch's backward does not take it
        agree(lambda m, x: loss(m, x, "nll_loss_nd"), random(*shape), dtype=dtype, order=order)
        for smoothing in (0.0, 0.2):
            if name == "vector and one" and smoothing:
                continue
            agree(
                lambda m, x, s=smoothing: loss(m, x, "cross_entropy_loss", s),
                random(*shape),
                dtype=dtype,
                order=order,
            )
    agree(lambda m, x: loss(m, x, "cross_entropy_loss", 0.0), random(*shape), dtype="float16")


@pytest.mark.parametrize("shape", [(CLASSES,), (4, CLASSES), (2, CLASSES, 3)])
@pytest.mark.parametrize("reduction", [0, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_probabilities(shape, reduction, weighted):
    weight = numpy.abs(random(CLASSES)) if weighted else None
    for smoothing in (0.0, 0.3):

        def loss(m, x, p, s=smoothing):
            w = None if weight is None else m.from_numpy(weight)
            return m._C._nn.cross_entropy_loss(x, p, w, reduction, -100, s)

        agree(loss, random(*shape), numpy.abs(random(*shape, seed=3)), order=2)


def test_large_cross_entropy():
    x = random(300, 1000)
    target = numpy.random.default_rng(1).integers(0, 1000, 300)

    def loss(m, x):
        return m._C._nn.cross_entropy_loss(x, m.from_numpy(target), None, 1, -100, 0.0)

    agree(loss, x, dtype="float32", order=1)
    agree(loss, x * 100, dtype="float32", order=1)
    agree(lambda m, x: loss(m, x.t()), numpy.ascontiguousarray(x.T), order=1)


@pytest.mark.parametrize("size", [(6, 3), (4, 10), (3, 5, 70), (2, 1500)])
@pytest.mark.parametrize("params", ["", "w", "wb", "b"])
def test_layer_norm(size, params):
    last = size[-1:]

    def f(m, x, w, b):
        return m.layer_norm(x, last, w if "w" in params else None, b if "b" in params else None)

    for dtype, order in (("float64", 2), ("float32", 1), ("float16", 0), ("bfloat16", 0)):
        if size[-1] > 100:
            order = min(order, 1)
        if params == "b":
            order = 0  # PyTorch's backward does not take it
        agree(
            f, random(*size), random(*last, seed=1), random(*last, seed=2), dtype=dtype, order=order
        )

    def rms(m, x, w, eps=None):
        return m.rms_norm(x, last, w if "w" in params else None, eps)

    for dtype, order in (("float64", 2), ("float32", 1), ("float16", 0)):
        agree(
            rms,
            random(*size),
            random(*last, seed=1),
            dtype=dtype,
            order=min(order, 1 + (size[-1] < 100)),
        )
    agree(lambda m, x, w: rms(m, x, w, 0.1), random(*size), random(*last, seed=1), order=1)


def test_layer_norm_shapes():
    x = random(2, 3, 4, 5)
    agree(lambda m, x: m.layer_norm(x, (4, 5)), x, order=2)
    agree(lambda m, x: m.native_layer_norm(x, (3, 4, 5), None, None, 1e-3)[0], x, order=1)
    agree(lambda m, x: m.native_layer_norm(x, (5,), None, None, 1e-3), x, dtype="float32")
    agree(lambda m, x: m.layer_norm(x.transpose(1, 3), (3,)), x, order=1)
    agree(lambda m, x: m.layer_norm(x, (4,)), random(0, 4), order=1)


@pytest.mark.parametrize("n", [5, 5000])
def test_far_from_zero(n):
    x = (random(4, n) + 1000).astype("float32")
    centred = x.astype("float64") - x.mean(1, keepdims=True, dtype="float64")
    exact = centred / numpy.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
    t = rushlight.from_numpy(x)
    batch = rushlight.batch_norm(t.t(), *[None] * 4, True, 0.1, 1e-5, True).t()
    group = rushlight.group_norm(t[:, :, None], 1)[:, :, 0]
    for y in (rushlight.layer_norm(t, (n,)), batch, group):
        assert numpy.abs(y.numpy() - exact).max() < 2e-6


BATCHES = [(6, 3), (4, 3, 7), (2, 3, 4, 5), (2, 3, 2, 2, 2), (100, 70), (3, 2, 40, 40)]


@pytest.mark.parametrize("shape", BATCHES)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("running", [True, False])
def test_batch_norm(shape, training, affine, running):
    c = shape[1]
    if not (training or running):
        return

    def f(m, x, w, b):
        mean = m.arange(c).to(x.dtype) / 10 if running else None
        var = m.arange(c).to(x.dtype) / 5 + 0.5 if running else None
        w, b = (w, b) if affine else (None, None)
        y = m.batch_norm(x, w, b, mean, var, training, 0.3, 1e-3, True)
        return (y, mean, var) if running else y

    small = numpy.prod(shape) < 1000
    for dtype, order in (("float64", 2 if small else 1), ("float32", 1), ("float16", 0)):
        agree(f, random(*shape), random(c, seed=1), random(c, seed=2), dtype=dtype, order=order)


def test_batch_norm_forms():
    x, w = random(5, 3, 4), random(3)
    agree(
        lambda m, x, w: m.native_batch_norm(x, w, w, None, None, True, 0.1, 1e-5)[0], x, w, order=1
    )
    agree(lambda m, x, w: m.native_batch_norm(x, w, w, None, None, True, 0.1, 1e-5), x, w)
    agree(lambda m, x, w: m.native_batch_norm(x, w, w, w, w * w, False, 0.1, 1e-5), x, w)
    agree(
        lambda m, x: m.batch_norm(x.transpose(0, 1), *[None] * 4, True, 0.1, 1e-5, True), x, order=1
    )
    agree(lambda m, x: m.batch_norm(x[:1, :, 0], *[None] * 4, True, 0.1, 1e-5, True), x)
    agree(lambda m, x: m.batch_norm(x + 3000, *[None] * 4, True, 0.1, 1e-5, True), x, order=1)


@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 4, 3, 5), (1, 2, 2, 2, 3)])
@pytest.mark.parametrize("stats", [True, False])
def test_instance_norm(shape, stats):
    c = shape[1]

    def f(m, x, w, b):
        mean, var = m.arange(c).to(x.dtype) / 10, m.arange(c).to(x.dtype) / 5 + 0.5
        return m.instance_norm(x, w, b, mean, var, stats, 0.3, 1e-3, True), mean, var

    for dtype, order in (("float64", 2), ("float32", 1)):
        agree(f, random(*shape), random(c, seed=1), random(c, seed=2), dtype=dtype, order=order)
    agree(
        lambda m, x: m.instance_norm(x, *[None] * 4, True, 0.1, 1e-5, True), random(*shape), order=1
    )


@pytest.mark.parametrize("shape", [(3, 8), (2, 6, 5), (2, 4, 3, 5), (2, 32, 30, 30)])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("params", ["", "w", "wb", "b"])
def test_group_norm(shape, groups, params):
    c = shape[1]

    def f(m, x, w, b):
        return m.group_norm(x, groups, w if "w" in params else None, b if "b" in params else None)

    most = 0 if params == "b" else 2 if numpy.prod(shape) < 1000 else 1  # b: as above
    for dtype, order in (("float64", most), ("float32", min(most, 1)), ("float16", 0)):
        agree(f, random(*shape), random(c, seed=1), random(c, seed=2), dtype=dtype, order=order)


def bn(m, x, w=None, b=None, mean=None, var=None, training=True):
    return m.batch_norm(x, w, b, mean, var, training, 0.1, 1e-5, True)


def ce(m, x, *more):
    return m._C._nn.cross_entropy_loss(x, *more)


def nll(m, x, *more):
    return m._C._nn.nll_loss_nd(x, *more)


ERRORS = {
    "softmax of ints": lambda m: m.tensor([1, 2]).softmax(0),
    "softmax of ints, inner": lambda m: m.ones(2, 2, dtype=m.int64).softmax(0),
    "log_softmax of ints": lambda m: m.tensor([1, 2]).log_softmax(0),
    "softmax range": lambda m: m.ones(2).softmax(1),
    "target too large": lambda m: ce(m, m.ones(3, 4), m.tensor([0, 4, 1])),
    "target negative": lambda m: ce(m, m.ones(3, 4), m.tensor([0, -1, 1])),
    "target of images": lambda m: ce(m, m.ones(1, 4, 2, 2), m.full((1, 2, 2), 7)),
    "target int32": lambda m: ce(m, m.ones(3, 4), m.tensor([0, 1, 1]).int()),
    "target float": lambda m: ce(m, m.ones(3, 4), m.tensor([0.0, 1, 1])),
    "target count": lambda m: ce(m, m.ones(3, 4), m.tensor([0, 1])),
    "target of a vector": lambda m: ce(m, m.ones(4), m.tensor([0, 1, 2])),
    "target of input's shape": lambda m: ce(m, m.ones(3, 4), m.ones(3, 4, dtype=m.int64)),
    "target shape": lambda m: ce(m, m.ones(2, 4, 3), m.zeros(2, 2, dtype=m.int64)),
    "target dims": lambda m: ce(m, m.ones(2, 4, 3, 2), m.zeros(2, 3, dtype=m.int64)),
    "nll multi": lambda m: nll(m, m.ones(3, 4), m.zeros(3, 4, dtype=m.int64)),
    "nll scalar": lambda m: nll(m, m.tensor(1.0), m.tensor(0)),
    "nll ints": lambda m: nll(m, m.ones(3, 4).long(), m.tensor([0, 1, 2])),
    "nll size": lambda m: nll(m, m.ones(2, 4, 3, 2), m.zeros(2, 3, 3, dtype=m.int64)),
    "weights": lambda m: ce(m, m.ones(3, 4), m.tensor([0, 1, 1]), m.ones(3)),
    "weight dtype": lambda m: ce(m, m.ones(3, 4), m.tensor([0, 1, 1]), m.ones(4).double()),
    "weights of probabilities": lambda m: ce(m, m.ones(3, 4), m.ones(3, 4), m.ones(3)),
    "ignored probabilities": lambda m: ce(m, m.ones(3, 4), m.ones(3, 4), None, 1, 0),
    "smoothing": lambda m: ce(m, m.ones(3, 4), m.tensor([0, 1, 1]), None, 1, -100, 1.5),
    "cross entropy of ints": lambda m: ce(m, m.ones(3, 4).long(), m.tensor([0, 1, 1])),
    "layer_norm shape": lambda m: m.layer_norm(m.ones(3, 4), [3]),
    "layer_norm no shape": lambda m: m.layer_norm(m.ones(3, 4), []),
    "layer_norm weight": lambda m: m.layer_norm(m.ones(3, 4), [4], m.ones(3)),
    "layer_norm bias": lambda m: m.layer_norm(m.ones(3, 4), [4], m.ones(4), m.ones(3)),
    "layer_norm ints": lambda m: m.layer_norm(m.ones(3, 4).long(), [4]),
    "layer_norm mixed": lambda m: m.layer_norm(m.ones(3, 4), [4], m.ones(4).double()),
    "rms_norm shape": lambda m: m.rms_norm(m.ones(3, 4), [3]),
    "rms_norm ints": lambda m: m.rms_norm(m.ones(3, 4).long(), [4]),
    "group_norm groups": lambda m: m.group_norm(m.ones(3, 4), 3),
    "group_norm none": lambda m: m.group_norm(m.ones(3, 4), 0),
    "group_norm weight": lambda m: m.group_norm(m.ones(3, 4), 2, m.ones(3)),
    "group_norm vector": lambda m: m.group_norm(m.ones(4), 1),
    "batch_norm weight": lambda m: bn(m, m.ones(3, 4), m.ones(3)),
    "batch_norm bias": lambda m: bn(m, m.ones(3, 4), m.ones(4), m.ones(3)),
    "batch_norm mean": lambda m: bn(m, m.ones(3, 4), None, None, m.ones(3), m.ones(4)),
    "batch_norm var": lambda m: bn(m, m.ones(3, 4), None, None, m.ones(4), m.ones(3)),
    "batch_norm eval": lambda m: bn(m, m.ones(3, 4), training=False),
    "batch_norm eval var": lambda m: bn(m, m.ones(3, 4), mean=m.ones(4), training=False),
    "batch_norm ints": lambda m: bn(m, m.ones(3, 4).long()),
    "batch_norm mixed": lambda m: bn(m, m.ones(3, 4), m.ones(4).double(), m.ones(4).double()),
    "batch_norm vector": lambda m: bn(m, m.ones(4)),
    "instance_norm": lambda m: m.instance_norm(
        m.ones(2, 3, 4), None, None, None, None, False, 0.1, 1e-5, True
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    same_error(ERRORS[name])


def test_threads_do_not_matter():
    r = numpy.random.default_rng(0)
    x = rushlight.from_numpy(r.standard_normal((64, 32, 20, 20)).astype("float32")).requires_grad_()
    w = rushlight.ones(32, requires_grad=True)
    results = []
    n = rushlight.get_num_threads()
    try:
        for threads in (1, 2, 3):
            rushlight.set_num_threads(threads)
            y = bn(rushlight, x, w) + rushlight.group_norm(x, 4, w) + x.softmax(1)
            rows = x.reshape(-1, 400)
            z = rushlight.layer_norm(rows, (400,), rows[0]).cos().sum()
            grads = rushlight.autograd.grad((y * y * y).sum() + z, (x, w))
            results.append([t.detach().numpy().tobytes() for t in (y, z, *grads)])
    finally:
        rushlight.set_num_threads(n)
    assert results[0] == results[1] == results[2]
