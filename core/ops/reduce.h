// What the families of reductions share: the dimensions of a reduction, the call of its kernel, and
// the way back of its gradient. Not for other files: those have ops.h.
#pragma once
#include <algorithm>
#include <array>

#include "cpu/reduce.h"
#include "op/call.h"
#include "ops/ops.h"

namespace rl {

/// Which dimensions of a tensor are reduced, and what remains of its shape.
struct Axes {
  Dims sizes;  // the input's
  uint64_t mask = 0;
  bool keepdim = false;
  Dims kept;  // the output's

  Axes(const Tensor& input, uint64_t mask, bool keepdim);
  /// None and () mean all dimensions.
  Axes(const Tensor& input, const OptDims& dim, bool keepdim);
  Axes(const Tensor& input, int64_t dim, bool keepdim);
  static Axes all(const Tensor& input) { return Axes(input, OptDims(), false); }
  bool has(int d) const { return mask >> d & 1; }
  int64_t count() const;  // elements reduced into one
};

/// How the accumulated value becomes the result.
struct Finish {
  double divide = 1;
  bool root = false;
};

/// The reduction itself, without recording. `centre`: for reductions around one, a contiguous
/// tensor of the output's shape and the accumulator's type (F64; of Moments C128).
Tensor run_reduce(cpu::Reduce op, const Tensor& input, const Axes& axes, DType out_dtype,
                  Finish finish = {}, const Tensor& centre = {});

constexpr int64_t kBlockBytes = 2 << 20;
inline bool is_long(const Tensor& input) {
  return input.dim() > 0 && input.numel() * size_of(input.dtype()) >= 4 * kBlockBytes;
}

/// f(input, axes); block by block of a long input whose first dimension is kept, so that what f
/// reads twice lies in a cache.
template <class F>
std::array<Tensor, 2> in_blocks(const Tensor& input, const Axes& axes, F f) {
  if (!is_long(input) || axes.has(0) || axes.count() < 64) return f(input, axes);
  GradGuard off(false);
  std::array<Tensor, 2> out;
  const int64_t rows = input.size(0), bytes = input.numel() * size_of(input.dtype());
  const int64_t step = std::max<int64_t>(1, rows * kBlockBytes / bytes);
  for (int64_t first = 0; first < rows; first += step) {
    const Tensor block = narrow(input, 0, first, std::min(step, rows - first));
    const std::array<Tensor, 2> part = f(block, Axes(block, axes.mask, axes.keepdim));
    for (size_t k = 0; k < 2; ++k) {
      Dims sizes = part[k].sizes();
      sizes[0] = input.size(0);
      if (!out[k].defined()) out[k] = empty(sizes, part[k].dtype(), part[k].device());
      write(narrow(out[k], 0, first, block.size(0)), part[k]);
    }
  }
  return out;
}

/// g as the reduction with keepdim=True would have made it, then repeated over the input's shape.
/// Both record.
Tensor restore(const Tensor& g, const Axes& axes);
Tensor spread(const Tensor& g, const Axes& axes);
/// The gradient of a value shared by all elements equal to it: g in equal parts (torch's rule).
Tensor spread_evenly(const Tensor& g, const Tensor& input, const Tensor& value, const Axes& axes);
/// The gradient of values picked by index along `dim`: g scattered into zeros.
Tensor scatter_back(const Tensor& g, const Axes& axes, int dim, const Tensor& indices);

/// RuntimeError or IndexError where there is nothing to reduce and no identity; `all` names the
/// case in which no dimension was given.
void check_not_empty(const char* name, const Tensor& input, int64_t dim);
[[noreturn]] void not_implemented(const char* kernel, DType dtype);
void check_cpu(const Tensor& input);

/// The largest finite real part, a centre for sums of exponentials; without history.
Tensor greatest_real(const Tensor& complex, const Axes& axes);
Tensor count_nonzero(const Tensor& input, const OptDims& dim);

}  // namespace rl
