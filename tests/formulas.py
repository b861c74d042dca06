"""Every formula of the registry with samples for its operands and scalars. No tests.

Nothing is listed by name: operands and scalars come from the record and its schema.
"""

import numpy as np

import rushlight

C = rushlight._C


def scalars_of(schema, operands):
    """The schema's defaults; 0.3, 0.7, ... where it has none."""
    params = [p.strip() for p in schema[schema.index("(") + 1 : schema.rindex(")")].split(",")]
    params = [p for p in params if p not in ("*", "")][operands:]
    spare = iter((0.3, 0.7, 1.1))
    return [float(p.split("=")[1]) if "=" in p else next(spare) for p in params]


def facts(op):
    f = C._formula(op["name"])
    f["defaults"] = scalars_of(op["schemas"][0], f["operands"])
    assert len(f["defaults"]) == f["scalars"], op
    return f


ALL = {op["name"]: facts(op) for op in C._operations() if op["formula"]}

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 6.0, 20.0, -20.0, 89.0, -104.0, 1e-3, -1e-3,
         1e-30, -1e30, 3e38, 1e-40, float("inf"), float("-inf"), float("nan")]  # fmt: skip
WHOLE_EDGES = [0, 1, -1, 2, -3, 7, 31, 32, 63, 64, 100, -128, 2**31 - 1, -(2**31)]
PARTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-3]  # of complex numbers, finite


def operands(count, dtype, size=2500, seed=0):
    """`count` arrays: every combination of edge values, then `size` random ones."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        edges = np.array([complex(a, b) for a in PARTS for b in PARTS])[:: count * 2 - 1]
        some = [rng.normal(0, 2, size) + 1j * rng.normal(0, 2, size) for _ in range(count)]
    elif dtype.kind == "i":
        edges = WHOLE_EDGES
        some = [rng.integers(-50, 50, size) for _ in range(count)]
    else:
        edges, few = EDGES, size // 3
        some = [np.append(rng.normal(0, 2, size - few), rng.random(few)) for _ in range(count)]
    grid = np.meshgrid(*[edges] * count, indexing="ij")
    with np.errstate(over="ignore"):
        return [np.append(g.ravel(), s).astype(dtype) for g, s in zip(grid, some, strict=True)]


def samples(name, dtype):
    """Tensors for a program's operands, and its scalars."""
    f = ALL[name]
    arrays = operands(f["operands"], dtype)
    if f["checks_zero"] and np.dtype(dtype).kind == "i":
        arrays[1][arrays[1] == 0] = 5
    number = int if np.dtype(dtype).kind == "i" else float
    return [rushlight.from_numpy(a) for a in arrays], [number(s) for s in f["defaults"]]


def as_operands(name, tensors):
    """A formula whose first operand is a mask gets one; programs read it as a number."""
    return [tensors[0] != 0, *tensors[1:]] if ALL[name]["mask_first"] else tensors


def gradients(name, dtype):
    """(g, tensors, scalars, y, which operands, their gradients by kernel, by tensor operations)."""
    tensors, scalars = samples(name, dtype)
    inputs = [
        t.clone().requires_grad_() if t.dtype == tensors[-1].dtype and has else t
        for t, has in zip(as_operands(name, tensors), ALL[name]["gradients"])
    ]
    y = C._run_formula(name, inputs, scalars)
    values = operands(1, y.detach().numpy().dtype, seed=7)[0]
    g = rushlight.from_numpy(np.resize(values, y.shape))
    which = [k for k, t in enumerate(inputs) if t.requires_grad]
    wanted = [inputs[k] for k in which]
    fused = rushlight.autograd.grad(y, wanted, g, retain_graph=True)
    interpreted = rushlight.autograd.grad(y, wanted, g, create_graph=True)
    return g, tensors, scalars, y.detach(), which, fused, [t.detach() for t in interpreted]
