"""What the compiled part of an installed torchvision provides, in Python: that part needs PyTorch's
own libraries, so that `torch.ops.load_library` comes here instead.

Boxes and regions of interest are there. Deformable convolution, position-sensitive regions, rotated
boxes and the decoding of picture files are not.
"""

from contextlib import nullcontext

from .. import _C
from ..ops import _register
from .ops import nms, roi_align, roi_pool

_ABSENT = (
    "box_iou_rotated deform_conv2d ps_roi_align ps_roi_pool qnms qroi_align _deform_conv2d_backward "
    "_ps_roi_align_backward _ps_roi_pool_backward _roi_align_backward _roi_pool_backward"
).split()


class _Keys:
    """Dispatch keys: torchvision names sets of them, which mean nothing here."""

    def __init__(self, key=None):
        pass

    def __or__(self, other):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def _roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned):
    size = (pooled_height, pooled_width)
    return roi_align(input, rois, size, spatial_scale, sampling_ratio, aligned)


def _roi_pool(input, rois, spatial_scale, pooled_height, pooled_width):
    return roi_pool(input, rois, (pooled_height, pooled_width), spatial_scale), None


def _absent(name):
    def refuse(*args, **kwargs):
        raise NotImplementedError(
            f"torch.ops.torchvision.{name} is not in this version of rushlight"
        )

    return refuse


def provide():
    """Registers the operations as `torch.ops.torchvision.*`; the absent ones raise when called."""
    for name in _ABSENT:
        _register("torchvision", name, _absent(name))
    for name, function in {
        "nms": nms,
        "roi_align": _roi_align,
        "roi_pool": _roi_pool,
        "_cuda_version": lambda: -1,
    }.items():
        _register("torchvision", name, function)
    _C.DispatchKeySet, _C.DispatchKey = _Keys, _Keys()
    _C._ExcludeDispatchKeyGuard = nullcontext
    _C._get_tracing_state = lambda: None


def is_torchvision(path):
    """Is it the file of torchvision's operations?"""
    import os

    folder, name = os.path.split(str(path))
    return os.path.basename(folder) == "torchvision" and name.startswith("_C")
