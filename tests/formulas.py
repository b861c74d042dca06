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


def operands(count, dtype, size=2500, seed=0):
    """`count` arrays: every combination of edge values, then `size` random ones."""
    rng = np.random.default_rng(seed)
    whole = np.issubdtype(dtype, np.integer)
    edges = WHOLE_EDGES if whole else EDGES
    grid = np.meshgrid(*[edges] * count, indexing="ij")
    if whole:
        some = [rng.integers(-50, 50, size) for _ in range(count)]
    else:
        some = [np.concatenate([rng.normal(0, 2, size - size // 3), rng.random(size // 3)])
                for _ in range(count)]  # fmt: skip
    with np.errstate(over="ignore"):
        return [np.concatenate([g.ravel(), s]).astype(dtype) for g, s in zip(grid, some, strict=True)]
