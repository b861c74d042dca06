"""A module that tells how many parameters it has."""

from torch import nn


class BaseModel(nn.Module):
    """Derive from it and write `forward`."""

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __str__(self):
        learnt = sum(p.numel() for p in self.parameters() if p.requires_grad)
        return f"{super().__str__()}\nparameters that learn: {learnt:,}"
