// Pooling kernels on contiguous tensors: planes of floats go to cpu/pool.h; volumes and integers
// are plain loops here.
#include "ops/windows.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/pool.h"
#include "cpu/threads.h"
#include "op/call.h"

namespace rl {
namespace {

cpu::Pool2d planar(const Windows& w) {
  cpu::Pool2d p{w.planes, w.in[1], w.in[2], w.out[1], w.out[2]};
  p.kernel_h = w.kernel[1], p.kernel_w = w.kernel[2];
  p.stride_h = w.stride[1], p.stride_w = w.stride[2];
  p.pad_h = w.pad[1], p.pad_w = w.pad[2];
  p.dilation_h = w.dilation[1], p.dilation_w = w.dilation[2];
  p.adaptive = w.adaptive;
  p.count_include_pad = w.include_pad;
  p.divisor_override = w.divisor;
  return p;
}

bool is_planar(const Windows& w, DType t) {
  return w.spatial == 2 && (t == DType::F32 || t == DType::F64);
}

/// Output i of an axis covers begin, begin + step, ... below end; `count` with padding.
struct Span {
  int64_t begin, end, step, count;
};

std::vector<Span> spans(const Windows& w, int axis) {
  std::vector<Span> v;
  const int64_t in = w.in[axis], pad = w.pad[axis], step = w.adaptive ? 1 : w.dilation[axis];
  for (int64_t i = 0; i < w.out[axis]; ++i) {
    if (w.adaptive) {
      const int64_t begin = i * in / w.out[axis],
                    end = ((i + 1) * in + w.out[axis] - 1) / w.out[axis];
      v.push_back({begin, end, 1, end - begin});
      continue;
    }
    int64_t begin = i * w.stride[axis] - pad;
    const int64_t end = begin + (w.kernel[axis] - 1) * step + 1;
    const int64_t padded = std::min(end, in + pad) - begin;
    if (begin < 0) begin += (-begin + step - 1) / step * step;
    v.push_back(
        {begin, std::min(end, in), step, w.include_pad ? padded : std::min(end, in) - begin});
  }
  return v;
}

/// f(output number, spans of its three axes) for every window of a plane.
class Grid {
 public:
  explicit Grid(const Windows& w) : h_(w.in[1]), w_(w.in[2]) {
    for (int a = 0; a < 3; ++a) axis_[a] = spans(w, a);
  }
  template <class F>
  void each_window(F f) const {
    int64_t o = 0;
    for (const Span& d : axis_[0])
      for (const Span& h : axis_[1])
        for (const Span& w : axis_[2]) f(o++, d, h, w);
  }
  /// f(position in the plane) for every element of a window.
  template <class F>
  void each_element(const Span& d, const Span& h, const Span& w, F f) const {
    for (int64_t i = d.begin; i < d.end; i += d.step)
      for (int64_t j = h.begin; j < h.end; j += h.step)
        for (int64_t k = w.begin; k < w.end; k += w.step) f((i * h_ + j) * w_ + k);
  }
  int64_t position(const Span& d, const Span& h, const Span& w) const {
    return (d.begin * h_ + h.begin) * w_ + w.begin;
  }

 private:
  std::vector<Span> axis_[3];
  int64_t h_, w_;
};

template <class T>
void max_kernel(const Windows& w, const T* x, T* y, int64_t* indices) {
  const Grid grid(w);
  const int64_t in = w.volume_in(), out = w.volume_out();
  cpu::parallel_for(0, w.planes, 1 + 8192 / (in + out + 1), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const T* from = x + p * in;
      grid.each_window([&](int64_t o, const Span& d, const Span& h, const Span& c) {
        using L = std::numeric_limits<Wide<T>>;
        Wide<T> best = L::has_infinity ? -L::infinity() : L::lowest();
        int64_t at = grid.position(d, h, c);
        grid.each_element(d, h, c, [&](int64_t i) {
          const Wide<T> v = from[i];
          if (v > best || v != v) best = v, at = i;
        });
        y[p * out + o] = T(best);
        indices[p * out + o] = at;
      });
    }
  });
}

template <class T>
void average_kernel(const Windows& w, const T* x, T* y) {
  const Grid grid(w);
  const int64_t in = w.volume_in(), out = w.volume_out();
  cpu::parallel_for(0, w.planes, 1 + 8192 / (in + out + 1), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      grid.each_window([&](int64_t o, const Span& d, const Span& h, const Span& c) {
        T sum = 0;
        grid.each_element(d, h, c, [&](int64_t i) { sum += x[p * in + i]; });
        y[p * out + o] = sum / static_cast<T>(w.divisor ? w.divisor : d.count * h.count * c.count);
      });
  });
}

template <class T>
void average_transposed(const Windows& w, const T* dy, T* dx) {
  const Grid grid(w);
  const int64_t in = w.volume_in(), out = w.volume_out();
  cpu::parallel_for(0, w.planes, 1 + 8192 / (in + out + 1), [&](int64_t begin, int64_t end) {
    std::fill(dx + begin * in, dx + end * in, T(0));
    for (int64_t p = begin; p < end; ++p)
      grid.each_window([&](int64_t o, const Span& d, const Span& h, const Span& c) {
        const T g =
            dy[p * out + o] / static_cast<T>(w.divisor ? w.divisor : d.count * h.count * c.count);
        grid.each_element(d, h, c, [&](int64_t i) { dx[p * in + i] += g; });
      });
  });
}

template <class T>
void pick_kernel(const Windows& w, const int64_t* indices, const T* x, T* y) {
  const int64_t in = w.volume_in(), out = w.volume_out();
  cpu::parallel_for(0, w.planes, 1 + 16384 / (out + 1), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      for (int64_t i = p * out; i < (p + 1) * out; ++i) {  // an empty window points past the plane
        const bool inside = static_cast<uint64_t>(indices[i]) < static_cast<uint64_t>(in);
        y[i] = inside ? x[p * in + indices[i]] : T(0);
      }
  });
}

}  // namespace

void max_windows(const Windows& w, const Tensor& x, const Tensor& y, const Tensor& indices) {
  if (y.numel() == 0) return;
  const void* from = x.raw();
  void* to = y.raw();
  int64_t* at = indices.data<int64_t>();
  LongKernel off(x.numel() + y.numel());
  if (is_planar(w, x.dtype())) return cpu::max_pool2d_forward(planar(w), x.dtype(), from, to, at);
  dispatch_real(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    max_kernel(w, static_cast<const T*>(from), static_cast<T*>(to), at);
  });
}

void average_windows(const Windows& w, const Tensor& x, const Tensor& y, bool transposed) {
  if (y.numel() == 0) return;
  const DType t = x.dtype();
  if (x.numel() == 0) return write(y, zeros(y.sizes(), t));
  const void* from = x.raw();
  void* to = y.raw();
  LongKernel off(x.numel() + y.numel());
  if (is_planar(w, t)) {
    const cpu::Pool2d p = planar(w);
    return transposed ? cpu::avg_pool2d_backward(p, t, from, to)
                      : cpu::avg_pool2d_forward(p, t, from, to);
  }
  const auto run = [&](auto tag) {
    using T = decltype(tag);
    if (transposed)
      average_transposed(w, static_cast<const T*>(from), static_cast<T*>(to));
    else
      average_kernel(w, static_cast<const T*>(from), static_cast<T*>(to));
  };
  if (t == DType::I64)
    run(int64_t{});
  else if (t == DType::F64)
    run(double{});
  else
    run(float{});
}

void pick_windows(const Windows& w, const Tensor& indices, const Tensor& x, const Tensor& y,
                  bool transposed) {
  if (y.numel() == 0) return;
  const DType t = x.dtype();
  const void* from = x.raw();
  void* to = y.raw();
  const int64_t* at = indices.data<int64_t>();
  LongKernel off(x.numel() + y.numel());
  if (transposed) {  // positions in a volume are positions in a plane as high
    cpu::Pool2d p{w.planes, w.volume_in(), 1, w.volume_out(), 1};
    return cpu::max_pool2d_backward(p, t, from, at, to);
  }
  if (t == DType::F64)
    pick_kernel(w, at, static_cast<const double*>(from), static_cast<double*>(to));
  else
    pick_kernel(w, at, static_cast<const float*>(from), static_cast<float*>(to));
}

}  // namespace rl
