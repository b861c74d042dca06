"""detect_anomaly: finds the operation whose gradient failed or became NaN."""

from .. import _C

__all__ = ["detect_anomaly", "set_detect_anomaly"]


def _creation_trace():
    """Where the program is now, for a node that is being recorded."""
    import traceback

    return traceback.format_stack()[:-1]


def _explain(name, trace):
    """Warns where the node was recorded whose gradient has just failed."""
    import warnings

    if trace is None:
        text = "No forward pass information available. Enable detect anomaly during forward pass for more information."
    else:
        text = "Traceback of forward call that caused the error:\n" + "".join(trace)
    warnings.warn(f"Error detected in {name}. {text}", stacklevel=2)


class set_detect_anomaly:
    """Sets anomaly mode on or off: at once, and for a `with` block.

    With `check_nan` backward raises RuntimeError for a gradient that is NaN. Slow: for finding
    errors.

    >>> with torch.autograd.set_detect_anomaly(True):
    ...     torch.is_anomaly_enabled()
    True
    >>> torch.is_anomaly_enabled()
    False
    """

    def __init__(self, mode, check_nan=True):
        self.previous = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        _C.set_anomaly_enabled(mode, check_nan)

    def __enter__(self):
        pass

    def __exit__(self, *exc):
        _C.set_anomaly_enabled(*self.previous)


class detect_anomaly:
    """Inside: backward raises when a gradient becomes NaN, naming the operation.

    Errors of backward then tell the line of the forward pass too. With check_nan=False only that.
    Warns that it is slow.

    >>> x = torch.tensor([0.0], requires_grad=True)
    >>> with torch.autograd.detect_anomaly():
    ...     try:
    ...         (x.sqrt() * 0).backward()
    ...     except RuntimeError as error:
    ...         print(error)
    Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan=True):
        import warnings

        self.previous = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self):
        _C.set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *exc):
        _C.set_anomaly_enabled(*self.previous)
