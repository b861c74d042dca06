"""`TorchVersion`: a version that is a string and compares as a version."""

from . import version


def _key(text):
    """((2, 13, 0), is_release) of a version text or tuple; the local part after `+` is ignored."""
    if isinstance(text, tuple):
        return tuple(int(x) for x in text), True
    public = str(text).partition("+")[0]
    numbers, pre = [], False
    for part in public.lstrip("v").split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if digits:
            numbers.append(int(digits))
        if digits != part:
            pre = not part[len(digits) :].startswith("post")
            break
    if not numbers:
        raise ValueError(f"Invalid version: {text!r}")
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), not pre


def _padded(text):
    numbers, release = _key(text)
    return (*numbers, *(0,) * (6 - len(numbers)), release)


class TorchVersion(str):
    """A version text that also compares with version texts and tuples of numbers.

    Example:
        >>> TorchVersion("2.13.0+rushlight") >= "2.9"
        True
        >>> TorchVersion("2.13.0") > (2, 4)
        True
    """

    def _compare(self, other, operator):
        try:
            return operator(_padded(self), _padded(other))
        except (ValueError, TypeError):
            return NotImplemented

    def __lt__(self, other):
        return self._compare(other, lambda a, b: a < b)

    def __le__(self, other):
        return self._compare(other, lambda a, b: a <= b)

    def __gt__(self, other):
        return self._compare(other, lambda a, b: a > b)

    def __ge__(self, other):
        return self._compare(other, lambda a, b: a >= b)

    def __eq__(self, other):
        if isinstance(other, str) and str.__eq__(self, other):
            return True
        if "+" in str(other):
            return False
        return self._compare(other, lambda a, b: a == b)

    def __ne__(self, other):
        result = self.__eq__(other)
        return result if result is NotImplemented else not result

    __hash__ = str.__hash__


__version__ = TorchVersion(version.__version__)
