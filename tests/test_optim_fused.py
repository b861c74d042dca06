"""What the optimisers hand to the core's fused primitives, answered here by plain formulas."""

import pytest
from test_optim import BOTH, CASES, assert_close, train

import rushlight


@pytest.mark.parametrize(
    "name, options", [case for case in CASES if case[0] in ("SGD", "Adam", "AdamW", "RMSprop")]
)
def test_fused_primitives_are_given_what_they_expect(name, options, monkeypatch):
    """The calls of the core's fused steps, answered here by the plain formulas."""
    from rushlight.optim import adam, rmsprop, sgd

    def fused_sgd(ps, gs, bufs, *, weight_decay, momentum, lr, dampening, nesterov, maximize,
                  is_first_step):  # fmt: skip
        for i, (p, g) in enumerate(zip(ps, gs, strict=True)):
            g = (-g if maximize else g) + weight_decay * p.detach()
            if momentum:
                b = bufs[i]
                b.copy_(g if is_first_step else momentum * b + (1 - dampening) * g)
                g = g + momentum * b if nesterov else b
            p.data.sub_(lr * g)

    def fused_adam(ps, gs, ms, vs, tops, steps, *, lr, beta1, beta2, weight_decay, eps, amsgrad,
                   maximize, adamw):  # fmt: skip
        for i, (p, g) in enumerate(zip(ps, gs, strict=True)):
            g, t = (-g if maximize else g), steps[i].item()
            if adamw:
                p.data.mul_(1 - lr * weight_decay)
            else:
                g = g + weight_decay * p.detach()
            m, v = ms[i], vs[i]
            m.mul_(beta1).add_((1 - beta1) * g)
            v.mul_(beta2).add_((1 - beta2) * g * g)
            if amsgrad:
                tops[i].copy_(rushlight.maximum(tops[i], v))
                v = tops[i]
            denom = (v / (1 - beta2**t)).sqrt() + eps
            p.data.sub_(lr / (1 - beta1**t) * m / denom)

    def fused_rmsprop(ps, gs, vs, means, bufs, *, lr, alpha, eps, weight_decay, momentum, centered,
                      maximize):  # fmt: skip
        for i, (p, g) in enumerate(zip(ps, gs, strict=True)):
            g = (-g if maximize else g) + weight_decay * p.detach()
            vs[i].mul_(alpha).add_((1 - alpha) * g * g)
            square = vs[i]
            if centered:
                means[i].mul_(alpha).add_((1 - alpha) * g)
                square = square - means[i] ** 2
            step = g / (square.sqrt() + eps)
            if momentum:
                step = bufs[i].mul_(momentum).add_(step)
            p.data.sub_(lr * step)

    calls = []

    def counted(function):
        def call(*args, **kwargs):
            calls.append(function.__name__)
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(sgd, "_fused_sgd_", counted(fused_sgd))
    monkeypatch.setattr(adam, "_fused_adam_", counted(fused_adam))
    monkeypatch.setattr(rmsprop, "_fused_rmsprop_", counted(fused_rmsprop))
    ours, theirs = (train(lib, name, dtype="float64", **options) for lib in BOTH)
    assert calls
    assert_close(ours, theirs, exact=False)


def test_fused_momentum_of_a_parameter_that_joins_later(monkeypatch):
    from rushlight.optim import sgd

    calls = []
    monkeypatch.setattr(
        sgd, "_fused_sgd_", lambda ps, gs, bufs, **o: calls.append((len(ps), o["is_first_step"]))
    )
    a, b = (rushlight.ones(2, requires_grad=True) for _ in range(2))
    optimizer = rushlight.optim.SGD([a, b], lr=0.1, momentum=0.9)
    a.grad = rushlight.ones(2)
    optimizer.step()
    b.grad = rushlight.ones(2)
    optimizer.step()
    optimizer.step()
    assert calls == [(1, True), (1, False), (1, True), (2, False)]
