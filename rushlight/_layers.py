"""torch.* functions of layers whose arguments differ from those of nn.functional: everything given,
reductions by number. Not here: computing."""

import rushlight as torch

from .nn import functional as F

__all__ = [
    "affine_grid_generator",
    "alpha_dropout",
    "alpha_dropout_",
    "cosine_embedding_loss",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout_",
    "native_dropout",
    "norm_except_dim",
    "poisson_nll_loss",
    "triplet_margin_loss",
]

_REDUCTIONS = ("none", "mean", "sum")


def affine_grid_generator(theta, size, align_corners):
    """The points at which `grid_sampler` applies affine maps. See `nn.functional.affine_grid`."""
    return F.affine_grid(theta, size, align_corners)


def alpha_dropout(input, p, train):
    """Dropout that keeps mean and variance of selu networks."""
    return F.alpha_dropout(input, p, train)


def alpha_dropout_(input, p, train):
    """alpha_dropout in place."""
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout(input, p, train):
    """alpha_dropout of whole channels."""
    return F.feature_alpha_dropout(input, p, train)


def feature_alpha_dropout_(input, p, train):
    """feature_alpha_dropout in place."""
    return F.feature_alpha_dropout(input, p, train, inplace=True)


def feature_dropout_(input, p, train):
    """Dropout of whole channels, in place."""
    return input.copy_(torch.feature_dropout(input.clone(), p, train))


def native_dropout(input, p, train):
    """(dropout of the input, the mask of what stayed)."""
    if train is False or p == 0:
        return input.clone(), torch.ones_like(input, dtype=torch.bool)
    mask = torch.empty_like(input, dtype=torch.bool).bernoulli_(1 - p)
    return input * mask * (0.0 if p == 1 else 1 / (1 - p)), mask


def norm_except_dim(v, pow=2, dim=0):
    """The norms of the slices of v along `dim`, which stays; of all of v where dim is -1."""
    if dim == -1:
        return v.norm(pow)
    if v.dim() == 0 or not -v.dim() <= dim < v.dim():
        return v.norm(pow, dim, keepdim=True)  # raises
    dims = [d for d in range(v.dim()) if d != dim % v.dim()]
    return v.norm(pow, dims, keepdim=True) if dims else v.abs()


def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=1):
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """exp(x) - y x for log rates x, or x - y log(x + eps) for rates."""
    return F.poisson_nll_loss(
        input, target, log_input, full, eps=eps, reduction=_REDUCTIONS[reduction]
    )


def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction=1
):
    """max(0, |a - p| - |a - n| + margin)."""
    reduction = _REDUCTIONS[reduction]
    return F.triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, reduction=reduction
    )
