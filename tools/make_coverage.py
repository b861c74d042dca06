"""Writes docs/coverage.md: which of PyTorch's public names rushlight has, module by module.

    python tools/make_coverage.py            write it
    python tools/make_coverage.py --check    exit 1 if it is stale

PyTorch's names are those of rushlight/_manifest.txt. A name counts as there if it is more than a
stub; how well it behaves is the tests' matter, not this file's.
"""

import importlib
import pathlib
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "coverage.md"
# Modules whose missing names are listed one by one.
LISTED = (
    "torch torch.Tensor torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.optim "
    "torch.optim.lr_scheduler torch.autograd torch.utils.data torch.linalg torch.fft torch.special "
    "torch.func torch.random torch.amp torch.cuda torch.distributions"
).split()
HEAD = """\
# What is there, and what is not

<!-- Written by tools/make_coverage.py: do not edit. -->

rushlight follows PyTorch {torch}. A name of PyTorch's that rushlight lacks can be imported, and
raises `NotImplementedError` with its own name when it is called. A name that PyTorch lacks raises
`AttributeError`, so `hasattr` tells. The table counts public names: functions, classes and
constants. "There" means more than such a stub. Names that no PyTorch program for one CPU needs are
counted as well, which is why some modules stand low.

Left out on purpose in this version:

- **GPUs.** Everything runs on the CPU. The CUDA text of every pointwise operation is generated and
  compiled in the tests, but nothing launches it; `torch.cuda.is_available()` is False.
- **Distributed training.** `torch.distributed` imports and says that it is not available.
- **TorchScript, `torch.fx`, `torch.export`.** `torch.jit.script` and its like return what they are
  given; there is no compiler behind them, and no `.ts` file is read.
- **`torch.compile`** returns the function as it is: right results, no speed-up.
- **Sparse, quantised, nested and named tensors**, and compiled C++ extensions of PyTorch.

"""


def manifest():
    """{module: [names]} of PyTorch's public names."""
    modules = {}
    for line in (ROOT / "rushlight" / "_manifest.txt").read_text().splitlines():
        if not line.startswith("#"):
            module, _, names = line.partition(":")
            modules[module] = [word.lstrip("@!#").partition("=")[0] for word in names.split()]
    return modules


def is_stub(value):
    """Is this what stands in for a name that rushlight lacks?"""
    from rushlight._missing import _Constant

    document = str(getattr(value, "__doc__", "") or "")
    return isinstance(value, _Constant) or document.startswith(("A name of PyT", "A module of PyT"))


def missing_names(module, names):
    """The names of a module that rushlight has only as stubs."""
    import rushlight
    from rushlight._missing import _ANSWERS, install
    from rushlight.functional import _METHODS

    install()  # stub modules can be imported
    if module == "torch.Tensor":
        there = {*dir(rushlight.Tensor), *_METHODS}
        return [name for name in names if name not in there]
    try:
        found = importlib.import_module(module.replace("torch", "rushlight", 1))
    except ImportError:
        return names
    if is_stub(found):  # with a few true answers, at most
        return [name for name in names if name not in _ANSWERS.get(module, ())]
    return [name for name in names if is_stub(getattr(found, name, None))]


def text():
    """The whole document."""
    import rushlight

    modules = {
        module: names
        for module, names in manifest().items()
        if names and not any(part.startswith("_") for part in module.split("."))
    }
    missing = {module: missing_names(module, names) for module, names in modules.items()}
    rows, absent = [], []
    for module, names in sorted(modules.items()):
        there = len(names) - len(missing[module])
        if there:
            rows.append(f"| `{module}` | {there} | {len(names)} |")
        else:
            absent.append(module)
    lines = [HEAD.format(torch=rushlight.version.torch)]
    lines += ["| module | there | PyTorch has |", "|---|---:|---:|", *rows, ""]
    tops = sorted({f"`{top(module, modules.keys() - absent)}`" for module in absent})
    lines += ["Modules of which there are only stubs, with all below them:", ""]
    lines += [wrap(", ".join(tops)) + ".", ""]
    for module in LISTED:
        if missing.get(module) and module not in absent:
            lines += [f"## Not in `{module}`", "", wrap(", ".join(sorted(missing[module]))), ""]
    return "\n".join(lines)


def top(module, there):
    """The highest module at or above `module` below which nothing is there."""
    parts = module.split(".")
    for depth in range(2, len(parts) + 1):
        name = ".".join(parts[:depth])
        if not any(other == name or other.startswith(f"{name}.") for other in there):
            return name
    return module


def wrap(words):
    return textwrap.fill(words, 100, break_long_words=False, break_on_hyphens=False)


def main():
    check, fresh = "--check" in sys.argv[1:], text()
    if TARGET.exists() and TARGET.read_text() == fresh:
        return 0
    print(f"docs/coverage.md: {'stale: run python tools/make_coverage.py' if check else 'written'}")
    if not check:
        TARGET.write_text(fresh)
    return int(check)


if __name__ == "__main__":
    sys.exit(main())
