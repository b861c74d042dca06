"""The small torchvision: layer names, initial values, drawn lots and pixels against numbers that
torchvision 0.29 gave, and files of data sets in their formats.
"""

import gzip
import hashlib

import numpy as np
import pytest

import rushlight as torch
from rushlight._vision import datasets, models, ops, utils
from rushlight._vision import transforms as T

Image = pytest.importorskip("PIL.Image")

# Names and shapes of the state, its sum for seed 0.
MODELS = {
    "resnet18": ("1058760f", 9554.495),
    "resnet50": ("755642ea", 52996.125),
    "mobilenet_v2": ("8384767e", 34242.324),
    "resnext50_32x4d": ("7d508431", 68080.358),
    "mobilenet_v3_small": ("06784748", 12190.911),
    "mobilenet_v3_large": ("33d41168", 24490.858),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_are_torchvision_s(name):
    torch.manual_seed(0)
    model = getattr(models, name)(num_classes=5).eval()
    state = model.state_dict()
    text = repr([(key, tuple(value.shape)) for key, value in state.items()])
    total = sum(value.double().sum().item() for value in state.values())
    assert hashlib.md5(text.encode()).hexdigest()[:8] == MODELS[name][0]
    assert total == pytest.approx(MODELS[name][1], abs=2e-3)
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 5)


def test_small_vision_transformer():
    model = models.VisionTransformer(32, 8, 2, 4, 16, 32, num_classes=3)
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 3)
    assert "encoder.layers.encoder_layer_1.self_attention.in_proj_weight" in model.state_dict()


# (mean of the changed picture as bytes, mean of the changed tensor)
TRANSFORMS = {
    "Resize(20)": (127.25, 0.4991),
    "CenterCrop(24)": (127.46, 0.4999),
    "CenterCrop(50)": (61.04, 0.2394),
    "RandomCrop(24, padding=4)": (127.35, 0.4994),
    "RandomResizedCrop(16)": (130.68, 0.5124),
    "ColorJitter(0.4, 0.4, 0.4)": (78.08, 0.31),
    "RandomRotation(20)": (111.03, 0.4354),
    "RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 5)": (81.32, 0.3189),
    "GaussianBlur(5)": (127.17, 0.4987),
    "Pad(3)": (92.15, 0.3614),
    "RandomGrayscale(0.5)": (127.46, 0.4987),
}


def picture():
    return Image.fromarray((np.arange(40 * 30 * 3) * 7 % 256).astype("uint8").reshape(40, 30, 3))


@pytest.mark.parametrize("text", TRANSFORMS)
def test_transforms_draw_and_compute_as_torchvision(text):
    transform = eval("T." + text)
    torch.manual_seed(3)
    of_picture = T.functional.pil_to_tensor(transform(picture())).float().mean().item()
    torch.manual_seed(3)
    of_tensor = transform(T.functional.to_tensor(picture())).mean().item()
    assert (of_picture, of_tensor) == pytest.approx(TRANSFORMS[text], abs=6e-3)


# The sums of all values over six seeds, of the picture and of the tensor.
PICKED = {
    "RandomPosterize(3, 1.0)": (2412096, 2412096),
    "RandomSolarize(100, 1.0)": (1436670, 1436670),
    "RandomAdjustSharpness(2.5, 1.0)": (2748798, 2748798),
    "RandomAutocontrast(1.0)": (2746800, 2746800),
    "RandomEqualize(1.0)": (3158532, 3158532),
    "RandomPerspective(0.5, 1.0)": (1475569, 1453031),
    "ColorJitter(0, 0, 0, 0.4)": (2742260, 2740879),
    "RandomAffine(20, fill=3, interpolation=T.InterpolationMode.BILINEAR)": (2609722, 2584351),
    "RandAugment()": (2637786, 2637786),
    "TrivialAugmentWide()": (2107143, 2107427),
    "TenCrop(9)": (186252, 186252),
}


@pytest.mark.parametrize("text", PICKED)
def test_transforms_that_pick_and_count_as_torchvision(text):
    transform, sums = eval("T." + text), [0, 0]
    for seed in range(3, 9):
        for i, image in enumerate([picture(), T.functional.pil_to_tensor(picture())]):
            torch.manual_seed(seed)
            out = transform(image)
            out = out[7] if isinstance(out, tuple) else out
            out = out if isinstance(out, torch.Tensor) else T.functional.pil_to_tensor(out)
            sums[i] += int(out.long().sum())
    assert sums == pytest.approx(PICKED[text], rel=1e-4)


def test_boxes():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    scores = torch.tensor([0.5, 0.9, 0.3])
    assert ops.nms(boxes, scores, 0.5).tolist() == [1, 2]
    assert ops.batched_nms(boxes, scores, torch.tensor([0, 1, 0]), 0.5).tolist() == [1, 0, 2]
    assert ops.box_iou(boxes[:1], boxes[1:]).tolist() == [[pytest.approx(0.81), 0.0]]
    for kind in ("xywh", "cxcywh"):
        there = ops.box_convert(boxes, "xyxy", kind)
        assert torch.allclose(ops.box_convert(there, kind, "xyxy"), boxes)
    # A linear picture is its own bilinear mean.
    x = torch.arange(16.0).expand(1, 1, 16, 16)
    out = ops.roi_align(x, torch.tensor([[0, 2.0, 2.0, 6.0, 6.0]]), 2, 1.0, 2, True)
    assert out.tolist() == [[[[2.5, 4.5], [2.5, 4.5]]]]


def test_grid_and_files(tmp_path):
    assert utils.make_grid(torch.rand(5, 3, 4, 4), nrow=3).shape == (3, 14, 20)
    utils.save_image(torch.rand(2, 3, 4, 4), tmp_path / "x.png")
    assert Image.open(tmp_path / "x.png").size == (14, 8)


def idx(array):
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def test_mnist_format(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype="uint8")
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (raw / "train-labels-idx1-ubyte").write_bytes(idx(np.array([3, 1, 2], "uint8")))
    data = datasets.MNIST(str(tmp_path), transform=T.ToTensor())
    image, label = data[1]
    assert label == 1 and len(data) == 3
    assert np.allclose(image[0].numpy() * 255, images[1])
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.MNIST(str(tmp_path), train=False)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)[:-1]))
    with pytest.raises(ValueError, match="bytes of data"):
        datasets.MNIST(str(tmp_path))


def test_cifar_format_builds_arrays_only(tmp_path):
    import pickle

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    batch = {"data": np.zeros((2, 3072), "uint8"), "labels": [4, 5]}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        (folder / name).write_bytes(pickle.dumps(batch, 4))
    assert len(datasets.CIFAR10(str(tmp_path))) == 10
    (folder / "test_batch").write_bytes(pickle.dumps(print))
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        datasets.CIFAR10(str(tmp_path), train=False)


def test_image_folder(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        picture().save(tmp_path / name / "1.png")
    data = datasets.ImageFolder(str(tmp_path), transform=T.ToTensor())
    assert data.classes == ["a", "b"] and data[1][1] == 1 and data[0][0].shape == (3, 40, 30)
    (tmp_path / "c").mkdir()
    with pytest.raises(FileNotFoundError, match="Found no valid file for the classes c"):
        datasets.ImageFolder(str(tmp_path))


def test_fake_data():
    data = datasets.FakeData(3, (3, 8, 8), transform=T.ToTensor())
    image, label = data[1]
    assert label == 9 and image.sum().item() == pytest.approx(92.882, abs=1e-2)
