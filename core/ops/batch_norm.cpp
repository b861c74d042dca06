// Batch and instance normalisation, with their running statistics.
#include <vector>

#include "cpu/load_store.h"
#include "cpu/threads.h"
#include "ops/normalize.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

using cpu::Reduce;

constexpr int64_t kGrain = 16384;

/// Input [outer, channels, inner]: runs of `inner`, or columns where that is 1.
struct BatchNorm {
  int64_t outer, channels, inner = 1;
  double eps;
  bool training;

  BatchNorm(const Tensor& x, double eps, bool training)
      : outer(x.size(0)), channels(x.size(1)), eps(eps), training(training) {
    for (int d = 2; d < x.dim(); ++d) inner *= x.size(d);
  }
  int64_t count() const { return outer * inner; }
  /// All dimensions but the second.
  Dims dims(int ndim) const {
    Dims d{0};
    for (int i = 2; i < ndim; ++i) d.push_back(i);
    return d;
  }
};

/// rows [b, e) at a time if there are columns, else the runs of channel c.
template <class Rows, class Runs>
void each(const BatchNorm& s, Rows rows, Runs runs) {
  LongKernel off(s.count() * s.channels);
  if (s.inner == 1)
    cpu::parallel_for(0, s.outer, 1 + kGrain / (s.channels + 1), rows);
  else
    cpu::parallel_for(0, s.outer * s.channels, 1 + kGrain / s.inner, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) runs(i * s.inner, i % s.channels);
    });
}

template <class T>
void forward(const BatchNorm& s, const T* x, const T* mean, const T* a, const T* b, T* y) {
  const auto& k = normalize_kernels<T>();
  each(
      s,
      [&](int64_t first, int64_t last) {
        const int64_t at = first * s.channels;
        k.columns(last - first, s.channels, x + at, mean, a, b, y + at);
      },
      [&](int64_t at, int64_t c) { k.run(s.inner, x + at, mean[c], a[c], b[c], y + at); });
}

/// The sums of g and g * (x - mean) over each channel, cut at fixed rows.
template <class T>
std::vector<double> channel_sums(const BatchNorm& s, const T* g, const T* x, const T* mean) {
  const auto& k = normalize_kernels<T>();
  const int64_t c = s.channels;
  LongKernel off(s.count() * c);
  if (s.inner > 1) {
    std::vector<double> sums(static_cast<size_t>(2 * c));
    double* p = sums.data();
    cpu::parallel_for(0, c, 1 + kGrain / (s.count() + 1), [&](int64_t b, int64_t e) {
      for (int64_t j = b; j < e; ++j)
        for (int64_t o = 0; o < s.outer; ++o) {
          const int64_t at = (o * c + j) * s.inner;
          k.run_sums(s.inner, g + at, x + at, mean[j], p + j, p + c + j);
        }
    });
    return sums;
  }
  int64_t chunks = s.outer * c / kGrain + 1;
  if (chunks > 16) chunks = 16;
  const int64_t length = (s.outer + chunks - 1) / chunks;
  std::vector<double> sums(static_cast<size_t>(2 * c * chunks));
  double* p = sums.data();
  cpu::parallel_for(0, chunks, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const int64_t first = i * length, rows = s.outer - first < length ? s.outer - first : length;
      if (rows > 0)
        k.columns_sums(rows, c, g + first * c, x + first * c, mean, p + 2 * i * c,
                       p + (2 * i + 1) * c);
    }
  });
  for (int64_t i = 1; i < chunks; ++i)
    for (int64_t j = 0; j < 2 * c; ++j) p[j] += p[2 * i * c + j];
  return sums;
}

template <class T>
void backward(const BatchNorm& s, const T* g, const T* x, const T* w, const T* mean, const T* rstd,
              T* dx, T* dw, T* db) {
  const auto& k = normalize_kernels<T>();
  const int64_t n = s.channels;
  std::vector<double> sums;
  if (s.training || dw || db) sums = channel_sums(s, g, x, mean);
  std::vector<T> coefficients(static_cast<size_t>(3 * n));
  T *a = coefficients.data(), *b = a + n, *c = b + n;
  const double count = static_cast<double>(s.count());
  for (int64_t j = 0; j < n; ++j) {
    const double r = static_cast<double>(rstd[j]), wr = w ? static_cast<double>(w[j]) * r : r;
    a[j] = static_cast<T>(wr);
    if (s.training) {
      const auto at = static_cast<size_t>(j);
      b[j] = static_cast<T>(-wr * r * r * sums[at + static_cast<size_t>(n)] / count);
      c[j] = static_cast<T>(-wr * sums[at] / count);
    }
    if (dw) dw[j] = static_cast<T>(sums[static_cast<size_t>(n + j)] * r);
    if (db) db[j] = static_cast<T>(sums[static_cast<size_t>(j)]);
  }
  if (!dx) return;
  each(
      s,
      [&](int64_t first, int64_t last) {
        const int64_t at = first * n;
        k.columns_backward(last - first, n, g + at, x + at, mean, a, b, c, dx + at);
      },
      [&](int64_t at, int64_t j) {
        k.run_backward(s.inner, g + at, x + at, mean[j], a[j], b[j], c[j], dx + at);
      });
}

/// A weight or statistic a channel, shaped to be multiplied with [n, channels, ...].
Tensor per_channel(const Tensor& t, int ndim) {
  Dims shape = Dims::filled(ndim, 1);
  shape[1] = t.numel();
  return view(contiguous(t), shape);
}

Grads recorded_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const BatchNorm& s,
                         const Tensor& mean, const Tensor& rstd, const bool* needs) {
  const Tensor w = weight.defined() ? per_channel(weight, x.dim()) : Tensor();
  Dims params = Dims::filled(x.dim(), 1);
  params[1] = s.channels;
  Grads r(3);
  if (s.training) {
    r = NormGradient{s.dims(x.dim()), s.eps}(g, x, w, params, needs);
  } else {
    const Tensor scale = call_to(per_channel(rstd, x.dim()), x.dtype());
    if (needs[0]) r[0] = call_op<"mul">(g, w.defined() ? call_op<"mul">(w, scale) : scale);
    if (needs[1]) {
      const Tensor xc = call_op<"sub">(x, call_to(per_channel(mean, x.dim()), x.dtype()));
      r[1] = sum_to(call_op<"mul">(g, call_op<"mul">(xc, scale)), params);
    }
    if (needs[2]) r[2] = sum_to(g, params);
  }
  for (size_t i : {1u, 2u})
    if (needs[i]) r[i] = reshape(r[i], {s.channels});
  return r;
}

Grads gradients(const Tensor& grad, const Tensor& input, const Tensor& weight, const BatchNorm& s,
                const Tensor& mean, const Tensor& rstd, const bool* needs) {
  if (GradMode::enabled) return recorded_gradients(grad, input, weight, s, mean, rstd, needs);
  const DType wide = norm_dtype(input);
  const Tensor g = as_contiguous(grad, wide), x = as_contiguous(input, wide),
               w = norm_param(weight, wide);
  Tensor dx, dw, db;
  if (needs[0]) dx = empty(x.sizes(), wide, x.device());
  if (needs[1]) dw = empty({s.channels}, wide, x.device());
  if (needs[2]) db = empty({s.channels}, wide, x.device());
  as_real(wide, [&](auto tag) {
    using T = decltype(tag);
    backward(s, g.data<T>(), x.data<T>(), data_or_null<T>(w), mean.data<T>(), rstd.data<T>(),
             data_or_null<T>(dx), data_or_null<T>(dw), data_or_null<T>(db));
  });
  Grads out(3);
  out[0] = needs[0] ? as_contiguous(dx, input.dtype()) : dx;
  for (size_t i = 1; const Tensor* t : {&dw, &db}) out[i++] = *t;  // the engine casts
  return out;
}

// ---- statistics ----

struct Statistics {
  Tensor mean, variance;  // F64, by channel
};

Statistics batch_statistics(const Tensor& x, const BatchNorm& s) {
  const Axes axes(x, s.dims(x.dim()), false);
  const double n = static_cast<double>(s.count());
  const Tensor mean = run_reduce(Reduce::WideSum, x, axes, DType::F64, {n, false});
  return {mean, run_reduce(Reduce::SumDeviations, x, axes, DType::F64, {n, false}, mean)};
}

/// running = (1 - momentum) * running + momentum * value * factor
void update(const Tensor& running, const Tensor& value, double momentum, double factor) {
  if (!running.defined()) return;
  char* to = static_cast<char*>(running.raw());
  const double* v = value.data<double>();
  for (int64_t i = 0; i < value.numel(); ++i) {
    char* p = to + i * running.stride(0) * size_of(running.dtype());
    const double old = cpu::get(running.dtype(), p).real();
    cpu::put(running.dtype(), p, Scalar((1 - momentum) * old + momentum * factor * v[i]));
  }
}

struct Result3 {
  Tensor out, mean, rstd;
};

void check_size(const char* name, const OptTensor& t, int64_t n) {
  RL_CHECK(!t.defined() || t.numel() == n, name, " should contain ", n, " elements not ",
           t.defined() ? t.numel() : 0);
  RL_CHECK(!t.defined() || t.dim() == 1, name, " should be a vector, not of shape ",
           t.defined() ? t.sizes() : Dims());
}

Result3 run(const Tensor& input, const OptTensor& weight, const OptTensor& bias,
            const OptTensor& running_mean, const OptTensor& running_var, bool training,
            double momentum, double eps) {
  const int64_t channels = input.size(wrap_dim(1, input.dim(), false));
  RL_CHECK(training || running_mean.defined(), "running_mean must be defined in evaluation mode");
  RL_CHECK(training || running_var.defined(), "running_var must be defined in evaluation mode");
  check_size("running_mean", running_mean, channels);
  check_size("running_var", running_var, channels);
  check_size("weight", weight, channels);
  check_size("bias", bias, channels);
  check_norm_types("batch_norm", input, weight, bias);

  const BatchNorm s(input, eps, training);
  const DType wide = norm_dtype(input);
  const Tensor x = as_contiguous(input, wide), w = norm_param(weight, wide),
               b = norm_param(bias, wide);
  Statistics st;
  if (training && x.numel() > 0) {
    st = batch_statistics(x, s);
    const double n = static_cast<double>(s.count());
    update(running_mean, st.mean, momentum, 1);
    update(running_var, st.variance, momentum, n / (n - 1));
  } else if (training) {
    st = {zeros({channels}, DType::F64), zeros({channels}, DType::F64)};
  } else {
    st = {as_contiguous(running_mean, DType::F64), as_contiguous(running_var, DType::F64)};
  }
  const Tensor y = empty(x.sizes(), wide, x.device());
  const Tensor mean = as_contiguous(st.mean, wide), rstd = empty({channels}, wide, x.device());
  as_real(wide, [&](auto tag) {
    using T = decltype(tag);
    std::vector<T> scale(static_cast<size_t>(channels)), shift(static_cast<size_t>(channels));
    const T *wp = data_or_null<T>(w), *bp = data_or_null<T>(b);
    const double *exact = st.mean.data<double>(), *variance = st.variance.data<double>();
    for (int64_t c = 0; c < channels; ++c) {
      const double r = 1 / __builtin_sqrt(variance[c] + eps);
      rstd.data<T>()[c] = static_cast<T>(r);
      scale[static_cast<size_t>(c)] = static_cast<T>(wp ? r * static_cast<double>(wp[c]) : r);
      const T rest = static_cast<T>(exact[c] - static_cast<double>(mean.data<T>()[c]));
      shift[static_cast<size_t>(c)] = (bp ? bp[c] : T(0)) - rest * scale[static_cast<size_t>(c)];
    }
    if (x.numel() > 0)
      forward(s, x.data<T>(), mean.data<T>(), scale.data(), shift.data(), y.data<T>());
  });
  const Tensor out = record(
      as_contiguous(y, input.dtype()), "NativeBatchNormBackward0", {&input, &weight, &bias}, [&] {
        return
            [s, mean, rstd, x = Saved(input), w = Saved(weight)](const Grads& g, Node& n) -> Grads {
              const bool needs[] = {n.needs(0), n.needs(1), n.needs(2)};
              return gradients(g[0], x.unpack(&n), w.unpack(&n), s, mean, rstd, needs);
            };
      });
  return {out, mean, rstd};
}

Tensor batch_norm(const Tensor& input, const OptTensor& weight, const OptTensor& bias,
                  const OptTensor& running_mean, const OptTensor& running_var, bool training,
                  double momentum, double eps, Any) {
  if (input.numel() == 0 && input.dim() == 1) {  // no channels; PyTorch's answer
    Tensor out = clone(input);
    if (weight.defined() && weight.numel()) out = call_op<"mul">(out, select(weight, 0, 0));
    if (bias.defined() && bias.numel()) out = call_op<"add">(out, select(bias, 0, 0));
    return out;
  }
  return run(input, weight, bias, running_mean, running_var, training, momentum, eps).out;
}

std::tuple<Tensor, Tensor, Tensor> native_batch_norm(const Tensor& input, const OptTensor& weight,
                                                     const OptTensor& bias,
                                                     const OptTensor& running_mean,
                                                     const OptTensor& running_var, bool training,
                                                     double momentum, double eps) {
  Result3 r = run(input, weight, bias, running_mean, running_var, training, momentum, eps);
  const DType kept = weight.defined()         ? weight.dtype()
                     : running_mean.defined() ? running_mean.dtype()
                                              : input.dtype();
  if (training) return {r.out, as_contiguous(r.mean, kept), as_contiguous(r.rstd, kept)};
  return {r.out, empty({0}, kept), empty({0}, kept)};
}

/// Statistics of their own for each image: batch normalisation of one image with n * channels.
Tensor instance_norm(const Tensor& input, const OptTensor& weight, const OptTensor& bias,
                     const OptTensor& running_mean, const OptTensor& running_var,
                     bool use_input_stats, double momentum, double eps, Any) {
  RL_CHECK(use_input_stats || (running_mean.defined() && running_var.defined()),
           "Expected running_mean and running_var to be defined when use_input_stats is false");
  const int64_t n = input.size(0), channels = input.size(wrap_dim(1, input.dim(), false));
  Dims flat = input.sizes();
  flat[0] = 1;
  flat[1] = n * channels;
  const auto repeated = [&](const Tensor& t) {
    return t.defined() ? OptTensor(repeat(t, {n})) : OptTensor();
  };
  const OptTensor mean = repeated(running_mean), variance = repeated(running_var);
  const Tensor out = run(view(contiguous(input), flat), repeated(weight), repeated(bias), mean,
                         variance, use_input_stats, momentum, eps)
                         .out;
  if (use_input_stats) {  // the running statistics become the mean over the images
    GradGuard off(false);
    if (mean.defined()) write(running_mean, mean_dims(view(mean, {n, channels}), {0}, false));
    if (variance.defined())
      write(running_var, mean_dims(view(variance, {n, channels}), {0}, false));
  }
  return view(out, input.sizes());
}

}  // namespace

void define_batch_norm(Registry& r) {
  r.op("batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, "
       "cudnn_enabled)",
       "(x - mean) / sqrt(var + eps) * weight + bias by channel of [n, channels, ...] (Ioffe and "
       "Szegedy, 2015); in training the statistics are the batch's and the running ones follow.",
       &batch_norm)
      .not_method()
      .no_out();
  r.op("native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)",
       "batch_norm, with the mean and 1 / sqrt(var + eps) of each channel.", &native_batch_norm)
      .not_method()
      .out_dtype(kOutScalar);
  r.op("instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, "
       "eps, "
       "cudnn_enabled)",
       "batch_norm for each image of its own (Ulyanov et al., 2016).", &instance_norm)
      .not_method()
      .no_out();
}

}  // namespace rl
