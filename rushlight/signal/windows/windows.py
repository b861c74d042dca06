"""The window functions of torch.signal.windows: M values, from 0 to 1 and back; with sym=False the
first M of a window that is one longer. Each takes dtype, layout, device and requires_grad, and
raises ValueError for a negative M or a dtype other than float32 and float64."""

from math import pi, sqrt

import rushlight as torch


def _options(name, M, dtype, layout, device, requires_grad):
    """Checked options of a factory function."""
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not None and layout is not torch.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    dtype = dtype or torch.get_default_dtype()
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return {"dtype": dtype, "device": device, "requires_grad": requires_grad}


def _steps(M, start, step, options):
    """M numbers from `start`, `step` apart."""
    return torch.linspace(start, start + (M - 1) * step, M, **options)


def _short(M, options):
    """The windows of no value and of one."""
    return torch.ones(M, **options)


def general_cosine(M, *, a, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """The sum of (-1) ** i * a[i] * cos(2 pi i n / (M - 1)).

    >>> torch.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    options = _options("general_cosine", M, dtype, layout, device, requires_grad)
    if M < 2:
        return _short(M, options)
    if not isinstance(a, (list, tuple)):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    angle = _steps(M, 0, 2 * pi / (M - 1 if sym else M), options)
    plain = {"dtype": options["dtype"], "device": device}
    weights = torch.tensor([(-1) ** i * w for i, w in enumerate(a)], **plain)
    order = torch.arange(len(a), **plain)
    return (weights.unsqueeze(-1) * torch.cos(order.unsqueeze(-1) * angle)).sum(0)


def general_hamming(M, *, alpha=0.54, sym=True, **options):
    """alpha - (1 - alpha) cos(2 pi n / (M - 1)).

    >>> torch.signal.windows.general_hamming(3, alpha=0.6)
    tensor([0.2000, 1.0000, 0.2000])
    """
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, **options)


def hamming(M, *, sym=True, **options):
    """general_hamming with alpha 0.54.

    >>> torch.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return general_hamming(M, sym=sym, **options)


def hann(M, *, sym=True, **options):
    """general_hamming with alpha 0.5: it ends in zeros.

    >>> torch.signal.windows.hann(3)
    tensor([0., 1., 0.])
    """
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """general_cosine with 0.42, 0.5, 0.08.

    >>> torch.signal.windows.blackman(5)[1:4]
    tensor([0.3400, 1.0000, 0.3400])
    """
    _options("blackman", M, dtype, layout, device, requires_grad)
    return general_cosine(
        M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, device=device, requires_grad=requires_grad
    )


def nuttall(M, *, sym=True, **options):
    """general_cosine with four terms that make small side lobes (A. Nuttall, "Some windows with
    very good sidelobe behavior", 1981).

    >>> torch.signal.windows.nuttall(5)[2]
    tensor(1.0000)
    """
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, **options)


def bartlett(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """A triangle: 1 - abs(2 n / (M - 1) - 1).

    >>> torch.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    options = _options("bartlett", M, dtype, layout, device, requires_grad)
    if M < 2:
        return _short(M, options)
    return 1 - torch.abs(_steps(M, -1, 2 / (M - 1 if sym else M), options))


def cosine(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """Half a sine wave: sin(pi (n + 1/2) / M).

    >>> torch.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    options = _options("cosine", M, dtype, layout, device, requires_grad)
    if M < 2:
        return _short(M, options)
    step = pi / (M if sym else M + 1)
    return torch.sin(_steps(M, 0.5 * step, step, options))


def exponential(
    M, *, center=None, tau=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False
):  # fmt: skip
    """exp(-abs(n - center) / tau); only a window with sym=False may have a centre of its own.

    >>> torch.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    options = _options("exponential", M, dtype, layout, device, requires_grad)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if M < 2:
        return _short(M, options)
    center = (M - 1 if sym else M) / 2 if center is None else center
    return torch.exp(-torch.abs(_steps(M, -center / tau, 1 / tau, options)))


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """exp(-((n - centre) / std) ** 2 / 2).

    >>> torch.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    options = _options("gaussian", M, dtype, layout, device, requires_grad)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M < 2:
        return _short(M, options)
    step = 1 / (std * sqrt(2))
    k = _steps(M, -(M - 1 if sym else M) / 2 * step, step, options)
    return torch.exp(-(k**2))


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """i0(beta sqrt(1 - (2 n / (M - 1) - 1) ** 2)) / i0(beta) (J. Kaiser and R. Schafer, 1980).

    >>> torch.signal.windows.kaiser(3, beta=0.0)
    tensor([1., 1., 1.])
    """
    options = _options("kaiser", M, dtype, layout, device, requires_grad)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M < 2:
        return _short(M, options)
    step = 2.0 * beta / (M - 1 if sym else M)
    last = torch.tensor(beta, dtype=options["dtype"]).item()  # rounded, as the numbers below
    k = torch.linspace(-last, min(last, -beta + (M - 1) * step), M, **options)
    top = torch.tensor(beta, dtype=options["dtype"])
    return torch.i0(torch.sqrt((top * top - k**2).clamp(min=0))) / torch.i0(top)
