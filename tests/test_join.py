"""Joining, repeating, reversing and padding agree with PyTorch: values, gradients, dtypes, errors.

Not here: split, chunk and other views.
"""

# ruff: noqa: B023  (the lambdas are called at once)
import numpy
import pytest
import torch
from agree import agree, random, same_error

import rushlight

X = random(3, 4, 5)


CAT = [
    (0, (2, 3), (4, 3)),
    (1, (2, 3), (2, 1), (2, 0)),
    (-1, (2, 3, 4), (2, 3, 2)),
    (1, (2, 3, 4), (2, 2, 4), (2, 1, 4)),
    (0, (3,), (0,), (2,)),
    (1, (2, 3), (0,), (2, 2)),
    (0, (0,), (0,)),
    (0, (2, 3)),
    (1, (0, 3), (0, 2)),
]


@pytest.mark.parametrize("case", CAT)
def test_cat(case):
    dim, *shapes = case
    arrays = [random(*s, seed=i) for i, s in enumerate(shapes)]
    turned = [((lambda t: t.mT), a.swapaxes(-1, -2).copy()) if a.ndim > 1 else a for a in arrays]
    for alias in ("cat", "concat", "concatenate"):
        agree(lambda m, *t: getattr(m, alias)(t, dim), *arrays, order=2)
    agree(lambda m, *t: m.cat(t, dim=dim), *turned, order=1)
    agree(lambda m, *t: m.cat(t, dim), *arrays, dtype="bfloat16", order=1)


def test_cat_promotes():
    agree(lambda m, x, y: m.cat([x, y.int()]), random(3), random(2))
    agree(lambda m, x, y: m.cat([x.float(), y]), random(3), random(2), order=1)
    agree(lambda m, x, y: m.cat([x > 0, (y > 0).to(m.uint8)]), random(3), random(2))
    agree(lambda m, x, y: m.stack([x.half(), y.float()]), random(3), random(3), order=1)
    agree(lambda m, x, y: m.cat([x, y.to(m.complex128)]), random(3), random(3), order=1)


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_stack(dim):
    agree(lambda m, *t: m.stack(t, dim), random(3, 4), random(3, 4, seed=1), order=2)
    agree(lambda m, x, y: m.stack([x.t(), y], dim), random(4, 3), random(3, 4), order=1)


@pytest.mark.parametrize("name", ["hstack", "vstack", "dstack", "column_stack", "row_stack"])
def test_stacks(name):
    shapes = [
        [(), ()],
        [(3,), (3,)],
        [(3, 2), (3, 2)],
        [(3, 2, 2), (3, 2, 2)],
        [(3, 0), (3, 0)],
        [(3,)],
    ]
    for pair in shapes:
        arrays = [random(*s, seed=i) for i, s in enumerate(pair)]
        agree(lambda m, *t: getattr(m, name)(t), *arrays, order=2)
    agree(lambda m, *t: m.column_stack(t), random(3), random(3, 2), order=2)


MOVED = {
    "repeat": lambda m, x: x.repeat(2, 1, 3),
    "repeat list": lambda m, x: x.repeat([2, 1, 1, 2]),
    "repeat zero": lambda m, x: x.repeat(2, 0, 1),
    "tile": lambda m, x: m.tile(x, (2,)),
    "tile more": lambda m, x: x.tile(2, 1, 1, 2),
    "flip": lambda m, x: m.flip(x, [0, 2]),
    "flip numbers": lambda m, x: x.flip(-1, 1),
    "flip nothing": lambda m, x: x.flip([]),
    "fliplr": lambda m, x: m.fliplr(x),
    "flipud": lambda m, x: x.flipud(),
    "roll": lambda m, x: m.roll(x, 7),
    "roll one": lambda m, x: x.roll(-3, 1),
    "roll two": lambda m, x: x.roll((1, 9), (0, -1)),
    "roll twice": lambda m, x: x.roll((1, 1), (0, 0)),
    "rot90": lambda m, x: m.rot90(x),
    "rot90 2": lambda m, x: x.rot90(2, (1, 2)),
    "rot90 -1": lambda m, x: x.rot90(-1, [0, -1]),
    "rot90 4": lambda m, x: x.rot90(4),
}


@pytest.mark.parametrize("name", MOVED)
def test_moved(name):
    fn = MOVED[name]
    agree(fn, X, order=2)
    agree(fn, (lambda t: t.permute(2, 0, 1), random(4, 5, 3)), order=1)
    agree(fn, (lambda t: t[::2, :, 1:], random(5, 4, 6)), order=1)
    agree(fn, (lambda t: t.expand(3, 4, 5), random(4, 1)), order=1)
    agree(fn, random(3, 0, 2))
    agree(fn, X > 0)


def test_scalars():
    agree(
        lambda m, x: (x.repeat(3), x.repeat([]), x.tile(2), x.flip([]), x.flip(0), x.roll(2)),
        random(),
        order=1,
    )


def test_grids():
    vectors = [random(2), random(3, seed=1), random(4, seed=2)]
    for indexing in ("ij", "xy"):
        agree(lambda m, *t: m.meshgrid(*t, indexing=indexing), *vectors, order=1)
        agree(lambda m, *t: m.meshgrid(*t, indexing=indexing), *vectors[:2], order=1)
        agree(lambda m, *t: m.meshgrid(*t, indexing=indexing), vectors[0], random())
    agree(lambda m, *t: m.cartesian_prod(*t), *vectors, order=2)
    agree(lambda m, *t: m.cartesian_prod(*t), vectors[0], order=1)


def test_combinations():
    for r in range(5):
        for replacement in (False, True):
            agree(lambda m, x: m.combinations(x, r, replacement), random(4), order=1 if r else 0)
    agree(lambda m, x: m.combinations(x, 3), random(2))
    agree(lambda m, x: m.combinations(x), random(0))


def test_block_diag():
    agree(lambda m, *t: m.block_diag(*t), random(2), random(2, 3), random(), random(0, 2), order=2)
    agree(lambda m, *t: m.block_diag(*t), random(2, 2), random(2, 3) > 0, order=1)


PADDED = [
    ((3, 4, 5), (1, 2)),
    ((3, 4, 5), (1, 2, 0, 3)),
    ((2, 3, 4, 5), (1, 2, 0, 2, 3, 1)),
    ((2, 3, 4, 5), (1, 2, 0, 2)),
    ((2, 1, 3, 4, 5), (1, 2, 0, 2, 1, 1)),
    ((3, 4, 5), (-1, 2, 1, -2)),
    ((3, 5), (2, 2)),
    ((0, 3, 5), (2, 2)),
]


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("shape,pad", PADDED)
def test_pad(shape, pad, mode):
    agree(lambda m, x: m._C._nn.pad(x, pad, mode), random(*shape), order=2)
    agree(lambda m, x: m._C._nn.pad(x.mT, pad, mode), random(*shape), order=1)
    agree(lambda m, x: m._C._nn.pad((x * 9).int(), pad, mode), random(*shape))
    agree(lambda m, x: m._C._nn.pad(x, pad, mode), random(*shape), dtype="float16")


def test_constant_pad():
    for value in (0, 2.5, -1):
        agree(lambda m, x: m.constant_pad_nd(x, (1, 0, 2, 1), value), X, order=2)
        agree(lambda m, x: m._C._nn.pad(x, (1, 0, 2, 1), value=value), X, order=1)
        agree(lambda m, x: m._C._nn.pad((x * 9).long(), (1, 0, 2, 1), value=value), X)
    agree(lambda m, x: m.constant_pad_nd(x, (-1, -3, 0, -4)), X, order=1)
    agree(lambda m, x: m.constant_pad_nd(x > 0, (1, 1), True), X)
    agree(lambda m, x: m.constant_pad_nd(x, ()), X, order=1)


def test_pixels():
    agree(lambda m, x: m.pixel_shuffle(x, 2), random(2, 8, 3, 4), order=2)
    agree(lambda m, x: m.pixel_shuffle(x, 3), random(9, 2, 4), order=1)
    agree(lambda m, x: m.pixel_unshuffle(x, 2), random(2, 3, 4, 6), order=2)
    agree(lambda m, x: m.pixel_unshuffle(x, 1), random(3, 4, 6), order=1)
    agree(lambda m, x: m.pixel_shuffle(x, 2), random(0, 4, 3, 4))


ERRORS = """
m.cat([])
m.cat([R(2, 3), R(2, 4)])
m.cat([R(2, 3), R(2)])
m.cat([R(()), R(2)])
m.cat([R(2, 3), R(2, 3)], 2)
m.cat([R(2, 0), R(2, 3)])
m.cat([R(2, 2, 2), R(2, 2)])
m.stack([])
m.stack([R(2), R(3)])
m.stack([R(2), R(2)], 2)
m.stack([R(2), R(2), R(2, 1)], 0)
m.hstack([R(2, 3), R(3)])
m.hstack([])
m.vstack([R(2), R(3)])
m.column_stack([R(2), R(2, 3), R(())])
x.repeat(2)
x.repeat(2, -1)
x.flip(0, 0)
x.flip(5)
x[0].fliplr()
R(()).flipud()
x.roll(1, (0, 1))
x.roll((1, 2), (0,))
x.roll((), ())
x.roll(1, 5)
R(()).roll(1, 0)
x.rot90(1, (0, 0))
x.rot90(1, (0,))
x[0].rot90()
x.rot90(1, (0, 3))
m.meshgrid(R(2), R(3, dtype=m.float64), indexing='ij')
m.meshgrid(R(2), R(3), indexing='yy')
m.cartesian_prod(R(2, 2))
m.combinations(R(4, 4), 2)
m.combinations(R(4), -1)
m.block_diag(R(2, 2, 2))
m.constant_pad_nd(R(2, 3), (1,))
m.constant_pad_nd(R(2, 3), (1, 1, 1, 1, 1, 1))
m.constant_pad_nd(R(2, 3), (-2, -2))
pad(R(2, 3), (1,))
pad(R(2, 3), (1, 1), 'reflect', 1.)
pad(R(2, 3), (3, 1), 'reflect')
pad(R(2, 3, 4), (3, 1, 3, 1), 'reflect')
pad(R(2, 3, 4, 4), (4, 1, 3, 1), 'reflect')
pad(R(2, 3, 4, 4), (3, 1, 4, 1), 'reflect')
pad(R(1, 2, 3, 4, 4), (1, 1, 1, 1, 3, 1), 'reflect')
pad(R(2, 3, 4), (1, 1, 1, 1, 1, 1), 'reflect')
pad(R(2, 3, 4, 4), (1, 1), 'reflect')
pad(R(4), (1, 1), 'reflect')
pad(R(2, 3), (-4, 1), 'replicate')
pad(R(2, 0), (1, 1), 'replicate')
pad(R(2, 3), (4, 1), 'circular')
pad(R(2, 3, 4), (5, 1), 'circular')
pad(R(2, 3), (1, 1), 'foo')
pad(R(1, 2, 3, dtype=m.bool), (1, 1), 'reflect')
m.pixel_shuffle(R(1, 7, 2, 2), 2)
m.pixel_shuffle(R(2, 2), 2)
m.pixel_shuffle(R(1, 8, 2, 2), 0)
m.pixel_unshuffle(R(1, 2, 4, 3), 2)
m.pixel_unshuffle(R(1, 2, 3, 4), 2)
m.pixel_unshuffle(R(2, 2), 2)
m.pixel_unshuffle(R(2, 2, 2), -2)
""".strip().split("\n")


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    def call(m):
        scope = {"m": m, "R": m.ones, "x": m.arange(12.0).reshape(3, 4), "pad": m._C._nn.pad}
        return eval(source, globals() | scope)

    same_error(call)


NODES = """
m.cat([g, g])
m.stack([g, g])
m.hstack([g, g])
g.repeat(2, 2)
g.flip(0)
g.roll(1)
g.rot90()
m.constant_pad_nd(g, (1, 1))
m._C._nn.pad(g, (1, 1), 'reflect')
m._C._nn.pad(g, (1, 1), 'replicate')
m.pixel_shuffle(m.ones(4, 2, 2, requires_grad=True), 2)
""".strip().split("\n")


@pytest.mark.parametrize("source", NODES)
def test_names_of_nodes(source):
    def name(m):
        return eval(
            source, globals() | {"m": m, "g": m.ones(2, 2, requires_grad=True)}
        ).grad_fn.name()

    assert name(rushlight) == name(torch)


def test_large_joins():
    parts = [numpy.arange(n * 1000, dtype="float32").reshape(n, 1000) for n in (300, 7, 500)]
    agree(lambda m, *t: m.cat(t), *parts)
    agree(lambda m, *t: m.cat([x.t() for x in t], 1), *parts)
