"""Super-resolution: digits of 4x4 pixels are drawn with 8x8.

A convolutional network predicts what bicubic enlargement gets wrong, in four channels that a pixel
shuffle lays out as a 2x2 finer grid. Shi and others, 2016 (arXiv:1609.05158).

rushlight run examples/super_resolution.py
"""

import argparse

import torch
import torch.nn.functional as F
from digits import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from vae import side_by_side


class Enlarger(nn.Module):
    """(N, 1, h, w) to (N, 1, 2h, 2w)."""

    def __init__(self, width=32, depth=3):
        super().__init__()
        layers = [nn.Conv2d(1, width, 3, padding=1, padding_mode="replicate"), nn.PReLU(width)]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")]
            layers += [nn.PReLU(width)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Conv2d(width, 4, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, small):
        return enlarge(small) + self.shuffle(self.head(self.body(small)))


def enlarge(small):
    return F.interpolate(small, scale_factor=2, mode="bicubic", align_corners=False)


def psnr(images, truth):
    """Peak signal-to-noise ratio in dB, for values of 0 to 1."""
    return -10 * torch.log10(F.mse_loss(images.clamp(0, 1), truth)).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    large = load_digits().tensors[0]
    small = F.avg_pool2d(large, kernel_size=2)
    train, test = slice(0, 1437), slice(1437, None)
    loader = DataLoader(TensorDataset(small[train], large[train]), batch_size=32, shuffle=True)
    model = Enlarger()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=5, T_mult=3)
    print(f"bicubic: {psnr(enlarge(small[test]), large[test]):.3f} dB\n")
    for epoch in range(1, args.epochs + 1):
        total = 0.0
        for i, (x, y) in enumerate(loader):
            loss = F.l1_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 0.1)
            optimizer.step()
            scheduler.step(epoch - 1 + i / len(loader))
            total += loss.item()
        with torch.inference_mode():
            quality = psnr(model(small[test]), large[test])
        if epoch <= 3 or epoch % 5 == 0:
            print(f"epoch {epoch:2d}  loss {total / len(loader):.4f}  {quality:.3f} dB")

    with torch.inference_mode():
        chosen = small[test][:3]
        print("\nbicubic, then the network, then the truth:\n")
        for images in (enlarge(chosen).clamp(0, 1), model(chosen).clamp(0, 1), large[test][:3]):
            print(side_by_side(*images) + "\n")


if __name__ == "__main__":
    main()
