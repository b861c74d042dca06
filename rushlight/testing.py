"""`torch.testing`: `assert_close` for tensors, numbers and containers of them; `make_tensor`."""

import rushlight as torch

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# dtype: (rtol, atol), the tolerances that PyTorch's documentation lists.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def _tolerances(a, b, rtol, atol):
    if (rtol is None) != (atol is None):
        name = "rtol" if rtol is None else "atol"
        other = "atol" if rtol is None else "rtol"
        raise ValueError(
            f"rtol and atol must both be specified or both be unspecified, but only {other} was "
            f"given: pass {name} too."
        )
    if rtol is not None:
        return rtol, atol
    pairs = [_TOLERANCES.get(str(t.dtype)[6:], (0.0, 0.0)) for t in (a, b)]
    return max(p[0] for p in pairs), max(p[1] for p in pairs)


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False,
                 check_device=True, check_dtype=True, check_layout=True, check_stride=False,
                 msg=None):  # fmt: skip
    """Raises AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Args:
        actual, expected: tensors, numbers, or sequences and mappings of them.
        rtol, atol (float): both or neither; by default they follow the dtype.
        equal_nan (bool): nan equals nan.
        check_dtype (bool): dtypes must be equal too; so for devices, and strides if asked.
        msg: a message, or a function from the message that would be raised to another.

    Example:
        >>> torch.testing.assert_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    """
    problem = _compare(
        actual, expected, (rtol, atol, equal_nan, check_device, check_dtype, check_stride), ""
    )
    if problem is not None:
        raise AssertionError(msg(problem) if callable(msg) else msg or problem)


def _compare(actual, expected, options, where):
    if isinstance(actual, dict) and isinstance(expected, dict):
        return _compare_mappings(actual, expected, options, where)
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{where}"
        items = enumerate(zip(actual, expected))
        found = (_compare(a, b, options, f"{where}[{i}]") for i, (a, b) in items)
        return next((p for p in found if p is not None), None)
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}{where}"
    if isinstance(actual, torch.Tensor) != isinstance(expected, torch.Tensor):
        numbers = (int, float, complex)
        if isinstance(actual, numbers) or isinstance(expected, numbers):
            raise TypeError(
                f"No comparison pair was able to handle inputs of type {type(actual)} and "
                f"{type(expected)}."
            )
    scalars = not isinstance(actual, torch.Tensor) and not isinstance(expected, torch.Tensor)
    if scalars and options[4] and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}.{where}"
    a, b = (x if isinstance(x, torch.Tensor) else torch.as_tensor(x) for x in (actual, expected))
    return _compare_tensors(a.detach(), b.detach(), options, where, scalars)


def _compare_mappings(actual, expected, options, where):
    if set(actual) != set(expected):
        missing = sorted(map(repr, set(expected) - set(actual)))
        extra = sorted(map(repr, set(actual) - set(expected)))
        return (
            f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing}"
            f"\nAdditional keys in the actual mapping: {extra}{where}"
        )
    found = (_compare(actual[k], expected[k], options, f"{where}[{k!r}]") for k in expected)
    return next((p for p in found if p is not None), None)


def _compare_tensors(a, b, options, where, scalars):
    rtol, atol, equal_nan, check_device, check_dtype, check_stride = options
    rtol, atol = _tolerances(a, b, rtol, atol)
    tail = f"\n\nThe failure occurred for item {where}" if where else ""
    if a.shape != b.shape:
        return f"The values for attribute 'shape' do not match: {a.shape} != {b.shape}.{tail}"
    facts = (("device", check_device), ("dtype", check_dtype and not scalars))
    for name, checked in facts:
        if checked and getattr(a, name) != getattr(b, name):
            return (
                f"The values for attribute '{name}' do not match: {getattr(a, name)} != "
                f"{getattr(b, name)}.{tail}"
            )
    if check_stride and a.stride() != b.stride():
        return f"The values for attribute 'stride()' do not match: {a.stride()} != {b.stride()}."
    if a.dtype != b.dtype:
        dtype = torch.promote_types(a.dtype, b.dtype)
        a, b = a.to(dtype), b.to(dtype)
    b = b.to(a.device)
    close = torch.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if bool(close.all()):
        return None
    return _difference(a, b, close, rtol, atol) + tail


def _difference(a, b, close, rtol, atol):
    """The message: how many elements differ, and by how much at most."""
    kind = "equal" if rtol == atol == 0 else "close"
    if a.dim() == 0:
        x, y = a.item(), b.item()
        if kind == "equal":
            return f"Scalars are not equal!\n\nExpected {y} but got {x}."
        gap, relative = abs(x - y), abs(x - y) / abs(y) if y else float("inf")
        return (
            f"Scalars are not close!\n\nExpected {y} but got {x}.\n"
            f"Absolute difference: {gap} (up to {atol} allowed)\n"
            f"Relative difference: {relative} (up to {rtol} allowed)"
        )
    if not (a.is_floating_point() or a.is_complex()):
        a, b = a.to(torch.int64), b.to(torch.int64)
    flat, total = close.reshape(-1), a.numel()
    gap = (a - b).abs().reshape(-1)
    gap = torch.where(flat, torch.zeros_like(gap), gap)
    relative = gap / b.abs().reshape(-1)
    relative = torch.where(flat, torch.zeros_like(relative), relative)
    wrong = total - int(flat.sum())

    def worst(values, name, limit):
        at, value = int(values.argmax()), values.max().item()
        index = []
        for size in reversed(tuple(a.shape)):
            index.insert(0, at % size)
            at //= size
        allowed = f" (up to {limit} allowed)" if kind == "close" else ""
        place = f" at index {tuple(index)}" if index else ""
        return f"Greatest {name} difference: {value}{place}{allowed}"

    return (
        f"Tensor-likes are not {kind}!\n\n"
        f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})\n"
        f"{worst(gap, 'absolute', atol)}\n{worst(relative, 'relative', rtol)}"
    )


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """Deprecated: `assert_close` that converts to the dtype of `actual` first."""
    actual = torch.as_tensor(actual)
    expected = torch.as_tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        # The tolerances that numpy's function of this name had here.
        by_dtype = {torch.float16: (1e-3, 1e-3), torch.float32: (1e-4, 1e-5)}
        rtol, atol = by_dtype.get(actual.dtype, (1e-5, 1e-8))
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True,
        check_dtype=False, check_stride=False, msg=msg or None,
    )  # fmt: skip


def make_tensor(*shape, dtype, device, low=None, high=None, requires_grad=False,
                noncontiguous=False, exclude_zero=False, memory_format=None):  # fmt: skip
    """A tensor of uniform random values, by default from [-9, 9]; PyTorch's for the same seed.

    Args:
        low, high: limits, the second left out; 0 and 10 for uint8, 0 and 2 for bool.
        noncontiguous (bool): every other element of a larger tensor, if it has two or more.
        exclude_zero (bool): one in the place of zero, or the smallest number there is.

    Raises:
        ValueError: limits that are equal, not numbers or the wrong way round; both layouts asked for.

    Example:
        >>> torch.testing.make_tensor(2, 3, dtype=torch.int64, device="cpu", low=0, high=5).shape
        torch.Size([2, 3])
    """
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    if noncontiguous and memory_format is not None:
        raise ValueError(
            f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    apart = noncontiguous and torch.Size(shape).numel() > 1
    drawn = (*shape[:-1], 2 * shape[-1]) if apart else tuple(shape)
    result = _random(drawn, dtype, low, high).to(device)
    if apart:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        exact = not (dtype.is_floating_point or dtype.is_complex)
        result[result == 0] = 1 if exact else torch.finfo(dtype).tiny
    return result.requires_grad_() if requires_grad else result


def _random(shape, dtype, low, high):
    exact = not (dtype.is_floating_point or dtype.is_complex)
    first, last = (
        (0, 2) if dtype == torch.bool else (0, 10) if dtype == torch.uint8 else (-9, 9 + exact)
    )
    low, high = first if low is None else low, last if high is None else high
    if low != low or high != high:
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if exact:
        from math import ceil

        if dtype == torch.bool:
            return torch.randint(ceil(max(low, 0)), ceil(min(high, 2)), shape, dtype=dtype)
        limits = torch.iinfo(dtype)
        low, high = max(ceil(low), limits.min), min(ceil(high), limits.max)
        return torch.randint(low, high, shape, dtype=dtype)
    result = torch.empty(shape, dtype=dtype)
    (torch.view_as_real(result) if dtype.is_complex else result).uniform_(low, high)
    return result


def __getattr__(name):
    from ._missing import missing

    return missing(__name__, name)
