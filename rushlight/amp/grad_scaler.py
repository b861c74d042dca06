"""`GradScaler`: multiplies the loss so that small float16 gradients do not vanish.

Method: Micikevicius et al., Mixed Precision Training, https://arxiv.org/abs/1710.03740.
"""

import rushlight as torch


class GradScaler:
    """Scales losses up, gradients down, skips steps with inf or nan, and adapts the scale.

    Args:
        device (str): "cuda" or "cpu". Without that device the scaler is disabled, with a warning.
        init_scale (float): the first scale.
        growth_factor (float): the scale is multiplied by it after `growth_interval` good steps.
        backoff_factor (float): the scale is multiplied by it after a bad step.
        growth_interval (int): see above.
        enabled (bool): False makes every method pass through.

    Example:
        >>> scaler = torch.amp.GradScaler("cpu")
        >>> p = torch.nn.Parameter(torch.ones(1))
        >>> opt = torch.optim.SGD([p], lr=1.0)
        >>> scaler.scale(p.sum()).backward()
        >>> scaler.step(opt)
        >>> scaler.update()
        >>> p.item()
        0.0
    """

    def __init__(self, device="cuda", init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5,
                 growth_interval=2000, enabled=True):  # fmt: skip
        if enabled and device == "cuda" and not torch.cuda.is_available():
            import warnings

            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            enabled = False
        if enabled and growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if enabled and backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._device, self._enabled, self._scale = device, enabled, float(init_scale)
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval, self._good_steps = growth_interval, 0
        self._found = {}  # id(optimizer) -> (optimizer, whether a gradient was inf or nan)

    def scale(self, outputs):
        """A tensor, or nested lists and tuples of tensors, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, torch.Tensor):
            return outputs * self._scale
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(map(self.scale, outputs))
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer):
        """Divides the optimizer's gradients by the scale, in place; at most once a step."""
        if not self._enabled:
            return
        if id(optimizer) in self._found:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        bad = False
        with torch.no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.grad.mul_(1.0 / self._scale)
                        bad = bad or not bool(torch.isfinite(p.grad).all())
        self._found[id(optimizer)] = optimizer, bad

    def step(self, optimizer, *args, **kwargs):
        """`optimizer.step()`, unless a gradient was inf or nan."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        bad = self._found[id(optimizer)][1]
        return None if bad else optimizer.step(*args, **kwargs)

    def update(self, new_scale=None):
        """Adapts the scale (or sets it); call it once, after all steps of an iteration."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._found:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(bad for _, bad in self._found.values()):
            self._scale *= self._backoff_factor
            self._good_steps = 0
        else:
            self._good_steps += 1
            if self._good_steps == self._growth_interval:
                self._scale *= self._growth_factor
                self._good_steps = 0
        self._found = {}

    def is_enabled(self):
        """Whether the scaler does anything."""
        return self._enabled

    def get_scale(self):
        """The current scale (1.0 if disabled)."""
        return self._scale if self._enabled else 1.0

    def state_dict(self):
        """The state, for a checkpoint."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict):
        """Restores what `state_dict` returned."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._good_steps = state_dict["_growth_tracker"]
