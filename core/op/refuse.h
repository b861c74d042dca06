// What a formula refuses: checks of operands and scalars before anything is computed.
#pragma once
#include "op/arg.h"
#include "op/registry.h"

namespace rl {

/// Integer division by zero raises, as in PyTorch; floats give Inf or NaN.
void check_divisor(const Operand& divisor);
void check_refusals(const Formula& f, const Operand* operands, DType common);
/// A scalar that does not fit the dtype would be cut without a word.
void check_scalars(const Formula& f, const Scalar* scalars, DType common);

}  // namespace rl
