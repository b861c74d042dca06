// Creation: tensors from sizes, values and ranges.
#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/load_store.h"
#include "cpu/pick.h"
#include "cpu/range_kernels.h"
#include "cpu/threads.h"
#include "op/call.h"
#include "ops/format.h"
#include "ops/ops.h"
#include "tensor/layout.h"

RL_PICK(cpu::RangeTable, range_table)

namespace rl {
namespace {

DType factory_dtype(const Factory& f) { return f.dtype.value_or(default_dtype()); }

Tensor finish(Tensor t, const Factory& f) {
  if (f.requires_grad) set_requires_grad(t, true);
  if (GradMode::inference) t->inference = true;
  return t;
}

Tensor empty_op(const Dims& size, const Factory& f, Format format) {
  const Tensor t = empty(size, factory_dtype(f), f.device);
  if (format == Format::None || format == Format::Contiguous) return finish(t, f);
  return finish(make_view(t->storage, t.dtype(), size, strides_of(size, format), 0), f);
}
Tensor zeros_op(const Dims& size, const Factory& f) {
  for (int64_t s : size) RL_CHECK(s >= 0, "zeros: Dimension size must be non-negative.");
  return finish(zeros(size, factory_dtype(f), f.device), f);
}
Tensor ones_op(const Dims& size, const Factory& f) {
  return finish(full(size, Scalar(1), factory_dtype(f), f.device), f);
}
DType dtype_of_value(const Scalar& v) { return v.dtype(default_dtype()); }
/// The fill value; of a tensor, its only element.
Scalar number_of(const Operand& value) {
  if (!value.tensor) return value.number;
  const Tensor& t = *value.tensor;
  RL_CHECK(t.numel() == 1 && t.device().type != Device::Meta, "a Tensor with ", t.numel(),
           " elements cannot be converted to Scalar");
  return cpu::get(t.dtype(), t.raw());
}

Tensor full_op(const Dims& size, Operand fill_value, const Factory& f) {
  const Scalar v = number_of(fill_value);
  const DType d = f.dtype             ? *f.dtype
                  : fill_value.tensor ? fill_value.tensor->dtype()
                                      : dtype_of_value(v);
  return finish(full(size, v, d, f.device), f);
}
Tensor empty_strided(const Dims& size, const Dims& stride, const Factory& f) {
  RL_CHECK(size.size() == stride.size(), "dimensionality of sizes (", size.size(),
           ") must match dimensionality of strides (", stride.size(), ")");
  for (int64_t s : stride)
    RL_CHECK(s >= 0, "empty_strided: strides must not be negative: ", stride);
  checked_numel(size);
  int64_t low, high;
  bounds(size, stride, &low, &high);
  const DType d = factory_dtype(f);
  return finish(make_view(Storage::allocate(checked_bytes(high + 1, size_of(d)), f.device), d, size,
                          stride, 0),
                f);
}

// ---- like an existing tensor ----

Tensor finish_like(Tensor t, bool requires_grad) {
  if (requires_grad) set_requires_grad(t, true);
  return t;
}
Tensor empty_like_op(const Tensor& input, const Factory& f, Format format) {
  return finish_like(empty_like_in(input, f.dtype.value_or(input.dtype()), format),
                     f.requires_grad);
}
Tensor filled_like(const Tensor& input, const Scalar& v, const Factory& f, Format format) {
  const Tensor t = empty_like_in(input, f.dtype.value_or(input.dtype()), format);
  if (t.numel()) cpu::fill(t.dtype(), t.raw(), t.numel(), v);
  return finish_like(t, f.requires_grad);
}
Tensor zeros_like_op(const Tensor& input, const Factory& f, Format format) {
  return filled_like(input, Scalar(0), f, format);
}
Tensor ones_like_op(const Tensor& input, const Factory& f, Format format) {
  return filled_like(input, Scalar(1), f, format);
}
Tensor full_like_op(const Tensor& input, Operand value, const Factory& f, Format format) {
  return filled_like(input, number_of(value), f, format);
}
Factory with_dtype(const Factory& f, const Tensor& t) {
  Factory g = f;
  if (!g.dtype) g.dtype = t.dtype();
  return g;
}
Tensor new_empty(const Tensor& input, const Dims& size, const Factory& f) {
  return empty_op(size, with_dtype(f, input), Format::None);
}
Tensor new_zeros(const Tensor& input, const Dims& size, const Factory& f) {
  return zeros_op(size, with_dtype(f, input));
}
Tensor new_ones(const Tensor& input, const Dims& size, const Factory& f) {
  return ones_op(size, with_dtype(f, input));
}
Tensor new_full(const Tensor& input, const Dims& size, Operand v, const Factory& f) {
  return full_op(size, v, with_dtype(f, input));
}

// ---- ranges ----

Tensor complex_from(const Tensor& real, const Tensor& imag);

/// out[i] = f(i), computed in double or int64 and rounded once.
template <class V, class F>
Tensor fill_by(int64_t n, DType dtype, F f) {
  Tensor wide = empty({n}, std::is_same_v<V, double> ? DType::F64 : DType::I64);
  V* p = wide.data<V>();
  cpu::parallel_for(0, n, 1 << 15, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) p[i] = f(i);
  });
  return as_contiguous(wide, dtype);
}

double rounded_to(DType dtype, double x) {
  return dispatch_real(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(static_cast<T>(static_cast<Wide<T>>(x)));
  });
}

/// Every element rounded to a dtype.
Tensor rounded_to(DType dtype, const Tensor& wide) {
  return as_contiguous(as_contiguous(wide, dtype), DType::F64);
}

/// out[j] = start + step * (at + turn * j), in double, rounded once.
void multiples(double start, double step, int64_t at, int64_t turn, int64_t n, double* out) {
  cpu::parallel_for(0, n, 1 << 15, [=](int64_t b, int64_t e) {
    cpu::range_table().multiples(start, step, at + turn * b, turn, e - b, out + b);
  });
}

/// start + i * step as PyTorch rounds it: in lines of vectors, each from its own rounded first.
Tensor arange_lines(double start, double step, int64_t n, DType dtype) {
  const int64_t lanes = 32 / size_of(dtype), lines = n / (2 * lanes) * 2;
  const Tensor wide = empty({n}, DType::F64), firsts = empty({lines}, DType::F64);
  multiples(start, step, 0, lanes, lines, firsts.data<double>());
  const Tensor rounded = rounded_to(dtype, firsts);
  const double* from = rounded.data<double>();
  double* out = wide.data<double>();
  cpu::parallel_for(0, lines, 1 << 12, [=](int64_t b, int64_t e) {
    cpu::range_table().lines(from + b, step, lanes, e - b, out + b * lanes);
  });
  multiples(start, step, lines * lanes, 1, n - lines * lanes, out + lines * lanes);
  return as_contiguous(wide, dtype);
}

Tensor arange_range(Scalar start, Scalar end, Scalar step, const Factory& f) {
  const bool integral = start.is_integral() && end.is_integral() && step.is_integral();
  const DType dtype = f.dtype ? *f.dtype : integral ? DType::I64 : default_dtype();
  RL_CHECK(step.real() != 0, "step must be nonzero");
  RL_CHECK(std::isfinite(start.real()) && std::isfinite(end.real()),
           "unsupported range: ", start.real(), " -> ", end.real());
  RL_CHECK((step.real() > 0) == (end.real() >= start.real()) || end.real() == start.real(),
           "upper bound and lower bound inconsistent with step sign");
  if ((integral && is_integral(dtype)) || dtype == DType::I64) {
    const int64_t s = start.integer(), e = end.integer(), d = step.integer();
    RL_CHECK_VALUE(d != 0, "step must be nonzero");
    const int64_t span = d > 0 ? e - s : s - e, unit = d > 0 ? d : -d;
    const int64_t n = span <= 0 ? 0 : span / unit + (span % unit != 0);
    return finish(fill_by<int64_t>(n, dtype, [=](int64_t i) { return s + i * d; }), f);
  }
  const double s = start.real(), d = step.real(), count = std::ceil((end.real() - s) / d);
  RL_CHECK(count >= 0 && count < 9e18, "invalid size, possible overflow?");
  const int64_t n = static_cast<int64_t>(count);
  if (is_integral(dtype)) {
    const int64_t si = start.integer(), di = step.integer();
    RL_CHECK_VALUE(di != 0, "step must be nonzero");
    return finish(fill_by<int64_t>(n, dtype, [=](int64_t i) { return si + i * di; }), f);
  }
  const DType wide = size_of(dtype) == 2 ? DType::F32 : DType::F64;
  const double first = rounded_to(wide, s), by = rounded_to(wide, d);
  return finish(arange_lines(first, by, n, dtype), f);
}
Tensor arange_end(Scalar end, const Factory& f) {
  return arange_range(Scalar(0), end, Scalar(1), f);
}
Tensor arange_start_end(Scalar start, Scalar end, const Factory& f) {
  return arange_range(start, end, Scalar(1), f);
}

/// linspace in PyTorch's order of operations: from both ends, so that it is symmetric. `fused`: a
/// product and its sum are rounded once.
Tensor linspace_as(double start, double end, int64_t steps, DType dtype, bool fused = true) {
  const auto round = [=](double x) { return rounded_to(dtype, x); };
  const double s = round(start), e = round(end), n = round(static_cast<double>(steps - 1));
  const double step = steps > 1 ? round(round(e - s) / n) : 0;
  const int64_t half = steps == 1 ? 1 : steps / 2;
  const bool once = fused && size_of(dtype) > 2;
  const double from[] = {once ? s : 0, once ? e : 0}, by = once ? step : 1;
  const Tensor wide = empty({steps}, DType::F64);
  multiples(from[0], by, 0, 1, half, wide.data<double>());
  multiples(from[1], -by, steps - half - 1, -1, steps - half, wide.data<double>() + half);
  if (once) return as_contiguous(wide, dtype);
  const Tensor products = rounded_to(dtype, call_op<"mul">(rounded_to(dtype, wide), step));
  const Tensor low = narrow(products, 0, 0, half), high = narrow(products, 0, half, steps - half);
  return as_contiguous(cat({call_op<"add">(low, s), call_op<"add">(high, e)}, 0), dtype);
}
Tensor linspace(Scalar start, Scalar end, int64_t steps, const Factory& f) {
  RL_CHECK(steps >= 0, "number of steps must be non-negative");
  const DType dtype = factory_dtype(f);
  if (is_floating(dtype)) return finish(linspace_as(start.real(), end.real(), steps, dtype), f);
  if (is_integral(dtype)) {
    const double s = static_cast<double>(start.integer()), e = static_cast<double>(end.integer());
    const double d = steps > 1 ? (e - s) / static_cast<double>(steps - 1) : 0;
    const auto at = [=](int64_t i) {
      if (i < steps / 2 || steps == 1) return static_cast<int64_t>(std::fma(d, i, s));
      return static_cast<int64_t>(std::fma(-d, steps - i - 1, e));
    };
    return finish(fill_by<int64_t>(steps, dtype, at), f);
  }
  const Tensor re = linspace_as(start.real(), end.real(), steps, DType::F64),
               im = linspace_as(start.imag(), end.imag(), steps, DType::F64);
  return finish(as_contiguous(complex_from(re, im), dtype), f);
}
Tensor logspace(Scalar start, Scalar end, int64_t steps, double base, const Factory& f) {
  RL_CHECK(steps >= 0, "number of steps must be non-negative");
  const bool whole = is_integral(factory_dtype(f)) && steps != 1;  // then the ends are cut, too
  const auto cut = [whole](double x) { return whole ? std::trunc(x) : x; };
  const Tensor e = linspace_as(cut(start.real()), cut(end.real()), steps, DType::F64, false);
  Tensor t = fill_by<double>(steps, DType::F64,
                             [&, p = e.data<double>()](int64_t i) { return std::pow(base, p[i]); });
  return finish(as_contiguous(t, factory_dtype(f)), f);
}

/// Both take 0-dimensional tensors for numbers; others are an error that the parser cannot word.
Scalar end_of(const char* name, const Operand& start, const Operand& end, bool first) {
  if ((start.tensor && start.tensor->dim()) || (end.tensor && end.tensor->dim())) {
    std::string got;
    if (start.tensor) got = str("start with ", start.tensor->dim(), " dimension(s)");
    if (end.tensor)
      got += str(got.empty() ? "" : " and ", "end with ", end.tensor->dim(), " dimension(s)");
    raise(ErrorKind::Runtime, name, " only supports 0-dimensional start and end tensors, but got ",
          got, ".");
  }
  const Operand& o = first ? start : end;
  return o.tensor ? cpu::get(o.tensor->dtype(), o.tensor->raw()) : o.number;
}
Tensor linspace_tensors(Operand start, Operand end, int64_t steps, const Factory& f) {
  return linspace(end_of("linspace", start, end, true), end_of("linspace", start, end, false),
                  steps, f);
}
Tensor logspace_tensors(Operand start, Operand end, int64_t steps, double base, const Factory& f) {
  return logspace(end_of("logspace", start, end, true), end_of("logspace", start, end, false),
                  steps, base, f);
}

Tensor eye_nm(int64_t n, int64_t m, const Factory& f) {
  RL_CHECK(n >= 0, "n must be greater or equal to 0, got ", n);
  RL_CHECK(m >= 0, "m must be greater or equal to 0, got ", m);
  const DType d = factory_dtype(f);
  Tensor t = zeros({n, m}, d, f.device);
  const int64_t k = n < m ? n : m;
  for (int64_t i = 0; i < k; ++i)
    cpu::put(d, static_cast<char*>(t.raw()) + i * (m + 1) * size_of(d), Scalar(1));
  return finish(t, f);
}
Tensor eye_n(int64_t n, const Factory& f) { return eye_nm(n, n, f); }

Tensor scalar_tensor_op(Scalar s, const Factory& f) {
  return finish(scalar_tensor(s, factory_dtype(f), f.device), f);
}

void check_parts(const Tensor& real, const Tensor& imag) {
  const auto fits = [](DType t) { return is_floating(t) && t != DType::BF16; };
  RL_CHECK(fits(real.dtype()) && fits(imag.dtype()),
           "Expected both inputs to be Half, Float or Double tensors but got ",
           info(real.dtype()).type, " and ", info(imag.dtype()).type);
  RL_CHECK(real.dtype() == imag.dtype(), "Expected object of scalar type ", info(real.dtype()).type,
           " but got scalar type ", info(imag.dtype()).type, " for second argument");
}
Tensor complex_from(const Tensor& real, const Tensor& imag) {
  check_parts(real, imag);
  const Dims shape = broadcast(real.sizes(), imag.sizes());
  const Tensor out = empty(shape, complex_of(real.dtype()), real.device());
  Dims strides = out.strides();
  for (int d = 0; d < strides.size(); ++d) strides[d] *= 2;
  const auto part = [&](int64_t offset) {
    return make_view(out->storage, real.dtype(), shape, strides, offset);
  };
  write(part(0), real);
  write(part(1), imag);
  return record(out, "ComplexBackward0", {&real, &imag}, [&] {
    return [](const Grads& g, Node& n) -> Grads {
      return {n.needs(0) ? call_op<"real">(g[0]) : Tensor(),
              n.needs(1) ? call_op<"imag">(g[0]) : Tensor()};
    };
  });
}
Tensor polar(const Tensor& abs, const Tensor& angle) {
  check_parts(abs, angle);
  return complex_from(call_op<"mul">(abs, call_op<"cos">(angle)),
                      call_op<"mul">(abs, call_op<"sin">(angle)));
}

}  // namespace

void define_creation(Registry& r) {
  r.op("empty(*size, **factory, memory_format=None)", "A tensor with undefined contents.",
       &empty_op)
      .not_method()
      .on_meta(OnMeta::Makes);
  r.op("zeros(*size, **factory)", "A tensor of zeros.", &zeros_op)
      .not_method()
      .on_meta(OnMeta::Makes);
  r.op("ones(*size, **factory)", "A tensor of ones.", &ones_op).not_method().on_meta(OnMeta::Makes);
  r.op("full(size, fill_value, **factory)", "A tensor of one value.", &full_op)
      .not_method()
      .on_meta(OnMeta::Makes);
  r.op("empty_strided(size, stride, **factory)", "An uninitialised tensor of given strides.",
       &empty_strided)
      .not_method()
      .no_out()
      .on_meta(OnMeta::Makes);
  r.op("scalar_tensor(s, **factory)", "A 0-d tensor of a number.", &scalar_tensor_op)
      .not_method()
      .no_out();
  r.op("empty_like(input, **factory, memory_format=None)", "An uninitialised tensor like input.",
       &empty_like_op)
      .not_method()
      .no_out();
  r.op("zeros_like(input, **factory, memory_format=None)", "Zeros like input.", &zeros_like_op)
      .not_method()
      .no_out();
  r.op("ones_like(input, **factory, memory_format=None)", "Ones like input.", &ones_like_op)
      .not_method()
      .no_out();
  r.op("full_like(input, fill_value, **factory, memory_format=None)", "One value, like input.",
       &full_like_op)
      .not_method()
      .no_out();
  r.op("new_empty(input, *size, **factory)", "An uninitialised tensor of input's dtype.",
       &new_empty)
      .not_function();
  r.op("new_zeros(input, *size, **factory)", "Zeros of input's dtype.", &new_zeros).not_function();
  r.op("new_ones(input, *size, **factory)", "Ones of input's dtype.", &new_ones).not_function();
  r.op("new_full(input, size, fill_value, **factory)", "One value, of input's dtype.", &new_full)
      .not_function();
  r.op("arange(end, **factory)", "Numbers from start up to, not including, end.", &arange_end)
      .not_method();
  r.op("arange(start, end, **factory)", "", &arange_start_end);
  r.op("arange(start, end, step=1, **factory)", "", &arange_range);
  r.op("linspace(start, end, steps, **factory)",
       "`steps` numbers evenly from start to end, both included.", &linspace)
      .not_method();
  r.op("linspace(start, end, steps, **factory)", "", &linspace_tensors);
  r.op("logspace(start, end, steps, base=10.0, **factory)", "base ** linspace(start, end, steps).",
       &logspace)
      .not_method();
  r.op("logspace(start, end, steps, base=10.0, **factory)", "", &logspace_tensors);
  r.op("eye(n, **factory)", "The identity matrix.", &eye_n).not_method();
  r.op("eye(n, m, **factory)", "", &eye_nm);
  r.op("complex(real, imag)", "A complex tensor of two real ones.", &complex_from)
      .not_method()
      .out_dtype(kOutComplex);
  r.op("polar(abs, angle)", "A complex tensor of moduli and angles.", &polar)
      .not_method()
      .out_dtype(kOutComplex);
}

}  // namespace rl
