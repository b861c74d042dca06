// The six types kernels compute in, and which of them serves each storage type: half and bfloat16
// compute in float, narrow integers in int32 with wrap-around on store.
#pragma once
#include "base/dtype.h"

namespace rl {

enum class Compute : uint8_t { F32, F64, I32, I64, C64, C128 };
constexpr int kComputes = 6;

constexpr Compute compute_of(DType t) {
  switch (t) {
    case DType::F64:
      return Compute::F64;
    case DType::F32:
    case DType::F16:
    case DType::BF16:
      return Compute::F32;
    case DType::C64:
      return Compute::C64;
    case DType::C128:
      return Compute::C128;
    case DType::I64:
    case DType::U32:
    case DType::U64:
      return Compute::I64;
    default:
      return Compute::I32;
  }
}
constexpr DType dtype_of(Compute c) {
  constexpr DType table[] = {DType::F32, DType::F64, DType::I32,
                             DType::I64, DType::C64, DType::C128};
  return table[static_cast<int>(c)];
}
constexpr int64_t size_of(Compute c) { return size_of(dtype_of(c)); }

}  // namespace rl
