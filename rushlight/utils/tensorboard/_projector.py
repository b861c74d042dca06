"""The files of TensorBoard's projector: points and labels as text, and one image of all images."""

import os

import rushlight as torch

from ._values import as_tensor, png, to_hwc


def _lines(rows):
    return "".join("\t".join(str(x) for x in row) + "\n" for row in rows)


def _sprite(images):
    """Images (N, C, H, W) in a square with as many places in a row as in a column."""
    n, c, h, w = images.shape
    side = max(int((n - 1) ** 0.5) + 1, 1)
    square = images.new_zeros((side * side, c, h, w))
    square[:n] = images
    square = square.view(side, side, c, h, w).permute(2, 0, 3, 1, 4).reshape(c, side * h, side * w)
    return png(to_hwc(square, "CHW"))


def write(log_dir, points, labels, images, step, tag, header):
    """Writes one set of points and adds it to the projector's configuration."""
    points = as_tensor(points)
    if points.dim() != 2:
        raise AssertionError("mat should be 2D, where mat.size(0) is the number of data points")
    step = str(step or 0).zfill(5)
    inside = f"{step}/{''.join(c if c.isalnum() or c in '-_.' else '_' for c in tag)}"
    folder = os.path.join(log_dir, *inside.split("/"))
    os.makedirs(folder, exist_ok=True)

    def put(name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    put("tensors.tsv", _lines(points.tolist()))
    config = f'tensor_name: "{tag}:{step}"\ntensor_path: "{inside}/tensors.tsv"\n'
    if labels is not None:
        labels = labels.tolist() if isinstance(labels, torch.Tensor) else list(labels)
        if len(labels) != len(points):
            raise AssertionError("#labels should equal with #data points")
        rows = labels if header else [[label] for label in labels]
        put("metadata.tsv", _lines([header, *rows] if header else rows))
        config += f'metadata_path: "{inside}/metadata.tsv"\n'
    if images is not None:
        if len(images) != len(points):
            raise AssertionError("#images should equal with #data points")
        with open(os.path.join(folder, "sprite.png"), "wb") as file:
            file.write(_sprite(as_tensor(images)))
        height, width = images.shape[2:]
        config += f'sprite {{\nimage_path: "{inside}/sprite.png"\n'
        config += f"single_image_dim: {width}\nsingle_image_dim: {height}\n}}\n"
    with open(os.path.join(log_dir, "projector_config.pbtxt"), "a", encoding="utf-8") as file:
        file.write(f"embeddings {{\n{config}}}\n")
