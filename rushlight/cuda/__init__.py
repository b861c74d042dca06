"""`torch.cuda`: GPUs as a program asks for them. Counting and errors only; kernels are the core's.

Nothing is probed at import. Without a GPU that this build can use, queries answer 0 or False and
everything else raises AssertionError, as a CPU build of PyTorch does.
"""

from collections import OrderedDict

import rushlight as torch

from ._driver import driver_info

has_half = True
default_generators = ()


def _core(name):
    """The core's function for GPUs, or None in a build without the GPU backend."""
    return getattr(torch._C, name, None)


def _lazy_init():
    if not is_available():
        raise AssertionError(_why_not())


def _why_not():
    if _core("_cuda_getDeviceCount") is None:
        detail = "This build of rushlight has no GPU backend."
    else:
        detail = driver_info()["error"] or "The driver reports no GPU."
    return f"Torch not compiled with CUDA enabled\n{detail} Use device='cpu'."


def device_count():
    """The number of GPUs that this build can use (0 without a driver)."""
    count = _core("_cuda_getDeviceCount")
    return count() if count is not None and driver_info()["count"] else 0


def is_available():
    """True if at least one GPU can be used."""
    return device_count() > 0


def is_initialized():
    """True once the GPU has been used."""
    started = _core("_cuda_isInitialized")
    return bool(started and started())


def init():
    """Starts the GPU now instead of at its first use. AssertionError if there is none."""
    _lazy_init()


def _runtime_version():
    info = driver_info() if _core("_cuda_getDeviceCount") else None
    return info["cuda"] if info and info["count"] else None


def _describe():
    """Rows for `rushlight info`: what was found, and what of it can be used."""
    info = driver_info()
    rows = {"GPU driver": info["error"] or f"CUDA {info['cuda']}"}
    for i, name in enumerate(info["names"]):
        rows[f"GPU {i}"] = name
    usable = device_count()
    if info["count"] and not usable:
        rows["GPU use"] = "none: this build has no GPU backend"
    return rows


def _index(device):
    """The index of a GPU given as None (the current one), an int, a string or a device."""
    if device is None:
        return current_device()
    if isinstance(device, int):
        return device
    device = torch.device(device)
    if device.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {device}")
    return current_device() if device.index is None else device.index


def _delegate(name, core_name, doc):
    def call(*args, **kwargs):
        _lazy_init()
        function = _core(core_name)
        if function is None:
            raise NotImplementedError(f"torch.cuda.{name} is not in this build of rushlight")
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return call


current_device = _delegate("current_device", "_cuda_getDevice", "The index of the current GPU.")
_set_device = _delegate("set_device", "_cuda_setDevice", "Makes a GPU the current one.")
_synchronize = _delegate("synchronize", "_cuda_synchronize", "Waits for a GPU's work.")
_properties = _delegate("get_device_properties", "_cuda_getDeviceProperties", "A GPU's facts.")
_mem_get_info = _delegate("mem_get_info", "_cuda_memGetInfo", "(free, total) bytes of a GPU.")
_memory = _delegate("memory_stats", "_cuda_memoryStats", "Counters of the GPU allocator.")
_current_stream = _delegate("current_stream", "_cuda_getCurrentStream", "The current stream.")
default_stream = _delegate("default_stream", "_cuda_getDefaultStream", "A GPU's first stream.")
_get_rng_state = _delegate("get_rng_state", "_cuda_getRngState", "The GPU generator's state.")
_set_rng_state = _delegate("set_rng_state", "_cuda_setRngState", "Sets the generator's state.")
initial_seed = _delegate("initial_seed", "_cuda_initialSeed", "The GPU generator's seed.")
ipc_collect = _delegate("ipc_collect", "_cuda_ipcCollect", "Frees memory shared by processes.")


def set_device(device):
    """Makes a GPU the current one (nothing happens for a negative index)."""
    if not isinstance(device, int) or device >= 0:
        _lazy_init()
        _set_device(_index(device))


def synchronize(device=None):
    """Waits until all work of a GPU is done."""
    _lazy_init()
    _synchronize(_index(device))


def get_device_properties(device=None):
    """Name, memory and capability of a GPU."""
    _lazy_init()
    return _properties(_index(device))


def get_device_name(device=None):
    """A GPU's name."""
    return get_device_properties(device).name


def get_device_capability(device=None):
    """A GPU's compute capability, (major, minor)."""
    properties = get_device_properties(device)
    return properties.major, properties.minor


def current_stream(device=None):
    """The stream that a GPU's work goes to now."""
    _lazy_init()
    return _current_stream(_index(device))


def mem_get_info(device=None):
    """(free, total) bytes of a GPU's memory."""
    _lazy_init()
    return _mem_get_info(_index(device))


def get_rng_state(device="cuda"):
    """The state of a GPU's generator, a ByteTensor."""
    _lazy_init()
    return _get_rng_state(_index(device))


def set_rng_state(new_state, device="cuda"):
    """Sets the state of a GPU's generator."""
    _lazy_init()
    _set_rng_state(new_state, _index(device))


def get_rng_state_all():
    """The generator states of all GPUs."""
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state_all(new_states):
    """Sets the generator states of all GPUs."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)


def manual_seed(seed):
    """Seeds the current GPU's generator; does nothing without a GPU."""
    if is_available():
        _core("_cuda_manualSeed")(int(seed), current_device())


def manual_seed_all(seed):
    """Seeds the generators of all GPUs; does nothing without one."""
    for i in range(device_count()):
        _core("_cuda_manualSeed")(int(seed), i)


def seed():
    """Seeds the current GPU's generator with a random number."""
    import os

    manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)


seed_all = seed


def empty_cache():
    """Gives cached GPU memory back to the driver; does nothing before the GPU is used."""
    if is_initialized():
        _core("_cuda_emptyCache")()


def memory_stats(device=None):
    """Counters of the GPU allocator, an OrderedDict (empty before the GPU is used)."""
    return OrderedDict(_memory(_index(device))) if is_initialized() else OrderedDict()


def _counter(name, key, doc):
    def read(device=None):
        return memory_stats(device).get(key, 0)

    read.__name__ = read.__qualname__ = name
    read.__doc__ = doc
    return read


memory_allocated = _counter("memory_allocated", "allocated_bytes.all.current", "Bytes in tensors.")
max_memory_allocated = _counter(
    "max_memory_allocated", "allocated_bytes.all.peak", "Most bytes ever in tensors."
)
memory_reserved = _counter("memory_reserved", "reserved_bytes.all.current", "Bytes held.")
max_memory_reserved = _counter("max_memory_reserved", "reserved_bytes.all.peak", "Most bytes held.")
memory_cached, max_memory_cached = memory_reserved, max_memory_reserved


def reset_peak_memory_stats(device=None):
    """Sets the peak counters to the current values."""
    if is_initialized():
        _core("_cuda_resetPeakMemoryStats")(_index(device))


def reset_max_memory_allocated(device=None):
    """The same as `reset_peak_memory_stats`."""
    reset_peak_memory_stats(device)


def is_bf16_supported(including_emulation=True):
    """True if the current GPU computes in bfloat16."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)


def is_tf32_supported():
    """True if the current GPU has TF32."""
    return is_available() and get_device_capability()[0] >= 8


def is_current_stream_capturing():
    """True while a CUDA graph is being captured."""
    capturing = _core("_cuda_isCurrentStreamCapturing")
    return bool(capturing and is_initialized() and capturing())


def get_arch_list():
    """Architectures compiled in: none, kernels are compiled for the GPU that is there."""
    return []


def get_gencode_flags():
    """Compiler flags of compiled-in architectures: none."""
    return ""


def can_device_access_peer(device, peer_device):
    """True if one GPU can read another's memory."""
    _lazy_init()
    function = _core("_cuda_canDeviceAccessPeer")
    return bool(function and function(_index(device), _index(peer_device)))


class device:
    """Context manager: the current GPU within a block. None or a negative index changes nothing."""

    def __init__(self, device):
        self.target = -1 if device is None else device

    def __enter__(self):
        self.previous = None
        if not isinstance(self.target, int) or self.target >= 0:
            _lazy_init()
            self.previous = current_device()
            _set_device(_index(self.target))

    def __exit__(self, *exc):
        if self.previous is not None:
            _set_device(self.previous)


class device_of(device):
    """Context manager: the GPU of a tensor; a CPU tensor changes nothing."""

    def __init__(self, obj):
        super().__init__(obj.get_device() if obj.is_cuda else -1)


class StreamContext:
    """Context manager: work within the block goes to `stream` (None changes nothing)."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        if self.stream is not None:
            self.previous = current_stream()
            _core("_cuda_setStream")(self.stream)

    def __exit__(self, *exc):
        if self.stream is not None:
            _core("_cuda_setStream")(self.previous)


def stream(stream):
    """`with torch.cuda.stream(s):` sends work to the stream `s`."""
    return StreamContext(stream)


def set_stream(stream):
    """Makes a stream the current one (None changes nothing)."""
    if stream is not None:
        _core("_cuda_setStream")(stream)


def __getattr__(name):
    if name in ("Stream", "Event", "CUDAGraph"):
        found = _core(f"_Cuda{name}")
        return found if found is not None else _dummy(name)
    if name == "OutOfMemoryError":
        return torch.OutOfMemoryError
    if name == "amp":
        import importlib

        return importlib.import_module("rushlight.cuda.amp")
    from .._missing import missing

    return missing(__name__, name)


def _dummy(name):
    def refuse(cls, *args, **kwargs):
        raise RuntimeError(f"torch.cuda.{name} requires CUDA support\n{_why_not()}")

    globals()[name] = cls = type(name, (), {"__new__": refuse, "__module__": "torch.cuda"})
    return cls
