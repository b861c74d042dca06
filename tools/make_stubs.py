"""Writes the type stubs: rushlight/_C.pyi and rushlight/__init__.pyi from the registry's schemas,
and an __init__.pyi for every package that loads its parts on demand (nn, optim, ...).

    python tools/make_stubs.py            write them
    python tools/make_stubs.py --check    exit 1 if they are stale

No operation is named here but those whose result is not one tensor. A schema gives names and
defaults; the types of parameters follow from those (see TYPES), widely where a name has two uses.
"""

import ast
import importlib
import inspect
import keyword
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rushlight"

# What a parameter of this name takes. A formula's other operands are tensors or numbers.
OPERAND = "Tensor | _Number"
TYPES = {
    "Tensor": "input other src source batch1 batch2 mat mat1 mat2 vec vec1 vec2 mask target tensor "
    "tensor1 tensor2 input1 input2 weight bias running_mean running_var x x1 x2 y weights imag "
    "boundaries angle real abs sorted_sequence sorter append prepend elements test_elements",
    OPERAND: "exponent value fill_value min max end repeats mean std threshold",
    "Tensor | _int": "index",
    "Tensor | _Ints | _int": "indices_or_sections indices",
    "Tensor | None": "values",
    "_Number": "alpha beta start low high p ord base eps dx s correction momentum lambd median "
    "sigma from to scale input_scale negative_slope min_val max_val",
    "_int": "n m k r diagonal offset dim0 dim1 dim2 dimension steps chunks length decimals "
    "num_classes num_samples num_groups upscale_factor downscale_factor row col start_dim end_dim "
    "step storage_offset bins minlength output_size",
    "_int | _Ints": "dim dims shifts split_size split_sizes destination padding",
    "_Ints": "size sizes stride shape normalized_shape pad",
    "_bool": "keepdim unbiased non_blocking copy training train use_input_stats",
    "_dtype": "dtype type1 type2 from_",
    "_Device": "device",
    "Sequence[Tensor]": "tensors matrices operands",
    "str": "equation reduce side indexing mode approximate rounding_mode",
    "Generator": "generator",
    "Any": "memory_format layout",
}
TYPE_OF = {name: kind for kind, names in TYPES.items() for name in names.split()}
FACTORY = (
    "dtype: _dtype | None = ...",
    "layout: Any = ...",
    "device: _Device | None = ...",
    "pin_memory: _bool = ...",
    "requires_grad: _bool = ...",
)

# Results that are not one tensor.
MANY = "tuple[Tensor, ...]"
RETURNS = {
    **dict.fromkeys("split split_with_sizes chunk tensor_split unbind".split(), MANY),
    **dict.fromkeys("std_mean var_mean".split(), "tuple[Tensor, Tensor]"),
    **dict.fromkeys("equal can_cast".split(), "_bool"),
    **dict.fromkeys("result_type promote_types".split(), "_dtype"),
    "item": "Any",
    "where(condition)": MANY,
}

# Tensor's attributes and the methods that are no operations; what is not named here is Any.
ATTRIBUTES = {
    "shape": "Size",
    "dtype": "_dtype",
    "device": "_device",
    "grad": "Tensor | None",
    "data": "Tensor",
    "requires_grad": "_bool",
    "grad_fn": "Any",
    **dict.fromkeys("T H mT mH".split(), "Tensor"),
    **dict.fromkeys("ndim itemsize nbytes output_nr _version".split(), "_int"),
}
WRITABLE = {"grad", "data", "requires_grad"}
METHODS = {
    "size": ["(self) -> Size", "(self, dim: _int) -> _int"],
    "stride": ["(self) -> tuple[_int, ...]", "(self, dim: _int) -> _int"],
    **dict.fromkeys(
        "dim ndimension numel nelement element_size data_ptr storage_offset get_device "
        "__len__ __int__ __index__ __hash__".split(),
        ["(self) -> _int"],
    ),
    **dict.fromkeys(
        "is_complex is_floating_point is_signed is_inference __bool__".split(), ["(self) -> _bool"]
    ),
    **dict.fromkeys("__neg__ __pos__ __abs__ __invert__".split(), ["(self) -> Tensor"]),
    **dict.fromkeys("__repr__ __str__".split(), ["(self) -> str"]),
    "is_contiguous": ["(self, memory_format: Any = ...) -> _bool"],
    "is_same_size": ["(self, other: Tensor) -> _bool"],
    "allclose": [
        "(self, other: Tensor, rtol: _float = ..., atol: _float = ..., equal_nan: _bool = ...) "
        "-> _bool"
    ],
    "__contains__": ["(self, element: Any) -> _bool"],
    "__float__": ["(self) -> _float"],
    "__iter__": ["(self) -> Iterator[Tensor]"],
    "__getitem__": ["(self, index: Any) -> Tensor"],
    "__setitem__": ["(self, index: Any, value: Tensor | _Number) -> None"],
    "backward": [
        "(self, gradient: Tensor | None = ..., retain_graph: _bool | None = ..., "
        "create_graph: _bool = ..., inputs: Any = ...) -> None"
    ],
    "requires_grad_": ["(self, requires_grad: _bool = ...) -> Tensor"],
    "retain_grad": ["(self) -> None"],
    "new_tensor": [
        "(self, data: Any, *, dtype: _dtype | None = ..., device: _Device | None = ..., "
        "requires_grad: _bool = ...) -> Tensor"
    ],
    "tolist": ["(self) -> Any"],
    "numpy": ["(self, *, force: _bool = ...) -> Any"],
}
BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
COMPARE = "lt le gt ge eq ne".split()
# Python functions whose result cannot be inferred from their bodies.
PYTHON_RETURNS = {"_tensor_from": "Tensor", "_legacy_tensor": "Tensor", "from_numpy": "Tensor"}
PYTHON_RETURNS |= {"frombuffer": "Tensor", "_from_dlpack": "Tensor", "_storage_of": "Any"}
PYTHON_RETURNS |= {"get_default_dtype": "_dtype", "get_default_device": "_device"}

HEADER = '''\
"""Generated by tools/make_stubs.py: do not edit."""
# ruff: noqa
# fmt: off

'''
C_HEAD = """\
import builtins
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias, overload

_int: TypeAlias = builtins.int
_float: TypeAlias = builtins.float
_bool: TypeAlias = builtins.bool
_Number: TypeAlias = builtins.complex
_Ints: TypeAlias = Sequence[builtins.int]

class dtype:
    is_floating_point: _bool
    is_complex: _bool
    is_signed: _bool
    itemsize: _int
    def __getattr__(self, name: str) -> Any: ...

class device:
    type: str
    index: _int | None
    def __init__(self, type: str | _int | device, index: _int = ...) -> None: ...
    def __enter__(self) -> device: ...
    def __exit__(self, *args: Any) -> None: ...

class Size(tuple[builtins.int, ...]):
    def numel(self) -> _int: ...

_dtype: TypeAlias = dtype
_device: TypeAlias = device
_Device: TypeAlias = device | str | builtins.int

class Generator:
    def __init__(self, device: _Device = ...) -> None: ...
    def manual_seed(self, seed: _int) -> Generator: ...
    def seed(self) -> _int: ...
    def initial_seed(self) -> _int: ...
    def get_state(self) -> Tensor: ...
    def set_state(self, new_state: Tensor) -> Generator: ...
    def __getattr__(self, name: str) -> Any: ...

"""
INIT_HEAD = """\
_F = TypeVar("_F")
_dtype: TypeAlias = dtype
_device: TypeAlias = device
newaxis: None

class _Mode:
    def __init__(self, mode: Any = ...) -> None: ...
    def __call__(self, function: _F) -> _F: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: Any) -> None: ...
"""


def split_parameters(text):
    """The parts of a parameter list, at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text + ","):
        if char == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
        depth += (char in "([") - (char in ")]")
    return [part for part in parts if part]


def parse(schema):
    """(name, parameters, fields) of "name(a, b=1) -> (x, y)"."""
    head, _, fields = schema.partition("->")
    name, _, rest = head.strip().partition("(")
    return name, split_parameters(rest[:-1]), split_parameters(fields.strip().strip("()"))


def annotation(name, default, formula, wide):
    """The type of a parameter, from its name and default."""
    if default in ("True", "False"):
        return "_bool"
    if default is None and formula:
        return OPERAND
    kind = TYPE_OF.get(name)
    if kind is None and default is not None:
        kind = "str" if default.startswith("'") else "_Number"
        if default in ("None", "()", "[]") or default[0] in "[(":
            kind = "Any"
    kind = kind or "Any"
    if wide and kind == "_Ints":  # one int is a list of one
        kind = "_int | _Ints"
    return f"{kind} | None" if default == "None" and kind != "Any" else kind


def parameters(parts, formula, method):
    """The parameter list of a stub."""
    shown, star, ended = (["self"] if method else []), False, False
    for part in parts[1:] if method else parts:
        if part == "*":
            star = True
            shown.append("*")
        elif part == "**factory":
            shown += [] if star else ["*"]
            shown += FACTORY
            star = True
        elif part.startswith("*"):
            shown.append(f"{part}: _int | _Ints")
            star = True
        else:
            name, _, default = part.partition("=")
            first = not method and part is parts[0]
            kind = annotation(name, default or None, formula and not first, wide=True)
            name = f"{name}_" if keyword.iskeyword(name) else name
            ended = ended or bool(default)
            optional = " = ..." if default or ended and not star else ""
            shown.append(f"{name}: {kind}{optional}")
    return shown


def result_type(op, schema, name, fields):
    if fields:
        return f"_return_{name}"
    return RETURNS.get(schema, RETURNS.get(name, "Tensor"))


def signatures(op, method, in_place=False):
    """The "(...) -> T" of each overload of an operation; equal ones once."""
    texts, seen = [], set()
    for schema in op["schemas"]:
        name, parts, fields = parse(schema)
        returned = "Tensor" if in_place else result_type(op, schema, name, fields)
        shown = parameters(parts, op["formula"], method)
        takes_out = not method and not in_place and not name.endswith("_") and returned == "Tensor"
        if takes_out:
            star = any(text.startswith("*") for text in shown)
            shown += ([] if star else ["*"]) + ["out: Tensor | None = ..."]
        text = f"({', '.join(shown)}) -> {returned}"
        if (bare := text.replace(" = ...", "")) not in seen:
            texts.append(text)
        seen.add(bare)
    return texts


def definitions(name, texts, indent=""):
    """The lines of a function of these overloads."""
    ignore = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
    lines = []
    for text in texts:
        lines += [f"{indent}@overload"] if len(texts) > 1 else []
        lines.append(f"{indent}def {name}{text}: ...{ignore}")
    return lines


def forms(op):
    """(name, in place?) for an operation, its aliases and their in-place forms."""
    for name in (op["name"], *op["aliases"]):
        yield name, False
        if op["in_place"]:
            yield f"{name}_", True


def plain(name):
    return not name.startswith("_") and name.isidentifier() and not keyword.iskeyword(name)


def return_classes(ops):
    lines = []
    for op in ops:
        for schema in op["schemas"]:
            name, _, fields = parse(schema)
            if fields:
                lines += [f"class _return_{name}(NamedTuple):"]
                lines += [f"    {field}: Tensor" for field in fields] + [""]
    return lines


def dunder_signature(name):
    core = name.strip("_")
    if core in COMPARE or core in BINARY or core[:1] in "ri" and core[1:] in BINARY:
        return ["(self, other: Any) -> Tensor"]
    return None


def other_members(tensor, operations):
    """Tensor's members that are no operations."""
    from rushlight.functional import _METHODS

    lines = []
    for name in sorted({*dir(tensor), *_METHODS}):
        member = inspect.getattr_static(tensor, name, None)
        if name in operations or member is inspect.getattr_static(object, name, "none"):
            continue
        texts = METHODS.get(name) or (dunder_signature(name) if name.startswith("__") else None)
        if texts:
            lines += definitions(name, texts, "    ")
        elif name.startswith("_"):
            continue
        elif inspect.isdatadescriptor(member) or member is None and name not in _METHODS:
            kind = ATTRIBUTES.get(name, "_bool" if name.startswith(("is_", "retains")) else "Any")
            lines += ["    @property", f"    def {name}(self) -> {kind}: ..."]
            if name in WRITABLE:
                lines += [
                    f"    @{name}.setter",
                    f"    def {name}(self, value: {kind}) -> None: ...",
                ]
        else:
            returned = "Tensor" if name in _METHODS else "Any"
            lines.append(f"    def {name}(self, *args: Any, **kwargs: Any) -> {returned}: ...")
    return lines


def c_stub(core, ops):
    """The text of rushlight/_C.pyi."""
    lines = [HEADER + C_HEAD.rstrip(), ""]
    lines += return_classes(ops)
    lines += ["class Tensor:", "    def __init__(self, *args: Any, **kwargs: Any) -> None: ..."]
    operations = {name for op in ops if op["method"] for name, _ in forms(op)}
    lines += other_members(core.Tensor, operations)
    for op in ops:
        for name, in_place in forms(op):
            if op["method"] and plain(name):
                lines += definitions(name, signatures(op, True, in_place), "    ")
    lines.append("")
    for name in sorted(vars(core)):
        value = getattr(core, name)
        if name in ("Tensor", "dtype", "device", "Size", "Generator") or name.startswith("__"):
            continue
        if isinstance(value, core.dtype):
            lines.append(f"{name}: _dtype")
        elif isinstance(value, type):
            lines += [f"class {name}:", "    def __getattr__(self, name: str) -> Any: ..."]
        elif callable(value):
            returned = PYTHON_RETURNS.get(name, "Any")
            returned = "_bool" if name.startswith("is_") else returned
            lines.append(f"def {name}(*args: Any, **kwargs: Any) -> {returned}: ...")
        elif isinstance(value, core.Generator):
            lines.append(f"{name}: Generator")
        else:
            lines.append(f"{name}: Any")
    return "\n".join(lines) + "\n"


def reexports():
    """The `from .x import y as y` of what __init__.py imports, and of what it finds on demand."""
    import rushlight
    from rushlight import functional

    found = {}
    for node in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            found.update({alias.name: node.module for alias in node.names})
    found.update(rushlight._ELSEWHERE)
    found.update(dict.fromkeys(functional.__all__, "functional"))
    return found


def init_stub(core, ops):
    """The text of rushlight/__init__.pyi."""
    found = reexports()
    functions = {name for op in ops if op["function"] for name, _ in forms(op) if plain(name)}
    functions -= found.keys()
    head = [HEADER + "import builtins", "from collections.abc import Sequence"]
    head += ["from math import e as e, inf as inf, nan as nan, pi as pi"]
    head += ["from typing import Any, TypeAlias, TypeVar, overload", ""]
    head += [f"from . import {name} as {name}" for name in sorted(parts_of(PACKAGE) - found.keys())]
    modes = [name for name in sorted(found) if found[name] == "_grad_mode"]
    for name in sorted(found.keys() - modes):
        head.append(f"from .{found[name]} import {name} as {name}")
    private = "_Number _Ints _Device _int _float _bool".split()
    private += [line.split("(")[0][6:] for line in return_classes(ops) if line.startswith("class")]
    head += [f"from ._C import {name} as {name}" for name in private]
    head += ["", INIT_HEAD] + [f"class {name}(_Mode): ..." for name in modes]
    dtypes = [n for n in sorted(vars(core)) if isinstance(getattr(core, n), core.dtype)]
    lines = [f"{name}: _dtype" for name in dtypes if name not in found]
    for op in ops:
        for name, in_place in forms(op):
            if name in functions:
                lines += definitions(name, signatures(op, False, in_place))
    return "\n".join([*head, *lines]) + "\n"


def bound_names(path):
    """The names that a module's source binds at its top level."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def parts_of(folder):
    """The public modules of a package, by their files."""
    paths = (p for p in folder.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists())
    return {path.stem for path in paths if path.stem[0] != "_"}


def lazy_packages():
    """(dotted name, names) of each package below rushlight that binds some names on demand."""
    for path in sorted(PACKAGE.rglob("__init__.py")):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        bound = bound_names(path)
        if path.parent == PACKAGE or "__getattr__" not in bound:
            continue
        module = importlib.import_module(package)
        names = {name for name in dir(module) if name[0] != "_"} | {*getattr(module, "__all__", ())}
        if names - bound - parts_of(path.parent):
            yield package, names


def package_stub(package, names):
    """The text of the __init__.pyi of a package that loads its parts on demand."""
    module = importlib.import_module(package)
    parts = parts_of(ROOT.joinpath(*package.split(".")))
    imports, values = [], []
    for name in sorted(names | parts):
        value = None if name in parts else getattr(module, name)
        home = str(getattr(value, "__module__", "")).replace("torch", "rushlight", 1)
        if home == "rushlight._grad_mode":
            home = "rushlight"  # whose stub types them
        if name in parts:
            imports.append(f"from . import {name} as {name}")
        elif home.startswith("rushlight") and home != package:
            imports.append(f"from {home} import {name} as {name}")
        elif inspect.isfunction(value):
            values.append(f"def {name}{bare_signature(value)} -> Any: ...")
        elif not inspect.ismodule(value):
            values.append(f"{name}: Any")
    return "\n".join([HEADER + "from typing import Any", "", *imports, "", *values]).rstrip() + "\n"


def bare_signature(function):
    """The parameters of a Python function, their defaults as dots."""
    text = []
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        if parameter.default is not parameter.empty:
            parameter = parameter.replace(default=...)
        text.append(parameter)
    return str(signature.replace(parameters=text)).replace("=Ellipsis", "=...")


def write_stubs(check):
    """Writes the stubs, or only compares; the paths of those that were not up to date."""
    import rushlight._C as core

    ops = core._operations()
    texts = {"rushlight/_C.pyi": c_stub(core, ops), "rushlight/__init__.pyi": init_stub(core, ops)}
    for package, names in lazy_packages():
        texts[package.replace(".", "/") + "/__init__.pyi"] = package_stub(package, names)
    stale = []
    for path, text in texts.items():
        file = ROOT / path
        if not file.exists() or file.read_text() != text:
            stale.append(path)
            if not check:
                file.write_text(text)
    return stale


def main():
    check = "--check" in sys.argv[1:]
    stale = write_stubs(check)
    for path in stale:
        print(f"{path}: {'stale: run python tools/make_stubs.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
