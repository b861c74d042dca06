"""Data sets, samplers and loaders against PyTorch's: the same items, orders, draws and errors."""

import collections
import time
import warnings

import pytest
import torch as oracle

import rushlight

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker")
np = pytest.importorskip("numpy")
BOTH = (rushlight, oracle)
Point = collections.namedtuple("Point", "x y")


def plain(x):
    """Values and structure of a batch, comparable between libraries."""
    if hasattr(x, "tolist") and hasattr(x, "dtype"):
        return [str(x.dtype), x.tolist()]
    if isinstance(x, (dict, collections.UserDict)):
        return [type(x).__name__, {key: plain(value) for key, value in x.items()}]
    if isinstance(x, (list, tuple)):
        return [type(x).__name__, [plain(value) for value in x]]
    return x


def first_line(call, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(*args)
        except Exception as error:  # noqa: BLE001 - compared with PyTorch's
            result = f"{type(error).__name__}: {error}".split("\n")[0]
    return [plain(result), [str(w.message) for w in caught]]


def same(run):
    ours, theirs = run(rushlight), run(oracle)
    assert ours == theirs


BATCHES = {
    "int": lambda lib: [1, 2],
    "float": lambda lib: [1.5, 2],
    "int first": lambda lib: [1, 2.5],
    "bool": lambda lib: [True, False],
    "text": lambda lib: ["a", "b"],
    "bytes": lambda lib: [b"a", b"b"],
    "mixed": lambda lib: [1, "a"],
    "none": lambda lib: [None, None],
    "complex": lambda lib: [1 + 2j],
    "empty": lambda lib: [],
    "set": lambda lib: [{1, 2}],
    "object": lambda lib: [ValueError()],
    "tensors": lambda lib: [lib.ones(2), lib.zeros(2)],
    "dict": lambda lib: [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
    "ordered": lambda lib: [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "default dict": lambda lib: [collections.defaultdict(list, a=1)] * 2,
    "user dict": lambda lib: [collections.UserDict(a=1), collections.UserDict(a=2)],
    "missing key": lambda lib: [{"a": 1}, {"b": 2}],
    "named tuple": lambda lib: [Point(1, 2.0), Point(3, 4.0)],
    "tuple": lambda lib: [(1, 2.0), (3, 4.0)],
    "list": lambda lib: [[1, 2.0], [3, 4.0]],
    "nested": lambda lib: [{"a": [(1, lib.ones(2))]}, {"a": [(2, lib.zeros(2))]}],
    "unequal": lambda lib: [[1, 2.0], [3]],
    "range": lambda lib: [range(2), range(2)],
    "numpy arrays": lambda lib: [np.ones(2), np.zeros(2)],
    "numpy int arrays": lambda lib: [np.ones(2, np.int32), np.zeros(2, np.int32)],
    "numpy text": lambda lib: [np.array(["a"])],
    "numpy float32": lambda lib: [np.float32(1), np.float32(2)],
    "numpy float64": lambda lib: [np.float64(1), np.float64(2)],
    "numpy int64": lambda lib: [np.int64(1), np.int64(2)],
    "numpy bool": lambda lib: [np.bool_(True)],
    "numpy str": lambda lib: [np.str_("a"), np.str_("b")],
}


@pytest.mark.parametrize("kind", BATCHES)
def test_default_collate(kind):
    same(lambda lib: first_line(lambda: lib.utils.data.default_collate(BATCHES[kind](lib))))


@pytest.mark.parametrize("kind", BATCHES)
def test_default_convert(kind):
    def run(lib):
        out = first_line(lambda: lib.utils.data.default_convert(BATCHES[kind](lib)))
        return repr(out) if kind in ("object",) else out

    same(run)


def datasets(lib):
    data = lib.utils.data

    class Squares(data.Dataset):
        def __init__(self, n=10):
            self.n = n

        def __len__(self):
            return self.n

        def __getitem__(self, i):
            return i, float(i * i), str(i)

    class Stream(data.IterableDataset):
        def __init__(self, n=7, length=None):
            self.n, self.length = n, length

        def __iter__(self):
            info = data.get_worker_info()
            start, step = (info.id, info.num_workers) if info else (0, 1)
            return iter(range(start, self.n, step))

        def __len__(self):
            if self.length is None:
                raise TypeError("no length")
            return self.length

    return Squares, Stream


def tensors(lib, n=11):
    return lib.utils.data.TensorDataset(lib.arange(n), lib.arange(2 * n).reshape(n, 2) / 4)


OPTIONS = [
    {},
    {"batch_size": 4},
    {"batch_size": 4, "drop_last": True},
    {"batch_size": None},
    {"batch_size": 3, "shuffle": True},
    {"batch_size": 3, "shuffle": True, "drop_last": True},
    {"batch_sampler": [[1, 2], [0]]},
    {"sampler": [3, 1, 2], "batch_size": 2},
    {"collate_fn": list, "batch_size": 5},
]


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", ["tensors", "subset", "squares", "list"])
def test_loader_order_and_random_state(kind, options, workers):
    """Batches equal PyTorch's over two passes, and so does the next random number."""

    def run(lib, workers):
        lib.manual_seed(3)
        Squares, _ = datasets(lib)
        dataset = {
            "tensors": lambda: tensors(lib),
            "subset": lambda: lib.utils.data.random_split(tensors(lib), [6, 5])[0],
            "squares": Squares,
            "list": lambda: list(range(7)),
        }[kind]()
        loader = lib.utils.data.DataLoader(dataset, num_workers=workers, **options)
        passes = [[plain(batch) for batch in loader] for _ in range(2)]
        return [passes, len(loader), lib.rand(3).tolist()]

    assert run(rushlight, workers) == run(oracle, 0)


def test_loader_with_a_generator():
    def run(lib):
        generator = lib.Generator().manual_seed(5)
        loader = lib.utils.data.DataLoader(tensors(lib), 4, True, generator=generator)
        passes = [[plain(batch) for batch in loader] for _ in range(3)]
        return [passes, lib.rand(2, generator=generator).tolist()]

    same(run)


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"batch_size": 2}, {"batch_size": None},
                                     {"batch_size": 2, "drop_last": True}])  # fmt: skip
def test_iterable(options, workers):
    def run(lib):
        _, Stream = datasets(lib)
        loader = lib.utils.data.DataLoader(Stream(), num_workers=workers, **options)
        return [plain(batch) for batch in loader]

    same(run)


@pytest.mark.parametrize("length", [None, 3, 8])
def test_length_of_iterable(length):
    def run(lib):
        _, Stream = datasets(lib)
        out = []
        for options in (
            {"batch_size": 3},
            {"batch_size": 3, "drop_last": True},
            {"batch_size": None},
        ):
            loader = lib.utils.data.DataLoader(Stream(length=length), **options)
            out.append(first_line(len, loader))
            result = first_line(list, loader)
            result[1] = [text.split("Stream")[0] + text.split(">")[-1] for text in result[1]]
            out.append(result)
        return out

    same(run)


def test_shapes_of_loaders():
    for lib in BOTH:
        loader = lib.utils.data.DataLoader(tensors(lib), batch_size=4)
        assert type(loader.sampler).__name__ == "SequentialSampler"
        assert type(loader.batch_sampler).__name__ == "BatchSampler"
        assert loader.batch_size == 4 and loader.num_workers == 0
        assert loader.prefetch_factor is None and not loader.drop_last


def _errors(lib, case):
    data = lib.utils.data
    Squares, Stream = datasets(lib)
    d, loader = tensors(lib), data.DataLoader
    cases = {
        "shuffle and sampler": lambda: loader(d, shuffle=True, sampler=[1]),
        "iterable shuffle": lambda: loader(Stream(), shuffle=True),
        "iterable sampler": lambda: loader(Stream(), sampler=[1]),
        "iterable batch sampler": lambda: loader(Stream(), batch_sampler=[[1]]),
        "batch sampler and size": lambda: loader(d, batch_sampler=[[1]], batch_size=2),
        "drop without batch": lambda: loader(d, batch_size=None, drop_last=True),
        "workers": lambda: loader(d, num_workers=-1),
        "timeout": lambda: loader(d, timeout=-1),
        "prefetch": lambda: loader(d, prefetch_factor=2),
        "negative prefetch": lambda: loader(d, num_workers=1, prefetch_factor=-2),
        "persistent": lambda: loader(d, persistent_workers=True),
        "context": lambda: loader(d, multiprocessing_context="fork"),
        "batch size 0": lambda: loader(d, batch_size=0),
        "batch size 1.5": lambda: loader(d, batch_size=1.5),
        "drop_last 3": lambda: loader(d, drop_last=3),
        "set batch size": lambda: setattr(loader(d), "batch_size", 3),
        "set dataset": lambda: setattr(loader(d), "dataset", 3),
        "set num_workers": lambda: setattr(loader(d), "num_workers", 0),
        "shuffle nothing": lambda: loader([], shuffle=True),
        "nothing": lambda: list(loader([])),
        "timeout without workers": lambda: list(loader(d, timeout=1)),
        "pin": lambda: list(loader([1], pin_memory=True)),
        "random of nothing": lambda: data.RandomSampler([]),
        "random 0": lambda: data.RandomSampler([1], num_samples=0),
        "random replacement": lambda: data.RandomSampler([1], replacement=1),
        "weighted replacement": lambda: data.WeightedRandomSampler([1], 1, 0),
        "weighted 0": lambda: data.WeightedRandomSampler([1], 0),
        "weighted 2d": lambda: data.WeightedRandomSampler([[1, 2]], 1),
        "batch 0": lambda: data.BatchSampler([1], 0, False),
        "batch drop": lambda: data.BatchSampler([1], 1, 0),
        "sampler": lambda: iter(data.Sampler()),
        "dataset item": lambda: data.Dataset()[0],
        "dataset len": lambda: len(data.Dataset()),
        "sizes": lambda: data.TensorDataset(lib.ones(2), lib.ones(3)),
        "sum": lambda: data.random_split(range(10), [3, 4]),
        "fractions": lambda: data.random_split(range(10), [1.5, -0.5]),
        "bad fractions": lambda: data.random_split(range(10), [0.5, 0.3]),
        "empty part": lambda: [list(s.indices) for s in data.random_split([], [0.5, 0.5])],
        "stack none": lambda: data.StackDataset(),
        "stack both": lambda: data.StackDataset(d, a=d),
        "stack sizes": lambda: data.StackDataset(d, [1]),
        "concat none": lambda: data.ConcatDataset([]),
        "concat iterable": lambda: data.ConcatDataset([d, Stream()]),
        "concat index": lambda: data.ConcatDataset([d, d])[-30],
        "chain": lambda: list(data.ChainDataset([d])),
        "rank": lambda: data.DistributedSampler(d, 2, 2),
        "index error": lambda: list(loader(d, sampler=[99])),
        "index error in a batch": lambda: list(loader(Squares(), batch_sampler=[[1, "x"]])),
    }
    return cases if case is None else first_line(cases[case])


@pytest.mark.parametrize("case", list(_errors(oracle, None)))
def test_errors_have_torch_class_and_first_line(case):
    same(lambda lib: _errors(lib, case))


def test_samplers_draw_alike():
    def run(lib):
        data = lib.utils.data
        lib.manual_seed(7)
        generator = lib.Generator().manual_seed(11)
        samplers = [
            data.SequentialSampler(range(5)),
            data.RandomSampler(range(9)),
            data.RandomSampler(range(9), num_samples=21),
            data.RandomSampler(range(9), num_samples=4, generator=generator),
            data.RandomSampler(range(50), replacement=True, num_samples=70),
            data.RandomSampler(range(50), replacement=True, num_samples=64, generator=generator),
            data.SubsetRandomSampler([5, 7, 9, 1]),
            data.SubsetRandomSampler([5, 7, 9, 1], generator=generator),
            data.WeightedRandomSampler([0.1, 2.0, 0.0, 3.0], 10),
            data.WeightedRandomSampler([0.1, 2.0, 1.0, 3.0], 3, replacement=False),
            data.BatchSampler(data.RandomSampler(range(7)), 3, False),
            data.BatchSampler(data.RandomSampler(range(7)), 3, True),
            data.DistributedSampler(range(7), 3, 1),
            data.DistributedSampler(range(7), 3, 2, shuffle=False),
            data.DistributedSampler(range(7), 3, 0, drop_last=True, seed=4),
            data.DistributedSampler(range(2), 5, 4, shuffle=False),
        ]
        samplers[-4].set_epoch(2)
        lists = [[list(sampler), len(sampler)] for sampler in samplers for _ in range(2)]
        return [lists, lib.rand(2).tolist()]

    same(run)


def test_datasets():
    def run(lib):
        data = lib.utils.data
        Squares, Stream = datasets(lib)
        lib.manual_seed(1)
        d = tensors(lib)
        parts = data.random_split(d, [0.5, 0.3, 0.2])
        parts += data.random_split(range(10), [3, 7], generator=lib.Generator().manual_seed(42))
        both = d + data.TensorDataset(lib.arange(2))
        stack = data.StackDataset(Squares(3), Squares(3))
        named = data.StackDataset(a=Squares(3), b=Squares(3))
        chain = Stream(3) + Stream(4)
        sub = data.Subset(d, [4, 2])
        return [
            [[list(part.indices), len(part)] for part in parts],
            [plain(both[i]) for i in (0, 10, 11, -1, -13)],
            [len(both), both.cumulative_sizes, len(stack), len(named)],
            [stack[1], named[2], stack.__getitems__([0, 2]), named.__getitems__([1])],
            [list(chain), first_line(lambda: len(chain))],
            [plain(sub[1]), plain(sub[[0, 1]]), len(sub), plain(sub.__getitems__([1, 0]))],
            [plain(d[2]), plain(d[1:3])],
        ]

    same(run)


def test_typed_subclasses():
    for lib in BOTH:

        class Numbers(lib.utils.data.Dataset[int]):
            def __len__(self):
                return 3

            def __getitem__(self, i):
                return i

        assert [batch.tolist() for batch in lib.utils.data.DataLoader(Numbers(), 2)] == [
            [0, 1],
            [2],
        ]
        assert issubclass(Numbers, lib.utils.data.Dataset)


def test_getitems_is_used():
    for lib in BOTH:

        class Many(lib.utils.data.Dataset):
            def __len__(self):
                return 5

            def __getitems__(self, indices):
                return [100 + i for i in indices]

        loader = lib.utils.data.DataLoader(Many(), batch_size=3)
        assert [batch.tolist() for batch in loader] == [[100, 101, 102], [103, 104]]


class Broken:
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i == 2:
            raise self.error
        return i


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


@pytest.mark.parametrize("error", [ValueError("bad"), KeyError("no 2"), TwoArguments(1, 2)])
def test_error_in_a_worker(error):
    for lib in BOTH:
        loader = lib.utils.data.DataLoader(Broken(error), num_workers=1)
        seen = []
        with pytest.raises(Exception) as caught:
            for batch in loader:
                seen.append(batch.item())
        lines = str(caught.value).split("\n")
        assert seen == [0, 1]
        expected = RuntimeError if isinstance(error, TwoArguments) else type(error)
        assert caught.type is expected
        name = type(error).__name__
        assert lines[0] == f"Caught {name} in DataLoader worker process 0."
        assert lines[1] == "Original Traceback (most recent call last):"
        assert any("raise self.error" in line for line in lines)


def test_error_without_workers_is_the_dataset_s_own():
    for lib in BOTH:
        with pytest.raises(KeyError, match="no 2"):
            list(lib.utils.data.DataLoader(Broken(KeyError("no 2"))))


def test_workers_know_themselves():
    data = rushlight.utils.data
    seen = []

    class Range(data.IterableDataset):
        start, end = 0, 8

        def __iter__(self):
            return iter(range(self.start, self.end))

    def init(worker_id):
        info = data.get_worker_info()
        assert info.id == worker_id and info.num_workers == 2
        seen.append(info.seed - worker_id)
        info.dataset.start, info.dataset.end = 4 * worker_id, 4 * worker_id + 4

    dataset = Range()
    loader = data.DataLoader(dataset, num_workers=2, worker_init_fn=init, batch_size=None,
                             multiprocessing_context="thread")  # fmt: skip
    assert sorted(loader) == list(range(8))
    assert len(set(seen)) == 1
    assert data.get_worker_info() is None
    assert (dataset.start, dataset.end) == (0, 8)


def test_error_in_worker_init_fn():
    def init(worker_id):
        raise OSError("no such file")

    loader = rushlight.utils.data.DataLoader([1, 2], num_workers=2, worker_init_fn=init)
    with pytest.raises(OSError, match="Caught OSError in DataLoader worker process 0"):
        list(loader)


def test_timeout():
    class Slow(Broken):
        def __getitem__(self, i):
            time.sleep(0.5)
            return i

    loader = rushlight.utils.data.DataLoader(Slow(None), num_workers=1, timeout=0.05)
    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.05 seconds"):
        list(loader)


@pytest.mark.parametrize("context", [None, "thread"])
def test_persistent_workers_start_again_even_after_a_broken_pass(context):
    loader = rushlight.utils.data.DataLoader(
        tensors(rushlight), batch_size=2, num_workers=2, persistent_workers=True,
        multiprocessing_context=context,
    )  # fmt: skip
    plain_batches = [plain(b) for b in rushlight.utils.data.DataLoader(tensors(rushlight), 2)]
    for _batch in loader:
        break
    workers = loader._iterator._pool
    for _ in range(2):
        assert [plain(batch) for batch in loader] == plain_batches
    assert loader._iterator._pool is workers


def test_worker_threads_end_with_their_iterator():
    import gc
    import threading

    before = set(threading.enumerate())

    def count():
        threads = set(threading.enumerate()) - before
        return sum(t.name.startswith("DataLoader worker") for t in threads)

    loader = rushlight.utils.data.DataLoader(
        range(100), num_workers=2, multiprocessing_context="thread"
    )
    iterator = iter(loader)
    next(iterator)
    assert count() == 2
    del iterator
    gc.collect()
    for _ in range(100):
        if count() == 0:
            break
        time.sleep(0.01)
    assert count() == 0
