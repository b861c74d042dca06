"""`GradScaler`: multiplies the loss so that small float16 gradients do not vanish.

Method: Micikevicius et al., Mixed Precision Training, https://arxiv.org/abs/1710.03740.
"""

from enum import Enum

import rushlight as torch

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    """What has been done with an optimizer since the last update."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class GradScaler:
    """Scales losses up, gradients down, skips steps with inf or nan, and adapts the scale.

    Args:
        device (str): "cuda" or "cpu". Without that device the scaler is disabled, with a warning.
        init_scale (float): the first scale.
        growth_factor (float): the scale is multiplied by it after `growth_interval` good steps.
        backoff_factor (float): the scale is multiplied by it after a bad step.
        growth_interval (int): see above.
        enabled (bool): False makes every method pass through.

    Raises AssertionError for factors on the wrong side of 1.

    >>> scaler = torch.amp.GradScaler("cpu")
    >>> p = torch.nn.Parameter(torch.ones(1))
    >>> opt = torch.optim.SGD([p], lr=1.0)
    >>> scaler.scale(p.sum()).backward()
    >>> _ = scaler.step(opt)
    >>> scaler.update()
    >>> p.item()
    0.0
    """

    def __init__(self, device="cuda", init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5,
                 growth_interval=2000, enabled=True):  # fmt: skip
        self._device, self._enabled = device, enabled
        if device == "cuda" and enabled and not torch.cuda.is_available():
            import warnings

            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale, self._scale = init_scale, None
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker, self._growth_tracker = 0, None
        self._stages = {}  # id of an optimizer: its OptState
        self._found = {}  # id of an optimizer: was a gradient inf or nan, as 0. or 1.

    def _start(self, device):
        """Makes the tensors of the state, when the first loss comes."""
        self._scale = torch.full((), self._init_scale, dtype=torch.float32, device=device)
        self._growth_tracker = torch.full(
            (), self._init_growth_tracker, dtype=torch.int32, device=device
        )

    def _check_started(self, name):
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )

    def scale(self, outputs):
        """A tensor, or iterables of tensors, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, torch.Tensor):
            if self._scale is None:
                self._start(outputs.device)
            return outputs * self._scale
        if not hasattr(outputs, "__iter__"):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled

    def unscale_(self, optimizer):
        """Divides the optimizer's gradients by the scale, in place; at most once a step."""
        if not self._enabled:
            return
        self._check_started("unscale_")
        stage = self._stages.get(id(optimizer), OptState.READY)
        if stage is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if stage is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        # In float64: 1 / scale is exact for the usual powers of two, and small.
        inverse = self._scale.double().reciprocal().float()
        found = self._unscale_grads_(optimizer, inverse, False)
        if found is not None:
            self._found[id(optimizer)] = found
        self._stages[id(optimizer)] = OptState.UNSCALED

    def _unscale_grads_(self, optimizer, inverse, allow_fp16):
        """Multiplies all gradients; returns 1. if one was not finite, 0. otherwise, or None if
        there is none."""
        bad = None
        with torch.no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if not isinstance(p, torch.Tensor):
                        raise AssertionError(f"expected param to be torch.Tensor, got {type(p)}")
                    if p.grad is None:
                        continue
                    if p.grad.dtype is torch.float16 and not allow_fp16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    here = (~torch.isfinite(p.grad)).any().float()
                    bad = here if bad is None else torch.maximum(bad, here)
                    p.grad.mul_(inverse.to(p.grad.dtype))
        return bad

    def step(self, optimizer, *args, **kwargs):
        """`optimizer.step()`, unless a gradient was inf or nan."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_started("step")
        stage = self._stages.get(id(optimizer), OptState.READY)
        if stage is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if stage is OptState.READY:
            self.unscale_(optimizer)
        if id(optimizer) not in self._found:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None
        if not self._found[id(optimizer)].item():
            result = optimizer.step(*args, **kwargs)
        self._stages[id(optimizer)] = OptState.STEPPED
        return result

    def update(self, new_scale=None):
        """Adapts the scale (or sets it); call it once, after all steps of an iteration."""
        if not self._enabled:
            return
        self._check_started("update")
        if new_scale is not None:
            if isinstance(new_scale, torch.Tensor):
                self._check_scale(new_scale)
            self._scale.fill_(new_scale)
        elif not self._found:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(found.item() for found in self._found.values()):
            self._scale.mul_(self._backoff_factor)
            self._growth_tracker.zero_()
        else:
            self._grow()
        self._stages, self._found = {}, {}

    def _check_scale(self, scale):
        if scale.device.type != self._device or scale.numel() != 1 or scale.requires_grad:
            raise AssertionError(
                "new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
                "torch.FloatTensor with requires_grad=False."
            )

    def _grow(self):
        self._growth_tracker.add_(1)
        if self._growth_tracker.item() == self._growth_interval:
            larger = self._scale * self._growth_factor
            if bool(torch.isfinite(larger)):
                self._scale.copy_(larger)
            self._growth_tracker.zero_()

    def get_scale(self):
        """The current scale (1.0 if disabled)."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self):
        """What the scale is multiplied by after good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor):
        """Sets it."""
        self._growth_factor = new_factor

    def get_backoff_factor(self):
        """What the scale is multiplied by after a bad step."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor):
        """Sets it."""
        self._backoff_factor = new_factor

    def get_growth_interval(self):
        """How many good steps make the scale grow."""
        return self._growth_interval

    def set_growth_interval(self, new_interval):
        """Sets it."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self):
        if not self._enabled:
            return 0
        if self._growth_tracker is None:
            return self._init_growth_tracker
        return self._growth_tracker.item()

    def is_enabled(self):
        """Whether the scaler does anything."""
        return self._enabled

    def state_dict(self):
        """The state, for a checkpoint; empty if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict):
        """Restores what `state_dict` returned; RuntimeError if that was empty."""
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved "
                "from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._growth_tracker is not None:
            self._growth_tracker.fill_(state_dict["_growth_tracker"])

    def __getstate__(self):
        state = self.__dict__.copy()
        if self._enabled:
            if self._stages:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning of an iteration, "
                    "or at the end after scaler.update()."
                )
            state.update(_init_scale=self.get_scale(), _scale=None, _growth_tracker=None)
            state["_init_growth_tracker"] = self._get_growth_tracker()
        return state
