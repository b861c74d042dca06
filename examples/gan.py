"""A generative adversarial network on handwritten digits: a forger and a critic learn together.

Radford, Metz and Chintala, 2015 (arXiv:1511.06434), in small: 8x8 pixels, two convolutions each.

rushlight run examples/gan.py
"""

import argparse

import torch
from digits import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from vae import side_by_side

NOISE = 16


def make_generator():
    """Noise (N, NOISE, 1, 1) to images (N, 1, 8, 8) of -1 to 1."""
    return nn.Sequential(
        nn.ConvTranspose2d(NOISE, 64, kernel_size=2),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(64, 32, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(32, 1, kernel_size=4, stride=2, padding=1),
        nn.Tanh(),
    )


def make_critic():
    """Images (N, 1, 8, 8) to one score each: positive where they look real."""
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Dropout2d(0.2),
        nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(256, 1),
        nn.Flatten(0),
    )


@torch.no_grad()
def init_weights(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        module.weight.normal_(0.0, 0.05)
    elif isinstance(module, nn.BatchNorm2d):
        module.weight.normal_(1.0, 0.02)
        module.bias.zero_()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    images, labels = load_digits().tensors
    threes = images[labels == 3] * 2 - 1
    images = torch.cat([threes, threes.roll(1, dims=3)])  # also one pixel to the right
    loader = DataLoader(TensorDataset(images), batch_size=32, shuffle=True, drop_last=True)
    generator, critic = make_generator().apply(init_weights), make_critic().apply(init_weights)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    optimizer_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    noise = torch.randn(4, NOISE, 1, 1)  # the same for every look at the forger's work

    for epoch in range(1, args.epochs + 1):
        sums = [0.0, 0.0]
        for (real,) in loader:
            ones, zeros = real.new_ones(len(real)), real.new_zeros(len(real))
            fake = generator(torch.randn(len(real), NOISE, 1, 1))

            # The critic: real ones are real (0.9 keeps it from being too sure), forged ones not.
            loss_c = criterion(critic(real), 0.9 * ones) + criterion(critic(fake.detach()), zeros)
            optimizer_c.zero_grad()
            loss_c.backward()
            optimizer_c.step()

            # The forger: the critic should take its work for real. The critic stays as it is.
            critic.requires_grad_(False)
            loss_g = criterion(critic(fake), ones)
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            critic.requires_grad_(True)
            sums = [sums[0] + loss_c.item(), sums[1] + loss_g.item()]
        if epoch <= 3 or epoch % 5 == 0:
            loss_c, loss_g = (total / len(loader) for total in sums)
            print(f"epoch {epoch:2d}  critic {loss_c:.4f}  forger {loss_g:.4f}")

    generator.eval()
    with torch.no_grad():
        forged = generator(noise) / 2 + 0.5
    print("\nfour forged threes:\n\n" + side_by_side(*forged))


if __name__ == "__main__":
    main()
