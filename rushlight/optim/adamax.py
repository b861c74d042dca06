"""Adamax: Adam with the largest decayed gradient in place of the mean square."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_betas,
    check_lr,
    check_not_negative,
    kept,
    new_step,
    scalar,
)

__all__ = ["Adamax"]


class Adamax(PerTensorOptimizer):
    """`u = max(beta2 * u, abs(g) + eps); p -= lr / (1 - beta1**t) * m / u`, m the running mean
    of g at rate beta1 (Kingma & Ba 2015, arXiv:1412.6980, section 7.1).

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _sparse_error = "Adamax does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check_lr(lr)
        check_not_negative(("epsilon", eps))
        check_betas(betas)
        check_not_negative(("weight_decay", weight_decay))
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
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
        return {
            "step": new_step(),
            "exp_avg": torch.zeros_like(p, memory_format=torch.preserve_format),
            "exp_inf": torch.zeros_like(p, memory_format=torch.preserve_format),
        }

    def _update(self, p, grad, state, group):
        beta1, beta2 = group["betas"]
        differentiable = group["differentiable"]
        m, u = state["exp_avg"], state["exp_inf"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        m.lerp_(grad, 1 - beta1)
        size = grad.abs().add_(group["eps"])
        u.mul_(beta2)
        if differentiable:
            u.copy_(torch.maximum(u.clone(), size))
        else:
            torch.maximum(u, size, out=u)
        step_size = scalar(group["lr"]) / (1 - beta1 ** state["step"].item())
        p.addcdiv_(kept(m, differentiable), kept(u, differentiable), value=-step_size)
