"""How a row of the table is checked: it is run on PyTorch and on rushlight, and what comes out is
compared. Each check yields (label, dtype, problem), problem None if all is well.

Not here: rows (ops.py), or which checks make a test (test_ops.py).
"""

import functools
import warnings

import numpy
import torch
from ops_inputs import DIFFERENTIABLE, X, arguments

import rushlight

OPERATIONS = {o["name"]: o for o in rushlight._C._operations()}
RTOL = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 3e-6, "float64": 1e-12,
        "complex64": 1e-5, "complex128": 1e-12}  # fmt: skip
MISSING = ("not implemented", "not supported for", "unsupported dtype", "not differentiable",
           "does not support automatic differentiation")  # fmt: skip


@functools.cache
def find(m, name):
    """The operation in library m: a function, a method, or one that serves others."""
    core = m._C
    if name in OPERATIONS and not OPERATIONS[name]["function"] and hasattr(m.Tensor, name):
        return getattr(m.Tensor, name)
    if m is torch or name in core._functions:
        function = getattr(m, name, None)
        if function is not None:
            return function
    places = [core._nn, m.Tensor, getattr(m, "special", None), getattr(m, "linalg", None)]
    if m is rushlight:
        places += [core._special, core._linalg, core._hidden]
    for place in places:
        if hasattr(place, name):
            return getattr(place, name)
    raise AssertionError(f"{m.__name__} has no {name}")


def function_of(m, row):
    if row.call is not None:
        return lambda *a, **k: row.call(m, *a, **k)
    if row.ref is not None and m is torch:
        return lambda *a, **k: row.ref(m, *a, **k)
    return find(m, row.name)


def flat(result):
    if isinstance(result, (tuple, list)):
        return [t for r in result for t in flat(r)]
    return [result]


def dtype_name(t):
    return str(t.dtype).rpartition(".")[2]


def is_tensor(t):
    return isinstance(t, (torch.Tensor, rushlight.Tensor))


class Error:
    """What was raised: its class and first line."""

    def __init__(self, e):
        self.kind = type(e).__name__
        # complex32 is not among the dtypes: complex64 stands for it.
        self.line = str(e).partition("\n")[0].replace("ComplexHalf", "ComplexFloat")

    def missing_kernel(self):
        return self.kind == "NotImplementedError" or any(s in self.line for s in MISSING)


class Value:
    """A result, as NumPy sees it, with what the library says of it."""

    def __init__(self, t):
        self.dtype = dtype_name(t)
        self.shape, self.strides, self.offset = tuple(t.shape), t.stride(), t.storage_offset()
        self.requires_grad = t.requires_grad
        t = t.detach()
        if t.is_complex():
            t = t.resolve_conj()
        t = t.resolve_neg()
        if isinstance(t, torch.Tensor) and t._is_zerotensor():
            t = t.clone()
        self.array = (t.float() if self.dtype == "bfloat16" else t).numpy().copy()


def value(t):
    return Value(t) if is_tensor(t) else t


def attempt(f):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f()
        except Exception as e:  # noqa: BLE001  (whatever PyTorch raises, the same is wanted)
            return Error(e)


# ---- comparing ----


def same_error(mine, theirs, messages=True):
    """None, or how errors differ. A kernel that PyTorch lacks may exist here."""
    if isinstance(theirs, Error) and theirs.missing_kernel():
        return "wider"
    if isinstance(theirs, Error) and isinstance(mine, Error):
        if (mine.kind, mine.line) == (theirs.kind, theirs.line):
            return "same"
        other_words = "invalid combination of arguments" in theirs.line or not messages
        if mine.kind == theirs.kind and other_words:
            return "same"
        return f"raises {mine.kind}: {mine.line!r}, not {theirs.kind}: {theirs.line!r}"
    if isinstance(theirs, Error):
        return f"does not raise {theirs.kind}: {theirs.line!r}"
    if isinstance(mine, Error):
        return f"raises {mine.kind}: {mine.line!r}"
    return None


def different_numbers(a, b, rtol):
    if a.size == 0:
        return None
    if b.dtype.kind not in "fc" or rtol == 0:
        bad = ~((a == b) | ((a != a) & (b != b)))
    else:
        with numpy.errstate(all="ignore"):
            finite = numpy.abs(b[numpy.isfinite(b)])
            scale = min(1.0, max(1e-3, float(finite.max()))) if finite.size else 1.0
            near = numpy.abs(a - b) <= rtol * (numpy.abs(b) + scale)
            bad = ~(near & numpy.isfinite(b) | (a == b) | (numpy.isnan(a) & numpy.isnan(b)))
    if not bad.any():
        return None
    at = numpy.argwhere(bad)[0] if bad.ndim else ()
    place = tuple(int(i) for i in at)
    return f"{int(bad.sum())} of {bad.size} differ, at {place} is {a[place]}, not {b[place]}"


def different(mine, theirs, row, values=True):
    """None, or how two results differ."""
    error = same_error(mine, theirs, row.messages)
    if error is not None:
        return None if error in ("same", "wider") else error
    if len(mine) != len(theirs):
        return f"{len(mine)} results, not {len(theirs)}"
    for i, (a, b) in enumerate(zip(mine, theirs)):
        which = f"result {i}: " if len(mine) > 1 else ""
        if not isinstance(b, Value) or not isinstance(a, Value):
            equal = a == b or (a != a and b != b) or str(a).replace("rushlight", "torch") == str(b)
            if not equal or isinstance(a, Value) or isinstance(b, Value):
                return f"{which}{a!r}, not {b!r}"
            continue
        for fact in (
            "dtype",
            "shape",
            *(("strides", "offset") if row.view and b.array.size else ()),
        ):
            if getattr(a, fact) != getattr(b, fact):
                return f"{which}{fact} {getattr(a, fact)}, not {getattr(b, fact)}"
        rtol = 0 if row.exact else RTOL.get(b.dtype, 0) * row.tol
        problem = values and not row.undefined and different_numbers(a.array, b.array, rtol)
        if problem:
            return which + problem
    return None


def different_gradients(mine, theirs, dtype, tol, messages=True):
    """As different(), for lists in which None stands for zeros."""
    error = same_error(mine, theirs, messages)
    if error is not None:
        return None if error in ("same", "wider") else error
    if len(mine) != len(theirs):
        return f"{len(mine)} gradients, not {len(theirs)}"
    for i, (a, b) in enumerate(zip(mine, theirs)):
        if a is None or b is None:
            rest = a if b is None else b
            if rest is not None and numpy.any(rest.array):
                return f"gradient {i} is {'absent' if a is None else 'not absent'}"
            continue
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            return f"gradient {i}: {a.dtype} {a.shape}, not {b.dtype} {b.shape}"
        problem = different_numbers(a.array, b.array, RTOL[dtype] * tol)
        if problem:
            return f"gradient {i}: {problem}"
    return None


# ---- running ----


def run_values(m, row, sample, dtype):
    def go():
        args, kwargs = arguments(m, sample, dtype)
        m.default_generator.manual_seed(0)
        result = function_of(m, row)(*args, **kwargs)
        if row.name.endswith("_") and is_tensor(result):
            assert result is args[0], "an in-place form returns self"
        return [value(t) for t in flat(result)]

    return attempt(go)


def weights(m, outs, order):
    made = []
    for i, t in enumerate(outs):
        w = numpy.cos(numpy.arange(t.numel(), dtype="float64") * (1.3 + i) + i + order)
        made.append(m.from_numpy(w.reshape(tuple(t.shape))).to(t.dtype))
    return made


def forward(m, row, sample, dtype):
    leaves = []
    args, kwargs = arguments(m, sample, dtype, leaves)
    if row.name.endswith("_"):
        args[0] = args[0].clone()
    m.default_generator.manual_seed(0)
    outs = flat(function_of(m, row)(*args, **kwargs))
    return leaves, [t for t in outs if is_tensor(t) and t.requires_grad]


def run_gradients(m, row, sample, dtype):
    def go():
        leaves, outs = forward(m, row, sample, dtype)
        if not outs:
            return []
        grads = m.autograd.grad(outs, leaves, weights(m, outs, 0), allow_unused=True)
        return [None if g is None else Value(g) for g in grads]

    return attempt(go)


def run_second(m, row, sample, dtype):
    """Gradients of the gradients, by the inputs and by the incoming gradients."""

    def go():
        leaves, outs = forward(m, row, sample, dtype)
        if not outs:
            return []
        incoming = [w.requires_grad_() for w in weights(m, outs, 0)]
        first = m.autograd.grad(outs, leaves, incoming, allow_unused=True, create_graph=True)
        first = [g for g in first if g is not None and g.requires_grad]
        if not first:
            return [None] * (len(leaves) + len(incoming))
        second = m.autograd.grad(first, leaves + incoming, weights(m, first, 1), allow_unused=True)
        return [None if g is None else Value(g) for g in second]

    return attempt(go)


def run_interpreted(row, sample, dtype):
    """First gradients by the formula's program on tensors: create_graph makes it so."""

    def go():
        leaves, outs = forward(rushlight, row, sample, dtype)
        if not outs:
            return []
        grads = rushlight.autograd.grad(
            outs, leaves, weights(rushlight, outs, 0), allow_unused=True, create_graph=True
        )
        return [None if g is None else Value(g) for g in grads]

    return attempt(go)


# ---- the checks ----


def check_values(row):
    for dtype in row.dtypes:
        for label, sample in row.cases(dtype):
            mine, theirs = (run_values(m, row, sample, dtype) for m in (rushlight, torch))
            yield label, dtype, different(mine, theirs, row)


def check_gradients(row):
    for dtype in row.dtypes:
        if dtype not in DIFFERENTIABLE:
            continue
        for label, sample in row.cases(dtype):
            mine, theirs = (run_gradients(m, row, sample, dtype) for m in (rushlight, torch))
            yield label, dtype, different_gradients(mine, theirs, dtype, row.tol * 2, row.messages)


def check_second(row):
    for dtype in ("float64", "complex128"):
        if dtype not in row.dtypes:
            continue
        for i, sample in enumerate(row.samples[:6]):
            if not small(sample):
                continue
            mine, theirs = (run_second(m, row, sample, dtype) for m in (rushlight, torch))
            yield (
                f"sample {i}",
                dtype,
                different_gradients(mine, theirs, dtype, row.tol * 10, row.messages),
            )


def small(sample):
    return all(not isinstance(a, X) or int(numpy.prod(a.shape)) < 500 for a in sample)


def check_fused(row):
    for dtype in ("float32", "float64", "complex128"):
        if dtype not in row.dtypes:
            continue
        for label, sample in row.cases(dtype):
            fused = run_gradients(rushlight, row, sample, dtype)
            plain = run_interpreted(row, sample, dtype)
            if isinstance(fused, Error) and isinstance(plain, Error):
                continue
            yield label, dtype, different_gradients(fused, plain, dtype, row.tol * 2)
