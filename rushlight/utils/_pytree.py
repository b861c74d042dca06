"""Trees of containers: flatten to a list of leaves, build again, map. As torch.utils._pytree.

Containers are dict, list, tuple, namedtuple, OrderedDict, defaultdict, deque and registered types.
"""

from collections import OrderedDict, defaultdict, deque, namedtuple

from .. import _C

NodeDef = namedtuple("NodeDef", "type flatten_fn unflatten_fn flatten_with_keys_fn")

SUPPORTED_NODES = {}  # every namedtuple stands under the function `namedtuple`


def _is_namedtuple(cls):
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _dict_flatten(d):
    return list(d.values()), list(d.keys())


def _register(cls, flatten, unflatten, with_keys=None):
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten, unflatten, with_keys)


_register(dict, _dict_flatten, lambda values, keys: dict(zip(keys, values)))
_register(OrderedDict, _dict_flatten, lambda values, keys: OrderedDict(zip(keys, values)))
_register(list, lambda x: (list(x), None), lambda values, _: list(values))
_register(tuple, lambda x: (list(x), None), lambda values, _: tuple(values))
_register(_C.Size, lambda x: (list(x), None), lambda values, _: tuple(values))
_register(namedtuple, lambda x: (list(x), type(x)), lambda values, cls: cls(*values))
_register(deque, lambda x: (list(x), x.maxlen), lambda values, maxlen: deque(values, maxlen))
_register(
    defaultdict,
    lambda d: (list(d.values()), [d.default_factory, list(d)]),
    lambda values, context: defaultdict(context[0], zip(context[1], values)),
)


def _get_node_type(tree):
    """The key of SUPPORTED_NODES for a value, if it is a container."""
    cls = type(tree)
    if cls not in SUPPORTED_NODES and issubclass(cls, tuple):
        if cls.__module__.endswith(
            ".return_types"
        ):  # what operations return: made when first needed
            _register(cls, lambda x: (list(x), None), lambda values, _: cls(values))
        elif _is_namedtuple(cls):
            return namedtuple
    return cls


def _handlers(value):
    return SUPPORTED_NODES.get(_get_node_type(value))


class TreeSpec:
    """The shape of a tree: its type, what rebuilding that needs, the shapes of its children."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")

    def __init__(self, type, context, children_specs):
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_leaves = sum(c.num_leaves for c in children_specs) if type else 1

    def is_leaf(self):
        """True for the shape of a single leaf."""
        return self.type is None

    @property
    def num_children(self):
        """The number of direct children."""
        return len(self.children_specs)

    @property
    def num_nodes(self):
        """The number of containers and leaves."""
        return 1 + sum(child.num_nodes for child in self.children_specs)

    def children(self):
        """The shapes of the direct children."""
        return list(self.children_specs)

    def child(self, index):
        """The shape of one of them."""
        return self.children_specs[index]

    def unflatten(self, leaves):
        """The tree of this shape with these leaves."""
        return tree_unflatten(leaves, self)

    def flatten_up_to(self, tree):
        """The subtrees of `tree` that stand where this shape has leaves."""
        if self.is_leaf():
            return [tree]
        if _get_node_type(tree) is not self.type:
            raise ValueError(f"Node type mismatch; expected {self.type}, but got {type(tree)}.")
        children, context = _handlers(tree).flatten_fn(tree)
        if len(children) != self.num_children or context != self.context:
            raise ValueError(f"Node structure mismatch: expected {self.context}, got {context}.")
        pairs = zip(self.children_specs, children)
        return [leaf for spec, child in pairs for leaf in spec.flatten_up_to(child)]

    def _key(self):
        return self.type, self.context, tuple(self.children_specs)

    def __eq__(self, other):
        return isinstance(other, TreeSpec) and self._key() == other._key()

    def __hash__(self):
        return hash((self.type, repr(self.context), tuple(self.children_specs)))

    def __repr__(self, indent=0):
        if self.is_leaf():
            return "*"
        indent += 2
        gap = ",\n" + " " * indent
        children = gap.join(child.__repr__(indent) for child in self.children_specs)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{children}])"


class LeafSpec(TreeSpec):
    """The shape of a single leaf."""

    __slots__ = ()

    def __init__(self):
        super().__init__(None, None, [])


_LEAF = LeafSpec()


def register_pytree_node(cls, flatten_fn, unflatten_fn, *, serialized_type_name=None,
                         to_dumpable_context=None, from_dumpable_context=None,
                         flatten_with_keys_fn=None):  # fmt: skip
    """Makes `cls` a container: `flatten_fn(x) -> (children, context)` and its inverse.

    The last gives ([(key, child), ...], context); those between are for `treespec_dumps`.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    if serialized_type_name is not None or to_dumpable_context is not None:
        from ._pytree_more import _register_json

        _register_json(cls, serialized_type_name, to_dumpable_context, from_dumpable_context)
    _register(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)


_register_pytree_node = register_pytree_node


def tree_is_leaf(tree, is_leaf=None):
    """True if `tree` is no container (or `is_leaf(tree)`)."""
    return bool(is_leaf and is_leaf(tree)) or _handlers(tree) is None


def tree_flatten(tree, is_leaf=None):
    """(leaves, spec) of a tree.

    Example:
        >>> leaves, spec = tree_flatten({"a": 1, "b": [2, 3]})
        >>> leaves
        [1, 2, 3]
        >>> tree_unflatten([4, 5, 6], spec)
        {'a': 4, 'b': [5, 6]}
    """
    leaves = []
    return leaves, _flatten(tree, leaves, is_leaf)


def _flatten(tree, leaves, is_leaf):
    if tree_is_leaf(tree, is_leaf):
        leaves.append(tree)
        return _LEAF
    children, context = _handlers(tree).flatten_fn(tree)
    return TreeSpec(_get_node_type(tree), context, [_flatten(c, leaves, is_leaf) for c in children])


def tree_unflatten(leaves, treespec):
    """The tree with the given leaves and shape."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(leaves)} but the spec "
            f"refers to a pytree that holds {treespec.num_leaves} items ({treespec})."
        )
    return _build(iter(leaves), treespec)


def _build(leaves, spec):
    if spec.is_leaf():
        return next(leaves)
    children = [_build(leaves, child) for child in spec.children_specs]
    return SUPPORTED_NODES[spec.type].unflatten_fn(children, spec.context)


def tree_leaves(tree, is_leaf=None):
    """The leaves of a tree, as a list."""
    return tree_flatten(tree, is_leaf)[0]


def tree_iter(tree, is_leaf=None):
    """An iterator over the leaves."""
    return iter(tree_leaves(tree, is_leaf))


def tree_structure(tree, is_leaf=None):
    """The shape of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The tree of `func(leaf, ...)`, over one tree or several of the same shape."""
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves] + [spec.flatten_up_to(rest) for rest in rests]
    return tree_unflatten([func(*row) for row in zip(*columns)], spec)


def tree_map_(func, tree, *rests, is_leaf=None):
    """Calls `func` on every leaf and returns the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _accepts(type_or_types_or_pred, x):
    if isinstance(type_or_types_or_pred, (type, tuple)) or not callable(type_or_types_or_pred):
        return isinstance(x, type_or_types_or_pred)
    return type_or_types_or_pred(x)


def tree_map_only(type_or_types_or_pred, func, tree, is_leaf=None):
    """`tree_map` over leaves of the given types (or that a predicate accepts); others stay."""
    return tree_map(
        lambda x: func(x) if _accepts(type_or_types_or_pred, x) else x, tree, is_leaf=is_leaf
    )


def tree_any(pred, tree, is_leaf=None):
    """True if `pred` holds for any leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all(pred, tree, is_leaf=None):
    """True if `pred` holds for every leaf."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


# Leaves with the path to each: a tuple of keys.


class _Key:
    __slots__ = ("_value",)
    _format = "[{!r}]"

    def __eq__(self, other):
        return type(other) is type(self) and other._value == self._value

    def __hash__(self):
        return hash((type(self).__name__, self._value))

    def __str__(self):
        return self._format.format(self._value)

    def __repr__(self):
        return f"{type(self).__name__}({self._field}={self._value!r})"


class MappingKey(_Key):
    """A key of a dict."""

    _field = "key"
    key = property(lambda self: self._value)

    def __init__(self, key):
        self._value = key

    def get(self, mapping):
        """What stands in it under this key."""
        return mapping[self._value]


class SequenceKey(_Key):
    """A position in a list or tuple."""

    _field = "idx"
    idx = property(lambda self: self._value)

    def __init__(self, idx):
        self._value = idx

    def get(self, sequence):
        """What stands in it at this position."""
        return sequence[self._value]


class GetAttrKey(_Key):
    """The name of an attribute."""

    _field, _format = "name", ".{}"
    name = property(lambda self: self._value)

    def __init__(self, name):
        self._value = name

    def get(self, obj):
        """The attribute's value."""
        return getattr(obj, self._value)


def _dict_flatten_with_keys(d):
    values, context = _dict_flatten(d)
    return [(MappingKey(key), value) for key, value in zip(context, values)], context


def _dict_unflatten(values, context):
    return dict(zip(context, values))


def _list_flatten(x):
    return list(x), None


def _list_flatten_with_keys(x):
    return [(SequenceKey(i), value) for i, value in enumerate(x)], None


def _keys(tree, count):
    """The key of each child of a container."""
    with_keys = _handlers(tree).flatten_with_keys_fn
    if with_keys is not None:
        return [key for key, _ in with_keys(tree)[0]]
    if isinstance(tree, dict):
        return [MappingKey(key) for key in tree]
    if _is_namedtuple(type(tree)):
        return [GetAttrKey(name) for name in tree._fields]
    return [SequenceKey(i) for i in range(count)]


def tree_flatten_with_path(tree, is_leaf=None):
    """([(path, leaf), ...], spec) of a tree.

    Example:
        >>> found, spec = tree_flatten_with_path({"a": [1, 2]})
        >>> [(keystr(path), leaf) for path, leaf in found]
        [("['a'][0]", 1), ("['a'][1]", 2)]
    """
    found = []

    def visit(node, path):
        if tree_is_leaf(node, is_leaf):
            found.append((path, node))
            return
        children = list(_handlers(node).flatten_fn(node)[0])
        for key, child in zip(_keys(node, len(children)), children):
            visit(child, (*path, key))

    visit(tree, ())
    return found, tree_structure(tree, is_leaf)


def tree_leaves_with_path(tree, is_leaf=None):
    """[(path, leaf), ...]."""
    return tree_flatten_with_path(tree, is_leaf)[0]


def tree_map_with_path(func, tree, *rests, is_leaf=None):
    """The tree of `func(path, leaf, ...)`."""
    found, spec = tree_flatten_with_path(tree, is_leaf)
    rows = zip(found, *[spec.flatten_up_to(rest) for rest in rests])
    return tree_unflatten([func(path, leaf, *rest) for (path, leaf), *rest in rows], spec)


def keystr(kp):
    """A path as text."""
    return "".join(map(str, kp))


def key_get(obj, kp):
    """What stands at a path."""
    for key in kp:
        obj = key.get(obj)
    return obj


def arg_tree_leaves(*args, **kwargs):
    """The leaves of all arguments."""
    return tree_leaves((args, kwargs))


PyTreeSpec = TreeSpec


def __getattr__(name):
    if name in ("Context", "PyTree", "DumpableContext", "KeyEntry"):
        from typing import Any

        return Any
    from . import _pytree_more

    if not name.startswith("__") and hasattr(_pytree_more, name):
        return getattr(_pytree_more, name)
    from .._missing import missing

    return missing(__name__, name)
