"""torch.utils.data.datapipes: data sets that are chained by methods, `pipe.map(f).shuffle().batch(4)`.

There are those that programs use, in `iter` and `map`; the others, and those of data frames, are
absent.
"""

from . import iter, map

__all__ = ["iter", "map"]
