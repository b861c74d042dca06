"""Results of the two libraries compared: what differs, in words, or nothing.

Not here: running anything.
"""

import re

import numpy
import torch

import rushlight

TOLERANCE = {
    "float16": 4e-3,
    "bfloat16": 3e-2,
    "float32": 3e-5,
    "complex64": 3e-5,
    "float64": 1e-8,
    "complex128": 1e-8,
}


def is_tensor(x):
    return isinstance(x, (torch.Tensor, rushlight.Tensor))


WIDER = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}


def has_wider(x):
    return isinstance(x, torch.Tensor) and x.dtype in WIDER


def name_of(dtype):
    return str(dtype).rpartition(".")[2]


def array(t):
    """A tensor's elements as NumPy has them."""
    t = t.detach().resolve_conj().resolve_neg()
    if isinstance(t, torch.Tensor) and t._is_zerotensor():
        t = t.clone()
    return (t.float() if name_of(t.dtype) == "bfloat16" else t).numpy()


def allowed(entry):
    """{dtype: (absolute, relative)}: how far PyTorch's own tests of an entry let it be off."""
    found = {}
    infos = [i for i in entry.decorators if getattr(i, "device_type", None) in (None, "cpu")]
    for override in (o for info in infos for o in getattr(info, "decorators", ())):
        for dtype, tol in getattr(override, "d", {}).items():
            if isinstance(tol, tuple):
                old = found.get(name_of(dtype), (0, 0))
                found[name_of(dtype)] = max(old[0], tol.atol), max(old[1], tol.rtol)
    return found


def values(mine, theirs, loose=1, numbers=True, allow=None):
    """None if equal; else what differs. `loose` and `allow` (see above) widen the tolerance;
    numbers=False compares only what a tensor looks like."""
    if is_tensor(theirs):
        return tensors(mine, theirs, loose, numbers, allow or {})
    if isinstance(theirs, (tuple, list)):
        if not isinstance(mine, (tuple, list)):
            return f"a {type(mine).__name__}, not a {type(theirs).__name__}"
        if len(mine) != len(theirs):
            return f"{len(mine)} results, not {len(theirs)}"
        for i, (a, b) in enumerate(zip(mine, theirs)):
            problem = values(a, b, loose, numbers, allow)
            if problem:
                return f"result {i}: {problem}"
        return None
    if isinstance(theirs, (float, complex)):
        same = type(mine) is type(theirs) and numpy.isclose(mine, theirs, 1e-5, equal_nan=True)
        return None if same or not numbers else f"is {mine!r}, not {theirs!r}"
    if str(mine).replace("rushlight.", "torch.") == str(theirs):
        return None
    return f"is {mine!r}, not {theirs!r}"


def tensors(mine, theirs, loose, numbers, allow):
    if not isinstance(mine, rushlight.Tensor):
        return f"a {type(mine).__name__}, not a Tensor"
    if name_of(mine.dtype) != name_of(theirs.dtype):
        return f"dtype {name_of(mine.dtype)}, not {name_of(theirs.dtype)}"
    if tuple(mine.shape) != tuple(theirs.shape):
        return f"shape {tuple(mine.shape)}, not {tuple(theirs.shape)}"
    if not numbers:
        return None
    dtype = name_of(theirs.dtype)
    return elements(array(mine), array(theirs), dtype, loose, allow.get(dtype, (0, 0)))


def elements(a, b, dtype, loose, allow):
    """How the elements of two arrays of one shape differ."""
    if b.size == 0:
        return None
    if dtype in TOLERANCE:
        tolerance = TOLERANCE[dtype] * loose
        with numpy.errstate(all="ignore"):
            finite = numpy.abs(b[numpy.isfinite(b)])
            least = 1e-3 if loose == 1 else 0.1  # gradients may be sums that cancel
            scale = min(1.0, max(least, float(finite.max()))) if finite.size else 1.0
            limit = tolerance * (numpy.abs(b) + scale)
            near = numpy.abs(a - b) <= numpy.maximum(limit, allow[0] + allow[1] * numpy.abs(b))
            bad = ~(near & numpy.isfinite(b) | (a == b) | same_special(a, b))
    else:
        bad = a != b
    if not bad.any():
        return None
    place = tuple(map(int, numpy.argwhere(bad)[0])) if bad.ndim else ()
    return f"values differ: {int(bad.sum())} of {bad.size}, at {place} {a[place]}, not {b[place]}"


def same_special(a, b):
    """Where both are NaN; a complex number is NaN if a part is, infinite if a part is."""
    return numpy.isnan(a) & numpy.isnan(b) | (
        numpy.iscomplexobj(b) & numpy.isinf(a) & numpy.isinf(b)
    )


def nearest(mine, theirs, wide):
    """Element by element PyTorch's result or its result in the wider dtype, rounded: what `mine` is
    nearer to; `mine` where PyTorch is no nearer to the wider one. `theirs` where the three are not
    of one form."""
    if isinstance(theirs, (tuple, list)) and isinstance(wide, (tuple, list)):
        return [nearest(a, b, c) for a, b, c in zip(mine, theirs, wide)]
    if not has_wider(theirs) or not isinstance(wide, torch.Tensor) or wide.shape != theirs.shape:
        return theirs
    wide = wide.detach().to(theirs.dtype)
    most = torch.complex128 if theirs.is_complex() else torch.float64
    m, a, b = (t.detach().to(most) for t in (torch.from_numpy(array(mine)), theirs, wide))
    off = distance(a, b)
    wide = torch.where((distance(m, b) <= off) & off.isfinite(), m.to(theirs.dtype), wide)
    return torch.where(distance(m, a) <= distance(m, b), theirs, wide)


def distance(a, b):
    same = (a == b) | a.isnan() & b.isnan()
    return torch.where(same, 0.0, (a - b).abs().nan_to_num(torch.inf, torch.inf))


def strides(mine, theirs):
    """Compares strides of results that are views, along dimensions where they mean something. What
    PyTorch only marks as a conjugate is computed here, and no view."""
    if isinstance(theirs, (tuple, list)):
        for a, b in zip(mine, theirs):
            if problem := strides(a, b):
                return problem
        return None
    if not is_tensor(theirs) or not theirs._is_view() or theirs.is_conj() or not theirs.numel():
        return None
    kept = [i for i, n in enumerate(theirs.shape) if n > 1]
    a, b = ([t.stride(i) for i in kept] for t in (mine, theirs))
    return None if a == b else f"strides {tuple(mine.stride())}, not {tuple(theirs.stride())}"


class Raised:
    """What a call raised: its class and first line."""

    def __init__(self, error):
        self.kind = type(error).__name__
        line = str(error).partition("\n")[0].replace("rushlight.", "torch.")
        self.line = line.partition(" (Triggered internally")[0]

    def __str__(self):
        return f"{self.kind}: {self.line}"


def errors(mine, theirs):
    """None if both raised the same; else how they differ."""
    if not isinstance(mine, Raised):
        return f"does not raise {theirs}"
    if mine.kind != theirs.kind:
        return f"raises {mine}, not {theirs}"
    if mine.line == theirs.line or "invalid combination of arguments" in theirs.line:
        return None
    return f"words: {mine.line!r}, not {theirs.line!r}"


def cause(problem):
    """A problem without the numbers of one sample, for grouping."""
    problem = re.sub(r"^(result \d+: )?values differ.*", "values differ", problem)
    problem = re.sub(r"^result \d+: ", "", problem)
    problem = re.sub(r"shape \(.*", "shape differs", problem)
    problem = re.sub(r"strides \(.*", "strides differ", problem)
    return re.sub(r"-?\d+(\.\d+)?(e[-+]?\d+)?", "#", problem)[:200]
