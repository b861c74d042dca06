// The table through which optimiser steps reach the kernels of one instruction set. Plain data
// only.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// What a step needs beside its tensors, in double; kernels round each number once.
struct AdamStep {
  double step_size, beta1, beta2, root_correction, eps, weight_decay, shrink;
  bool maximize;  // weight_decay is added to the gradient, shrink multiplies the parameter
};
struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first;
};
struct RmspropStep {
  double lr, alpha, eps, weight_decay, momentum;
  bool maximize;
};

/// n numbers of each tensor; those named largest, b and mean may be null, and then do not count.
template <class T>
struct OptimKernels {
  void (*adam)(const AdamStep& s, int64_t n, T* p, const T* g, T* m, T* v, T* largest);
  void (*sgd)(const SgdStep& s, int64_t n, T* p, const T* g, T* b);
  void (*rmsprop)(const RmspropStep& s, int64_t n, T* p, const T* g, T* v, T* mean, T* b);
};

struct OptimTable {
  OptimKernels<float> f32;
  OptimKernels<double> f64;
};

}  // namespace rl::cpu
