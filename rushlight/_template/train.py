"""Train the model that config.json describes; README.md tells more.

rushlight run train.py [-c FILE] [--resume [RUN]] [--epochs N] [--lr RATE] [--set KEY=VALUE] ...
python train.py ...                                                         with PyTorch
"""

import json
import random
import sys

import config as configuration
import data_loader
import losses
import metrics
import model as models
import torch
from logger import Writer, make_logger
from trainer import Trainer


def main():
    args = configuration.parse_arguments(__doc__.splitlines()[0])
    config, folder, checkpoint = configuration.load(args)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "config.json", "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    logger = make_logger(folder)
    device = configuration.choose_device(config["device"])
    torch.manual_seed(config["seed"])
    random.seed(config["seed"])

    loader = configuration.build(config["data"], data_loader)
    model = configuration.build(config["model"], models).to(device)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = configuration.build(config["optimizer"], torch.optim, learning)
    scheduler = None
    if config.get("scheduler"):
        scheduler = configuration.build(config["scheduler"], torch.optim.lr_scheduler, optimizer)
    logger.info(f"run: {folder}, on {device}")
    logger.info(model)
    writer = Writer(folder, logger, config["trainer"].get("tensorboard", True))
    trainer = Trainer(
        loader=loader,
        criterion=configuration.find(losses, config["loss"]),
        metrics=[configuration.find(metrics, name) for name in config["metrics"]],
        device=device,
        model=model,
        optimizer=optimizer,
        scheduler=scheduler,
        config=config["trainer"],
        folder=folder,
        logger=logger,
        writer=writer,
    )
    if checkpoint is not None:
        trainer.load(checkpoint, device)
    try:
        trainer.fit()
    except KeyboardInterrupt:
        logger.info(f"interrupted; to go on: train.py --resume {folder}")
        return 130
    finally:
        writer.close(trainer.history)
    return 0


if __name__ == "__main__":
    sys.exit(main())
