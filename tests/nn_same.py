"""Runs one function with PyTorch and with rushlight and compares what it notes down. No tests."""

import warnings

import torch
import torch.nn as tnn

import rushlight as rl
import rushlight.nn as rnn


def attempt(f):
    """What a call gives: its result as text, or the class and text of its error."""
    try:
        text = repr(f())
    except Exception as e:
        text = f"{type(e).__name__}: {e}"
    return text.replace("rushlight.", "torch.")


def same(scenario, *args):
    """Run `scenario(lib, nn, log)` for both libraries and compare the logs and warnings."""
    logs = []
    for lib, nn in ((torch, tnn), (rl, rnn)):
        log = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lib.manual_seed(0)
            scenario(lib, nn, log, *args)
        log += [(w.category.__name__, str(w.message)) for w in caught]
        logs.append([str(x).replace("rushlight.", "torch.") for x in log])
    for i, (a, b) in enumerate(zip(*logs, strict=False)):
        assert b == a, f"entry {i}"
    assert len(logs[0]) == len(logs[1])
    return logs[0]


def text(x):
    """Tensors as numbers, rounded; nested in tuples; anything else as it is."""
    if hasattr(x, "detach"):
        return [round(v, 5) for v in x.detach().double().reshape(-1).tolist()]
    if isinstance(x, (tuple, list)):
        return tuple(text(v) for v in x)
    return x
