"""What composites in Python share with operations of the core: out=, in-place forms.

Not here: any composite.
"""

import rushlight as torch

_TYPES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


def type_name(dtype):
    """A dtype as PyTorch's messages call it: Float for torch.float32."""
    return _TYPES.get(str(dtype).rpartition(".")[2], str(dtype))


def shape_text(shape):
    """A shape as PyTorch's messages print it: [2, 3]."""
    return str(list(shape))


def write(out, result, name):
    """`result` into the tensor `out`, which is resized if need be; returns out."""
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if torch.is_grad_enabled() and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if not torch.can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {type_name(result.dtype)} can't be cast to the desired output type "
            f"{type_name(out.dtype)}"
        )
    if out.shape != result.shape:
        if out.numel():
            _warn_of_resize(out, result)
        out.resize_(result.shape)
    return out.copy_(result)


def _warn_of_resize(out, result):
    import warnings

    warnings.warn(
        "An output with one or more elements was resized since it had shape "
        f"{shape_text(out.shape)}, which does not match the required output shape "
        f"{shape_text(result.shape)}. This behavior is deprecated, and in a future PyTorch release "
        "outputs will not be resized unless they have zero elements. You can explicitly reuse an "
        "out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
        UserWarning,
        stacklevel=4,
    )


def with_out(function):
    """A function that also takes out=: a tensor, or a tuple of as many as there are results."""

    def call(*args, out=None, **kwargs):
        result = function(*args, **kwargs)
        if out is None:
            return result
        if isinstance(result, torch.Tensor):
            return write(out, result, call.__name__)
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(
                f"{call.__name__}(): argument 'out' must be a tuple of {len(result)} Tensors"
            )
        for to, r in zip(out, result):
            write(to, r, call.__name__)
        return type(result)(out) if type(result) in (tuple, list) else type(result)(*out)

    return _named_as(call, function)


def in_place(function):
    """The form that writes its result over its first argument."""

    def call(self, *args, **kwargs):
        recorded = self.requires_grad and torch.is_grad_enabled()
        result = function(self.clone() if recorded else self, *args, **kwargs)
        if result.shape != self.shape:
            raise RuntimeError(
                f"output with shape {shape_text(self.shape)} doesn't match the broadcast shape "
                f"{shape_text(result.shape)}"
            )
        if not torch.can_cast(result.dtype, self.dtype):
            raise RuntimeError(
                f"result type {type_name(result.dtype)} can't be cast to the desired output type "
                f"{type_name(self.dtype)}"
            )
        return self.copy_(result)

    _named_as(call, function)
    call.__name__ = call.__qualname__ = function.__name__ + "_"
    call.__doc__ = f"{function.__name__}, in place."
    return call


def _named_as(call, function):
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(call, name, getattr(function, name))
    call.__wrapped__ = function
    return call
