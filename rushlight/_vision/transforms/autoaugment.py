"""Transforms that pick others at random: RandAugment (Cubuk et al. 2019), TrivialAugmentWide (Mueller
and Hutter 2021), and the operations they pick from as transforms of their own.

Not here: AutoAugment and AugMix.
"""

import math

import rushlight as torch

from . import _color as C
from . import functional as F
from .functional import InterpolationMode
from .transforms import _Chance, _Shown


class RandomPosterize(_Chance):
    """See `functional.posterize`."""

    _shown = ("bits", "p")

    def __init__(self, bits, p=0.5):
        super().__init__(p)
        self.bits = bits

    def _change(self, img):
        return C.posterize(img, self.bits)


class RandomSolarize(_Chance):
    """See `functional.solarize`."""

    _shown = ("threshold", "p")

    def __init__(self, threshold, p=0.5):
        super().__init__(p)
        self.threshold = threshold

    def _change(self, img):
        return C.solarize(img, self.threshold)


class RandomAdjustSharpness(_Chance):
    """See `functional.adjust_sharpness`."""

    _shown = ("sharpness_factor", "p")

    def __init__(self, sharpness_factor, p=0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def _change(self, img):
        return C.adjust_sharpness(img, self.sharpness_factor)


class RandomAutocontrast(_Chance):
    """See `functional.autocontrast`."""

    def _change(self, img):
        return C.autocontrast(img)


class RandomEqualize(_Chance):
    """See `functional.equalize`."""

    def _change(self, img):
        return C.equalize(img)


class RandomPerspective(_Chance):
    """The corners moved inwards at random, with probability p."""

    _shown = ("p",)

    def __init__(
        self, distortion_scale=0.5, p=0.5, interpolation=InterpolationMode.BILINEAR, fill=0
    ):
        super().__init__(p)
        self.distortion_scale, self.interpolation, self.fill = distortion_scale, interpolation, fill

    @staticmethod
    def get_params(width, height, distortion_scale):
        """(the corners, where they go)."""
        dx, dy = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))

        def draw(low, high):
            return int(torch.randint(low, high, size=(1,)).item())

        left, right, top = (0, dx + 1), (width - dx - 1, width), (0, dy + 1)
        bottom = (height - dy - 1, height)
        ends = [[draw(*x), draw(*y)] for x, y in
                ((left, top), (right, top), (right, bottom), (left, bottom))]  # fmt: skip
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], ends

    def _change(self, img):
        _, h, w = F.get_dimensions(img)
        starts, ends = self.get_params(w, h, self.distortion_scale)
        return C.perspective(img, starts, ends, self.interpolation, self.fill)


class TenCrop(_Shown):
    """See `functional.ten_crop`."""

    _shown = ("size", "vertical_flip")

    def __init__(self, size, vertical_flip=False):
        super().__init__()
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.vertical_flip = vertical_flip

    def forward(self, img):
        return C.ten_crop(img, self.size, self.vertical_flip)


# --- one of many ---------------------------------------------------------------------------------

_FACTORS = {
    "Brightness": F.adjust_brightness,
    "Color": F.adjust_saturation,
    "Contrast": F.adjust_contrast,
    "Sharpness": C.adjust_sharpness,
}


def _moved(img, x, y, shear, how):
    return F.affine(img, 0.0, [int(x), int(y)], 1.0, shear, **how)


def _apply(img, name, m, interpolation, fill):
    how = {"interpolation": interpolation, "fill": fill}
    if name[:5] == "Shear":
        angle = math.degrees(math.atan(m))
        shear = [angle, 0.0] if name == "ShearX" else [0.0, angle]
        return _moved(img, 0, 0, shear, {**how, "center": [0, 0]})
    if name[:9] == "Translate":
        return _moved(img, *((m, 0) if name == "TranslateX" else (0, m)), [0.0, 0.0], how)
    if name == "Rotate":
        return F.rotate(img, m, **how)
    if name in _FACTORS:
        return _FACTORS[name](img, 1.0 + m)
    if name == "Posterize":
        return C.posterize(img, int(m))
    if name == "Solarize":
        return C.solarize(img, m)
    return {"AutoContrast": C.autocontrast, "Equalize": C.equalize}.get(name, lambda x: x)(img)


def _bits(bins, lost):
    return 8 - (torch.arange(bins) / ((bins - 1) / lost)).round().int()


class _Pick(_Shown):
    _shown = ("num_magnitude_bins", "interpolation", "fill")

    def _space(self, height, width):
        bins, top = self.num_magnitude_bins, self._tops(height, width)
        space = {"Identity": (torch.tensor(0.0), False)}
        for name in "ShearX ShearY TranslateX TranslateY Rotate".split():
            space[name] = torch.linspace(0.0, top[name], bins), True
        for name in "Brightness Color Contrast Sharpness".split():
            space[name] = torch.linspace(0.0, top["factor"], bins), True
        space["Posterize"] = _bits(bins, top["bits"]), False
        space["Solarize"] = torch.linspace(255.0, 0.0, bins), False
        space["AutoContrast"] = space["Equalize"] = (torch.tensor(0.0), False)
        return space

    def _once(self, img):
        _, height, width = F.get_dimensions(img)
        space = self._space(height, width)
        name = list(space)[int(torch.randint(len(space), (1,)).item())]
        magnitudes, signed = space[name]
        m = self._choose(magnitudes) if magnitudes.ndim > 0 else 0.0
        if signed and torch.randint(2, (1,)):
            m = -m
        return _apply(img, name, m, self.interpolation, self.fill)


class RandAugment(_Pick):
    """`num_ops` operations at random, all as strong as `magnitude` of `num_magnitude_bins` says."""

    _shown = ("num_ops", "magnitude", *_Pick._shown)

    def __init__(self, num_ops=2, magnitude=9, num_magnitude_bins=31,
                 interpolation=InterpolationMode.NEAREST, fill=None):  # fmt: skip
        super().__init__()
        self.num_ops, self.magnitude = num_ops, magnitude
        self.num_magnitude_bins, self.interpolation, self.fill = (
            num_magnitude_bins, interpolation, fill,
        )  # fmt: skip

    @staticmethod
    def _tops(height, width):
        moves = {"TranslateX": 150.0 / 331.0 * width, "TranslateY": 150.0 / 331.0 * height}
        return {"ShearX": 0.3, "ShearY": 0.3, "Rotate": 30.0, "factor": 0.9, "bits": 4, **moves}

    def _choose(self, magnitudes):
        return float(magnitudes[self.magnitude].item())

    def forward(self, img):
        for _ in range(self.num_ops):
            img = self._once(img)
        return img


class TrivialAugmentWide(_Pick):
    """One operation at random, as strong as it falls out."""

    def __init__(
        self, num_magnitude_bins=31, interpolation=InterpolationMode.NEAREST, fill=None
    ):  # fmt: skip
        super().__init__()
        self.num_magnitude_bins, self.interpolation, self.fill = (
            num_magnitude_bins, interpolation, fill,
        )  # fmt: skip

    @staticmethod
    def _tops(height, width):
        moves = {"TranslateX": 32.0, "TranslateY": 32.0}
        return {"ShearX": 0.99, "ShearY": 0.99, "Rotate": 135.0, "factor": 0.99, "bits": 6, **moves}

    def _choose(self, magnitudes):
        return float(magnitudes[torch.randint(len(magnitudes), (1,), dtype=torch.long)].item())

    def forward(self, img):
        return self._once(img)
