"""What every function of torch.linalg shares: how one is made public, how its derivative is
recorded, and the checks of its arguments. No mathematics.
"""

import warnings

import rushlight as torch

from .. import _C
from .._C import Tensor
from .._composite import CAST, EXACT, noted, write
from .._composite import type_name as dtype_name
from ..autograd.function import Function

lapack = _C._hidden  # the core's routines (core/ops/linalg.cpp, spectral.cpp): nothing records


class LinAlgError(RuntimeError):
    """A matrix that an algorithm cannot work on: singular, not positive-definite, no convergence.

    A RuntimeError, so that `except RuntimeError` catches it too.

    >>> try:
    ...     torch.linalg.inv(torch.zeros(2, 2))
    ... except torch.linalg.LinAlgError:
    ...     print("singular")
    singular
    """


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"
LinAlgError.__module__ = "torch._C"


# ---- derivatives ----


class _Forgetful:
    """The context of a forward that nobody will differentiate."""

    def save_for_backward(self, *tensors):
        pass

    def set_materialize_grads(self, value):
        pass

    def mark_non_differentiable(self, *tensors):
        pass

    def __setattr__(self, name, value):
        pass


_forgetful = _Forgetful()


def needs_grad(*args):
    """Would a call on these be recorded?"""
    return torch.is_grad_enabled() and any(
        a.requires_grad for a in args if isinstance(a, torch.Tensor)
    )


class Operation(Function):
    """A Function with the name of PyTorch's node; `call` records only where a gradient is wanted."""

    @classmethod
    def call(cls, *args):
        """forward(*args), recorded if need be."""
        if needs_grad(*args):
            return cls.apply(*args)
        return cls.forward(_forgetful, *args)


# ---- the public form ----


def public(name, *, first="A", out=True, strict=True, api=None, word="result", overloads=99):
    """A decorator: checks that the first argument is a tensor, lets subclasses take over, adds out=.

    name: the function's name in messages; first: its first parameter's; overloads: from how many
    arguments on it has several forms, so that a wrong argument is not named. out: is there out=, and (strict) must it have the
    result's dtype, or may the result be converted (None: to any dtype)? api, word: its name and the
    result's in messages about out=.
    """

    def decorate(function):
        def wrapper(*args, **kwargs):
            target = kwargs.pop("out", None) if kwargs and out else None
            if args and type(args[0]) is not Tensor:
                a = args[0]
                if _C._has_torch_function(a):
                    return _take_over(wrapper, args, kwargs, target)
                if not isinstance(a, Tensor):
                    if len(args) + len(kwargs) >= overloads:
                        raise _no_overload(name, args, kwargs)
                    check_tensor(a, name, first, 1)
            result = function(*args, **kwargs)
            return (
                result if target is None else write_out(api or name, target, result, strict, word)
            )

        wrapper.__name__ = wrapper.__qualname__ = function.__name__ = name
        wrapper.__doc__, wrapper.__module__ = function.__doc__, function.__module__
        if out:
            wrapper.__doc__ = noted(function.__doc__, "Takes `out=` too.")
        wrapper.__wrapped__ = function
        return wrapper

    return decorate


def _no_overload(name, args, kwargs):
    types = [_type_of(a) for a in args] + [f"{k}={_type_of(v)}" for k, v in kwargs.items()]
    return TypeError(
        f"{name}() received an invalid combination of arguments - got ({', '.join(types)}), but "
        "expected one of:"
    )


def _type_of(value):
    return "torch.dtype" if isinstance(value, torch.dtype) else type(value).__name__


def _take_over(function, args, kwargs, out):
    from ..overrides import _dispatch

    return _dispatch(function, args, kwargs if out is None else {**kwargs, "out": out})


def write_out(name, out, result, strict=True, word="result"):
    """Writes a result, or a tuple of them, where out= says. Returns out. `strict` may also be what is
    raised for a wrong dtype; `word` is what messages call the result."""
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)):
            raise TypeError(
                f"{name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}"
            )
        if len(out) != len(result):
            raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
        words = getattr(type(result), "fields", [word] * len(result))
        written = tuple(write_out(name, *each) for each in zip(out, result, [strict] * 9, words))
        return written if type(result) is tuple else type(result)(written)
    if strict is None:
        return out.resize_(result.shape).copy_(result)
    wrong = CAST
    if strict:
        wrong = EXACT if strict is True else strict
    elif isinstance(out, Tensor) and not torch.can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"{name}: Expected {word} to be safely castable from {type_name(result)} dtype, but got "
            f"{word} with dtype {type_name(out)}"
        )
    return write(out, result, name.rpartition("linalg.")[2], wrong)


# ---- checks ----


def type_name(t):
    """Float, ComplexDouble, Long: how PyTorch's messages name the dtype of a tensor, or a dtype."""
    return dtype_name(getattr(t, "dtype", t))


def check(condition, message):
    """RuntimeError unless."""
    if not condition:
        raise RuntimeError(message)


def check_matrix(A, name, letter="A"):
    """At least two dimensions?"""
    if A.dim() < 2:
        raise RuntimeError(f"{name}: The input tensor {letter} must have at least 2 dimensions.")


def check_square(A, name, letter="A"):
    """Square matrices?"""
    check_matrix(A, name, letter)
    m, n = A.shape[-2:]
    if m != n:
        raise RuntimeError(
            f"{name}: {letter} must be batches of square matrices, but they are {m} by {n} matrices"
        )


_FLOATING = {torch.float32, torch.float64, torch.complex64, torch.complex128}
_SHORT = {torch.float16, torch.bfloat16}


def check_floating(A, name, half=False):
    """A floating or complex dtype; may it be half a float?"""
    if A.dtype in _FLOATING or (half and A.dtype in _SHORT):
        return
    if A.dtype in _SHORT:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {type_name(A)}")
    raise RuntimeError(
        f"{name}: Expected a floating point or complex tensor as input. Got {type_name(A)}"
    )


def check_kernel(A, kernel):
    """NotImplementedError for what LAPACK has no routine for."""
    if A.dtype not in _FLOATING:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{type_name(A)}'")


def check_tensor(value, name, parameter, position):
    """TypeError unless it is a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name}(): argument '{parameter}' (position {position}) must be Tensor, not "
            f"{type(value).__name__}"
        )


def broadcast_batches(A, B):
    """A and B with their leading dimensions expanded to the common ones."""
    left, right = A.shape[:-2], B.shape[:-2]
    if left == right:
        return A, B
    batch = (torch.empty(left, device="meta") + torch.empty(right, device="meta")).shape
    return A.expand(*batch, *A.shape[-2:]), B.expand(*batch, *B.shape[-2:])


# What a status above zero means, by what the function's name contains; tried in this order.
_FAILURES = (
    ("inv", "The diagonal element {0} is zero, the inversion could not be completed because the "
            "input matrix is singular."),
    ("solve", "The solver failed because the input matrix is singular."),
    ("cholesky", "The factorization could not be completed because the input is not "
                 "positive-definite (the leading minor of order {0} is not positive-definite)."),
    ("eig", "The algorithm failed to converge because the input matrix is ill-conditioned or has "
            "too many repeated eigenvalues (error code: {0})."),
    ("svd", "The algorithm failed to converge because the input matrix is ill-conditioned or has "
            "too many repeated singular values (error code: {0})."),
    ("lstsq", "The least squares solution could not be computed because the input matrix does not "
              "have full rank (error code: {0})."),
    ("lu_factor", "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero. "
                  "If you still want to perform the factorization, consider calling "
                  "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"),
    ("ldl", "D[{0},{0}] is zero and using it on ldl_solve would result in a division by zero."),
)  # fmt: skip


def check_info(info, name):
    """Raises LinAlgError for the first matrix whose status is not 0.

    info: LAPACK's status, int32, one of each matrix: above 0 the algorithm failed there.
    """
    if info.is_meta or not info.any():
        return
    where = ""
    if info.dim():
        flat = info.flatten()
        first = int((flat != 0).nonzero()[0])
        info, where = flat[first], f"(Batch element {first}): "
    code = int(info)
    if code < 0:
        raise LinAlgError(
            f"{name}: {where}The algorithm failed to converge because the input matrix contained "
            "non-finite values."
        )
    message = next(text for word, text in _FAILURES if word in name)
    error = RuntimeError if "lu_factor" in name or "ldl" in name else LinAlgError
    raise error(f"{name}: {where}{message.format(code)}")


_warned = set()


def warn_once(name, message):
    """PyTorch's warning about an old name, the first time."""
    if name not in _warned:
        _warned.add(name)
        warnings.warn(message, stacklevel=5)


def deprecated(old, new, more):
    """The warning for a name that has moved."""
    warn_once(
        old,
        f"torch.{old} is deprecated in favor of torch.linalg.{new} and will be removed in a future "
        f"PyTorch release.\n{more}",
    )
