"""Times the programs of examples/ at their default sizes, with PyTorch and with rushlight in turns.

    python benchmarks/examples.py [--rounds 2] [NAME ...]

Prints a row of Markdown for each: seconds of processor time, start of the interpreter and import
included, the least of the rounds. One thread: what other programs do on the machine changes the
time on the clock, and threads that wait for each other, much more than this.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
RUNNERS = {"torch": ["-W", "ignore"], "rushlight": ["-m", "rushlight", "run"]}


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(runner, name, folder):
    """Processor time of one run of a program."""
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, *RUNNERS[runner], str(EXAMPLES / f"{name}.py")]
    before = processor_time()
    subprocess.run(
        command, cwd=folder, env={**os.environ, **threads}, check=True, stdout=subprocess.DEVNULL
    )
    return processor_time() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    names = args.names or sorted(path.stem for path in EXAMPLES.glob("*.py"))
    print("| program | torch | rushlight | times faster |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            least = {}
            for _ in range(args.rounds):
                for runner in RUNNERS:
                    time = seconds(runner, name, folder)
                    least[runner] = min(time, least.get(runner, time))
            ours, theirs = least["rushlight"], least["torch"]
            print(f"| {name} | {theirs:.1f} | {ours:.1f} | {theirs / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
