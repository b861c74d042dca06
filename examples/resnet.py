"""A residual network on handwritten digits, with what real training has around the model.

Augmentation, a one-cycle schedule, label smoothing, a moving average of the weights, a forward
hook that watches activations, and a checkpoint from which training goes on.
He and others, Deep Residual Learning for Image Recognition, 2015 (arXiv:1512.03385).

rushlight run examples/resnet.py
"""

import argparse
import io

import torch
import torch.nn.functional as F
from digits import load_digits
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, random_split


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut; `stride` 2 halves the image."""

    def __init__(self, channels_in, channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    def __init__(self, widths=(16, 32, 64), blocks=1, classes=10):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        stages, before = [], widths[0]
        for i, width in enumerate(widths):
            for j in range(blocks):
                stages.append(BasicBlock(before, width, stride=2 if i and not j else 1))
                before = width
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.stages(self.stem(x))), 1))


def augment(images):
    """Each image moved by up to a pixel: padded, then an 8x8 window of it is taken."""
    padded = F.pad(images, (1, 1, 1, 1))
    rows, columns = torch.randint(0, 3, (2, len(images), 1, 1))
    window = torch.arange(8)
    batch = torch.arange(len(images))[:, None, None]
    return padded[batch, 0, rows + window[:, None], columns + window].unsqueeze(1)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    train_set, test_set = random_split(load_digits(), [1437, 360])
    loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=120)
    model = ResNet()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    seen = {}
    for name, block in model.stages.named_children():
        block.register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: output.detach()})
        )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.1, epochs=args.epochs, steps_per_epoch=len(loader)
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for images, labels in loader:
            loss = criterion(model(augment(images)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            average.update_parameters(model)
            total += loss.item()
        spread = "  ".join(f"{name}: {output.std().item():.3f}" for name, output in seen.items())
        print(f"epoch {epoch}  loss {total / len(loader):.4f}  spread of activations {spread}")

    update_bn(loader, average)
    print(f"\ntest accuracy {accuracy(model, test_loader):.2%}, "
          f"of the averaged weights {accuracy(average, test_loader):.2%}")  # fmt: skip

    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    checkpoint = torch.load(file)
    fresh = ResNet()
    fresh.load_state_dict(checkpoint["model"])
    other = torch.optim.SGD(fresh.parameters(), lr=0.1)
    other.load_state_dict(checkpoint["optimizer"])
    same = accuracy(fresh, test_loader) == accuracy(model, test_loader)
    print(f"a fresh model from the checkpoint is as good: {same}, and its optimiser has the "
          f"momentum {other.param_groups[0]['momentum']:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
