"""Views as copies (`view_copy` and its like), and copies with one view written over
(`select_scatter` and its like). Not here: the views themselves, which are the core's.
"""

import rushlight as torch

from ._composite import CAST, EXACT, shape_text, with_out, write


def _slice(input, dim=0, start=None, end=None, step=1):
    """The view input[start:end:step] along `dim`."""
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    index = [slice(None)] * input.dim()
    if not input.dim():
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    index[_wrapped(dim, input.dim())] = slice(start, end, step)
    return input[tuple(index)]


def _wrapped(dim, n):
    if not -n <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return dim % n


# ---- a view's copy ----


def _whole(result):
    if isinstance(result, torch.Tensor):
        return result.clone(memory_format=torch.contiguous_format)
    return tuple(_whole(t) for t in result)


_REPORT = (
    "(Could this error message be improved?  If so, please report an enhancement request to "
    "PyTorch.)"
)


def _narrow(input, dim, start, length):
    """torch.narrow with the errors that PyTorch's narrow_copy has."""
    if dim >= input.dim() > 0:
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  "
            + _REPORT
        )
    if length < 0:
        raise RuntimeError(
            f"start ({start}) + length ({length}) exceeds dimension size ({input.size(dim)})."
        )
    return torch.narrow(input, dim, start, length)


_WRONG = {
    "narrow_copy": "Expected self.dtype() == output.dtype() to be true, but got false.  " + _REPORT,
    "view_as_complex_copy": CAST,
    "view_as_real_copy": CAST,
}


# What help() shows of each.
_SHOWN = """
>>> torch.alias_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]))
tensor([[0, 1, 2],
        [3, 4, 5]])

>>> torch.as_strided_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), (2, 2), (3, 1))
tensor([[0, 1],
        [3, 4]])

>>> torch.detach_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]))
tensor([[0, 1, 2],
        [3, 4, 5]])

>>> torch.diagonal_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]))
tensor([0, 4])

>>> torch.expand_copy(torch.tensor([[0], [3]]), (2, 2))
tensor([[0, 0],
        [3, 3]])

>>> torch.narrow_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), 1, 1, 2)
tensor([[1, 2],
        [4, 5]])

>>> torch.permute_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), (1, 0))
tensor([[0, 3],
        [1, 4],
        [2, 5]])

>>> torch.select_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), 0, 1)
tensor([3, 4, 5])

>>> torch.slice_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), 1, 0, 2)
tensor([[0, 1],
        [3, 4]])

>>> torch.split_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), 1)
(tensor([[0, 1, 2]]), tensor([[3, 4, 5]]))

>>> torch.split_with_sizes_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), [1, 2], dim=1)
(tensor([[0],
        [3]]), tensor([[1, 2],
        [4, 5]]))

>>> torch.squeeze_copy(torch.tensor([[0, 1]]))
tensor([0, 1])

>>> torch.t_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]))
tensor([[0, 3],
        [1, 4],
        [2, 5]])

>>> torch.transpose_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), 0, 1)
tensor([[0, 3],
        [1, 4],
        [2, 5]])

>>> torch.unbind_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]))
(tensor([0, 1, 2]), tensor([3, 4, 5]))

>>> torch.unfold_copy(torch.arange(4), 0, 2, 1)
tensor([[0, 1],
        [1, 2],
        [2, 3]])

>>> torch.unsqueeze_copy(torch.arange(3), 1)
tensor([[0],
        [1],
        [2]])

>>> torch.view_as_complex_copy(torch.tensor([[1.0, 2.0]]))
tensor([1.+2.j])

>>> torch.view_as_real_copy(torch.tensor([1 + 2j]))
tensor([[1., 2.]])

>>> torch.view_copy(torch.tensor([[0, 1, 2], [3, 4, 5]]), (3, 2))
tensor([[0, 1],
        [2, 3],
        [4, 5]])
"""
_SHOWN = {text[10 : text.index("(", 10)]: text for text in _SHOWN.strip().split("\n\n")}


def _copy_doc(name):
    view = name.removesuffix("_copy")
    many = view.startswith(("split", "unbind"))
    shares = "copies: they share" if many else "a copy: shares"
    first = f"{view} as {shares} no memory with the input."
    facts = f"Shapes, dtypes and errors are those of `{view}`; differentiable like it."
    return f"{first}\n\n{facts}\n\n{_SHOWN[name]}"


def _copy_of(name, view):
    def function(input, *args, **kwargs):
        return _whole(view(input, *args, **kwargs))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _copy_doc(name)
    return with_out(function, wrong=_WRONG.get(name, EXACT))


_VIEWS = {
    "alias": lambda input: input,
    "as_strided": torch.as_strided,
    "detach": lambda input: input.detach(),
    "diagonal": torch.diagonal,
    "expand": lambda input, size, *, implicit=False: input.expand(size),
    "narrow": _narrow,
    "permute": torch.permute,
    "select": torch.select,
    "slice": _slice,
    "squeeze": torch.squeeze,
    "t": torch.t,
    "transpose": torch.transpose,
    "unfold": lambda input, dimension, size, step: input.unfold(dimension, size, step),
    "unsqueeze": torch.unsqueeze,
    "view_as_complex": torch.view_as_complex,
    "view_as_real": torch.view_as_real,
    "view": lambda input, size=None, *, dtype=None: input.view(size if dtype is None else dtype),
}
for _name, _view in _VIEWS.items():
    globals()[_name + "_copy"] = _copy_of(_name + "_copy", _view)
del _name, _view


def _pieces_of(name, view):
    def function(input, *args, out=None, **kwargs):
        pieces = view(input, *args, **kwargs)
        if out is None:
            return _whole(pieces)
        if len(out) != len(pieces):
            raise RuntimeError(
                f"{name}_out() expected an out= argument of size {len(pieces)}, got size {len(out)}"
            )
        for to, piece in zip(out, pieces):
            write(to, piece, name, EXACT)
        return None

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _copy_doc(name)
    return function


split_copy = _pieces_of("split_copy", torch.split)
split_with_sizes_copy = _pieces_of("split_with_sizes_copy", torch.split_with_sizes)
unbind_copy = _pieces_of("unbind_copy", torch.unbind)


# ---- a copy with a view written over ----


def _written(input, src, view):
    """A copy of the input in which `view(copy)` is `src`."""
    result = input.clone()
    part = view(result)
    if part.shape != src.shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{shape_text(src.shape)}, slice size = {shape_text(part.shape)}"
        )
    part.copy_(src)
    return result


@with_out(wrong=EXACT)
def select_scatter(input, src, dim, index):
    """A copy of the input with `src` at `index` of dimension `dim`.

    Shapes: `src` is the input without `dim`, RuntimeError otherwise; the result has the input's
    shape and dtype. IndexError for an index out of range. Differentiable with respect to both.

    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 0)
    tensor([[1., 1.],
            [0., 0.]])
    """
    return _written(input, src, lambda t: t.select(dim, index))


@with_out(wrong=EXACT)
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy of the input with `src` in the slice start:end:step of dimension `dim`.

    Shapes: `src` has the slice's; the result the input's shape and dtype. Raises RuntimeError for
    another shape of `src` or a step below 1, IndexError for a dimension out of range.
    Differentiable with respect to both.

    >>> torch.slice_scatter(torch.zeros(4), torch.tensor([1.0, 2.0]), start=1, end=3)
    tensor([0., 1., 2., 0.])
    """
    return _written(input, src, lambda t: _slice(t, dim, start, end, step))


@with_out(wrong=EXACT)
def slice_inverse(input, src, dim=0, start=None, end=None, step=1):
    """A tensor of the size of `src` with the input in a slice of it, zero elsewhere.

    The gradient of a slice; shapes and errors are those of `slice_scatter`. In PyTorch the rest is
    what lies in the memory that the input is a slice of.

    >>> torch.slice_inverse(torch.tensor([1.0, 2.0]), torch.ones(4), start=1, end=3)
    tensor([0., 1., 2., 0.])
    """
    result = torch.zeros_like(src)
    return _written(result, input, lambda t: _slice(t, dim, start, end, step))


@with_out(wrong=EXACT)
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """A copy of the input with `src` on a diagonal.

    Shapes: `src` has the shape of `input.diagonal(offset, dim1, dim2)`, RuntimeError otherwise; the
    result has the input's shape and dtype. Differentiable with respect to both.

    >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    return _written(input, src, lambda t: t.diagonal(offset, dim1, dim2))


@with_out(wrong=EXACT)
def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """A copy of the input with `src` where as_strided(size, stride, storage_offset) looks.

    Shapes: `src` has `size`, RuntimeError otherwise, or if the strides reach out of the memory; the
    result has the input's shape and dtype. Differentiable with respect to both.

    >>> torch.as_strided_scatter(torch.zeros(4), torch.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    return _written(input, src, lambda t: t.as_strided(size, stride, storage_offset))


__all__ = [n for n in globals() if n[0] != "_" and n.endswith(("_copy", "_scatter", "_inverse"))]
