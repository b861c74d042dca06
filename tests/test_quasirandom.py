"""Sobol' sequences, bit for bit those of PyTorch."""

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()


@case
def plain(m):
    engine = m.quasirandom.SobolEngine(40)
    parts = [engine.draw(), engine.draw(5), engine.draw(1), engine.draw(20, dtype=m.float64)]
    return [*parts, engine.num_generated, repr(engine), engine.sobolstate, engine.quasi]


@case
def scrambled(m):
    engine = m.quasirandom.SobolEngine(7, scramble=True, seed=5)
    whole = m.quasirandom.SobolEngine(3, True).draw(64)
    return [engine.draw(33), engine.sobolstate, engine.shift, engine, whole]


@case
def places(m):
    engine = m.quasirandom.SobolEngine(3, True, 1)
    ahead = m.quasirandom.SobolEngine(3, True, 1).fast_forward(6)
    engine.draw(6)
    same = [engine.draw(3), ahead.draw(3), ahead.fast_forward(2).draw(2)]
    return [*same, engine.reset().draw(2), engine.num_generated]


@case
def powers_of_two(m):
    engine, out = m.quasirandom.SobolEngine(2), m.empty(0)
    drawn = [engine.draw_base2(2), engine.draw_base2(2, out=out)]
    return [*drawn, out, error_of(engine.draw_base2, 2)]


@case
def wrong_dimensions(m):
    make = m.quasirandom.SobolEngine
    return [error_of(make, 0), error_of(make, 21202), make.MAXBIT, make.MAXDIM]


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])


def test_without_scipy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install scipy"):
        rushlight.quasirandom.SobolEngine(2)
