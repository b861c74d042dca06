"""torch.fft: the public functions, which check their arguments and call one of three primitives
(_fourier.py). Not here: stft and istft (_signal.py)."""

import rushlight as torch

from ._composite import type_name, write
from ._fourier import C2C, C2R, R2C, resized, run

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]  # as PyTorch: hfft2, hfftn, ihfft2 and ihfftn are public, but not listed


# ---- arguments ----


def _scale(norm, forward):
    if norm is None or norm == "backward":
        return "" if forward else "n"
    if norm == "forward":
        return "n" if forward else ""
    if norm == "ortho":
        return "sqrt"
    raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _floating(input):
    """Integers become floats; halves are refused, as by PyTorch on the CPU."""
    if not (input.is_floating_point() or input.is_complex()):
        return input.to(torch.get_default_dtype())
    if input.dtype in (torch.float16, torch.bfloat16):
        raise RuntimeError(f"Unsupported dtype {type_name(input.dtype)}")
    return input


def _wrap(input, dim):
    n = input.dim()
    if n == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if not -n <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return dim % n


def _check_size(n):
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _dims_and_sizes(input, s, dim):
    """The dimensions of an n-dimensional transform and the sizes of its signal."""
    s = (s,) if isinstance(s, int) else s
    dim = (dim,) if isinstance(dim, int) else dim
    if dim is not None:
        dims = tuple(_wrap(input, d) for d in dim)
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if s is not None:
        if dim is not None and len(s) != len(dim):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > input.dim():
            raise RuntimeError(
                f"Got shape with {len(s)} values but input tensor only has {input.dim()} dimensions."
            )
    if dim is None:
        dims = tuple(range(input.dim() - (input.dim() if s is None else len(s)), input.dim()))
    sizes = [-1] * len(dims) if s is None else s
    return dims, [_check_size(input.size(d) if n == -1 else n) for d, n in zip(dims, sizes)]


def _into(out, result, name):
    """out= of a transform."""
    if out is None:
        return result
    if not (out.is_complex() if result.is_complex() else out.is_floating_point()):
        wanted = "complex" if result.is_complex() else "floating point"
        raise RuntimeError(
            f"{name} expects a {wanted} output tensor, but got {type_name(out.dtype)}"
        )
    return write(out, result, name)


# ---- one dimension ----


def _one(input, n, dim):
    """(input as floats, dim, n), checked."""
    input = _floating(input)
    dim = _wrap(input, dim)
    return input, dim, _check_size(input.size(dim) if n is None else n)


def _real_input(name, input):
    if input.is_complex():
        raise RuntimeError(f"{name} expects a real input tensor, but got {type_name(input.dtype)}")


def _c2c(name, input, n, dim, norm, forward, out):
    input, dim, n = _one(input, n, dim)
    input = resized(input, (dim,), (n,))
    return _into(out, run(C2C, input, (dim,), _scale(norm, forward), forward), name)


def fft(input, n=None, dim=-1, norm=None, *, out=None):
    """The discrete Fourier transform along a dimension: X[k] = sum of x[j] exp(-2 pi i jk / n).

    input: real or complex; integers become floats, halves are refused. n: the signal is cropped, or
    filled with zeros, to this length. norm: "backward" (no scaling here), "ortho" (1 / sqrt(n)) or
    "forward" (1 / n). The result is complex, of the shape of input but n along dim.

    Raises RuntimeError for n < 1 or an unknown norm, IndexError for a dimension out of range.

    >>> torch.fft.fft(torch.tensor([0., 1., 2., 3.]))
    tensor([ 6.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
    """
    return _c2c("fft", input, n, dim, norm, True, out)


def ifft(input, n=None, dim=-1, norm=None, *, out=None):
    """The inverse of fft: norm "backward" divides by n.

    Shapes, dtypes and errors are those of fft. Differentiable.

    >>> torch.fft.ifft(torch.tensor([6 + 0j, -2 + 2j, -2, -2 - 2j])).real
    tensor([0., 1., 2., 3.])
    """
    return _c2c("ifft", input, n, dim, norm, False, out)


def rfft(input, n=None, dim=-1, norm=None, *, out=None):
    """fft of a real signal: the first n // 2 + 1 values, of which the others are conjugates.

    Raises RuntimeError for complex input.

    Shapes (..., n // 2 + 1) along dim, complex; the rest as in fft. Differentiable.

    >>> torch.fft.rfft(torch.tensor([0., 1., 2., 3.]))
    tensor([ 6.+0.j, -2.+2.j, -2.+0.j])
    """
    _real_input("rfft", input)
    input, dim, n = _one(input, n, dim)
    input = resized(input, (dim,), (n,))
    return _into(out, run(R2C, input, (dim,), _scale(norm, True)), "rfft")


def _half_input(input, n, dim):
    """Half a spectrum, of the length that n real numbers have."""
    input = _floating(input)
    dim = _wrap(input, dim)
    n = _check_size(2 * (input.size(dim) - 1) if n is None else n)
    return resized(input, (dim,), (n // 2 + 1,)), dim, n


def irfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The inverse of rfft: n real numbers, 2 * (size - 1) if n is not given.

    Other errors and dtypes are those of fft. Raises RuntimeError for n < 1: a size of 1 needs n.

    >>> torch.fft.irfft(torch.tensor([6 + 0j, -2 + 2j, -2]))
    tensor([0., 1., 2., 3.])
    """
    input, dim, n = _half_input(input, n, dim)
    return _into(out, run(C2R, input, (dim,), _scale(norm, False), n), "irfft")


def hfft(input, n=None, dim=-1, norm=None, *, out=None):
    """fft of a signal of which the first half is given, the rest being its mirrored conjugate: its
    spectrum is real, n numbers, 2 * (size - 1) if n is not given.

    Errors are those of irfft. Integers become floats. Differentiable.

    >>> torch.fft.hfft(torch.tensor([1., 2., 1.]))
    tensor([ 6.,  0., -2.,  0.])
    """
    input, dim, n = _half_input(input, n, dim)
    return _into(out, run(C2R, input.conj(), (dim,), _scale(norm, True), n), "hfft")


def ihfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The inverse of hfft: half of the inverse transform of a real spectrum.

    n // 2 + 1 complex values along dim. Raises RuntimeError for complex input.

    >>> torch.fft.ihfft(torch.tensor([6., 0., -2., 0.])).real
    tensor([1., 2., 1.])
    """
    _real_input("ihfft", input)
    input, dim, n = _one(input, n, dim)
    input = resized(input, (dim,), (n,))
    return _into(out, run(R2C, input, (dim,), _scale(norm, False)).conj(), "ihfft")


# ---- several dimensions ----


def _c2cn(input, s, dim, norm, forward, out):
    input = _floating(input)
    dims, sizes = _dims_and_sizes(input, s, dim)
    input = resized(input, dims, sizes)
    scale = _scale(norm, forward)
    if dims:
        result = run(C2C, input, dims, scale, forward)
    else:
        result = input + 0j
    return _into(out, result, "fftn")


def fftn(input, s=None, dim=None, norm=None, *, out=None):
    """fft along several dimensions: those of `dim`, or the last len(s), or all.

    s: the sizes to crop or fill to; -1 leaves one alone. Raises RuntimeError for repeated
    dimensions, sizes below 1, or s and dim of different lengths.

    >>> torch.fft.fftn(torch.ones(2, 2)).real
    tensor([[4., 0.],
            [0., 0.]])
    """
    return _c2cn(input, s, dim, norm, True, out)


def ifftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of fftn.

    Shapes, dtypes and errors are those of fftn. Differentiable.

    >>> torch.fft.ifftn(torch.tensor([[4., 0.], [0., 0.]])).real
    tensor([[1., 1.],
            [1., 1.]])
    """
    return _c2cn(input, s, dim, norm, False, out)


def _check_axes(name, dims):
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def rfftn(input, s=None, dim=None, norm=None, *, out=None):
    """fftn of a real signal: along the last dimension only the first n // 2 + 1 values.

    Raises RuntimeError for complex input; the rest as in fftn. Differentiable.

    >>> torch.fft.rfftn(torch.ones(2, 2)).real
    tensor([[4., 0.],
            [0., 0.]])
    """
    if input.is_complex():
        raise RuntimeError(
            f"rfftn expects a real-valued input tensor, but got {type_name(input.dtype)}"
        )
    input = _floating(input)
    dims, sizes = _dims_and_sizes(input, s, dim)
    _check_axes("rfftn", dims)
    input = resized(input, dims, sizes)
    return _into(out, run(R2C, input, dims, _scale(norm, True)), "rfftn")


def _half_input_n(name, input, s, dim):
    """As _half_input, for the last of several dimensions."""
    input = _floating(input)
    dims, sizes = _dims_and_sizes(input, s, dim)
    _check_axes(name, dims)
    s = (s,) if isinstance(s, int) else s
    last = 2 * (input.size(dims[-1]) - 1) if s is None or s[-1] == -1 else sizes[-1]
    sizes[-1] = _check_size(last) // 2 + 1
    return resized(input, dims, sizes), dims, last


def irfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of rfftn: real numbers, 2 * (size - 1) along the last dimension if s is not given.

    Other errors and dtypes are those of fftn. Differentiable.

    >>> torch.fft.irfftn(torch.tensor([[4., 0.], [0., 0.]]))
    tensor([[1., 1.],
            [1., 1.]])
    """
    input, dims, last = _half_input_n("irfftn", input, s, dim)
    return _into(out, run(C2R, input, dims, _scale(norm, False), last), "irfftn")


def hfftn(input, s=None, dim=None, norm=None, *, out=None):
    """fftn of a signal that is Hermitian along the last dimension, of which half is given.

    Real numbers, as many as irfftn gives; its errors too. Differentiable.

    >>> torch.fft.hfftn(torch.ones(2, 2))
    tensor([[4., 0.],
            [0., 0.]])
    """
    input, dims, last = _half_input_n("hfftn", input, s, dim)
    return _into(out, run(C2R, input.conj(), dims, _scale(norm, True), last), "hfftn")


def ihfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of hfftn.

    n // 2 + 1 complex values along the last dimension. Raises RuntimeError for complex input.

    >>> torch.fft.ihfftn(torch.tensor([[4., 0.], [0., 0.]])).real
    tensor([[1., 1.],
            [1., 1.]])
    """
    dims, sizes = _dims_and_sizes(input, s, dim)
    _check_axes("ihfftn", dims)
    if input.is_complex():
        raise RuntimeError(
            f"Only supports floating-point dtypes, but found: {type_name(input.dtype)}"
        )
    input = resized(_floating(input), dims, sizes)
    return _into(out, run(R2C, input, dims, _scale(norm, False)).conj(), "ihfftn")


# ---- two dimensions ----


def fft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """fftn along two dimensions, the last ones.

    `s` are two sizes to which the input is cut or padded with zeros. Real input gives complex
    output of the same precision. Errors and `norm` are those of fftn. Differentiable.

    >>> torch.fft.fft2(torch.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return fftn(input, s, dim, norm, out=out)


def ifft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """ifftn along two dimensions, the last ones.

    `s` are two sizes to which the input is cut or padded with zeros. The result is complex. Errors
    and `norm` are those of ifftn. Differentiable.

    >>> torch.fft.ifft2(torch.fft.fft2(torch.eye(2)))
    tensor([[1.+0.j, 0.+0.j],
            [0.+0.j, 1.+0.j]])
    """
    return ifftn(input, s, dim, norm, out=out)


def rfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """rfftn along two dimensions, the last ones.

    Real input (..., m, n) gives complex output (..., m, n // 2 + 1): the rest is its conjugate.
    Raises RuntimeError for complex input. Differentiable.

    >>> torch.fft.rfft2(torch.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return rfftn(input, s, dim, norm, out=out)


def irfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """irfftn along two dimensions, the last ones.

    Half a Hermitian spectrum (..., m, n // 2 + 1) gives real output (..., m, n); for odd n name the
    sizes in `s`. Differentiable.

    >>> torch.fft.irfft2(torch.fft.rfft2(torch.eye(2)))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return irfftn(input, s, dim, norm, out=out)


def hfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """hfftn along two dimensions, the last ones.

    Half a Hermitian signal (..., m, n // 2 + 1) gives its real spectrum (..., m, n).

    >>> torch.fft.hfft2(torch.ones(2, 2), s=(2, 2))
    tensor([[4., 0.],
            [0., 0.]])
    """
    return hfftn(input, s, dim, norm, out=out)


def ihfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """ihfftn along two dimensions, the last ones.

    Real input (..., m, n) gives half of a Hermitian signal, complex (..., m, n // 2 + 1). Raises
    RuntimeError for complex input.

    >>> torch.fft.ihfft2(torch.tensor([[4.0, 0.0], [0.0, 0.0]])).real
    tensor([[1., 1.],
            [1., 1.]])
    """
    return ihfftn(input, s, dim, norm, out=out)


# ---- frequencies ----


def _frequencies(name, n, d, out, dtype, count, **options):
    dtype = dtype or (out.dtype if out is not None else torch.get_default_dtype())
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    if count < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {count}: [{count}]")
    requires_grad = options.pop("requires_grad")
    result = torch.arange(count, dtype=dtype, **options)
    if name == "fftfreq":
        result[(n + 1) // 2 :] -= n
    factor = 1.0 / (n * d) if n * d else float("inf")
    result = result * factor
    if out is not None:
        return write(out, result, name)
    return result.requires_grad_() if requires_grad else result


def fftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of fft's n values for samples d apart: 0, 1, ... and then the negative ones,
    over n * d.

    (n,), of a floating `dtype`: RuntimeError for another, or n < 0.

    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _frequencies("fftfreq", n, d, out, dtype, n, device=device, requires_grad=requires_grad)


def rfftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of rfft's n // 2 + 1 values: all positive.

    (n // 2 + 1,), of a floating `dtype`: RuntimeError for another.

    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    half = int(n / 2) + 1  # towards zero, as in C
    return _frequencies(
        "rfftfreq", n, d, out, dtype, half, device=device, requires_grad=requires_grad
    )


def _shifted(input, dim, extra):
    dims = range(input.dim()) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = [_wrap(input, d) for d in dims]
    return torch.roll(input, [(input.size(d) + extra) // 2 for d in dims], dims)


def fftshift(input, dim=None):
    """Moves the zero frequency to the middle, along some dimensions or all.

    Any shape and dtype. Raises IndexError for a dimension out of range.

    >>> torch.fft.fftshift(torch.arange(5))
    tensor([3, 4, 0, 1, 2])
    """
    return _shifted(input, dim, 0)


def ifftshift(input, dim=None):
    """The inverse of fftshift.

    Any shape and dtype. Raises IndexError for a dimension out of range.

    >>> torch.fft.ifftshift(torch.tensor([3, 4, 0, 1, 2]))
    tensor([0, 1, 2, 3, 4])
    """
    return _shifted(input, dim, 1)
