"""The step loop that most optimisers share; not public, and no update rule of its own."""

import rushlight as torch

from .optimizer import Optimizer

_CAPTURABLE = ["cuda", "xpu", "hpu", "privateuseone", "xla"]


def check_lr(lr):
    """Raise ValueError unless `lr` is a number >= 0 or a tensor of one."""
    if isinstance(lr, torch.Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check_not_negative(("learning rate", lr))


def check_not_negative(*named):
    """Raise ValueError for the first of the (what, value) pairs that is negative."""
    for what, value in named:
        if not value >= 0.0:
            what = what if what == "learning rate" else f"{what} value"
            raise ValueError(f"Invalid {what}: {value}")


def check_betas(betas):
    """Raise ValueError unless both decay rates are in [0, 1)."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_fused(fused, foreach, differentiable):
    """Raise RuntimeError for options that exclude each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def scalar(x):
    """A one-element tensor without its dimensions; anything else as it is."""
    return x.squeeze() if isinstance(x, torch.Tensor) and x.dim() else x


def new_step():
    """The state's count of steps: a tensor of its own, on the CPU whatever the device."""
    double = torch.get_default_dtype() == torch.float64
    return torch.tensor(0.0, dtype=torch.float64 if double else torch.float32)


def kept(tensor, differentiable):
    """`tensor`, or a copy that later in-place updates leave alone when autograd needs it."""
    return tensor.clone() if differentiable else tensor


class PerTensorOptimizer(Optimizer):
    """An optimiser whose rule treats each tensor on its own.

    A subclass writes `_init_state(p, group)`, the state of a new parameter, and
    `_update(p, grad, state, group)`, one step in tensor operations. `_fused_step(group)` may
    do a whole group in one call of the core and returns whether it did.
    """

    _sparse_error = None  # the message for sparse gradients; None where they are supported
    _view_complex_as_real = True

    def step(self, closure=None):
        """Update every parameter that has a gradient; returns the closure's loss, or None.

        `closure`, when given, computes the loss anew (zero_grad, forward, backward).
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            for group in self.param_groups:
                if not self._fused_step(group):
                    self._group_step(group)
        return loss

    def _fused_step(self, group):
        return False

    def _keeps_state(self, group):
        return True

    def _init_state(self, p, group):
        return {}

    def _group_step(self, group):
        maximize = group.get("maximize")
        if group.get("capturable"):
            self._check_capturable(group)
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            if self._sparse_error is not None and grad.is_sparse:
                raise RuntimeError(self._sparse_error)
            state = self.state[p] if self._keeps_state(group) else {}
            if not state:
                state.update(self._init_state(p, group))
            if maximize:
                grad = -grad
            if self._view_complex_as_real and p.is_complex():
                real = {k: v if v.dim() == 0 else _as_real(v) for k, v in state.items()}
                self._update(torch.view_as_real(p), torch.view_as_real(grad), real, group)
            else:
                self._update(p, grad, state, group)

    @staticmethod
    def _check_capturable(group):
        if any(p.device.type not in _CAPTURABLE for p in group["params"]):
            raise AssertionError(
                "If capturable=True, params and state_steps must be on supported devices: "
                f"{_CAPTURABLE}."
            )


def _as_real(tensor):
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def core_function(name):
    """The core's fused in-place primitive of that name, or None where there is none."""
    return getattr(torch._C, name, None)


def fusible(params):
    """Whether all tensors are dense, on the CPU, and float32 or float64."""
    floats = (torch.float32, torch.float64)
    for p in params:
        if not p.is_cpu or p.dtype not in floats or p.is_sparse:
            return False
    return True


_foreach_add_ = torch._C._functions.get("_foreach_add_")


def count_steps(steps):
    """Add one to each step count: the fused primitives read counts that include their step."""
    if _foreach_add_ is not None:
        _foreach_add_(steps, 1)
    else:
        for step in steps:
            step += 1
