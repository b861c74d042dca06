// Distances between rows: the p-norm of differences, of all pairs of two matrices (cdist) or within
// one (pdist). First-order gradients are kernels, those of higher order the same as operations.
#include <algorithm>
#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "op/promote.h"
#include "ops/ops.h"
#include "ops/product.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

constexpr int kLanes = 8;  // sums run in as many parts, so that they vectorise

/// Sums or maximises f(|a[j] - b[j]|).
template <class T, class F, class Join>
T over_columns(const T* a, const T* b, int64_t width, F f, Join join) {
  T part[kLanes] = {};
  int64_t j = 0;
  for (; j + kLanes <= width; j += kLanes)
    for (int k = 0; k < kLanes; ++k) part[k] = join(part[k], f(std::abs(a[j + k] - b[j + k])));
  for (; j < width; ++j) part[0] = join(part[0], f(std::abs(a[j] - b[j])));
  for (int k = 1; k < kLanes; ++k) part[0] = join(part[0], part[k]);
  return part[0];
}

template <class T>
T distance(const T* a, const T* b, int64_t width, T p) {
  const auto add = [](T x, T y) { return x + y; };
  const auto larger = [](T x, T y) { return y > x || y != y ? y : x; };
  if (p == 2) return std::sqrt(over_columns(a, b, width, [](T d) { return d * d; }, add));
  if (p == 1) return over_columns(a, b, width, [](T d) { return d; }, add);
  if (p == 0) return over_columns(a, b, width, [](T d) { return d != 0 ? T(1) : T(0); }, add);
  if (std::isinf(p)) return over_columns(a, b, width, [](T d) { return d; }, larger);
  return std::pow(over_columns(a, b, width, [p](T d) { return std::pow(d, p); }, add), 1 / p);
}

/// to[j] += sign * g * the derivative of the distance by a[j].
template <class T>
void add_gradient(const T* a, const T* b, int64_t width, T p, T dist, T g, T* __restrict to) {
  const auto each = [&](auto f) {
    for (int64_t j = 0; j < width; ++j) to[j] += f(a[j] - b[j]);
  };
  const auto sign = [](T d) { return static_cast<T>((d > 0) - (d < 0)); };
  if (p == 1) return each([&](T d) { return g * sign(d); });
  if (dist == 0 || p == 0) return;
  if (p == 2) return each([c = g / dist](T d) { return c * d; });
  if (std::isinf(p)) return each([&](T d) { return std::abs(d) == dist ? g * sign(d) : T(0); });
  const T c = g / std::pow(dist, p - 1);
  each([&](T d) { return d == 0 ? T(0) : c * sign(d) * std::pow(std::abs(d), p - 1); });
}

// ---- cdist ----

struct Pairs {
  int64_t batch, rows1, rows2, width;
  double p;
};

template <class T>
void cdist_kernel(const Pairs& s, const T* x1, const T* x2, T* y) {
  cpu::parallel_for(0, s.batch * s.rows1, 1 + 8192 / (s.rows2 * s.width + 1),
                    [&](int64_t begin, int64_t end) {
                      for (int64_t r = begin; r < end; ++r)
                        for (int64_t k = 0; k < s.rows2; ++k)
                          y[r * s.rows2 + k] =
                              distance(x1 + r * s.width, x2 + (r / s.rows1 * s.rows2 + k) * s.width,
                                       s.width, static_cast<T>(s.p));
                    });
}

/// The gradient of x1; with the roles exchanged (`turned`: y and g are [rows2, rows1]) of x2.
template <class T>
void cdist_gradient(const Pairs& s, bool turned, const T* x1, const T* x2, const T* y, const T* g,
                    T* to) {
  cpu::parallel_for(
      0, s.batch * s.rows1, 1 + 8192 / (s.rows2 * s.width + 1), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          const int64_t b = r / s.rows1, i = r % s.rows1;
          for (int64_t k = 0; k < s.rows2; ++k) {
            const int64_t at = b * s.rows1 * s.rows2 + (turned ? k * s.rows1 + i : i * s.rows2 + k);
            add_gradient(x1 + r * s.width, x2 + (b * s.rows2 + k) * s.width, s.width,
                         static_cast<T>(s.p), y[at], g[at], to + r * s.width);
          }
        }
      });
}

Tensor batched(const Tensor& x, const Dims& batch, DType t) {
  Dims sizes = batch;
  sizes.push_back(x.size(-2));
  sizes.push_back(x.size(-1));
  return as_contiguous(expand(x, sizes), t);
}

/// Both gradients as operations that record: through the norm of the differences.
Grads recorded_gradients(const Tensor& difference, const Tensor& g, double p, const Tensor& first,
                         const Tensor& second, int second_dim) {
  const Tensor norm = call_op<"vector_norm">(difference, p, Dims{-1});
  const Edge edge = gradient_edge(norm);
  if (!edge) return Grads(2);
  const Tensor d = edge.node->apply({g})[0];
  const auto zero = [](const Tensor& t) {
    return t.defined() ? zeros(t.sizes(), t.dtype(), t.device()) : t;
  };
  if (!d.defined()) return {zero(first), zero(second)};  // a count of differences
  const Tensor one = sum_to(sum_dims(d, {second_dim}, false), first.sizes());
  return {one, second.defined() ? call_op<"neg">(sum_to(sum_dims(d, {-3}, false), second.sizes()))
                                : Tensor()};
}

/// Euclidean distances by |a|^2 + |b|^2 - 2 a.b: faster for many rows, and not as exact where
/// rows are near. x1 and x2 are [..., rows, width].
Tensor euclidean(const Tensor& x1, const Tensor& x2) {
  const auto squares = [](const Tensor& x) { return sum_dims(call_op<"square">(x), {-1}, true); };
  const Tensor lengths = call_op<"add">(squares(x1), transpose(squares(x2), -2, -1));
  const Tensor products = matmul(x1, transpose(x2, -2, -1));
  return call_op<"sqrt">(call_op<"clamp_min">(call_op<"sub">(lengths, products, 2), 0));
}

enum Mode : int64_t { kIfManyRows = 0, kProducts = 1, kDifferences = 2 };

Tensor cdist(const Tensor& x1, const Tensor& x2, double p, OptInt mode) {
  RL_CHECK(x1.dim() >= 2, "cdist only supports at least 2D tensors, X1 got: ", x1.dim(), "D");
  RL_CHECK(x2.dim() >= 2, "cdist only supports at least 2D tensors, X2 got: ", x2.dim(), "D");
  RL_CHECK(x1.size(-1) == x2.size(-1),
           "X1 and X2 must have the same number of columns. X1: ", x1.size(-1),
           " X2: ", x2.size(-1));
  RL_CHECK(is_floating(x1.dtype()),
           "cdist only supports floating-point dtypes, X1 got: ", c_name_of(x1.dtype()));
  RL_CHECK(is_floating(x2.dtype()),
           "cdist only supports floating-point dtypes, X2 got: ", c_name_of(x2.dtype()));
  RL_CHECK(p >= 0, "cdist only supports non-negative p values");
  const DType out_dtype = promote(x1.dtype(), x2.dtype()),
              t = out_dtype == DType::F64 ? out_dtype : DType::F32;
  const Dims batch =
      broadcast(Dims(x1.sizes().data(), x1.dim() - 2), Dims(x2.sizes().data(), x2.dim() - 2));
  Pairs s{1, x1.size(-2), x2.size(-2), x1.size(-1), p};
  for (int64_t n : batch) s.batch *= n;
  Dims sizes = batch;
  sizes.push_back(s.rows1);
  sizes.push_back(s.rows2);
  const int64_t how = mode.value_or(kIfManyRows);
  Tensor y;
  if (p == 2 && s.width && checked_numel(sizes) &&
      (how == kProducts || (how == kIfManyRows && (s.rows1 > 25 || s.rows2 > 25)))) {
    GradGuard off(false);
    y = as_contiguous(euclidean(batched(x1, batch, t), batched(x2, batch, t)));
  } else {
    y = empty(sizes, t, x1.device());
    const Tensor a = batched(x1, batch, t), b = batched(x2, batch, t);
    const void *pa = a.raw(), *pb = b.raw();
    void* py = y.raw();
    LongKernel held(y.numel() * (s.width + 1));
    typed(t, [&](auto tag) {
      using T = decltype(tag);
      cdist_kernel(s, static_cast<const T*>(pa), static_cast<const T*>(pb), static_cast<T*>(py));
    });
  }
  return record(as_contiguous(y, out_dtype), "CdistBackward0", {&x1, &x2}, [&] {
    return [s, t, batch, y = alias(y), x1 = Saved(x1), x2 = Saved(x2)](const Grads& grads,
                                                                       Node& n) -> Grads {
      const Tensor a = x1.unpack(&n), b = x2.unpack(&n);
      if (GradMode::enabled)
        return recorded_gradients(call_op<"sub">(unsqueeze(a, -2), unsqueeze(b, -3)), grads[0], s.p,
                                  a, b, -2);
      const Tensor ca = batched(a, batch, t), cb = batched(b, batch, t),
                   g = as_contiguous(grads[0], t);
      Grads r(2);
      for (int k = 0; k < 2; ++k) {
        if (!n.needs(static_cast<size_t>(k))) continue;
        const Tensor& mine = k == 0 ? ca : cb;
        const Tensor& other = k == 0 ? cb : ca;
        const Tensor to = zeros(mine.sizes(), t, mine.device());
        Pairs v = s;
        if (k == 1) std::swap(v.rows1, v.rows2);
        typed(t, [&](auto tag) {
          using T = decltype(tag);
          cdist_gradient(v, k == 1, mine.data<T>(), other.data<T>(), y.data<T>(), g.data<T>(),
                         to.data<T>());
        });
        r[static_cast<size_t>(k)] = as_contiguous(sum_to(to, k == 0 ? a.sizes() : b.sizes()),
                                                  k == 0 ? a.dtype() : b.dtype());
      }
      return r;
    };
  });
}

Tensor cdist_by(const Tensor& x1, const Tensor& x2, double p, std::string_view mode) {
  RL_CHECK_VALUE(mode == "use_mm_for_euclid_dist_if_necessary" ||
                     mode == "use_mm_for_euclid_dist" || mode == "donot_use_mm_for_euclid_dist",
                 mode, " is not a valid value for compute_mode");
  return cdist(x1, x2, p,
               mode == "use_mm_for_euclid_dist"         ? kProducts
               : mode == "donot_use_mm_for_euclid_dist" ? kDifferences
                                                        : kIfManyRows);
}

// ---- pdist ----

/// f(i, j, number of the pair) for the pairs of row i.
template <class F>
void pairs_of(int64_t i, int64_t rows, F f) {
  const int64_t first = i * rows - i * (i + 1) / 2 - i - 1;
  for (int64_t j = i + 1; j < rows; ++j) f(j, first + j);
}

Tensor pdist_gradient(const Tensor& x, const Tensor& y, const Tensor& grad, double p) {
  const DType t = y.dtype();
  const int64_t rows = x.size(0), width = x.size(1);
  const Tensor c = as_contiguous(x, t), g = as_contiguous(grad, t),
               to = zeros(x.sizes(), t, x.device());
  typed(t, [&](auto tag) {
    using T = decltype(tag);
    const T *from = c.data<T>(), *dist = y.data<T>(), *by = g.data<T>();
    T* sum = to.data<T>();
    for (int64_t i = 0; i < rows; ++i)
      pairs_of(i, rows, [&](int64_t j, int64_t at) {
        const T *a = from + i * width, *b = from + j * width;
        add_gradient(a, b, width, static_cast<T>(p), dist[at], by[at], sum + i * width);
        add_gradient(b, a, width, static_cast<T>(p), dist[at], by[at], sum + j * width);
      });
  });
  return as_contiguous(to, x.dtype());
}

/// The same in operations: gathered rows, their norm, and a sum by row.
Tensor recorded_pdist_gradient(const Tensor& x, const Tensor& g, double p) {
  const int64_t rows = x.size(0), count = rows * (rows - 1) / 2;
  const Tensor first = empty({count}, DType::I64), second = empty({count}, DType::I64);
  for (int64_t i = 0; i < rows; ++i)
    pairs_of(i, rows, [&](int64_t j, int64_t at) {
      first.data<int64_t>()[at] = i;
      second.data<int64_t>()[at] = j;
    });
  const Tensor d = call_op<"sub">(index_select(x, 0, first), index_select(x, 0, second));
  const Edge edge = gradient_edge(call_op<"vector_norm">(d, p, Dims{-1}));
  if (!edge) return Tensor();
  const Tensor by = edge.node->apply({g})[0];
  const Tensor zero = zeros(x.sizes(), x.dtype(), x.device());
  return !by.defined() ? zero : index_add(index_add(zero, 0, first, by, 1), 0, second, by, -1);
}

Tensor pdist(const Tensor& input, double p) {
  RL_CHECK(input.dim() == 2, "pdist only supports 2D tensors, got: ", input.dim(), "D");
  RL_CHECK(is_floating(input.dtype()), "pdist only supports floating-point dtypes");
  RL_CHECK(p >= 0, "pdist only supports non-negative p values");
  const int64_t rows = input.size(0), width = input.size(1);
  const DType t = input.dtype() == DType::F64 ? DType::F64 : DType::F32;
  const Tensor y = empty({rows < 2 ? 0 : checked_numel({rows, rows - 1}) / 2}, t, input.device());
  {
    const Tensor x = as_contiguous(input, t);
    const void* from = x.raw();
    void* to = y.raw();
    LongKernel off(y.numel() * (width + 1));
    typed(t, [&](auto tag) {
      using T = decltype(tag);
      const T* v = static_cast<const T*>(from);
      cpu::parallel_for(0, rows, 1 + 8192 / (rows * width + 1), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          pairs_of(i, rows, [&](int64_t j, int64_t at) {
            static_cast<T*>(to)[at] =
                distance(v + i * width, v + j * width, width, static_cast<T>(p));
          });
      });
    });
  }
  return record(as_contiguous(y, input.dtype()), "PdistBackward0", {&input}, [&] {
    return [p, y = alias(y), x = Saved(input)](const Grads& g, Node& n) -> Grads {
      const Tensor v = x.unpack(&n);
      return {GradMode::enabled ? recorded_pdist_gradient(v, g[0], p)
                                : pdist_gradient(v, y, g[0], p)};
    };
  });
}

}  // namespace

void define_distance(Registry& r) {
  r.op("cdist(x1, x2, p=2.0, compute_mode=None)",
       "The p-norm distances between every row of x1 and every row of x2.", &cdist)
      .not_method()
      .no_out();
  r.op("cdist(x1, x2, p=2.0, compute_mode='use_mm_for_euclid_dist_if_necessary')", "", &cdist_by);
  r.op("pdist(input, p=2)",
       "The p-norm distances between all pairs i < j of the rows of a matrix, as a vector.", &pdist)
      .not_method()
      .no_out();
}

}  // namespace rl
