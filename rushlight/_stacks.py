"""Tensors joined along the first, second or third dimension, which those of fewer dimensions get.

Not here: cat and stack themselves, which are the core's.
"""

import rushlight as torch

from ._composite import check_tensor_list

__all__ = ["column_stack", "dstack", "hstack", "row_stack", "vstack"]


def _check(name, tensors):
    check_tensor_list(name, tensors)
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")


def hstack(tensors, *, out=None):
    """Joins along the second dimension; vectors along their only one.

    Shapes: `torch.cat` along dimension 1, or 0 for vectors; numbers () count as vectors (1).
    Dtypes: any; the result has the promoted one. RuntimeError: other sizes differ, or no tensors.

    >>> torch.hstack([torch.tensor([1, 2]), torch.tensor([3])])
    tensor([1, 2, 3])
    >>> torch.hstack([torch.ones(2, 1), torch.ones(2, 3)]).shape
    torch.Size([2, 4])
    """
    _check("hstack", tensors)
    tensors = [t if t.dim() else t.reshape(1) for t in tensors]
    return torch.cat(tensors, 0 if tensors[0].dim() == 1 else 1, out=out)


def vstack(tensors, *, out=None):
    """Joins along the first dimension; a vector is a row.

    Shapes: `torch.cat` along dimension 0; vectors (m) count as (1, m), numbers as (1, 1).
    Dtypes: any; the result has the promoted one. RuntimeError: other sizes differ, or no tensors.

    >>> torch.vstack([torch.tensor([1, 2]), torch.tensor([[3, 4], [5, 6]])])
    tensor([[1, 2],
            [3, 4],
            [5, 6]])
    """
    _check("vstack", tensors)
    return torch.cat([t if t.dim() > 1 else t.reshape(1, -1) for t in tensors], 0, out=out)


row_stack = vstack


def dstack(tensors, *, out=None):
    """Joins along the third dimension.

    Shapes: `torch.cat` along dimension 2; vectors (m) count as (1, m, 1), matrices (n, m) as
    (n, m, 1). Dtypes: any; the result has the promoted one. RuntimeError: other sizes differ, or no
    tensors.

    >>> torch.dstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    _check("dstack", tensors)
    shaped = [t if t.dim() > 1 else t.reshape(1, -1) for t in tensors]
    return torch.cat([t if t.dim() > 2 else t.unsqueeze(2) for t in shaped], 2, out=out)


def column_stack(tensors, *, out=None):
    """Joins along the second dimension; a vector is a column.

    Shapes: `torch.cat` along dimension 1; vectors (m) count as (m, 1), numbers as (1, 1).
    Dtypes: any; the result has the promoted one. RuntimeError: other sizes differ, or no tensors.

    >>> torch.column_stack([torch.tensor([1, 2]), torch.tensor([[3, 4], [5, 6]])])
    tensor([[1, 3, 4],
            [2, 5, 6]])
    """
    _check("column_stack", tensors)
    return hstack([t if t.dim() > 1 else t.reshape(-1, 1) for t in tensors], out=out)
