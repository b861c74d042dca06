// Running results along a dimension: cumsum, cumprod, cummax, cummin, logcumsumexp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/dispatch.h"
#include "ops/lines.h"
#include "ops/ops.h"
#include "ops/product.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

/// A contiguous tensor as [outer, n, inner] around one dimension.
struct Blocks {
  int64_t outer = 1, n = 1, inner = 1;
  Blocks(const Dims& sizes, int dim) {
    for (int d = 0; d < sizes.size(); ++d) (d < dim ? outer : d == dim ? n : inner) *= sizes[d];
  }
};

/// Columns scanned at once, and what a thread takes at least. Threads are not to write neighbouring
/// strips at the same time: at every row they would meet in a line of the cache.
constexpr int64_t kColumns = 256;

/// N lines of n adjacent elements at a time: each waits for its own last sum, not for the others.
template <int N, class T, class A, class Step>
void scan_lines(const T* x, T* y, int64_t n, bool reverse, A start, Step step) {
  A acc[N];
  for (int l = 0; l < N; ++l) acc[l] = start;
  for (int64_t k = 0; k < n; ++k) {
    const int64_t at = reverse ? n - 1 - k : k;
#pragma GCC unroll 4
    for (int l = 0; l < N; ++l) {
      acc[l] = step(acc[l], static_cast<A>(x[at + l * n]));
      y[at + l * n] = static_cast<T>(acc[l]);
    }
  }
}

/// Running accumulations of type A, by rows of columns, from the front or from the back.
template <class T, class A, class Step>
void scan(const T* x, T* y, const Blocks& s, bool reverse, A start, Step step) {
  LongKernel off(s.outer * s.n * s.inner);
  if (s.inner == 1)
    return cpu::parallel_for(0, s.outer, 1 + 8192 / s.n, [=](int64_t b, int64_t e) {
      for (; b + 4 <= e; b += 4) scan_lines<4>(x + b * s.n, y + b * s.n, s.n, reverse, start, step);
      for (; b < e; ++b) scan_lines<1>(x + b * s.n, y + b * s.n, s.n, reverse, start, step);
    });
  // Blocks of few columns are taken whole.
  const int64_t unit = s.inner < kColumns ? s.inner : 1, least = unit > 1 ? 1 : kColumns;
  const int64_t grain = least + 8192 / (s.n * unit);
  cpu::parallel_for(0, s.outer * s.inner / unit, grain, [=](int64_t first_unit, int64_t end) {
    for (int64_t b = first_unit * unit, e = end * unit; b < e;) {
      const int64_t first = b % s.inner;
      const int64_t w = std::min({s.inner - first, e - b, kColumns});
      const int64_t base = b / s.inner * s.n * s.inner + first;
      A acc[kColumns];
      for (int64_t j = 0; j < w; ++j) acc[j] = start;
      for (int64_t k = 0; k < s.n; ++k) {
        const int64_t at = base + (reverse ? s.n - 1 - k : k) * s.inner;
        for (int64_t j = 0; j < w; ++j) {
          acc[j] = step(acc[j], static_cast<A>(x[at + j]));
          y[at + j] = static_cast<T>(acc[j]);
        }
      }
      b += w;
    }
  });
}

/// Sums and products of float run in double, as in PyTorch.
template <class T>
using Running = std::conditional_t<std::is_same_v<T, float>, double, T>;

enum class Scan { Sum, Product };

/// The scan of `input` as `dtype`, without recording.
Tensor run_scan(const Tensor& input, int dim, Scan op, DType dtype, bool reverse = false) {
  check_cpu(input);
  const DType wide = dtype_of(compute_of(dtype));
  // The inputs are rounded to dtype before they are widened to the type it computes in.
  const Tensor x = as_contiguous(as_contiguous(input, dtype), wide);
  const Tensor out = empty(input.sizes(), wide, input.device());
  if (x.numel() == 0) return as_contiguous(out, dtype);
  const Blocks s(input.sizes(), dim);
  dispatch(wide, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (kComplex<T> || std::is_same_v<T, float> || std::is_same_v<T, double> ||
                  std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
      using A = Running<T>;
      if (op == Scan::Sum)
        scan(x.data<T>(), out.data<T>(), s, reverse, A(0), [](A a, A v) { return a + v; });
      else
        scan(x.data<T>(), out.data<T>(), s, reverse, A(1), [](A a, A v) { return a * v; });
    }
  });
  return as_contiguous(out, dtype);
}

DType running_dtype(const Tensor& input, OptDType dtype) {
  return dtype ? *dtype : is_integral(input.dtype()) ? DType::I64 : input.dtype();
}

// ---- cumsum ----

Tensor cumsum_directed(const Tensor& input, int dim, DType dtype, bool reverse) {
  return record(run_scan(input, dim, Scan::Sum, dtype, reverse), "CumsumBackward0", {&input}, [&] {
    return [dim, reverse](const Grads& g, Node&) -> Grads {
      return {cumsum_directed(g[0], dim, g[0].dtype(), !reverse)};
    };
  });
}

Tensor cumsum_op(const Tensor& input, int64_t dim, OptDType dtype) {
  const DType result = running_dtype(input, dtype);
  check_implemented("cumsum_out_cpu", result);
  return cumsum_directed(input, wrap_dim(dim, input.dim()), result, false);
}

void check_same_dtype(const Tensor& self, OptDType dtype) {
  RL_CHECK(!dtype || *dtype == self.dtype(), "Bad in-place call: input tensor dtype ",
           c_name_of(self.dtype()), " and output tensor dtype ", dtype ? c_name_of(*dtype) : "",
           " should match");
}

Tensor cumsum_(const Tensor& self, int64_t dim, OptDType dtype) {
  check_same_dtype(self, dtype);
  const int d = wrap_dim(dim, self.dim());
  in_place(
      self, "CumsumBackward0", {&self},
      [&] { write(self, run_scan(self, d, Scan::Sum, self.dtype())); },
      [&] {
        return [d](const Grads& g, Node&) -> Grads {
          return {cumsum_directed(g[0], d, g[0].dtype(), true)};
        };
      });
  return self;
}

// ---- cumprod ----

/// The gradient of element k is P_k S_k: P_k the product of what precedes it, and S_k the sum of
/// the following gradients times the products between, S_k = g_k + x_{k+1} S_{k+1}. No division.
template <class T>
void cumprod_backward_lines(const T* g, const T* x, T* dx, const Blocks& s) {
  using A = Running<T>;
  const auto conj = [](A v) {
    if constexpr (kComplex<A>)
      return std::conj(v);
    else
      return v;
  };
  cpu::parallel_for(0, s.outer * s.inner, 1 + 8192 / (s.n + 1), [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const int64_t base = i / s.inner * s.n * s.inner + i % s.inner;
      A sum(0), before(1);
      for (int64_t k = s.n - 1; k >= 0; --k) {
        const int64_t at = base + k * s.inner;
        sum = A(g[at]) + (k + 1 < s.n ? conj(A(x[at + s.inner])) * sum : A(0));
        dx[at] = static_cast<T>(sum);
      }
      for (int64_t k = 0; k < s.n; ++k) {
        const int64_t at = base + k * s.inner;
        dx[at] = static_cast<T>(A(dx[at]) * before);
        before *= conj(A(x[at]));
      }
    }
  });
}

Tensor cumprod_backward_fused(const Tensor& g, const Tensor& x, int dim) {
  const DType wide = dtype_of(compute_of(g.dtype()));
  const Tensor gc = as_contiguous(g, wide), xc = as_contiguous(x, wide);
  const Tensor dx = empty(g.sizes(), wide, g.device());
  if (g.numel() == 0) return as_contiguous(dx, g.dtype());
  const Blocks s(g.sizes(), dim);
  const auto run = [&](auto tag) {
    using T = decltype(tag);
    cumprod_backward_lines(gc.data<T>(), xc.data<T>(), dx.data<T>(), s);
  };
  switch (wide) {
    case DType::F32:
      run(float{});
      break;
    case DType::F64:
      run(double{});
      break;
    case DType::C64:
      run(std::complex<float>{});
      break;
    default:
      run(std::complex<double>{});
  }
  return as_contiguous(dx, g.dtype());
}

/// The same in recorded operations: one term an element.
Tensor cumprod_backward(const Tensor& g, const Tensor& input, int dim) {
  if (!GradMode::enabled || input.dim() == 0)
    return input.dim() == 0 ? g : cumprod_backward_fused(g, input, dim);
  const Tensor x = is_complex(input.dtype()) ? call_op<"conj_physical">(input) : input;
  const int64_t n = x.size(dim);
  if (n == 0) return g;
  Tensors parts;
  for (int64_t k = 0; k < n; ++k) {
    Tensor terms = narrow(g, dim, k, n - k);
    if (k + 1 < n) {
      const Tensor first = narrow(terms, dim, 0, 1);
      const Tensor between = cumprod(narrow(x, dim, k + 1, n - k - 1), dim);
      const Tensor rest = call_op<"mul">(narrow(terms, dim, 1, n - k - 1), between);
      terms = call_op<"add">(first, sum_dims(rest, {dim}, true));
    }
    if (k > 0) {
      const Tensor before = narrow(cumprod(narrow(x, dim, 0, k), dim), dim, k - 1, 1);
      terms = call_op<"mul">(terms, before);
    }
    parts.push_back(terms);
  }
  return cat(parts, dim);
}

Tensor cumprod_op(const Tensor& input, int64_t dim, OptDType dtype) {
  const int d = wrap_dim(dim, input.dim());
  const DType result = running_dtype(input, dtype);
  check_implemented("cumprod_out_cpu", result);
  return record(run_scan(input, d, Scan::Product, result), "CumprodBackward0", {&input}, [&] {
    return [d, result, x = Saved(input)](const Grads& g, Node& n) -> Grads {
      return {cumprod_backward(g[0], call_to(x.unpack(&n), result), d)};
    };
  });
}

Tensor cumprod_(const Tensor& self, int64_t dim, OptDType dtype) {
  check_same_dtype(self, dtype);
  const int d = wrap_dim(dim, self.dim());
  const Tensor out = run_scan(self, d, Scan::Product, self.dtype());
  in_place(
      self, "CumprodBackward0", {&self}, [&] { write(self, out); },
      [&] {
        return [d, x = Saved(op_clone(self))](const Grads& g, Node& n) -> Grads {
          return {cumprod_backward(g[0], x.unpack(&n), d)};
        };
      });
  return self;
}

// ---- cummax, cummin ----

template <bool max>
std::tuple<Tensor, Tensor> cumulative_extreme(const Tensor& input, int64_t dim) {
  check_cpu(input);
  if (is_complex(input.dtype())) not_implemented(max ? "cummax_cpu" : "cummin_cpu", input.dtype());
  const int d = wrap_dim(dim, input.dim());
  const Tensor value = empty_like(input), index = empty(input.sizes(), DType::I64, input.device());
  const Lines from(input, d), to(value, d);
  int64_t* at = index.data<int64_t>();
  const int64_t bytes = size_of(input.dtype());
  with_compute(compute_of(input.dtype()), [&](auto tag) {
    using T = decltype(tag);
    for_each_line<T>(from, [&](int64_t i, const T* x) {
      const int64_t base = to.offset(i);
      const char* source = from.line(i);
      char* target = to.line(i);
      int64_t best = 0;
      for (int64_t k = 0; k < from.size; ++k) {
        const T v = x[k], b = x[best];
        const bool nan = !(v == v), best_nan = !(b == b);
        if (nan || (!best_nan && (max ? v >= b : v <= b))) best = k;
        at[base + k * to.stride] = best;
        std::memcpy(target + k * to.stride * bytes, source + best * from.stride * bytes,
                    static_cast<size_t>(bytes));
      }
    });
  });
  Tensors out =
      record_all({value, index}, max ? "CummaxBackward0" : "CumminBackward0", {&input}, [&] {
        const Dims sizes = input.sizes();
        return [sizes, d, index = Saved(index)](const Grads& g, Node& n) -> Grads {
          if (sizes.empty()) return {g[0]};
          return {
              scatter_add(zeros(sizes, g[0].dtype(), g[0].device()), d, index.unpack(&n), g[0])};
        };
      });
  return {out[0], out[1]};
}

// ---- logcumsumexp ----

Tensor run_logcumsumexp(const Tensor& input, int dim) {
  check_cpu(input);
  if (!is_differentiable(input.dtype())) not_implemented("logcumsumexp_out_cpu", input.dtype());
  const DType wide = dtype_of(compute_of(input.dtype()));
  const Tensor x = as_contiguous(input, wide), out = empty(input.sizes(), wide, input.device());
  if (x.numel() == 0) return as_contiguous(out, input.dtype());
  const auto step = [](double a, double v) {
    if (a != a || v != v) return a + v;
    const double low = a < v ? a : v, high = a < v ? v : a;
    return std::isinf(high) ? high : high + std::log1p(std::exp(low - high));
  };
  const double start = -std::numeric_limits<double>::infinity();
  const Blocks s(input.sizes(), dim);
  using Complex = std::complex<double>;
  const auto complex_step = [](Complex a, Complex v) {
    const Complex low = a.real() < v.real() ? a : v, high = a.real() < v.real() ? v : a;
    return std::isinf(low.real()) ? high : high + std::log(1. + std::exp(low - high));
  };
  if (wide == DType::C64)
    scan(x.data<std::complex<float>>(), out.data<std::complex<float>>(), s, false, Complex(start),
         complex_step);
  else if (wide == DType::C128)
    scan(x.data<Complex>(), out.data<Complex>(), s, false, Complex(start), complex_step);
  else if (wide == DType::F32)
    scan(x.data<float>(), out.data<float>(), s, false, start, step);
  else
    scan(x.data<double>(), out.data<double>(), s, false, start, step);
  return as_contiguous(out, input.dtype());
}

Tensor logcumsumexp(const Tensor& input, int64_t dim);

/// exp(x_k) times the sum over i >= k of g_i exp(-y_i), in logarithms, by the sign of g.
Tensor logcumsumexp_backward(const Tensor& g, const Tensor& x, const Tensor& y, int dim) {
  // Finite, or the gradient of this gradient would meet inf - inf.
  const double low = x.dtype() == DType::F64 ? -1e300 : x.dtype() == DType::F16 ? -6e4 : -1e38;
  const auto part = [&](const Tensor& size, const Tensor& mask) {
    const Tensor logs = call_op<"where">(mask, call_op<"log">(size), low);
    const Tensor terms = flip(call_op<"sub">(logs, y), {dim});
    return call_op<"exp">(call_op<"add">(flip(logcumsumexp(terms, dim), {dim}), x));
  };
  if (x.dim() == 0) return g;
  if (is_complex(x.dtype())) {  // no signs to go by
    const Tensor most = greatest_real(x, Axes(x, int64_t{dim}, true));
    const Tensor weight = call_op<"conj_physical">(call_op<"exp">(call_op<"sub">(most, y)));
    const Tensor sums = cumsum_directed(call_op<"mul">(g, weight), dim, g.dtype(), true);
    return call_op<"mul">(sums, call_op<"conj_physical">(call_op<"exp">(call_op<"sub">(x, most))));
  }
  return call_op<"sub">(part(g, call_op<"gt">(g, 0)), part(call_op<"neg">(g), call_op<"lt">(g, 0)));
}

Tensor logcumsumexp(const Tensor& input, int64_t dim) {
  const int d = wrap_dim(dim, input.dim());
  const Tensor out = run_logcumsumexp(input, d);
  return record(out, "LogcumsumexpBackward0", {&input}, [&] {
    return [d, x = Saved(input), y = Saved(out, true)](const Grads& g, Node& n) -> Grads {
      return {logcumsumexp_backward(g[0], x.unpack(&n), y.unpack(&n), d)};
    };
  });
}

}  // namespace

Tensor cumprod(const Tensor& input, int64_t dim) { return cumprod_op(input, dim, {}); }

void define_scan(Registry& r) {
  r.op("cumsum(input, dim, *, dtype=None)", "Running sums along a dimension.", &cumsum_op)
      .out_sets_dtype()
      .out_dtype(kOutExact);
  r.op("cumsum_(input, dim, *, dtype=None)", "cumsum in place.", &cumsum_);
  r.op("cumprod(input, dim, *, dtype=None)", "Running products along a dimension.", &cumprod_op)
      .out_sets_dtype()
      .out_dtype(kOutExact);
  r.op("cumprod_(input, dim, *, dtype=None)", "cumprod in place.", &cumprod_);
  r.op("cummax(input, dim) -> (values, indices)",
       "The largest so far along a dimension, and where it was last met.",
       &cumulative_extreme<true>)
      .out_dtype(kOutScalarType);
  r.op("cummin(input, dim) -> (values, indices)",
       "The smallest so far along a dimension, and where it was last met.",
       &cumulative_extreme<false>)
      .out_dtype(kOutScalarType);
  r.op("logcumsumexp(input, dim)", "log(cumsum(exp(input))) without overflow.", &logcumsumexp)
      .out_dtype(kOutScalarType);
}

}  // namespace rl
