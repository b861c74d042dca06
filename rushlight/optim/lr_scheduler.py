"""Learning-rate schedules: rules for the rate of each step. They change nothing but options of an
optimiser's groups. The base class is in _lr_base.py, those that go up and down in _lr_cycles.py.
"""

import bisect
import math
import types
from collections import Counter

from ._lr_base import LRScheduler, copied, rates, set_option, warn_get_lr
from ._lr_cycles import (
    CosineAnnealingWarmRestarts,
    CyclicLR,
    OneCycleLR,
    ReduceLROnPlateau,
)

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

for _cls in (LRScheduler, CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR, ReduceLROnPlateau):
    _cls.__module__ = __name__


class _LRScheduler(LRScheduler):
    """The name of LRScheduler in programs of old."""


class _FunctionLR(LRScheduler):
    """A schedule by functions of the step, one for all groups or one for each."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.optimizer = optimizer
        n = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)):
            if len(lr_lambda) != n:
                raise ValueError(f"Expected {n} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * n
        self._check_functions()
        super().__init__(optimizer, last_epoch)

    def _check_functions(self):
        pass

    def state_dict(self):
        """As in LRScheduler; of callable objects their attributes, of functions nothing."""
        state = super().state_dict()
        del state["lr_lambdas"]
        state["lr_lambdas"] = [
            None if isinstance(function, types.FunctionType) else function.__dict__.copy()
            for function in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict):
        """Take over what `state_dict()` gave; the functions stay this scheduler's."""
        state_dict = dict(state_dict)
        attributes = state_dict.pop("lr_lambdas")
        self.__dict__.update(state_dict)
        for function, own in zip(self.lr_lambdas, attributes, strict=False):
            if own is not None:
                function.__dict__.update(own)


class LambdaLR(_FunctionLR):
    """The base rate times `lr_lambda(step)`, one function or a list with one for each group.

    >>> import rushlight as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def get_lr(self):
        warn_get_lr(self)
        return [
            base * function(self.last_epoch)
            for function, base in zip(self.lr_lambdas, self.base_lrs, strict=True)
        ]


class MultiplicativeLR(_FunctionLR):
    """The rate of before times `lr_lambda(step)`. TypeError for what cannot be called."""

    def _check_functions(self):
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(
                    f"lr_lambda should be a function, but got {type(function).__name__}"
                )

    def get_lr(self):
        warn_get_lr(self)
        if self._is_initial:
            return rates(self.optimizer)
        return [
            group["lr"] * function(self.last_epoch)
            for function, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        ]


class _ChainableLR(LRScheduler):
    """A schedule whose next rate follows from the current one, so that others may change it too.

    A subclass writes `_next(lr, base)`, the rate after `lr`, and `_at(base)`, the rate at
    `last_epoch` if no one else interferes.
    """

    def get_lr(self):
        warn_get_lr(self)
        return [
            self._next(copied(group["lr"]), base)
            for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        ]

    def _get_closed_form_lr(self):
        return [self._at(base) for base in self.base_lrs]


class StepLR(_ChainableLR):
    """Times `gamma` every `step_size` steps."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr, base):
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return lr
        return lr * self.gamma

    def _at(self, base):
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(_ChainableLR):
    """Times `gamma` at each of the `milestones`; one that comes twice counts twice."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr, base):
        if self.last_epoch not in self.milestones:
            return lr
        return lr * self.gamma ** self.milestones[self.last_epoch]

    def _at(self, base):
        milestones = sorted(self.milestones.elements())
        return base * self.gamma ** bisect.bisect_right(milestones, self.last_epoch)


class ConstantLR(_ChainableLR):
    """The base rate times `factor` for `total_iters` steps, then the base rate.

    Raises ValueError unless `factor` is in [0, 1].
    """

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _next(self, lr, base):
        if self.last_epoch == 0:
            return lr * self.factor
        if self.last_epoch != self.total_iters:
            return lr
        return lr * (1.0 / self.factor)

    def _at(self, base):
        return base * (self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor))


class LinearLR(_ChainableLR):
    """The base rate times a factor that goes from `start_factor` to `end_factor` in a line.

    It takes `total_iters` steps; then the rate stays. Raises ValueError for factors out of (0, 1].
    """

    def __init__(
        self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1
    ):
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal "
                "to 1."
            )
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _next(self, lr, base):
        if self.last_epoch == 0:
            return lr * self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return lr * (1.0 + rise / before)

    def _at(self, base):
        rise = self.end_factor - self.start_factor
        part = rise * min(self.total_iters, self.last_epoch) / self.total_iters
        return base * (self.start_factor + part)


class ExponentialLR(_ChainableLR):
    """Times `gamma` at every step."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr, base):
        return lr if self._is_initial else lr * self.gamma

    def _at(self, base):
        return base * self.gamma**self.last_epoch


class PolynomialLR(_ChainableLR):
    """The base rate times (1 - step / total_iters) ** power, then zero."""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _next(self, lr, base):
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        now = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return lr * (now / before) ** self.power

    def _at(self, base):
        done = min(self.total_iters, self.last_epoch) / self.total_iters
        return base * (1.0 - done) ** self.power


class CosineAnnealingLR(_ChainableLR):
    """From the base rate to `eta_min` along half a cosine of `T_max` steps, and back again.

    (Loshchilov & Hutter 2017, SGDR without the restarts, arXiv:1608.03983.)

    >>> import rushlight as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> optimizer.step(); scheduler.step()
    >>> [round(lr, 6) for lr in scheduler.get_last_lr()]
    [0.5]
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _cos(self, epoch):
        return 1 + math.cos(math.pi * epoch / self.T_max)

    def _next(self, lr, base):
        epoch, t, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return lr
        if self._step_count == 1 and epoch > 0:
            return low + (base - low) * (1 + math.cos(epoch * math.pi / t)) / 2
        if (epoch - 1 - t) % (2 * t) == 0:
            # From the lowest point, where the ratio below would divide by zero.
            return lr + (base - low) * (1 - math.cos(math.pi / t)) / 2
        return self._cos(epoch) / self._cos(epoch - 1) * (lr - low) + low

    def _at(self, base):
        return self.eta_min + (base - self.eta_min) * self._cos(self.last_epoch) / 2


def _check_schedulers(owner, schedulers, optimizer):
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{owner} at index {i} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(  # noqa: TRY004 - PyTorch's class
                f"{owner} does not support `ReduceLROnPlateau` scheduler as it "
                "requires additional kwargs to be specified when calling `step`, "
                f"but got one at index {i} in the given schedulers sequence."
            )
        if optimizer != scheduler.optimizer:
            raise ValueError(
                f"{owner} expects all schedulers to belong to the same optimizer, but "
                f"got scheduler {type(scheduler).__name__} at index {i} has "
                f"{scheduler.optimizer}, which is different from {type(optimizer).__name__}."
            )


class _Composed(LRScheduler):
    """Other schedulers in one; their states are saved with it."""

    def state_dict(self):
        """As in LRScheduler, with the states of the schedulers."""
        state = super().state_dict()
        del state["_schedulers"]
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict):
        """Take over what `state_dict()` gave, with the states of the schedulers."""
        state_dict = dict(state_dict)
        states = state_dict.pop("_schedulers")
        self.__dict__.update(state_dict)
        for scheduler, state in zip(self._schedulers, states, strict=False):
            scheduler.load_state_dict(state)


class SequentialLR(_Composed):
    """The first scheduler up to the first milestone, then the second, and so on.

    Each begins its own count at its milestone. Raises ValueError unless there is one scheduler
    more than milestones and all belong to `optimizer`.
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        owner = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{owner} expects at least one scheduler, but got no scheduler.")
        _check_schedulers(owner, schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more "
                "than the number of milestone points, but got number of schedulers "
                f"{len(schedulers)} and the number of milestones to be equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # The schedulers have set the rate one after the other when they were made: begin anew.
        for group in optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect.bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched=None):
        """Take back the step that each scheduler made when it was created."""
        sched = self if sched is None else sched
        if hasattr(sched, "_schedulers"):
            for inner in sched._schedulers:
                self.recursive_undo(inner)
        elif hasattr(sched, "last_epoch"):
            sched.last_epoch -= 1

    def step(self):
        """Go one step on in the scheduler whose turn it is."""
        self.last_epoch += 1
        which = bisect.bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[which]
        if which > 0 and self._milestones[which - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Composed):
    """Several schedulers that all step each time, each changing what the others left."""

    def __init__(self, schedulers, optimizer=None):
        owner = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(
                f"{owner} expects at least one scheduler to be chained, but got no scheduler."
            )
        optimizer = optimizer or schedulers[0].optimizer
        _check_schedulers(owner, schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._last_lr = rates(schedulers[-1].optimizer)

    def step(self):
        """One step of every scheduler, in their order."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = rates(self._schedulers[-1].optimizer)
