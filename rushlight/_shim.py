"""`rushlight shim`: tells an environment, on request, that rushlight stands in for torch there.

The shim is the folder by which pip knows a package, without code; with `--importable` also a
package `torch` of one file, which turns itself into rushlight. `pip uninstall torch` removes both.
"""

import os
import sys

_MARK = "rushlight shim\n"  # the text of INSTALLER, by which we know what is ours

_PACKAGE = '''\
"""Not PyTorch. `rushlight shim install --importable` wrote this: `import torch` is rushlight.

`rushlight shim remove` or `pip uninstall torch` takes it away.
"""

import sys

import rushlight

if sys.modules.get(__name__) is not rushlight:
    del sys.modules[__name__]
    rushlight.as_torch()
'''

_METADATA = """\
Metadata-Version: 2.1
Name: torch
Version: {version}
Summary: Not PyTorch: stands in for it beside rushlight (written by `rushlight shim install`)

Packages that require torch find it installed, and use rushlight, which provides its API.
`rushlight shim remove` or `pip uninstall torch` takes this away.
"""


class ShimError(Exception):
    """Why nothing was written or removed."""


def _site():
    import sysconfig

    return sysconfig.get_path("purelib")


def _folder(site):
    from .version import __version__

    return os.path.join(site, f"torch-{__version__}.dist-info")


def _is_ours(folder):
    try:
        with open(os.path.join(folder, "INSTALLER")) as f:
            return f.read() == _MARK
    except OSError:
        return False


def shims(site=None):
    """The folders of shims, of any version, in a folder of packages."""
    site = site or _site()
    names = sorted(os.listdir(site)) if os.path.isdir(site) else []
    found = (os.path.join(site, n) for n in names if n.lower().startswith("torch-"))
    return [folder for folder in found if folder.endswith(".dist-info") and _is_ours(folder)]


def _refuse_real_torch(search):
    """Raises ShimError if PyTorch itself can be found by pip or by Python in these folders."""
    from importlib.machinery import PathFinder
    from importlib.metadata import DistributionFinder, MetadataPathFinder

    context = DistributionFinder.Context(name="torch", path=search)
    for found in MetadataPathFinder.find_distributions(context):
        if found.read_text("INSTALLER") != _MARK:
            raise ShimError(f"PyTorch {found.version} is installed here: uninstall it first.")
    spec = PathFinder.find_spec("torch", search)
    if spec is not None and spec.origin and not _is_our_package(spec.origin):
        raise ShimError(f"there is a torch to import already, {spec.origin}: remove it first.")


def _is_our_package(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read() == _PACKAGE
    except (OSError, UnicodeDecodeError):
        return False


def install(site=None, importable=False):
    """Writes the shim into `site` (by default this environment's packages); returns the names.

    Raises ShimError if PyTorch itself is installed, OSError if the folder cannot be written.
    """
    from .version import __version__

    # The first entry of sys.path is the current folder or the script's: no place of packages.
    _refuse_real_torch([site] if site else [_site(), *sys.path[1:]])
    site = site or _site()
    remove(site)
    folder = _folder(site)
    base = os.path.basename(folder)
    files = {
        f"{base}/METADATA": _METADATA.format(version=__version__),
        f"{base}/INSTALLER": _MARK,
        f"{base}/top_level.txt": "torch\n",
    }
    if importable:
        files["torch/__init__.py"] = _PACKAGE
    files[f"{base}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{base}/RECORD"])
    for name, text in files.items():
        path = os.path.join(site, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    return list(files)


def remove(site=None):
    """Takes away every shim in `site` and returns the folders removed; touches nothing else."""
    import shutil

    site = site or _site()
    removed = shims(site)
    package = os.path.join(site, "torch")
    if _is_our_package(os.path.join(package, "__init__.py")):
        removed.append(package)
    for folder in removed:
        shutil.rmtree(folder)
    return removed


# --- the command line ----------------------------------------------------------------------------


def main(args):
    """`shim [install [--importable] | remove] [--target folder]`; returns the exit status."""
    args = list(args)
    site = importable = None
    if "--importable" in args and args[0] == "install":
        args.remove("--importable")
        importable = True
    if len(args) > 1 and args[-2] == "--target":
        site = os.path.abspath(args[-1])
        del args[-2:]
    if args not in ([], ["install"], ["remove"]):
        return None
    try:
        for line in _act(args[0] if args else "", site, importable):
            print(line)
    except (ShimError, OSError) as error:
        print(f"rushlight shim: {error}", file=sys.stderr)
        return 1
    return 0


def _act(action, site, importable):
    site = site or _site()
    if action == "install":
        names = install(site, importable)
        from .version import torch

        wrote = [f"wrote {os.path.join(site, name)}" for name in names if "RECORD" not in name]
        return [*wrote, f"to keep pip from replacing it: pip install PACKAGE torch=={torch}"]
    if action == "remove":
        return [f"removed {x}" for x in remove(site)] or [f"no shim in {site}"]
    lines = [f"shim: {x}" for x in shims(site)]
    if lines and _is_our_package(os.path.join(site, "torch", "__init__.py")):
        lines.append("import torch is rushlight in this environment")
    return lines or [f"no shim in {site}"]
