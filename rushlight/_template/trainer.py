"""What the project does in an epoch of training, and how it validates."""

import torch
from base import BaseTrainer
from torch import nn


def evaluate(model, loader, criterion, metrics, device):
    """{name: mean over the samples of `loader`} of the loss and the metrics; learns nothing."""
    model.eval()
    mean = Mean()
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            mean.add(len(target), loss=criterion(output, target).item(),
                     **{m.__name__: m(output, target) for m in metrics})  # fmt: skip
    return mean.numbers()


class Trainer(BaseTrainer):
    """Supervised training with one optimiser."""

    def __init__(self, loader, criterion, metrics, device, **kwargs):
        super().__init__(**kwargs)
        self.loader, self.validation = loader, loader.validation_loader()
        self.criterion, self.metrics, self.device = criterion, metrics, device

    def train_epoch(self, epoch):
        self.model.train()
        mean = Mean()
        rate = self.optimizer.param_groups[0]["lr"]
        for step, (data, target) in enumerate(self.loader, 1):
            data, target = data.to(self.device), target.to(self.device)
            output = self.model(data)
            loss = self.criterion(output, target)
            self.optimizer.zero_grad()
            loss.backward()
            if self.config.get("clip_norm"):
                nn.utils.clip_grad_norm_(self.model.parameters(), self.config["clip_norm"])
            self.optimizer.step()
            mean.add(len(target), loss=loss.item(),
                     **{m.__name__: m(output, target) for m in self.metrics})  # fmt: skip
            every = self.config.get("log_every")
            if every and step % every == 0:
                self.logger.info(f"  {step}/{len(self.loader)}  loss {loss.item():.5f}")
        numbers = mean.numbers()
        if self.validation is not None:
            checked = evaluate(
                self.model, self.validation, self.criterion, self.metrics, self.device
            )
            numbers.update({f"val_{name}": value for name, value in checked.items()})
        return {**numbers, "lr": rate}


class Mean:
    """Means of several numbers, each batch counted by its size."""

    def __init__(self):
        self.sums, self.count = {}, 0

    def add(self, count, **values):
        self.count += count
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * count

    def numbers(self):
        return {name: total / self.count for name, total in self.sums.items()}
