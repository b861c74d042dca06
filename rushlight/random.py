"""torch.random: seeds, and a scope that leaves the stream as it found it."""

from contextlib import contextmanager

from ._C import default_generator
from ._random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = [
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


@contextmanager
def fork_rng(devices=None, enabled=True, **_):
    """Restores the generator's state when the block ends.

    >>> with torch.random.fork_rng():
    ...     _ = torch.manual_seed(1)
    """
    state = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)
