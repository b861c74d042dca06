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


def _check_probability(p):
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")


def affine_grid_generator(theta, size, align_corners):
    """The points at which `grid_sampler` applies affine maps. See `nn.functional.affine_grid`.

    `theta` (N, 2, 3) and `size` (N, C, H, W) give (N, H, W, 2); (N, 3, 4) and (N, C, D, H, W) give
    (N, D, H, W, 3). Floating dtypes. Differentiable.

    >>> theta = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    >>> torch.affine_grid_generator(theta, (1, 1, 1, 2), True)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])
    """
    return F.affine_grid(theta, size, align_corners)


def alpha_dropout(input, p, train):
    """Dropout that keeps mean and variance of selu networks.

    Any shape, floating dtypes; the input itself unless `train`. Raises RuntimeError if p is not between
    0 and 1. Source: Klambauer et al. 2017, "Self-Normalizing Neural Networks".

    >>> torch.alpha_dropout(torch.ones(2), 0.5, False)
    tensor([1., 1.])
    """
    _check_probability(p)
    return F.alpha_dropout(input, p, train)


def alpha_dropout_(input, p, train):
    """alpha_dropout in place.

    >>> torch.alpha_dropout_(torch.ones(2), 0.5, False)
    tensor([1., 1.])
    """
    _check_probability(p)
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout(input, p, train):
    """alpha_dropout of whole channels.

    (N, C, *), floating dtypes; the input itself unless `train`. Raises RuntimeError for fewer than
    two dimensions in training.

    >>> _ = torch.manual_seed(0)
    >>> torch.feature_alpha_dropout(torch.ones(1, 2, 3), 0.5, True)
    tensor([[[-0.7792, -0.7792, -0.7792],
             [-0.7792, -0.7792, -0.7792]]])
    """
    _check_probability(p)
    return F.feature_alpha_dropout(input, p, train)


def feature_alpha_dropout_(input, p, train):
    """feature_alpha_dropout in place.

    >>> torch.feature_alpha_dropout_(torch.ones(1, 2), 0.5, False)
    tensor([[1., 1.]])
    """
    _check_probability(p)
    return F.feature_alpha_dropout(input, p, train, inplace=True)


def feature_dropout_(input, p, train):
    """Dropout of whole channels, in place.

    (N, C, *), floating dtypes; what stays is divided by 1 - p. Nothing happens unless `train`.

    >>> _ = torch.manual_seed(0)
    >>> torch.feature_dropout_(torch.ones(1, 3, 2), 0.5, True)
    tensor([[[0., 0.],
             [0., 0.],
             [2., 2.]]])
    """
    return input.copy_(torch.feature_dropout(input.clone(), p, train))


def native_dropout(input, p, train):
    """(dropout of the input, the mask of what stayed).

    Any shape, floating dtypes; the mask is bool, all True unless `train`. What stays is divided by
    1 - p. `train` may be None, for True.

    >>> _ = torch.manual_seed(0)
    >>> torch.native_dropout(torch.ones(3), 0.5, True)
    (tensor([0., 0., 2.]), tensor([False, False,  True]))
    """
    if train is False or p == 0:
        return input.clone(), torch.ones_like(input, dtype=torch.bool)
    mask = torch.empty_like(input, dtype=torch.bool).bernoulli_(1 - p)
    return input * mask * (0.0 if p == 1 else 1 / (1 - p)), mask


def norm_except_dim(v, pow=2, dim=0):
    """The norms of the slices of v along `dim`, which stays; of all of v where dim is -1.

    `pow` is the norm's order. Floating dtypes; the result has as many dimensions as v, all of size
    1 but `dim`, or none where dim is -1. Differentiable. Weight normalisation divides by it.

    >>> torch.norm_except_dim(torch.tensor([[3.0, 4.0], [6.0, 8.0]]))
    tensor([[ 5.],
            [10.]])
    """
    if dim == -1:
        return v.norm(pow)
    if v.dim() == 0 or not -v.dim() <= dim < v.dim():
        return v.norm(pow, dim, keepdim=True)  # raises
    dims = [d for d in range(v.dim()) if d != dim % v.dim()]
    return v.norm(pow, dims, keepdim=True) if dims else v.abs()


def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=0):
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1.

    (N, D), (N, D) and targets (N,), or (D,), (D,) and (). `reduction` is 0 for none, 1 for the
    mean, 2 for the sum. Raises RuntimeError for other shapes.

    >>> target = torch.tensor([1, -1])
    >>> torch.cosine_embedding_loss(torch.eye(2), torch.ones(2, 2), target, reduction=2)
    tensor(1.)
    """
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """exp(x) - y x for log rates x, or x - y log(x + eps) for rates.

    Shapes broadcast; floating dtypes. `full` adds Stirling's approximation of log(y!). `reduction`
    is 0 for none, 1 for the mean, 2 for the sum.

    >>> torch.poisson_nll_loss(torch.zeros(2), torch.ones(2), True, False, 1e-8, 0)
    tensor([1., 1.])
    """
    return F.poisson_nll_loss(
        input, target, log_input, full, eps=eps, reduction=_REDUCTIONS[reduction]
    )


def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction=0
):
    """max(0, |a - p| - |a - n| + margin).

    (N, D) thrice, or (D,); floating dtypes. `p` is the norm's order, `eps` is added to differences.
    With `swap` the nearer of anchor and positive counts for the distance to the negative one.
    `reduction` is 0 for none, 1 for the mean, 2 for the sum. Source: Balntas et al. 2016.

    >>> a, p, n = torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.tensor([[1.5]])
    >>> torch.triplet_margin_loss(a, p, n, reduction=0)
    tensor([0.5000])
    """
    reduction = _REDUCTIONS[reduction]
    return F.triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, reduction=reduction
    )
