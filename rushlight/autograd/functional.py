"""torch.autograd.functional: Jacobians, Hessians and their products, by reverse mode.

`vectorize` and the forward-mode strategies are accepted where PyTorch accepts them; the way of
computing is the same.
"""

import rushlight as torch

from . import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_STRICT = "This is not allowed in strict mode"
_ONE = "a single Tensor with a single element."

# --- checks --------------------------------------------------------------------------------------


def _as_tuple(value, name, function):
    """(was it a tuple, the tuple)."""
    single = not isinstance(value, tuple)
    values = (value,) if single else value
    for i, v in enumerate(values):
        if not isinstance(v, torch.Tensor):
            what = f"the given {name} has" if single else f"the value at index {i} has"
            raise TypeError(
                f"The {name} given to {function} must be either a Tensor or a tuple of Tensors "
                f"but {what} type {type(v)}."
            )
    return not single, values


def _leaves(values, create_graph, need_graph=True):
    """The arguments as the function gets them: part of the caller's graph only if that is kept."""
    return tuple(
        v.view_as(v) if create_graph and v.requires_grad else v.detach().requires_grad_(need_graph)
        for v in values
    )


def _results(values, create_graph, as_tuple):
    values = values if create_graph else tuple(v.detach() for v in values)
    return values if as_tuple else values[0]


def _check_vector(v, others, is_tuple):
    """v must look like the tensors it multiplies."""
    if len(others) != 1 or is_tuple:
        if len(v) != len(others):
            raise RuntimeError(
                f"v is a tuple of invalid length: should be {len(others)} but got {len(v)}."
            )
    elif len(v) != 1:
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (one, other) in enumerate(zip(v, others)):
        if one.size() != other.size():
            where = f"Entry {i} in " if is_tuple else ""
            raise RuntimeError(
                f"{where}v has invalid size: should be {other.size()} but got {one.size()}."
            )


def _vector(v, others, is_tuple, name, create_graph, what):
    """The tuple v that multiplies `others`; None will do for one number."""
    if v is not None:
        _, v = _as_tuple(v, "v", name)
        v = _leaves(v, create_graph, need_graph=False)
        _check_vector(v, others, is_tuple)
    elif len(others) != 1 or others[0].nelement() != 1:
        raise RuntimeError(f"The vector v can only be None if the {what} {_ONE}")
    return v


_INPUT = "input to the user-provided function is"
_NOT_DIFFERENTIABLE = {
    "outputs": "Output {i} of the user-provided function does not require gradients. The outputs "
    "must be computed in a differentiable manner from the input when running in strict mode.",
    "grad_inputs": "The gradient with respect to input {i} is independent of the inputs of the "
    f"user-provided function. {_STRICT}.",
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided "
    f"function with respect to input {{i}} is independent of the input. {_STRICT}. You should "
    "ensure that your function is twice differentiable and that the jacobian depends on the inputs "
    "(this would be violated by a linear function for example).",
    "hessian": "The hessian of the user-provided function with respect to input {i} is independent "
    f"of the input. {_STRICT}. You should ensure that your function is thrice differentiable and "
    "that the hessian depends on the inputs.",
}


def _check_depends(values, kind, strict):
    """With `strict`, all of them must have a history."""
    for i, value in enumerate(values if strict else ()):
        if value is None:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. {_STRICT}."
            )
        if not value.requires_grad:
            raise RuntimeError(_NOT_DIFFERENTIABLE[kind].format(i=i))


_ABSENT = {
    "back": f"The output of the user-provided function is independent of input {{i}}. {_STRICT}.",
    "back_trick": "The gradient with respect to the input is independent of entry {i} in the "
    "grad_outputs when using the double backward trick to compute forward mode gradients. "
    f"{_STRICT}.",
    "double_back": "The jacobian of the user-provided function is independent of input {i}. "
    f"{_STRICT}.",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {i} in "
    f"the grad_jacobian. {_STRICT} as it prevents from using the double backward trick to replace "
    "forward mode AD.",
}


def _filled(gradients, like, strict, create_graph, stage):
    """Zeros for absent gradients; with `strict` they are errors, and so are constant ones."""
    out = []
    for i, (gradient, tensor) in enumerate(zip(gradients, like)):
        if gradient is None:
            if strict:
                raise RuntimeError(_ABSENT[stage].format(i=i))
            gradient = torch.zeros_like(tensor)
        elif strict and create_graph and not gradient.requires_grad:
            which = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {which} of the user-provided function is independent of input {i}. "
                f"{_STRICT} when create_graph=True."
            )
        out.append(gradient)
    return tuple(out)


def _grad(outputs, inputs, vectors=None, create_graph=False, retain_graph=None):
    """autograd.grad of the outputs that have a history; None for all inputs if none has."""
    vectors = (None,) * len(outputs) if vectors is None else vectors
    pairs = [(o, v) for o, v in zip(outputs, vectors) if o is not None and o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    outputs, vectors = zip(*pairs)
    return grad(outputs, inputs, vectors, retain_graph, create_graph, allow_unused=True)


def _keep_mode(create_graph):
    return torch.set_grad_enabled(create_graph or torch.is_grad_enabled())


def _one_number(func, inputs, name, strict):
    """The function's output, which must be one number."""
    is_tuple, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", name)
    _check_depends(outputs, "outputs", strict)
    if is_tuple or not isinstance(outputs[0], torch.Tensor):
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].nelement() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {name} should contain a single element"
        )
    return outputs


# --- the functions -------------------------------------------------------------------------------


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, v times the Jacobian), by one backward pass.

    `v` has the outputs' shapes. With `create_graph` the results can be differentiated; `strict`
    makes an output that does not depend on an input an error instead of zeros.

    Raises TypeError for inputs or outputs that are no tensors, RuntimeError for a v of another
    shape, or no v where the output has more than one element.

    >>> v = torch.tensor([1.0, 1.0])
    >>> torch.autograd.functional.vjp(lambda x: x**2, torch.tensor([1.0, 2.0]), v)
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with torch.enable_grad():
        in_tuple, inputs = _as_tuple(inputs, "inputs", "vjp")
        inputs = _leaves(inputs, create_graph)
        out_tuple, outputs = _as_tuple(
            func(*inputs), "outputs of the user-provided function", "vjp"
        )
        _check_depends(outputs, "outputs", strict)
        what = "user-provided function returns"
        v = _vector(v, outputs, out_tuple, "vjp", create_graph, what)
    with _keep_mode(create_graph):
        products = _grad(outputs, inputs, v, create_graph)
        products = _filled(products, inputs, strict, create_graph, "back")
    return (
        _results(outputs, create_graph, out_tuple),
        _results(products, create_graph, in_tuple),
    )


def _times(outputs, inputs, v, like, what, how, create_graph, strict):
    """The Jacobian of outputs by inputs times v, in the shapes of `like`, by two backward passes."""
    with torch.enable_grad():
        # The first pass is linear in its vectors; their gradient is the product asked for.
        vectors = tuple(torch.zeros_like(o, requires_grad=True) for o in outputs)
        backward = _grad(outputs, inputs, vectors, create_graph=True)
        _check_depends(backward, what, strict)
    with _keep_mode(create_graph):
        products = _grad(backward, vectors, v, create_graph)
        return _filled(products, like, strict, create_graph, how)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, the Jacobian times v): two backward passes; `v` has the inputs' shapes.

    With `create_graph` the results can be differentiated; `strict` makes an output that does not
    depend on an input an error instead of zeros. Raises TypeError for inputs or outputs that are no
    tensors, RuntimeError for a v of another shape.

    >>> v = torch.tensor([1.0, 1.0])
    >>> torch.autograd.functional.jvp(lambda x: x**2, torch.tensor([1.0, 2.0]), v)
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with torch.enable_grad():
        in_tuple, inputs = _as_tuple(inputs, "inputs", "jvp")
        inputs = _leaves(inputs, create_graph)
        v = _vector(v, inputs, in_tuple, "jvp", create_graph, _INPUT)
        out_tuple, outputs = _as_tuple(
            func(*inputs), "outputs of the user-provided function", "jvp"
        )
        _check_depends(outputs, "outputs", strict)
    products = _times(
        outputs, inputs, v, outputs, "grad_inputs", "back_trick", create_graph, strict
    )
    return (
        _results(outputs, create_graph, out_tuple),
        _results(products, create_graph, out_tuple),
    )


def _check_strategy(create_graph, strict, vectorize, strategy):
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                "torch.autograd.functional.jacobian: `create_graph=True` "
                'and `strategy="forward-mode"` are not supported together (yet). '
                'Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        if strict:
            raise RuntimeError(
                'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` '
                "are not supported together (yet). Please either set `strict=False` or "
                '`strategy="reverse-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                "Computing Jacobian using forward-AD or forward-over-reverse Hessian is"
                "only implemented for `vectorize=True`."
            )
    elif vectorize and strict:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
            "supported together. Please either set `strict=False` or `vectorize=False`."
        )


def jacobian(
    func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"
):
    """d func / d inputs, of shape output.shape + input.shape; nested tuples for several of either.

    Raises TypeError for inputs or outputs that are no tensors. With `create_graph` the result can
    be differentiated; `strict` makes an output that does not depend on an input an error.

    >>> torch.autograd.functional.jacobian(lambda x: x**2, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    _check_strategy(create_graph, strict, vectorize, strategy)
    with torch.enable_grad():
        in_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
        inputs = _leaves(inputs, create_graph)
        out_tuple, outputs = _as_tuple(
            func(*inputs), "outputs of the user-provided function", "jacobian"
        )
        _check_depends(outputs, "outputs", strict)
        result = []
        for i, out in enumerate(outputs):
            blocks = _blocks(out, i, inputs, create_graph, strict)
            result.append(_results(blocks, create_graph, in_tuple))
    return tuple(result) if out_tuple else result[0]


def _blocks(out, index, inputs, create_graph, strict):
    """The Jacobian of one output, by input: a backward pass for each element."""
    rows = []
    for element in out.reshape(-1):
        gradients = _grad((element,), inputs, None, create_graph, retain_graph=True)
        row = []
        for k, (gradient, x) in enumerate(zip(gradients, inputs)):
            if gradient is None:
                if strict:
                    raise RuntimeError(
                        f"Output {index} of the user-provided function is independent of input "
                        f"{k}. {_STRICT}."
                    )
                gradient = torch.zeros_like(x)
            elif strict and create_graph and not gradient.requires_grad:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of input {index}. "
                    f"{_STRICT} when create_graph=True."
                )
            row.append(gradient)
        rows.append(row)
    shape = tuple(out.shape)
    if not rows:
        return tuple(x.new_zeros(shape + tuple(x.shape)) for x in inputs)
    return tuple(
        torch.stack(column).view(shape + tuple(x.shape)) for column, x in zip(zip(*rows), inputs)
    )


def hessian(
    func,
    inputs,
    create_graph=False,
    strict=False,
    vectorize=False,
    outer_jacobian_strategy="reverse-mode",
):
    """The second derivatives of a function that returns one number.

    Of shape input.shape + input.shape; nested tuples for several inputs. Raises RuntimeError if the
    function returns more than one number, TypeError for what is no tensor.

    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    in_tuple, inputs = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def number(*args):
        return _one_number(func, args, "hessian", strict)[0].squeeze()

    def gradient(*args):
        gradients = jacobian(number, args, create_graph=True)
        _check_depends(gradients, "jacobian", strict)
        return gradients

    result = jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return result if in_tuple else result[0][0]


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(value, v times the Hessian) of a function that returns one number.

    `v` has the inputs' shapes, as the product has. Errors, `create_graph` and `strict` as in `vjp`;
    RuntimeError if the function returns more than one number. Faster than `hvp`; equal for
    functions with continuous second derivatives.

    >>> v = torch.tensor([1.0, 0.0])
    >>> torch.autograd.functional.vhp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), v)
    (tensor(9.), tensor([6., 0.]))
    """
    with torch.enable_grad():
        in_tuple, inputs = _as_tuple(inputs, "inputs", "vhp")
        inputs = _leaves(inputs, create_graph)
        v = _vector(v, inputs, in_tuple, "vhp", create_graph, _INPUT)
        outputs = _one_number(func, inputs, "vhp", strict)
        first = _grad(outputs, inputs, create_graph=True)
        _check_depends(first, "jacobian", strict)
    with _keep_mode(create_graph):
        products = _grad(first, inputs, v, create_graph)
        products = _filled(products, inputs, strict, create_graph, "double_back")
    return _results(outputs, create_graph, False), _results(products, create_graph, in_tuple)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(value, the Hessian times v) of a function that returns one number.

    `v` has the inputs' shapes, as the product has. Errors, `create_graph` and `strict` as in `vjp`;
    RuntimeError if the function returns more than one number.

    >>> v = torch.tensor([1.0, 0.0])
    >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), v)
    (tensor(9.), tensor([6., 0.]))
    """
    with torch.enable_grad():
        in_tuple, inputs = _as_tuple(inputs, "inputs", "hvp")
        inputs = _leaves(inputs, create_graph)
        v = _vector(v, inputs, in_tuple, "hvp", create_graph, _INPUT)
        outputs = _one_number(func, inputs, "hvp", strict)
        first = _grad(outputs, inputs, create_graph=True)
        _check_depends(first, "jacobian", strict)
    products = _times(
        first, inputs, v, inputs, "hessian", "double_back_trick", create_graph, strict
    )
    return _results(outputs, create_graph, False), _results(products, create_graph, in_tuple)
