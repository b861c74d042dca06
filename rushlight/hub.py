"""`torch.hub`: checkpoints are downloaded and cached; models come from folders on this machine.

Code is never downloaded: `load` runs the `hubconf.py` of a folder that the user names, or of a
repository that is in the cache already.
"""

import os

from ._missing import missing

__all__ = [
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
]

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


def load(repo_or_dir, model, *args, source="github", trust_repo="check", force_reload=False,
         verbose=True, skip_validation=False, **kwargs):  # fmt: skip
    """Calls the entry point `model` of a folder's `hubconf.py` with the further arguments.

    Args:
        repo_or_dir (str): a folder (`source="local"`), or "owner/name[:ref]" of a repository that is
            in `get_dir()` already: rushlight downloads no code.
        model (str): a function that `hubconf.py` defines.

    The other options are accepted; there is no download that they could be about.

    Raises:
        ValueError: an unknown source; a model that is not a name.
        RuntimeError: no such entry point; packages of its list `dependencies` are missing.
        NotImplementedError: a repository that is not in the cache.
    """
    source = source.lower()
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    folder = repo_or_dir if source == "local" else _cached(repo_or_dir)
    return _with_hubconf(folder, lambda conf: _entry(conf, model)(*args, **kwargs))


def list(github, force_reload=False, skip_validation=False, trust_repo="check", verbose=True):  # noqa: A001
    """Names of the entry points of a repository in the cache."""
    return _with_hubconf(
        _cached(github),
        lambda conf: [n for n, f in vars(conf).items() if callable(f) and not n.startswith("_")],
    )


def help(github, model, force_reload=False, skip_validation=False, trust_repo="check"):  # noqa: A001
    """The docstring of an entry point of a repository in the cache."""
    return _with_hubconf(_cached(github), lambda conf: _entry(conf, model).__doc__)


def _cached(repo):
    """The folder in `get_dir()` of "owner/name[:ref]", where PyTorch puts what it downloads."""
    path, _, ref = repo.partition(":")
    if path.count("/") != 1:
        raise ValueError(
            f'{repo!r} is not "owner/name[:ref]" of a repository. '
            "For a folder on this machine pass source='local'."
        )
    for name in [ref] if ref else ["main", "master"]:
        folder = os.path.join(get_dir(), "_".join((*path.split("/"), name.replace("/", "_"))))
        if os.path.isdir(folder):
            return folder
    raise NotImplementedError(
        f"torch.hub of rushlight does not download code, and {repo} is not in {get_dir()}.\n"
        f"Fetch it yourself (git clone https://github.com/{path}), then "
        "torch.hub.load(folder, model, source='local')."
    )


def _with_hubconf(folder, use):
    """What `use` makes of the module hubconf.py, while the folder is the first to import from."""
    import sys
    from importlib.util import module_from_spec, spec_from_file_location

    folder = os.path.abspath(os.path.expanduser(folder))
    sys.path.insert(0, folder)
    try:
        spec = spec_from_file_location("hubconf", os.path.join(folder, "hubconf.py"))
        conf = module_from_spec(spec)
        spec.loader.exec_module(conf)
        return use(conf)
    finally:
        sys.path.remove(folder)


def _entry(conf, model):
    """The function `model` of a hubconf, if what it depends on is installed."""
    from importlib.util import find_spec

    if not isinstance(model, str):
        raise ValueError("Invalid input: model should be a string of function name")
    absent = [name for name in getattr(conf, "dependencies", ()) if find_spec(name) is None]
    if absent:
        hint = "" if "torch" not in absent else "\nFor torch: rushlight run, or as_torch() first."
        raise RuntimeError(f"Missing dependencies: {', '.join(absent)}{hint}")
    found = getattr(conf, model, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return found


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
