"""An ensemble that knows what it does not know, trained in one go with torch.func.

Eight small networks fit y = sin(3x) from points with a gap. vmap runs all of them as one function of
stacked weights, grad differentiates it, and the update is written out. Where the points are, the
networks agree; in the gap and outside they do not.

rushlight run examples/ensemble.py
"""

import argparse
import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap


def make_net():
    return nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )


def make_points(count):
    """x in (-1.5, -0.5) and (0.5, 1.5), y = sin(3x) with noise."""
    x = torch.rand(count, 1) + 0.5
    x = torch.where(torch.arange(count).unsqueeze(1) % 2 == 0, x, -x)
    return x, torch.sin(3 * x) + 0.05 * torch.randn(count, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    x, y = make_points(64)
    nets = [make_net() for _ in range(args.members)]
    params, buffers = stack_module_state(nets)
    params = {name: value.detach() for name, value in params.items()}
    skeleton = copy.deepcopy(nets[0])
    print({name: tuple(value.shape) for name, value in params.items()}, "\n")

    def loss_of_one(params, weights):
        """The loss of one member; `weights` is how often it sees each point (the bootstrap)."""
        errors = F.mse_loss(functional_call(skeleton, (params, buffers), (x,)), y, reduction="none")
        return (errors.squeeze(1) * weights).mean()

    step_of_all = vmap(grad_and_value(loss_of_one), in_dims=(0, 0))
    draws = torch.randint(0, len(x), (args.members, len(x)))
    weights = torch.stack([torch.bincount(row, minlength=len(x)) for row in draws]).float()
    velocity = {name: torch.zeros_like(value) for name, value in params.items()}
    for step in range(1, args.steps + 1):
        gradients, losses = step_of_all(params, weights)
        for name, gradient in gradients.items():
            velocity[name].mul_(0.9).add_(gradient)
            params[name] = params[name] - 0.03 * velocity[name]
        if step <= 3 or step % (max(args.steps // 5, 1)) == 0:
            print(f"step {step:4d}  loss {losses.mean().item():.4f}  "
                  f"worst member {losses.max().item():.4f}")  # fmt: skip

    places = torch.linspace(-2.5, 2.5, 21).unsqueeze(1)
    predict = vmap(lambda p: functional_call(skeleton, (p, buffers), (places,)))
    values = predict(params).squeeze(-1)
    mean, spread = values.mean(dim=0), values.std(dim=0)
    print("\n    x    sin(3x)    mean  spread")
    for place, m, s in zip(places.squeeze(1).tolist(), mean.tolist(), spread.tolist()):
        truth = torch.sin(torch.tensor(3 * place)).item()
        points = "points" if 0.5 <= abs(place) <= 1.5 else ""
        print(
            f"{place:5.2f}   {truth:7.3f} {m:7.3f} {s:7.3f}  {'=' * round(s * 30):24.24} {points}"
        )


if __name__ == "__main__":
    main()
