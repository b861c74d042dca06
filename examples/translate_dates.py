"""A Transformer that translates dates: "march 5, 1987" and "05.03.87" become "1987-03-05".

nn.Transformer, an encoder and a decoder, with padding and causal masks; greedy decoding.
Vaswani and others, Attention Is All You Need, 2017 (arXiv:1706.03762).

rushlight run examples/translate_dates.py
"""

import argparse
import datetime
import math
import random

import torch
from torch import nn
from torch.utils.data import DataLoader

PAD, START, END = 0, 1, 2
LETTERS = " ,-./0123456789abcdefghijklmnopqrstuvwxyz"


def encode(text):
    return [START, *(LETTERS.index(c) + 3 for c in text), END]


def decode(tokens):
    end = tokens.index(END) if END in tokens else len(tokens)
    return "".join(LETTERS[t - 3] for t in tokens[:end] if t > END)


def make_pair(draw):
    """A day between 1950 and 2049 as people write it, and in ISO 8601."""
    day = datetime.date(1950, 1, 1) + datetime.timedelta(days=draw.randrange(36524))
    months = "january february march april may june july august september october november december"
    month = months.split()[day.month - 1]
    style = draw.randrange(4)
    if style == 0:
        text = f"{month} {day.day}, {day.year}"
    elif style == 1:
        text = f"{day.day} {month[:3]} {day.year}"
    elif style == 2:
        text = f"{day.day:02}.{day.month:02}.{day.year % 100:02}"
    else:
        text = f"{day.month}/{day.day}/{day.year}"
    return text, day.isoformat()


def collate(pairs):
    """Padded sources and targets (N, T); lists of tokens side by side."""
    sides = []
    for texts in zip(*pairs):
        rows = [torch.tensor(encode(text)) for text in texts]
        sides.append(nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD))
    return sides


class Positions(nn.Module):
    """Adds sines and cosines of falling frequency, one pattern a position."""

    def __init__(self, width, length=32):
        super().__init__()
        angle = torch.arange(length).unsqueeze(1) * torch.exp(
            torch.arange(0, width, 2) * (-math.log(10000.0) / width)
        )
        table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
        self.register_buffer("table", table, persistent=False)

    def forward(self, x):
        return x + self.table[: x.shape[1]]


class Translator(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embed = nn.Embedding(len(LETTERS) + 3, width, padding_idx=PAD)
        self.positions = Positions(width)
        self.transformer = nn.Transformer(
            width, nhead=4, num_encoder_layers=2, num_decoder_layers=2, dim_feedforward=128,
            dropout=0.0, batch_first=True,
        )  # fmt: skip
        self.head = nn.Linear(width, len(LETTERS) + 3)
        for parameter in self.transformer.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, source, target):
        hidden = source == PAD
        y = self.transformer(
            self.positions(self.embed(source)),
            self.positions(self.embed(target)),
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(target.shape[1]),
            tgt_is_causal=True,
            src_key_padding_mask=hidden,
            memory_key_padding_mask=hidden,
        )
        return self.head(y)

    @torch.no_grad()
    def translate(self, source, length=11):
        """The most probable letters one after another; (N, length) tokens."""
        target = torch.full((len(source), 1), START)
        for _ in range(length):
            best = self(source, target)[:, -1:].argmax(-1)
            target = torch.cat([target, best], dim=1)
        return target[:, 1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--pairs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    draw = random.Random(args.seed)
    pairs = [make_pair(draw) for _ in range(args.pairs)]
    loader = DataLoader(pairs, batch_size=32, shuffle=True, collate_fn=collate)
    test = [make_pair(draw) for _ in range(200)]
    model = Translator()
    criterion = nn.CrossEntropyLoss(ignore_index=PAD)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-9)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / 40))
    for epoch in range(1, args.epochs + 1):
        model.train()
        losses = []
        for source, target in loader:
            scores = model(source, target[:, :-1])
            loss = criterion(scores.flatten(0, 1), target[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        model.eval()
        answers = [decode(row) for row in model.translate(collate(test)[0]).tolist()]
        right = sum(a == iso for a, (_, iso) in zip(answers, test)) / len(test)
        mean = sum(losses) / len(losses)
        print(f"epoch {epoch}  first loss {losses[0]:.4f}  loss {mean:.4f}  right {right:.1%}")

    print()
    for (text, _), answer in list(zip(test, answers))[:6]:
        print(f"{text:20} {answer}")


if __name__ == "__main__":
    main()
