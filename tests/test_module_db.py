"""Replays PyTorch's database of modules: initial values for a seed, repr, state, outputs and
gradients, in training and evaluation, against PyTorch itself.
"""

import copy
import os
import warnings

import from_torch
import pytest
import torch

import rushlight

common = pytest.importorskip("torch.testing._internal.common_modules")
# Of the inputs of one module, which has up to 857; set the variable to 1000 to run them all.
MOST = int(os.environ.get("RUSHLIGHT_MODULE_INPUTS", "12"))
REASONS = {}  # name: why it does not agree


def _class(info):
    path = info.module_cls.__module__.removeprefix("torch.").split(".")
    found = rushlight
    for part in [*path, info.module_cls.__name__]:
        found = getattr(found, part)
    return found


def _inputs(info, dtype, training):
    torch.manual_seed(1)
    return info.module_inputs_func(
        info, device="cpu", dtype=dtype, requires_grad=True, training=training
    )


def _made(lib, cls, constructor, convert):
    """The module, with the seed reset, so that initial values can be compared."""
    args, kwargs = convert(constructor.args), convert(constructor.kwargs)
    lib.manual_seed(2)
    return cls(*args, **kwargs)


def _run(lib, module, args, kwargs):
    """Outputs and all gradients; an error as its class and first line."""
    lib.manual_seed(3)
    try:
        out = module(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - compared
        return type(error).__name__ + ": " + str(error).split("\n")[0], None
    tensors = [x for x in from_torch.leaves(out) if x.requires_grad]
    if tensors:
        lib.manual_seed(4)
        total = sum((x * lib.rand(x.shape).to(x.dtype)).sum() for x in tensors)
        total.backward()
    inputs = [x.grad for x in from_torch.leaves([args, kwargs])]
    return out, [inputs, {name: p.grad for name, p in module.named_parameters()}]


def _as(dtype, x):
    """The same containers, their floating-point tensors as leaves of that dtype."""
    if isinstance(x, torch.Tensor):
        floating = x.is_floating_point()
        return x.detach().to(dtype).requires_grad_(x.requires_grad) if floating else x
    if isinstance(x, (list, tuple)):
        return type(x)(_as(dtype, item) for item in x)
    return {key: _as(dtype, v) for key, v in x.items()} if isinstance(x, dict) else x


def _compare(info, item, training, dtype, tolerance):
    warnings.simplefilter("ignore")
    theirs = _made(torch, info.module_cls, item.constructor_input, lambda x: x)
    mine = _made(rushlight, _class(info), item.constructor_input, from_torch.convert)
    theirs.to(dtype).train(training)
    mine.to(from_torch.convert(dtype)).train(training)
    assert repr(mine) == repr(theirs)
    lazy = any(isinstance(p, torch.nn.UninitializedParameter) for p in theirs.parameters())
    if not lazy:
        from_torch.close(dict(mine.state_dict()), dict(theirs.state_dict()), 0, 0, "state")
    if item.forward_input is None:
        return
    args, kwargs = from_torch.detached([item.forward_input.args, item.forward_input.kwargs])
    mine_result = _run(rushlight, mine, *from_torch.convert((args, kwargs)))
    their_result = _run(torch, theirs, args, kwargs)
    from_torch.close(mine_result[0], their_result[0], *tolerance, "output")
    try:
        from_torch.close(mine_result[1], their_result[1], *tolerance, "gradients")
    except AssertionError:  # PyTorch's own sums may be what is off: its float64 decides
        if dtype != torch.float32:
            raise
        theirs.zero_grad()
        exact = _run(torch, copy.deepcopy(theirs).double(), *_as(torch.float64, [args, kwargs]))
        from_torch.close(
            mine_result[1], _as(torch.float32, exact[1]), *tolerance, "exact gradients"
        )
    from_torch.close(dict(mine.state_dict()), dict(theirs.state_dict()), *tolerance, "state after")


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("info", common.module_db, ids=lambda info: info.name)
def test_module(info, dtype, training, request):
    if dtype not in info.dtypes:
        pytest.skip("PyTorch does not test this dtype")
    if info.name in REASONS:
        request.applymarker(pytest.mark.xfail(reason=REASONS[info.name]))
    tolerance = (1e-5, 2e-5) if dtype == torch.float32 else (1e-9, 1e-9)
    failures = []
    items = _inputs(info, dtype, training)
    items = items[:: -(-len(items) // MOST)]
    for i, item in enumerate(items):
        try:
            _compare(info, item, training, dtype, tolerance)
        except Exception as error:  # noqa: BLE001 - all are shown together
            text = f"{type(error).__name__}: {error}"
            failures.append(f"{i} {item.desc}: {text[:600]}")
    assert not failures, f"{len(failures)} of {len(items)}\n" + "\n".join(failures[:5])
