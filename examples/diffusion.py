"""A diffusion model in the plane: noise is turned into two moons, step by step.

The network learns to tell the noise in a point; sampling takes it away bit by bit. A moving
average of the weights does the sampling. Ho, Jain and Abbeel, 2020 (arXiv:2006.11239).

rushlight run examples/diffusion.py
"""

import argparse
import math

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn


def make_moons(count):
    """`count` points (count, 2) on two interleaved half circles, spread out to unit size."""
    angle = math.pi * torch.rand(count)
    moon = torch.randint(0, 2, (count,)).bool()
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    points = torch.where(moon.unsqueeze(1), upper, lower) + 0.05 * torch.randn(count, 2)
    return (points - torch.tensor([0.5, 0.25])) / torch.tensor([0.87, 0.5])


class Denoiser(nn.Module):
    """Points (N, 2) and their steps (N,) to the noise in them (N, 2)."""

    def __init__(self, steps, width=96):
        super().__init__()
        frequency = 2.0 ** torch.arange(0, 8) * math.pi / steps
        angle = torch.outer(torch.arange(steps), frequency)
        self.register_buffer("times", torch.cat([angle.sin(), angle.cos()], dim=1))
        self.into = nn.Linear(2, width)
        self.time = nn.Linear(16, width)
        self.body = nn.Sequential(
            nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.out = nn.Linear(width, 2)

    def forward(self, x, step):
        return self.out(self.body(self.into(x) + self.time(self.times[step])))


class Diffusion:
    """The schedule of noise: how to add it at once, and how to take a step of it away."""

    def __init__(self, steps):
        self.steps = steps
        self.beta = torch.linspace(1e-3, 0.12, steps)
        self.kept = torch.cumprod(1 - self.beta, dim=0)

    def add(self, points, noise, step):
        kept = self.kept[step].unsqueeze(1)
        return kept.sqrt() * points + (1 - kept).sqrt() * noise

    @torch.no_grad()
    def sample(self, model, count):
        """`count` new points, and the clouds on the way to them."""
        x, clouds = torch.randn(count, 2), []
        for step in reversed(range(self.steps)):
            noise = model(x, torch.full((count,), step))
            x = x - self.beta[step] / (1 - self.kept[step]).sqrt() * noise
            x = x / (1 - self.beta[step]).sqrt()
            if step > 0:
                x = x + self.beta[step].sqrt() * torch.randn_like(x)
            if step in (self.steps // 4, self.steps // 10, 0):
                clouds.append(x)
        return clouds


def energy_distance(a, b):
    """How far two clouds of points are from being drawn from one source; 0 if they are."""
    return (
        2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()
    ).item()


def draw(points, width=48, height=18, reach=2.2):
    """A cloud as text: the more points in a place, the darker."""
    x = ((points[:, 0] + reach) / (2 * reach) * width).long()
    y = ((reach - points[:, 1]) / (2 * reach) * height).long()
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    counts = torch.bincount(y[inside] * width + x[inside], minlength=width * height)
    shades = counts.view(height, width).clamp(max=6).tolist()
    return "\n".join("".join(" .:-+*#"[n] for n in row).rstrip() for row in shades)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    diffusion = Diffusion(steps=50)
    model = Denoiser(diffusion.steps)
    average = AveragedModel(model, avg_fn=get_ema_avg_fn(0.99), use_buffers=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    recent = 0.0
    for number in range(1, args.steps + 1):
        points = make_moons(256)
        noise = torch.randn_like(points)
        step = torch.randint(0, diffusion.steps, (len(points),))
        loss = nn.functional.mse_loss(model(diffusion.add(points, noise, step), step), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        average.update_parameters(model)
        recent = loss.item() if number == 1 else 0.98 * recent + 0.02 * loss.item()
        if number <= 3 or number % 400 == 0:
            print(f"step {number:4d}  loss {loss.item():.4f}  of late {recent:.4f}")

    truth, clouds = make_moons(1000), diffusion.sample(average, 1000)
    print(f"\nnoise is {energy_distance(torch.randn(1000, 2), truth):.4f} from the moons, "
          f"samples are {energy_distance(clouds[-1], truth):.4f}\n")  # fmt: skip
    print(("\n" + "-" * 48 + "\n").join(draw(cloud) for cloud in clouds))


if __name__ == "__main__":
    main()
