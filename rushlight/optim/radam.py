"""RAdam: Adam that waits with dividing until its mean square can be trusted."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_betas,
    check_lr,
    check_not_negative,
    new_step,
    scalar,
)

__all__ = ["RAdam"]


class RAdam(PerTensorOptimizer):
    """Adam with the step rectified for the variance of v (Liu et al. 2020, arXiv:1908.03265).

    With rho = rho_inf - 2 t beta2**t / (1 - beta2**t) and rho_inf = 2 / (1 - beta2) - 1, step t is
    momentum alone while rho <= 5. Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    _sparse_error = "RAdam does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("capturable", False)

    def _init_state(self, p, group):
        return {
            "step": new_step(),
            "exp_avg": torch.zeros_like(p, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(p, memory_format=torch.preserve_format),
        }

    def _update(self, p, grad, state, group):
        lr, (beta1, beta2) = scalar(group["lr"]), group["betas"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        state["step"] += 1
        t = state["step"].item()
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(p, alpha=group["weight_decay"])
        m.lerp_(grad, 1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        step = m / (1 - beta1**t) * lr
        correction2 = 1 - beta2**t
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * (beta2**t) / correction2
        if rho > 5.0:
            rectified = (
                (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
            ) ** 0.5
            root = v.sqrt()
            root = root.add(group["eps"]) if group["differentiable"] else root.add_(group["eps"])
            step = step * (correction2**0.5 / root) * rectified
        p.add_(step, alpha=-1.0)
