"""Names of a loss's reductions: as the numbers the core takes, and from the old flags."""

import warnings

_NUMBERS = {"none": 0, "mean": 1, "sum": 2}


def get_enum(reduction):
    """The core's number of a reduction; ValueError if there is none of that name."""
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            stacklevel=2,
        )
        return 1
    try:
        return _NUMBERS[reduction]
    except KeyError:
        raise ValueError(f"{reduction} is not a valid value for reduction") from None


def legacy_get_string(size_average, reduce, emit_warning=True):
    """The reduction that the old flags `size_average` and `reduce` mean (both default to True)."""
    if reduce is not None and not reduce:
        name = "none"
    elif size_average is not None and not size_average:
        name = "sum"
    else:
        name = "mean"
    if emit_warning:
        warnings.warn(
            "size_average and reduce args will be deprecated, "
            f"please use reduction='{name}' instead.",
            stacklevel=3,
        )
    return name


def legacy_get_enum(size_average, reduce, emit_warning=True):
    """The same as a number."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
