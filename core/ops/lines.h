// Lines: a tensor cut along one dimension, and loops that hand out each line as a dense run of the
// compute type. For operations that must see a whole line at once (median, mode, cummax).
#pragma once
#include <vector>

#include "cpu/kernel_table.h"
#include "cpu/threads.h"
#include "op/call.h"

namespace rl {

struct Lines {
  int64_t count = 1, size = 1, stride = 0;  // lines, elements of one, step between those
  Dims sizes, strides;                      // of the other dimensions
  char* base;
  DType dtype;

  Lines(const Tensor& t, int dim)
      : sizes(t.sizes()), strides(t.strides()), base(t.data<char>()), dtype(t.dtype()) {
    if (t.dim()) {
      size = t.size(dim);
      stride = t.stride(dim);
      sizes.erase(dim);
      strides.erase(dim);
    }
    for (int64_t s : sizes) count *= s;
  }
  /// Where line i starts, in elements.
  int64_t offset(int64_t i) const {
    int64_t at = 0;
    for (int d = sizes.size() - 1; d >= 0; --d) {
      at += i % sizes[d] * strides[d];
      i /= sizes[d];
    }
    return at;
  }
  char* line(int64_t i) const { return base + offset(i) * size_of(dtype); }
};

/// f(T()) for the real compute types.
template <class F>
void with_compute(Compute c, F f) {
  switch (c) {
    case Compute::F32:
      return f(float());
    case Compute::F64:
      return f(double());
    case Compute::I32:
      return f(int32_t());
    case Compute::I64:
      return f(int64_t());
    default:
      raise(ErrorKind::Runtime, "internal error: no order among complex numbers");
  }
}

/// body(i, x) for every line i, x its elements as T, dense. Threads share the lines.
template <class T, class F>
void for_each_line(const Lines& lines, F body) {
  if (lines.count == 0 || lines.size == 0) return;
  constexpr Compute c = std::is_same_v<T, float>     ? Compute::F32
                        : std::is_same_v<T, double>  ? Compute::F64
                        : std::is_same_v<T, int32_t> ? Compute::I32
                                                     : Compute::I64;
  constexpr DType own[] = {DType::F32, DType::F64, DType::I32, DType::I64};
  const bool in_place = lines.stride == 1 && lines.dtype == own[static_cast<int>(c)];
  const auto load = cpu::load_store().load[static_cast<int>(lines.dtype)][static_cast<int>(c)];
  LongKernel off(lines.count * lines.size * 8);
  cpu::parallel_for(0, lines.count, 8192 / lines.size + 1, [&](int64_t b, int64_t e) {
    std::vector<T> x(static_cast<size_t>(in_place ? 0 : lines.size));
    for (int64_t i = b; i < e; ++i) {
      if (in_place) {
        body(i, reinterpret_cast<const T*>(lines.line(i)));
        continue;
      }
      load(lines.size, lines.line(i), lines.stride, x.data());
      body(i, static_cast<const T*>(x.data()));
    }
  });
}

}  // namespace rl
