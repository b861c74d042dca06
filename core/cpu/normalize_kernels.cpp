// The inner loops of layer, group, batch and RMS normalisation, built once per instruction set.
#include "cpu/normalize_kernels.h"

#include "cpu/fold.h"
#include "cpu/vmath.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kBlock = 1024;  // numbers summed in T before a double takes over

template <class T, class F>
RL_INLINE double long_sum(int64_t n, F make) {
  if (n <= kBlock) return sum_of<T>(n, make(0));
  double sum = 0;
  for (int64_t i = 0; i < n; i += kBlock)
    sum += sum_of<T>(n - i < kBlock ? n - i : kBlock, make(i));
  return sum;
}

template <class T, bool weighted>
struct Gradients {  // g, or g * w
  const T *g, *w;
  RL_INLINE Vec<T> vector(int64_t i) const {
    if constexpr (weighted)
      return load(g + i) * load(w + i);
    else
      return load(g + i);
  }
  RL_INLINE Vec<T> partial(int64_t i, int64_t m) const {
    if constexpr (weighted)
      return load_partial(g + i, m) * load_partial(w + i, m);
    else
      return load_partial(g + i, m);
  }
};
template <class T, bool weighted>
struct Correlations {  // g * w * (x - m)
  Gradients<T, weighted> g;
  const T* x;
  T m;
  RL_INLINE Vec<T> vector(int64_t i) const { return g.vector(i) * (load(x + i) - splat(m)); }
  RL_INLINE Vec<T> partial(int64_t i, int64_t n) const {
    return g.partial(i, n) * (load_partial(x + i, n) - splat(m));
  }
};

/// The sums of d = x - m and of d^2.
template <class T>
RL_INLINE void deviations(int64_t n, const T* x, T m, double* sum, double* squares) {
  constexpr int w = kLanes<T>;
  const Vec<T> shift = splat(m);
  for (int64_t end; n > 0; n -= end, x += end) {
    end = n < kBlock ? n : kBlock;
    Vec<T> a = {}, b = {};
    int64_t i = 0;
    for (; i + w <= end; i += w) {
      const Vec<T> d = load(x + i) - shift;
      a += d;
      b += d * d;
    }
    if (i < end) {
      const Vec<T> d = first_lanes<T>(load_partial(x + i, end - i) - shift, end - i, Vec<T>{});
      a += d;
      b += d * d;
    }
    *sum += double(fold_lanes<Add, T>(a));
    *squares += double(fold_lanes<Add, T>(b));
  }
}

template <class T>
void moments(bool centred, int64_t n, const T* x, double eps, T* mean, T* rest, T* rstd) {
  const double count = double(n);
  const T m =
      centred ? T(long_sum<T>(n, [=](int64_t i) { return Values<T>{x + i}; }) / count) : T(0);
  double sum = 0, squares = 0;
  deviations(n, x, m, &sum, &squares);
  const double r = centred ? sum / count : 0;
  *mean = m;
  *rest = T(r);
  *rstd = T(1 / __builtin_sqrt(squares / count - r * r + eps));
}

template <class T>
void row(int64_t n, const T* x, T m, T rest, T s, const T* w, const T* b, T* __restrict y) {
  if (w && b)
    for (int64_t j = 0; j < n; ++j) y[j] = (x[j] - m - rest) * s * w[j] + b[j];
  else if (w)
    for (int64_t j = 0; j < n; ++j) y[j] = (x[j] - m - rest) * s * w[j];
  else if (b)
    for (int64_t j = 0; j < n; ++j) y[j] = (x[j] - m - rest) * s + b[j];
  else
    for (int64_t j = 0; j < n; ++j) y[j] = (x[j] - m - rest) * s;
}

template <bool weighted, class T>
RL_INLINE void row_backward(bool centred, int64_t n, const T* g, const T* x, T m, T s, const T* w,
                            T* __restrict dx) {
  using G = Gradients<T, weighted>;
  const auto at = [=](int64_t i) { return G{g + i, weighted ? w + i : w}; };
  const double count = double(n);
  const T mean_g = centred ? T(long_sum<T>(n, at) / count) : T(0);
  const double gx =
      long_sum<T>(n, [=](int64_t i) { return Correlations<T, weighted>{at(i), x + i, m}; });
  const T mean_gx = T(gx / count * double(s) * double(s));
  for (int64_t j = 0; j < n; ++j)
    dx[j] = s * ((weighted ? g[j] * w[j] : g[j]) - mean_g - (x[j] - m) * mean_gx);
}
template <class T>
void rows_backward(bool centred, int64_t rows, int64_t n, const T* g, const T* x, const T* mean,
                   const T* rstd, const T* w, T* dx) {
  for (int64_t r = 0; r < rows; ++r, g += n, x += n, dx += n) {
    if (w)
      row_backward<true>(centred, n, g, x, mean[r], rstd[r], w, dx);
    else
      row_backward<false>(centred, n, g, x, mean[r], rstd[r], w, dx);
  }
}
template <class T>
void rows_weights(int64_t rows, int64_t n, const T* g, const T* x, const T* mean, const T* rstd,
                  T* __restrict dw, T* __restrict db) {
  for (int64_t r = 0; r < rows; ++r, g += n, x += n) {
    const T m = mean[r], s = rstd[r];
    if (dw)
      for (int64_t j = 0; j < n; ++j) dw[j] += g[j] * ((x[j] - m) * s);
    if (db)
      for (int64_t j = 0; j < n; ++j) db[j] += g[j];
  }
}

template <class T>
void run(int64_t n, const T* x, T mean, T a, T b, T* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * a + b;
}
template <class T>
void run_backward(int64_t n, const T* g, const T* x, T mean, T a, T b, T c, T* __restrict dx) {
  for (int64_t i = 0; i < n; ++i) dx[i] = g[i] * a + ((x[i] - mean) * b + c);
}
template <class T>
void run_sums(int64_t n, const T* g, const T* x, T mean, double* sum_g, double* sum_gx) {
  const auto at = [=](int64_t i) { return Gradients<T, false>{g + i, nullptr}; };
  *sum_g += long_sum<T>(n, at);
  *sum_gx += long_sum<T>(n, [=](int64_t i) { return Correlations<T, false>{at(i), x + i, mean}; });
}

template <class T>
void columns(int64_t rows, int64_t n, const T* x, const T* mean, const T* a, const T* b,
             T* __restrict y) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n)
    for (int64_t j = 0; j < n; ++j) y[j] = (x[j] - mean[j]) * a[j] + b[j];
}
template <class T>
void columns_backward(int64_t rows, int64_t n, const T* g, const T* x, const T* mean, const T* a,
                      const T* b, const T* c, T* __restrict dx) {
  for (int64_t r = 0; r < rows; ++r, g += n, x += n, dx += n)
    for (int64_t j = 0; j < n; ++j) dx[j] = g[j] * a[j] + ((x[j] - mean[j]) * b[j] + c[j]);
}
template <class T>
void columns_sums(int64_t rows, int64_t n, const T* g, const T* x, const T* mean,
                  double* __restrict sum_g, double* __restrict sum_gx) {
  for (int64_t r = 0; r < rows; ++r, g += n, x += n)
    for (int64_t j = 0; j < n; ++j) {
      sum_g[j] += double(g[j]);
      sum_gx[j] += double(g[j] * (x[j] - mean[j]));
    }
}

template <class T>
constexpr cpu::NormalizeKernels<T> kernels() {
  return {moments<T>,      row<T>,      rows_backward<T>, rows_weights<T>,     run<T>,
          run_backward<T>, run_sums<T>, columns<T>,       columns_backward<T>, columns_sums<T>};
}

}  // namespace

extern const cpu::NormalizeTable normalize_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
