"""torch.utils.tensorboard: SummaryWriter, which writes TensorBoard's files without TensorBoard."""

from .writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]


def __getattr__(name):
    from ..._missing import missing

    return missing("torch.utils.tensorboard", name)
