"""Discrete Fourier transforms of any length, as three differentiable primitives: complex to complex,
real to half a spectrum, and back. The gradient of each is another of them, so derivatives exist to
any order. The core (core/ops/fft.cpp) transforms along one dimension, unless the length has a large
prime factor. Arguments are checked by torch.fft (fft.py).
"""

import functools
import math
import types

import rushlight as torch

from ._C import _hidden
from .autograd import Function

_LARGEST_FACTOR = 61  # of the lengths that the core transforms; it refuses others


def resized(input, dims, sizes):
    """Cropped, or filled up with zeros, along each of `dims`."""
    for dim, size in zip(dims, sizes):
        have = input.size(dim)
        if size < have:
            input = input.narrow(dim, 0, size)
        elif size > have:
            pad = [0, 0] * (input.dim() - dim)
            pad[-1] = size - have
            input = torch.constant_pad_nd(input, pad)
    return input


@functools.lru_cache
def _largest_factor(n):
    factor = 2
    while factor * factor <= n:
        if n % factor:
            factor += 1
        else:
            n //= factor
    return n


def _by_convolution(input, dim, inverse, scale, size, real):
    """_fft of any length n, by convolving with exp(pi i j^2 / n), which a power of two numbers can
    do (Bluestein, "A linear filtering approach to the computation of the discrete Fourier
    transform", 1970). In double precision."""
    n = input.size(dim)
    room = 1 << (2 * n - 1).bit_length()
    angles = (torch.arange(n).square() % (2 * n)).double() * (math.pi / n)
    chirp = torch.polar(torch.ones_like(angles), angles)
    chirp = chirp if inverse else chirp.conj()
    filter = torch.zeros(room, dtype=torch.complex128)
    filter[:n] = chirp.conj()
    filter[room - n + 1 :] = chirp[1:].conj().flip(0)
    x = resized(input.movedim(dim, -1) * chirp, (input.dim() - 1,), (room,))
    x = _hidden._fft(x, -1, False, 1.0, room, False)
    x = x * _hidden._fft(filter, -1, False, 1.0, room, False)
    x = _hidden._fft(x, -1, True, scale / room, size, False) * chirp[:size]
    x = (x.real if real else x).movedim(-1, dim)
    return x.to(_result_type(input, real))


def _result_type(input, real):
    double = input.dtype in (torch.float64, torch.complex128)
    if real:
        return torch.float64 if double else torch.float32
    return torch.complex128 if double else torch.complex64


def _transform(input, dim, inverse, scale, size, real=False):
    """The first `size` numbers of the transform along dim, times scale, or their real parts."""
    if input.is_meta:
        shape = list(input.shape)
        shape[dim] = size
        return torch.empty(shape, dtype=_result_type(input, real), device=input.device)
    short = _largest_factor(input.size(dim)) <= _LARGEST_FACTOR
    return (_hidden._fft if short else _by_convolution)(input, dim, inverse, scale, size, real)


def _factor(scale, sizes):
    """What a transform is multiplied by, which `scale` names by what it is divided by."""
    n = math.prod(sizes)
    return {"": 1.0, "n": 1 / n, "sqrt": 1 / math.sqrt(n)}[scale]


def run(primitive, input, *options):
    """primitive.apply, which is as long as a short transform, where something records."""
    if input.requires_grad and torch.is_grad_enabled():
        return primitive.apply(input, *options)
    return primitive.forward(types.SimpleNamespace(), input, *options)


class C2C(Function):
    """Complex (or real) to complex along `dims`; divided by nothing, the root of n, or n."""

    @staticmethod
    def forward(ctx, input, dims, scale, forward):
        ctx.options, ctx.real = (dims, scale, not forward), not input.is_complex()
        factor = _factor(scale, [input.size(d) for d in dims])
        for dim in dims:
            input = _transform(input, dim, not forward, factor, input.size(dim))
            factor = 1.0
        return input

    @staticmethod
    def backward(ctx, g):
        g = C2C.apply(g, *ctx.options)
        return g.real if ctx.real else g, None, None, None


def _edges_doubled(t, dim, size, inner):
    """t times `inner`, except where a half spectrum has no mirror image: at 0 and at the middle."""
    weights = torch.full((t.size(dim),), inner, dtype=t.real.dtype if t.is_complex() else t.dtype)
    weights[0] = 1
    if size % 2 == 0:
        weights[-1] = 1
    return t * weights.view([-1 if d == dim else 1 for d in range(t.dim())])


class R2C(Function):
    """Real to the first half of the spectrum along the last of `dims`."""

    @staticmethod
    def forward(ctx, input, dims, scale):
        *others, last = dims
        ctx.options, ctx.size = (dims, scale), input.size(last)
        factor = _factor(scale, [input.size(d) for d in dims])
        x = _transform(input, last, False, factor, ctx.size // 2 + 1)
        for dim in others:
            x = _transform(x, dim, False, 1.0, x.size(dim))
        return x

    @staticmethod
    def backward(ctx, g):
        dims, scale = ctx.options
        g = _edges_doubled(g, dims[-1], ctx.size, 0.5)
        return C2R.apply(g, dims, scale, ctx.size), None, None


class C2R(Function):
    """Half a spectrum to real numbers, `size` of them along the last of `dims`."""

    @staticmethod
    def forward(ctx, input, dims, scale, size):
        ctx.options, ctx.size, ctx.real = (dims, scale), size, not input.is_complex()
        *others, last = dims
        factor = _factor(scale, [size, *(input.size(d) for d in others)])
        x = input
        for dim in others:
            x = _transform(x, dim, True, 1.0, x.size(dim))
        # The missing half of a line is the mirrored conjugate of what is there.
        mirrored = x.narrow(last, 1, (size - 1) // 2).flip(last).conj()
        whole = torch.cat([x.narrow(last, 0, size // 2 + 1), mirrored], last)
        return _transform(whole, last, True, factor, size, real=True)

    @staticmethod
    def backward(ctx, g):
        g = _edges_doubled(R2C.apply(g, *ctx.options), ctx.options[0][-1], ctx.size, 2.0)
        return g.real if ctx.real else g, None, None, None
