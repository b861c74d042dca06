"""Losses of nn.functional that ask for a margin between scores or distances."""

import rushlight as torch

from .._composite import check_scalar_type, type_name
from . import _reduction as _Reduction
from ._functional_linear import pairwise_distance
from ._functional_loss import _legacy, _reduced

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


_nn = torch._C._nn
_number = _Reduction.get_enum


def _zero(like):
    return torch.zeros((), dtype=like.dtype, device=like.device)


def hinge_embedding_loss(
    input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"
):
    """x where y = 1, max(0, margin - x) where y = -1, reduced.

    Shapes broadcast; y holds 1 and -1. "none" keeps them, "mean" and "sum" give a number.

    >>> x, y = torch.tensor([0.2, 0.2]), torch.tensor([1.0, -1.0])
    >>> F.hinge_embedding_loss(x, y, reduction="none")
    tensor([0.2000, 0.8000])
    """
    reduction = _legacy(size_average, reduce, reduction)
    return torch.hinge_embedding_loss(input, target, margin, _number(reduction))


def margin_ranking_loss(
    input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"
):
    """max(0, -y * (x1 - x2) + margin), reduced.

    All three have one number of dimensions, RuntimeError otherwise, and broadcast; y = 1 says that
    x1 should be the greater. "none" keeps the shape, "mean" and "sum" give a number.

    >>> x1, x2, y = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 1.0])
    >>> F.margin_ranking_loss(x1, x2, y, reduction="none")
    tensor([0., 1.])
    """
    reduction = _legacy(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return torch.margin_ranking_loss(input1, input2, target, margin, _number(reduction))


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-y x)), reduced.

    Shapes broadcast; y holds 1 and -1. "none" keeps them, "mean" and "sum" give a number. Infinite
    where exp overflows, for y x below -88 in float32; softplus(-y x) is not.

    >>> F.soft_margin_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, -1.0]), reduction="none")
    tensor([0.6931, 2.1269])
    """
    reduction = _legacy(size_average, reduce, reduction)
    return _nn.soft_margin_loss(input, target, _number(reduction))


def cosine_embedding_loss(
    input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"
):
    """1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1, reduced.

    Inputs (N, D) and targets (N,), or (D,) and (); RuntimeError otherwise. "none" gives (N,).

    >>> x1, x2 = torch.eye(2), torch.ones(2, 2)
    >>> F.cosine_embedding_loss(x1, x2, torch.tensor([1, -1]), reduction="none")
    tensor([0.2929, 0.7071])
    """
    reduction = _legacy(size_average, reduce, reduction)
    dim = target.dim()
    if dim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.dim() != dim + 1:
        raise RuntimeError(
            f"{dim}D target tensor expects {dim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    # The small number keeps the division finite, also in the gradient.
    norms = (input1 * input1).sum(dim).add(1e-12) * (input2 * input2).sum(dim).add(1e-12)
    cos = (input1 * input2).sum(dim) / norms.sqrt()
    zero = _zero(cos)
    alike = torch.where(target == 1, 1 - cos, zero)
    other = torch.where(target == -1, (cos - margin).clamp_min(0), zero)
    return _reduced(alike + other, reduction)


def _check_triplet(anchor, positive, negative):
    dims = anchor.dim(), positive.dim(), negative.dim()
    if not dims[0] == dims[1] == dims[2]:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have "
            f"the same number of dimensions, but got: anchor {dims[0]}D, "
            f"positive {dims[1]}D, and negative {dims[2]}D inputs"
        )


def _triplet(distance, anchor, positive, negative, margin, swap, reduction):
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = torch.min(far, distance(positive, negative))
    return _reduced((margin + near - far).clamp_min(0), reduction)


def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2,
    eps=1e-6,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """max(0, |a - p| - |a - n| + margin), reduced (Balntas et al. 2016).

    With `swap` the nearer of a and p counts for the distance to n.

    (N, D) thrice, or (D,); "none" gives (N,) or (). `p` is the norm's order, `eps` is added to
    differences. Raises ValueError unless margin > 0, RuntimeError for different numbers of
    dimensions.

    >>> a, p, n = torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.tensor([[1.5]])
    >>> F.triplet_margin_loss(a, p, n)
    tensor(0.5000)
    """
    reduction = _legacy(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _check_triplet(anchor, positive, negative)

    def distance(x, y):
        return pairwise_distance(x, y, p, eps)

    return _triplet(distance, anchor, positive, negative, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor,
    positive,
    negative,
    *,
    distance_function=None,
    margin=1.0,
    swap=False,
    reduction="mean",
):
    """triplet_margin_loss with a distance of one's own.

    `distance_function(x, y)` gives a number for each pair, by default `pairwise_distance`. Shapes
    and errors are those of `triplet_margin_loss`; ValueError for another `reduction`.

    >>> def distance(x, y):
    ...     return (x - y).abs().sum(-1)
    >>> a, p, n = torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.tensor([[1.5]])
    >>> F.triplet_margin_with_distance_loss(a, p, n, distance_function=distance)
    tensor(0.5000)
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _check_triplet(anchor, positive, negative)
    distance = pairwise_distance if distance_function is None else distance_function
    return _triplet(distance, anchor, positive, negative, margin, swap, reduction)


def multi_margin_loss(
    input,
    target,
    p=1,
    margin=1.0,
    weight=None,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """sum_{i != y} max(0, margin - x_y + x_i)^p / C for scores (N, C) or (C,), reduced.

    target: classes, int64 (N,) or (); weight: (C,); "none" gives (N,) or (). float32 and float64.
    Raises ValueError unless p is 1 or 2, RuntimeError for classes out of range or shapes that do
    not fit.

    >>> F.multi_margin_loss(torch.tensor([[0.1, 0.8, 0.4]]), torch.tensor([1]))
    tensor(0.3000)
    """
    reduction = _legacy(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    kind = _number(reduction)
    x, y = _rows(input), target.reshape(1) if target.dim() == 0 else target
    if y.shape != x.shape[:1]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size {list(x.shape[:1])}, but got "
            f"{list(target.shape)}. Input has shape {list(input.shape)}."
        )
    classes = x.size(1)
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(weight.shape)}"
        )
    _check_types("multi_margin_loss_cpu_kernel", input, target)
    if weight is not None:
        check_scalar_type(input.dtype, weight.dtype)
    if y.numel() and not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise RuntimeError("target out of range")
    index = y.unsqueeze(-1)
    hinge = (margin - x.gather(1, index) + x).clamp_min(0)
    if p == 2:
        hinge = hinge * hinge
    if weight is not None:
        hinge = hinge * weight[index]
    loss = hinge.scatter(1, index, 0.0).sum(-1) / classes
    return _reduced(loss if target.dim() or kind else loss.reshape(()), reduction)


def _rows(input):
    """Scores as (N, C)."""
    sizes = list(input.shape)
    if input.dim() > 2 or 0 in sizes[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {sizes}"
        )
    return input if input.dim() == 2 else input.reshape(1, -1)


def _check_types(kernel, input, target):
    if input.dtype not in (torch.float32, torch.float64):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{type_name(input.dtype)}'")
    check_scalar_type(torch.int64, target.dtype)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """sum over labels j and other classes i of max(0, 1 - (x_j - x_i)) / C, reduced.

    Each row of `target` (N, C) or (C,) lists labels; the first negative number ends the list.

    The target is int64; "none" gives (N,) or (). float32 and float64. Raises RuntimeError for
    labels out of range or shapes that do not fit.

    >>> x, labels = torch.tensor([[0.1, 0.8, 0.4]]), torch.tensor([[1, -1, 0]])
    >>> F.multilabel_margin_loss(x, labels)
    tensor(0.3000)
    """
    reduction = _legacy(size_average, reduce, reduction)
    kind = _number(reduction)
    x, y = _rows(input), target if input.dim() == 2 else target.reshape(1, -1)
    if target.dim() > 2 or y.shape != x.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    _check_types("multilabel_margin_loss_forward_out_frame", input, target)
    if y.numel() and not -1 <= int(y.min()) <= int(y.max()) < x.size(1):
        raise RuntimeError("argument #2 'target' is out of range")
    listed = (y < 0).long().cumsum(-1) == 0
    labels = torch.where(listed, y, 0)
    is_label = torch.zeros_like(y).scatter_add(-1, labels, listed.long()) > 0
    scores = x.gather(-1, labels)
    hinge = (1 - (scores.unsqueeze(-1) - x.unsqueeze(-2))).clamp_min(0)
    counts = listed.unsqueeze(-1) & ~is_label.unsqueeze(-2)
    loss = torch.where(counts, hinge, _zero(hinge)).sum((-1, -2)) / x.size(-1)
    return _reduced(loss if input.dim() == 2 or kind else loss.reshape(()), reduction)


def multilabel_soft_margin_loss(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """Mean over classes of the binary cross entropy of sigmoid(x), reduced.

    Input and target, of zeros and ones, are (N, C); `weight` broadcasts; "none" gives (N,).
    ValueError for another `reduction`.

    >>> F.multilabel_soft_margin_loss(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    reduction = _legacy(size_average, reduce, reduction)
    log_sigmoid = torch._C._nn.log_sigmoid
    loss = -(target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input))
    if weight is not None:
        loss = loss * weight
    loss = loss.sum(-1) / input.size(-1)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    return _reduced(loss, reduction)
