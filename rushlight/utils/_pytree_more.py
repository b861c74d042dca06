"""The less used half of torch.utils._pytree, loaded on first use: shapes as JSON, dataclasses and
constants as containers, tests for named tuples.
"""

from collections import OrderedDict, defaultdict, deque, namedtuple

from . import _pytree
from ._pytree import SUPPORTED_NODES, GetAttrKey, LeafSpec, TreeSpec, tree_leaves

ConstantNode = namedtuple("ConstantNode", "value")
_PROTOCOL = 1

_constants = set()
_names = {}  # type: its name in JSON
_contexts = {}  # type: (to what JSON can hold, and back)


def treespec_leaf():
    """The shape of a single leaf."""
    return LeafSpec()


def treespec_tuple(iterable=(), /):
    """The shape of a tuple of these shapes."""
    return TreeSpec(tuple, None, list(iterable))


def treespec_dict(mapping=(), /, **kwargs):
    """The shape of a dict of these shapes."""
    children = dict(mapping, **kwargs)
    return TreeSpec(dict, list(children), list(children.values()))


def treespec_pprint(treespec):
    """The shape as the text of a tree with stars for leaves.

    >>> treespec_pprint(_pytree.tree_structure({"a": [1, 2]}))
    "{'a': [*, *]}"
    """

    class Star:
        def __repr__(self):
            return "*"

    return repr(_pytree.tree_unflatten([Star()] * treespec.num_leaves, treespec))


# --- leaves of some types ------------------------------------------------------------------------


def tree_map_only_(type_or_types_or_pred, /, func, tree, is_leaf=None):
    """Calls `func` on the leaves of the given types and returns the tree itself."""
    _pytree.tree_map_only(type_or_types_or_pred, func, tree, is_leaf)
    return tree


def map_only(type_or_types_or_pred, /):
    """A decorator: the function returns anything else than the given types as it is."""

    def decorate(func):
        return lambda x: func(x) if _pytree._accepts(type_or_types_or_pred, x) else x

    return decorate


def tree_any_only(type_or_types, /, pred, tree, is_leaf=None):
    """True if `pred` holds for any leaf of the given types."""
    return any(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))


def tree_all_only(type_or_types, /, pred, tree, is_leaf=None):
    """True if `pred` holds for every leaf of the given types."""
    return all(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))


# --- kinds of tuples -----------------------------------------------------------------------------


def _class_of(obj):
    return obj if isinstance(obj, type) else type(obj)


def is_structseq_class(cls):
    """Is it a class of named tuples as torch.return_types has them?"""
    return (
        isinstance(cls, type)
        and issubclass(cls, tuple)
        and all(
            isinstance(getattr(cls, f"n_{n}", None), int) for n in ("fields", "sequence_fields")
        )
    )


def is_structseq(obj):
    """Is it one of torch.return_types, or such a class?"""
    return is_structseq_class(_class_of(obj))


def is_structseq_instance(obj):
    return is_structseq_class(type(obj))


def is_namedtuple_class(cls):
    """Is it a class that `collections.namedtuple` or `typing.NamedTuple` made, or a subclass?"""
    return (
        isinstance(cls, type)
        and _pytree._is_namedtuple(cls)
        and isinstance(cls._fields, tuple)
        and all(callable(getattr(cls, n, None)) for n in ("_make", "_asdict"))
    )


def is_namedtuple(obj):
    """Is it a namedtuple, or a class of them?"""
    return is_namedtuple_class(_class_of(obj))


def is_namedtuple_instance(obj):
    return is_namedtuple_class(type(obj))


# --- further containers --------------------------------------------------------------------------


def register_constant(cls):
    """Makes values of `cls` part of the shape instead of leaves. They must be hashable by value."""
    if cls.__eq__ is object.__eq__:
        raise TypeError(
            "register_constant(cls) expects `cls` to have a non-default `__eq__` implementation."
        )
    if cls.__hash__ is object.__hash__ or cls.__hash__ is None:
        raise TypeError(
            "register_constant(cls) expects `cls` to have a non-default `__hash__` implementation."
        )
    _pytree.register_pytree_node(
        cls, lambda x: ([], ConstantNode(x)), lambda _, context: context.value
    )
    _constants.add(cls)


def is_constant_class(cls):
    """Was it given to `register_constant`?"""
    return isinstance(cls, type) and cls in _constants


def register_dataclass(cls, *, field_names=None, drop_field_names=None, serialized_type_name=None):
    """Makes a dataclass a container of its fields, those dropped apart.

    Raises:
        ValueError: `field_names` is missing for another class, or names not all of the fields.
    """
    import dataclasses

    drop = list(drop_field_names or ())
    if dataclasses.is_dataclass(cls):
        fields = [f.name for f in dataclasses.fields(cls) if f.init and f.name not in drop]
        if field_names is not None and set(field_names) != set(fields):
            raise ValueError(
                f"field_names {list(field_names)} and drop_field_names {drop} are not the fields of "
                f"{cls}: {fields + drop}"
            )
        names = fields
    elif field_names is None:
        raise ValueError(
            "field_names must be specified with a list of all fields used to initialize "
            f"{cls}, as it is not a dataclass."
        )
    else:
        names = list(field_names)

    def split(x):
        present = [n for n in names if getattr(x, n) is not None]
        return present, [n for n in names if n not in present]

    def flatten(x):
        present, absent = split(x)
        return [getattr(x, n) for n in present], [present, absent]

    def with_keys(x):
        present, absent = split(x)
        return [(GetAttrKey(n), getattr(x, n)) for n in present], [present, absent]

    def unflatten(values, context):
        present, absent = context
        return cls(**dict(zip(present, values)), **dict.fromkeys(absent))

    _pytree.register_pytree_node(
        cls, flatten, unflatten, flatten_with_keys_fn=with_keys,
        serialized_type_name=serialized_type_name,
    )  # fmt: skip


# --- shapes as JSON ------------------------------------------------------------------------------


def _register_namedtuple(cls, *, serialized_type_name):
    """Gives a class of named tuples a name in JSON."""
    _names[cls] = serialized_type_name


def _default_dict_context(context):
    factory, keys = context
    return {
        "default_factory_module": factory.__module__,
        "default_factory_name": factory.__qualname__,
        "dict_context": keys,
    }


def _default_dict_from(context):
    import importlib

    module = importlib.import_module(context["default_factory_module"])
    return [getattr(module, context["default_factory_name"]), context["dict_context"]]


_contexts[defaultdict] = _default_dict_context, _default_dict_from


def _register_json(cls, name, to_context, from_context):
    """What `register_pytree_node` was told of JSON."""
    if name is not None:
        _names[cls] = name
    if to_context is not None:
        _contexts[cls] = to_context, from_context


for _cls in (dict, list, tuple, OrderedDict, defaultdict, deque):
    _names[_cls] = f"{_cls.__module__}.{_cls.__qualname__}"
_names[_pytree._C.Size] = "torch.Size"


def treespec_dumps(treespec, protocol=None):
    """The shape as JSON, which PyTorch reads too.

    Raises:
        TypeError: it is no shape.
        ValueError: an unknown protocol.
        NotImplementedError: a type in it has no name in JSON.
    """
    import json

    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "Expected `treespec` to be an instance of PyTreeSpec but got item of type "
            f"{type(treespec)}."
        )
    if protocol not in (None, _PROTOCOL):
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [{_PROTOCOL}]")
    return json.dumps((_PROTOCOL, _to_json(treespec)))


def _to_json(spec):
    import json

    if spec.is_leaf():
        return {"type": None, "context": None, "children_spec": []}
    cls = spec.context if spec.type is namedtuple else spec.type
    if cls not in _names:
        how = (
            f"namedtuple class {cls} because we didn't register a serializated_type_name. Please "
            "register using `_register_namedtuple`."
            if spec.type is namedtuple
            else f"type {cls}: register_pytree_node needs its serialized_type_name."
        )
        raise NotImplementedError(f"Can't serialize TreeSpec of {how}")
    if cls in _contexts:
        context = _contexts[cls][0](spec.context)
    else:
        context = json.dumps(_names[cls] if spec.type is namedtuple else spec.context)
    return {
        "type": "collections.namedtuple" if spec.type is namedtuple else _names[cls],
        "context": context,
        "children_spec": [_to_json(child) for child in spec.children_specs],
    }


def treespec_loads(serialized):
    """The shape that `treespec_dumps` wrote, here or in PyTorch. Raises ValueError for others."""
    import json

    protocol, schema = json.loads(serialized)
    if protocol != _PROTOCOL:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [{_PROTOCOL}]")
    return _from_json(schema, {name: cls for cls, name in _names.items()})


def _from_json(schema, types):
    import json

    if schema["type"] is None:
        return LeafSpec()
    children = [_from_json(child, types) for child in schema["children_spec"]]
    if schema["type"] == "collections.namedtuple":
        return TreeSpec(namedtuple, types[json.loads(schema["context"])], children)
    cls = types.get(schema["type"])
    if cls is None or cls not in SUPPORTED_NODES:
        raise NotImplementedError(f"Deserializing {schema['type']} in pytree is not registered.")
    from_context = _contexts[cls][1] if cls in _contexts else json.loads
    return TreeSpec(cls, from_context(schema["context"]), children)


def pytree_to_str(treespec):
    """Deprecated name of `treespec_dumps`."""
    return treespec_dumps(treespec)


def str_to_pytree(json):
    """Deprecated name of `treespec_loads`."""
    return treespec_loads(json)
