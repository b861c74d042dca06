// LU factorisation and triangular systems with many right-hand sides, by recursion (Toledo, 1997)
// down to blocks small enough for elimination, so that nearly all of the work is a product. Real,
// column-major. Small matrices and few right-hand sides are LAPACK's (cpu/lapack.h).
#pragma once
#include <utility>

#include "cpu/factor.h"
#include "cpu/gemm.h"

namespace rl::cpu {

/// X (n by k) = T^-1 X for the triangle T (n by n): the lower one with ones for a diagonal, or the
/// upper one with its own.
template <class T>
class TriangularSolve {
 public:
  TriangularSolve(bool lower, const T* triangle, int64_t ld, int64_t k, T* x, int64_t ldx)
      : lower_(lower), t_(triangle), ld_(ld), k_(k), x_(x), ldx_(ldx) {}

  void operator()(int64_t first, int64_t n) const {
    if (n <= kFactorBlock)
      return real_kernels<T>(factor_table())
          .substitute(lower_, t_ + first * (ld_ + 1), ld_, n, k_, x_ + first, ldx_);
    const int64_t half = (n / 2 + kFactorBlock - 1) / kFactorBlock * kFactorBlock;
    const int64_t top = first, low = first + half;
    lower_ ? (*this)(top, half) : (*this)(low, n - half);
    // Row-major the same memory is the transpose: X^T -= Y^T T^T.
    const int64_t from = lower_ ? top : low, to = lower_ ? low : top;
    gemm(kType, false, false, k_, lower_ ? n - half : half, lower_ ? half : n - half, -1.0,
         x_ + from, ldx_, t_ + from * ld_ + to, ld_, 1.0, x_ + to, ldx_);
    lower_ ? (*this)(low, n - half) : (*this)(top, half);
  }

 private:
  static constexpr DType kType = sizeof(T) == 4 ? DType::F32 : DType::F64;
  bool lower_;
  const T* t_;
  int64_t ld_, k_;
  T* x_;
  int64_t ldx_;
};

/// Exchanges rows i and pivot[i] (from 0), i < n in order, of some columns.
template <class T>
void exchange_rows(const int* pivot, int64_t n, int64_t columns, T* a, int64_t ld) {
  for (; columns >= 4; columns -= 4, a += 4 * ld)  // four do not wait for each other
    for (int64_t i = 0; i < n; ++i)
      for (int64_t c = 0; c < 4; ++c) std::swap(a[c * ld + i], a[c * ld + pivot[i]]);
  for (; columns > 0; --columns, a += ld)
    for (int64_t i = 0; i < n; ++i) std::swap(a[i], a[pivot[i]]);
}

/// A (m by n, n <= m) = P L U in place, pivots as above. Returns the place of the first zero on U's
/// diagonal, from 1; 0 if there is none.
template <class T>
int64_t factor_lu(int64_t m, int64_t n, T* a, int64_t ld, int* pivot) {
  if (n <= kFactorBlock) return real_kernels<T>(factor_table()).eliminate(m, n, a, ld, pivot);
  const int64_t half = (n / 2 + kFactorBlock - 1) / kFactorBlock * kFactorBlock, rest = n - half;
  T *right = a + half * ld, *low = a + half;
  const int64_t zero = factor_lu(m, half, a, ld, pivot);
  exchange_rows(pivot, half, rest, right, ld);
  TriangularSolve<T>(true, a, ld, rest, right, ld)(0, half);
  gemm(sizeof(T) == 4 ? DType::F32 : DType::F64, false, false, rest, m - half, half, -1.0, right,
       ld, low, ld, 1.0, right + half, ld);
  const int64_t next = factor_lu(m - half, rest, right + half, ld, pivot + half);
  exchange_rows(pivot + half, rest, half, low, ld);
  for (int64_t i = half; i < n; ++i) pivot[i] += static_cast<int>(half);
  return zero || !next ? zero : next + half;
}

}  // namespace rl::cpu
