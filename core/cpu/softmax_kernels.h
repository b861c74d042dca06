// The table through which softmax.cpp reaches the kernels of one instruction set.
// Only plain data and declarations: this header is shared by all instruction sets.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// Rows are n adjacent numbers; columns are w adjacent ones (at most kSoftmaxColumns), n deep and
/// `stride` apart. `log`: log_softmax.
constexpr int64_t kSoftmaxColumns = 128;

template <class T>
struct SoftmaxKernels {
  void (*rows)(bool log, int64_t rows, int64_t n, const T* x, T* y);
  void (*rows_backward)(bool log, int64_t rows, int64_t n, const T* g, const T* y, T* dx);
  void (*columns)(bool log, int64_t n, int64_t w, int64_t stride, const T* x, T* y);
  void (*columns_backward)(bool log, int64_t n, int64_t w, int64_t stride, const T* g, const T* y,
                           T* dx);
  /// log(sum(exp(row))) of each row.
  void (*logsumexp)(int64_t rows, int64_t n, const T* x, T* lse);
  /// dx = scale[i] * (softmax(row i) - one-hot(target[i])); rows with scale 0 become 0.
  void (*cross_entropy_backward)(int64_t rows, int64_t n, const T* x, const T* lse,
                                 const int64_t* target, const T* scale, T* dx);
};

struct SoftmaxTable {
  SoftmaxKernels<float> f32;
  SoftmaxKernels<double> f64;
};

}  // namespace rl::cpu
