"""What the machine can do: bytes that a copy moves and floating-point operations of a product in a
second, measured with NumPy in a process of its own. Not here: what a row needs of either (row.py).

    python benchmarks/limits.py 2        # threads
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

COUNT = 10_000_000  # floats, as in the largest rows


def best(call, rounds=25):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(threads):
    """{"bytes": read and written in a second, "flops": multiplications and additions}."""
    import numpy

    source, target = numpy.ones(COUNT, "float32"), numpy.zeros(COUNT, "float32")
    parts = list(zip(numpy.array_split(target, threads), numpy.array_split(source, threads)))
    with ThreadPoolExecutor(threads) as pool:  # NumPy lets go of the lock while it copies
        copied = best(lambda: list(pool.map(lambda p: numpy.copyto(*p), parts)))
    n = 1024
    a, b = (numpy.random.default_rng(i).random((n, n), "float32") for i in range(2))
    return {"bytes": 8 * COUNT / copied, "flops": 2 * n**3 / best(lambda: a @ b)}


def measured(threads):
    """The same, or {} where NumPy is absent."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, __file__, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def floor(row, limits):
    """Microseconds under which no library gets, by the row's bytes and operations; None if unknown."""
    needs = [(row.moved, "bytes"), (row.flops, "flops")]
    times = [amount / limits[kind] for amount, kind in needs if amount and kind in limits]
    return max(times) * 1e6 if times else None


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
