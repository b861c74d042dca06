"""A DataLoader that keeps a part of its data for validation."""

import torch
from torch.utils.data import DataLoader, random_split


class BaseDataLoader(DataLoader):
    """Batches of the training part of `dataset`; `validation_loader()` has the rest.

    `validation` is a share (0.2) or a number of samples; 0 keeps nothing back. The split depends on
    `split_seed` alone: it is the same in every run, so that a resumed run sees the same parts.
    """

    def __init__(
        self,
        dataset,
        batch_size,
        validation=0.0,
        shuffle=True,
        num_workers=0,
        split_seed=0,
        **kwargs,
    ):
        kept = round(validation * len(dataset)) if isinstance(validation, float) else validation
        if not 0 <= kept < len(dataset):
            raise ValueError(f"validation={validation} leaves no data to train with")
        self.options = dict(batch_size=batch_size, num_workers=num_workers, **kwargs)
        self.kept_back = None
        if kept:
            generator = torch.Generator().manual_seed(split_seed)
            sizes = [len(dataset) - kept, kept]
            dataset, self.kept_back = random_split(dataset, sizes, generator=generator)
        super().__init__(dataset, shuffle=shuffle, **self.options)

    def validation_loader(self):
        """A DataLoader of what was kept back, in order; None if nothing was."""
        if self.kept_back is None:
            return None
        return DataLoader(self.kept_back, shuffle=False, **self.options)
