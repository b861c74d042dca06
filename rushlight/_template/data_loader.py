"""The project's data: 1,797 handwritten digits of 8x8 pixels (data/README.md says whose)."""

import csv
import gzip
import os

import torch
from base import BaseDataLoader
from torch.utils.data import Dataset

TRAINING = 1437  # the digits after these are for test.py


class Digits(Dataset):
    """((1, 8, 8) pixels of 0 to 1, digit); the training digits, or the test digits."""

    def __init__(self, folder, train=True):
        with gzip.open(os.path.join(folder, "digits.csv.gz"), "rt", newline="") as file:
            rows = torch.tensor([[int(value) for value in row] for row in csv.reader(file)])
        rows = rows[:TRAINING] if train else rows[TRAINING:]
        self.images = rows[:, :64].view(-1, 1, 8, 8).float() / 16
        self.labels = rows[:, 64]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


class DigitsLoader(BaseDataLoader):
    """Batches of digits; see BaseDataLoader for the arguments."""

    def __init__(self, folder, batch_size, train=True, **kwargs):
        super().__init__(Digits(folder, train), batch_size, **kwargs)
