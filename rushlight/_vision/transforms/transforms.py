"""Transforms as objects: fixed ones, and ones that draw lots from the default generator.

The lots are torchvision's own, in its order, so a seed gives its pictures.
"""

import math

import rushlight as torch
from rushlight.nn import Module

from . import functional as F
from .functional import InterpolationMode


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self):
        lines = "".join(f"\n    {t}" for t in self.transforms)
        return f"{type(self).__name__}({lines}\n)"


class ToTensor:
    """See `functional.to_tensor`."""

    def __call__(self, pic):
        return F.to_tensor(pic)

    def __repr__(self):
        return f"{type(self).__name__}()"


class PILToTensor(ToTensor):
    """See `functional.pil_to_tensor`."""

    def __call__(self, pic):
        return F.pil_to_tensor(pic)


class ToPILImage:
    """See `functional.to_pil_image`."""

    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        return F.to_pil_image(pic, self.mode)

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)

    def __repr__(self):
        return f"{type(self).__name__}()"


class _Shown(Module):
    """Its repr names the attributes in `_shown`."""

    _shown = ()

    def __repr__(self):
        inner = ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)
        return f"{type(self).__name__}({inner})"


class ConvertImageDtype(_Shown):
    """See `functional.convert_image_dtype`."""

    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, image):
        return F.convert_image_dtype(image, self.dtype)


class Normalize(_Shown):
    """See `functional.normalize`."""

    _shown = ("mean", "std")

    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor):
        return F.normalize(tensor, self.mean, self.std, self.inplace)


class Resize(_Shown):
    """See `functional.resize`."""

    def __init__(
        self, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True
    ):
        super().__init__()
        self.size, self.interpolation = size, interpolation
        self.max_size, self.antialias = max_size, antialias

    def forward(self, img):
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self):
        return (
            f"Resize(size={self.size}, interpolation={F._kind(self.interpolation)}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


def _pair(size):
    if isinstance(size, int):
        return (size, size)
    return (size[0], size[0]) if len(size) == 1 else tuple(size)


class CenterCrop(_Shown):
    """See `functional.center_crop`."""

    _shown = ("size",)

    def __init__(self, size):
        super().__init__()
        self.size = _pair(size)

    def forward(self, img):
        return F.center_crop(img, self.size)


class Pad(_Shown):
    """See `functional.pad`."""

    _shown = ("padding", "fill", "padding_mode")

    def __init__(self, padding, fill=0, padding_mode="constant"):
        super().__init__()
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img):
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class Grayscale(_Shown):
    """See `functional.rgb_to_grayscale`."""

    _shown = ("num_output_channels",)

    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img):
        return F.rgb_to_grayscale(img, self.num_output_channels)


class _Chance(_Shown):
    """Applied with probability p."""

    _shown = ("p",)

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, img):
        return self._change(img) if torch.rand(1) < self.p else img


class RandomHorizontalFlip(_Chance):
    """See `functional.hflip`."""

    def _change(self, img):
        return F.hflip(img)


class RandomVerticalFlip(_Chance):
    """See `functional.vflip`."""

    def _change(self, img):
        return F.vflip(img)


class RandomGrayscale(_Chance):
    """Grey with as many channels, with probability p."""

    def __init__(self, p=0.1):
        super().__init__(p)

    def _change(self, img):
        return F.rgb_to_grayscale(img, F.get_image_num_channels(img))


class RandomInvert(_Chance):
    """See `functional.invert`."""

    def _change(self, img):
        return F.invert(img)


class RandomApply(Module):
    """All of the transforms with probability p, else none."""

    def __init__(self, transforms, p=0.5):
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img):
        if self.p < torch.rand(1):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img


class RandomChoice:
    """One of the transforms."""

    def __init__(self, transforms, p=None):
        self.transforms, self.p = transforms, p

    def __call__(self, *args):
        import random

        return random.choices(self.transforms, weights=self.p)[0](*args)


class RandomOrder(RandomChoice):
    """All of the transforms in random order."""

    def __call__(self, img):
        import random

        for i in random.sample(range(len(self.transforms)), len(self.transforms)):
            img = self.transforms[i](img)
        return img


class RandomCrop(_Shown):
    """A part of the given size from anywhere, after padding."""

    _shown = ("size", "padding")

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        super().__init__()
        self.size, self.padding, self.pad_if_needed = _pair(size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    @staticmethod
    def get_params(img, output_size):
        """(top, left, height, width), drawn."""
        _, h, w = F.get_dimensions(img)
        th, tw = output_size
        if h < th or w < tw:
            raise ValueError(
                f"Required crop size {(th, tw)} is larger than input image size {(h, w)}"
            )
        if w == tw and h == th:
            return 0, 0, h, w
        top = torch.randint(0, h - th + 1, size=(1,)).item()
        return top, torch.randint(0, w - tw + 1, size=(1,)).item(), th, tw

    def forward(self, img):
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, h, w = F.get_dimensions(img)
        if self.pad_if_needed and w < self.size[1]:
            img = F.pad(img, [self.size[1] - w, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and h < self.size[0]:
            img = F.pad(img, [0, self.size[0] - h], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


class RandomResizedCrop(_Shown):
    """A part of random area and shape, brought to the given size (Szegedy et al. 2014)."""

    _shown = ("size", "scale", "ratio")

    def __init__(
        self,
        size,
        scale=(0.08, 1.0),
        ratio=(3.0 / 4.0, 4.0 / 3.0),
        interpolation=InterpolationMode.BILINEAR,
        antialias=True,
    ):
        super().__init__()
        self.size, self.scale, self.ratio = _pair(size), scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    @staticmethod
    def get_params(img, scale, ratio):
        """(top, left, height, width), drawn."""
        _, height, width = F.get_dimensions(img)
        area, log_ratio = height * width, torch.log(torch.tensor(ratio))
        for _ in range(10):
            target = area * torch.empty(1).uniform_(scale[0], scale[1]).item()
            aspect = torch.exp(torch.empty(1).uniform_(log_ratio[0], log_ratio[1])).item()
            w = int(round(math.sqrt(target * aspect)))
            h = int(round(math.sqrt(target / aspect)))
            if 0 < w <= width and 0 < h <= height:
                top = torch.randint(0, height - h + 1, size=(1,)).item()
                return top, torch.randint(0, width - w + 1, size=(1,)).item(), h, w
        w, h = width, height
        if width / height < min(ratio):
            h = int(round(w / min(ratio)))
        elif width / height > max(ratio):
            w = int(round(h * max(ratio)))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img):
        part = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *part, self.size, self.interpolation, self.antialias)


class RandomRotation(_Shown):
    """By an angle from (-degrees, degrees)."""

    _shown = ("degrees",)

    def __init__(
        self, degrees, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=0
    ):
        super().__init__()
        one = isinstance(degrees, (int, float))
        self.degrees = [-float(degrees), float(degrees)] if one else [float(d) for d in degrees]
        self.interpolation, self.expand, self.center, self.fill = (
            interpolation,
            expand,
            center,
            fill,
        )

    def forward(self, img):
        angle = float(torch.empty(1).uniform_(*self.degrees).item())
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)


class RandomAffine(_Shown):
    """Rotated, moved, scaled and sheared by random amounts."""

    _shown = ("degrees", "translate", "scale", "shear")

    def __init__(
        self,
        degrees,
        translate=None,
        scale=None,
        shear=None,
        interpolation=InterpolationMode.NEAREST,
        fill=0,
        center=None,
    ):
        super().__init__()
        one = isinstance(degrees, (int, float))
        self.degrees = [-float(degrees), float(degrees)] if one else list(degrees)
        if isinstance(shear, (int, float)):
            shear = [-float(shear), float(shear)]
        self.translate, self.scale, self.shear = translate, scale, shear
        self.interpolation, self.fill, self.center = interpolation, fill, center

    def forward(self, img):
        def draw(low, high):
            return float(torch.empty(1).uniform_(float(low), float(high)).item())

        _, height, width = F.get_dimensions(img)
        angle, move, scale, shear = draw(*self.degrees), (0, 0), 1.0, (0.0, 0.0)
        if self.translate is not None:
            dx, dy = self.translate[0] * width, self.translate[1] * height
            move = (int(round(draw(-dx, dx))), int(round(draw(-dy, dy))))
        if self.scale is not None:
            scale = draw(*self.scale)
        if self.shear is not None:
            x = draw(*self.shear[:2])
            shear = (x, draw(*self.shear[2:]) if len(self.shear) == 4 else 0.0)
        return F.affine(img, angle, move, scale, shear, self.interpolation, self.fill, self.center)


class ColorJitter(_Shown):
    """Brightness, contrast, saturation and hue by random factors, in random order."""

    _shown = ("brightness", "contrast", "saturation", "hue")

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self.brightness = self._range(brightness, "brightness")
        self.contrast = self._range(contrast, "contrast")
        self.saturation = self._range(saturation, "saturation")
        self.hue = self._range(hue, "hue", 0, (-0.5, 0.5))

    @staticmethod
    def _range(value, name, center=1, bound=(0, float("inf"))):
        if isinstance(value, (int, float)):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            low = center - float(value)
            value = [max(low, 0.0) if center else low, center + float(value)]
        if not bound[0] <= value[0] <= value[1] <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {value}.")
        return None if value[0] == value[1] == center else tuple(value)

    def forward(self, img):
        order = torch.randperm(4).tolist()
        names = ("brightness", "contrast", "saturation", "hue")
        ranges = [getattr(self, name) for name in names]
        factors = [r and float(torch.empty(1).uniform_(r[0], r[1])) for r in ranges]
        for i in order:
            if factors[i] is not None:
                img = getattr(F, "adjust_" + names[i])(img, factors[i])
        return img


class GaussianBlur(_Shown):
    """See `functional.gaussian_blur`; sigma is drawn from a range."""

    _shown = ("kernel_size", "sigma")

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        super().__init__()
        self.kernel_size = _pair(kernel_size)
        self.sigma = (sigma, sigma) if isinstance(sigma, (int, float)) else sigma

    def forward(self, img):
        sigma = torch.empty(1).uniform_(self.sigma[0], self.sigma[1]).item()
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])


class RandomErasing(_Shown):
    """A random rectangle of a tensor set to a value or to noise (Zhong et al. 2017)."""

    _shown = ("p", "scale", "ratio", "value", "inplace")

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        super().__init__()
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    def forward(self, img):
        if torch.rand(1) >= self.p:
            return img
        channels, height, width = img.shape[-3:]
        log_ratio = torch.log(torch.tensor(self.ratio))
        for _ in range(10):
            area = height * width * torch.empty(1).uniform_(*self.scale).item()
            aspect = torch.exp(torch.empty(1).uniform_(log_ratio[0], log_ratio[1])).item()
            h, w = int(round(math.sqrt(area * aspect))), int(round(math.sqrt(area / aspect)))
            if not (h < height and w < width):
                continue
            if self.value == "random":
                value = torch.empty([channels, h, w], dtype=torch.float32).normal_()
            else:
                one = isinstance(self.value, (int, float))
                value = torch.tensor([self.value] if one else self.value)[:, None, None]
            top = torch.randint(0, height - h + 1, size=(1,)).item()
            left = torch.randint(0, width - w + 1, size=(1,)).item()
            return F.erase(img, top, left, h, w, value, self.inplace)
        return img


class FiveCrop(_Shown):
    """The four corners and the middle."""

    _shown = ("size",)

    def __init__(self, size):
        super().__init__()
        self.size = _pair(size)

    def forward(self, img):
        _, h, w = F.get_dimensions(img)
        ch, cw = self.size
        corners = [(0, 0), (0, w - cw), (h - ch, 0), (h - ch, w - cw)]
        parts = [F.crop(img, top, left, ch, cw) for top, left in corners]
        return (*parts, F.center_crop(img, self.size))
