"""The second version's names for the same transforms, and its few new ones."""

import rushlight as torch

from . import functional
from .autoaugment import *  # noqa: F403
from .transforms import *  # noqa: F403
from .transforms import _Shown


class ToImage(_Shown):
    """A PIL image or array as a tensor of the same dtype."""

    def forward(self, img):
        if isinstance(img, torch.Tensor):
            return img
        return functional.pil_to_tensor(img)


class ToDtype(_Shown):
    """Another dtype; with `scale`, the range goes along."""

    def __init__(self, dtype, scale=False):
        super().__init__()
        self.dtype, self.scale = dtype, scale

    def forward(self, img):
        if not isinstance(img, torch.Tensor):
            return img
        return functional.convert_image_dtype(img, self.dtype) if self.scale else img.to(self.dtype)


class Identity(_Shown):
    """Nothing."""

    def forward(self, *inputs):
        return inputs if len(inputs) > 1 else inputs[0]
