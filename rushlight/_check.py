"""`rushlight check PATH`: which of PyTorch's names a program uses, and whether they are here.

Reads sources and notebooks as syntax trees; runs nothing of them.
"""

import ast
import os

# Names that are there and do less than PyTorch's.
_PARTLY = {
    "torch.compile": "returns what it is given: same results, no speed-up",
    "torch.jit.script": "returns what it is given: there is no TorchScript",
    "torch.jit.trace": "returns what it is given: there is no TorchScript",
    "torch.hub.load": "from folders on this machine: no code is downloaded",
    "torch.nn.DataParallel": "runs the module on one device",
}


def _files(path):
    if os.path.isfile(path):
        return [path]
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__pycache__")
        found += [os.path.join(folder, f) for f in sorted(files) if f.endswith((".py", ".ipynb"))]
    return found


def _source(file):
    """The text of a program, or of a notebook's code with its lines of IPython's made comments."""
    if not file.endswith(".ipynb"):
        with open(file, "rb") as f:
            return f.read()
    import json

    with open(file, encoding="utf-8") as f:
        cells = json.load(f)["cells"]
    lines = []
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and not text.startswith("%%"):
            lines += text.splitlines()
    return "\n".join(_without_magic(line) for line in lines)


def _without_magic(line):
    code = line.lstrip()
    return f"{line[: len(line) - len(code)]}pass  # {code}" if code[:1] in ("%", "!", "?") else line


class _Names(ast.NodeVisitor):
    """Collects dotted names that begin with torch, through `import ... as` and `from ...`."""

    def __init__(self):
        self.known, self.used = {}, {}

    def _note(self, name, line):
        self.used.setdefault(name, line)

    def visit_Import(self, node):
        for item in node.names:
            if item.name.split(".")[0] == "torch":
                self._note(item.name, node.lineno)
                self.known[item.asname or "torch"] = item.name if item.asname else "torch"

    def visit_ImportFrom(self, node):
        if node.level == 0 and (node.module or "").split(".")[0] == "torch":
            for item in node.names:
                full = f"{node.module}.{item.name}" if item.name != "*" else node.module
                self._note(full, node.lineno)
                self.known[item.asname or item.name] = full

    def visit_Attribute(self, node):
        parts, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in self.known:
            self._note(".".join([self.known[inner.id], *parts[::-1]]), node.lineno)
        else:
            self.generic_visit(node)


def state_of(name):
    """'there', 'absent' (PyTorch has it, rushlight does not) or 'unknown' (neither has it)."""
    import importlib

    import rushlight

    from ._missing import _Constant, install, missing

    install()
    value, path = rushlight, "rushlight"
    for part in name.split(".")[1:]:
        path += "." + part
        try:
            value = getattr(value, part)
        except AttributeError:
            try:
                value = importlib.import_module(path)
            except ImportError:
                try:
                    value = missing(path.rpartition(".")[0], part)
                except AttributeError:
                    return "unknown"
        doc = getattr(value, "__doc__", None) or ""
        if isinstance(value, _Constant) or doc.startswith(("A name of PyTorch's", "A module of P")):
            # Stub modules may hold real answers: go on to the last part.
            if path.count(".") == name.count(".") or not doc.startswith("A module"):
                return "absent"
    return "there"


def check(path):
    """({name: (state, 'file:line')}, [unreadable files]) of every torch name used under `path`.

    Raises FileNotFoundError for a path that does not exist.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path} does not exist")
    found, broken = {}, []
    for file in _files(path):
        try:
            tree = ast.parse(_source(file), file)
        except (SyntaxError, ValueError, LookupError, TypeError, OSError) as error:
            broken.append(f"{file}: {error}")
            continue
        names = _Names()
        names.visit(tree)
        for name, line in names.used.items():
            if name not in found:
                found[name] = (state_of(name), f"{file}:{line}")
    return found, broken


def report(path):
    """The report as text, and whether everything is there."""
    from ._missing import instead

    found, broken = check(path)
    groups = {"absent": [], "partly": [], "unknown": [], "there": []}
    for name, (state, where) in sorted(found.items()):
        note = instead(name) if state == "absent" else _PARTLY.get(name)
        if state == "there" and note:
            state = "partly"
        groups[state].append(f"  {name}  {where}" + (f"  ({note})" if note else ""))
    lines = []
    titles = {
        "absent": "in PyTorch, not in rushlight (importing works, calling raises)",
        "partly": "there in part",
        "unknown": "in neither (a typo, or an attribute of a value)",
    }
    for state, title in titles.items():
        if groups[state]:
            lines += [f"{title}:", *groups[state]]
    lines += [f"cannot be read: {text}" for text in broken]
    there = len(groups["there"]) + len(groups["partly"])
    if not _files(path):
        lines.append(f"{path} holds no .py or .ipynb file.")
    elif not found:
        lines.append(f"{path} names nothing of torch.")
    else:
        lines.append(f"{there} of {len(found)} torch names that {path} uses are there.")
    return "\n".join(lines), not groups["absent"] and not broken
