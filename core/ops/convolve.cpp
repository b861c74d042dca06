// Convolution kernels on tensors: 1-d and 2-d ones go to cpu/conv.h, 3-d ones become 2-d with the
// window's depth among the channels, other dtypes are computed in a floating one. No checks here.
#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu/conv.h"
#include "cpu/gemm.h"
#include "cpu/threads.h"
#include "ops/convolution.h"
#include "ops/ops.h"
#include "tensor/layout.h"

namespace rl {
namespace {

cpu::Conv2d planar(const ConvShape& s) {
  const int last = s.spatial() - 1, d = last + 2;
  const auto get = [&](const Dims& v, int64_t flat) { return last ? v[last - 1] : flat; };
  const auto size = [&](const Dims& v) { return last ? v[d - 1] : 1; };
  cpu::Conv2d v{s.x[0], s.x[1], size(s.x), s.x[d], s.w[0], size(s.w), s.w[d]};
  v.stride_h = get(s.stride, 1), v.stride_w = s.stride[last];
  v.pad_h = get(s.padding, 0), v.pad_w = s.padding[last];
  v.dilation_h = get(s.dilation, 1), v.dilation_w = s.dilation[last];
  v.groups = s.groups;
  return v;
}

/// A stride past the last window does nothing, but kernels make a plane for each of its phases.
int64_t useful_stride(int64_t stride, int64_t in, int64_t pad, int64_t reach) {
  return std::min(stride, in + 2 * pad - reach + 1);
}

void run_planar(Role by, cpu::Conv2d v, DType t, const void* a, const void* b, void* out,
                const void* bias = nullptr) {
  v.stride_h = useful_stride(v.stride_h, v.h, v.pad_h, v.dilation_h * (v.r - 1) + 1);
  v.stride_w = useful_stride(v.stride_w, v.w, v.pad_w, v.dilation_w * (v.s - 1) + 1);
  const double padded =
      static_cast<double>(v.h + 2 * v.pad_h) * static_cast<double>(v.w + 2 * v.pad_w);
  RL_CHECK(padded * static_cast<double>(v.c) < 1e12, "convolution: the padded input of size ",
           v.h + 2 * v.pad_h, " x ", v.w + 2 * v.pad_w, " is too large");
  switch (by) {
    case Role::Output:
      return cpu::conv2d_forward(v, t, a, b, bias, out);
    case Role::Input:
      return cpu::conv2d_backward_input(v, t, b, a, out);
    default:
      return cpu::conv2d_backward_weight(v, t, a, b, out);
  }
}

// ---- three dimensions ----

/// One image at a time: x[c, depth, ...] unfolds to u[out_depth, c, kernel_depth, ...], which is a
/// batch of planar images whose weights lie in memory as they should already.
template <class T>
class Volume {
 public:
  explicit Volume(const ConvShape& s)
      : channels_(s.x[1]),
        depth_(s.x[2]),
        plane_(s.x[3] * s.x[4]),
        outputs_(s.y[1]),
        out_depth_(s.y[2]),
        out_plane_(s.y[3] * s.y[4]),
        kernel_(s.w[2]),
        stride_(s.stride[0]),
        padding_(s.padding[0]),
        dilation_(s.dilation[0]) {
    flat_ = {s.y[2], s.x[1] * s.w[2], s.x[3], s.x[4], s.w[0], s.w[3], s.w[4]};
    flat_.stride_h = s.stride[1], flat_.stride_w = s.stride[2];
    flat_.pad_h = s.padding[1], flat_.pad_w = s.padding[2];
    flat_.dilation_h = s.dilation[1], flat_.dilation_w = s.dilation[2];
    flat_.groups = s.groups;
    u_.resize(static_cast<size_t>(out_depth_ * channels_ * kernel_ * plane_));
    y_.resize(static_cast<size_t>(out_depth_ * outputs_ * out_plane_));
  }

  void run(Role by, DType t, int64_t images, const T* a, const T* b, T* out) {
    const int64_t x_size = channels_ * depth_ * plane_, y_size = outputs_ * out_depth_ * out_plane_;
    const int64_t w_size = flat_.k * (channels_ / flat_.groups) * kernel_ * flat_.r * flat_.s;
    std::vector<T> part(by == Role::Weight ? static_cast<size_t>(w_size) : 0);
    if (by != Role::Output)
      std::fill(out, out + (by == Role::Input ? images * x_size : w_size), T(0));
    for (int64_t n = 0; n < images; ++n) {
      if (by == Role::Output) {
        unfold(a + n * x_size);
        run_planar(by, flat_, t, u_.data(), b, y_.data());
        each_output([&](T* y, int64_t at) { std::copy(y, y + out_plane_, out + n * y_size + at); });
        continue;
      }
      const T* dy = (by == Role::Input ? b : a) + n * y_size;
      each_output([&](T* y, int64_t at) { std::copy(dy + at, dy + at + out_plane_, y); });
      if (by == Role::Input) {
        run_planar(by, flat_, t, a, y_.data(), u_.data());
        fold(out + n * x_size);
      } else {
        unfold(b + n * x_size);
        run_planar(by, flat_, t, y_.data(), u_.data(), part.data());
        for (int64_t i = 0; i < w_size; ++i) out[i] += part[static_cast<size_t>(i)];
      }
    }
  }

 private:
  /// f(plane of u, the plane's depth in x) for each out_depth, channel and tap; -1 outside of x.
  template <class F>
  void each_input(int64_t channel, F f) {
    for (int64_t o = 0; o < out_depth_; ++o)
      for (int64_t k = 0; k < kernel_; ++k) {
        const int64_t d = o * stride_ - padding_ + k * dilation_;
        f(u_.data() + ((o * channels_ + channel) * kernel_ + k) * plane_, d < depth_ ? d : -1);
      }
  }
  void unfold(const T* x) {
    cpu::parallel_for(0, channels_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        each_input(c, [&](T* u, int64_t d) {
          if (d < 0)
            std::fill(u, u + plane_, T(0));
          else
            std::copy(x + (c * depth_ + d) * plane_, x + (c * depth_ + d + 1) * plane_, u);
        });
    });
  }
  void fold(T* x) {
    cpu::parallel_for(0, channels_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        each_input(c, [&](const T* u, int64_t d) {
          T* to = x + (c * depth_ + d) * plane_;
          for (int64_t i = 0; d >= 0 && i < plane_; ++i) to[i] += u[i];
        });
    });
  }
  /// f(plane of y_, its place in [outputs, out_depth, ...]).
  template <class F>
  void each_output(F f) {
    for (int64_t o = 0; o < out_depth_; ++o)
      for (int64_t k = 0; k < outputs_; ++k)
        f(y_.data() + (o * outputs_ + k) * out_plane_, (k * out_depth_ + o) * out_plane_);
  }

  int64_t channels_, depth_, plane_, outputs_, out_depth_, out_plane_, kernel_, stride_, padding_,
      dilation_;
  cpu::Conv2d flat_;
  std::vector<T> u_, y_;
};

// ---- any shape, any dtype ----

/// The windows that fit into x: an output padding as large as a stride leaves room for more than y
/// has, and these count as zeros.
Dims fitting(const ConvShape& s) {
  Dims y = s.y;
  for (int d = 0; d < s.spatial(); ++d) {
    const int64_t reach = s.dilation[d] * (s.w[d + 2] - 1) + 1;
    y[d + 2] = (s.x[d + 2] + 2 * s.padding[d] - reach) / s.stride[d] + 1;
  }
  return y;
}

/// A corner, not recorded.
Tensor corner(const Tensor& x, const Dims& sizes) {
  return make_view(x->storage, x.dtype(), sizes, x.strides(), x->offset);
}

Tensor run_real(Role by, const ConvShape& s, DType t, const Tensor& a, const Tensor& b,
                const Tensor& bias = {}) {
  Tensor out = empty(s.of(by), t, a.device());
  const Tensor ca = as_contiguous(a, t), cb = as_contiguous(b, t);
  const Tensor cbias = bias.defined() ? as_contiguous(bias, t) : Tensor();
  int64_t outputs = 1;
  for (int64_t n : s.y) outputs *= n;
  const void *pa = ca.raw(), *pb = cb.raw(), *pbias = bias.defined() ? cbias.raw() : nullptr;
  void* po = out.raw();
  LongKernel off(outputs * (checked_numel(s.w) / s.w[0]));
  if (s.spatial() <= 2)
    run_planar(by, planar(s), t, pa, pb, po, pbias);
  else if (t == DType::F64)
    Volume<double>(s).run(by, t, s.x[0], static_cast<const double*>(pa),
                          static_cast<const double*>(pb), static_cast<double*>(po));
  else
    Volume<float>(s).run(by, t, s.x[0], static_cast<const float*>(pa),
                         static_cast<const float*>(pb), static_cast<float*>(po));
  return out;
}

Tensor part_of(const Tensor& t, bool imaginary) {
  Dims strides = t.strides();
  for (int64_t& s : strides) s *= 2;
  return make_view(t->storage, real_of(t.dtype()), t.sizes(), strides, 2 * t->offset + imaginary);
}

/// The form is linear in each part, so the parts multiply as complex numbers do.
Tensor run_complex(Role by, const ConvShape& s, const Tensor& a, const Tensor& b) {
  const DType t = real_of(a.dtype());
  const auto run = [&](bool i, bool j) { return run_real(by, s, t, part_of(a, i), part_of(b, j)); };
  const Tensor out = empty(s.of(by), a.dtype(), a.device());
  write(part_of(out, false), call_op<"sub">(run(false, false), run(true, true)));
  write(part_of(out, true), call_op<"add">(run(false, true), run(true, false)));
  return out;
}

DType wide(DType t) { return t == DType::F64 || is_integral(t) ? DType::F64 : DType::F32; }

bool is_empty(const ConvShape& s) {
  return checked_numel(s.y) == 0 || checked_numel(s.x) == 0 || checked_numel(s.w) == 0;
}

/// Adds bias[channel] to a fresh, contiguous tensor.
void add_bias(const Tensor& out, const Tensor& bias) {
  static const Op* add = registry().find("add");
  Dims shape = Dims::filled(out.dim(), 1);
  shape[1] = bias.numel();
  const Tensor column = reshape(bias, shape);
  const Operand operands[] = {out, column};
  const Scalar alpha(1);
  pointwise_out(*add->formula, operands, &alpha, out);
}

}  // namespace

Tensor conv_biased(Role by, const ConvShape& s, const Tensor& a, const Tensor& b,
                   const Tensor& bias) {
  GradGuard off(false);
  const DType t = a.dtype();
  if (!bias.defined()) return conv_run(by, s, a, b);
  if (by == Role::Output && s.spatial() <= 2 && is_floating(t) && !is_empty(s))
    return as_contiguous(run_real(by, s, wide(t), a, b, bias), t);
  const Tensor out = conv_run(by, s, a, b);
  add_bias(out, bias);
  return out;
}

Tensor conv_run(Role by, const ConvShape& s, const Tensor& a, const Tensor& b) {
  GradGuard off(false);
  const DType t = a.dtype();
  if (is_empty(s)) return zeros(s.of(by), t, a.device());
  if (const Dims y = fitting(s); !(y == s.y)) {
    ConvShape whole = s;
    whole.y = y;
    if (by == Role::Output) return contiguous_copy(corner(conv_run(by, whole, a, b), s.y));
    const Tensor& given = by == Role::Input ? b : a;
    const Tensor padded = zeros(y, t, a.device());
    write(corner(padded, s.y), given);
    return by == Role::Input ? conv_run(by, whole, a, padded) : conv_run(by, whole, padded, b);
  }
  if (is_complex(t)) return run_complex(by, s, a, b);
  return as_contiguous(run_real(by, s, wide(t), a, b), t);
}

Tensor conv_derivative(Role by, const ConvShape& s, const Tensor& a, const Tensor& b) {
  const char* label = by == Role::Output ? "ConvolutionBackward0" : "ConvolutionBackwardBackward0";
  return record(conv_run(by, s, a, b), label, {&a, &b}, [&] {
    return [by, s, a = Saved(a), b = Saved(b)](const Grads& grads, Node& n) -> Grads {
      const auto conjugated = [&](const Saved& saved) {
        const Tensor t = saved.unpack(&n);
        return is_complex(t.dtype()) ? call_op<"conj_physical">(t) : t;
      };
      const Role first = after(by), second = after(first);
      Grads r(2);
      if (n.needs(0)) r[0] = conv_derivative(first, s, conjugated(b), grads[0]);
      if (n.needs(1)) r[1] = conv_derivative(second, s, grads[0], conjugated(a));
      return r;
    };
  });
}

}  // namespace rl
