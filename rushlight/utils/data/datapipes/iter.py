"""Pipes that are iterated: each takes another pipe, or any iterable, and is a method of pipes too."""

import random

import rushlight as torch

from .._utils.collate import default_collate
from .._utils.worker import get_worker_info
from ..sampler import SequentialSampler
from .datapipe import DataChunk, IterDataPipe, full_names, functional_datapipe

__all__ = """Batcher Collator Concater FileLister FileOpener Filter IterableWrapper Mapper Multiplexer Sampler ShardingFilter Shuffler UnBatcher Zipper""".split()

__path__ = []  # PyTorch has a package here: its modules are stubs


def _len_of(pipe, length):
    try:
        return length()
    except TypeError:
        raise TypeError(f"{type(pipe).__name__} instance doesn't have valid length") from None


class IterableWrapper(IterDataPipe):
    """Any iterable as a pipe; with `deepcopy` each iteration has a copy of its own."""

    def __init__(self, iterable, deepcopy=True):
        self.iterable, self.deepcopy = iterable, deepcopy

    def __iter__(self):
        source = self.iterable
        if self.deepcopy:
            import copy

            try:
                source = copy.deepcopy(source)
            except TypeError:  # an iterator, say
                pass
        yield from source

    def __len__(self):
        return _len_of(self, lambda: len(self.iterable))


class _Of(IterDataPipe):
    """A pipe on one other."""

    def __init__(self, datapipe):
        self.datapipe = datapipe

    def __len__(self):
        return _len_of(self, lambda: len(self.datapipe))


@functional_datapipe("map")
class Mapper(_Of):
    """`fn` of each item, or of some of its columns (`input_col`), put into `output_col`."""

    def __init__(self, datapipe, fn, input_col=None, output_col=None):
        super().__init__(datapipe)
        if input_col is None and output_col is not None:
            raise ValueError("`output_col` must be None when `input_col` is None.")
        self.fn, self.input_col, self.output_col = fn, input_col, output_col

    def _apply(self, item):
        if self.input_col is None:
            return self.fn(item)
        several = isinstance(self.input_col, (list, tuple))
        columns = self.input_col if several else [self.input_col]
        result = self.fn(*(item[c] for c in columns))
        values = dict(item) if isinstance(item, dict) else list(item)
        out = self.output_col if self.output_col is not None else columns[0]
        out = out[0] if isinstance(out, (list, tuple)) else out
        if self.output_col is None and several:
            for c in sorted(columns[1:], reverse=True):
                del values[c]
        if out == -1 and self.output_col is not None:
            values.append(result)
        else:
            values[out] = result
        return tuple(values) if isinstance(item, tuple) else values

    def __iter__(self):
        yield from map(self._apply, self.datapipe)


@functional_datapipe("collate")
class Collator(Mapper):
    """Lists of samples as batches."""

    def __init__(self, datapipe, conversion=default_collate, collate_fn=None):
        super().__init__(datapipe, collate_fn or conversion)


@functional_datapipe("filter")
class Filter(IterDataPipe):
    """Only the items of which `filter_fn` is True."""

    def __init__(self, datapipe, filter_fn, input_col=None):
        self.datapipe, self.filter_fn, self.input_col = datapipe, filter_fn, input_col

    def __iter__(self):
        for item in self.datapipe:
            columns = [item]
            if self.input_col is not None:
                several = isinstance(self.input_col, (list, tuple))
                columns = [item[c] for c in (self.input_col if several else [self.input_col])]
            keep = self.filter_fn(*columns)
            if not isinstance(keep, bool):
                raise ValueError(
                    "Boolean output is required for `filter_fn` of FilterIterDataPipe, got "
                    f"{type(keep)}"
                )
            if keep:
                yield item


@functional_datapipe("batch")
class Batcher(_Of):
    """Lists of `batch_size` items."""

    def __init__(self, datapipe, batch_size, drop_last=False, wrapper_class=DataChunk):
        super().__init__(datapipe)
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        self.batch_size, self.drop_last = batch_size, drop_last
        self.wrapper_class = wrapper_class

    def __iter__(self):
        batch = []
        for item in self.datapipe:
            batch.append(item)
            if len(batch) == self.batch_size:
                yield self.wrapper_class(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.wrapper_class(batch)

    def __len__(self):
        n = super().__len__()
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


@functional_datapipe("unbatch")
class UnBatcher(IterDataPipe):
    """The items of the lists, `unbatch_level` deep; -1 is all the way."""

    def __init__(self, datapipe, unbatch_level=1):
        self.datapipe, self.unbatch_level = datapipe, unbatch_level

    def __iter__(self):
        if self.unbatch_level < -1:
            raise ValueError("unbatch_level must be -1 or >= 0")
        for item in self.datapipe:
            yield from self._open(item, self.unbatch_level)

    def _open(self, item, level):
        if level == 0 or (level == -1 and not isinstance(item, list)):
            yield item
        elif isinstance(item, list):
            for inner in item:
                yield from self._open(inner, max(level - 1, -1))
        else:
            raise IndexError(
                f"unbatch_level {self.unbatch_level} exceeds the depth of the DataPipe"
            )


@functional_datapipe("shuffle")
class Shuffler(_Of):
    """In random order: each item is drawn from a buffer of the next `buffer_size`."""

    def __init__(self, datapipe, *, buffer_size=10000, unbatch_level=0):
        super().__init__(datapipe.unbatch(unbatch_level) if unbatch_level else datapipe)
        if buffer_size <= 0:
            raise AssertionError("buffer_size should be larger than 0")
        self.buffer_size, self._enabled, self._seed = buffer_size, True, None
        self._passes = 0

    def set_shuffle(self, shuffle=True):
        """Whether it shuffles at all."""
        self._enabled = shuffle
        return self

    def set_seed(self, seed):
        """The seed of the next iteration, in place of one from the default generator."""
        self._seed = seed
        return self

    def __iter__(self):
        if not self._enabled:
            return iter(self.datapipe)
        seed, self._seed = self._seed, None
        self._passes += 1
        info = get_worker_info()
        if seed is None and info:  # a further pass: all workers must draw the same order
            seed = info.seed - info.id + self._passes
        elif seed is None:
            seed = int(torch.empty((), dtype=torch.int64).random_().item())
        return self._drawn(random.Random(seed))

    def _drawn(self, generator):
        buffer = []
        for item in self.datapipe:
            if len(buffer) == self.buffer_size:
                i = generator.randint(0, len(buffer) - 1)
                yield buffer[i]
                buffer[i] = item
            else:
                buffer.append(item)
        while buffer:
            yield buffer.pop(generator.randint(0, len(buffer) - 1))


@functional_datapipe("sharding_filter")
class ShardingFilter(_Of):
    """In each worker of a loader its own part of the items."""

    @staticmethod
    def _part():
        info = get_worker_info()
        return (info.id, info.num_workers) if info else (0, 1)

    def __iter__(self):
        mine, parts = self._part()
        return (item for i, item in enumerate(self.datapipe) if i % parts == mine)

    def __len__(self):
        mine, parts = self._part()
        n = super().__len__()
        return n // parts + (mine < n % parts)


class Sampler(_Of):
    """The numbers that a sampler draws for the pipe."""

    def __init__(self, datapipe, sampler=SequentialSampler, sampler_args=None, sampler_kwargs=None):
        super().__init__(datapipe)
        kwargs = {**(sampler_kwargs or {}), "data_source": datapipe}
        self.sampler = sampler(*(sampler_args or ()), **kwargs)

    def __iter__(self):
        return iter(self.sampler)

    def __len__(self):
        return len(self.sampler)


class _OfSeveral(IterDataPipe):
    def __init__(self, *datapipes):
        if not datapipes:
            raise ValueError("Expected at least one DataPipe, but got nothing")
        self.datapipes = datapipes

    def _lengths(self):
        return [len(p) for p in self.datapipes]


@functional_datapipe("concat")
class Concater(_OfSeveral):
    """One pipe after the other."""

    def __iter__(self):
        for pipe in self.datapipes:
            yield from pipe

    def __len__(self):
        return _len_of(self, lambda: sum(self._lengths()))


@functional_datapipe("zip")
class Zipper(_OfSeveral):
    """Tuples of one item of each, as long as all have one."""

    def __iter__(self):
        return zip(*self.datapipes)

    def __len__(self):
        return _len_of(self, lambda: min(self._lengths()))


@functional_datapipe("mux")
class Multiplexer(_OfSeveral):
    """One item of each in turn, as long as all have one."""

    def __iter__(self):
        for items in zip(*self.datapipes):
            yield from items

    def __len__(self):
        return _len_of(self, lambda: min(self._lengths()) * len(self.datapipes))


class FileLister(IterDataPipe):
    """The paths of the files in folders."""

    def __init__(self, root=".", masks="", *, recursive=False, abspath=False,
                 non_deterministic=False, length=-1):  # fmt: skip
        self.roots = [root] if isinstance(root, str) else root
        self.masks, self.recursive, self.abspath = masks, recursive, abspath

    def __iter__(self):
        import os
        from fnmatch import fnmatch

        masks = [self.masks] if isinstance(self.masks, str) else self.masks
        for root in self.roots:
            for folder, inner, files in os.walk(os.path.abspath(root) if self.abspath else root):
                if self.recursive:
                    inner.sort()
                else:
                    inner.clear()
                for name in sorted(files):
                    if not any(masks) or any(fnmatch(name, mask) for mask in masks):
                        yield os.path.join(folder, name)


@functional_datapipe("open_files")
class FileOpener(_Of):
    """(path, opened file) of each path."""

    def __init__(self, datapipe, mode="r", encoding=None, length=-1):
        super().__init__(datapipe)
        if mode not in ("b", "t", "rb", "rt", "r"):
            raise ValueError(f"Invalid mode {mode}")
        self.mode, self.encoding = mode if "r" in mode else "r" + mode, encoding

    def __iter__(self):
        for path in self.datapipe:
            yield path, open(path, self.mode, encoding=self.encoding)


full_names(globals(), "IterDataPipe", __all__)


def __getattr__(name):
    from ...._missing import missing

    return missing(__name__, name)
