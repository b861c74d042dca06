"""torch.multiprocessing.spawn: runs a function in several processes and reports the first failure."""

import multiprocessing as _mp

from .._utils import callable_module

ENV_VAR_PARALLEL_START = "TORCH_MP_PARALLEL_START"


class ProcessException(Exception):
    """A process started by `spawn` failed: `error_index` and `error_pid` say which."""

    def __init__(self, msg, error_index, pid):
        super().__init__(msg)
        self.msg, self.error_index, self.error_pid = msg, error_index, pid

    def __reduce__(self):
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """It raised; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """It exited with a status other than 0, `exit_code`, or by a signal, `signal_name`."""

    def __init__(self, msg, error_index, error_pid, exit_code, signal_name=None):
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self):
        places = (self.error_index, self.error_pid, self.exit_code, self.signal_name)
        return type(self), (self.msg, *places)


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
                f"\n\n-- Process {index} terminated with the following error:\n{text}",
                index,
                failed.pid,
            )
        code, name = failed.exitcode, None
        if code < 0:
            import signal

            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"<Unknown signal {-code}>"
        how = f"signal {name}" if name else f"exit code {code}"
        raise ProcessExitedException(
            f"process {index} terminated with {how}", index, failed.pid, code, name
        )


SpawnContext = ProcessContext  # its older name


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


callable_module(__name__)


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
