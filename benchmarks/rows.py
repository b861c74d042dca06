"""The table of benchmarks: what is timed, in text that runs on torch and on rushlight alike.

A row has a setup, run once, and a statement, timed as `timeit` does. Both see `torch`, `nn`, `F`
and `load(name)` for an example program. Not here: how rows are run (bench.py).
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One benchmark. `numpy` is its statement in NumPy, after `numpy_setup`, where it has one."""

    group: str
    name: str
    setup: str
    statement: str
    numpy_setup: str = ""
    numpy: str = ""
    readme: bool = False  # shown in README's table


PAIR = "a, b = torch.rand(4), torch.rand(4)"
RECORDING = "a, b = torch.rand(4, requires_grad=True), torch.rand(4, requires_grad=True)"
NUMPY_PAIR = (
    "a, b = numpy.random.rand(4).astype(numpy.float32), numpy.random.rand(4).astype(numpy.float32)"
)
SMALL = [
    Row("small", "a + b, 4 elements", PAIR, "a + b", NUMPY_PAIR, "a + b", readme=True),
    Row("small", "a + b, 4 elements, recording", RECORDING, "a + b", readme=True),
    Row("small", "a.add_(b), 4 elements", PAIR, "a.add_(b)", NUMPY_PAIR, "numpy.add(a, b, out=a)"),
    Row("small", "a.view(2, 2)", PAIR, "a.view(2, 2)", NUMPY_PAIR, "a.reshape(2, 2)"),
    Row("small", "a[1]", PAIR, "a[1]", NUMPY_PAIR, "a[1]"),
    Row("small", "a[1:3]", PAIR, "a[1:3]", NUMPY_PAIR, "a[1:3]"),
    Row("small", "zeros(4)", "", "torch.zeros(4)", "", "numpy.zeros(4, numpy.float32)"),
    Row("small", "tensor([1, 2, 3, 4])", "", "torch.tensor([1.0, 2.0, 3.0, 4.0])"),
    Row("small", "a.sum().item()", PAIR, "a.sum().item()", NUMPY_PAIR, "a.sum().item()"),
    Row("small", "s.item()", "s = torch.rand(())", "s.item()"),
    Row(
        "small",
        "mul, add, sum, backward, 4 elements",
        RECORDING,
        "(a * b + a).sum().backward()",
        readme=True,
    ),
    Row("small", "rows of (100, 4), one by one", "a = torch.rand(100, 4)", "for row in a: row"),
    Row("small", "cat of ten (10, 4)", "a = [torch.rand(10, 4)] * 10", "torch.cat(a)"),
]

POLYNOMIAL = """
import math
x = torch.linspace(-math.pi, math.pi, 2000)
y = torch.sin(x)
a, b, c, d = (torch.randn((), requires_grad=True) for _ in range(4))

def step():
    y_pred = a + b * x + c * x**2 + d * x**3
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 1e-6 * p.grad
            p.grad = None
"""
NET_BY_HAND = """
x, y = torch.randn(64, 1000), torch.randn(64, 10)
w1, w2 = torch.randn(1000, 100), torch.randn(100, 10)

def step():
    global w1, w2
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)
    loss = (y_pred - y).pow(2).sum().item()
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_h = grad_y_pred.mm(w2.t()).clone()
    grad_h[h < 0] = 0
    w1 -= 1e-8 * x.t().mm(grad_h)
    w2 -= 1e-8 * grad_w2
"""
NET_WITH_NN = """
x, y = torch.randn(64, 1000), torch.randn(64, 10)
model = nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10))
loss_fn = nn.MSELoss(reduction="sum")
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

def step():
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
DIGITS = """
model = load("digits").DigitNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
x, y = torch.rand(64, 1, 8, 8), torch.randint(10, (64,))

def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""
LSTM = """
model = nn.LSTM(32, 64)
x = torch.randn(20, 16, 32)

def step():
    model(x)[0].sum().backward()
"""
PROGRAMS = [
    Row("programs", "polynomial fit, 2000 points, a step", POLYNOMIAL, "step()", readme=True),
    Row("programs", "two-layer net by hand, a step", NET_BY_HAND, "step()", readme=True),
    Row("programs", "two-layer net with nn and Adam, a step", NET_WITH_NN, "step()", readme=True),
    Row("programs", "the digits network, batch 64, a step", DIGITS, "step()", readme=True),
    Row("programs", "LSTM 32 to 64, 20 steps, forward and backward", LSTM, "step()"),
]


def elementwise():
    for count in (100_000, 10_000_000):
        setup = f"a, b = torch.rand({count}), torch.rand({count})"
        shown = f"{count:.0e}".replace("e+0", "e")
        for name, statement in (
            ("a + b", "a + b"),
            ("exp", "a.exp()"),
            ("tanh", "a.tanh()"),
            ("gelu", "F.gelu(a)"),
            ("sum", "a.sum()"),
        ):
            readme = count > 1e6 and name in ("a + b", "gelu")
            yield Row("elementwise", f"{name}, {shown} floats", setup, statement, readme=readme)


def products():
    for n in (16, 32, 64, 128, 256, 512, 1024, 2048):
        setup = f"a, b = torch.rand({n}, {n}), torch.rand({n}, {n})"
        yield Row("products", f"matmul {n} x {n}", setup, "a @ b", readme=n in (64, 512, 2048))


def convolutions():
    shapes = {
        "conv2d 3 to 16, 3x3, (8, 3, 32, 32)": ("3, 16, 3, padding=1", "8, 3, 32, 32"),
        "conv2d 64 to 64, 3x3, (4, 64, 56, 56)": ("64, 64, 3, padding=1", "4, 64, 56, 56"),
        "conv2d 256 to 64, 1x1, (4, 256, 28, 28)": ("256, 64, 1", "4, 256, 28, 28"),
        "conv2d depthwise 64, 3x3, (4, 64, 56, 56)": (
            "64, 64, 3, padding=1, groups=64",
            "4, 64, 56, 56",
        ),
    }
    for name, (layer, shape) in shapes.items():
        setup = f"layer = nn.Conv2d({layer}); x = torch.rand({shape}, requires_grad=True)"
        readme = "64 to 64" in name
        yield Row("convolutions", f"{name}, forward", setup, "with torch.no_grad(): layer(x)")
        yield Row(
            "convolutions",
            f"{name}, forward and backward",
            setup,
            "layer(x).sum().backward()",
            readme=readme,
        )


def layers():
    for rows, classes in ((64, 10), (256, 1000)):
        setup = (
            f"x = torch.randn({rows}, {classes}, requires_grad=True); "
            f"y = torch.randint({classes}, ({rows},))"
        )
        statement = "F.cross_entropy(x, y).backward()"
        yield Row("layers", f"cross_entropy ({rows}, {classes}), both ways", setup, statement)
    yield Row("layers", "softmax (256, 1000)", "x = torch.randn(256, 1000)", "x.softmax(1)")
    setup = "layer = nn.LayerNorm(512); x = torch.randn(64, 512, requires_grad=True)"
    yield Row("layers", "layer_norm (64, 512), both ways", setup, "layer(x).sum().backward()")
    setup = "layer = nn.Embedding(10000, 64); x = torch.randint(10000, (32, 20))"
    yield Row("layers", "embedding of 640 out of 10,000, forward", setup, "layer(x)")
    setup = "a = torch.rand(10000, 64); i = torch.randint(10000, (1000,))"
    yield Row("layers", "index_select 1000 rows of 64", setup, "a.index_select(0, i)")
    setup = "layer = nn.MaxPool2d(2); x = torch.rand(8, 32, 32, 32, requires_grad=True)"
    yield Row("layers", "max_pool2d (8, 32, 32, 32), both ways", setup, "layer(x).sum().backward()")


RANDOM = [
    Row("random", "rand(1e6)", "", "torch.rand(1_000_000)", readme=True),
    Row("random", "randn(1e6)", "", "torch.randn(1_000_000)"),
]

ROWS = [
    *SMALL,
    *PROGRAMS,
    *elementwise(),
    *products(),
    *convolutions(),
    *layers(),
    *RANDOM,
]
