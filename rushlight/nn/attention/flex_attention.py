"""torch.nn.attention.flex_attention: attention whose scores and mask are functions of positions.

Here the functions are called once, on tensors of all positions that broadcast to the scores; PyTorch
calls them position by position, so they are written for single numbers, which is the same to them.
The matrix of scores is built whole: for long sequences scaled_dot_product_attention takes less memory.
"""

from typing import NamedTuple

import rushlight as torch

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

_DEFAULT_SPARSE_BLOCK_SIZE = 128


class AuxRequest(NamedTuple):
    """What `flex_attention` is to return besides its result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What it returned so: each [batch, heads, queries], or None."""

    lse: object = None
    max_scores: object = None


def noop_mask(batch, head, token_q, token_kv):
    """The mask that lets everything through."""
    return batch.new_ones(size=(), dtype=torch.bool, device=batch.device)


def and_masks(*mask_mods):
    """The mask of what all of these let through."""
    return _joined(mask_mods, "and_masks", lambda a, b: a & b, True)


def or_masks(*mask_mods):
    """The mask of what any of these lets through."""
    return _joined(mask_mods, "or_masks", lambda a, b: a | b, False)


def _joined(mask_mods, name, join, start):
    if not all(callable(mask) for mask in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")

    def joined(b, h, q_idx, kv_idx):
        result = b.new_full((), start, dtype=torch.bool)
        for mask in mask_mods:
            result = join(result, mask(b, h, q_idx, kv_idx))
        return result

    joined.__name__ = name
    return joined


def _positions(shape, device):
    """batch, head, query and key of every score, as tensors that broadcast to [B, H, Q, K]."""
    for i, n in enumerate(shape):
        yield torch.arange(n, device=device).view([-1 if j == i else 1 for j in range(4)])


def create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device=None):
    """The mask of a function as a tensor, [B, H, Q_LEN, KV_LEN]; B and H are 1 if None.

    A function of five arguments, that changes scores, masks what it makes -inf.

    >>> create_mask(lambda b, h, q, k: q >= k, None, None, 2, 2)
    tensor([[[[ True, False],
              [ True,  True]]]])
    """
    from inspect import signature

    shape = (B or 1, H or 1, Q_LEN, KV_LEN)
    positions = list(_positions(shape, device))
    if len(signature(mod_fn).parameters) == 5:
        return ~mod_fn(torch.zeros(shape, device=device), *positions).isneginf().expand(shape)
    return torch.as_tensor(mod_fn(*positions)).expand(shape).contiguous()


# --- masks by blocks -----------------------------------------------------------------------------


def _counted(blocks):
    """(how many blocks a row has, the blocks of each row before those that it has not)."""
    order = blocks.long().argsort(dim=-1, descending=True, stable=True)
    return blocks.sum(-1).to(torch.int32), order.to(torch.int32).contiguous()


def _uncounted(counts, indices):
    """The inverse: 1 where a row has a block."""
    size = indices.shape[-1]
    present = torch.arange(size, device=indices.device) < counts.unsqueeze(-1)
    blocks = torch.zeros(indices.shape, dtype=torch.int32, device=indices.device)
    return blocks.scatter(-1, indices.long(), present.to(torch.int32))


class BlockMask:
    """A mask as a function of positions, and which blocks of the scores it touches.

    Made by `create_block_mask`. `flex_attention` uses the function; the blocks are for programs that
    look at them: `sparsity()`, `to_dense()`, `kv_num_blocks`, `kv_indices` (blocks in part) and
    `full_kv_num_blocks`, `full_kv_indices`, and the same by queries.
    """

    def __init__(self, seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices,
                 q_num_blocks, q_indices, full_q_num_blocks, full_q_indices,
                 BLOCK_SIZE=(128, 128), mask_mod=noop_mask):  # fmt: skip
        self.seq_lengths, self.BLOCK_SIZE, self.mask_mod = tuple(seq_lengths), BLOCK_SIZE, mask_mod
        self.kv_num_blocks, self.kv_indices = kv_num_blocks, kv_indices
        self.full_kv_num_blocks, self.full_kv_indices = full_kv_num_blocks, full_kv_indices
        self.q_num_blocks, self.q_indices = q_num_blocks, q_indices
        self.full_q_num_blocks, self.full_q_indices = full_q_num_blocks, full_q_indices

    @classmethod
    def from_kv_blocks(cls, kv_num_blocks, kv_indices, full_kv_num_blocks=None,
                       full_kv_indices=None, BLOCK_SIZE=128, mask_mod=None, seq_lengths=None,
                       compute_q_blocks=True):  # fmt: skip
        """The mask with these blocks in part, and these whole."""
        size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
        by_query = [None] * 4
        if compute_q_blocks:
            by_query[:2] = _counted(_uncounted(kv_num_blocks, kv_indices).transpose(-2, -1))
            if full_kv_num_blocks is not None:
                whole = _uncounted(full_kv_num_blocks, full_kv_indices)
                by_query[2:] = _counted(whole.transpose(-2, -1))
        if seq_lengths is None:
            seq_lengths = (kv_indices.shape[-2] * size[0], kv_indices.shape[-1] * size[1])
        return cls(
            seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, *by_query,
            BLOCK_SIZE=size, mask_mod=mask_mod or noop_mask,
        )  # fmt: skip

    @property
    def shape(self):
        """(B, H, queries, keys)."""
        return (*self.kv_num_blocks.shape[:-1], *self.seq_lengths)

    def numel(self):
        """How many scores there are."""
        from math import prod

        return prod(self.shape)

    def to_dense(self):
        """1 for each block that is touched, [B, H, blocks of queries, blocks of keys]."""
        blocks = _uncounted(self.kv_num_blocks, self.kv_indices)
        if self.full_kv_num_blocks is not None:
            blocks = blocks | _uncounted(self.full_kv_num_blocks, self.full_kv_indices)
        return blocks

    def sparsity(self):
        """How much of the scores lies in blocks that are not touched, in per cent."""
        touched = int(self.to_dense().sum()) * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1]
        return 100 * (1 - touched / self.numel())

    def as_tuple(self, flatten=True):
        """Everything that `BlockMask(...)` takes."""
        size = self.BLOCK_SIZE if flatten else (self.BLOCK_SIZE,)
        lengths = self.seq_lengths if flatten else (self.seq_lengths,)
        return (*lengths, *(getattr(self, n) for n in self._tensors), *size, self.mask_mod)

    _tensors = (
        "kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices",
        "q_num_blocks", "q_indices", "full_q_num_blocks", "full_q_indices",
    )  # fmt: skip

    def to(self, device):
        """This mask with its tensors on another device."""
        moved = [None if (t := getattr(self, n)) is None else t.to(device) for n in self._tensors]
        return BlockMask(self.seq_lengths, *moved, self.BLOCK_SIZE, self.mask_mod)

    def __getitem__(self, index):
        """The mask of some batches, or of some batches and heads."""
        index = index if isinstance(index, tuple) else (index,)
        index = tuple(slice(i, i + 1 or None) if isinstance(i, int) else i for i in index)
        parts = [None if (t := getattr(self, n)) is None else t[index] for n in self._tensors]
        return BlockMask(self.seq_lengths, *parts, self.BLOCK_SIZE, self.mask_mod)

    def to_string(self, grid_size=(20, 20), limit=4):
        """A picture of the blocks, one for each of the first `limit` batches and heads."""
        blocks, pictures = self.to_dense(), []
        heads = [(b, h) for b in range(blocks.shape[0]) for h in range(blocks.shape[1])]
        for b, h in heads[:limit]:
            rows = blocks[b, h, : grid_size[0], : grid_size[1]].tolist()
            lines = ["".join("██" if x else "  " for x in row) for row in rows]
            pictures.append("\n".join([str((b, h)), *lines]))
        return "\n\n".join(pictures + ["... (to_string(limit=N) has more)"] * (len(heads) > limit))

    def __str__(self):
        text = f"shape={self.shape}, sparsity={self.sparsity():.2f}%"
        return f"BlockMask({text}, \n{self.to_string()}\n)"

    def __repr__(self):
        shapes = {name: getattr(self, name) for name in self._tensors}
        lines = [f"{n}={None if t is None else t.shape}" for n, t in shapes.items()]
        lines += [f"BLOCK_SIZE={self.BLOCK_SIZE}", f"shape={self.shape}"]
        lines += [f"sparsity={self.sparsity():.2f}%"]
        lines += [f"mask_mod={getattr(self.mask_mod, '__name__', self.mask_mod)}"]
        return "BlockMask(\n    " + ",\n    ".join(lines) + "\n)"


def create_block_mask(mask_mod, B, H, Q_LEN, KV_LEN, device=None, BLOCK_SIZE=128, _compile=False,
                      separate_full_blocks=True, **_):  # fmt: skip
    """The block mask of a function `(batch, head, query, key) -> may the query look at the key`.

    B and H may be None if the function does not depend on them.

    >>> create_block_mask(lambda b, h, q, k: q >= k, None, None, 256, 256).sparsity()
    25.0
    """
    size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    mask = torch.nn.functional.pad(mask, (0, -KV_LEN % size[1], 0, -Q_LEN % size[0]))
    b, h, rows, columns = mask.shape
    tiles = mask.view(b, h, rows // size[0], size[0], columns // size[1], size[1])
    count = tiles.sum((-3, -1))
    whole = count == size[0] * size[1] if separate_full_blocks else torch.zeros_like(count) > 0
    blocks = _counted((count > 0) & ~whole)
    full = _counted(whole) if separate_full_blocks else (None, None)
    return BlockMask.from_kv_blocks(
        *blocks, *full, BLOCK_SIZE=size, mask_mod=mask_mod, seq_lengths=(Q_LEN, KV_LEN)
    )


# --- attention -----------------------------------------------------------------------------------


def flex_attention(query, key, value, score_mod=None, block_mask=None, scale=None,
                   enable_gqa=False, return_lse=False, kernel_options=None, *,
                   return_aux=None):  # fmt: skip
    """softmax(score_mod(query key^T scale), masked) value.

    Args:
        query: [batch, heads, queries, features]; key, value: [batch, heads, keys, ...].
        score_mod: `(score, batch, head, query, key) -> score`.
        block_mask (BlockMask): what may be looked at; a row without anything gives zeros.
        scale (float): 1 / sqrt(features) by default.
        enable_gqa (bool): several heads of queries share one of keys and values.
        return_lse (bool), return_aux (AuxRequest): also the logarithms of the softmax's sums.

    Raises:
        ValueError: shapes that do not fit, also those of the mask.

    Example:
        >>> q = k = v = torch.ones(1, 1, 4, 8)
        >>> flex_attention(q, k, v, lambda score, b, h, i, j: score - (i - j).abs()).shape
        torch.Size([1, 1, 4, 8])
    """
    if query.dim() != 4 or key.dim() != 4 or value.dim() != 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    heads, shared = query.shape[1], key.shape[1]
    if not enable_gqa and heads != shared:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got Hq={heads} and "
            f"Hkv={shared}. Try setting enable_gqa=True for GQA."
        )
    if heads % shared:
        raise ValueError(
            "Expect number of query heads to be a multiple of kv heads for GQA but got "
            f"Hq={heads} and Hkv={shared}."
        )
    if heads != shared:
        key, value = (t.repeat_interleave(heads // shared, dim=1) for t in (key, value))
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    scores = (query @ key.transpose(-2, -1)).to(wide) * scale
    positions = list(_positions(scores.shape, scores.device))
    if score_mod is not None:
        scores = score_mod(scores, *positions)
    if block_mask is not None:
        _check_lengths(block_mask, scores.shape)
        seen = torch.as_tensor(block_mask.mask_mod(*positions))
        scores = scores.masked_fill(~seen, -torch.inf)
    blind = (scores == -torch.inf).all(-1, keepdim=True)
    weights = scores.masked_fill(blind, 0).softmax(-1).masked_fill(blind, 0)
    result = weights.to(query.dtype) @ value
    if return_aux is not None:
        lse = scores.logsumexp(-1) if return_aux.lse else None
        return result, AuxOutput(lse, scores.amax(-1) if return_aux.max_scores else None)
    return (result, scores.logsumexp(-1)) if return_lse else result


def _check_lengths(block_mask, shape):
    wanted = block_mask.shape
    if wanted[-2:] != tuple(shape[-2:]):
        raise ValueError(
            f"block_mask was created for block_mask.shape={wanted} but got q_len={shape[-2]} and "
            f"kv_len={shape[-1]}. Create one for these lengths."
        )
    for name, n, m in (("batch", wanted[0], shape[0]), ("head", wanted[1], shape[1])):
        if n not in (1, m):
            raise ValueError(f"block_mask has {n} in its {name} dimension, the scores have {m}")
