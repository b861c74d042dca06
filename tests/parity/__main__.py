"""The command line: replays the database, prints pass rates, writes failures by cause.

python -m tests.parity [--dtype float32] [--only 'linalg.*'] [--forms values,gradients]
                       [--samples N] [--jobs 2] [--causes FILE] [--shrink] [--docs]
"""

import argparse
import sys
import time

from . import rates, report
from .forms import FORMS
from .replay import entries_of, replay


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.parity", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--dtype", default="float32", help="one dtype, or several with commas")
    parser.add_argument("--only", default="*", help="patterns of entries' names, with commas")
    parser.add_argument("--forms", default=",".join(FORMS), help="of " + ", ".join(FORMS))
    parser.add_argument("--samples", type=int, help="at most so many of an entry (default: all)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--causes", default="parity_failures.txt", help="where failures are written"
    )
    parser.add_argument("--shrink", action="store_true", help="expected failures that pass go")
    parser.add_argument("--docs", action="store_true", help="writes the rates to docs/parity.md")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    args = parser.parse_args()
    forms = [f for f in FORMS if f in args.forms.split(",")]
    texts, unexpected = [], 0
    for dtype in args.dtype.split(","):
        start = time.time()
        entries = entries_of(args.only, dtype)
        tell = None if args.quiet else lambda text: print("\r" + text, end="", file=sys.stderr)
        results = replay(entries, dtype, forms, args.samples, args.jobs, tell)
        new, mended = report.compare(results, dtype, args.samples is not None)
        print(f"\n{dtype}: {len(entries)} entries in {time.time() - start:.0f} s")
        print(report.table(results))
        print(f"failing and not expected: {len(new)}; expected and passing: {len(mended)}")
        texts.append(f"######## {dtype}\n{report.table(results)}\n\n{report.causes(results)}\n")
        texts.append("".join(f"expected, but passes: {e} {f}\n" for e, f in mended))
        if args.shrink:
            report.shrink(mended, dtype)
        if args.docs and args.only == "*" and forms == list(FORMS):
            rates.record(results, dtype, args.samples)
        unexpected += len(new) + len(mended)
    with open(args.causes, "w") as f:
        f.write("\n".join(texts))
    print(f"failures by cause: {args.causes}")
    return unexpected > 0


if __name__ == "__main__":
    sys.exit(main())
