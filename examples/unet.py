"""A U-Net that finds discs among other shapes: segmentation, with data made as it is needed.

Each image holds a disc, a square and noise; the mask to learn is the disc alone.
Ronneberger, Fischer and Brox, 2015 (arXiv:1505.04597).

rushlight run examples/unet.py
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 28


class Shapes(Dataset):
    """(image (1, SIZE, SIZE), mask of the disc); sample i is always the same."""

    def __init__(self, count, seed):
        self.count, self.seed = count, seed
        axis = torch.arange(SIZE, dtype=torch.float32)
        self.y, self.x = torch.meshgrid(axis, axis, indexing="ij")

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        numbers = torch.rand(6, generator=generator)
        (dy, dx, sy, sx), (radius, half) = numbers[:4] * (SIZE - 12) + 6, numbers[4:] * 2 + 4
        disc = (self.y - dy).square() + (self.x - dx).square() <= radius**2
        square = torch.maximum((self.y - sy).abs(), (self.x - sx).abs()) <= half
        image = torch.logical_or(disc, square).float()
        image = image + 0.2 * torch.randn(SIZE, SIZE, generator=generator)
        return image.unsqueeze(0), disc.float().unsqueeze(0)


def double_conv(channels_in, channels):
    """Two 3x3 convolutions, each with normalisation and ReLU."""
    layers = []
    for before in (channels_in, channels):
        layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Down, and up again, with a bridge at every height. Returns logits of the mask."""

    def __init__(self, widths=(12, 24, 48)):
        super().__init__()
        self.down = nn.ModuleList(double_conv(a, b) for a, b in zip((1, *widths), widths))
        heights = list(zip(widths[:0:-1], widths[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in heights)
        self.join = nn.ModuleList(double_conv(2 * b, b) for _, b in heights)
        self.out = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x):
        bridges = []
        for i, down in enumerate(self.down):
            x = down(x if i == 0 else F.max_pool2d(x, 2))
            bridges.append(x)
        for up, join, bridge in zip(self.up, self.join, bridges[-2::-1]):
            x = join(torch.cat([bridge, up(x)], dim=1))
        return self.out(x)


def dice(chances, mask):
    """Twice the common part over both parts; 1 is a perfect mask. One value per image."""
    common = (chances * mask).sum(dim=(1, 2, 3))
    return (2 * common + 1) / (chances.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3)) + 1)


def show(image, mask, found):
    """Image, mask and what was found, side by side."""
    lines = []
    for pixels, real, seen in zip(image.squeeze(0), mask.squeeze(0), found.squeeze(0)):
        shades = (pixels.clamp(0, 1.25) * 4).int().tolist()
        lines.append("".join(" .:+%@"[s] for s in shades) + " |")
        lines[-1] += "".join(".#"[int(v)] for v in real.tolist()) + "|"
        lines[-1] += "".join(".#"[int(v)] for v in seen.tolist())
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=384)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    loader = DataLoader(Shapes(args.images, seed=1), batch_size=16, shuffle=True)
    test_loader = DataLoader(Shapes(64, seed=2), batch_size=32)
    model = UNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, amsgrad=True)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=args.epochs, power=0.9)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for images, masks in loader:
            logits = model(images)
            overlap = 1 - dice(logits.sigmoid(), masks).mean()
            loss = F.binary_cross_entropy_with_logits(logits, masks) + overlap
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            found = [dice((model(x) > 0).float(), y) for x, y in test_loader]
        score = torch.cat(found).mean()
        print(f"epoch {epoch}  loss {total / len(loader):.4f}  dice of new images {score:.4f}")

    image, mask = test_loader.dataset[0]
    with torch.no_grad():
        found = model(image.unsqueeze(0))[0] > 0
    print("\n" + show(image, mask, found))


if __name__ == "__main__":
    main()
