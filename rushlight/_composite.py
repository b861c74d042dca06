"""What composites in Python share with operations of the core: out=, in-place forms.

Not here: any composite.
"""

import rushlight as torch

from . import _C

# What a wrong dtype of out= raises, %W and %G being the wanted and the given one (in C: %w, %g).
CAST = "result type %W can't be cast to the desired output type %G"
EXACT = "Expected out tensor to have dtype %w, but got %g instead"
SCALAR = "expected scalar type %W but found %G"
SCALAR_TYPE = "expected scalar_type %W but found %G"

type_name = _C._type_name  # a dtype as PyTorch's messages call it: Float for torch.float32
c_name = _C._c_type_name  # and as it is called in C: long int for torch.int64


def check_scalar_type(wanted, given):
    """RuntimeError unless the two dtypes are one."""
    if wanted != given:
        text = SCALAR.replace("%W", type_name(wanted)).replace("%G", type_name(given))
        raise RuntimeError(text)


def check_tensors(function, first=1, /, **given):
    """TypeError unless the arguments of a function from the first-th on, by name, are tensors."""
    for place, (name, value) in enumerate(given.items(), first):
        if not isinstance(value, torch.Tensor):
            kind = type(value).__name__
            raise TypeError(
                f"{function}(): argument '{name}' (position {place}) must be Tensor, not {kind}"
            )


def check_elements(tensors):
    """TypeError unless every element is a tensor."""
    for i, t in enumerate(tensors):
        if not isinstance(t, torch.Tensor):
            kind = type(t).__name__
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {kind}")


def check_tensor_list(function, tensors):
    """TypeError unless the argument `tensors` of a function is a tuple or list of tensors."""
    if not isinstance(tensors, (tuple, list)):
        kind = type(tensors).__name__
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}"
        )
    check_elements(tensors)


def shape_text(shape):
    """A shape as PyTorch's messages print it: [2, 3]."""
    return str(list(shape))


def write(out, result, name, wrong=CAST):
    """`result` into the tensor `out`, which is resized if need be; returns out."""
    _C._write_out(out, result, name, wrong)
    return out


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
        return type(result)(out)

    _named_as(call, function)
    call.__doc__ = noted(function.__doc__, "Takes `out=` too.")
    return call


def in_place(function, wrong=CAST):
    """The form that writes its result over its first argument."""

    def call(self, *args, **kwargs):
        recorded = self.requires_grad and torch.is_grad_enabled()
        result = function(self.clone() if recorded else self, *args, **kwargs)
        if result.shape != self.shape:
            raise RuntimeError(
                f"output with shape {shape_text(self.shape)} doesn't match the broadcast shape "
                f"{shape_text(result.shape)}"
            )
        _C._check_out_dtype(result.dtype, self.dtype, wrong)
        return self.copy_(result)

    _named_as(call, function)
    call.__name__ = call.__qualname__ = function.__name__ + "_"
    base = getattr(function, "__wrapped__", function).__doc__ or ""
    note = f"`{function.__name__}` in place: writes over the tensor, and returns it."
    call.__doc__ = f"{note}\n\n{_margin(base)}{base}" if base else note
    return call


def _margin(doc):
    """The spaces before the lines of a docstring, its first one excepted."""
    text = doc.rstrip(" ")
    return doc[len(text) :] if text.endswith("\n") else ""


def noted(doc, note):
    """A docstring with one more paragraph, before its example."""
    doc = doc or ""
    margin = _margin(doc)
    before, example, after = doc.partition(">>>")
    parts = before.rstrip(), margin + note, margin + example + after
    return "\n\n".join(part for part in parts if part.strip())


def _named_as(call, function):
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(call, name, getattr(function, name))
    call.__wrapped__ = function
    return call
