"""Averaged stochastic gradient descent; the average is in the state, not in the parameters."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_lr,
    check_not_negative,
    new_step,
    scalar,
)

__all__ = ["ASGD"]


class ASGD(PerTensorOptimizer):
    """`p *= 1 - lambd * eta; p -= eta * g` with eta = lr / (1 + lambd * lr * t) ** alpha.

    From step `t0` on, state["ax"] is the mean of all p (Polyak & Juditsky 1992, "Acceleration of
    Stochastic Approximation by Averaging"). Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.ASGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    _sparse_error = "ASGD does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=1e-2,
        lambd=1e-4,
        alpha=0.75,
        t0=1e6,
        weight_decay=0,
        foreach=None,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check_lr(lr)
        check_not_negative(("weight_decay", weight_decay))
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("capturable", False)

    def _init_state(self, p, group):
        step = new_step()
        return {
            "step": step,
            "eta": torch.as_tensor(group["lr"], dtype=step.dtype).clone().detach(),
            "mu": step + 1,
            "ax": torch.zeros_like(p, memory_format=torch.preserve_format),
        }

    def _update(self, p, grad, state, group):
        step, eta, mu, ax = state["step"], state["eta"], state["mu"], state["ax"]
        lr, lambd = scalar(group["lr"]), group["lambd"]
        step += 1
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        rate = eta.item()
        p.mul_(1 - lambd * rate)
        p.add_(grad, alpha=-rate)
        weight = mu.item()
        if weight == 1:
            ax.copy_(p)
        else:
            ax.add_(p.sub(ax).mul_(weight))
        t = step.item()
        eta.copy_(torch.as_tensor(lr / ((1 + lambd * lr * t) ** group["alpha"])))
        mu.copy_(torch.as_tensor(1 / max(1, t - group["t0"])))
