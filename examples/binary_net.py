"""A network whose weights and activations are only -1 and 1, by a gradient of our own.

The sign has no useful derivative: a torch.autograd.Function passes the gradient straight through
where the input is small. gradcheck tests another Function that we write. Real weights stay behind
the binary ones, and learn. Courbariaux and others, 2016 (arXiv:1602.02830).

rushlight run examples/binary_net.py
"""

import argparse

import torch
import torch.nn.functional as F
from digits import load_digits
from torch import nn
from torch.utils.data import DataLoader, random_split


class Sign(torch.autograd.Function):
    """-1 or 1; the gradient goes straight through where |x| <= 1, and is 0 elsewhere."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class Swish(torch.autograd.Function):
    """x * sigmoid(x * slope), its two gradients by hand; saves less than autograd would."""

    @staticmethod
    def forward(ctx, x, slope):
        ctx.slope = slope
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x * slope)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x * ctx.slope)
        return grad * (s + x * ctx.slope * s * (1 - s)), None


class BinaryLinear(nn.Linear):
    """A linear layer that multiplies with the signs of its weights, scaled by their mean size."""

    def binary_weight(self):
        return Sign.apply(self.weight) * self.weight.detach().abs().mean(dim=1, keepdim=True)

    def forward(self, x):
        return F.linear(x, self.binary_weight(), self.bias)


class BinaryNet(nn.Module):
    def __init__(self, width=256):
        super().__init__()
        self.first = nn.Linear(64, width)
        self.norm1 = nn.BatchNorm1d(width)
        self.middle = BinaryLinear(width, width, bias=False)
        self.norm2 = nn.BatchNorm1d(width)
        self.last = nn.Linear(width, 10)

    def forward(self, x):
        x = Swish.apply(self.norm1(self.first(x.flatten(1).to(self.first.weight))), 1.5)
        x = Sign.apply(self.norm2(self.middle(Sign.apply(x))))
        return self.last(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--double", action="store_true", help="compute in float64")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    if args.double:  # a sign that flips by rounding is rarer there
        torch.set_default_dtype(torch.float64)

    x = torch.randn(5, dtype=torch.double, requires_grad=True)
    print("gradient of Swish is right:", torch.autograd.gradcheck(Swish.apply, (x, 1.5)))

    train_set, test_set = random_split(load_digits(), [1437, 360])
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    images, labels = (torch.stack(column) for column in zip(*test_set))
    model = BinaryNet()
    sizes = {}

    def note_gradient(module, grad_input, grad_output):
        sizes["gradient"] = grad_output[0].norm().item()

    handle = model.middle.register_full_backward_hook(note_gradient)
    optimizer = torch.optim.Adamax(model.parameters(), lr=4e-3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        losses = []
        for batch, answers in loader:
            loss = F.multi_margin_loss(model(batch), answers)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():  # weights beyond 1 would never get a gradient again
                model.middle.weight.clamp_(-1, 1)
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            right = (model(images).argmax(1) == labels).float().mean()
        print(f"epoch {epoch}  first loss {losses[0]:.4f}  loss {sum(losses) / len(losses):.4f}  "
              f"right {right:.1%}  gradient {sizes['gradient']:.4f}")  # fmt: skip

    handle.remove()
    row = model.middle.binary_weight()[0].detach()
    print(f"\nvalues in a row of the middle weight: {row.abs().unique().numel()} and its negative; "
          f"{(row > 0).sum().item()} of {row.numel()} are positive")  # fmt: skip


if __name__ == "__main__":
    main()
