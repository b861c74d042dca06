"""out= of pointwise operations: written straight where it fits, by a copy where it does not.

What each operation asks of the dtype of out= is tested with the table of operations (test_ops.py).
"""

import pytest
import torch
from from_torch import tensor

import rushlight


@pytest.fixture(params=[rushlight, torch], ids=["rushlight", "torch"])
def m(request):
    return request.param


def test_written_in_place(m):
    a, b, out = m.arange(6.0).view(2, 3), m.ones(2, 3), m.empty(2, 3)
    place, version = out.data_ptr(), out._version
    assert m.add(a, b, alpha=2, out=out) is out
    assert out.tolist() == [[2, 3, 4], [5, 6, 7]]
    assert out.data_ptr() == place and out._version > version


def test_operand_is_out(m):
    a = m.arange(4.0)
    m.mul(a, a, out=a)
    assert a.tolist() == [0, 1, 4, 9]


@pytest.mark.parametrize("cut", [slice(0, 4), slice(1, 5)])
def test_partial_overlap_is_refused(m, cut):
    x = m.arange(6.0)
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        m.exp(x[2:6], out=x[cut])


def test_transposed_operands_and_broadcasting(m):
    out = m.empty(3, 2)
    m.sub(m.arange(6.0).view(2, 3).t(), m.tensor([1.0, 2.0]), out=out)
    assert out.tolist() == [[-1, 1], [0, 2], [1, 3]]


def test_strided_out(m):
    out = m.zeros(3, 4)
    m.neg(m.ones(4, 3).t(), out=out.t()[:, :].t())
    m.neg(m.ones(3, 2), out=out[:, ::2])
    assert out.tolist() == [[-1, -1, -1, -1]] * 3


@pytest.mark.parametrize("dtype", ["float64", "float16", "complex64"])
def test_converted(m, dtype):
    out = m.empty(3, dtype=getattr(m, dtype))
    assert m.exp(m.zeros(3), out=out) is out
    assert out.tolist() == [1, 1, 1] and out.dtype == getattr(m, dtype)


def test_promoted(m):
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired"):
        m.exp(m.zeros(3), out=m.empty(3, dtype=m.int64))
    out = m.empty(3, dtype=m.int64)
    m.add(m.ones(3, dtype=m.int32), m.ones(3, dtype=m.int64), out=out)
    assert out.tolist() == [2, 2, 2]


def test_resized(m):
    out = m.empty(0)
    m.cos(m.zeros(2, 2), out=out)
    assert out.shape == (2, 2)
    with pytest.warns(UserWarning, match="was resized"):
        m.cos(m.zeros(3), out=out)


def test_no_gradients(m):
    x = m.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        m.exp(x, out=m.empty(3))
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        m.exp(m.ones(3), out=m.empty(3, requires_grad=True))
    with m.no_grad():
        assert m.exp(x.detach() * 0, out=m.empty(3)).tolist() == [1, 1, 1]


def test_saved_tensor_notices(m):
    x = m.ones(3, requires_grad=True)
    kept = m.ones(3)
    y = (x * kept).sum()
    m.add(kept, 1, out=kept)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_integer_division_by_zero(m):
    out = m.zeros(2, dtype=m.int64)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        m.floor_divide(m.ones(2, dtype=m.int64), m.zeros(2, dtype=m.int64), out=out)


def test_large_matches_torch():
    x = torch.randn(70_000)
    out = rushlight.empty(70_000)
    rushlight.tanh(tensor(x), out=out)
    assert out.equal(rushlight.tanh(tensor(x)))
