// softmax and log_softmax, with fused first-order gradients.
#include "cpu/softmax_kernels.h"

#include "cpu/pick.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

RL_PICK(cpu::SoftmaxTable, softmax_table)

namespace rl {
namespace {

constexpr int64_t kGrain = 8192;

template <class T>
const cpu::SoftmaxKernels<T>& kernels() {
  return cpu::real_kernels<T>(cpu::softmax_table());
}

/// Calls row(first, count) or column(offset, width) over [outer, n, inner] in threads.
struct Shape {
  int64_t outer = 1, n = 1, inner = 1;
  Shape(const Dims& sizes, int dim) {
    for (int d = 0; d < sizes.size(); ++d) (d < dim ? outer : d == dim ? n : inner) *= sizes[d];
  }
  template <class Rows, class Columns>
  void each(Rows rows, Columns columns) const {
    LongKernel off(outer * n * inner);
    if (inner == 1) return cpu::parallel_for(0, outer, 1 + kGrain / n, rows);
    const int64_t tile = cpu::kSoftmaxColumns, tiles = (inner + tile - 1) / tile;
    const int64_t per = n * (inner < tile ? inner : tile);
    cpu::parallel_for(0, outer * tiles, 1 + kGrain / per, [=, this](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t first = i % tiles * tile;
        columns(i / tiles * n * inner + first, inner - first < tile ? inner - first : tile);
      }
    });
  }
};

template <class T>
void forward(bool log, const Shape& s, const T* x, T* y) {
  const auto& k = kernels<T>();
  s.each([=](int64_t b, int64_t e) { k.rows(log, e - b, s.n, x + b * s.n, y + b * s.n); },
         [=](int64_t at, int64_t w) { k.columns(log, s.n, w, s.inner, x + at, y + at); });
}
template <class T>
void backward(bool log, const Shape& s, const T* g, const T* y, T* dx) {
  const auto& k = kernels<T>();
  s.each(
      [=](int64_t b, int64_t e) {
        k.rows_backward(log, e - b, s.n, g + b * s.n, y + b * s.n, dx + b * s.n);
      },
      [=](int64_t at, int64_t w) {
        k.columns_backward(log, s.n, w, s.inner, g + at, y + at, dx + at);
      });
}

Tensor run_forward(const Tensor& input, int dim, bool log) {
  check_cpu(input);
  if (!is_floating(input.dtype())) {
    const bool last = dim == input.dim() - 1 || input.dim() == 0;
    not_implemented(log ? (last ? "log_softmax_lastdim_kernel_impl" : "log_softmax_kernel_impl")
                        : (last ? "softmax_lastdim_kernel_impl" : "softmax_kernel_impl"),
                    input.dtype());
  }
  const DType wide = dtype_of(compute_of(input.dtype()));
  const Tensor x = as_contiguous(input, wide), y = empty(input.sizes(), wide, input.device());
  if (x.numel() == 0) return as_contiguous(y, input.dtype());
  const Shape s(x.sizes(), dim);
  if (wide == DType::F32)
    forward(log, s, x.data<float>(), y.data<float>());
  else
    forward(log, s, x.data<double>(), y.data<double>());
  return as_contiguous(y, input.dtype());
}

Tensor run_backward(const Tensor& grad, const Tensor& output, int dim, bool log) {
  const DType wide = dtype_of(compute_of(output.dtype()));
  const Tensor g = as_contiguous(grad, wide), y = as_contiguous(output, wide);
  const Tensor dx = empty(y.sizes(), wide, y.device());
  if (y.numel() == 0) return as_contiguous(dx, output.dtype());
  const Shape s(y.sizes(), dim);
  if (wide == DType::F32)
    backward(log, s, g.data<float>(), y.data<float>(), dx.data<float>());
  else
    backward(log, s, g.data<double>(), y.data<double>(), dx.data<double>());
  return as_contiguous(dx, output.dtype());
}

Tensor gradient(const Tensor& g, const Tensor& y, int dim, bool log) {
  if (!GradMode::enabled) return run_backward(g, y, dim, log);
  if (log) return call_op<"sub">(g, call_op<"mul">(call_op<"exp">(y), sum_dims(g, {dim}, true)));
  const Tensor gy = call_op<"mul">(g, y);
  return call_op<"sub">(gy, call_op<"mul">(y, sum_dims(gy, {dim}, true)));
}

Tensor softmax_of(const Tensor& input, int64_t dim, OptDType dtype, bool log) {
  const int d = wrap_dim(dim, input.dim());
  const Tensor x = dtype && *dtype != input.dtype() ? call_to(input, *dtype) : input;
  const Tensor out = run_forward(x, d, log);
  return record(out, log ? "LogSoftmaxBackward0" : "SoftmaxBackward0", {&x}, [&] {
    return [d, log, y = Saved(out, true)](const Grads& g, Node& n) -> Grads {
      return {gradient(g[0], y.unpack(&n), d, log)};
    };
  });
}

Tensor softmax_op(const Tensor& input, int64_t dim, OptDType dtype) {
  return softmax_of(input, dim, dtype, false);
}
Tensor log_softmax_op(const Tensor& input, int64_t dim, OptDType dtype) {
  return softmax_of(input, dim, dtype, true);
}

}  // namespace

Tensor softmax(const Tensor& input, int64_t dim) { return softmax_of(input, dim, {}, false); }
Tensor log_softmax(const Tensor& input, int64_t dim) { return softmax_of(input, dim, {}, true); }

void define_softmax(Registry& r) {
  r.op("softmax(input, dim, dtype=None)", "exp(input) / sum(exp(input)) along a dimension.",
       &softmax_op)
      .out_dtype(kOutExact);
  r.op("log_softmax(input, dim, dtype=None)", "log(softmax(input)) without overflow.",
       &log_softmax_op)
      .out_dtype(kOutExact);
}

}  // namespace rl
