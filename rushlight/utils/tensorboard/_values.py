"""What SummaryWriter's values are made of: histograms, PNG images, WAV sounds, PR curves."""

import struct
import zlib

import rushlight as torch

from . import _events as e


def as_tensor(values):
    """A tensor on the CPU of a tensor, an array, or numbers."""
    values = values if isinstance(values, torch.Tensor) else torch.as_tensor(values)
    return values.detach().cpu()


def _bucket_limits():
    """Upper limits that grow by a tenth, on both sides of zero, as TensorBoard's own."""
    limits, value = [], 1e-12
    while value < 1e20:
        limits.append(value)
        value *= 1.1
    return [-x for x in reversed(limits)] + [0.0] + limits + [torch.finfo(torch.float64).max]


def histogram(values, bins, max_bins=None):
    """HistogramProto of all elements. `bins` is "tensorflow", "auto"-like, a number, or edges.

    Raises ValueError where there is no finite element.
    """
    values = as_tensor(values).flatten().double()
    values = values[torch.isfinite(values)]
    if values.numel() == 0:
        raise ValueError("The input has no element.")
    low, high = values.min().item(), values.max().item()
    if bins == "tensorflow":
        limits = torch.tensor(_bucket_limits(), dtype=torch.float64)
    elif isinstance(bins, (str, int)):
        count = bins if isinstance(bins, int) else min(values.numel(), 30)
        limits = torch.linspace(low, high if high > low else low + 1, count + 1).double()[1:]
    else:
        limits = as_tensor(bins).double()[1:]
    if max_bins and len(limits) > max_bins:
        limits = limits[torch.linspace(0, len(limits) - 1, max_bins).long()]
    limits[-1] = max(limits[-1].item(), high)
    places = torch.bucketize(values, limits)
    counts = torch.bincount(places, minlength=len(limits))[: len(limits)]
    filled = torch.nonzero(counts).flatten()
    # Empty buckets outside of the filled ones are left out, but for one on each side.
    first, last = max(filled[0].item() - 1, 0), min(filled[-1].item() + 2, len(limits))
    return raw_histogram(
        low, high, values.numel(), values.sum().item(), values.square().sum().item(),
        limits[first:last].tolist(), counts[first:last].tolist(),
    )  # fmt: skip


def raw_histogram(low, high, count, total, squares, limits, counts):
    numbers = (low, high, count, total, squares)
    head = b"".join(e.double(i, float(x)) for i, x in enumerate(numbers, 1))
    return head + e.doubles(6, limits) + e.doubles(7, counts)


def to_hwc(image, formats):
    """An image tensor with dimensions named by `formats` as (height, width, 1, 3 or 4) bytes."""
    image, formats = as_tensor(image), formats.upper()
    if len(formats) != image.dim():
        raise AssertionError(
            f"size of input tensor and input format are different. tensor shape: {tuple(image.shape)}, "
            f"input_format: {formats}"
        )
    if image.dtype != torch.uint8:
        image = (image.float() * 255).clamp(0, 255).to(torch.uint8)
    if "N" in formats:
        image = _grid(image.permute(*(formats.index(c) for c in "NCHW")))
        formats = "CHW"
    if formats == "HW":
        return image.unsqueeze(-1)
    return image.permute(*(formats.index(c) for c in "HWC"))


def _grid(images):
    """Images (N, C, H, W) side by side, in about as many rows as columns: (C, H', W')."""
    n, c, h, w = images.shape
    columns = max(int(n**0.5 + 0.999), 1)
    rows = (n + columns - 1) // columns
    grid = images.new_zeros((rows * columns, c, h, w))
    grid[:n] = images
    grid = grid.view(rows, columns, c, h, w).permute(2, 0, 3, 1, 4)
    return grid.reshape(c, rows * h, columns * w)


def png(image):
    """The PNG file of (height, width, channels) bytes; one, three or four channels."""
    height, width, channels = image.shape
    kinds = {1: 0, 3: 2, 4: 6}
    if channels not in kinds:
        raise ValueError(f"an image has 1, 3 or 4 channels, not {channels}")
    pixels = bytes(image.contiguous().flatten().tolist())
    step = width * channels
    lines = b"".join(b"\0" + pixels[i : i + step] for i in range(0, len(pixels), step))

    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, kinds[channels], 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def image_value(tag, image, formats):
    """Value with an image."""
    image = to_hwc(image, formats)
    height, width, channels = image.shape
    content = e.integer(1, height) + e.integer(2, width) + e.integer(3, channels)
    return e.data(1, tag) + e.data(4, content + e.data(4, png(image)))


def audio_value(tag, sound, rate):
    """Value with a sound, numbers from -1 to 1, as a WAV file."""
    import io
    import wave

    samples = (as_tensor(sound).flatten().float().clamp(-1, 1) * 32767).short().tolist()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    content = e.single(1, rate) + e.integer(2, 1) + e.integer(3, len(samples))
    content += e.data(4, file.getvalue()) + e.data(5, "audio/wav")
    return e.data(1, tag) + e.data(6, content)


def pr_curve_value(tag, labels, predictions, thresholds, weights):
    """Value with true and false positives and negatives, precision and recall by threshold."""
    labels, predictions = as_tensor(labels).flatten().double(), as_tensor(predictions).flatten()
    weights = torch.ones_like(labels) if weights is None else as_tensor(weights).flatten().double()
    place = (predictions.double() * (thresholds - 1)).floor().long().clamp(0, thresholds - 1)

    def at_least(weight):  # how much lies at or above each threshold
        return torch.bincount(place, weight, minlength=thresholds).flip(0).cumsum(0).flip(0)

    true, false = at_least(weights * labels), at_least(weights * (1 - labels))
    missed, spared = true[0] - true, false[0] - false
    tiny = torch.tensor(1e-7, dtype=torch.float64)
    precision = true / torch.maximum(true + false, tiny)
    recall = true / torch.maximum(true[0], tiny)
    rows = torch.stack([true, false, spared, missed, precision, recall])
    content = e.integer(2, thresholds)
    value = e.data(1, tag) + e.metadata("pr_curves", content)
    return value + e.float_tensor((6, thresholds), rows.flatten().tolist())
