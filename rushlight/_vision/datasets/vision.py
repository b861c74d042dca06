"""The base of image data sets: where the files are, and what is done to each item."""

import os

from rushlight.utils.data import Dataset


class VisionDataset(Dataset):
    """Items (image, target); `transform` and `target_transform`, or `transforms` of both."""

    def __init__(self, root=None, transforms=None, transform=None, target_transform=None):
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError(
                "Only transforms or transform/target_transform can be passed as argument"
            )
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform, self.target_transform, self.transforms = (
            transform,
            target_transform,
            transforms,
        )

    def _changed(self, image, target):
        if self.transforms is not None:
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __repr__(self):
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"    Root location: {self.root}")
        extra = self.extra_repr()
        lines += [f"    {line}" for line in extra.splitlines()]
        if self.transform is not None:
            text = repr(self.transform).replace("\n", "\n" + " " * 15)
            lines += ["    StandardTransform", f"Transform: {text}"]
        return "\n".join(lines)

    def extra_repr(self):
        """More lines for the repr."""
        return ""


def not_here(name, where, files):
    """The error for absent files: what to put where."""
    return RuntimeError(
        "Dataset not found. You can use download=True to download it\n"
        f"(rushlight downloads nothing: put {name}'s files, {files}, into {where})"
    )
