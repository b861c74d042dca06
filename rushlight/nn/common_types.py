"""Types of arguments, for annotations: numbers or tuples of 1 to 6 of them."""

from typing import TypeVar, Union

from .. import Tensor

_T = TypeVar("_T")
_tensor_list_t = Tensor | list[Tensor]
_scalar_or_tuple_any_t = Union[_T, tuple[_T, ...]]  # noqa: UP007
_scalar_or_tuple_1_t = Union[_T, tuple[_T]]  # noqa: UP007
_scalar_or_tuple_2_t = Union[_T, tuple[_T, _T]]  # noqa: UP007
_scalar_or_tuple_3_t = Union[_T, tuple[_T, _T, _T]]  # noqa: UP007
_scalar_or_tuple_4_t = Union[_T, tuple[_T, _T, _T, _T]]  # noqa: UP007
_scalar_or_tuple_5_t = Union[_T, tuple[_T, _T, _T, _T, _T]]  # noqa: UP007
_scalar_or_tuple_6_t = Union[_T, tuple[_T, _T, _T, _T, _T, _T]]  # noqa: UP007
_size_any_t = _scalar_or_tuple_any_t[int]
_size_1_t = _scalar_or_tuple_1_t[int]
_size_2_t = _scalar_or_tuple_2_t[int]
_size_3_t = _scalar_or_tuple_3_t[int]
_size_4_t = _scalar_or_tuple_4_t[int]
_size_5_t = _scalar_or_tuple_5_t[int]
_size_6_t = _scalar_or_tuple_6_t[int]
_size_any_opt_t = _scalar_or_tuple_any_t[int | None]
_size_2_opt_t = _scalar_or_tuple_2_t[int | None]
_size_3_opt_t = _scalar_or_tuple_3_t[int | None]
_ratio_any_t = _scalar_or_tuple_any_t[float]
_ratio_2_t = _scalar_or_tuple_2_t[float]
_ratio_3_t = _scalar_or_tuple_3_t[float]
_maybe_indices_t = _scalar_or_tuple_2_t[Tensor]
