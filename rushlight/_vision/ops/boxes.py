"""Boxes (x1, y1, x2, y2): areas, overlaps, suppression of the lesser of overlapping ones."""

import rushlight as torch


def box_area(boxes):
    """Areas of boxes (N, 4)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _wide(boxes):
    return boxes if boxes.is_floating_point() and boxes.itemsize >= 4 else boxes.float()


def _overlaps(boxes1, boxes2):
    low = torch.max(boxes1[..., :, None, :2], boxes2[..., None, :, :2])
    high = torch.min(boxes1[..., :, None, 2:], boxes2[..., None, :, 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    union = box_area(boxes1)[..., :, None] + box_area(boxes2)[..., None, :] - inter
    return inter, union


def box_iou(boxes1, boxes2, fmt="xyxy"):
    """Intersection over union of every pair, (N, M)."""
    if fmt != "xyxy":
        boxes1, boxes2 = box_convert(boxes1, fmt, "xyxy"), box_convert(boxes2, fmt, "xyxy")
    inter, union = _overlaps(_wide(boxes1), _wide(boxes2))
    return inter / union


def generalized_box_iou(boxes1, boxes2):
    """IoU less the share of the common hull that neither covers (Rezatofighi et al. 2019)."""
    inter, union = _overlaps(_wide(boxes1), _wide(boxes2))
    low = torch.min(boxes1[..., :, None, :2], boxes2[..., None, :, :2])
    high = torch.max(boxes1[..., :, None, 2:], boxes2[..., None, :, 2:])
    hull = (high - low).clamp(min=0).prod(-1)
    return inter / union - (hull - union) / hull


def nms(boxes, scores, iou_threshold):
    """Indices of the boxes to keep, best score first: none overlaps a better one by more.

    Example:
        >>> import rushlight as torch
        >>> boxes = torch.tensor([[0., 0, 2, 2], [0, 0, 2, 1.9], [3, 3, 4, 4]])
        >>> nms(boxes, torch.tensor([0.5, 0.9, 0.3]), 0.5)
        tensor([1, 2])
    """
    order = scores.argsort(descending=True, stable=True)
    over = (box_iou(boxes[order], boxes[order]) > iou_threshold).tolist()
    alive, kept = [True] * len(over), []
    for i, row in enumerate(over):
        if alive[i]:
            kept.append(i)
            alive = [a and not o for a, o in zip(alive, row, strict=True)]
    return order[torch.tensor(kept, dtype=torch.int64)]


def batched_nms(boxes, scores, idxs, iou_threshold):
    """`nms` within each class of `idxs`."""
    if boxes.numel() == 0:
        return torch.empty(0, dtype=torch.int64)
    # Every class is moved to a place of its own, where it meets no other.
    shift = idxs.to(boxes) * (boxes.max() + 1)
    return nms(boxes + shift[:, None], scores, iou_threshold)


def remove_small_boxes(boxes, min_size):
    """Indices of the boxes with both sides at least `min_size`."""
    return torch.where(((boxes[:, 2:] - boxes[:, :2]) >= min_size).all(1))[0]


def clip_boxes_to_image(boxes, size):
    """Boxes with their corners moved inside an image of (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return torch.stack((x, y), dim=boxes.dim()).reshape(boxes.shape)


def box_convert(boxes, in_fmt, out_fmt):
    """Between "xyxy", "xywh" and "cxcywh"."""
    known = ("xyxy", "xywh", "cxcywh")
    if in_fmt not in known or out_fmt not in known:
        raise ValueError(
            f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}"
        )
    a, b, c, d = boxes.unbind(-1)
    if in_fmt == "xywh":
        c, d = a + c, b + d
    elif in_fmt == "cxcywh":
        a, b, c, d = a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * d
    if out_fmt == "xywh":
        c, d = c - a, d - b
    elif out_fmt == "cxcywh":
        a, b, c, d = (a + c) / 2, (b + d) / 2, c - a, d - b
    return torch.stack((a, b, c, d), dim=-1)


def masks_to_boxes(masks):
    """The hull of each mask (N, H, W) as a box."""
    boxes = torch.zeros((masks.shape[0], 4), dtype=torch.float)
    for box, mask in zip(boxes, masks, strict=True):
        y, x = torch.where(mask != 0)
        box[:] = torch.stack([x.min(), y.min(), x.max(), y.max()]).float()
    return boxes
