"""RMSprop, plain, centred and with momentum."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_lr,
    check_not_negative,
    core_function,
    count_steps,
    fusible,
    kept,
    new_step,
    scalar,
)

__all__ = ["RMSprop"]

_fused_rmsprop_ = core_function("_fused_rmsprop_")


class RMSprop(PerTensorOptimizer):
    """The gradient over its running root mean square: `p -= lr * g / (sqrt(v) + eps)`.

    v is the mean of g*g at rate `alpha` (Tieleman & Hinton 2012, lecture 6.5); `centered` takes
    the squared mean of g away from it (Graves 2013, arXiv:1308.0850). With `momentum` the
    quotient goes through a buffer. Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _sparse_error = "RMSprop does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        check_not_negative(
            ("epsilon", eps),
            ("momentum", momentum),
            ("weight_decay", weight_decay),
            ("alpha", alpha),
        )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("momentum", 0)
            group.setdefault("centered", False)
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("capturable", False)

    def _init_state(self, p, group):
        state = {
            "step": new_step(),
            "square_avg": torch.zeros_like(p, memory_format=torch.preserve_format),
        }
        if group["momentum"] > 0:
            state["momentum_buffer"] = torch.zeros_like(p, memory_format=torch.preserve_format)
        if group["centered"]:
            state["grad_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
        return state

    def _update(self, p, grad, state, group):
        lr, alpha, differentiable = scalar(group["lr"]), group["alpha"], group["differentiable"]
        v = state["square_avg"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        v.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean.lerp_(grad, 1 - alpha)
            mean = kept(mean, differentiable)
            denom = v.addcmul(mean, mean, value=-1).sqrt()
        else:
            denom = kept(v, differentiable).sqrt()
        denom = denom.add(group["eps"]) if differentiable else denom.add_(group["eps"])
        if group["momentum"] > 0:
            buf = state["momentum_buffer"]
            buf.mul_(group["momentum"]).addcdiv_(grad, denom)
            p.add_(buf, alpha=-lr)
        else:
            p.addcdiv_(grad, denom, value=-lr)

    def _fused_step(self, group):
        if _fused_rmsprop_ is None or group["differentiable"] or group["capturable"]:
            return False
        params = [p for p in group["params"] if p.grad is not None]
        if not fusible(params):
            return False
        if not params:
            return True
        states = [self.state[p] for p in params]
        for p, state in zip(params, states, strict=True):
            if not state:
                state.update(self._init_state(p, group))
        count_steps([state["step"] for state in states])
        momentum, centered = group["momentum"], group["centered"]
        _fused_rmsprop_(
            params,
            [p.grad for p in params],
            [state["square_avg"] for state in states],
            [state["grad_avg"] for state in states] if centered else [],
            [state["momentum_buffer"] for state in states] if momentum > 0 else [],
            lr=float(group["lr"]),
            alpha=float(group["alpha"]),
            eps=float(group["eps"]),
            weight_decay=float(group["weight_decay"]),
            momentum=float(momentum),
            centered=centered,
            maximize=group["maximize"],
        )
        return True
