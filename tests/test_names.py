"""Small functions and attributes that programs name, each against PyTorch's."""

import pytest
from twin import error_of, table, twin

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
def backends(m):
    b = m.backends
    with b.mkl.verbose(0), b.nnpack.flags(True):
        pass
    return [
        b.cuda.is_flash_attention_available(),
        b.cuda.fp16_bf16_reduction_math_sdp_allowed(),
        m.utils.data.ConcatDataset([[1], [2, 3]]).cummulative_sizes,
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


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])
