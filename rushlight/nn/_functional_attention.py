"""Attention of nn.functional: scaled dot products, and the multi-head form with projections."""

import math
import warnings

import rushlight as torch

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]

_nn = torch._C._nn
_block_attention = torch._C._hidden._block_attention


def scaled_dot_product_attention(
    query,
    key,
    value,
    attn_mask=None,
    dropout_p=0.0,
    is_causal=False,
    scale=None,
    enable_gqa=False,
):
    """softmax(q k^T * scale + mask) v (Vaswani et al. 2017).

    Args:
        query: (*, L, E); key: (*, S, E); value: (*, S, Ev). The result is (*, L, Ev).
        attn_mask: booleans, True where to attend, or numbers that are added.
        is_causal: mask what comes later, instead of `attn_mask`.
        scale: 1 / sqrt(E) by default.
        enable_gqa: let several query heads (dimension -3) share a key head.

    A row that may attend to nothing gives zeros.

    One floating dtype for all three; the leading dimensions broadcast. Raises RuntimeError for
    different dtypes, fewer than two dimensions, or a mask with `is_causal`. `dropout_p` drops
    weights, always: pass 0 when not training.

    >>> q, k, v = torch.zeros(1, 2), torch.eye(2), torch.tensor([[1.0], [3.0]])
    >>> F.scaled_dot_product_attention(q, k, v)
    tensor([[2.]])
    """
    if query.dim() < 2 or key.dim() < 2 or value.dim() < 2:
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to all be  at least 2 "
            f"dimensional, but got query.dim(): {query.dim()}, key.dim(): {key.dim()} and "
            f"value.dim(): {value.dim()} instead."
        )
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{query.dtype._c_name} key.dtype: {key.dtype._c_name} and value.dtype: "
            f"{value.dtype._c_name} instead."
        )
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
            "is_causal=True"
        )
    if enable_gqa:
        key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
        value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
    root = math.sqrt(1 / math.sqrt(query.size(-1)) if scale is None else abs(scale))
    sign = -1 if scale is not None and scale < 0 else 1
    if dropout_p == 0.0 and _fits_blocks(query, key, value, attn_mask):
        if attn_mask is not None:
            attn_mask = attn_mask.expand(*query.shape[:-1], key.size(-2))
        return _block_attention(query, key, value, attn_mask, is_causal, sign * root * root)
    if is_causal:
        shape = query.size(-2), key.size(-2)
        attn_mask = torch.ones(shape, dtype=torch.bool, device=query.device).tril()
    dtype = query.dtype
    if dtype in (torch.float16, torch.bfloat16):  # computed in float32, as other operations are
        query, key, value = query.float(), key.float(), value.float()
        if attn_mask is not None and attn_mask.is_floating_point():
            attn_mask = attn_mask.float()
    # Half of the scale goes to each side: the products stay in range in half precision.
    scores = (query * (root * sign)) @ (key * root).transpose(-2, -1)
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(attn_mask.logical_not(), -math.inf)
        else:
            scores = scores + attn_mask
    weights = scores.softmax(-1)
    if attn_mask is not None:
        nothing = (scores == -math.inf).all(-1, keepdim=True)
        weights = weights.masked_fill(nothing, 0.0)
    if dropout_p > 0.0:
        weights = torch.dropout(weights, dropout_p, True)
    return (weights @ value).to(dtype)


def _fits_blocks(query, key, value, mask):
    """Can the core do it without the full matrix of scores (core/ops/attention.cpp)?"""
    return (
        query.dtype in (torch.float32, torch.float64)
        and query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
        and query.size(-1) == key.size(-1)
        and key.size(-2) == value.size(-2)
        and query.numel() > 0 < key.numel() * value.numel()
        and (mask is None or (mask.dtype in (torch.bool, query.dtype) and not mask.requires_grad))
    )


# Multi-head attention


def _require(condition, message):
    if not condition:
        raise AssertionError(message)


def _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Whether the inputs are batched; AssertionError if they do not fit each other."""
    _require(
        query.dim() in (2, 3),
        "query should be unbatched 2D or batched 3D tensor "
        f"but received {query.dim()}-D query tensor",
    )
    batched = query.dim() == 3
    n = query.dim()
    where = f"For {'batched (3-D)' if batched else 'unbatched (2-D)'} `query`"
    _require(
        key.dim() == n and value.dim() == n,
        f"{where}, expected `key` and `value` to be {n}-D "
        f"but found {key.dim()}-D and {value.dim()}-D tensors respectively",
    )
    if key_padding_mask is not None:
        _require(
            key_padding_mask.dim() == n - 1,
            f"{where}, expected `key_padding_mask` to be `None` or {n - 1}-D "
            f"but found {key_padding_mask.dim()}-D tensor instead",
        )
    if attn_mask is not None:
        _require(
            attn_mask.dim() in (2, 3),
            f"{where}, expected `attn_mask` to be `None`, 2-D or 3-D "
            f"but found {attn_mask.dim()}-D tensor instead",
        )
        if not batched and attn_mask.dim() == 3:
            expected = (num_heads, query.shape[0], key.shape[0])
            _require(
                attn_mask.shape == expected,
                f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}",
            )
    return batched


def _none_or_dtype(input):
    if input is None or isinstance(input, torch.Tensor):
        return None if input is None else input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def _canonical_mask(mask, mask_name, other_type, other_name, target_type, check_other=True):
    """A mask as numbers to add: -inf where a boolean one says True."""
    if mask is None:
        return None
    _require(
        mask.dtype == torch.bool or mask.is_floating_point(),
        f"only bool and floating types of {mask_name} are supported",
    )
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} "
            "is deprecated. Use same type for both instead.",
            stacklevel=2,
        )
    if mask.is_floating_point():
        return mask
    return torch.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf"))


def _in_projection_packed(q, k, v, w, b=None):
    """q, k, v through the three parts of one weight (3E, E)."""
    linear = _nn.linear
    if q is k and k is v:
        return list(linear(q, w, b).chunk(3, -1))
    ws = w.chunk(3)
    bs = (None, None, None) if b is None else b.chunk(3)
    return [linear(x, wx, bx) for x, wx, bx in zip((q, k, v), ws, bs, strict=True)]


def _in_projection(q, k, v, w_q, w_k, w_v, b_q=None, b_k=None, b_v=None):
    """q, k, v through weights of their own, to the width of q."""
    width = q.size(-1)
    parts = zip(("query", "key", "value"), (q, k, v), (w_q, w_k, w_v), (b_q, b_k, b_v), strict=True)
    out = []
    for name, x, w, b in parts:
        shape = (width, x.size(-1))
        _require(w.shape == shape, f"expecting {name} weights shape of {shape}, but got {w.shape}")
        _require(
            b is None or b.shape == (width,),
            f"expecting {name} bias shape of {(width,)}, but got {b is not None and b.shape}",
        )
        out.append(_nn.linear(x, w, b))
    return tuple(out)


def _check_attn_mask(attn_mask, two_d, three_d):
    """The mask as (1 or batch * heads, L, S)."""
    for n, shape in ((2, two_d), (3, three_d)):
        if attn_mask.dim() == n:
            if attn_mask.shape != shape:
                raise RuntimeError(
                    f"The shape of the {n}D attn_mask is {attn_mask.shape}, but should be {shape}."
                )
            return attn_mask.unsqueeze(0) if n == 2 else attn_mask
    raise RuntimeError(f"attn_mask's dimension {attn_mask.dim()} is not supported")


def _widen(mask):
    """One more key, which every query may attend to."""
    return None if mask is None else _nn.pad(mask, (0, 1))


def _split_heads(x, static, heads, head_dim, name):
    """(S, N, E) to (N * heads, S, E / heads), or `static`, which is so already."""
    if static is None:
        return x.reshape(x.shape[0], heads, head_dim).transpose(0, 1)
    _require(
        static.size(0) == heads,
        f"expecting static_{name}.size(0) of {heads}, but got {static.size(0)}",
    )
    _require(
        static.size(2) == head_dim,
        f"expecting static_{name}.size(2) of {head_dim}, but got {static.size(2)}",
    )
    return static


def multi_head_attention_forward(
    query,
    key,
    value,
    embed_dim_to_check,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight,
    out_proj_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    static_k=None,
    static_v=None,
    average_attn_weights=True,
    is_causal=False,
):
    """Attention of several heads between linear projections. See `nn.MultiheadAttention`.

    Inputs are (L, N, E) or (L, E). Returns the output and, if `need_weights`, the attention
    weights, averaged over the heads unless told otherwise.

    query: (L, N, E), key and value: (S, N, E), floating; in_proj_weight: (3 E, E), out_proj_weight:
    (E, E); attn_mask: (L, S) or (N * num_heads, L, S); key_padding_mask: (N, S), True where to
    ignore. The output has the query's shape, the weights are (N, L, S), or (N, num_heads, L, S).
    Raises AssertionError for shapes that do not fit, RuntimeError for `is_causal` without a mask.
    Source: Vaswani et al. 2017, "Attention Is All You Need".

    >>> x, eye = torch.tensor([[1.0, 3.0]]), torch.eye(2)
    >>> F.multi_head_attention_forward(
    ...     x, x, x, 2, 1, torch.cat([eye, eye, eye]), None, None, None, False, 0.0, eye, None
    ... )
    (tensor([[1., 3.]]), tensor([[1.]]))
    """
    batched = _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        same_kv, same_qk = key is value, query is key
        query = query.unsqueeze(1)
        key = query if same_qk else key.unsqueeze(1)
        value = key if same_kv else value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    tgt_len, bsz, embed_dim = query.shape
    src_len = key.shape[0]
    key_padding_mask = _canonical_mask(
        key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. "
            "You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the hint is enough
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)
        is_causal = False
    _require(
        embed_dim == embed_dim_to_check,
        f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}",
    )
    head_dim = embed_dim // num_heads
    _require(
        head_dim * num_heads == embed_dim,
        f"embed_dim {embed_dim} not divisible by num_heads {num_heads}",
    )
    if use_separate_proj_weight:
        q, k, v = _project_separately(
            (query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), in_proj_bias
        )
    else:
        _require(
            key.shape == value.shape,
            f"key shape {key.shape} does not match value shape {value.shape}",
        )
        _require(
            in_proj_weight is not None,
            "use_separate_proj_weight is False but in_proj_weight is None",
        )
        q, k, v = _in_projection_packed(query, key, value, in_proj_weight, in_proj_bias)
    heads = bsz * num_heads
    if attn_mask is not None:
        attn_mask = _check_attn_mask(attn_mask, (tgt_len, src_len), (heads, tgt_len, src_len))
    if bias_k is not None and bias_v is not None:
        _require(static_k is None, "bias cannot be added to static key.")
        _require(static_v is None, "bias cannot be added to static value.")
        k = torch.cat([k, bias_k.repeat(1, bsz, 1)])
        v = torch.cat([v, bias_v.repeat(1, bsz, 1)])
        attn_mask, key_padding_mask = _widen(attn_mask), _widen(key_padding_mask)
    else:
        _require(bias_k is None, "bias_k is set but bias_v is None")
        _require(bias_v is None, "bias_v is set but bias_k is None")
    q = _split_heads(q, None, heads, head_dim, "q")
    k = _split_heads(k, static_k, heads, head_dim, "k")
    v = _split_heads(v, static_v, heads, head_dim, "v")
    if add_zero_attn:
        k = torch.cat([k, k.new_zeros((heads, 1, head_dim))], 1)
        v = torch.cat([v, v.new_zeros((heads, 1, head_dim))], 1)
        attn_mask, key_padding_mask = _widen(attn_mask), _widen(key_padding_mask)
    if key_padding_mask is not None:
        attn_mask = _add_padding(attn_mask, key_padding_mask, bsz, num_heads, k.size(1))
    dropout_p = dropout_p if training else 0.0
    attend = _attend_with_weights if need_weights else _attend
    out, weights = attend(q, k, v, attn_mask, dropout_p, is_causal)
    out = out.transpose(0, 1).reshape(tgt_len * bsz, embed_dim)
    out = _nn.linear(out, out_proj_weight, out_proj_bias)
    out = out.view(tgt_len, bsz, out.size(1))
    if weights is not None:
        weights = weights.view(bsz, num_heads, tgt_len, -1)
        weights = weights.mean(1) if average_attn_weights else weights
        weights = weights if batched else weights.squeeze(0)
    return out if batched else out.squeeze(1), weights


def _project_separately(inputs, weights, bias):
    _, key, value = inputs
    _require(
        key.shape[:2] == value.shape[:2],
        f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
    )
    for name, w in zip("qkv", weights, strict=True):
        _require(w is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None")
    return _in_projection(*inputs, *weights, *((None,) * 3 if bias is None else bias.chunk(3)))


def _add_padding(attn_mask, key_padding_mask, bsz, num_heads, src_len):
    """The padding mask of each sample, (N, S), for all of its heads, on top of the other mask."""
    _require(
        key_padding_mask.shape == (bsz, src_len),
        f"expecting key_padding_mask shape of {(bsz, src_len)}, but got {key_padding_mask.shape}",
    )
    mask = key_padding_mask.view(bsz, 1, 1, src_len).expand(-1, num_heads, -1, -1)
    mask = mask.reshape(bsz * num_heads, 1, src_len)
    return mask if attn_mask is None else attn_mask + mask


def _attend(q, k, v, mask, dropout_p, is_causal):
    return scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal), None


def _attend_with_weights(q, k, v, mask, dropout_p, is_causal):
    q = q * math.sqrt(1.0 / float(q.size(-1)))
    k = k.transpose(-2, -1)
    scores = torch.bmm(q, k) if mask is None else torch.baddbmm(mask, q, k)
    weights = scores.softmax(-1)
    if dropout_p > 0.0:
        weights = torch.dropout(weights, dropout_p, True)
    return torch.bmm(weights, v), weights
