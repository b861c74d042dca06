"""Where the OpenBLAS library of the package scipy-openblas32 lies; the core opens it on first need."""

import os
from importlib.machinery import PathFinder

from . import _C


def library():
    """The path of the shared library, or None. The package itself is not imported."""
    spec = PathFinder.find_spec("scipy_openblas32")
    if spec is None or not spec.origin:
        return None
    folder = os.path.join(os.path.dirname(spec.origin), "lib")
    names = os.listdir(folder) if os.path.isdir(folder) else ()
    for name in names:
        if "openblas" in name and (".so" in name or ".dylib" in name or name.endswith(".dll")):
            return os.path.join(folder, name)
    return None


_C._set_blas_path(library() or "")
