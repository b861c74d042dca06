// LU factorisation and triangular systems with many right-hand sides, by recursion (Toledo, 1997)
// down to blocks small enough for elimination, so that nearly all of the work is a product. Real,
// column-major. Small matrices and few right-hand sides are LAPACK's (cpu/lapack.h).
#pragma once
#include <algorithm>
#include <cmath>

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
    if (n <= kBlock) return substitute(first, n);
    const int64_t half = (n / 2 + kBlock - 1) / kBlock * kBlock;
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
  static constexpr int64_t kBlock = 16, kColumns = 32;

  /// Columns side by side, so that each step is the same for a row of them.
  void substitute(int64_t first, int64_t n) const {
    const T* t = t_ + first * (ld_ + 1);
    for (int64_t c = 0; c < k_; c += kColumns) {
      const int64_t columns = std::min(kColumns, k_ - c);
      T row[kBlock][kColumns] = {};
      T* x = x_ + first + c * ldx_;
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t i = 0; i < n; ++i) row[i][j] = x[j * ldx_ + i];
      for (int64_t step = 0; step < n; ++step) {
        const int64_t i = lower_ ? step : n - 1 - step;
        const int64_t begin = lower_ ? 0 : i + 1, end = lower_ ? i : n;
        for (int64_t p = begin; p < end; ++p) {
          const T factor = t[p * ld_ + i];
          for (int64_t j = 0; j < kColumns; ++j) row[i][j] -= factor * row[p][j];
        }
        if (!lower_)
          for (int64_t j = 0; j < kColumns; ++j) row[i][j] /= t[i * ld_ + i];
      }
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t i = 0; i < n; ++i) x[j * ldx_ + i] = row[i][j];
    }
  }

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

/// The first place of the largest absolute value, or of a NaN; n > 0.
template <class T>
int64_t largest(const T* x, int64_t n) {
  constexpr int64_t kLanes = 16;
  T most[kLanes] = {}, same[kLanes] = {};  // same: 0, or NaN if x is not finite
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t j = 0; j < kLanes; ++j) {
      most[j] = std::max(most[j], std::abs(x[i + j]));
      same[j] += x[i + j] - x[i + j];
    }
  T value = 0, odd = 0;
  for (int64_t j = 0; j < kLanes; ++j) value = std::max(value, most[j]), odd += same[j];
  for (; i < n; ++i) value = std::max(value, std::abs(x[i])), odd += x[i] - x[i];
  if (odd != 0)  // not a number
    for (i = 0; i < n; ++i)
      if (x[i] != x[i]) return i;
  for (i = 0; std::abs(x[i]) != value;) ++i;
  return i;
}

/// A (m by n, n <= m) = P L U in place, pivots as above. Returns the place of the first zero on U's
/// diagonal, from 1; 0 if there is none.
template <class T>
int64_t factor_lu(int64_t m, int64_t n, T* a, int64_t ld, int* pivot) {
  constexpr int64_t kBlock = 16;
  int64_t zero = 0;
  if (n > kBlock) {
    const int64_t half = (n / 2 + kBlock - 1) / kBlock * kBlock, rest = n - half;
    T *right = a + half * ld, *low = a + half;
    zero = factor_lu(m, half, a, ld, pivot);
    exchange_rows(pivot, half, rest, right, ld);
    TriangularSolve<T>(true, a, ld, rest, right, ld)(0, half);
    gemm(sizeof(T) == 4 ? DType::F32 : DType::F64, false, false, rest, m - half, half, -1.0, right,
         ld, low, ld, 1.0, right + half, ld);
    const int64_t next = factor_lu(m - half, rest, right + half, ld, pivot + half);
    exchange_rows(pivot + half, rest, half, low, ld);
    for (int64_t i = half; i < n; ++i) pivot[i] += static_cast<int>(half);
    return zero || !next ? zero : next + half;
  }
  for (int64_t j = 0; j < n; ++j) {
    T* column = a + j * ld;
    const int64_t best = j + largest(column + j, m - j);
    pivot[j] = static_cast<int>(best);
    if (column[best] == 0) {
      if (!zero) zero = j + 1;
      continue;
    }
    for (int64_t c = 0; c < n && best != j; ++c) std::swap(a[c * ld + j], a[c * ld + best]);
    const T by = column[j];
    for (int64_t i = j + 1; i < m; ++i) column[i] /= by;
    for (int64_t c = j + 1; c < n; ++c) {
      T* to = a + c * ld;
      const T factor = to[j];
      for (int64_t i = j + 1; i < m; ++i) to[i] -= factor * column[i];
    }
  }
  return zero;
}

}  // namespace rl::cpu
