"""torch.types: names of types, for annotations."""

import builtins
import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from . import _C
from ._C import Size, Tensor
from ._C import device as _device
from ._C import dtype as _dtype  # noqa: F401

_bool, _bytes, _complex = builtins.bool, builtins.bytes, builtins.complex
_float, _int = builtins.float, builtins.int
_str, _layout, _qscheme = builtins.str, Any, Any
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_symsize: TypeAlias = Size | Sequence[int]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_TensorOrTensorsOrGradEdge: TypeAlias = Tensor | Sequence[Tensor]
_dispatchkey: TypeAlias = str
BoolLikeType: TypeAlias = bool
FloatLikeType: TypeAlias = float
IntLikeType: TypeAlias = int
py_sym_types = ()
PySymType: TypeAlias = Any
Number: TypeAlias = int | float | bool
_Number = int, float, bool
Device: TypeAlias = _device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage: TypeAlias = _C.UntypedStorage
