"""torch.autograd.forward_ad: derivatives in a direction, by dual numbers' names.

A dual tensor is a variable whose direction is known here. `unpack_dual` gets the tangent of a result
from the graph behind it: the gradient is a linear function of the gradient that comes in, and the
gradient of that function is the product with the Jacobian (Townsend, "A new trick for calculating
Jacobian vector products", 2017). So what is computed from a dual tensor requires a gradient, and
under `no_grad` no tangent is followed. torch.func.jvp does the same for a function.
"""

from collections import namedtuple

import rushlight as torch

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ["primal", "tangent"])
UnpackedDualTensor.__doc__ = "What `unpack_dual` returns: a tensor, and its tangent or None."

_duals = None  # {id of a dual tensor: (it, its tangent)} of the level; None: there is no level


def enter_dual_level():
    """Begins a level and returns its number, 0. RuntimeError inside of another."""
    global _duals
    if _duals is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _duals = {}
    return 0


def exit_dual_level(*, level=None):
    """Ends the level: its dual tensors have no tangents any more."""
    global _duals
    if _duals is None:
        raise RuntimeError("Dual level must be a positive number.")
    if level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is "
            "not supported."
        )
    _duals = None


class dual_level:
    """A block in which tensors may be dual.

    >>> with dual_level():
    ...     x = make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.5]))
    ...     unpack_dual(x * x).tangent
    tensor([2., 2.])
    """

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *error):
        exit_dual_level()


def make_dual(tensor, tangent, *, level=None):
    """`tensor`, moving in the direction `tangent`, which has its shape.

    Raises RuntimeError without a level and for another shape, ValueError for tensors of integers.
    """
    if _duals is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for name, value in (("primal", tensor), ("tangent", tangent)):
        if not (value.is_floating_point() or value.is_complex()):
            raise ValueError(
                f"Expected {name} to be floating point or complex, but got: {value.dtype}"
            )
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(tensor.shape)} while the given "
            f"forward gradient is of size {list(tangent.shape)}."
        )
    if id(tensor) in _duals:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same "
            "level 0 is not supported."
        )
    with torch.enable_grad():
        dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    _duals[id(dual)] = dual, tangent
    return dual


def unpack_dual(tensor, *, level=None):
    """(primal, tangent) of a tensor; the tangent is None if nothing dual is behind it."""
    tangent = _tangent(tensor) if _duals and tensor.requires_grad else None
    return UnpackedDualTensor(tensor if _has_other_leaves(tensor) else tensor.detach(), tangent)


def _tangent(tensor):
    if id(tensor) in _duals:
        return _duals[id(tensor)][1]
    keep = _has_other_leaves(tensor) or any(t.requires_grad for _, t in _duals.values())
    duals, tangents = zip(*_duals.values())
    with torch.enable_grad():
        incoming = torch.zeros_like(tensor).requires_grad_()
        grads = torch.autograd.grad(tensor, duals, incoming, create_graph=True, allow_unused=True)
        if all(g is None for g in grads):
            return None
        pairs = [(g, t.to(g.dtype)) for g, t in zip(grads, tangents) if g is not None]
        pairs = [(g, t) for g, t in pairs if g.requires_grad]
        if not pairs:  # a step function
            return torch.zeros_like(tensor)
        (found,) = torch.autograd.grad(
            [g for g, _ in pairs],
            incoming,
            [t for _, t in pairs],
            create_graph=keep,
            allow_unused=True,
        )
    found = torch.zeros_like(tensor) if found is None else found
    return found if keep else found.detach()


def _has_other_leaves(tensor):
    """Does the tensor depend on a variable of the program's own?"""
    ours = {id(dual) for dual, _ in (_duals or {}).values()}
    if tensor.grad_fn is None:
        return tensor.requires_grad and id(tensor) not in ours
    todo, seen = [tensor.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None and id(variable) not in ours:
            return True
        todo += [following for following, _ in node.next_functions]
    return False


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
