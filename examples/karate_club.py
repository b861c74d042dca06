"""A graph convolution on Zachary's karate club: who went with whom when the club split?

Two members are known, the instructor and the president; the graph tells the rest. 34 people, 78
friendships: W. W. Zachary, An Information Flow Model for Conflict and Fission in Small Groups,
Journal of Anthropological Research 33, 1977. Layer: Kipf and Welling, 2016 (arXiv:1609.02907).

rushlight run examples/karate_club.py
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn

# Friends of each member among those with a higher number, members counted from 1.
FRIENDS = {
    1: [2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 18, 20, 22, 32],
    2: [3, 4, 8, 14, 18, 20, 22, 31],
    3: [4, 8, 9, 10, 14, 28, 29, 33],
    4: [8, 13, 14],
    5: [7, 11],
    6: [7, 11, 17],
    7: [17],
    9: [31, 33, 34],
    10: [34],
    14: [34],
    15: [33, 34],
    16: [33, 34],
    19: [33, 34],
    20: [34],
    21: [33, 34],
    23: [33, 34],
    24: [26, 28, 30, 33, 34],
    25: [26, 28, 32],
    26: [32],
    27: [30, 34],
    28: [34],
    29: [32, 34],
    30: [33, 34],
    31: [33, 34],
    32: [33, 34],
    33: [34],
}
# Those who went with the president (34); the others went with the instructor (1).
WITH_PRESIDENT = {10, 15, 16, 19, 21, *range(23, 35)}


class GraphConv(nn.Module):
    """Each node sums what its neighbours and itself send, weighed by 1 / sqrt of their degrees."""

    def __init__(self, width_in, width_out):
        super().__init__()
        self.linear = nn.Linear(width_in, width_out, bias=False)
        self.bias = nn.Parameter(torch.zeros(width_out))

    def forward(self, x, source, target):
        degree = torch.bincount(target, minlength=len(x)).float()
        weight = (degree[source] * degree[target]).rsqrt()
        messages = self.linear(x).index_select(0, source) * weight.unsqueeze(1)
        summed = torch.zeros(len(x), messages.shape[1]).index_add(0, target, messages)
        return summed + self.bias


class GCN(nn.Module):
    def __init__(self, nodes, width=16):
        super().__init__()
        self.conv1 = GraphConv(nodes, width)
        self.conv2 = GraphConv(width, 2)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x, edges):
        x = F.elu(self.conv1(x, *edges))
        return F.log_softmax(self.conv2(self.dropout(x), *edges), dim=1)


def make_graph():
    """Edges (2, E) in both directions and from each node to itself, and the true sides."""
    pairs = torch.tensor([(a - 1, b - 1) for a, friends in FRIENDS.items() for b in friends])
    edges = torch.cat([pairs, pairs.flip(1)]).t()
    loops = torch.arange(34).expand(2, 34)
    sides = torch.tensor([int(member in WITH_PRESIDENT) for member in range(1, 35)])
    return torch.cat([edges, loops], dim=1), sides


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    edges, sides = make_graph()
    known = torch.tensor([0, 33])
    features = torch.eye(34)  # nothing is known of the members but who they are
    model = GCN(34)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-3)
    for step in range(1, args.steps + 1):
        model.train()
        loss = F.nll_loss(model(features, edges)[known], sides[known])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step <= 3 or step % 40 == 0:
            model.eval()
            with torch.no_grad():
                right = (model(features, edges).argmax(1) == sides).float().mean()
            print(f"step {step:3d}  loss {loss.item():.4f}  right {right:.2%}")

    model.eval()
    chances = model(features, edges).exp().detach()
    guesses = chances.argmax(1)
    for side, name in enumerate(("instructor", "president")):
        members = (torch.nonzero(guesses == side).flatten() + 1).tolist()
        print(f"\nwith the {name}: {' '.join(map(str, members))}")
    wrong = (torch.nonzero(guesses != sides).flatten() + 1).tolist()
    unsure = (chances.amax(dim=1).argsort(stable=True)[:3] + 1).tolist()
    print(f"\nwrong: {wrong}; least sure of: {unsure}")


if __name__ == "__main__":
    main()
