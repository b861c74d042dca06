"""An interpreter of pickle opcodes that builds data and nothing else: no import, no call, no code.

A global in the file is looked up in a closed table of builders, each of which checks its arguments;
anything outside the table raises `pickle.UnpicklingError`. The one opening is the user's own list,
`torch.serialization.add_safe_globals`, whose entries are called because the user asked for it.
"""

import struct
from collections import Counter, OrderedDict, defaultdict
from pickle import UnpicklingError

import rushlight as torch

from . import _utils
from .storage import _NAMES as _STORAGE_DTYPES
from .storage import TypedStorage

_DTYPES = (
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 "
    "complex64 complex128"
).split()
_MAX_DIM = 64
_MAX_KEY_DEPTH = 16
_FACTORIES = {"list": list, "dict": dict, "set": set, "int": int, "float": float, "str": str}


class StorageType:
    """A storage class as a file names it: `torch.FloatStorage`, or no dtype for untyped bytes."""

    __slots__ = ("name", "dtype")

    def __init__(self, name):
        self.name = name
        self.dtype = getattr(torch, _STORAGE_DTYPES[name]) if name in _STORAGE_DTYPES else None


def storage_type(module, name):
    """The `StorageType` for a global of a pickle, or None if it names no storage class."""
    if name in _STORAGE_DTYPES and module in ("torch", "torch.cuda", "torch.storage"):
        return StorageType(name)
    return StorageType(name) if (module, name) == ("torch.storage", "UntypedStorage") else None


def _need(condition, what):
    if not condition:
        raise UnpicklingError(what)


def _is_int(x):
    return type(x) is int


def _is_ints(x):
    """A short sequence of plain integers (no shape has more than `_MAX_DIM`)."""
    return type(x) in (tuple, torch.Size, list) and len(x) <= _MAX_DIM and all(map(_is_int, x))


# --- builders: what REDUCE may make --------------------------------------------------------------
# Each takes (unpickler, *args). `spend` bounds what short opcodes can copy again and again.


def _tensor_args(storage, offset, size, stride, requires_grad, hooks, dtype, metadata):
    _need(_is_int(offset) and 0 <= offset < 2**62, "a tensor's storage offset is no valid integer")
    _need(_is_ints(size) and _is_ints(stride), "a tensor's size or stride is not made of integers")
    _need(len(size) == len(stride), "a tensor's size and stride do not match")
    _need(all(0 <= x < 2**62 for x in (*size, *stride)), "a tensor's size or stride is negative")
    _need(type(requires_grad) is bool, "requires_grad is not a bool")
    _need(type(hooks) in (OrderedDict, dict, type(None)) and not hooks, "a tensor has hooks")
    _need(type(dtype) is type(torch.float32), "a tensor has no dtype")
    _need(metadata is None or type(metadata) is dict, "a tensor's metadata is not a dict")
    elements, last = dtype.itemsize, offset
    for n, step in zip(size, stride):
        elements *= n or 1
        last += (n - 1) * step
    _need(elements < 2**62, "a tensor's size is too large")
    if 0 not in size:
        have = storage.nbytes()
        _need((last + 1) * dtype.itemsize <= have, f"a tensor reaches past its {have} bytes")


def _tensor_v2(unpickler, storage, offset, size, stride, requires_grad, hooks, metadata=None):
    _need(type(storage) is TypedStorage, "a tensor's storage is no storage")
    _tensor_args(storage, offset, size, stride, requires_grad, hooks, storage.dtype, metadata)
    return _utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata)


def _tensor_v1(unpickler, storage, offset, size, stride):
    return _tensor_v2(unpickler, storage, offset, size, stride, False, None)


def _tensor_v3(
    unpickler, storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None
):
    _need(type(storage) in (TypedStorage, torch.UntypedStorage), "a tensor's storage is no storage")
    _tensor_args(storage, offset, size, stride, requires_grad, hooks, dtype, metadata)
    return _utils._rebuild_tensor_v3(
        storage, offset, size, stride, requires_grad, hooks, dtype, metadata
    )


def _parameter(unpickler, data, requires_grad=True, hooks=None):
    _need(isinstance(data, torch.Tensor), "a parameter's data is no tensor")
    _need(type(requires_grad) is bool and not hooks, "a parameter's fields are malformed")
    return _utils._rebuild_parameter(data, requires_grad, OrderedDict())


def _parameter_with_state(unpickler, data, requires_grad, hooks, state):
    return _set_state(unpickler, _parameter(unpickler, data, requires_grad, hooks), state)


def _typed_tensor(unpickler, func, cls, args, state):
    """`torch._tensor._rebuild_from_type_v2`: one with attributes, or of an allowed subclass."""
    _need(type(args) is tuple, "arguments are not a tuple")
    result = unpickler.call(func, args)
    _need(isinstance(result, torch.Tensor), "a tensor subclass wraps no tensor")
    if cls not in (torch.Tensor, type(result)):
        _need(unpickler.is_allowed(cls), "a tensor subclass is not an allowed global")
        result = result.as_subclass(cls)
    return _set_state(unpickler, result, state)


def _meta_tensor(unpickler, dtype, size, stride, requires_grad):
    zero = TypedStorage(wrap_storage=torch.UntypedStorage(0), dtype=dtype)
    _tensor_args(zero, 0, (0, *size), (0, *stride), requires_grad, None, dtype, None)
    return _utils._rebuild_meta_tensor_no_storage(dtype, size, stride, requires_grad)


def _set_state(unpickler, obj, state):
    """Plain attributes only: a name that the class defines (a method, say) is not overwritten."""
    dict_state, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    for attributes in (dict_state, slots):
        _need(attributes is None or type(attributes) is dict, "a state is not a dict")
        unpickler.spend(8 * len(attributes or ()))
        for name, value in (attributes or {}).items():
            _need(type(name) is str and not name.startswith("__"), "a state has a malformed name")
            _need(not hasattr(type(obj), name), f"a state overwrites the attribute {name!r}")
            setattr(obj, name, value)
    return obj


def _items(unpickler, pairs):
    pairs = list(pairs.items()) if isinstance(pairs, dict) else pairs
    _need(type(pairs) in (list, tuple), "pairs are not a list")
    unpickler.spend(len(pairs) * 8)
    for pair in pairs:
        _need(type(pair) in (list, tuple) and len(pair) == 2, "a pair has not two items")
        _check_key(unpickler, pair[0])
    return pairs


def _ordered_dict(unpickler, pairs=()):
    return OrderedDict(_items(unpickler, pairs))


def _counter(unpickler, pairs=()):
    return Counter(dict(_items(unpickler, pairs)))


def _default_dict(unpickler, factory=None, pairs=()):
    _need(factory is None or factory in _FACTORIES.values(), "a default factory is not allowed")
    return defaultdict(factory, _items(unpickler, pairs))


def _elements(unpickler, values):
    _need(type(values) in (list, tuple, set, frozenset), "elements are not in a list")
    unpickler.spend(len(values) * 8)
    for value in values:
        _check_key(unpickler, value)
    return values


def _set(unpickler, values=()):
    return set(_elements(unpickler, values))


def _frozenset(unpickler, values=()):
    return frozenset(_elements(unpickler, values))


def _encode(unpickler, text, encoding):
    _need(type(text) is str and encoding in ("latin1", "latin-1"), "malformed bytes")
    unpickler.spend(len(text))
    return text.encode("latin1")


def _bytearray(unpickler, data=b"", encoding=None):
    if type(data) is str:
        data = _encode(unpickler, data, encoding)
    _need(type(data) in (bytes, bytearray), "a bytearray is not made from bytes")
    unpickler.spend(len(data))
    return bytearray(data)


def _bytes(unpickler, data=()):
    _need(data == () or data == [], "malformed bytes")
    return b""


def _complex(unpickler, real, imag):
    _need(type(real) is float and type(imag) is float, "a complex number is not made of floats")
    return complex(real, imag)


def _size(unpickler, sizes):
    _need(_is_ints(sizes), "a torch.Size is not made of integers")
    _need(all(0 <= n < 2**62 for n in sizes), "a torch.Size is negative or too large")
    return torch.Size(sizes)


def _device(unpickler, kind, index=None):
    _need(type(kind) is str and len(kind) < 64, "a device's name is malformed")
    _need(index is None or (_is_int(index) and 0 <= index < 128), "a device's index is malformed")
    return torch.device(kind) if index is None else torch.device(kind, index)


def _layout(unpickler, name):
    _need(name == "torch.strided", "only strided tensors can be loaded")
    return torch.strided


_BUILDERS = {
    "collections.OrderedDict": _ordered_dict,
    "collections.Counter": _counter,
    "collections.defaultdict": _default_dict,
    "builtins.set": _set,
    "builtins.frozenset": _frozenset,
    "builtins.bytearray": _bytearray,
    "builtins.bytes": _bytes,
    "builtins.complex": _complex,
    "_codecs.encode": _encode,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.serialization._get_layout": _layout,
    "torch.nn.parameter.Parameter": _parameter,
    "torch._utils._rebuild_tensor": _tensor_v1,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter_with_state,
    "torch._utils._rebuild_meta_tensor_no_storage": _meta_tensor,
    "torch._tensor._rebuild_from_type_v2": _typed_tensor,
}


def _check_key(unpickler, key, depth=0):
    """Keys that hash in bounded time.

    Huge integers can be made to collide, deep tuples overflow the C stack, and tuples that hold one
    another many times over take exponential time: each part visited is paid for.
    """
    kind = type(key)
    if kind is str or kind is bytes or kind is float or key is None or kind is bool:
        return
    if kind is int:
        _need(-(2**63) <= key < 2**64, "an integer key is too large")
    elif kind in (tuple, frozenset, torch.Size):
        _need(depth < _MAX_KEY_DEPTH, "a key is nested too deeply")
        unpickler.spend(len(key) + 1)
        for part in key:
            _check_key(unpickler, part, depth + 1)
    else:
        allowed = (complex, type(torch.float32), torch.device, StorageType)
        _need(
            kind in allowed or isinstance(key, torch.Tensor), f"a {kind.__name__} is no valid key"
        )


# --- the machine ---------------------------------------------------------------------------------


class Global:
    """A name from the table, waiting on the stack for its arguments. It is never called itself."""

    __slots__ = ("name", "build")

    def __init__(self, name, build):
        self.name, self.build = name, build


class DataUnpickler:
    """Reads one pickle from a bytes-like object, starting at `position` and leaving it at its end.

    Args:
        data (bytes): the pickle, or a whole legacy file.
        persistent_load (callable): turns a persistent id (a storage) into an object.
        allowed (dict): extra globals by full name, that may be called.
        encoding (str): of Python 2 strings; "bytes" keeps them as bytes.
    """

    def __init__(self, data, position=0, persistent_load=None, allowed=None, encoding="utf-8"):
        self.data, self.position = data, position
        self.persistent_load = persistent_load
        self.allowed, self.encoding = allowed or {}, encoding
        # Copies that opcodes may ask for are bounded by the size of the file they stand in.
        self.budget = 16 * len(data) + (1 << 20)

    def load(self):
        """The object. Raises UnpicklingError for anything that is not plain, well-formed data."""
        self.stack, self.marks, self.memo = [], [], {}
        ops = _OPS
        try:
            while True:
                code = self.data[self.position]
                self.position += 1
                if code == 46:  # STOP
                    return _finished(self.stack.pop())
                op = ops.get(code)
                _need(op is not None, f"Unsupported operand {code}")
                op(self)
        except UnpicklingError:
            raise
        except (RecursionError, NotImplementedError) as e:
            raise UnpicklingError(f"malformed data ({e})") from None
        except IndexError:
            raise UnpicklingError("the data ends too early or its stack is empty") from None
        except (RuntimeError, MemoryError):
            raise
        except Exception as e:
            raise UnpicklingError(f"malformed data ({type(e).__name__}: {e})") from None

    def spend(self, count):
        self.budget -= count
        _need(self.budget >= 0, "the data asks for far more memory than the file has")

    def take(self, count):
        """The next `count` bytes, which must be there."""
        end = self.position + count
        _need(0 <= count and end <= len(self.data), "the data ends too early")
        chunk = bytes(self.data[self.position : end])
        self.position = end
        return chunk

    def line(self):
        window = bytes(self.data[self.position : self.position + 1024])
        end = window.find(b"\n")
        _need(end >= 0, "a name is too long")
        self.position += end + 1
        return window[:end].decode("utf-8")

    def pop_mark(self):
        items, self.stack = self.stack, self.marks.pop()
        return items

    def find(self, module, name):
        _need(type(module) is str and type(name) is str, "a global's name is not a string")
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        full = f"{module}.{name}"
        if full in self.allowed:
            return self.allowed[full]
        if full in _BUILDERS:
            return Global(full, _BUILDERS[full])
        if module == "torch" and name in _DTYPES:
            return getattr(torch, name)
        if module == "builtins" and name in _FACTORIES:
            return _FACTORIES[name]
        if full == "torch.Tensor":
            return torch.Tensor
        kind = storage_type(module, name)
        if kind is not None:
            return kind
        raise UnpicklingError(
            f"Unsupported global: GLOBAL {full} was not an allowed global by default. "
            f"Please use `torch.serialization.add_safe_globals([{name}])` to allow it, "
            "if you trust this class or function."
        )

    def is_allowed(self, obj):
        return any(obj is value for value in self.allowed.values())

    def call(self, func, args):
        """REDUCE: only a builder of the table, or something on the user's own list."""
        if type(func) is Global:
            return func.build(self, *args)
        _need(self.is_allowed(func), "a call of something that is not an allowed global")
        return func(*args)


def _finished(value):
    _need(type(value) is not Global, "the data is a bare name")
    return value


def _op_proto(u):
    version = u.take(1)[0]
    _need(version <= 5, f"unsupported pickle protocol {version}")


def _op_mark(u):
    u.marks.append(u.stack)
    u.stack = []


def _op_persistent(u):
    u.stack.append(u.persistent_load(u.stack.pop()))


def _op_global(u):
    module = u.line()
    u.stack.append(u.find(module, u.line()))


def _op_stack_global(u):
    name = u.stack.pop()
    u.stack.append(u.find(u.stack.pop(), name))


def _op_reduce(u):
    args = u.stack.pop()
    _need(type(args) is tuple, "arguments are not a tuple")
    u.stack.append(u.call(u.stack.pop(), args))


def _op_newobj(u):
    args = u.stack.pop()
    cls = u.stack.pop()
    _need(type(args) is tuple, "arguments are not a tuple")
    if type(cls) is not Global and u.is_allowed(cls) and isinstance(cls, type):
        u.stack.append(cls.__new__(cls, *args))
    else:
        u.stack.append(u.call(cls, args))


def _op_build(u):
    state = u.stack.pop()
    obj = u.stack[-1]
    if u.is_allowed(type(obj)):
        if hasattr(obj, "__setstate__"):
            obj.__setstate__(state)
        else:
            _utils._set_obj_state(obj, state)
    else:
        plain = type(obj) in (OrderedDict, Counter) or isinstance(obj, torch.Tensor)
        _need(plain, f"a {type(obj).__name__} takes no state")
        _set_state(u, obj, state)


def _op_append(u):
    value = u.stack.pop()
    _need(type(u.stack[-1]) is list, "an append to something that is not a list")
    u.stack[-1].append(value)


def _op_appends(u):
    items = u.pop_mark()
    _need(type(u.stack[-1]) is list, "an append to something that is not a list")
    u.stack[-1].extend(items)


def _store(u, items):
    target = u.stack[-1]
    allowed = type(target) in (dict, OrderedDict, Counter, defaultdict)
    _need(allowed or u.is_allowed(type(target)), "items for something that is not a dict")
    _need(len(items) % 2 == 0, "a key has no value")
    for i in range(0, len(items), 2):
        _check_key(u, items[i])
        target[items[i]] = items[i + 1]


def _op_setitem(u):
    value = u.stack.pop()
    key = u.stack.pop()
    _store(u, [key, value])


def _op_additems(u):
    items = u.pop_mark()
    _need(type(u.stack[-1]) is set, "items for something that is not a set")
    for item in items:
        _check_key(u, item)
    u.stack[-1].update(items)


def _op_dict(u):
    items = u.pop_mark()
    u.stack.append({})
    _store(u, items)


def _op_frozenset(u):
    items = u.pop_mark()
    u.stack.append(_frozenset(u, items))


def _op_tuple(u, count):
    _need(len(u.stack) >= count, "the stack is empty")
    u.stack[-count:] = [tuple(u.stack[-count:])]


def _op_put(u, index):
    u.memo[index] = u.stack[-1]


def _op_get(u, index):
    _need(index in u.memo, "a memo entry is missing")
    u.stack.append(u.memo[index])


def _op_pop(u):
    if u.stack:
        u.stack.pop()
    else:
        u.stack = u.marks.pop()


def _number(u, fmt, size):
    return struct.unpack(fmt, u.take(size))[0]


def _text(u, fmt, size):
    return str(u.take(_number(u, fmt, size)), "utf-8", "surrogatepass")


def _old_text(u, fmt, size):
    data = u.take(_number(u, fmt, size))
    return data if u.encoding == "bytes" else data.decode(u.encoding)


def _push(make):
    def op(u):
        value = make(u)  # first: it may replace the stack
        u.stack.append(value)

    return op


def _reading(op, fmt, size):
    return lambda u: op(u, _number(u, fmt, size))


_OPS = {
    0x80: _op_proto,
    0x95: lambda u: u.take(8) and None,  # FRAME: only a hint
    ord("("): _op_mark,
    ord("0"): _op_pop,
    ord("1"): lambda u: u.pop_mark() and None,
    ord("2"): lambda u: u.stack.append(u.stack[-1]),
    ord("N"): _push(lambda u: None),
    0x88: _push(lambda u: True),
    0x89: _push(lambda u: False),
    ord("J"): _push(lambda u: _number(u, "<i", 4)),
    ord("K"): _push(lambda u: u.take(1)[0]),
    ord("M"): _push(lambda u: _number(u, "<H", 2)),
    0x8A: _push(lambda u: int.from_bytes(u.take(u.take(1)[0]), "little", signed=True)),
    0x8B: _push(lambda u: int.from_bytes(u.take(_number(u, "<i", 4)), "little", signed=True)),
    ord("G"): _push(lambda u: _number(u, ">d", 8)),
    ord("X"): _push(lambda u: _text(u, "<I", 4)),
    0x8C: _push(lambda u: _text(u, "<B", 1)),
    0x8D: _push(lambda u: _text(u, "<Q", 8)),
    ord("T"): _push(lambda u: _old_text(u, "<i", 4)),
    ord("U"): _push(lambda u: _old_text(u, "<B", 1)),
    ord("B"): _push(lambda u: u.take(_number(u, "<I", 4))),
    ord("C"): _push(lambda u: u.take(u.take(1)[0])),
    0x8E: _push(lambda u: u.take(_number(u, "<Q", 8))),
    0x96: _push(lambda u: bytearray(u.take(_number(u, "<Q", 8)))),
    ord("]"): _push(lambda u: []),
    ord("}"): _push(lambda u: {}),
    ord(")"): _push(lambda u: ()),
    0x8F: _push(lambda u: set()),
    ord("a"): _op_append,
    ord("e"): _op_appends,
    ord("s"): _op_setitem,
    ord("u"): lambda u: _store(u, u.pop_mark()),
    0x90: _op_additems,
    0x91: _op_frozenset,
    ord("t"): _push(lambda u: tuple(u.pop_mark())),
    ord("l"): _push(lambda u: u.pop_mark()),
    ord("d"): _op_dict,
    0x85: lambda u: _op_tuple(u, 1),
    0x86: lambda u: _op_tuple(u, 2),
    0x87: lambda u: _op_tuple(u, 3),
    ord("q"): _reading(_op_put, "<B", 1),
    ord("r"): _reading(_op_put, "<I", 4),
    0x94: lambda u: _op_put(u, len(u.memo)),
    ord("h"): _reading(_op_get, "<B", 1),
    ord("j"): _reading(_op_get, "<I", 4),
    ord("c"): _op_global,
    0x93: _op_stack_global,
    ord("R"): _op_reduce,
    0x81: _op_newobj,
    ord("b"): _op_build,
    ord("Q"): _op_persistent,
}
