"""In-place writes, views, version counters, detach and .data do what PyTorch's do.

Not here: which operations have in-place forms (that is the table's), custom functions that write.
"""

import pytest
from twin import error_of, table, twin

CASES, case = table()


def leaf(m, *values):
    return m.tensor(values or (1.0, 2.0, 3.0), requires_grad=True)


def matrix(m):
    return m.arange(6.0).view(2, 3).requires_grad_()


def grads(y, *leaves):
    y.sum().backward()
    return [x.grad for x in leaves]


# ---- what may be written ----


@case
def leaf_written(m):
    return leaf(m).add_(1)


@case
def leaf_written_by_operator(m):
    x = leaf(m)
    x += 1


@case
def leaf_assigned(m):
    x = leaf(m)
    x[0] = 1


@case
def leaf_filled(m):
    return [
        error_of(f)
        for f in (
            leaf(m).zero_,
            lambda: leaf(m).fill_(2),
            lambda: leaf(m).copy_(m.ones(3)),
            lambda: leaf(m).normal_(),
        )
    ]


@case
def view_of_leaf_written(m):
    return leaf(m)[1:].mul_(2)


@case
def view_of_leaf_assigned(m):
    matrix(m)[0][1] = 5


@case
def leaf_written_without_grad(m):
    x = leaf(m)
    with m.no_grad():
        x.add_(1)
        x[0] = 7
    x.data.mul_(2)
    x.detach()[1] = 0
    return x, x._version


@case
def no_grad_view_written(m):
    x = leaf(m)
    y = x * 1
    with m.no_grad():
        v, w = y[1:], x[1:]
        v.add_(1)
    return error_of(lambda: v.mul_(2)), error_of(lambda: w.mul_(2)), y


@case
def inference_view_written(m):
    y = leaf(m) * 1
    with m.inference_mode():
        v = y[1:]
    return error_of(lambda: v.mul_(2)), v.is_inference()


@case
def outputs_of_unbind(m):
    y = matrix(m) * 1
    return [
        error_of(lambda: y.unbind(0)[0].mul_(2)),
        error_of(lambda: y.split(1)[1].mul_(2)),
        error_of(lambda: y.chunk(2)[1].add_(1)),
        error_of(lambda: [r.mul_(2) for r in y]),
    ]


@case
def expanded_filled(m):
    x = m.ones(2, 3)
    rows = x[:, :1].expand(2, 4)
    before = x._version
    return rows.fill_(5), rows.zero_(), rows.fill_(m.tensor(2.0)), x, x._version - before


@case
def expanded_written(m):
    x = m.ones(1).expand(3)
    return (
        error_of(lambda: x.add_(1)),
        error_of(lambda: x.__setitem__(0, 1)),
        error_of(lambda: x.copy_(m.ones(3))),
    )


@case
def overlapping_written(m):
    x = m.arange(5.0)
    x[1:].copy_(x[:-1])
    y = m.arange(5.0)
    y[1:].add_(y[:-1])
    z = m.arange(6.0).view(2, 3)
    z.copy_(z.flip(1))
    return x, y, z


@case
def self_operand(m):
    x = leaf(m)
    y = x * 1
    y.mul_(y)
    y += y
    return [y] + grads(y, x)


# ---- history ----


@case
def base_then_view(m):
    x = leaf(m)
    y = x * 2
    v = y[1:]
    y.mul_(3)
    return [v, v.grad_fn is not None] + grads(v * 5, x)


@case
def view_then_base(m):
    x = leaf(m)
    y = x * 2
    v = y[1:]
    v.mul_(3)
    return [v, y] + grads(y, x)


@case
def view_of_view(m):
    x = matrix(m)
    y = x * 1
    v = y.t()[1:]
    w = v[0]
    w.mul_(10)
    v.add_(1)
    return [y, v, w] + grads(y * y, x)


@case
def several_views(m):
    x = matrix(m)
    y = x * 1
    a, b, c = y[0], y[:, 1], y.view(-1)[::2]
    a.mul_(2)
    b.add_(3)
    c.exp_()
    a.neg_()
    return [y, a, b, c] + grads(y * 2 + a.sum() + b.sum() * c.sum(), x)


@case
def view_of_constant_gets_gradient(m):
    x = leaf(m)
    base = m.zeros(2, 3)
    base[0] = x
    base[1].copy_(x * 2)
    v = base[1]
    return [base, v, base.is_leaf] + grads(base * base, x)


@case
def view_made_before_base_needs_grad(m):
    x = leaf(m)
    base = m.zeros(2, 3)
    early = base[1]
    base.mul_(x)
    base.add_(x)
    return [early] + grads(early, x)


@case
def write_through_sibling(m):
    x = leaf(m)
    base = m.zeros(3)
    a, b = base[:2], base[1:]
    a.add_(x[:2])
    return [b, base] + grads(b * 3, x)


@case
def diagonal_and_strided(m):
    x = leaf(m)
    base = m.zeros(3, 3)
    base.diagonal().add_(x)
    base.as_strided((2,), (4,), 0).mul_(5)
    base.unfold(0, 2, 1)[0].mul_(2)
    return [base] + grads(base, x)


@case
def transposed_base(m):
    x = matrix(m)
    y = (x * 1).t().contiguous().t()
    y[1].mul_(3)
    return [y] + grads(y * y, x)


@case
def not_contiguous_base(m):
    x = m.arange(12.0).view(3, 4).requires_grad_()
    y = (x * 1)[:, ::2]
    y[1:, 0].mul_(x[0, :2])
    return [y] + grads(y * y, x)


@case
def assigned_slices(m):
    x, v = matrix(m), leaf(m, 10.0, 20.0)
    y = x * 1
    y[0, :2] = v
    y[:, 2] = 7
    y[1] = y[0] * 2
    return [y] + grads(y * y, x, v)


@case
def assigned_by_mask(m):
    x, v = matrix(m), leaf(m, 10.0)
    y = x * 1
    y[y > 3] = v
    y[m.tensor([0, 0]), m.tensor([1, 2])] = v * 2
    return [y] + grads(y * y, x, v)


@case
def assigned_broadcast(m):
    x, v = matrix(m), leaf(m, 1.0, 2.0, 3.0)
    y = x * 1
    y[:] = v
    return [y] + grads(y * y, x, v)


@case
def in_place_promotes_requires_grad(m):
    y = m.ones(3)
    y.mul_(leaf(m))
    return y, y.requires_grad, y.is_leaf, y._version


@case
def in_place_keeps_identity(m):
    y = leaf(m) * 1
    z = y
    z += 1
    return y is z, y.add_(1) is y


@case
def cloned_then_written(m):
    x = leaf(m)
    y = x.clone()
    y[0] = 0
    return grads(y * y, x)


@case
def double_backward_through_writes(m):
    x = leaf(m)
    y = x * x
    y[1:].mul_(x[1:])
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    return g.detach(), m.autograd.grad(g.sum(), x)


@case
def hook_and_write(m):
    x, log = leaf(m), []
    y = x * 2
    y.register_hook(lambda g: log.append(("before", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: log.append(("after", g.tolist())))
    y.sum().backward()
    return log, x.grad


@case
def retain_grad_and_write(m):
    x = leaf(m)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    return y.grad, x.grad


@case
def write_after_backward(m):
    x = leaf(m)
    y = x * 2
    y.sum().backward()
    y.add_(1)
    return y


@case
def dtype_too_small(m):
    return [
        error_of(lambda: m.ones(2, dtype=m.int64).add_(1.5)),
        error_of(lambda: m.ones(2, dtype=m.int64).mul_(m.ones(2))),
        error_of(lambda: m.ones(2).add_(1j)),
        error_of(lambda: m.ones(2, dtype=m.bool).add_(5)),
        error_of(lambda: m.ones(2, dtype=m.int32).div_(2)),
    ]


@case
def shape_too_small(m):
    return [
        error_of(lambda: m.ones(2).add_(m.ones(3, 2))),
        error_of(lambda: m.ones(2, 1).mul_(m.ones(3))),
        error_of(lambda: m.ones(2).copy_(m.ones(3))),
        error_of(lambda: m.ones(3).__setitem__(slice(0, 2), m.ones(3))),
    ]


# ---- saved tensors and versions ----


@case
def versions(m):
    x = m.zeros(3)
    seen = [x._version]
    v = x[1:]
    for write in (
        lambda: x.add_(1),
        lambda: v.mul_(2),
        lambda: x.__setitem__(0, 1),
        lambda: x.data.add_(1),
        lambda: x.detach().add_(1),
        lambda: m.add(x, 1, out=x),
        lambda: x.copy_(m.ones(3)),
        lambda: x.zero_(),
        lambda: x.uniform_(),
    ):
        write()
        seen.append((x._version, v._version))
    return seen


@case
def saved_input_written(m):
    x, w = leaf(m), m.ones(3)
    y = x * w
    w.add_(1)
    return y.sum().backward()


@case
def saved_output_written(m):
    y = leaf(m).exp()
    y.add_(1)
    return y.sum().backward()


@case
def saved_through_view(m):
    x = leaf(m)
    h = x * 1
    y = h * h
    h[0].mul_(2)
    return y.sum().backward()


@case
def saved_written_through_detach(m):
    x, w = leaf(m), m.ones(3)
    y = x * w
    w.detach().add_(1)
    return y.sum().backward()


@case
def saved_written_through_data(m):
    x, w = leaf(m), m.ones(3)
    y = x * w
    w.data.add_(1)
    y.sum().backward()
    return x.grad


@case
def saved_written_under_no_grad(m):
    x = leaf(m)
    y = x * x
    with m.no_grad():
        x.add_(1)
    return y.sum().backward()


@case
def saved_written_by_optimizer(m):
    layer = m.nn.Linear(2, 2)
    second = m.nn.Linear(2, 1)
    optimizer = m.optim.SGD([*layer.parameters(), *second.parameters()], lr=0.1)
    loss = second(layer(m.ones(1, 2))).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    return error_of(loss.backward).partition("[torch")[0]


@case
def not_needed_so_not_checked(m):
    x = leaf(m)
    y = x + 1
    z = y * 2
    y.add_(5)
    z.sum().backward()
    return x.grad


@case
def relu_in_place(m):
    x = leaf(m, -1.0, 2.0)
    y = m.nn.functional.relu(x * 1, inplace=True)
    return [y] + grads(y, x)


@case
def relu_after_written(m):
    y = m.relu(leaf(m))
    y.mul_(2)
    return y.sum().backward()


@case
def linear_input_written(m):
    layer, x = m.nn.Linear(3, 2), m.ones(1, 3)
    y = layer(x)
    x.zero_()
    return y.sum().backward()


# ---- detach and .data ----


@case
def detached(m):
    x = leaf(m)
    y = x * 2
    d = y.detach()
    d[0] = 50
    return d, y, d.data_ptr() == y.data_ptr(), d.is_leaf, d._base is None, y.data._version


@case
def detach_in_place(m):
    x = leaf(m)
    y = x * 2
    r = y.detach_()
    return r is y, y, y.is_leaf, error_of(lambda: (x * 2)[1:].detach_())


@case
def data_assigned(m):
    x = leaf(m)
    x.data = m.zeros(2, 2)
    return (
        x,
        x.is_leaf,
        error_of(lambda: setattr(x, "data", 5)),
        error_of(lambda: setattr(x, "data", m.tensor([1, 2]))),
    )


@case
def data_assigned_other_dtype(m):
    x = m.ones(2)
    x.data = m.tensor([1, 2, 3])
    return x


@case
def data_assigned_after_use(m):
    x = leaf(m)
    y = (x * x).sum()
    x.data = m.ones(3) * 10
    y.backward()
    return x.grad


@case
def requires_grad_flags(m):
    x = m.ones(2)
    seen = [
        x.requires_grad,
        x.requires_grad_().requires_grad,
        x.requires_grad_(False).requires_grad,
    ]
    y = leaf(m) * 1
    return (
        seen,
        error_of(lambda: y.requires_grad_(False)),
        y.requires_grad_() is y,
        error_of(lambda: m.ones(2, dtype=m.int64).requires_grad_()),
        error_of(lambda: setattr(x, "requires_grad", 5)),
    )


@case
def views_know_their_base(m):
    x = matrix(m)
    v = x.t()[1:]
    return v._base is x, v._is_view(), x._is_view(), x.detach()._is_view(), (x + 1)._base


@case
def reshape_may_be_a_view(m):
    x = matrix(m) * 1
    a, b = x.reshape(6), x.t().reshape(6)
    a.add_(100)
    return x, b, a._is_view(), b._is_view()


@case
def set_storage(m):
    x = m.arange(6.0)
    y = m.zeros(0)
    y.set_(x.untyped_storage(), 1, (2, 2), (2, 1))
    y[0, 0] = 50
    return x, y


@case
def resized(m):
    x = m.arange(6.0)
    x.resize_(2, 2)
    y = m.zeros(2)
    y.resize_(5)[2:] = 1
    return (
        x,
        y,
        error_of(lambda: leaf(m).resize_(5)),
        error_of(lambda: m.zeros(2).resize_(2, -1)).split(":")[0],
    )


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    twin(CASES[name])
