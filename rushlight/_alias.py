"""`rushlight.as_torch()`: for this process, `torch` and `torch.X` are rushlight and rushlight.X;
where torchvision is not installed, that name is rushlight's small substitute.

Nothing is written to the environment: other interpreters see no torch. Processes that
multiprocessing starts from this one inherit the alias.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec


class _Loader:
    """Puts the rushlight module itself under the torch name, so that both names are one object."""

    def __init__(self, real):
        self.real = real

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        # The import system takes whatever stands under the name once this returns.
        sys.modules[module.__name__] = importlib.import_module(self.real)

    def get_code(self, fullname):
        """The code, for `python -m torch.x`."""
        loader = importlib.util.find_spec(self.real).loader
        return loader.get_code(self.real)


class _Finder:
    """Finds torch.* as rushlight.*, and answers `importlib.metadata.version("torch")`."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname == "multiprocessing.spawn":
            return _patched_spawn_spec(path)
        if fullname.startswith("rushlight."):
            return _renaming_spec(fullname, path)
        real = _real_name(fullname)
        if real is None:
            return None
        try:
            spec = importlib.util.find_spec(real)
        except (ModuleNotFoundError, ValueError):
            spec = getattr(sys.modules.get(real), "__spec__", None)
        if spec is None:
            return None
        package = spec.submodule_search_locations is not None
        return ModuleSpec(fullname, _Loader(real), origin=spec.origin, is_package=package)

    def find_distributions(self, context=None):
        name = getattr(context, "name", None)
        return iter([_distribution()] if name is None or name.lower() == "torch" else [])

    def invalidate_caches(self):
        pass


def _real_name(fullname):
    """The module of rushlight's that stands for one of torch's or torchvision's; else None."""
    top, _, rest = fullname.partition(".")
    if top == "torch":
        return "rushlight" + fullname[5:]
    if top != "torchvision":
        return None
    from importlib.machinery import PathFinder

    if PathFinder.find_spec("torchvision") is not None:
        return None  # the real one
    return "rushlight._vision" + (rest and "." + rest)


def _distribution():
    from importlib.metadata import Distribution

    from .version import torch

    class TorchDistribution(Distribution):
        """The metadata that libraries look for; there are no files."""

        def read_text(self, filename):
            text = f"Metadata-Version: 2.1\nName: torch\nVersion: {torch}\n"
            return text if filename == "METADATA" else None

        def locate_file(self, path):
            import os

            return os.path.join(os.path.dirname(__file__), path)

    return TorchDistribution()


class _AliasOnUnpickle:
    """Unpickles as a call of `as_torch`: a spawned process reads it before the main script."""

    def __reduce__(self):
        return as_torch, ()


def _patch_spawn(spawn):
    prepare = spawn.get_preparation_data

    def get_preparation_data(name):
        return {"torch": _AliasOnUnpickle(), **prepare(name)}

    spawn.get_preparation_data = get_preparation_data


def _public(name):
    if name.startswith("rushlight._vision"):
        return "torchvision" + name[len("rushlight._vision") :]
    return "torch" + name[9:]


def _finish(module):
    """Classes of a rushlight module say that they are torch's, as libraries and pickles expect;
    names of PyTorch's that the module lacks are found among the missing ones.
    """
    public = _public(module.__name__)
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            value.__module__ = public
    if public.startswith("torch.") and "__getattr__" not in vars(module):
        from functools import partial

        from ._missing import missing

        module.__getattr__ = partial(missing, public)


def _renaming_spec(fullname, path):
    """A module of rushlight as it is, finished once it has loaded."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec(fullname, path)
    if spec is not None and hasattr(spec.loader, "exec_module"):
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            _finish(module)

        spec.loader.exec_module = exec_module
    return spec


def _patched_spawn_spec(path):
    """multiprocessing.spawn as it is, patched once it has loaded (it is costly to import now)."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("multiprocessing.spawn", path)
    if spec is not None:
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            _patch_spawn(module)

        spec.loader.exec_module = exec_module
    return spec


def as_torch():
    """Makes `import torch` mean rushlight in this process, and returns rushlight.

    Call it before anything imports torch. Calling it again does nothing.

    Raises:
        RuntimeError: PyTorch itself is already imported.

    Example:
        >>> import rushlight
        >>> rushlight.as_torch()  # doctest: +SKIP
        >>> import torch  # doctest: +SKIP
    """
    import rushlight

    loaded = sys.modules.get("torch")
    if loaded is rushlight:
        return rushlight
    if loaded is not None:
        where = getattr(loaded, "__file__", "?")
        raise RuntimeError(
            f"rushlight.as_torch(): torch is already imported, from {where}.\n"
            "Call as_torch() before the first `import torch` of the process, or start the program "
            "with `rushlight run`."
        )
    from ._missing import install
    from .torch_version import __version__

    install()
    rushlight.__version__ = __version__
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "rushlight" and module.__name__ == name:
            _finish(module)
    sys.meta_path.insert(0, _Finder())
    sys.modules["torch"] = rushlight
    spawn = sys.modules.get("multiprocessing.spawn")
    if spawn is not None:
        _patch_spawn(spawn)
    return rushlight
