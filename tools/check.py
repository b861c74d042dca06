"""The project's own rules, checked: prints every finding and exits with 1 if there is one.

    python tools/check.py

Needs rushlight and what its tests need installed (the registry is asked for its operations).
Formatting, lint and types are not checked here; other tools do.
"""

import ast
import os
import pathlib
import re
import subprocess
import sys

import make_coverage
import make_stubs

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_LINES = 600
CORE_LINES = 33_000  # lines that are neither blank nor comment; docs/design.md says why
HELP = "core/python/help.h"  # text that help() shows, and no code: not counted

# Folders of the core, lowest first: a file includes only from its own level or below.
LEVELS = {"base": 0, "tensor": 1, "expr": 2, "op": 3, "autograd": 3, "ops": 4, "compile": 4}
LEVELS["python"] = 5
# The device folders stand beside the levels. Their headers may be included from any level; they
# themselves see data structures and formulas, not operations.
DEVICES = {"cpu": 2, "cuda": 2}
# The list of operation families is no code: it is read where tables are put together.
LISTS = {"ops/families.h"}

# Nothing below may appear outside of the folder named.
FOREIGN = (
    (re.compile(r"(Python\.h|nanobind/)"), "core/python/", "Python below core/python"),
    (re.compile(r"(cuda(_runtime)?(_api)?\.h|cublas|cudnn|nvrtc|nccl)"), None, "a CUDA header"),
)
# Paths of somebody's machine. Split so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.~*/-])/(?:work|root|home|tmp)" + "/[a-z]")
PATHS_ALLOWED = ("tests/",)
# A definition of an operation, a literal that is no template argument, and how many names of
# operations in one statement are a list.
DEFINITION = re.compile(r"\br\s*\.\s*(op|unary|binary|ternary)\(")
LITERAL = re.compile(r'(?<!<)"((?:[^"\\]|\\.)*)"')
LISTED = 7
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
BINARY = {".gz", ".png", ".pt", ".zip", ".npy", ".npz"}


def project_files():
    """The project's files: what git tracks or would add, or everything but build output."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return sorted(name for name in names.splitlines() if (ROOT / name).is_file())
    skip = {"build", "dist", "__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache"}
    names = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in skip and not f.endswith(".egg-info")]
        names += [os.path.relpath(os.path.join(folder, file), ROOT) for file in files]
    return sorted(name for name in names if not name.endswith(".so"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def is_core(name):
    return name.startswith("core/") and name.endswith((".h", ".cpp"))


# --- includes ------------------------------------------------------------------------------------


def check_includes(files):
    for name in filter(is_core, files):
        for number, line in enumerate(read(name).splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            why = wrong_include(name.removeprefix("core/"), found[1])
            if why:
                yield f"{name}:{number}: {why}"


def wrong_include(file, target):
    """Why core/`file` may not include `target`, or None."""
    for pattern, home, what in FOREIGN:
        if pattern.match(target) and not (home and f"core/{file}".startswith(home)):
            return f"{what}: {target}"
    source, folder = file.split("/")[0], target.split("/")[0]
    if folder not in LEVELS and folder not in DEVICES or target in LISTS:
        return None
    if folder in DEVICES:
        return None if target.endswith(".h") else f"{target} is not a header"
    if LEVELS[folder] > {**LEVELS, **DEVICES}.get(source, 0):
        return f"{source}/ must not include {target}: {folder}/ stands above it"
    return None


# --- sizes ---------------------------------------------------------------------------------------


def check_sizes(files):
    kinds = (".cpp", ".h", ".py", ".sh")
    places = ("core/", "rushlight/", "tests/", "tools/", "benchmarks/", "examples/")
    for name in files:
        if name.startswith(places) and name.endswith(kinds):
            lines = read(name).count("\n")
            if lines > FILE_LINES:
                yield f"{name}: {lines} lines; a file has at most {FILE_LINES}"
    total = sum(code_lines(read(name)) for name in filter(is_core, files) if name != HELP)
    if total > CORE_LINES:
        yield f"core/: {total:,} lines of code; the budget is {CORE_LINES:,}"


def code_lines(text):
    stripped = (line.strip() for line in text.splitlines())
    return sum(1 for line in stripped if line and not line.startswith("//"))


# --- operations ----------------------------------------------------------------------------------


def check_operations(_files):
    import rushlight._C as core

    ops = core._operations()
    import rushlight._docs as docs

    for op in ops:
        if not op["doc"].strip():
            yield f"operation {op['name']}: no docstring"
        if is_public(op) and ">>>" not in docs.document(op["name"]):
            yield f"operation {op['name']}: no example; rushlight/_docs has them"
    sys.path.insert(0, str(ROOT / "tests"))
    import ops as table  # needs what the tests need

    for op in ops:
        if op["name"] not in table.HIDDEN and table.covered_by(op["name"]) is None:
            yield f"operation {op['name']}: no row in tests/ops.py"


def is_public(op):
    """Whether a program can name it: `torch._C._nn` alone is for torch.nn.functional's own use."""
    import rushlight.nn.functional as functional

    found = getattr(functional, op["name"], None) if op["nn"] else None
    in_functional = type(found).__name__ == "builtin_function"
    everywhere = op["function"] or op["method"] or op["special"] or op["linalg"]
    return not op["name"].startswith("_") and (everywhere or in_functional)


def check_one_place(files):
    """An operation stands where it is defined: no other statement of the core lists operations."""
    import rushlight._C as core

    ops = core._operations()
    names = {name for op in ops for name in (op["name"], *op["aliases"])}
    names |= {f"{name}_" for name in names}
    for file in filter(is_core, files):
        text = re.sub(r"//[^\n]*", "", read(file))
        for statement in re.split(r"[;{}]", text):
            if DEFINITION.search(statement):
                continue
            words = [set(literal.split()) for literal in LITERAL.findall(statement)]
            listed = set().union(*(w for w in words if w <= names))
            if len(listed) >= LISTED:
                shown = ", ".join(sorted(listed)[:4])
                yield f"{file}: lists operations ({shown}, ...): a property of each is wanted"


def check_cuda(_files):
    """The CUDA text of every formula compiles, in every dtype (tests/test_cuda_text.py says more)."""
    import test_cuda_text as text

    compiler = text.Nvrtc()
    for dtype in text.DTYPES:
        log, _ = compiler.compile(text.program(dtype), "compute_80", b"--Ofast-compile=max")
        if log:
            yield f"CUDA text in {dtype}: {log.splitlines()[0]}"


def named_in(text):
    """The words in the strings of a Python file, docstrings aside: operations that rows name."""
    words, prose = set(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose.add(node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            words.update(re.findall(r"\w+", node.value))
    return words


def check_stubs(files):
    for path in make_stubs.write_stubs(check=True):
        yield f"{path}: stale; run python tools/make_stubs.py"
    if make_coverage.text() != read("docs/coverage.md"):
        yield "docs/coverage.md: stale; run python tools/make_coverage.py"
    if "rushlight/py.typed" not in files:
        yield "rushlight/py.typed: missing"


# --- text ----------------------------------------------------------------------------------------


def check_text(files):
    for name in files:
        if pathlib.Path(name).suffix in BINARY:
            continue
        text = read(name)
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                yield f"{name}:{number}: trailing whitespace"
            if not name.startswith(PATHS_ALLOWED) and (found := MACHINE_PATH.search(line)):
                yield f"{name}:{number}: a machine's path: {found[0]}..."


def check_pins(files):
    """The hooks of .pre-commit-config.yaml and tools/requirements-lint.txt name equal versions."""
    pins = set(re.findall(r"^[\w\[\]-]+==[\w.]+", read("tools/requirements-lint.txt"), re.M))
    for pin in re.findall(r"[\w\[\]-]+==[\w.]+", read(".pre-commit-config.yaml")):
        if pin not in pins:
            yield f".pre-commit-config.yaml: {pin} is not in tools/requirements-lint.txt"


def main():
    files = project_files()
    checks = (
        check_includes, check_sizes, check_operations, check_one_place, check_cuda, check_stubs,
        check_text, check_pins,
    )  # fmt: skip
    findings = [finding for check in checks for finding in check(files)]
    for finding in findings:
        print(finding)
    print(f"check: {len(findings)} findings in {len(files)} files")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
