"""The engine and its Python face do what PyTorch's do: each snippet runs on both and is compared.

Not here: in-place writes and views (test_autograd_inplace.py), custom functions
(test_autograd_function.py), gradients of single operations.
"""

import threading

import pytest
from twin import error_of, table, twin

CASES, case = table()


def leaf(m, *values):
    return m.tensor(values or (1.0, 2.0, 3.0), requires_grad=True)


# ---- backward, grad ----


@case
def accumulates(m):
    x = leaf(m)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    return x.grad, first is x.grad, x.grad is x.grad


@case
def grad_starts_as_none_and_can_be_set(m):
    x = leaf(m)
    before = x.grad
    x.grad = m.ones(3)
    x.sum().backward()
    return (
        before,
        x.grad,
        error_of(lambda: setattr(x, "grad", m.ones(2))),
        error_of(lambda: setattr(x, "grad", 5)),
        error_of(lambda: setattr(x, "grad", m.ones(3, dtype=m.float64))),
        error_of(lambda: setattr(x, "grad", x)),
    )


@case
def grad_deleted(m):
    x = leaf(m)
    x.sum().backward()
    del x.grad
    return x.grad


@case
def vector_loss(m):
    return (leaf(m) * 2).backward()


@case
def vector_loss_with_gradient(m):
    x = leaf(m)
    (x * 2).backward(m.tensor([1.0, 10.0, 100.0]))
    return x.grad


@case
def gradient_of_wrong_shape(m):
    return (leaf(m) * 2).backward(m.ones(2))


@case
def gradient_of_wrong_type(m):
    return (leaf(m) * 2).backward([1.0, 2.0, 3.0])


@case
def gradient_number(m):
    return (leaf(m) * 2).sum().backward(1.0)


@case
def gradient_of_other_dtype(m):
    x = leaf(m)
    (x * 2).backward(m.ones(3, dtype=m.float64))
    return x.grad


@case
def no_grad_needed(m):
    return m.ones(3).sum().backward()


@case
def second_backward(m):
    y = (leaf(m) ** 2).sum()
    y.backward()
    y.backward()


@case
def second_backward_without_saved(m):
    x = leaf(m)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return x.grad


@case
def retain_graph(m):
    x = leaf(m)
    y = (x**2).sum()
    for _ in range(3):
        y.backward(retain_graph=True)
    return x.grad


@case
def shared_part_is_freed(m):
    x = leaf(m)
    h = x.exp()
    h.sum().backward()
    (h * 2).sum().backward()


@case
def third_order(m):
    x = leaf(m)
    y = (x**4).sum()
    results = []
    for _ in range(4):
        (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
        results.append(y.detach())
    return results


@case
def third_order_of_functions(m):
    x = leaf(m, 0.3, 0.7)
    y = (x.sin() * x.exp() + (x * x).tanh() / (1 + x)).sum()
    out = []
    for _ in range(3):
        (g,) = m.autograd.grad(y, x, create_graph=True)
        out.append(g.detach())
        y = g.sum()
    return out


@case
def create_graph_backward(m):
    x = leaf(m)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    flag = g.requires_grad
    x.grad = None
    g.sum().backward()
    return flag, x.grad


@case
def gradient_penalty(m):
    x, w = leaf(m), leaf(m, 0.5, -1.0, 2.0)
    y = (m.tanh(x * w) ** 2).sum()
    (g,) = m.autograd.grad(y, x, create_graph=True)
    ((g.norm() - 1) ** 2).backward()
    return x.grad, w.grad


@case
def grad_of_unused(m):
    x, z = leaf(m), leaf(m)
    y = (x * 2).sum()
    return (
        error_of(lambda: m.autograd.grad(y, [x, z], retain_graph=True)),
        m.autograd.grad(y, [x, z], allow_unused=True, retain_graph=True),
        m.autograd.grad(y, [x, z], materialize_grads=True),
    )


@case
def grad_materialize_and_not_allowed(m):
    x = leaf(m)
    return m.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True)


@case
def grad_of_constant_input(m):
    x = leaf(m)
    return m.autograd.grad(x.sum(), m.ones(3))


@case
def grad_of_constant_output(m):
    return m.autograd.grad(m.ones(3).sum(), leaf(m))


@case
def grad_leaves_alone(m):
    x = leaf(m)
    g = m.autograd.grad((x * x).sum(), x)
    return g, x.grad


@case
def grad_of_middle(m):
    x = leaf(m)
    h = x * 2
    y = (h * h).sum()
    return m.autograd.grad(y, [h, x])


@case
def grad_same_input_twice(m):
    x = leaf(m)
    return m.autograd.grad((x * x).sum(), [x, x])


@case
def grad_of_output_itself(m):
    x = leaf(m)
    y = (x * x).sum()
    return m.autograd.grad(y, [y, x])


@case
def grad_several_outputs(m):
    x = leaf(m)
    return m.autograd.grad([x.sum(), (x * x)], x, [None, m.ones(3) * 3])


@case
def grad_batched(m):
    x = leaf(m)
    return m.autograd.grad(x * x, x, m.eye(3), is_grads_batched=True)


@case
def grad_lengths_differ(m):
    x = leaf(m)
    return m.autograd.grad([x.sum(), x.sum()], x, [None])


@case
def backward_inputs(m):
    x, w = leaf(m), leaf(m)
    (x * w).sum().backward(inputs=[x])
    return x.grad, w.grad


@case
def backward_inputs_middle(m):
    x = leaf(m)
    h = x * 2
    h.retain_grad()
    (h * h).sum().backward(inputs=[h])
    return h.grad, x.grad


@case
def backward_inputs_empty(m):
    return leaf(m).sum().backward(inputs=[])


@case
def backward_several(m):
    x = leaf(m)
    m.autograd.backward([x.sum(), (x * x).sum()], [m.tensor(2.0), None])
    return x.grad


@case
def complex_without_gradient(m):
    x = m.tensor([1 + 2j, 3j], requires_grad=True)
    return (x * x).sum().backward()


@case
def complex_gradient(m):
    x = m.tensor([1 + 2j, 3j], requires_grad=True)
    (x * x).sum().abs().backward()
    return x.grad


@case
def real_through_complex(m):
    x = leaf(m)
    y = x * m.tensor([1j, 1 + 1j, 2.0])
    (y.abs() ** 2).sum().backward()
    return x.grad


@case
def integer_requires_grad(m):
    return m.tensor([1, 2], requires_grad=True)


@case
def requires_grad_of_non_leaf(m):
    y = leaf(m) * 2
    y.requires_grad = False


@case
def broadcast_and_cast(m):
    x, s = leaf(m), m.tensor(2.0, dtype=m.float64, requires_grad=True)
    h = m.ones(2, 1, 3, dtype=m.float16).requires_grad_()
    (x * s * h).sum().backward()
    return x.grad, s.grad, h.grad


@case
def zero_size(m):
    x = m.zeros(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    return x.grad


@case
def expanded_gradient_can_be_written(m):
    x = leaf(m)
    x.sum().backward()
    x.grad += 1
    x.grad[0] = 7
    return x.grad, x.grad.stride()


@case
def gradients_do_not_alias(m):
    x, y = leaf(m), leaf(m)
    (x + y).sum().backward()
    x.grad.zero_()
    g = m.ones(3)
    x.backward(g)
    x.grad.mul_(5)
    return y.grad, g


# ---- modes ----


@case
def no_grad_block(m):
    x = leaf(m)
    with m.no_grad():
        y = x * 2
        with m.enable_grad():
            z = x * 2
        inner = m.is_grad_enabled()
    return y, z, inner, m.is_grad_enabled()


@case
def modes_around_classes(m):
    """Deprecated: instances are made in the mode, their methods run outside of it."""
    import warnings

    class Made:
        def __init__(self):
            self.recorded = m.is_grad_enabled()

        def method(self):
            return m.is_grad_enabled()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = m.no_grad()(Made)()
    return made.recorded, made.method(), [w.category.__name__ for w in caught]


@case
def modes_as_decorators(m):
    x = leaf(m)

    @m.no_grad()
    def f():
        return x * 2

    @m.no_grad
    def g():
        return x * 3

    @m.enable_grad()
    def h():
        return x * 4

    @m.set_grad_enabled(False)
    def k():
        return x * 5

    @m.inference_mode()
    def i():
        return (x * 6).is_inference()

    with m.no_grad():
        r = h()
    return f(), g(), r, k(), i(), f.__name__, m.is_grad_enabled()


@case
def no_grad_generator(m):
    x = leaf(m)

    @m.no_grad()
    def gen():
        try:
            got = yield (x * 2).requires_grad
        except ValueError:
            got = "thrown"
        yield got, (x * 2).requires_grad

    g, h = gen(), gen()
    first = next(g)
    between = (x * 2).requires_grad
    next(h)
    return first, between, g.send("hello"), h.throw(ValueError()), m.is_grad_enabled()


@case
def set_grad_enabled(m):
    m.set_grad_enabled(False)
    off = m.is_grad_enabled()
    m.set_grad_enabled(True)
    with m.set_grad_enabled(False):
        inside = m.is_grad_enabled()
    return off, inside, m.is_grad_enabled()


@case
def mode_restored_after_error(m):
    try:
        with m.no_grad():
            raise ValueError
    except ValueError:
        pass
    return m.is_grad_enabled()


@case
def inference(m):
    x = leaf(m)
    with m.inference_mode():
        a = m.ones(3)
        b = x * 2
        v = x.view(3)
        flags = a.is_inference(), b.is_inference(), v.is_inference(), m.is_inference_mode_enabled()
        a.add_(1)
    with m.inference_mode(False):
        c = x * 2
    return (
        flags,
        c,
        error_of(lambda: a.add_(1)),
        error_of(lambda: (x * a).sum()),
        error_of(lambda: a.requires_grad_()),
        (b.clone() * x),
        b + 1,
        error_of(lambda: a._version),
    )


@case
def modes_are_per_thread(m):
    seen = []
    with m.no_grad():
        t = threading.Thread(target=lambda: seen.append(m.is_grad_enabled()))
        t.start()
        t.join()
    return seen


@case
def anomaly_nan(m):
    x = m.tensor([-1.0], requires_grad=True)
    with m.autograd.detect_anomaly():
        y = x.sqrt().sum()
        return y.backward()


@case
def anomaly_without_nan_check(m):
    x = m.tensor([-1.0], requires_grad=True)
    with m.autograd.set_detect_anomaly(True, check_nan=False):
        x.sqrt().sum().backward()
    return x.grad, m.is_anomaly_enabled()


@case
def anomaly_restored(m):
    with m.autograd.set_detect_anomaly(True):
        inside = m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()
    m.autograd.set_detect_anomaly(False)
    return inside, m.is_anomaly_enabled()


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    twin(CASES[name])
