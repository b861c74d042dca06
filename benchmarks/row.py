"""What a benchmark is. Not here: any benchmark."""

from typing import NamedTuple


class Row(NamedTuple):
    """One benchmark: a setup, run once, and a statement, timed as `timeit` does.

    Both see `torch`, `nn`, `F` and `load(name)` for an example program. `numpy` is the statement in
    NumPy, after `numpy_setup`, where it has one.
    """

    group: str
    name: str
    setup: str
    statement: str
    numpy_setup: str = ""
    numpy: str = ""
    readme: bool = False  # shown in README's table


def both_ways(group, name, setup, call, readme=False):
    """Two rows of a layer: forward without a tape, and forward with backward."""
    yield Row(group, f"{name}, forward", setup, f"with torch.no_grad(): {call}")
    backward = f"{call}.sum().backward()"
    yield Row(group, f"{name}, forward and backward", setup, backward, readme=readme)
