"""Adagrad: a step divided by the root of all squared gradients so far."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_fused,
    check_lr,
    check_not_negative,
    kept,
    new_step,
    scalar,
)

__all__ = ["Adagrad"]


class Adagrad(PerTensorOptimizer):
    """`s += g * g; p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)` at step t.

    s starts at `initial_accumulator_value` (Duchi, Hazan & Singer 2011, "Adaptive Subgradient
    Methods"). Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adagrad([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.5000, 1.5000], requires_grad=True)
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        check_lr(lr)
        check_not_negative(
            ("lr_decay", lr_decay),
            ("weight_decay", weight_decay),
            ("initial_accumulator_value", initial_accumulator_value),
            ("epsilon", eps),
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(self._init_state(p, group))

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("fused", None)

    def share_memory(self):
        """Move the sums into shared memory, for processes that train one model together."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _init_state(self, p, group):
        start = self.defaults["initial_accumulator_value"]
        if p.is_complex():
            start = complex(start, start)
        total = torch.full_like(p, start, memory_format=torch.preserve_format)
        return {"step": new_step(), "sum": total.detach()}

    def _update(self, p, grad, state, group):
        differentiable = group["differentiable"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        t = state["step"].item()
        step_size = scalar(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        total = state["sum"].addcmul_(grad, grad, value=1)
        denom = kept(total, differentiable).sqrt()
        denom = denom + group["eps"] if differentiable else denom.add_(group["eps"])
        p.addcdiv_(grad, denom, value=-step_size)
