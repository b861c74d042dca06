// Moving elements: fills, copies and dtype conversions over strided memory. Pointwise formulas see
// only dense tiles of a compute type; these functions make the tiles.
#pragma once
#include "base/dims.h"
#include "base/scalar.h"
#include "cpu/compute.h"

namespace rl::cpu {

constexpr int64_t kTile = 1024;  // elements; three tiles of double fit the first-level cache

void fill(DType dtype, void* dst, int64_t n, const Scalar& value);
/// One number as `dtype` stores it.
void put(DType dtype, void* dst, const Scalar& value);
/// One number as a compute type's value (for kernel parameters and constant tiles).
void put(Compute compute, void* dst, const Scalar& value);
Scalar get(DType dtype, const void* src);

/// dst[i] = src[i] over a shape, with conversion; the memory must not overlap.
void copy(const Dims& sizes, DType dst_dtype, void* dst, const Dims& dst_strides, DType src_dtype,
          const void* src, const Dims& src_strides);

}  // namespace rl::cpu
