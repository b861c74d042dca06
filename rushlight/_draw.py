"""`rushlight.draw(tensor)`: the graph of operations behind a tensor, as text, SVG or HTML.

No other program draws: layers are ranked by their distance from the leaves and joined by lines.
"""

import rushlight as torch


class Drawing:
    """A graph: `.text`, `.svg`, `.html`; `save(path)` by the ending of the name."""

    def __init__(self, labels, kinds, edges):
        self.labels, self.kinds, self.edges = labels, kinds, edges

    def _ranks(self):
        """The row of each node: below every node that it needs. Nodes come after their users."""
        ranks = [0] * len(self.labels)
        inputs = {}
        for child, parent in self.edges:
            inputs.setdefault(parent, []).append(child)
        for node in self._order(inputs):
            ranks[node] = max((ranks[i] + 1 for i in inputs.get(node, ())), default=0)
        return ranks

    def _order(self, inputs):
        done, order = set(), []
        for start in range(len(self.labels)):
            stack = [(start, False)]
            while stack:
                node, ready = stack.pop()
                if ready:
                    order.append(node)
                elif node not in done:
                    done.add(node)
                    stack.append((node, True))
                    stack += [(i, False) for i in inputs.get(node, ())]
        return order

    @property
    def text(self):
        """An indented tree; what was shown already is only named again."""
        inputs = {}
        for child, parent in self.edges:
            inputs.setdefault(parent, []).append(child)
        outputs = [n for n, kind in enumerate(self.kinds) if kind == "output"]
        lines, shown, stack = [], set(), [(n, 0) for n in reversed(outputs)]
        while stack:
            node, depth = stack.pop()
            again = node in shown and inputs.get(node)
            lines.append("  " * depth + self.labels[node] + (" (above)" if again else ""))
            if not again:
                shown.add(node)
                stack += [(i, depth + 1) for i in reversed(inputs.get(node, []))]
        return "\n".join(lines)

    __str__ = __repr__ = lambda self: self.text

    @property
    def svg(self):
        """A picture, leaves at the top."""
        from html import escape

        ranks = self._ranks()
        rows = [[n for n, r in enumerate(ranks) if r == row] for row in range(max(ranks) + 1)]
        width = [7 * len(label) + 18 for label in self.labels]
        total = max(sum(width[n] + 16 for n in row) for row in rows)
        place = {}
        for y, row in enumerate(rows):
            x = (total - sum(width[n] + 16 for n in row)) / 2
            for n in row:
                place[n] = (x + 8 + width[n] / 2, 24 + 56 * y)
                x += width[n] + 16
        colors = {"leaf": "#cfe8cf", "output": "#f6d9a8", "op": "#e4e8ef"}
        parts = []
        for child, parent in self.edges:
            (x1, y1), (x2, y2) = place[child], place[parent]
            parts.append(
                f'<path d="M{x1:.0f},{y1 + 13} C{x1:.0f},{y1 + 35} {x2:.0f},{y2 - 35} '
                f'{x2:.0f},{y2 - 13}" fill="none" stroke="#778" marker-end="url(#a)"/>'
            )
        for n, (x, y) in place.items():
            parts.append(
                f'<rect x="{x - width[n] / 2:.0f}" y="{y - 13}" width="{width[n]}" height="26" '
                f'rx="6" fill="{colors[self.kinds[n]]}" stroke="#556"/>'
                f'<text x="{x:.0f}" y="{y + 4}" text-anchor="middle">{escape(self.labels[n])}</text>'
            )
        height = 56 * len(rows)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{total:.0f}" height="{height}" '
            f'viewBox="0 0 {total:.0f} {height}" font-family="monospace" font-size="11">'
            '<defs><marker id="a" markerWidth="7" markerHeight="6" refX="6" refY="3" '
            'orient="auto"><path d="M0,0 L7,3 L0,6 z" fill="#778"/></marker></defs>'
            + "".join(parts)
            + "</svg>"
        )

    @property
    def html(self):
        """The picture as a page."""
        return f'<!doctype html><meta charset="utf-8"><title>graph</title>{self.svg}'

    def _repr_svg_(self):
        return self.svg

    def save(self, path):
        """Writes a file of the kind that its ending says: .svg, .html or .txt. ValueError else."""
        end = str(path).rpartition(".")[2].lower()
        if end not in ("svg", "html", "txt"):
            raise ValueError(f"a drawing is saved as .svg, .html or .txt, not as {str(path)!r}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text if end == "txt" else getattr(self, end))


def _why_none(tensors):
    if any(x.requires_grad for x in tensors):
        return "It is a leaf: draw what is computed from it."
    return "It was not computed from anything that requires grad, or under torch.no_grad()."


def draw(tensor_or_model, *inputs, params=None):
    """The graph behind a tensor, or behind what a model makes of `inputs`.

    `params`, {name: tensor}, names leaves; a model's parameters are named by themselves. Raises
    TypeError for other things and for a model without inputs, ValueError for a tensor without
    history.

    Example:
        >>> import rushlight as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> print(draw((w * 3).sum(), params={"w": w}))
        output ()
          SumBackward0
            MulBackward0
              w (2)
    """
    value = tensor_or_model
    names = {id(t): name for name, t in (params or {}).items()}
    if isinstance(value, torch.nn.Module):
        if not inputs:
            raise TypeError("draw(model, *inputs): a model's graph needs inputs to run it with")
        names.update((id(p), name) for name, p in value.named_parameters())
        value = value(*inputs)
    from .utils._pytree import tree_leaves

    outputs = [x for x in tree_leaves(value) if isinstance(x, torch.Tensor)]
    if not outputs:
        raise TypeError(f"draw() takes a tensor or a model, not {type(value).__name__}")
    leaves, outputs = outputs, [x for x in outputs if x.grad_fn is not None]
    if not outputs:
        raise ValueError("the tensor has no history to draw\n" + _why_none(leaves))
    labels, kinds, edges, known, todo = [], [], [], {}, []

    def add(node):
        # Nodes are kept in `known`, so that their identity stays theirs.
        if id(node) not in known:
            known[id(node)] = (len(labels), node)
            leaf = getattr(node, "variable", None)
            if leaf is not None:
                size = str(tuple(leaf.shape)).replace(",)", ")")
                labels.append(f"{names.get(id(leaf), 'leaf')} {size}")
            else:
                labels.append(type(node).__name__)
            kinds.append("leaf" if leaf is not None else "op")
            todo.append(node)
        return known[id(node)][0]

    for i, output in enumerate(outputs):
        size = str(tuple(output.shape)).replace(",)", ")")
        here = len(labels)
        labels.append(f"output{i if len(outputs) > 1 else ''} {size}")
        kinds.append("output")
        edges.append((add(output.grad_fn), here))
    while todo:
        node = todo.pop(0)
        for before, _ in node.next_functions:
            if before is not None:
                edges.append((add(before), known[id(node)][0]))
    return Drawing(labels, kinds, edges)
