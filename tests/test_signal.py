"""stft, istft and window functions: as PyTorch's, with its errors."""

import warnings

import numpy as np
import pytest
import torch
from agree import agree, random
from twin import error_of, twin

import rushlight as rl

OLD = ["hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"]
NEW = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_hamming", "hamming",
       "hann", "kaiser", "nuttall"]  # fmt: skip


@pytest.mark.parametrize("name", OLD)
def test_windows(name):
    def windows(m):
        f = getattr(m, name)
        found = [f(n, p) for n in (0, 1, 2, 5, 8, 17) for p in (True, False)]
        found += [f(6, dtype=m.float64), f(6, requires_grad=True), f(window_length=4)]
        return found

    twin(windows)

    def errors(m):
        f = getattr(m, name)
        return [error_of(f, -1), error_of(f, 4.0)]

    twin(errors)
    for m in (torch, rl):
        with pytest.raises(RuntimeError, match="expects floating point dtypes"):
            getattr(m, name)(4, dtype=m.int64)


def test_parameters_of_windows():
    twin(lambda m: [m.hamming_window(5, True, 0.6), m.hamming_window(5, False, 0.6, 0.3),
                    m.hamming_window(5, True, alpha=0.4, beta=0.2), m.kaiser_window(5, True, 3.0),
                    m.kaiser_window(5, True, beta=7.0, dtype=m.float64)])  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_signal_windows(name):
    def windows(m):
        f = getattr(m.signal.windows, name)
        found = [f(n, sym=s) for n in (0, 1, 2, 5, 8) for s in (True, False)]
        return found + [f(6, dtype=m.float64), f(6, requires_grad=True).requires_grad]

    twin(windows)

    def errors(m):
        f = getattr(m.signal.windows, name)
        kinds = (m.int64, m.float16)
        return [error_of(f, -1), *(error_of(lambda k=k: f(4, dtype=k)) for k in kinds)]

    twin(errors)


def test_parameters_of_signal_windows():
    twin(lambda m: [m.signal.windows.general_cosine(5, a=[0.4, 0.3, 0.2]),
                    m.signal.windows.general_cosine(5, a=[0.4, 0.3], sym=False),
                    m.signal.windows.gaussian(6, std=2.5),
                    m.signal.windows.exponential(6, tau=2.0, center=1.5, sym=False),
                    m.signal.windows.kaiser(6, beta=3.5),
                    m.signal.windows.general_hamming(6, alpha=0.3)])  # fmt: skip

    def errors(m):
        w = m.signal.windows
        return [
            error_of(lambda: w.general_cosine(5, a=[])),
            error_of(lambda: w.general_cosine(5, a=0.5)),
            error_of(lambda: w.gaussian(5, std=-1)),
            error_of(lambda: w.exponential(5, tau=-1)),
            error_of(lambda: w.exponential(5, center=1.0)),
            error_of(lambda: w.kaiser(5, beta=-1)),
        ]

    twin(errors)


# ---- stft ----

WINDOW = np.hanning(9)[:-1] + 0.1
FORMS = {
    "plain": {},
    "hop": {"hop_length": 3},
    "shorter window": {"win_length": 6, "window": WINDOW[:6]},
    "no window": {"window": None},
    "not centred": {"center": False},
    "constant": {"pad_mode": "constant"},
    "normalized": {"normalized": True},
    "both sides": {"onesided": False},
    "aligned": {"center": False, "win_length": 4, "window": WINDOW[:4], "align_to_window": True},
    "not aligned": {"center": False, "win_length": 4, "window": WINDOW[:4],
                    "align_to_window": False},
}  # fmt: skip


def call(m, f, x, options, **more):
    options = {"window": WINDOW, **options, **more}
    if options["window"] is not None:
        options["window"] = m.from_numpy(options["window"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f(x, 8, **options)


@pytest.mark.parametrize("form", FORMS)
def test_stft(form):
    for x in (random(20), random(2, 21)):
        agree(lambda m, t: call(m, m.stft, t, FORMS[form], return_complex=True), x, order=2)
        agree(lambda m, t: call(m, m.stft, t, FORMS[form], return_complex=False), x, order=1)
        if form != "both sides":
            agree(lambda m, t: call(m, m.stft, t + 1j * t.flip(-1), FORMS[form]), x, order=1)


@pytest.mark.parametrize("form", ["plain", "hop", "no window", "normalized", "shorter window"])
def test_istft(form):
    for shape in ((5, 7), (2, 5, 7)):
        x = random(*shape) + 1j * random(*shape, seed=3)
        agree(lambda m, t: call(m, m.istft, t, FORMS[form]), x, order=2)
        for length in (9, 14, 40):
            agree(lambda m, t, n=length: call(m, m.istft, t, FORMS[form], length=n), x, order=1)


def test_istft_of_both_sides():
    x = random(8, 6) + 1j * random(8, 6, seed=3)
    agree(lambda m, t: call(m, m.istft, t, {}), x, order=1)
    agree(lambda m, t: call(m, m.istft, t, {"onesided": False}), x, order=1)
    agree(lambda m, t: call(m, m.istft, t, {"return_complex": True}), x, order=1)
    agree(lambda m, t: call(m, m.istft, t, {"center": False}), x, order=1)


def test_there_and_back():
    x, w = rl.randn(2, 50), rl.hann_window(16)
    y = rl.stft(x, 16, window=w, return_complex=True).istft(16, window=w, length=50)
    assert rl.allclose(x, y, atol=1e-6)
    assert x.stft(16, window=w, return_complex=True).shape == (2, 9, 13)


ERRORS = {
    "return_complex missing": lambda m, x, w: m.stft(x, 8, window=w),
    "n_fft of 0": lambda m, x, w: m.stft(x, 0, window=w, return_complex=True),
    "n_fft too large": lambda m, x, w: m.stft(x, 50, center=False, return_complex=True),
    "hop of 0": lambda m, x, w: m.stft(x, 8, 0, window=w, return_complex=True),
    "win_length of 0": lambda m, x, w: m.stft(x, 8, None, 0, w, return_complex=True),
    "win_length too large": lambda m, x, w: m.stft(x, 8, None, 9, w, return_complex=True),
    "window of another size": lambda m, x, w: m.stft(x, 8, window=w[:5], return_complex=True),
    "window of two dimensions": lambda m, x, w: m.stft(
        x, 8, window=w.view(1, 8), return_complex=True),
    "three dimensions": lambda m, x, w: m.stft(
        x.view(2, 2, 5), 2, window=w[:2], return_complex=True),
    "integers": lambda m, x, w: m.stft(
        x.long(), 8, window=w, center=False, return_complex=True),
    "aligned and centred": lambda m, x, w: m.stft(
        x, 8, window=w, return_complex=True, align_to_window=True),
    "one side of complex": lambda m, x, w: m.stft(x + 0j, 8, window=w, onesided=True),
    "istft of real": lambda m, x, w: m.istft(x.view(5, 4), 8, window=w),
    "istft of nothing": lambda m, x, w: m.istft(m.zeros(5, 0, dtype=m.complex64), 8, window=w),
    "istft of other sizes": lambda m, x, w: m.istft(x.view(4, 5) + 0j, 8, window=w),
    "istft both sides": lambda m, x, w: m.istft(x.view(5, 4) + 0j, 8, window=w, onesided=False),
    "istft of one dimension": lambda m, x, w: m.istft(x + 0j, 8, window=w),
    "istft hop too large": lambda m, x, w: m.istft(x.view(5, 4) + 0j, 8, 9, window=w),
    "istft win_length": lambda m, x, w: m.istft(x.view(5, 4) + 0j, 8, 2, 9, w),
    "istft window size": lambda m, x, w: m.istft(x.view(5, 4) + 0j, 8, window=w[:4]),
    "istft uncovered": lambda m, x, w: m.istft(x.view(5, 4) + 0j, 8, window=w * 0),
    "istft complex window": lambda m, x, w: m.istft(x.view(5, 4) + 0j, 8, window=w + 0j),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    twin(lambda m: ERRORS[name](m, m.ones(20), m.ones(8)))


def test_names():
    assert sorted(rl.signal.windows.__all__) == sorted(torch.signal.windows.__all__)
    for name in rl.signal.windows.__all__:
        assert getattr(rl.signal.windows, name).__doc__
    for name in [*OLD, "stft", "istft"]:
        assert getattr(rl, name).__doc__
