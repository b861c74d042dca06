"""`python tests/parity/run.py`: the same as `python -m tests.parity`, from anywhere."""

import pathlib
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    from parity.__main__ import main

    sys.exit(main())
