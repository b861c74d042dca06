"""torch.autograd.functional: Jacobians, Hessians and their products, by reverse mode."""

import rushlight as torch

from . import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _prepare(inputs):
    single = not isinstance(inputs, tuple)
    inputs = (inputs,) if single else inputs
    return single, tuple(
        i.detach().requires_grad_() if not i.requires_grad else i.view_as(i) for i in inputs
    )


def _call(func, inputs):
    outputs = func(*inputs)
    single = not isinstance(outputs, tuple)
    return single, (outputs,) if single else outputs


def _detach(values, create_graph):
    return values if create_graph else tuple(v.detach() for v in values)


def jacobian(
    func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"
):
    """d func / d inputs, of shape output.shape + input.shape; nested tuples for several of either.

    >>> torch.autograd.functional.jacobian(lambda x: x**2, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    with torch.enable_grad():
        single_in, inputs = _prepare(inputs)
        single_out, outputs = _call(func, inputs)
        result = []
        for out in outputs:
            rows = []
            flat = out.reshape(-1)
            for i in range(flat.numel()):
                if flat[i].requires_grad:
                    g = grad(
                        flat[i],
                        inputs,
                        retain_graph=True,
                        create_graph=create_graph,
                        allow_unused=True,
                    )
                else:
                    g = (None,) * len(inputs)
                rows.append(
                    tuple(torch.zeros_like(x) if d is None else d for d, x in zip(g, inputs))
                )
            columns = tuple(
                torch.stack([r[k] for r in rows]).view(tuple(out.shape) + tuple(x.shape))
                if rows
                else x.new_zeros(tuple(out.shape) + tuple(x.shape))
                for k, x in enumerate(inputs)
            )
            columns = _detach(columns, create_graph)
            result.append(columns[0] if single_in else columns)
    return result[0] if single_out else tuple(result)


def hessian(
    func,
    inputs,
    create_graph=False,
    strict=False,
    vectorize=False,
    outer_jacobian_strategy="reverse-mode",
):
    """The second derivatives of a scalar function."""
    single = not isinstance(inputs, tuple)

    def gradient(*args):
        value = func(*args)
        g = grad(value, args, create_graph=True, allow_unused=True)
        g = tuple(torch.zeros_like(a) if d is None else d for d, a in zip(g, args))
        return g[0] if single else g

    return jacobian(gradient, inputs, create_graph)


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, v times the Jacobian)."""
    with torch.enable_grad():
        single_in, inputs = _prepare(inputs)
        single_out, outputs = _call(func, inputs)
        v = None if v is None else (v if isinstance(v, tuple) else (v,))
        g = grad(outputs, inputs, v, create_graph=create_graph, allow_unused=True)
        g = _detach(
            tuple(torch.zeros_like(x) if d is None else d for d, x in zip(g, inputs)), create_graph
        )
        outputs = _detach(outputs, create_graph)
    return (outputs[0] if single_out else outputs), (g[0] if single_in else g)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, the Jacobian times v): reverse mode applied twice."""
    with torch.enable_grad():
        single_in, inputs = _prepare(inputs)
        single_out, outputs = _call(func, inputs)
        v = (
            tuple(torch.ones_like(x) for x in inputs)
            if v is None
            else v
            if isinstance(v, tuple)
            else (v,)
        )
        dummies = tuple(torch.zeros_like(o, requires_grad=True) for o in outputs)
        g = grad(outputs, inputs, dummies, create_graph=True, allow_unused=True)
        used = [(d, w) for d, w in zip(g, v) if d is not None and d.requires_grad]
        products = (
            grad(
                tuple(d for d, _ in used),
                dummies,
                tuple(w for _, w in used),
                create_graph=create_graph,
                allow_unused=True,
            )
            if used
            else (None,) * len(outputs)
        )
        products = tuple(torch.zeros_like(o) if p is None else p for p, o in zip(products, outputs))
        products, outputs = _detach(products, create_graph), _detach(outputs, create_graph)
    return (outputs[0] if single_out else outputs), (products[0] if single_out else products)


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(value, v times the Hessian) of a scalar function."""
    with torch.enable_grad():
        single, inputs = _prepare(inputs)
        value = func(*inputs)
        g = grad(value, inputs, create_graph=True, allow_unused=True)
        g = tuple(torch.zeros_like(x) if d is None else d for d, x in zip(g, inputs))
        v = (
            tuple(torch.ones_like(x) for x in inputs)
            if v is None
            else v
            if isinstance(v, tuple)
            else (v,)
        )
        used = [(d, w) for d, w in zip(g, v) if d.requires_grad]
        h = (
            grad(
                tuple(d for d, _ in used),
                inputs,
                tuple(w for _, w in used),
                create_graph=create_graph,
                allow_unused=True,
            )
            if used
            else (None,) * len(inputs)
        )
        h = _detach(
            tuple(torch.zeros_like(x) if d is None else d for d, x in zip(h, inputs)), create_graph
        )
    return value.detach() if not create_graph else value, (h[0] if single else h)


hvp = vhp  # the Hessian is symmetric
