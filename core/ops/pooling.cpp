// Pooling: the maximum or the mean of each window, the windows being given by their size (max_pool,
// avg_pool) or by their number (adaptive).
#include "cpu/load_store.h"
#include "ops/format.h"
#include "ops/linear_map.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "ops/windows.h"
#include "tensor/layout.h"

namespace rl {
namespace {

/// Half types are computed in float.
DType pool_dtype(DType t) { return t == DType::F16 || t == DType::BF16 ? DType::F32 : t; }

// ---- the maps ----

struct Average {
  Windows w;
  const char* label(bool transposed) const {
    static const char* const names[2][2][2] = {
        {{"AvgPool2DBackward0", "AvgPool3DBackward0"},
         {"AvgPool2DBackwardBackward0", "AvgPool3DBackwardBackward0"}},
        {{"AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool3DBackward0"},
         {"AdaptiveAvgPool2DBackwardBackward0", "AdaptiveAvgPool3DBackwardBackward0"}}};
    return names[w.adaptive][transposed][w.spatial - 2];
  }
  Tensor run(const Tensor& x, bool transposed) const {
    const DType t = pool_dtype(x.dtype());
    const Tensor y = empty(transposed ? w.in_sizes : w.out_sizes, t, x.device());
    average_windows(w, as_contiguous(x, t), y, transposed);
    return in_format_of(as_contiguous(y, x.dtype()), x);
  }
};

Tensors maxima(const Windows& w, const Tensor& input) {
  const DType t = pool_dtype(input.dtype());
  Tensor y = empty(w.out_sizes, t, input.device()),
         indices = empty(w.out_sizes, DType::I64, input.device());
  max_windows(w, as_contiguous(input, t), y, indices);
  static const char* const names[2][2] = {
      {"MaxPool2DWithIndicesBackward0", "MaxPool3DWithIndicesBackward0"},
      {"AdaptiveMaxPool2DBackward0", "AdaptiveMaxPool3DBackward0"}};
  y = in_format_of(as_contiguous(y, input.dtype()), input);
  indices = in_format_of(indices, input);
  return record_all({y, indices}, names[w.adaptive][w.spatial - 2], {&input}, [&] {
    return [w, at = Saved(indices)](const Grads& g, Node& n) -> Grads {
      return {linear_map(Pick{w, as_contiguous(at.unpack(&n))}, g[0], true)};
    };
  });
}

// ---- the windows ----

/// One int stands for every dimension. `form` is the part of the message before "a single int".
void set(int64_t* to, const Dims& v, int n, const char* name, const char* what, const char* form) {
  static const char* const counts[] = {"", "one int", "two ints", "three ints"};
  RL_CHECK(v.size() == 1 || v.size() == n, name, ": ", what, " must ", form,
           " a single int, or a tuple of ", counts[n]);
  for (int i = 0; i < n; ++i) to[3 - n + i] = v.size() == 1 ? v[0] : v[i];
}

int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t output_length(const Windows& w, int axis, bool ceil_mode) {
  const int64_t in = w.in[axis], k = w.kernel[axis], s = w.stride[axis], p = w.pad[axis],
                d = w.dilation[axis];
  for (int64_t v : {k, s, p, d})
    RL_CHECK(v < int64_t{1} << 31 && v > -(int64_t{1} << 31), "integer out of range");
  RL_CHECK(s != 0, "stride should not be zero");
  RL_CHECK(p >= 0, "pad must be non-negative, but got pad: ", p);
  RL_CHECK(p <= ((k - 1) * d + 1) / 2,
           "pad should be at most half of effective kernel size, but got pad=", p,
           ", kernel_size=", k, " and dilation=", d);
  int64_t out = floor_div(in + 2 * p - d * (k - 1) - 1 + (ceil_mode ? s - 1 : 0), s) + 1;
  // The last window must start inside the input or its left padding.
  if (ceil_mode && (out - 1) * s >= in + p) --out;
  return out;
}

/// "kH: 2 kW: 2"
std::string by_axis(const char* name, const int64_t* v, int n) {
  static const char* const axes[] = {"T", "H", "W"};
  std::string s;
  for (int a = 3 - n; a < 3; ++a) s += str(a > 3 - n ? " " : "", name, axes[a], ": ", v[a]);
  return s;
}
bool all_positive(const int64_t* v) { return v[0] > 0 && v[1] > 0 && v[2] > 0; }

std::string shape_text(int64_t channels, const int64_t* v, int n) {
  std::string s = str("(", channels);
  for (int a = 3 - n; a < 3; ++a) s += str("x", v[a]);
  return s + ")";
}

void check_windows(const Windows& w, const Tensor& x, bool is_max) {
  const int n = w.spatial;
  RL_CHECK(all_positive(w.kernel), "kernel size should be greater than zero, but got ",
           by_axis("k", w.kernel, n));
  RL_CHECK(all_positive(w.stride), "stride should be greater than zero, but got ",
           by_axis("d", w.stride, n));
  RL_CHECK(all_positive(w.dilation), "dilation should be greater than zero, but got ",
           by_axis("dilation", w.dilation, n));
  bool nonempty = true;
  for (int d = x.dim() - n - 1; d < x.dim(); ++d) nonempty &= x.size(d) > 0;
  RL_CHECK(nonempty || !is_max || n == 2,  // torch prints the length as the dimension
           "max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to "
           "have positive length, but input has a shape of ",
           x.sizes(), " and non-batch dimension 0 has length zero!");
  RL_CHECK(nonempty, "Expected ", n + 1, "D or ", n + 2,
           "D (batch mode) tensor with optional 0 dim batch size for input, but got:", x.sizes());
  RL_CHECK(all_positive(w.out), "Given input size: ", shape_text(x.size(-n - 1), w.in, n),
           ". Calculated output size: ", shape_text(x.size(-n - 1), w.out, n),
           ". Output size is too small"
           "\nwhy: a window does not fit into the padded input.\nfix: a smaller kernel_size or "
           "dilation, or "
           "more padding.");
}

/// Sizes of the input, and of the tensors once `out` is known.
void set_input(Windows& w, const Tensor& x) {
  for (int i = 0; i < w.spatial; ++i) w.in[3 - w.spatial + i] = x.size(x.dim() - w.spatial + i);
  for (int d = 0; d < x.dim() - w.spatial; ++d) w.planes *= x.size(d);
  w.in_sizes = x.sizes();
}
void set_output(Windows& w) {
  w.out_sizes = w.in_sizes;
  for (int i = 0; i < w.spatial; ++i)
    w.out_sizes[w.out_sizes.size() - w.spatial + i] = w.out[3 - w.spatial + i];
  checked_numel(w.out_sizes);
}

struct Sizes {
  const Dims& kernel;
  const OptDims& stride;  // None and () mean the kernel's size
  const Dims &padding, &dilation;
};

bool given(const OptDims& stride) { return stride && !stride->empty(); }

template <int n>
Windows fixed_windows(const char* name, const Tensor& x, const Sizes& s, bool ceil_mode,
                      bool is_max) {
  check_cpu(x);
  Windows w;
  w.spatial = n;
  const char* kernel_form = n == 3 && !is_max ? "be" : "either be";
  set(w.kernel, s.kernel, n, name, "kernel_size", kernel_form);
  set(w.stride, given(s.stride) ? *s.stride : s.kernel, n, name, "stride",
      n == 3 && !is_max ? "be omitted," : "either be omitted,");
  set(w.pad, s.padding, n, name, "padding", kernel_form);
  set(w.dilation, s.dilation, n, name, "dilation", "be either");
  if (is_max || n == 3)
    RL_CHECK(x.dim() == n + 1 || x.dim() == n + 2, "non-empty ", n + 1, "D or ", n + 2,
             "D (batch mode) tensor expected for input");
  wrap_dim(-n - 1, x.dim(), false);
  RL_CHECK(x.dim() <= n + 2, "Expected ", n + 1, "D or ", n + 2,
           "D (batch mode) tensor with optional 0 dim batch size for input, but got:", x.sizes());
  set_input(w, x);
  for (int a = 3 - n; a < 3; ++a) w.out[a] = output_length(w, a, ceil_mode);
  check_windows(w, x, is_max);
  set_output(w);
  return w;
}

// ---- max_pool ----

template <int n>
std::tuple<Tensor, Tensor> max_pool_with_indices(const Tensor& input, const Dims& kernel,
                                                 const OptDims& stride, const Dims& padding,
                                                 const Dims& dilation, bool ceil_mode) {
  static constexpr const char* name = n == 2 ? "max_pool2d" : "max_pool3d";
  const Windows w =
      fixed_windows<n>(name, input, {kernel, stride, padding, dilation}, ceil_mode, true);
  if (input.dtype() == DType::Bool || is_complex(input.dtype()))
    not_implemented(name, input.dtype());
  Tensors r = maxima(w, input);
  return {r[0], r[1]};
}

template <int n>
Tensor max_pool(const Tensor& input, const Dims& kernel, const OptDims& stride, const Dims& padding,
                const Dims& dilation, bool ceil_mode) {
  return std::get<0>(max_pool_with_indices<n>(input, kernel, stride, padding, dilation, ceil_mode));
}

// Rows are images of height one.

void check_one_int(const char* name, const char* what, const Dims& v) {
  RL_CHECK(v.size() == 1, name, "() argument '", what, "' should contain one int (got ", v.size(),
           ")");
}
void check_rows(const char* name, const Tensor& x) {
  RL_CHECK(x.dim() == 2 || x.dim() == 3, "Expected 2 to 3 dimensions, but got ", x.dim(),
           "-dimensional tensor for argument #1 'self' (while checking arguments for ", name, ")");
}
Dims in_row(const Dims& v, int64_t other) { return {other, v[0]}; }
OptDims in_row(const OptDims& v) { return given(v) ? OptDims(Dims{1, (*v)[0]}) : OptDims(); }

std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, const Dims& kernel,
                                                   const OptDims& stride, const Dims& padding,
                                                   const Dims& dilation, bool ceil_mode) {
  constexpr const char* name = "max_pool1d";
  check_rows(name, input);
  check_one_int(name, "kernel_size", kernel);
  if (given(stride)) check_one_int(name, "stride", *stride);
  check_one_int(name, "padding", padding);
  check_one_int(name, "dilation", dilation);
  const auto [values, indices] =
      max_pool_with_indices<2>(unsqueeze(input, -2), in_row(kernel, 1), in_row(stride),
                               in_row(padding, 0), in_row(dilation, 1), ceil_mode);
  return {squeeze_dim(values, -2), squeeze_dim(indices, -2)};
}

void check_max_pool1d(const Tensor& x, const Dims& kernel, const OptDims& stride,
                      const Dims& padding, const Dims& dilation, bool ceil_mode) {
  const bool shaped = x.dim() == 2 || x.dim() == 3;
  RL_CHECK(shaped && x.size(-1) > 0 && x.size(-2) > 0,
           "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for "
           "input, but "
           "got:",
           x.sizes());
  const Dims& steps = given(stride) ? *stride : kernel;
  struct Named {
    const char* name;
    const Dims& value;
  };
  for (const Named& v : {Named{"kernel_size", kernel}, Named{"stride", steps},
                         Named{"padding", padding}, Named{"dilation", dilation}})
    RL_CHECK(v.value.size() == 1, "max_pool1d() ", v.name,
             " must be an int, list of ints or tuple of ints of size 1 but got size ",
             v.value.size());
  const int64_t k = kernel[0], s = steps[0], p = padding[0], d = dilation[0];
  RL_CHECK(k > 0, "max_pool1d() kernel_size must be greater than zero, but got ", k);
  RL_CHECK(s > 0, "max_pool1d() stride must be greater than zero, but got ", s);
  RL_CHECK(p >= 0, "max_pool1d() padding must be non-negative, but got ", p);
  RL_CHECK(p <= k / 2,
           "max_pool1d() padding should be at most half of kernel size, but got padding=", p,
           " and kernel_size=", k);
  RL_CHECK(d > 0, "max_pool1d() dilation must be greater than zero, but got ", d);
  Windows w;
  w.in[2] = x.size(-1), w.kernel[2] = k, w.stride[2] = s, w.pad[2] = p, w.dilation[2] = d;
  const int64_t out = output_length(w, 2, ceil_mode);
  RL_CHECK(out > 0, "max_pool1d() Invalid computed output size: ", out);
}

Tensor max_pool1d(const Tensor& input, const Dims& kernel, const OptDims& stride,
                  const Dims& padding, const Dims& dilation, bool ceil_mode) {
  check_max_pool1d(input, kernel, stride, padding, dilation, ceil_mode);
  if (!is_floating(input.dtype())) not_implemented("max_pool1d_impl", input.dtype());
  return std::get<0>(max_pool1d_with_indices(input, kernel, stride, padding, dilation, ceil_mode));
}

// ---- avg_pool ----

template <int n>
Tensor avg_pool(const Tensor& input, const Dims& kernel, const OptDims& stride, const Dims& padding,
                bool ceil_mode, bool count_include_pad, OptInt divisor_override) {
  static constexpr const char* name = n == 2 ? "avg_pool2d" : "avg_pool3d";
  RL_CHECK(!divisor_override || *divisor_override != 0, "divisor must be not zero");
  const Dims one{1};
  Windows w = fixed_windows<n>(name, input, {kernel, stride, padding, one}, ceil_mode, false);
  w.include_pad = count_include_pad;
  w.divisor = divisor_override.value_or(0);
  if (!is_floating(input.dtype()) && input.dtype() != DType::I64)
    not_implemented(n == 2 ? name : "avg_pool3d_out_frame", input.dtype());
  if (input.dtype() == DType::I64) w.spatial = 3;  // the kernels for planes are for floats
  return linear_map(Average{w}, input);
}

Tensor avg_pool1d(const Tensor& input, const Dims& kernel, const OptDims& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad) {
  check_rows("avg_pool1d", input);
  check_one_int("avg_pool1d", "kernel_size", kernel);
  if (given(stride)) check_one_int("avg_pool1d", "stride", *stride);
  check_one_int("avg_pool1d", "padding", padding);
  return squeeze_dim(avg_pool<2>(unsqueeze(input, -2), in_row(kernel, 1), in_row(stride),
                                 in_row(padding, 0), ceil_mode, count_include_pad, {}),
                     -2);
}

// ---- adaptive ----

void check_not_empty_shape(const char* name, const Tensor& x, int n) {
  for (int d = x.dim() - n; d < x.dim(); ++d)
    RL_CHECK(
        x.size(d) > 0, name,
        "(): Expected input to have non-zero size for non-batch dimensions, but input has sizes ",
        x.sizes(), " with dimension ", d, " being empty");
}

Windows adaptive_windows(const Tensor& x, int n, const Dims& size) {
  Windows w;
  w.spatial = n;
  w.adaptive = true;
  set_input(w, x);
  for (int i = 0; i < n; ++i) w.out[3 - n + i] = size[i];
  set_output(w);  // raises where a size is negative
  for (int64_t s : size) RL_CHECK(s < int64_t{1} << 31, "integer out of range");
  return w;
}

template <int n>
Tensor adaptive_avg_pool(const Tensor& input, const Dims& output_size) {
  static constexpr const char* name = n == 2 ? "adaptive_avg_pool2d" : "adaptive_avg_pool3d";
  check_cpu(input);
  const Dims size =
      output_size.size() == 1 && n == 2 ? Dims{output_size[0], output_size[0]} : output_size;
  RL_CHECK(size.size() == n, name, ": output_size must be ", n);
  std::string list;
  bool valid = true;
  for (int i = 0; i < n; ++i) {
    list += str(i == 0 ? "" : n == 3 && i == 2 ? "," : ", ", size[i]);
    valid &= size[i] >= 0;
  }
  RL_CHECK(valid, name,
           ": elements of output_size must be greater than or equal to 0 but received {", list,
           "}");
  RL_CHECK(input.dim() == n + 1 || input.dim() == n + 2, name, "(): Expected ", n + 1, "D or ",
           n + 2, "D tensor, but got ", input.sizes());
  if (n == 2 && size[0] == 1 && size[1] == 1) return mean_dims(input, {-1, -2}, true);
  check_not_empty_shape(name, input, n);
  if (!is_floating(input.dtype())) not_implemented(name, input.dtype());
  return linear_map(Average{adaptive_windows(input, n, size)}, input);
}

Tensor adaptive_avg_pool1d(const Tensor& input, const Dims& output_size) {
  check_rows("adaptive_avg_pool1d", input);
  check_one_int("adaptive_avg_pool1d", "output_size", output_size);
  return squeeze_dim(adaptive_avg_pool<2>(unsqueeze(input, -2), {1, output_size[0]}), -2);
}

template <int n>
std::tuple<Tensor, Tensor> adaptive_max_pool(const Tensor& input, const Dims& output_size) {
  static constexpr const char* name = n == 2 ? "adaptive_max_pool2d" : "adaptive_max_pool3d";
  check_cpu(input);
  const Dims size = output_size.size() == 1 ? Dims::filled(n, output_size[0]) : output_size;
  RL_CHECK(input.dim() == n + 1 || input.dim() == n + 2, name, "(): Expected ", n + 1, "D or ",
           n + 2, "D tensor, but got: ", input.sizes());
  check_not_empty_shape(name, input, n);
  RL_CHECK(size.size() == n, name, "(): internal error: output_size.size() must be ", n);
  const Windows w = adaptive_windows(input, n, size);
  if (!is_floating(input.dtype()))
    not_implemented(n == 2 ? name : "adaptive_max_pool3d_cpu", input.dtype());
  Tensors r = maxima(w, input);
  return {r[0], r[1]};
}

std::tuple<Tensor, Tensor> adaptive_max_pool1d(const Tensor& input, const Dims& output_size) {
  constexpr const char* name = "adaptive_max_pool1d";
  check_rows(name, input);
  check_one_int(name, "output_size", output_size);
  check_not_empty_shape(name, input, 1);
  const auto [values, indices] = adaptive_max_pool<2>(unsqueeze(input, -2), {1, output_size[0]});
  return {squeeze_dim(values, -2), squeeze_dim(indices, -2)};
}

}  // namespace

void define_pooling(Registry& r) {
  const char* doc =
      "The largest element of each window of the last dimensions; the stride is kernel_size by "
      "default.";
#define RL_MAX_POOL "(input, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False)"
  r.op("max_pool1d" RL_MAX_POOL, doc, &max_pool1d).not_method();
  r.op("max_pool2d" RL_MAX_POOL, doc, &max_pool<2>).not_method();
  r.op("max_pool3d" RL_MAX_POOL, doc, &max_pool<3>).not_method();
  const char* indices_doc =
      "The largest element of each window, and where it lies in its row, plane or volume, "
      "flattened.";
  r.op("max_pool1d_with_indices" RL_MAX_POOL, indices_doc, &max_pool1d_with_indices).not_method();
  r.op("max_pool2d_with_indices" RL_MAX_POOL, indices_doc, &max_pool_with_indices<2>).nn();
  r.op("max_pool3d_with_indices" RL_MAX_POOL, indices_doc, &max_pool_with_indices<3>).nn();
#undef RL_MAX_POOL
  const char* avg_doc =
      "The mean of each window of the last dimensions; the stride is kernel_size by default.";
  r.op("avg_pool1d(input, kernel_size, stride=[], padding=0, ceil_mode=False, "
       "count_include_pad=True)",
       avg_doc, &avg_pool1d)
      .not_method()
      .no_out();
#define RL_AVG_POOL                                                                      \
  "(input, kernel_size, stride=[], padding=0, ceil_mode=False, count_include_pad=True, " \
  "divisor_override=None)"
  r.op("avg_pool2d" RL_AVG_POOL, avg_doc, &avg_pool<2>).nn().out_dtype(kOutExact);
  r.op("avg_pool3d" RL_AVG_POOL, avg_doc, &avg_pool<3>).nn().out_dtype(kOutExact);
#undef RL_AVG_POOL
  const char* adaptive_doc = "Pooling over output_size windows that together cover the input.";
  r.op("adaptive_avg_pool1d(input, output_size)", adaptive_doc, &adaptive_avg_pool1d)
      .not_method()
      .no_out();
  r.op("adaptive_avg_pool2d(input, output_size)", adaptive_doc, &adaptive_avg_pool<2>).nn();
  r.op("adaptive_avg_pool3d(input, output_size)", adaptive_doc, &adaptive_avg_pool<3>).nn();
  r.op("adaptive_max_pool1d(input, output_size)", adaptive_doc, &adaptive_max_pool1d)
      .not_method()
      .no_out();
  r.op("adaptive_max_pool2d(input, output_size)", adaptive_doc, &adaptive_max_pool<2>).nn();
  r.op("adaptive_max_pool3d(input, output_size)", adaptive_doc, &adaptive_max_pool<3>).nn();
}

}  // namespace rl
