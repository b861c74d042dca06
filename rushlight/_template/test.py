"""Test a checkpoint with the data that training never saw; README.md tells more.

rushlight run test.py [--resume RUN]          the best checkpoint of a run, the newest by default
python test.py ...                            with PyTorch
"""

from pathlib import Path

import config as configuration
import data_loader
import losses
import metrics
import model as models
import torch
from logger import make_logger
from trainer import evaluate


def main():
    args = configuration.parse_arguments(__doc__.splitlines()[0])
    start = configuration.read(args.config or "config.json")
    run = args.resume or Path("newest")
    checkpoint = configuration.find_checkpoint(run, start, "best.pt")
    args.resume = checkpoint
    config, _, _ = configuration.load(args)
    logger = make_logger()
    device = configuration.choose_device(config["device"])

    options = {**config["data"]["args"], "train": False, "validation": 0, "shuffle": False}
    loader = configuration.build({**config["data"], "args": options}, data_loader)
    model = configuration.build(config["model"], models).to(device)
    state = torch.load(checkpoint, map_location=device)
    model.load_state_dict(state["model"])
    numbers = evaluate(
        model,
        loader,
        configuration.find(losses, config["loss"]),
        [configuration.find(metrics, name) for name in config["metrics"]],
        device,
    )
    logger.info(f"{checkpoint}, epoch {state['epoch']}, {len(loader.dataset)} samples")
    for name, value in numbers.items():
        logger.info(f"  {name:16} {value:.5f}")


if __name__ == "__main__":
    main()
