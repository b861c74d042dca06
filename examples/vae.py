"""A variational autoencoder of handwritten digits: it learns to draw digits that nobody wrote.

Kingma and Welling, Auto-Encoding Variational Bayes, 2013 (arXiv:1312.6114).

rushlight run examples/vae.py
"""

import argparse

import torch
import torch.nn.functional as F
from digits import ascii_art, load_digits
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.utils.data import DataLoader


class VAE(nn.Module):
    """Pixels to a distribution over `latent` numbers, and such numbers back to pixels."""

    def __init__(self, latent=6, hidden=128):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.SiLU())
        self.mean = nn.Linear(hidden, latent)
        self.log_scale = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 64),
            nn.Unflatten(1, (1, 8, 8)),
        )
        self.register_buffer("zero", torch.zeros(latent))
        self.register_buffer("one", torch.ones(latent))

    def prior(self):
        return Normal(self.zero, self.one)

    def encode(self, images):
        hidden = self.encoder(images)
        return Normal(self.mean(hidden), F.softplus(self.log_scale(hidden)) + 1e-3)

    def decode(self, code):
        return Bernoulli(logits=self.decoder(code), validate_args=False)

    def loss(self, images):
        """How badly images are drawn again, and how far codes are from the prior; per image."""
        posterior = self.encode(images)
        code = posterior.rsample()  # the reparameterisation: gradients pass through the sample
        drawn = -self.decode(code).log_prob(images).sum(dim=(1, 2, 3))
        distance = kl_divergence(posterior, self.prior()).sum(dim=1)
        return drawn.mean(), distance.mean()


def side_by_side(*images):
    """Images (1, 8, 8) in one row of text."""
    lines = zip(*(ascii_art(image).split("\n") for image in images))
    return "\n".join("  ".join(parts) for parts in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    images = load_digits().tensors[0]
    loader = DataLoader(images, batch_size=64, shuffle=True)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, args.epochs + 1):
        sums = torch.zeros(2)
        for batch in loader:
            drawn, distance = model.loss(batch)
            optimizer.zero_grad()
            (drawn + distance).backward()
            optimizer.step()
            sums += torch.stack([drawn, distance]).detach()
        drawn, distance = (sums / len(loader)).tolist()
        if epoch <= 3 or epoch % 5 == 0:
            print(f"epoch {epoch:2d}  drawing {drawn:.4f}  distance {distance:.4f}")

    model.eval()
    with torch.inference_mode():
        again = model.decode(model.encode(images[:4]).mean).mean
        print("\nfour digits, and what is left of them after six numbers:\n")
        print(side_by_side(*images[:4]) + "\n\n" + side_by_side(*again))
        new = model.decode(model.prior().sample((4,))).mean
        print("\nfour digits that nobody wrote:\n")
        print(side_by_side(*new))
        ends = model.encode(images[:2]).mean
        steps = torch.linspace(0, 1, 5).unsqueeze(1)
        between = torch.lerp(ends[:1], ends[1:], steps)
        print("\nfrom a 0 to a 1:\n")
        print(side_by_side(*model.decode(between).mean))


if __name__ == "__main__":
    main()
