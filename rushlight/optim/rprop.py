"""Resilient backpropagation: only the signs of the gradients count. For full batches."""

import rushlight as torch

from ._per_tensor import PerTensorOptimizer, check_lr, new_step

__all__ = ["Rprop"]


class Rprop(PerTensorOptimizer):
    """Each element moves by its own step size, against the sign of its gradient.

    The size grows by etas[1] while the sign stays, shrinks by etas[0] when it turns (that element
    then rests for one step), within `step_sizes` (Riedmiller & Braun 1993, "A direct adaptive
    method for faster backpropagation learning"). Raises ValueError unless
    0 < etas[0] < 1 < etas[1].

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Rprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _sparse_error = "Rprop does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=1e-2,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        *,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
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
        lr = float(group["lr"])
        return {
            "step": new_step(),
            "prev": torch.zeros_like(p, memory_format=torch.preserve_format),
            "step_size": torch.full_like(p, complex(lr, lr) if p.is_complex() else lr).detach(),
        }

    def _update(self, p, grad, state, group):
        shrink, grow = group["etas"]
        prev, size = state["prev"], state["step_size"]
        state["step"] += 1
        turn = grad.mul(prev.clone() if group["differentiable"] else prev).sign()
        up, down = turn > 0, turn < 0
        factor = turn.masked_fill(turn == 0, 1).masked_fill_(up, grow).masked_fill_(down, shrink)
        size.mul_(factor).clamp_(*group["step_sizes"])
        grad = grad.masked_fill(down, 0)
        p.addcmul_(grad.sign(), size.clone() if group["differentiable"] else size, value=-1)
        prev.copy_(grad)
