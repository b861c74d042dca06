// Layer, RMS and group normalisation. Batch and instance normalisation are in batch_norm.cpp.
#include "ops/normalize.h"

#include <limits>
#include <vector>

#include "cpu/pick.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

RL_PICK(cpu::NormalizeTable, normalize_table)

namespace rl {

template <>
const cpu::NormalizeKernels<float>& normalize_kernels() {
  return cpu::normalize_table().f32;
}
template <>
const cpu::NormalizeKernels<double>& normalize_kernels() {
  return cpu::normalize_table().f64;
}

Grads NormGradient::operator()(const Tensor& g, const Tensor& x, const Tensor& w,
                               const Dims& param_sizes, const bool* needs) const {
  const Tensor xc = centred ? call_op<"sub">(x, mean_dims(x, dims, true)) : x;
  const Tensor variance = mean_dims(call_op<"square">(xc), dims, true);
  const Tensor rstd = call_op<"rsqrt">(call_op<"add">(variance, eps));
  const Tensor xhat = call_op<"mul">(xc, rstd);
  Grads out(3);
  if (needs[0]) {
    const Tensor gw = w.defined() ? call_op<"mul">(g, w) : g;
    const Tensor along = call_op<"mul">(xhat, mean_dims(call_op<"mul">(gw, xhat), dims, true));
    const Tensor level = centred ? call_op<"sub">(gw, mean_dims(gw, dims, true)) : gw;
    out[0] = call_op<"mul">(rstd, call_op<"sub">(level, along));
  }
  if (needs[1]) out[1] = sum_to(call_op<"mul">(g, xhat), param_sizes);
  if (needs[2]) out[2] = sum_to(g, param_sizes);
  return out;
}

void check_norm_types(const char* kernel, const Tensor& x, const OptTensor& weight,
                      const OptTensor& bias) {
  check_cpu(x);
  if (!is_floating(x.dtype())) not_implemented(kernel, x.dtype());
  for (const Tensor* p : {static_cast<const Tensor*>(&weight), static_cast<const Tensor*>(&bias)})
    RL_CHECK(!p->defined() || p->dtype() == x.dtype() ||
                 (size_of(x.dtype()) == 2 && p->dtype() == DType::F32),
             "mixed dtype (CPU): expect parameter to have scalar type of Float"
             "\nwhy: the input is ",
             info(x.dtype()).type, " and a parameter is ", info(p->dtype()).type,
             ".\nfix: convert one of them, x.to(weight.dtype).");
}

Tensor norm_param(const Tensor& p, DType dtype) {
  return p.defined() ? as_contiguous(p, dtype) : Tensor();
}

namespace {

constexpr int64_t kGrain = 16384;

int64_t rows_grain(int64_t n) { return 1 + kGrain / (n + 1); }

/// Sums over rows for every column, cut at fixed rows so that threads do not change them.
template <class T>
void add_weights(int64_t rows, int64_t n, const T* g, const T* x, const T* mean, const T* rstd,
                 T* dw, T* db) {
  int64_t chunks = rows * n / kGrain + 1;
  if (chunks > 16) chunks = 16;
  if (chunks > rows) chunks = rows;
  const int64_t length = (rows + chunks - 1) / chunks;
  std::vector<T> partial(static_cast<size_t>(2 * chunks * n));
  T* parts = partial.data();
  cpu::parallel_for(0, chunks, 1, [=](int64_t b, int64_t e) {
    for (int64_t c = b; c < e; ++c) {
      const int64_t first = c * length, m = rows - first < length ? rows - first : length;
      if (m <= 0) continue;
      normalize_kernels<T>().rows_weights(m, n, g + first * n, x + first * n, mean + first,
                                          rstd + first, dw ? parts + 2 * c * n : nullptr,
                                          db ? parts + (2 * c + 1) * n : nullptr);
    }
  });
  for (int64_t j = 0; j < n; ++j) {
    double w = 0, s = 0;
    for (int64_t c = 0; c < chunks; ++c) {
      w += static_cast<double>(parts[2 * c * n + j]);
      s += static_cast<double>(parts[(2 * c + 1) * n + j]);
    }
    if (dw) dw[j] = static_cast<T>(w);
    if (db) db[j] = static_cast<T>(s);
  }
}

// ---- layer_norm, rms_norm ----

/// Rows over the last dimensions.
struct RowNorm {
  int64_t rows = 1, n = 1;
  Dims stat_sizes, dims, shape;
  double eps;
  bool centred;

  RowNorm(const Tensor& x, const Dims& shape, double eps, bool centred)
      : shape(shape), eps(eps), centred(centred) {
    const int lead = x.dim() - shape.size();
    for (int d = 0; d < x.dim(); ++d) {
      (d < lead ? rows : n) *= x.size(d);
      stat_sizes.push_back(d < lead ? x.size(d) : 1);
      if (d >= lead) dims.push_back(d);
    }
  }
};

struct Normalised {
  Tensor out, mean, rstd;  // statistics in the computing dtype
};

Normalised run_rows(const Tensor& input, const RowNorm& s, const Tensor& weight,
                    const Tensor& bias) {
  const DType wide = norm_dtype(input);
  const Tensor x = as_contiguous(input, wide), w = norm_param(weight, wide),
               b = norm_param(bias, wide);
  const Tensor y = empty(x.sizes(), wide, x.device()), mean = empty(s.stat_sizes, wide, x.device()),
               rstd = empty(s.stat_sizes, wide, x.device());
  if (s.rows > 0 && s.n == 0) {
    write(mean, scalar_tensor(0., wide));
    write(rstd, scalar_tensor(std::numeric_limits<double>::quiet_NaN(), wide));
  } else {
    as_real(wide, [&](auto tag) {
      using T = decltype(tag);
      const T *xp = x.data<T>(), *wp = data_or_null<T>(w), *bp = data_or_null<T>(b);
      T *mp = mean.data<T>(), *rp = rstd.data<T>(), *yp = y.data<T>();
      const int64_t n = s.n;
      LongKernel off(s.rows * n);
      cpu::parallel_for(0, s.rows, rows_grain(n), [=, &s](int64_t first, int64_t last) {
        const auto& k = normalize_kernels<T>();
        for (int64_t r = first; r < last; ++r) {  // row by row, while it is in the cache
          T rest;
          k.moments(s.centred, n, xp + r * n, s.eps, mp + r, &rest, rp + r);
          k.row(n, xp + r * n, mp[r], rest, rp[r], wp, bp, yp + r * n);
        }
      });
    });
  }
  return {as_contiguous(y, input.dtype()), mean, rstd};
}

Grads rows_backward(const Tensor& grad, const Tensor& input, const Tensor& weight, const RowNorm& s,
                    const Tensor& mean, const Tensor& rstd, const bool* needs) {
  const DType wide = norm_dtype(input), dtype = input.dtype();
  const Tensor g = as_contiguous(grad, wide), x = as_contiguous(input, wide),
               w = norm_param(weight, wide);
  Tensor dx, dw, db;
  if (needs[0]) dx = empty(x.sizes(), wide, x.device());
  if (needs[1]) dw = zeros(s.shape, wide, x.device());
  if (needs[2]) db = zeros(s.shape, wide, x.device());
  if (x.numel() > 0)
    as_real(wide, [&](auto tag) {
      using T = decltype(tag);
      const T *gp = g.data<T>(), *xp = x.data<T>(), *wp = data_or_null<T>(w), *mp = mean.data<T>(),
              *rp = rstd.data<T>();
      const int64_t n = s.n;
      LongKernel off(s.rows * n);
      if (T* dp = data_or_null<T>(dx))
        cpu::parallel_for(0, s.rows, rows_grain(n), [=, &s](int64_t b, int64_t e) {
          normalize_kernels<T>().rows_backward(s.centred, e - b, n, gp + b * n, xp + b * n, mp + b,
                                               rp + b, wp, dp + b * n);
        });
      if (needs[1] || needs[2])
        add_weights(s.rows, n, gp, xp, mp, rp, data_or_null<T>(dw), data_or_null<T>(db));
    });
  Grads out(3);
  for (size_t i = 0; const Tensor* t : {&dx, &dw, &db})
    out[i++] = t->defined() ? as_contiguous(*t, dtype) : Tensor();
  return out;
}

Tensor record_rows(const Normalised& r, const RowNorm& s, const char* label, const Tensor& input,
                   const OptTensor& weight, const OptTensor& bias) {
  return record(r.out, label, {&input, &weight, &bias}, [&] {
    return [s, mean = r.mean, rstd = r.rstd, x = Saved(input), w = Saved(weight)](
               const Grads& g, Node& n) -> Grads {
      const bool needs[] = {n.needs(0), n.needs(1), n.needs(2)};
      const Tensor input = x.unpack(&n), weight = w.unpack(&n);
      if (!GradMode::enabled) return rows_backward(g[0], input, weight, s, mean, rstd, needs);
      return NormGradient{s.dims, s.eps, s.centred}(g[0], input, weight, s.shape, needs);
    };
  });
}

void check_shape(const Tensor& input, const Dims& shape, const OptTensor& weight,
                 const OptTensor& bias, const char* star) {
  RL_CHECK(shape.size() >= 1,
           "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
           "element, but got normalized_shape = ",
           shape);
  RL_CHECK(!weight.defined() || weight.sizes() == shape,
           "Expected weight to be of same shape as normalized_shape, but got weight of shape ",
           weight.defined() ? weight.sizes() : Dims(), " and normalized_shape = ", shape);
  RL_CHECK(!bias.defined() || bias.sizes() == shape,
           "Expected bias to be of same shape as normalized_shape, but got bias of shape ",
           bias.defined() ? bias.sizes() : Dims(), " and normalized_shape = ", shape);
  bool fits = input.dim() >= shape.size();
  for (int d = 1; fits && d <= shape.size(); ++d) fits = input.size(-d) == shape[shape.size() - d];
  if (fits) return;
  std::string want;
  for (int64_t n : shape) want += (want.empty() ? "" : ", ") + std::to_string(n);
  raise(ErrorKind::Runtime, "Given normalized_shape=", shape, ", expected input with shape [*",
        star, want, "], but got input of size", input.sizes());
}

std::tuple<Tensor, Tensor, Tensor> native_layer_norm(const Tensor& input,
                                                     const Dims& normalized_shape,
                                                     const OptTensor& weight, const OptTensor& bias,
                                                     double eps) {
  check_shape(input, normalized_shape, weight, bias, ", ");
  check_norm_types("LayerNormKernelImpl", input, weight, bias);
  const RowNorm s(input, normalized_shape, eps, true);
  const Normalised r = run_rows(input, s, weight, bias);
  const Tensor out = record_rows(r, s, "NativeLayerNormBackward0", input, weight, bias);
  return {out, as_contiguous(r.mean, input.dtype()), as_contiguous(r.rstd, input.dtype())};
}

Tensor layer_norm(const Tensor& input, const Dims& normalized_shape, const OptTensor& weight,
                  const OptTensor& bias, double eps, Any) {
  check_shape(input, normalized_shape, weight, bias, ", ");
  check_norm_types("LayerNormKernelImpl", input, weight, bias);
  const RowNorm s(input, normalized_shape, eps, true);
  return record_rows(run_rows(input, s, weight, bias), s, "NativeLayerNormBackward0", input, weight,
                     bias);
}

double default_eps(DType t) {
  switch (t) {
    case DType::F64:
      return std::numeric_limits<double>::epsilon();
    case DType::F16:
      return 0x1p-10;
    case DType::BF16:
      return 0x1p-7;
    default:
      return static_cast<double>(std::numeric_limits<float>::epsilon());
  }
}

Tensor rms_norm(const Tensor& input, const Dims& normalized_shape, const OptTensor& weight,
                OptFloat eps) {
  check_shape(input, normalized_shape, weight, {}, "");
  check_norm_types("rms_norm", input, {}, {});
  const RowNorm s(input, normalized_shape, eps ? *eps : default_eps(input.dtype()), false);
  return record_rows(run_rows(input, s, weight, {}), s, "FusedRmsNormBackward0", input, weight, {});
}

// ---- group_norm ----

/// Input [outer, groups * depth, inner]; a row of statistics is one group.
struct GroupNorm {
  int64_t outer, channels, inner, groups, depth;
  double eps;
  Dims grouped() const { return {outer, groups, depth, inner}; }
};

template <class T>
void group_forward(const GroupNorm& s, const T* x, const T* w, const T* b, T* mean, T* rstd, T* y) {
  const auto& k = normalize_kernels<T>();
  const int64_t n = s.depth * s.inner;
  cpu::parallel_for(0, s.outer * s.groups, rows_grain(n), [=, &s, &k](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      T rest;
      k.moments(true, n, x + r * n, s.eps, mean + r, &rest, rstd + r);
      for (int64_t d = 0; d < s.depth; ++d) {
        const int64_t c = r % s.groups * s.depth + d, at = r * n + d * s.inner;
        const T a = w ? rstd[r] * w[c] : rstd[r];
        k.run(s.inner, x + at, mean[r], a, (b ? b[c] : T(0)) - rest * a, y + at);
      }
    }
  });
}

/// Sums of g and g * (x - mean) by run, then dx; the runs' sums are added up for the parameters.
template <class T>
void group_backward(const GroupNorm& s, const T* g, const T* x, const T* w, const T* mean,
                    const T* rstd, T* dx, T* dw, T* db) {
  const auto& k = normalize_kernels<T>();
  const int64_t n = s.depth * s.inner, runs = s.outer * s.channels;
  std::vector<double> sums(static_cast<size_t>(2 * runs));
  double *sum_g = sums.data(), *sum_gx = sum_g + runs;
  cpu::parallel_for(0, s.outer * s.groups, rows_grain(n), [=, &s, &k](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      double weighted_g = 0, weighted_gx = 0;
      for (int64_t d = 0; d < s.depth; ++d) {
        const int64_t run = r * s.depth + d, at = run * s.inner;
        k.run_sums(s.inner, g + at, x + at, mean[r], sum_g + run, sum_gx + run);
        const double wc = w ? static_cast<double>(w[run % s.channels]) : 1;
        weighted_g += wc * sum_g[run];
        weighted_gx += wc * sum_gx[run];
      }
      if (!dx) continue;
      const double count = static_cast<double>(n), rs = static_cast<double>(rstd[r]);
      const T b = static_cast<T>(-rs * rs * rs * weighted_gx / count);
      const T c = static_cast<T>(-rs * weighted_g / count);
      for (int64_t d = 0; d < s.depth; ++d) {
        const int64_t run = r * s.depth + d, at = run * s.inner;
        k.run_backward(s.inner, g + at, x + at, mean[r],
                       w ? rstd[r] * w[run % s.channels] : rstd[r], b, c, dx + at);
      }
    }
  });
  for (int64_t c = 0; c < s.channels; ++c) {
    double wsum = 0, bsum = 0;
    for (int64_t o = 0; o < s.outer; ++o) {
      const int64_t run = o * s.channels + c;
      wsum += sum_gx[run] * static_cast<double>(rstd[run / s.depth]);
      bsum += sum_g[run];
    }
    if (dw) dw[c] = static_cast<T>(wsum);
    if (db) db[c] = static_cast<T>(bsum);
  }
}

Grads group_gradients(const Tensor& grad, const Tensor& input, const Tensor& weight,
                      const GroupNorm& s, const Tensor& mean, const Tensor& rstd,
                      const bool* needs) {
  if (GradMode::enabled) {
    const Dims params{1, s.groups, s.depth, 1};
    const Tensor w = weight.defined() ? view(contiguous(weight), params) : Tensor();
    Grads r = NormGradient{{2, 3}, s.eps}(reshape(grad, s.grouped()), reshape(input, s.grouped()),
                                          w, params, needs);
    if (needs[0]) r[0] = view(contiguous(r[0]), input.sizes());
    for (size_t i : {1u, 2u})
      if (needs[i]) r[i] = view(contiguous(r[i]), {s.channels});
    return r;
  }
  const DType wide = norm_dtype(input);
  const Tensor g = as_contiguous(grad, wide), x = as_contiguous(input, wide),
               w = norm_param(weight, wide);
  Tensor dx, dw, db;
  if (needs[0]) dx = empty(x.sizes(), wide, x.device());
  if (needs[1]) dw = empty({s.channels}, wide, x.device());
  if (needs[2]) db = empty({s.channels}, wide, x.device());
  as_real(wide, [&](auto tag) {
    using T = decltype(tag);
    const T *gp = g.data<T>(), *xp = x.data<T>(), *wp = data_or_null<T>(w), *mp = mean.data<T>(),
            *rp = rstd.data<T>();
    T *dxp = data_or_null<T>(dx), *dwp = data_or_null<T>(dw), *dbp = data_or_null<T>(db);
    LongKernel off(x.numel());
    group_backward(s, gp, xp, wp, mp, rp, dxp, dwp, dbp);
  });
  Grads out(3);
  for (size_t i = 0; const Tensor* t : {&dx, &dw, &db})
    out[i++] = t->defined() ? as_contiguous(*t, input.dtype()) : Tensor();
  return out;
}

void check_group(const Tensor& input, int64_t groups, const OptTensor& weight,
                 const OptTensor& bias) {
  const int64_t channels = input.size(wrap_dim(1, input.dim()));
  RL_CHECK(groups > 0, "Expected num groups to be greater than 0, got ", groups);
  RL_CHECK(
      channels % groups == 0,
      "Expected number of channels in input to be divisible by num_groups, but got input of shape ",
      input.sizes(), " and num_groups=", groups);
  for (const Tensor* p : {static_cast<const Tensor*>(&weight), static_cast<const Tensor*>(&bias)})
    RL_CHECK(!p->defined() || (p->dim() == 1 && p->numel() == channels), "Expected ",
             p == &weight ? "weight" : "bias",
             " to be a vector of size equal to the number of channels in input, but got ",
             p == &weight ? "weight" : "bias", " of shape ", p->defined() ? p->sizes() : Dims(),
             " and input of shape ", input.sizes());
}

Tensor group_norm(const Tensor& input, int64_t num_groups, const OptTensor& weight,
                  const OptTensor& bias, double eps, Any) {
  check_group(input, num_groups, weight, bias);
  check_norm_types("GroupNormKernelImpl", input, weight, bias);
  GroupNorm s{input.size(0), input.size(1), 1, num_groups, input.size(1) / num_groups, eps};
  for (int d = 2; d < input.dim(); ++d) s.inner *= input.size(d);
  const DType wide = norm_dtype(input);
  const Tensor x = as_contiguous(input, wide), w = norm_param(weight, wide),
               b = norm_param(bias, wide);
  const Tensor y = empty(x.sizes(), wide, x.device());
  const Tensor mean = empty({s.outer, s.groups}, wide, x.device()), rstd = empty_like(mean);
  if (x.numel() > 0)
    as_real(wide, [&](auto tag) {
      using T = decltype(tag);
      LongKernel off(x.numel());
      group_forward(s, x.data<T>(), data_or_null<T>(w), data_or_null<T>(b), mean.data<T>(),
                    rstd.data<T>(), y.data<T>());
    });
  return record(
      as_contiguous(y, input.dtype()), "NativeGroupNormBackward0", {&input, &weight, &bias}, [&] {
        return
            [s, mean, rstd, x = Saved(input), w = Saved(weight)](const Grads& g, Node& n) -> Grads {
              const bool needs[] = {n.needs(0), n.needs(1), n.needs(2)};
              return group_gradients(g[0], x.unpack(&n), w.unpack(&n), s, mean, rstd, needs);
            };
      });
}

}  // namespace

void define_normalize(Registry& r) {
  r.op("layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True)",
       "(x - mean) / sqrt(var + eps) * weight + bias over the last dimensions (Ba et al., 2016).",
       &layer_norm)
      .not_method()
      .no_out();
  r.op("native_layer_norm(input, normalized_shape, weight, bias, eps)",
       "layer_norm, with the mean and 1 / sqrt(var + eps) of each row.", &native_layer_norm)
      .not_method()
      .no_out();
  r.op("rms_norm(input, normalized_shape, weight=None, eps=None)",
       "x / sqrt(mean(x**2) + eps) * weight over the last dimensions (Zhang and Sennrich, 2019).",
       &rms_norm)
      .not_method()
      .no_out();
  r.op("group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True)",
       "layer_norm over groups of channels of [n, channels, ...] (Wu and He, 2018).", &group_norm)
      .not_method()
      .no_out();
}

}  // namespace rl
