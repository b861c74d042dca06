"""Learn to read handwritten digits: an ordinary PyTorch program, from data to prediction.

python examples/digits.py                 with PyTorch
rushlight run examples/digits.py          the same file with rushlight
"""

import argparse
import csv
import gzip
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

DATA = Path(__file__).parent / "data" / "digits.csv.gz"


class DigitNet(nn.Module):
    """Two convolutions and two linear layers: (N, 1, 8, 8) pixels to (N, 10) scores."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 32, kernel_size=3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(32 * 4 * 4, 128),
            nn.ReLU(),
            nn.Dropout(0.25),
            nn.Linear(128, 10),
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def load_digits(path=DATA):
    """The pixels as a (1797, 1, 8, 8) tensor of 0 to 1, and the labels."""
    with gzip.open(path, "rt", newline="") as file:
        rows = torch.tensor([[int(value) for value in row] for row in csv.reader(file)])
    pixels, labels = rows[:, :64], rows[:, 64]
    return TensorDataset(pixels.view(-1, 1, 8, 8).float() / 16, labels)


class Bar:
    """A progress bar on stderr for those who have no tqdm."""

    def __init__(self, items, desc):
        self.items, self.desc = items, desc

    def __iter__(self):
        total, shown = len(self.items), -1
        for done, item in enumerate(self.items, 1):
            yield item
            filled = 30 * done // total
            if filled != shown and sys.stderr.isatty():
                shown = filled
                bar = "#" * filled + "." * (30 - filled)
                print(f"\r{self.desc} [{bar}] {done}/{total}", end="", file=sys.stderr)
        if sys.stderr.isatty():
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)


def progress(items, desc):
    """`items` with a progress bar: tqdm's where it is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return Bar(items, desc)
    return tqdm(items, desc=desc, leave=False, disable=None)


def train_epoch(model, loader, optimizer, scheduler, desc):
    """One pass of learning; returns the mean loss and the share of right answers."""
    model.train()
    criterion = nn.CrossEntropyLoss()
    loss_sum, correct, count = 0.0, 0, 0
    for images, labels in progress(loader, desc):
        optimizer.zero_grad()
        scores = model(images)
        loss = criterion(scores, labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        loss_sum += loss.item() * len(labels)
        correct += (scores.argmax(dim=1) == labels).sum().item()
        count += len(labels)
    return loss_sum / count, correct / count


@torch.no_grad()
def evaluate(model, loader):
    """The mean loss and the share of right answers, without learning."""
    model.eval()
    loss_sum, correct, count = 0.0, 0, 0
    for images, labels in loader:
        scores = model(images)
        loss_sum += F.cross_entropy(scores, labels, reduction="sum").item()
        correct += (scores.argmax(dim=1) == labels).sum().item()
        count += len(labels)
    return loss_sum / count, correct / count


def ascii_art(image):
    """An (1, 8, 8) image as eight lines of text."""
    shades = " .:-=+*#%@"
    lines = []
    for row in image.squeeze(0).tolist():
        lines.append("".join(shades[min(int(value * 10), 9)] * 2 for value in row))
    return "\n".join(lines)


@torch.no_grad()
def show_predictions(model, dataset, count=10):
    """Print what the model reads in the first digits of `dataset`, one of them drawn."""
    model.eval()
    images = torch.stack([dataset[i][0] for i in range(count)])
    labels = [dataset[i][1].item() for i in range(count)]
    chances = F.softmax(model(images), dim=1)
    sureness, digits = chances.max(dim=1)
    print("written: ", *labels)
    print("read:    ", *digits.tolist())
    print(f"\nthe first of them, read as {digits[0].item()} ({sureness[0].item():.1%} sure):")
    print(ascii_art(images[0]))


def plot(history, path):
    """Write the curves of the losses as a PNG; says so where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        print("no picture of the losses: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    epochs = range(1, len(history) + 1)
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot(epochs, [row[0] for row in history], label="training")
    axes.plot(epochs, [row[2] for row in history], label="test")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log", title="Handwritten digits")
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    print(f"loss curves:  {path}")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Learn to read handwritten digits.")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3, help="the highest learning rate")
    parser.add_argument("--out", type=Path, default=Path("digits-out"), metavar="DIR")
    parser.add_argument("--no-plot", action="store_true", help="write no picture")
    return parser.parse_args()


def main():
    args = parse_arguments()
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)

    digits = load_digits()
    # The split has a generator of its own: it stays the same whatever the seed.
    split = torch.Generator().manual_seed(1797)
    train_set, test_set = random_split(digits, [1437, 360], generator=split)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=120)

    model = DigitNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    steps = args.epochs * len(train_loader)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_set)} digits "
          f"to learn from, {len(test_set)} to test with")  # fmt: skip

    history = []
    start = time.perf_counter()
    print("\nepoch   train loss  accuracy    test loss  accuracy")
    for epoch in range(1, args.epochs + 1):
        learned = train_epoch(model, train_loader, optimizer, scheduler, f"epoch {epoch}")
        tested = evaluate(model, test_loader)
        history.append([*learned, *tested])
        print("{:5d} {:12.4f} {:9.2%} {:12.4f} {:9.2%}".format(epoch, *history[-1]), flush=True)
    print(f"\ntrained in {time.perf_counter() - start:.1f} s", file=sys.stderr)

    path = args.out / "digits.pt"
    torch.save({"model": model.state_dict(), "epochs": args.epochs, "history": history}, path)
    print(f"\ncheckpoint:   {path}")
    if not args.no_plot:
        plot(history, args.out / "losses.png")

    checkpoint = torch.load(path)
    fresh = DigitNet()
    print(f"loading it:   {fresh.load_state_dict(checkpoint['model'])}")
    accuracy = evaluate(fresh, test_loader)[1]
    print(f"test accuracy of the loaded model: {accuracy:.2%}\n")
    show_predictions(fresh, test_set)


if __name__ == "__main__":
    main()
