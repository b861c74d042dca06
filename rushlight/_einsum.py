"""einsum: operands are contracted in pairs from left to right, each pair as one batch of matrix
products. What follows from the equation and the shapes is worked out once (`_plan`): a call only does
it. Not here: the form with lists (functional.py).
"""

from functools import lru_cache
from math import prod

import rushlight as torch

_ELLIPSIS = "."


def einsum(equation, operands):
    """Sums products of the operands' elements as the equation says."""
    if not operands:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand "
            "and its subscripts list"
        )
    for i, t in enumerate(operands):
        if not isinstance(t, torch.Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 1, but got {type(t).__name__}"
            )
    diagonals, steps, last, summed = _plan(equation, tuple([t.shape for t in operands]))
    for k, pairs in diagonals:
        operands = [*operands]
        for first, second in pairs:  # the diagonal comes last; it goes where the first of them was
            operands[k] = operands[k].diagonal(0, first, second).movedim(-1, first)
    out = operands[0]
    for step, t in zip(steps, operands[1:]):
        out = step(out, t)
    if last is not None:
        out = out.permute(last)
    return out.sum(summed) if summed else out


# ---- the equation ----


@lru_cache(256)
def _parse(equation):
    """(subscripts of each operand, of the output or None): strings with '.' for an ellipsis."""
    inputs, output, i = [""], None, 0
    while i < len(equation):
        c = equation[i]
        now = inputs[-1] if output is None else output
        where = f"operand {len(inputs) - 1}" if output is None else "output"
        step = 1
        if c == " ":
            i += 1
            continue
        if c == ".":
            dots = "" if output is None else " (...)"
            if _ELLIPSIS in now:
                already = " for which an" if output is None else " but an"
                raise RuntimeError(
                    f"einsum(): found '.' for {where}{already} ellipsis{dots} was already found"
                )
            if equation[i : i + 3] != "...":
                raise RuntimeError(
                    f"einsum(): found '.' for {where} that is not part of any ellipsis{dots}"
                )
            now, step = now + _ELLIPSIS, 3
        elif c == "," and output is None:
            inputs.append("")
            now = ""
        elif equation[i : i + 2] == "->" and output is None:
            output, now, step = "", "", 2
        elif c.isascii() and c.isalpha():
            now += c
        else:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {i} in the equation string, subscripts must be in [a-zA-Z]"
            )
        if output is None:
            inputs[-1] = now
        else:
            output = now
        i += step
    return tuple(inputs), output


def _covered(inputs, ranks):
    """How many dimensions each operand's ellipsis stands for, None where it has none."""
    widths = []
    for k, (s, rank) in enumerate(zip(inputs, ranks)):
        has = _ELLIPSIS in s
        labels = len(s) - has
        if labels > rank or labels < rank and not has:
            how = "is more than" if has else "does not match"
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({labels}) {how} the number of dimensions "
                f"({rank}) for operand {k}{'' if has else ' and no ellipsis was given'}"
            )
        widths.append(rank - labels if has else None)
    return widths


@lru_cache(512)
def _plan(equation, shapes):
    """(diagonals to take, a step for each further operand, last permutation, dimensions to sum)."""
    inputs, output = _parse(equation)
    if len(inputs) != len(shapes):
        how = "more" if len(inputs) < len(shapes) else "fewer"
        raise RuntimeError(f"einsum(): {how} operands were provided than specified in the equation")
    widths = _covered(inputs, tuple(map(len, shapes)))
    width = max((w for w in widths if w is not None), default=0)
    output, summed = _outputs(inputs, output)
    labels = [_labels(s, width if w is None else w, width) for s, w in zip(inputs, widths)]
    outputs, rest = _labels(output, width, width), _labels(summed, width, width)
    sizes = _broadcast(labels, shapes)
    diagonals = []
    for k, own in enumerate(labels):
        pairs = []
        for label in dict.fromkeys(own):
            while own.count(label) > 1:
                first = own.index(label)
                second = own.index(label, first + 1)
                pairs.append((first, second))
                del own[second]
        if pairs:
            diagonals.append((k, pairs))
    if len(inputs) == 1:
        order = [labels[0].index(x) for x in outputs + rest]
        return diagonals, (), _unless_same(order), list(range(len(outputs), len(order)))
    final = {x: max([k for k, s in enumerate(sizes) if s.get(x, 1) != 1], default=0) for x in rest}
    steps, have, size = [], labels[0], sizes[0]
    for k in range(1, len(inputs)):
        done = {x for x in rest if final[x] <= k}
        step, have, size = _pair(have, size, labels[k], sizes[k], done, outputs + rest)
        steps.append(step)
    return diagonals, steps, _unless_same([have.index(x) for x in outputs]), None


def _outputs(inputs, output):
    """The subscripts of the output, and those that are summed over."""
    together = "".join(inputs).replace(_ELLIPSIS, "")
    if output is None:  # the ellipsis, then labels seen once, in alphabetic order
        output = _ELLIPSIS + "".join(sorted(c for c in set(together) if together.count(c) == 1))
    for i, label in enumerate(output):
        if label in output[:i]:
            raise RuntimeError(
                f"einsum(): output subscript {label} appears more than once in the output"
            )
        if label != _ELLIPSIS and label not in together:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
    summed = "".join(sorted(set(together) - set(output)))
    return output, summed if _ELLIPSIS in output else _ELLIPSIS + summed


def _labels(subscripts, own, width):
    """One label a dimension; those of an ellipsis are numbers, from the right."""
    return [x for c in subscripts for x in (range(width - own, width) if c == _ELLIPSIS else [c])]


def _unless_same(order):
    return None if order == list(range(len(order))) else order


def _broadcast(labels, shapes):
    """The size of each label, for each operand; raises for the first that does not fit."""
    seen, sizes = {}, []
    for k, (own, shape) in enumerate(zip(labels, shapes)):
        here = {}
        for dim, (label, size) in enumerate(zip(own, shape)):
            if here.setdefault(label, size) != size:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {k} but the sizes don't match, "
                    f"{size} != {here[label]}"
                )
            before = seen.get(label, 1)
            if 1 in (size, before) or size == before:
                seen[label] = size if before == 1 else before
            elif isinstance(label, int):
                raise RuntimeError(
                    f"einsum(): dimension {dim} covered by ellipsis in operand {k}has size {size} which does not "
                    f"broadcast with previously seen ellipsis with size {before} for the respective dimension"
                )
            else:
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {k} which does not broadcast with "
                    f"previously seen size {before}"
                )
        sizes.append(here)
    return sizes


# ---- a pair of operands ----


def _pair(a, size_a, b, size_b, done, order):
    """(step, labels of its result, their sizes): a * b summed over the labels in `done`."""
    both, only_a, only_b, inner, sum_a, sum_b = [], [], [], [], [], []
    for x in order:
        in_a, in_b = size_a.get(x, 1) != 1, size_b.get(x, 1) != 1
        if x in done and in_a and in_b:
            inner.append(x)
        elif x in done:
            (sum_a if x in a else []).append(x)
            (sum_b if x in b else []).append(x)
        elif x in a or x in b:
            (both if in_a == in_b else only_a if in_a else only_b).append(x)
    sums = [a.index(x) for x in sum_a], [b.index(x) for x in sum_b]
    a, b = [x for x in a if x not in sum_a], [x for x in b if x not in sum_b]
    size = {
        x: size_b.get(x, 1) if size_a.get(x, 1) == 1 else size_a[x] for x in both + only_a + only_b
    }
    result = both + only_a + only_b
    if not inner:
        result = [x for x in order if x in size]
        views = [_placed(t, result) for t in (a, b)]
        return _times(sums, views), result, size
    n, m, p = (prod([size[x] for x in part]) for part in (both, only_a, only_b))
    k = prod([size_a[x] for x in inner])
    views = [
        (_unless_same([t.index(x) for x in parts if x in t]), shape)
        for t, parts, shape in (
            (a, both + only_a + inner + only_b, (n, m, k)),
            (b, both + inner + only_b + only_a, (n, k, p)),
        )
    ]
    return _matrices(sums, views, [size[x] for x in result]), result, size


def _placed(have, wanted):
    """(permutation, index that adds what is missing), each None if nothing is to be done."""
    order = _unless_same([have.index(x) for x in wanted if x in have])
    index = tuple([slice(None) if x in have else None for x in wanted])
    return order, index if None in index else None


def _times(sums, views):
    def operand(t, dims, view):
        t = t.sum(dims) if dims else t
        order, index = view
        t = t if order is None else t.permute(order)
        return t if index is None else t[index]

    return lambda a, b: operand(a, sums[0], views[0]) * operand(b, sums[1], views[1])


def _matrices(sums, views, shape):
    def operand(t, dims, view):
        t = t.sum(dims) if dims else t
        order, matrices = view
        return (t if order is None else t.permute(order)).reshape(matrices)

    def step(a, b):
        left, right = operand(a, sums[0], views[0]), operand(b, sums[1], views[1])
        return torch.bmm(left, right).reshape(shape)

    return step
