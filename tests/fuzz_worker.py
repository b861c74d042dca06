"""The process in which test_fuzz.py calls operations with hostile arguments. It may die.

Reads operation names, one a line; writes "> call" before each call and "! problem" for what is
wrong without being a crash: an exception that no user should see, a tensor that reaches outside its
memory. Calls are text, so that a report can be pasted into an interpreter.
"""

import faulthandler
import os
import re
import resource
import sys
import time

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import rushlight as m

ALLOWED = (
    TypeError, ValueError, RuntimeError, IndexError, NotImplementedError, OverflowError, MemoryError,
    BufferError, ArithmeticError, AttributeError, AssertionError, LookupError, Warning,
)  # fmt: skip

BIG = 2**63 - 1
TENSORS = """
m.ones(2, 3)|m.arange(6.0).view(2, 3).t()|m.ones(0)|m.ones(0, 3)|m.ones(3, 0, 2)|m.tensor(2.5)|m.tensor(3)
m.ones(1).expand(4)|m.ones(3, 1).expand(3, 4)|m.arange(6)|m.arange(-3, 3)|m.tensor([True, False])|m.ones(2, 2, dtype=m.bool)
m.ones(4, dtype=m.complex64)|m.ones(2, 3, dtype=m.float16)|m.ones(2, 3, dtype=m.bfloat16)|m.ones(2, 3, dtype=m.float64)
m.ones(2, 3, dtype=m.uint8)|m.ones(3, dtype=m.int8)|m.ones(3, dtype=m.int16)|m.ones(3, dtype=m.int32)|m.ones(2, dtype=m.uint16)
m.tensor([float('nan'), float('inf'), -float('inf'), 0.0])|m.tensor([2**62, -2**62, 2**63 - 1, -2**63])|m.tensor([100, -100, 5])
m.ones(2, 3, 4, 5)|m.ones(1, 1, 1, 1, 1)|m.ones((1,) * 64)|m.ones(2, 3, 8, 8)|m.ones(3, 3)|m.ones(3, 3, 3)|m.ones(300)
m.ones(5, requires_grad=True)|m.ones(2, 3, requires_grad=True) * 2|m.arange(10.0)[::3]|m.arange(12.0).view(3, 4)[1:, ::2]
m.arange(5.0).as_strided((3, 3), (1, 1))|m.arange(5.0).as_strided((4,), (0,), 3)|m.zeros(2, 2, dtype=m.complex128)|m.ones(2, 3, device='meta')
m.tensor([[0, 1], [1, 0]])|m.tensor([0, 5, -1, 100])|m.zeros(3, 4, dtype=m.int64)|m.ones(1, 2, 9)|m.ones(4, 2, 3)|m.ones(7, 1)
""".replace("\n", "|")
INTS = "0|1|2|3|-1|-2|-3|5|7|64|-64|100|1000|2**31|2**31 - 1|-2**31|2**32|2**62|2**63 - 1|-2**63|2**63|10**30|m.tensor(1)"
LISTS = "[]|[0]|[1]|[-1]|[0, 1]|[1, 1]|[0, 0]|[2, 3]|[3, 2]|[-1, 2]|[6]|[2**31, 2]|[2**62, 4]|[2**63 - 1]|[1] * 64|[1] * 65|[-5, 3]|(2, 2)|[0, -1]|[3, 3, 3]|[0, 2**40]"
FLOATS = "0.0|1.0|-1.0|0.5|float('nan')|float('inf')|-float('inf')|1e308|1e-320|-0.0|2j|True|False"
OTHER = "None|'mean'|'sum'|'none'|'x'|''|'\\udc80'|'ij,jk->ik'|m.float32|m.int64|m.bool|m.complex64|m.float16|'cpu'|'meta'|object()|{}|print|b'x'|[None]|['a']|[1.5]|m.strided|m.channels_last|m.Size([2])|m.Generator()|range(3)"
TENSOR_LISTS = "[m.ones(2, 3)]|[m.ones(2, 3), m.ones(2, 3)]|(m.ones(2), m.tensor(1))|[m.ones(0), m.ones(2, 3)]|[m.ones(2), 5]|[]|[m.ones(1, dtype=m.int32), m.ones(1)]|[m.arange(3)] * 9"


def pool(text):
    return [e for e in text.split("|") if e.strip()]


KINDS = {
    k: pool(t)
    for k, t in dict(t=TENSORS, i=INTS, l=LISTS, f=FLOATS, o=OTHER, v=TENSOR_LISTS).items()
}
EVERYTHING = [e for k in "tttillfov" for e in KINDS[k]]
COMPILED = {e: compile(e, "fuzz", "eval") for e in EVERYTHING}
INT_NAMES = {"dim", "dim0", "dim1", "k", "n", "diagonal", "offset", "groups", "start", "end", "length", "step", "steps", "num_classes", "padding_idx", "index", "chunks", "sections", "repeats", "shifts", "dims", "axis", "bins", "minlength", "d", "source", "destination"}  # fmt: skip
LIST_NAMES = {"size", "shape", "stride", "padding", "dilation", "kernel_size", "output_size", "pad", "normalized_shape", "split_size", "dims", "repeats", "shifts", "sizes"}  # fmt: skip
FLOAT_NAMES = {"p", "eps", "alpha", "beta", "value", "momentum", "lambd", "threshold", "min", "max", "fill_value", "scale", "rtol", "atol", "weight_decay"}  # fmt: skip


def likely(name, first):
    if first or name in (
        "input",
        "other",
        "weight",
        "target",
        "tensor",
        "mask",
        "condition",
        "mat2",
        "vec",
        "src",
        "index",
    ):
        return KINDS["t"]
    if name in ("tensors", "operands"):
        return KINDS["v"]
    if name in INT_NAMES:
        return KINDS["i"] + KINDS["l"]
    if name in LIST_NAMES:
        return KINDS["l"] + KINDS["i"]
    if name in FLOAT_NAMES:
        return KINDS["f"] + KINDS["t"]
    return EVERYTHING


def parameters(op):
    """Of each overload: [(name, keyword only)]."""
    found = []
    for text in op["schemas"]:
        inner = re.sub(
            r"\([^()]*\)|\[[^\[\]]*\]",
            "",
            text[text.index("(") + 1 : text.rindex(")")].split(") ->")[0],
        )
        params, keyword = [], False
        for part in filter(None, (p.strip() for p in inner.split(","))):
            name = part.split("=")[0].split(":")[0].strip()
            if name == "*":
                keyword = True
            elif name.startswith("**"):
                params += [("dtype", True), ("device", True), ("requires_grad", True)]
            else:
                params.append((name.lstrip("*"), keyword))
        found.append(params)
    return found


@st.composite
def calls(draw, op):
    params = draw(st.sampled_from(parameters(op)))
    args = []
    wild = draw(st.integers(0, 9)) == 0
    for i, (name, keyword) in enumerate(params):
        if i and draw(st.integers(0, 3)) == 0:
            continue  # the rest by keyword, or left out
        choice = EVERYTHING if wild or draw(st.integers(0, 11)) == 0 else likely(name, i == 0)
        value = draw(st.sampled_from(choice))
        positional = not keyword and len(args) == i and all(k is None for k, _ in args)
        args.append((None if positional else name, value))
    if draw(st.integers(0, 24)) == 0:
        args.append(("out", draw(st.sampled_from(EVERYTHING))))
    return args


def functions(op):
    name = op["name"]
    for where in ("_functions", "_nn", "_special", "_linalg", "_hidden"):
        table = getattr(m._C, where)
        table = table if isinstance(table, dict) else vars(table)
        for n in (name, name + "_"):
            if n in table:
                yield (
                    f"m._C.{where}['{n}']" if where == "_functions" else f"m._C.{where}.{n}",
                    table[n],
                )
    if op["method"]:
        for n in (name, name + "_"):
            if hasattr(m.Tensor, n):
                yield f"m.Tensor.{n}", getattr(m.Tensor, n)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def inside(t):
    """Does the tensor stay within its storage?"""
    if t.is_meta or t.numel() == 0:
        return True
    last = t.storage_offset() + sum((n - 1) * s for n, s in zip(t.shape, t.stride()))
    return t.storage_offset() >= 0 and (last + 1) * t.element_size() <= t.untyped_storage().nbytes()


def check(result):
    for t in result if isinstance(result, (tuple, list)) else [result]:
        if isinstance(t, m.Tensor):
            if not inside(t):
                say("! reaches outside its memory")
            elif t.numel() < 100 and not t.is_meta:
                repr(t)
                if t.requires_grad and t.grad_fn is not None:
                    t.backward(m.ones_like(t))


def fuzz(op, examples):
    targets = list(functions(op))
    if not targets:
        return

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize="RUSHLIGHT_FUZZ_SECONDS" not in os.environ,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.sampled_from(targets), calls(op))
    def once(target, args):
        text, function = target
        shown = ", ".join(v if k is None else f"{k}={v}" for k, v in args)
        say(f"> {text}({shown})")
        names = {"m": m}
        values = [(k, eval(COMPILED[v], names)) for k, v in args]
        try:
            result = function(
                *(v for k, v in values if k is None), **{k: v for k, v in values if k is not None}
            )
            check(result)
        except ALLOWED as e:
            if "internal" in str(e).split("\n")[0].lower():
                say(f"! {type(e).__name__}: {e}")
        except Exception as e:  # noqa: BLE001
            say(f"! {type(e).__name__}: {e}")

    once()


def main():
    import warnings

    warnings.simplefilter("ignore")
    if "ASAN_OPTIONS" not in os.environ:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    examples, seconds = int(sys.argv[1]), float(sys.argv[2])
    m.set_num_threads(1)
    names = sys.stdin.read().split()
    ops = {op["name"]: op for op in m._C._operations()}
    end = time.monotonic() + seconds
    for name in names:
        if time.monotonic() > end:
            break
        say(f"# {name}")
        faulthandler.dump_traceback_later(60, exit=True)
        fuzz(ops[name], examples)
        faulthandler.cancel_dump_traceback_later()
    say("= done")


main()
