"""The table of operations: a row for each operation of the registry. Its tests are in test_ops.py.

A new operation needs a row here or in one of the ops_*.py files; its other tests follow from it.
"""

import ops_pointwise
from ops_check import OPERATIONS

# Operations that only serve others: what they are for is tested through those.
HIDDEN = {
}

ROWS = {row.name: row for module in (ops_pointwise,) for row in module.ROWS}


def covered_by(name):
    """The row that tests an operation: its own, or that of the form that is not in place."""
    if name in ROWS:
        return ROWS[name]
    return ROWS.get(name[:-1]) if name.endswith("_") else None


__all__ = ["HIDDEN", "OPERATIONS", "ROWS", "covered_by"]
