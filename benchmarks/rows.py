"""The table of benchmarks: what is timed, in text that runs on torch and on rushlight alike.

The rows stand in rows_*.py, by group. Not here: how rows are run (bench.py).
"""

import rows_layers
import rows_programs
import rows_small
import rows_tensors
from row import Row

ROWS: list[Row] = [
    *rows_small.ROWS,
    *rows_programs.ROWS,
    *rows_tensors.rows(),
    *rows_layers.rows(),
]
