"""Averages of a model's weights over training, and the schedule that goes with them.

Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization",
arXiv:1803.05407.
"""

import copy
import itertools
import math

import rushlight as torch

from ..nn.modules.module import Module
from ._lr_base import LRScheduler, check_optimizer, per_group, warn_get_lr

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay):
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def get_ema_avg_fn(decay=0.999):
    """For AveragedModel: `decay` of the average stays, the rest is the new value."""
    _check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn():
    """For AveragedModel: all values have equal weight."""

    @torch.no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def _mix_(averages, values, weight):
    """Move each average towards its value, in place; integers change by whole numbers."""
    for average, value in zip(averages, values, strict=True):
        if average.is_floating_point() or average.is_complex():
            average.lerp_(value, weight)
        else:
            average.copy_(average * (1 - weight) + value * weight)


def get_ema_multi_avg_fn(decay=0.999):
    """As `get_ema_avg_fn`, for a list of tensors at once, in place."""
    _check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        _mix_(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn():
    """As `get_swa_avg_fn`, for a list of tensors at once, in place."""

    @torch.no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        _mix_(averaged_param_list, current_param_list, 1 / (int(num_averaged) + 1))

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are the mean of those at each `update_parameters`.

    `avg_fn(average, value, n)` returns the new average of a tensor, `multi_avg_fn` changes lists
    in place; by default all n values weigh the same. With `use_buffers` buffers are averaged
    too, else copied. Raises AssertionError for two functions.

    >>> import rushlight as torch
    >>> from rushlight.optim.swa_utils import AveragedModel
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = torch.nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> average.module.weight.item()
    3.0
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def _tensors(self, model):
        buffers = model.buffers() if self.use_buffers else ()
        return [tensor.detach() for tensor in itertools.chain(model.parameters(), buffers)]

    def update_parameters(self, model):
        """Take the parameters of `model` into the mean."""
        averages, n = self._tensors(self.module), int(self.n_averaged)
        values = [
            value.to(average.device)
            for average, value in zip(averages, self._tensors(model), strict=False)
        ]
        if n == 0:
            for average, value in zip(averages, values, strict=True):
                average.copy_(value)
        elif self.multi_avg_fn is None:
            function = self.avg_fn or get_swa_avg_fn()
            for average, value in zip(averages, values, strict=True):
                count = self.n_averaged.to(average.device)
                average.copy_(function(average, value, count))
        else:
            # A function of whole lists may rely on one dtype and device.
            by_kind = {}
            for average, value in zip(averages, values, strict=True):
                lists = by_kind.setdefault((average.device, average.dtype), ([], []))
                lists[0].append(average)
                lists[1].append(value)
            for (device, _), lists in by_kind.items():
                self.multi_avg_fn(*lists, self.n_averaged.to(device))
        if not self.use_buffers:
            for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
                own.detach().copy_(other.detach().to(own.device))
        self.n_averaged += 1


@torch.no_grad()
def update_bn(loader, model, device=None):
    """Measure the running means and variances of BatchNorm layers anew, in one pass over `loader`.

    Batches are tensors, or lists or tuples that begin with one. An averaged model needs it: the
    statistics of its layers were those of other weights.
    """
    batch_norm = torch.nn.modules.batchnorm._BatchNorm
    layers = [module for module in model.modules() if isinstance(module, batch_norm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    was_training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches, each weighing the same
    for batch in loader:
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        model(batch if device is None else batch.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From each group's rate to `swa_lr` in `anneal_epochs` steps, by a cosine or a line.

    Raises ValueError for another strategy or a negative number of steps.
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        check_optimizer(optimizer)
        swa_lrs = per_group("swa_lr", optimizer, swa_lr)
        for group, rate in zip(optimizer.param_groups, swa_lrs, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step):
        """How much of the way to swa_lr is done after `step` steps."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self):
        warn_get_lr(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        values = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            # The rate it came from, so that other schedules may have a hand in it.
            start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            values.append(goal * now + start * (1 - now))
        return values
