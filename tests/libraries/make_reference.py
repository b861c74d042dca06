"""Writes reference.json: what the cases compute with PyTorch itself.

    python make_reference.py [--libraries site-packages] [case ...]

Run it with a Python that has PyTorch. `--libraries` is a folder with the other packages, which is
searched last, so that a stand-in for torch in it does no harm. With names, only these are renewed.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(HERE, "reference.json")


def rounded(value):
    """Numbers to eight digits, tuples as lists: what JSON keeps."""
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, dict):
        return {str(k): rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    return value


def main(args):
    if args[:1] == ["--libraries"]:
        sys.path.append(args[1])
        args = args[2:]
    import torch

    if torch.__name__ != "torch":
        raise SystemExit("this is no PyTorch: the reference must come from PyTorch itself")
    from all_cases import CASES

    reference = {}
    if args and os.path.exists(PATH):
        with open(PATH) as f:
            reference = json.load(f)
    for name in args or CASES:
        print(name, flush=True)
        reference[name] = rounded(CASES[name]())
    reference["torch"] = torch.__version__
    lines = (f"{json.dumps(k)}: {json.dumps(reference[k])}" for k in sorted(reference))
    with open(PATH, "w") as f:
        f.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
