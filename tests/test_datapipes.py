"""Data pipes give what PyTorch's give, in its order, alone and through a DataLoader."""

import pickle
from importlib import import_module

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()


def square(x):
    return x * x


def even(x):
    return x % 2 == 0


def add(a, b):
    return a + b


def pipes(m, kind="iter"):
    return import_module(f"{m.__name__}.utils.data.datapipes.{kind}")


@case
def mapped_and_filtered(m):
    W = pipes(m).IterableWrapper
    rows = W([(1, 2), (3, 4)])
    return [
        list(W(range(4)).map(square).filter(even)),
        [list(rows.map(square, input_col=c)) for c in (0, 1, -1)],
        list(rows.map(add, input_col=[0, 1])),
        list(rows.map(square, input_col=0, output_col=-1)),
        list(W([{"a": 1, "b": 2}]).map(add, input_col=["a", "b"], output_col="c")),
        list(rows.filter(even, input_col=1)),
        error_of(lambda: W([1]).map(square, output_col=1)),
    ]


@case
def batches(m):
    W = pipes(m).IterableWrapper
    pipe = W(range(5)).batch(2)
    return [
        [list(pipe), len(pipe), type(next(iter(pipe))).__name__],
        list(W(range(5)).batch(2, drop_last=True)),
        list(pipe.unbatch()),
        [list(W([[0, [1]], [2]]).unbatch(unbatch_level=n)) for n in (-1, 0, 1)],
        list(W([[1, 2], [3, 4]]).collate()),
        [list(W([1, 4]).zip(W([2, 3]))), list(W([1]).concat(W([2]))), list(W([1, 4]).mux(W([2])))],
        error_of(lambda: W([1]).batch(0)),
        error_of(lambda: len(W([1]).filter(even))),
        error_of(lambda: len(W(iter([1])))),
    ]


@case
def shuffled(m):
    W = pipes(m).IterableWrapper
    pipe = W(range(9)).shuffle(buffer_size=4)
    found = [list(pipe), list(pipe), list(W(range(9)).shuffle()), list(pipe.set_seed(3))]
    return [*found, list(pipe.set_shuffle(False)), m.rand(1), list(pipes(m).Sampler(range(3)))]


@case
def with_a_loader(m):
    W, L = pipes(m).IterableWrapper, m.utils.data.DataLoader
    found = []
    for workers in (0, 2):
        pipe = W(range(10)).shuffle().sharding_filter().map(square)
        found.append([b.tolist() for b in L(pipe, 3, num_workers=workers)])
        found.append([b.tolist() for b in L(pipe, 3, num_workers=workers, shuffle=False)])
        found.append(m.rand(1))
    generator = m.Generator().manual_seed(4)
    return [*found, [b.tolist() for b in L(W(range(9)).shuffle(), None, True, generator=generator)]]


@case
def pipes_with_places(m):
    W, L = pipes(m, "map").SequenceWrapper, m.utils.data.DataLoader
    pipe = W([1, 2, 3]).map(square).batch(2)
    return [
        [pipe[0], pipe[1], len(pipe)],
        [W([1, 2]).zip(W([3, 4]))[1], W([1, 2]).concat(W([3, 4]))[2], len(W([1]).concat(W([3])))],
        [b.tolist() for b in L(W([1, 2, 3]).map(square), 2, shuffle=True)],
        error_of(lambda: pipe[2]),
    ]


@case
def pipes_of_ones_own(m):
    data = m.utils.data

    class Thrice(data.IterDataPipe):
        def __init__(self, source):
            self.source = source

        def __iter__(self):
            for x in self.source:
                yield from (x,) * 3

    name = f"thrice_{id(m)}"
    data.functional_datapipe(name)(Thrice)
    pipe = getattr(pipes(m).IterableWrapper([1, 2]), name)().map(square)
    again = lambda: data.functional_datapipe("map")(Thrice)  # noqa: E731
    kinds = [isinstance(pipe, data.IterableDataset), repr(pipe), type(pipe).__name__]
    return [list(pipe), kinds, error_of(again)]


@case
def files(m):
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        for name in ("b.txt", "a.txt", "c.csv"):
            with open(f"{folder}/{name}", "w") as f:
                f.write(name)
        listed = pipes(m).FileLister(folder, "*.txt")
        texts = []
        for path, file in listed.open_files():
            texts.append((path[len(folder) :], file.read()))
            file.close()
        return sorted(texts), len(list(pipes(m).FileLister(folder)))


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])


def test_pickled():
    pipe = pipes(rushlight).IterableWrapper([1, 2]).map(square).batch(2)
    assert list(pickle.loads(pickle.dumps(pipe))) == [[1, 4]]


def test_workers_that_stay_share_each_pass_out():
    pipe = pipes(rushlight).IterableWrapper(range(10)).shuffle().sharding_filter()
    loader = rushlight.utils.data.DataLoader(pipe, 2, num_workers=2, persistent_workers=True)
    for _ in range(3):
        assert sorted(x for batch in loader for x in batch.tolist()) == list(range(10))
