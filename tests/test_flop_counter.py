"""torch.utils.flop_counter counts what PyTorch's counts, and attention, which PyTorch's does not count
on the CPU."""

from importlib import import_module

import pytest
from twin import table, twin

import rushlight

CASES, case = table()


def counted(m, *functions, **options):
    counter = import_module(f"{m.__name__}.utils.flop_counter").FlopCounterMode(
        display=False, **options
    )
    found = []
    for function in functions:
        with counter:
            function()
        counts = counter.get_flop_counts()
        found.append([counter.get_total_flops(), {k: named(v) for k, v in sorted(counts.items())}])
    return found


def named(counts):
    return {str(op): n for op, n in counts.items()}


@case
def products(m):
    x, y = m.ones(4, 6, requires_grad=True), m.ones(2, 4, 6)
    w, b = m.ones(6, 5, requires_grad=True), m.ones(2, 6, 3, requires_grad=True)
    return counted(
        m,
        lambda: (x @ w).sum().backward(),
        lambda: m.mm(x, w),
        lambda: x.detach().matmul(w).sum().backward(),
        lambda: m.bmm(y, b).sum().backward(),
        lambda: (y @ w, y @ b, m.ones(3, 2, 4, 6) @ b, x @ m.ones(6), m.ones(4) @ x),
        lambda: m.addmm(m.ones(5), x, w).sum().backward(),
        lambda: m.baddbmm(m.ones(1), y, b).sum().backward(),
        lambda: (m.inner(x, x), m.tensordot(x, w, 1), m.outer(m.ones(3), m.ones(4))),
    )


@case
def einsum_again_and_again(m):
    x, y = m.ones(2, 4, 6), m.ones(2, 6, 3, requires_grad=True)
    return counted(m, *[lambda: m.einsum("bij,bjk->bik", x, y).sum().backward()] * 3)


@case
def layers(m):
    nn, x = m.nn, m.ones(2, 3, 10, requires_grad=True)
    image, volume = m.ones(2, 4, 6, 6, requires_grad=True), m.ones(1, 2, 5, 5, 5)
    convolutions = [
        (nn.Conv1d(3, 4, 3, stride=2, padding=1), x),
        (nn.Conv2d(4, 8, 3, groups=2), image),
        (nn.Conv2d(4, 2, 3, bias=False), m.ones(4, 6, 6)),
        (nn.ConvTranspose2d(4, 3, 3, stride=2), image),
        (nn.Conv3d(2, 2, 3), volume),
    ]
    linear = [(nn.Linear(10, 2), x), (nn.Linear(10, 2, bias=False), x), (nn.Linear(3, 2), x.mT)]
    recurrent = [(nn.RNNCell(10, 3), x[0]), (nn.GRU(10, 3), x)]
    functions = [
        lambda net=net, x=x: net(x)[0].sum().backward(retain_graph=True)
        for net, x in convolutions + linear + recurrent
    ]
    return counted(m, *functions)


@case
def modules_by_name(m):
    class Net(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = m.nn.Sequential(m.nn.Conv2d(1, 2, 3), m.nn.ReLU(), m.nn.Flatten())
            self.head = m.nn.Linear(8, 3)

        def forward(self, x):
            return self.head(self.body(x)) @ m.ones(3, 2)

    net = Net()
    return counted(m, lambda: net(m.ones(2, 1, 4, 4)).sum().backward())


@case
def formulas_of_ones_own(m):
    def formula(a_shape, b_shape, out_shape=None):
        return [2, 3] == [*a_shape] and 1000

    mapping = {m.ops.aten.mul: formula}
    return counted(m, lambda: m.ones(2, 3) * m.ones(2, 3), custom_mapping=mapping)


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])


def test_attention():
    q = rushlight.ones(2, 3, 8, 4, requires_grad=True)
    attention = rushlight.nn.functional.scaled_dot_product_attention
    [[total, counts]] = counted(rushlight, lambda: attention(q, q, q).sum().backward())
    forward = 2 * 2 * (2 * 3 * 8 * 8 * 4)
    assert total == forward + forward * 5 // 2 and len(counts["Global"]) == 2


def test_table(capsys):
    counter = rushlight.utils.flop_counter.FlopCounterMode(depth=None)
    net = rushlight.nn.Sequential(rushlight.nn.Linear(10, 50), rushlight.nn.Linear(50, 10))
    with counter:
        net(rushlight.ones(100, 10))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Module", "FLOP", "%", "Total"] and set(lines[1]) == {"-", " "}
    assert lines[2].split() == ["Sequential", "200.000K", "100.00%"]
    assert lines[4].split() == ["Sequential.0", "100.000K", "50.00%"] and len(lines) == 8
    with rushlight.no_grad():
        net(rushlight.ones(1, 10))
    assert counter.get_total_flops() == 200_000


def test_modules_and_modes_after_an_error():
    counter = rushlight.utils.flop_counter.FlopCounterMode(display=False)
    net = rushlight.nn.Sequential(rushlight.nn.Linear(2, 2))
    with pytest.raises(RuntimeError):
        with counter:
            net(rushlight.ones(1, 3))
    assert counted(rushlight, lambda: rushlight.ones(2, 2) @ rushlight.ones(2, 2)) == [
        [16, {"Global": {"aten.mm": 16}}]
    ]
