"""Formulas and tests of single elements, composed of others in Python. Not here: those of the core."""

from numbers import Integral, Number  # NumPy's among them

import rushlight as torch

from . import return_types
from ._composite import EXACT, check_tensors, type_name, with_out

__all__ = [
    "allclose",
    "angle",
    "frexp",
    "heaviside",
    "isclose",
    "isin",
    "isreal",
    "ldexp",
    "nan_to_num",
    "rrelu",
    "rrelu_",
    "signbit",
]


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """abs(input - other) <= atol + rtol * abs(other), elementwise.

    Shapes broadcast; the result is bool. Infinities are close only to themselves, NaN to NaN only
    with `equal_nan`. Note that `other` alone scales the tolerance. Raises RuntimeError for
    different dtypes or a negative tolerance, TypeError for what is no tensor.

    >>> torch.isclose(torch.tensor([1.0, 1.1]), torch.tensor([1.0, 1.0 + 1e-7]))
    tensor([ True, False])
    """
    check_tensors("isclose", input=input, other=other)
    if input.dtype != other.dtype:
        raise RuntimeError(f"{type_name(input.dtype)} did not match {type_name(other.dtype)}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol:g}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol:g}")
    close = input == other
    if equal_nan and (input.is_floating_point() or input.is_complex()):
        close = close | (input.isnan() & other.isnan())
    if rtol == 0 and atol == 0:
        return close
    if not (input.is_floating_point() or input.is_complex()):
        other = other.to(torch.get_default_dtype())
    error = (input.to(other.dtype) - other).abs()
    return close | (error.isfinite() & (error <= atol + (rtol * other).abs()))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Is `isclose` True everywhere? A bool. Shapes, dtypes and errors are those of `isclose`.

    >>> torch.allclose(torch.ones(2), torch.ones(2) + 1e-7)
    True
    >>> torch.allclose(torch.ones(2), torch.tensor([1.0, 1.1]))
    False
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@with_out(wrong=EXACT)
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    """Which elements occur among test_elements.

    Shapes: that of `elements`, a tensor or a number; `test_elements` likewise, any. NaN equals
    nothing. Dtypes: real but bool (RuntimeError), which may differ -> bool. `assume_unique` changes
    no result where both have no element twice.

    >>> torch.isin(torch.tensor([[1, 2], [3, 4]]), torch.tensor([2, 3]))
    tensor([[False,  True],
            [ True, False]])
    >>> torch.isin(torch.tensor([1, 2]), 2, invert=True)
    tensor([ True, False])
    """
    _check_flags("isin", assume_unique=assume_unique, invert=invert)
    dtype = _membership_dtype(elements, test_elements)
    values, tests = _as_tensor(elements, dtype), _as_tensor(test_elements, dtype)
    found = _is_one_of(values, tests) if tests.numel() <= 32 else _occurs_in(values, tests)
    return ~found if invert else found


def _as_tensor(x, dtype):
    if not isinstance(x, torch.Tensor):
        x = torch.tensor(x, dtype=torch.int64 if isinstance(x, Integral) else torch.float64)
    return x.detach().to(dtype)


def _is_one_of(values, tests):
    found = torch.zeros(values.shape, dtype=torch.bool, device=values.device)
    for test in tests.reshape(-1).unbind():
        found |= values == test
    return found


def _occurs_in(values, tests):
    """By bisection, in the order of the values: neighbours are found near each other in memory."""
    if values.is_meta:
        return torch.empty_like(values, dtype=torch.bool)
    tests = tests[tests == tests].sort().values  # NaN equals nothing
    if not tests.numel():
        return torch.zeros_like(values, dtype=torch.bool)
    ordered, order = values.reshape(-1).sort()
    places = torch.searchsorted(tests, ordered).clamp_(max=tests.numel() - 1)
    found = torch.empty_like(ordered, dtype=torch.bool)
    return found.scatter_(0, order, tests.take(places) == ordered).reshape(values.shape)


def _check_flags(function, **flags):
    for name, value in flags.items():
        if not isinstance(value, bool):
            kind = type(value).__name__
            raise TypeError(f"{function}(): argument '{name}' must be bool, not {kind}")


# What integers that int32 does not hold are compared in.
_WIDE_INTEGERS = {
    torch.uint32: torch.int64,
    torch.int64: torch.int64,
    torch.uint64: torch.uint64,
}


def _membership_dtype(elements, tests):
    """One of the few dtypes that hold all values of the common one."""
    given = {"elements": elements, "test_elements": tests}
    for place, (name, x) in enumerate(given.items(), 1):
        if not isinstance(x, (torch.Tensor, Number)):
            kind = type(x).__name__
            raise TypeError(
                f"isin(): argument '{name}' (position {place}) must be Tensor, not {kind}"
            )
    common = torch.result_type(elements, tests)
    tensors = [x.dtype for x in given.values() if isinstance(x, torch.Tensor)]
    for dtype in (*tensors, common):
        if dtype.is_complex or (dtype == torch.bool and dtype in tensors):
            text = f"Unsupported input type encountered for isin(): {type_name(dtype)}"
            raise RuntimeError(text)
    if common.is_floating_point:
        return torch.promote_types(common, torch.float32)
    return _WIDE_INTEGERS.get(common, torch.int32)


def isreal(input):
    """True where the imaginary part is zero.

    Any shape and dtype, the result is bool; numbers of a real dtype are all real.

    >>> torch.isreal(torch.tensor([1, 1 + 1j]))
    tensor([ True, False])
    """
    return input.imag == 0 if input.is_complex() else torch.ones_like(input, dtype=torch.bool)


@with_out(wrong="signbit does not support non-boolean outputs.")
def signbit(input):
    """True for negative numbers, -0.0 among them.

    Any shape and real dtype (NotImplementedError for complex); the result is bool. NaN has a sign bit too. Not differentiable.

    >>> torch.signbit(torch.tensor([-1.0, -0.0, 0.0, 2.0]))
    tensor([ True,  True, False, False])
    """
    if input.is_complex():
        raise NotImplementedError("signbit is not implemented for complex tensors.")
    if not input.is_floating_point():
        return input < 0
    return torch.copysign(torch.ones_like(input), input) < 0


@with_out(wrong="heaviside is not yet implemented for tensors with different dtypes.")
def heaviside(input, values):
    """0 below zero, 1 above, `values` at zero.

    Shapes broadcast. Any real dtype, the same for both: RuntimeError otherwise; TypeError for what
    is no tensor. Not differentiable.

    >>> torch.heaviside(torch.tensor([-1.5, 0.0, 2.0]), torch.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_tensors("heaviside", input=input, values=values)
    if input.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    one, zero = torch.ones_like(input), torch.zeros_like(input)
    return torch.where(input == 0, values, torch.where(input > 0, one, zero))


@with_out(wrong="nan_to_num: dtype of out: %G should be same as input: %W")
def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
    """NaN and infinities replaced by numbers.

    Any shape; the dtype is kept, integers are copied. Infinities become the dtype's largest and
    smallest number unless `posinf` and `neginf` say otherwise. The gradient is 0 where something
    was replaced.

    >>> torch.nan_to_num(torch.tensor([float("nan"), float("inf"), 1.0]), nan=0.0, posinf=9.0)
    tensor([0., 9., 1.])
    """
    if not (input.is_floating_point() or input.is_complex()):
        return input.clone()
    limits = torch.finfo(input.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    parts = torch.view_as_real(input) if input.is_complex() else input
    result = torch._C._hidden._nan_to_num(parts, nan or 0.0, high, low)
    return torch.view_as_complex(result) if input.is_complex() else result


@with_out
def angle(input):
    """The argument of complex numbers; pi for negative real ones.

    Any shape. Complex dtypes give their real one, integers the default dtype. NaN gives NaN.
    Differentiable.

    >>> torch.angle(torch.tensor([1j, -1 + 0j]))
    tensor([1.5708, 3.1416])
    >>> torch.angle(torch.tensor([-2.0, 3.0]))
    tensor([3.1416, 0.0000])
    """
    if input.is_complex():
        return torch.atan2(input.imag, input.real)
    return torch._C._hidden._angle(input)


@with_out(wrong="ldexp can't be cast to the desired output type %G")
def ldexp(input, other):
    """input * 2 ** other.

    Shapes broadcast; dtypes promote as in `input * 2.0**other`, so integers give floats. Raises
    TypeError if either is no tensor. Differentiable.

    >>> torch.ldexp(torch.tensor([1.0, 3.0]), torch.tensor([4, -1]))
    tensor([16.0000,  1.5000])
    """
    check_tensors("ldexp", input=input, other=other)
    return input * (torch.pow(2.0, other) if other.is_complex() else torch.exp2(other))


# Of the dtypes of C: the integers of as many bits, the bits of the mantissa, the largest exponent
# there, which infinities and NaN have, and that of numbers in [0.5, 1).
_FORMATS = {
    torch.float32: (torch.int32, 23, 255, 126),
    torch.float64: (torch.int64, 52, 2047, 1022),
}


@with_out(wrong="torch.frexp() expects mantissa to have dtype %w but got %g")
def frexp(input):
    """Mantissas of [0.5, 1) and exponents of 2 with input = mantissa * 2 ** exponent.

    Both have input's shape; mantissa has its dtype, exponent is int32. 0 for 0; infinities and NaN
    are their own mantissas. Integers raise RuntimeError. `ldexp` is the way back; the gradient is
    that of mantissa.

    >>> mantissa, exponent = torch.frexp(torch.tensor([1.0, 6.0, -0.75]))
    >>> mantissa, exponent
    (tensor([ 0.5000,  0.7500, -0.7500]), tensor([1, 3, 0], dtype=torch.int32))
    """
    check_tensors("frexp", input=input)
    if not input.is_floating_point():
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    if input.requires_grad and torch.is_grad_enabled():
        from ._recorded import Frexp  # which needs torch.autograd, loaded after this

        return return_types.frexp(Frexp.apply(input))
    return return_types.frexp(mantissa_and_exponent(input))


def mantissa_and_exponent(x):
    """frexp, not recorded."""
    if x.dtype not in _FORMATS:
        mantissa, exponent = mantissa_and_exponent(x.float())
        return mantissa.to(x.dtype), exponent
    integer, shift, largest, half = _FORMATS[x.dtype]
    bits = x.view(integer)
    stored = (bits >> shift) & largest
    exponent = (stored - half).to(torch.int32)
    mantissa = ((bits & ~(largest << shift)) | (half << shift)).view(x.dtype)
    if x.is_meta or not x.numel():
        return mantissa, exponent
    least, most = stored.aminmax()
    if least > 0 and most < largest:
        return mantissa, exponent
    low, whole = stored == 0, (stored == largest) | (x == 0)
    if bool((low & ~whole).any()):  # subnormal: as larger numbers, which are not
        part, power = mantissa_and_exponent(x * 2.0**64)
        mantissa = torch.where(low, part, mantissa)
        exponent = torch.where(low, power - 64, exponent)
    return torch.where(whole, x, mantissa), exponent.masked_fill(whole, 0)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """leaky_relu with a slope drawn from [lower, upper] for each negative element in training.

    Any shape; floating dtypes. Outside of training the slope is (lower + upper) / 2. Raises
    RuntimeError if lower > upper. Source: Xu et al. 2015, "Empirical Evaluation of Rectified
    Activations in Convolutional Network".

    >>> torch.rrelu(torch.tensor([-4.0, 2.0]), lower=0.25, upper=0.25)
    tensor([-1.,  2.])
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return torch._C._nn.leaky_relu(input, (lower + upper) / 2)
    with torch.no_grad():
        negative = input <= 0
        count = int(negative.sum())
        slopes = torch.empty(count, dtype=torch.float64).uniform_(lower, upper, generator=generator)
        noise = torch.ones_like(input).masked_scatter(negative, slopes.to(input.dtype))
    return input * noise


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """rrelu in place.

    >>> x = torch.tensor([-4.0, 2.0])
    >>> torch.rrelu_(x, lower=0.25, upper=0.25) is x
    True
    """
    return input.copy_(rrelu(input.clone(), lower, upper, training, generator))
