"""A network that solves an equation: heat spreading in a bar, from the equation alone.

u_t = a u_xx on 0 <= x, t <= 1, u = 0 at both ends, u(x, 0) = sin(pi x) + sin(3 pi x) / 2. The
network's own derivatives go into its loss (torch.autograd.grad with create_graph), Adam starts and
L-BFGS finishes, and the exact solution tells how good it is.
Raissi, Perdikaris and Karniadakis, 2017 (arXiv:1711.10561).

rushlight run examples/heat_equation.py
"""

import argparse
import math

import torch
from torch import nn

DIFFUSIVITY = 0.1


def at_start(x):
    return torch.sin(math.pi * x) + 0.5 * torch.sin(3 * math.pi * x)


def exact(x, t):
    """Each sine falls at its own rate."""
    first = torch.exp(-DIFFUSIVITY * math.pi**2 * t) * torch.sin(math.pi * x)
    third = torch.exp(-9 * DIFFUSIVITY * math.pi**2 * t) * torch.sin(3 * math.pi * x)
    return first + 0.5 * third


class Solution(nn.Module):
    """u(x, t); it is 0 at both ends by its form."""

    def __init__(self, width=32):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, width), nn.Tanh(),
            nn.Linear(width, width), nn.Tanh(),
            nn.Linear(width, 1),
        )  # fmt: skip

    def forward(self, x, t):
        return x * (1 - x) * 4 * self.net(torch.stack([x, t], dim=-1)).squeeze(-1)


def residual(model, x, t):
    """u_t - a u_xx at the points: zero everywhere for the solution."""
    x, t = x.clone().requires_grad_(), t.clone().requires_grad_()
    u = model(x, t)
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    (u_xx,) = torch.autograd.grad(u_x.sum(), x, create_graph=True)
    return u_t - DIFFUSIVITY * u_xx


def draw(model, width=56):
    """The bar at six times as text: the darker, the hotter."""
    x = torch.linspace(0, 1, width)
    for time in (0.0, 0.1, 0.2, 0.4, 0.7, 1.0):
        with torch.no_grad():
            heat = model(x, torch.full_like(x, time)).clamp(0, 1)
        print(f"t = {time:.1f}  " + "".join(" .:-=+*#%@"[int(9.99 * h)] for h in heat.tolist()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500, help="of Adam; L-BFGS takes a tenth")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    x, t = torch.rand(2, 400)
    edge = torch.linspace(0, 1, 60)
    model = Solution()

    def loss():
        inside = residual(model, x, t).square().mean()
        start = (model(edge, torch.zeros_like(edge)) - at_start(edge)).square().mean()
        return inside + 10 * start

    adam = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(1, args.steps + 1):
        adam.zero_grad()
        value = loss()
        value.backward()
        adam.step()
        if step <= 3 or step % 100 == 0:
            print(f"Adam    step {step:4d}  loss {value.item():.5f}")

    lbfgs = torch.optim.LBFGS(
        model.parameters(), max_iter=5, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure():
        lbfgs.zero_grad()
        value = loss()
        value.backward()
        return value

    for step in range(1, args.steps // 10 + 1):
        value = lbfgs.step(closure)
        if step == 1 or step % 10 == 0:
            print(f"L-BFGS  step {step:4d}  loss {value.item():.6f}")

    with torch.no_grad():
        points = torch.cartesian_prod(torch.linspace(0, 1, 41), torch.linspace(0, 1, 41))
        error = (model(*points.T) - exact(*points.T)).abs()
    print(
        f"\nerror against the exact solution: mean {error.mean():.5f}, at most {error.max():.5f}\n"
    )
    draw(model)


if __name__ == "__main__":
    main()
