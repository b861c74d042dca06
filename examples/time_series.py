"""Forecast a series with an LSTM: cycles of about eleven years, high and low, like sunspots.

The series is made here. Windows of it train the network; a plateau scheduler and early stopping
watch the validation loss; the best weights then write the next years by themselves.

rushlight run examples/time_series.py
"""

import argparse
import copy
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WINDOW = 44  # quarters of a year


def make_series(count=1000):
    """Steep rises and slow falls, whose heights and lengths drift, and noise: (count,)."""
    time = torch.arange(count, dtype=torch.float32) / 4
    phase = 2 * math.pi * (time / 11 + 0.05 * torch.sin(2 * math.pi * time / 57))
    height = 1 + 0.4 * torch.sin(2 * math.pi * time / 88)
    wave = torch.exp(1.2 * torch.cos(phase + 0.4 * torch.sin(phase)))
    return height * wave / wave.max() + 0.03 * torch.randn(count)


class Forecaster(nn.Module):
    """A window (N, T, 1) to the next value (N, 1); keeps its state for going on."""

    def __init__(self, width=32):
        super().__init__()
        self.lstm = nn.LSTM(1, width, num_layers=2, batch_first=True)
        self.head = nn.Linear(width, 1)
        for name, parameter in self.lstm.named_parameters():
            if "bias_ih" in name:  # gates i, f, g, o: the forget gate starts open
                nn.init.constant_(parameter[width : 2 * width], 1.0)

    def forward(self, x, state=None):
        y, state = self.lstm(x, state)
        return self.head(y[:, -1]), state


def run_epoch(model, loader, criterion, optimizer=None):
    """The mean loss; learns if there is an optimiser."""
    model.train(optimizer is not None)
    total = 0.0
    with torch.set_grad_enabled(optimizer is not None):
        for windows, values in loader:
            loss = criterion(model(windows)[0], values)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(windows)
    return total / len(loader.dataset)


@torch.no_grad()
def forecast(model, series, count):
    """`count` values after `series`, each made from those before it."""
    value, state = model(series[-WINDOW:].view(1, -1, 1))
    values = [value.item()]
    for _ in range(count - 1):
        value, state = model(value.unsqueeze(1), state)
        values.append(value.item())
    return torch.tensor(values)


def draw(values, mark, width=60):
    """A line of text for every year."""
    for value in values[::4].tolist():
        print(f"{value:7.3f} " + " " * round(min(max(value, 0), 1.2) / 1.2 * width) + mark)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    series = make_series()
    known, future = series[:900], series[900:]
    windows = known.unfold(0, WINDOW + 1, 1)  # a view: nothing is copied
    data = TensorDataset(windows[:, :-1].unsqueeze(-1), windows[:, -1:])
    train = torch.utils.data.Subset(data, range(700))
    valid = torch.utils.data.Subset(data, range(700, len(data)))
    loader = DataLoader(train, batch_size=64, shuffle=True)
    valid_loader = DataLoader(valid, batch_size=256)

    model, criterion = Forecaster(), nn.HuberLoss(delta=0.2)
    optimizer = torch.optim.RAdam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
    best, best_weights, waited = math.inf, None, 0
    for epoch in range(1, args.epochs + 1):
        loss = run_epoch(model, loader, criterion, optimizer)
        checked = run_epoch(model, valid_loader, criterion)
        scheduler.step(checked)
        rate = optimizer.param_groups[0]["lr"]
        print(f"epoch {epoch:2d}  loss {loss:.5f}  validation {checked:.5f}  next rate {rate:.5f}")
        if checked < best:
            best, best_weights, waited = checked, copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
            if waited == 4:
                print("no better for four epochs: stopped")
                break

    model.load_state_dict(best_weights)
    written = forecast(model, known, len(future))
    error = (written - future).abs()
    print(f"\nmean error of the forecast: {error[:8].mean():.4f} in the first two years, "
          f"{error.mean():.4f} in all\n")  # fmt: skip
    draw(known[-40:], "*")
    draw(written, "o")


if __name__ == "__main__":
    main()
