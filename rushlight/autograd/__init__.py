"""torch.autograd: backward, grad, custom functions. The engine itself is core/autograd."""

from .. import _C
from .._grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from ..overrides import has_torch_function as _has_override

__all__ = [
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def _as_tuple(value):
    several = isinstance(value, (tuple, list)) and not hasattr(
        value, "output_nr"
    )  # no GradientEdge
    return tuple(value) if several else (value,)


def _given(grads, count):
    """What was passed as gradients, as a tuple."""
    if grads is None:
        return (None,) * count
    return (grads,) if isinstance(grads, _C.Tensor) else tuple(grads)


_warned = False


def _warn_of_cycle():
    global _warned
    if _warned:
        return
    _warned = True
    import warnings

    warnings.warn(
        "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
        "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
        "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break "
        "the cycle and avoid the leak.",
        stacklevel=4,
    )


def backward(
    tensors,
    grad_tensors=None,
    retain_graph=None,
    create_graph=False,
    grad_variables=None,
    inputs=None,
):
    """Adds into the leaves' `.grad` the gradients of `tensors`.

    `grad_tensors` are the gradients of the tensors, None for scalars; `create_graph` records the
    gradients' own computation; `inputs` restricts the leaves. Raises RuntimeError for tensors
    without history, shapes that differ, or a graph that was freed.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.backward(x * x)
    >>> x.grad
    tensor(6.)
    """
    tensors = _as_tuple(tensors)
    if inputs is not None:
        inputs = _as_tuple(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    if grad_tensors is None:
        grad_tensors = grad_variables
    grads = _given(grad_tensors, len(tensors))
    if create_graph:
        _warn_of_cycle()
    retain = create_graph if retain_graph is None else retain_graph
    if inputs:
        _run_selected(tensors, grads, retain, create_graph, inputs, True)
    else:
        _C._run_backward(tensors, grads, bool(retain), bool(create_graph), (), True)


_selecting = 0  # how many runs for chosen inputs only are under way: checkpoint() asks


def _run_selected(outputs, grads, retain, create_graph, inputs, accumulate):
    global _selecting
    _selecting += 1
    try:
        return _C._run_backward(
            outputs, grads, bool(retain), bool(create_graph), inputs, accumulate
        )
    finally:
        _selecting -= 1


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """The gradients of `outputs` with respect to `inputs`, as a tuple; `.grad` is left alone.

    An input that the outputs do not depend on is an error, or None with `allow_unused`, or zeros
    with `materialize_grads`.

    Each has its input's shape and dtype. `grad_outputs` are the gradients of the outputs, None for
    scalars. Raises RuntimeError for outputs without history, shapes that differ, or a graph that
    was freed; ValueError for `materialize_grads` with allow_unused=False.

    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> torch.autograd.grad(x**3, x)
    (tensor(12.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    allow_unused = materialize_grads if allow_unused is None else allow_unused
    outputs, inputs = _as_tuple(outputs), _as_tuple(inputs)
    if any(type(t) is not _C.Tensor and _has_override((t,)) for t in (*outputs, *inputs)):
        from ..overrides import handle_torch_function

        return handle_torch_function(
            grad,
            (*outputs, *inputs),
            outputs,
            inputs,
            grad_outputs=grad_outputs,
            retain_graph=retain_graph,
            create_graph=create_graph,
            allow_unused=allow_unused,
            materialize_grads=materialize_grads,
        )
    grads = _given(grad_outputs, len(outputs))
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        from .. import stack

        rows = [
            grad(
                outputs,
                inputs,
                tuple(None if g is None else g[i] for g in grads),
                True,
                create_graph,
                True,
                allow_unused,
            )
            for i in range(next(g for g in grads if g is not None).size(0))
        ]
        return tuple(None if column[0] is None else stack(column) for column in zip(*rows))
    result = _run_selected(outputs, grads, retain, create_graph, inputs, False)
    if not allow_unused:
        for i, g in enumerate(result):
            if g is None:
                raise RuntimeError(
                    f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                    "allow_unused=True if this is the desired behavior."
                )
    if materialize_grads:
        zeros = _C._functions["zeros_like"]
        result = tuple(zeros(i) if g is None else g for g, i in zip(result, inputs))
    return result


class _Engine:
    """Variable._execution_engine: what hooks queue their final callbacks on."""

    @staticmethod
    def queue_callback(callback):
        _C._queue_callback(callback)


class _VariableMeta(type):
    def __instancecheck__(cls, obj):
        return isinstance(obj, _C.Tensor)


class Variable(metaclass=_VariableMeta):
    """Legacy: a tensor.

    `Variable(data, requires_grad)` is a detached view; every tensor is an instance of it.

    >>> isinstance(torch.ones(1), torch.autograd.Variable)
    True
    """

    _execution_engine = _Engine

    def __new__(cls, data, requires_grad=False, volatile=None):
        return data.detach().requires_grad_(requires_grad)


_LAZY = {
    "Function": "function",
    "NestedIOFunction": "function",
    "detect_anomaly": "anomaly_mode",
    "set_detect_anomaly": "anomaly_mode",
    "is_multithreading_enabled": "grad_mode",
    "set_multithreading_enabled": "grad_mode",
}
_SUBMODULES = (
    "function",
    "graph",
    "functional",
    "anomaly_mode",
    "grad_mode",
    "profiler",
    "profiler_util",
    "forward_ad",
    "variable",
)


def __getattr__(name):
    import importlib
    import sys

    if name in _LAZY:
        value = getattr(importlib.import_module("." + _LAZY[name], __name__), name)
        setattr(sys.modules[__name__], name, value)
        return value
    if name in _SUBMODULES:
        try:
            return importlib.import_module("." + name, __name__)
        except ModuleNotFoundError:
            pass
    from .._missing import missing

    return missing("torch.autograd", name)


# Not when it is first named, as the others: its module has the same name.
from .gradcheck import gradcheck, gradgradcheck  # noqa: E402
