"""torch.autograd.grad_mode: the grad modes under their other name."""

from .._grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "enable_grad",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


class set_multithreading_enabled:
    """Accepted: a backward pass on the CPU runs in its caller's thread either way.

    >>> with torch.autograd.set_multithreading_enabled(False):
    ...     pass
    """

    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        pass

    def __exit__(self, *exc):
        pass


def is_multithreading_enabled():
    """True, as PyTorch says by default."""
    return True
