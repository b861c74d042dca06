"""Transforms as functions, of PIL images and of tensors (..., C, H, W). Drawing lots is not here."""

import enum
import math

import rushlight as torch
from rushlight.nn import functional as F


class InterpolationMode(enum.Enum):
    """How new pixels are made of old ones."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_PIL = {"nearest": 0, "nearest-exact": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}
_PIL.update(box=4, hamming=5)


def _is_tensor(img):
    return isinstance(img, torch.Tensor)


def get_dimensions(img):
    """[channels, height, width]."""
    if _is_tensor(img):
        return [1 if img.ndim == 2 else img.shape[-3], img.shape[-2], img.shape[-1]]
    return [len(img.getbands()), img.height, img.width]


def get_image_size(img):
    """[width, height]."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img):
    """The number of channels."""
    return get_dimensions(img)[0]


def pil_to_tensor(pic):
    """The bytes of a PIL image as a tensor (C, H, W)."""
    import numpy as np

    array = np.array(pic, copy=True)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.dtype == bool:
        array = array.astype("uint8") * 255
    return torch.from_numpy(array).permute(2, 0, 1).contiguous()


def to_tensor(pic):
    """A PIL image or an array (H, W, C) as a tensor (C, H, W), bytes scaled to [0, 1].

    Raises TypeError for anything else.
    """
    if type(pic).__module__ == "numpy":
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic[:, :, None] if pic.ndim == 2 else pic
        out = torch.from_numpy(array.transpose((2, 0, 1)).copy())
    elif hasattr(pic, "getbands"):
        out = pil_to_tensor(pic)
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    return out.to(torch.get_default_dtype()).div(255) if out.dtype == torch.uint8 else out


def to_pil_image(pic, mode=None):
    """A tensor (C, H, W) or an array (H, W, C) as a PIL image; floats are scaled by 255."""
    from PIL import Image

    if _is_tensor(pic):
        if pic.is_floating_point() and mode != "F":
            pic = pic.mul(255).byte()
        if pic.ndim == 2:
            pic = pic.unsqueeze(0)
        pic = pic.cpu().permute(1, 2, 0).contiguous().numpy()
    if pic.ndim == 3 and pic.shape[2] == 1:
        pic = pic[:, :, 0]
    image = Image.fromarray(pic)
    return image.convert(mode) if mode is not None and image.mode != mode else image


def convert_image_dtype(image, dtype=torch.float32):
    """Another dtype, the range scaled: bytes to [0, 1] and back."""
    if image.dtype == dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        return image.mul(torch.iinfo(dtype).max + 1.0 - 1e-3).to(dtype)
    top = torch.iinfo(image.dtype).max
    if dtype.is_floating_point:
        return image.to(dtype) / top
    new = torch.iinfo(dtype).max
    if top > new:
        return torch.div(image, (top + 1) // (new + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((new + 1) // (top + 1))


def normalize(tensor, mean, std, inplace=False):
    """(x - mean) / std by channel. Raises TypeError for integers."""
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    mean = torch.as_tensor(mean, dtype=tensor.dtype)
    std = torch.as_tensor(std, dtype=tensor.dtype)
    if (std == 0).any():
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero."
        )
    if mean.ndim == 1:
        mean, std = mean.view(-1, 1, 1), std.view(-1, 1, 1)
    return (tensor if inplace else tensor.clone()).sub_(mean).div_(std)


def _target(height, width, size, max_size):
    if isinstance(size, (tuple, list)) and len(size) == 2:
        return list(size)
    size = size[0] if isinstance(size, (tuple, list)) else size
    short, long = sorted((height, width))
    new_long = int(size * long / short)
    if max_size is not None and new_long > max_size:
        size, new_long = int(max_size * size / new_long), max_size
    return [size, new_long] if height <= width else [new_long, size]


def _kind(interpolation):
    return getattr(
        interpolation, "value", {0: "nearest", 2: "bilinear", 3: "bicubic"}.get(interpolation)
    )


def resize(img, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
    """To (height, width), or the shorter side to `size`."""
    _, height, width = get_dimensions(img)
    size, kind = _target(height, width, size, max_size), _kind(interpolation)
    if not _is_tensor(img):
        return img.resize(size[::-1], _PIL[kind])
    if size == [height, width]:
        return img
    x = img.reshape(-1, *img.shape[-3:])
    x = x if x.is_floating_point() else x.float()
    smooth = kind in ("bilinear", "bicubic")
    options = {"align_corners": False, "antialias": bool(antialias)} if smooth else {}
    x = F.interpolate(x, size=size, mode=kind, **options)
    if not img.is_floating_point():
        x = x.clamp(0, 255).round().to(img.dtype)
    return x.reshape(*img.shape[:-2], *size)


def pad(img, padding, fill=0, padding_mode="constant"):
    """Borders of `padding`: one number, (x, y), or (left, top, right, bottom)."""
    p = [padding] if isinstance(padding, int) else list(padding)
    left, top, right, bottom = p * 4 if len(p) == 1 else p * 2 if len(p) == 2 else p
    if _is_tensor(img):
        mode = {"edge": "replicate"}.get(padding_mode, padding_mode)
        x = img if mode == "constant" else img.float()
        value = {"value": float(fill or 0)} if mode == "constant" else {}
        x = F.pad(x.unsqueeze(0), (left, right, top, bottom), mode=mode, **value)
        return x.squeeze(0).to(img.dtype)
    if padding_mode == "constant":
        from PIL import ImageOps

        return ImageOps.expand(img, (left, top, right, bottom), fill)
    return to_pil_image(pad(pil_to_tensor(img), padding, fill, padding_mode), img.mode)


def crop(img, top, left, height, width):
    """The part at (top, left); zeros where it leaves the image."""
    if not _is_tensor(img):
        return img.crop((left, top, left + width, top + height))
    h, w = img.shape[-2:]
    part = img[..., max(top, 0) : top + height, max(left, 0) : left + width]
    edges = (max(-left, 0), max(left + width - w, 0), max(-top, 0), max(top + height - h, 0))
    return F.pad(part, edges) if any(edges) else part


def center_crop(img, output_size):
    """The middle."""
    size = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    size = size * 2 if len(size) == 1 else size
    _, h, w = get_dimensions(img)
    edges = [(size[1] - w) // 2, (size[0] - h) // 2, (size[1] - w + 1) // 2, (size[0] - h + 1) // 2]
    if any(e > 0 for e in edges):
        img = pad(img, [max(e, 0) for e in edges])
        _, h, w = get_dimensions(img)
    return crop(img, int(round((h - size[0]) / 2.0)), int(round((w - size[1]) / 2.0)), *size)


def resized_crop(img, top, left, height, width, size, interpolation=InterpolationMode.BILINEAR,
                 antialias=True):  # fmt: skip
    """`crop`, then `resize`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img):
    """Left and right exchanged."""
    return img.flip(-1) if _is_tensor(img) else img.transpose(0)


def vflip(img):
    """Top and bottom exchanged."""
    return img.flip(-2) if _is_tensor(img) else img.transpose(1)


def rotate(img, angle, interpolation=InterpolationMode.NEAREST, expand=False, center=None,
           fill=None):  # fmt: skip
    """Counter-clockwise, in degrees."""
    if not _is_tensor(img):
        return img.rotate(
            angle, _PIL[_kind(interpolation)], expand, center, fillcolor=_pil_fill(fill, img)
        )
    return affine(img, -angle, (0, 0), 1.0, (0.0, 0.0), interpolation, fill, center)


def _pil_fill(fill, img):
    """One number a channel, as PIL wants it."""
    if isinstance(fill, (int, float)):
        fill = [fill] * len(img.getbands())
    if fill is None or len(fill) == 1:
        return fill and int(fill[0])
    return tuple(map(int, fill))


def _inverse_affine(center, angle, translate, scale, shear):
    """Where each new pixel comes from: the first two rows of the inverse of the map."""
    cx, cy = center
    rot, sx = math.radians(angle), math.radians(shear[0])
    sy = math.radians(shear[1] if len(shear) > 1 else 0)
    a = math.cos(rot - sy) / math.cos(sy)
    b = -math.cos(rot - sy) * math.tan(sx) / math.cos(sy) - math.sin(rot)
    c = math.sin(rot - sy) / math.cos(sy)
    d = -math.sin(rot - sy) * math.tan(sx) / math.cos(sy) + math.cos(rot)
    m = [d / scale, -b / scale, 0.0, -c / scale, a / scale, 0.0]
    m[2] = m[0] * (-cx - translate[0]) + m[1] * (-cy - translate[1]) + cx
    m[5] = m[3] * (-cx - translate[0]) + m[4] * (-cy - translate[1]) + cy
    return m


def affine(img, angle, translate, scale, shear, interpolation=InterpolationMode.NEAREST,
           fill=None, center=None):  # fmt: skip
    """Rotated (clockwise, in degrees), moved, scaled and sheared about the centre."""
    shear = [shear, 0.0] if isinstance(shear, (int, float)) else list(shear)
    _, h, w = get_dimensions(img)
    if not _is_tensor(img):
        from PIL import Image

        m = _inverse_affine(center or (w * 0.5, h * 0.5), angle, translate, scale, shear)
        how = Image.Transform.AFFINE, m, _PIL[_kind(interpolation)]
        return img.transform((w, h), *how, fillcolor=_pil_fill(fill, img))
    middle = (0.0, 0.0) if center is None else (center[0] - w * 0.5, center[1] - h * 0.5)
    m = _inverse_affine(middle, angle, translate, scale, shear)
    base = torch.ones(h, w, 3)
    base[..., 0] = torch.linspace(-w * 0.5 + 0.5, w * 0.5 - 0.5, w)
    base[..., 1] = torch.linspace(-h * 0.5 + 0.5, h * 0.5 - 0.5, h).unsqueeze(-1)
    grid = base.reshape(-1, 3) @ (torch.tensor(m).reshape(2, 3).T / torch.tensor([w / 2, h / 2]))
    grid = grid.reshape(1, h, w, 2)
    return _sampled(img, grid, interpolation, fill)


def _sampled(img, grid, interpolation, fill):
    """The values of a tensor at the places of a grid; `fill` outside."""
    x = img.reshape(-1, *img.shape[-3:])
    values = x if x.is_floating_point() else x.float()
    grid = grid.expand(len(x), -1, -1, -1).to(values.dtype)
    kind = _kind(interpolation)
    found = F.grid_sample(values, grid, mode=kind, align_corners=False)
    if fill is not None:
        color = torch.tensor(fill, dtype=values.dtype).reshape(-1, 1, 1)
        inside = F.grid_sample(torch.ones_like(values), grid, mode=kind, align_corners=False)
        if kind == "nearest":
            found = torch.where(inside < 0.5, color, found)
        else:
            found = found * inside + (1.0 - inside) * color
    return (found if x.is_floating_point() else found.round()).to(x.dtype).reshape(img.shape)


def rgb_to_grayscale(img, num_output_channels=1):
    """The luma of a colour image."""
    if not _is_tensor(img):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else grey.convert("RGB")
    r, g, b = img.unbind(-3)
    grey = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(-3)
    return grey if num_output_channels == 1 else grey.expand(img.shape)


def to_grayscale(img, num_output_channels=1):
    """`rgb_to_grayscale` of a PIL image."""
    return rgb_to_grayscale(img, num_output_channels)


def _blend(img, other, ratio):
    top = 1.0 if img.is_floating_point() else 255
    return (ratio * img + (1.0 - ratio) * other).clamp(0, top).to(img.dtype)


def _enhance(img, factor, name):
    from PIL import ImageEnhance

    return getattr(ImageEnhance, name)(img).enhance(factor)


def adjust_brightness(img, brightness_factor):
    """Times a factor."""
    if not _is_tensor(img):
        return _enhance(img, brightness_factor, "Brightness")
    return _blend(img, torch.zeros_like(img), brightness_factor)


def adjust_contrast(img, contrast_factor):
    """Away from or towards the mean grey."""
    if not _is_tensor(img):
        return _enhance(img, contrast_factor, "Contrast")
    grey = rgb_to_grayscale(img) if img.shape[-3] == 3 else img
    mean = grey.to(torch.float32).mean((-3, -2, -1), keepdim=True)
    return _blend(img, mean, contrast_factor)


def adjust_saturation(img, saturation_factor):
    """Away from or towards grey."""
    if not _is_tensor(img):
        return _enhance(img, saturation_factor, "Color")
    return img if img.shape[-3] == 1 else _blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img, hue_factor):
    """The hue turned by `hue_factor` of a circle, in [-0.5, 0.5]."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if _is_tensor(img):
        from ._color import turned_hue

        return turned_hue(img, hue_factor) if img.shape[-3] != 1 else img
    if img.mode in ("L", "1", "I", "F"):
        return img
    from PIL import Image

    h, s, v = img.convert("HSV").split()
    h = h.point(lambda value: (value + int(hue_factor * 255)) % 256)
    return Image.merge("HSV", (h, s, v)).convert(img.mode)


def invert(img):
    """The negative."""
    if _is_tensor(img):
        return (1.0 if img.is_floating_point() else 255) - img
    from PIL import ImageOps

    return ImageOps.invert(img)


def gaussian_blur(img, kernel_size, sigma=None):
    """Convolved with a bell of `sigma`, reflected at the edges."""
    if not _is_tensor(img):
        return to_pil_image(gaussian_blur(pil_to_tensor(img), kernel_size, sigma), img.mode)
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if sigma is None:
        sigma = [k * 0.15 + 0.35 for k in sizes]
    sigmas = (
        [float(sigma)] * 2 if isinstance(sigma, (int, float)) else list(sigma) * (2 // len(sigma))
    )
    bells = []
    for k, s in zip(sizes, sigmas, strict=True):
        x = torch.linspace(-(k - 1) * 0.5, (k - 1) * 0.5, steps=k)
        bell = torch.exp(-0.5 * (x / s) ** 2)
        bells.append(bell / bell.sum())
    x = img.reshape(-1, 1, *img.shape[-2:])
    values = x if x.is_floating_point() else x.float()
    kernel = (bells[1][:, None] * bells[0][None, :])[None, None].to(values.dtype)
    half = [sizes[0] // 2] * 2 + [sizes[1] // 2] * 2
    values = F.conv2d(F.pad(values, half, mode="reflect"), kernel)
    return (values if x.is_floating_point() else values.round()).to(img.dtype).reshape(img.shape)


def erase(img, i, j, h, w, v, inplace=False):
    """A rectangle set to `v`."""
    img = img if inplace else img.clone()
    img[..., i : i + h, j : j + w] = v
    return img


def __getattr__(name):
    from . import _color

    if name in _color.__all__:
        return getattr(_color, name)
    raise AttributeError(f"module 'torchvision.transforms.functional' has no attribute '{name}'")
