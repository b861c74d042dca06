"""What undoes pooling and takes images apart: max_unpool, unfold and fold of nn.functional."""

import rushlight as torch

from ._tuples import _ntuple

__all__ = ["fold", "max_unpool1d", "max_unpool2d", "max_unpool3d", "unfold"]


def _unpool_output_size(input, kernel_size, stride, padding, output_size):
    """The size before pooling: the smallest one, or `output_size` if that is possible."""
    n = len(kernel_size)
    sizes = input.size()[-n:]
    default = [
        (size - 1) * s + k - 2 * p
        for size, s, k, p in zip(sizes, stride, kernel_size, padding, strict=True)
    ]
    if output_size is None:
        chosen = default
    else:
        if len(output_size) == n + 2:
            output_size = output_size[2:]
        if len(output_size) != n:
            raise ValueError(
                f"output_size should be a sequence containing {n} or {n + 2} elements, "
                f"but it has a length of '{len(output_size)}'"
            )
        for d in range(n):
            low, high = default[d] - stride[d], default[d] + stride[d]
            if not low < output_size[d] < high:
                raise ValueError(
                    f'invalid output_size "{output_size}" '
                    f"(dim {d} must be between {low} and {high})"
                )
        chosen = output_size
    for d in range(n):
        if chosen[d] < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, "
                f"but got output_size[{d}]={chosen[d]}"
            )
    return list(chosen)


def _max_unpool(n, input, indices, kernel_size, stride, padding, output_size):
    k, p = _ntuple(n)(kernel_size), _ntuple(n)(padding)
    s = k if stride is None else _ntuple(n)(stride)
    size = _unpool_output_size(input, k, s, p, output_size)
    if indices.dtype != torch.int64:
        raise RuntimeError(
            "elements in indices should be type int64 but got: " + str(indices.dtype)
        )
    if indices.shape != input.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor "
            f"({list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}"
        )
    lead = input.shape[:-n]
    count = 1
    for m in size:
        count *= m
    flat = indices.reshape(*lead, -1)
    if flat.numel() and (int(flat.min()) < 0 or int(flat.max()) >= count):
        bad = int(flat.max()) if int(flat.max()) >= count else int(flat.min())
        raise RuntimeError(
            f"Found an invalid max index: {bad} (output volumes are of size "
            + "x".join(map(str, size))
        )
    out = input.new_zeros((*lead, count)).scatter(-1, flat, input.reshape(*lead, -1))
    return out.view(*lead, *size)


def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put each maximum back where max_pool1d found it; zeros elsewhere."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put each maximum back where max_pool2d found it; zeros elsewhere."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put each maximum back where max_pool3d found it; zeros elsewhere."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _block_positions(size, k, d, p, s, device):
    """Rows of the padded image under each offset of the kernel: (k, blocks)."""
    blocks = (size + 2 * p - d * (k - 1) - 1) // s + 1
    return torch.tensor(
        [[i * d + b * s for b in range(blocks)] for i in range(k)], device=device
    ).view(k, max(blocks, 0))


def _check_blocks(kind, sizes, k, d, p, s):
    shape = [
        (size + 2 * pp - dd * (kk - 1) - 1) // ss + 1
        for size, kk, dd, pp, ss in zip(sizes, k, d, p, s, strict=True)
    ]
    if min(shape) < 1:
        raise RuntimeError(
            f"Given {kind} with spatial size ({sizes[0]}, {sizes[1]}), "
            f"kernel_size=({k[0]}, {k[1]}), dilation=({d[0]}, {d[1]}), padding=({p[0]}, {p[1]}), "
            f"calculated shape of the array of sliding blocks as "
            f"({shape[0]}, {shape[1]}), but its components must be at least one."
        )
    return shape


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Sliding blocks of (N, C, H, W) as columns: (N, C * kh * kw, L)."""
    k, d, p, s = (_ntuple(2)(v) for v in (kernel_size, dilation, padding, stride))
    if input.dim() not in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    _check_blocks("input", input.shape[-2:], k, d, p, s)
    x = input if input.dim() == 4 else input.unsqueeze(0)
    n, c, h, w = x.shape
    padded = torch._C._nn.pad(x, (p[1], p[1], p[0], p[0]))
    rows = _block_positions(h, k[0], d[0], p[0], s[0], x.device)
    cols = _block_positions(w, k[1], d[1], p[1], s[1], x.device)
    # Indexed as (kh, kw, block row, block column).
    blocks = padded[:, :, rows[:, None, :, None], cols[None, :, None, :]]
    out = blocks.reshape(n, c * k[0] * k[1], -1)
    return out if input.dim() == 4 else out.squeeze(0)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Add columns (N, C * kh * kw, L) up to the image (N, C, *output_size): unfold turned round."""
    size = _ntuple(2)(output_size)
    k, d, p, s = (_ntuple(2)(v) for v in (kernel_size, dilation, padding, stride))
    if input.dim() not in (2, 3):
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )
    x = input if input.dim() == 3 else input.unsqueeze(0)
    n, features, count = x.shape
    if features % (k[0] * k[1]) != 0:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={features} and kernel_size=({k[0]}, {k[1]})."
        )
    bh, bw = _check_blocks("output_size", size, k, d, p, s)
    if count != bh * bw:
        raise RuntimeError(
            f"Given output_size=({size[0]}, {size[1]}), kernel_size=({k[0]}, {k[1]}), "
            f"dilation=({d[0]}, {d[1]}), padding=({p[0]}, {p[1]}), stride=({s[0]}, {s[1]}), "
            "expected size of input's dimension 2 to match the calculated number of sliding "
            f"blocks {bh} * {bw} = {bh * bw}, but got input.size(2)={count}."
        )
    c = features // (k[0] * k[1])
    h, w = size[0] + 2 * p[0], size[1] + 2 * p[1]
    rows = _block_positions(size[0], k[0], d[0], p[0], s[0], x.device)
    cols = _block_positions(size[1], k[1], d[1], p[1], s[1], x.device)
    place = (rows[:, None, :, None] * w + cols[None, :, None, :]).reshape(-1)
    image = x.new_zeros((n, c, h * w)).index_add(2, place, x.reshape(n, c, -1))
    image = image.view(n, c, h, w)[:, :, p[0] : p[0] + size[0], p[1] : p[1] + size[1]]
    return image if input.dim() == 3 else image.squeeze(0)
