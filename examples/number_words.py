"""A character RNN: which language is a number written in?

The words are made by rule (dreiundzwanzig, twentythree, veintitres, isipsam), so there is data
without a download. Words differ in length: they are padded, packed, and read by an nn.RNN.

rushlight run examples/number_words.py
"""

import argparse
import string

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, random_split

LANGUAGES = ["English", "German", "Spanish", "Korean"]
ENGLISH = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
GERMAN = (
    "eins zwei drei vier fuenf sechs sieben acht neun zehn elf zwoelf dreizehn vierzehn "
    "fuenfzehn sechzehn siebzehn achtzehn neunzehn"
).split()
GERMAN_TENS = "zwanzig dreissig vierzig fuenfzig sechzig siebzig achtzig neunzig".split()
SPANISH = (
    "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciseis diecisiete dieciocho diecinueve"
).split()
SPANISH_TENS = "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
KOREAN = "il i sam sa o yuk chil pal gu".split()
LETTERS = string.ascii_lowercase


def spell(number, language):
    """A number from 1 to 99 in letters, without spaces."""
    tens, ones = divmod(number, 10)
    if language == "Korean":
        ten = "" if tens == 0 else "sip" if tens == 1 else KOREAN[tens - 1] + "sip"
        return ten + (KOREAN[ones - 1] if ones else "")
    small, large = {
        "English": (ENGLISH, ENGLISH_TENS),
        "German": (GERMAN, GERMAN_TENS),
        "Spanish": (SPANISH, SPANISH_TENS),
    }[language]
    if number < 20:
        return small[number - 1]
    if ones == 0:
        return large[tens - 2]
    if language == "German":
        return small[ones - 1].replace("eins", "ein") + "und" + large[tens - 2]
    if language == "Spanish":
        return "veinti" + small[ones - 1] if tens == 2 else large[tens - 2] + "y" + small[ones - 1]
    return large[tens - 2] + small[ones - 1]


class Words(Dataset):
    """(letters of a word as numbers, number of its language), for 1 to 99 in each language."""

    def __init__(self):
        self.words = [
            (spell(n, name), i) for i, name in enumerate(LANGUAGES) for n in range(1, 100)
        ]

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        word, label = self.words[index]
        return encode(word), label


def encode(word):
    return torch.tensor([LETTERS.index(letter) + 1 for letter in word])


def collate(samples):
    """Words of one batch side by side, zeros behind the short ones; and how long each is."""
    words, labels = zip(*samples)
    lengths = torch.tensor([len(word) for word in words])
    return pad_sequence(words, batch_first=True), lengths, torch.tensor(labels)


class Reader(nn.Module):
    """Reads letters one after another; the last state tells the language."""

    def __init__(self, width=48):
        super().__init__()
        self.embed = nn.Embedding(len(LETTERS) + 1, 16, padding_idx=0)
        self.rnn = nn.RNN(16, width, nonlinearity="tanh", batch_first=True)
        self.head = nn.Linear(width, len(LANGUAGES))

    def forward(self, letters, lengths):
        packed = pack_padded_sequence(
            self.embed(letters), lengths, batch_first=True, enforce_sorted=False
        )
        _, last = self.rnn(packed)
        return self.head(last[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    train_set, test_set = random_split(Words(), [0.8, 0.2])
    loader = DataLoader(train_set, batch_size=16, shuffle=True, collate_fn=collate)
    test_words, test_lengths, test_labels = collate(list(test_set))
    model = Reader()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        losses = []
        for letters, lengths, labels in loader:
            loss = nn.functional.cross_entropy(model(letters, lengths), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            losses.append(loss.detach())
        model.eval()
        with torch.no_grad():
            right = model(test_words, test_lengths).argmax(1).eq(test_labels).float().mean()
        print(f"epoch {epoch:2d}  loss {torch.stack(losses).mean():.4f}  right {right:.1%}")

    print()
    for word in ("siebenundvierzig", "sasipgu", "ninetynine", "cuarentaydos"):
        chances = model(encode(word)[None], torch.tensor([len(word)])).softmax(1)[0]
        best = chances.argmax().item()
        print(f"{word:17} {LANGUAGES[best]:8} {chances[best].item():.1%}")


if __name__ == "__main__":
    main()
