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
