"""torch.utils._pytree in its less used parts: shapes as JSON, dataclasses, constants, tuples' kinds."""

import dataclasses
import importlib
import subprocess
import sys
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest
import torch
from twin import error_of, table, twin

import rushlight

SNIPPETS, case = table()
Point = namedtuple("Point", "x y")


def tree_of(m):
    return importlib.import_module(f"{m.__name__}.utils._pytree")


def trees(m):
    return [
        {"a": [1, (2, 3)], "f": None},
        [1, m.Size([1, 2]), OrderedDict(a=1), deque([1], 3), defaultdict(int, {"z": 1})],
        Point(1, [2, Point(3, 4)]),
        5,
        (),
    ]


@case
def shapes(m):
    t = tree_of(m)
    specs = [t.tree_structure(x) for x in trees(m)]
    return [
        [repr(s) for s in specs],
        [s.num_nodes for s in specs],
        [[repr(c) for c in s.children()] for s in specs],
        repr(specs[0].child(0)),
        [t.treespec_pprint(s) for s in specs],
        repr(t.treespec_tuple([t.treespec_leaf(), t.treespec_dict(a=t.treespec_leaf())])),
        [repr(leaf) for leaf in t.tree_leaves(trees(m)[1])],
    ]


@case
def json(m):
    t = tree_of(m)
    specs = [t.tree_structure(x) for x in [*trees(m)[:2], 5, ()]]
    texts = [t.treespec_dumps(s) for s in specs]
    assert [t.treespec_loads(text) for text in texts] == specs
    return texts


@case
def json_errors(m):
    t = tree_of(m)
    return [
        error_of(t.treespec_dumps, 3),
        error_of(t.treespec_dumps, t.tree_structure(Point(1, 2))),
        error_of(t.treespec_loads, "x"),
        error_of(t.treespec_loads, "[9, {}]"),
        error_of(t.treespec_dumps, t.tree_structure([1]), 9),
    ]


@case
def leaves_of_some_types(m):
    t = tree_of(m)
    return [
        t.tree_map_only(int, lambda x: x + 1, [1, "a"]),
        t.tree_map_only(lambda x: x == 1, lambda x: x + 1, [1, 2, "a"]),
        t.tree_any_only(int, lambda x: x > 1, [1, 2, "a"]),
        t.tree_all_only((int, float), lambda x: x > 1, [1, 2.5, "a"]),
        t.tree_map_only_(int, str, [1, "a"]),
        t.map_only(int)(str)(3),
        t.map_only(int)(str)("x"),
    ]


@case
def dataclasses_and_constants(m):
    t = tree_of(m)

    @dataclasses.dataclass
    class Item:
        x: int
        y: object
        z: str = "q"

    @dataclasses.dataclass(frozen=True)
    class Fixed:
        x: int

    t.register_dataclass(Item, field_names=["x", "y"], drop_field_names=["z"])
    t.register_constant(Fixed)
    leaves, spec = t.tree_flatten([Item(1, [2]), Fixed(3), Item(4, None)])
    paths = [t.keystr(path) for path, _ in t.tree_flatten_with_path([Item(1, [2])])[0]]
    return [
        leaves,
        repr(t.tree_unflatten([7, 8, 9], spec)),
        paths,
        t.is_constant_class(Fixed),
        t.is_constant_class(Item),
        error_of(t.register_constant, dict)[:9],
        error_of(t.register_dataclass, int),
    ]


@case
def kinds_of_tuples(m):
    t = tree_of(m)
    structseq = m.max(m.ones(2, 2), 0)
    rows = []
    for x in [Point(1, 2), Point, (1, 2), structseq, type(structseq), tuple, 3]:
        kinds = "namedtuple namedtuple_class namedtuple_instance structseq structseq_class"
        rows.append([getattr(t, f"is_{k}")(x) for k in [*kinds.split(), "structseq_instance"]])
    mapped = t.tree_map(lambda x: x + 1, structseq)
    return [rows, list(mapped), type(mapped) is type(structseq), mapped.indices]


@case
def keys(m):
    t = tree_of(m)
    found = [t.MappingKey(key="a"), t.SequenceKey(idx=1), t.GetAttrKey(name="real")]
    return [str(found), "".join(map(str, found)), found[0].get({"a": 5}), found[2].get(3)]


@case
def registering(m):
    t = tree_of(m)

    class Box:
        def __init__(self, x):
            self.x = x

    t.register_pytree_node(
        Box,
        lambda b: ([b.x], "tag"),
        lambda xs, tag: Box(*xs),
        serialized_type_name="own.Box",
        to_dumpable_context=lambda tag: [tag],
        from_dumpable_context=lambda tags: tags[0],
        flatten_with_keys_fn=lambda b: ([(t.GetAttrKey("x"), b.x)], "tag"),
    )
    spec = t.tree_structure([Box(1)])
    text = t.treespec_dumps(spec)
    again = error_of(t.register_pytree_node, Box, None, None)
    return [text, t.treespec_loads(text) == spec, again.partition(":")[0]]


@pytest.mark.parametrize("name", SNIPPETS)
def test_like_pytorch(name):
    twin(SNIPPETS[name])


def test_json_passes_between_the_two():
    for mine, theirs in zip(trees(rushlight)[:2], trees(torch)[:2], strict=True):
        text = tree_of(torch).treespec_dumps(tree_of(torch).tree_structure(theirs))
        assert tree_of(rushlight).treespec_loads(text) == tree_of(rushlight).tree_structure(mine)


def test_pickled_results_of_operations(tmp_path):
    code = (
        "import torch, pickle\n"
        "x = torch.arange(6.0).view(2, 3)\n"
        "for r in (x.max(0), x.min(0), x.sort(), x.topk(1), x.kthvalue(1), x.median(0), x.mode(),\n"
        "          x.nanmedian(0), x.cummax(0), x.cummin(0), x.aminmax(), x.frexp(),\n"
        "          torch.linalg.eigh(x @ x.T)):\n"
        "    back = pickle.loads(pickle.dumps(r))\n"
        "    assert type(back) is type(r) is getattr(torch.return_types, type(r).__name__)\n"
        "    assert all(torch.equal(a, b) for a, b in zip(back, r, strict=True))\n"
    )
    command = [sys.executable, "-m", "rushlight", "run", "-c", code]
    subprocess.run(command, check=True, timeout=60, cwd=tmp_path)
