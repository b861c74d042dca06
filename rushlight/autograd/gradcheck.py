"""gradcheck: analytical gradients against central finite differences."""

import rushlight as torch

from .. import _utils
from . import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient that finite differences contradict."""


def _outputs(func, inputs):
    out = func(*inputs)
    out = out if isinstance(out, (tuple, list)) else (out,)
    return tuple(o for o in out if isinstance(o, torch.Tensor) and o.requires_grad)


def _numerical(func, inputs, x, eps):
    """Columns of the Jacobian of every output with respect to x, by (f(x+h) - f(x-h)) / 2h."""
    columns = []
    flat = x.data.view(-1) if x.is_contiguous() else None
    if flat is None:
        raise ValueError("gradcheck expects contiguous inputs")
    steps = (eps, eps * 1j) if x.is_complex() else (eps,)
    for i in range(flat.numel()):
        old = flat[i].item()
        derivatives = []
        for step in steps:
            flat[i] = old + step
            high = [o.detach().clone() for o in _outputs(func, inputs)]
            flat[i] = old - step
            low = [o.detach().clone() for o in _outputs(func, inputs)]
            flat[i] = old
            derivatives.append([(h - low_) / (2 * eps) for h, low_ in zip(high, low)])
        columns.append(derivatives)
    return columns


def _fail(message, raise_exception):
    if raise_exception:
        raise GradcheckError(message)
    return False


def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
):
    """Does backward agree with finite differences? `inputs` should be float64 or complex128.

    Raises GradcheckError (a RuntimeError), or returns False, where it does not.

    >>> x = torch.tensor([0.3, 0.7], dtype=torch.double, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.sin, x)
    True
    """
    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    variables = [i for i in inputs if isinstance(i, torch.Tensor) and i.requires_grad]
    if not variables:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True."
        )
    outputs = _outputs(func, inputs)
    for x in variables:
        numerical = _numerical(func, inputs, x, eps)
        for k, out in enumerate(outputs):
            analytical = _analytical(out, x)
            for i, derivatives in enumerate(numerical):
                for j in range(out.numel()):
                    got = analytical[j].reshape(-1)[i].item()
                    want = _expected(derivatives, k, j, out)
                    if not abs(got - want) <= atol + rtol * abs(want):
                        return _fail(
                            f"Jacobian mismatch for output {k} with respect to input {_position(inputs, x)},\n"
                            f"numerical:{want}\nanalytical:{got}\nat output element {j}, input element {i}",
                            raise_exception,
                        )
    return True


def _position(inputs, x):
    return next(i for i, y in enumerate(inputs) if y is x)


def _analytical(out, x):
    """For each output element, the gradient of its real part with respect to x."""
    rows = []
    for j in range(out.numel()):
        seed = torch.zeros(out.shape, dtype=out.dtype, device=out.device)
        seed.view(-1)[j] = 1
        (g,) = grad(out, x, seed, retain_graph=True, allow_unused=True)
        rows.append(torch.zeros_like(x) if g is None else g)
    return rows


def _expected(derivatives, k, j, out):
    """The gradient convention: of Re(out), dRe/da + i dRe/db for x = a + ib."""
    parts = [d[k].reshape(-1)[j].item() for d in derivatives]
    real = [p.real if isinstance(p, complex) else p for p in parts]
    return real[0] if len(real) == 1 else complex(real[0], real[1])


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
):
    """gradcheck of the gradient: are second derivatives right?

    `grad_outputs` are the gradients of the outputs, drawn at random if not given; the rest as in
    `gradcheck`. Raises GradcheckError (a RuntimeError), or returns False without `raise_exception`.

    >>> x = torch.tensor([0.3, 0.7], dtype=torch.double, requires_grad=True)
    >>> torch.autograd.gradgradcheck(torch.sin, x)
    True
    """
    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    outputs = _outputs(func, inputs)
    if grad_outputs is None:
        grad_outputs = tuple(
            torch.randn(o.shape, dtype=o.dtype, device=o.device).requires_grad_() for o in outputs
        )
    grad_outputs = grad_outputs if isinstance(grad_outputs, tuple) else (grad_outputs,)
    count = len(inputs)

    def first(*args):
        args, seeds = args[:count], args[count:]
        outs = _outputs(func, args)
        variables = tuple(a for a in args if isinstance(a, torch.Tensor) and a.requires_grad)
        grads = grad(outs, variables, seeds, create_graph=True, allow_unused=True)
        return tuple(g for g in grads if g is not None)

    return gradcheck(
        first, inputs + grad_outputs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )


_utils.callable_module(__name__)
