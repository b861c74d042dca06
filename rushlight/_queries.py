"""What kind of tensor is it: functions of the torch namespace that read one property of a tensor."""

from ._C import Tensor


def _need_tensor(name, value):
    if not isinstance(value, Tensor):
        kind = type(value).__name__
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {kind}")


def is_floating_point(input):
    """Has it a floating-point dtype?"""
    _need_tensor("is_floating_point", input)
    return input.is_floating_point()


def is_complex(input):
    """Has it a complex dtype?"""
    _need_tensor("is_complex", input)
    return input.is_complex()


def is_inference(input):
    """Was it made in inference mode?"""
    _need_tensor("is_inference", input)
    return input.is_inference()


def is_nonzero(input):
    """The truth of a tensor of one element."""
    _need_tensor("is_nonzero", input)
    return bool(input)


def numel(input):
    """The number of elements."""
    _need_tensor("numel", input)
    return input.numel()
