"""Loader workers as threads: queues, errors, `get_worker_info`. No processes, no shared memory.

A worker has no random state of its own (threads share it): draw from a generator seeded with
`get_worker_info().seed` where the order of draws must not depend on timing.
"""

import copy
import queue
import threading
import traceback

_here = threading.local()


class WorkerInfo:
    """What `get_worker_info()` gives inside a worker: id, num_workers, seed, dataset."""

    def __init__(self, id, num_workers, seed, dataset):
        self.id = id
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = dataset

    def __repr__(self):
        return (
            f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, "
            f"dataset={self.dataset})"
        )


def get_worker_info():
    """The WorkerInfo of the loader worker that runs this code; None outside workers."""
    return getattr(_here, "info", None)


class _Text(str):
    """A text whose repr is itself: KeyError shows the repr of its argument."""

    def __repr__(self):
        return str(self)


class Failure:
    """An exception of a worker on its way to the thread that iterates."""

    def __init__(self, error, worker_id):
        self.kind = type(error)
        trace = "".join(traceback.format_exception(error))
        self.text = (
            f"Caught {self.kind.__name__} in DataLoader worker process {worker_id}."
            f"\nOriginal {trace}"
        )

    def reraise(self):
        """Raise an exception of the same class whose message holds the worker's traceback."""
        text = _Text(self.text) if self.kind is KeyError else self.text
        try:
            error = self.kind(text)
        except Exception:  # noqa: BLE001 - whatever its constructor does
            # A class that wants other arguments cannot be made again.
            error = RuntimeError(text)
        raise error from None


END = object()  # a worker's answer once its iterable data set has ended


class Worker:
    """One thread with a queue of indices to fetch and a queue of batches."""

    def __init__(self, make_fetcher, dataset, init_fn, id, num_workers, seed):
        self.tasks = queue.SimpleQueue()
        self.batches = queue.SimpleQueue()
        # A copy each, as processes have: worker_init_fn may set attributes of it.
        info = WorkerInfo(id, num_workers, seed, copy.copy(dataset))
        thread = threading.Thread(
            target=_loop,
            args=(self.tasks, self.batches, make_fetcher, init_fn, info),
            name=f"DataLoader worker {id}",
            daemon=True,
        )
        thread.start()

    def stop(self):
        self.tasks.put(None)


def _loop(tasks, batches, make_fetcher, init_fn, info):
    _here.info = info
    try:
        if init_fn is not None:
            init_fn(info.id)
        fetcher, failure = make_fetcher(info.dataset), None
    except Exception as error:  # noqa: BLE001 - raised again by the reader
        fetcher, failure = None, Failure(error, info.id)
    while (task := tasks.get()) is not None:
        if failure is not None:
            batches.put(failure)
            continue
        try:
            batches.put(fetcher.fetch(task))
        except StopIteration:
            batches.put(END)
        except Exception as error:  # noqa: BLE001 - raised again by the reader
            batches.put(Failure(error, info.id))
