"""What a run leaves behind: its log, the history of its epochs, curves, and TensorBoard's events."""

import json
import logging
import os
import sys


def make_logger(folder=None):
    """A logger to stdout and, where a folder is given, to train.log in it."""
    logger = logging.getLogger("project")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers.clear()
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(console)
    if folder is not None:
        file = logging.FileHandler(os.path.join(folder, "train.log"), encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s  %(levelname)s  %(message)s"))
        logger.addHandler(file)
    return logger


class Writer:
    """Writes history.json after each epoch, and events where TensorBoard's writer is installed."""

    def __init__(self, folder, logger, tensorboard=True):
        self.folder, self.logger, self.events = folder, logger, None
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                logger.info("no TensorBoard events: its writer is not installed")
            else:
                self.events = SummaryWriter(str(folder))

    def write_epoch(self, history):
        """`history` is a list of {"epoch": number, name: number}."""
        path = os.path.join(self.folder, "history.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(history, file, indent=1)
        os.replace(path + ".new", path)
        if self.events is not None:
            for name, value in history[-1].items():
                if name != "epoch":
                    part, _, rest = name.partition("_")
                    tag = f"{rest}/{part}" if part == "val" else f"{name}/train"
                    self.events.add_scalar(tag, value, history[-1]["epoch"])
            self.events.flush()

    def close(self, history):
        """Draws the curves, if matplotlib is installed."""
        if self.events is not None:
            self.events.close()
        if not history:
            return
        try:
            import matplotlib
        except ImportError:
            self.logger.info("no picture of the curves: matplotlib is not installed")
            return
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        names = [n for n in history[0] if n not in ("epoch", "lr") and not n.startswith("val_")]
        figure, places = plt.subplots(1, len(names), figsize=(5 * len(names), 4), squeeze=False)
        epochs = [row["epoch"] for row in history]
        for axes, name in zip(places[0], names):
            for label, key in (("training", name), ("validation", f"val_{name}")):
                if key in history[0]:
                    axes.plot(epochs, [row[key] for row in history], label=label)
            axes.set(xlabel="epoch", title=name)
            axes.legend()
        path = os.path.join(self.folder, "curves.png")
        figure.savefig(path, dpi=100, bbox_inches="tight")
        plt.close(figure)
        self.logger.info(f"curves: {path}")
