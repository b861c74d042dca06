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


_C_TYPES = {
    "Bool": "bool", "Byte": "unsigned char", "Char": "signed char", "Short": "short", "Int": "int",
    "Long": "long int", "Float": "float", "Double": "double", "Half": "c10::Half",
    "BFloat16": "c10::BFloat16", "ComplexFloat": "c10::complex<float>",
    "ComplexDouble": "c10::complex<double>",
}  # fmt: skip
# What a wrong dtype of out= raises, {W} and {G} being the wanted and the given one (in C: {w}, {g}).
CAST = "result type {W} can't be cast to the desired output type {G}"
EXACT = "Expected out tensor to have dtype {w}, but got {g} instead"


def c_name(dtype):
    """A dtype as it is called in C, as some messages do: long int for torch.int64."""
    return _C_TYPES.get(type_name(dtype), type_name(dtype))


def check_out_dtype(given, wanted, wrong=CAST):
    """Raises if results of a dtype cannot be written to another; only CAST allows a conversion."""
    if given == wanted or (wrong is CAST and torch.can_cast(wanted, given)):
        return
    names = {"W": type_name(wanted), "G": type_name(given), "w": c_name(wanted), "g": c_name(given)}
    raise RuntimeError(wrong.format(**names))


def write(out, result, name, wrong=CAST):
    """`result` into the tensor `out`, which is resized if need be; returns out."""
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if torch.is_grad_enabled() and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    check_out_dtype(out.dtype, result.dtype, wrong)
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


def with_out(function=None, *, wrong=CAST):
    """A function that also takes out=: a tensor, or a tuple of as many as there are results.

    `wrong` is what a wrong dtype of it raises.
    """
    if function is None:
        return lambda f: with_out(f, wrong=wrong)

    def call(*args, out=None, **kwargs):
        result = function(*args, **kwargs)
        if out is None:
            return result
        if isinstance(result, torch.Tensor):
            return write(out, result, call.__name__, wrong)
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(
                f"{call.__name__}(): argument 'out' must be a tuple of {len(result)} Tensors"
            )
        for to, r in zip(out, result):
            write(to, r, call.__name__, wrong)
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
        check_out_dtype(self.dtype, result.dtype)
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
