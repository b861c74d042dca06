"""What a notebook shows of a tensor or a module: a picture and a table beside the plain text.

Loaded when a notebook first asks. Graphs draw themselves (`_draw.py`), tables too (`_summary.py`).
"""

import rushlight as torch

_MOST = 10_000_000  # elements that the statistics read
_CELLS = (24, 48)  # rows and columns of a picture, at most
_STYLE = "font-family:monospace;font-size:12px;line-height:1.4"


def _escape(text):
    from html import escape

    return escape(str(text))


def _bytes(count):
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.4g} {unit}"
        count /= 1024
    return f"{count:.4g} GiB"


def _size(shape):
    return "×".join(map(str, shape)) or "scalar"


# --- tensors -------------------------------------------------------------------------------------


def tensor_html(tensor):
    """A heat map, statistics, and the text of `repr`, folded away if it is long."""
    text = repr(tensor)
    tensor = tensor.detach()
    if type(tensor) is not torch.Tensor:
        tensor = tensor.as_subclass(torch.Tensor)
    parts = [f"<b>{_size(tensor.shape)}</b> {tensor.dtype}, {tensor.device}"]
    parts[0] += f", {_bytes(tensor.numel() * tensor.element_size())}"
    if tensor.numel() and not tensor.is_meta:
        if tensor.dim():
            parts += [_heat_map(tensor), _statistics(tensor)]
    opened = " open" if text.count("\n") < 12 else ""
    parts.append(
        f"<details{opened}><summary>values</summary>"
        f"<pre style='margin:0'>{_escape(text)}</pre></details>"
    )
    return f"<div style='{_STYLE}'>{'<br>'.join(p for p in parts if p)}</div>"


def _numbers(tensor):
    """The elements; of complex ones the size."""
    return tensor.abs() if tensor.is_complex() else tensor


def _plane(values):
    """At most 24 x 48 evenly spaced elements of the last two dimensions, the first of the others."""
    while values.dim() > 2:
        values = values[0]
    if values.dim() == 1:
        values = values.unsqueeze(0)
    rows, columns = (-(-n // most) for n, most in zip(values.shape, _CELLS))
    return _numbers(values[::rows, ::columns]).to("cpu", torch.float64)


def _statistics(tensor):
    """A one-line table: least, mean, greatest, deviation; how many are zero, NaN, infinite."""
    flat = tensor.reshape(-1)[:_MOST]
    cells = {}
    if tensor.dtype == torch.bool:
        cells["True"] = f"{flat.sum().item():,}"
    else:
        numbers = _numbers(flat).to(torch.float64)
        finite = numbers[numbers.isfinite()]
        if finite.numel():
            cells["min"] = f"{finite.min().item():.4g}"
            cells["mean"] = f"{finite.mean().item():.4g}"
            cells["max"] = f"{finite.max().item():.4g}"
            cells["std"] = f"{finite.std(correction=0).item():.4g}"
        cells["zero"] = f"{(numbers == 0).sum().item():,}"
        if tensor.is_floating_point() or tensor.is_complex():
            cells["NaN"] = f"{numbers.isnan().sum().item():,}"
            cells["inf"] = f"{numbers.isinf().sum().item():,}"
    title = "" if len(flat) == tensor.numel() else f"<caption>of the first {_MOST:,}</caption>"
    head = "".join(f"<th>{name}</th>" for name in cells)
    row = "".join(f"<td>{value}</td>" for value in cells.values())
    return f"<table>{title}<tr>{head}</tr><tr>{row}</tr></table>"


def _heat_map(values):
    """An image element: blue below zero, red above, white at zero; what is not finite is black."""
    plane = _plane(values)
    if plane.numel() < 2:
        return ""
    finite = plane.isfinite()
    most = plane[finite].abs().max().item() if finite.any() else 0.0
    rows = plane.tolist()
    pixels = [[_colour(value, most) for value in row] for row in rows]
    from base64 import b64encode

    height, width = len(rows), len(rows[0])
    side = max(2, min(12, 480 // width))
    data = b64encode(_png(pixels)).decode()
    return (
        f"<img alt='heat map' title='blue: negative, red: positive, up to {most:.4g} in size; "
        f"{height} by {width} elements' width='{width * side}' height='{height * side}' "
        f"style='image-rendering:pixelated;border:1px solid #ccc' "
        f"src='data:image/png;base64,{data}'>"
    )


def _colour(value, most):
    if value != value or value in (float("inf"), float("-inf")):
        return b"\x00\x00\x00"
    fade = round(255 * (1 - abs(value) / most)) if most else 255
    return bytes((255, fade, fade) if value >= 0 else (fade, fade, 255))


def _png(rows):
    """A PNG file (RFC 2083) of rows of three-byte colours."""
    from zlib import compress, crc32

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + crc32(body).to_bytes(4, "big")

    size = len(rows[0]).to_bytes(4, "big") + len(rows).to_bytes(4, "big")
    lines = b"".join(b"\x00" + b"".join(row) for row in rows)
    header = chunk(b"IHDR", size + b"\x08\x02\x00\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", compress(lines)) + chunk(b"IEND", b"")


# --- modules -------------------------------------------------------------------------------------


def module_html(module):
    """A tree to fold: each part's name, class and arguments, its tensors' shapes, and counts."""
    parameters = list(module.parameters())
    total = sum(p.numel() for p in parameters if not _unknown(p))
    trainable = sum(p.numel() for p in parameters if p.requires_grad and not _unknown(p))
    memory = sum(p.numel() * p.element_size() for p in parameters if not _unknown(p))
    head = f"<b>{total:,}</b> parameters"
    if trainable != total:
        head += f" ({trainable:,} trainable)"
    head += f", {_bytes(memory)}"
    count = sum(1 for _ in module.modules())
    tree = _branch("", module, "", {}, 2 if count <= 60 else 1)
    return f"<div style='{_STYLE}'>{head}{tree}</div>"


def _unknown(parameter):
    """Is it a parameter of a lazy module, without a shape yet?"""
    return type(parameter).__name__.startswith("Uninitialized")


def _branch(name, module, path, seen, opened):
    """The lines of a module and what is below it; `opened` levels of them are unfolded."""
    label = f"{_escape(name)}: " if name else ""
    label += f"<b>{_escape(module._get_name())}</b>"
    extra = module.extra_repr()
    if extra:
        label += f"({_escape(' '.join(extra.split()))})"
    if id(module) in seen:
        return _leaf(f"{label} <i>is {_escape(seen[id(module)] or 'the whole')}, again</i>")
    path = seen[id(module)] = f"{path}.{name}" if path else name
    own = [
        f"{_escape(n)} {'?' if _unknown(t) else _size(t.shape)}{'' if grad else ' fixed'}"
        for n, t, grad in _own_tensors(module)
    ]
    count = sum(p.numel() for p in module.parameters() if not _unknown(p))
    if own:
        label += f" <span style='color:#06c'>{', '.join(own)}</span>"
    if count:
        label += f" <span style='color:#777'>{count:,}</span>"
    children = [(n, m) for n, m in module._modules.items() if m is not None]
    if not children:
        return _leaf(label)
    inside = "".join(_branch(n, m, path, seen, opened - 1) for n, m in children)
    state = " open" if opened > 0 else ""
    return f"<details{state} style='margin-left:1em'><summary>{label}</summary>{inside}</details>"


def _leaf(label):
    return f"<div style='margin-left:2em'>{label}</div>"


def _own_tensors(module):
    for name, p in module._parameters.items():
        if p is not None:
            yield name, p, p.requires_grad
    for name, b in module._buffers.items():
        if b is not None:
            yield name, b, True
