"""`torch.ops`: operations by namespace, `torch.ops.aten.add` or those that a Library registered."""

import rushlight as torch

_registered = {}
# Parts of larger operations that programs name, in lists of what to keep or to count, and do not call.
_PARTS = frozenset(
    """_log_softmax _scaled_dot_product_cudnn_attention _scaled_dot_product_efficient_attention
    _scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_backward
    _scaled_dot_product_flash_attention_for_cpu _scaled_mm _softmax convolution_backward""".split()
)
__path__ = []


class _OpOverload:
    """One operation. Its overloads (`.default`, `.Tensor`) are the operation itself."""

    def __init__(self, namespace, name, function):
        self._namespace, self.__name__, self._function = namespace, name, function
        self.default = self

    def __call__(self, *args, **kwargs):
        return self._function(*args, **kwargs)

    def __getattr__(self, overload):
        if overload.startswith("__"):
            raise AttributeError(overload)
        return self

    def overloads(self):
        return ["default"]

    def __str__(self):
        return f"{self._namespace}.{self.__name__}"

    def __repr__(self):
        return f"<OpOverloadPacket(op='{self._namespace}.{self.__name__}')>"


class _OpNamespace:
    """`torch.ops.<name>`."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, op):
        function = _registered.get((self.name, op))
        if function is None and self.name == "aten" and not op.startswith("__"):
            from . import _aten

            for place in (_aten, torch, torch.nn.functional, torch.Tensor):
                function = function or getattr(place, op, None)
            if function is None and op in _PARTS:
                from ._missing import _stub

                function = _stub("torch.ops.aten", op, "")
        if function is None:
            raise AttributeError(f"'_OpNamespace' '{self.name}' object has no attribute '{op}'")
        self.__dict__[op] = found = _OpOverload(self.name, op, function)
        return found


def _register(namespace, name, function):
    _registered[namespace, name] = function
    if namespace in globals():
        globals()[namespace].__dict__.pop(name, None)


def load_library(path):
    """Compiled extensions of PyTorch's cannot be loaded: they need PyTorch's own libraries.

    For torchvision's, rushlight has operations of its own, which are registered instead.
    """
    from ._vision._extension import is_torchvision, provide

    if is_torchvision(path):
        return provide()
    raise OSError(f"Could not load this library: {path}\nIt was built against PyTorch's libraries.")


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.ops' has no attribute '{name}'")
    globals()[name] = found = _OpNamespace(name)
    return found
