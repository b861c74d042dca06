"""A program that test_isa.py runs once for each instruction set: it computes what kernels of that
set compute, in float and in double, and writes all of it to a file. Not a test.

    RUSHLIGHT_ISA=avx2 python instruction_sets.py RESULTS.npz
"""

import sys

import numpy

import rushlight as torch
from rushlight.nn import functional as F

# Lengths on both sides of 4, 8 and 16 lanes, and of several vectors.
LENGTHS = (1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 130, 1000)
FUNCTIONS = (
    "exp expm1 log log1p log2 sin cos tan tanh sigmoid sqrt rsqrt reciprocal erf lgamma atan asin sinh "
    "abs floor round neg square"
).split()
REDUCTIONS = "sum mean amax amin prod norm var logsumexp cumsum".split()
EDGES = [
    0.0,
    -0.0,
    float("inf"),
    -float("inf"),
    float("nan"),
    1e-40,
    -1e-40,
    3e38,
    -3e38,
    1.0,
    88.0,
    -104.0,
]


def numbers(*shape, seed=0, low=None):
    x = numpy.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(abs(x) + low if low is not None else x)


def results(dtype):
    """(name, what is compared) in a dtype"""
    cast = lambda t: t.float().to(dtype)  # noqa: E731  the same numbers in both precisions
    for n in LENGTHS:
        # From an element on that no register is aligned to.
        x, y = cast(numbers(n + 1))[1:], cast(numbers(n + 1, seed=1))[1:]
        for name in FUNCTIONS:
            inside = (
                x.abs() + 0.1 if name in ("log", "log2", "sqrt", "rsqrt", "log1p", "lgamma") else x
            )
            yield (
                f"{name} {n}",
                getattr(inside.clamp(-0.99, 0.99) if name == "asin" else inside, name)(),
            )
        yield f"arithmetic {n}", x * y + x / (y.abs() + 1) - torch.maximum(x, y)
        yield f"choice {n}", torch.where(x > y, x, y) + (x <= 0).to(dtype)
        rows = cast(numbers(5, n, seed=2))
        for name in REDUCTIONS:
            f = getattr(torch, name)
            along = {"cumsum": (0, 1), "logsumexp": (0, 1)}.get(name, (0, 1) if n > 1 else (0,))
            for dim in along:
                options = {} if name in ("cumsum",) else {"dim": dim}
                yield f"{name} {n} {dim}", f(rows, dim) if not options else f(rows, **options)
        yield f"softmax {n}", F.softmax(rows, 1)
        yield f"log_softmax {n}", F.log_softmax(rows, 0)
        yield f"layer_norm {n}", F.layer_norm(rows, (n,)) if n > 1 else rows
        yield f"product {n}", rows @ cast(numbers(n, 19, seed=3))
        yield f"tall product {n}", cast(numbers(70, n, seed=4)) @ cast(numbers(33, n, seed=5)).t()
        yield f"matrix by vector {n}", rows @ x
        spectrum = torch.fft.rfft(x)
        yield f"spectrum {n}", torch.view_as_real(spectrum)
    image = cast(numbers(2, 8, 13, 11, seed=6))
    for groups, size, stride, padding in (
        (1, 3, 1, 1),
        (1, 3, 2, 0),
        (8, 3, 1, 1),
        (1, 1, 1, 0),
        (2, 5, 1, 2),
    ):
        weight = cast(numbers(16, 8 // groups, size, size, seed=7)).requires_grad_()
        x = image.clone().requires_grad_()
        y = F.conv2d(x, weight, None, stride, padding, 1, groups)
        y.sin().sum().backward()
        for part, t in (("y", y.detach()), ("dx", x.grad), ("dw", weight.grad)):
            yield f"conv {groups} {size} {stride} {part}", t
    for name in ("max_pool2d", "avg_pool2d"):
        yield name, getattr(F, name)(image, 3, 2, 1)
    cell = torch.nn.LSTM(5, 19).to(dtype)
    for k, p in enumerate(cell.parameters()):
        p.data = cast(numbers(*p.shape, seed=k)) / 4
    yield "lstm", cell(cast(numbers(7, 3, 5)))[0].detach()
    square = cast(numbers(40, 40, seed=8)) + 8 * torch.eye(40, dtype=dtype)
    yield "solve", torch.linalg.solve(square, cast(numbers(40, 3)))
    yield "qr", torch.linalg.qr(square)[1].abs()
    for name in ("Adam", "SGD", "RMSprop"):
        p = cast(numbers(33, seed=9)).requires_grad_()
        p.grad = cast(numbers(33, seed=10))
        getattr(torch.optim, name)([p], lr=0.1).step()
        yield name, p.detach()


def exact_results():
    """What has no rounding to differ in."""
    edges = torch.tensor(EDGES * 3)
    for name in FUNCTIONS:
        y = getattr(edges, name)()
        yield f"kind of {name}", torch.stack([y.isnan(), y.isinf(), y.signbit() & ~y.isnan()])
    x = numbers(1000)
    for dtype in (torch.float16, torch.bfloat16, torch.int32, torch.uint8, torch.bool):
        yield f"to {dtype}", (x * 50).float().to(dtype).to(torch.int64)
        yield f"edges to {dtype}", edges.nan_to_num(0, 0, 0).clamp(0, 100).to(dtype).to(torch.int64)
    y = x.float().half()
    yield "from float16", y.double()
    yield "sort", x.float().sort().indices
    yield "transpose", x.float().view(20, 50).t().contiguous()
    yield "integers", torch.arange(35).view(5, 7) @ torch.arange(63).view(7, 9)
    torch.manual_seed(0)
    yield "random numbers", torch.rand(100)


if __name__ == "__main__":
    found = {}
    for dtype in ("float32", "float64"):
        for name, t in results(getattr(torch, dtype)):
            found[f"{dtype} {name}"] = t.double().numpy()
    for name, t in exact_results():
        found[f"exact {name}"] = t.numpy()
    numpy.savez(sys.argv[1], isa=torch._C._isa(), **found)
