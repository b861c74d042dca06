"""`torch.hub`: downloading and caching checkpoints. Code of repositories is not run here."""

import os

from ._missing import missing

__all__ = ["download_url_to_file", "get_dir", "load_state_dict_from_url", "set_dir"]

_dir = None


def _get_torch_home():
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))


def get_dir():
    """The folder for downloads: set_dir, $TORCH_HOME/hub, or ~/.cache/torch/hub."""
    return os.path.join(_get_torch_home(), "hub") if _dir is None else _dir


def set_dir(d):
    """Sets the folder for downloads."""
    global _dir
    _dir = os.path.expanduser(str(d))


def download_url_to_file(url, dst, hash_prefix=None, progress=True):
    """Downloads a file; `dst` appears only when it is complete and its SHA-256 begins as given.

    Raises:
        RuntimeError: the hash differs.
    """
    import hashlib
    import shutil
    from urllib.request import Request, urlopen

    partial, digest = f"{dst}.{os.getpid()}.partial", hashlib.sha256()
    try:
        request = Request(url, headers={"User-Agent": "torch.hub"})
        with urlopen(request) as source, open(partial, "wb") as target:
            while chunk := source.read(1 << 17):
                digest.update(chunk)
                target.write(chunk)
        found = digest.hexdigest()
        if hash_prefix is not None and not found.startswith(hash_prefix):
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')
        shutil.move(partial, dst)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def load_state_dict_from_url(url, model_dir=None, map_location=None, progress=True,
                             check_hash=False, file_name=None, weights_only=True):  # fmt: skip
    """`torch.load` of a file that is downloaded once; `name-<hash>.pt` is checked if asked."""
    import re
    from urllib.parse import urlparse

    from .serialization import load

    folder = model_dir or os.path.join(get_dir(), "checkpoints")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, file_name or os.path.basename(urlparse(url).path))
    if not os.path.exists(path):
        found = re.search(r"-([a-f0-9]*)\.", os.path.basename(path)) if check_hash else None
        download_url_to_file(url, path, found.group(1) if found else None, progress)
    return load(path, map_location=map_location, weights_only=weights_only)


class _NoProgress:
    """What stands for tqdm's progress bar where tqdm is not installed: it shows nothing."""

    def __init__(self, *args, total=None, **kwargs):
        self.total, self.n = total, 0

    def update(self, n=1):
        self.n += n

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        pass


def _tqdm():
    try:
        from tqdm import tqdm
    except ImportError:
        return _NoProgress
    return tqdm


def __getattr__(name):
    if name == "tqdm":
        return _tqdm()
    if name == "HASH_REGEX":
        import re

        return re.compile(r"-([a-f0-9]*)\.")
    if name == "urlparse":
        from urllib.parse import urlparse

        return urlparse
    return missing(__name__, name)
