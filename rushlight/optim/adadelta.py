"""Adadelta: steps scaled by the ratio of two running root mean squares."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_lr,
    check_not_negative,
    kept,
    new_step,
    scalar,
)

__all__ = ["Adadelta"]


class Adadelta(PerTensorOptimizer):
    """`d = sqrt(u + eps) / sqrt(v + eps) * g; p -= lr * d`, v and u the running means of g*g
    and of d*d at rate `rho` (Zeiler 2012, arXiv:1212.5701).

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adadelta([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9968, 1.9968], requires_grad=True)
    """

    _sparse_error = "Adadelta does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(("epsilon", eps), ("weight_decay", weight_decay))
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
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
            "square_avg": torch.zeros_like(p, memory_format=torch.preserve_format),
            "acc_delta": torch.zeros_like(p, memory_format=torch.preserve_format),
        }

    def _update(self, p, grad, state, group):
        rho, eps = group["rho"], group["eps"]
        v, u = state["square_avg"], state["acc_delta"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        v.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        std = v.add(eps).sqrt_()
        delta = kept(u, group["differentiable"]).add(eps).sqrt_()
        if group["differentiable"]:
            delta = delta / std * grad
        else:
            delta.div_(std).mul_(grad)
        u.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-scalar(group["lr"]))
