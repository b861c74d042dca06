// Reading and writing at points: rows are moved as bytes where they are dense, else by element.
#include "ops/points.h"

#include <algorithm>
#include <cstring>

#include "cpu/dispatch.h"
#include "cpu/kernel_table.h"
#include "cpu/load_store.h"
#include "cpu/threads.h"
#include "tensor/layout.h"

namespace rl {

Dims Points::sizes() const {
  Dims d = before;
  for (int64_t s : shape) d.push_back(s);
  for (int64_t s : after) d.push_back(s);
  return d;
}

Points points_along(const Tensor& t, int dim, const int64_t* index, int64_t n) {
  Points p;
  const int ndim = t.dim();
  p.before = Dims(t.sizes().data(), std::min(dim, ndim));
  p.before_strides = Dims(t.strides().data(), std::min(dim, ndim));
  if (ndim > dim + 1) {
    p.after = Dims(t.sizes().data() + dim + 1, ndim - dim - 1);
    p.after_strides = Dims(t.strides().data() + dim + 1, ndim - dim - 1);
  }
  p.shape = {n};
  const int64_t step = ndim ? t.stride(dim) : 0;
  p.offset.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) p.offset[static_cast<size_t>(i)] = index[i] * step;
  return p;
}

std::vector<int64_t> all_offsets(const Dims& sizes, const Dims& strides) {
  std::vector<int64_t> v{0};
  for (int d = 0; d < sizes.size(); ++d) {
    std::vector<int64_t> longer;
    longer.reserve(v.size() * static_cast<size_t>(sizes[d]));
    for (int64_t base : v)
      for (int64_t i = 0; i < sizes[d]; ++i) longer.push_back(base + i * strides[d]);
    v = std::move(longer);
  }
  return v;
}

namespace {

constexpr int64_t kGrainBytes = 1 << 16;

/// The part of a Points that the loops need.
struct Walk {
  std::vector<int64_t> before, after;
  const int64_t* point;
  int64_t points, inner;
  bool dense;  // the inner dimensions are one run of memory

  explicit Walk(const Points& p)
      : before(all_offsets(p.before, p.before_strides)),
        point(p.offset.data()),
        points(static_cast<int64_t>(p.offset.size())),
        inner(1) {
    for (int64_t s : p.after) inner *= s;
    dense = is_contiguous(p.after, p.after_strides);
    if (!dense) after = all_offsets(p.after, p.after_strides);
  }
  int64_t outer() const { return static_cast<int64_t>(before.size()); }
  bool empty() const { return outer() == 0 || points == 0 || inner == 0; }
};

/// Calls body(outer, first, last) so that no two calls in different threads write one element: by
/// outer index, or else by range of the inner dimensions.
template <class F>
void each_apart(const Walk& w, F body) {
  const int64_t work = std::max<int64_t>(w.points * w.inner, 1);
  LongKernel off(w.outer() * work / 4);
  if (w.outer() >= w.inner || w.inner < 64) {
    cpu::parallel_for(0, w.outer(), 16384 / work + 1, [&](int64_t b, int64_t e) {
      for (int64_t o = b; o < e; ++o) body(o, 0, w.inner);
    });
  } else {
    cpu::parallel_for(0, w.inner, std::max<int64_t>(32768 / (w.outer() * w.points), 64),
                      [&](int64_t b, int64_t e) {
                        for (int64_t o = 0; o < w.outer(); ++o) body(o, b, e);
                      });
  }
}

bool no_memory(const Tensor& t) { return t.device().type == Device::Meta; }

}  // namespace

void take_points(const Points& p, const Tensor& from, const Tensor& to) {
  const Walk w(p);
  if (w.empty() || no_memory(from)) return;
  const int64_t size = size_of(from.dtype()), row = w.inner * size;
  const char* src = from.data<char>();
  char* dst = to.data<char>();
  const int64_t items = w.outer() * w.points;
  LongKernel off(items * w.inner / 4);
  const auto rows = [&](auto&& move) {
    cpu::parallel_for(0, items, kGrainBytes / row + 1, [&](int64_t b, int64_t e) {
      int64_t o = b / w.points, j = b % w.points;
      for (int64_t i = b; i < e; ++i) {
        move(w.before[static_cast<size_t>(o)] + w.point[j], i);
        if (++j == w.points) j = 0, ++o;
      }
    });
  };
  if (w.dense && w.inner > 1)
    return rows([&](int64_t at, int64_t i) {
      std::memcpy(dst + i * row, src + at * size, static_cast<size_t>(row));
    });
  dispatch_size(size, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* s = reinterpret_cast<const T*>(src);
    T* d = reinterpret_cast<T*>(dst);
    if (w.inner == 1) return rows([&](int64_t at, int64_t i) { d[i] = s[at]; });
    rows([&](int64_t at, int64_t i) {
      for (int64_t k = 0; k < w.inner; ++k)
        d[i * w.inner + k] = s[at + w.after[static_cast<size_t>(k)]];
    });
  });
}

namespace {

/// write(to index, from index) for every element, threads writing apart.
template <class F>
void each_put(const Walk& w, F write) {
  each_apart(w, [&](int64_t o, int64_t first, int64_t last) {
    for (int64_t j = 0; j < w.points; ++j) {
      const int64_t at = w.before[static_cast<size_t>(o)] + w.point[j];
      const int64_t from = (o * w.points + j) * w.inner;
      if (w.dense)
        for (int64_t k = first; k < last; ++k) write(at + k, from + k);
      else
        for (int64_t k = first; k < last; ++k)
          write(at + w.after[static_cast<size_t>(k)], from + k);
    }
  });
}

}  // namespace

void put_points(const Points& p, const Tensor& to, const Tensor& values, bool accumulate) {
  const Walk w(p);
  if (w.empty() || no_memory(to)) return;
  if (accumulate)
    return dispatch(to.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* d = to.data<T>();
      const T* s = values.data<T>();
      each_put(w, [=](int64_t i, int64_t j) {
        d[i] = static_cast<T>(static_cast<Wide<T>>(d[i]) + static_cast<Wide<T>>(s[j]));
      });
    });
  dispatch_size(size_of(to.dtype()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* d = to.data<T>();
    const T* s = values.data<T>();
    each_put(w, [=](int64_t i, int64_t j) { d[i] = s[j]; });
  });
}

void fill_points(const Points& p, const Tensor& to, const Scalar& value) {
  const Walk w(p);
  if (w.empty() || no_memory(to)) return;
  alignas(16) char number[16];
  cpu::put(to.dtype(), number, value);
  dispatch_size(size_of(to.dtype()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* d = to.data<T>();
    const T v = *reinterpret_cast<const T*>(number);
    each_put(w, [=](int64_t i, int64_t) { d[i] = v; });
  });
}

Tensor read_index(const Tensor& index) {
  RL_CHECK_AS(NotImplemented, !no_memory(index) || index.numel() == 0,
              "Cannot read the values of a meta tensor: this operation needs them");
  return as_contiguous(index, DType::I64);
}

Tensor truth_of(const Tensor& t) {
  RL_CHECK_AS(NotImplemented, !no_memory(t) || t.numel() == 0,
              "Cannot read the values of a meta tensor: this operation needs them");
  if (t.dtype() == DType::Bool) return as_contiguous(t);
  const Tensor dense = as_contiguous(t), out = empty(t.sizes(), DType::Bool);
  const auto truth = cpu::load_store().truth[static_cast<int>(t.dtype())];
  const char* from = dense.data<char>();
  char* to = out.data<char>();
  const int64_t size = size_of(t.dtype());
  cpu::parallel_for(0, t.numel(), 1 << 16,
                    [=](int64_t b, int64_t e) { truth(e - b, from + b * size, 1, to + b); });
  return out;
}

std::vector<int64_t> true_offsets(const Tensor& mask, const Dims& strides) {
  std::vector<int64_t> out;
  if (mask.numel() == 0) return out;
  const int last = mask.dim() - 1;
  const int64_t inner = last >= 0 ? mask.size(last) : 1, step = last >= 0 ? strides[last] : 0;
  const uint8_t* m = mask.data<uint8_t>();
  int64_t count = 0;
  for (int64_t i = 0; i < mask.numel(); ++i) count += m[i] != 0;
  out.resize(static_cast<size_t>(count) + 1);  // one more: every place is written, few are kept
  int64_t* to = out.data();
  Dims index = Dims::filled(mask.dim(), 0);
  int64_t base = 0;
  for (const uint8_t* end = m + mask.numel(); m < end; m += inner) {
    for (int64_t i = 0; i < inner; ++i) {
      uint64_t word;
      if (i + 8 <= inner && (std::memcpy(&word, m + i, 8), word == 0)) {
        i += 7;
        continue;
      }
      const int64_t stop = std::min(i + 8, inner);
      for (; i < stop; ++i) {
        *to = base + i * step;
        to += m[i] != 0;
      }
      --i;
    }
    for (int d = last - 1; d >= 0; --d) {
      base += strides[d];
      if (++index[d] < mask.size(d)) break;
      base -= strides[d] * mask.size(d);
      index[d] = 0;
    }
  }
  out.resize(static_cast<size_t>(count));
  return out;
}

}  // namespace rl
