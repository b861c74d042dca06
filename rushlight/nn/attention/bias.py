"""torch.nn.attention.bias: causal masks for scaled_dot_product_attention that know which kind they are."""

from enum import IntEnum

import rushlight as torch

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """Where the diagonal of a causal mask begins that is not square."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(torch.Tensor):
    """A causal mask, [queries, keys], True where a query may look. Made by the functions below."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __new__(cls, variant, seq_len_q, seq_len_kv):
        shift = seq_len_kv - seq_len_q if variant == CausalVariant.LOWER_RIGHT else 0
        mask = torch.ones(seq_len_q, seq_len_kv, dtype=torch.bool).tril(shift)
        return mask.as_subclass(cls)

    def __init__(self, variant, seq_len_q, seq_len_kv):
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant)}")
        self.variant, self.seq_len_q, self.seq_len_kv = variant, seq_len_q, seq_len_kv
        if seq_len_q > seq_len_kv and variant == CausalVariant.LOWER_RIGHT:
            import warnings

            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > "
                "seq_len_kv!",
                stacklevel=3,
            )

    def _materialize(self, device=None):
        """The mask as a plain tensor."""
        return self.as_subclass(torch.Tensor).to(device or "cpu")

    def __repr__(self):
        return repr(self._materialize())


def causal_upper_left(*size):
    """The mask [queries, keys] in which query i sees the keys 0 to i.

    >>> torch.nn.attention.bias.causal_upper_left(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])
    """
    return _causal(CausalVariant.UPPER_LEFT, size, "causal_upper_left")


def causal_lower_right(*size):
    """The mask [queries, keys] in which the last query sees all keys, the one before all but one, ...

    >>> torch.nn.attention.bias.causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    return _causal(CausalVariant.LOWER_RIGHT, size, "causal_lower_right")


def _causal(variant, size, name):
    if len(size) != 2:
        raise AssertionError(f"{name} only supports 2D tensors")
    return CausalBias(variant, *size)
