"""Policy gradient: learn to balance a pole on a cart, by trying.

REINFORCE with a learnt baseline (an actor and a critic on one trunk). Sixteen carts run at once;
the physics is written here with tensors. Equations of motion: Barto, Sutton and Anderson, 1983.

rushlight run examples/policy_gradient.py
"""

import argparse
import math
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical


class CartPoles:
    """`count` carts with poles: state (count, 4) is position, speed, angle, angular speed."""

    gravity, cart, pole, half_length, force, step_time = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02

    def __init__(self, count):
        self.state = self.start(count)

    @staticmethod
    def start(count):
        return torch.empty(count, 4).uniform_(-0.05, 0.05)

    def step(self, actions):
        """Push to the left (0) or right (1). Returns which poles fell; those start anew."""
        x, speed, angle, turning = self.state.unbind(dim=1)
        force = torch.where(actions == 1, self.force, -self.force)
        sine, cosine = angle.sin(), angle.cos()
        mass = self.cart + self.pole
        push = (force + self.pole * self.half_length * turning.square() * sine) / mass
        inertia = self.half_length * (4 / 3 - self.pole * cosine.square() / mass)
        turn = (self.gravity * sine - cosine * push) / inertia
        drive = push - self.pole * self.half_length * turn * cosine / mass
        change = torch.stack([speed, drive, turning, turn], dim=1)
        self.state = self.state + self.step_time * change
        fallen = (self.state[:, 0].abs() > 2.4) | (self.state[:, 2].abs() > math.radians(12))
        self.state = torch.where(fallen[:, None], self.start(len(fallen)), self.state)
        return fallen


class Agent(nn.Module):
    """From a state to a distribution over the two actions, and the return to expect."""

    def __init__(self, width=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, width))
        self.actor = nn.Linear(width, 2)
        self.critic = nn.Linear(width, 1)
        nn.init.orthogonal_(self.actor.weight, gain=0.01)

    def forward(self, state):
        hidden = torch.tanh(self.trunk(state))
        return Categorical(logits=self.actor(hidden)), self.critic(hidden).squeeze(-1)


def play(agent, carts, length, lives):
    """`length` steps of every cart: states, actions and falls; notes how long poles stood."""
    states, actions, falls = [], [], []
    with torch.no_grad():
        for _ in range(length):
            policy, _ = agent(carts.state)
            action = policy.sample()
            states.append(carts.state)
            actions.append(action)
            falls.append(carts.step(action))
            lives.append(falls[-1])
    return torch.stack(states), torch.stack(actions), torch.stack(falls)


def returns(falls, last_value, discount=0.98):
    """What each step is worth: one for standing on, and later ones discounted."""
    result, value = torch.empty(falls.shape), last_value
    for t in reversed(range(len(falls))):
        value = 1.0 + discount * value * (~falls[t])
        result[t] = value
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150, help="updates of the agent")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    agent, carts, lives = Agent(), CartPoles(16), deque(maxlen=400)
    optimizer = torch.optim.Adam(agent.parameters(), lr=5e-3)
    for step in range(1, args.steps + 1):
        states, actions, falls = play(agent, carts, length=32, lives=lives)
        with torch.no_grad():
            target = returns(falls, agent(carts.state)[1])
        policy, value = agent(states)
        better = target - value.detach()
        better = (better - better.mean()) / (better.std() + 1e-6)
        loss_actor = -(policy.log_prob(actions) * better).mean()
        loss_critic = F.smooth_l1_loss(value, target)
        loss = loss_actor + 0.5 * loss_critic - 0.01 * policy.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
        optimizer.step()
        if step <= 3 or step % 25 == 0:
            life = 16 * len(lives) / max(sum(fallen.sum().item() for fallen in lives), 1)
            print(f"update {step:3d}  loss {loss.item():.4f}  a pole stands {life:.1f} steps")

    fresh, falls = CartPoles(100), 0
    with torch.inference_mode():
        for _ in range(200):
            falls += fresh.step(agent(fresh.state)[0].probs.argmax(dim=1)).sum().item()
    print(f"\nof 100 carts that run for 200 steps, poles fall {falls} times")


if __name__ == "__main__":
    main()
