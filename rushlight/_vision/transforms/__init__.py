# ruff: noqa: F401
"""Transforms of PIL images and tensors; `functional` has them as functions, `v2` under its names."""

from . import functional
from .autoaugment import (
    RandAugment,
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomPerspective,
    RandomPosterize,
    RandomSolarize,
    TenCrop,
    TrivialAugmentWide,
)
from .functional import InterpolationMode
from .transforms import (
    CenterCrop,
    ColorJitter,
    Compose,
    ConvertImageDtype,
    FiveCrop,
    GaussianBlur,
    Grayscale,
    Lambda,
    Normalize,
    Pad,
    PILToTensor,
    RandomAffine,
    RandomApply,
    RandomChoice,
    RandomCrop,
    RandomErasing,
    RandomGrayscale,
    RandomHorizontalFlip,
    RandomInvert,
    RandomOrder,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    ToPILImage,
    ToTensor,
)


def __getattr__(name):
    if name == "v2":
        import importlib

        return importlib.import_module(".v2", __name__)
    raise AttributeError(f"module 'torchvision.transforms' has no attribute '{name}'")
