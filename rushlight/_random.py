"""Seeds and states of the default generator: PyTorch's CPU stream, bit for bit."""

from . import _C


def manual_seed(seed):
    """Seeds the default generator, and returns it.

    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    return _C.default_generator.manual_seed(int(seed))


def seed():
    """Seeds the default generator from the system's entropy, and returns the seed."""
    return _C.default_generator.seed()


def initial_seed():
    """The seed of the default generator."""
    return _C.default_generator.initial_seed()


def get_rng_state():
    """The default generator's state as a ByteTensor of 5056 bytes, PyTorch's layout."""
    return _C.default_generator.get_state()


def set_rng_state(new_state):
    """Restores a state of `get_rng_state`, also one that PyTorch saved."""
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
