"""Operations of Python with a derivative of their own; loaded when one is first recorded."""

import rushlight as torch

from ._elementwise import mantissa_and_exponent


class Frexp(torch.autograd.Function):
    """frexp; its exponent counts as constant."""

    _node_name = "FrexpBackward0"

    @staticmethod
    def forward(ctx, input):
        mantissa, exponent = mantissa_and_exponent(input)
        ctx.save_for_backward(exponent)
        ctx.mark_non_differentiable(exponent)
        return mantissa, exponent

    @staticmethod
    def backward(ctx, grad, _):
        (exponent,) = ctx.saved_tensors
        return grad * torch.exp2(-exponent.to(grad.dtype))
