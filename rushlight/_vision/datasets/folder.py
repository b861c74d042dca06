"""Pictures in folders: root/class/file."""

import os

from .vision import VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def default_loader(path):
    """The file as an RGB image of PIL's."""
    from PIL import Image

    with Image.open(path) as image:
        return image.convert("RGB")


pil_loader = default_loader


class DatasetFolder(VisionDataset):
    """Files in one folder a class; classes are numbered in order of name.

    Raises FileNotFoundError if there is no class, or a class without a file.
    """

    def __init__(
        self,
        root,
        loader,
        extensions=None,
        transform=None,
        target_transform=None,
        is_valid_file=None,
        allow_empty=False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        if (extensions is None) == (is_valid_file is None):
            raise ValueError(
                "Both extensions and is_valid_file cannot be None or not None at the same time"
            )
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        accepts = is_valid_file or (lambda path: path.lower().endswith(tuple(extensions)))
        self.samples = self._found(accepts, allow_empty)
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory):
        """(names, {name: number})."""
        classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        if not classes:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return classes, {name: i for i, name in enumerate(classes)}

    def _found(self, accepts, allow_empty):
        samples, empty = [], set(self.classes)
        for name in self.classes:
            for folder, _, files in sorted(
                os.walk(os.path.join(self.root, name), followlinks=True)
            ):
                for file in sorted(files):
                    path = os.path.join(folder, file)
                    if accepts(path):
                        samples.append((path, self.class_to_idx[name]))
                        empty.discard(name)
        if empty and not allow_empty:
            text = f"Found no valid file for the classes {', '.join(sorted(empty))}. "
            if self.extensions is not None:
                text += f"Supported extensions are: {', '.join(self.extensions)}"
            raise FileNotFoundError(text)
        return samples

    def __getitem__(self, index):
        path, target = self.samples[index]
        return self._changed(self.loader(path), target)

    def __len__(self):
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """`DatasetFolder` of pictures."""

    def __init__(
        self,
        root,
        transform=None,
        target_transform=None,
        loader=default_loader,
        is_valid_file=None,
        allow_empty=False,
    ):
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(
            root, loader, extensions, transform, target_transform, is_valid_file, allow_empty
        )
        self.imgs = self.samples
