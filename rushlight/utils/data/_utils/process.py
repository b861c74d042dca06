"""The pool of worker processes of a data loader: starting, asking, noticing deaths, ending.

A worker has a pipe for tasks and one for answers, and shares a memory file for large batches
(see transport). It reads its tasks in a thread, so the parent never waits to send one, and it
ends at once when the parent is gone.
"""

import os
import pickle
import queue
import sys
import weakref

import rushlight as torch

from . import worker
from .transport import open_file, pack, unpack

_pools = weakref.WeakSet()  # of this process: a forked worker closes what it inherits of them


class _Descriptor:
    """A file descriptor as an argument of a process, for every way of starting one."""

    def __init__(self, fd):
        self.fd = fd

    def __reduce__(self):
        from multiprocessing.reduction import DupFd

        return _attach, (DupFd(self.fd),)


def _attach(duplicate):
    return _Descriptor(duplicate.detach())


class _Worker:
    """The parent's side of one worker."""

    def __init__(self, context, target, args):
        answers, theirs = context.Pipe(duplex=False)
        tasks, self.tasks = context.Pipe(duplex=False)
        self.answers = answers
        self.file = open_file()
        self.slots, self.used, self.asked = [], 0, {}
        # What a forked process inherits of ours, it closes: then each sees the other's end.
        forked = context.get_start_method() == "fork"
        inherited = (self.tasks, self.answers, *_pools) if forked else ()
        file = None if self.file is None else _Descriptor(self.file)
        self.process = context.Process(
            target=target, args=(tasks, theirs, file, inherited, *args), daemon=True
        )
        try:
            self.process.start()
        except BaseException as error:
            self.close()
            if forked or not isinstance(error, (TypeError, AttributeError, pickle.PicklingError)):
                raise
            raise _unsendable(error, context, args) from error
        finally:
            tasks.close()
            theirs.close()

    def close(self):
        for end in (self.tasks, self.answers):
            try:
                end.close()
            except OSError:  # the garbage collector was there first, and did not tell it
                pass
        if self.file is not None:
            os.close(self.file)
            self.file = None

    def put(self, number, index):
        if not self.slots:
            self.slots.append(self.used)
            self.used += 1
        self.asked[number] = slot = self.slots.pop()
        self.tasks.send((number, slot, index))

    def get(self):
        number, kind, message = pickle.loads(self.answers.recv_bytes())
        slot = self.asked.pop(number)
        try:
            return number, kind or unpack(message, self.file, slot)
        finally:
            self.slots.append(slot)


def _unsendable(error, context, args):
    """The error for arguments that a process which is not forked cannot be given, with the culprit."""
    lines = [str(error)]
    method = context.get_start_method()
    lines.append(f"why: the start method is {method!r}, so each worker gets a pickled copy.")
    make_fetcher, dataset, init_fn = args[:3]
    parts = {"dataset": dataset, "worker_init_fn": init_fn}
    parts.update(
        {f"dataset.{name}": value for name, value in getattr(dataset, "__dict__", {}).items()}
    )
    parts["collate_fn or sampler"] = make_fetcher
    bad = []
    for name, value in parts.items():
        try:
            pickle.dumps(value)
        except Exception:  # noqa: BLE001
            bad.append(f"{name} ({type(value).__name__})")
    if bad:
        lines.append(f"where: {', '.join(bad)} cannot be pickled.")
    lines.append(
        "fix: make it in worker_init_fn, define functions at the top of a module, or pass "
        "multiprocessing_context='fork' or 'thread'."
    )
    return type(error)("\n".join(lines))


class ProcessPool:
    """Worker processes. Used like ThreadPool; `get` raises RuntimeError for a dead worker."""

    def __init__(self, make_fetcher, dataset, init_fn, count, base_seed, context):
        import multiprocessing
        import multiprocessing.connection
        import selectors

        self._wait = multiprocessing.connection.wait
        self._owner = os.getpid()
        context = context or multiprocessing.get_context()
        self._workers = []
        self._selector = selectors.DefaultSelector()
        _pools.add(self)
        try:
            for i in range(count):
                args = (make_fetcher, dataset, init_fn, i, count, base_seed)
                one = _Worker(context, _main, args)
                self._workers.append(one)
                self._selector.register(one.answers, selectors.EVENT_READ, one)
                self._selector.register(one.process.sentinel, selectors.EVENT_READ, None)
        except BaseException:
            self.stop()
            raise

    @property
    def processes(self):
        """The processes, by worker id."""
        return [one.process for one in self._workers]

    def close(self):
        """Close this process's ends; the workers go on."""
        for one in self._workers:
            one.close()

    def put(self, worker, number, index):
        """Ask a worker for a batch; a worker that has died is reported by `get`."""
        try:
            self._workers[worker].put(number, index)
        except OSError:
            pass

    def get(self, timeout):
        """The next answer of any worker, (number, batch); raises queue.Empty."""
        events = self._selector.select(timeout)
        if not events:
            raise queue.Empty
        for key, _ in events:
            if key.data is not None:
                try:
                    return key.data.get()
                except (EOFError, OSError):
                    break
        self._raise_dead()

    def _raise_dead(self):
        # A pipe ends a moment before its process has.
        self._wait([process.sentinel for process in self.processes], 1)
        dead = []
        for i, process in enumerate(self.processes):
            if self._wait([process.sentinel], 0):
                process.join(0.5)
                dead.append((i, process))
        pids = ", ".join(str(process.pid) for _, process in dead)
        lines = [f"DataLoader worker (pid(s) {pids}) exited unexpectedly"]
        lines += [_how(i, process) for i, process in dead]
        raise RuntimeError("\n".join(lines))

    def stop(self):
        """End every worker, politely and then not; in a process forked meanwhile, do nothing.

        May run in the garbage collector, in the middle of an import: so it imports nothing.
        """
        workers, self._workers = self._workers, []
        if os.getpid() != self._owner:
            return
        for one in workers:
            try:
                one.tasks.send(None)
            except OSError:
                pass
            one.close()
        self._selector.close()
        for one in workers:
            for end in (_nothing, one.process.terminate, one.process.kill):
                end()
                if self._wait([one.process.sentinel], 2):
                    one.process.join()
                    break


def _nothing():
    pass


def _how(i, process):
    code = process.exitcode
    if code is None or code >= 0:
        return f"Worker {i} ended with exit code {code}: does the data set call exit()?"
    import signal

    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    text = f"Worker {i} was killed by signal {name}."
    if name == "SIGKILL":
        text += " The system may have run out of memory: use fewer workers or smaller batches."
    return text


class _Tasks:
    """The worker's tasks, read from the pipe by a thread."""

    def __init__(self, pipe):
        import threading

        self._pipe = pipe
        self._queue = queue.SimpleQueue()
        self._slots = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                task = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(1)  # the parent is gone
            self._queue.put(task)
            if task is None:
                return

    def get(self):
        task = self._queue.get()
        if task is None:
            return None
        number, slot, index = task
        self._slots[number] = slot
        return number, index

    def slot(self, number):
        return self._slots.pop(number)


def _main(tasks, answers, file, inherited, make_fetcher, dataset, init_fn, i, count, base_seed):
    """The process: state of its own, then work until told to stop."""
    import signal

    # The parent decides when to end; an interrupt at the terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for one in inherited:
        one.close()
    torch.set_num_threads(1)
    seed = base_seed + i
    _seed(seed, base_seed, i)
    info = worker._process_info = worker.WorkerInfo(i, count, seed, dataset)
    fd = None if file is None else file.fd
    tasks = _Tasks(tasks)

    def answer(number, batch):
        slot = tasks.slot(number)
        answers.send_bytes(pickle.dumps((number, *_packed(batch, fd, slot, i))))

    try:
        worker.work(tasks, answer, make_fetcher, init_fn, info)
    except (BrokenPipeError, ConnectionResetError):
        pass  # nobody reads any more


def _packed(batch, fd, slot, i):
    """(kind, message): a kind other than None is the whole answer."""
    if batch is worker.END or batch is worker.AGAIN:
        return batch, None
    if not isinstance(batch, worker.Failure):
        try:
            return None, pack(batch, fd, slot)
        except Exception as error:  # noqa: BLE001 - the batch cannot be sent; say so
            batch = worker.Failure(error, i)
    try:
        pickle.dumps(batch)
    except Exception:  # noqa: BLE001 - a class of exceptions that cannot be sent
        batch.exc_type = RuntimeError
    return None, pack(batch, fd, slot)


def _seed(seed, base_seed, i):
    import random

    random.seed(seed)
    torch.manual_seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        words = [i, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
        numpy.random.seed(numpy.random.SeedSequence(words).generate_state(4))
