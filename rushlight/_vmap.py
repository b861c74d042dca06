"""torch.vmap: a function over a dimension of its arguments, a slice at a time, results stacked.

Equal to PyTorch's batching in value, not in speed.
"""

import rushlight as torch

from .utils._pytree import tree_flatten, tree_leaves, tree_unflatten

# --- what is mapped over -------------------------------------------------------------------------


def _name(func):
    return getattr(func, "__name__", None) or repr(func)


def _is_container(x):
    return isinstance(x, (tuple, list, dict))


def _spread(dims, tree):
    """`dims`, an int, None or a tree of them, for each leaf of `tree`; None if they do not fit."""
    if not _is_container(dims):
        return [dims] * len(tree_leaves(tree))
    if type(dims) is not type(tree) or len(dims) != len(tree):
        return None
    if isinstance(dims, dict):
        if list(dims) != list(tree):
            return None
        pairs = [(dims[key], tree[key]) for key in tree]
    else:
        pairs = list(zip(dims, tree))
    parts = [_spread(dim, part) for dim, part in pairs]
    return None if None in parts else [d for part in parts for d in part]


def _sliced(func, in_dims, args):
    """(leaves, the dimension or None of each, the structure of the arguments)."""
    start = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"{start}expected `in_dims` to be int or a (potentially nested) tuple "
            f"matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or "
            "you are trying to vmap over a function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = _spread(in_dims, args)
    if dims is None:
        raise ValueError(
            f"{start}in_dims is not compatible with the structure of `inputs`. "
            f"in_dims has structure {tree_flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    return leaves, [_checked(start, d, x) for d, x in zip(dims, leaves)], spec


def _checked(start, dim, leaf):
    """A dimension of a leaf, counted from the front."""
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{start}Got in_dim={dim} for an input but in_dim must be either "
            "an integer dimension or None."
        )
    if not isinstance(leaf, torch.Tensor):
        raise ValueError(
            f"{start}Got in_dim={dim} for an input but the input is of type {type(leaf)}. We "
            "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -leaf.dim() <= dim < leaf.dim():
        raise ValueError(
            f"{start}Got in_dim={dim} for some input, but that input is a Tensor of "
            f"dimensionality {leaf.dim()} so expected in_dim to satisfy "
            f"-{leaf.dim()} <= in_dim < {leaf.dim()}."
        )
    return dim % leaf.dim()


def _batch_size(leaves, dims):
    sizes = [x.size(d) for x, d in zip(leaves, dims) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped "
            f"dimension, got sizes {sizes} for the mapped dimension"
        )
    return sizes[0]


# --- running and putting together ----------------------------------------------------------------


def _check_options(func, out_dims, randomness, chunk_size):
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")


def _check_out_dims(func, out_dims):
    if all(isinstance(d, int) or d is None for d in tree_leaves(out_dims)):
        return
    raise ValueError(
        f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a "
        "python collection of ints representing where in the outputs the vmapped dimension "
        "should appear."
    )


class _Randomness:
    """What a slice may draw: nothing, the same as the others, or what comes next."""

    def __init__(self, kind):
        self.kind = kind
        self.state = None if kind == "different" else torch.get_rng_state()

    def before(self):
        if self.kind == "same":
            torch.set_rng_state(self.state)

    def after(self):
        if self.kind == "error" and not torch.equal(self.state, torch.get_rng_state()):
            torch.set_rng_state(self.state)  # as if nothing had been drawn
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap"
            )


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """`func` over a dimension of its arguments, one slice at a time, results stacked.

    Args:
        in_dims: the dimension, or a tuple of them for each argument, nested as the argument is;
            None for what every slice gets whole. Keyword arguments are given whole.
        out_dims: where the dimension goes in the results; None for results that do not differ.
        randomness (str): "error" raises RuntimeError if the function draws random numbers; with
            "same" every slice draws the same; with "different" one draws after the other.
        chunk_size (int): accepted: slices are computed one at a time.

    Raises ValueError for dimensions that do not fit the arguments or the results.

    >>> import rushlight as torch
    >>> torch.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    _check_options(func, out_dims, randomness, chunk_size)

    def mapped(*args, **kwargs):
        _check_out_dims(func, out_dims)
        leaves, dims, spec = _sliced(func, in_dims, args)
        size = _batch_size(leaves, dims)
        draws, rows = _Randomness(randomness), []
        for i in range(size):
            draws.before()
            part = [x if d is None else x.select(d, i) for x, d in zip(leaves, dims)]
            rows.append(func(*tree_unflatten(part, spec), **kwargs))
            draws.after()
        return _stacked(func, rows, out_dims)

    if hasattr(func, "__name__"):
        mapped.__name__ = func.__name__
    mapped.__wrapped__ = func
    return mapped


def _stacked(func, rows, out_dims):
    if not rows:
        raise ValueError("vmap: the mapped dimension is empty")
    first, spec = tree_flatten(rows[0])
    name = _name(func)
    for leaf in first:
        if not isinstance(leaf, torch.Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. "
                "Did you mean to set out_dims= to None for output?"
            )
    one_for_one = isinstance(rows[0], torch.Tensor) and isinstance(out_dims, tuple)
    if one_for_one and len(out_dims) == 1:
        dims = list(out_dims)
    else:
        dims = _spread(out_dims, rows[0])
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            f"the structure of `outputs`. out_dims has structure {tree_flatten(out_dims)[1]} but "
            f"outputs has structure {spec}."
        )
    columns = zip(*(tree_leaves(row) for row in rows))
    results = [
        column[0] if dim is None else torch.stack(column, dim) for column, dim in zip(columns, dims)
    ]
    return tree_unflatten(results, spec)
