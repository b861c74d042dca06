// Pooling: the windows of each axis, worked out once a call, and the cut into threads by planes.
#include "cpu/pool.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "cpu/gemm.h"
#include "cpu/pick.h"
#include "cpu/pool_kernels.h"
#include "cpu/threads.h"

RL_PICK(cpu::AllPoolKernels, pool_kernels)

namespace rl::cpu {
namespace {

template <class T>
const PoolKernels<T>& kernels() {
  return real_kernels<T>(pool_kernels());
}

/// One axis, and the memory its windows lie in.
struct Axis {
  std::vector<int64_t> begin, end, count;
  PoolAxis view;

  Axis(const Pool2d& p, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad,
       int64_t step) {
    for (int64_t i = 0; i < out; ++i) {
      int64_t b = i * stride - pad, e = b + (kernel - 1) * step + 1;
      int64_t padded = std::min(e, in + pad) - b;
      if (p.adaptive) {
        b = i * in / out;
        e = div_up((i + 1) * in, out);
        padded = e - b;
      }
      if (b < 0) b += div_up(-b, step) * step;
      e = std::min(e, in);
      begin.push_back(b);
      end.push_back(e);
      count.push_back(p.adaptive || !p.count_include_pad ? e - b : padded);
    }
    if (p.divisor_override && !p.adaptive) std::fill(count.begin(), count.end(), 1);
    view = {in,   out,         kernel,       stride,     pad,
            step, !p.adaptive, begin.data(), end.data(), count.data()};
  }
};

struct Axes {
  Axis rows, cols;
  explicit Axes(const Pool2d& p)
      : rows(p, p.h, p.out_h, p.kernel_h, p.stride_h, p.pad_h, p.adaptive ? 1 : p.dilation_h),
        cols(p, p.w, p.out_w, p.kernel_w, p.stride_w, p.pad_w, p.adaptive ? 1 : p.dilation_w) {
    if (p.divisor_override && !p.adaptive)
      std::fill(rows.count.begin(), rows.count.end(), p.divisor_override);
  }
};

template <class T>
using PlanesFn = void (*)(const PoolPlanes<T>&);

/// Runs `fn` over ranges of planes of from_size and to_size elements.
template <class T>
void over_planes(PlanesFn<T> fn, const Pool2d& p, const void* from, int64_t from_size, void* to,
                 int64_t to_size, int64_t* indices) {
  const Axes axes(p);
  const int64_t scratch_size = std::max(p.w, p.out_w) * 8;
  const int64_t work = p.h * p.w + p.out_h * p.out_w * (p.adaptive ? 1 : p.kernel_h * p.kernel_w);
  parallel_for(0, p.planes, 1 + 30000 / (work + 1), [&](int64_t begin, int64_t end) {
    fn({axes.rows.view, axes.cols.view, end - begin,
        static_cast<const T*>(from) + begin * from_size, static_cast<T*>(to) + begin * to_size,
        indices ? indices + begin * to_size : nullptr, scratch(Scratch::Vector, scratch_size)});
  });
}

template <class T>
void max_backward(const Pool2d& p, const void* dy, const int64_t* indices, void* dx) {
  const int64_t in = p.h * p.w, out = p.out_h * p.out_w;
  parallel_for(0, p.planes, 1 + 30000 / (in + out + 1), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      T* to = static_cast<T*>(dx) + n * in;
      const T* from = static_cast<const T*>(dy) + n * out;
      const int64_t* at = indices + n * out;
      std::fill(to, to + in, T(0));
      for (int64_t i = 0; i < out; ++i)  // an empty window points past the plane
        if (static_cast<uint64_t>(at[i]) < static_cast<uint64_t>(in)) to[at[i]] += from[i];
    }
  });
}

}  // namespace

void max_pool2d_forward(const Pool2d& p, DType t, const void* x, void* y, int64_t* indices) {
  const int64_t in = p.h * p.w, out = p.out_h * p.out_w;
  if (t == DType::F64)
    over_planes<double>(kernels<double>().max, p, x, in, y, out, indices);
  else
    over_planes<float>(kernels<float>().max, p, x, in, y, out, indices);
}

void max_pool2d_backward(const Pool2d& p, DType t, const void* dy, const int64_t* indices,
                         void* dx) {
  t == DType::F64 ? max_backward<double>(p, dy, indices, dx)
                  : max_backward<float>(p, dy, indices, dx);
}

void avg_pool2d_forward(const Pool2d& p, DType t, const void* x, void* y) {
  const int64_t in = p.h * p.w, out = p.out_h * p.out_w;
  if (t == DType::F64)
    over_planes<double>(kernels<double>().average, p, x, in, y, out, nullptr);
  else
    over_planes<float>(kernels<float>().average, p, x, in, y, out, nullptr);
}

void avg_pool2d_backward(const Pool2d& p, DType t, const void* dy, void* dx) {
  const int64_t in = p.h * p.w, out = p.out_h * p.out_w;
  if (t == DType::F64)
    over_planes<double>(kernels<double>().average_back, p, dy, out, dx, in, nullptr);
  else
    over_planes<float>(kernels<float>().average_back, p, dy, out, dx, in, nullptr);
}

}  // namespace rl::cpu
