"""Moving and casting of modules: `to` and its relatives, in place on every tensor."""

import rushlight as torch

from ..parameter import Parameter

_TO_FORMS = """, but expected one of:
 * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, \
bool copy = False, *, torch.memory_format memory_format = None)
 * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, \
torch.memory_format memory_format = None)
 * (Tensor tensor, bool non_blocking = False, bool copy = False, *, \
torch.memory_format memory_format = None)
"""


def _parse_to(*args, **kwargs):
    """The arguments of `to` in whichever of its forms: (device, dtype, non_blocking, format)."""
    known = {name: kwargs.pop(name, None) for name in ("device", "dtype", "memory_format")}
    device, dtype, memory_format = known.values()
    non_blocking = kwargs.pop("non_blocking", False)
    other = kwargs.pop("tensor", None)
    kwargs.pop("copy", None)
    rest = list(args) if other is None else [other, *args]
    if rest and isinstance(rest[0], torch.Tensor):
        other = rest.pop(0)
        device, dtype = other.device, other.dtype
    elif rest and isinstance(rest[0], torch.dtype):
        dtype = rest.pop(0)
    elif rest:
        device = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], torch.dtype)):
            dtype = rest.pop(0)
    if rest:
        non_blocking = rest.pop(0)
    if rest and isinstance(rest[0], bool):
        rest.pop(0)
    if rest or kwargs or not (device is None or isinstance(device, (str, int, torch.device))):
        got = ", ".join(type(arg).__name__ for arg in args)
        got += "".join(f"{name}={type(value).__name__}, " for name, value in kwargs.items())
        raise TypeError(
            f"to() received an invalid combination of arguments - got ({got}){_TO_FORMS}"
        )
    return None if device is None else torch.device(device), dtype, non_blocking, memory_format


torch._C._nn._parse_to = _parse_to  # where libraries that override `to` look for it


class _Convert:
    """The part of Module that puts converted tensors in place of its own."""

    def _apply(self, fn, recurse=True):
        """Put `fn(t)` in place of every parameter, gradient and buffer. Returns self."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in self._parameters.items():
            if param is not None:
                self._apply_to_parameter(fn, name, param)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def _apply_to_parameter(self, fn, name, param):
        grad = param.grad
        with torch.no_grad():
            data = fn(param)
            new_grad = None if grad is None else fn(grad)
        # The Parameter object stays the same, so that optimisers keep pointing at it. Only leaving
        # or entering the meta device, where there is no storage to change, needs a new one.
        if data.is_meta == param.is_meta:
            param.data = data
            if grad is not None:
                grad.data = new_grad
            return
        param = self._parameters[name] = Parameter(data, param.requires_grad)
        if grad is not None:
            param.grad = new_grad.requires_grad_(grad.requires_grad)

    def to(self, *args, **kwargs):
        """Move and cast, in place: `to(device)`, `to(dtype)`, `to(tensor)`, `to(device, dtype)`.

        Only floating-point and complex entries are cast. Returns self.
        """
        device, dtype, non_blocking, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex "
                f"dtypes, but got desired dtype={dtype}"
            )

        def convert(t):
            target = dtype if t.is_floating_point() or t.is_complex() else None
            if t.is_meta and device is not None and torch.device(device).type != "meta":
                raise NotImplementedError(
                    "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty()"
                    " instead of torch.nn.Module.to() when moving module from meta to a different "
                    "device."
                )
            if memory_format is not None and t.dim() in (4, 5):
                return t.to(device, target, non_blocking, memory_format=memory_format)
            return t.to(device, target, non_blocking)

        return self._apply(convert)

    def to_empty(self, *, device, recurse=True):
        """Move to `device` without copying values."""

        def empty(t):
            return torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=device)

        return self._apply(empty, recurse=recurse)

    def cuda(self, device=None):
        """Move to a CUDA device, the current one by default."""
        return self._apply(lambda t: t.cuda(device))

    def cpu(self):
        """Move to the CPU."""
        return self._apply(lambda t: t.cpu())

    def xpu(self, device=None):
        return self._apply(lambda t: t.xpu(device))

    def ipu(self, device=None):
        return self._apply(lambda t: t.ipu(device))

    def mtia(self, device=None):
        return self._apply(lambda t: t.mtia(device))

    def type(self, dst_type):
        """Cast every parameter and buffer, integers too, to `dst_type`."""
        return self._apply(lambda t: t.type(dst_type))

    def _cast(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self):
        """Cast floating-point entries to float32."""
        return self._cast(torch.float32)

    def double(self):
        """Cast floating-point entries to float64."""
        return self._cast(torch.float64)

    def half(self):
        """Cast floating-point entries to float16."""
        return self._cast(torch.float16)

    def bfloat16(self):
        """Cast floating-point entries to bfloat16."""
        return self._cast(torch.bfloat16)

    def share_memory(self):
        """Move every tensor to shared memory."""
        return self._apply(lambda t: t.share_memory_())
