"""Replays PyTorch's database of optimisers: parameters, losses and states after some steps, states
carried from one library to the other, and the errors of wrong arguments.
"""

import warnings

import from_torch
import pytest
import torch

import rushlight

common = pytest.importorskip("torch.testing._internal.common_optimizers")
STEPS = 6


def _class(info):
    return getattr(rushlight.optim, info.name)


def _model(lib, name):
    lib.manual_seed(5)
    nn = lib.nn
    if name == "Muon":  # takes matrices only
        return nn.Sequential(nn.Linear(4, 5, bias=False), nn.Tanh(), nn.Linear(5, 2, bias=False))
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))


def _options(lib, info, options):
    """A foreach, fused or capturable step is the plain one here, so PyTorch's plain one is run."""
    known = {key: from_torch.convert(value) for key, value in options.items()}
    if lib is rushlight:
        return known
    if info.name != "Adafactor":
        options = {**options, "capturable": False} if "capturable" in options else options
    return options


def _train(lib, info, options, state=None, model_state=None, steps=STEPS):
    cls = info.optim_cls if lib is torch else _class(info)
    model = _model(lib, info.name)
    if model_state is not None:
        model.load_state_dict(model_state)
    optimizer = cls(model.parameters(), **_options(lib, info, options))
    if state is not None:
        optimizer.load_state_dict(state)
    x, y = lib.randn(7, 4), lib.randn(7, 2)
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = lib.nn.functional.mse_loss(model(x), y)
        loss.backward()
        if info.only_supports_sparse_grads:
            for p in model.parameters():
                p.grad = p.grad.to_sparse()
        return loss

    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
    return losses, model.state_dict(), optimizer.state_dict()


CASES = [(info, item) for info in common.optim_db for item in info.optim_inputs_func(device="cpu")]


@pytest.mark.parametrize(
    ("info", "item"), CASES, ids=[f"{info.name}-{item.desc or 'plain'}" for info, item in CASES]
)
def test_steps(info, item, request):
    if info.only_supports_sparse_grads:
        request.applymarker(pytest.mark.xfail(reason="no sparse tensors", strict=True))
    warnings.simplefilter("ignore")
    # L-BFGS doubles a difference in the last digit every few of its evaluations.
    steps = 1 if info.name == "LBFGS" else STEPS
    theirs = _train(torch, info, dict(item.kwargs), steps=steps)
    mine = _train(rushlight, info, dict(item.kwargs), steps=steps)
    assert mine[0] == pytest.approx(theirs[0], rel=2e-4, abs=1e-5)
    from_torch.close(dict(mine[1]), dict(theirs[1]), 2e-4, 2e-5, "parameters")
    assert list(mine[2]["state"]) == list(theirs[2]["state"])
    if info.name != "LBFGS":
        from_torch.close(mine[2]["state"], theirs[2]["state"], 2e-3, 2e-5, "state")
    # Their state goes on here as it goes on there.
    state = [from_torch.convert(dict(part)) for part in theirs[1:]]
    mine = _train(rushlight, info, dict(item.kwargs), state[1], state[0], 3)
    theirs = _train(torch, info, dict(item.kwargs), theirs[2], theirs[1], 3)
    if info.name == "LBFGS":
        assert mine[0][0] == pytest.approx(theirs[0][0], rel=1e-3)
        return
    from_torch.close(dict(mine[1]), dict(theirs[1]), 5e-4, 5e-5, "parameters after loading")


def _same_objects(params):
    """Converted, one tensor staying one tensor: it may stand in two groups."""
    known = {}

    def one(x):
        if isinstance(x, torch.Tensor):
            if id(x) not in known:
                known[id(x)] = from_torch.convert(x)
                if x.grad is not None:
                    known[id(x)].grad = from_torch.convert(x.grad)
            return known[id(x)]
        if isinstance(x, (list, tuple)):
            return type(x)(map(one, x))
        return {key: one(value) for key, value in x.items()} if isinstance(x, dict) else x

    return one(params)


ERRORS = [
    (info, i, item)
    for info in common.optim_db
    for i, item in enumerate(info.optim_error_inputs_func(device="cpu", dtype=torch.float32))
]


@pytest.mark.parametrize(
    ("info", "i", "item"), ERRORS, ids=[f"{info.name}-{i}" for info, i, _ in ERRORS]
)
def test_errors(info, i, item, request):
    if info.only_supports_sparse_grads:
        request.applymarker(pytest.mark.xfail(reason="no SparseAdam: no sparse tensors"))
    warnings.simplefilter("ignore")
    got = []
    for lib in (torch, rushlight):
        cls = info.optim_cls if lib is torch else _class(info)
        params, options = item.optimizer_error_input.params, dict(item.optimizer_error_input.kwargs)
        if lib is rushlight:
            params, options = _same_objects(params), from_torch.convert(options)
        try:
            optimizer = cls(params, **options)
            if item.error_on == common.OptimizerErrorEnum.STEP_ERROR:
                optimizer.step()
            got.append(None)
        except Exception as error:  # noqa: BLE001 - compared
            text = str(error).split("\n")[0].replace("rushlight.", "torch.")
            got.append((type(error).__name__, text))
    assert got[1] == got[0]
