"""rushlight: PyTorch's API without its weight. `import rushlight as torch`, or run a program that
says `import torch` with `rushlight run script.py`.

Only the extension is loaded here; every submodule and most functions are bound when first used,
so that the import costs milliseconds. What is not here: any mathematics (see core/).
"""

from math import e, inf, nan, pi

from . import _C
from ._C import (
    Generator,
    Size,
    Tensor,
    UntypedStorage,
    default_generator,
    device,
    dtype,
    from_numpy,
    frombuffer,
    get_default_dtype,
    get_num_threads,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    set_num_threads,
)
from .version import __version__

for _name in (
    "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 "
    "complex64 complex128 short int long half float double cfloat cdouble"
).split():
    globals()[_name] = getattr(_C, _name)
del _name

from . import _blas as _blas  # noqa: E402  (tells the core where LAPACK is)
from . import _methods as _methods  # noqa: E402  (Tensor's Python methods; needs the names above)
from ._creation import as_tensor, asarray, set_default_dtype, tensor  # noqa: E402
from ._grad_mode import (  # noqa: E402
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from ._methods import (  # noqa: E402  # noqa: E402
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from ._random import (  # noqa: E402
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

newaxis = None

# What lives in a submodule of another name, by name.
_ELSEWHERE = {
    "save": "serialization",
    "load": "serialization",
    "set_printoptions": "_tensor_str",
    "get_printoptions": "_tensor_str",
    "typename": "_tools",
    "_assert": "_tools",
    "is_tensor": "_tools",
    "is_storage": "_tools",
    "is_floating_point": "_queries",
    "is_complex": "_queries",
    "is_nonzero": "_queries",
    "is_inference": "_queries",
    "is_warn_always_enabled": "_tools",
    "set_warn_always": "_tools",
    "numel": "_queries",
    "iinfo": "_tools",
    "finfo": "_tools",
    "set_default_device": "_tools",
    "get_default_device": "_tools",
    "set_default_tensor_type": "_tools",
    "get_num_interop_threads": "_tools",
    "set_num_interop_threads": "_tools",
    "use_deterministic_algorithms": "_tools",
    "are_deterministic_algorithms_enabled": "_tools",
    "is_deterministic_algorithms_warn_only_enabled": "_tools",
    "get_float32_matmul_precision": "_tools",
    "set_float32_matmul_precision": "_tools",
    "set_flush_denormal": "_tools",
    "get_deterministic_debug_mode": "_tools",
    "set_deterministic_debug_mode": "_tools",
    "compile": "_tools",
    "cond": "_tools",
    "vmap": "func",
    "from_dlpack": "_tools",
    "to_dlpack": "_tools",
    "as_torch": "_alias",
    "draw": "_draw",
    "summary": "_summary",
    "TypedStorage": "storage",
    "autocast": "amp",
    "GradScaler": "amp",
    **dict.fromkeys(
        "autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache "
        "get_autocast_cpu_dtype get_autocast_dtype get_autocast_gpu_dtype get_autocast_ipu_dtype "
        "get_autocast_xla_dtype is_autocast_cache_enabled is_autocast_cpu_enabled "
        "is_autocast_enabled is_autocast_ipu_enabled is_autocast_xla_enabled "
        "set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled "
        "set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype set_autocast_ipu_dtype "
        "set_autocast_ipu_enabled set_autocast_xla_dtype set_autocast_xla_enabled".split(),
        "amp.autocast_mode",
    ),
    "fork": "jit",
    **dict.fromkeys(
        "channel_shuffle conv_tbc cosine_similarity native_channel_shuffle pairwise_distance "
        "pixel_shuffle pixel_unshuffle".split(),
        "nn.functional",
    ),
    **dict.fromkeys(
        "affine_grid_generator alpha_dropout alpha_dropout_ cosine_embedding_loss "
        "feature_alpha_dropout feature_alpha_dropout_ feature_dropout_ native_dropout "
        "norm_except_dim poisson_nll_loss triplet_margin_loss".split(),
        "_layers",
    ),
    **dict.fromkeys(_methods._LINALG_METHODS, "linalg._names"),
    **dict.fromkeys(("lobpcg", "lu_unpack", "pca_lowrank", "svd_lowrank"), "linalg._names"),
    "stft": "_signal",
    "istft": "_signal",
    "hann_window": "_signal",
    "hamming_window": "_signal",
    "blackman_window": "_signal",
    "bartlett_window": "_signal",
    "kaiser_window": "_signal",
    "polygamma": "special",
    "mvlgamma": "special",
}


def _tensor_class(name):
    """FloatTensor and its like: constructors of one dtype."""
    from ._legacy import tensor_class

    return tensor_class(name)


def __getattr__(name):
    function = _C._functions.get(name)
    if name.startswith("_foreach_"):
        from ._foreach import find

        function = find(name)
    elif function is None:
        function = _find(name)
    globals()[name] = function
    return function


def _find(name):
    import importlib

    if name in _ELSEWHERE:
        return getattr(importlib.import_module("." + _ELSEWHERE[name], __name__), name)
    functional = importlib.import_module(".functional", __name__)
    if name in functional.__all__:
        return getattr(functional, name)
    if name.endswith("Tensor") and (value := _tensor_class(name)) is not None:
        return value
    if name.endswith("Storage"):
        storage = importlib.import_module(".storage", __name__)
        if hasattr(storage, name):
            return getattr(storage, name)
    if not name.startswith("__") or name == "__config__":
        try:
            return importlib.import_module("." + name, __name__)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    from ._missing import missing

    return missing("torch", name)


def _find_operation(name):
    """An operation of torch._C._nn that is written in Python: nn.functional puts it there."""
    if not name.startswith("__"):  # such are asked for by inspection
        from .nn import functional  # noqa: F401

    if name in vars(_C._nn):
        return vars(_C._nn)[name]
    raise AttributeError(f"module 'torch._C._nn' has no attribute '{name}'")


_C._nn.__getattr__ = _find_operation


def __dir__():
    from . import functional

    return sorted({*globals(), *_C._functions, *_ELSEWHERE, *functional.__all__})
