// The table through which losses reach the kernels of one instruction set. Plain data only.
#pragma once
#include <cstdint>

namespace rl::cpu {

template <class T>
struct LossKernels {
  /// The sum of (x - t)^2.
  double (*squared_distance)(int64_t n, const T* x, const T* t);
  /// out = c * (x - t)
  void (*scaled_difference)(int64_t n, const T* x, const T* t, T c, T* out);
};

struct LossTable {
  LossKernels<float> f32;
  LossKernels<double> f64;
};

}  // namespace rl::cpu
