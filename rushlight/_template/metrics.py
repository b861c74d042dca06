"""The project's metrics: functions of (output, target) that return a number, the mean of a batch."""

import torch


@torch.no_grad()
def accuracy(output, target):
    return (output.argmax(dim=1) == target).float().mean().item()


@torch.no_grad()
def top_3_accuracy(output, target):
    best = output.topk(3, dim=1).indices
    return (best == target.unsqueeze(1)).any(dim=1).float().mean().item()
