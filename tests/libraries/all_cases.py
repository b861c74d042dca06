"""Every case of the folder: {name: function}."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "examples")]

import cases_models  # noqa: E402, F401
import cases_vision  # noqa: E402, F401
from cases import CASES  # noqa: E402

__all__ = ["CASES"]
