"""torch.func: derivatives of functions, composable with each other and with vmap (_vmap.py).

Built on the engine's higher derivatives.
"""

import rushlight as torch

from ._vmap import vmap
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
    "replace_all_batch_norm_modules_",
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
        raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
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
    """The numbers of the arguments to differentiate by."""
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    for n in numbers:
        if not isinstance(n, int):
            raise RuntimeError(f"argnum must be int, got: {type(n)}")
        if not -len(args) <= n < len(args):
            raise RuntimeError(
                f"Got argnum={n}, but only {len(args)} positional inputs\n"
                "argnums counts positional arguments from 0."
            )
    if len({n % len(args) for n in numbers}) != len(numbers):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return [n % len(args) for n in numbers]


def _with_aux(result, has_aux, api):
    """(output, aux) of what the function returned."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{api}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


def _outputs(output, api, call="f(*primals)"):
    """The leaves of an output, which must be tensors, and its structure."""
    leaves, spec = tree_flatten(output)
    if leaves in ([], [None]):
        raise RuntimeError(
            f"{api}: Expected f to be a function that has non-empty output (got output = {leaves})"
        )
    for leaf in leaves:
        if not _is_tensor(leaf):
            raise RuntimeError(
                f"{api}: expected {call} to return only tensors, got unsupported type {type(leaf)}"
            )
    return leaves, spec


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that gives (gradient, value) of `func`, whose result is one number."""

    def wrapped(*args, **kwargs):
        with _Level():
            keep = _keeps_graph(args, kwargs)
            args, numbers = list(args), _chosen(args, argnums)
            for n in numbers:
                args[n] = tree_map(_variable, args[n])
            result = func(*args, **kwargs)
            value, aux = _with_aux(result, has_aux, "grad_and_value(f)(*args)")
            if not _is_tensor(value):
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a Tensor, "
                    f"got {type(value)}"
                )
            if value.dim() != 0:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, "
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


def _drawn(tree):
    """A structure with a star for each leaf."""
    if isinstance(tree, dict):
        inner = ", ".join(f"{key!r}: {_drawn(value)}" for key, value in tree.items())
        return "{" + inner + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(_drawn, tree)) + "]"
    if isinstance(tree, tuple):
        return "(" + ", ".join(map(_drawn, tree)) + ("," if len(tree) == 1 else "") + ")"
    return "*"


def vjp(func, *primals, has_aux=False):
    """(value, function of a cotangent that gives the gradients at `primals`)."""
    with _Level():
        keep = _keeps_graph(primals)
        variables = [tree_map(_variable, p) for p in primals]
        result = func(*variables)
        output, aux = _with_aux(result, has_aux, "vjp(f, *primals)")
        outputs, spec = _outputs(output, "vjp(f, *primals)")
        for out in outputs:
            if not (out.is_floating_point() or out.is_complex()):
                raise RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got "
                    f"Tensor with dtype {out.dtype}"
                )
        leaves, in_spec = tree_flatten(variables)

    def pull(*cotangents, retain_graph=True, create_graph=None):
        cotangent = cotangents[0] if len(cotangents) == 1 else cotangents
        given = tree_leaves(cotangent)
        if len(given) != len(outputs):
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {_drawn(cotangent)}, "
                f"primal output: {_drawn(output)}"
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
    api = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{api}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    if tree_structure(primals) != tree_structure(tangents):
        raise RuntimeError(
            f"{api}: Expected primals and tangents to have the same python structure. For "
            "example, if primals is a tuple of 3 tensors, tangents also must be. Got primals with "
            f"structure {tree_structure(primals)} and tangents with structure "
            f"{tree_structure(tangents)}"
        )
    if not tree_leaves(primals):
        raise RuntimeError(f"{api}: Expected primals to contain at least one Tensor.")
    with _Level():
        keep = _keeps_graph(primals, tangents)
        variables = tree_map(_variable, primals)
        output, aux = _with_aux(func(*variables), has_aux, api)
        outputs, spec = _outputs(output, api)
        if strict and not all(o.requires_grad for o in outputs):
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
                "inputs. This is not allowed with strict=True."
            )
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

    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    def wrapped(*args, **kwargs):
        with _Level():
            keep = _keeps_graph(args, kwargs)
            args, numbers = list(args), _chosen(args, argnums)
            for n in numbers:
                args[n] = tree_map(_variable, args[n])
            output, aux = _with_aux(func(*args, **kwargs), has_aux, "vjp(f, *primals)")
            outputs, out_spec = _outputs(output, "vjp(f, *primals)")
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
        if not isinstance(given, (list, tuple)):
            raise ValueError(
                "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, "
                f"but got {type(given)}"
            )
        if not all(isinstance(part, dict) for part in given):
            raise ValueError(
                "Expected all elements of parameter_and_buffer_dicts to be dictionaries"
            )
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
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if not all(type(model) is type(models[0]) for model in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(tables):
        return {name: _stack_leaf([t[name] for t in tables], name) for name in tables[0]}

    params = stacked([dict(model.named_parameters()) for model in models])
    return params, stacked([dict(model.named_buffers()) for model in models])


def _stack_leaf(tensors, name):
    """A new leaf with the tensors of each model along its first dimension."""
    needs = tensors[0].requires_grad
    if any(t.requires_grad != needs for t in tensors):
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return torch.stack([t.detach() for t in tensors]).requires_grad_(needs)


def replace_all_batch_norm_modules_(root):
    """Takes the running statistics off all batch norms in `root`, in place; returns `root`.

    vmap cannot write one buffer from several slices.
    """
    from .nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func, *, remove="mutations"):
    """`func` itself: it gives the same results."""
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            "functionalize(f, remove='mutations'): received invalid argument for "
            f"remove={remove}. Valid options are:\n     remove='mutations'\n"
            "     remove='mutations_and_views'"
        )
    return func
