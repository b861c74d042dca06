"""Losses of nn.functional that compare elements or distributions. Margins: _functional_margin."""

import math

import rushlight as torch

from . import _reduction as _Reduction

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "linear_cross_entropy",
    "mse_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]

_nn = torch._C._nn


def _reduced(loss, reduction):
    """`loss` under a reduction given by name; ValueError for any other name."""
    kind = _Reduction.get_enum(reduction)
    return loss if kind == 0 else loss.mean() if kind == 1 else loss.sum()


def _legacy(size_average, reduce, reduction):
    if size_average is not None or reduce is not None:
        return _Reduction.legacy_get_string(size_average, reduce)
    return reduction


def _same_size(input, target):
    """Both broadcast to one size, with a warning, since that is seldom meant."""
    if target.size() == input.size():
        return input, target
    import warnings

    warnings.warn(
        f"Using a target size ({target.size()}) that is different to the input size "
        f"({input.size()}). This will likely lead to incorrect results due to broadcasting. "
        "Please ensure they have the same size.",
        stacklevel=3,
    )
    return torch.broadcast_tensors(input, target)


def _weighted(loss, weight, input, reduction, by_weight=True):
    """Reduce `loss * weight`; the mean divides by the sum of the weights, or by the count."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if reduction == "mean":
        return loss.sum() / weight.sum() if by_weight else loss.mean()
    raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(x - y)^2, then the mean ("mean"), the sum ("sum") or each element ("none").

    Shapes broadcast, with a warning if they differ; floating dtypes. `weight`, of the input's size,
    divides the mean by its sum. ValueError for another `reduction`.

    >>> F.mse_loss(torch.zeros(2), torch.ones(2)).item()
    1.0
    """
    reduction = _legacy(size_average, reduce, reduction)
    x, y = _same_size(input, target)
    if weight is not None:
        return _weighted((x - y).pow(2), weight, input, reduction)
    return _nn.mse_loss(x, y, _Reduction.get_enum(reduction))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|x - y|, reduced.

    Shapes broadcast, with a warning if they differ; "none" keeps them, "mean" and "sum" give a
    number. `weight`, of the input's size, divides the mean by its sum. ValueError for another
    `reduction`.

    >>> F.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]))
    tensor(1.5000)
    >>> F.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]), reduction="none")
    tensor([1., 2.])
    """
    reduction = _legacy(size_average, reduce, reduction)
    x, y = _same_size(input, target)
    if weight is not None:
        return _weighted((x - y).abs(), weight, input, reduction)
    return _nn.l1_loss(x, y, _Reduction.get_enum(reduction))


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """d^2 / (2 beta) where d = |x - y| < beta, d - beta / 2 elsewhere, reduced.

    Shapes broadcast, with a warning if they differ; floating dtypes. beta = 0 is l1_loss;
    RuntimeError for a negative one. Source: Girshick 2015, "Fast R-CNN".

    >>> x, y = torch.tensor([0.5, 3.0]), torch.zeros(2)
    >>> F.smooth_l1_loss(x, y, reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = _legacy(size_average, reduce, reduction)
    x, y = _same_size(input, target)
    if beta == 0.0:
        return _nn.l1_loss(x, y, _Reduction.get_enum(reduction))
    return _nn.smooth_l1_loss(x, y, _Reduction.get_enum(reduction), beta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """d^2 / 2 where d = |x - y| < delta, delta * (d - delta / 2) elsewhere, reduced.

    Shapes broadcast, with a warning if they differ; floating dtypes. RuntimeError unless delta > 0.
    Source: Huber 1964.

    >>> x, y = torch.tensor([0.5, 3.0]), torch.zeros(2)
    >>> F.huber_loss(x, y, reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    x, y = _same_size(input, target)
    if weight is None:
        return _nn.huber_loss(x, y, _Reduction.get_enum(reduction), delta)
    loss = _nn.huber_loss(x, y, 0, delta)
    return _weighted(loss, weight, input, reduction, by_weight=False)


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """Cross entropy of logits (N, C, ...) and classes (N, ...) or probabilities (N, C, ...).

    -log softmax(x)[class], weighted by class (C,). "none" gives (N, ...), "mean" divides by the sum
    of the targets' weights. Entries of `ignore_index` do not count; `label_smoothing` mixes the
    target with the uniform distribution. Floating dtypes; classes int64. Raises IndexError for a
    class out of range, RuntimeError or ValueError for shapes that do not fit.

    >>> logits = torch.tensor([[2.0, 0.0]])
    >>> round(F.cross_entropy(logits, torch.tensor([0])).item(), 4)
    0.1269
    """
    reduction = _legacy(size_average, reduce, reduction)
    return _nn.cross_entropy_loss(
        input, target, weight, _Reduction.get_enum(reduction), ignore_index, label_smoothing
    )


def nll_loss(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
):
    """-x[class] of log-probabilities (N, C, ...), weighted by class, reduced.

    `target`: classes, int64 (N, ...); "none" gives (N, ...). Entries of `ignore_index` do not
    count. "mean" divides by the sum of the weights (C,) of the targets. Raises IndexError for a
    class out of range, RuntimeError or ValueError for shapes that do not fit.

    >>> F.nll_loss(torch.tensor([[-0.5, -1.0]]), torch.tensor([1]))
    tensor(1.)
    """
    reduction = _legacy(size_average, reduce, reduction)
    return _nn.nll_loss_nd(input, target, weight, _Reduction.get_enum(reduction), ignore_index)


def linear_cross_entropy(
    input,
    linear_weight,
    target,
    *,
    linear_bias=None,
    weight=None,
    reduction="mean",
    ignore_index=None,
    label_smoothing=0.0,
    options=None,
):
    """cross_entropy of `linear(input, linear_weight, linear_bias)`: (N, in) or (in,).

    `linear_weight` has the shape (classes, ..., in). `options` tune memory and change no result.

    target: classes (N,), or probabilities, of the logits' shape (N, classes, ...). Raises
    RuntimeError for shapes that do not fit, or `ignore_index` with probabilities.

    >>> x, weight = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> F.linear_cross_entropy(x, weight, torch.tensor([0]))
    tensor(0.3133)
    """
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}"
        )
    batch, features = input.shape[:-1], input.shape[-1]
    if features != linear_weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{features} and {linear_weight.shape[-1]}, respectively"
        )
    outputs = tuple(linear_weight.shape[:-1])
    if linear_bias is not None and tuple(linear_bias.shape) != outputs:
        raise RuntimeError(f"expected linear_bias shape {outputs}, got {tuple(linear_bias.shape)}")
    if len(outputs) > 1 and not batch:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} "
            f"requires batched input, (N, {features}), got unbatched input with shape "
            f"{tuple(input.shape)}"
        )
    if tuple(target.shape) == (*batch, *outputs) and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = _nn.linear(input, linear_weight.reshape(-1, features), bias)
    return cross_entropy(
        logits.view(*batch, *outputs),
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


def binary_cross_entropy(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """-(y log p + (1 - y) log(1 - p)) of probabilities p, reduced; logarithms stop at -100.

    Both in [0, 1], RuntimeError otherwise, and of one size, ValueError otherwise. `weight`
    broadcasts. "none" keeps the shape, "mean" and "sum" give a number.

    >>> F.binary_cross_entropy(torch.tensor([0.5, 0.9]), torch.tensor([1.0, 1.0]), reduction="none")
    tensor([0.6931, 0.1054])
    """
    reduction = _legacy(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size "
            f"({input.size()}) is deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = torch.broadcast_tensors(weight, target)[0]
    return _nn.binary_cross_entropy(input, target, weight, _Reduction.get_enum(reduction))


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """binary_cross_entropy of sigmoid(x), exact for large |x|. `pos_weight` weighs y = 1.

    max(x, 0) - x y + log(1 + exp(-|x|)). The target has the input's size, ValueError otherwise;
    `weight` and `pos_weight` broadcast. "none" keeps the shape, "mean" and "sum" give a number.

    >>> F.binary_cross_entropy_with_logits(torch.tensor([0.0, 200.0]), torch.tensor([1.0, 1.0]))
    tensor(0.3466)
    """
    reduction = _legacy(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Target size ({target.size()}) must be the same as input size ({input.size()})"
        )
    return torch.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight, _Reduction.get_enum(reduction)
    )


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """y * (log y - x) for log-probabilities x; "batchmean" is the divergence itself.

    Shapes broadcast; "none" keeps them, the others give a number. With `log_target` the target is a
    logarithm too. "mean" divides by the count of elements, and warns.

    >>> x, y = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[1.0, 0.0]])
    >>> F.kl_div(x, y, reduction="batchmean")
    tensor(0.6931)
    """
    reduction = _legacy(size_average, reduce, reduction)
    if reduction == "mean":
        import warnings

        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    kind = 2 if reduction == "batchmean" else _Reduction.get_enum(reduction)
    loss = torch.kl_div(input, target, kind, log_target=log_target)
    return loss / input.size(0) if reduction == "batchmean" and input.dim() != 0 else loss


def poisson_nll_loss(
    input,
    target,
    log_input=True,
    full=False,
    size_average=None,
    eps=1e-8,
    reduce=None,
    reduction="mean",
):
    """exp(x) - y x for log rates x, or x - y log(x + eps) for rates.

    `full` adds Stirling's approximation of log(y!).

    Shapes broadcast; floating dtypes. "none" keeps them, "mean" and "sum" give a number. ValueError
    for another `reduction`.

    >>> F.poisson_nll_loss(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]), reduction="none")
    tensor([1.0000, 1.7183])
    """
    reduction = _legacy(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not a valid value for reduction")
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return _reduced(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """(log var + (x - y)^2 / var) / 2, with var >= eps; `full` adds log(2 pi) / 2.

    `var` is a number, has the input's size, or that without the last dimension or with a 1 in one
    of them. Raises ValueError for another size, negative variances, or another `reduction`. Source:
    Nix and Weigend 1994.

    >>> x, y = torch.tensor([1.0, 2.0]), torch.zeros(2)
    >>> F.gaussian_nll_loss(x, y, torch.ones(2), reduction="none")
    tensor([0.5000, 2.0000])
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * torch.ones_like(input)
    elif not var.is_meta and (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif not _differs_by_one(input.size(), var.size()):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    var = var.clone()
    with torch.no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduced(loss, reduction)


def _differs_by_one(size, other):
    """Whether `other` equals `size` but for one dimension, which is 1."""
    pairs = zip(size, other, strict=True) if len(size) == len(other) else [(0, 1), (0, 1)]
    return sum(b for a, b in pairs if a != b) == 1


def ctc_loss(
    log_probs,
    targets,
    input_lengths,
    target_lengths,
    blank=0,
    reduction="mean",
    zero_infinity=False,
):
    """Minus the log-probability of all alignments of a target (Graves et al. 2006).

    Args:
        log_probs: (T, N, C) or (T, C).
        targets: (N, S), or the targets one after another, (sum of lengths,).
        input_lengths, target_lengths: (N,) or tuples.
        reduction: "mean" divides each loss by its target's length first.

    "none" gives (N,). An impossible alignment costs infinity, or 0 with `zero_infinity`. Raises
    RuntimeError for lengths or shapes that do not fit.

    >>> log_probs = torch.full((2, 1, 2), 0.5).log()
    >>> F.ctc_loss(log_probs, torch.tensor([[1]]), (2,), (1,), reduction="none")
    tensor([0.2877])
    """
    kind = _Reduction.get_enum(reduction)
    return torch.ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank, kind, zero_infinity
    )
