"""`rushlight shim` in environments made for the test; PyTorch's own is never touched."""

import os
import subprocess
import sys
import zipfile

import pytest

import rushlight
from rushlight import _shim

PACKAGE = os.path.dirname(os.path.abspath(rushlight.__file__))
VERSION = rushlight.version.__version__


def tree(folder):
    return sorted(
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder)
        for name in names
        if not name.endswith(".pyc")
    )


def test_install_and_remove_in_a_folder(tmp_path, capsys):
    site = str(tmp_path)
    (tmp_path / "other.py").write_text("")
    assert _shim.main(["--target", site]) == 0
    assert _shim.main(["install", "--target", site]) == 0
    base = f"torch-{VERSION}.dist-info"
    files = ["INSTALLER", "METADATA", "RECORD", "top_level.txt"]
    assert tree(site) == ["other.py", *(f"{base}/{x}" for x in files)]
    assert _shim.main(["install", "--importable", "--target", site]) == 0  # again, and more
    assert "torch/__init__.py" in tree(site)
    capsys.readouterr()
    assert _shim.main(["--target", site]) == 0
    assert "import torch is rushlight" in capsys.readouterr().out
    record = (tmp_path / base / "RECORD").read_text()
    assert sorted(line.split(",")[0] for line in record.splitlines()) == tree(site)[1:]
    assert _shim.main(["install", "--target", site]) == 0  # without --importable it goes
    assert "torch/__init__.py" not in tree(site)
    assert _shim.main(["--target", site]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"shim: {tmp_path / base}"
    assert _shim.main(["remove", "--target", site]) == 0
    assert tree(site) == ["other.py"] and os.listdir(site) == ["other.py"]
    assert _shim.main(["remove", "--target", site]) == 0


def test_an_older_shim_is_replaced(tmp_path):
    old = tmp_path / "torch-2.12.0+rushlight.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.12.0\n")
    (old / "INSTALLER").write_text("rushlight shim\n")
    _shim.install(str(tmp_path))
    assert [x for x in os.listdir(tmp_path)] == [f"torch-{VERSION}.dist-info"]


def test_refuses_beside_pytorch(tmp_path, capsys):
    real = tmp_path / "torch-2.13.0+cpu.dist-info"
    real.mkdir()
    (real / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n")
    (real / "INSTALLER").write_text("pip\n")
    assert _shim.main(["install", "--target", str(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith(
        "PyTorch 2.13.0+cpu is installed here: uninstall it first.\n"
    )
    assert _shim.main(["remove", "--target", str(tmp_path)]) == 0
    assert os.listdir(tmp_path) == ["torch-2.13.0+cpu.dist-info"]


def test_refuses_beside_a_torch_without_metadata(tmp_path, capsys):
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("version = 1\n")
    assert _shim.main(["install", "--importable", "--target", str(tmp_path)]) == 1
    assert "remove it first" in capsys.readouterr().err
    _shim.remove(str(tmp_path))
    assert tree(tmp_path) == ["torch/__init__.py"]


def test_unknown_words_are_usage_errors(capsys):
    from rushlight.cli import main

    for args in (["nosuch"], ["install", "--nosuch"], ["remove", "--importable"], ["--target"]):
        assert main(["shim", *args]) == 2
        assert "usage:" in capsys.readouterr().err


# --- a whole environment -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with pip and rushlight, and a package to install that needs torch."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, timeout=120)
    python = str(folder / "venv" / "bin" / "python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
    os.symlink(PACKAGE, os.path.join(site, "rushlight"))  # alone: PyTorch may lie beside it
    info = "needstorch-1.0.dist-info"
    with zipfile.ZipFile(folder / "needstorch-1.0-py3-none-any.whl", "w") as wheel:
        files = {
            "needstorch.py": "import torch\nanswer = torch.ones(2).sum().item()\n",
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: needstorch\nVersion: 1.0\n"
            "Requires-Dist: torch==2.13.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n",
        }
        for name, text in files.items():
            wheel.writestr(name, text)
        record = [f"{name},,\n" for name in [*files, f"{info}/RECORD"]]
        wheel.writestr(f"{info}/RECORD", "".join(record))

    def run(*args):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        clean.update(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1")
        command = [python, *args]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=clean, timeout=120
        )

    run.site = site
    run.before = tree(site)
    return run


def install_needstorch(run):
    return run("-m", "pip", "install", "--no-index", "--find-links", ".", "needstorch")


def test_pip_sees_it_and_takes_it_away(environment):
    run = environment
    assert install_needstorch(run).returncode != 0  # there is no torch, and no index
    assert run("-m", "rushlight", "shim", "install").returncode == 0
    done = install_needstorch(run)
    assert done.returncode == 0, done.stderr
    assert run("-c", "import needstorch").returncode != 0  # metadata alone: nothing to import
    under = run("-m", "rushlight", "run", "-c", "import needstorch; print(needstorch.answer)")
    assert under.stdout == "2.0\n", under.stderr
    assert run("-m", "pip", "check").returncode == 0

    assert run("-m", "rushlight", "shim", "install", "--importable").returncode == 0
    for statement in ("import needstorch", "from torch import nn", "import torch.nn.functional"):
        done = run("-c", f"{statement}; import sys; print(sys.modules['torch'].__name__)")
        assert done.stdout == "rushlight\n", done.stderr
    done = run("-m", "rushlight", "run", "-c", "import torch; print(torch.__version__)")
    assert done.stdout == f"{VERSION}\n", done.stderr
    done = run("-c", "import torch, importlib.metadata as m; print(m.version('torch'))")
    assert done.stdout == f"{VERSION.partition('+')[0]}\n", done.stderr

    assert run("-m", "pip", "uninstall", "-y", "torch", "needstorch").returncode == 0
    assert tree(run.site) == run.before and not os.path.exists(os.path.join(run.site, "torch"))
    assert run("-c", "import torch").returncode != 0


def test_shim_remove_leaves_nothing(environment):
    run = environment
    assert run("-m", "rushlight", "shim", "install", "--importable").returncode == 0
    assert run("-c", "import torch").returncode == 0  # leaves a compiled file as well
    assert run("-m", "rushlight", "shim", "remove").returncode == 0
    assert tree(run.site) == run.before and not os.path.exists(os.path.join(run.site, "torch"))
