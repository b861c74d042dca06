"""Read strips of digits without knowing where each begins: a CRNN trained with the CTC loss.

Three to five digits are set side by side with uneven gaps and noise. Convolutions look, a
bidirectional GRU reads along, and CTC sums over all ways to align the answer with the strip.
Graves and others, 2006 (Connectionist Temporal Classification); Shi and others, 2015
(arXiv:1507.05717).

rushlight run examples/captcha.py
"""

import argparse

import torch
from digits import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

WIDTH, BLANK = 52, 10


class Strips(Dataset):
    """(strip (1, 8, WIDTH), its digits); a strip is made anew from its number and `seed`."""

    def __init__(self, images, labels, count, seed):
        self.images, self.labels, self.count, self.seed = images, labels, count, seed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(self.seed + index)
        length = int(torch.randint(3, 6, (), generator=generator))
        chosen = torch.randint(len(self.images), (length,), generator=generator)
        gaps = torch.randint(0, 3, (length,), generator=generator).tolist()
        strip, x = torch.zeros(1, 8, WIDTH), 0
        for number, gap in zip(chosen.tolist(), gaps):
            x += gap
            strip[:, :, x : x + 8].add_(self.images[number])
            x += 8
        strip += 0.1 * torch.randn(strip.shape, generator=generator)
        return strip, self.labels[chosen]


def collate(samples):
    """Strips side by side; the answers one behind another, with their lengths, as CTC takes them."""
    strips, answers = zip(*samples)
    lengths = torch.tensor([len(answer) for answer in answers])
    return torch.stack(strips), torch.cat(answers), lengths


def tell_worker(worker):
    """Each worker process has a copy of the data set; none of them needs threads of its own."""
    assert get_worker_info().id == worker
    torch.set_num_threads(1)


class Reader(nn.Module):
    """Strips (N, 1, 8, W) to log-probabilities (W / 2, N, 11) of digits and 'nothing new'."""

    def __init__(self, channels=32, width=48):
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
            nn.ReLU(),
            nn.MaxPool2d((2, 1)),
        )
        self.read = nn.GRU(2 * channels, width, bidirectional=True)
        self.head = nn.Linear(2 * width, 11)

    def forward(self, strips):
        seen = self.look(strips)  # (N, C, 2, W / 2)
        columns = seen.flatten(1, 2).permute(2, 0, 1)
        return self.head(self.read(columns)[0]).log_softmax(dim=-1)


def decode(log_probs):
    """The best path without repetitions and blanks, for each strip."""
    paths = log_probs.argmax(dim=-1).t()
    texts = []
    for path in paths:
        path = torch.unique_consecutive(path)
        texts.append(path[path != BLANK].tolist())
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--strips", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=0, help="processes that make strips")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    images, labels = load_digits().tensors
    train = Strips(images[:1437], labels[:1437], args.strips, seed=1_000_000)
    test = Strips(images[1437:], labels[1437:], 200, seed=2_000_000)
    options = dict(collate_fn=collate, num_workers=args.workers)
    if args.workers:
        options.update(worker_init_fn=tell_worker, persistent_workers=True)
    loader = DataLoader(train, batch_size=32, shuffle=True, **options)
    test_loader = DataLoader(test, batch_size=100, collate_fn=collate)

    model = Reader()
    criterion = nn.CTCLoss(blank=BLANK, zero_infinity=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    for epoch in range(1, args.epochs + 1):
        losses = []
        for strips, answers, lengths in loader:
            log_probs = model(strips)
            times = torch.full((len(strips),), len(log_probs), dtype=torch.long)
            loss = criterion(log_probs, answers, times, lengths)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        right = 0
        with torch.no_grad():
            for strips, answers, lengths in test_loader:
                read = decode(model(strips))
                right += sum(a == b.tolist() for a, b in zip(read, answers.split(lengths.tolist())))
        print(f"epoch {epoch}  first loss {losses[0]:.4f}  loss {sum(losses) / len(losses):.4f}  "
              f"strips read without a mistake {right / len(test):.1%}")  # fmt: skip

    print()
    strips, answers, lengths = next(iter(test_loader))
    with torch.no_grad():
        read = decode(model(strips[:3]))
    for strip, answer, text in zip(strips, answers.split(lengths.tolist()), read):
        for row in strip[0].clamp(0, 0.99).mul(10).int().tolist():
            print("".join(" .:-=+*#%@"[shade] for shade in row))
        print("written", *answer.tolist(), "  read", *text, "\n")


if __name__ == "__main__":
    main()
