// The table through which Fourier transforms reach the kernels of one instruction set. Plain data
// only.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// A matrix somewhere in memory, of complex numbers in pairs or of real ones: strides in numbers.
template <class T>
struct FftMatrix {
  T* data;
  int64_t row, column, rows;
  bool complex;
};

/// Kernels on a block: real parts [n][c] and after them imaginary parts [n][c], c being columns
/// rounded up to a multiple of kFftColumns. `columns` says how many count.
template <class T>
struct FftKernels {
  /// Transforms every column, Stockham's way. The product of `factors`, which a 0 ends, is n; the
  /// roots are exp(-2 pi i k / n), real parts and then imaginary parts. Returns block or spare.
  T* (*transform)(const int* factors, int64_t n, int64_t c, const T* roots, T* block, T* spare);
  /// The rows of `from`.
  void (*load)(int64_t columns, int64_t c, const FftMatrix<T>& from, T* re, T* im);
  /// The rows of `to`, times scale; only real parts where it is not complex.
  void (*store)(int64_t columns, int64_t c, const T* re, const T* im, T scale,
                const FftMatrix<T>& to);
  /// Of the transform of n pairs of neighbours, taken as complex numbers, the first rows of the
  /// transform of the 2 n real numbers, of which the roots are: a block [rows][c].
  void (*separate)(int64_t n, int64_t rows, int64_t c, const T* roots, const T* block, T* to);
  /// Multiplies n * c numbers by roots that lie apart: row k's at re + k * step and im + k * step.
  void (*rotate)(int64_t n, int64_t columns, int64_t c, const T* re, const T* im, int64_t step,
                 T* block);
};

struct FftTable {
  FftKernels<float> f32;
  FftKernels<double> f64;
};

constexpr int64_t kFftColumns = 16;

}  // namespace rl::cpu
