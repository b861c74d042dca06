"""Sequences of different lengths: packed for recurrent layers, padded to one tensor."""

from collections import namedtuple

import rushlight as torch

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

_Fields = namedtuple(
    "PackedSequence", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"]
)


class PackedSequence(_Fields):
    """The steps of several sequences, step by step, longest sequence first.

    `data` holds the elements of all sequences at step 0, then at step 1, ...; `batch_sizes`, on
    the CPU, says how many there are at each step. `sorted_indices` is the order by length,
    `unsorted_indices` its inverse; None means that the sequences were sorted. Made by
    `pack_padded_sequence` or `pack_sequence`.
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None and isinstance(data, (list, tuple)):
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. "
                "Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence "
                "and pack_padded_sequences in nn.utils.rnn. "
                "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """Move or cast `data` as Tensor.to does, and move the indices with it."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        sorted_indices = _moved(self.sorted_indices, data.device)
        unsorted_indices = _moved(self.unsorted_indices, data.device)
        return type(self)(data, self.batch_sizes, sorted_indices, unsorted_indices)

    def cuda(self, *args, **kwargs):
        return self.to("cuda", *args, **kwargs)

    def cpu(self, *args, **kwargs):
        return self.to("cpu", *args, **kwargs)

    def double(self):
        return self.to(dtype=torch.double)

    def float(self):
        return self.to(dtype=torch.float)

    def half(self):
        return self.to(dtype=torch.half)

    def long(self):
        return self.to(dtype=torch.long)

    def int(self):
        return self.to(dtype=torch.int)

    def short(self):
        return self.to(dtype=torch.short)

    def char(self):
        return self.to(dtype=torch.int8)

    def byte(self):
        return self.to(dtype=torch.uint8)

    def pin_memory(self):
        return type(self)(
            self.data.pin_memory(), self.batch_sizes, self.sorted_indices, self.unsorted_indices
        )

    @property
    def is_cuda(self):
        return self.data.is_cuda

    def is_pinned(self):
        return self.data.is_pinned()


def _moved(tensor, device):
    return None if tensor is None else tensor.to(device)


def invert_permutation(permutation):
    """The permutation that undoes another; None stays None."""
    if permutation is None:
        return None
    inverse = torch.empty_like(permutation)
    positions = torch.arange(permutation.numel(), device=permutation.device)
    return inverse.scatter_(0, permutation, positions)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Pack (T, N, *), or (N, T, *) with batch_first, whose sequences have the given lengths.

    With `enforce_sorted` the lengths must fall; otherwise the sequences are sorted here.

    >>> import rushlight as torch
    >>> x = torch.tensor([[1, 2], [3, 0]])
    >>> packed = torch.nn.utils.rnn.pack_padded_sequence(x, [2, 1], batch_first=True)
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1, 3, 2], [2, 1])
    """
    if not isinstance(lengths, torch.Tensor):
        lengths = torch.as_tensor(lengths, dtype=torch.int64, device="cpu")
    else:
        lengths = lengths.to(dtype=torch.int64)
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = torch.sort(lengths, descending=True)
        sorted_indices = sorted_indices.to(input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    steps = input.transpose(0, 1) if batch_first else input
    counts = lengths.tolist()
    _check_lengths(counts, steps)
    sizes = [sum(n > t for n in counts) for t in range(counts[0])]
    data = torch.cat([steps[t, :size] for t, size in enumerate(sizes)])
    return PackedSequence(data, torch.tensor(sizes, dtype=torch.int64), sorted_indices, None)


def _check_lengths(lengths, steps):
    if steps.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(lengths) != steps.size(1):
        raise RuntimeError(
            "Expected `len(lengths)` to be equal to batch_size, but got "
            f"{len(lengths)} (batch_size={steps.size(1)})"
        )
    if min(lengths) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if lengths != sorted(lengths, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    if lengths[0] > steps.size(0):
        raise RuntimeError(
            f"Expected all lengths to be at most the number of steps, {steps.size(0)}, but got "
            f"{lengths[0]}"
        )


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """Undo pack_padded_sequence: the padded tensor and the lengths, on the CPU.

    `total_length` is the number of steps to pad to, at least the longest sequence's.
    """
    sizes = sequence.batch_sizes.tolist()
    steps = len(sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length "
                "of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    n = sizes[0]
    shape = tuple(sequence.data.shape[1:])
    rows = []
    for part in sequence.data.split(sizes):
        if part.size(0) < n:
            fill = part.new_full((n - part.size(0), *shape), padding_value)
            part = torch.cat([part, fill])
        rows.append(part)
    if steps > len(rows):
        empty = sequence.data.new_full((n, *shape), padding_value)
        rows.extend([empty] * (steps - len(rows)))
    padded = torch.stack(rows, 1 if batch_first else 0)
    lengths = torch.tensor([sum(size > i for size in sizes) for i in range(n)], dtype=torch.int64)
    order = sequence.unsorted_indices
    if order is not None:
        padded = padded.index_select(0 if batch_first else 1, order)
        lengths = lengths[order.cpu()]
    return padded, lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Stack sequences (L_i, *) to (T, N, *), or (N, T, *), padded to the longest.

    >>> import rushlight as torch
    >>> a, b = torch.ones(2), torch.ones(1)
    >>> torch.nn.utils.rnn.pad_sequence([a, b], batch_first=True).tolist()
    [[1.0, 1.0], [1.0, 0.0]]
    """
    if isinstance(sequences, torch.Tensor):
        sequences = sequences.unbind(0)
    elif not hasattr(sequences, "__iter__"):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    longest = max(s.size(0) for s in sequences)
    rows = []
    for s in sequences:
        if s.size(0) < longest:
            fill = s.new_full((longest - s.size(0), *s.shape[1:]), padding_value)
            s = torch.cat([s, fill] if padding_side == "right" else [fill, s])
        rows.append(s)
    return torch.stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """Undo pad_sequence: a list of sequences of the given lengths."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    rows = zip(padded_sequences.unbind(0), lengths.tolist(), strict=True)
    return [row[:length] for row, length in rows]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack a list of sequences (L_i, *)."""
    lengths = torch.as_tensor([s.size(0) for s in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """Undo pack_sequence: a list of sequences."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
