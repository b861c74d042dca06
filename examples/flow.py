"""A normalizing flow and a mixture of Gaussians learn the density of the same ring of points.

The flow is a chain of affine couplings, written as torch.distributions transforms; the mixture is a
MixtureSameFamily. Both are trained by the exact likelihood. Dinh and others, 2016
(arXiv:1605.08803).

rushlight run examples/flow.py
"""

import argparse
import math

import torch
from torch import nn
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    Transform,
    TransformedDistribution,
    constraints,
)


def make_ring(count):
    """Points (count, 2) near a circle of radius 2."""
    angle = 2 * math.pi * torch.rand(count)
    radius = 2 + 0.15 * torch.randn(count)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


class Coupling(Transform):
    """One coordinate is scaled and shifted by functions of the other, which stays."""

    domain = codomain = constraints.real_vector
    bijective = True

    def __init__(self, net, flip):
        super().__init__()
        self.net, self.flip = net, flip

    def split(self, x):
        first, second = x.unbind(dim=-1)
        return (second, first) if self.flip else (first, second)

    def join(self, kept, moved):
        return torch.stack([moved, kept] if self.flip else [kept, moved], dim=-1)

    def scale_and_shift(self, kept):
        scale, shift = self.net(kept.unsqueeze(-1)).unbind(dim=-1)
        return 1.5 * torch.tanh(scale), shift

    def _call(self, x):
        kept, moved = self.split(x)
        scale, shift = self.scale_and_shift(kept)
        return self.join(kept, moved * scale.exp() + shift)

    def _inverse(self, y):
        kept, moved = self.split(y)
        scale, shift = self.scale_and_shift(kept)
        return self.join(kept, (moved - shift) * (-scale).exp())

    def log_abs_det_jacobian(self, x, y):
        return self.scale_and_shift(self.split(x)[0])[0]


class Flow(nn.Module):
    def __init__(self, layers=6, width=32):
        super().__init__()
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(1, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                          nn.Linear(width, 2))
            for _ in range(layers)
        )  # fmt: skip
        self.register_buffer("center", torch.zeros(2))

    def distribution(self):
        base = Independent(Normal(self.center, torch.ones_like(self.center)), 1)
        couplings = [Coupling(net, flip=i % 2 == 1) for i, net in enumerate(self.nets)]
        return TransformedDistribution(base, couplings, validate_args=False)


class Mixture(nn.Module):
    def __init__(self, parts=8):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(parts))
        self.means = nn.Parameter(torch.randn(parts, 2))
        self.factors = nn.Parameter(torch.eye(2).repeat(parts, 1, 1))

    def distribution(self):
        lower = self.factors.tril(-1) + torch.diag_embed(
            nn.functional.softplus(self.factors.diagonal(dim1=-2, dim2=-1)) + 1e-3
        )
        parts = MultivariateNormal(self.means, scale_tril=lower)
        return MixtureSameFamily(Categorical(logits=self.logits), parts)


def draw(density, width=44, height=18, reach=3.0):
    """The density of a distribution as text."""
    y, x = torch.meshgrid(
        torch.linspace(reach, -reach, height), torch.linspace(-reach, reach, width), indexing="ij"
    )
    values = density.log_prob(torch.stack([x, y], dim=-1)).exp()
    shades = (values / values.max() * 7.99).int().tolist()
    return "\n".join("".join(" .:-+*#@"[s] for s in row).rstrip() for row in shades)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    test = make_ring(2000)
    for name, model in (("flow", Flow()), ("mixture", Mixture())):
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3 if name == "flow" else 5e-2)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, max(args.steps // 3, 1), gamma=0.3)
        for step in range(1, args.steps + 1):
            loss = -model.distribution().log_prob(make_ring(256)).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            if step <= 3 or step % 200 == 0:
                print(f"{name:8} step {step:4d}  loss {loss.item():.4f}")
        with torch.no_grad():
            found = model.distribution()
            sample = found.sample((1000,))
            print(f"\n{name}: {-found.log_prob(test).mean():.4f} nats a new point; samples lie "
                  f"{sample.norm(dim=1).mean():.3f} from the centre\n")  # fmt: skip
            print(draw(found) + "\n")
    entropy = math.log(2 * math.pi * 2) + 0.5 * math.log(2 * math.pi * math.e * 0.15**2)
    print(f"the ring itself: about {entropy:.4f} nats")


if __name__ == "__main__":
    main()
