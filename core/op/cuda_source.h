// The CUDA kernels of a formula: which there are, and their text. All of it follows from the
// record; the printing itself is expr/emit.
#pragma once
#include "expr/emit.h"
#include "op/registry.h"

namespace rl {

/// Is there a kernel of this formula for tensors stored as `dtype`?
bool has_kernel(const Formula& f, DType dtype);
/// The dtype of what the formula makes of operands of `dtype`.
DType result_of(const Formula& f, DType dtype);

/// The forward (gradient -1) or the gradient for one operand; bit j of `numbers` says that input j
/// (of a gradient: g, operands, result) is one number.
CudaSignature cuda_signature(const Formula& f, int gradient, DType dtype, unsigned numbers = 0);
std::string cuda_source(const Formula& f, int gradient, DType dtype, unsigned numbers = 0);

}  // namespace rl
