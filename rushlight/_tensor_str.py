"""Printing of tensors, character for character as PyTorch prints them, and `set_printoptions`.

Widths and notation are decided on Python numbers taken once from the tensor (only its edges when it
is large); no tensor arithmetic happens here.
"""

from math import inf, isfinite

import rushlight as torch

_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": inf, "edgeitems": 3, "linewidth": 80},
}


class _PrinterOptions:
    """The current options: how `str` of a tensor looks."""

    def __init__(self):
        self.__dict__.update(_PROFILES["default"], sci_mode=None)


PRINT_OPTS = _PrinterOptions()


def set_printoptions(
    precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None
):
    """Sets how tensors print.

    Args:
        precision (int): digits after the point (4).
        threshold (int): more elements than this are summarised (1000).
        edgeitems (int): elements shown at each end of a summarised dimension (3).
        linewidth (int): characters a line may have (80).
        profile (str): "default", "short" or "full"; the other arguments override it.
        sci_mode (bool): True or False forces scientific notation on or off; None, also when
            left out, lets the values decide.

    Example:
        >>> torch.set_printoptions(precision=2)
        >>> torch.tensor([1.12345])
        tensor([1.12])
        >>> torch.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"profile must be 'default', 'short' or 'full', got {profile!r}")
        PRINT_OPTS.__dict__.update(_PROFILES[profile])
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    PRINT_OPTS.__dict__.update((k, v) for k, v in given.items() if v is not None)
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions():
    """The current print options, as a dict that `set_printoptions(**options)` accepts.

    precision (digits), threshold (elements before "..."), edgeitems (at each end), linewidth and
    sci_mode (None: as needed).

    >>> torch.get_printoptions()["precision"]
    4
    """
    return dict(PRINT_OPTS.__dict__)


class printoptions:
    """Context manager: `set_printoptions` with these arguments, and the old options afterwards."""

    def __init__(self, **kwargs):
        self.kwargs = kwargs

    def __enter__(self):
        self.saved = get_printoptions()
        set_printoptions(**self.kwargs)

    def __exit__(self, *exc):
        set_printoptions(**self.saved)


# --- one element -------------------------------------------------------------------------------


def _int_formatter(values):
    """(format, width) for bools and integers: right-aligned in the widest."""
    width = max([len(str(v)) for v in values], default=1)
    return (lambda v: str(v).rjust(width)), width


def _float_formatter(values):
    """(format, width) for floats: `1.`, `1.5000` or `1.5000e+00`, whichever suits all values."""
    precision = PRINT_OPTS.precision
    finite = [v for v in values if v and isfinite(v)]
    if not finite:
        return _whole, 1
    low, high = min(map(abs, finite)), max(map(abs, finite))
    whole = all(v == v // 1 for v in finite)
    scientific = PRINT_OPTS.sci_mode
    if scientific is None:
        scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
    digits = _digits(scientific, whole, precision)
    width = max([len(digits(v)) for v in finite])
    return (lambda v: digits(v).rjust(width)), width


def _digits(scientific, whole, precision):
    if scientific:
        return f"{{:.{precision}e}}".format
    return _whole if whole else f"{{:.{precision}f}}".format


def _whole(v):
    return f"{v:.0f}." if isfinite(v) else f"{v:.0f}"


def _complex_formatter(values):
    real, real_width = _float_formatter([v.real for v in values])
    imag, imag_width = _float_formatter([v.imag for v in values])

    def form(v):
        tail = imag(v.imag).lstrip() + "j"
        return real(v.real) + (tail if tail[0] in "+-" else "+" + tail)

    return form, real_width + imag_width + 1


# --- the nested list ---------------------------------------------------------------------------


def _edges(tensor, dim, sizes):
    """Nested lists of the elements that a summary shows: the edges of each dimension."""
    edge, size = PRINT_OPTS.edgeitems, sizes[dim]
    cut = size > 2 * edge
    if dim == len(sizes) - 1:
        return tensor[:edge].tolist() + tensor[size - edge :].tolist() if cut else tensor.tolist()
    shown = [*range(edge), *range(size - edge, size)] if cut else range(size)
    return [_edges(tensor[i], dim + 1, sizes) for i in shown]


def _flatten(nested, depth):
    for _ in range(depth - 1):
        nested = [x for row in nested for x in row]
    return nested


def _vector(texts, indent, size, width):
    """One row of formatted elements, broken into lines and with ` ...` where elements were left."""
    edge = PRINT_OPTS.edgeitems
    if len(texts) < size:
        texts = texts[:edge] + [" ..."] + texts[edge:] if edge else ["..."]
    per_line = max(1, (PRINT_OPTS.linewidth - indent) // (width + 2))
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(rows, indent, sizes, form, width):
    if len(sizes) == 1:
        return _vector([form(v) for v in rows], indent, sizes[0], width)
    parts = [_nested(row, indent + 1, sizes[1:], form, width) for row in rows]
    if len(parts) < sizes[0]:
        parts.insert(PRINT_OPTS.edgeitems, "...")
    return "[" + ("," + "\n" * (len(sizes) - 1) + " " * (indent + 1)).join(parts) + "]"


def _contents(tensor, indent):
    sizes = tuple(tensor.shape)
    if tensor.numel() > PRINT_OPTS.threshold and sizes:
        values = _edges(tensor.detach(), 0, sizes)
    else:
        values = tensor.tolist()
    flat = _flatten(values, len(sizes)) if sizes else [values]
    kind = tensor.dtype
    if kind.is_floating_point:
        form, width = _float_formatter(flat)
    elif kind.is_complex:
        form, width = _complex_formatter(flat)
    else:
        form, width = _int_formatter(flat)
    return _nested(values, indent, sizes, form, width) if sizes else form(values).lstrip()


# --- the whole text ----------------------------------------------------------------------------


def _suffixes(tensor):
    """`device=`, `size=`, `dtype=` and grad texts: only what the elements do not already tell."""
    found, device, dtype = [], tensor.device.type, tensor.dtype
    default = torch.get_default_dtype()
    if device != "cpu":
        found.append(f"device='{tensor.device}'")
    if device == "meta":
        sized, typed = True, dtype != default
    elif tensor.numel() == 0:
        sized, typed = tensor.dim() != 1, dtype != default
    else:
        sized = not PRINT_OPTS.edgeitems
        complex_default = torch.complex128 if default == torch.float64 else torch.complex64
        typed = dtype not in (default, complex_default, torch.int64, torch.bool)
    if sized:
        found.append(f"size={tuple(tensor.shape)}")
    if typed:
        found.append(f"dtype={dtype}")
    grad = _grad_text(tensor)
    return found + [grad] if grad else found


def _grad_text(tensor):
    try:
        node = tensor.grad_fn
    except RuntimeError:
        # A view changed in place under no_grad has no valid history; printing must still work.
        return "grad_fn=<Invalid>"
    if node is not None:
        return f"grad_fn=<{_node_name(node)}>"
    return "requires_grad=True" if tensor.requires_grad else ""


def _node_name(node):
    name = type(node).__name__
    return node.name().rsplit("::", 1)[-1] if name in ("Node", "CppFunction") else name


def _join(text, suffixes, indent):
    """Appends the suffixes, each on the last line if it fits there, else on a line of its own."""
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def _str(self, tensor_contents=None):
    """The text of a tensor: `tensor([1., 2.], requires_grad=True)`.

    Args:
        self (Tensor): any tensor, also of a subclass (its name then replaces `tensor`).
        tensor_contents (str): text to put in place of the elements.
    """
    cls = type(self)
    if cls is torch.Tensor:
        return _intern(self, "tensor(", tensor_contents)
    with torch._C.DisableTorchFunctionSubclass():
        if cls is torch.nn.Parameter:
            return _intern(self, "tensor(", tensor_contents)
        text = _intern(self, f"{cls.__name__}(", tensor_contents)
        return f"Parameter({text})" if isinstance(self, torch.nn.Parameter) else text


def _intern(self, prefix, contents):
    if contents is None:
        if self.device.type == "meta":
            contents = "..."
        else:
            contents = "[]" if self.numel() == 0 else _contents(self, len(prefix))
    return _join(prefix + contents, _suffixes(self), len(prefix))
