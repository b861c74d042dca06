"""Parameters as one vector and back."""

import rushlight as torch

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _check_devices(tensors):
    if len({t.device for t in tensors}) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )


def parameters_to_vector(parameters):
    """All elements of all parameters, one after the other; gradients pass through."""
    parameters = list(parameters)
    _check_devices(parameters)
    return torch.cat([p.view(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Let the parameters be views of consecutive slices of `vec`."""
    if not isinstance(vec, torch.Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    _check_devices(parameters)
    start = 0
    for p in parameters:
        p.data = vec[start : start + p.numel()].view_as(p).data
        start += p.numel()
