"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), from the files of the Python version."""

import os

from .vision import VisionDataset, not_here


def _read(path):
    """The dict of one batch file. The pickle may build NumPy arrays and containers, nothing else."""
    import pickle

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            if module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype"):
                module = module.replace("numpy.core", "numpy._core")
                return super().find_class(module, name)
            raise pickle.UnpicklingError(f"{path}: {module}.{name} is not allowed in a CIFAR file")

    with open(path, "rb") as file:
        return Reader(file, encoding="latin1").load()


class CIFAR10(VisionDataset):
    """60,000 pictures of 32x32 in ten classes: items (PIL image, class)."""

    base_folder = "cifar-10-batches-py"
    _files = ([f"data_batch_{i}" for i in range(1, 6)], ["test_batch"])
    _meta, _names, _labels = "batches.meta", "label_names", "labels"

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        import numpy as np

        self.train = train
        folder = os.path.join(self.root, self.base_folder)
        names = self._files[not train]
        if not all(os.path.exists(os.path.join(folder, name)) for name in names):
            raise not_here(type(self).__name__, folder, ", ".join(names))
        parts = [_read(os.path.join(folder, name)) for name in names]
        data = np.concatenate([part["data"] for part in parts])
        self.data = data.reshape(-1, 3, 32, 32).transpose((0, 2, 3, 1))
        self.targets = [int(label) for part in parts for label in part[self._labels]]
        self.classes = []
        if os.path.exists(os.path.join(folder, self._meta)):
            self.classes = _read(os.path.join(folder, self._meta))[self._names]
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index):
        from PIL import Image

        return self._changed(Image.fromarray(self.data[index]), self.targets[index])

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """The same with a hundred classes."""

    base_folder = "cifar-100-python"
    _files = (["train"], ["test"])
    _meta, _names, _labels = "meta", "fine_label_names", "fine_labels"
