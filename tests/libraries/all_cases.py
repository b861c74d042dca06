"""Every case of the folder: {name: function}."""

import cases_models  # noqa: F401
import cases_vision  # noqa: F401
from cases import CASES

__all__ = ["CASES"]
