// The inner loops of softmax and cross-entropy, built once per instruction set.
#include "cpu/softmax_kernels.h"

#include "cpu/fold.h"
#include "cpu/vmath.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kBlock = 1024;

template <class T>
RL_INLINE Vec<T> exp_vector(Vec<T> x) {
  T lane[kLanes<T>];
  store(lane, x);
  for (int l = 0; l < kLanes<T>; ++l) lane[l] = vm_exp(lane[l]);
  return load(lane);
}

/// y = exp(x - m), and its sum: whole vectors, the last one filled up with zeros.
template <class T>
RL_INLINE T exp_row(int64_t n, const T* x, T m, T* y) {
  constexpr int w = kLanes<T>;
  const Vec<T> shift = splat(m);
  Vec<T> sum = {};
  int64_t i = 0;
  for (; i + w <= n; i += w) {
    const Vec<T> e = exp_vector<T>(load(x + i) - shift);
    sum += e;
    store(y + i, e);
  }
  if (i < n) {
    const Vec<T> e = exp_vector<T>(load_partial(x + i, n - i) - shift);
    store_partial(y + i, e, n - i);
    sum += first_lanes<T>(e, n - i, Vec<T>{});
  }
  return fold_lanes<Add, T>(sum);
}

/// The same for long rows, in blocks whose sums are added in double.
template <class T>
RL_INLINE double exp_sum(int64_t n, const T* x, T m, T* y, bool keep) {
  double sum = 0;
  for (int64_t i = 0; i < n; i += kBlock)
    sum += exp_row(n - i < kBlock ? n - i : kBlock, x + i, m, keep ? y + i : y);
  return sum;
}

/// The sum of exponentials around m needs a finite m: of an infinite row it is 0.
template <class T>
RL_INLINE T centre(T m) {
  return vm_isinf(m) ? T(0) : m;
}

/// A row that fits a vector never leaves it.
template <class T>
RL_INLINE void short_row(bool log, int64_t n, const T* x, T* y) {
  const Vec<T> v = load_partial(x, n);
  const Vec<T> shifted = v - splat(fold_lanes<Larger, T>(first_lanes<T>(v, n, splat(T(v[0])))));
  const Vec<T> e = exp_vector<T>(shifted);
  const T sum = fold_lanes<Add, T>(first_lanes<T>(e, n, Vec<T>{}));
  store_partial(y, log ? shifted - splat(vm_log(sum)) : e * splat(1 / sum), n);
}

template <class T>
void rows(bool log, int64_t rows, int64_t n, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    if (n <= kLanes<T>) {
      short_row(log, n, x, y);
      continue;
    }
    const T m = fold<Larger>(x, n);
    if (log) {
      T scratch[kBlock];
      const T shift = T(vm_log(exp_sum(n, x, m, scratch, false)));
      for (int64_t i = 0; i < n; ++i) y[i] = x[i] - m - shift;
    } else {
      const T scale = T(1 / exp_sum(n, x, m, y, true));
      for (int64_t i = 0; i < n; ++i) y[i] *= scale;
    }
  }
}

template <class T>
RL_INLINE void minus_exp(int64_t n, const T* g, const T* y, T s, T* dx) {  // g - s exp(y)
  constexpr int w = kLanes<T>;
  const Vec<T> scale = splat(s);
  int64_t i = 0;
  for (; i + w <= n; i += w) store(dx + i, load(g + i) - scale * exp_vector<T>(load(y + i)));
  if (i < n)
    store_partial(dx + i,
                  load_partial(g + i, n - i) - scale * exp_vector<T>(load_partial(y + i, n - i)),
                  n - i);
}

template <class T>
void rows_backward(bool log, int64_t rows, int64_t n, const T* g, const T* y, T* dx) {
  for (int64_t r = 0; r < rows; ++r, g += n, y += n, dx += n) {
    if (log) {
      minus_exp(n, g, y, fold<Add>(g, n), dx);
    } else {
      const T s = sum_of<T>(n, Products<T>{g, y});
      for (int64_t i = 0; i < n; ++i) dx[i] = (g[i] - s) * y[i];
    }
  }
}

template <class T>
void columns(bool log, int64_t n, int64_t w, int64_t stride, const T* x, T* y) {
  T most[cpu::kSoftmaxColumns], sum[cpu::kSoftmaxColumns];
  for (int64_t j = 0; j < w; ++j) most[j] = x[j], sum[j] = 0;
  for (int64_t i = 1; i < n; ++i)
    for (int64_t j = 0; j < w; ++j) most[j] = Larger::combine(most[j], x[i * stride + j]);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < w; ++j) {
      const T e = vm_exp(x[i * stride + j] - most[j]);
      y[i * stride + j] = e;
      sum[j] += e;
    }
  for (int64_t j = 0; j < w; ++j) sum[j] = log ? vm_log(sum[j]) : 1 / sum[j];
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < w; ++j)
      y[i * stride + j] = log ? x[i * stride + j] - most[j] - sum[j] : y[i * stride + j] * sum[j];
}

template <class T>
void columns_backward(bool log, int64_t n, int64_t w, int64_t stride, const T* g, const T* y,
                      T* dx) {
  T sum[cpu::kSoftmaxColumns] = {};
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < w; ++j)
      sum[j] += log ? g[i * stride + j] : g[i * stride + j] * y[i * stride + j];
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < w; ++j) {
      const int64_t k = i * stride + j;
      dx[k] = log ? g[k] - vm_exp(y[k]) * sum[j] : (g[k] - sum[j]) * y[k];
    }
}

template <class T>
void logsumexp(int64_t rows, int64_t n, const T* x, T* lse) {
  T scratch[kBlock];
  for (int64_t r = 0; r < rows; ++r, x += n) {
    const T m = centre(fold<Larger>(x, n));
    lse[r] = T(vm_log(exp_sum(n, x, m, scratch, false))) + m;
  }
}

template <class T>
void cross_entropy_backward(int64_t rows, int64_t n, const T* x, const T* lse,
                            const int64_t* target, const T* scale, T* dx) {
  for (int64_t r = 0; r < rows; ++r, x += n, dx += n) {
    if (scale[r] == 0) {
      for (int64_t i = 0; i < n; ++i) dx[i] = 0;
      continue;
    }
    exp_row(n, x, lse[r], dx);
    const T s = scale[r];
    for (int64_t i = 0; i < n; ++i) dx[i] *= s;
    dx[target[r]] -= s;
  }
}

template <class T>
constexpr cpu::SoftmaxKernels<T> kernels() {
  return {rows<T>,      rows_backward<T>,         columns<T>, columns_backward<T>,
          logsumexp<T>, cross_entropy_backward<T>};
}

}  // namespace

extern const cpu::SoftmaxTable softmax_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
