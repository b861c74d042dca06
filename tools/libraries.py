"""Makes an environment with rushlight and the libraries around PyTorch, but without PyTorch, and
runs tests/libraries in it.

    python tools/libraries.py [--folder build/libraries] [pytest's arguments]

The environment is kept, so that the next run only tests. It uses this checkout's package, which must
have its extension (tools/dev_build.sh), and the versions of tests/libraries/requirements.txt.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "libraries"


def call(*command, **kwargs):
    print("+", *command, flush=True)
    return subprocess.run([str(x) for x in command], **kwargs).returncode


def checked(*command, **kwargs):
    if status := call(*command, **kwargs):
        sys.exit(status)


def wanted():
    """(requirements, those that go without their dependencies), from the file."""
    plain, alone = [], []
    for line in (TESTS / "requirements.txt").read_text().splitlines():
        name, _, note = line.partition("#")
        if name.strip():
            (alone if "alone" in note else plain).append(name.strip())
    return plain, alone


def make(folder):
    """The environment's Python; installs what the file names unless that was done."""
    python = folder / "bin" / "python"
    done = folder / "requirements.txt"
    text = (TESTS / "requirements.txt").read_text()
    if done.exists() and done.read_text() == text:
        return python
    if not any((ROOT / "rushlight").glob("_C*.so")):
        sys.exit("rushlight is not built: tools/dev_build.sh first")
    venv.create(folder, with_pip=True)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    (Path(site.strip()) / "rushlight.pth").write_text(f"{ROOT}\n")
    checked(python, "-m", "pip", "install", "-q", "scipy-openblas32")
    checked(python, "-m", "rushlight", "shim", "install", "--importable", cwd=folder)
    # Without this pip may prefer a newer PyTorch itself to the shim.
    limits = folder / "constraints.txt"
    code = "from importlib.metadata import version; print(version('torch'))"
    shim = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    limits.write_text(f"torch=={shim.strip()}\n")
    plain, alone = wanted()
    checked(python, "-m", "pip", "install", "-q", "-c", limits, *plain)
    checked(python, "-m", "pip", "install", "-q", "--no-deps", *alone)
    done.write_text(text)
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "libraries")
    args, rest = parser.parse_known_args()
    folder = args.folder.resolve()
    python = make(folder)
    # Libraries' own tests start `python`.
    env = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    env.pop("PYTHONPATH", None)
    return call(python, "-m", "pytest", "-rs", *(rest or [TESTS]), env=env, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
