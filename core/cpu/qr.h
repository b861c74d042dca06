// QR factorisation by Householder's reflections, in blocks whose product I - V T V^T (Schreiber and
// Van Loan, 1989) is applied by matrix products. Real, column-major, LAPACK's conventions: V's
// columns lie below the diagonal with a one on it that is not stored. Complex ones are LAPACK's.
#pragma once
#include <algorithm>
#include <vector>

#include "cpu/factor.h"
#include "cpu/gemm.h"

namespace rl::cpu {

/// The product of up to kFactorBlock reflections, out of place so that others can be written over
/// the memory it came from.
template <class T>
class BlockReflection {
 public:
  BlockReflection(int64_t m, int64_t most_columns)
      : v_(static_cast<size_t>(m * kFactorBlock)),
        work_(static_cast<size_t>(2 * most_columns * kFactorBlock)) {}

  /// Of the n reflections of m elements in the lower trapezoid at a.
  void read(int64_t m, int64_t n, const T* a, int64_t ld, const T* tau) {
    m_ = m, n_ = n;
    for (int64_t j = 0; j < n; ++j) {
      T* const v = v_.data() + j * m;
      std::fill(v, v + j, T(0));
      v[j] = T(1);
      std::copy(a + j * ld + j + 1, a + j * ld + m, v + j + 1);
    }
    T inner[kFactorBlock * kFactorBlock];  // V^T V
    gemm(kType, false, true, n, n, m, 1.0, v_.data(), m, v_.data(), m, 0.0, inner, n);
    for (int64_t j = 0; j < n; ++j) {  // T's column j from those before it
      for (int64_t i = 0; i < j; ++i) {
        T sum = 0;
        for (int64_t p = i; p < j; ++p) sum += t_[i][p] * inner[p * n + j];
        t_[i][j] = -tau[j] * sum;
      }
      t_[j][j] = tau[j];
      for (int64_t i = j + 1; i < n; ++i) t_[i][j] = T(0);
    }
  }

  /// C (m by k) = Q C, or Q^T C.
  void apply(bool transposed, int64_t k, T* c, int64_t ld) {
    if (k <= 0) return;
    // Row-major the same memory is C^T, V^T: C^T V, then times T^T or T, then times V^T.
    T *const first = work_.data(), *const second = first + k * n_;
    gemm(kType, false, true, k, n_, m_, 1.0, c, ld, v_.data(), m_, 0.0, first, n_);
    gemm(kType, false, !transposed, k, n_, n_, 1.0, first, n_, t_, kFactorBlock, 0.0, second, n_);
    gemm(kType, false, false, k, m_, n_, -1.0, second, n_, v_.data(), m_, 1.0, c, ld);
  }

 private:
  static constexpr DType kType = sizeof(T) == 4 ? DType::F32 : DType::F64;
  int64_t m_ = 0, n_ = 0;
  std::vector<T> v_, work_;  // V (m by n); two blocks of k by n
  T t_[kFactorBlock][kFactorBlock] = {};
};

/// A (m by n) = Q R in place: R's triangle, and the reflections below it with their factors tau.
template <class T>
void factor_qr(int64_t m, int64_t n, T* a, int64_t ld, T* tau) {
  const int64_t k = std::min(m, n);
  BlockReflection<T> q(m, n);
  for (int64_t j = 0; j < k; j += kFactorBlock) {
    const int64_t columns = std::min(kFactorBlock, k - j);
    T* const block = a + j * ld + j;
    real_kernels<T>(factor_table()).reflect(m - j, columns, block, ld, tau + j);
    if (j + columns >= n) return;
    q.read(m - j, columns, block, ld, tau + j);
    q.apply(true, n - j - columns, block + columns * ld, ld);
  }
}

/// The first n columns of the product of the k reflections in A's first k columns, in place.
template <class T>
void expand_qr(int64_t m, int64_t n, int64_t k, T* a, int64_t ld, const T* tau) {
  const auto identity = [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      std::fill(a + j * ld, a + j * ld + m, T(0));
      a[j * ld + j] = T(1);
    }
  };
  BlockReflection<T> q(m, n);
  identity(k, n);
  for (int64_t j = (k - 1) / kFactorBlock * kFactorBlock; j >= 0 && k > 0; j -= kFactorBlock) {
    const int64_t columns = std::min(kFactorBlock, k - j);
    q.read(m - j, columns, a + j * ld + j, ld, tau + j);
    identity(j, j + columns);
    q.apply(false, n - j, a + j * ld + j, ld);
  }
}

}  // namespace rl::cpu
