"""Hostile data: Python objects that lie, forged arrays, memory that others hold; PyTorch's
exception class and first line, and never a crash. The snippets run as those of test_errors.py do.
"""

import pytest
from error_cases import compare, errors, tables
from twin import error_of

import rushlight

CASES, ALONE, case, alone = tables()


# ---- making tensors ----


@case
def sizes(m):
    return errors(
        lambda: m.zeros(-1),
        lambda: m.ones(2, -3),
        lambda: m.empty(2**40, 2**40),
        lambda: m.zeros(2**62, 4),
        lambda: m.zeros("a"),
        lambda: m.zeros(2.5),
        lambda: m.zeros([2, 2.5]),
        lambda: m.zeros(2, "a"),
        lambda: m.zeros(None),
        lambda: m.zeros(),
        lambda: m.zeros(2, size=(2,)),
        lambda: m.zeros(2, nope=1),
        lambda: m.zeros(2, dtype="float32"),
        lambda: m.zeros(2, dtype=5),
        lambda: m.zeros(2, device="nope"),
        lambda: m.full((2,), "a"),
        lambda: m.full((2,)),
        lambda: m.eye(-1),
        lambda: m.arange(0, 5, 0),
        lambda: m.arange(0, 5, -1),
        lambda: m.arange(0, float("inf")),
        lambda: m.arange(0, float("nan")),
        lambda: m.linspace(0, 1, -1),
        lambda: m.randn(-2),
        lambda: m.randint(5, 2, (2,)),
        lambda: m.randint(0, 0, (2,)),
        lambda: m.randperm(-1),
        lambda: m.empty(2**63),
        lambda: m.empty(10**30),
    )


@alone
def sizes_too_large_for_memory(m):
    found = errors(
        lambda: m.empty(2**60),
        lambda: m.zeros(2**45, dtype=m.float64),
        lambda: m.ones(2**30, 2**25),
    )
    assert all(e.startswith(("RuntimeError", "MemoryError")) for e in found), found


@case
def data(m):
    return errors(
        lambda: m.tensor("a"),
        lambda: m.tensor(["a"]),
        lambda: m.tensor(None),
        lambda: m.tensor([None]),
        lambda: m.tensor([1, None]),
        lambda: m.tensor([[1, 2], [3]]),
        lambda: m.tensor([[1], 2]),
        lambda: m.tensor([1, [2]]),
        lambda: m.tensor({1: 2}),
        lambda: m.tensor({1, 2}),
        lambda: m.tensor(object()),
        lambda: m.tensor([object()]),
        lambda: m.tensor(),
        lambda: m.tensor(1, 2),
        lambda: m.tensor([1.5], dtype="x"),
        lambda: m.tensor(10**30),
        lambda: m.tensor([2**63]),
        lambda: m.tensor(300, dtype=m.uint8),
        lambda: m.tensor(-300, dtype=m.int8),
        lambda: m.tensor(float("nan"), dtype=m.int64),
        lambda: m.tensor(float("inf"), dtype=m.int32),
        lambda: m.tensor(1j, dtype=m.float32),
        lambda: m.tensor(1j, dtype=m.int64),
        lambda: m.tensor([1, 2], dtype=m.int64, requires_grad=True),
        lambda: m.tensor(b"abc"),
        lambda: m.as_tensor("a"),
        lambda: m.Tensor("a"),
        lambda: m.Tensor(2.5),
        lambda: m.Tensor(None),
        lambda: m.Tensor(-1),
        lambda: m.FloatTensor(["a"]),
        lambda: m.from_numpy([1]),
        lambda: m.from_numpy(None),
    )


@case
def self_containing_list(m):
    a = []
    a.append(a)
    return error_of(lambda: m.tensor(a)).split(":")[0]


@case
def mutually_containing_lists(m):
    a = [1]
    b = [a]
    a[0] = b
    return error_of(lambda: m.tensor(a)).split(":")[0]


@case
def very_deep_list(m):
    a = 1.0
    for _ in range(500):
        a = [a]
    return error_of(lambda: m.tensor(a)).split(":")[0]


class Sequence:
    """Says it has `said` items, has `real`."""

    def __init__(self, said, real, item=1.0):
        self.said, self.real, self.item = said, real, item

    def __len__(self):
        return self.said

    def __getitem__(self, i):
        if i >= self.real:
            raise IndexError(i)
        return self.item


class Raises:
    def __index__(self):
        raise LookupError("index")

    def __float__(self):
        raise LookupError("float")

    def __len__(self):
        raise LookupError("len")

    def __bool__(self):
        raise LookupError("bool")

    def __getitem__(self, i):
        raise LookupError("item")


class Shrinks(list):
    pass


class Mutates:
    """Empties a list when it is read as a number."""

    def __init__(self, target):
        self.target = target

    def __index__(self):
        self.target.clear()
        return 1


@case
def sequences_of_other_types(m):
    return (
        m.tensor(Sequence(3, 3)),
        m.tensor(range(4)),
        m.tensor([range(2), range(2)]),
        m.tensor((x for x in [1]).__class__ and [True, 2]),
    )


@alone
def sequences_that_lie(m):
    found = errors(
        lambda: m.tensor(Sequence(5, 2)),
        lambda: m.tensor(Sequence(10**9, 1)),
        lambda: m.tensor([Sequence(2, 2), Sequence(3, 3)]),
        lambda: m.tensor(Sequence(-1, 2)),
        lambda: m.tensor(Sequence("x", 2)),
        lambda: m.tensor(Raises()),
        lambda: m.tensor([Raises(), Raises()]),
    )
    assert all(e != "no error" for e in found), found


@alone
def lists_that_change(m):
    for call in (
        lambda a: m.zeros(a),
        lambda a: m.ones(2, 3, 4, 5).permute(a),
        lambda a: m.tensor(a),
        lambda a: m.ones(24).view(a),
        lambda a: m.ones(24).sum(dim=a),
        lambda a: m.ones(24)[a],
        lambda a: m.ones(1, 1, 1, 1).expand(a),
    ):
        a = []
        a.extend([Mutates(a), Mutates(a), 2, 3])
        error_of(lambda call=call, a=a: call(a))


@alone
def objects_that_raise(m):
    r, x = Raises(), m.ones(3, 3)
    for call in (
        lambda: m.zeros(r),
        lambda: m.zeros([r]),
        lambda: x + r,
        lambda: x * r,
        lambda: m.add(x, r),
        lambda: x[r],
        lambda: x[r:],
        lambda: x[:, r],
        lambda: x.sum(dim=r),
        lambda: x.sum(dim=[r]),
        lambda: x.view(r, 1),
        lambda: x.fill_(r),
        lambda: x.__setitem__(0, r),
        lambda: m.full((2,), r),
        lambda: x.requires_grad_(r),
        lambda: x.clamp(r, 1),
        lambda: m.manual_seed(r),
        lambda: m.softmax(x, r),
        lambda: x == r,
        lambda: setattr(x, "requires_grad", r),
        lambda: m.where(x > 0, x, r),
        lambda: x.to(r),
        lambda: m.cat(r),
        lambda: m.tensor([1.0, r]),
        lambda: x.size(r),
        lambda: x.stride(r),
        lambda: m.set_default_dtype(r),
        lambda: m.device(r),
        lambda: m.Size(r),
        lambda: m.Size([r]),
        lambda: x.requires_grad_(requires_grad=r),
    ):
        error_of(call)
    assert not x.requires_grad or True


@case
def huge_integers(m):
    x = m.arange(4)
    big = 10**30
    return errors(
        lambda: x + big,
        lambda: x[big],
        lambda: x.sum(dim=big),
        lambda: x.view(big),
        lambda: x.fill_(big),
        lambda: x == big,
        lambda: m.zeros(3)[2**63],
        lambda: x.roll(2**62),
        lambda: x[-(2**63)],
        lambda: x.select(0, 2**63 - 1),
    )


@alone
def huge_integers_survive(m):
    x = m.arange(12.0).view(3, 4)
    big = 2**63 - 1
    for call in (
        lambda: x[big:],
        lambda: x[: -big - 1],
        lambda: x[::big],
        lambda: x[-big::big],
        lambda: x.narrow(0, big, big),
        lambda: x.narrow(0, -big, 1),
        lambda: x.as_strided((2, 2), (big, 1)),
        lambda: x.as_strided((2, 2), (1, 1), big),
        lambda: x.as_strided((big, big), (1, 1)),
        lambda: x.as_strided((2,), (-1,)),
        lambda: x.as_strided((big,), (0,)),
        lambda: x.unfold(0, big, 1),
        lambda: x.unfold(0, 1, big),
        lambda: x.expand(big, 3, 4),
        lambda: x.expand(big, big, 3, 4).sum(),
        lambda: x.repeat(big, 1),
        lambda: x.repeat(2**32, 2**32),
        lambda: x.roll(big, 0),
        lambda: x.diagonal(big),
        lambda: x.diagonal(-big - 1),
        lambda: m.tril(x, big),
        lambda: m.triu(x, -big - 1),
        lambda: m.diag(x[0], 2**40),
        lambda: m.eye(big),
        lambda: m.linspace(0, 1, big),
        lambda: m.arange(big),
        lambda: m.arange(-big, big),
        lambda: m.randperm(2**45),
        lambda: m.nn.functional.pad(x, (big, big)),
        lambda: m.nn.functional.pad(x, (-big, -big)),
        lambda: m.nn.functional.max_pool2d(x[None], big),
        lambda: m.nn.functional.conv2d(x[None, None], x[None, None], padding=big),
        lambda: m.nn.functional.conv2d(x[None, None], x[None, None], dilation=big),
        lambda: m.nn.functional.conv2d(x[None, None], x[None, None], stride=big),
        lambda: m.nn.functional.one_hot(m.tensor([big])),
        lambda: m.bincount(m.tensor([big])),
        lambda: m.repeat_interleave(x, big),
        lambda: m.stack([x] * 2, big),
        lambda: x.resize_(big),
        lambda: x.split(big),
        lambda: x.chunk(big),
        lambda: m.topk(x, big),
        lambda: m.kthvalue(x, big),
        lambda: m.combinations(x[0], 2**31),
        lambda: m.cartesian_prod(*[m.arange(2)] * 70),
        lambda: m.empty_strided((2,), (big,)),
        lambda: m.empty_strided((big,), (0,)),
        lambda: x.view(*[1] * 70, 12),
        lambda: x.expand(*[1] * 70, 3, 4),
        lambda: x[(None,) * 70],
        lambda: m.set_num_threads(0),
        lambda: m.set_num_threads(-5),
        lambda: x.byte().view(m.float64),
        lambda: m.Tensor(big),
        lambda: m.UntypedStorage(big),
        lambda: m.UntypedStorage(-1),
        lambda: m.multinomial(m.ones(3), big),
        lambda: m.multinomial(m.ones(3), 2**40, replacement=True),
    ):
        error_of(call)


# ---- memory ----


@case
def from_memory(m):
    import numpy

    a = numpy.arange(6.0)
    return errors(
        lambda: m.from_numpy(numpy.array(["a"])),
        lambda: m.from_numpy(numpy.array([object()])),
        lambda: m.from_numpy(a[::-1]),
        lambda: m.from_numpy(a.astype(">f8")),
        lambda: m.from_numpy(a.view("f4")[1:].view("f4")[::3]),
        lambda: m.from_numpy(numpy.zeros(3, "M8[s]")),
        lambda: m.from_numpy(numpy.zeros(2, [("a", "f4")])),
        lambda: m.tensor(numpy.array([object()])),
        lambda: m.as_tensor(numpy.array(["a", "b"])),
        lambda: m.frombuffer(b"", dtype=m.uint8),
        lambda: m.frombuffer(b"abc", dtype=m.float32),
        lambda: m.frombuffer(bytearray(8), dtype=m.float32, offset=9),
        lambda: m.frombuffer(bytearray(8), dtype=m.float32, offset=-1),
        lambda: m.frombuffer(bytearray(8), dtype=m.float32, count=5),
        lambda: m.frombuffer(bytearray(8), dtype=m.float32, count=0),
        lambda: m.frombuffer(bytearray(7), dtype=m.float32),
        lambda: m.frombuffer(5, dtype=m.float32),
        lambda: m.frombuffer(bytearray(8)),
        lambda: m.from_dlpack(5),
        lambda: m.asarray([1, 2], copy=False),
    )


@case
def memory_is_shared(m):
    import numpy

    a = numpy.arange(6.0)
    t = m.from_numpy(a[::2])
    t += 1
    b = bytearray(8)
    u = m.frombuffer(b, dtype=m.int16, offset=2, count=2)
    u += 258
    n = m.zeros(3).numpy()
    d = m.from_dlpack(m.arange(3))
    return (
        a.tolist(),
        list(b),
        t,
        u,
        n.tolist(),
        d,
        m.from_numpy(numpy.lib.stride_tricks.as_strided(a, (2, 6), (0, 8))).stride(),
    )


@alone
def memory_is_kept(m):
    import numpy

    t = m.from_numpy(numpy.ones(100_000))
    u = m.frombuffer(bytearray(b"\x01" * 100_000), dtype=m.uint8)
    n = m.ones(100_000).numpy()
    d = m.from_dlpack(m.ones(100_000))
    junk = [numpy.zeros(100_000) for _ in range(5)]
    assert (
        t.sum() == 100_000
        and u.sum() == 100_000
        and n.sum() == 100_000
        and d.sum() == 100_000
        and junk
    )


@alone
def memory_that_others_see_is_not_moved(m):
    x = m.ones(4)
    n = x.numpy()
    error_of(lambda: x.resize_(1_000_000))
    assert n.sum() == 4
    y = m.ones(4)
    view = memoryview(bytearray(y.untyped_storage()))
    held = memoryview(y.untyped_storage())
    error_of(lambda: y.untyped_storage().resize_(10_000_000))
    error_of(lambda: y.resize_(10_000_000))
    assert bytes(held[:16]) == bytes(view)
    z = m.ones(4)
    capsule = z.__dlpack__()
    error_of(lambda: z.resize_(10_000_000))
    assert m._C._from_dlpack(capsule).sum() == 4
    w = m.ones(4)
    v = w[1:]
    error_of(lambda: w.untyped_storage().resize_(0))
    error_of(lambda: w.resize_(1))
    assert v.sum() in (3, 1) or v.numel() == 3
    b = bytearray(16)
    u = m.frombuffer(b, dtype=m.float32)
    error_of(lambda: b.extend(b"x" * 100_000))
    error_of(lambda: u.resize_(100))
    u.sum()


@alone
def dlpack_twice(m):
    c = m.ones(2).__dlpack__()
    assert m._C._from_dlpack(c).sum() == 2
    assert error_of(lambda: m._C._from_dlpack(c)) != "no error"
    for bad in (5, None, "x", object()):
        assert error_of(lambda bad=bad: m._C._from_dlpack(bad)) != "no error"
    assert error_of(lambda: m.ones(2, requires_grad=True).__dlpack__()) != "no error"


@alone
def forged_arrays(m):
    class Forged:
        def __init__(self, **face):
            self.__array_interface__ = {
                "version": 3,
                "typestr": "<f4",
                "shape": (2,),
                "data": (0, False),
                **face,
            }

    for face in (
        {"shape": (-1,)},
        {"shape": (2**62, 2**62)},
        {"shape": "ab"},
        {"shape": (2,), "data": None},
        {"typestr": "<f"},
        {"typestr": 5},
        {"typestr": "|O"},
        {"data": ("x", False)},
        {"data": ()},
        {"strides": (4, 4)},
        {"strides": "x"},
        {"shape": (2,) * 100},
    ):
        error_of(lambda face=face: m.tensor(Forged(**face)))
    error_of(lambda: m.tensor(type("F", (), {"__array_interface__": 5})()))


def test_twins():
    compare("test_hostile", CASES, ALONE)


def test_out_on_another_device():
    """A tensor without memory is not copied into one that has some."""
    here, nowhere = rushlight.ones(2, 3), rushlight.ones(2, 3, device="meta")
    for call in (
        lambda: rushlight.cumsum(nowhere, 0, out=here),
        lambda: rushlight.add(nowhere, 1, out=here),
        lambda: rushlight.add(here, 1, out=nowhere),
    ):
        with pytest.raises(RuntimeError, match="Expected out tensor to have device"):
            call()


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [(2**63 - 1, 2**63 - 1), (-(2**63), -(2**63)), (2**62, 2**62)])
def test_padding_does_not_wrap_around(mode, pad):
    with pytest.raises((RuntimeError, MemoryError)):
        rushlight.nn.functional.pad(rushlight.ones(1, 3, 4), pad, mode)
