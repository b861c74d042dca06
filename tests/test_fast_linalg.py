"""Factorisations on both sides of the borders where our own take over from LAPACK's: against float64,
and bit for bit the same on one thread and on two. What they mean is tested in test_linalg.py.
"""

import numpy
import pytest
import torch as oracle
from both_ways import both_ways, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight as torch

# ---- LU and what rests on it: LAPACK below a size, our own recursion from there on ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [31, 32, 33, 95, 96, 97, 150, 257])
def test_lu(n, dtype):
    a = numbers(2, n, n).astype(dtype)
    t = torch.from_numpy(a)
    lu, pivots = torch.linalg.lu_factor(t)
    p, lower, upper = torch.lu_unpack(lu, pivots)
    eps = numpy.finfo(dtype).eps
    assert (abs((p @ lower @ upper).numpy() - a) < 20 * n * eps).all()
    assert abs(lower.numpy()).max() <= 1
    _, theirs = oracle.linalg.lu_factor(oracle.from_numpy(a))
    numpy.testing.assert_array_equal(pivots.numpy(), theirs.numpy())
    both_ways(lambda: torch.linalg.lu_factor(t)[0])
    sign, log = numpy.linalg.slogdet(a.astype("float64"))
    got = torch.linalg.slogdet(t)
    numpy.testing.assert_array_equal(got.sign.numpy(), sign)
    numpy.testing.assert_allclose(got.logabsdet.numpy(), log, rtol=200 * n * eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "n,k", [(31, 40), (32, 32), (33, 31), (100, 33), (200, 150), (257, 70), (257, 1)]
)
def test_solve(n, k, dtype):
    a = (numbers(n, n) + 3 * n**0.5 * numpy.eye(n)).astype(dtype)
    b = numbers(n, k, seed=1).astype(dtype)
    b[: n // 3, ::2] = 0  # what begins with zeros is less work
    ta, tb = torch.from_numpy(a), torch.from_numpy(b)
    exact = numpy.linalg.solve(a.astype("float64"), b.astype("float64"))
    bound = 100 * numpy.finfo(dtype).eps
    assert (abs(both_ways(lambda: torch.linalg.solve(ta, tb)) - exact) < bound).all()
    inverse = numpy.linalg.inv(a.astype("float64"))
    assert (abs(both_ways(lambda: torch.linalg.inv(ta)) - inverse) < bound).all()
    left = torch.linalg.solve(ta, tb.t(), left=False).numpy()
    assert (abs(left - numpy.linalg.solve(a.T.astype("float64"), b).T) < bound).all()


@pytest.mark.parametrize("n", [95, 120])
def test_lu_of_what_has_none(n):
    a = torch.ones(n, n) + torch.eye(n)
    a[:, 70] = 0
    assert torch.linalg.inv_ex(a).info.item() == 71
    with pytest.raises(torch.linalg.LinAlgError, match="zero"):
        torch.linalg.inv(a)
    assert torch.linalg.det(a) == 0
    for odd in (float("nan"), float("inf")):
        a[40, 20] = odd
        assert torch.linalg.det(a).isnan()


# ---- QR: reflections one by one in a block of columns, products between blocks ----


@given(
    m=st.integers(1, 70),
    n=st.integers(1, 70),
    batch=st.sampled_from([(), (3,)]),
    scale=st.sampled_from([1.0, 1e-30, 1e30]),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=80, deadline=None)
def test_qr(m, n, batch, scale, dtype):
    a = (numbers(*batch, m, n, seed=m * n) * scale).astype(dtype)
    a[..., n // 2] = 0
    bound = 40 * numpy.finfo(dtype).eps * (m + n)
    for mode in ("reduced", "complete"):
        q, r = both_ways(lambda mode=mode: torch.linalg.qr(torch.from_numpy(a), mode))
        want = oracle.linalg.qr(oracle.from_numpy(a), mode)
        assert (q.shape, r.shape) == (want.Q.shape, want.R.shape)
        assert abs(q.swapaxes(-1, -2) @ q - numpy.eye(q.shape[-1])).max() < bound
        assert abs(q.astype("float64") @ r - a).max() <= bound * scale
        assert (numpy.tril(r, -1) == 0).all()
        same_sign = numpy.diagonal(r, axis1=-2, axis2=-1) * numpy.diagonal(
            want.R.numpy(), axis1=-2, axis2=-1
        )
        small = abs(same_sign) <= (bound * scale) ** 2
        assert ((same_sign >= 0) | small).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_qr_of_what_is_not_finite(value):
    a = torch.randn(20, 20)
    a[3, 2] = value
    q, r = torch.linalg.qr(a)
    assert r[:, 3:].isnan().any() and q.isnan().any()
    assert (r[:2, :2] - torch.linalg.qr(a[:, :2]).R).abs().max() < 1e-5  # columns before it
