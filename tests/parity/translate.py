"""PyTorch's arguments and functions as rushlight's: tensors by value, the rest by name.

A lambda of the database that calls `torch.polygamma` is copied with `rushlight` in the place of
`torch`. Not here: running anything.
"""

import contextlib
import functools
import importlib
import types

import torch
from torch.testing._internal import common_utils

import rushlight

from .compare import WIDER


class LeftOut(Exception):
    """A thing that rushlight leaves out by design: sparse, quantised, nested tensors, complex32."""


MODULES = (
    "torch torch.Tensor torch.nn.functional torch.linalg torch.fft torch.special torch.masked "
    "torch.signal.windows torch.functional torch._C._nn torch._C._linalg torch._C._special torch._C._fft "
    "torch.nn.init torch.autograd torch.random"
).split()
KINDS = (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, type)


@functools.cache
def paths():
    """{id: (module, name)} of PyTorch's functions, methods and classes."""
    found = {}
    for path in MODULES:
        module = resolve(torch, path)
        for name in dir(module):
            value = getattr(module, name, None)
            if callable(value) or isinstance(value, types.GetSetDescriptorType):
                found.setdefault(id(value), (path, name))
    return found


def resolve(root, path):
    """torch.nn.functional of a library, by attribute or by import."""
    for name in path.split(".")[1:]:
        root = getattr(root, name)
    return root


def mine(path, name):
    """What rushlight has under a name of PyTorch's; AttributeError if it lacks the name."""
    return getattr(resolve(rushlight, path), name)


# ---- functions ----

_copies = {}


def function(f):
    """rushlight's twin of a function that PyTorch or its database defines."""
    if f is None:
        return None
    if id(f) in paths():
        return mine(*paths()[id(f)])
    if f in (common_utils.freeze_rng_state, torch.testing._utils.freeze_rng_state):
        return keep_random_state
    if isinstance(f, functools.partial):
        return functools.partial(
            function(f.func), *map(value, f.args), **{k: value(v) for k, v in f.keywords.items()}
        )
    if isinstance(f, torch._ops.OpOverload):
        packet = getattr(getattr(rushlight.ops, f.namespace), f._schema.name.split("::")[1])
        return getattr(packet, f._overloadname)
    if isinstance(f, torch._ops.OpOverloadPacket):
        namespace, name = f._qualified_op_name.split("::")
        return getattr(getattr(rushlight.ops, namespace), name)
    if type(f).__name__ == "_JittedFunction":
        raise LeftOut("jiterator")
    if isinstance(f, types.FunctionType):
        return copy(f)
    return f


@contextlib.contextmanager
def keep_random_state():
    state = rushlight.get_rng_state()
    try:
        yield
    finally:
        rushlight.set_rng_state(state)


def copy(f):
    """A Python function with rushlight where its globals, cells and defaults have torch."""
    if id(f) in _copies:
        return _copies[id(f)][1]
    names, cells = {}, tuple(types.CellType() for _ in f.__closure__ or ())
    twin = types.FunctionType(f.__code__, names, f.__name__, None, cells)
    _copies[id(f)] = f, twin  # before the names are filled in: functions may be recursive
    names.update((n, value(f.__globals__[n])) for n in names_of(f.__code__) if n in f.__globals__)
    for cell, theirs in zip(cells, f.__closure__ or ()):
        cell.cell_contents = value(theirs.cell_contents)
    twin.__defaults__ = f.__defaults__ and tuple(map(value, f.__defaults__))
    twin.__kwdefaults__ = f.__kwdefaults__ and {k: value(v) for k, v in f.__kwdefaults__.items()}
    return twin


def names_of(code):
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return {*code.co_names}.union(*map(names_of, inner))


# ---- arguments ----


def check_supported(t):
    """Raises LeftOut for a kind of tensor that rushlight does not have."""
    if t.layout is not torch.strided or t.is_quantized or t.is_nested:
        raise LeftOut(f"{t.layout} tensors")
    value(t.dtype)


def tensor(t):
    """The same elements with the same strides; a leaf that requires gradients if t does."""
    check_supported(t)
    grad = t.requires_grad
    t = t.detach().resolve_conj().resolve_neg()
    if t._is_zerotensor():
        t = t.clone()
    dtype = value(t.dtype)
    if t.is_meta:
        result = rushlight.empty_strided(tuple(t.shape), t.stride(), dtype=dtype, device="meta")
        return result.requires_grad_() if grad else result
    result = memory(t, dtype).as_strided(tuple(t.shape), t.stride(), t.storage_offset()).detach()
    return result.requires_grad_() if grad else result


_memories = {}


def forget():
    """Begins a new call: tensors of one call that share memory share it after translation."""
    _memories.clear()


def memory(t, dtype):
    """The whole storage of t, flat: what a view does not show may still be reached through it."""
    storage = t.untyped_storage()
    key = storage.data_ptr(), storage.nbytes(), dtype
    if key not in _memories or not storage.nbytes():
        flat = t.new_empty(0).set_(storage, 0, (storage.nbytes() // t.element_size(),))
        flat = flat.float() if t.dtype is torch.bfloat16 else flat.clone()  # numpy() pins a storage
        mine = rushlight.from_numpy(flat.numpy()).to(dtype).clone()
        _memories[key] = mine, storage  # kept: another storage could get this one's address
    return _memories[key][0]


def value(x):
    """rushlight's twin of anything a sample has among its arguments."""
    if isinstance(x, torch.Tensor):
        return tensor(x)
    if isinstance(x, torch.dtype):
        name = str(x).partition(".")[2]
        if not isinstance(getattr(rushlight, name, None), rushlight.dtype):
            raise LeftOut(str(x))
        return getattr(rushlight, name)
    if isinstance(x, (torch.layout, torch.memory_format)):
        return getattr(rushlight, str(x).partition(".")[2])
    if isinstance(x, torch.device):
        return rushlight.device(str(x))
    if isinstance(x, torch.Size):
        return rushlight.Size(x)
    if isinstance(x, torch.Generator):
        return rushlight.Generator().manual_seed(x.initial_seed())
    if isinstance(x, types.ModuleType):
        return module(x)
    if isinstance(x, torch.nn.Module):  # a distance, which has options and no parameters
        layer = getattr(rushlight.nn, type(x).__name__)()
        layer.__dict__.update((k, v) for k, v in vars(x).items() if k[0] != "_")
        return layer
    if isinstance(x, slice):
        return slice(value(x.start), value(x.stop), value(x.step))
    if isinstance(x, dict):
        return {value(k): value(v) for k, v in x.items()}
    if type(x) in (tuple, list):
        return type(x)(map(value, x))
    if isinstance(x, (*KINDS, functools.partial)) or id(x) in paths():
        return function(x)
    return x


def module(m):
    name = m.__name__
    if name == "torch":
        return rushlight
    if not name.startswith("torch.") or name.startswith("torch.testing."):
        return m
    return importlib.import_module("rushlight" + name[5:])


def leaves(x):
    """The tensors in arguments that require gradients, in order."""
    if isinstance(x, (torch.Tensor, rushlight.Tensor)):
        return [x] if x.requires_grad else []
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, (tuple, list)) else ()
    return [t for part in parts for t in leaves(part)]


def fresh(x):
    """PyTorch's arguments with every tensor a leaf of its own, on the same memory."""
    if isinstance(x, torch.Tensor):
        check_supported(x)
        return x.detach().requires_grad_(x.requires_grad)
    if isinstance(x, dict):
        return {k: fresh(v) for k, v in x.items()}
    return type(x)(map(fresh, x)) if type(x) in (tuple, list) else x


def widened(x):
    """PyTorch's arguments, made anew, with the next wider dtype."""
    if isinstance(x, torch.Tensor) and x.dtype in WIDER:
        return x.detach().to(WIDER[x.dtype]).requires_grad_(x.requires_grad)
    if isinstance(x, torch.dtype):
        return WIDER.get(x, x)
    if isinstance(x, dict):
        return {k: widened(v) for k, v in x.items()}
    return type(x)(map(widened, x)) if type(x) in (tuple, list) else fresh(x)
