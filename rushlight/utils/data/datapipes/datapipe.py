"""The base classes of data pipes, and the decorator by which a pipe becomes a method."""

from functools import partial

from ..dataset import Dataset, IterableDataset

__all__ = ["DataChunk", "IterDataPipe", "MapDataPipe", "functional_datapipe"]


class _Chained:
    """Registered pipes are methods: `pipe.batch(4)` is `Batcher(pipe, 4)`."""

    def __getattr__(self, name):
        if name in type(self).functions:
            return partial(type(self).functions[name], self)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @classmethod
    def register_function(cls, function_name, function):
        """From now on `pipe.<function_name>(...)` is `function(pipe, ...)`."""
        if function_name in cls.functions:
            raise Exception(  # noqa: TRY002 - PyTorch's class
                f"Unable to add DataPipe function name {function_name} as it is already taken"
            )
        cls.functions[function_name] = function

    def __repr__(self):
        return type(self).__qualname__

    def __dir__(self):
        return [*super().__dir__(), *type(self).functions]


class IterDataPipe(_Chained, IterableDataset):
    """A data set that is iterated, with the methods of torch.utils.data.datapipes.iter.

    >>> import rushlight as torch
    >>> wrap = torch.utils.data.datapipes.iter.IterableWrapper
    >>> pipe = wrap(range(6)).filter(lambda i: i % 2 == 0).map(lambda i: i * i)
    >>> list(pipe.batch(2))
    [[0, 4], [16]]
    """

    functions = {}

    def reset(self):
        """What a new iteration begins with; for subclasses."""


class MapDataPipe(_Chained, Dataset):
    """A data set with places, with the methods of torch.utils.data.datapipes.map."""

    functions = {}


class DataChunk(list):
    """A batch of a pipe."""

    def __init__(self, items):
        items = list(items)
        super().__init__(items)
        self.items = items

    def as_str(self, indent=""):
        """As a list is written."""
        return indent + "[" + ", ".join(map(str, self)) + "]"

    def raw_iterator(self):
        """Its items."""
        yield from self.items


class functional_datapipe:
    """A class decorator: the pipe is a method of that name of all pipes of its kind."""

    def __init__(self, name, enable_df_api_tracing=False):
        self.name = name

    def __call__(self, cls):
        for kind in (IterDataPipe, MapDataPipe):
            if issubclass(cls, kind):
                kind.register_function(self.name, cls)
        return cls


def full_names(space, suffix, names):
    """Classes are called `MapperIterDataPipe`, and are to be had by that name too."""
    for name in names:
        cls = space[name]
        cls.__name__ = cls.__qualname__ = name + suffix
        space[name + suffix] = cls


def pipes_of(pipe, found=None):
    """All pipes behind a pipe, those nearer to the data first."""
    found = [] if found is None else found
    if any(pipe is known for known in found):
        return found
    for value in vars(pipe).values():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, (IterDataPipe, MapDataPipe)):
                pipes_of(item, found)
    found.append(pipe)
    return found


def set_shuffle(pipe, shuffle):
    """Switches the shuffling of all pipes behind a pipe on or off, as a DataLoader's option does."""
    for each in pipes_of(pipe):
        if hasattr(type(each), "set_shuffle"):
            each.set_shuffle(shuffle)


def give_seeds(pipe, generator):
    """Draws a seed as a DataLoader does, and from it one for each pipe that shuffles: the same
    in all workers."""
    import rushlight as torch

    def draw(source):
        return int(torch.empty((), dtype=torch.int64).random_(generator=source).item())

    shared = torch.Generator().manual_seed(draw(generator))
    for each in pipes_of(pipe):
        if hasattr(type(each), "set_seed"):
            each.set_seed(draw(shared))
