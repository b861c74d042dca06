"""Calling a module with other tensors in place of its own."""

import contextlib

__all__ = ["functional_call"]


def _places(module):
    """{full name: (owner, table, name)} of every parameter and buffer, tied ones each by name."""
    found = {}
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for table in (owner._parameters, owner._buffers):
            for name in table:
                found[f"{prefix}.{name}" if prefix else name] = (owner, table, name)
    return found


def _tied(places, given):
    """`given` with every other name of the same tensor added."""
    names = {}
    for full, (_, table, name) in places.items():
        if table[name] is not None:
            names.setdefault(id(table[name]), []).append(full)
    out = dict(given)
    for group in names.values():
        values = {id(given[n]): given[n] for n in group if n in given}
        if len(values) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(group)}, "
                "which are tied. Consider using tie_weights=False"
            )
        for value in values.values():
            out.update(dict.fromkeys(group, value))
    return out


@contextlib.contextmanager
def _swapped(module, given, tie_weights, strict):
    places = _places(module)
    if tie_weights:
        given = _tied(places, given)
    missing = [
        name
        for name in places
        if name not in given and places[name][1][places[name][2]] is not None
    ]
    unexpected = [name for name in given if name not in places]
    if strict and (missing or unexpected):
        text = f"Error(s) in reparametrizing for {type(module).__name__}:"
        if unexpected:
            text += "\n\tUnexpected key(s): " + ", ".join(map(repr, unexpected)) + "."
        if missing:
            text += "\n\tMissing key(s): " + ", ".join(map(repr, missing)) + "."
        raise RuntimeError(text)
    kept = {}
    try:
        for full, value in given.items():
            if full in places:
                owner, table, name = places[full]
                kept[full] = table[name]
                table[name] = value
        yield
    finally:
        for full, value in kept.items():
            owner, table, name = places[full]
            if name in table and table[name] is not given[full] and full in given:
                # A buffer that the call replaced: the caller's dict gets the new value.
                given[full] = table[name]
            table[name] = value


def _functional_call(module, given, args=None, kwargs=None, *, tie_weights=True, strict=False):
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _swapped(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def functional_call(
    module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False
):
    """The deprecated name of `torch.func.functional_call`."""
    import warnings

    warnings.warn(
        "This API is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use torch.func.functional_call instead "
        "which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )
