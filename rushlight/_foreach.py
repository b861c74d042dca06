"""`torch._foreach_add(tensors, ...)` and its like: an operation on each tensor of a list.

Optimizers and libraries in PyTorch's style call them to save launches. Here each is a loop over the
operation of one tensor, with its results and derivatives.
"""

import rushlight as torch

_UNARY = (
    "abs acos asin atan ceil cos cosh erf erfc exp expm1 floor frac lgamma log log10 log1p log2 neg "
    "reciprocal round rsqrt sigmoid sign sin sinh sqrt tan tanh trunc"
).split()
_BINARY = "add sub mul div pow maximum minimum clamp_max clamp_min".split()
_TERNARY = "addcdiv addcmul lerp".split()
_OTHERS = "clone copy_ max mm norm powsum zero_".split()
NAMES = {f"_foreach_{n}{tail}" for n in _UNARY + _BINARY + _TERNARY for tail in ("", "_")}
NAMES.update(f"_foreach_{n}" for n in _OTHERS)

# maximum and minimum of a tensor and a number are clamps.
_WITH_NUMBER = {"maximum": "clamp_min", "minimum": "clamp_max"}
_OF_ONE = {
    "norm": lambda x, ord=2, dtype=None: torch.linalg.vector_norm(x, ord, dtype=dtype),
    "powsum": lambda x, ord=2, dtype=None: (
        (x if dtype is None else x.to(dtype)).abs().pow(ord).sum()
    ),
}


def _columns(count, args):
    """Each argument as one value a tensor."""
    for arg in args:
        if isinstance(arg, (list, tuple)):
            if len(arg) != count:
                if not (arg and isinstance(arg[0], torch.Tensor)):
                    raise RuntimeError(
                        "Tensor list must have same number of elements as scalar list."
                    )
                raise RuntimeError(
                    f"Tensor lists must have the same number of tensors, got {count} and {len(arg)}"
                )
            yield arg
        else:
            yield [arg] * count


def _one(name, in_place):
    """The operation on one tensor."""
    if name in _OF_ONE:
        return _OF_ONE[name]
    tail = "_" if in_place else ""

    def apply(x, *args, **kwargs):
        numeric = args and not isinstance(args[0], torch.Tensor)
        method = _WITH_NUMBER[name] if numeric and name in _WITH_NUMBER else name
        if method in ("addcdiv", "addcmul") and len(args) == 3:
            *args, kwargs["value"] = args
        elif not isinstance(x, torch.Tensor):  # pow of a number and tensors
            return getattr(torch, method)(x, *args, **kwargs)
        elif method in ("maximum", "minimum") and in_place:
            return x.copy_(getattr(torch, method)(x, *args))
        return getattr(x, method + tail)(*args, **kwargs)

    return apply


def _numbers(full_name, name, tensor):
    """What one tensor as the last argument stands for: a number, or a number for each."""
    if name in ("addcdiv", "addcmul"):
        return tensor.tolist()
    if name not in ("add", "mul", "div"):
        raise TypeError(
            f"{full_name}() received an invalid combination of arguments - got (list, Tensor), but "
            "expected one of:\n a list of tensors, a number, or a list of numbers after the first"
        )
    if tensor.dim():
        raise RuntimeError(
            f"scalar tensor expected to be 0 dim but it has {tensor.dim()} dimensions and "
            f"{tensor.numel()} elements."
        )
    return tensor


def find(full_name):
    """The function of a name; a stub if PyTorch has the name and this list has not."""
    if full_name not in NAMES:
        from ._missing import missing

        return missing("torch", full_name)
    name = full_name.removeprefix("_foreach_")
    in_place = name.endswith("_")
    name = name.rstrip("_")
    apply = _one(name, in_place)

    def foreach(self, *args, **kwargs):
        options = {k: kwargs.pop(k) for k in ("alpha", "non_blocking", "dtype") if k in kwargs}
        args = [*args, *kwargs.values()]
        tensors = (
            [self] * len(args[0]) if name == "pow" and isinstance(self, (int, float)) else self
        )
        if not isinstance(tensors, (list, tuple)):
            raise TypeError(
                f"{full_name}(): argument 'self' (position 1) must be tuple of Tensors, not "
                f"{type(self).__name__}"
            )
        if args and isinstance(args[-1], torch.Tensor):
            args[-1] = _numbers(full_name, name, args[-1])
        if not tensors:
            raise RuntimeError("Tensor list must have at least one tensor.")
        rows = zip(tensors, *_columns(len(tensors), args), strict=True)
        results = tuple([apply(*row, **options) for row in rows])
        return self if in_place else results

    foreach.__name__ = foreach.__qualname__ = full_name
    foreach.__module__ = "torch"
    foreach.__doc__ = f"`torch.{name}` of each tensor of a list" + (
        ", in place." if in_place else "."
    )
    return foreach
