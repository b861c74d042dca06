"""Fit a line to points in four ways: by hand, with an optimiser, with L-BFGS, and exactly.

The points lie on y = 3 x1 - 2 x2 + 0.5 with some noise. Every way must find those numbers.

rushlight run examples/linear_regression.py
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

TRUE_WEIGHT = torch.tensor([3.0, -2.0])
TRUE_BIAS = 0.5


def make_points(count):
    """`count` points and their noisy values: (count, 2) and (count,)."""
    x = torch.randn(count, 2)
    y = x @ TRUE_WEIGHT + TRUE_BIAS + 0.1 * torch.randn(count)
    return x, y


def show(name, weight, bias, x, y):
    """One line: what was found, and how far the values are from it."""
    loss = torch.mean((x @ weight + bias - y) ** 2)
    print(f"{name:12} {weight[0]:+.4f} x1 {weight[1]:+.4f} x2 {bias:+.4f}   loss {loss:.5f}")


def by_hand(x, y, epochs):
    """Gradient descent with nothing but autograd: the update is written out."""
    weight = torch.zeros(2, requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    for epoch in range(epochs):
        loss = ((x @ weight + bias - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= 0.1 * parameter.grad
                parameter.grad = None
        if epoch < 3:
            print(f"  by hand, epoch {epoch}: loss {loss.item():.5f}")
    return weight.detach(), bias.item()


def with_optimizer(x, y, epochs):
    """The same with a layer, a loss, an optimiser, and batches of 32 points."""
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)
    criterion = nn.MSELoss()
    for epoch in range(epochs):
        total = 0.0
        for points, values in loader:
            optimizer.zero_grad()
            loss = criterion(model(points).squeeze(-1), values)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        if epoch < 3:
            rate = scheduler.get_last_lr()[0]
            print(f"  SGD, epoch {epoch}: loss {total / len(loader):.5f}, next rate {rate:.4f}")
    return model.weight.detach()[0], model.bias.item()


def with_lbfgs(x, y):
    """L-BFGS looks at the loss several times a step: it asks for it through a closure."""
    model = nn.Linear(2, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x).squeeze(-1), y)
        loss.backward()
        return loss

    before = optimizer.step(closure)
    print(f"  L-BFGS: loss {before.item():.5f} before its one step, {closure().item():.5f} after")
    return model.weight.detach()[0], model.bias.item()


def exactly(x, y):
    """The least-squares solution, from linear algebra: a column of ones stands for the bias."""
    columns = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    solution = torch.linalg.lstsq(columns, y.unsqueeze(-1)).solution.squeeze(-1)
    return solution[:2], solution[2].item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    x, y = make_points(args.points)
    found = {
        "by hand": by_hand(x, y, args.epochs),
        "SGD": with_optimizer(x, y, args.epochs),
        "L-BFGS": with_lbfgs(x, y),
        "exactly": exactly(x, y),
    }
    print()
    show("the truth", TRUE_WEIGHT, TRUE_BIAS, x, y)
    for name, (weight, bias) in found.items():
        show(name, weight, bias, x, y)
    close = torch.allclose(found["L-BFGS"][0], found["exactly"][0], atol=1e-3)
    print(f"\nL-BFGS and linear algebra agree to 0.001: {close}")


if __name__ == "__main__":
    main()
