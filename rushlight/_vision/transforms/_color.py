"""More functions of `torchvision.transforms.functional`: fewer bits, negatives, histograms, sharpness,
perspective."""

import rushlight as torch

from . import functional as F
from .functional import InterpolationMode, _is_tensor

__all__ = [
    "adjust_sharpness",
    "autocontrast",
    "equalize",
    "perspective",
    "posterize",
    "solarize",
    "ten_crop",
]


def _pil(name, img, *args):
    from PIL import ImageOps

    return getattr(ImageOps, name)(img, *args)


def posterize(img, bits):
    """Only the highest `bits` bits of each value (of uint8)."""
    if not _is_tensor(img):
        return _pil("posterize", img, bits)
    if img.dtype != torch.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    return img & -(2 ** (8 - bits)) % 256


def solarize(img, threshold):
    """The negative of what is as bright as `threshold`, or brighter."""
    if not _is_tensor(img):
        return _pil("solarize", img, threshold)
    return torch.where(img >= threshold, F.invert(img), img)


def autocontrast(img):
    """Each channel stretched to the whole range."""
    if not _is_tensor(img):
        return _pil("autocontrast", img)
    top = 1.0 if img.is_floating_point() else 255.0
    values = img if img.is_floating_point() else img.float()
    low, high = values.amin((-2, -1), keepdim=True), values.amax((-2, -1), keepdim=True)
    flat = low == high
    scale = torch.where(flat, 1.0, top / (high - low))
    return ((values - torch.where(flat, 0.0, low)) * scale).clamp(0, top).to(img.dtype)


def equalize(img):
    """Each channel with a histogram as even as may be (of uint8)."""
    if not _is_tensor(img):
        return _pil("equalize", img)
    if img.dtype != torch.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    channels = img.reshape(-1, *img.shape[-2:]).unbind(0)
    return torch.stack([_equalized(c) for c in channels]).reshape(img.shape)


def _equalized(channel):
    counts = torch.bincount(channel.reshape(-1).long(), minlength=256)
    step = (channel.numel() - counts[counts != 0][-1]) // 255
    if step == 0:
        return channel
    table = (counts.cumsum(0) + step // 2) // step
    return torch.nn.functional.pad(table, [1, 0])[:-1].clamp(0, 255)[channel.long()].to(torch.uint8)


def adjust_sharpness(img, sharpness_factor):
    """Away from or towards a smoothed picture."""
    if not _is_tensor(img):
        return F._enhance(img, sharpness_factor, "Sharpness")
    if min(img.shape[-2:]) <= 2:
        return img
    x = img.reshape(-1, 1, *img.shape[-2:]).float()
    kernel = torch.ones(3, 3)
    kernel[1, 1] = 5.0
    smooth = x.clone()
    inner = torch.nn.functional.conv2d(x, kernel[None, None] / 13.0)
    smooth[..., 1:-1, 1:-1] = inner if img.is_floating_point() else inner.round()
    return F._blend(img, smooth.reshape(img.shape).to(img.dtype), sharpness_factor)


def perspective(
    img, startpoints, endpoints, interpolation=InterpolationMode.BILINEAR, fill=None
):  # fmt: skip
    """The picture with four points moved to four others."""
    rows, where = [], []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        where += [u, v]
    a = torch.tensor(rows, dtype=torch.float64)
    c = torch.linalg.solve(a, torch.tensor(where, dtype=torch.float64)).float().tolist()
    if not _is_tensor(img):
        from PIL import Image

        how = Image.Transform.PERSPECTIVE, c, F._PIL[F._kind(interpolation)]
        return img.transform(img.size, *how, fillcolor=F._pil_fill(fill, img))
    h, w = img.shape[-2:]
    y, x = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
    below = c[6] * x + c[7] * y + 1
    u, v = (c[0] * x + c[1] * y + c[2]) / below, (c[3] * x + c[4] * y + c[5]) / below
    grid = torch.stack([u * 2 / w - 1, v * 2 / h - 1], -1)
    return F._sampled(img, grid[None], interpolation, fill)


def ten_crop(img, size, vertical_flip=False):
    """Four corners and the middle, and those of the mirrored picture."""
    from .transforms import FiveCrop

    mirrored = F.vflip(img) if vertical_flip else F.hflip(img)
    crop = FiveCrop(size)
    return (*crop(img), *crop(mirrored))


def turned_hue(img, turn):
    """`adjust_hue` of a tensor: through hue, saturation and value (Smith 1978)."""
    r, g, b = F.convert_image_dtype(img, torch.float32).unbind(-3)
    value, low = (torch.stack([r, g, b]).amax(0), torch.stack([r, g, b]).amin(0))
    grey, width = value == low, value - low
    saturation = width / torch.where(grey, 1.0, value)
    width = torch.where(grey, 1.0, width)
    rc, gc, bc = (value - r) / width, (value - g) / width, (value - b) / width
    hue = torch.where(value == r, bc - gc, torch.where(value == g, 2.0 + rc - bc, 4.0 + gc - rc))
    hue = (torch.fmod(hue / 6.0 + 1.0, 1.0) + turn) % 1.0
    sector = torch.floor(hue * 6.0)
    f = hue * 6.0 - sector
    p = (value * (1.0 - saturation)).clamp(0.0, 1.0)
    q = (value * (1.0 - saturation * f)).clamp(0.0, 1.0)
    t = (value * (1.0 - saturation * (1.0 - f))).clamp(0.0, 1.0)
    sector = (sector.int() % 6).long().unsqueeze(0)
    rows = [(value, q, p, p, t, value), (t, value, value, q, p, p), (p, p, t, value, value, q)]
    channels = [torch.stack(row).gather(0, sector)[0] for row in rows]
    return F.convert_image_dtype(torch.stack(channels, -3), img.dtype)
