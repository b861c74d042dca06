"""The frame of training: epochs, checkpoints, resuming, early stopping. A step is the project's."""

import math
import os
import random

import torch


class BaseTrainer:
    """Derive from it and write `train_epoch(epoch)`, which returns {name: number} for the log.

    `config` is the part "trainer" of the configuration; `monitor` in it is "min NAME" or "max NAME"
    of such a number, or "off": then nothing is best and nothing stops early.
    """

    def __init__(self, model, optimizer, scheduler, config, folder, logger, writer):
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.config, self.folder, self.logger, self.writer = config, folder, logger, writer
        self.mode, _, self.watched = config.get("monitor", "off").partition(" ")
        if self.mode not in ("min", "max", "off"):
            raise ValueError(
                f"monitor must begin with min or max, or be off: {config['monitor']!r}"
            )
        self.epoch, self.history = 0, []
        self.best, self.waited = None, 0

    def train_epoch(self, epoch):
        raise NotImplementedError(f"{type(self).__name__} has no train_epoch")

    def fit(self):
        """Trains to the last epoch, or until there was no better one for `patience` epochs."""
        patience = self.config.get("patience") or math.inf
        while self.epoch < self.config["epochs"] and self.waited < patience:
            numbers = self.train_epoch(self.epoch + 1)
            self.epoch += 1
            self.history.append({"epoch": self.epoch, **numbers})
            if self.scheduler is not None:
                self.scheduler.step()
            better = self.compare(numbers)
            shown = "  ".join(f"{name} {value:.5f}" for name, value in numbers.items())
            self.logger.info(f"epoch {self.epoch:3d}  {shown}{'  *' if better else ''}")
            self.writer.write_epoch(self.history)
            if better:
                self.save("best.pt")
            last = self.epoch == self.config["epochs"] or self.waited >= patience
            if better or last or self.epoch % self.config.get("save_every", 1) == 0:
                self.save("last.pt")
        if self.waited >= patience:
            self.logger.info(f"stopped: {self.watched} was no better for {self.waited} epochs")
        return self.history

    def compare(self, numbers):
        """Is this epoch the best so far? Counts those that are not."""
        if self.mode == "off":
            return False
        if self.watched not in numbers:
            known = ", ".join(numbers)
            raise ValueError(f"monitor names {self.watched!r}; an epoch has {known}")
        value = numbers[self.watched]
        sign = 1 if self.mode == "min" else -1
        if self.best is None or sign * value < sign * self.best:
            self.best, self.waited = value, 0
            return True
        self.waited += 1
        return False

    def save(self, name):
        """Writes a checkpoint; one of that name that was there stays whole until this one is."""
        random_states = {"torch": torch.get_rng_state(), "python": random.getstate()}
        if torch.cuda.is_available():
            random_states["cuda"] = torch.cuda.get_rng_state_all()
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "random": random_states,
            "epoch": self.epoch,
            "history": self.history,
            "best": self.best,
            "waited": self.waited,
        }
        path = os.path.join(self.folder, name)
        torch.save(state, path + ".new")
        os.replace(path + ".new", path)

    def load(self, path, device="cpu"):
        """Goes on from a checkpoint: all that `save` wrote is as it was."""
        state = torch.load(path, map_location=device)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None and state["scheduler"] is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self.epoch, self.history = state["epoch"], state["history"]
        self.best, self.waited = state["best"], state["waited"]
        states = state["random"]
        torch.set_rng_state(states["torch"].cpu())
        version, numbers, gauss = states["python"]
        random.setstate((version, tuple(numbers), gauss))
        if "cuda" in states and torch.cuda.is_available():
            torch.cuda.set_rng_state_all([s.cpu() for s in states["cuda"]])
        self.logger.info(f"resumed after epoch {self.epoch} from {path}")
