"""Stochastic gradient descent with momentum; nothing adaptive."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_fused,
    check_lr,
    check_not_negative,
    core_function,
    fusible,
    scalar,
)

__all__ = ["SGD"]

_fused_sgd_ = core_function("_fused_sgd_")


class SGD(PerTensorOptimizer):
    """Gradient descent: `g += weight_decay * p; b = momentum * b + (1 - dampening) * g; p -= lr * b`.

    The buffer `b` starts as the first gradient; with `nesterov` the step is along
    `g + momentum * b` (Sutskever et al. 2013, "On the importance of initialization and momentum
    in deep learning", where the learning rate is folded into `b`). `maximize` climbs instead.
    Raises ValueError for negative options, or for `nesterov` without momentum or with dampening.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    _view_complex_as_real = False

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_lr(lr)
        check_not_negative(("momentum", momentum), ("weight_decay", weight_decay))
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("differentiable", False)
            group.setdefault("fused", False)

    def _keeps_state(self, group):
        return group["momentum"] != 0

    def _update(self, p, grad, state, group):
        lr, momentum, weight_decay = scalar(group["lr"]), group["momentum"], group["weight_decay"]
        if isinstance(weight_decay, torch.Tensor):
            grad = (
                grad.addcmul(p, weight_decay)
                if weight_decay.requires_grad
                else (grad.add(p, alpha=weight_decay))
            )
        elif weight_decay != 0:
            grad = grad.add(p, alpha=weight_decay)
        if momentum != 0:
            buf = state.get("momentum_buffer")
            if buf is None:
                buf = state["momentum_buffer"] = grad.detach().clone()
            else:
                buf.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buf, alpha=momentum) if group["nesterov"] else buf
        if isinstance(lr, torch.Tensor) and lr.requires_grad:
            p.addcmul_(grad, lr, value=-1)
        else:
            p.add_(grad, alpha=-lr)

    def _fused_step(self, group):
        if _fused_sgd_ is None or group["differentiable"] or group["fused"] is False:
            return False
        params = [p for p in group["params"] if p.grad is not None]
        if not fusible(params):
            return False
        options = {
            "weight_decay": float(group["weight_decay"]),
            "momentum": float(group["momentum"]),
            "lr": float(group["lr"]),
            "dampening": float(group["dampening"]),
            "nesterov": group["nesterov"],
            "maximize": group["maximize"],
        }
        if group["momentum"] == 0:
            if params:
                grads = [p.grad for p in params]
                _fused_sgd_(params, grads, [], is_first_step=False, **options)
            return True
        state = self.state
        new = [p for p in params if state[p].get("momentum_buffer") is None]
        for p in new:
            state[p]["momentum_buffer"] = torch.empty_like(p)
        fresh = {id(p) for p in new}
        old = [p for p in params if id(p) not in fresh] if new else params
        for some, first in ((old, False), (new, True)):
            if some:
                buffers = [state[p]["momentum_buffer"] for p in some]
                grads = [p.grad for p in some]
                _fused_sgd_(some, grads, buffers, is_first_step=first, **options)
        return True
