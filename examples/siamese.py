"""A Siamese network: learn when two images show the same digit, and compare new ones by that.

Triplets (an anchor, another of its kind, one of another kind) pull like images together and push
others apart. New images are then read by their distance to a single example of each digit.

rushlight run examples/siamese.py
"""

import argparse

import torch
import torch.nn.functional as F
from digits import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler


class Triplets(Dataset):
    """(anchor, positive, negative) images; the last two are drawn anew each time."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.same = {k: torch.nonzero(labels == k).flatten() for k in labels.unique().tolist()}
        self.other = {k: torch.nonzero(labels != k).flatten() for k in self.same}

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        kind = self.labels[index].item()
        positive = self.draw(self.same[kind])
        return self.images[index], self.images[positive], self.images[self.draw(self.other[kind])]

    @staticmethod
    def draw(indices):
        return indices[torch.randint(len(indices), ())]


class Embedder(nn.Module):
    """Images (N, 1, 8, 8) to points (N, 32) on the unit sphere."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding="same")
        self.conv2 = nn.Conv2d(16, 32, 3, padding="same")
        self.norm = nn.GroupNorm(4, 32)
        self.out = nn.Linear(32 * 16, 32)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.norm(self.conv2(x)))
        return F.normalize(self.out(x.flatten(1)), dim=1)


@torch.no_grad()
def one_shot(model, images, labels, rounds=50):
    """How often the nearest of ten examples, one of each digit, is of the right digit."""
    points, right = model(images), []
    for _ in range(rounds):
        shown = [Triplets.draw(torch.nonzero(labels == digit).flatten()) for digit in range(10)]
        distances = torch.cdist(points, points[torch.stack(shown)])
        right.append((distances.argmin(dim=1) == labels).float().mean())
    return torch.stack(right).mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    images, labels = load_digits().tensors
    triplets = Triplets(images[:1400], labels[:1400])
    new_images, new_labels = images[1400:], labels[1400:]
    sampler = RandomSampler(triplets, replacement=True, num_samples=1024)
    loader = DataLoader(triplets, batch_size=64, sampler=sampler)
    model = Embedder()
    criterion = nn.TripletMarginLoss(margin=0.5)
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 6], gamma=0.3)

    before = one_shot(model, new_images, new_labels)
    print(f"before training, {before:.1%} of new digits right by one example of each")
    for epoch in range(1, args.epochs + 1):
        losses = []
        for batch in loader:
            anchor, positive, negative = model(torch.cat(batch)).chunk(3)
            loss = criterion(anchor, positive, negative)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        near = F.pairwise_distance(anchor, positive).mean().item()
        far = F.pairwise_distance(anchor, negative).mean().item()
        mean = sum(losses) / len(losses)
        print(f"epoch {epoch}  loss {mean:.4f}  like pairs {near:.4f} apart, unlike {far:.4f}")
    after = one_shot(model, new_images, new_labels)
    print(f"after training, {after:.1%}")


if __name__ == "__main__":
    main()
