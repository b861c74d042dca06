"""torch.special: the special functions. Those of the core are records of ops/special.cpp; here are
their names, those that torch itself has too, and two composites. Not here: any numerics.

All work elementwise; integers become floats. Results are right to a few units in the last place.
Airy's and the Bessel functions (but i0, i0e, i1, i1e) and the polynomials have no gradient, as in
PyTorch: their results do not require one.
"""

import math

import rushlight as torch

from . import _C
from ._composite import type_name, with_out, write

_core = _C._special

airy_ai = _core.airy_ai
bessel_j0 = _core.bessel_j0
bessel_j1 = _core.bessel_j1
bessel_y0 = _core.bessel_y0
bessel_y1 = _core.bessel_y1
chebyshev_polynomial_t = _core.chebyshev_polynomial_t
chebyshev_polynomial_u = _core.chebyshev_polynomial_u
chebyshev_polynomial_v = _core.chebyshev_polynomial_v
chebyshev_polynomial_w = _core.chebyshev_polynomial_w
digamma = torch.digamma
entr = _core.entr
erf = torch.erf
erfc = torch.erfc
erfcx = _core.erfcx
erfinv = torch.erfinv
exp2 = torch.exp2
expit = torch.sigmoid
expm1 = torch.expm1
gammainc = torch.igamma
gammaincc = torch.igammac
gammaln = torch.lgamma
hermite_polynomial_h = _core.hermite_polynomial_h
hermite_polynomial_he = _core.hermite_polynomial_he
i0 = torch.i0
i0e = _core.i0e
i1 = _core.i1
i1e = _core.i1e
laguerre_polynomial_l = _core.laguerre_polynomial_l
legendre_polynomial_p = _core.legendre_polynomial_p
log1p = torch.log1p
log_ndtr = _core.log_ndtr
log_softmax = torch.log_softmax
logit = torch.logit
logsumexp = torch.logsumexp
modified_bessel_i0 = _core.modified_bessel_i0
modified_bessel_i1 = _core.modified_bessel_i1
modified_bessel_k0 = _core.modified_bessel_k0
modified_bessel_k1 = _core.modified_bessel_k1
ndtr = _core.ndtr
ndtri = _core.ndtri
psi = torch.digamma
round = torch.round
scaled_modified_bessel_k0 = _core.scaled_modified_bessel_k0
scaled_modified_bessel_k1 = _core.scaled_modified_bessel_k1
shifted_chebyshev_polynomial_t = _core.shifted_chebyshev_polynomial_t
shifted_chebyshev_polynomial_u = _core.shifted_chebyshev_polynomial_u
shifted_chebyshev_polynomial_v = _core.shifted_chebyshev_polynomial_v
shifted_chebyshev_polynomial_w = _core.shifted_chebyshev_polynomial_w
sinc = torch.sinc
softmax = torch.softmax
spherical_bessel_j0 = _core.spherical_bessel_j0
xlog1py = _core.xlog1py
xlogy = torch.xlogy
zeta = _core.zeta


@with_out
def polygamma(n, input):
    """The n-th derivative of digamma, n >= 0: (-1) ** (n + 1) * n! * zeta(n + 1, input) for n > 0.

    Raises TypeError if n is not an int, RuntimeError if it is negative.

    Shape kept; floating dtypes, integers give the default one. Differentiable. Source: DLMF 5.15.

    >>> torch.polygamma(1, torch.tensor([1.0, 2.0]))  # pi**2 / 6, pi**2 / 6 - 1
    tensor([1.6449, 0.6449])
    """
    if not isinstance(n, int):
        kind = "Tensor" if isinstance(n, torch.Tensor) else type(n).__name__
        raise TypeError(f"polygamma(): argument 'n' (position 1) must be int, not {kind}")
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return _C._hidden._polygamma(n, input)


_NO_CAST = "can't be cast to the desired output type %W"  # as PyTorch, which names the wanted one


def mvlgamma(input, p, *, out=None):
    """The logarithm of the multivariate gamma function of dimension p: the sum of
    lgamma(input - i / 2) over i < p, and p (p - 1) / 4 * log(pi).

    Raises RuntimeError for p < 1 or bool input.

    Shape kept; floating dtypes, integers give the default one. Defined for input > (p - 1) / 2;
    elsewhere it is the sum all the same. Differentiable. Source: DLMF 35.3.

    >>> torch.mvlgamma(torch.tensor([2.0]), 1)
    tensor([0.])
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if input.dtype == torch.bool:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    wrong = f"mvlgamma: result type {type_name(input.dtype)} {_NO_CAST}"
    if not (input.is_floating_point() or input.is_complex()):
        input = input.to(torch.get_default_dtype())
    halves = torch.arange(p, dtype=input.dtype, device=input.device) * -0.5
    total = torch.lgamma(input.unsqueeze(-1) + halves).sum(-1)
    result = total + p * (p - 1) / 4 * math.log(math.pi)
    return result if out is None else write(out, result, "mvlgamma", wrong)


multigammaln = mvlgamma


__all__ = [
    name
    for name in globals()
    if not name.startswith("_")
    and name not in ("math", "mvlgamma", "torch", "type_name", "with_out", "write")
]
