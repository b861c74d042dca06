"""Linear maps, convolutions, embeddings and distances of nn.functional."""

import rushlight as torch

from .._products import bilinear

__all__ = [
    "bilinear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_similarity",
    "embedding",
    "embedding_bag",
    "linear",
    "normalize",
    "one_hot",
    "pairwise_distance",
    "pdist",
]

linear = torch._C._nn.linear
one_hot = torch._C._nn.one_hot
pdist = torch.pdist
conv1d = torch.conv1d
conv2d = torch.conv2d
conv3d = torch.conv3d
conv_transpose1d = torch.conv_transpose1d
conv_transpose2d = torch.conv_transpose2d
conv_transpose3d = torch.conv_transpose3d


def conv_tbc(input, weight, bias, pad=0):
    """1-d convolution of an input (time, batch, in) with a weight (kernel, in, out).

    bias: (out,); the result is (time + 2 pad - kernel + 1, batch, out). Floating dtypes.

    >>> F.conv_tbc(torch.ones(3, 1, 2), torch.ones(2, 2, 1), torch.zeros(1)).flatten()
    tensor([4., 4.])
    """
    out = torch.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return out.permute(2, 0, 1)


# Embeddings


def _no_grad_embedding_renorm_(weight, input, max_norm, norm_type):
    """Scale the rows that `input` names down to the norm `max_norm`, in place."""
    torch.embedding_renorm_(weight.detach(), input, max_norm, norm_type)


def _row(padding_idx, weight):
    """padding_idx as a non-negative row, -1 for none."""
    if padding_idx is None:
        return -1
    rows = weight.size(0)
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def embedding(
    input,
    weight,
    padding_idx=None,
    max_norm=None,
    norm_type=2.0,
    scale_grad_by_freq=False,
    sparse=False,
):
    """The rows of `weight` (V, D) named by the indices `input` (*): (*, D).

    Row `padding_idx` gets no gradient. With `max_norm` the rows used are first scaled, in place,
    to at most that norm.

    Indices are int32 or int64; the result has the dtype of `weight`. `scale_grad_by_freq` divides a
    row's gradient by how often it is named; `sparse` is accepted, gradients are dense. Raises
    IndexError for an index out of range, AssertionError for such a padding_idx.

    >>> weight = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> F.embedding(torch.tensor([[1, 2]]), weight)
    tensor([[[1., 2.],
             [3., 4.]]])
    """
    padding_idx = _row(padding_idx, weight)
    if max_norm is not None:
        input = input.contiguous()
        _no_grad_embedding_renorm_(weight, input, max_norm, norm_type)
    return torch.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """Sums, means or maxima of the rows of `weight` over bags of indices.

    Bags are the rows of a 2-d `input`, or the parts of a 1-d one that start at `offsets`. Entries
    equal to `padding_idx` do not count; an empty bag gives zeros.

    input: int32 or int64, (B, L), or (L,) with offsets (B,), (B + 1,) if include_last_offset;
    weight: (V, D); the result is (B, D). per_sample_weights, of the input's shape, need mode "sum". Raises
    ValueError for other shapes or modes, NotImplementedError for weights in another mode,
    RuntimeError for indices out of range.

    >>> weight = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> F.embedding_bag(torch.tensor([1, 2, 2]), weight, torch.tensor([0, 2]), mode="sum")
    tensor([[4., 6.],
            [3., 4.]])
    """
    if weight.dtype == torch.int64 and input.is_floating_point():
        import warnings

        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. "
            "Usage `embedding_bag(weight, input, ...)` is deprecated, "
            "and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, "
            f"then it must have the same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(
            f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}"
        )
    if input.dim() == 2:
        input, offsets, per_sample_weights = _rows_as_bags(input, offsets, per_sample_weights)
    elif input.dim() == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.dim() != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    else:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}"
        )
    _check_bag_mode(mode, scale_grad_by_freq, sparse, per_sample_weights)
    if max_norm is not None:
        _no_grad_embedding_renorm_(weight, input, max_norm, norm_type)
    return torch.embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        _BAG_MODES.index(mode),
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )[0]


_BAG_MODES = ("sum", "mean", "max")


def _rows_as_bags(input, offsets, per_sample_weights):
    """Indices as one vector, and where in it the bag of each row starts."""
    if offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None"
            ", as input is treated is a mini-batch of"
            " fixed length sequences. However, found "
            f"offsets of type {type(offsets)}"
        )
    n, length = input.shape
    offsets = torch.arange(n, device=input.device) * length
    if per_sample_weights is not None:
        per_sample_weights = per_sample_weights.reshape(-1)
    return input.reshape(-1), offsets, per_sample_weights


def _check_bag_mode(mode, scale_grad_by_freq, sparse, per_sample_weights):
    if mode not in _BAG_MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max":
        if scale_grad_by_freq:
            raise ValueError("max mode does not support scaling the gradient by the frequency")
        if sparse:
            raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. "
            "per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )


# Distances


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The p-norm of x1 - x2 + eps along the last dimension.

    x1 and x2 are (N, D) or (D,) and broadcast; the result is (N,) or (), or ends in 1 with
    `keepdim`. `eps` keeps the gradient finite where x1 = x2. Floating and complex dtypes.

    >>> F.pairwise_distance(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """
    return torch.norm(x1 - x2 + eps, p, -1, keepdim)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)) along `dim`.

    Shapes broadcast; the result lacks `dim`. Dtypes promote to a floating or complex one,
    RuntimeError otherwise. IndexError for a dimension out of range.

    >>> F.cosine_similarity(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """
    dtype = torch.promote_types(x1.dtype, x2.dtype)
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {_name(dtype)}"
        )
    x1, x2 = torch.broadcast_tensors(x1.to(dtype), x2.to(dtype))
    # Each is divided by its own norm: the product of two small norms could be zero.
    parts = []
    for x in (x1, x2):
        norm = torch.norm(x, 2, dim, True).clone()
        with torch.no_grad():
            norm.clamp_min_(eps)
        parts.append(x / norm)
    return (parts[0] * parts[1]).sum(dim)


def _name(dtype):
    """A dtype as the core's messages call it."""
    names = {torch.int64: "Long", torch.int32: "Int", torch.int16: "Short", torch.int8: "Char"}
    return {**names, torch.uint8: "Byte", torch.bool: "Bool"}.get(dtype, str(dtype))


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """x / max(|x|_p, eps) along `dim`.

    Shape and dtype are kept; floating and complex dtypes. `dim` may be several. Takes `out=`.
    IndexError for a dimension out of range.

    >>> F.normalize(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]])
    """
    norm = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / norm if out is None else torch.div(input, norm, out=out)
