// Elimination and substitution in blocks of columns, built once per instruction set.
#include "cpu/lu_kernels.h"

#include "cpu/vmath.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kBlock = cpu::kLuBlock, kColumns = 32;

/// Columns side by side, so that each step is the same for a row of them.
template <class T>
void substitute(bool lower, const T* t, int64_t ld, int64_t n, int64_t k, T* x, int64_t ldx) {
  for (int64_t c = 0; c < k; c += kColumns, x += kColumns * ldx) {
    const int64_t columns = k - c < kColumns ? k - c : kColumns;
    T row[kBlock][kColumns] = {};
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t i = 0; i < n; ++i) row[i][j] = x[j * ldx + i];
    for (int64_t step = 0; step < n; ++step) {
      const int64_t i = lower ? step : n - 1 - step;
      const int64_t begin = lower ? 0 : i + 1, end = lower ? i : n;
      for (int64_t p = begin; p < end; ++p) {
        const T factor = t[p * ld + i];
        for (int64_t j = 0; j < kColumns; ++j) row[i][j] -= factor * row[p][j];
      }
      if (!lower)
        for (int64_t j = 0; j < kColumns; ++j) row[i][j] /= t[i * ld + i];
    }
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t i = 0; i < n; ++i) x[j * ldx + i] = row[i][j];
  }
}

/// The first place of the largest absolute value, or of a NaN; n > 0.
template <class T>
int64_t largest(const T* x, int64_t n) {
  constexpr int64_t kLanes = 32;
  T most[kLanes] = {}, same[kLanes] = {};  // same: 0, or NaN if x is not finite
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t j = 0; j < kLanes; ++j) {
      const T a = vm_abs(x[i + j]);
      most[j] = a > most[j] ? a : most[j];
      same[j] += a - a;
    }
  T value = 0, odd = 0;
  for (int64_t j = 0; j < kLanes; ++j) value = most[j] > value ? most[j] : value, odd += same[j];
  for (; i < n; ++i) value = vm_abs(x[i]) > value ? vm_abs(x[i]) : value, odd += x[i] - x[i];
  if (odd != 0)  // not a number
    for (i = 0; i < n; ++i)
      if (x[i] != x[i]) return i;
  for (i = 0; vm_abs(x[i]) != value;) ++i;
  return i;
}

template <class T>
int64_t eliminate(int64_t m, int64_t n, T* a, int64_t ld, int* pivot) {
  int64_t zero = 0;
  for (int64_t j = 0; j < n; ++j) {
    T* const column = a + j * ld;
    const int64_t best = j + largest(column + j, m - j);
    pivot[j] = static_cast<int>(best);
    if (column[best] == 0) {
      if (!zero) zero = j + 1;
      continue;
    }
    for (int64_t c = 0; c < n && best != j; ++c) {
      const T other = a[c * ld + j];
      a[c * ld + j] = a[c * ld + best], a[c * ld + best] = other;
    }
    const T by = column[j];
    for (int64_t i = j + 1; i < m; ++i) column[i] /= by;
    for (int64_t c = j + 1; c < n; ++c) {
      T* const to = a + c * ld;
      const T factor = to[j];
#pragma GCC ivdep
      for (int64_t i = j + 1; i < m; ++i) to[i] -= factor * column[i];
    }
  }
  return zero;
}

template <class T>
constexpr cpu::LuKernels<T> kernels() {
  return {substitute<T>, eliminate<T>};
}

}  // namespace

extern const cpu::LuTable lu_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
