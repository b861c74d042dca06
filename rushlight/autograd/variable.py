"""torch.autograd.variable: Variable under its first name."""

from . import Variable

__all__ = ["Variable", "VariableMeta"]

VariableMeta = type(Variable)
