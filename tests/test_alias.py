"""`rushlight run` is `python` with torch meaning rushlight; names that are missing are stubs."""

import os
import subprocess
import sys
import tempfile

import pytest

R5 = (
    "hub version library _custom_ops ops jit fx _dynamo compiler export distributed backends.cuda "
    "backends.cudnn backends.mps backends.mkl backends.mkldnn backends.openmp cuda cuda.amp mps "
    "xpu accelerator amp utils.hooks utils._pytree utils.checkpoint utils.model_zoo "
    "utils.tensorboard utils.dlpack utils.data multiprocessing testing special fft linalg func "
    "distributions quantization onnx nn nn.functional optim nn.modules.linear"
).split()


def python(*args, cwd=None, **kwargs):
    cwd = cwd or tempfile.gettempdir()  # not the checkout, whose package has no extension
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, cwd=cwd, timeout=120, **kwargs
    )


def run(*args, **kwargs):
    return python("-m", "rushlight", "run", *args, **kwargs)


def check(code, **kwargs):
    """Runs code under the alias and returns what it printed."""
    done = run("-c", code, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_modules_are_the_same_objects():
    check(
        "import importlib, sys, torch, rushlight\n"
        "assert torch is rushlight\n"
        f"for name in {R5!r}:\n"
        "    module = importlib.import_module('torch.' + name)\n"
        "    assert module is importlib.import_module('rushlight.' + name), name\n"
        "    assert sys.modules['torch.' + name] is module\n"
        "import torch.cuda, torch.nn as nn\n"
        "from torch import nn as nn2\n"
        "assert nn is nn2 is rushlight.nn and torch.cuda is rushlight.cuda\n"
        "assert torch.nn.__name__ == 'rushlight.nn'\n"
        "assert torch.nn.__spec__.name == 'rushlight.nn'\n"
    )


def test_libraries_detect_torch():
    out = check(
        "import importlib.metadata, importlib.util, sys, torch\n"
        "assert 'torch' in sys.modules\n"
        "assert importlib.util.find_spec('torch') and importlib.util.find_spec('torch.nn')\n"
        "assert importlib.util.find_spec('torch.nosuch') is None\n"
        "assert torch.__version__ >= '2.4' and torch.__version__ >= (2, 13)\n"
        "assert torch.__version__ < '2.14' and not torch.__version__ < '2.9'\n"
        "print(importlib.metadata.version('torch'), torch.__version__)\n"
    )
    assert out == "2.13.0 2.13.0+rushlight\n"


def test_without_alias_nothing_changes():
    done = python("-c", "import rushlight, sys; assert 'torch' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_refuses_when_torch_is_loaded(tmp_path):
    (tmp_path / "torch.py").write_text("")
    code = "import sys; sys.path.insert(0, '.'); import torch, rushlight; rushlight.as_torch()"
    done = python("-c", code, cwd=tmp_path)
    assert "RuntimeError: rushlight.as_torch(): torch is already imported" in done.stderr


def test_as_torch_twice():
    code = (
        "import rushlight; a = rushlight.as_torch(); import torch; assert a is rushlight is torch"
    )
    done = python("-c", code + "; assert rushlight.as_torch() is torch")
    assert done.returncode == 0, done.stderr


def test_missing_names():
    out = check(
        "import torch, torch.fx\n"
        "class Mine(torch.fx.Interpreter): pass\n"
        "def show(f):\n"
        "    try: f()\n"
        "    except Exception as e: print(type(e).__name__, str(e).split('rushlight')[0])\n"
        "show(lambda: Mine(1))\n"
        "show(lambda: torch.fx.symbolic_trace(1))\n"
        "show(lambda: torch.nosuch)\n"
        "show(lambda: torch.fx.nosuch)\n"
        "show(lambda: __import__('torch.nosuch'))\n"
        "assert not hasattr(torch, 'nosuch') and hasattr(torch.fx, 'GraphModule')\n"
        "assert not isinstance(1, torch.fx.GraphModule)\n"
    )
    assert out.splitlines() == [
        "NotImplementedError torch.fx.Interpreter is not in ",
        "NotImplementedError torch.fx.symbolic_trace is not in ",
        "AttributeError module 'torch' has no attribute 'nosuch'",
        "AttributeError module 'torch.fx' has no attribute 'nosuch'",
        "ModuleNotFoundError No module named 'torch.nosuch'",
    ]


def test_manifest_is_read_lazily_and_covers_torch():
    import importlib

    import torch

    from rushlight import _missing

    for name in ("torch", "torch.nn", "torch.nn.functional", "torch.linalg", "torch.utils.data"):
        listed = _missing._names(name)
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            if type(getattr(module, public)).__name__ != "module":
                assert public in listed, (name, public)
    assert all(n in _missing._names("torch.Tensor") for n in dir(torch.Tensor) if n[0] != "_")
    check("import torch; from torch import _missing; assert _missing._manifest is None")


def test_absent_devices():
    out = check(
        "import torch\n"
        "print(torch.mps.is_available(), torch.xpu.is_available(), torch.backends.mps.is_built())\n"
        "print(torch.distributed.is_available(), torch.distributed.is_initialized())\n"
        "print(torch.jit.script(len) is len, torch.compiler.is_compiling())\n"
        "torch.cuda.manual_seed_all(1); torch.cuda.empty_cache()\n"
        "if not torch.cuda.is_available():\n"
        "    assert torch.cuda.device_count() == 0 and torch.version.cuda is None\n"
        "    for f in (torch.cuda.current_device, torch.cuda.synchronize, torch.cuda.init):\n"
        "        try: f()\n"
        "        except AssertionError as e: assert str(e).startswith('Torch not compiled with')\n"
        "        else: assert False\n"
    )
    assert out == "False False False\nFalse False\nTrue False\n"


PROGRAMS = {
    "argv": "import sys; print(sys.argv, sys.path[0], __name__, __file__, __spec__, __doc__)",
    "exit": "import sys; sys.exit(3)",
    "exit text": "raise SystemExit('bye')",
    "error": "def f():\n    1 / 0\nf()\n",
    "syntax": "x = = 1\n",
    "chained": "try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('x') from e\n",
    "main module": "import sys; print(sys.modules['__main__'].__dict__ is globals())",
    "atexit": "import atexit; atexit.register(print, 'end'); print('start')",
    "pickle": "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)",
    "future": "from __future__ import annotations\ndef f(x: no): pass\nprint(f.__annotations__)",
    "names": "print(sorted(n for n in globals() if n != '__builtins__'))",
    "interrupt": "raise KeyboardInterrupt",
}


def outcome(done):
    # A process that an interrupt ends reports the signal; the shell's status for it is 130.
    status = 130 if done.returncode == -2 else done.returncode
    return status, done.stdout, done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_run_is_python(tmp_path, name):
    folder = tmp_path / "sub"
    folder.mkdir()
    (folder / "prog.py").write_text(PROGRAMS[name])
    args = (os.path.join("sub", "prog.py"), "-x", "--flag", "a b")
    assert outcome(run(*args, cwd=tmp_path)) == outcome(python(*args, cwd=tmp_path))


def test_run_other_forms(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    show = f"import sys; print(sys.argv[1:], __name__, sys.path[0] in ('', {str(tmp_path)!r}))"
    (tmp_path / "pack" / "mod.py").write_text(show + "; print(__package__, __spec__.name)")
    (tmp_path / "pack" / "__main__.py").write_text(show)
    for args, text in (
        (["-c", show, "1"], None),
        (["-m", "pack.mod", "1"], None),
        (["-m", "pack", "1"], None),
        (["pack", "1"], None),
        (["-", "1"], show),
        (["-m", "nosuch"], None),
        (["nosuch.py"], None),
    ):
        ours = run(*args, cwd=tmp_path, input=text)
        plain = python(*args, cwd=tmp_path, input=text)
        assert ours.returncode == plain.returncode, (args, ours.stderr)
        assert ours.stdout == plain.stdout, args
        assert ours.stderr.split("\n")[-2:] == plain.stderr.split("\n")[-2:], args


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_child_processes_inherit(tmp_path, method):
    (tmp_path / "prog.py").write_text(
        "import multiprocessing, torch\n"
        "def work(x):\n"
        "    import rushlight\n"
        "    return x + 1 if torch is rushlight else 0\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context({method!r}).Pool(1) as pool:\n"
        "        print(pool.map(work, [1, 2]))\n"
    )
    done = run("prog.py", cwd=tmp_path)
    assert done.stdout == "[2, 3]\n", done.stderr


def test_other_commands():
    assert python("-m", "rushlight", "--version").stdout.startswith("rushlight 0.")
    info = python("-m", "rushlight", "info")
    assert info.returncode == 0 and "GPU driver" in info.stdout, info.stderr
    assert python("-m", "rushlight", "--help").returncode == 0
    for args in ((), ("nosuch",), ("run",), ("run", "--nosuch"), ("run", "-c")):
        done = python("-m", "rushlight", *args)
        assert done.returncode == 2 and done.stderr, args
