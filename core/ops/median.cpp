// Order statistics that pick one element of each line: median, nanmedian, mode.
#include <algorithm>
#include <limits>

#include "ops/lines.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "ops/sort_keys.h"
#include "tensor/layout.h"

namespace rl {
namespace {

template <class T>
bool is_nan(T x) {
  return x != x;
}
template <>
bool is_nan(int32_t) {
  return false;
}
template <>
bool is_nan(int64_t) {
  return false;
}

template <class T>
struct Ranked {
  T value;
  int64_t index;
  bool operator<(const Ranked& o) const {  // NaN last; equal values in order of place
    if (is_nan(value) != is_nan(o.value)) return is_nan(o.value);
    return value < o.value || (!(o.value < value) && index < o.index);
  }
};

/// The place of the lower median; of a NaN if there is one and NaN counts.
template <class T>
int64_t median_of(const T* x, int64_t n, bool ignore_nan) {
  int64_t numbers = n;
  for (int64_t i = 0; i < n; ++i) numbers -= is_nan(x[i]);
  if (numbers == 0) return 0;
  if (numbers < n && !ignore_nan) return std::find_if(x, x + n, is_nan<T>) - x;
  auto [key, before] = select_key<Key<T>>([=](int64_t i) { return order_key(x[i]); }, n,
                                          (numbers - 1) / 2);  // NaN has the highest keys
  int64_t i = 0;
  while (order_key(x[i]) != key || before-- > 0) ++i;
  return i;
}

/// The last place of the most frequent value, the smallest such value.
template <class T>
int64_t mode_of(const T* line, int64_t n) {
  std::vector<Ranked<T>> x(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = {line[i], i};
  std::sort(x.begin(), x.end());
  size_t best = 0, longest = 0;
  for (size_t i = 0, start = 0; i < x.size(); ++i) {
    if (i > 0 && x[i].value != x[i - 1].value) start = i;
    if (i - start + 1 > longest) {
      longest = i - start + 1;
      best = i;
    }
  }
  return x[best].index;
}

enum class Pick { Median, NanMedian, Mode };

/// The indices that `pick` chooses on every line, and the elements there.
std::pair<Tensor, Tensor> pick_each(const Tensor& input, const Axes& axes, int dim, Pick pick) {
  const Tensor value = empty(axes.kept, input.dtype(), input.device());
  const Tensor index = empty(axes.kept, DType::I64, input.device());
  const Lines lines(input, dim);
  if (lines.count == 0) return {value, index};
  int64_t* at = index.data<int64_t>();
  char* to = static_cast<char*>(value.raw());
  const int64_t bytes = size_of(input.dtype());
  with_compute(compute_of(input.dtype()), [&](auto tag) {
    using T = decltype(tag);
    for_each_line<T>(lines, [&](int64_t i, const T* x) {
      at[i] = pick == Pick::Mode ? mode_of(x, lines.size)
                                 : median_of(x, lines.size, pick == Pick::NanMedian);
      std::memcpy(to + i * bytes, lines.line(i) + at[i] * lines.stride * bytes,
                  static_cast<size_t>(bytes));
    });
  });
  return {value, index};
}

std::tuple<Tensor, Tensor> along(const Tensor& input, int64_t dim, bool keepdim, Pick pick,
                                 const char* name, const char* label) {
  const int d = wrap_dim(dim, input.dim());
  check_not_empty(name, input, d);
  check_cpu(input);
  if (is_complex(input.dtype()) || (pick != Pick::Mode && input.dtype() == DType::Bool))
    not_implemented(pick == Pick::Mode ? "mode_cpu" : "median_out", input.dtype());
  const Axes axes(input, dim, keepdim);
  auto [value, index] = pick_each(input, axes, d, pick);
  Tensors out = record_all({value, index}, label, {&input}, [&, index = index] {
    return [axes, d, index = Saved(index)](const Grads& g, Node& n) -> Grads {
      return {scatter_back(g[0], axes, d, index.unpack(&n))};
    };
  });
  return {out[0], out[1]};
}

Tensor median_all(const Tensor& input, Pick pick, const char* label) {
  check_cpu(input);
  if (is_complex(input.dtype()) || input.dtype() == DType::Bool)
    not_implemented("median_cpu", input.dtype());
  Tensor out;
  if (input.numel() == 0) {
    out = full({}, std::numeric_limits<double>::quiet_NaN(), input.dtype(), input.device());
  } else {
    GradGuard off(false);
    const Tensor flat = view(as_contiguous(input), {input.numel()});
    out = pick_each(flat, Axes::all(flat), 0, pick).first;
  }
  const Axes axes = Axes::all(input);
  return record(out, label, {&input}, [&] {
    return [axes, x = Saved(input), y = Saved(out, true)](const Grads& g, Node& n) -> Grads {
      return {spread_evenly(g[0], x.unpack(&n), y.unpack(&n), axes)};
    };
  });
}

Tensor median(const Tensor& input) { return median_all(input, Pick::Median, "MedianBackward0"); }
Tensor nanmedian(const Tensor& input) {
  return median_all(input, Pick::NanMedian, "NanmedianBackward0");
}
std::tuple<Tensor, Tensor> median_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return along(input, dim, keepdim, Pick::Median, "median", "MedianBackward1");
}
std::tuple<Tensor, Tensor> nanmedian_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return along(input, dim, keepdim, Pick::NanMedian, "median", "NanmedianBackward1");
}
std::tuple<Tensor, Tensor> mode(const Tensor& input, int64_t dim, bool keepdim) {
  return along(input, dim, keepdim, Pick::Mode, "mode", "ModeBackward0");
}

}  // namespace

void define_median(Registry& r) {
  r.op("median(input)", "The lower median of all elements; with dim, of each line, and its index.",
       &median);
  r.op("median(input, dim, keepdim=False) -> (values, indices)", "", &median_dim);
  r.op("nanmedian(input)", "median of what is not NaN.", &nanmedian);
  r.op("nanmedian(input, dim, keepdim=False) -> (values, indices)", "", &nanmedian_dim);
  r.op("mode(input, dim=-1, keepdim=False) -> (values, indices)",
       "The most frequent value of each line and an index of it.", &mode)
      .out_dtype({"expected scalar type '%W' but got '%G' for values output"});
}

}  // namespace rl
