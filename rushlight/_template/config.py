"""The configuration: read from JSON, changed by the command line, and made into objects."""

import argparse
import datetime
import json
from pathlib import Path

# Options with a name of their own; all others are reached with --set.
SHORT = {
    "--epochs": "trainer.epochs",
    "--lr": "optimizer.args.lr",
    "--batch-size": "data.args.batch_size",
    "--seed": "seed",
    "--device": "device",
}


def parse_arguments(description):
    """The command line that train.py and test.py share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("-c", "--config", type=Path, help="a JSON file; config.json")
    parser.add_argument(
        "-r", "--resume", type=Path, nargs="?", const=Path("newest"), metavar="RUN",
        help="a run's folder or one of its checkpoints; the newest run if none is named",
    )  # fmt: skip
    parser.add_argument("--run", help="the name of the run's folder; the time it begins")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="a value of the configuration, e.g. model.args.channels=16",
    )  # fmt: skip
    for option, key in SHORT.items():
        parser.add_argument(option, dest=key, metavar="VALUE", help=f"sets {key}")
    return parser.parse_args()


def load(args):
    """(configuration, folder of the run, checkpoint to go on from or None) for a command line."""
    base = read(args.config or Path("config.json"))
    checkpoint = None
    if args.resume is not None:
        checkpoint = find_checkpoint(args.resume, base)
        base = read(args.config or checkpoint.parent / "config.json")
    for option in SHORT.values():
        if vars(args)[option] is not None:
            change(base, option, vars(args)[option])
    for text in args.set:
        key, sign, value = text.partition("=")
        if not sign:
            raise SystemExit(f"--set {text}: it must be KEY=VALUE")
        change(base, key, value)
    if checkpoint is not None:
        return base, checkpoint.parent, checkpoint
    name = args.run or datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return base, Path(base["trainer"]["folder"]) / base["name"] / name, None


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def change(config, key, text):
    """Sets config["a"]["b"] for the key "a.b"; the text is JSON, or else stays a string."""
    *parents, last = key.split(".")
    for part in parents:
        config = config.get(part)
        if not isinstance(config, dict):
            raise SystemExit(f"the configuration has no part {part!r} (in {key})")
    try:
        config[last] = json.loads(text)
    except ValueError:
        config[last] = text


def find_checkpoint(path, config, name="last.pt"):
    """The checkpoint that a path means: itself, the one in a run's folder, or the newest run's."""
    if path == Path("newest"):
        runs = (Path(config["trainer"]["folder"]) / config["name"]).glob(f"*/{name}")
        found = max(runs, key=lambda file: file.stat().st_mtime, default=None)
        if found is None:
            raise SystemExit("there is no run to go on from: train first")
        return found
    found = path / name if path.is_dir() else path
    if not found.exists():
        raise SystemExit(f"{found} does not exist")
    return found


def build(part, module, *args):
    """`part` is {"type": name, "args": {...}}: calls `module.name(*args, **part["args"])`."""
    return find(module, part["type"])(*args, **part.get("args", {}))


def find(module, name):
    """`module.name`; an unknown name ends the program with what there is."""
    if not hasattr(module, name):
        names = ", ".join(n for n in dir(module) if n[0] != "_")
        raise SystemExit(f"{module.__name__} has no {name}; it has {names}")
    return getattr(module, name)


def choose_device(name):
    """A torch.device; "auto" is the GPU if there is one."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
