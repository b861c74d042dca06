// Elimination, substitution and reflection in blocks of columns, built once per instruction set.
#include "cpu/factor_kernels.h"

#include "cpu/gemm_tile.h"
#include "cpu/vmath.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kBlock = cpu::kFactorBlock, kColumns = 32;

/// x[j * ldx + i] = row[i * kColumns + j], i < n and j < columns; there are kBlock rows.
template <class T>
void unpack(const T* row, int64_t n, int64_t columns, T* x, int64_t ldx) {
  constexpr int w = kLanes<T>;
  for (int64_t j = 0; j < columns; j += w)
    for (int64_t i = 0; i < n; i += w) {
      Vec<T> square[w];
#pragma GCC unroll 16
      for (int k = 0; k < w; ++k) square[k] = load(row + (i + k) * kColumns + j);
      transpose<T>(square);
#pragma GCC unroll 16
      for (int k = 0; k < w; ++k)
        if (j + k < columns) store_partial(x + (j + k) * ldx + i, square[k], min(w, n - i));
    }
}

/// Columns side by side, so that each step is the same for a row of them.
template <class T>
void substitute(bool lower, const T* t, int64_t ld, int64_t n, int64_t k, T* x, int64_t ldx) {
  for (int64_t c = 0; c < k; c += kColumns, x += kColumns * ldx) {
    const int64_t columns = k - c < kColumns ? k - c : kColumns;
    T row[kBlock + 1][kColumns] = {};  // packing may write a vector more
    pack_panel(x, ldx, 1, columns, n, row[0], kColumns);
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
    unpack(row[0], n, columns, x, ldx);
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
T inner_product(const T* x, const T* y, int64_t n) {
  constexpr int64_t kLanes = 128 / sizeof(T);
  T sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t j = 0; j < kLanes; ++j) sums[j] += x[i + j] * y[i + j];
  for (int64_t j = 0; i + j < n; ++j) sums[j] += x[i + j] * y[i + j];
#pragma GCC unroll 8
  for (int64_t half = kLanes / 2; half; half /= 2)
    for (int64_t j = 0; j < half; ++j) sums[j] += sums[j + half];
  return sums[0];
}

/// The Euclidean norm, also where squares leave the range of T.
template <class T>
T length_of(const T* x, int64_t n) {
  constexpr T tiny = sizeof(T) == 4 ? T(1e-30) : T(1e-280), huge = T(1) / tiny;
  const T sum = inner_product(x, x, n);
  if (sum > tiny && sum < huge) return vm_sqrt(sum);
  const T most = n > 0 ? vm_abs(x[largest(x, n)]) : T(0);
  if (!(most > 0) || most - most != 0) return most;  // zero, or not finite
  T rest = 0;
  for (int64_t i = 0; i < n; ++i) rest += (x[i] / most) * (x[i] / most);
  return most * vm_sqrt(rest);
}

template <class T>
void reflect(int64_t m, int64_t n, T* a, int64_t ld, T* tau) {
  for (int64_t j = 0; j < n; ++j) {
    T *const v = a + j * ld + j + 1, alpha = v[-1];
    const int64_t rest = m - j - 1;
    const T below = length_of(v, rest);
    if (below == 0) {  // nothing to do: the reflection is the identity
      tau[j] = 0;
      continue;
    }
    const T pair[2] = {alpha, below};
    const T beta = alpha < 0 ? length_of(pair, 2) : -length_of(pair, 2);
    tau[j] = (beta - alpha) / beta;
    for (int64_t i = 0; i < rest; ++i) v[i] /= alpha - beta;
    v[-1] = beta;
    for (int64_t c = j + 1; c < n; ++c) {
      T* const to = a + c * ld + j + 1;
      const T factor = tau[j] * (to[-1] + inner_product(v, to, rest));
      to[-1] -= factor;
#pragma GCC ivdep
      for (int64_t i = 0; i < rest; ++i) to[i] -= factor * v[i];
    }
  }
}

template <class T>
constexpr cpu::FactorKernels<T> kernels() {
  return {substitute<T>, eliminate<T>, reflect<T>};
}

}  // namespace

extern const cpu::FactorTable factor_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
