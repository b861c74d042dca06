"""Mistakes: PyTorch's exception class and first line, and never a crash.

Every snippet runs with rushlight in another process (isolated.py), so that a crash is a failure of
that snippet, and with PyTorch here, unless PyTorch itself crashes or hangs on it (`alone`).
Not here: hostile data, memory and odd tensors (test_hostile.py), what an operation checks of its own
shapes (its own test file does), random calls (test_fuzz.py).
"""

import os
import subprocess
import sys

from error_cases import compare, errors, tables
from twin import error_of

CASES, ALONE, case, alone = tables()


# ---- indices ----


@case
def indices(m):
    x = m.arange(6).view(2, 3)
    return errors(
        lambda: x[2],
        lambda: x[-3],
        lambda: x[0, 3],
        lambda: x[0, 0, 0],
        lambda: x[0][0][0],
        lambda: x[1.5],
        lambda: x["a"],
        lambda: x[object()],
        lambda: x[::0],
        lambda: x[::-1],
        lambda: x["a":],
        lambda: x[..., ...],
        lambda: x[{}],
        lambda: x[[5]],
        lambda: x[m.tensor([7])],
        lambda: x[m.tensor([-3])],
        lambda: x[m.tensor([0.5])],
        lambda: x[m.tensor([True, False, True])],
        lambda: x[m.tensor([0, 1]), m.tensor([0, 1, 2])],
        lambda: x.__setitem__(5, 1),
        lambda: x.__setitem__(0, "a"),
        lambda: x.__setitem__(0, None),
        lambda: x.__setitem__(0, m.ones(4)),
        lambda: x.__delitem__(0),
        lambda: len(m.tensor(1)),
        lambda: list(m.tensor(1)),
        lambda: m.tensor(1)[0],
    )


@case
def dimensions(m):
    x = m.ones(2, 3)
    return errors(
        lambda: x.sum(dim=2),
        lambda: x.sum(dim=-3),
        lambda: x.sum(dim=[0, 0]),
        lambda: x.sum(dim="a"),
        lambda: x.softmax(5),
        lambda: x.transpose(0, 2),
        lambda: x.permute(0),
        lambda: x.permute(0, 0),
        lambda: x.permute(0, 5),
        lambda: x.unsqueeze(4),
        lambda: x.squeeze(3),
        lambda: x.size(2),
        lambda: x.stride(2),
        lambda: x.flatten(1, 0),
        lambda: x.argmax(7),
        lambda: x.max(2),
        lambda: x.cumsum(2),
        lambda: x.t().t().T.mT.sum(9),
        lambda: m.ones(2, 2, 2).t(),
        lambda: x.narrow(0, 1, 5),
        lambda: x.narrow(0, 0, -1),
        lambda: x.select(2, 0),
        lambda: x.select(0, 2),
        lambda: x.unfold(0, 3, 1),
        lambda: x.unfold(0, 1, 0),
        lambda: x.chunk(0),
        lambda: x.split(-1),
        lambda: x.split([1, 2]),
        lambda: x.expand(3, 3),
        lambda: x.expand(2),
        lambda: x.repeat(2),
        lambda: x.view(5),
        lambda: x.view(-1, -1),
        lambda: x.view(-1, 4),
        lambda: x.view(2, -3),
        lambda: x.view(),
        lambda: x.t().view(6),
        lambda: x.reshape(4),
        lambda: x.view(3, "a"),
        lambda: m.empty(0).view(-1, 0),
        lambda: m.empty(0, 3).max(),
        lambda: m.empty(0, 3).argmax(0),
        lambda: m.empty(0).max(),
        lambda: m.cat([]),
        lambda: m.stack([]),
        lambda: m.cat([x, m.ones(2, 4)]),
        lambda: m.cat([x, m.ones(2, 3, 1)]),
        lambda: m.cat([x, 1]),
        lambda: m.cat(x),
        lambda: m.cat([x, x], 2),
        lambda: m.stack([x, m.ones(3)]),
        lambda: x.as_strided((2,), (1, 1)),
        lambda: x.as_strided((10,), (10,)),
        lambda: x.as_strided((2,), (1,), -1),
        lambda: x.as_strided((-2,), (1,)),
    )


# ---- operands ----


@case
def operands(m):
    x, y = m.ones(2, 3), m.ones(4)
    return errors(
        lambda: x + y,
        lambda: x @ y,
        lambda: x @ m.ones(2, 3),
        lambda: m.mm(x, x),
        lambda: m.mm(x, y),
        lambda: m.mv(x, y),
        lambda: m.dot(y, x),
        lambda: m.dot(y, m.ones(3)),
        lambda: m.bmm(x, x),
        lambda: m.bmm(m.ones(2, 2, 3), m.ones(3, 3, 2)),
        lambda: x @ m.ones(3, 2, dtype=m.float64),
        lambda: x @ m.ones(3, 2, dtype=m.int64),
        lambda: m.addmm(y, x, x.t()),
        lambda: x + "a",
        lambda: "a" + x,
        lambda: x + None,
        lambda: x + [1, 2],
        lambda: x - m.tensor(True),
        lambda: m.ones(2, dtype=m.bool) - m.ones(2, dtype=m.bool),
        lambda: -m.ones(2, dtype=m.bool),
        lambda: ~x,
        lambda: x & x,
        lambda: x << 1,
        lambda: x @ 5,
        lambda: 5 @ x,
        lambda: x < 1j,
        lambda: m.ones(2, dtype=m.complex64) < 1,
        lambda: m.ones(2, dtype=m.complex64).max(),
        lambda: m.tensor([1, 2]) // 0,
        lambda: m.tensor([1, 2]) % 0,
        lambda: m.tensor([2]) ** -1,
        lambda: m.add(x),
        lambda: m.add(),
        lambda: m.add(x, x, x, x),
        lambda: m.add(x, x, alpha="a"),
        lambda: m.add(x, x, beta=1),
        lambda: m.add(x, other=x, input=x),
        lambda: m.exp("a"),
        lambda: m.exp(None),
        lambda: m.exp(x, x),
        lambda: m.exp(x, out=5),
        lambda: m.exp(x, out=m.ones(2, 3, dtype=m.int64)),
        lambda: x.exp(1),
        lambda: x.reshpe(2),
        lambda: m.reshpe(x),
        lambda: x.mean(dtype=m.int64),
        lambda: m.tensor([1, 2]).mean(),
        lambda: m.where(x, x, x),
        lambda: m.where(x > 0, x, y),
        lambda: m.clamp(x),
        lambda: m.clamp(x, "a"),
        lambda: m.gather(x, 0, m.tensor([[5, 0, 0]])),
        lambda: m.gather(x, 0, m.ones(1, 3)),
        lambda: m.gather(x, 2, m.zeros(1, 3, dtype=m.int64)),
        lambda: m.index_select(x, 0, m.tensor([2])),
        lambda: m.index_select(x, 0, m.tensor([0.5])),
        lambda: m.take(x, m.tensor([6])),
        lambda: m.zeros(2, 3).scatter_(0, m.tensor([[2, 0, 0]]), 1.0),
        lambda: m.masked_select(x, m.tensor([1, 0, 1])),
        lambda: x.masked_fill(m.ones(5, dtype=m.bool), 1),
        lambda: m.einsum("ij,jk->ik", x, x),
        lambda: m.einsum("ij", x, x),
        lambda: m.einsum("i->ij", y),
        lambda: m.multinomial(m.tensor([-1.0, 2.0]), 1),
        lambda: m.multinomial(m.ones(3), 5),
        lambda: m.bernoulli(m.tensor([1.5])),
        lambda: m.normal(0.0, m.tensor([-1.0])),
        lambda: m.topk(x, 9),
        lambda: m.kthvalue(x, 9),
        lambda: m.bincount(m.tensor([-1])),
        lambda: m.repeat_interleave(x, m.tensor([1, 2, 3]), dim=0),
        lambda: m.searchsorted(y, "a"),
    )


@case
def conversions(m):
    x = m.ones(2)
    return errors(
        lambda: bool(x),
        lambda: bool(m.ones(0)),
        lambda: float(x),
        lambda: int(x),
        lambda: x.item(),
        lambda: m.ones(0).item(),
        lambda: [1, 2][m.tensor(1.5)],
        lambda: range(x),
        lambda: float(m.tensor(1j)),
        lambda: int(m.tensor(float("nan"))),
        lambda: int(m.tensor(float("inf"))),
        lambda: complex(x),
        lambda: x.to("nope"),
        lambda: x.to(m.float33),
        lambda: x.type("nope"),
        lambda: x.requires_grad_().numpy(),
        lambda: m.ones(2, dtype=m.bfloat16).numpy(),
        lambda: x.view(m.int64).view(m.complex128),
        lambda: m.ones(3, dtype=m.uint8).view(m.int16),
        lambda: m.device("cpu:x"),
        lambda: m.device(""),
        lambda: m.device("cpu", -5),
        lambda: m.device("cpu:0", 1),
        lambda: m.set_default_dtype(m.int32),
        lambda: m.promote_types(m.float32, 5),
        lambda: x in x in [5],
        lambda: x.tolist(1),
        lambda: iter(5),
        lambda: m.Size([2, "a"]),
        lambda: m.Size(5),
        lambda: "a" in x,
        lambda: hash([x]),
        lambda: m.iinfo(m.float32),
        lambda: m.finfo(m.int32),
        lambda: m.is_tensor(),
        lambda: m.numel(5),
        lambda: f"{x:.2f}",
    )


# ---- training ----


@case
def the_twenty(m):
    nn, F = m.nn, m.nn.functional

    def inplace():
        a = m.ones(3, requires_grad=True).exp()
        a += 1
        a.sum().backward()

    def twice():
        y = (m.ones(3, requires_grad=True) ** 2).sum()
        y.backward()
        y.backward()

    def load():
        nn.Linear(2, 2).load_state_dict(nn.Linear(3, 2).state_dict())

    x, g = m.ones(2, 3), m.ones(3, requires_grad=True)
    return errors(
        lambda: nn.Linear(10, 2)(m.ones(2, 5)),
        inplace,
        lambda: x.sum().backward(),
        twice,
        lambda: (g * 2).backward(),
        lambda: g.add_(1),
        lambda: x.t().view(6),
        lambda: F.cross_entropy(m.ones(2, 4), m.tensor([0, 4])),
        lambda: F.cross_entropy(m.ones(2, 4), m.tensor([0.0, 1.0])),
        lambda: F.embedding(m.tensor([4]), m.ones(4, 2)),
        lambda: nn.Linear(3, 2)(m.ones(2, 3, dtype=m.float64)),
        lambda: m.ones(3, 4) + m.ones(3),
        lambda: m.cat([m.ones(2, 3), m.ones(2, 4)], 0),
        load,
        lambda: x.reshpe(6),
        lambda: m.optim.SGD(nn.Linear(2, 2), lr=0.1),
        lambda: m.optim.SGD([nn.Linear(2, 2)], lr=0.1),
        lambda: F.mse_loss(m.ones(8, 1), m.ones(8)),
        lambda: g.numpy(),
        lambda: F.nll_loss(m.ones(2, 4), m.tensor([0, -1])),
        lambda: F.cross_entropy(m.ones(2, 4), m.tensor([0, 1, 2])),
        lambda: F.cross_entropy(m.ones(4), m.tensor([0])),
        lambda: nn.Conv2d(3, 4, 3)(m.ones(1, 2, 8, 8)),
        lambda: nn.Conv2d(3, 4, 3)(m.ones(8, 8)),
        lambda: nn.Conv2d(3, 4, 9)(m.ones(1, 3, 4, 4)),
        lambda: nn.BatchNorm1d(3)(m.ones(1, 3)),
        lambda: nn.BatchNorm2d(3)(m.ones(2, 3)),
        lambda: nn.LayerNorm(4)(m.ones(2, 3)),
        lambda: F.dropout(x, 1.5),
        lambda: nn.Dropout(-1),
        lambda: F.binary_cross_entropy(m.tensor([2.0]), m.tensor([1.0])),
        lambda: F.one_hot(m.tensor([3]), 2),
        lambda: F.softmax(x, 3),
        lambda: nn.Embedding(3, 2)(m.tensor([0.5])),
        lambda: nn.Embedding(3, 2)(m.tensor([3])),
        lambda: F.max_pool2d(m.ones(1, 1, 2, 2), 3),
    )


@case
def lines_that_help(m):
    """The later lines are rushlight's own; here they only must be there."""
    if m.__name__ == "torch":
        return None
    nn, g = m.nn, m.ones(3, requires_grad=True)
    for call, words in (
        (lambda: nn.Linear(10, 2)(m.ones(2, 5)), ("[2, 10]", "[2, 5]")),
        (lambda: m.ones(3).sum().backward(), ("why", "fix")),
        (lambda: (g * 2).backward(), ("[3]", ".sum()")),
        (lambda: g.add_(1), ("no_grad",)),
        (lambda: m.ones(2, 3).t().view(6), ("reshape",)),
        (lambda: m.ones(3, 4) + m.ones(3), ("[3, 4]", "[3]", "fix")),
        (lambda: m.optim.SGD(nn.Linear(2, 2), lr=0.1), (".parameters()",)),
        (lambda: g.numpy(), ("item()",)),
        (lambda: nn.functional.cross_entropy(m.ones(2, 4), m.tensor([0, 4])), ("4 classes",)),
        (lambda: nn.functional.cross_entropy(m.ones(2, 4), m.tensor([0.0, 1.0])), (".long()",)),
        (lambda: nn.functional.embedding(m.tensor([4]), m.ones(4, 2)), ("4",)),
        (lambda: nn.Linear(3, 2)(m.ones(2, 3, dtype=m.float64)), (".float()",)),
        (lambda: m.cat([m.ones(2, 3), m.ones(2, 4)], 0), ("[2, 3]", "[2, 4]")),
        (lambda: bool(m.ones(2)), (".any()",)),
    ):
        try:
            call()
            lines = "no error"
        except Exception as e:  # noqa: BLE001
            lines = "\n".join(str(e).split("\n")[1:])
        for word in words:
            assert word in lines, (word, lines)


# ---- odd tensors ----


@case
def printing(m):
    nan, inf = float("nan"), float("inf")
    return [
        repr(t)
        for t in (
            m.ones(0), m.ones(0, 3), m.tensor(nan), m.tensor([nan, inf, -inf, 1]), m.ones((1,) * 20), m.zeros(2, 0, 3),
            m.tensor([1e38, 1e-38]), m.tensor([1e300], dtype=m.float64), m.tensor([True, False]), m.tensor(2**63 - 1),
            m.tensor([1 + nan * 1j]), m.ones(1).expand(3), m.tensor([0.1], dtype=m.bfloat16), m.ones(2000), m.ones(2, dtype=m.uint8),
            m.ones(2, 3).t(), m.ones(40, 40), m.tensor([1e10, 1.0]), m.tensor([[[]]]), m.ones(2, requires_grad=True) * 2,
        )
    ]  # fmt: skip


@case
def non_finite(m):
    nan, inf = float("nan"), float("inf")
    x = m.tensor([1.0, nan, -inf, inf])
    return (
        x.max(), x.min(), x.sort().values, x.argmax(), x.sum(), x.mean(), x.softmax(0), x.clamp(0, 1), x.isnan(),
        x.nan_to_num(), x.int()[:1], x.topk(2).values, x.unique()[:1], x.median(), x.cumsum(0), x.round(), x.sign(),
        m.maximum(x, m.zeros(4)), m.nanmean(x[:2]), x.prod(), x == x, x.logsumexp(0), x.std(), x.norm(),
    )  # fmt: skip


@case
def empty_and_zero_d(m):
    e, s = m.ones(0, 3), m.tensor(5.0)
    return (
        e.sum(), e.sum(0), e.mean(1), e @ m.ones(3, 2), e.t() @ e, m.cat([e, e]), e.softmax(1), e.sort(1).values, e.exp(),
        e.view(3, 0), e.reshape(-1, 3), e[:, 1], e.all(), e.any(), e.prod(), e.cumsum(0), e.unique(), e.nonzero(),
        s.sum(0), s.softmax(0), s.max(0).values, s.sort().values, s.cumsum(-1), s.unsqueeze(0), s.view(1, 1), s.t(),
        s.expand(3), s.argmax(), s.flatten(), s.item(), s.squeeze(0), s.transpose(0, 0), s.topk(1).values, s[None], s[...],
        s.unique(), s.nonzero(), s.prod(0), s.repeat(2), s.roll(1), s.flip(0), s.norm(), s.std(unbiased=False),
    )  # fmt: skip


@alone
def garbage_in_the_middle(m):
    """Objects that die or change while an operation looks at them."""
    import gc

    x = m.ones(1000)
    for _ in range(50):
        y = x.as_strided((10,), (1,))
        del x
        x = m.ones(1000)
        y.sum()
    x.attr = [x, y]
    y.attr = x
    del x, y
    gc.collect()

    class Dies(m.Tensor):
        def __del__(self):
            keep.append(self)

    keep = []
    d = Dies([1.0, 2.0])
    del d
    gc.collect()
    assert [k.tolist() for k in list(keep)] == [[1.0, 2.0]]
    keep.clear()
    gc.collect()


@alone
def classes(m):
    class A(m.Tensor):
        __slots__ = ("a",)

    class B(m.Tensor):
        def __new__(cls, *args):
            return super().__new__(cls, [1.0])

        def __init__(self, *args):
            self.args = args

    a, b = A([1.0]), B(1, 2)
    a.a = [a]
    b.args = (b, a)
    del a, b
    import gc

    gc.collect()
    x = m.ones(2)
    x.__class__ = type("C", (m.Tensor,), {})
    x.mark = 1
    assert (x + 1).sum() == 4
    for wrong in (int, dict, object):
        assert error_of(lambda wrong=wrong: setattr(m.ones(1), "__class__", wrong)) != "no error"
        assert error_of(lambda wrong=wrong: m.Tensor._make_subclass(wrong, m.ones(1))) != "no error"
        assert error_of(lambda wrong=wrong: m.ones(1).as_subclass(wrong)) != "no error"
    error_of(lambda: m.Tensor.__new__(m.Tensor))
    error_of(lambda: m.Tensor.__new__(int))
    error_of(lambda: object.__new__(m.Tensor).sum())
    error_of(lambda: m.Tensor.sum(5))
    error_of(lambda: m.Tensor.shape.__get__(5))
    error_of(lambda: m.Tensor.__add__(5, m.ones(1)))
    error_of(lambda: m.Tensor.__getitem__(5, 0))
    error_of(lambda: m.Tensor.backward(5))
    error_of(lambda: type(m.Tensor.add)())
    error_of(lambda: type(m.float32)())
    error_of(lambda: object.__new__(type(m.Tensor.add))())


@alone
def private_functions(m):
    """Not meant to be called, and still no crash."""
    hostile = (
        None,
        5,
        -1,
        "x",
        b"x",
        1.5,
        (),
        [],
        {},
        object(),
        m.ones(2),
        m.float32,
        print,
        m.Tensor,
        m.UntypedStorage(),
    )
    skip = {
        "_queue_callback",
        "set_num_threads",
        "_set_blas_path",
        "_push_saved_tensors_hooks",
        "_pop_saved_tensors_hooks",
    }
    for name in dir(m._C):
        f = getattr(m._C, name)
        if (
            name in skip
            or name.startswith("__")
            or isinstance(f, type)
            or not callable(f)
            or "anomaly" in name
        ):
            continue
        if name.startswith(("_set_", "set_")):
            continue
        for a in hostile:
            error_of(f, a)
            for b in hostile:
                error_of(f, a, b)
                error_of(f, a, b, a)
        error_of(f)


def test_a_misspelt_method():
    """Python itself proposes the nearest name, where an error ends the program."""
    code = "import rushlight; rushlight.ones(6).reshpe(2, 3)"
    here = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=here)
    assert "'Tensor' object has no attribute 'reshpe'. Did you mean: 'reshape'?" in done.stderr


def test_twins():
    compare("test_errors", CASES, ALONE)
