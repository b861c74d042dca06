"""torch.func: derivatives and maps of functions, composable with each other.

Built on the engine's higher derivatives. `vmap` runs its function once a slice and stacks the
results: equal to PyTorch's batching in value, not in speed.
"""

import rushlight as torch

from .nn.utils.stateless import _functional_call
from .utils._pytree import tree_flatten, tree_leaves, tree_map, tree_structure, tree_unflatten

__all__ = [
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]

_depth = 0  # of transforms that run now: what an inner one computes, an outer one differentiates


class _Level:
    def __enter__(self):
        global _depth
        _depth += 1
        self.grad = torch.enable_grad()
        self.grad.__enter__()

    def __exit__(self, *error):
        global _depth
        _depth -= 1
        self.grad.__exit__(*error)


def _is_tensor(x):
    return isinstance(x, torch.Tensor)


def _variable(x):
    """`x` as a place to differentiate at, still connected to what an outer level tracks."""
    if not _is_tensor(x):
        raise TypeError(
            f"Expected tensors to differentiate at, got an argument of type {type(x).__name__}"
        )
    return x.view_as(x) if x.requires_grad else x.detach().requires_grad_()


def _keeps_graph(*trees):
    return _depth > 1 or any(_is_tensor(x) and x.requires_grad for x in tree_leaves(trees))


def _loose(tree, keep):
    """Results, cut from the graph unless an outer level needs it."""
    return tree if keep else tree_map(lambda x: x.detach() if _is_tensor(x) else x, tree)


def _gradients(outputs, variables, cotangents, keep):
    """Gradients by variable, zeros where nothing depends on one."""
    pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
    if not pairs or not variables:
        return [torch.zeros_like(v) for v in variables]
    found = torch.autograd.grad(
        [o for o, _ in pairs],
        variables,
        [c for _, c in pairs],
        retain_graph=True,
        create_graph=keep,
        allow_unused=True,
    )
    return [torch.zeros_like(v) if g is None else g for v, g in zip(variables, found, strict=True)]


def _chosen(args, argnums):
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise RuntimeError(
                f"Got argnum={n}, but only {len(args)} positional inputs\n"
                "argnums counts positional arguments from 0."
            )
    return [n % len(args) for n in numbers]


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that gives (gradient, value) of `func`, whose result is one number."""

    def wrapped(*args, **kwargs):
        with _Level():
            keep = _keeps_graph(args, kwargs)
            args, numbers = list(args), _chosen(args, argnums)
            for n in numbers:
                args[n] = tree_map(_variable, args[n])
            result = func(*args, **kwargs)
            value, aux = result if has_aux else (result, None)
            if not _is_tensor(value):
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a Tensor, "
                    f"got {type(value)}"
                )
            if value.dim() != 0:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, "
                    f"got tensor with {value.dim()} dims. Maybe you wanted to use the vjp or "
                    "jacrev APIs instead?"
                )
            leaves, spec = tree_flatten([args[n] for n in numbers])
            found = _gradients([value], leaves, [torch.ones_like(value)], keep)
            grads = tree_unflatten(found, spec)
            grads = grads[0] if isinstance(argnums, int) else tuple(grads)
            grads, value, aux = _loose((grads, value, aux), keep)
        return (grads, (value, aux)) if has_aux else (grads, value)

    return wrapped


def grad(func, argnums=0, has_aux=False):
    """A function that gives the gradient of `func`, whose result is one number.

    >>> import rushlight as torch
    >>> torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(0.5))
    tensor(-0.4794)
    """
    both = grad_and_value(func, argnums, has_aux)

    def wrapped(*args, **kwargs):
        grads, value = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return wrapped


def vjp(func, *primals, has_aux=False):
    """(value, function of a cotangent that gives the gradients at `primals`)."""
    with _Level():
        keep = _keeps_graph(primals)
        variables = [tree_map(_variable, p) for p in primals]
        result = func(*variables)
        output, aux = result if has_aux else (result, None)
        outputs, spec = tree_flatten(output)
        leaves, in_spec = tree_flatten(variables)

    def pull(*cotangents, retain_graph=True, create_graph=None):
        cotangent = cotangents[0] if len(cotangents) == 1 else cotangents
        given, given_spec = tree_flatten(cotangent)
        if len(given) != len(outputs):
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {given_spec}, primal output: {spec}"
            )
        with _Level():
            tracked = keep or _keeps_graph(given)
            grads = _gradients(outputs, leaves, given, tracked)
            grads = tree_unflatten(_loose(grads, tracked), in_spec)
        return tuple(grads)

    output, aux = _loose((output, aux), keep)
    return (output, pull, aux) if has_aux else (output, pull)


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(value, directional derivative along `tangents`), by differentiating the vjp."""
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to be tuples, "
            f"got {type(primals)} and {type(tangents)}"
        )
    if tree_structure(primals) != tree_structure(tangents):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same "
            "python structure."
        )
    with _Level():
        keep = _keeps_graph(primals, tangents)
        variables = tree_map(_variable, primals)
        result = func(*variables)
        output, aux = result if has_aux else (result, None)
        outputs, spec = tree_flatten(output)
        dummies = [torch.zeros_like(o).requires_grad_() for o in outputs]
        leaves = tree_leaves(variables)
        pulled = _gradients(outputs, leaves, dummies, True)
        pushed = _gradients(pulled, dummies, tree_leaves(tangents), keep)
        tangent = tree_unflatten(pushed, spec)
        output, tangent, aux = _loose((output, tangent, aux), keep)
    return (output, tangent, aux) if has_aux else (output, tangent)


def linearize(func, *primals):
    """(value, the linear function of tangents that `func` is at `primals`)."""
    output = func(*primals)
    return output, lambda *tangents: jvp(func, primals, tangents)[1]


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """A function that gives the Jacobian: of every output by every chosen argument.

    >>> import rushlight as torch
    >>> torch.func.jacrev(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    def wrapped(*args, **kwargs):
        with _Level():
            keep = _keeps_graph(args, kwargs)
            args, numbers = list(args), _chosen(args, argnums)
            for n in numbers:
                args[n] = tree_map(_variable, args[n])
            result = func(*args, **kwargs)
            output, aux = result if has_aux else (result, None)
            outputs, out_spec = tree_flatten(output)
            leaves, spec = tree_flatten([args[n] for n in numbers])
            parts = []
            for out in outputs:
                rows = _rows(out, leaves, keep)
                chosen = tree_unflatten(rows, spec)
                parts.append(chosen[0] if isinstance(argnums, int) else tuple(chosen))
            jacobian = tree_unflatten(parts, out_spec)
            jacobian, aux = _loose((jacobian, aux), keep)
        return (jacobian, aux) if has_aux else jacobian

    return wrapped


def _rows(out, leaves, keep):
    """The Jacobian of one output by every leaf, a row at a time."""
    basis = torch.eye(out.numel(), dtype=out.dtype).reshape(out.numel(), *out.shape)
    rows = [_gradients([out], leaves, [unit], keep) for unit in basis]
    if not rows:
        return [leaf.new_zeros((*out.shape, *leaf.shape)) for leaf in leaves]
    columns = zip(*rows, strict=True)
    return [
        torch.stack(column).reshape(*out.shape, *leaf.shape)
        for column, leaf in zip(columns, leaves, strict=True)
    ]


def jacfwd(func, argnums=0, has_aux=False, *, chunk_size=None, randomness="error"):
    """The same matrix as `jacrev`'s, and computed as it is: there is no forward mode here."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func, argnums=0):
    """A function that gives the second derivatives: the Jacobian of the Jacobian."""
    return jacfwd(jacrev(func, argnums), argnums)


# vmap


def _sliced(in_dims, args):
    """[(leaf, its dimension or None), ...] and the shape of the arguments."""
    leaves, spec = tree_flatten(args)
    if isinstance(in_dims, int):
        return leaves, [in_dims if _is_tensor(x) else None for x in leaves], spec
    if not isinstance(in_dims, (tuple, list)) or len(in_dims) != len(args):
        raise ValueError(
            f"vmap({{func}}, in_dims={in_dims}, ...)(<inputs>): "
            "in_dims is not compatible with the structure of `inputs`. "
            f"in_dims has structure {tree_structure(in_dims)} but inputs "
            f"has structure {spec}."
        )
    dims = []
    for dim, arg in zip(in_dims, args, strict=True):
        dims += _broadcast(dim, arg)
    return leaves, dims, spec


def _broadcast(dim, arg):
    if dim is None or isinstance(dim, int):
        return [dim] * len(tree_leaves(arg))
    if isinstance(dim, dict):
        return [d for key in arg for d in _broadcast(dim[key], arg[key])]
    return [d for one, part in zip(dim, arg, strict=True) for d in _broadcast(one, part)]


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """`func` over a dimension of its arguments, one slice at a time, results stacked.

    Keyword arguments go to every call as they are. With randomness="same" every slice draws the same numbers; else they draw one after another.

    >>> import rushlight as torch
    >>> torch.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )

    def mapped(*args, **kwargs):
        leaves, dims, spec = _sliced(in_dims, args)
        sizes = [x.size(d) for x, d in zip(leaves, dims, strict=True) if d is not None]
        if not sizes:
            raise ValueError("vmap: at least one input must have a dimension to map over")
        if len(set(sizes)) != 1:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped "
                f"dimension, got sizes {sizes} for the mapped dimension"
            )
        state = torch.get_rng_state() if randomness == "same" else None
        rows = []
        for i in range(sizes[0]):
            if state is not None:
                torch.set_rng_state(state)
            part = [x if d is None else x.select(d, i) for x, d in zip(leaves, dims, strict=True)]
            rows.append(func(*tree_unflatten(part, spec), **kwargs))
        return _stacked(rows, out_dims)

    return mapped


def _stacked(rows, out_dims):
    if not rows:
        raise ValueError("vmap: the mapped dimension is empty")
    columns = zip(*[tree_leaves(row) for row in rows], strict=True)
    spec = tree_structure(rows[0])
    dims = _broadcast(out_dims, rows[0])
    results = []
    for column, dim in zip(columns, dims, strict=True):
        if not _is_tensor(column[0]):
            raise ValueError(
                "vmap: function must only return Tensors, "
                f"got type {type(column[0])}. Did you mean to set out_dims= to None for output?"
            )
        results.append(column[0] if dim is None else torch.stack(column, dim))
    return tree_unflatten(results, spec)


# modules


def functional_call(
    module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False
):
    """Calls a module with other parameters and buffers, and leaves it as it is.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(1, 1)
    >>> new = {"weight": torch.ones(1, 1), "bias": torch.ones(1)}
    >>> torch.func.functional_call(layer, new, torch.ones(1))
    tensor([2.])
    """
    given = parameter_and_buffer_dicts
    if not isinstance(given, dict):
        names = [name for part in given for name in part]
        repeated = [name for i, name in enumerate(names) if name in names[:i]]
        if repeated:
            raise ValueError(
                f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
            )
        given = {name: value for part in given for name, value in part.items()}
    return _functional_call(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models):
    """(parameters, buffers) of equal modules, stacked along a new first dimension, by name."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not all(type(model) is type(models[0]) for model in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(tables):
        names = tables[0].keys()
        return {name: torch.stack([table[name].detach() for table in tables]) for name in names}

    params = stacked([dict(model.named_parameters()) for model in models])
    for p in params.values():
        p.requires_grad_()
    return params, stacked([dict(model.named_buffers()) for model in models])


def functionalize(func, *, remove="mutations"):
    """`func` itself: it gives the same results."""
    return func
