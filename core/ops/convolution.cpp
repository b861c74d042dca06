// Convolutions (really correlations) in one to three dimensions, and the transposed ones.
#include "ops/convolution.h"

#include "ops/ops.h"
#include "ops/product.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

struct Options {
  Dims stride, padding, dilation, output_padding;
  int64_t groups;
  bool transposed;
};

/// One number stands for every dimension.
Dims expanded(const Dims& v, int n, const char* name) {
  if (v.size() == 1) return Dims::filled(n, v[0]);
  RL_CHECK(v.size() == n, "expected ", name, " to be a single integer value or a list of ", n,
           " values to match the convolution dimensions, but got ", name, "=", v);
  return v;
}

/// "3 x 4", the sizes behind the first `skip`.
std::string by_x(const Dims& v, int skip) {
  std::string s;
  for (int i = skip; i < v.size(); ++i) s += (i > skip ? " x " : "") + std::to_string(v[i]);
  return s;
}

// ---- checks ----

void check_options(const Options& o) {
  for (int64_t p : o.padding) RL_CHECK(p >= 0, "negative padding is not supported");
  for (int64_t p : o.output_padding) RL_CHECK(p >= 0, "negative output_padding is not supported");
  for (int64_t s : o.stride) RL_CHECK(s > 0, "non-positive stride is not supported");
  for (int64_t d : o.dilation)
    RL_CHECK(d > 0, "dilation should be greater than zero",
             d < 0 ? std::string() : str(", but got ", o.dilation));
  RL_CHECK(o.groups > 0, "non-positive groups is not supported");
  for (const Dims* v : {&o.stride, &o.padding, &o.dilation, &o.output_padding})
    for (int64_t i : *v) RL_CHECK(i < int64_t{1} << 31, "convolution: ", i, " is too large");
}

void check_types(const Tensor& x, const Tensor& w, const OptTensor& bias) {
  check_cpu(x);
  RL_CHECK(!bias.defined() || bias.dtype() == x.dtype(), "Input type (", c_name_of(x.dtype()),
           ") and bias type (", c_name_of(bias.defined() ? bias.dtype() : x.dtype()),
           ") should be the same");
  if (x.dtype() == DType::Bool) not_implemented("slow_conv2d_cpu", x.dtype());
  if (x.dtype() == w.dtype()) return;
  RL_CHECK(x.dtype() == DType::F32 || x.dtype() == DType::F64 || is_integral(x.dtype()),
           "Input type (torch.", info(x.dtype()).type, "Tensor) and weight type (torch.",
           info(w.dtype()).type,
           "Tensor) should be the same or input should be a MKLDNN tensor and "
           "weight is a dense tensor\nfix: model.to(",
           name_of(x.dtype()), ") or input.to(", name_of(w.dtype()), ")");
  raise(ErrorKind::Runtime, "expected scalar type ", info(x.dtype()).type, " but found ",
        info(w.dtype()).type,
        "\nwhy: a convolution needs input and weight of one dtype.\nfix: "
        "input.to(torch.",
        name_of(w.dtype()), ")");
}

void check_channels(const Tensor& x, const Tensor& w, const OptTensor& bias, const Options& o) {
  RL_CHECK(x.dim() == w.dim(), "Expected ", w.dim(), "-dimensional input for ", w.dim(),
           "-dimensional weight ", w.sizes(), ", but got ", x.dim(), "-dimensional input of size ",
           x.sizes(), " instead");
  RL_CHECK(w.size(0) >= o.groups, "Given groups=", o.groups, ", expected weight to be at least ",
           o.groups, " at dimension 0, but got weight of size ", w.sizes(), " instead");
  RL_CHECK(w.size(0) % o.groups == 0, "Given groups=", o.groups,
           ", expected weight to be divisible by ", o.groups,
           " at dimension 0, but got weight of size [", w.sizes(), "] instead");
  if (o.transposed) {
    RL_CHECK(x.size(1) == w.size(0), "Given transposed=1, weight of size ", w.sizes(),
             ", expected input", x.sizes(), " to have ", w.size(0), " channels, but got ",
             x.size(1), " channels instead");
    const int64_t out = w.size(1) * o.groups;
    RL_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == out),
             "Given transposed=1, weight of size ", w.sizes(),
             ", expected bias to be 1-dimensional with ", out, " elements, but got bias of size ",
             bias.defined() ? bias.sizes() : Dims(), " instead");
    return;
  }
  RL_CHECK(x.size(1) == w.size(1) * o.groups, "Given groups=", o.groups, ", weight of size ",
           w.sizes(), ", expected input", x.sizes(), " to have ", w.size(1) * o.groups,
           " channels, but got ", x.size(1), " channels instead");
  RL_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == w.size(0)),
           "Given weight of size ", w.sizes(), ", expected bias to be 1-dimensional with ",
           w.size(0), " elements, but got bias of size ", bias.defined() ? bias.sizes() : Dims(),
           " instead");
}

/// "output_padding_height: 2 output_padding_width: 2".
std::string by_axis(const char* name, const Dims& v) {
  static const char* const axes[] = {"depth", "height", "width"};
  std::string s;
  for (int i = 0; i < v.size(); ++i)
    s += str(i ? " " : "", name, "_", axes[3 - v.size() + i], ": ", v[i]);
  return s;
}

/// The size of y, and the checks that it can be.
Dims output_size(const Dims& x, const Dims& w, const Options& o) {
  const int n = w.size() - 2;
  Dims y{x[0], w[0]}, kernel, padded;
  bool fits = true;
  for (int d = 0; d < n; ++d) {
    kernel.push_back(o.dilation[d] * (w[d + 2] - 1) + 1);
    padded.push_back(x[d + 2] + 2 * o.padding[d]);
    fits &= padded[d] >= kernel[d];
    y.push_back((padded[d] - kernel[d]) / o.stride[d] + 1);
  }
  for (int d = 0; d < n; ++d)
    RL_CHECK(!fits || x[d + 2] > 0,
             "Only zero batch or zero channel inputs are supported, but got input "
             "shape: ",
             x);
  RL_CHECK(fits, "Calculated padded input size per channel: (", by_x(padded, 0),
           "). Kernel size: (", by_x(kernel, 0),
           "). Kernel size can't be greater than actual input size");
  for (int d = 0; d < n; ++d)
    RL_CHECK(w[d + 2] > 0, "kernel size should be greater than zero, but got ",
             by_axis("kernel", Dims(w.data() + 2, n)));
  return y;
}

Dims transposed_size(const Dims& y, const Dims& w, const Options& o) {
  const int n = w.size() - 2;
  Dims x{y[0], w[1] * o.groups};
  bool padding_fits = true;
  for (int d = 0; d < n; ++d) {
    RL_CHECK(w[d + 2] > 0, "kernel size should be greater than zero, but got ",
             by_axis("kernel", Dims(w.data() + 2, n)));
    padding_fits &= o.output_padding[d] < o.stride[d] || o.output_padding[d] < o.dilation[d];
    x.push_back((y[d + 2] - 1) * o.stride[d] - 2 * o.padding[d] + o.dilation[d] * (w[d + 2] - 1) +
                o.output_padding[d] + 1);
  }
  RL_CHECK(padding_fits, "output padding must be smaller than either stride or dilation, but got ",
           by_axis("output_padding", o.output_padding), " ", by_axis("stride", o.stride), " ",
           by_axis("dilation", o.dilation));
  for (int d = 0; d < n; ++d)
    RL_CHECK(x[d + 2] >= 1, "Given input size per channel: (", by_x(y, 2),
             "). Calculated output size per channel: (", by_x(x, 2), "). Output size is too small");
  return x;
}

// ---- the operation ----

Tensor bias_gradient(const Tensor& g) {
  Dims dims{0};
  for (int d = 2; d < g.dim(); ++d) dims.push_back(d);
  return sum_dims(g, dims, false);
}

Tensor convolve(const Tensor& x, const Tensor& w, const OptTensor& bias, const Options& o) {
  RL_CHECK(w.dim() >= 3, "weight should have at least three dimensions");
  RL_CHECK(w.dim() <= 5, "unsupported ConvNd parameters: ", w.dim() - 2, " spatial dimensions");
  check_types(x, w, bias);
  check_options(o);
  check_channels(x, w, bias, o);
  ConvShape s{{}, {}, w.sizes(), o.stride, o.padding, o.dilation, o.groups};
  s.y = o.transposed ? x.sizes() : output_size(x.sizes(), w.sizes(), o);
  s.x = o.transposed ? transposed_size(x.sizes(), w.sizes(), o) : x.sizes();
  checked_numel(s.y);
  checked_numel(s.x);
  const Tensor out = o.transposed ? conv_biased(Role::Input, s, w, x, bias)
                                  : conv_biased(Role::Output, s, x, w, bias);
  return record(out, "ConvolutionBackward0", {&x, &w, &bias}, [&] {
    return [s, transposed = o.transposed, x = Saved(x), w = Saved(w)](const Grads& grads,
                                                                      Node& n) -> Grads {
      const auto conjugated = [&](const Saved& saved) {
        const Tensor t = saved.unpack(&n);
        return is_complex(t.dtype()) ? call_op<"conj_physical">(t) : t;
      };
      const Tensor g = GradMode::enabled ? grads[0] : as_contiguous(grads[0]);  // used three times
      Grads r(3);
      if (n.needs(0))
        r[0] = transposed ? conv_derivative(Role::Output, s, g, conjugated(w))
                          : conv_derivative(Role::Input, s, conjugated(w), g);
      if (n.needs(1))
        r[1] = transposed ? conv_derivative(Role::Weight, s, conjugated(x), g)
                          : conv_derivative(Role::Weight, s, g, conjugated(x));
      if (n.needs(2)) r[2] = bias_gradient(g);
      return r;
    };
  });
}

Tensor convolution(const Tensor& input, const Tensor& weight, const OptTensor& bias,
                   const Dims& stride, const Dims& padding, const Dims& dilation, bool transposed,
                   const Dims& output_padding, int64_t groups) {
  const int n = weight.dim() - 2;
  RL_CHECK(n > 0, "weight should have at least three dimensions");
  return convolve(input, weight, bias,
                  {expanded(stride, n, "stride"), expanded(padding, n, "padding"),
                   expanded(dilation, n, "dilation"), expanded(output_padding, n, "output_padding"),
                   groups, transposed});
}

/// Runs f on a batch, or on a batch of one that is taken away again.
template <int kSpatial, class F>
Tensor batched(const char* name, const Tensor& input, F f) {
  RL_CHECK(input.dim() == kSpatial + 1 || input.dim() == kSpatial + 2, "Expected ", kSpatial + 1,
           "D (unbatched) or ", kSpatial + 2, "D (batched) input to ", name,
           ", but got input of size: ", input.sizes());
  return input.dim() == kSpatial + 2 ? f(input) : squeeze_dim(f(unsqueeze(input, 0)), 0);
}

constexpr const char* kNames[] = {"", "conv1d", "conv2d", "conv3d"};
constexpr const char* kTransposedNames[] = {"", "conv_transpose1d", "conv_transpose2d",
                                            "conv_transpose3d"};

void check_bias_type(const Tensor& input, const OptTensor& bias) {
  RL_CHECK(!bias.defined() || bias.dtype() == input.dtype(), "Input type (",
           c_name_of(input.dtype()), ") and bias type (",
           c_name_of(bias.defined() ? bias.dtype() : input.dtype()), ") should be the same");
}

/// One number becomes n of them; a list of a wrong length is for convolution() to refuse.
Dims repeated(const Dims& v, int n) { return v.size() == 1 ? Dims::filled(n, v[0]) : v; }

template <int n>
Tensor conv(const Tensor& input, const Tensor& weight, const OptTensor& bias, const Dims& stride,
            const Dims& padding, const Dims& dilation, int64_t groups) {
  check_bias_type(input, bias);
  return batched<n>(kNames[n], input, [&](const Tensor& x) {
    return convolution(x, weight, bias, repeated(stride, n), repeated(padding, n),
                       repeated(dilation, n), false, Dims::filled(n, 0), groups);
  });
}

/// padding='same': what is missing to the input's size, the odd one on the right.
Tensor conv_same(const Tensor& x, const Tensor& weight, const OptTensor& bias, const Dims& stride,
                 const Dims& dilations, int64_t groups) {
  const int n = weight.dim() - 2;
  RL_CHECK(x.dim() == weight.dim(), "Expected ", weight.dim(), "-dimensional input for ",
           weight.dim(), "-dimensional weight", weight.sizes(), ", but got ", x.dim(),
           "-dimensional input of size ", x.sizes(), " instead");
  const Dims dilation = expanded(dilations, n, "dilation");
  for (int64_t s : expanded(stride, n, "stride"))
    RL_CHECK(s == 1, "padding='same' is not supported for strided convolutions");
  Dims padding, more = Dims::filled(2 * n, 0);
  bool uneven = false;
  for (int d = 0; d < n; ++d) {
    const int64_t total = dilation[d] * (weight.size(d + 2) - 1);
    padding.push_back(total / 2);
    more[2 * (n - 1 - d) + 1] = total % 2;
    uneven |= total % 2 != 0;
  }
  const Tensor padded = uneven ? constant_pad_nd(x, more, Scalar(0)) : x;
  return convolution(padded, weight, bias, stride, padding, dilation, false, Dims::filled(n, 0),
                     groups);
}

template <int n>
Tensor conv_named(const Tensor& input, const Tensor& weight, const OptTensor& bias,
                  const Dims& stride, std::string_view padding, const Dims& dilation,
                  int64_t groups) {
  if (padding == "valid") return conv<n>(input, weight, bias, stride, {0}, dilation, groups);
  check_bias_type(input, bias);
  return batched<n>(kNames[n], input, [&](const Tensor& x) {
    RL_CHECK(padding == "same", "Invalid padding string: '", padding, "'");
    return conv_same(x, weight, bias, repeated(stride, n), repeated(dilation, n), groups);
  });
}

template <int n>
Tensor conv_transpose(const Tensor& input, const Tensor& weight, const OptTensor& bias,
                      const Dims& stride, const Dims& padding, const Dims& output_padding,
                      int64_t groups, const Dims& dilation) {
  check_bias_type(input, bias);
  return batched<n>(kTransposedNames[n], input, [&](const Tensor& x) {
    return convolution(x, weight, bias, repeated(stride, n), repeated(padding, n),
                       repeated(dilation, n), true, repeated(output_padding, n), groups);
  });
}

template <int n>
void define_conv(Registry& r) {
  const std::string same =
      str(kNames[n], "(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)");
  const std::string named =
      str(kNames[n], "(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)");
  const std::string transposed = str(kTransposedNames[n],
                                     "(input, weight, bias=None, stride=1, padding=0, "
                                     "output_padding=0, groups=1, dilation=1)");
  const char* doc =
      "Correlation of input [batch, in, ...] with weight [out, in / groups, ...], the batch "
      "optional. "
      "padding: zeros on each side, 'valid' (none) or 'same' (as many as keep the size).";
  r.op(same.c_str(), doc, &conv<n>).not_method();
  r.op(named.c_str(), doc, &conv_named<n>).not_method();
  r.op(transposed.c_str(),
       "The gradient of a convolution by its input, as an operation: input [batch, in, ...], "
       "weight "
       "[in, out / groups, ...].",
       &conv_transpose<n>)
      .not_method();
}

}  // namespace

void define_convolution(Registry& r) {
  define_conv<1>(r);
  define_conv<2>(r);
  define_conv<3>(r);
  r.op("convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, "
       "groups)",
       "What conv1d to conv3d and their transposed forms share; batched only.", &convolution)
      .not_method()
      .no_out();
}

}  // namespace rl
