// Extrema: max, min, amax, amin, aminmax, argmax, argmin. NaN is larger and smaller than anything;
// of equal elements the first is found. The elementwise forms are maximum and minimum.
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

using cpu::Reduce;

constexpr Reduce op_of(bool max) { return max ? Reduce::Max : Reduce::Min; }

void check_some(const char* name, const Tensor& input) {
  RL_CHECK(
      input.numel() > 0, name,
      "(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction "
      "dim with the 'dim' argument.");
}

/// Extrema of nothing exist only where nothing is asked for.
void check_axes(const char* name, const Tensor& input, const Axes& axes) {
  if (input.numel() > 0) return;
  for (int d = 0; d < axes.sizes.size(); ++d)
    RL_CHECK_INDEX(!axes.has(d) || axes.sizes[d] != 0, name, "Expected reduction dim ", d,
                   " to have non-zero size.");
}

/// Where `value` first stands along `dim`; the value is computed first where an extremum is named.
Tensor find(const Tensor& input, const Tensor& value, const Axes& axes, int dim,
            const cpu::Reduce* extremum = nullptr) {
  Tensor index = empty(axes.kept, DType::I64, input.device());
  if (index.numel() == 0) return index;
  cpu::FindJob job;
  job.size = input.dim() ? input.size(dim) : 1;
  job.stride = input.dim() ? input.stride(dim) : 1;
  for (int d = 0; d < input.dim(); ++d) {
    if (d == dim) continue;
    job.others.push_back(input.size(d));
    job.strides.push_back(input.stride(d));
  }
  job.dtype = input.dtype();
  job.data = input.raw();
  job.value = value.raw();
  job.extremum = extremum;
  job.index = index.data<int64_t>();
  LongKernel off(input.numel());
  cpu::find_first(job);
  return index;
}

// ---- over all elements: the gradient is shared by ties ----

template <bool max>
Tensor extreme_all(const Tensor& input) {
  check_some(max ? "max" : "min", input);
  if (is_complex(input.dtype())) not_implemented(max ? "max_all" : "min_all", input.dtype());
  const Axes axes = Axes::all(input);
  const Tensor out = run_reduce(op_of(max), input, axes, input.dtype());
  return record(out, max ? "MaxBackward1" : "MinBackward1", {&input}, [&] {
    return [axes, x = Saved(input), y = Saved(out, true)](const Grads& g, Node& n) -> Grads {
      return {spread_evenly(g[0], x.unpack(&n), y.unpack(&n), axes)};
    };
  });
}

template <bool max>
Tensor extreme_axes(const Tensor& input, const OptDims& dim, bool keepdim) {
  const Axes axes(input, dim, keepdim);
  if (!dim || dim->empty()) check_some(max ? "amax" : "amin", input);
  check_axes(max ? "amax(): " : "amin(): ", input, axes);
  if (is_complex(input.dtype()))
    not_implemented(max ? "max_values_cpu" : "min_values_cpu", input.dtype());
  const Tensor out = run_reduce(op_of(max), input, axes, input.dtype());
  return record(out, max ? "AmaxBackward0" : "AminBackward0", {&input}, [&] {
    return [axes, x = Saved(input), y = Saved(out, true)](const Grads& g, Node& n) -> Grads {
      return {spread_evenly(g[0], x.unpack(&n), y.unpack(&n), axes)};
    };
  });
}

std::tuple<Tensor, Tensor> aminmax(const Tensor& input, OptInt dim, bool keepdim) {
  RL_CHECK(dim || input.numel() > 0,
           "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
           "identity.");
  const Axes axes = dim ? Axes(input, *dim, keepdim) : Axes(input, OptDims(), keepdim);
  check_axes("aminmax: ", input, axes);
  if (is_complex(input.dtype())) not_implemented("aminmax_cpu", input.dtype());
  const Tensor low = run_reduce(Reduce::Min, input, axes, input.dtype());
  const Tensor high = run_reduce(Reduce::Max, input, axes, input.dtype());
  Tensors out = record_all({low, high}, "AminmaxBackward0", {&input}, [&] {
    return [axes, x = Saved(input), low = Saved(alias(low)), high = Saved(alias(high))](
               const Grads& g, Node& n) -> Grads {
      const Tensor input = x.unpack(&n);
      Tensor sum;
      if (g[0].defined()) sum = spread_evenly(g[0], input, low.unpack(&n), axes);
      if (!g[1].defined()) return {sum};
      const Tensor part = spread_evenly(g[1], input, high.unpack(&n), axes);
      return {sum.defined() ? call_op<"add">(sum, part) : part};
    };
  });
  return {out[0], out[1]};
}

// ---- along one dimension, with indices ----

std::array<Tensor, 2> extreme_and_place(bool max, const Tensor& input, const Axes& axes, int d) {
  const cpu::Reduce op = op_of(max);
  DType acc;
  if (input.device().type == Device::Cpu && input.dim() > 1 && input.stride(d) == 1 &&
      input.size(d) >= 64 && input.numel() / input.size(d) >= 16 &&
      cpu::has_reduce(op, input.dtype(), &acc) && acc == input.dtype()) {
    const Tensor value = empty(axes.kept, acc);
    return {value, find(input, value, axes, d, &op)};
  }
  return in_blocks(input, axes, [=](const Tensor& x, const Axes& a) -> std::array<Tensor, 2> {
    const Tensor value = run_reduce(op, x, a, x.dtype());
    return {value, find(x, value, a, d)};
  });
}

template <bool max>
std::tuple<Tensor, Tensor> extreme_dim(const Tensor& input, int64_t dim, bool keepdim) {
  const char* name = max ? "max" : "min";
  const int d = wrap_dim(dim, input.dim());
  check_not_empty(name, input, d);
  RL_CHECK(!is_complex(input.dtype()), name, "(): does not support complex input");
  const Axes axes(input, dim, keepdim);
  const auto [value, index] = extreme_and_place(max, input, axes, d);
  Tensors out = record_all({value, index}, max ? "MaxBackward0" : "MinBackward0", {&input}, [&] {
    return [axes, d, index = Saved(index)](const Grads& g, Node& n) -> Grads {
      return {scatter_back(g[0], axes, d, index.unpack(&n))};
    };
  });
  return {out[0], out[1]};
}

template <bool max>
Tensor arg_extreme(const Tensor& input, OptInt dim, bool keepdim) {
  const char* name = max ? "argmax" : "argmin";
  if (dim) check_not_empty(name, input, *dim);
  RL_CHECK_INDEX(dim || input.numel() > 0, name,
                 "(): Expected reduction dim to be specified for input.numel() == 0.");
  RL_CHECK(!is_complex(input.dtype()), name, "(): does not support complex input");
  RL_CHECK(input.dtype() != DType::Bool, name, "(): does not support bool input");
  GradGuard off(false);
  if (!dim) {
    const Tensor flat = view(as_contiguous(input), {input.numel()});
    const Axes axes = Axes::all(flat);
    const Tensor index = find(flat, run_reduce(op_of(max), flat, axes, input.dtype()), axes, 0);
    return keepdim ? view(index, Dims::filled(input.dim(), 1)) : index;
  }
  const Axes axes(input, *dim, keepdim);
  return extreme_and_place(max, input, axes, wrap_dim(*dim, input.dim()))[1];
}

Tensor max_other(const Tensor& input, const Tensor& other) {
  return call_op<"maximum">(input, other);
}
Tensor min_other(const Tensor& input, const Tensor& other) {
  return call_op<"minimum">(input, other);
}

}  // namespace

void define_minmax(Registry& r) {
  r.op("max(input)", "The largest element; with dim, also its index; with other, elementwise.",
       &extreme_all<true>)
      .out_dtype(kOutAll);
  r.op("max(input, other)", "", &max_other);
  r.op("max(input, dim, keepdim=False) -> (values, indices)", "", &extreme_dim<true>)
      .out_dtype(kOutExact);
  r.op("min(input)", "The smallest element; with dim, also its index; with other, elementwise.",
       &extreme_all<false>)
      .out_dtype(kOutAll);
  r.op("min(input, other)", "", &min_other);
  r.op("min(input, dim, keepdim=False) -> (values, indices)", "", &extreme_dim<false>)
      .out_dtype(kOutExact);
  r.op("amax(input, dim=(), keepdim=False)",
       "The largest elements over dimensions; ties share the gradient.", &extreme_axes<true>)
      .out_dtype(kOutExtreme);
  r.op("amin(input, dim=(), keepdim=False)",
       "The smallest elements over dimensions; ties share the gradient.", &extreme_axes<false>)
      .out_dtype(kOutExtreme);
  r.op("aminmax(input, *, dim=None, keepdim=False) -> (min, max)", "The smallest and the largest.",
       &aminmax)
      .out_dtype(kOutExact);
  r.op("argmax(input, dim=None, keepdim=False)",
       "The index of the largest element, of the flattened tensor if dim is None.",
       &arg_extreme<true>);
  r.op("argmin(input, dim=None, keepdim=False)",
       "The index of the smallest element, of the flattened tensor if dim is None.",
       &arg_extreme<false>);
}

}  // namespace rl
