"""Random numbers are PyTorch's CPU stream bit for bit: values, generator state, state files.

Not here: whether the numbers are distributed as they should be. PyTorch is the specification.
"""

import random

import pytest
import torch

import rushlight as rl

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["uint8", "int8", "int16", "int32", "int64"]
COMPLEX = ["complex64", "complex128"]
PERM_LIMIT = {"uint8": 255, "int8": 127, "int16": 32767, "float16": 2049, "bfloat16": 256}
SIZES = [*range(1, 41), 63, 64, 65, 623, 624, 625, 1000, 1249, 99_999, 100_000, 100_003]
SEEDS = [0, 1, 42, 2**32 - 1, 2**40 + 7, -1]


def same_dtype(name, *more):
    """An in-place filler: f(m, n, dtype) with n elements of a contiguous tensor."""
    return lambda m, n, dtype: getattr(m.empty(n, dtype=dtype), name)(*more)


def strided(name, *more):
    """The same on every second element of a larger tensor."""
    return lambda m, n, dtype: getattr(m.empty(2 * n + 1, dtype=dtype)[::2], name)(*more)


def multinomial(samples, replacement):
    def draw(m, n, dtype):
        weights = (m.arange(3 * n).remainder(7) + 1).reshape(3, n).to(dtype)
        return m.multinomial(weights, min(samples, n) if not replacement else samples, replacement)

    return draw


def dropout(name, p):
    return lambda m, n, dtype: getattr(m.nn.functional, name)(m.ones(2, n, 1, dtype=dtype), p, True)


def bernoulli_tensor(p_dtype):
    def draw(m, n, dtype):
        p = (m.arange(n, dtype=m.float64) / n).to(getattr(m, p_dtype))
        return m.empty(n, dtype=dtype).bernoulli_(p)

    return draw


def randperm(m, n, dtype):
    return m.randperm(min(n, PERM_LIMIT.get(str(dtype).split(".")[1], n)), dtype=dtype)


# name: (draw(module, n, dtype), dtypes)
DRAWS = {
    "rand": (lambda m, n, dtype: m.rand(n, dtype=dtype), FLOATS + COMPLEX),
    "randn": (lambda m, n, dtype: m.randn(n, dtype=dtype), FLOATS + COMPLEX),
    "rand_like": (lambda m, n, dtype: m.rand_like(m.empty(n, 2, dtype=dtype)), FLOATS),
    "randn_like": (lambda m, n, dtype: m.randn_like(m.empty(n, 2, dtype=dtype)), FLOATS),
    "uniform_": (same_dtype("uniform_", -3.7, 12.25), FLOATS),
    "uniform_ narrow": (same_dtype("uniform_", 0.1, 0.3), FLOATS),
    "uniform_ strided": (strided("uniform_"), FLOATS),
    "normal_": (same_dtype("normal_", -1.5, 0.3), FLOATS + COMPLEX),
    "normal_ strided": (strided("normal_", 1, 2), FLOATS),
    "normal tensors": (
        lambda m, n, dtype: m.normal(m.ones(n, dtype=dtype), m.arange(n, dtype=dtype)),
        ["float32", "float64"],
    ),
    "exponential_": (same_dtype("exponential_", 0.7), FLOATS),
    "exponential_ strided": (strided("exponential_"), FLOATS),
    "cauchy_": (same_dtype("cauchy_", 1, 3), FLOATS),
    "log_normal_": (same_dtype("log_normal_", 0.3, 0.5), FLOATS),
    "geometric_": (same_dtype("geometric_", 0.03), INTS + FLOATS),
    "random_": (same_dtype("random_"), ["bool"] + INTS + FLOATS),
    "random_ to": (same_dtype("random_", 101), INTS + FLOATS),
    "random_ from": (same_dtype("random_", 5, None), INTS + FLOATS),
    "random_ unsigned": (same_dtype("random_", 5, 60_000), ["uint16", "uint32", "uint64"]),
    "random_ half": (same_dtype("random_", -4099, 5003), ["float16", "bfloat16"]),
    "random_ 28 bits": (same_dtype("random_", 0, 2**28), ["int32", "int64", "float32", "float64"]),
    "random_ below 28": (same_dtype("random_", 2, 2**28 + 1), ["int32", "int64", "float64"]),
    "random_ wide": (same_dtype("random_", -(2**62), 2**62), ["int64", "float32", "float64"]),
    "random_ all": (same_dtype("random_", -(2**63), None), ["int64", "float32", "float64"]),
    "randint": (lambda m, n, dtype: m.randint(-3, 100, (n,), dtype=dtype), INTS[1:] + FLOATS),
    "randperm": (randperm, INTS + FLOATS),
    "bernoulli_": (same_dtype("bernoulli_", 0.3), ["bool"] + INTS + FLOATS),
    "bernoulli_ strided": (strided("bernoulli_", 0.8), ["float32"]),
    "bernoulli_ tensor": (bernoulli_tensor("float32"), ["bool", "int64"] + FLOATS),
    "bernoulli_ double": (bernoulli_tensor("float64"), ["bool", "int64"] + FLOATS),
    "bernoulli_ half": (bernoulli_tensor("float16"), ["float32"]),
    "bernoulli": (lambda m, n, dtype: m.bernoulli(m.full((n,), 0.4, dtype=dtype)), FLOATS),
    "multinomial": (multinomial(1, False), FLOATS),
    "multinomial several": (multinomial(5, False), FLOATS),
    "multinomial replaced": (multinomial(50, True), FLOATS),
    "dropout": (dropout("dropout", 0.3), FLOATS),
    "alpha_dropout": (dropout("alpha_dropout", 0.3), ["float32", "float64"]),
    "feature_dropout": (dropout("dropout1d", 0.5), ["float32"]),
}


def raw(t):
    """Shape and exact bits; 16-bit types through float, which keeps every value."""
    t = t.detach()
    if str(t.dtype).split(".")[1] in ("bfloat16", "float16"):
        t = t.float()
    return tuple(t.shape), t.contiguous().numpy().tobytes()


def state(m):
    return bytes(m.get_rng_state().tolist())


def draw(m, name, n, dtype):
    return raw(DRAWS[name][0](m, n, getattr(m, dtype)))


def both(run, label=""):
    """What run(module) returns, asserted equal for the two modules."""
    ours, theirs = run(rl), run(torch)
    same = ours == theirs  # pytest would be minutes explaining how 100,000 numbers differ
    assert same, label
    return ours


@pytest.mark.filterwarnings("ignore:.*out of bounds")
@pytest.mark.parametrize("name,dtype", [(k, t) for k, (_, types) in DRAWS.items() for t in types])
def test_bits(name, dtype):
    rng = random.Random(name)
    for n in SIZES:
        if n > 2000 and name.startswith("multinomial"):
            continue
        seed, before = rng.choice(SEEDS), rng.choice([0, 2, 3])  # 3 leaves a normal in the cache

        def run(m, n=n, seed=seed, before=before):
            m.manual_seed(seed)
            m.randn(before)
            return draw(m, name, n, dtype), draw(m, name, n, dtype), state(m)

        both(run, f"n={n}, seed={seed}, after randn({before})")


@pytest.mark.filterwarnings("ignore:.*out of bounds")
@pytest.mark.parametrize("seed", range(40))
def test_mixed_sequences(seed):
    def run(m):
        rng, results = random.Random(seed), []
        m.manual_seed(seed)
        for _ in range(15):
            name = rng.choice(list(DRAWS))
            dtype, n = rng.choice(DRAWS[name][1]), rng.choice([1, 2, 3, 5, 15, 16, 17, 31, 33, 700])
            results.append((name, dtype, n, draw(m, name, n, dtype)))
        return results, state(m)

    both(run)


def test_published_numbers():
    rl.manual_seed(0)
    assert rl.randn(3).tolist() == [1.5409960746765137, -0.293428897857666, -2.1787893772125244]
    rl.manual_seed(0)
    assert rl.randn(16)[:3].tolist() == [
        -1.1258398294448853,
        -1.152360200881958,
        -0.2505785822868347,
    ]


@pytest.mark.parametrize("first,second", [(rl, torch), (torch, rl)])
def test_state_crosses_over(first, second):
    first.manual_seed(11)
    first.randn(5)  # a cached normal travels too
    first.rand(700)
    saved = state(first)
    expected = [raw(first.randn(n)) for n in (3, 17)]
    second.set_rng_state(second.tensor(list(saved), dtype=second.uint8))
    assert state(second) == saved
    assert [raw(second.randn(n)) for n in (3, 17)] == expected


def test_state_errors():
    good = rl.get_rng_state()
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056"):
        rl.set_rng_state(good[:-1])
    bad = good.clone()
    bad[8:24] = 255  # the position within the words
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        rl.set_rng_state(bad)
    assert state(rl) == bytes(good.tolist())


def test_generators_are_separate():
    def run(m):
        m.manual_seed(0)
        g, results = m.Generator().manual_seed(3), []
        for _ in range(2):
            results += [raw(m.randn(5, generator=g)), raw(m.randperm(9, generator=g))]
            results.append(raw(m.rand(4)))
        return results, g.initial_seed(), g.get_state().tolist(), m.Generator().initial_seed()

    assert both(run)[3] == 67280421310721


LAYOUTS = {
    "transposed": lambda m: m.empty(5, 7).t(),
    "permuted": lambda m: m.empty(3, 5, 7).permute(1, 2, 0),
    "sliced": lambda m: m.empty(8, 9)[::2, 1:8:3],
    "sliced, transposed": lambda m: m.empty(8, 9)[::2, 1:8:3].t(),
    "sliced, permuted": lambda m: m.empty(4, 6, 8, 10).permute(2, 0, 3, 1)[1::2, :, ::3],
    "channels last": lambda m: m.empty(2, 3, 4, 5).contiguous(memory_format=m.channels_last),
    "column": lambda m: m.empty(30, 30)[:, 3],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "name,args",
    [("uniform_", ()), ("normal_", ()), ("exponential_", ()), ("bernoulli_", (0.4,))]
    + [("random_", (0, 1000)), ("log_normal_", ()), ("geometric_", (0.01,)), ("cauchy_", ())],
)
def test_strided_tensors_fill_in_memory_order(layout, name, args):
    def run(m):
        m.manual_seed(5)
        return raw(getattr(LAYOUTS[layout](m), name)(*args)), state(m)

    both(run)


@pytest.mark.parametrize("name", ["bernoulli_", "exponential_", "randn", "rand", "dropout"])
def test_threads_change_nothing(name):
    before, results = rl.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            rl.set_num_threads(threads)
            rl.manual_seed(9)
            results.append((draw(rl, name, 200_001, "float32"), state(rl)))
    finally:
        rl.set_num_threads(before)
    assert results[0] == results[1] == results[2]


MODULES = {
    "linear": lambda nn: nn.Linear(20, 30),
    "conv": lambda nn: nn.Conv2d(3, 8, 3),
    "lstm": lambda nn: nn.LSTM(5, 7, 2),
    "embedding": lambda nn: nn.Embedding(11, 6),
    "attention": lambda nn: nn.MultiheadAttention(16, 4),
    "encoder": lambda nn: nn.TransformerEncoderLayer(16, 4, 32),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_start_alike(name):
    def run(m):
        m.manual_seed(2)
        return [(k, raw(v)) for k, v in MODULES[name](m.nn).state_dict().items()]

    both(run)


@pytest.mark.parametrize(
    "name",
    ["uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_"]
    + ["kaiming_uniform_", "kaiming_normal_"],
)
def test_initialisers_start_alike(name):
    def run(m):
        m.manual_seed(2)
        return raw(getattr(m.nn.init, name)(m.empty(13, 17)))

    both(run)


def test_data_loaders_shuffle_alike():
    def run(m):
        m.manual_seed(4)
        data = m.utils.data
        loader = data.DataLoader(range(50), batch_size=7, shuffle=True)
        parts = data.random_split(range(10), [3, 7])
        batches = [batch.tolist() for _ in range(2) for batch in loader]
        return batches, [list(part.indices) for part in parts], state(m)

    both(run)
