"""Which operations autocast casts on the CPU, and to what: PyTorch's lists in one table.

A name stands for the function wherever it is (torch, torch.nn.functional, a method); "linalg." and
"fft." name those modules. What no list names computes in the dtype of its arguments. Besides
PyTorch's own entries there are the functions that it composes of them and that are one here. How
functions are replaced is in _casts.py.
"""

import rushlight as torch

from .autocast_mode import _cached_cast

# In the lower precision.
LOWER = """
    addbmm addmm baddbmm bmm conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d
    conv_transpose3d linear matmul mm prelu scaled_dot_product_attention linalg.vecdot
    __matmul__ __rmatmul__
    chain_matmul cov corrcoef inner linalg.matmul linalg.matrix_power linalg.multi_dot matrix_power
"""

# In float32.
FLOAT32 = """
    adaptive_avg_pool3d adaptive_max_pool3d adaptive_max_pool3d_with_indices avg_pool3d
    binary_cross_entropy binary_cross_entropy_with_logits cdist cholesky cholesky_inverse
    cholesky_solve cosine_embedding_loss cross_entropy ctc_loss fractional_max_pool2d
    fractional_max_pool2d_with_indices fractional_max_pool3d fractional_max_pool3d_with_indices
    geqrf grid_sample grid_sampler grid_sampler_2d grid_sampler_3d hinge_embedding_loss huber_loss
    inverse kl_div l1_loss lu lu_solve margin_ranking_loss max_unpool1d max_unpool2d max_unpool3d
    mse_loss multi_margin_loss multilabel_margin_loss nanquantile nll_loss orgqr ormqr pinverse
    poisson_nll_loss polar prod qr quantile smooth_l1_loss soft_margin_loss stft svd trace
    triangular_solve triplet_margin_loss view_as_complex
    fft.fft fft.fft2 fft.fftn fft.hfft fft.ifft fft.ifft2 fft.ifftn fft.ihfft fft.irfft fft.irfft2
    fft.irfftn fft.rfft fft.rfft2 fft.rfftn
    linalg.cholesky linalg.cholesky_ex linalg.cond linalg.eig linalg.eigh linalg.eigvals
    linalg.eigvalsh linalg.householder_product linalg.inv linalg.inv_ex linalg.lstsq
    linalg.matrix_rank linalg.qr linalg.solve linalg.svd linalg.svdvals linalg.tensorinv
    linalg.tensorsolve
"""

# In the widest dtype among the arguments.
PROMOTE = "cat concat concatenate index_copy stack"


def _map(cast, value):
    """`value` with its tensors cast: one, or a list or tuple of some."""
    if isinstance(value, torch.Tensor):
        return cast(value)
    if type(value) in (list, tuple):
        return type(value)([_map(cast, v) for v in value])
    return value


def _caster(dtype):
    return lambda t: _cached_cast(t, dtype)


def _cast_all(cast, args, kwargs):
    if kwargs:
        kwargs = {key: _map(cast, value) for key, value in kwargs.items()}
    return [_map(cast, value) for value in args], kwargs


def lower(args, kwargs, dtype):
    """All arguments in the lower precision."""
    return _cast_all(_caster(dtype), args, kwargs)


def float32(args, kwargs, dtype):
    """All arguments in float32."""
    return _cast_all(_caster(torch.float32), args, kwargs)


def _tensors(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif type(value) in (list, tuple):
            yield from _tensors(value)


def promote(args, kwargs, dtype):
    """All arguments in the widest dtype: float64, float32, or the lower precision."""
    widest = dtype
    for t in _tensors((*args, *kwargs.values())):
        if not t.is_floating_point() or widest is torch.float64:
            continue
        if t.dtype is torch.float64:
            widest = torch.float64
        elif torch.float32 in (t.dtype, widest):
            widest = torch.float32
        elif t.dtype is not dtype:
            raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize")
    return _cast_all(_caster(widest), args, kwargs)


def _einsum(args, kwargs, dtype):
    """Products of several operands are matrix products; of one there is only a sum."""
    several = sum(1 for _ in _tensors(args)) > 1
    return lower(args, kwargs, dtype) if several else (args, kwargs)


def _tensordot(args, kwargs, dtype):
    """A matrix product, unless all dimensions of both are summed over: that is a sum."""
    dims = kwargs.get("dims", args[2] if len(args) > 2 else 2)
    if isinstance(dims, int) and len(args) > 1 and args[0].dim() == args[1].dim() == dims:
        return args, kwargs
    return lower(args, kwargs, dtype)


def _pad(args, kwargs, dtype):
    """Reflection of up to two dimensions and replication are computed in float32."""
    mode = kwargs.get("mode", args[2] if len(args) > 2 else "constant")
    width = kwargs.get("pad", args[1] if len(args) > 1 else ())
    if mode == "replicate" or (mode == "reflect" and len(width) <= 4):
        return float32(args, kwargs, dtype)
    return args, kwargs


def _recurrence(args, kwargs, dtype):
    """The layers of an LSTM are one operation; others are made of products and sums."""
    return lower(args, kwargs, dtype) if args[0] == "LSTM" else None


def _max_pool3d(args, kwargs, dtype):
    """Without indices only."""
    return (args, kwargs) if kwargs.get("return_indices") else float32(args, kwargs, dtype)


def _unchanged(args, kwargs, dtype):
    """One operation for PyTorch, in no list; here it is made of some that are."""
    return args, kwargs


SPECIAL = {
    "bilinear": _unchanged,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "pad": _pad,
    "max_pool3d": _max_pool3d,
}
RECURRENCE = _recurrence


def table():
    """{name: policy}, where policy(args, kwargs, dtype) -> args and kwargs to call with, or None for
    a function whose own calls are cast instead."""
    rows = dict.fromkeys(LOWER.split(), lower)
    rows.update(dict.fromkeys(FLOAT32.split(), float32))
    rows.update(dict.fromkeys(PROMOTE.split(), promote))
    rows.update(SPECIAL)
    return rows
