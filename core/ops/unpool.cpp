// Max pooling over windows placed at random (fractional), and what undoes max pooling (max_unpool).
#include <algorithm>
#include <limits>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "ops/format.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "ops/windows.h"
#include "tensor/layout.h"

namespace rl {
namespace {

/// The spatial sizes of x become w.in, the channels and the batch w.planes.
void set_sizes(Windows& w, const Tensor& x, int n) {
  w.spatial = n;
  for (int i = 0; i < n; ++i) w.in[3 - n + i] = x.size(x.dim() - n + i);
  for (int d = 0; d < x.dim() - n; ++d) w.planes *= x.size(d);
  w.in_sizes = w.out_sizes = x.sizes();
}

std::string tuple_text(const Dims& v) {
  std::string s = "(";
  for (int i = 0; i < v.size(); ++i) s += str(i ? ", " : "", v[i]);
  return s + ")";
}

void check_channels(const char* name, const Tensor& x, int n, const char* colon) {
  for (int d = x.dim() - n - 1; d < x.dim(); ++d)
    RL_CHECK(x.size(d) > 0, name,
             "(): Expected input to have non-zero size for non-batch dimensions, but got", colon,
             x.sizes(), " with dimension ", d, " being empty");
}

// ---- fractional_max_pool ----

/// Where the windows of one axis begin, from the draw u (Graham, 2014), rounded as T rounds.
template <class T>
void place_windows(int64_t in, int64_t out, int64_t kernel, T u, int64_t* starts) {
  const auto down = [](T v) {  // towards zero; any number may come in
    const Wide<T> wide = v;
    return wide > -1e9 && wide < 1e9 ? static_cast<int64_t>(wide) : int64_t{0};
  };
  if (out > 1) {
    const T alpha = T(Wide<T>(T(in - kernel)) / Wide<T>(T(out - 1)));
    const int64_t first = down(T(Wide<T>(u) * Wide<T>(alpha)));
    for (int64_t i = 0; i + 1 < out; ++i) {
      const T at = T(Wide<T>(T(Wide<T>(T(i)) + Wide<T>(u))) * Wide<T>(alpha));
      starts[i] = std::clamp<int64_t>(down(at) - first, 0, in - kernel);
    }
  }
  starts[out - 1] = in - kernel;
}

/// samples[plane, spatial], in the order in which `axis_of` counts the axes.
template <class T>
void fractional_kernel(const Windows& w, const T* x, const T* samples, T* y, int64_t* indices) {
  const int64_t in = w.volume_in(), out = w.volume_out(), *k = w.kernel;
  cpu::parallel_for(0, w.planes, 1 + 8192 / (in + 1), [&](int64_t begin, int64_t end) {
    std::vector<int64_t> starts[3];
    for (int a = 0; a < 3; ++a) starts[a].assign(static_cast<size_t>(w.out[a]), 0);
    for (int64_t p = begin; p < end; ++p) {
      for (int i = 0; i < w.spatial; ++i) {  // planes draw the column first, volumes the depth
        const int a = w.spatial == 2 ? 2 - i : i;
        place_windows(w.in[a], w.out[a], k[a], samples[p * w.spatial + i], starts[a].data());
      }
      const T* from = x + p * in;
      int64_t o = p * out;
      for (int64_t d : starts[0])
        for (int64_t h : starts[1])
          for (int64_t c : starts[2]) {
            Wide<T> best = -std::numeric_limits<Wide<T>>::infinity();
            int64_t at = (d * w.in[1] + h) * w.in[2] + c;
            for (int64_t i = d; i < d + k[0]; ++i)
              for (int64_t j = h; j < h + k[1]; ++j)
                for (int64_t l = c; l < c + k[2]; ++l) {
                  const int64_t e = (i * w.in[1] + j) * w.in[2] + l;
                  const Wide<T> v = from[e];
                  if (v > best || v != v) best = v, at = e;
                }
            y[o] = T(best);
            indices[o++] = at;
          }
    }
  });
}

void run_fractional(const Windows& w, const Tensor& x, const Tensor& samples, const Tensor& y,
                    const Tensor& indices) {
  const void *from = x.raw(), *draws = samples.raw();
  void* to = y.raw();
  int64_t* at = indices.data<int64_t>();
  LongKernel off(x.numel() + y.numel() * w.kernel[0] * w.kernel[1] * w.kernel[2]);
  const auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    fractional_kernel(w, static_cast<const T*>(from), static_cast<const T*>(draws),
                      static_cast<T*>(to), at);
  };
  switch (x.dtype()) {
    case DType::F64:
      return run(Tag<double>());
    case DType::F16:
      return run(Tag<Half>());
    case DType::BF16:
      return run(Tag<BFloat16>());
    default:
      return run(Tag<float>());
  }
}

Windows fractional_windows(const char* name, int n, const Tensor& x, const Dims& kernel,
                           const Dims& size) {
  static const char* const axes[] = {"time", "height", "width"};
  const char* many = n == 2 ? "" : "three ";
  const auto set = [&](int64_t* to, const Dims& v, const char* what) {
    RL_CHECK(v.size() == 1 || v.size() == n, name, ": ", what,
             " must either be a single Int or tuple of ", many, "Ints");
    for (int i = 0; i < n; ++i) to[3 - n + i] = v[v.size() == 1 ? 0 : i];
  };
  Windows w;
  set(w.kernel, kernel, "kernel_size");
  set(w.out, size, "output_size");
  const std::string full = str(name, n == 2 ? "" : "_out");
  RL_CHECK(x.dim() == n + 1 || x.dim() == n + 2, full, "(): Expected ", n + 1, "D or ", n + 2,
           "D tensor, but got: ", x.sizes());
  check_channels(full.c_str(), x, n, "");
  set_sizes(w, x, n);
  for (int a = 3 - n; a < 3; ++a) {
    RL_CHECK(
        w.kernel[a] > 0 && w.out[a] >= 0, name,
        "(): kernel_size should be positive and output_size not negative, but got kernel_size ",
        w.kernel[a], " and output_size ", w.out[a]);
    RL_CHECK(w.kernel[a] <= w.in[a] && w.out[a] - 1 <= w.in[a] - w.kernel[a], full, "(): pool ",
             axes[a], " ", w.kernel[a], " too large relative to input ", axes[a], " ", w.in[a]);
  }
  for (int i = 0; i < n; ++i) w.out_sizes[x.dim() - n + i] = w.out[3 - n + i];
  checked_numel(w.out_sizes);
  return w;
}

template <int n>
std::tuple<Tensor, Tensor> fractional_max_pool(const Tensor& input, const Dims& kernel_size,
                                               const Dims& output_size,
                                               const Tensor& random_samples) {
  static constexpr const char* name = n == 2 ? "fractional_max_pool2d" : "fractional_max_pool3d";
  check_cpu(input);
  const Windows w = fractional_windows(name, n, input, kernel_size, output_size);
  const Tensor& r = random_samples;
  RL_CHECK(r.dtype() == input.dtype(), "Expect _random_samples to have the same dtype as input");
  RL_CHECK(r.dim() == 3, "Expect _random_samples to have 3 dimensions, got ", r.dim());
  const int64_t batch = input.dim() == n + 2 ? input.size(0) : 1, channels = input.size(-n - 1);
  RL_CHECK(r.size(0) >= batch, "Expect _random_samples.size(0) no less then input batch size.");
  RL_CHECK(r.size(1) == channels, "Expect _random_samples.size(1) equals to input channel size.");
  RL_CHECK(r.size(2) == n, "Expect _random_samples.size(2) equals to ", n, "; got ", r.size(2),
           ".");
  if (!is_floating(input.dtype())) not_implemented(str(name, "_out_frame").c_str(), input.dtype());
  const Tensor y = empty(w.out_sizes, input.dtype(), input.device()),
               indices = empty(w.out_sizes, DType::I64, input.device());
  if (y.numel() > 0) run_fractional(w, as_contiguous(input), as_contiguous(r), y, indices);
  Tensors out = record_all(
      {y, indices}, n == 2 ? "FractionalMaxPool2DBackward0" : "FractionalMaxPool3DBackward0",
      {&input}, [&] {
        return [w, at = Saved(indices)](const Grads& g, Node& node) -> Grads {
          return {linear_map(Pick{w, as_contiguous(at.unpack(&node))}, g[0], true)};
        };
      });
  return {out[0], out[1]};
}

// ---- max_unpool ----

/// y[p, indices[p, i]] = x[p, i] over zeros; of two that go to one place the last stays.
template <class T>
void put_back(const Windows& w, const T* x, const int64_t* indices, T* y) {
  const int64_t in = w.volume_in(), out = w.volume_out();
  cpu::parallel_for(0, w.planes, 1 + 16384 / (in + out + 1), [&](int64_t begin, int64_t end) {
    std::fill(y + begin * in, y + end * in, T(0));
    for (int64_t p = begin; p < end; ++p)
      for (int64_t i = p * out; i < (p + 1) * out; ++i) y[p * in + indices[i]] = x[i];
  });
}

/// The large side, which pooling had as its input, is w.in.
Tensor unpool(const char* name, const Windows& w, const Tensor& input, const Tensor& indices) {
  const int64_t volume = w.volume_in(), *at = indices.data<int64_t>();
  std::string sizes;
  for (int a = 3 - w.spatial; a < 3; ++a) sizes += str(a > 3 - w.spatial ? "x" : "", w.in[a]);
  for (int64_t i = 0; i < indices.numel(); ++i)
    RL_CHECK(at[i] >= 0 && at[i] < volume, "Found an invalid max index: ", at[i],
             " (output volumes are of size ", sizes, ")");
  if (!is_floating(input.dtype())) not_implemented(name, input.dtype());
  const Tensor y = empty(w.in_sizes, input.dtype(), input.device()), x = as_contiguous(input);
  const void* from = x.raw();
  void* to = y.raw();
  LongKernel off(x.numel() + y.numel());
  if (size_of(x.dtype()) == 2)
    put_back(w, static_cast<const uint16_t*>(from), at, static_cast<uint16_t*>(to));
  else if (x.dtype() == DType::F64)
    put_back(w, static_cast<const double*>(from), at, static_cast<double*>(to));
  else
    put_back(w, static_cast<const float*>(from), at, static_cast<float*>(to));
  return y;
}

void check_unpool(int n, const Tensor& input, const Tensor& indices, const Dims& output_size) {
  check_cpu(input);
  const char* counts =
      n == 2 ? "two elements (height, width)" : "three elements (depth, height, width)";
  RL_CHECK(output_size.size() == n, "There should be exactly ", counts, " in output_size, but got ",
           output_size.size(), " elements.");
  bool positive = true;
  for (int64_t s : output_size) positive &= s >= 0;
  RL_CHECK(positive, "max_unpooling", n,
           "d(): output_size must contain non-negative spatial dimensions, but got output_size=",
           tuple_text(output_size));
  RL_CHECK(indices.dtype() == DType::I64, "elements in indices should be type int64",
           n == 2 ? str(" but got: ", info(indices.dtype()).type) : std::string());
  RL_CHECK(input.dim() == n + 1 || input.dim() == n + 2, "Input to max_unpooling", n,
           "d should be a ", n + 1, "d or ", n + 2, "d Tensor, but got a tensor with ", input.dim(),
           " dimensions.");
  RL_CHECK(input.sizes() == indices.sizes(),
           "Expected shape of indices to be same as that of the input tensor (", input.sizes(),
           ") but got indices tensor with shape: ", indices.sizes());
  check_channels(n == 2 ? "max_unpooling2d_forward_out_cpu" : "max_unpooling3d_forward_out_cpu",
                 input, n, " ");
}

Tensor max_unpool(int n, const Tensor& input, const Tensor& indices, const Dims& output_size) {
  check_unpool(n, input, indices, output_size);
  Windows w;
  set_sizes(w, input, n);
  for (int i = 0; i < n; ++i) {
    w.out[3 - n + i] = w.in[3 - n + i];
    w.in[3 - n + i] = w.in_sizes[input.dim() - n + i] = output_size[i];
  }
  checked_numel(w.in_sizes);
  const Tensor at = as_contiguous(indices);
  Tensor out = unpool(n == 2 ? "max_unpool2d" : "max_unpool3d", w, input, at);
  if (n == 2) out = in_format_of(out, input);
  return record(out, n == 2 ? "MaxUnpool2DBackward0" : "MaxUnpool3DBackward0", {&input}, [&] {
    return [w, at = Saved(at)](const Grads& g, Node& node) -> Grads {
      return {linear_map(Pick{w, as_contiguous(at.unpack(&node))}, g[0])};
    };
  });
}

Tensor max_unpool2d(const Tensor& input, const Tensor& indices, const Dims& output_size) {
  return max_unpool(2, input, indices, output_size);
}

Tensor max_unpool3d(const Tensor& input, const Tensor& indices, const Dims& output_size,
                    const Dims& stride, const Dims& padding) {
  const char* counts = "There should be exactly three elements (depth, height, width) in ";
  RL_CHECK(output_size.size() == 3, counts, "output_size, but got ", output_size.size(),
           " elements.");
  RL_CHECK(stride.size() == 3, counts, "stride, but got: ", stride.size(), " elements.");
  RL_CHECK(padding.size() == 3, counts, "padding, but got: ", padding.size(), " elements.");
  for (int64_t s : stride)
    RL_CHECK(s > 0, "strides should be greater than zero, but got stride: ", stride);
  return max_unpool(3, input, indices, output_size);
}

}  // namespace

void define_unpool(Registry& r) {
  const char* fractional =
      "The largest element of each of output_size windows of kernel_size, placed by the draws "
      "random_samples [n, channels, spatial] between 0 and 1, and where it lies (Graham, 2014).";
  r.op("fractional_max_pool2d(input, kernel_size, output_size, random_samples)", fractional,
       &fractional_max_pool<2>)
      .nn();
  r.op("fractional_max_pool3d(input, kernel_size, output_size, random_samples)", fractional,
       &fractional_max_pool<3>)
      .nn();
  const char* unpool =
      "Zeros of the last dimensions output_size, with the input at the positions that max pooling "
      "gave as indices.";
  r.op("max_unpool2d(input, indices, output_size)", unpool, &max_unpool2d).nn();
  r.op("max_unpool3d(input, indices, output_size, stride, padding)", unpool, &max_unpool3d).nn();
}

}  // namespace rl
