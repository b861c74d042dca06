"""no_grad, enable_grad, inference_mode and set_grad_enabled: context managers and decorators."""

from . import _C


class _Mode:
    """A context manager that is a decorator too, of functions and generators."""

    def __call__(self, function=None):
        return _decorate(self.clone, function)

    def clone(self):
        return type(self)()


def _maker(cls):
    """What makes instances of a class that was decorated: its methods are not."""
    import warnings

    warnings.warn(
        "Decorating classes is deprecated and will be disabled in future versions. "
        "Decorate its methods instead, or `__init__` alone for what this did.",
        FutureWarning,
        stacklevel=4,
    )
    return lambda *args, **kwargs: cls(*args, **kwargs)


def _decorate(make, function):
    import functools
    import inspect

    if inspect.isclass(function):
        return _decorate(make, _maker(function))
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args, **kwargs):
            with make():
                inner = function(*args, **kwargs)
            resume, value = inner.send, None
            try:
                while True:
                    with make():  # only while the generator itself runs
                        produced = resume(value)
                    try:
                        resume, value = inner.send, (yield produced)
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        resume, value = inner.throw, error
            except StopIteration as stop:
                return stop.value
            finally:
                with make():
                    inner.close()

        return generator

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        with make():
            return function(*args, **kwargs)

    return wrapped


class no_grad(_Mode):
    """Operations inside do not record.

    A context manager, and a decorator of functions and generators. Results do not require grad;
    leaves are left alone, and may be written in place.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function=None):
        mode = super().__new__(cls)
        return mode if function is None else mode(function)

    def __enter__(self):
        self.previous = _C.is_grad_enabled()
        _C._set_grad_enabled(False)

    def __exit__(self, *exc):
        _C._set_grad_enabled(self.previous)


class enable_grad(no_grad):
    """Operations inside record, also within `no_grad`.

    A context manager, and a decorator of functions and generators.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad(), torch.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    def __enter__(self):
        self.previous = _C.is_grad_enabled()
        _C._set_grad_enabled(True)


class set_grad_enabled(_Mode):
    """Sets recording on or off: at once, and for a `with` block.

    `mode` is a bool. Also a decorator of functions and generators.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, mode):
        self.previous = _C.is_grad_enabled()
        self.mode = bool(mode)
        _C._set_grad_enabled(self.mode)

    def __call__(self, function=None):
        _C._set_grad_enabled(self.previous)
        return super().__call__(function)

    def clone(self):
        return set_grad_enabled(self.mode)

    def __enter__(self):
        _C._set_grad_enabled(self.mode)

    def __exit__(self, *exc):
        _C._set_grad_enabled(self.previous)

    def __str__(self):
        return f"torch.set_grad_enabled(mode={self.mode})"

    __repr__ = __str__


class inference_mode(_Mode):
    """Like no_grad, and the tensors made inside can never take part in a recorded graph.

    A context manager, and a decorator with or without `mode`, a bool. A use of these tensors that
    would have to be recorded raises RuntimeError.

    >>> with torch.inference_mode():
    ...     y = torch.ones(2) * 2
    >>> y.is_inference()
    True
    """

    def __new__(cls, mode=True):
        self = super().__new__(cls)
        if isinstance(mode, bool):
            return self
        self.__init__()
        return self(mode)

    def __init__(self, mode=True):
        self.mode = mode if isinstance(mode, bool) else True

    def clone(self):
        return inference_mode(self.mode)

    def __enter__(self):
        self.previous = _C.is_grad_enabled(), _C.is_inference_mode_enabled()
        _C._set_inference(self.mode)
        if self.mode:
            _C._set_grad_enabled(False)

    def __exit__(self, *exc):
        _C._set_grad_enabled(self.previous[0])
        _C._set_inference(self.previous[1])
