"""What a benchmark is. Not here: any benchmark."""

from typing import NamedTuple


class Row(NamedTuple):
    """One benchmark: a setup, run once, and a statement, timed as `timeit` does.

    Both see `torch`, `nn`, `F` and `load(name)` for an example program. `numpy` is the statement in
    NumPy, after `numpy_setup`, where it has one. `moved` and `flops` are the bytes that must be read
    and written and the operations, for rows that one of them bounds.
    """

    group: str
    name: str
    setup: str
    statement: str
    numpy_setup: str = ""
    numpy: str = ""
    readme: bool = False  # shown in README's table
    moved: float = 0
    flops: float = 0
    peak: bool = False  # its memory is a row as well


def both_ways(group, name, setup, call, readme=False, flops=0):
    """Two rows of a layer: forward without a tape, and forward with backward (three times `flops`)."""
    yield Row(group, f"{name}, forward", setup, f"with torch.no_grad(): {call}", flops=flops)
    backward = f"{call}.sum().backward()"
    yield Row(
        group, f"{name}, forward and backward", setup, backward, readme=readme, flops=3 * flops
    )
