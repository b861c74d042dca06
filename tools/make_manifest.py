"""Writes rushlight/_manifest.txt: every public name of PyTorch, by module; and the names of its
methods to rushlight/_tensor_names.py. Needs torch installed.

    python tools/make_manifest.py

One line a module, `module: name name ...`. A name is bare if it is a function; `@` marks a class,
`!` an exception class, `#` a constant, with `=literal` when its value is a short literal.
"""

import importlib
import pathlib
import pkgutil
import sys
import textwrap
import types
import warnings

PRIVATE = {
    "torch._C",
    "torch._custom_ops",
    "torch._dynamo",
    "torch._higher_order_ops",
    "torch._inductor",
    "torch._inductor.config",
    "torch._jit_internal",
    "torch._subclasses",
    "torch._tensor",
    "torch._utils",
    "torch.nn._reduction",
    "torch.utils._pytree",
}
SKIP = (
    "torch.testing._",
    "torch.ao.ns",
    "torch.ao.pruning",
    "torch.contrib",
    "torch.distributed.checkpoint.",
    "torch.distributed.debug",
    "torch.distributed.elastic.",
    "torch.distributed.flight_recorder",
    "torch.export.pt2_archive",
    "torch.fx.experimental.migrate",
    "torch.utils.benchmark.examples",
    "torch.utils.bundled",
    "torch.utils.hipify",
)


def wanted(name):
    if name in PRIVATE or name.startswith("torch._dynamo.config"):
        return True
    return not any(part.startswith("_") for part in name.split(".")) and not name.startswith(SKIP)


def modules(package):
    """The module and everything public below it that can be imported here."""
    yield package
    for info in pkgutil.iter_modules(getattr(package, "__path__", [])):
        name = f"{package.__name__}.{info.name}"
        if not wanted(name) or info.name == "__main__":
            continue
        try:
            module = importlib.import_module(name)
        except BaseException:  # an optional dependency is missing
            yield types.ModuleType(name)
            continue
        yield from modules(module)


def is_public(module, name, value):
    """A name of the module's own: not an import from the standard library or typing."""
    if isinstance(value, types.ModuleType):
        return False
    if name in getattr(module, "__all__", ()):
        return True
    if name.startswith("_"):
        return False
    owner = getattr(value, "__module__", None)
    if owner is None or not callable(value):
        return module.__name__ == "torch" or isinstance(value, (int, float, str)) and name.isupper()
    return owner.split(".")[0] == "torch" and (
        owner.startswith(module.__name__) or module.__name__ in ("torch", "torch.distributed")
    )


def spell(name, value):
    if isinstance(value, type):
        return ("!" if issubclass(value, BaseException) else "@") + name
    if callable(value):
        return name
    text = repr(value) if isinstance(value, (bool, int, float, str)) else ""
    literal = text and not set(text) & set(" \n") and len(text) < 40 and "inf" not in text
    return f"#{name}={text}" if literal and text != "nan" else f"#{name}"


def names(module):
    """The module's public names, spelt as in the file."""
    found = {}
    for name in dir(module):
        try:
            value = getattr(module, name)
        except Exception:
            continue
        if is_public(module, name, value):
            found[name] = spell(name, value)
    return [found[name] for name in sorted(found)]


def write_methods(torch, target):
    """The methods alone, in a module of their own: they are read at every import."""
    found = [n for n in dir(torch.Tensor) if callable(getattr(torch.Tensor, n, None))]
    # Reflected operators are looked up like methods; other double underscores are Python's.
    found = [n for n in found if n[:2] != "__" or n[:3] == "__r" and n[3:5] not in ("ed", "ep")]
    text = textwrap.fill(" ".join(found), 98, break_long_words=False, break_on_hyphens=False)
    target.write_text(
        f'"""The methods of torch {torch.__version__.split("+")[0]}\'s Tensor, from tools/make_manifest.py."""\n\n'
        f'NAMES = """\n{text}\n"""\n'
    )


def main():
    import torch

    warnings.simplefilter("ignore")
    lines = {}
    for module in modules(torch):
        lines[module.__name__] = names(module)
    for name in PRIVATE - set(lines):
        lines[name] = names(importlib.import_module(name))
    tensor = [n for n in dir(torch.Tensor) if not n.startswith("__")]
    lines["torch.Tensor"] = [
        n if callable(getattr(torch.Tensor, n, None)) else f"#{n}" for n in tensor
    ]
    target = pathlib.Path(__file__).parent.parent / "rushlight" / "_manifest.txt"
    text = [f"# Public names of torch {torch.__version__}, from tools/make_manifest.py"]
    text += [f"{module}: {' '.join(lines[module])}".rstrip() for module in sorted(lines)]
    target.write_text("\n".join(text) + "\n")
    write_methods(torch, target.with_name("_tensor_names.py"))
    print(f"{len(lines)} modules, {sum(map(len, lines.values()))} names", file=sys.stderr)


if __name__ == "__main__":
    main()
