"""Small functions and attributes that programs name, each against PyTorch's."""

import gc
import importlib

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()


@case
def random_tensors(m):
    make = m.testing.make_tensor
    calls = [
        ((3,), m.float32, {}),
        (((2, 2),), m.float64, {"low": 0, "high": 1}),
        ((2, 3), m.int64, {}),
        ((2, 3), m.int64, {"low": 0.5, "high": 5}),
        ((4,), m.uint8, {}),
        ((5,), m.bool, {}),
        ((2, 3), m.complex64, {"noncontiguous": True}),
        ((2,), m.float16, {"low": -1, "high": 1}),
        ((200,), m.int8, {"low": 0, "high": 3, "exclude_zero": True}),
        ((2,), m.float32, {"requires_grad": True}),
        ((1, 2, 2, 2), m.float32, {"memory_format": m.channels_last}),
        ((), m.float32, {}),
    ]
    made = [make(*shape, dtype=dtype, device="cpu", **options) for shape, dtype, options in calls]
    return [[t.detach(), t.stride(), t.requires_grad] for t in made]


@case
def random_tensors_errors(m):
    def make(**options):
        return error_of(lambda: m.testing.make_tensor(2, dtype=m.float32, device="cpu", **options))

    return [make(low=float("nan")), make(low=3, high=2)]


@case
def assert_allclose(m):
    import warnings

    warnings.simplefilter("ignore")
    check = m.testing.assert_allclose
    check(m.ones(2), [1, 1])
    check(m.ones(2), m.ones(2, dtype=m.float64) + 1e-5)
    return [error_of(check, m.ones(2), m.ones(2) + 1e-3)]


@case
def storages(m):
    import warnings

    warnings.simplefilter("ignore")
    s = m.arange(3.0).storage()
    found = [s.type(), s.is_shared(), s.cpu().tolist(), s.get_device(), s.is_pinned(), s.is_sparse]
    for name in "double half bfloat16 long int short char byte bool complex_double float".split():
        t = getattr(s, name)()
        found.append([name, t.tolist(), str(t.dtype), t.type()])
    made = m.FloatStorage([1, 2, 3])
    return [*found, made.tolist(), made.copy_(s).tolist(), m.DoubleStorage(2).size()]


@case
def in_torch_functional(m):
    x, f = m.arange(6.0).view(2, 3), m.functional
    return [
        f.norm(x),
        f.split(x, 2, dim=1),
        f.cdist(x, x),
        f.stft(m.ones(8), 4, window=m.ones(4), return_complex=True).abs(),
        [type(m.GradScaler("cpu", enabled=False)).__name__, m.GradScaler is m.amp.GradScaler],
    ]


@case
def attributes(m):
    b = m.backends
    with b.mkl.verbose(0), b.nnpack.flags(True):
        pass
    return [
        b.cuda.is_flash_attention_available(),
        b.cuda.fp16_bf16_reduction_math_sdp_allowed(),
        m.utils.data.ConcatDataset([[1], [2, 3]]).cummulative_sizes,
        m.distributions.Multinomial(2, m.ones(3, 4)).param_shape,
        m.distributions.OneHotCategorical(m.ones(3, 4)).param_shape,
    ]


@case
def generators(m):
    g = m.Generator()
    g.manual_seed(3)
    m.rand(5, generator=g)
    h = g.clone_state()
    return [
        m.rand(3, generator=g),
        m.rand(3, generator=h),
        error_of(g.get_offset),
        error_of(g.set_offset, 3),
        error_of(g.graphsafe_get_state),
    ]


@case
def weak_dictionaries(m):
    weak = importlib.import_module(f"{m.__name__}.utils.weak")
    table, a, b = weak.WeakTensorKeyDictionary(), m.ones(2), m.ones(2)
    table[a], table[b] = 1, 2
    found = [table[a], table[b], len(table), m.ones(2) in table, 3 in table, list(table) == [a, b]]
    copied = table.copy()
    reference = weak.TensorWeakRef(b)
    del b
    gc.collect()
    found += [len(table), len(copied), reference() is None, dict(table.items())[a], table == copied]
    table |= {a: 5}
    del copied[a]
    return [*found, table.pop(a), len(copied), error_of(lambda: table[a]).partition(":")[0]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])


def test_cond():
    """Not run with PyTorch, whose compiler changes settings of the process for it."""
    m, x = rushlight, rushlight.ones(1, requires_grad=True)
    up, down = (lambda x: x * 2), (lambda x: x - 1)
    assert m.cond(True, up, down, (x,)).item() == 2
    assert m.cond(m.tensor(False), up, down, [x]).item() == 0
    assert m.autograd.grad(m.cond(x.sum() > 0, up, down, (x,)), x)[0].item() == 2
    for args in ((1, up, down), (m.ones(2), up, down), (True, 1, down), (True, up, down, x)):
        with pytest.raises(RuntimeError, match="^Expect"):
            m.cond(*args)
