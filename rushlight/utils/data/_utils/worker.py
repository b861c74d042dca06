"""What a loader's worker does, be it a process or a thread, and the pool of worker threads.

Threads share the program's random state, so a worker thread has none of its own: draw from a
generator seeded with `get_worker_info().seed` where the draws must not depend on timing.
"""

import copy
import queue
import threading

from ...._utils import ExceptionWrapper

_here = threading.local()
_process_info = None  # of this process, where it is a worker


class WorkerInfo:
    """What `get_worker_info()` gives inside a worker: id, num_workers, seed, dataset."""

    def __init__(self, id, num_workers, seed, dataset, worker_method="multiprocessing"):
        self.id = id
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = dataset
        self.rng = None
        self.worker_method = worker_method

    def __repr__(self):
        return (
            f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, "
            f"dataset={self.dataset}, rng={self.rng}, worker_method={self.worker_method!r})"
        )


def get_worker_info():
    """The WorkerInfo of the loader worker that runs this code; None outside workers."""
    return getattr(_here, "info", _process_info)


class Failure(ExceptionWrapper):
    """An exception of a worker on its way to the thread that iterates."""

    def __init__(self, error, worker_id):
        exc_info = type(error), error, error.__traceback__
        super().__init__(exc_info, f"in DataLoader worker process {worker_id}")


END = "end"  # a worker's answer once its iterable data set has ended
AGAIN = "again"  # the answer to a task with number -1: the data set was begun anew


def work(tasks, answer, make_fetcher, init_fn, info):
    """Answers tasks `(number, index)` until a None comes; `answer(number, batch)`."""
    fetcher = failure = None
    try:
        if init_fn is not None:
            init_fn(info.id)
        fetcher = make_fetcher(info.dataset)
    except Exception as error:  # noqa: BLE001 - raised again by the reader
        failure = Failure(error, info.id)
    while (task := tasks.get()) is not None:
        number, index = task
        try:
            if failure is not None:
                batch = failure
            elif number < 0:
                fetcher, batch = make_fetcher(info.dataset), AGAIN
            else:
                batch = fetcher.fetch(index)
        except StopIteration:
            batch = END
        except Exception as error:  # noqa: BLE001 - raised again by the reader
            batch = Failure(error, info.id)
        answer(number, batch)
        del batch  # or it would live until the next one is complete


class ThreadPool:
    """Worker threads, each with a queue of tasks; their answers come in one queue."""

    def __init__(self, make_fetcher, dataset, init_fn, count, base_seed):
        self._answers = queue.SimpleQueue()
        self._tasks = [queue.SimpleQueue() for _ in range(count)]
        for i, tasks in enumerate(self._tasks):
            # A copy each, as processes have: worker_init_fn may set attributes of it.
            info = WorkerInfo(i, count, base_seed + i, copy.copy(dataset), "thread")
            threading.Thread(
                target=_thread,
                args=(tasks, self._answers, make_fetcher, init_fn, info),
                name=f"DataLoader worker {i}",
                daemon=True,
            ).start()

    def put(self, worker, number, index):
        """Ask a worker for a batch."""
        self._tasks[worker].put((number, index))

    def get(self, timeout):
        """The next answer of any worker, (number, batch); raises queue.Empty."""
        return self._answers.get(timeout=timeout)

    def stop(self):
        """Let every thread end after its present task."""
        for tasks in self._tasks:
            tasks.put(None)


def _thread(tasks, answers, make_fetcher, init_fn, info):
    _here.info = info
    work(tasks, lambda *answer: answers.put(answer), make_fetcher, init_fn, info)
