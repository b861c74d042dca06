// Layout: everything about sizes and strides — contiguity, broadcasting, collapsing, bounds.
// This is the only place that reasons about strides.
#pragma once
#include "base/dims.h"
#include "tensor/tensor.h"

namespace rl {

/// Product of sizes; raises RuntimeError on negative sizes or overflow.
int64_t checked_numel(const Dims& sizes);
Dims contiguous_strides(const Dims& sizes);
bool is_contiguous(const Dims& sizes, const Dims& strides);
/// True if the elements fill one dense block in some order of dimensions.
bool is_dense(const Dims& sizes, const Dims& strides);
/// Lowest and highest element reached, relative to the offset. Overflow raises RuntimeError.
void bounds(const Dims& sizes, const Dims& strides, int64_t* low, int64_t* high);
/// Two indices may name one element (expanded or overlapping memory).
bool may_overlap_itself(const Dims& sizes, const Dims& strides);

/// NumPy's rule. Raises PyTorch's "The size of tensor a (4) must match the size of tensor b (3)
/// at non-singleton dimension 1".
Dims broadcast(const Dims& a, const Dims& b);
bool can_expand(const Dims& from, const Dims& to);
/// Strides of `from` seen at the broadcast shape `to`: zero where it repeats.
Dims expand_strides(const Dims& sizes, const Dims& strides, const Dims& to);

/// -1 filled in; raises "shape '[2, 4]' is invalid for input of size 6".
Dims infer_size(const Dims& shape, int64_t numel);
/// The strides with which `shape` views the same memory, or false if a copy is needed.
bool view_strides(const Dims& sizes, const Dims& strides, const Dims& shape, Dims* out);

/// Wraps a negative dimension; raises IndexError "Dimension out of range (expected to be in range
/// of [-2, 1], but got 2)".
int wrap_dim(int64_t dim, int ndim, bool wrap_scalar = true);
/// A bit mask of the dimensions to reduce; an empty list means all. Duplicates raise RuntimeError.
uint64_t dim_mask(const Dims& dims, int ndim);

/// A loop nest over several operands of one shape, with adjacent dimensions merged where every
/// operand allows it and size-1 dimensions dropped; innermost first.
struct LoopNest {
  static constexpr int kMaxOperands = 8, kMaxDims = 64;
  int ndim = 0, operands = 0;
  int64_t size[kMaxDims];
  int64_t stride[kMaxOperands][kMaxDims];  // in elements of the operand
  /// `strides[k]` are the operand's strides at `sizes`. Dimensions are ordered by operand 0.
  LoopNest(const Dims& sizes, const Dims* const* strides, int operands);
};

}  // namespace rl
