"""LKJCholesky: Cholesky factors of random correlation matrices."""

import math

import rushlight as torch

from . import constraints
from .continuous import Beta
from .distribution import Distribution, broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """L such that the density of L L^T is its determinant to the power `concentration` - 1.

    Sampling: the onion method (Lewandowski, Kurowicka & Joe 2009), a row after the other.

    >>> import rushlight as torch
    >>> l = torch.distributions.LKJCholesky(3, 0.5).sample()
    >>> torch.allclose((l @ l.T).diagonal(), torch.ones(3))
    True
    """

    arg_constraints = {"concentration": constraints.positive}  # noqa: RUF012
    support = constraints.corr_cholesky

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        marginal = self.concentration + 0.5 * (dim - 2)
        like = dict(dtype=self.concentration.dtype, device=self.concentration.device)
        # The squared radius of row k + 1 is Beta(k / 2, marginal - (k - 1) / 2); row 0 is a 1.
        offset = torch.cat([torch.zeros(1, **like), torch.arange(dim - 1, **like)])
        self._beta = Beta(offset + 0.5, marginal.unsqueeze(-1) - 0.5 * offset)
        super().__init__(self.concentration.size(), (dim, dim), validate_args)

    def expand(self, batch_shape, _instance=None):
        shape = torch.Size(batch_shape)
        return self._expanded(
            LKJCholesky, shape, _instance, dim=self.dim,
            concentration=self.concentration.expand(shape),
            _beta=self._beta.expand(shape + (self.dim,)),
        )  # fmt: skip

    def sample(self, sample_shape=torch.Size()):  # noqa: B008
        radius = self._beta.sample(sample_shape).unsqueeze(-1)
        direction = torch.randn(
            self._extended_shape(sample_shape), dtype=radius.dtype, device=radius.device
        ).tril(-1)
        direction = direction / direction.norm(dim=-1, keepdim=True)
        direction[..., 0, :].fill_(0.0)
        w = radius.sqrt() * direction
        tiny = torch.finfo(w.dtype).tiny
        return w + torch.diag_embed((1 - (w**2).sum(-1)).clamp(min=tiny).sqrt())

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = torch.arange(2, self.dim + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        density = (order * diagonal.log()).sum(-1)
        n = self.dim - 1
        alpha = self.concentration + 0.5 * n
        constant = 0.5 * n * math.log(math.pi) + torch.mvlgamma(alpha - 0.5, n)
        return density - (constant - torch.lgamma(alpha) * n)
