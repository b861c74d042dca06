"""Images from and to files, by Pillow. No video."""

import enum

import rushlight as torch

from .transforms.functional import pil_to_tensor, to_pil_image


class ImageReadMode(enum.Enum):
    """How `read_image` converts."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _decoded(source, mode):
    from PIL import Image

    mode = getattr(mode, "value", mode)
    with Image.open(source) as image:
        return pil_to_tensor(image.convert(_MODES[mode]) if mode in _MODES else image)


def read_image(path, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """The image of a file as a uint8 tensor (C, H, W)."""
    return _decoded(path, mode)


def decode_image(input, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """The image in a tensor of bytes, or in a file, as a uint8 tensor (C, H, W)."""
    import io

    source = io.BytesIO(bytes(input.tolist())) if isinstance(input, torch.Tensor) else input
    return _decoded(source, mode)


def write_png(input, filename, compression_level=6):
    """Writes a uint8 tensor (C, H, W)."""
    to_pil_image(input).save(filename, "PNG", compress_level=compression_level)


def write_jpeg(input, filename, quality=75):
    """Writes a uint8 tensor (C, H, W)."""
    to_pil_image(input).save(filename, "JPEG", quality=quality)
