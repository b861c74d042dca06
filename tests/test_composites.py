"""Operations composed in Python: their values where PyTorch is odd, and PyTorch's errors.

Not here: operations of the core, and linear algebra.
"""

import pytest
from error_cases import errors
from twin import table, twin

CASES, case = table()


@case
def composites(m):
    return errors(
        lambda: m.broadcast_shapes((2,), (3,)),
        lambda: m.broadcast_shapes((4, 3), (2, 3)),
        lambda: m.broadcast_shapes((2,), (-1,)),
        lambda: m.vander(m.ones(2, 2)),
        lambda: m.unravel_index(m.ones(2), (2,)),
        lambda: m.unravel_index(m.tensor([1]), (-2,)),
        lambda: m.signbit(m.tensor([1j])),
        lambda: m.alpha_dropout(m.ones(2), 2.0, True),
        lambda: m.alpha_dropout_(m.ones(2), -1.0, False),
        lambda: m.feature_alpha_dropout(m.ones(2, 1), 1.5, True),
        lambda: m.histogram(m.tensor([1, 2]), 2),
        lambda: m.histogram(m.tensor([1, 2]), 2, range=(0, 1)),
        lambda: m.histogram(m.ones(2).half(), 2),
        lambda: m.histogram(m.ones(2).half(), m.ones(2).half()),
        lambda: m.histogramdd(m.tensor([[1, 2]]), 2),
        lambda: m.histogramdd(m.ones(2), 2),
        lambda: m.histogramdd(m.ones(2, 2), [2, 0]),
        lambda: m.histogramdd(m.ones(2, 2), 2, range=(3, 1)),
        lambda: m.histogramdd(m.ones(2, 2), 2, range=(0, 1, 3, 1)),
        lambda: m.histogramdd(m.ones(2, 2), 2, weight=m.ones(3)),
        lambda: m.histogramdd(m.ones(2, 2), [m.ones(2, 2)] * 2),
        lambda: m.histogramdd(m.ones(2, 2), [m.ones(2).double()] * 2),
        lambda: m.histogram(m.ones(2), 0),
        lambda: m.histogram(m.ones(2), m.tensor([])),
        lambda: m.histogram(m.ones(2), 2, weight=m.ones(2).double()),
        lambda: m.histogram(m.tensor([0.0, float("inf")]), 2),
        lambda: m.iinfo(m.bool),
        lambda: m.asarray(m.ones(2), dtype=m.float64, copy=False),
        lambda: m.segment_reduce(m.tensor([1, 2]), "sum", lengths=m.tensor([1, 1])),
        lambda: m.fft.fftfreq(-4),
        lambda: m.fft.rfftfreq(-1),
        lambda: m.fft.rfftfreq(-4),
    )


@case
def activations(m):
    F = m.nn.functional
    return errors(
        lambda: F.glu(m.ones(4).long()),
        lambda: F.glu(m.ones(3).long()),
        lambda: F.celu(m.ones(2), 0),
        lambda: F.celu(m.ones(2), 0.0, True),
        lambda: F.dropout2d(m.ones(2)),
        lambda: F.dropout2d(m.ones(2), 1.0),
        lambda: F.feature_alpha_dropout(m.ones(2), 0.5, True),
        lambda: F.feature_alpha_dropout(m.ones(2), 1.0, True),
    )


@case
def tools(m):
    asked = "is_floating_point is_complex is_inference is_nonzero is_signed numel".split()
    return errors(
        *(lambda name=name: getattr(m, name)(3) for name in asked),
        lambda: m.is_same_size(m.ones(1), 3),
        lambda: m.set_deterministic_debug_mode("x"),
        lambda: m.set_deterministic_debug_mode(7),
        lambda: m.set_deterministic_debug_mode(1.5),
        lambda: m.set_default_tensor_type("torch.FooTensor"),
        lambda: m.set_num_interop_threads(0),
        lambda: m.set_num_interop_threads("a"),
    )


@case
def histograms(m):
    x = m.tensor([[0.0, 1.0], [2.0, 3.0], [2.5, 0.5], [9.0, float("nan")]])
    bins = [m.tensor([0.0, 1.0, 3.0]), m.tensor([0.0, 2.0, 4.0])]
    results = [
        m.histogram(x[:3], 3),
        m.histogram(x[:3], 3, range=(0, 2), weight=x[:3] + 1, density=True),
        m.histogram(x, bins[0]),
        m.histogramdd(x[:3], (2, 3), weight=m.tensor([1.0, 2.0, 3.0]), density=True),
        m.histogramdd(x[:3], 2, range=(0, 3, 0, 1)),
        m.histogramdd(x, bins),
        m.histogram(m.zeros(0), 2),
    ]
    return [(r[0], r[1]) for r in results]


@case
def angle_of_real_numbers(m):
    x = m.tensor([1.0, -2.0, float("nan"), -0.0], requires_grad=True)
    m.angle(x).sum().backward()
    return m.angle(x).detach().nan_to_num(9), x.grad


@case
def frexp_of_odd_numbers(m):
    odd = [0.0, -0.0, float("inf"), -float("inf"), 1.0, -0.3, 65504.0, 6e-8]
    low = [1e-40, -1e-45, 3e-39, 3.4e38, 5e-324, -1e-310, 1.7e308]
    return [
        [m.copysign(m.tensor(1.0), m.frexp(m.tensor(odd))[0]), m.frexp(m.tensor(odd))],
        [m.frexp(m.tensor(odd + low, dtype=getattr(m, d))) for d in KINDS],
        [m.frexp(m.tensor(low[:i])) for i in range(4)],
        m.frexp(m.tensor([float("nan")])).exponent,
        repr(m.frexp(m.tensor(3.0))),
        m.frexp(m.arange(1.0, 7).view(2, 3).t()).mantissa.stride(),
        m.frexp(m.ones(2), out=(m.empty(0), m.empty(0, dtype=m.int32))),
    ]


KINDS = ("float16", "bfloat16", "float32", "float64")


@case
def frexp_of_all_halves(m):
    bits = m.arange(-32768, 32768, dtype=m.int32).to(m.int16)
    return [m.frexp(bits.view(d)) for d in (m.float16, m.bfloat16)]


@case
def frexp_gradients(m):
    found = []
    for dtype in KINDS:
        x = m.tensor([1.0, -2.5, 0.3, 1e-4, 1e3, 0.0], dtype=getattr(m, dtype)).requires_grad_()
        mantissa, exponent = m.frexp(x)
        (first,) = m.autograd.grad((mantissa * mantissa).sum(), x, create_graph=True)
        found += [mantissa, exponent, first.detach(), m.autograd.grad(first.sum(), x)]
    return found


@case
def frexp_errors(m):
    return errors(
        lambda: m.frexp(m.tensor([1])),
        lambda: m.frexp(m.tensor([1j])),
        lambda: m.frexp(1.0),
        lambda: m.frexp(m.ones(2), out=(m.empty(0).double(), m.empty(0, dtype=m.int32))),
    )


@case
def losses_without_a_reduction(m):
    """In torch these give each element's loss, whatever their signatures say."""
    x, y = m.tensor([[0.0, 3.0], [4.0, 0.0]]), m.tensor([[0.0, 4.0], [3.0, 0.0]])
    return [
        m.triplet_margin_loss(x, y, x.t()),
        m.cosine_embedding_loss(x, y, m.tensor([1, -1])),
    ]


@pytest.mark.parametrize("name", CASES)
def test_twin(name):
    twin(CASES[name])
