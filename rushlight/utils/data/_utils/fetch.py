"""From the indices of a batch to the batch, in the thread that calls; not public."""

import rushlight as torch

from ..dataset import Subset, TensorDataset
from .collate import default_collate


def _rows(dataset, indices):
    """A batch of a TensorDataset, or of Subsets of one, as one gather a tensor; else None.

    The result is what stacking the single rows gives.
    """
    while type(dataset) is Subset:
        own = dataset.indices
        indices = [own[i] for i in indices]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or not all(type(i) is int for i in indices):
        return None
    where = torch.tensor(indices)
    return [tensor[where] for tensor in dataset.tensors]


class MapFetcher:
    """Batches of a data set with items by index."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.by_rows = auto_collation and collate_fn is default_collate

    def fetch(self, index):
        if not self.auto_collation:
            return self.collate_fn(self.dataset[index])
        if self.by_rows and index:
            batch = _rows(self.dataset, index)
            if batch is not None:
                return batch
            self.by_rows = type(self.dataset) in (Subset, TensorDataset)
        many = getattr(self.dataset, "__getitems__", None)
        items = many(index) if many else [self.dataset[i] for i in index]
        return self.collate_fn(items)


class IterableFetcher:
    """Batches of a data set that is read in order; `fetch` raises StopIteration at its end."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.items = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index):
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.items))
        batch = []
        for _ in index:
            try:
                batch.append(next(self.items))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(index)):
            raise StopIteration
        return self.collate_fn(batch)
