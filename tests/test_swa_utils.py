"""Weight averaging against PyTorch's."""

import pytest
import torch as oracle

import rushlight

BOTH = (rushlight, oracle)


def model_of(lib):
    return lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3), lib.nn.Linear(3, 1))


def set_weights(lib, model, scale):
    with lib.no_grad():
        for i, p in enumerate(model.parameters()):
            values = lib.arange(p.numel(), dtype=lib.float32).reshape(p.shape)
            p.copy_(scale * (values + i) / 7)


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("name", [None, "get_swa_avg_fn", "get_ema_avg_fn", "get_swa_multi_avg_fn",
                                  "get_ema_multi_avg_fn"])  # fmt: skip
def test_averaged_model(name, use_buffers):
    def run(lib):
        utils = lib.optim.swa_utils
        options = {"use_buffers": use_buffers}
        if name:
            kind = "multi_avg_fn" if "multi" in name else "avg_fn"
            function = getattr(utils, name)
            options[kind] = function(0.9) if "ema" in name else function()
        model = model_of(lib)
        average = utils.AveragedModel(model, **options)
        for step in range(4):
            set_weights(lib, model, 1.0 + step)
            model(lib.arange(8, dtype=lib.float32).reshape(4, 2) * (step + 1))
            average.update_parameters(model)
        state = {key: value.tolist() for key, value in average.state_dict().items()}
        return state, [module.shape for module in average.parameters()]

    (ours, _) = run(rushlight)
    try:
        (theirs, _) = run(oracle)
    except RuntimeError:
        pytest.skip("PyTorch cannot average integers with this function")
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        for a, b in zip(flat(ours[key]), flat(value), strict=True):
            assert a == pytest.approx(b, rel=1e-6), key


def flat(x):
    return [y for z in x for y in flat(z)] if isinstance(x, list) else [x]


def test_update_bn():
    def run(lib):
        model = model_of(lib)
        set_weights(lib, model, 1.0)
        model.eval()
        batches = [[lib.arange(8, dtype=lib.float32).reshape(4, 2) * k, 0] for k in (1, 2, 3)]
        lib.optim.swa_utils.update_bn(batches, model)
        bn = model[1]
        state = bn.running_mean.tolist() + bn.running_var.tolist()
        return state, [model.training, bn.momentum, bn.num_batches_tracked.item()]

    (ours, rest), (theirs, others) = run(rushlight), run(oracle)
    assert ours == pytest.approx(theirs, rel=1e-5) and rest == others


def test_mistakes():
    for lib in BOTH:
        utils = lib.optim.swa_utils
        with pytest.raises(ValueError, match=r"Invalid decay value 2 provided\. Please provide"):
            utils.get_ema_avg_fn(2)
        with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
            utils.AveragedModel(model_of(lib), avg_fn=max, multi_avg_fn=max)
