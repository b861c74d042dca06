"""Checks of the other forms of an operation: method, in place, out=, type promotion.

Not here: values and gradients (ops_check.py).
"""

import warnings

import torch
from ops_check import (
    OPERATIONS,
    Error,
    Value,
    attempt,
    different,
    different_gradients,
    find,
    flat,
    function_of,
    is_tensor,
    same_error,
    value,
    weights,
)
from ops_inputs import ALL, DIFFERENTIABLE, X, arguments

import rushlight

# ---- as a method ----


def check_method(row):
    """The method gives what the function gives; PyTorch has the method too."""
    for dtype in ("float32", "int64", "bool", "complex64"):
        if dtype not in row.dtypes:
            continue
        for i, sample in enumerate(row.samples[:3]):
            if not isinstance(sample[0], X):
                continue

            def run(m, method, sample=sample, dtype=dtype):
                def go():
                    args, kwargs = arguments(m, sample, dtype)
                    m.default_generator.manual_seed(0)
                    f = getattr(m.Tensor, row.name) if method else find(m, row.name)
                    return [value(t) for t in flat(f(*args, **kwargs))]

                return attempt(go)

            theirs = run(torch, True)
            yield f"sample {i}", dtype, different(run(rushlight, True), theirs, row)


# ---- in place ----


def in_place_name(row):
    """The name of the form that writes into its first argument, or None."""
    op = OPERATIONS[row.name]
    if row.name.endswith("_"):
        return row.name
    return row.name + "_" if op["in_place"] or row.name + "_" in OPERATIONS else None


def run_in_place(m, row, name, sample, dtype, gradients=False):
    def go():
        leaves = [] if gradients else None
        args, kwargs = arguments(m, sample, dtype, leaves)
        if gradients:
            args[0] = args[0] * 1
        m.default_generator.manual_seed(0)
        version = args[0]._version
        function = row.call_in_place(m) if row.call_in_place else find(m, name)
        result = function(*args, **kwargs)
        if result is not args[0]:
            return [f"{name} does not return self"]
        if not gradients:
            return [Value(result), result._version > version]
        if not result.requires_grad:
            return []
        grads = m.autograd.grad(result, leaves, weights(m, [result], 0), allow_unused=True)
        return [None if g is None else Value(g) for g in grads]

    return attempt(go)


def check_in_place(row):
    """Values, identity, version, errors when the result does not fit, and gradients."""
    name = in_place_name(row)
    for dtype in row.dtypes:
        for label, sample in row.cases(dtype):
            if not isinstance(sample[0], X):
                continue
            mine, theirs = (run_in_place(m, row, name, sample, dtype) for m in (rushlight, torch))
            yield label, dtype, different(mine, theirs, row)
            if dtype in ("float64", "complex128"):
                mine, theirs = (
                    run_in_place(m, row, name, sample, dtype, True) for m in (rushlight, torch)
                )
                yield f"{label} gradients", dtype, different_in_place(mine, theirs, row)


def different_in_place(mine, theirs, row):
    return different_gradients(mine, theirs, "complex128", row.tol * 2, row.messages)


# ---- out= ----


def out_cases(m, result):
    """Tensors to write a result of these shapes into: right, empty, wrong in shape, in dtype."""

    def like(t, shape=None, dtype=None):
        return m.zeros(t.shape if shape is None else shape, dtype=dtype or t.dtype)

    cases = {
        "right": lambda t: like(t),
        "empty": lambda t: like(t, (0,)),
        "wrong shape": lambda t: like(t, (*t.shape, 2)),
        "float64": lambda t: like(t, dtype=m.float64),
        "int32": lambda t: like(t, dtype=m.int32),
        "strided": lambda t: m.zeros((*t.shape, 2), dtype=t.dtype)[..., 0],
    }
    for label, make in cases.items():
        made = [make(t) for t in result]
        yield label, made[0] if len(made) == 1 else tuple(made)


def run_out(m, row, sample, dtype):
    """{case: what came out, is it out itself, was there a warning}."""
    args, kwargs = arguments(m, sample, dtype)
    function = function_of(m, row)
    m.default_generator.manual_seed(0)
    result = attempt(lambda: function(*args, **kwargs))
    if isinstance(result, Error) or not all(is_tensor(t) for t in flat(result)):
        return {}
    outcomes = {}
    for label, out in out_cases(m, flat(result)):

        def go(out=out):
            m.default_generator.manual_seed(0)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                given = function(*args, **kwargs, out=out)
            same = [a is b for a, b in zip(flat(given), flat(out))]
            resized = any("was resized" in str(w.message) for w in caught)
            return [*(Value(t) for t in flat(given)), all(same), resized]

        try:
            outcomes[label] = go()
        except Exception as e:  # noqa: BLE001
            outcomes[label] = Error(e)
    return outcomes


def check_out(row):
    """out= of the right and of a wrong shape or dtype does what PyTorch's does.

    It may be there where PyTorch has none, and may convert where PyTorch refuses to.
    """
    dtype = row.dtypes_for_out
    theirs = run_out(torch, row, row.samples[0], dtype)
    mine = run_out(rushlight, row, row.samples[0], dtype)
    for label, wanted in theirs.items():
        if not isinstance(wanted, Error):
            if label == "float64":  # computed in the dtype of the input
                wanted[0].dtype, mine[label][0].dtype = dtype, dtype
            if not isinstance(mine[label], Error):  # some of PyTorch's forget the warning
                mine[label][-1] &= wanted[-1]
            yield label, dtype, different(mine[label], wanted, row)
        elif "can't be cast" in wanted.line:
            problem = same_error(mine[label], wanted, False)
            yield label, dtype, None if problem == "same" else problem


# ---- promotion ----


def promotion_operands(m):
    for dtype in ALL:
        yield dtype, m.ones((2,), dtype=getattr(m, dtype))
    for dtype in ALL:
        yield f"0-d {dtype}", m.ones((), dtype=getattr(m, dtype))
    yield from (("True", True), ("2", 2), ("1.5", 1.5), ("1j", 1j))


def check_promotion(row):
    """The dtype of every pair of dtypes, 0-d tensors and Python numbers; in place: does it fit?"""
    mine, theirs = (dict(promotion_operands(m)) for m in (rushlight, torch))
    in_place = in_place_name(row)
    for a in mine:
        for b in mine:
            if not (is_tensor(mine[a]) or is_tensor(mine[b])):
                continue

            def run(m, operands, name, fresh=False, a=a, b=b):
                def go():
                    x = operands[a].clone() if fresh else operands[a]
                    function = row.call if row.call and not fresh else find(m, name)
                    result = (
                        function(m, x, operands[b])
                        if row.call and not fresh
                        else function(x, operands[b])
                    )
                    return str(result.dtype).rpartition(".")[2]

                return attempt(go)

            yield a, b, promotes_alike(run(rushlight, mine, row.name), run(torch, theirs, row.name))
            if in_place and is_tensor(mine[a]) and in_place in dir(torch.Tensor):
                x, y = (run(m, o, in_place, True) for m, o in ((rushlight, mine), (torch, theirs)))
                yield f"in place {a}", b, promotes_alike(x, y)


def promotes_alike(mine, theirs):
    error = same_error(mine, theirs)
    if error is not None:
        return None if error in ("same", "wider") else error
    theirs = theirs.replace("complex32", "complex64")  # which is not among the dtypes
    return None if mine == theirs else f"gives {mine}, not {theirs}"


__all__ = ["check_in_place", "check_method", "check_out", "check_promotion", "DIFFERENTIABLE"]
