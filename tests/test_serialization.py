"""Checkpoints pass between PyTorch and rushlight both ways; hostile files are refused."""

import copy
import io
import os
import pickle
import time
from collections import Counter, OrderedDict, defaultdict

import pytest
import torch
from twin import error_of

import rushlight as rl
from rushlight import serialization
from rushlight.serialization import load, save

DTYPES = (
    "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 "
    "complex64 complex128"
).split()


def same(a, b):
    """Equal values, whichever library each side is from."""
    if hasattr(a, "untyped_storage"):
        return (
            str(a.dtype) == str(b.dtype)
            and tuple(a.shape) == tuple(b.shape)
            and tuple(a.stride()) == tuple(b.stride())
            and a.requires_grad == b.requires_grad
            and a.tolist() == b.tolist()
        )
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and type(a).__name__ != "Size":
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return str(a) == str(b) and type(a).__name__ == type(b).__name__


def sample(lib):
    """Everything that a checkpoint may hold, made by `lib`."""
    base = lib.arange(12.0).reshape(3, 4)
    state = OrderedDict(weight=lib.ones(2, 3), bias=lib.zeros(2))
    state._metadata = OrderedDict({"": {"version": 1}})
    return {
        "dtypes": [lib.tensor([0, 1, 1], dtype=getattr(lib, d)) for d in DTYPES],
        "views": [base, base[1:, ::2], base.t()],
        "empty": lib.empty(0, 3),
        "scalar": lib.tensor(2.5),
        "grad": lib.ones(2, requires_grad=True),
        "state": state,
        "plain": [
            1,
            -5,
            2**40,
            2**100,
            2.5,
            None,
            True,
            "text",
            "\u00e9",
            b"bytes",
            (1, (2,)),
            {1},
        ],
        "more": [Counter("aab"), bytearray(b"ab"), 1 + 2j, {(1, 2): 3, 1.5: 4}],
        "names": [lib.Size([2, 3]), lib.float32, lib.bfloat16, lib.device("cpu")],
    }


def through(write, read, obj, **kwargs):
    buffer = io.BytesIO()
    write(obj, buffer, **kwargs)
    buffer.seek(0)
    return read(buffer)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_zip_both_ways(protocol):
    kwargs = {"pickle_protocol": protocol}
    want = sample(torch)
    assert same(through(torch.save, load, want, **kwargs), want)
    assert same(through(save, load, sample(rl), **kwargs), want)
    got = through(save, lambda f: torch.load(f, weights_only=protocol == 2), sample(rl), **kwargs)
    assert same(got, want)
    assert got["state"]._metadata == want["state"]._metadata


def test_legacy_both_ways():
    kwargs = {"_use_new_zipfile_serialization": False}
    want, ours = sample(torch), sample(rl)
    for s in (want, ours):  # PyTorch itself cannot read these dtypes in a legacy file
        s["dtypes"] = [t for t in s["dtypes"] if str(t.dtype)[6:10] != "uint" or t.itemsize == 1]
    assert same(through(torch.save, load, want, **kwargs), want)
    assert same(through(torch.save, lambda f: load(f, weights_only=False), want, **kwargs), want)
    assert same(through(save, torch.load, ours, **kwargs), want)


def test_unsafe_mode_and_standard_pickle_module():
    want = sample(torch)
    assert same(through(torch.save, lambda f: load(f, weights_only=False), want), want)
    assert same(through(torch.save, lambda f: load(f, pickle_module=pickle), want), want)
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit"):
        through(torch.save, lambda f: load(f, pickle_module=pickle, weights_only=True), want)


def test_storage_sharing_survives():
    base = rl.arange(6.0)
    got = through(save, load, [base, base[2:]])
    got[0][3] = 9.0
    assert got[1].tolist() == [2.0, 9.0, 4.0, 5.0]


def test_two_dtypes_on_one_storage():
    base = rl.ones(4)
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view"):
        save([base, base.view(rl.int32)], io.BytesIO())


def test_archive_layout(tmp_path):
    from zipfile import ZipFile

    for name, write, lib in (("a", torch.save, torch), ("b", save, rl)):
        write({"x": lib.ones(3)}, tmp_path / f"{name}.pt")
    ours, theirs = ZipFile(tmp_path / "b.pt"), ZipFile(tmp_path / "a.pt")
    assert [n[2:] for n in ours.namelist()] == [n[2:] for n in theirs.namelist()]
    assert ours.read("b/data.pkl") == theirs.read("a/data.pkl")
    assert ours.testzip() is None
    with open(tmp_path / "b.pt", "rb") as f:
        offset, _ = serialization._archive.ArchiveReader(f).span("/data/0")
    assert offset % 64 == 0


def test_paths_and_mmap(tmp_path):
    path = tmp_path / "x.pt"
    save(sample(rl), path)
    assert same(load(str(path), mmap=True), sample(torch))
    torch.save(sample(torch), path)
    mapped = load(path, mmap=True)
    mapped["views"][0][0, 0] = 7.0  # a private copy: the file stays as it was
    assert same(load(path), sample(torch))
    with pytest.raises(ValueError, match="f must be a file path"):
        load(io.BytesIO(path.read_bytes()), mmap=True)
    save(1, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        load(path, mmap=True)


def test_writing_is_atomic(tmp_path):
    path = tmp_path / "x.pt"
    save([1], path)
    os.chmod(path, 0o640)
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        save([rl.ones(3), lambda: 0], path)
    assert load(path) == [1] and os.listdir(tmp_path) == ["x.pt"]
    save([2], path)
    assert load(path) == [2] and os.stat(path).st_mode & 0o777 == 0o640
    link = tmp_path / "link.pt"
    link.symlink_to(path)
    save([3], link)
    assert link.is_symlink() and load(path) == [3]
    with pytest.raises(RuntimeError, match="Parent directory .* does not exist"):
        save([1], tmp_path / "no" / "x.pt")
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like"):
        save([1], 3)


def test_map_location():
    buffer = io.BytesIO()
    save(rl.ones(2), buffer)
    seen = []

    def keep(storage, location):
        seen.append((type(storage).__name__, location))
        return storage

    for where in (None, "cpu", rl.device("cpu"), {"cpu": "cpu"}, {"cuda:0": "cpu"}, keep):
        buffer.seek(0)
        assert load(buffer, map_location=where).tolist() == [1.0, 1.0]
    assert seen == [("UntypedStorage", "cpu")]
    buffer.seek(0)
    with pytest.raises(RuntimeError, match="don't know how to restore data location"):
        load(buffer, map_location="moon")
    if not rl.cuda.is_available():
        buffer.seek(0)
        with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
            load(buffer, map_location="cuda:0")


def test_stream_position():
    buffer = io.BytesIO()
    for value in (1, 2):
        save([value], buffer, _use_new_zipfile_serialization=False)
    buffer.seek(0)
    assert load(buffer) == [1]


class Custom:
    def __init__(self):
        self.x = 3


def test_safe_globals(tmp_path):
    path = tmp_path / "x.pt"
    save({"c": Custom()}, path)
    with pytest.raises(pickle.UnpicklingError, match="^Weights only load failed.") as e:
        load(path)
    assert f"Unsupported global: GLOBAL {__name__}.Custom" in str(e.value)
    assert serialization.get_unsafe_globals_in_checkpoint(path) == [f"{__name__}.Custom"]
    with serialization.safe_globals([Custom]):
        assert load(path)["c"].x == 3
        assert serialization.get_safe_globals() == [Custom]
    assert serialization.get_safe_globals() == []
    assert load(path, weights_only=False)["c"].x == 3


def test_module_names_are_torchs():
    """A pickled class of ours is named as torch's, and read back as ours."""
    buffer = io.BytesIO()
    save(OrderedDict(p=rl.nn.Parameter(rl.ones(2))), buffer)
    assert b"rushlight" not in buffer.getvalue()
    buffer.seek(0)
    got = torch.load(buffer)["p"]
    assert type(got) is torch.nn.Parameter and got.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_plain_pickle_and_deepcopy(protocol):
    base = rl.arange(6.0).reshape(2, 3)
    for t in (base, base.t(), base[:, 1:], rl.ones(2, requires_grad=True), rl.tensor([True])):
        assert same(pickle.loads(pickle.dumps(t, protocol)), t)
        twin = copy.deepcopy(t)
        assert same(twin, t) and twin.data_ptr() != t.data_ptr()
    pair = copy.deepcopy([base, base[1:]])
    pair[0][1, 0] = 50.0
    assert pair[1][0, 0].item() == 50.0
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(rl.ones(2, requires_grad=True) * 2)


# --- hostile files -------------------------------------------------------------------------------


def archive(data):
    """A checkpoint whose pickle is `data`."""
    from zipfile import ZipFile

    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as z:
        z.writestr("a/data.pkl", data)
    buffer.seek(0)
    return buffer


def refused(data):
    start = time.perf_counter()
    with pytest.raises(pickle.UnpicklingError, match="^Weights only load failed."):
        load(archive(data))
    assert time.perf_counter() - start < 5


HOSTILE = {
    "call": b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00echo\x85R.",
    "eval": b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.",
    "getattr": b"\x80\x02cbuiltins\ngetattr\n.",
    "torch function": b"\x80\x02ctorch\nload\nX\x01\x00\x00\x00a\x85R.",
    "dotted": b"\x80\x04\x8c\x05torch\x8c\x0bSize.__new__\x93.",
    "call of data": b"\x80\x02ctorch\nfloat32\n)R.",
    "newobj": b"\x80\x02cbuiltins\nobject\n)\x81.",
    "class attribute": b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb.",
    "method overwritten": b"\x80\x02ccollections\nOrderedDict\n)R}X\x04\x00\x00\x00keysK\x01sb.",
    "dunder": b"\x80\x02ccollections\nOrderedDict\n)R}X\x09\x00\x00\x00__class__K\x01sb.",
    "bad id": b"\x80\x02K\x01Q.",
    "no stop": b"\x80\x02K\x01",
    "no stack": b"\x80\x02.",
    "missing memo": b"\x80\x02h\x05.",
    "long string": b"\x80\x02X\xff\xff\xff\x7fab.",
    "negative long": b"\x80\x02\x8b\xff\xff\xff\xff.",
    "protocol": b"\x80\x09K\x01.",
    "extension": b"\x80\x02\x82\x01.",
    "list key": b"\x80\x02}]K\x01s.",
    "items on a tensor class": b"\x80\x02ctorch\nTensor\nK\x01K\x01s.",
    "huge size": b"\x80\x02ctorch\nSize\n(" + b"\x8a\x09" + b"\xff" * 8 + b"\0" + b"t\x85R.",
    "deep key": b"\x80\x02}K\x01" + b"\x85" * 200_000 + b"K\x01s.",
    "wide key": b"\x80\x02}K\x01" + (b"q\x00h\x00h\x00h\x00\x87") * 60 + b"K\x01s.",
    "colliding keys": b"\x80\x02}\x8a\x09" + b"\xff" * 8 + b"\x01K\x01s.",
    "copies": b"\x80\x02cbuiltins\nbytearray\nq\x000B\x00\x00\x10\x00"
    + b"a" * (1 << 20)
    + b"q\x010"
    + b"h\x00h\x01\x85R0" * 100_000
    + b"K\x01.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickle(name):
    refused(HOSTILE[name])


def tensor_pickle(offset=0, size=(2,), stride=(1,), count=2, key="0", kind=b"FloatStorage"):
    """A pickle of one tensor with fields of our choice."""

    def item(x):
        return pickle.dumps(x, 2)[2:-1].replace(b"q\x00", b"")

    def many(xs):
        return b"(" + b"".join(map(item, xs)) + b"t"

    pid = b"(" + item("storage") + b"ctorch\n" + kind + b"\n" + item(key) + item("cpu")
    pid += item(count) + b"tQ"
    body = pid + item(offset) + many(size) + many(stride) + b"\x89ccollections\nOrderedDict\n)R"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + body + b"tR."


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 3},
        {"count": 2**50},
        {"count": -1},
        {"offset": 1},
        {"offset": -1},
        {"size": (3,)},
        {"size": (2**40,)},
        {"size": (2**62, 2**62), "stride": (0, 0)},
        {"size": (-1,)},
        {"stride": (-1,)},
        {"stride": (2**61,)},
        {"size": (1,) * 65, "stride": (1,) * 65},
        {"size": (2, 1)},
        {"size": (2.0,)},
        {"kind": b"DoubleStorage"},
        {"kind": b"Size"},
        {"key": 3},
        {"offset": "0"},
    ],
    ids=str,
)
def test_hostile_tensor(fields):
    from zipfile import ZipFile

    def build(**kwargs):
        buffer = io.BytesIO()
        with ZipFile(buffer, "w") as z:
            z.writestr("a/data.pkl", tensor_pickle(**kwargs))
            z.writestr("a/data/0", b"\0\0\x80\x3f" * 2)
        buffer.seek(0)
        return buffer

    assert load(build()).tolist() == [1.0, 1.0]
    with pytest.raises(pickle.UnpicklingError):
        load(build(**fields))


def test_damaged_files(tmp_path):
    buffer = io.BytesIO()
    save(sample(rl), buffer)
    data = buffer.getvalue()
    with pytest.raises(EOFError):
        load(io.BytesIO(b""))
    with pytest.raises(pickle.UnpicklingError, match="^Weights only load failed."):
        load(io.BytesIO(b"not a checkpoint"))
    with pytest.raises(RuntimeError, match="^PytorchStreamReader failed reading zip archive"):
        load(io.BytesIO(data[:-200]))
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing.pt")
    with pytest.raises(AttributeError, match="You can only torch.load from a file"):
        load(3)


def test_defaultdict_of_torch_names():
    table = defaultdict(list, {"a": [rl.ones(1)]})
    assert same(dict(through(save, load, table)), {"a": [torch.ones(1)]})


def test_big_endian_file():
    from zipfile import ZipFile

    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as z:
        z.writestr("a/data.pkl", tensor_pickle())
        z.writestr("a/byteorder", "big")
        z.writestr("a/data/0", b"\x3f\x80\0\0\x40\0\0\0")
    buffer.seek(0)
    assert load(buffer).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("writer", ["torch", "rushlight"])
def test_several_legacy_objects_in_one_file(writer):
    buffer = io.BytesIO()
    lib = {"torch": torch, "rushlight": rl}[writer]
    for thing in (1, {"w": lib.arange(10.0)}, lib.ones(2)):
        lib.save(thing, buffer, _use_new_zipfile_serialization=False)
    buffer.seek(0)
    assert load(buffer) == 1
    assert load(buffer)["w"].tolist() == list(range(10)) and load(buffer).tolist() == [1, 1]
    assert buffer.tell() == len(buffer.getvalue())
    with pytest.raises(EOFError):
        load(buffer)


@pytest.mark.parametrize("writer", ["torch", "rushlight"])
def test_to_the_meta_device(tmp_path, writer):
    lib, path = {"torch": torch, "rushlight": rl}[writer], tmp_path / "x.pt"
    lib.save(lib.nn.Linear(2, 3).state_dict(), path)
    for m in (torch, rl):
        state = m.load(path, map_location="meta")
        assert {str(t.device) for t in state.values()} == {"meta"}
        assert list(state["weight"].shape) == [3, 2] and state["weight"].is_meta
        with m.device("meta"):
            model = m.nn.Linear(2, 3)
        model.load_state_dict(m.load(path), assign=True)
        assert not model.weight.is_meta


def test_calls_that_are_refused_as_pytorch_refuses_them(tmp_path):
    path, legacy = tmp_path / "x.pt", tmp_path / "legacy.pt"
    save(rl.ones(3), path)
    save(rl.ones(3), legacy, _use_new_zipfile_serialization=False)
    legacy.write_bytes(legacy.read_bytes()[:-5])

    def refusals(m):
        calls = [
            lambda: m.load(path, unknown=1),
            lambda: m.load(3),
            lambda: m.load(legacy),
            lambda: m.load(legacy, mmap=True),
            lambda: m.save(lambda: 1, tmp_path / "local.pt"),
        ]
        return [error_of(call) for call in calls]

    assert refusals(rl) == refusals(torch)
    with open(path, "rb") as archive, open(legacy, "rb") as other:
        assert serialization._is_zipfile(archive) and not serialization._is_zipfile(other)
