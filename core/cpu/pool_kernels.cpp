// Pooling kernels, compiled once per instruction set: an output row at a time, one filter tap after
// the other, so that the inner loops run along the row and vectorise.
#include "cpu/pool_kernels.h"

#include "cpu/gemm_tile.h"

namespace rl::RL_ISA {

using cpu::PoolAxis;
using cpu::PoolPlanes;

namespace {

template <class T>
struct IndexOf {
  using type = int64_t;
};
template <>
struct IndexOf<float> {
  using type = int32_t;  // as wide as the value, so that both fit the same vectors
};

/// Which outputs of an even axis have tap k inside the input, and the element of output 0.
struct Reach {
  int64_t begin, end, first;
};
Reach reach(const PoolAxis& a, int64_t k) {
  const int64_t first = k * a.step - a.pad, last = a.in - 1 - first;
  const int64_t begin = first < 0 ? div_up(-first, a.stride) : 0;
  const int64_t end = last < 0 ? 0 : last / a.stride + 1;
  return {begin, end < a.out ? end : a.out, first};
}

// ---- maximum ---------------------------------------------------------------------------------

template <class T, class I>
RL_INLINE void take_larger(T value, I position, T& best, I& index) {
  const bool take = value > best || value != value;  // NaN wins
  best = take ? value : best;
  index = take ? position : index;
}

template <class T, class I>
RL_INLINE void max_tap(const T* __restrict row, Reach r, int64_t stride, I offset, T* __restrict y,
                       I* __restrict index) {
  for (int64_t o = r.begin; o < r.end; ++o) {
    const int64_t at = o * stride + r.first;
    take_larger(row[at], static_cast<I>(offset + static_cast<I>(at)), y[o], index[o]);
  }
}

template <class T, class I>
void max_row(const PoolAxis& c, const T* row, I offset, T* y, I* index) {
  if (!c.even || c.out < 4) {
    for (int64_t o = 0; o < c.out; ++o)
      for (int64_t i = c.begin[o]; i < c.end[o]; i += c.step)
        take_larger(row[i], static_cast<I>(offset + static_cast<I>(i)), y[o], index[o]);
    return;
  }
  for (int64_t k = 0; k < c.kernel; ++k) {
    const Reach r = reach(c, k);
    if (c.stride == 1)
      max_tap(row, r, 1, offset, y, index);
    else if (c.stride == 2)
      max_tap(row, r, 2, offset, y, index);
    else
      max_tap(row, r, c.stride, offset, y, index);
  }
}

template <class T>
void max_planes(const PoolPlanes<T>& p) {
  using I = typename IndexOf<T>::type;
  const PoolAxis &rows = p.rows, &cols = p.cols;
  I* index = static_cast<I*>(p.scratch);
  T* y = p.to;
  int64_t* out = p.indices;
  for (int64_t n = 0; n < p.planes; ++n) {
    const T* x = p.from + n * rows.in * cols.in;
    for (int64_t o = 0; o < rows.out; ++o, y += cols.out, out += cols.out) {
      for (int64_t i = 0; i < cols.out; ++i) {
        y[i] = -__builtin_inf();
        index[i] = static_cast<I>(rows.begin[o] * cols.in + cols.begin[i]);
      }
      for (int64_t i = rows.begin[o]; i < rows.end[o]; i += rows.step)
        max_row(cols, x + i * cols.in, static_cast<I>(i * cols.in), y, index);
      for (int64_t i = 0; i < cols.out; ++i) out[i] = index[i];
    }
  }
}

// ---- average ---------------------------------------------------------------------------------

/// Windows as wide as the input are one run of memory.
bool spans(const PoolAxis& a) { return a.out == 1 && a.begin[0] == 0 && a.end[0] == a.in; }

template <class T>
T sum_run(const T* x, int64_t n) {
  Vec<T> sum = {};
  for (int64_t i = 0; i < n; i += kLanes<T>)
    sum += n - i >= kLanes<T> ? load(x + i) : load_partial(x + i, n - i);
  return sum_lanes<T>(sum);
}

template <class T>
void average_planes(const PoolPlanes<T>& p) {
  const PoolAxis &rows = p.rows, &cols = p.cols;
  T* __restrict sum = static_cast<T*>(p.scratch);
  T* y = p.to;
  for (int64_t n = 0; n < p.planes; ++n) {
    const T* x = p.from + n * rows.in * cols.in;
    for (int64_t o = 0; o < rows.out; ++o, y += cols.out) {
      if (spans(cols) && rows.begin[o] < rows.end[o]) {
        y[0] = sum_run(x + rows.begin[o] * cols.in, (rows.end[o] - rows.begin[o]) * cols.in) /
               static_cast<T>(rows.count[o] * cols.count[0]);
        continue;
      }
      for (int64_t j = 0; j < cols.in; ++j) sum[j] = 0;
      for (int64_t i = rows.begin[o]; i < rows.end[o]; ++i) {
        const T* __restrict row = x + i * cols.in;
        for (int64_t j = 0; j < cols.in; ++j) sum[j] += row[j];
      }
      for (int64_t j = 0; j < cols.out; ++j) {
        T s = 0;
        for (int64_t i = cols.begin[j]; i < cols.end[j]; ++i) s += sum[i];
        const bool empty = rows.begin[o] >= rows.end[o] || cols.begin[j] >= cols.end[j];
        y[j] = empty ? T(0) : s / static_cast<T>(rows.count[o] * cols.count[j]);
      }
    }
  }
}

template <class T>
void average_back_planes(const PoolPlanes<T>& p) {
  const PoolAxis &rows = p.rows, &cols = p.cols;
  T* __restrict spread = static_cast<T*>(p.scratch);
  const T* dy = p.from;
  for (int64_t n = 0; n < p.planes; ++n) {
    T* dx = p.to + n * rows.in * cols.in;
    if (spans(rows) && spans(cols)) {
      const T g = *dy++ / static_cast<T>(rows.count[0] * cols.count[0]);
      for (int64_t j = 0; j < rows.in * cols.in; ++j) dx[j] = g;
      continue;
    }
    for (int64_t j = 0; j < rows.in * cols.in; ++j) dx[j] = 0;
    for (int64_t o = 0; o < rows.out; ++o, dy += cols.out) {
      for (int64_t j = 0; j < cols.in; ++j) spread[j] = 0;
      for (int64_t j = 0; j < cols.out; ++j) {
        const T g = dy[j] / static_cast<T>(rows.count[o] * cols.count[j]);
        for (int64_t i = cols.begin[j]; i < cols.end[j]; ++i) spread[i] += g;
      }
      for (int64_t i = rows.begin[o]; i < rows.end[o]; ++i) {
        T* __restrict row = dx + i * cols.in;
        for (int64_t j = 0; j < cols.in; ++j) row[j] += spread[j];
      }
    }
  }
}

template <class T>
constexpr cpu::PoolKernels<T> pool_kernels_of() {
  return {max_planes<T>, average_planes<T>, average_back_planes<T>};
}

}  // namespace

extern const cpu::AllPoolKernels pool_kernels = {pool_kernels_of<float>(),
                                                 pool_kernels_of<double>()};

}  // namespace rl::RL_ISA
