"""From a list of items to one batch. NumPy's arrays are known, but NumPy is not imported."""

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import rushlight as torch

_FOUND = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def _numpy_kind(elem):
    """'array', 'scalar' or None; also for NumPy's text, whose dtype kind is one of S, U, a, O."""
    if type(elem).__module__ != "numpy" or not hasattr(elem, "dtype"):
        return None
    return "array" if type(elem).__name__ in ("ndarray", "memmap") else "scalar"


def default_convert(data):
    """Turn NumPy arrays and scalars inside `data` into tensors; used where nothing is batched.

    >>> import rushlight as torch
    >>> torch.utils.data.default_convert([1, "a"])
    [1, 'a']
    """
    if isinstance(data, torch.Tensor):
        return data
    if _numpy_kind(data):
        return data if data.dtype.kind in "SUaO" else torch.as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping_like(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[default_convert(value) for value in data])
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _sequence_like(data, [default_convert(value) for value in data])
    return data


def _mapping_like(model, values):
    try:
        if isinstance(model, MutableMapping):
            # A copy keeps what the type holds besides its items, e.g. a default factory.
            out = copy.copy(model)
            out.update(values)
            return out
        return type(model)(values)
    except TypeError:
        return values


def _sequence_like(model, values):
    try:
        if isinstance(model, MutableSequence):
            out = copy.copy(model)
            for i, value in enumerate(values):
                out[i] = value
            return out
        return type(model)(values)
    except TypeError:
        return values


def collate_tensor_fn(batch, *, collate_fn_map=None):
    """Stack tensors along a new first dimension."""
    return torch.stack(batch, 0)


def _collate_array(batch):
    if batch[0].dtype.kind in "SUaO":
        raise TypeError(_FOUND.format(batch[0].dtype))
    return torch.stack([torch.as_tensor(array) for array in batch], 0)


def collate_numpy_array_fn(batch, *, collate_fn_map=None):
    """NumPy arrays as one tensor; TypeError for arrays of text or objects."""
    return _collate_array(batch)


def collate_numpy_scalar_fn(batch, *, collate_fn_map=None):
    """NumPy numbers as one tensor."""
    return torch.as_tensor(batch)


def _collate_sequence(batch, again):
    first = batch[0]
    if any(len(item) != len(first) for item in batch):
        lengths = ", ".join(str(len(item)) for item in batch[:8])
        raise RuntimeError(
            "each element in list of batch should be of equal size\n"
            f"The lengths begin {lengths}: pad the items, or give the loader a collate_fn."
        )
    columns = [again(column) for column in zip(*batch, strict=True)]
    return columns if isinstance(first, tuple) else _sequence_like(first, columns)


def collate(batch, *, collate_fn_map=None):
    """Like `default_collate`, with `collate_fn_map`, {type or types: function}, asked first.

    A function is called as `function(batch, collate_fn_map=collate_fn_map)`.
    """
    first = batch[0]
    if collate_fn_map:
        if type(first) in collate_fn_map:
            return collate_fn_map[type(first)](batch, collate_fn_map=collate_fn_map)
        for kind, function in collate_fn_map.items():
            if isinstance(first, kind):
                return function(batch, collate_fn_map=collate_fn_map)

    def again(items):
        return collate(items, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _mapping_like(first, {key: again([item[key] for item in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*[again(column) for column in zip(*batch, strict=True)])
    if isinstance(first, Sequence) and not isinstance(first, (str, bytes)):
        return _collate_sequence(batch, again)
    # NumPy's scalars come before Python's: numpy.float64 is a float.
    kind = _numpy_kind(first)
    if kind == "array":
        return _collate_array(batch)
    if kind == "scalar" and first.dtype.kind not in "SU":
        return torch.as_tensor(batch)
    raise TypeError(_FOUND.format(type(first)))


def collate_float_fn(batch, *, collate_fn_map=None):
    """Numbers as a float64 tensor."""
    return torch.tensor(batch, dtype=torch.float64)


def collate_int_fn(batch, *, collate_fn_map=None):
    """Whole numbers as a tensor."""
    return torch.tensor(batch)


def collate_str_fn(batch, *, collate_fn_map=None):
    """Texts as they are."""
    return batch


default_collate_fn_map = {
    torch.Tensor: collate_tensor_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch):
    """Join items into a batch: tensors are stacked, numbers become a tensor, texts stay texts.

    Dicts, lists, tuples and named tuples keep their structure, each leaf a batch of its own
    (a plain tuple becomes a list). Raises TypeError for other types, RuntimeError for lists of
    different lengths.

    >>> import rushlight as torch
    >>> torch.utils.data.default_collate([(1.0, "a"), (2.0, "b")])
    [tensor([1., 2.], dtype=torch.float64), ('a', 'b')]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
