"""The data loader: batches of a data set, in the calling thread or by workers.

How workers run and how batches travel is in _utils; here is the order of things.
"""

import functools
import itertools
import queue
import sys
import warnings
from types import GenericAlias

import rushlight as torch

from ._utils.collate import default_collate, default_convert
from ._utils.fetch import IterableFetcher, MapFetcher
from ._utils.worker import END, Failure, ThreadPool, get_worker_info
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]


class _DatasetKind:
    Map = 0
    Iterable = 1

    @staticmethod
    def create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last):
        cls = MapFetcher if kind == _DatasetKind.Map else IterableFetcher
        return cls(dataset, auto_collation, collate_fn, drop_last)


class _InfiniteConstantSampler(Sampler):
    """For iterable data sets, whose items have no index."""

    def __iter__(self):
        return itertools.repeat(None)


def _pipes(dataset):
    """The module of data pipes if the data set is one."""
    pipes = sys.modules.get("rushlight.utils.data.datapipes.datapipe")
    return pipes if pipes and isinstance(dataset, pipes.IterDataPipe) else None


class DataLoader:
    """Iterates over a data set in batches.

    `shuffle` draws a new order each pass (by `generator`, else the default one); `sampler` or
    `batch_sampler` decide the order themselves; `batch_size=None` gives single items.
    `collate_fn` joins a list of items. With `num_workers` > 0 that many processes fetch ahead,
    `prefetch_factor` batches each (threads, with `multiprocessing_context="thread"`); batches
    keep their order unless `in_order` is False, an error in a worker is raised here with its
    traceback, and a worker that dies is a RuntimeError. With `persistent_workers` they stay for
    the next pass. Raises ValueError for options that exclude each other.

    >>> import rushlight as torch
    >>> data = torch.utils.data.TensorDataset(torch.arange(5))
    >>> list(torch.utils.data.DataLoader(data, batch_size=2))
    [[tensor([0, 1])], [tensor([2, 3])], [tensor([4])]]
    """

    __class_getitem__ = classmethod(GenericAlias)
    _fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset")
    _fixed += ("persistent_workers",)
    __initialized = False
    _iterator = None

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=None,
        sampler=None,
        batch_sampler=None,
        num_workers=0,
        collate_fn=None,
        pin_memory=False,
        drop_last=False,
        timeout=0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        *,
        prefetch_factor=None,
        persistent_workers=False,
        pin_memory_device="",
        in_order=True,
    ):
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.persistent_workers = persistent_workers
        self.generator = generator
        self._check_workers()
        iterable = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if iterable else _DatasetKind.Map
        pipes = _pipes(dataset)
        if pipes and shuffle is not None:
            pipes.set_shuffle(dataset, shuffle)
            shuffle = None
        self._check_order(shuffle, sampler, batch_sampler, batch_size, drop_last)
        if batch_sampler is not None:
            batch_size = None
        if sampler is None:
            if iterable:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self._IterableDataset_len_called = None
        self.__initialized = True
        self.check_worker_number_rationality()

    def check_worker_number_rationality(self):
        """Warn when more workers are asked for than there are processors to run them."""
        import os

        aware = hasattr(os, "sched_getaffinity")
        most = len(os.sched_getaffinity(0)) if aware else os.cpu_count()
        if not self.num_workers or (most is not None and self.num_workers <= most):
            return
        suggested = (
            "DataLoader is not able to compute a suggested max number of worker in current system."
            if most is None
            else f"Our suggested max number of worker in current system is {most}"
            f"{'' if aware else ' (`cpuset` is not taken into account)'}, which is smaller "
            "than what this DataLoader is going to create."
        )
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. "
            f"{suggested} Please be aware that excessive worker creation might get DataLoader "
            "running slow or even freeze, lower the worker number to avoid potential "
            "slowness/freeze if necessary.",
            stacklevel=3,
        )

    def _check_workers(self):
        if self.num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; "
                "use num_workers=0 to disable multiprocessing."
            )
        if self.timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if self.num_workers == 0 and self.prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing."
                "let num_workers > 0 to enable multiprocessing, "
                "otherwise set prefetch_factor to None."
            )
        if self.prefetch_factor is not None and self.prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if self.persistent_workers and self.num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")

    @property
    def multiprocessing_context(self):
        """How workers are started: a context of multiprocessing, "thread", or None."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context):
        if context is not None and self.num_workers == 0:
            raise ValueError(
                "multiprocessing_context can only be used with "
                "multi-process loading (num_workers > 0), but got "
                f"num_workers={self.num_workers}"
            )
        self._context = context if context in (None, "thread") else _context(context)

    def _check_order(self, shuffle, sampler, batch_sampler, batch_size, drop_last):
        if self._dataset_kind == _DatasetKind.Iterable:
            given = {
                "shuffle": None if shuffle is False else shuffle,
                "sampler": sampler,
                "batch_sampler": batch_sampler,
            }
            for name, value in given.items():
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, "
                        f"but got {name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive "
                    "with batch_size, shuffle, sampler, and drop_last"
                )
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching "
                "and is mutually exclusive with drop_last"
            )

    def __setattr__(self, name, value):
        if self.__initialized and name in self._fixed:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.batch_sampler if self._auto_collation else self.sampler

    def _get_iterator(self):
        return (
            _MultiProcessingDataLoaderIter if self.num_workers else _SingleProcessDataLoaderIter
        )(self)

    def __iter__(self):
        if not (self.persistent_workers and self.num_workers):
            return self._get_iterator()
        if self._iterator is None:
            self._iterator = self._get_iterator()
        else:
            self._iterator.restart(self)
        return self._iterator

    def __len__(self):
        if self._dataset_kind != _DatasetKind.Iterable:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        full, rest = divmod(length, self.batch_size)
        return full + (rest > 0 and not self.drop_last)


def _context(context):
    import multiprocessing

    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError(
                "multiprocessing_context option "
                f"should specify a valid start method in {methods!r}, but got "
                f"multiprocessing_context={context!r}"
            )
        return multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context "
            "object or a string specifying the start method, but got "
            f"multiprocessing_context={context}"
        )
    return context


class _BaseDataLoaderIter:
    """One pass over a loader; a subclass writes `_next_data`."""

    def __init__(self, loader):
        self._make_fetcher = functools.partial(
            _fetcher, loader._dataset_kind, loader._auto_collation, loader.collate_fn,
            loader.drop_last,
        )  # fmt: skip
        self._pin = loader.pin_memory and _accelerated()
        if loader.pin_memory and not self._pin:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, "
                "then device pinned memory won't be used.",
                stacklevel=4,
            )
        self._start(loader)
        # Drawn with or without workers, so that later draws do not depend on workers.
        seed = torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
        self._base_seed = seed.item()

    def _start(self, loader):
        self._index_sampler = loader._index_sampler
        self._indices = iter(self._index_sampler)
        self._yielded = 0
        self._promised = loader._IterableDataset_len_called
        self._dataset = loader.dataset
        pipes = _pipes(self._dataset)
        if pipes:
            pipes.give_seeds(self._dataset, loader.generator)

    def __iter__(self):
        return self

    def __next__(self):
        batch = self._next_data()
        if self._pin:
            batch = _pinned(batch)
        self._yielded += 1
        if self._promised is not None and self._yielded > self._promised:
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {self._promised}"
                f"(when accessing len(dataloader)), but {self._yielded} samples have been "
                "fetched. "
                + (_REPLICAS if isinstance(self, _MultiProcessingDataLoaderIter) else ""),
                stacklevel=2,
            )
        return batch

    def __len__(self):
        return len(self._index_sampler)


_REPLICAS = (
    "For multiprocessing data-loading, this could be caused by not properly configuring the "
    "IterableDataset replica at each worker. Please see "
    "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
)


def _fetcher(kind, auto_collation, collate_fn, drop_last, dataset):
    return _DatasetKind.create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Fetches in the thread that iterates."""

    def __init__(self, loader):
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._fetch = self._make_fetcher(loader.dataset).fetch

    def _next_data(self):
        return self._fetch(next(self._indices))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Hands tasks to workers in turn; batches come back in the order of the tasks."""

    def __init__(self, loader):
        self._pool = None
        super().__init__(loader)
        self._timeout = loader.timeout or None
        self._in_order = loader.in_order
        self._count, self._persistent = loader.num_workers, loader.persistent_workers
        self._most = loader.prefetch_factor * loader.num_workers
        args = (
            self._make_fetcher,
            loader.dataset,
            loader.worker_init_fn,
            loader.num_workers,
            self._base_seed,
        )
        context = loader.multiprocessing_context
        if context == "thread":
            self._pool = ThreadPool(*args)
        else:
            from ._utils.process import ProcessPool

            self._pool = ProcessPool(*args, context)
        if _pipes(self._dataset):  # PyTorch draws the seeds of a next pass already
            torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
        self._begin()

    def _begin(self):
        self._active = [True] * self._count
        self._load = [0] * self._count
        self._turn = itertools.cycle(range(self._count))
        self._asked = self._given = 0
        self._tasks = {}  # number: worker, of the tasks without an answer
        self._ready = {}  # number: answer, of those that came before their turn
        for _ in range(self._most):
            self._ask()

    def restart(self, loader):
        """Begin another pass with the same workers."""
        self._start(loader)
        while self._tasks:  # what an earlier pass asked for and did not wait for
            self._tasks.pop(self._answer()[0])
        for worker in range(self._count):
            self._tasks[-1 - worker] = worker
            self._pool.put(worker, -1 - worker, None)
        while self._tasks:
            self._tasks.pop(self._answer()[0])
        self._begin()

    def _ask(self):
        index = next(self._indices, self)
        if index is self:
            return
        for _ in range(self._count):
            worker = next(self._turn)
            if self._active[worker] and self._has_room(worker):
                break
        else:
            return
        self._pool.put(worker, self._asked, index)
        self._tasks[self._asked] = worker
        self._load[worker] += 1
        self._asked += 1

    def _has_room(self, worker):
        return self._in_order or self._load[worker] < self._most // sum(self._active)

    def _answer(self):
        try:
            return self._pool.get(self._timeout)
        except queue.Empty:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
        except RuntimeError:
            self.stop()
            raise

    def _next_data(self):
        if self._pool is None:
            raise StopIteration
        while self._tasks or self._ready:
            if self._given in self._ready:
                batch = self._ready.pop(self._given)
            elif self._given in self._tasks or not self._in_order:
                number, batch = self._answer()
                self._load[worker := self._tasks.pop(number)] -= 1
                if isinstance(batch, str) and batch == END:
                    self._active[worker] = False
                    self._ask()
                    continue
                if self._in_order and number != self._given:
                    self._ready[number] = batch
                    continue
            else:  # its worker came to the end of its data
                self._given += 1
                continue
            self._given += 1
            self._ask()
            if isinstance(batch, Failure):
                batch.reraise()
            return batch
        if not self._persistent:
            self.stop()
        raise StopIteration

    def stop(self):
        """End the workers."""
        if self._pool is not None:
            self._pool.stop()
            self._pool = None

    _shutdown_workers = stop

    def __del__(self):
        self.stop()

    def __getstate__(self):
        raise NotImplementedError("{} cannot be pickled", self.__class__.__name__)


def _accelerated():
    cuda = getattr(torch, "cuda", None)
    return cuda is not None and cuda.is_available()


def _pinned(data):
    """The batch with its tensors in page-locked memory."""
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, dict):
        return type(data)((key, _pinned(value)) for key, value in data.items())
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[_pinned(value) for value in data])
    if isinstance(data, (list, tuple)):
        return type(data)(_pinned(value) for value in data)
    return data
