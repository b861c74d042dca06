"""NAdam: Adam with Nesterov's look-ahead in its momentum."""

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

__all__ = ["NAdam"]


class NAdam(PerTensorOptimizer):
    """Adam's step along `mu' * m / (1 - M * mu') + (1 - mu) * g / (1 - M)`.

    mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)) at step t, mu' the same at t + 1, M the
    product of all mu so far (Dozat 2016, "Incorporating Nesterov Momentum into Adam").
    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8944, 1.8944], requires_grad=True)
    """

    _sparse_error = "NAdam does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
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
        check_not_negative(("weight_decay", weight_decay), ("momentum_decay", momentum_decay))
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)

    def _init_state(self, p, group):
        return {
            "step": new_step(),
            "mu_product": new_step() + 1,
            "exp_avg": torch.zeros_like(p, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(p, memory_format=torch.preserve_format),
        }

    def _update(self, p, grad, state, group):
        lr, (beta1, beta2), decay = scalar(group["lr"]), group["betas"], group["momentum_decay"]
        differentiable = group["differentiable"]
        m, v, product = state["exp_avg"], state["exp_avg_sq"], state["mu_product"]
        state["step"] += 1
        t = state["step"].item()
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(p, alpha=group["weight_decay"])
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (t * decay)))
        mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((t + 1) * decay)))
        product *= mu
        m.lerp_(grad, 1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denom = v.div(1 - beta2**t).sqrt()
        denom = denom + group["eps"] if differentiable else denom.add_(group["eps"])
        # Not `-lr * (1 - mu) * ...`: the order of the factors decides the last bit.
        p.addcdiv_(grad, denom, value=(-lr * (1.0 - mu) / (1.0 - product.item())))
        ahead = (-lr * mu_next) / (1.0 - product.item() * mu_next)
        p.addcdiv_(kept(m, differentiable), denom, value=ahead)
