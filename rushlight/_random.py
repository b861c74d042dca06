"""Seeds and states of the default generator: PyTorch's CPU stream, bit for bit."""

from . import _C


def manual_seed(seed):
    """Seeds the default generator, and returns it.

    `seed` is an int of 64 bits, negative ones too. The same seed gives PyTorch's numbers on the
    CPU. Raises ValueError for what is no int or too large.

    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    return _C.default_generator.manual_seed(int(seed))


def seed():
    """Seeds the default generator from the system's entropy, and returns the seed.

    An int of 64 bits. Results are then different in each run.

    >>> torch.seed() == torch.initial_seed()
    True
    """
    return _C.default_generator.seed()


def initial_seed():
    """The seed of the default generator.

    An int: what `manual_seed` was told, or `seed` drew.

    >>> _ = torch.manual_seed(7)
    >>> torch.initial_seed()
    7
    """
    return _C.default_generator.initial_seed()


def get_rng_state():
    """The default generator's state as a ByteTensor of 5056 bytes, PyTorch's layout.

    The result is a copy, with dtype uint8.

    >>> state = torch.get_rng_state()
    >>> first = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), first)
    True
    """
    return _C.default_generator.get_state()


def set_rng_state(new_state):
    """Restores a state of `get_rng_state`, also one that PyTorch saved.

    `new_state` is uint8, 5056 elements: TypeError for another dtype, RuntimeError for another size.

    >>> state = torch.get_rng_state()
    >>> first = torch.randn(3)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.randn(3), first)
    True
    """
    _C.default_generator.set_state(new_state)


def _clone_state(self):
    """Another generator that goes on as this one."""
    other = _C.Generator()
    other.set_state(self.get_state())
    return other


def _no_offset(self, *args):
    raise RuntimeError("CPU Generator does not use offset")


def _not_graphsafe(name):
    def refuse(self, *args):
        raise NotImplementedError(f"{name} is not supported in this Generator")

    return refuse


_C.Generator.clone_state = _clone_state
_C.Generator.get_offset = _C.Generator.set_offset = _no_offset
_C.Generator.graphsafe_get_state = _not_graphsafe("graphsafe_get_state")
_C.Generator.graphsafe_set_state = _not_graphsafe("graphsafe_set_state")
