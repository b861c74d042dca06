// The table through which pool.cpp reaches the kernels of one instruction set. Plain data only.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// The windows of one axis: output i covers begin[i], begin[i] + step, ... below end[i], all inside
/// the input; `count` is what an average divides by. If `even`, begin and end follow from the rest:
/// tap k of output i is element i * stride + k * step - pad.
struct PoolAxis {
  int64_t in, out, kernel, stride, pad, step;
  bool even;
  const int64_t *begin, *end, *count;
};

template <class T>
struct PoolPlanes {
  PoolAxis rows, cols;
  int64_t planes;
  const T* from;
  T* to;
  int64_t* indices;
  void* scratch;  ///< max: cols.out indices; average: max(cols.in, cols.out) elements
};

template <class T>
struct PoolKernels {
  void (*max)(const PoolPlanes<T>&);
  void (*average)(const PoolPlanes<T>&);
  void (*average_back)(const PoolPlanes<T>&);  ///< from dy to dx
};
struct AllPoolKernels {
  PoolKernels<float> f32;
  PoolKernels<double> f64;
};

}  // namespace rl::cpu
