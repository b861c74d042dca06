"""Adam, also with decoupled weight decay (AdamW, in its own file, is a subclass)."""

import rushlight as torch

from ._per_tensor import (
    PerTensorOptimizer,
    check_betas,
    check_fused,
    check_lr,
    check_not_negative,
    core_function,
    count_steps,
    fusible,
    kept,
    new_step,
    scalar,
)

__all__ = ["Adam"]

_fused_adam_ = core_function("_fused_adam_")


def _check_tensor_options(options, capturable, foreach):
    for name, value in options:
        if isinstance(value, torch.Tensor):
            if foreach and not capturable:
                raise ValueError(
                    f"{name} as a Tensor is not supported for capturable=False and foreach=True"
                )
            if value.numel() != 1:
                raise ValueError(f"Tensor {name} must be 1-element")


class Adam(PerTensorOptimizer):
    """Steps of about `lr` along the mean gradient over its root mean square.

    With m and v the running means of g and g*g at rates `betas`, step t is
    `p -= lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)` (Kingma & Ba 2015,
    arXiv:1412.6980). `amsgrad` divides by the largest v so far (Reddi et al. 2018).
    `weight_decay` is added to the gradient, or, decoupled, shrinks p directly (AdamW).
    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _sparse_error = "Adam does not support sparse gradients, please consider SparseAdam instead"

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        _check_tensor_options([("lr", lr)], capturable, foreach)
        check_lr(lr)
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        check_not_negative(("weight_decay", weight_decay))
        if not any(all(isinstance(b, kind) for b in betas) for kind in (float, torch.Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        _check_tensor_options([("betas[0]", betas[0]), ("betas[1]", betas[1])], capturable, foreach)
        defaults = {
            "lr": lr,
            "betas": tuple(scalar(beta) for beta in betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("fused", None)
            for p in group["params"]:
                # Old checkpoints hold the step as a number.
                own = self.state.get(p)
                if own and not isinstance(own["step"], torch.Tensor):
                    own["step"] = new_step() + float(own["step"])

    def _init_state(self, p, group):
        state = {
            "step": new_step(),
            "exp_avg": torch.zeros_like(p, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(p, memory_format=torch.preserve_format),
        }
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.preserve_format)
        return state

    def _update(self, p, grad, state, group):
        lr, (beta1, beta2) = scalar(group["lr"]), group["betas"]
        differentiable = group["differentiable"]
        m, v, step = state["exp_avg"], state["exp_avg_sq"], state["step"]
        step += 1
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(p, alpha=group["weight_decay"])
        m.lerp_(grad, 1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        t = step.item()
        step_size = lr / (1 - beta1**t)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            if differentiable:
                largest.copy_(torch.maximum(largest.clone(), v))
            else:
                torch.maximum(largest, v, out=largest)
            v = largest
        denom = (kept(v, differentiable).sqrt() / (1 - beta2**t) ** 0.5).add_(group["eps"])
        if isinstance(step_size, torch.Tensor) and step_size.requires_grad:
            p.add_(kept(m, differentiable) / denom * -step_size)
        else:
            p.addcdiv_(kept(m, differentiable), denom, value=-step_size)

    def _fused_step(self, group):
        if _fused_adam_ is None or group["differentiable"] or group["fused"] is False:
            return False
        params = [p for p in group["params"] if p.grad is not None]
        if not fusible(params) or group["capturable"]:
            return False
        if not params:
            return True
        amsgrad = group["amsgrad"]
        grads, ms, vs, largest, steps = [], [], [], [], []
        for p in params:
            state = self.state[p]
            if not state:
                state.update(self._init_state(p, group))
            grads.append(p.grad)
            ms.append(state["exp_avg"])
            vs.append(state["exp_avg_sq"])
            steps.append(state["step"])
            if amsgrad:
                largest.append(state["max_exp_avg_sq"])
        count_steps(steps)
        beta1, beta2 = group["betas"]
        _fused_adam_(
            params,
            grads,
            ms,
            vs,
            largest,
            steps,
            lr=float(group["lr"]),
            beta1=float(beta1),
            beta2=float(beta2),
            weight_decay=float(group["weight_decay"]),
            eps=float(group["eps"]),
            amsgrad=amsgrad,
            maximize=group["maximize"],
            adamw=group["decoupled_weight_decay"],
        )
        return True
