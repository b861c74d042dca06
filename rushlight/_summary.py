"""`rushlight.summary(model, *inputs)`: a table of a model's layers, shapes and parameters."""

import rushlight as torch


class Summary:
    """Rows (depth, name, class, output shape, own parameters) and totals; prints as a table."""

    def __init__(self, rows, total, trainable, bytes_):
        self.rows = rows
        self.total_params, self.trainable_params, self.param_bytes = total, trainable, bytes_

    def _cells(self):
        for depth, name, kind, shape, count in self.rows:
            label = "  " * depth + (f"{name}: {kind}" if name else kind)
            yield label, shape, f"{count:,}" if count else "-"

    def __str__(self):
        head = ("Layer", "Output shape", "Parameters")
        cells = [head, *self._cells()]
        widths = [max(len(row[i]) for row in cells) for i in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in cells]
        rule = "-" * len(lines[0])
        fixed = self.total_params - self.trainable_params
        return "\n".join([
            lines[0], rule, *lines[1:], rule,
            f"Parameters: {self.total_params:,} ({self.trainable_params:,} trainable, "
            f"{fixed:,} fixed), {self.param_bytes / 2**20:.2f} MiB",
        ])  # fmt: skip

    __repr__ = __str__

    def _repr_html_(self):
        from html import escape

        rows = "".join(
            f"<tr><td style='white-space:pre;text-align:left'>{escape(a)}</td>"
            f"<td>{escape(b)}</td><td>{escape(c)}</td></tr>"
            for a, b, c in self._cells()
        )
        last = escape(str(self).rsplit("\n", 1)[1])
        return (
            "<table><tr><th>Layer</th><th>Output shape</th><th>Parameters</th></tr>"
            f"{rows}</table><p>{last}</p>"
        )


def _shape(value):
    """The sizes of what a layer returned, nested as it is."""
    if isinstance(value, torch.Tensor):
        return str(list(value.shape))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_shape(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(_shape, value)) + ")"
    return type(value).__name__


def _check(model, inputs):
    if not isinstance(model, torch.nn.Module):
        what = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"summary() takes a module, not {what}")
    sizes = [x for x in inputs if isinstance(x, tuple) and x and all(type(n) is int for n in x)]
    if sizes and len(sizes) == len(inputs):
        raise TypeError(
            f"summary() takes tensors to run the model with, not their sizes: torch.zeros{sizes[0]}"
        )


def summary(model, *inputs, **kwargs):
    """Runs `model(*inputs, **kwargs)` once, without gradients and in evaluation, and tabulates it.

    Without inputs nothing runs and shapes are left out. A parameter that several layers share is
    counted once. The model is left as it was, random state included.

    Example:
        >>> import rushlight as torch
        >>> print(summary(torch.nn.Linear(3, 2), torch.ones(1, 3)))
        Layer   Output shape  Parameters
        --------------------------------
        Linear  [1, 2]                 8
        --------------------------------
        Parameters: 8 (8 trainable, 0 fixed), 0.00 MiB
    """
    _check(model, inputs)
    shapes, order, hooks = {}, [], []
    names = list(model.named_modules())

    def note(module, args, output):
        shapes.setdefault(id(module), _shape(output))
        order.append(id(module))

    if inputs or kwargs:
        modes = [(module, module.training) for _, module in names]
        state = torch.get_rng_state()
        hooks = [module.register_forward_hook(note) for _, module in names]
        try:
            model.eval()
            with torch.no_grad():
                model(*inputs, **kwargs)
        finally:
            for hook in hooks:
                hook.remove()
            for module, mode in modes:
                module.training = mode
            torch.set_rng_state(state)
    seen, rows = set(), []
    for name, module in names:
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen.update(map(id, own))
        count = sum(0 if torch.nn.parameter.is_lazy(p) else p.numel() for p in own)
        depth = name.count(".") + 1 if name else 0
        rows.append((
            depth, name.rpartition(".")[2], type(module).__name__,
            shapes.get(id(module), ""), count,
        ))  # fmt: skip
    known = [p for p in model.parameters() if not torch.nn.parameter.is_lazy(p)]
    return Summary(
        rows,
        sum(p.numel() for p in known),
        sum(p.numel() for p in known if p.requires_grad),
        sum(p.numel() * p.itemsize for p in known),
    )
