"""MNIST and its kin, from IDX files (plain or gzipped) under root/NAME/raw."""

import gzip
import os

import rushlight as torch

from .vision import VisionDataset, not_here

_DTYPES = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}


def read_idx(path):
    """The tensor in an IDX file. Raises ValueError for a damaged one."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        data = file.read()
    if len(data) < 4 or data[0] or data[1] or data[2] not in _DTYPES:
        raise ValueError(f"{path} is not an IDX file")
    dtype = getattr(torch, _DTYPES[data[2]])
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    body = bytearray(data[4 + 4 * data[3] :])
    count = 1
    for n in shape:
        count *= n
    if len(body) != count * dtype.itemsize:
        raise ValueError(f"{path}: {len(body)} bytes of data for shape {shape}")
    if not count:
        return torch.empty(shape, dtype=dtype)
    if dtype.itemsize > 1:  # big-endian
        rows = torch.frombuffer(body, dtype=torch.uint8).view(-1, dtype.itemsize).flip(1)
        return rows.contiguous().view(dtype).view(shape)
    return torch.frombuffer(body, dtype=dtype).view(shape)


class MNIST(VisionDataset):
    """Handwritten digits, 28x28 (LeCun et al. 1998): items (PIL image, class).

    Raises RuntimeError where the files are absent.
    """

    classes = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
               "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"]  # fmt: skip

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self.data, self.targets = self._load()

    @property
    def raw_folder(self):
        """Where the files are."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def class_to_idx(self):
        """{class name: number}."""
        return {name: i for i, name in enumerate(self.classes)}

    def _load(self):
        start = "train" if self.train else "t10k"
        names = (f"{start}-images-idx3-ubyte", f"{start}-labels-idx1-ubyte")
        found = []
        for name in names:
            folders = (self.raw_folder, self.root)
            paths = [os.path.join(f, name + end) for f in folders for end in ("", ".gz")]
            path = next(filter(os.path.exists, paths), None)
            if path is None:
                raise not_here(type(self).__name__, self.raw_folder, " and ".join(names))
            found.append(read_idx(path))
        return found[0], found[1].to(torch.int64)

    def __getitem__(self, index):
        from PIL import Image

        image = Image.fromarray(self.data[index].numpy())
        return self._changed(image, int(self.targets[index]))

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Clothes in MNIST's format (Xiao et al. 2017)."""

    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
               "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]  # fmt: skip


class KMNIST(MNIST):
    """Japanese letters in MNIST's format (Clanuwat et al. 2018)."""

    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
