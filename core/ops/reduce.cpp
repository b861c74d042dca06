// Sums and their kin: sum, mean, prod, nansum, any, all, count_nonzero, std, var. Extrema are in
// minmax.cpp, norms in norm.cpp, order statistics in median.cpp.
#include "ops/reduce.h"

#include <cmath>

#include "cpu/load_store.h"
#include "tensor/layout.h"

namespace rl {

using cpu::Reduce;

// ---- what reductions share ----

Axes::Axes(const Tensor& input, uint64_t mask, bool keepdim)
    : sizes(input.sizes()), mask(mask), keepdim(keepdim) {
  for (int d = 0; d < sizes.size(); ++d)
    if (!has(d))
      kept.push_back(sizes[d]);
    else if (keepdim)
      kept.push_back(1);
}
Axes::Axes(const Tensor& input, const OptDims& dim, bool keepdim)
    : Axes(input, dim_mask(dim ? *dim : Dims(), input.dim()), keepdim) {}
Axes::Axes(const Tensor& input, int64_t dim, bool keepdim)
    : Axes(input, dim_mask({dim}, input.dim()), keepdim) {}

int64_t Axes::count() const {
  int64_t n = 1;
  for (int d = 0; d < sizes.size(); ++d)
    if (has(d)) n *= sizes[d];
  return n;
}

void check_cpu(const Tensor& input) {
  RL_CHECK_AS(NotImplemented, input.device().type == Device::Cpu,
              "this operation is not implemented for device ", input.device());
}
void not_implemented(const char* kernel, DType dtype) {
  raise(ErrorKind::NotImplemented, '"', kernel, "\" not implemented for '", info(dtype).type, "'");
}

Tensor run_reduce(Reduce op, const Tensor& input, const Axes& axes, DType out_dtype, Finish finish,
                  const Tensor& centre) {
  check_cpu(input);
  Tensor out = empty(axes.kept, out_dtype, input.device());
  if (input.numel() == 0) {
    if (out.numel() == 0) return out;
    const double v = (op == Reduce::Prod ? 1. : 0.) / finish.divide;
    write(out, scalar_tensor(finish.root ? std::sqrt(v) : v, out_dtype));
    return out;
  }
  cpu::ReduceJob job{op, {}, input.dtype(), input.raw(), {}, out_dtype, out.raw(), {}};
  if (centre.defined()) job.centre = centre.raw();
  job.divide = finish.divide;
  job.root = finish.root;
  if (out.numel() == 1 && input.is_contiguous()) {
    job.sizes = {input.numel()};
    job.strides = {1};
    job.out_strides = {0};
  } else {
    job.sizes = axes.sizes;
    job.strides = input.strides();
    job.out_strides = Dims::filled(input.dim(), 0);
    int64_t step = 1;
    for (int d = input.dim() - 1; d >= 0; --d) {
      if (axes.has(d)) continue;
      job.out_strides[d] = step;
      step *= axes.sizes[d];
    }
  }
  LongKernel off(input.numel());
  cpu::reduce(job);
  return out;
}

Tensor restore(const Tensor& g, const Axes& axes) {
  if (axes.keepdim) return g;
  Tensor r = g;
  for (int d = 0; d < axes.sizes.size(); ++d)
    if (axes.has(d)) r = unsqueeze(r, d);
  return r;
}

Tensor spread(const Tensor& g, const Axes& axes) {
  if (GradMode::enabled || g.dim() != axes.kept.size())
    return expand(g.dim() == 0 ? g : restore(g, axes), axes.sizes);
  Dims strides;  // the same in one step
  for (int d = 0, k = 0; d < axes.sizes.size(); ++d) {
    strides.push_back(axes.has(d) ? 0 : g.stride(k));
    k += !axes.has(d) || axes.keepdim;
  }
  return make_view(g->storage, g.dtype(), axes.sizes, strides, g->offset);
}

Tensor spread_evenly(const Tensor& g, const Tensor& input, const Tensor& value, const Axes& axes) {
  Tensor mask = call_op<"eq">(input, restore(value, axes));
  if (axes.kept.empty() && has_nan(value)) mask = call_op<"isnan">(input);
  const Tensor count = restore(run_reduce(Reduce::Count, mask, axes, g.dtype()), axes);
  return call_op<"div">(call_op<"mul">(restore(g, axes), mask), count);
}

Tensor scatter_back(const Tensor& g, const Axes& axes, int dim, const Tensor& indices) {
  if (axes.sizes.empty()) return g;
  Axes one = axes;
  one.mask = uint64_t{1} << dim;
  return scatter_add(zeros(axes.sizes, g.dtype(), g.device()), dim, restore(indices, one),
                     restore(g, one));
}

void check_not_empty(const char* name, const Tensor& input, int64_t dim) {
  const int d = wrap_dim(dim, input.dim());
  RL_CHECK_INDEX(input.dim() == 0 || input.sizes()[d] != 0, name, "(): Expected reduction dim ",
                 dim, " to have non-zero size.");
}

namespace {

/// The input in the type to compute in: itself where that is the one the result is stored from.
Tensor in_type(const Tensor& input, DType dtype) {
  if (input.dtype() == dtype || compute_of(input.dtype()) == compute_of(dtype)) return input;
  if (dtype == DType::I64 && is_integral(input.dtype())) return input;  // kernels sum in int64
  return as_contiguous(input, dtype);
}

DType sum_dtype(const Tensor& input, const OptDType& dtype) {
  return dtype ? *dtype : is_integral(input.dtype()) ? DType::I64 : input.dtype();
}

// ---- sum, mean ----

Tensor sum_axes(const Tensor& input, const Axes& axes, DType dtype, const char* label) {
  return record(run_reduce(Reduce::Sum, in_type(input, dtype), axes, dtype), label, {&input}, [&] {
    return [axes](const Grads& g, Node&) -> Grads { return {spread(g[0], axes)}; };
  });
}

Tensor sum(const Tensor& input, const OptDims& dim, bool keepdim, OptDType dtype) {
  const bool all = !dim && !keepdim;
  return sum_axes(input, Axes(input, dim, keepdim), sum_dtype(input, dtype),
                  all ? "SumBackward0" : "SumBackward1");
}

Tensor mean(const Tensor& input, const OptDims& dim, bool keepdim, OptDType dtype) {
  const DType result = dtype ? *dtype : input.dtype();
  RL_CHECK(!is_integral(result), "mean(): could not infer output dtype. ",
           dtype ? "Optional" : "Input",
           " dtype must be either a floating point or complex dtype. Got: ", info(result).type,
           "\nwhy: the mean of integers is rarely one."
           "\nfix: convert first, x.float().mean(), or pass dtype=torch.float32.");
  const Axes axes(input, dim, keepdim);
  const auto n = static_cast<double>(axes.count());
  return record(run_reduce(Reduce::Sum, in_type(input, result), axes, result, {n, false}),
                dim || keepdim ? "MeanBackward1" : "MeanBackward0", {&input}, [&] {
                  return [axes, n](const Grads& g, Node&) -> Grads {
                    return {spread(call_op<"div">(g[0], n), axes)};
                  };
                });
}

Tensor nansum(const Tensor& input, const OptDims& dim, bool keepdim, OptDType dtype) {
  RL_CHECK(!is_complex(input.dtype()), "nansum on CPU does not support complex inputs");
  if (is_integral(input.dtype())) return sum(input, dim, keepdim, dtype);
  const Axes axes(input, dim, keepdim);
  const DType result = sum_dtype(input, dtype);
  if (is_complex(result)) not_implemented("nansum_cpu", result);
  const bool ints = is_integral(result);  // NaN has no integer: 0 first
  const Tensor out =
      run_reduce(Reduce::NanSum, ints ? input : in_type(input, result), axes, result);
  return record(out, "NansumBackward0", {&input}, [&] {
    return [axes, x = Saved(input)](const Grads& g, Node& n) -> Grads {
      const Tensor input = x.unpack(&n);
      return {call_op<"mul">(spread(g[0], axes), call_op<"eq">(input, input))};
    };
  });
}

// ---- prod ----

/// Products of all elements but one along `dim`: those before times those behind. No division, so
/// zeros do no harm.
Tensor products_of_others(const Tensor& x, int64_t dim) {
  const int64_t n = x.size(static_cast<int>(dim));
  if (n == 0) return x;
  Dims one = x.sizes();
  one[static_cast<int>(dim)] = 1;
  const Tensor ones = full(one, 1, x.dtype(), x.device());
  const auto exclusive = [&](const Tensor& t) {
    return cumprod(cat({ones, narrow(t, dim, 0, n - 1)}, dim), dim);
  };
  const Tensor behind = flip(exclusive(flip(x, {dim})), {dim});
  return call_op<"mul">(exclusive(x), behind);
}

Tensor prod_backward(const Tensor& g, const Tensor& x, const Tensor& y, const Axes& axes, int dim) {
  const Tensor cx = is_complex(x.dtype()) ? call_op<"conj_physical">(x) : x;
  if (x.dim() == 0) return g;
  const Tensor zeros =
      run_reduce(Reduce::Count, call_op<"eq">(detach(x), 0), Axes::all(x), DType::I64);
  if (cpu::get(DType::I64, zeros.raw()).integer() == 0) {
    const Tensor cy = is_complex(y.dtype()) ? call_op<"conj_physical">(y) : y;
    return call_op<"div">(spread(call_op<"mul">(g, cy), axes), cx);
  }
  if (dim < 0) {
    const Tensor others = products_of_others(reshape(cx, {-1}), 0);
    return call_op<"mul">(spread(g, axes), view(others, x.sizes()));
  }
  return call_op<"mul">(spread(g, axes), products_of_others(cx, dim));
}

Tensor prod(const Tensor& input, OptInt dim, bool keepdim, OptDType dtype) {
  const DType result = sum_dtype(input, dtype);
  const Axes axes = dim ? Axes(input, *dim, keepdim) : Axes(input, OptDims(), keepdim);
  const Tensor x = in_type(input, result);
  const Tensor out = run_reduce(Reduce::Prod, x, axes, result);
  return record(out, dim ? "ProdBackward1" : "ProdBackward0", {&input}, [&] {
    const int d = dim ? wrap_dim(*dim, input.dim()) : -1;
    return [axes, d, result, x = Saved(input), y = Saved(out, true)](const Grads& g,
                                                                     Node& n) -> Grads {
      return {prod_backward(g[0], call_to(x.unpack(&n), result), y.unpack(&n), axes, d)};
    };
  });
}

// ---- any, all, count_nonzero ----

DType truth_dtype(const Tensor& input) {
  return input.dtype() == DType::U8 ? DType::U8 : DType::Bool;
}
Axes truth_axes(const Tensor& input, const OptDims& dim, bool keepdim) {
  return dim && dim->empty() ? Axes(input, uint64_t{0}, keepdim) : Axes(input, dim, keepdim);
}
Tensor any(const Tensor& input, const OptDims& dim, bool keepdim) {
  return call_to(run_reduce(Reduce::Count, input, truth_axes(input, dim, keepdim), DType::Bool),
                 truth_dtype(input));
}
Tensor all(const Tensor& input, const OptDims& dim, bool keepdim) {
  const Axes axes = truth_axes(input, dim, keepdim);
  GradGuard off(false);
  const Tensor count = run_reduce(Reduce::Count, input, axes, DType::I64);
  return call_to(call_op<"eq">(count, axes.count()), truth_dtype(input));
}

// ---- std, var ----

struct Moments {
  Tensor value, mean;
};

/// In one pass through memory: around the first element, whose distance from the mean the squares
/// hold as well, so that double precision has enough to take it away (Chan, Golub and LeVeque,
/// 1983).
Moments shifted_moments(const Tensor& input, const Axes& axes, double left, bool root) {
  GradGuard off(false);
  Tensor first = input;
  for (int d = 0; d < input.dim(); ++d)
    if (axes.has(d)) first = narrow(first, d, 0, 1);
  first = call_op<"where">(call_op<"isfinite">(first), first, 0);
  const Tensor centre = as_contiguous(reshape(first, axes.kept), DType::C128);
  const Tensor sums = run_reduce(Reduce::Moments, input, axes, DType::C128, {}, centre);
  const Tensor sum = call_op<"real">(sums), squares = call_op<"imag">(sums);
  const Tensor apart = call_op<"div">(sum, static_cast<double>(axes.count()));
  const Tensor around = call_op<"sub">(squares, call_op<"mul">(sum, apart));
  const Tensor value = call_op<"div">(call_op<"relu">(around), left);
  return {as_contiguous(root ? call_op<"sqrt">(value) : value, input.dtype()),
          call_op<"add">(call_op<"real">(centre), apart)};
}

/// The variance or its root, in two passes: the mean in double precision, then the deviations.
Moments moments(const Tensor& input, const Axes& axes, double correction, bool root) {
  const double n = static_cast<double>(axes.count()), left = n - correction;
  if (compute_of(input.dtype()) == Compute::F32 && left > 0 && is_long(input))
    return shifted_moments(input, axes, left, root);
  const Finish finish{left > 0 ? left : 0, root};
  if (!is_complex(input.dtype())) {
    const auto two = [&](const Tensor& x, const Axes& a) -> std::array<Tensor, 2> {
      const Tensor mean = run_reduce(Reduce::WideSum, x, a, DType::F64, {n, false});
      return {run_reduce(Reduce::SumDeviations, x, a, x.dtype(), finish, mean), mean};
    };
    const auto [value, mean] = in_blocks(input, axes, two);
    return {value, mean};
  }
  GradGuard off(false);
  const Tensor mean = run_reduce(Reduce::Sum, input, axes, input.dtype(), {n, false});
  const Tensor re = moments(call_op<"real">(input), axes, correction, false).value;
  const Tensor im = moments(call_op<"imag">(input), axes, correction, false).value;
  const Tensor sum = call_op<"add">(re, im);
  return {root ? call_op<"sqrt">(sum) : sum, mean};
}

Tensor var_backward(const Tensor& g, const Tensor& x, const Axes& axes, double correction) {
  const double n = static_cast<double>(axes.count());
  Dims dims;
  for (int d = 0; d < axes.sizes.size(); ++d)
    if (axes.has(d)) dims.push_back(d);
  const Tensor mean_x = x.dim() ? mean(x, dims, true, {}) : x;
  if (n <= correction) {  // no degrees of freedom: no slope either
    return call_op<"mul">(restore(g, axes),
                          call_op<"where">(call_op<"eq">(x, mean_x), double{NAN}, HUGE_VAL));
  }
  const Tensor scaled = call_op<"mul">(restore(g, axes), 2 / (n - correction));
  return call_op<"mul">(scaled, call_op<"sub">(x, mean_x));
}
Tensor std_backward(const Tensor& g, const Tensor& x, const Tensor& y, const Axes& axes,
                    double correction) {
  const Tensor g_var = call_op<"div">(g, call_op<"mul">(y, 2));
  return var_backward(call_op<"where">(call_op<"eq">(y, 0), 0, g_var), x, axes, correction);
}

void check_moments(const char* name, const Tensor& input) {
  RL_CHECK(!is_integral(input.dtype()), name, " only support floating point and complex dtypes");
}

Tensor deviation(const Tensor& input, const OptDims& dim, double correction, bool keepdim,
                 bool root) {
  check_moments("std and var", input);
  const Axes axes(input, dim, keepdim);
  const Tensor out = moments(input, axes, correction, root).value;
  return record(out, root ? "StdBackward0" : "VarBackward0", {&input}, [&] {
    return [axes, correction, root, x = Saved(input), y = root ? Saved(out, true) : Saved()](
               const Grads& g, Node& n) -> Grads {
      if (root) return {std_backward(g[0], x.unpack(&n), y.unpack(&n), axes, correction)};
      return {var_backward(g[0], x.unpack(&n), axes, correction)};
    };
  });
}

std::tuple<Tensor, Tensor> with_mean(const Tensor& input, const OptDims& dim, double correction,
                                     bool keepdim, bool root) {
  check_moments(root ? "std_mean" : "var_mean", input);
  const Axes axes(input, dim, keepdim);
  Moments m = moments(input, axes, correction, root);
  const Tensor mean =
      m.mean.dtype() == input.dtype() ? m.mean : as_contiguous(m.mean, input.dtype());
  Tensors out =
      record_all({m.value, mean}, root ? "StdMeanBackward0" : "VarMeanBackward0", {&input}, [&] {
        return [axes, correction, root, x = Saved(input),
                y = root ? Saved(m.value, true) : Saved()](const Grads& g, Node& n) -> Grads {
          const Tensor input = x.unpack(&n);
          Tensor sum;
          if (g[0].defined())
            sum = root ? std_backward(g[0], input, y.unpack(&n), axes, correction)
                       : var_backward(g[0], input, axes, correction);
          if (g[1].defined()) {
            const Tensor part =
                spread(call_op<"div">(g[1], static_cast<double>(axes.count())), axes);
            sum = sum.defined() ? call_op<"add">(sum, part) : part;
          }
          return {sum};
        };
      });
  return {out[0], out[1]};
}

double correction_of(const OptNumber& c) { return c ? c->real() : 1; }

template <bool root>
Tensor deviation_all(const Tensor& input, bool unbiased) {
  return deviation(input, {}, unbiased, false, root);
}
template <bool root>
Tensor deviation_unbiased(const Tensor& input, const OptDims& dim, bool unbiased, bool keepdim) {
  return deviation(input, dim, unbiased, keepdim, root);
}
template <bool root>
Tensor deviation_corrected(const Tensor& input, const OptDims& dim, OptNumber correction,
                           bool keepdim) {
  return deviation(input, dim, correction_of(correction), keepdim, root);
}
template <bool root>
std::tuple<Tensor, Tensor> mean_all(const Tensor& input, bool unbiased) {
  return with_mean(input, {}, unbiased, false, root);
}
template <bool root>
std::tuple<Tensor, Tensor> mean_unbiased(const Tensor& input, const OptDims& dim, bool unbiased,
                                         bool keepdim) {
  return with_mean(input, dim, unbiased, keepdim, root);
}
template <bool root>
std::tuple<Tensor, Tensor> mean_corrected(const Tensor& input, const OptDims& dim,
                                          OptNumber correction, bool keepdim) {
  return with_mean(input, dim, correction_of(correction), keepdim, root);
}

}  // namespace

Tensor count_nonzero(const Tensor& input, const OptDims& dim) {
  return run_reduce(Reduce::Count, input, Axes(input, dim, false), DType::I64);
}

// ---- for C++ ----

Tensor sum_dims(const Tensor& input, const Dims& dims, bool keepdim) {
  return sum_axes(input, Axes(input, OptDims(dims), keepdim), sum_dtype(input, {}), "SumBackward1");
}
Tensor sum_all(const Tensor& input) {
  return sum_axes(input, Axes::all(input), sum_dtype(input, {}), "SumBackward0");
}

Tensor mean_dims(const Tensor& input, const Dims& dims, bool keepdim) {
  return mean(input, dims, keepdim, {});
}

Tensor sum_to(const Tensor& g, const Dims& sizes) {
  if (g.sizes() == sizes) return g;
  const int lead = g.dim() - sizes.size();
  Dims dims;
  for (int d = 0; d < g.dim(); ++d)
    if (d < lead || (sizes[d - lead] == 1 && g.size(d) != 1)) dims.push_back(d);
  if (dims.empty()) return view(g, sizes);
  if (sizes.empty()) return sum_all(g);
  const Tensor r = sum_dims(g, dims, true);
  return lead ? view(r, sizes) : r;
}

bool has_nan(const Tensor& t) {
  if (!is_differentiable(t.dtype()) || t.numel() == 0) return false;
  Tensor x = t;
  if (is_complex(t.dtype())) {
    const Tensor dense = as_contiguous(t);
    x = make_view(dense->storage, real_of(t.dtype()), {2 * t.numel()}, {1}, 2 * dense->offset);
  }
  const Tensor most = run_reduce(Reduce::Max, x, Axes::all(x), DType::F64);
  return std::isnan(*most.data<double>());
}

void define_reduce(Registry& r) {
  r.op("sum(input, dim=None, keepdim=False, *, dtype=None)",
       "The sum over dimensions (None: all). Integers and bools sum to int64.", &sum);
  r.op("mean(input, dim=None, keepdim=False, *, dtype=None)",
       "The mean over dimensions (None: all). RuntimeError for integers.", &mean)
      .out_dtype({.text = nullptr, .by = [](const Arg* args) -> const OutRule& {
                    static constexpr OutRule lines = {
                        "result type Float can't be cast to the desired output type %G", false};
                    return args[1].present ? lines : kOutMean;
                  }});
  r.op("nansum(input, dim=None, keepdim=False, *, dtype=None)", "The sum with NaN taken as 0.",
       &nansum)
      .out_dtype(kOutNanSum);
  r.op("prod(input, dim=None, keepdim=False, *, dtype=None)",
       "The product over a dimension (None: all). Integers and bools multiply to int64.", &prod);
  r.op("any(input, dim=None, keepdim=False)", "True where some element is not zero.", &any)
      .out_dtype({"any only supports bool tensor for result, got: %G"});
  r.op("all(input, dim=None, keepdim=False)", "True where no element is zero.", &all)
      .out_dtype({"all only supports bool tensor for result, got: %G"});
  r.op("count_nonzero(input, dim=None)", "How many elements are not zero, as int64.",
       &count_nonzero)
      .no_out();
  constexpr bool root = true;
  r.op("std(input, unbiased=True)", "The standard deviation: sqrt(var).", &deviation_all<root>);
  r.op("std(input, dim, unbiased=True, keepdim=False)", "", &deviation_unbiased<root>);
  r.op("std(input, dim=None, *, correction=None, keepdim=False)", "", &deviation_corrected<root>);
  r.op("var(input, unbiased=True)", "The variance: sum((x - mean)**2) / (n - correction).",
       &deviation_all<!root>);
  r.op("var(input, dim, unbiased=True, keepdim=False)", "", &deviation_unbiased<!root>);
  r.op("var(input, dim=None, *, correction=None, keepdim=False)", "", &deviation_corrected<!root>);
  r.op("std_mean(input, unbiased=True)", "Standard deviation and mean.", &mean_all<root>)
      .not_method()
      .no_out();
  r.op("std_mean(input, dim, unbiased=True, keepdim=False)", "", &mean_unbiased<root>);
  r.op("std_mean(input, dim=None, *, correction=None, keepdim=False)", "", &mean_corrected<root>);
  r.op("var_mean(input, unbiased=True)", "Variance and mean.", &mean_all<!root>)
      .not_method()
      .no_out();
  r.op("var_mean(input, dim, unbiased=True, keepdim=False)", "", &mean_unbiased<!root>);
  r.op("var_mean(input, dim=None, *, correction=None, keepdim=False)", "", &mean_corrected<!root>);
}

}  // namespace rl
