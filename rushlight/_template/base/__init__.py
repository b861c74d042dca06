"""What every training project shares; the project's own classes derive from these."""

from .data_loader import BaseDataLoader
from .model import BaseModel
from .trainer import BaseTrainer

__all__ = ["BaseDataLoader", "BaseModel", "BaseTrainer"]
