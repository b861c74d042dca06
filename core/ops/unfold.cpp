// im2col and col2im (torch.nn.functional.unfold and fold): the windows of an image as columns, and
// the sum of columns back into an image. Each is the other's transpose.
#include <algorithm>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "ops/linear_map.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

struct Columns {
  int64_t n, channels, h, w, out_h, out_w;
  int64_t kernel[2], stride[2], pad[2], dilation[2];
  Dims image, columns;  // the tensors' sizes
  bool from_columns;    // col2im is the map, im2col its transpose

  const char* label(bool transposed) const {
    return transposed == from_columns ? "Im2ColBackward0" : "Col2ImBackward0";
  }

  Tensor run(const Tensor& x, bool transposed) const {
    const bool fold = transposed != from_columns;
    const bool half = x.dtype() == DType::F16 || x.dtype() == DType::BF16;
    const DType t = half && fold ? DType::F32 : x.dtype();
    const Tensor y = empty(fold ? image : columns, t, x.device()), from = as_contiguous(x, t);
    const void* in = from.raw();
    void* out = y.raw();
    {
      LongKernel off(x.numel() + y.numel());
      dispatch(t, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if (!fold)
          unfold_all(static_cast<const T*>(in), static_cast<T*>(out));
        else if constexpr (!std::is_same_v<T, Half> && !std::is_same_v<T, BFloat16>)
          fold_all(static_cast<const T*>(in), static_cast<T*>(out));
      });
    }
    return as_contiguous(y, x.dtype());
  }

 private:
  /// For each row of out_w column elements of a channel: f(where it starts, the image row's start
  /// or -1 in the padding, the image column of its first element, the part [begin, end) inside).
  template <class F>
  void each_row(F f) const {
    int64_t at = 0;
    for (int64_t r = 0; r < kernel[0]; ++r)
      for (int64_t s = 0; s < kernel[1]; ++s) {
        const int64_t x = s * dilation[1] - pad[1];
        const int64_t begin = x < 0 ? std::min((-x + stride[1] - 1) / stride[1], out_w) : 0;
        const int64_t end = x < w ? std::min((w - 1 - x) / stride[1] + 1, out_w) : 0;
        for (int64_t i = 0; i < out_h; ++i, at += out_w) {
          const int64_t y = i * stride[0] - pad[0] + r * dilation[0];
          const bool inside = y >= 0 && y < h && begin < end;
          f(at, inside ? y * w : -1, x, inside ? begin : out_w, inside ? end : out_w);
        }
      }
  }
  int64_t column_size() const { return kernel[0] * kernel[1] * out_h * out_w; }
  template <class F>
  void each_channel(F f) const {
    cpu::parallel_for(0, n * channels, 1 + 16384 / (column_size() + h * w + 1),
                      [&](int64_t begin, int64_t end) {
                        for (int64_t c = begin; c < end; ++c) f(c * h * w, c * column_size());
                      });
  }
  template <class T>
  void unfold_all(const T* x, T* y) const {
    each_channel([&](int64_t image_at, int64_t column_at) {
      const T* from = x + image_at;
      T* to = y + column_at;
      each_row([&](int64_t at, int64_t row, int64_t left, int64_t begin, int64_t end) {
        T* __restrict out = to + at;
        std::fill(out, out + begin, T{});
        std::fill(out + end, out + out_w, T{});
        const T* in = from + row + left;
        if (stride[1] == 1 && begin < end)
          std::copy(in + begin, in + end, out + begin);
        else
          for (int64_t j = begin; j < end; ++j) out[j] = in[j * stride[1]];
      });
    });
  }
  template <class T>
  void fold_all(const T* x, T* y) const {
    each_channel([&](int64_t image_at, int64_t column_at) {
      const T* from = x + column_at;
      T* to = y + image_at;
      std::fill(to, to + h * w, T{});
      each_row([&](int64_t at, int64_t row, int64_t left, int64_t begin, int64_t end) {
        T* out = to + row + left;
        for (int64_t j = begin; j < end; ++j)
          out[j * stride[1]] = static_cast<T>(out[j * stride[1]] + from[at + j]);
      });
    });
  }
};

std::string pair(const int64_t* v) { return str("(", v[0], ", ", v[1], ")"); }

void set_pair(int64_t* to, const Dims& given, const char* name) {
  const Dims v = given.size() == 1 ? Dims{given[0], given[0]} : given;
  for (int i = 0; i < 2; ++i) {
    RL_CHECK(v[i] < int64_t{1} << 31 && v[i] > -(int64_t{1} << 31), name, " is out of range");
    to[i] = v[i];
  }
}

void check_pair(const Dims& v, const char* name) {
  RL_CHECK(v.size() == 2 || v.size() == 1, "It is expected ", name, " equals to 2, but got size ",
           v.size());
}

void set_windows(Columns& c, const Dims& kernel, const Dims& dilation, const Dims& padding,
                 const Dims& stride) {
  check_pair(kernel, "kernel_size");
  check_pair(dilation, "dilation");
  check_pair(padding, "padding");
  check_pair(stride, "stride");
  set_pair(c.kernel, kernel, "kernel_size");
  set_pair(c.dilation, dilation, "dilation");
  set_pair(c.pad, padding, "padding");
  set_pair(c.stride, stride, "stride");
  const auto check = [](const int64_t* v, int64_t least, const char* what, const char* name,
                        const char* wanted) {
    RL_CHECK(v[0] >= least && v[1] >= least, what, " should be ", wanted, ", but got ", name,
             "_height: ", v[0], " ", name, "_width: ", v[1]);
  };
  check(c.kernel, 1, "kernel size", "kernel", "greater than zero");
  check(c.stride, 1, "stride", "stride", "greater than zero");
  check(c.dilation, 1, "dilation", "dilation", "greater than zero");
  check(c.pad, 0, "padding", "pad", "non-negative");
}

int64_t blocks(int64_t in, const Columns& c, int i) {
  const int64_t room = in + 2 * c.pad[i] - (c.dilation[i] * (c.kernel[i] - 1) + 1);
  return (room < 0 ? (room - c.stride[i] + 1) / c.stride[i] : room / c.stride[i]) + 1;
}

Tensor im2col(const Tensor& input, const Dims& kernel_size, const Dims& dilation,
              const Dims& padding, const Dims& stride) {
  check_cpu(input);
  Columns c{};
  set_windows(c, kernel_size, dilation, padding, stride);
  const int dim = input.dim();
  wrap_dim(2, dim, false);
  bool full = dim == 3 || dim == 4;
  for (int d = dim - 3; d < dim && full; ++d) full = input.size(d) > 0;
  RL_CHECK(full,
           "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
           "dimensions for input, but got: ",
           input.sizes());
  c.n = dim == 4 ? input.size(0) : 1;
  c.channels = input.size(-3), c.h = input.size(-2), c.w = input.size(-1);
  c.out_h = blocks(c.h, c, 0), c.out_w = blocks(c.w, c, 1);
  RL_CHECK(c.out_h >= 1 && c.out_w >= 1, "Given input with spatial size (", c.h, ", ", c.w,
           "), kernel_size=", pair(c.kernel), ", dilation=", pair(c.dilation),
           ", padding=", pair(c.pad), ", calculated shape of the array of sliding blocks as (",
           c.out_h, ", ", c.out_w, "), but its components must be at least one.");
  c.image = input.sizes();
  if (dim == 4) c.columns.push_back(c.n);
  c.columns.push_back(c.channels * c.kernel[0] * c.kernel[1]);
  c.columns.push_back(c.out_h * c.out_w);
  checked_numel({c.n, c.channels, c.kernel[0], c.kernel[1], c.out_h, c.out_w});
  if (is_integral(input.dtype(), false)) not_implemented("im2col_out_cpu", input.dtype());
  return linear_map(c, input);
}

Tensor col2im(const Tensor& input, const Dims& output_size, const Dims& kernel_size,
              const Dims& dilation, const Dims& padding, const Dims& stride) {
  check_cpu(input);
  Columns c{};
  c.from_columns = true;
  check_pair(output_size, "output_size");
  set_windows(c, kernel_size, dilation, padding, stride);
  int64_t size[2];
  set_pair(size, output_size, "output_size");
  const int dim = input.dim();
  bool full = dim == 2 || dim == 3;
  for (int d = dim - 2; d < dim && full; ++d) full = input.size(d) > 0;
  RL_CHECK(
      full,
      "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
      "dimensions for input, but got: ",
      input.sizes());
  const int64_t taps = c.kernel[0] * c.kernel[1];
  RL_CHECK(
      input.size(-2) % taps == 0,
      "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
      "input.size(1)=",
      input.size(-2), " and kernel_size=", pair(c.kernel), ".");
  c.n = dim == 3 ? input.size(0) : 1;
  c.channels = input.size(-2) / taps, c.h = size[0], c.w = size[1];
  c.out_h = blocks(c.h, c, 0), c.out_w = blocks(c.w, c, 1);
  RL_CHECK(
      input.size(-1) == c.out_h * c.out_w && c.out_h >= 1, "Given output_size=", pair(size),
      ", kernel_size=", pair(c.kernel), ", dilation=", pair(c.dilation), ", padding=", pair(c.pad),
      ", stride=", pair(c.stride),
      ", expected size of input's dimension 2 to match the calculated number of sliding blocks ",
      c.out_h, " * ", c.out_w, " = ", c.out_h * c.out_w, ", but got input.size(2)=", input.size(-1),
      ".");
  RL_CHECK(c.h > 0 && c.w > 0, "output size should be positive, but got ", pair(size));
  c.columns = input.sizes();
  if (dim == 3) c.image.push_back(c.n);
  for (int64_t s : {c.channels, c.h, c.w}) c.image.push_back(s);
  checked_numel(c.image);
  if (is_integral(input.dtype(), false)) not_implemented("col2im_out_cpu", input.dtype());
  return linear_map(c, input);
}

}  // namespace

void define_unfold(Registry& r) {
  r.op("im2col(input, kernel_size, dilation, padding, stride)",
       "Windows of [n, channels, h, w] as columns: [n, channels * kernel, windows].", &im2col)
      .nn();
  r.op("col2im(input, output_size, kernel_size, dilation, padding, stride)",
       "Columns added up where they overlap: [n, channels * kernel, windows] to [n, channels, h, "
       "w].",
       &col2im)
      .nn();
}

}  // namespace rl
