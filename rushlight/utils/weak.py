"""torch.utils.weak: dictionaries that hold their keys weakly and tell them apart by identity.

Tensors compare element by element, so weakref's own dictionaries would not do for them.
"""

import collections.abc
import weakref

__all__ = [
    "TensorWeakRef",
    "WeakIdKeyDictionary",
    "WeakIdRef",
    "WeakTensorKeyDictionary",
]


class WeakIdRef(weakref.ref):
    """A weak reference that equals another to the same object, whatever the object equals."""

    __slots__ = ("_id",)

    def __init__(self, key, callback=None):
        self._id = id(key)
        super().__init__(key, callback)

    def __call__(self):
        return super().__call__()

    def __hash__(self):
        return self._id

    def __eq__(self, other):
        a, b = self(), other()
        return a is b if a is not None and b is not None else self is other


class TensorWeakRef:
    """A weak reference to a tensor; called, it gives the tensor or None."""

    def __init__(self, tensor):
        import rushlight as torch

        if not isinstance(tensor, torch.Tensor):
            raise AssertionError(f"expected torch.Tensor, got {type(tensor)}")
        self.ref = weakref.ref(tensor)

    def __call__(self):
        return self.ref()


class WeakIdKeyDictionary(collections.abc.MutableMapping):
    """A dictionary by the identity of its keys; an entry goes when its key does.

    >>> import rushlight as torch
    >>> table, key = WeakIdKeyDictionary(), torch.ones(2)
    >>> table[key] = "ones"
    >>> table[key], torch.ones(2) in table
    ('ones', False)
    """

    def __init__(self, dict=None, ref_type=WeakIdRef):
        self.data, self.ref_type = {}, ref_type
        if dict is not None:
            self.update(dict)

    def __getitem__(self, key):
        return self.data[self.ref_type(key)]

    def __setitem__(self, key, value):
        data = weakref.ref(self)

        def forget(reference):
            table = data()
            if table is not None:
                table.data.pop(reference, None)

        self.data[self.ref_type(key, forget)] = value

    def __delitem__(self, key):
        del self.data[self.ref_type(key)]

    def __iter__(self):
        return iter([key for ref in list(self.data) if (key := ref()) is not None])

    def __len__(self):
        return len(self.data)

    def __contains__(self, key):
        try:
            return self.ref_type(key) in self.data
        except TypeError:
            return False

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}>"

    def keyrefs(self):
        """The weak references, as a list."""
        return list(self.data)

    def copy(self):
        """Another dictionary of the same entries."""
        return type(self)(self)

    __copy__ = copy

    def __deepcopy__(self, memo):
        from copy import deepcopy

        other = type(self)()
        for key, value in self.items():
            other[key] = deepcopy(value, memo)
        return other

    def __or__(self, other):
        result = self.copy()
        result.update(other)
        return result

    def __ior__(self, other):
        self.update(other)
        return self

    def __eq__(self, other):
        if not isinstance(other, collections.abc.Mapping):
            return NotImplemented
        return {id(k): v for k, v in self.items()} == {id(k): v for k, v in other.items()}


WeakTensorKeyDictionary = WeakIdKeyDictionary


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
