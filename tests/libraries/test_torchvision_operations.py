"""The operations of torchvision's compiled part, which rushlight provides in its place."""

import pytest

pytest.importorskip("torchvision", reason="torchvision is not installed")


def test_boxes_are_suppressed():
    import torch
    from torchvision import ops

    torch.manual_seed(0)
    corners = torch.rand(60, 2) * 20
    boxes = torch.cat([corners, corners + 1 + torch.rand(60, 2) * 10], 1)
    scores, groups = torch.rand(60), torch.randint(0, 2, (60,))
    kept, overlap = [], ops.box_iou(boxes, boxes)
    for i in scores.argsort(descending=True).tolist():
        if all(groups[i] != groups[j] or overlap[i, j] <= 0.2 for j in kept):
            kept.append(i)
    assert ops.batched_nms(boxes, scores, groups, 0.2).tolist() == kept and 5 < len(kept) < 60


def test_regions_of_a_plane():
    """On a map that is linear in x and y, the mean over a region is the value at its middle."""
    import torch
    from torchvision import ops

    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    maps = (2 * x + 3 * y + 1)[None, None].requires_grad_()
    boxes = torch.tensor([[0, 2.0, 3.0, 8.0, 9.0], [0, 4.0, 5.0, 10.0, 9.0]])
    found = ops.roi_align(maps, boxes, (2, 2), sampling_ratio=2, aligned=True)
    for region, (_, x1, y1, x2, y2) in zip(found, boxes.tolist()):
        for i in range(2):
            for j in range(2):
                middle_x = x1 + (x2 - x1) * (j + 0.5) / 2 - 0.5
                middle_y = y1 + (y2 - y1) * (i + 0.5) / 2 - 0.5
                expected = 2 * middle_x + 3 * middle_y + 1
                assert region[0, i, j].item() == pytest.approx(expected, abs=1e-4)
    found.sum().backward()
    assert maps.grad.sum().item() == pytest.approx(8, abs=1e-5)  # each mean has weight one
    pooled = ops.roi_pool(maps, boxes[:1], (1, 1))
    assert pooled.item() == 2 * 8 + 3 * 9 + 1  # the largest value within, ends included


def test_absent_operations_say_so():
    import torch

    with pytest.raises(NotImplementedError, match="torch.ops.torchvision.deform_conv2d is not in"):
        torch.ops.torchvision.deform_conv2d(torch.ones(1))


def test_detection_model_runs():
    import torch
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    torch.manual_seed(0)
    model = fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=3, min_size=64, max_size=96
    )
    image = torch.rand(3, 64, 64)
    target = {"boxes": torch.tensor([[5.0, 5.0, 40.0, 50.0]]), "labels": torch.tensor([1])}
    losses = model.train()([image], [target])
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    with torch.no_grad():
        (found,) = model.eval()([image])
    assert sorted(found) == ["boxes", "labels", "scores"]
    assert len(found["boxes"]) == len(found["labels"]) == len(found["scores"])
