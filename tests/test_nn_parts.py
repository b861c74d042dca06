"""Small parts of torch.nn: gradients of convolutions, choice of attention, types, state dict keys."""

from importlib import import_module

import pytest
from twin import error_of, table, twin

CASES, case = table()


@case
def convolution_gradients(m):
    g = import_module(m.__name__ + ".nn.grad")
    found = []
    for dims, conv in ((1, m.conv1d), (2, m.conv2d), (3, m.conv3d)):
        x = m.randn(2, 4, *[5] * dims, dtype=m.float64)
        w = m.randn(6, 2, *[3] * dims, dtype=m.float64)
        options = dict(stride=2, padding=1, dilation=1, groups=2)
        y = m.randn(*conv(x, w, **options).shape, dtype=m.float64)
        by_x = getattr(g, f"conv{dims}d_input")(x.shape, w, y, **options)
        by_w = getattr(g, f"conv{dims}d_weight")(x, w.shape, y, **options)
        found += [by_x, by_w]
    return found


@case
def choice_of_attention(m):
    a = import_module(m.__name__ + ".nn.attention")
    kinds, cuda = a.SDPBackend, m.backends.cuda

    def inside(x):
        with a.sdpa_kernel(x):
            q = m.ones(1, 2, 4)
            m.nn.functional.scaled_dot_product_attention(q, q, q)
            return [cuda.flash_sdp_enabled(), cuda.math_sdp_enabled()]

    return [
        inside(kinds.MATH), inside([kinds.MATH, kinds.FLASH_ATTENTION]), cuda.flash_sdp_enabled(),
        error_of(inside, "x"), [int(k) for k in kinds.__members__.values()], repr(kinds.MATH),
    ]  # fmt: skip


@case
def prefixes(m):
    strip = import_module(m.__name__ + ".nn.modules.utils")
    net = m.nn.Sequential()
    net.module = m.nn.Sequential(m.nn.Linear(1, 1))
    state = net.state_dict()
    strip.consume_prefix_in_state_dict_if_present(state, "module.")
    return [list(state), dict(state._metadata)]


@case
def annotations(m):
    types = import_module(m.__name__ + ".nn.common_types")
    params = import_module(m.__name__ + ".optim.optimizer").ParamsT
    return [repr(getattr(types, n)) for n in ("_size_1_t", "_size_2_t", "_ratio_3_t")] + [
        len(params.__args__)
    ]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(CASES[name])


def test_collate_functions_by_name():
    import numpy
    import torch

    import rushlight

    for m in (torch, rushlight):
        c = import_module(m.__name__ + ".utils.data._utils.collate")
        arrays = [numpy.ones(2), numpy.zeros(2)]
        assert c.collate_numpy_array_fn(arrays, collate_fn_map=c.default_collate_fn_map).shape == (
            2,
            2,
        )
        assert c.collate_numpy_scalar_fn([numpy.float32(1), numpy.float32(2)]).dtype is m.float32
        assert c.collate_float_fn([1.0]).dtype is m.float64
        assert c.collate_int_fn([1, 2]).tolist() == [1, 2] and c.collate_str_fn(["a"]) == ["a"]
        assert c.collate_tensor_fn([m.ones(2)]).shape == (1, 2)


def test_apply_permutation():
    import rushlight

    rnn = import_module("rushlight.nn.modules.rnn")
    with pytest.warns(FutureWarning, match="index_select"):
        moved = rnn.apply_permutation(rushlight.eye(2), rushlight.tensor([1, 0]))
    assert moved.tolist() == [[0.0, 1.0], [1.0, 0.0]]
