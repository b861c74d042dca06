"""Adafactor: adaptive steps with a factored mean square, for large matrices in little memory."""

import math

import rushlight as torch

from ._per_tensor import PerTensorOptimizer, new_step, scalar

__all__ = ["Adafactor"]


class Adafactor(PerTensorOptimizer):
    """The gradient over a root mean square that is kept as one row and one column of means.

    A step is relative to the size of the parameter: at step t it is
    `min(lr, 1 / sqrt(t)) * max(eps[1], rms(p))` times the quotient, which is cut to a root mean
    square of `d`; old squares weigh 1 - t ** beta2_decay (Shazeer & Stern 2018, arXiv:1804.04235).
    `eps[0]`, by default the dtype's, guards the quotient. Raises ValueError for options out of
    range, RuntimeError for complex parameters.

    >>> import rushlight as torch
    >>> w = torch.ones(2, 2, requires_grad=True)
    >>> optimizer = torch.optim.Adafactor([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w[0]
    tensor([0.9000, 0.9000], grad_fn=<SelectBackward0>)
    """

    _sparse_error = "Adafactor does not support sparse gradients"

    def __init__(
        self,
        params,
        lr=1e-2,
        beta2_decay=-0.8,
        eps=(None, 1e-3),
        d=1.0,
        weight_decay=0.0,
        *,
        foreach=None,
        maximize=False,
    ):
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)

    def _init_state(self, p, group):
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        state = {"step": new_step()}
        if p.dim() > 1:
            state["row_var"] = p.grad.new_zeros((*p.shape[:-1], 1))
            state["col_var"] = p.grad.new_zeros((*p.shape[:-2], 1, p.shape[-1]))
        else:
            state["variance"] = torch.zeros_like(p.grad, memory_format=torch.preserve_format)
        return state

    def _update(self, p, grad, state, group):
        lr, (eps1, eps2) = scalar(group["lr"]), group["eps"]
        if eps1 is None:
            eps1 = torch.finfo(p.dtype).eps
        state["step"] += 1
        t = state["step"].item()
        weight = t ** group["beta2_decay"]
        root = math.sqrt(p.numel())
        size = max(eps2, p.norm(2).item() / root) * min(lr, 1 / t**0.5)
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        if p.dim() > 1:
            square = self._factored(grad, state["row_var"], state["col_var"], weight, eps1)
        else:
            square = state["variance"].lerp_(grad * grad, weight).clone()
        step = square.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        cut = max(1.0, step.norm(2).item() / (root * group["d"]))
        p.add_(step, alpha=-size / cut)

    @staticmethod
    def _factored(grad, rows, columns, weight, eps):
        """The mean square as the product of the means of its rows and of its columns."""
        rows.lerp_(grad.norm(dim=-1, keepdim=True).square_().div_(grad.size(-1)), weight)
        columns.lerp_(grad.norm(dim=-2, keepdim=True).square_().div_(grad.size(-2)), weight)
        return (rows @ columns).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=eps))
