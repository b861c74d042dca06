"""PyTorch's objects as rushlight's: tensors with their strides, modules by name, containers, dtypes.

What is compared lies in the tests; here is only the translation of inputs, and `close`.
"""

import functools

import torch

import rushlight


def tensor(x):
    """The same elements with the same strides; a leaf that requires grad if `x` does."""
    x0 = x.detach()
    if x0.layout != torch.strided or x0.device.type != "cpu":
        raise NotImplementedError(f"{x0.layout} on {x0.device}")
    n = 1 + sum((s - 1) * st for s, st in zip(x0.shape, x0.stride(), strict=True))
    flat = x0.resolve_conj().resolve_neg()
    flat = torch.as_strided(flat, (n if x0.numel() else 0,), (1,), x0.storage_offset()).contiguous()
    size, stride = tuple(x0.shape), x0.stride()
    if not x0.numel():
        out = rushlight.empty(size, dtype=getattr(rushlight, str(x0.dtype)[6:]))
    else:
        raw = bytes(flat.view(torch.uint8).untyped_storage())[: n * x0.itemsize]
        storage = rushlight.UntypedStorage(len(raw))
        memoryview(storage).cast("B")[:] = raw
        dtype = getattr(rushlight, str(x0.dtype)[6:])
        out = rushlight._C._tensor_from_storage(storage, dtype, 0, size, stride)
    if isinstance(x, torch.nn.Parameter):
        return rushlight.nn.Parameter(out, x.requires_grad)
    return out.requires_grad_(x.requires_grad)


def convert(x):
    """Anything that appears among the inputs of PyTorch's own test databases."""
    if isinstance(x, torch.Tensor):
        return tensor(x)
    if isinstance(x, torch.dtype):
        return getattr(rushlight, str(x)[6:])
    if isinstance(x, torch.device):
        return rushlight.device(str(x))
    if isinstance(x, torch.Size):
        return rushlight.Size(x)
    if isinstance(x, torch.nn.Module):
        return module(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(convert, x))
    if isinstance(x, (list, tuple)):
        return type(x)(map(convert, x))
    if isinstance(x, dict):
        return {key: convert(value) for key, value in x.items()}
    if isinstance(x, functools.partial):
        return functools.partial(convert(x.func), *convert(x.args), **convert(x.keywords))
    if callable(x) and getattr(x, "__module__", "").startswith("torch"):
        found = rushlight
        for part in [*x.__module__.split(".")[1:], *x.__qualname__.split(".")]:
            found = getattr(found, part)
        return found
    return x


def module(x):
    """A module among constructor arguments: PyTorch's database has only this one class."""
    if not isinstance(x, torch.nn.TransformerEncoderLayer):
        raise NotImplementedError(type(x).__name__)
    mine = rushlight.nn.TransformerEncoderLayer(
        x.self_attn.embed_dim,
        x.self_attn.num_heads,
        x.linear1.out_features,
        x.dropout.p,
        convert(x.activation),
        x.norm1.eps,
        x.self_attn.batch_first,
        x.norm_first,
        x.linear1.bias is not None,
    )
    mine.to(convert(x.linear1.weight.dtype))
    mine.load_state_dict(convert(dict(x.state_dict())))
    return mine


def close(mine, theirs, rtol=1.3e-6, atol=1e-5, where="output"):
    """Same structure, dtypes, shapes and, within tolerance, values; NaN equals NaN."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(mine, rushlight.Tensor), (where, type(mine))
        assert str(mine.dtype)[-8:] == str(theirs.dtype)[-8:], (where, mine.dtype, theirs.dtype)
        assert tuple(mine.shape) == tuple(theirs.shape), (where, mine.shape, theirs.shape)
        wide = "complex128" if theirs.is_complex() else "float64"
        a = torch.from_numpy(mine.detach().to(getattr(rushlight, wide)).numpy())
        b = theirs.detach().to(getattr(torch, wide))
        torch.testing.assert_close(
            a, b, rtol=rtol, atol=atol, equal_nan=True, msg=lambda text: f"{where}: {text}"
        )
    elif isinstance(theirs, (list, tuple)):
        assert len(mine) == len(theirs), where
        for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            close(a, b, rtol, atol, f"{where}[{i}]")
    elif isinstance(theirs, dict):
        assert list(mine) == list(theirs), (where, list(mine), list(theirs))
        for key, b in theirs.items():
            close(mine[key], b, rtol, atol, f"{where}[{key!r}]")
    else:
        assert repr(mine).replace("rushlight.", "torch.") == repr(theirs), where


def detached(x):
    """The same tensors of PyTorch's as leaves, so that both sides have gradients at one place."""
    if isinstance(x, torch.Tensor):
        return x.detach().requires_grad_(x.requires_grad)
    if isinstance(x, (list, tuple)):
        return type(x)(map(detached, x))
    return {key: detached(value) for key, value in x.items()} if isinstance(x, dict) else x


def leaves(x):
    """The tensors inside containers, in order."""
    if isinstance(x, (torch.Tensor, rushlight.Tensor)):
        return [x]
    if isinstance(x, dict):
        x = x.values()
    elif not isinstance(x, (list, tuple)):
        return []
    return [leaf for item in x for leaf in leaves(item)]
