"""Calls of about a million elements for the entries of PyTorch's operator database.

    plan = find("sort", seed=0)       which sample, and how its shapes are scaled; None if none can be
    args, kwargs = make(entry, plan)  PyTorch's arguments, the same for the same plan

A sample's tensors are small. Their dimensions are multiplied, and their elements drawn anew from those
that they had, so that probabilities stay probabilities and indices stay in range. Not here: timing.
"""

import functools
import itertools
import math

import torch
from torch.testing._internal.common_methods_invocations import op_db

WANTED = 1_000_000
MOST = 4_200_000  # elements of all arguments and results together: 4 * WANTED and a margin
DTYPES = "float32", "int64", "bool", "complex64", "uint8"
SAMPLES = 60  # looked at
MATRICES = {
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "lu",
    "lu_solve",
    "lu_unpack",
    "geqrf",
}
MATRICES |= {
    "ormqr",
    "svd",
    "qr",
    "logdet",
    "pinverse",
    "triangular_solve",
    "matrix_exp",
    "inverse",
}
MATRICES |= {"pca_lowrank", "svd_lowrank", "addbmm", "baddbmm", "bmm", "block_diag"}

# Arguments written out, where scaling finds none: tuples of PyTorch's expressions.
BY_HAND = {
    "arange": "(1_000_000,)",
    "empty": "((1000, 1000),)",
    "eye": "(1000,)",
    "full": "((1000, 1000), 1.5)",
    "linspace": "(0.0, 1.0, 1_000_000)",
    "logspace": "(0.0, 1.0, 1_000_000)",
    "ones": "((1000, 1000),)",
    "randint": "(0, 10, (1000, 1000))",
    "randn": "((1000, 1000),)",
    "tril_indices": "(1000, 1000)",
    "triu_indices": "(1000, 1000)",
    "zeros": "((1000, 1000),)",
    "linalg.pinv.singular": "(torch.randn(20_000, 8, 3), torch.randn(20_000, 8, 3))",
    "linalg.vander": "(torch.randn(1000, 10),), dict(N=100)",
}
IMAGE, POINTS = "torch.randn(1, 4, 512, 512)", "torch.rand(1, 512, 512, 2) * 2 - 1"
VOLUME, POINTS_3D = "torch.randn(1, 4, 64, 64, 64)", "torch.rand(1, 64, 64, 64, 3) * 2 - 1"
BY_HAND["nn.functional.grid_sample"] = f"({IMAGE}, {POINTS}), dict(align_corners=False)"
BY_HAND["grid_sampler_2d"] = f"({IMAGE}, {POINTS}, 0, 0, False)"
BY_HAND["grid_sampler_3d"] = f"({VOLUME}, {POINTS_3D}, 0, 0, False)"
INTO, INDEX, SOURCE = (
    "torch.randn(1000, 1000)",
    "torch.randint(1000, (1000, 1000))",
    "torch.rand(1000, 1000)",
)
for way in ("sum", "prod", "mean", "amax", "amin"):
    BY_HAND[f"scatter_reduce.{way}"] = f"({INTO}, 0, {INDEX}, {SOURCE}, {way!r})"
    BY_HAND[f"index_reduce.{way}"] = f"({INTO}, 0, {INDEX}[0], {SOURCE}, {way!r})"
for name in ("scatter", "scatter_add"):
    BY_HAND[name] = f"({INTO}, 0, {INDEX}, {SOURCE})"
for name in ("index_add", "index_copy"):
    BY_HAND[name] = f"({INTO}, 0, torch.randperm(1000), {SOURCE})"
for d, sizes in enumerate(((4, 16, 16384), (4, 16, 128, 128), (1, 16, 16, 64, 64)), 1):
    filters = (16, 16, *(3,) * d)
    for name in (f"conv{d}d", f"conv_transpose{d}d"):
        BY_HAND[f"nn.functional.{name}"] = f"(torch.randn({sizes}), torch.randn({filters}))"
BY_HAND["gather"] = f"({INTO}, 1, {INDEX})"
BY_HAND["take_along_dim"] = f"({INTO}, {INDEX}, 1)"
BY_HAND["take"] = f"({INTO}, {INDEX})"
BY_HAND["put"] = f"({INTO}, {INDEX}, {SOURCE})"
BY_HAND["index_select"] = f"({INTO}, 0, {INDEX}[0])"
BY_HAND["index_put"] = f"({INTO}, ({INDEX}[0],), {SOURCE})"
BY_HAND["index_fill"] = f"({INTO}, 0, {INDEX}[0, :500], 2.5)"
BY_HAND["nn.functional.embedding"] = "(torch.randn(1000, 64), torch.randint(1000, (1000, 16)))"


@functools.cache
def entries():
    return {name_of(entry): entry for entry in op_db}


def name_of(entry):
    return f"{entry.name}.{entry.variant_test_name}" if entry.variant_test_name else entry.name


def dtype_of(entry):
    known = [
        getattr(torch, d) for d in DTYPES if getattr(torch, d) in entry.supported_dtypes("cpu")
    ]
    return known[0] if known else None


@functools.lru_cache(maxsize=1)
def samples(name):
    entry = entries()[name]
    torch.manual_seed(0)
    made = entry.sample_inputs("cpu", dtype_of(entry), requires_grad=False)
    return list(itertools.islice(made, SAMPLES))


def tensors(x):
    if isinstance(x, torch.Tensor):
        return [x]
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, (tuple, list)) else ()
    return [t for part in parts for t in tensors(part)]


# ---- scaling: a function of a shape for each way, given the shape of the largest tensor ----


def rows(like, factor):
    """The first dimension of every tensor that has the same."""
    return lambda s: (s[0] * factor, *s[1:]) if s and s[0] == like[0] else s


def first_only(like, factor):
    """The first dimension of tensors of the largest one's shape."""
    return lambda s: (s[0] * factor, *s[1:]) if s == like else s


def last(like, factor):
    return lambda s: (*s[:-1], s[-1] * factor) if s and s[-1] == like[-1] else s


def last_only(like, factor):
    return lambda s: (*s[:-1], s[-1] * factor) if s == like else s


def square(like, factor):
    """The last two dimensions, of every tensor that has the same."""
    k = max(1, math.isqrt(factor))
    return lambda s: (*s[:-2], s[-2] * k, s[-1] * k) if s[-2:] == like[-2:] and len(s) > 1 else s


def square_only(like, factor):
    k = max(1, math.isqrt(factor))
    return lambda s: (*s[:-2], s[-2] * k, s[-1] * k) if s == like and len(s) > 1 else s


def sizes(like, factor):
    """Every dimension by its size: all that are equal stay equal."""
    k = max(1, round(factor ** (1 / max(1, len(like)))))
    return lambda s: tuple(n * k if n > 1 and n in like else n for n in s)


def batch(like, factor):
    """A dimension more in front."""
    return lambda s: (factor, *s)


WAYS = {
    f.__name__: f for f in (square, rows, last, square_only, first_only, last_only, sizes, batch)
}
FOR_MATRICES = ["batch", "rows", "first_only", "square", "sizes"]


def grown(t, shape, exact):
    """A tensor of this shape whose elements are drawn from t's; repeated as they are if `exact`."""
    if tuple(t.shape) == shape or not t.numel():
        return t
    count = math.prod(shape)
    if exact:
        index = torch.arange(count) % t.numel()
    else:
        index = torch.randint(t.numel(), (count,), generator=torch.Generator().manual_seed(0))
    out = t.detach().resolve_conj().resolve_neg().contiguous().view(-1)[index]
    if t.dtype is torch.float32 and not exact:  # equal elements would be easy to sort
        out = out * (1 - 1e-3 * torch.rand(count, generator=torch.Generator().manual_seed(1)))
    return out.view(shape)


def scaled(x, shape_of, exact, shapes_too):
    if isinstance(x, torch.Tensor):
        return grown(x, shape_of(tuple(x.shape)), exact)
    if isinstance(x, dict):
        return {k: scaled(v, shape_of, exact, shapes_too) for k, v in x.items()}
    if (
        shapes_too
        and isinstance(x, (tuple, list, torch.Size))
        and x
        and all(type(n) is int for n in x)
    ):
        return type(x)(shape_of(tuple(x)))
    if type(x) in (tuple, list):
        return type(x)(scaled(v, shape_of, exact, shapes_too) for v in x)
    return x


def make(name, plan):
    """The arguments of a plan: (args, kwargs)."""
    if plan == "by hand":
        torch.manual_seed(0)
        found = eval(BY_HAND[name], {"torch": torch})
        return found if isinstance(found[-1], dict) else (found, {})
    number, way, shapes_too = plan
    sample = samples(name)[number]
    if way == "count":
        return (WANTED, *sample.args), sample.kwargs
    everything = (sample.input, *sample.args), sample.kwargs
    largest = max(tensors(everything), key=torch.Tensor.numel)
    factor = max(1, WANTED // largest.numel())
    exact = way in ("rows", "batch", "first_only") and matrices(name)
    return scaled(everything, WAYS[way](tuple(largest.shape), factor), exact, shapes_too)


def matrices(name):
    return name.startswith("linalg.") or name.partition(".")[0] in MATRICES


def find(name):
    """The first plan that PyTorch can run; None if there is none."""
    if name in BY_HAND:
        return "by hand"
    entry = entries()[name]
    if dtype_of(entry) is None:
        return None
    try:
        found = samples(name)
    except Exception:
        return None
    if found and type(found[0].input) is int:
        return 0, "count", False
    order = sorted((i for i, s in enumerate(found) if size(s)[0]), key=lambda i: size(found[i]))[
        :12
    ]
    ways = FOR_MATRICES if matrices(name) else WAYS
    for number, way, shapes_too in itertools.product(order, ways, (False, True)):
        plan = number, way, shapes_too
        if runs(name, plan):
            return plan
    return None


def size(sample):
    """What makes one sample better than another: large, and with several tensors as large."""
    counts = [t.numel() for t in tensors(every(sample))]
    most = max(counts, default=0)
    return -min(most, 20), -counts.count(most)


def every(sample):
    return (sample.input, *sample.args), sample.kwargs


def runs(name, plan):
    try:
        args, kwargs = make(name, plan)
        given = sum(t.numel() for t in tensors((args, kwargs)))
        if not WANTED // 4 <= given <= MOST:
            return False
        result = tensors(entries()[name].op(*args, **kwargs))
        return all(t.layout is torch.strided and t.numel() <= MOST for t in result)
    except Exception:
        return False
