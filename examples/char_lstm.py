"""A character LSTM that learns a text by heart and writes on in its manner.

The text is this program's own source unless `--text FILE` names another. Training walks through it
in windows; the state goes from window to window, its history does not (truncated backpropagation).

rushlight run examples/char_lstm.py
"""

import argparse
import math
import tempfile
from pathlib import Path

import torch
from torch import nn


class CharLSTM(nn.Module):
    """Embedding, two layers of LSTM, and a score for every character that may come next."""

    def __init__(self, characters, width=128):
        super().__init__()
        self.embed = nn.Embedding(characters, 32)
        self.lstm = nn.LSTM(32, width, num_layers=2, dropout=0.1, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, characters)

    def forward(self, x, state=None):
        x, state = self.lstm(self.embed(x), state)
        return self.head(self.norm(x)), state


def streams(data, batch, window):
    """`data` cut into `batch` parallel streams; yields (input, target) windows of them in order."""
    length = (len(data) - 1) // batch
    inputs = data[: batch * length].view(batch, length)
    targets = data[1 : batch * length + 1].view(batch, length)
    yield from zip(inputs.split(window, dim=1), targets.split(window, dim=1))


@torch.no_grad()
def write(model, vocabulary, start, count, temperature=0.5):
    """`count` characters after `start`, each drawn from the model's chances for it."""
    model.eval()
    index = {c: i for i, c in enumerate(vocabulary)}
    x, state, text = torch.tensor([[index[c] for c in start]]), None, start
    for _ in range(count):
        scores, state = model(x, state)
        chances = torch.softmax(scores[:, -1] / temperature, dim=-1)
        x = torch.multinomial(chances, num_samples=1)
        text += vocabulary[x.item()]
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--text", type=Path, default=Path(__file__))
    parser.add_argument("--write", type=int, default=300, help="characters to write at the end")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    text = args.text.read_text(encoding="utf-8")
    vocabulary = sorted(set(text))
    data = torch.tensor([vocabulary.index(c) for c in text])
    print(f"{len(text)} characters, {len(vocabulary)} different ones")

    model = CharLSTM(len(vocabulary))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    best, checkpoint = math.inf, Path(tempfile.mkdtemp()) / "char_lstm.pt"
    for epoch in range(1, args.epochs + 1):
        model.train()
        state, total, count = None, 0.0, 0
        for x, y in streams(data, batch=8, window=32):
            scores, state = model(x, state)
            state = tuple(part.detach() for part in state)
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            total, count = total + loss.item() * y.numel(), count + y.numel()
        scheduler.step()
        loss = total / count
        if loss < best:
            best = loss
            torch.save({"model": model.state_dict(), "epoch": epoch, "loss": loss}, checkpoint)
        if epoch <= 3 or epoch % 5 == 0:
            print(f"epoch {epoch:2d}  loss {loss:.4f}  last gradient norm {norm:.4f}")

    saved = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(saved["model"])
    checkpoint.unlink()
    checkpoint.parent.rmdir()
    print(f"\nthe best epoch, {saved['epoch']}, writes:\n")
    print(write(model, vocabulary, text[:20], args.write))


if __name__ == "__main__":
    main()
