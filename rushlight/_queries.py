"""What kind of tensor is it: functions of the torch namespace that read one property of a tensor."""

from ._C import Tensor


def _tensor(name, input):
    """The argument of the function `name`; TypeError unless it is a tensor."""
    if isinstance(input, Tensor):
        return input
    raise TypeError(
        f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}"
    )


def is_floating_point(input):
    """Has it a floating-point dtype?

    float16, bfloat16, float32 and float64 are. TypeError for what is no tensor.

    >>> torch.is_floating_point(torch.tensor([1.0])), torch.is_floating_point(torch.tensor([1]))
    (True, False)
    """
    return _tensor("is_floating_point", input).is_floating_point()


def is_complex(input):
    """Has it a complex dtype?

    complex64 and complex128 are. TypeError for what is no tensor.

    >>> torch.is_complex(torch.tensor([1j])), torch.is_complex(torch.tensor([1.0]))
    (True, False)
    """
    return _tensor("is_complex", input).is_complex()


def is_inference(input):
    """Was it made in inference mode?

    Such tensors never take part in a recorded graph. TypeError for what is no tensor.

    >>> with torch.inference_mode():
    ...     x = torch.ones(2)
    >>> torch.is_inference(x)
    True
    """
    return _tensor("is_inference", input).is_inference()


def is_nonzero(input):
    """The truth of a tensor of one element.

    False for 0, 0.0, 0j and False, True for all others, NaN among them. Raises RuntimeError for
    another number of elements, TypeError for what is no tensor.

    >>> torch.is_nonzero(torch.tensor([0.0])), torch.is_nonzero(torch.tensor(3))
    (False, True)
    """
    return bool(_tensor("is_nonzero", input))


def numel(input):
    """The number of elements.

    Of any shape: the product of its sizes, 1 without dimensions. TypeError for what is no tensor.

    >>> torch.numel(torch.zeros(2, 3))
    6
    """
    return _tensor("numel", input).numel()
