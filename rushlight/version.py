"""Versions: of the PyTorch whose behaviour this package follows, and of the package itself."""

rushlight = "0.1.0"
torch = "2.13.0"
__version__ = f"{torch}+rushlight"
debug = False
git_version = "unknown"
hip = None
rocm = None
xpu = None


def __getattr__(name):
    # The driver's CUDA version, or None without a usable GPU, as a CPU build of PyTorch says.
    if name == "cuda":
        from .cuda import _runtime_version

        return _runtime_version()
    raise AttributeError(f"module 'torch.version' has no attribute '{name}'")
