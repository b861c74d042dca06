"""Grids of images, and images with boxes, for looking at batches."""

import math

import rushlight as torch


def make_grid(
    tensor, nrow=8, padding=2, normalize=False, value_range=None, scale_each=False, pad_value=0.0
):
    """One image (C, H, W) out of a batch (B, C, H, W), `nrow` a row.

    Raises TypeError for anything but tensors.
    """
    if not isinstance(tensor, torch.Tensor):
        if not (isinstance(tensor, list) and all(isinstance(t, torch.Tensor) for t in tensor)):
            raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
        tensor = torch.stack(tensor, dim=0)
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(0)
    if tensor.size(1) == 1:
        tensor = tensor.repeat(1, 3, 1, 1)
    if normalize:
        tensor = tensor.clone()
        for part in tensor if scale_each else [tensor]:
            low, high = value_range or (float(part.min()), float(part.max()))
            part.clamp_(min=low, max=high).sub_(low).div_(max(high - low, 1e-5))
    if tensor.size(0) == 1:
        return tensor.squeeze(0)
    count, channels, height, width = tensor.shape
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = height + padding, width + padding
    size = (channels, height * rows + padding, width * columns + padding)
    grid = tensor.new_full(size, pad_value)
    for i in range(count):
        y, x = i // columns * height + padding, i % columns * width + padding
        grid[:, y : y + height - padding, x : x + width - padding] = tensor[i]
    return grid


@torch.no_grad()
def save_image(tensor, fp, format=None, **kwargs):
    """Writes a batch as one image file; options are those of `make_grid`."""
    from PIL import Image

    grid = make_grid(tensor, **kwargs)
    bytes_ = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to("cpu", torch.uint8)
    Image.fromarray(bytes_.numpy()).save(fp, format=format)


def draw_bounding_boxes(image, boxes, labels=None, colors=None, width=1, **_):
    """A copy of a uint8 image (3, H, W) with frames at `boxes` (N, 4)."""
    from PIL import ImageDraw

    from .transforms.functional import pil_to_tensor, to_pil_image

    picture = to_pil_image(image)
    pen = ImageDraw.Draw(picture)
    for i, box in enumerate(boxes.tolist()):
        color = colors[i] if isinstance(colors, list) else colors or "red"
        pen.rectangle(box, outline=color, width=width)
        if labels is not None and labels[i] is not None:
            pen.text((box[0] + 2, box[1]), str(labels[i]), fill=color)
    return pil_to_tensor(picture)
