"""One snippet, two libraries: runs `fn(m)` with PyTorch and with rushlight and compares what comes
back — values, dtypes, shapes, names of nodes, warnings — or the class and first line of the error.

Not here: any snippet; those are in the test files, registered with `@cases`.
"""

import warnings

import torch

import rushlight


def plain(x):
    """Anything a snippet returns, as data that is equal when the two libraries agree."""
    if isinstance(x, (torch.Tensor, rushlight.Tensor)):
        values = x.detach()
        values = (
            values.to(torch.complex64 if isinstance(x, torch.Tensor) else rushlight.complex64)
            if (x.is_complex())
            else values.double()
        )
        node = type(x.grad_fn).__name__ if x.grad_fn is not None else None
        return (
            "tensor",
            str(x.dtype),
            tuple(x.shape),
            plain(values.tolist()),
            x.requires_grad,
            node,
        )
    if isinstance(x, bool) or x is None or isinstance(x, str):
        return x
    if isinstance(x, complex):
        return (plain(x.real), plain(x.imag))
    if isinstance(x, float):
        return "nan" if x != x else float(f"{x:.4e}") if abs(x) > 1e-6 else 0.0
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x if isinstance(x, int) else str(x).replace("rushlight.", "torch.")


def first_line(error):
    """Of a message, in PyTorch's words and without where in PyTorch it was raised."""
    line = str(error).split("\n")[0].replace("rushlight.", "torch.")
    return line.split(" (Triggered internally")[0]


def outcome(m, fn):
    """What a snippet gives: data, warnings; or its error."""
    m.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = plain(fn(m))
        except Exception as e:  # noqa: BLE001
            result = ["raised", type(e).__name__, first_line(e)]
    lines = [first_line(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return result, [
        w for w in lines if not w.startswith("Using backward() with create_graph")
    ]  # once


def twin(fn):
    """fn(m) must do the same with both."""
    theirs, mine = outcome(torch, fn), outcome(rushlight, fn)
    assert mine == theirs


def error_of(fn, *args):
    """'Class: first line' of what a call raises, or 'no error'; for use inside snippets."""
    try:
        fn(*args)
    except Exception as e:  # noqa: BLE001
        return f"{type(e).__name__}: {first_line(e)}"
    return "no error"


def table():
    """A dict of snippets and the decorator that fills it."""
    found = {}

    def add(fn):
        assert fn.__name__ not in found, fn.__name__
        found[fn.__name__] = fn
        return fn

    return found, add
