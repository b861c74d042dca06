// LU of small real matrices, by columns as LAPACK keeps them: for a few rows a call of LAPACK costs
// more than its work. The pivots are the same: the first element of the largest modulus.
#pragma once
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace rl {

template <class T>
constexpr bool small_matrix([[maybe_unused]] int rows, [[maybe_unused]] int columns) {
  return std::is_floating_point_v<T> && rows <= 24 && columns <= 64;
}

/// A = P L U in place; returns the number of the first column without a pivot, or 0.
template <class T>
int small_lu(int m, int n, T* a, int* pivots) {
  int status = 0;
  for (int j = 0; j < m && j < n; ++j) {
    T* col = a + j * m;
    int p = j;
    for (int i = j + 1; i < m; ++i)
      if (std::abs(col[i]) > std::abs(col[p])) p = i;
    pivots[j] = p + 1;
    if (col[p] != T(0)) {
      if (p != j)
        for (int c = 0; c < n; ++c) std::swap(a[c * m + j], a[c * m + p]);
      const T pivot = col[j], over = T(1) / pivot;
      const bool tiny = std::abs(pivot) < std::numeric_limits<T>::min();
      for (int i = j + 1; i < m; ++i) col[i] = tiny ? col[i] / pivot : col[i] * over;
    } else if (status == 0) {
      status = j + 1;
    }
    for (int c = j + 1; c < n; ++c) {
      T* x = a + c * m;
      const T f = x[j];
      for (int i = j + 1; i < m; ++i) x[i] -= col[i] * f;
    }
  }
  return status;
}

/// Solves A X = B in place by small_lu's factors (leading dimension ld); B is [n, columns].
template <class T>
void small_lu_solve(int n, int columns, const T* lu, int ld, const int* pivots, T* b) {
  for (int c = 0; c < columns; ++c) {
    T* x = b + c * n;
    for (int i = 0; i < n; ++i)
      if (pivots[i] - 1 != i) std::swap(x[i], x[pivots[i] - 1]);
    for (int j = 0; j < n; ++j)
      for (int i = j + 1; i < n; ++i) x[i] -= lu[j * ld + i] * x[j];
    for (int j = n - 1; j >= 0; --j) {
      x[j] /= lu[j * ld + j];
      for (int i = 0; i < j; ++i) x[i] -= lu[j * ld + i] * x[j];
    }
  }
}

}  // namespace rl
