"""Tell two spirals apart: a perceptron cannot, a network with hidden layers can.

Prints the losses of both and a map of what the network has learnt.

rushlight run examples/spirals.py
"""

import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn


def make_spirals(count, noise=0.02):
    """Points (2 * count, 2) on two interleaved spirals, and which of them each lies on."""
    turn = torch.rand(count).sqrt() * 2.5 * math.pi
    arm = torch.stack([turn * torch.cos(turn), turn * torch.sin(turn)], dim=1) / (2.5 * math.pi)
    points = torch.cat([arm, -arm]) + noise * torch.randn(2 * count, 2)
    labels = torch.arange(2).repeat_interleave(count)
    return points, labels


class MLP(nn.Module):
    """Linear layers with tanh between them; `hidden` is the list of their widths."""

    def __init__(self, hidden):
        super().__init__()
        widths = [2, *hidden, 2]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


def init_weights(module):
    """For `Module.apply`: Xavier's weights and no bias in every linear layer."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight, gain=nn.init.calculate_gain("tanh"))
        nn.init.zeros_(module.bias)


def train(model, points, labels, steps, name):
    """Full-batch training with AdamW; weights decay, biases do not."""
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 1e-3},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=steps)
    for step in range(steps):
        scores = model(points)
        loss = F.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step < 3 or (step + 1) % max(steps // 5, 1) == 0:
            accuracy = (scores.argmax(1) == labels).float().mean()
            print(f"{name:10} step {step + 1:5d}  loss {loss.item():.4f}  right {accuracy:.1%}")


@torch.no_grad()
def draw_map(model, points, labels, width=60, height=24):
    """The plane as text: '.' and '#' are the two answers, 'o' and 'x' some of the points."""
    rows, columns = torch.linspace(1.1, -1.1, height), torch.linspace(-1.1, 1.1, width)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    answers = model(torch.stack([x, y], dim=-1)).argmax(-1)
    picture = [[".#"[answer] for answer in row] for row in answers.tolist()]
    for (px, py), label in zip(points[::8].tolist(), labels[::8].tolist()):
        row = round((1.1 - py) / 2.2 * (height - 1))
        column = round((px + 1.1) / 2.2 * (width - 1))
        picture[row][column] = "ox"[label]
    return "\n".join("".join(row) for row in picture)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    points, labels = make_spirals(200)
    fresh, fresh_labels = make_spirals(200)
    for name, hidden in (("perceptron", []), ("MLP", [64, 64])):
        model = MLP(hidden).apply(init_weights)
        train(model, points, labels, args.steps, name)
        with torch.inference_mode():
            right = (model(fresh).argmax(1) == fresh_labels).float().mean().item()
        print(f"{name}: {right:.1%} of new points right\n")
    print(draw_map(model, points, labels))


if __name__ == "__main__":
    main()
