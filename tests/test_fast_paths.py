"""Fast paths on both sides of the borders where they take over: against float64, and bit for bit the
same on one thread and on two. What the operations mean is tested with their families.
"""

import numpy
import pytest

import rushlight as torch


@pytest.fixture(autouse=True)
def keep_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def numbers(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape)


def both_ways(f):
    """f() on one thread; on two it must give the same bits."""
    torch.set_num_threads(1)
    one = f().numpy()
    torch.set_num_threads(2)
    numpy.testing.assert_array_equal(f().numpy(), one)
    return one


PRODUCTS = [
    # few rows, B out of the caches: read along its rows
    (8, 700, 767),
    (8, 700, 768),
    (64, 700, 769),
    (65, 700, 769),
    (3, 530, 1000),
    (64, 1025, 1000),
    # many rows: B packed or in place, by how far apart its rows lie
    (112, 40, 512),
    (113, 40, 512),
    (113, 40, 511),
    (897, 33, 100),
    # columns that fill no vector
    (4096, 8, 8),
    (100, 9, 7),
    (15, 20, 17),
    (29, 3, 31),
    (29, 3, 33),
    # vectors: y in registers or not
    (1, 100, 256),
    (1, 100, 255),
    (1, 100, 300),
    (1, 1000, 262),
    (1, 1100, 1024),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m,k,n", PRODUCTS)
def test_products(m, k, n, dtype):
    a, b, c = numbers(m, k), numbers(k, n, seed=1), numbers(m, n, seed=2)
    a, b, c = (x.astype(dtype) for x in (a, b, c))
    ta, tb, tc = (torch.from_numpy(x) for x in (a, b, c))
    exact = a.astype("float64") @ b.astype("float64")
    bound = numpy.finfo(dtype).eps * 4 * (abs(a) @ abs(b) + 1)
    assert (abs(both_ways(lambda: ta @ tb) - exact) < bound).all()
    scaled = both_ways(lambda: torch.addmm(tc, ta, tb, beta=0.5, alpha=-2.0))
    assert (abs(scaled - (0.5 * c - 2 * exact)) < 3 * bound).all()


def test_a_product_reads_and_writes_nothing_beside_it():
    a, b = torch.ones(30, 5), torch.full((40, 40), float("nan"))
    b[:5, 10:19] = 2.0
    out = torch.full((30, 40), 7.0)
    torch.mm(a, b[:5, 10:19], out=out[:, 3:12])
    assert (out[:, 3:12] == 10).all()
    assert (out[:, :3] == 7).all() and (out[:, 12:] == 7).all()
