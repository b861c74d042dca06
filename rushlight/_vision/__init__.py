"""A small torchvision for programs that say `import torchvision` where the real one is absent.

Served by `as_torch()` under that name only. Data sets read local files, nothing is downloaded;
models have torchvision's layer names, so its checkpoints load.
"""

__version__ = "0.28.0+rushlight"
_SUBMODULES = ("datasets", "io", "models", "ops", "transforms", "utils")


def __getattr__(name):
    if name in _SUBMODULES:
        import importlib

        return importlib.import_module("." + name, __name__)
    raise AttributeError(
        f"module 'torchvision' has no attribute '{name}'\n"
        "(this is rushlight's small substitute: install torchvision for the rest)"
    )


def set_image_backend(backend):
    """Only PIL is known."""
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL' and 'accimage'")


def get_image_backend():
    """'PIL'."""
    return "PIL"
