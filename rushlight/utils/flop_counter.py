"""torch.utils.flop_counter: counts the multiplications and additions of matrix products,
convolutions and attention, forward and backward.

A function mode sees the calls; what their backward will cost is noted then, and counted when a
gradient arrives. Not here: a backward pass whose forward ran outside of the block.
"""

from collections import defaultdict
from math import prod

import rushlight as torch

from .._function_mode import inside
from ..overrides import TorchFunctionMode
from .module_tracker import ModuleTracker

__all__ = ["FlopCounterMode", "register_flop_formula"]

aten = torch.ops.aten


def _shape(x):
    return tuple(x.shape) if isinstance(x, torch.Tensor) else x


def _shapes(tree):
    if isinstance(tree, (list, tuple)) and any(isinstance(x, torch.Tensor) for x in tree):
        return type(tree)(map(_shapes, tree))
    return _shape(tree)


# --- formulas by shapes, as programs call them ---------------------------------------------------


def mm_flop(a_shape, b_shape, *args, out_shape=None, **kwargs):
    """[m, k] times [k, n]."""
    return 2 * a_shape[0] * a_shape[1] * b_shape[1]


def addmm_flop(self_shape, a_shape, b_shape, out_shape=None, **kwargs):
    """The product alone counts."""
    return mm_flop(a_shape, b_shape)


def bmm_flop(a_shape, b_shape, out_shape=None, **kwargs):
    """[b, m, k] times [b, k, n]."""
    return a_shape[0] * mm_flop(a_shape[1:], b_shape[1:])


def baddbmm_flop(self_shape, a_shape, b_shape, out_shape=None, **kwargs):
    """The product alone counts."""
    return bmm_flop(a_shape, b_shape)


def conv_flop_count(x_shape, w_shape, out_shape, transposed=False):
    """Every place of the output (of the input, if transposed) meets the whole filter."""
    places = (x_shape if transposed else out_shape)[2:]
    return 2 * x_shape[0] * prod(places) * prod(w_shape)


def sdpa_flop_count(query_shape, key_shape, value_shape):
    """The two products of attention."""
    b, h, s_q, d = query_shape
    return 2 * b * h * s_q * key_shape[-2] * (d + value_shape[-1])


def sdpa_backward_flop_count(grad_out_shape, query_shape, key_shape, value_shape):
    """The scores again, and the gradients of both products."""
    b, h, s_q, d = query_shape
    return 2 * b * h * s_q * key_shape[-2] * (3 * d + 2 * value_shape[-1])


def _conv_backward(x, w, out, transposed, needs):
    flops = 0
    if needs[0]:
        flops += conv_flop_count(out, w, x, not transposed)
    if needs[1]:
        swap = [(s[1], s[0], *s[2:]) for s in ((out, x, w) if transposed else (x, out, w))]
        flops += conv_flop_count(*swap)
    return flops


# --- what a call costs: (operation, forward), (operation, backward) ------------------------------


def _product(name, flops, *factors):
    back = "bmm" if name in ("bmm", "baddbmm") else "mm"
    return (name, flops), (back, flops * sum(f.requires_grad for f in factors))


def _linear(out, input, weight, bias=None):
    name = "addmm" if bias is not None and input.dim() <= 3 and input.is_contiguous() else "mm"
    return _product(name, 2 * out.numel() * input.shape[-1], input, weight)


def _matmul(out, input, other):
    a, b = input.dim(), other.dim()
    if b == 1:
        return None  # a matrix by a vector is not counted
    name = "bmm" if min(a, b) > 2 else "mm"
    return _product(name, 2 * out.numel() * input.shape[-1], input, other)


def _added(name):
    def cost(out, input, a, b, **kwargs):
        return _product(name, 2 * out.numel() * a.shape[-1], a, b)

    return cost


def _inner(out, input, other):
    return _product("mm", 2 * out.numel() * input.shape[-1], input, other)


def _convolution(transposed):
    def cost(out, input, weight, *args, **kwargs):
        x, result, w = (tuple(t.shape) for t in (input, out, weight))
        if len(x) < len(w):  # no batch
            x, result = (1, *x), (1, *result)
        back = _conv_backward(x, w, result, transposed, (input.requires_grad, weight.requires_grad))
        return ("convolution", conv_flop_count(x, w, result, transposed)), (
            "convolution_backward",
            back,
        )

    return cost


def _attention(out, query, key, value, *args, **kwargs):
    shapes = [tuple(t.shape) for t in (query, key, value)]
    shapes = [(prod(s[:-3]), *((1,) * (3 - len(s)) + s[-3:])) for s in shapes]
    needs = any(t.requires_grad for t in (query, key, value))
    name = "_scaled_dot_product_flash_attention"
    back = sdpa_backward_flop_count(tuple(out.shape), *shapes) if needs else 0
    return (name, sdpa_flop_count(*shapes)), (f"{name}_backward", back)


def _tensordot(out, a, b, dims_a, dims_b):
    return _product("mm", 2 * out.numel() * prod(a.shape[d] for d in dims_a), a, b)


_COSTS = {
    "_tensordot": _tensordot,
    "linear": _linear,
    "matmul": _matmul,
    "mm": _matmul,
    "bmm": _matmul,
    "addmm": _added("addmm"),
    "baddbmm": _added("baddbmm"),
    "inner": _inner,
    "scaled_dot_product_attention": _attention,
}
for _d in (1, 2, 3):
    _COSTS[f"conv{_d}d"] = _convolution(False)
    _COSTS[f"conv_transpose{_d}d"] = _convolution(True)
_COSTS["convolution"] = _convolution(False)

flop_registry = {}  # {operation: formula of shapes} of the program's own


def register_flop_formula(targets, get_raw=False):
    """A decorator: this function of shapes (of tensors with `get_raw`) counts for these operations,
    `torch.ops.<library>.<name>`."""

    def register(formula):
        formula._get_raw = get_raw
        for target in targets if isinstance(targets, (list, tuple)) else [targets]:
            if target in flop_registry:
                raise RuntimeError(f"duplicate registrations for {target}")
            flop_registry[target] = formula
        return formula

    return register


class _Counting(TorchFunctionMode):
    def __init__(self, counter):
        self.counter = counter

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func.__name__
        if name not in _COSTS and not self.counter._has_formula(name):
            return inside(self, func, args, kwargs)
        out = func(*args, **kwargs)
        self.counter._count(name, out, args, kwargs)
        return out


class FlopCounterMode:
    """Counts the floating-point operations of what runs inside the block, by module.

    Args:
        depth (int or None): how deep into the modules the table goes.
        display (bool): print the table at the end of the block.
        custom_mapping (dict): further formulas, {torch.ops.aten.name: function of the shapes}.

    A product of [m, k] and [k, n] is 2mkn; attention counts its two products. Everything else,
    bias and activations included, counts nothing, as in PyTorch.

    >>> with FlopCounterMode(display=False) as counter:
    ...     loss = torch.nn.Linear(8, 4)(torch.ones(2, 8)).sum()
    ...     loss.backward()
    >>> counter.get_total_flops()
    256
    """

    def __init__(self, mods=None, depth=2, display=True, custom_mapping=None):
        if mods is not None:
            import warnings

            warnings.warn(
                "mods argument is not needed anymore, you can stop passing it", stacklevel=2
            )
        self.depth, self.display, self.mode = depth, display, None
        self.flop_registry = {**flop_registry, **(custom_mapping or {})}
        self._by_name = {op.__name__: op for op in self.flop_registry}
        self.flop_counts = defaultdict(lambda: defaultdict(int))
        self.mod_tracker = ModuleTracker()

    def get_total_flops(self):
        """Of all operations."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self):
        """{module: {operation: count}}; "Global" is all together."""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def _has_formula(self, name):
        return name in self._by_name

    def _count(self, name, out, args, kwargs):
        parents = set(self.mod_tracker.parents)
        if name in self._by_name:
            op = self._by_name[name]
            formula = self.flop_registry[op]
            if getattr(formula, "_get_raw", False):
                flops = formula(*args, **kwargs, out_val=out)
            else:
                shapes = {k: _shapes(v) for k, v in kwargs.items()}
                flops = formula(*map(_shapes, args), **shapes, out_shape=_shapes(out))
            return self._add(parents, op, flops)
        try:
            cost = _COSTS[name](out, *args, **kwargs)
        except TypeError:  # a form without a formula
            return
        if cost is not None:
            (op, flops), (back_op, back) = cost
            self._add(parents, getattr(aten, op), flops)
            if back and out.requires_grad:
                back_op = getattr(aten, back_op)
                out.register_hook(lambda grad: self._add(parents, back_op, back))

    def _add(self, parents, op, flops):
        if self.mode is not None:
            for name in parents:
                self.flop_counts[name][op] += flops

    def get_table(self, depth=None):
        """The counts as text: module, count, share."""
        depth = depth or self.depth or 999999
        total = self.get_total_flops()
        suffix = get_suffix_str(total)
        rows, within = [], False
        for module in sorted(self.flop_counts):
            level = module.count(".")
            if module != "Global" and level < depth:
                rows += self._rows(module, level, total, suffix)
                within |= sum(self.flop_counts[module].values()) >= total
        if "Global" in self.flop_counts and not within:
            rows = [(" " + first, *rest) for first, *rest in rows]
            rows = self._rows("Global", 0, total, suffix) + rows
        return _text([("Module", "FLOP", "% Total")], rows or [("Global", "0", "0%")])

    def _rows(self, module, level, total, suffix):
        counts = self.flop_counts[module]
        named = [(module, sum(counts.values()))]
        named += [(f" - {op}", n) for op, n in counts.items()]
        return [
            (
                " " * level + name,
                convert_num_with_suffix(n, suffix),
                convert_to_percent_str(n, total),
            )
            for name, n in named
        ]

    def __enter__(self):
        self.flop_counts.clear()
        self.flop_counts["Global"]
        self.mod_tracker.__enter__()
        self.mode = _Counting(self)
        self.mode.__enter__()
        return self

    def __exit__(self, *error):
        self.mode.__exit__(*error)
        self.mode = None
        self.mod_tracker.__exit__()
        if self.display:
            print(self.get_table(self.depth))


_SUFFIXES = ["", "K", "M", "B", "T"]


def get_suffix_str(number):
    """K, M, B or T, such that three to six digits stand before the point."""
    return _SUFFIXES[max(0, min(len(_SUFFIXES) - 1, (len(str(number)) - 2) // 3))]


def convert_num_with_suffix(number, suffix):
    """1234567, "K" -> "1234.567K"."""
    return f"{number / 1000 ** _SUFFIXES.index(suffix):.3f}{suffix}"


def convert_to_percent_str(num, denom):
    """1, 8 -> "12.50%"."""
    return f"{num / denom:.2%}" if denom else "0%"


def _text(head, rows):
    widths = [max(len(head[0][i]) + 2, *(len(row[i]) for row in rows)) for i in range(3)]

    def line(a, b, c):
        return f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip()

    return "\n".join(
        [line(*head[0]), "  ".join("-" * w for w in widths), *(line(*r) for r in rows)]
    )


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
