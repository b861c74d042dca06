"""L-BFGS, a quasi-Newton method for losses without noise; all parameters form one vector."""

import rushlight as torch

from ._per_tensor import check_lr
from .optimizer import Optimizer

__all__ = ["LBFGS"]


def _cubic_minimum(a, b, low=None, high=None):
    """Where the cubic through two points of a line search, with their slopes, is least.

    The result stays within [low, high], by default between the points (Nocedal & Wright,
    "Numerical Optimization", 2nd edition, equation 3.59).
    """
    if low is None:
        low, high = min(a.t, b.t), max(a.t, b.t)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    if a.t > b.t:
        a, b = b, a
    least = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(least, low), high)


class _Point:
    """A place on the line: the step t, the loss, the gradient and its share along the line."""

    __slots__ = ("grad", "loss", "slope", "t")

    def __init__(self, t, loss, grad, slope):
        self.t, self.loss, self.grad, self.slope = t, loss, grad, slope


class _LineSearch:
    """Finds a step that satisfies the strong Wolfe conditions (Nocedal & Wright, algorithms 3.5
    and 3.6): the loss falls enough (c1) and the slope flattens enough (c2)."""

    c1, c2, tolerance = 1e-4, 0.9, 1e-9

    def __init__(self, evaluate, start, direction, max_steps):
        self.evaluate = evaluate
        self.start = start
        self.size = direction.abs().max()
        self.direction = direction
        self.max_steps = max_steps
        self.evaluations = 0

    def _at(self, t):
        loss, grad = self.evaluate(t)
        self.evaluations += 1
        return _Point(t, loss, grad, grad.dot(self.direction))

    def _too_high(self, point):
        return point.loss > self.start.loss + self.c1 * point.t * self.start.slope

    def _flat_enough(self, point):
        return abs(point.slope) <= -self.c2 * self.start.slope

    def run(self, t):
        """The best point found, beginning with the step t."""
        bracket, steps = self._bracket(self._at(t))
        return bracket[0] if len(bracket) == 1 else self._zoom(bracket, steps)

    def _bracket(self, point):
        """Two points with a good one between them, or one that is good; and the steps taken."""
        before = self.start
        for step in range(self.max_steps):
            if self._too_high(point) or (step > 1 and point.loss >= before.loss):
                return [before, point], step
            if self._flat_enough(point):
                return [point], step
            if point.slope >= 0:
                return [before, point], step
            reach = point.t + 0.01 * (point.t - before.t), point.t * 10
            t = _cubic_minimum(before, point, *reach)
            before, point = point, self._at(t)
        return [self.start, point], self.max_steps

    def _zoom(self, bracket, steps):
        """Close in on a good point between the two; the lower one in the end."""
        bracket = list(bracket)
        low = 0 if bracket[0].loss <= bracket[1].loss else 1
        stuck = False
        for _ in range(steps, self.max_steps):
            if abs(bracket[1].t - bracket[0].t) * self.size < self.tolerance:
                break
            t, stuck = self._inside(bracket, stuck)
            point = self._at(t)
            if self._too_high(point) or point.loss >= bracket[low].loss:
                bracket[1 - low] = point
                low = 0 if bracket[0].loss <= bracket[1].loss else 1
                continue
            done = self._flat_enough(point)
            if not done and point.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
                bracket[1 - low] = bracket[low]
            bracket[low] = point
            if done:
                break
        return bracket[low]

    @staticmethod
    def _inside(bracket, stuck):
        """The next step to try; pushed inwards where twice running it came close to an end."""
        t = _cubic_minimum(*bracket)
        left, right = sorted((bracket[0].t, bracket[1].t))
        margin = 0.1 * (right - left)
        if min(right - t, t - left) >= margin:
            return t, False
        if stuck or t >= right or t <= left:
            return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
        return t, True


class LBFGS(Optimizer):
    """Newton's method with a curvature estimated from the last `history_size` steps.

    One `step(closure)` makes up to `max_iter` iterations and `max_eval` evaluations (1.25
    `max_iter` by default); `closure` clears the gradients, computes the loss, calls `backward`
    and returns the loss. `line_search_fn` is None or "strong_wolfe" (Liu & Nocedal 1989, "On the
    limited memory BFGS method"). One parameter group only: else ValueError.

    >>> import rushlight as torch
    >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([w])
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> torch.allclose(w, torch.ones(2))
    True
    """

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        check_lr(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, state):
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    def _gradient(self):
        parts = []
        for p in self._params:
            grad = torch.zeros_like(p) if p.grad is None else p.grad
            if grad.is_sparse:
                grad = grad.to_dense()
            parts.append((torch.view_as_real(grad) if grad.is_complex() else grad).reshape(-1))
        return torch.cat(parts, 0)

    def _move(self, t, direction):
        begin = 0
        for p in self._params:
            p = torch.view_as_real(p) if p.is_complex() else p
            end = begin + p.numel()
            p.add_(direction[begin:end].view_as(p), alpha=t)
            begin = end

    def step(self, closure):
        """Minimise for up to `max_iter` iterations; returns the loss of the start."""
        with torch.no_grad():
            return self._minimise(torch.enable_grad()(closure))

    def _minimise(self, closure):
        group = self.param_groups[0]
        # All the state hangs on the first parameter, so that it is saved like any other.
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        loss, grad = float(first_loss), self._gradient()
        state["func_evals"] += 1
        evaluations, iterations = 1, 0
        flat = grad.abs().max() <= group["tolerance_grad"]
        if flat:
            return first_loss
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            d = self._direction(state, grad, group["history_size"])
            t = group["lr"]
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / grad.abs().sum()) * t
            state.update(d=d, t=t, prev_flat_grad=grad.clone(), prev_loss=loss)
            before, slope = loss, grad.dot(d)
            if slope > -group["tolerance_change"]:
                break
            last = iterations == group["max_iter"]
            if group["line_search_fn"] is None:
                self._move(t, d)
                used = 0
                if not last:  # what would be computed for the next iteration
                    loss, grad, used = float(closure()), self._gradient(), 1
            elif group["line_search_fn"] == "strong_wolfe":
                loss, grad, t, used = self._search(
                    closure, t, d, _Point(0, loss, grad, slope), group["max_eval"] - evaluations
                )
                state["t"] = t
            else:
                raise RuntimeError("only 'strong_wolfe' is supported")
            if used:
                flat = grad.abs().max() <= group["tolerance_grad"]
            evaluations += used
            state["func_evals"] += used
            if (
                last
                or evaluations >= group["max_eval"]
                or flat
                or d.mul(t).abs().max() <= group["tolerance_change"]
                or abs(loss - before) < group["tolerance_change"]
            ):
                break
        return first_loss

    def _search(self, closure, t, d, here, max_steps):
        start = [p.clone(memory_format=torch.contiguous_format) for p in self._params]

        def evaluate(t):
            self._move(t, d)
            out = float(closure()), self._gradient()
            for p, value in zip(self._params, start, strict=True):
                p.copy_(value)
            return out

        search = _LineSearch(evaluate, here, d, max_steps)
        best = search.run(t)
        self._move(best.t, d)
        return best.loss, best.grad, best.t, search.evaluations

    @staticmethod
    def _direction(state, grad, history_size):
        """Minus the gradient times the estimated inverse curvature, by two loops over history."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1, al=None)
            return grad.neg()
        ys, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y = grad.sub(state["prev_flat_grad"])
        s = state["d"].mul(state["t"])
        curvature = y.dot(s)
        if curvature > 1e-10:
            if len(ys) == history_size:
                del ys[0], steps[0], ro[0]
            ys.append(y)
            steps.append(s)
            ro.append(1.0 / curvature)
            state["H_diag"] = curvature / y.dot(y)
        al = state["al"] = [None] * max(history_size, len(ys))
        q = grad.neg()
        for i in reversed(range(len(ys))):
            al[i] = steps[i].dot(q) * ro[i]
            q.add_(ys[i], alpha=-al[i])
        d = torch.mul(q, state["H_diag"])
        for i in range(len(ys)):
            d.add_(steps[i], alpha=al[i] - ys[i].dot(d) * ro[i])
        return d
