// The table through which the normalisations reach the kernels of one instruction set.
// Only plain data and declarations: this header is shared by all instruction sets.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// A run is n adjacent numbers that share one mean; rows are runs with a weight for every column;
/// columns have a mean each. Pointers named w, b, dw, db may be null.
template <class T>
struct NormalizeKernels {
  /// The mean (0 if not `centred`; the rest is what rounding took from it) and
  /// 1 / sqrt(mean of (x - mean)^2 + eps) of one row.
  void (*moments)(bool centred, int64_t n, const T* x, double eps, T* mean, T* rest, T* rstd);
  /// y = (x - mean - rest) * rstd * w[j] + b[j] of one row.
  void (*row)(int64_t n, const T* x, T mean, T rest, T rstd, const T* w, const T* b, T* y);
  void (*rows_backward)(bool centred, int64_t rows, int64_t n, const T* g, const T* x,
                        const T* mean, const T* rstd, const T* w, T* dx);
  /// dw[j] += g * (x - mean) * rstd, db[j] += g
  void (*rows_weights)(int64_t rows, int64_t n, const T* g, const T* x, const T* mean,
                       const T* rstd, T* dw, T* db);
  /// y = (x - mean) * a + b, and dx = g * a + (x - mean) * b + c
  void (*run)(int64_t n, const T* x, T mean, T a, T b, T* y);
  void (*run_backward)(int64_t n, const T* g, const T* x, T mean, T a, T b, T c, T* dx);
  /// sum_g += g, sum_gx += g * (x - mean)
  void (*run_sums)(int64_t n, const T* g, const T* x, T mean, double* sum_g, double* sum_gx);
  // The same with one mean, a, b, c, sum for each of n columns.
  void (*columns)(int64_t rows, int64_t n, const T* x, const T* mean, const T* a, const T* b, T* y);
  void (*columns_backward)(int64_t rows, int64_t n, const T* g, const T* x, const T* mean,
                           const T* a, const T* b, const T* c, T* dx);
  void (*columns_sums)(int64_t rows, int64_t n, const T* g, const T* x, const T* mean,
                       double* sum_g, double* sum_gx);
};

struct NormalizeTable {
  NormalizeKernels<float> f32;
  NormalizeKernels<double> f64;
};

}  // namespace rl::cpu
