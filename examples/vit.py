"""A vision Transformer on handwritten digits: images as sixteen words of 2x2 pixels.

Shows nn.TransformerEncoder, gradient accumulation, a warm-up joined to a cosine, and where the
class token looks. Dosovitskiy and others, An Image is Worth 16x16 Words, 2020 (arXiv:2010.11929).

rushlight run examples/vit.py
"""

import argparse

import torch
from digits import load_digits
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader, Subset


class ViT(nn.Module):
    """(N, 1, 8, 8) pixels to (N, 10) scores."""

    def __init__(self, width=48, heads=4, layers=2, patch=2):
        super().__init__()
        self.patches = nn.Conv2d(1, width, kernel_size=patch, stride=patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.empty(1, (8 // patch) ** 2 + 1, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.1, activation="gelu", batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))
        nn.init.trunc_normal_(self.position, std=0.02)

    def embed(self, images):
        words = self.patches(images).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(images), -1, -1), words], dim=1) + self.position

    def forward(self, images):
        return self.head(self.encoder(self.embed(images))[:, 0])

    @torch.no_grad()
    def attention_of_token(self, images):
        """Where the class token of the last layer looks: (N, 4, 4), the mean over heads."""
        x = self.embed(images)
        *first, last = self.encoder.layers
        for layer in first:
            x = layer(x)
        x = last.norm1(x)
        _, weights = last.self_attn(x, x, x, need_weights=True)
        return weights[:, 0, 1:].unflatten(1, (4, 4))


def train_epoch(model, loader, optimizer, scheduler, accumulate=2):
    """Gradients of `accumulate` batches are summed before a step is taken."""
    model.train()
    criterion, losses = nn.CrossEntropyLoss(), []
    for i, (images, labels) in enumerate(loader):
        loss = criterion(model(images), labels)
        (loss / accumulate).backward()
        losses.append(loss.item())
        if (i + 1) % accumulate == 0 or i + 1 == len(loader):
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
    return sum(losses) / len(losses)


@torch.inference_mode()
def evaluate(model, loader):
    model.eval()
    right = torch.cat([model(images).argmax(1) == labels for images, labels in loader])
    return right.float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    digits = load_digits()
    loader = DataLoader(Subset(digits, range(1437)), batch_size=16, shuffle=True)
    test_loader = DataLoader(Subset(digits, range(1437, 1797)), batch_size=120)
    model = ViT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    steps = args.epochs * ((len(loader) + 1) // 2)
    warm_up = max(steps // 10, 1)
    scheduler = SequentialLR(
        optimizer,
        [
            LinearLR(optimizer, start_factor=0.1, total_iters=warm_up),
            CosineAnnealingLR(optimizer, T_max=max(steps - warm_up, 1), eta_min=1e-5),
        ],
        milestones=[warm_up],
    )
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    for epoch in range(1, args.epochs + 1):
        loss = train_epoch(model, loader, optimizer, scheduler)
        rate = optimizer.param_groups[0]["lr"]
        right = evaluate(model, test_loader)
        print(f"epoch {epoch:2d}  loss {loss:.4f}  right {right:.2%}  next rate {rate:.6f}")

    image = digits[1437][0].unsqueeze(0)
    print("\nwhere the class token looks in a first test image, in percent:")
    torch.set_printoptions(precision=1, sci_mode=False)
    print(model.attention_of_token(image)[0] * 100)


if __name__ == "__main__":
    main()
