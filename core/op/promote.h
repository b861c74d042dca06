// Type promotion: PyTorch's category rule. Tensors of one dimension or more decide first, then 0-d
// tensors, then Python numbers; a lower rank only lifts the category (bool < int < float <
// complex).
#pragma once
#include "op/arg.h"

namespace rl {

DType promote(DType a, DType b);
DType result_type(const Operand* operands, int n);
/// May a result of type `from` be stored in a tensor of type `to`? (Not across categories
/// downwards.)
bool can_cast(DType from, DType to);

}  // namespace rl
