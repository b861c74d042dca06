"""Where the OpenBLAS library of the package scipy-openblas32 lies; the core opens it on first need."""

import os
import sys

from . import _C


def library():
    """The path of the shared library, or None. Nothing is imported, not even the import machinery."""
    for place in sys.path:
        folder = os.path.join(place, "scipy_openblas32", "lib")
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                if "openblas" in name and (".so" in name or ".dylib" in name or ".dll" in name):
                    return os.path.join(folder, name)
    return None


_C._set_blas_path(library() or "")
