"""What `help(torch.NAME)` says of an operation of the core, put together when it is asked for.

The registry has the signature, a sentence and the facts that follow from the definition: dtypes,
forms, whether there is a gradient. What does not follow from it (shapes, errors, an example, the
source of an algorithm) stands in the .md files of this folder, an entry each:

    ## name other_name
    Shapes, dtypes, errors, in a few lines.

    >>> torch.name(torch.tensor([1.]))
    tensor([1.])

The examples run as tests, with PyTorch's output. Functions in Python have their own docstrings.
"""

import functools
import pathlib

from .. import _C


@functools.cache
def operations():
    """{name: what the registry knows of it}."""
    return {op["name"]: op for op in _C._operations()}


@functools.cache
def entries():
    """{name: text} of the files of this folder. ValueError if two entries have one name."""
    found = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("*.md")):
        _, *parts = ("\n" + path.read_text(encoding="utf-8")).split("\n## ")
        for part in parts:
            names, _, text = part.partition("\n")
            for name in names.split():
                if name in found:
                    raise ValueError(f"{path.name}: {name} has two entries")
                found[name] = text.strip()
    return found


def document(name):
    """The docstring of the operation `name`."""
    import textwrap

    op = operations().get(name)
    if op is None:  # a form in place
        text = operations().get(name.removesuffix("_"))
        return document(text["name"]) if text else ""
    text = entries().get(name) or entries().get(name.removesuffix("_"), "")
    before, example, after = text.partition(">>>")
    said = op["doc"]
    if name.endswith("_") and name[:-1] in operations():
        said = operations()[name[:-1]]["doc"] + " This form changes input itself and returns it."
    said = textwrap.fill(said, 100)
    parts = ["\n".join(op["schemas"]), said, before.strip(), "\n".join(facts(op))]
    parts.append(example + after)
    return "\n\n".join(part for part in parts if part)


def facts(op):
    """Lines that follow from the definition: shapes and dtypes of a formula, and the forms."""
    if op["formula"]:
        one = op["operands"] == 1
        yield "Shape: any, kept." if one else "Shapes: operands broadcast to the result's."
        yield f"Dtypes: {_dtypes(op)}. Others raise RuntimeError."
        yield "Differentiable." if op["differentiable"] else "Not differentiable."
    forms = [f"`{a}`" for a in op["aliases"]]
    if op["in_place"] or op["name"] + "_" in operations():
        forms.append(f"in place as `{op['name']}_`")
    if op["out"] and any(op[kind] for kind in ("function", "special", "linalg", "nn")):
        forms.append("with `out=`")
    if forms:
        yield f"Also: {', '.join(forms)}."


def _dtypes(op):
    floating, integer, imaginary, promotes = op["domain"]
    kinds = ["floating"] if floating else []
    kinds += ["integers"] if integer else []
    kinds += ["bool"] if integer and not op["rejects_bool"] else []
    kinds += ["complex"] if imaginary else []
    given = kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]}"
    return f"{given}; integers and bool give the default dtype" if promotes else given
