"""Features of boxes at a fixed size: bilinear means (He et al. 2017) and maxima (Girshick 2015)."""

import math

import rushlight as torch
from rushlight import nn


def _rows(boxes):
    """Boxes as (K, 5) with the image's number first, from that or from a list an image."""
    if isinstance(boxes, torch.Tensor):
        return boxes
    parts = [
        torch.cat([torch.full((len(b), 1), float(i), dtype=b.dtype), b], 1)
        for i, b in enumerate(boxes)
    ]
    return torch.cat(parts)


def _samples(start, size, bins, count, limit):
    """Positions, neighbours and weights of the samples along one axis, `bins * count` of them."""
    at = start + (torch.arange(bins * count).to(start.dtype) + 0.5) * (size / (bins * count))
    inside = (at >= -1) & (at <= limit)
    at = at.clamp(min=0)
    low = at.floor().clamp(max=limit - 1)
    at = torch.where(low >= limit - 1, low, at)
    high = (low + 1).clamp(max=limit - 1)
    return low.long(), high.long(), at - low, inside


def roi_align(input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=False):
    """Bilinear means over a grid in each box, (K, C, h, w); boxes (K, 5) or a list an image."""
    out_h, out_w = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * 2
    height, width = input.shape[2:]
    results = []
    for row in _rows(boxes).to(input.dtype):
        image = int(row[0])
        x1, y1, x2, y2 = row[1:] * spatial_scale - (0.5 if aligned else 0.0)
        w, h = x2 - x1, y2 - y1
        if not aligned:
            w, h = w.clamp(min=1.0), h.clamp(min=1.0)
        ny = sampling_ratio if sampling_ratio > 0 else max(math.ceil(float(h) / out_h), 1)
        nx = sampling_ratio if sampling_ratio > 0 else max(math.ceil(float(w) / out_w), 1)
        y0, y_, fy, in_y = _samples(y1, h, out_h, ny, height)
        x0, x_, fx, in_x = _samples(x1, w, out_w, nx, width)
        picture = input[image]
        rows = picture[:, y0] * (1 - fy)[:, None] + picture[:, y_] * fy[:, None]
        values = rows[:, :, x0] * (1 - fx) + rows[:, :, x_] * fx
        values = values * (in_y[:, None] & in_x).to(values.dtype)
        results.append(values.reshape(-1, out_h, ny, out_w, nx).mean((2, 4)))
    if not results:
        return input.new_zeros((0, input.shape[1], out_h, out_w))
    return torch.stack(results)


def roi_pool(input, boxes, output_size, spatial_scale=1.0):
    """Maxima over the cells of a grid in each box, (K, C, h, w)."""
    out_h, out_w = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * 2
    height, width = input.shape[2:]
    out = input.new_zeros((0, input.shape[1], out_h, out_w))
    results = []
    for row in _rows(boxes).tolist():
        x1, y1, x2, y2 = (math.floor(v * spatial_scale + 0.5) for v in row[1:])
        h, w = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        cells = []
        for i in range(out_h):
            top = min(max(y1 + i * h // out_h, 0), height)
            end_y = min(max(y1 + -(-(i + 1) * h // out_h), 0), height)
            for j in range(out_w):
                left = min(max(x1 + j * w // out_w, 0), width)
                end_x = min(max(x1 + -(-(j + 1) * w // out_w), 0), width)
                part = input[int(row[0]), :, top:end_y, left:end_x]
                cells.append(part.amax((1, 2)) if part.numel() else part.new_zeros(len(part)))
        results.append(torch.stack(cells, 1).reshape(-1, out_h, out_w))
    return torch.stack(results) if results else out


class RoIAlign(nn.Module):
    """See `roi_align`."""

    def __init__(self, output_size, spatial_scale, sampling_ratio, aligned=False):
        super().__init__()
        self.options = (output_size, spatial_scale, sampling_ratio, aligned)

    def forward(self, input, rois):
        return roi_align(input, rois, *self.options)


class RoIPool(nn.Module):
    """See `roi_pool`."""

    def __init__(self, output_size, spatial_scale):
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def forward(self, input, rois):
        return roi_pool(input, rois, self.output_size, self.spatial_scale)
