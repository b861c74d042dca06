"""What every function of torch.linalg shares: how one is made public, how its derivative is
recorded, and the checks of its arguments. No mathematics.
"""

import warnings

import rushlight as torch

from .. import _C
from .._C import Tensor
from ..autograd.function import Function

lapack = _C._hidden  # the core's routines (core/ops/linalg.cpp, spectral.cpp): nothing records


class LinAlgError(RuntimeError):
    """A matrix that an algorithm cannot work on: singular, not positive-definite, no convergence."""


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


def public(name, *, strict=True, first="A", api=None):
    """A decorator: checks that the first argument is a tensor, lets subclasses take over, adds out=.

    name: the function's name in messages. strict: must out= have the result's dtype, or may the
    result be converted? first: the first parameter's name in messages.
    """

    def decorate(function):
        def wrapper(*args, **kwargs):
            out = kwargs.pop("out", None) if kwargs else None
            if args and type(args[0]) is not Tensor:
                a = args[0]
                if _C._has_torch_function(a):
                    return _take_over(wrapper, args, kwargs, out)
                if not isinstance(a, Tensor):
                    raise TypeError(
                        f"{name}(): argument '{first}' (position 1) must be Tensor, not {type(a).__name__}"
                    )
            result = function(*args, **kwargs)
            return result if out is None else write_out(api or name, out, result, strict)

        wrapper.__name__ = wrapper.__qualname__ = name
        wrapper.__doc__, wrapper.__module__ = function.__doc__, function.__module__
        wrapper.__wrapped__ = function
        return wrapper

    return decorate


def _take_over(function, args, kwargs, out):
    from ..overrides import _dispatch

    return _dispatch(function, args, kwargs if out is None else {**kwargs, "out": out})


_C_NAMES = {
    torch.float16: "c10::Half",
    torch.bfloat16: "c10::BFloat16",
    torch.float32: "float",
    torch.float64: "double",
    torch.complex64: "c10::complex<float>",
    torch.complex128: "c10::complex<double>",
    torch.int64: "long int",
    torch.bool: "bool",
}


def write_out(name, out, result, strict=True):
    """Writes a result, or a tuple of them, where out= says. Returns out."""
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)):
            raise TypeError(
                f"{name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}"
            )
        if len(out) != len(result):
            raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
        written = tuple(write_out(name, o, r, strict) for o, r in zip(out, result))
        return written if type(result) is tuple else type(result)(written)
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if needs_grad(out, result):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if strict and out.dtype != result.dtype:
        wanted, got = (_C_NAMES.get(t.dtype, str(t.dtype)[6:]) for t in (result, out))
        got = {"int32": "int", "int16": "short int", "uint8": "unsigned char"}.get(got, got)
        raise RuntimeError(f"Expected out tensor to have dtype {wanted}, but got {got} instead")
    if not torch.can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"{name}: Expected result to be safely castable from {type_name(result)} dtype, but got "
            f"result with dtype {type_name(out)}"
        )
    if out.shape != result.shape:
        if out.numel():
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(out.shape)}, which does not match the required output shape "
                f"{list(result.shape)}. This behavior is deprecated, and in a future PyTorch release "
                "outputs will not be resized unless they have zero elements. You can explicitly "
                "reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                stacklevel=4,
            )
        out.resize_(result.shape)
    with torch.no_grad():
        return out.copy_(result)


# ---- checks ----


def type_name(t):
    """Float, ComplexDouble, Long: how PyTorch's messages name a dtype."""
    from .._legacy import NAMES

    name = NAMES.get(getattr(t, "dtype", t))
    return name[:-6] if name else str(t)


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


def deprecated(old, new, more):
    """PyTorch's warning for an old name, once."""
    if old not in _warned:
        _warned.add(old)
        warnings.warn(
            f"torch.{old} is deprecated in favor of torch.linalg.{new} and will be removed in a "
            f"future PyTorch release.\n{more}",
            stacklevel=4,
        )
