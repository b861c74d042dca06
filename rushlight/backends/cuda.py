"""`torch.backends.cuda`: switches of the GPU backend, kept for programs that set them."""

from contextlib import contextmanager

import rushlight as torch

_sdp = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


class _MatmulSwitches:
    """`torch.backends.cuda.matmul`."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False
    fp32_precision = "none"


class _PlanCache:
    """`cufft_plan_cache`: no plans are cached."""

    size, max_size = 0, 0

    def clear(self):
        """Nothing to clear."""

    def __getitem__(self, device):
        return self


matmul, cufft_plan_cache = _MatmulSwitches(), _PlanCache()


def is_built():
    """True if this build can use GPUs."""
    return hasattr(torch._C, "_cuda_getDeviceCount")


def _switch(name):
    def enabled():
        return _sdp[name]

    def enable(enabled):
        _sdp[name] = bool(enabled)

    return enabled, enable


flash_sdp_enabled, enable_flash_sdp = _switch("flash")
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = _switch("mem_efficient")
math_sdp_enabled, enable_math_sdp = _switch("math")
cudnn_sdp_enabled, enable_cudnn_sdp = _switch("cudnn")


@contextmanager
def sdp_kernel(enable_flash=True, enable_math=True, enable_mem_efficient=True, enable_cudnn=True):
    """Context manager: which attention kernels may be chosen; the results are the same."""
    old = dict(_sdp)
    _sdp.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _sdp.update(old)


def _no(*args, **kwargs):
    """False: there is one attention, which needs no such kernel."""
    return False


can_use_flash_attention = can_use_efficient_attention = can_use_cudnn_attention = _no
is_flash_attention_available = is_ck_sdpa_available = fp16_bf16_reduction_math_sdp_allowed = _no


def allow_fp16_bf16_reduction_math_sdp(enabled):
    """Accepted: sums are kept in float32."""


def preferred_linalg_library(backend=None):
    """Accepted: the choice has no effect."""
    return backend or "default"


preferred_blas_library = preferred_linalg_library
