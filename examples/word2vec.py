"""Word vectors by skip-gram with negative sampling: words used alike get vectors alike.

The corpus is made by a small grammar (animals eat and live, people cook and travel, ...), so the
right answer is known: the nearest words of an animal are animals.
Mikolov and others, 2013 (arXiv:1310.4546).

rushlight run examples/word2vec.py
"""

import argparse
import random
from collections import Counter

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

KINDS = {
    "animal": "cat dog fox hare owl wolf mouse".split(),
    "food": "bread soup cheese fish rice apples honey".split(),
    "place": "forest river meadow valley hill lake".split(),
    "person": "baker miller teacher painter sailor farmer".split(),
    "town": "seoul lisbon oslo cairo lima kyoto".split(),
}
SENTENCES = [
    "the animal eats food near the place",
    "a animal sleeps in the place at night",
    "the person cooks food for the animal",
    "a person travels from town to town",
    "the person of town sells food",
    "the animal hunts in the place",
    "a person in town buys food every day",
]


def make_corpus(count, seed):
    """`count` sentences of the grammar, as lists of words."""
    draw = random.Random(seed)
    corpus = []
    for _ in range(count):
        words = draw.choice(SENTENCES).split()
        corpus.append([draw.choice(KINDS[word]) if word in KINDS else word for word in words])
    return corpus


class SkipGrams(IterableDataset):
    """(word, neighbour) for every word and the words at most `window` away from it."""

    def __init__(self, corpus, index, window=3):
        self.sentences = [[index[word] for word in sentence] for sentence in corpus]
        self.window = window

    def __iter__(self):
        for sentence in self.sentences:
            for i, center in enumerate(sentence):
                for j in range(max(i - self.window, 0), min(i + self.window + 1, len(sentence))):
                    if j != i:
                        yield center, sentence[j]


class SkipGram(nn.Module):
    """Two vectors a word: one as the centre, one as a neighbour."""

    def __init__(self, words, width, frequencies, negatives=5):
        super().__init__()
        self.center = nn.Embedding(words, width)
        self.context = nn.Embedding(words, width)
        nn.init.uniform_(self.center.weight, -0.5 / width, 0.5 / width)
        nn.init.zeros_(self.context.weight)
        self.negatives = negatives
        self.register_buffer("noise", frequencies**0.75)

    def forward(self, center, context):
        """The loss of pairs that occur, against words drawn by their frequency."""
        count = len(center) * self.negatives
        wrong = torch.multinomial(self.noise, count, replacement=True).view(len(center), -1)
        vector = self.center(center)
        real = (vector * self.context(context)).sum(dim=1)
        false = torch.einsum("nd,nkd->nk", vector, self.context(wrong))
        return -(F.logsigmoid(real) + F.logsigmoid(-false).sum(dim=1)).mean()


@torch.no_grad()
def neighbours(vectors, index, word, count=5):
    """The `count` words whose vectors point most nearly in the direction of `word`'s."""
    likeness = F.cosine_similarity(vectors, vectors[index[word]].unsqueeze(0), dim=1)
    likeness[index[word]] = -1
    values, places = likeness.topk(count)
    words = list(index)
    return [(words[i], value) for i, value in zip(places.tolist(), values.tolist())]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    corpus = make_corpus(args.sentences, args.seed)
    counts = Counter(word for sentence in corpus for word in sentence)
    index = {word: i for i, (word, _) in enumerate(counts.most_common())}
    frequencies = torch.tensor([float(counts[word]) for word in index])
    print(f"{sum(counts.values())} words, {len(index)} different ones")

    model = SkipGram(len(index), 16, frequencies)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.2)
    loader = DataLoader(SkipGrams(corpus, index), batch_size=256)
    for epoch in range(1, args.epochs + 1):
        losses = []
        for center, context in loader:
            loss = model(center, context)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}  loss {sum(losses) / len(losses):.4f}")

    vectors, right, asked = model.center.weight, 0, 0
    for kind in KINDS.values():
        for word in kind:
            near = {name for name, _ in neighbours(vectors, index, word, count=3)}
            right, asked = right + len(near & set(kind)), asked + 3
    print(f"\nof the three nearest words, {right / asked:.1%} are of the same kind\n")
    for word in ("owl", "cheese", "oslo"):
        near = "  ".join(f"{name} {value:.3f}" for name, value in neighbours(vectors, index, word))
        print(f"{word:7} {near}")


if __name__ == "__main__":
    main()
