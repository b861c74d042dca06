"""What a row of the table of operations is made of: its inputs, before a library makes them tensors.

Not here: any row (ops.py and the ops_*.py it imports), or how rows are checked (ops_check.py).
"""

import functools
import zlib

import numpy

FLOATS = ("float16", "bfloat16", "float32", "float64")
WIDE = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
INTS = ("uint8", "int8", "int16", "int32", "int64")
ALL = ("bool", *INTS, *FLOATS, *COMPLEX)
REAL = ("bool", *INTS, *FLOATS)
NUMBERS = (*INTS, *FLOATS, *COMPLEX)
DIFFERENTIABLE = (*FLOATS, *COMPLEX)


def is_float(dtype):
    return dtype in FLOATS


def numpy_dtype(dtype):
    return "float32" if dtype == "bfloat16" else dtype


class D:
    """A dtype argument: D("float64") is torch.float64."""

    def __init__(self, name):
        self.name = name


class G:
    """A generator argument, seeded."""

    def __init__(self, seed):
        self.seed = seed


class K(dict):
    """The keyword arguments of a sample: its last item."""


class X:
    """A tensor argument of random values.

    at: "any" (around zero), "positive", "nonzero", "distinct", "(low, high)", or the values themselves.
    dtype: fixed; otherwise that of the test. layout: how it lies in memory.
    """

    def __init__(self, *shape, at="any", dtype=None, layout="dense", grad=True):
        self.shape, self.at, self.dtype, self.layout, self.grad = shape, at, dtype, layout, grad
        if not isinstance(at, str):
            self.shape = numpy.shape(at)

    def with_layout(self, layout):
        other = X(*self.shape, at=self.at, dtype=self.dtype, layout=layout, grad=self.grad)
        return other

    def array(self, dtype, seed):
        dtype = self.dtype or dtype
        if not isinstance(self.at, str):
            return as_dtype(numpy.array(self.at), dtype)
        return draw(self.at, self.shape, dtype, seed)


def as_dtype(values, dtype):
    kind = numpy.dtype(numpy_dtype(dtype))
    if kind.kind in "iu" and values.dtype.kind == "f":
        values = values.astype("int64")
    with numpy.errstate(all="ignore"):
        return values.astype(kind)


@functools.cache
def draw(at, shape, dtype, seed):
    rng = numpy.random.default_rng(zlib.crc32(f"{shape}{at}{seed}".encode()))
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    real = draw_real(at, shape, dtype, rng)
    if dtype in COMPLEX:
        return (real + 1j * draw_real("any", shape, dtype, rng)).astype(dtype)
    if dtype in INTS:
        low, high = (0, 100) if dtype == "uint8" else (-100, 100)
        return numpy.clip(numpy.round(real), low, high).astype(dtype)
    return as_dtype(numpy.asarray(real), dtype)


def draw_real(at, shape, dtype, rng):
    count = int(numpy.prod(shape))
    if at == "any":
        return rng.standard_normal(shape) * 2
    if at == "positive":
        return rng.uniform(1 if dtype in INTS else 0.2, 4, shape)
    if at == "nonzero":
        return rng.choice([-1.0, 1.0], shape) * rng.uniform(1 if dtype in INTS else 0.3, 4, shape)
    if at == "distinct":
        low = 0 if dtype == "uint8" else count // 2
        return (rng.permutation(count).reshape(shape) - low) * (1.0 if dtype in INTS else 0.5)
    low, high = (float(v) for v in at.strip("()").split(","))
    return rng.uniform(low, high, shape)


def build(m, arg, dtype, seed=0, leaves=None):
    """An argument as library m takes it. With `leaves`, floating tensors require a gradient."""
    if isinstance(arg, X):
        return build_tensor(m, arg, dtype, seed, leaves)
    if isinstance(arg, D):
        return getattr(m, arg.name)
    if isinstance(arg, G):
        return m.Generator().manual_seed(arg.seed)
    if isinstance(arg, (list, tuple)):
        return type(arg)(build(m, a, dtype, seed + i, leaves) for i, a in enumerate(arg))
    if isinstance(arg, dict):
        return {k: build(m, a, dtype, seed + i, leaves) for i, (k, a) in enumerate(arg.items())}
    return arg


def build_tensor(m, x, dtype, seed, leaves):
    name = x.dtype or dtype
    a = x.array(dtype, seed)
    view = None
    if x.layout == "transposed" and a.ndim > 1:
        a, view = a.swapaxes(0, -1), lambda t: t.transpose(0, -1)
    elif x.layout == "strided" and a.ndim > 0:
        a, view = numpy.repeat(a, 2, -1), lambda t: t[..., ::2]
    t = m.from_numpy(numpy.array(a, order="C", copy=True))
    if name == "bfloat16":
        t = t.to(m.bfloat16)
    if leaves is not None and x.grad and name in DIFFERENTIABLE:
        t.requires_grad_()
        leaves.append(t)
    return view(t) if view else t


class Row:
    """One operation: how it is called, on what, and what cannot be asked of it.

    samples: tuples of arguments. dtypes: those to try. call(m, *args): how, if not by its name;
    ref(m, *args): how PyTorch does it, if it has no such name. tol: a factor on the tolerance.
    orders: of gradients to compare. exact: numbers must be equal (random streams). undefined: only
    shapes and dtypes are compared. view: strides and offset are compared too. layouts: also tried.
    messages: must errors have PyTorch's first line, or just its class? skip: {kind of test: reason}.
    """

    def __init__(self, name, samples, dtypes=ALL, call=None, ref=None, tol=1, orders=2, exact=False,
                 undefined=False, view=False, layouts=("transposed", "strided"), promotes=False,
                 edges=(), skip=None, call_in_place=None,
                 dtypes_for_out="float32",
                 messages=True):  # fmt: skip
        self.name, self.samples, self.dtypes, self.call, self.ref = name, samples, dtypes, call, ref
        self.tol, self.orders, self.exact, self.undefined = tol, orders, exact, undefined
        self.view, self.layouts, self.promotes, self.edges = view, layouts, promotes, edges
        self.skip = skip or {}
        self.call_in_place, self.dtypes_for_out = call_in_place, dtypes_for_out
        self.messages, self.formula, self.relaid = messages, False, range(len(samples))

    def cases(self, dtype):
        """(label, arguments) of every sample, then with other strides."""
        for i, s in enumerate(self.samples):
            yield f"sample {i}", s
        for i, s in enumerate(self.edges_for(dtype)):
            yield f"edges {i}", s
        for layout in self.layouts:
            for i, s in enumerate(self.samples):
                if i in self.relaid and any(
                    isinstance(a, X) and a.layout == "dense" and a.shape for a in s
                ):
                    yield f"sample {i} {layout}", relaid(s, layout)

    def edges_for(self, dtype):
        return self.edges(dtype) if callable(self.edges) else self.edges


def row(name, *samples, **options):
    """A row; a sample of one argument need not be a tuple."""
    return Row(name, [s if isinstance(s, tuple) else (s,) for s in samples], **options)


def relaid(sample, layout):
    return tuple(a.with_layout(layout) if isinstance(a, X) else a for a in sample)


def arguments(m, sample, dtype, leaves=None):
    *args, last = sample if sample and isinstance(sample[-1], K) else (*sample, K())
    built = [build(m, a, dtype, 7 * i, leaves) for i, a in enumerate(args)]
    return built, build(m, dict(last), dtype, 100, leaves)
