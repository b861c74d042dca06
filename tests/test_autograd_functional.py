"""torch.autograd.functional and torch.func: each snippet is run with both libraries."""

import pytest
from twin import error_of, table, twin

import rushlight

CASES, case = table()


def values(x):
    """Tensors as data: how far a result has a history, not by which node."""
    if isinstance(x, (tuple, list)):
        return [values(v) for v in x]
    if not hasattr(x, "detach"):
        return x
    return [str(x.dtype), list(x.shape), x.requires_grad, x.detach()]


def without_flags(found):
    """PyTorch does not cut the history off where it computes all rows at once."""
    if isinstance(found, list):
        tensor = len(found) == 4 and isinstance(found[2], bool)
        return found[3].tolist() if tensor else [without_flags(f) for f in found]
    return found


FUNCTIONS = {
    "square": (lambda m, x: x**2, [(3,)]),
    "one number": (lambda m, x: (x**3).sum(), [(2, 2)]),
    "product": (lambda m, x, y: (x * y.sin()).sum(), [(3,), (3,)]),
    "two out": (lambda m, x: (x.exp(), x.sum()), [(3,)]),
    "two in two out": (lambda m, x, y: (x * y, y.sum()), [(2,), (2,)]),
    "unused": (lambda m, x, y: x * 2, [(2,), (3,)]),
    "constant": (lambda m, x: m.ones(2), [(3,)]),
    "linear": (lambda m, x: (2 * x).sum(), [(3,)]),
    "quadratic": (lambda m, x: (x * x).sum(), [(3,)]),
    "matrix": (lambda m, x: x @ x.T, [(2, 3)]),
    "one": (lambda m, x: x.exp(), [(1,)]),
    "cubic of two": (lambda m, x, y: (x**3 * y**3).sum(), [(2,), (2,)]),
    "empty": (lambda m, x: x[:0], [(2,)]),
    "no tensor": (lambda m, x: 3, [(2,)]),
}
OPTIONS = [
    {}, {"create_graph": True}, {"strict": True}, {"create_graph": True, "strict": True},
]  # fmt: skip
NAMES = ("jacobian", "hessian", "vjp", "jvp", "vhp", "hvp")


def run(m, name, function, shapes, options, **more):
    function_m = lambda *xs: function(m, *xs)  # noqa: E731
    m.manual_seed(0)
    xs = tuple(m.randn(s, dtype=m.float64) for s in shapes)
    f = getattr(m.autograd.functional, name)
    found = []
    for needs in (False, True):
        inputs = tuple(x.clone().requires_grad_(needs) for x in xs)
        inputs = inputs if len(inputs) > 1 else inputs[0]
        args = [function_m, inputs]
        if name not in ("jacobian", "hessian"):
            like = xs
            if name == "vjp":
                out = function_m(*xs)
                like = out if isinstance(out, tuple) else (out,)
            v = tuple(m.ones_like(t) * 0.5 if hasattr(t, "dtype") else m.ones(1) for t in like)
            args.append(v if len(v) > 1 else v[0])
        result = []
        message = error_of(lambda a=args, r=result: r.append(f(*a, **options, **more)))
        found.append([message, values(result)])
    return found


for _name in NAMES:
    for _key, (_function, _shapes) in FUNCTIONS.items():
        for _i, _options in enumerate(OPTIONS):
            if (_name, _key) == ("jacobian", "empty"):
                continue  # PyTorch cannot stack no rows; here the Jacobian is empty
            CASES[f"{_name}-{_key}-{_i}"] = lambda m, a=(_name, _function, _shapes, _options): run(
                m, *a
            )


@case
def vectorised(m):
    f, g = FUNCTIONS["matrix"][0], FUNCTIONS["product"][0]
    found = run(m, "jacobian", f, [(2, 3)], {}, vectorize=True)
    found += run(m, "jacobian", f, [(2, 3)], {}, vectorize=True, strategy="forward-mode")
    found += run(m, "hessian", g, [(3,), (3,)], {}, vectorize=True)
    found += run(
        m, "hessian", g, [(3,), (3,)], {}, vectorize=True, outer_jacobian_strategy="forward-mode"
    )
    return without_flags(found)


@case
def options_that_exclude_each_other(m):
    f, x = m.autograd.functional, m.ones(2)
    double = lambda x: x * 2  # noqa: E731
    tries = [
        dict(strategy="sideways"), dict(strategy="forward-mode"),
        dict(strategy="forward-mode", create_graph=True, vectorize=True),
        dict(strategy="forward-mode", strict=True, vectorize=True),
        dict(strict=True, vectorize=True),
    ]  # fmt: skip
    found = [error_of(lambda t=t: f.jacobian(double, x, **t)) for t in tries]
    found.append(error_of(lambda: f.hessian(double, x, outer_jacobian_strategy="sideways")))
    return found


@case
def mistakes(m):
    f, x = m.autograd.functional, m.ones(2)
    double, total = lambda x: x * 2, lambda x: x.sum()
    pair = lambda x, y: (x * y).sum()  # noqa: E731
    found = []
    for name in ("vjp", "jvp", "vhp", "hvp"):
        g = getattr(f, name)
        inner = double if name in ("vjp", "jvp") else total
        found += [
            error_of(g, inner, x), error_of(g, inner, x, m.ones(3)), error_of(g, inner, [x]),
            error_of(g, inner, x, (m.ones(2), m.ones(2))), error_of(g, inner, (x, 3)),
            error_of(g, pair, (x, x), (m.ones(2),)), error_of(g, inner, x, 3),
            error_of(g, pair, (x, x), (m.ones(2), m.ones(3))),
            error_of(g, lambda x: x * 2, x, x), error_of(g, lambda x: (x.sum(), x), x, x),
        ]  # fmt: skip
    found += [error_of(f.hessian, double, x), error_of(f.hessian, lambda x: (x, x), x)]
    return [*found, error_of(f.jacobian, double, [x]), error_of(f.jacobian, lambda x: [x], x)]


@case
def of_one_number(m):
    f, x = m.autograd.functional, m.tensor([2.0])
    cube = lambda x: x**3  # noqa: E731
    return [values(getattr(f, n)(cube, x)) for n in ("vjp", "jvp", "vhp", "hvp")]


@case
def through_the_caller_s_graph(m):
    x = m.tensor([1.0, 2.0], requires_grad=True)
    j = m.autograd.functional.jacobian(lambda x: x**3, x, create_graph=True)
    j.sum().backward()
    with m.no_grad():
        _, h = m.autograd.functional.vhp(lambda x: (x**3).sum(), x, m.ones(2))
    return [x.grad, h]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    twin(CASES[name])


def test_jacobian_of_nothing_is_empty():
    import rushlight as torch

    j = torch.autograd.functional.jacobian(lambda x: x[:0], torch.ones(2))
    assert j.shape == (0, 2)


def test_gradcheck_of_outputs_that_are_not_contiguous():
    x = rushlight.randn(2, 3, dtype=rushlight.float64, requires_grad=True)
    assert rushlight.autograd.gradcheck(lambda x: (x * x).t(), x)
    assert rushlight.autograd.gradgradcheck(lambda x: (x * x * x).t(), x)
