"""What tests of fast paths share: numbers, and the same bits on one thread and on two."""

import numpy

import rushlight as torch


def numbers(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape)


def both_ways(f):
    """What f() gives on one thread, an array or a list; on two it must give the same bits."""

    def run(count):
        torch.set_num_threads(count)
        found = f()
        return [t.numpy() for t in found] if isinstance(found, tuple) else found.numpy()

    threads = torch.get_num_threads()
    try:
        one = run(1)
        numpy.testing.assert_equal(run(2), one)
    finally:
        torch.set_num_threads(threads)
    return one
