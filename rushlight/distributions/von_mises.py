"""VonMises: a normal distribution wrapped round the circle."""

import math

import rushlight as torch

from . import constraints
from .distribution import Distribution, broadcast_all, lazy_property

__all__ = ["VonMises"]


def _log_bessel(x, order):
    """log I_order(x) for order 0 or 1, without overflow."""
    scaled = torch.special.i0e(x) if order == 0 else torch.special.i1e(x)
    return scaled.log() + x


class VonMises(Distribution):
    """Angles about `loc`, the closer the greater `concentration`, in [-pi, pi).

    Sampling: rejection from a wrapped Cauchy distribution (Best & Fisher 1979).

    >>> import rushlight as torch
    >>> torch.distributions.VonMises(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-1.0738)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}  # noqa: RUF012
    support = constraints.real
    has_rsample = False

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        return k * torch.cos(value - self.loc) - math.log(2 * math.pi) - _log_bessel(k, 0)

    @lazy_property
    def _proposal_r(self):
        """The parameter of the wrapped Cauchy distribution; near 0 by its series."""
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return torch.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):  # noqa: B008
        # In float64: acos of what is nearly 1 would lose too much.
        shape = self._extended_shape(sample_shape)
        r, k = self._proposal_r, self.concentration.double()
        x = torch.empty(shape, dtype=torch.float64)
        done = torch.zeros(shape, dtype=torch.bool)
        while not done.all():
            u1, u2, u3 = torch.rand((3, *shape), dtype=torch.float64).unbind()
            z = torch.cos(math.pi * u1)
            f = (1 + r * z) / (r + z)
            c = k * (r - f)
            accept = (c * (2 - c) - u2 > 0) | ((c / u2).log() + 1 - c >= 0)
            x = torch.where(accept, (u3 - 0.5).sign() * f.acos(), x)
            done = done | accept
        angle = (x + math.pi + self.loc.double()) % (2 * math.pi) - math.pi
        return angle.to(self.loc.dtype)

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        loc, concentration = self.loc.expand(shape), self.concentration.expand(shape)
        return self._expanded(VonMises, shape, _instance, loc=loc, concentration=concentration)

    mean = property(lambda self: self.loc, doc="The circular mean.")
    mode = property(lambda self: self.loc)

    @lazy_property
    def variance(self):
        """The circular variance."""
        k = self.concentration
        return 1 - (_log_bessel(k, 1) - _log_bessel(k, 0)).exp()
