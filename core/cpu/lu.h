// LU factorisation and triangular systems with many right-hand sides, by recursion (Toledo, 1997)
// down to blocks small enough for elimination, so that nearly all of the work is a product. Threads
// share out columns, which stay in their caches from step to step. Real, column-major. Small
// matrices and few right-hand sides are LAPACK's (cpu/lapack.h).
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include "cpu/factor.h"
#include "cpu/gemm.h"
#include "cpu/threads.h"

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

/// f(first, count) for parts of n columns, whose sizes do not depend on the number of threads.
template <class F>
void each_columns(int64_t n, F f) {
  const int64_t part = std::max<int64_t>(64, n / 128 * 16);
  if (n <= part) {
    const Alone alone;
    return f(int64_t{0}, n);
  }
  parallel_each(div_up(n, part), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i * part, std::min(part, n - i * part));
  });
}

/// X (n by k) = A^-1 X for A = P L U of n rows. The zeros that a column begins with stay zeros
/// under L^-1: columns with as many of them go together, which makes an inverse cheaper than n
/// systems.
template <class T>
void solve_lu(int64_t n, int64_t k, const T* lu, int64_t ld, const int* pivot, T* x) {
  std::vector<std::pair<int64_t, int64_t>> order(static_cast<size_t>(k));  // zeros, column
  each_columns(k, [&](int64_t first, int64_t count) {
    exchange_rows(pivot, n, count, x + first * n, n);
    for (int64_t c = first; c < first + count; ++c)
      order[c] = {std::find_if(x + c * n, x + c * n + n, [](T v) { return v != 0; }) - x - c * n,
                  c};
  });
  std::sort(order.begin(), order.end());
  each_columns(k, [&](int64_t first, int64_t count) {
    std::vector<T> mine(static_cast<size_t>(count * n));
    for (int64_t c = 0; c < count; ++c)
      std::copy_n(x + order[first + c].second * n, n, mine.data() + c * n);
    const int64_t zeros = order[first].first;
    TriangularSolve<T>(true, lu, ld, count, mine.data(), n)(zeros, n - zeros);
    TriangularSolve<T>(false, lu, ld, count, mine.data(), n)(0, n);
    for (int64_t c = 0; c < count; ++c)
      std::copy_n(mine.data() + c * n, n, x + order[first + c].second * n);
  });
}

/// A (m by n, n <= m) = P L U in place, pivots as above. Returns the place of the first zero on U's
/// diagonal, from 1; 0 if there is none.
template <class T>
int64_t factor_lu(int64_t m, int64_t n, T* a, int64_t ld, int* pivot) {
  if (n <= kFactorBlock) return real_kernels<T>(factor_table()).eliminate(m, n, a, ld, pivot);
  const int64_t half = (n / 2 + kFactorBlock - 1) / kFactorBlock * kFactorBlock, rest = n - half;
  T *right = a + half * ld, *low = a + half;
  const int64_t zero = factor_lu(m, half, a, ld, pivot);
  each_columns(rest, [=](int64_t first, int64_t count) {
    T* const mine = right + first * ld;
    exchange_rows(pivot, half, count, mine, ld);
    TriangularSolve<T>(true, a, ld, count, mine, ld)(0, half);
    gemm(sizeof(T) == 4 ? DType::F32 : DType::F64, false, false, count, m - half, half, -1.0, mine,
         ld, low, ld, 1.0, mine + half, ld);
  });
  const int64_t next = factor_lu(m - half, rest, right + half, ld, pivot + half);
  exchange_rows(pivot + half, rest, half, low, ld);
  for (int64_t i = half; i < n; ++i) pivot[i] += static_cast<int>(half);
  return zero || !next ? zero : next + half;
}

}  // namespace rl::cpu
