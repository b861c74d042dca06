"""`torch.multiprocessing`: Python's multiprocessing, and `spawn`. Tensors that `share_memory_` moved
are sent as the same memory, others by value.
"""

import multiprocessing as _mp

from ._shared import install as _install

_install()
_strategy = "file_system"


def get_all_sharing_strategies():
    """There is one way, whatever it is called: a file in memory, by its descriptor."""
    return {"file_descriptor", "file_system"}


def get_sharing_strategy():
    """The strategy that was set last."""
    return _strategy


def set_sharing_strategy(new_strategy):
    """Accepted for compatibility."""
    global _strategy
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(f"invalid sharing strategy {new_strategy}")
    _strategy = new_strategy


class ProcessRaisedException(Exception):
    """A process started by `spawn` raised; the message holds its traceback."""


class ProcessExitedException(Exception):
    """A process started by `spawn` exited with a status other than 0."""


def _wrapped(fn, index, args, errors):
    try:
        fn(index, *args)
    except Exception:
        import traceback

        errors.put(traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """The processes of one `spawn`."""

    def __init__(self, processes, errors):
        self.processes, self.errors = processes, errors

    def pids(self):
        """Process ids, in order."""
        return [p.pid for p in self.processes]

    def join(self, timeout=None):
        """Waits; True if all ended well. The first failure ends the others and is raised."""
        from multiprocessing.connection import wait

        sentinels = {p.sentinel: i for i, p in enumerate(self.processes) if p.exitcode is None}
        done = wait(sentinels, timeout) if sentinels else []
        for i, process in enumerate(self.processes):
            if process.sentinel in done:
                process.join()
            if process.exitcode:
                self._fail(i, process)
        return all(p.exitcode == 0 for p in self.processes)

    def _fail(self, index, failed):
        for process in self.processes:
            if process.is_alive():
                process.terminate()
            process.join()
        if failed.exitcode == 1 and not self.errors[index].empty():
            text = self.errors[index].get()
            raise ProcessRaisedException(
                f"\n\n-- Process {index} terminated with the following error:\n{text}"
            )
        code = failed.exitcode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise ProcessExitedException(f"process {index} terminated with {how}")


def start_processes(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Runs `fn(i, *args)` in `nprocs` processes; raises what the first failing one raised."""
    context = _mp.get_context(start_method)
    errors = [context.SimpleQueue() for _ in range(nprocs)]
    processes = [
        context.Process(target=_wrapped, args=(fn, i, args, errors[i]), daemon=daemon)
        for i in range(nprocs)
    ]
    for process in processes:
        process.start()
    running = ProcessContext(processes, errors)
    if not join:
        return running
    while not running.join():
        pass
    return None


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """`start_processes` with fresh interpreters."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def __getattr__(name):
    if hasattr(_mp, name):
        return getattr(_mp, name)
    from ._missing import missing

    return missing(__name__, name)
