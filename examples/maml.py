"""Learning to learn: a network that fits a new sine from five points after one gradient step.

MAML differentiates through the inner step: the gradient of a gradient. Finn, Abbeel and Levine,
2017 (arXiv:1703.03400).

rushlight run examples/maml.py
"""

import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call


class Sines:
    """Tasks: sines whose height and phase differ; points from -5 to 5."""

    def __init__(self, count):
        self.height = torch.empty(count).uniform_(0.5, 3.0)
        self.phase = torch.empty(count).uniform_(0, math.pi)

    def points(self, task, count):
        x = torch.empty(count, 1).uniform_(-5, 5)
        return x, self.height[task] * torch.sin(x - self.phase[task])


def adapt(model, weights, x, y, rate, create_graph):
    """The weights after one step on the points; they stay functions of `weights`."""
    loss = F.mse_loss(functional_call(model, weights, (x,)), y)
    gradients = torch.autograd.grad(loss, tuple(weights.values()), create_graph=create_graph)
    return {name: w - rate * g for (name, w), g in zip(weights.items(), gradients)}


def test(model, tasks, steps, rate):
    """Mean errors on new points before and after each of `steps` inner steps."""
    errors = torch.zeros(steps + 1)
    for task in range(len(tasks.height)):
        x, y = tasks.points(task, 5)
        new_x, new_y = tasks.points(task, 50)
        weights = dict(model.named_parameters())
        for step in range(steps + 1):
            with torch.no_grad():
                errors[step] += F.mse_loss(functional_call(model, weights, (new_x,)), new_y)
            weights = adapt(model, weights, x, y, rate, create_graph=False)
            weights = {name: w.detach().requires_grad_() for name, w in weights.items()}
    return errors / len(tasks.height)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--tasks", type=int, default=8, help="tasks in an outer step")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    model = nn.Sequential(
        nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    recent = None
    for step in range(1, args.steps + 1):
        tasks, total = Sines(args.tasks), 0.0
        optimizer.zero_grad()
        for task in range(args.tasks):
            x, y = tasks.points(task, 10)
            new_x, new_y = tasks.points(task, 10)
            fast = adapt(model, dict(model.named_parameters()), x, y, 0.02, create_graph=True)
            loss = F.mse_loss(functional_call(model, fast, (new_x,)), new_y) / args.tasks
            loss.backward()  # through the inner step, into the weights before it
            total += loss.item()
        optimizer.step()
        recent = total if recent is None else 0.95 * recent + 0.05 * total
        if step <= 3 or step % 100 == 0:
            print(f"step {step:4d}  loss {total:.4f}  of late {recent:.4f}")

    unseen = Sines(40)
    for name, net in (("learnt to learn", model), ("fresh network", None)):
        if net is None:
            net = nn.Sequential(
                nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1)
            )
        errors = "  ".join(f"{e:.3f}" for e in test(net, unseen, 5, rate=0.02).tolist())
        print(f"\n{name}: errors on new sines after 0 to 5 steps\n  {errors}")


if __name__ == "__main__":
    main()
