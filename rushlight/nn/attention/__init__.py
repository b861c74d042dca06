"""torch.nn.attention: which way attention is computed. rushlight has one way: the choice is kept and
reported, and changes nothing."""

from contextlib import contextmanager
from enum import IntEnum

__all__ = ["SDPBackend", "WARN_FOR_UNFUSED_KERNELS", "sdpa_kernel"]

WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(IntEnum):
    """The ways in which PyTorch may compute scaled_dot_product_attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    __str__ = IntEnum.__repr__


_SWITCHES = {
    SDPBackend.CUDNN_ATTENTION: "cudnn",
    SDPBackend.FLASH_ATTENTION: "flash",
    SDPBackend.EFFICIENT_ATTENTION: "mem_efficient",
    SDPBackend.MATH: "math",
}


def _cur_sdpa_kernel_backends():
    from ...backends import cuda

    return [b for b, name in _SWITCHES.items() if getattr(cuda, f"{name}_sdp_enabled")()]


@contextmanager
def sdpa_kernel(backends, set_priority=False):
    """Within the block `torch.backends.cuda.*_sdp_enabled()` tell of these backends only.

    Raises AssertionError for what is no SDPBackend or list of them.

    >>> import rushlight as torch
    >>> from rushlight.nn.attention import SDPBackend, sdpa_kernel
    >>> with sdpa_kernel(SDPBackend.MATH):
    ...     torch.backends.cuda.flash_sdp_enabled()
    False
    """
    from ...backends import cuda

    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, "
            f"got {type(backends).__name__}"
        )
    chosen = backends if isinstance(backends, list) else [backends]
    before = _cur_sdpa_kernel_backends()

    def set_to(wanted):
        for backend, name in _SWITCHES.items():
            getattr(cuda, f"enable_{name}_sdp")(backend in wanted)

    set_to(chosen)
    try:
        yield {}
    finally:
        set_to(before)


def __getattr__(name):
    from ..._missing import missing

    return missing(__name__, name)
