"""A small GPT that learns to add: it reads "27+58=" and continues with the sum.

A decoder-only Transformer on characters: causal attention, pre-norm blocks, tied embeddings, AdamW
with warm-up and a cosine, and sampling with temperature and top-k. Sums are written backwards
(85 as "58"), ones first, as one adds on paper: carrying is then a look at what was just written.

rushlight run examples/gpt.py
"""

import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn

ALPHABET = "0123456789+="
LENGTH = 9  # "27+58=580": two numbers of two digits, a sum of three


def encode(text):
    return [ALPHABET.index(c) for c in text]


def decode(tokens):
    return "".join(ALPHABET[t] for t in tokens)


def write_sums(a, b):
    """Tensors of numbers to tokens (count, LENGTH): a, '+', b, '=', and the sum backwards."""
    lines = [f"{x:02}+{y:02}={f'{x + y:03}'[::-1]}" for x, y in zip(a.tolist(), b.tolist())]
    return torch.tensor([encode(line) for line in lines])


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, width=64, heads=4, blocks=2):
        super().__init__()
        self.token = nn.Embedding(len(ALPHABET), width)
        self.position = nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(ALPHABET), bias=False)
        self.head.weight = self.token.weight
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.05)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    @torch.no_grad()
    def generate(self, tokens, count, temperature=1.0, top_k=None):
        """Append `count` tokens; the most probable ones where the temperature is 0."""
        for _ in range(count):
            scores = self(tokens)[:, -1]
            if temperature == 0:
                new = scores.argmax(-1, keepdim=True)
            else:
                if top_k is not None:
                    least = scores.topk(top_k).values[:, -1:]
                    scores = scores.masked_fill(scores < least, -math.inf)
                new = torch.multinomial(F.softmax(scores / temperature, dim=-1), 1)
            tokens = torch.cat([tokens, new], dim=1)
        return tokens


def make_optimizer(model, steps, lr=3e-3):
    """AdamW that decays matrices only; the rate rises for a tenth of the time, then falls."""
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    warm_up = max(steps // 10, 1)

    def rate(step):
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 + 0.5 * math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1))

    optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98))
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    order = torch.randperm(100 * 100)  # every pair of numbers below 100, a tenth held out
    pairs = torch.stack([order // 100, order % 100])
    sums = write_sums(*pairs)
    train, test = sums[1000:], sums[:1000]
    model = GPT()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train)} sums")
    optimizer, scheduler = make_optimizer(model, args.steps)
    for step in range(1, args.steps + 1):
        batch = train[torch.randint(len(train), (args.batch_size,))]
        scores = model(batch[:, :-1])[:, 5:]  # only what follows '=' can be known
        loss = F.cross_entropy(scores.transpose(1, 2), batch[:, 6:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step <= 3 or step % 100 == 0:
            print(f"step {step:4d}  loss {loss.item():.4f}")

    answers = model.generate(test[:, :6], 3, temperature=0)
    right = (answers == test).all(dim=1).float().mean()
    print(f"\n{right:.1%} of {len(test)} sums that were never seen are right\n")
    for sure, warm in zip(answers[:5], model.generate(test[:5, :6], 3, temperature=2, top_k=5)):
        a, b = decode(sure.tolist()), decode(warm.tolist())
        print(f"{a[:6]}{a[:5:-1]}    at temperature 2: {b[:5:-1]}")


if __name__ == "__main__":
    main()
