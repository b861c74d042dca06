"""What `torch.<name>` is when PyTorch has the name and rushlight lacks it: it imports, and its call
raises NotImplementedError. Names that PyTorch lacks raise AttributeError, so `hasattr` tells.

The list of PyTorch's names, `_manifest.txt`, is read only when a missing name is first asked for.
"""

import sys
from contextlib import nullcontext
from importlib.machinery import ModuleSpec
from types import ModuleType

_manifest = None
_stubs = {}  # {full name: stub}, so that a name is one object however it is reached


def _names(module_name):
    """{name: kind} of a module of PyTorch's ("torch.fx"), or None if it has no such module."""
    global _manifest
    if _manifest is None:
        import os

        path = os.path.join(os.path.dirname(__file__), "_manifest.txt")
        with open(path, encoding="ascii") as f:
            rows = (line.rstrip("\n").partition(":") for line in f if line[0] != "#")
            _manifest = {module: names for module, _, names in rows}
    names = _manifest.get(module_name)
    if isinstance(names, str):
        names = _manifest[module_name] = dict(map(_split, names.split()))
    return names


def _split(word):
    kind = word[0] if word[0] in "@!#" else ""
    name, _, value = word[len(kind) :].partition("=")
    return name, kind + value


def _torch_name(module_name):
    return "torch" + module_name[9:] if module_name.split(".")[0] == "rushlight" else module_name


def missing(module_name, name):
    """The value of a module's attribute that rushlight does not have; for a module's `__getattr__`.

    Returns a stub function or class for a name of PyTorch's, whose call raises
    NotImplementedError; raises AttributeError otherwise.
    """
    module_name = _torch_name(module_name)
    if not (name.startswith("__") and name.endswith("__")):
        if _names(f"{module_name}.{name}") is not None and name != "Tensor":
            submodule = _submodule(f"{module_name}.{name}")
            if submodule is not None:
                return submodule
        full_name = f"{module_name}.{name}"
        kind = (_names(module_name) or {}).get(name)
        if kind is not None:
            if full_name not in _stubs:
                _stubs[full_name] = _stub(module_name, name, kind)
            return _stubs[full_name]
    module = sys.modules.get(module_name.replace("torch", "rushlight", 1))
    raise AttributeError(f"module '{module_name}' has no attribute '{name}'", name=name, obj=module)


def _submodule(name):
    import importlib

    install()
    try:
        return importlib.import_module(name.replace("torch", "rushlight", 1))
    except ModuleNotFoundError:
        return None


# What to do instead, by the beginning of a name.
_INSTEAD = {
    "torch.optim.SparseAdam": "no gradient is sparse here, those of nn.Embedding(sparse=True) are "
    "dense: use torch.optim.Adam",
    "torch.sparse": "tensors are dense here",
    "torch.jit": "there is no TorchScript: save a model's state_dict() with torch.save",
    "torch.fx": "functions are not traced symbolically here",
    "torch.nn.parallel": "a program trains in one process here",
    "torch.distributed": "a program trains in one process here",
    "torch.quantization": "tensors are not quantized here",
    "torch.ao.quantization": "tensors are not quantized here",
    "torch.nested": "pad instead, or torch.nn.utils.rnn.pack_sequence",
    "torch.utils.cpp_extension": "extensions in C++ are made for PyTorch's own binary",
}


def _message(full_name):
    import rushlight

    version = getattr(rushlight.version, "rushlight", "")
    text = f"{full_name} is not in rushlight {version}; see docs/coverage.md".replace("  ", " ")
    hint = instead(full_name)
    return f"{text}\n({hint})" if hint else text


def instead(full_name):
    """What to do without a name that is absent, or None."""
    return next((why for name, why in _INSTEAD.items() if full_name.startswith(name)), None)


# What programs get, and catch, that call a device's functions without having the device.
_NO_DEVICE = {
    "torch.xpu": (AssertionError, "Torch not compiled with XPU enabled"),
    "torch.Tensor.xpu": (AssertionError, "Torch not compiled with XPU enabled"),
    "torch.Tensor.ipu": (RuntimeError, "PyTorch is not linked with support for ipu devices"),
    "torch.Tensor.mtia": (AssertionError, "Torch not compiled with MTIA enabled."),
}


def _refusal(full_name, otherwise):
    kind, text = _NO_DEVICE.get(full_name) or _NO_DEVICE.get(full_name.rpartition(".")[0], (0, 0))
    return kind(text) if kind else NotImplementedError(otherwise(full_name))


def _stub(module_name, name, kind):
    full_name = f"{module_name}.{name}"

    def refuse(*args, **kwargs):
        raise _refusal(full_name, _message)

    if kind.startswith("#"):
        if len(kind) > 1:
            from ast import literal_eval

            return literal_eval(kind[1:])
        return _Constant(full_name)
    refuse.__doc__ = f"A name of PyTorch's: {_message(full_name)}."
    if kind in ("@", "!"):
        members = {"__doc__": refuse.__doc__, "__module__": module_name}
        if kind == "@":
            members["__new__"] = refuse
            members["__class_getitem__"] = classmethod(lambda cls, item: cls)
        return type(name, (Exception,) if kind == "!" else (), members)
    refuse.__name__ = refuse.__qualname__ = name
    refuse.__module__ = module_name
    return refuse


class _Constant:
    """A constant of PyTorch's without a meaning here: it can be named and compared, not used."""

    def __init__(self, name):
        self._name = name

    def __call__(self, *args, **kwargs):
        raise NotImplementedError(_message(self._name))

    def __getitem__(self, item):
        return self  # in an annotation

    def __repr__(self):
        return self._name


# --- modules -------------------------------------------------------------------------------------


def _no(*args, **kwargs):
    return False


def _nothing(*args, **kwargs):
    return None


def _zero(*args, **kwargs):
    return 0


def _passthrough(obj=None, *args, **kwargs):
    """A decorator that changes nothing, with or without arguments."""
    return obj if callable(obj) else lambda f: f


def _gpu(name, always=False):
    """A function that asks `torch.cuda`; unless `always`, only where it is available."""

    def ask(*args, **kwargs):
        import rushlight

        if not (always or rushlight.cuda.is_available()):
            raise RuntimeError("Cannot access accelerator device when none is available.")
        return getattr(rushlight.cuda, name)(*args, **kwargs)

    return ask


def _accelerator(check_available=False):
    import rushlight

    return rushlight.device("cuda") if rushlight.cuda.is_available() else None


def _capability():
    """The widest instructions of this processor, by PyTorch's names: libraries choose by them."""
    import rushlight

    isa = rushlight._C._isa().upper()
    if isa == "BASELINE":  # the build for this machine alone has that name too
        try:
            with open("/proc/cpuinfo") as f:
                flags = next((line.split() for line in f if line.startswith("flags")), [])
        except OSError:
            flags = []
        isa = "AVX512" if "avx512bw" in flags else "AVX2" if "avx2" in flags else "DEFAULT"
    return isa


def _yes(*args, **kwargs):
    return True


# What stub modules answer truthfully; other names of theirs are stubs.
_ABSENT = {"is_available": _no, "device_count": _zero, "is_initialized": _no, "seed": _nothing}
_ABSENT.update(manual_seed=_nothing, manual_seed_all=_nothing, empty_cache=_nothing)
_NOT_BUILT = {"is_available": _no, "is_built": _no}
_COMPILER = {"is_compiling": _no, "is_dynamo_compiling": _no, "is_exporting": _no}
_COMPILER.update(disable=_passthrough, allow_in_graph=_passthrough, reset=_nothing)
_COMPILER.update(assume_constant_result=_passthrough, cudagraph_mark_step_begin=_nothing)
_COMPILER.update(graph_break=_nothing, mark_static_address=_nothing)
_OF_ACCELERATORS = """current_stream empty_cache get_device_capability max_memory_allocated
    max_memory_reserved memory_allocated memory_reserved memory_stats reset_peak_memory_stats set_stream
    synchronize""".split()
_ANSWERS = {
    "torch._dynamo": _COMPILER,
    "torch._dynamo.utils": {"is_compile_supported": _no},
    "torch._dynamo._trace_wrapped_higher_order_op": {"TransformGetItemToIndex": nullcontext},
    "torch.accelerator": {
        "is_available": _gpu("is_available", True),
        "device_count": _gpu("device_count", True),
        "current_accelerator": _accelerator,
        "current_device_index": _gpu("current_device"),
        "current_device_idx": _gpu("current_device"),
        "set_device_index": _gpu("set_device"),
        "set_device_idx": _gpu("set_device"),
        "get_memory_info": _gpu("mem_get_info"),
        **{name: _gpu(name) for name in _OF_ACCELERATORS},
    },
    "torch.backends.cpu": {"get_cpu_capability": _capability},
    "torch.backends.mkl": {**_NOT_BUILT, "verbose": nullcontext},
    "torch.backends.mkldnn": {**_NOT_BUILT, "enabled": False},
    "torch.backends.mps": {
        **_NOT_BUILT,
        "is_macos_or_newer": _no,
        "is_macos13_or_newer": _no,
        "get_core_count": _zero,
    },
    "torch.backends.nnpack": {"is_available": _no, "flags": nullcontext, "set_flags": _nothing},
    "torch.backends.openmp": _NOT_BUILT,
    "torch.backends.opt_einsum": {**_NOT_BUILT, "enabled": False, "strategy": None},
    "torch.backends.quantized": {"engine": "none", "supported_engines": ["none"]},
    "torch.backends.xnnpack": {"enabled": False},
    "torch.compiler": _COMPILER,
    "torch.cpu": {
        "is_available": _yes,
        "device_count": lambda: 1,
        "current_device": lambda: "cpu",
        "synchronize": _nothing,
    },
    "torch.fx": {"wrap": _passthrough},
    "torch.mps": _ABSENT,
    "torch.mtia": _ABSENT,
    "torch.nn.attention.flex_attention": {"_DEFAULT_SPARSE_BLOCK_SIZE": 128},
    "torch.onnx": {"is_in_onnx_export": _no, "register_custom_op_symbolic": _nothing},
    "torch.onnx.symbolic_helper": {"parse_args": lambda *kinds: _passthrough},
    "torch.profiler": {"kineto_available": _no},
    "torch.utils._python_dispatch": {
        "TorchDispatchMode": _stub("torch.utils._python_dispatch", "TorchDispatchMode", "@"),
        "is_traceable_wrapper_subclass": _no,
    },
    "torch.xpu": {**_ABSENT, "is_bf16_supported": _no, "memory_allocated": _zero},
}


class StubFinder:
    """Serves modules that PyTorch has and rushlight has no file for, filled with stubs.

    Appended to `sys.meta_path`, so that it is asked last.
    """

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if not fullname.startswith("rushlight."):
            return None
        name = _torch_name(fullname)
        if name == "torch.Tensor":
            return None  # a class; the list has its methods like a module's names
        if name.rpartition(".")[2][:2] == "__" or (name not in _ANSWERS and _names(name) is None):
            return None
        # Every stub is a package: a module of PyTorch's may lie below it.
        return ModuleSpec(fullname, StubFinder, is_package=True)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module: ModuleType):
        name = _torch_name(module.__name__)
        module.__doc__ = f"A module of PyTorch's: {_message(name)}."
        module.__dict__.update(_ANSWERS.get(name, {}))
        if name == "torch.jit.annotations":
            import typing

            names = ("Any", "Dict", "List", "Optional", "Tuple", "Union")
            module.__dict__.update((n, getattr(typing, n)) for n in names)
        module.__getattr__ = lambda attribute: missing(name, attribute)


def install():
    """Makes the stub modules importable."""
    if StubFinder not in sys.meta_path:
        sys.meta_path.append(StubFinder)


def missing_method(name):
    """The value of a method of PyTorch's that Tensor lacks: a call of it raises."""

    full_name, text = f"torch.Tensor.{name}", "{} is not in this version of rushlight"

    def stub(*args, **kwargs):
        raise _refusal(full_name, text.format)

    stub.__name__ = stub.__qualname__ = name
    stub.__doc__ = f"A name of PyTorch's: {text.format(full_name)}."
    return stub
