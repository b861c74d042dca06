"""Libraries around PyTorch, unmodified, on rushlight: where PyTorch is not installed.

`python tools/libraries.py` makes an environment for these tests and runs them. Where PyTorch itself
can be imported they are skipped: a library would load it, and one process holds one torch.
"""

import importlib.util
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
_found = importlib.util.find_spec("torch")
_SHIM = _found is not None and _found.origin is not None and "rushlight shim" in open(
    _found.origin, encoding="utf-8", errors="replace"
).read(400)  # fmt: skip
REAL_TORCH = _found is not None and not _SHIM

if not REAL_TORCH:
    import rushlight

    rushlight.as_torch()


def pytest_collection_modifyitems(items):
    here = os.path.dirname(os.path.abspath(__file__))
    if REAL_TORCH:
        reason = "PyTorch itself is installed here: python tools/libraries.py runs these"
        for item in items:
            if str(item.path).startswith(here):
                item.add_marker(pytest.mark.skip(reason=reason))
