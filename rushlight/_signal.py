"""stft, istft and the window functions of torch itself. torch.signal.windows has others."""

import warnings

import rushlight as torch

from ._legacy import NAMES

# ---- windows ----


def _window(name, shape):
    """A window function from `shape(n, window_length, *parameters)`, n = 0, 1, ... as numbers."""

    def window(
        window_length,
        periodic=True,
        *parameters,
        dtype=None,
        layout=None,
        device=None,
        pin_memory=False,
        requires_grad=False,
        **named,
    ):
        if isinstance(window_length, float):
            raise TypeError(
                f"{name}(): argument 'window_length' (position 1) must be int, not float"
            )
        dtype = dtype or torch.get_default_dtype()
        if not (dtype.is_floating_point or dtype.is_complex):
            raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
        if layout is not None and layout is not torch.strided:
            raise RuntimeError(f"{name} is not implemented for sparse types, got: {layout}")
        if window_length < 0:
            raise RuntimeError(
                f"{name} requires non-negative window_length, got window_length={window_length}"
            )
        if window_length < 2:
            result = torch.ones(window_length, dtype=dtype, device=device)
        else:
            size = window_length + bool(periodic)
            n = torch.arange(size, dtype=dtype, device=device)
            result = shape(n, size, *parameters, **named)[:window_length]
        return result.requires_grad_() if requires_grad else result

    window.__name__ = window.__qualname__ = name
    return window


def _hamming(n, size, alpha=0.54, beta=0.46):
    return (n * (2 * torch.pi / (size - 1))).cos() * -beta + alpha


def _blackman(n, size):
    n = n * (torch.pi / (size - 1))
    return (n * 4).cos() * 0.08 - (n * 2).cos() * 0.5 + 0.42


def _bartlett(n, size):
    n = n * (2 / (size - 1))
    half = (size - 1) // 2 + 1
    n[half:] = 2 - n[half:]
    return n


def _kaiser(n, size, beta=12.0):
    middle = (size - 1) / 2
    inside = (1 - ((n - middle) / middle) ** 2).clamp(min=0)
    return torch.i0(beta * inside.sqrt()) / torch.i0(
        torch.tensor(beta, dtype=n.dtype, device=n.device)
    )


hann_window = _window("hann_window", lambda n, size: _hamming(n, size, 0.5, 0.5))
hamming_window = _window("hamming_window", _hamming)
blackman_window = _window("blackman_window", _blackman)
bartlett_window = _window("bartlett_window", _bartlett)
kaiser_window = _window("kaiser_window", _kaiser)

_LENGTH = """

    periodic: the first `window_length` values of a window that is one longer, for use with stft;
    otherwise symmetric. Raises RuntimeError for a negative length or a dtype of integers.
"""
hann_window.__doc__ = f"""Half a wave of a cosine, raised: sin(pi n / N) ** 2.{_LENGTH}
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
hamming_window.__doc__ = f"""alpha - beta cos(2 pi n / N), by default 0.54 and 0.46.{_LENGTH}
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
blackman_window.__doc__ = f"""0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N).{_LENGTH}
    >>> torch.blackman_window(3, False)
    tensor([-2.9802e-08,  1.0000e+00, -2.9802e-08])
    """
bartlett_window.__doc__ = f"""A triangle: 1 - abs(2 n / N - 1).{_LENGTH}
    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
kaiser_window.__doc__ = f"""i0(beta sqrt(1 - (2 n / N - 1) ** 2)) / i0(beta).{_LENGTH}
    >>> torch.kaiser_window(3, False, beta=0.0)
    tensor([1., 1., 1.])
    """


# ---- the short-time Fourier transform ----


def _flag(value):
    return value if value is None else int(value)


def _call(name, kind, input, window, **arguments):
    """The call in PyTorch's messages."""
    shape = None if window is None else f"torch.{NAMES[window.dtype]}{{{list(window.shape)}}}"
    text = {k: f"{k}={v}" for k, v in arguments.items()}
    parts = [*list(text.values())[:3], f"window={shape}", *list(text.values())[3:]]
    return f"{name}({kind}{list(input.shape)}, {', '.join(parts)})"


def _padded_window(window, n_fft, like):
    """The window in the middle of n_fft values."""
    if window is None:
        return None
    left = (n_fft - window.size(0)) // 2
    return torch.nn.functional.pad(window, [left, n_fft - window.size(0) - left])


def stft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    pad_mode="reflect",
    normalized=False,
    onesided=None,
    return_complex=None,
    align_to_window=None,
):
    """The short-time Fourier transform: transforms of pieces of n_fft values, hop_length apart.

    input: (length) or (batch, length), real or complex. hop_length: n_fft // 4 if not given. window:
    win_length values that each piece is multiplied by. center: the input is padded by n_fft // 2 on
    both sides, so that piece t is centred at t * hop_length. normalized: divided by sqrt(n_fft).
    onesided: only the first n_fft // 2 + 1 frequencies, the default for real input and window.
    return_complex: must be given for real input; False gives real and imaginary parts in a last
    dimension. Returns (batch, frequencies, pieces).

    Raises RuntimeError for sizes that do not fit each other.

    >>> torch.stft(torch.ones(8), 4, window=torch.hann_window(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        shape = [1] * (3 - input.dim()) + list(input.shape)
        pad = int(n_fft // 2)
        padded = torch.nn.functional.pad(input.reshape(shape), [pad, pad], pad_mode)
        input = padded.reshape(padded.shape[len(shape) - input.dim() :])
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    complex_result = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None and not complex_result:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further "
            "require that return_complex=True in a future PyTorch release."
        )
    if return_complex is False and not complex_result:
        warnings.warn(
            "stft with return_complex=False is deprecated. In a future pytorch release, stft will "
            "return complex tensors for all inputs, and return_complex=False will raise an error.\n"
            "Note: you can still call torch.view_as_real on the complex output to recover the old "
            "return format.",
            stacklevel=2,
        )
    _check_stft(
        input, n_fft, hop_length, win_length, window, normalized, onesided, return_complex,
        align_to_window,
    )  # fmt: skip
    if window is None and n_fft > 1:
        warnings.warn(
            "A window was not provided. A rectangular window will be applied,which is known to "
            "cause spectral leakage. Other windows such as torch.hann_window or "
            "torch.kaiser_window are recommended to reduce spectral leakage.To suppress this "
            "warning and use a rectangular window, explicitly set "
            "`window=torch.ones(n_fft, device=<device>)`.",
            stacklevel=2,
        )
    onesided = not complex_result if onesided is None else onesided
    if onesided and complex_result:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    batch = input if input.dim() == 2 else input.unsqueeze(0)
    if win_length < n_fft and window is None:
        window = torch.ones(win_length, dtype=input.dtype, device=input.device)
    if align_to_window and win_length < n_fft:
        left = (n_fft - win_length) // 2
        batch = torch.nn.functional.pad(batch, [left, n_fft - win_length - left])
    pieces = batch.unfold(-1, n_fft, hop_length)
    if window is not None:
        pieces = pieces * _padded_window(window, n_fft, input)
    transform = torch.fft.rfft if onesided else torch.fft.fft
    result = transform(pieces, norm="ortho" if normalized else None).transpose(1, 2)
    result = result if input.dim() == 2 else result.squeeze(0)
    return torch.view_as_real(result) if return_complex is False else result


def _check_stft(
    input, n_fft, hop_length, win_length, window, normalized, onesided, return_complex, align
):
    def check(condition, message):
        if not condition:
            call = _call(
                "stft", f"torch.{NAMES[input.dtype]}", input, window, n_fft=n_fft,
                hop_length=hop_length, win_length=win_length, normalized=int(normalized),
                onesided=_flag(onesided), return_complex=_flag(return_complex),
                align_to_window=_flag(align),
            )  # fmt: skip
            raise RuntimeError(f"{call} : {message}")

    numbers = input.is_floating_point() or input.is_complex()
    check(numbers, "expected a tensor of floating point or complex values")
    check(input.dim() in (1, 2), "expected a 1D or 2D tensor")
    length = input.size(-1)
    check(0 < n_fft <= length, f"expected 0 < n_fft < {length}, but got n_fft={n_fft}")
    check(hop_length > 0, f"expected hop_length > 0, but got hop_length={hop_length}")
    check(
        0 < win_length <= n_fft,
        f"expected 0 < win_length <= n_fft, but got win_length={win_length}",
    )
    if window is not None:
        check(
            window.dim() == 1 and window.size(0) == win_length,
            f"expected a 1D window tensor of size equal to win_length={win_length}, "
            f"but got window with size {list(window.shape)}",
        )


def istft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    normalized=False,
    onesided=None,
    length=None,
    return_complex=False,
):
    """The inverse of stft: each piece transformed back, multiplied by the window, and all added up
    where they overlap, over the sum of the windows' squares (D. Griffin and J. Lim, "Signal
    estimation from modified short-time Fourier transform", 1984).

    input: (batch, frequencies, pieces), complex; the other arguments are those of stft. length: the
    result is cut, or filled with zeros, to this length.

    Raises RuntimeError where the windows leave a place uncovered.

    >>> x, w = torch.arange(8.), torch.hann_window(4)
    >>> torch.istft(torch.stft(x, 4, window=w, return_complex=True), 4, window=w)[1:]
    tensor([1., 2., 3., 4., 5., 6., 7.])
    """
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    call = _check_istft(
        input, n_fft, hop_length, win_length, window, center, normalized, onesided, length,
        return_complex,
    )  # fmt: skip
    onesided = input.size(-2) != n_fft if onesided is None else onesided
    if window is None:
        window = torch.ones(win_length, dtype=input.real.dtype, device=input.device)
    window = _padded_window(window, n_fft, input)
    batch = (input if input.dim() == 3 else input.unsqueeze(0)).transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        pieces = torch.fft.ifft(batch, norm=norm)
    else:
        if window.is_complex():
            raise RuntimeError("Complex windows are incompatible with return_complex=False")
        pieces = torch.fft.irfft(batch[..., : n_fft // 2 + 1], n=n_fft, norm=norm)
    count, total = pieces.size(1), n_fft + hop_length * (pieces.size(1) - 1)
    place = torch.arange(n_fft, device=input.device) + hop_length * torch.arange(
        count, device=input.device
    ).unsqueeze(-1)
    place = place.reshape(-1).to(input.device)

    def add_up(pieces):
        sums = torch.zeros(pieces.size(0), total, dtype=pieces.dtype, device=pieces.device)
        return sums.index_add(1, place, pieces.reshape(pieces.size(0), -1))

    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - start
    signal = add_up(pieces * window)[:, start:end]
    weight = add_up((window * window).expand(1, count, n_fft))[:, start:end]
    if not float(weight.abs().min()) > 1e-11:
        raise RuntimeError(f"{call}window overlap add min: 1")
    signal = signal / weight
    if end > total:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded "
            "with zeros in the tail. Please check your center and hop_length settings.",
            stacklevel=2,
        )
        signal = torch.nn.functional.pad(signal, [0, end - total])
    return signal if input.dim() == 3 else signal.squeeze(0)


def _check_istft(
    input, n_fft, hop_length, win_length, window, center, normalized, onesided, length, return_complex
):  # fmt: skip
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    call = _call(
        "istft", f"CPU{NAMES[input.dtype].replace('Tensor', 'Type')}", input, window, n_fft=n_fft,
        hop_length=hop_length, win_length=win_length, center=int(center),
        normalized=int(normalized), onesided=_flag(onesided), length=length,
        return_complex=int(return_complex),
    )  # fmt: skip

    def check(condition, message):
        if not condition:
            raise RuntimeError(f"{call} : {message}")

    if input.dim() < 2:
        n = input.dim() + 1
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got -3)"
        )
    size = input.size(-2)
    check(input.numel() > 0, "input tensor cannot be empty.")
    check(
        input.dim() in (2, 3),
        f"expected a tensor with 3 or 4 dimensions, but got {input.dim() + 1}",
    )
    if onesided is None and size != n_fft or onesided:
        check(
            n_fft // 2 + 1 == size,
            "expected the frequency dimension (3rd to the last) of the input tensor to match "
            f"n_fft / 2 + 1 when onesided=True, but got {size}",
        )
    else:
        check(
            n_fft == size,
            "expected the frequency dimension (3rd to the last) of the input tensor to match "
            f"n_fft when onesided=False, but got {size}",
        )
    check(0 < hop_length <= win_length, "expected 0 < hop_length <= win_length")
    check(0 < win_length <= n_fft, "expected 0 < win_length <= n_fft")
    check(
        window is None or (window.dim() == 1 and window.size(0) == win_length),
        "Invalid window shape. window has to be 1D and length of `win_length`",
    )
    return call + " "
