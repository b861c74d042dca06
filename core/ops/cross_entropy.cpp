// Classification losses: nll_loss of log-probabilities, and cross_entropy_loss of logits, with
// class indices (fused with log_softmax for matrices) or class probabilities.
#include "cpu/pick.h"
#include "cpu/softmax_kernels.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"

RL_PICK(cpu::SoftmaxTable, softmax_table)

namespace rl {
namespace {

enum Reduction : int64_t { kNone = 0, kMean = 1, kSum = 2 };

template <class T>
const cpu::SoftmaxKernels<T>& kernels() {
  return cpu::real_kernels<T>(cpu::softmax_table());
}

/// Class indices made ready: one position a target, with its class (0 if ignored), its weight (0 if
/// ignored) as the input's dtype, and the sum of weights.
struct Targets {
  Tensor index, weight;
  double total = 0;
};

void check_weight(const OptTensor& weight, int64_t classes, const char* prefix = "") {
  RL_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes), prefix,
           "weight tensor should be defined either for all ", classes,
           " classes or no classes but got weight tensor of shape: ",
           weight.defined() ? weight.sizes() : Dims());
}

template <class T>
void fill_targets(const Tensor& target, int64_t classes, const T* weight, int64_t ignore,
                  Targets& t) {
  const int64_t* from = target.data<int64_t>();
  int64_t* index = t.index.data<int64_t>();
  T* w = t.weight.data<T>();
  for (int64_t i = 0; i < target.numel(); ++i) {
    const bool ignored = from[i] == ignore;
    RL_CHECK_INDEX(ignored || (from[i] >= 0 && from[i] < classes), "Target ", from[i],
                   " is out of bounds.\nwhy: the input has ", classes,
                   " classes, so targets go from 0 to ", classes - 1, ".");
    index[i] = ignored ? 0 : from[i];
    w[i] = ignored ? T(0) : weight ? weight[index[i]] : T(1);
    t.total += static_cast<double>(w[i]);
  }
}

Targets make_targets(const Tensor& target, int64_t classes, const OptTensor& weight, int64_t ignore,
                     DType dtype) {
  RL_CHECK(target.dtype() == DType::I64 || target.dtype() == DType::U8,
           "expected target dtype to be Long or Byte, but got ", info(target.dtype()).type,
           "\nwhy: targets are class indices here; as probabilities they need the input's shape."
           "\nfix: target.long()");
  check_weight(weight, classes);
  RL_CHECK(!weight.defined() || weight.dtype() == dtype, "expected scalar type ", info(dtype).type,
           " but found ", weight.defined() ? info(weight.dtype()).type : "");
  const Tensor t = as_contiguous(target, DType::I64);
  Targets r{empty_like(t), empty(t.sizes(), dtype), 0};
  const Tensor w = weight.defined() ? as_contiguous(weight) : Tensor();
  if (dtype == DType::F32)
    fill_targets(t, classes, w.defined() ? w.data<float>() : nullptr, ignore, r);
  else
    fill_targets(t, classes, w.defined() ? w.data<double>() : nullptr, ignore, r);
  return r;
}

/// losses -> their sum, mean by weight, or themselves.
template <class T>
Tensor reduced(const Tensor& losses, double total, int64_t reduction) {
  if (reduction == kNone) return losses;
  double sum = 0;
  const T* l = losses.data<T>();
  for (int64_t i = 0; i < losses.numel(); ++i) sum += static_cast<double>(l[i]);
  return scalar_tensor(reduction == kMean ? sum / total : sum, losses.dtype(), losses.device());
}

/// What each position's gradient is multiplied with: its weight, over the total for a mean.
Tensor scales(const Tensor& g, const Tensor& weight, double total, int64_t reduction) {
  const Tensor s = call_op<"mul">(weight, g);
  return reduction == kMean ? call_op<"div">(s, total) : s;
}

// ---- nll_loss ----

/// Input [outer, classes, inner], one target for each outer and inner.
struct Layout {
  int64_t outer, classes, inner;
  int class_dim;
  explicit Layout(const Tensor& x)
      : outer(x.dim() > 1 ? x.size(0) : 1),
        classes(x.size(x.dim() > 1 ? 1 : 0)),
        inner(1),
        class_dim(x.dim() > 1 ? 1 : 0) {
    for (int d = 2; d < x.dim(); ++d) inner *= x.size(d);
  }
};

void check_shapes(const Tensor& x, const Tensor& t) {
  RL_CHECK_VALUE(x.dim() > 0, "Expected 1 or more dimensions (got 0)");
  if (x.dim() == 1) {
    RL_CHECK_VALUE(t.dim() == 0 || t.numel() == 1,
                   "For 1D input, 1D target must have size 1, but got target size: ", t.numel());
    return;
  }
  RL_CHECK_VALUE(t.dim() > 0 && x.size(0) == t.size(0), "Expected input batch_size (", x.size(0),
                 ") to match target batch_size (", t.dim() ? t.size(0) : 0, ").");
  Dims want = x.sizes();
  want.erase(1);
  if (x.dim() == 2) {
    RL_CHECK(t.dim() <= 1, "0D or 1D target tensor expected, multi-target not supported");
  } else if (x.dim() == 4) {
    RL_CHECK(
        t.dim() == 3,
        "only batches of spatial targets supported (3D tensors) but got targets of dimension: ",
        t.dim());
    RL_CHECK(t.sizes() == want, "size mismatch (got input: ", x.sizes(), " , target: ", t.sizes());
  } else {
    RL_CHECK(t.sizes() == want, "Expected target size ", want, ", got ", t.sizes());
  }
}

/// Targets by position: the input's shape without its classes, 0-d for a vector.
Tensor positions(const Tensor& x, const Tensor& t) {
  GradGuard off(false);
  return x.dim() == 1 ? reshape(t, {}) : t;
}

template <class T>
Tensor nll_forward(const Tensor& x, const Layout& s, const Targets& t) {
  const Tensor losses = empty(t.index.sizes(), x.dtype(), x.device());
  const T *from = x.data<T>(), *w = t.weight.data<T>();
  const int64_t* index = t.index.data<int64_t>();
  T* to = losses.data<T>();
  for (int64_t i = 0; i < t.index.numel(); ++i) {
    const int64_t at = (i / s.inner * s.classes + index[i]) * s.inner + i % s.inner;
    to[i] = w[i] == 0 ? T(0) : -w[i] * from[at];
  }
  return losses;
}

Tensor nll_loss(const Tensor& input, const Tensor& target, const OptTensor& weight,
                int64_t reduction, int64_t ignore_index) {
  check_cpu(input);
  check_shapes(input, target);
  if (!is_floating(input.dtype()))
    not_implemented(input.dim() > 2 ? "nll_loss2d_forward_out_frame" : "nll_loss_out_frame",
                    input.dtype());
  if (size_of(input.dtype()) == 2) {
    const OptTensor w = weight.defined() ? OptTensor(call_to(weight, DType::F32)) : weight;
    return call_to(nll_loss(call_to(input, DType::F32), target, w, reduction, ignore_index),
                   input.dtype());
  }
  const Layout s(input);
  const Targets t =
      make_targets(positions(input, target), s.classes, weight, ignore_index, input.dtype());
  const Tensor x = as_contiguous(input);
  const bool f32 = x.dtype() == DType::F32;
  const Tensor losses = f32 ? nll_forward<float>(x, s, t) : nll_forward<double>(x, s, t);
  const Tensor out = f32 ? reduced<float>(losses, t.total, reduction)
                         : reduced<double>(losses, t.total, reduction);
  return record(out, input.dim() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0", {&input}, [&] {
    return [sizes = input.sizes(), d = s.class_dim, t, reduction](const Grads& g, Node&) -> Grads {
      const Tensor each = call_op<"neg">(scales(g[0], t.weight, t.total, reduction));
      return {scatter_add(zeros(sizes, each.dtype(), each.device()), d, unsqueeze(t.index, d),
                          unsqueeze(each, d))};
    };
  });
}

// ---- cross_entropy_loss ----

template <class T>
Tensor fused_forward(const Tensor& x, const Targets& t, const Tensor& lse) {
  const int64_t rows = t.index.numel(), n = x.size(x.dim() - 1);
  const Tensor losses = empty(t.index.sizes(), x.dtype(), x.device());
  const T *from = x.data<T>(), *w = t.weight.data<T>();
  const int64_t* index = t.index.data<int64_t>();
  T *to = losses.data<T>(), *sums = lse.data<T>();
  LongKernel off(rows * n);
  cpu::parallel_for(0, rows, 1 + 8192 / (n + 1), [=](int64_t b, int64_t e) {
    kernels<T>().logsumexp(e - b, n, from + b * n, sums + b);
    for (int64_t i = b; i < e; ++i)
      to[i] = w[i] == 0 ? T(0) : w[i] * (sums[i] - from[i * n + index[i]]);
  });
  return losses;
}

template <class T>
Tensor fused_backward(const Tensor& x, const Targets& t, const Tensor& lse, const Tensor& each) {
  const int64_t rows = t.index.numel(), n = x.size(x.dim() - 1);
  const Tensor dx = empty_like(x), scale = as_contiguous(each);
  const T *from = x.data<T>(), *sums = lse.data<T>(), *s = scale.data<T>();
  const int64_t* index = t.index.data<int64_t>();
  T* to = dx.data<T>();
  LongKernel off(rows * n);
  cpu::parallel_for(0, rows, 1 + 8192 / (n + 1), [=](int64_t b, int64_t e) {
    kernels<T>().cross_entropy_backward(e - b, n, from + b * n, sums + b, index + b, s + b,
                                        to + b * n);
  });
  return dx;
}

/// log_softmax and nll_loss in one node, for logits [n, classes] or [classes].
Tensor fused(const Tensor& input, const Tensor& target, const OptTensor& weight, int64_t reduction,
             int64_t ignore_index) {
  const int d = input.dim() - 1;
  const Targets t =
      make_targets(positions(input, target), input.size(d), weight, ignore_index, input.dtype());
  const Tensor x = as_contiguous(input), lse = empty(t.index.sizes(), x.dtype(), x.device());
  const bool f32 = x.dtype() == DType::F32;
  const Tensor losses = f32 ? fused_forward<float>(x, t, lse) : fused_forward<double>(x, t, lse);
  const Tensor out = f32 ? reduced<float>(losses, t.total, reduction)
                         : reduced<double>(losses, t.total, reduction);
  return record(out, "NllLossBackward0", {&input}, [&] {
    return [d, t, lse, reduction, x = Saved(input)](const Grads& g, Node& n) -> Grads {
      const Tensor input = x.unpack(&n), each = scales(g[0], t.weight, t.total, reduction);
      if (!GradMode::enabled) {
        const Tensor dense = as_contiguous(input);
        return {dense.dtype() == DType::F32 ? fused_backward<float>(dense, t, lse, each)
                                            : fused_backward<double>(dense, t, lse, each)};
      }
      const Tensor column = unsqueeze(each, d);
      const Tensor picked = scatter_add(zeros(input.sizes(), each.dtype(), each.device()), d,
                                        unsqueeze(t.index, d), column);
      return {call_op<"sub">(call_op<"mul">(softmax(input, d), column), picked)};
    };
  });
}

/// A weight a class, shaped to be multiplied with the input.
Tensor broadcast_weight(const Tensor& weight, const Tensor& input, int class_dim) {
  Dims shape = Dims::filled(input.dim(), 1);
  shape[class_dim] = weight.numel();
  return view(as_contiguous(weight), shape);
}

Tensor with_probabilities(const Tensor& input, const Tensor& target, const OptTensor& weight,
                          int64_t reduction, double smoothing) {
  const int d = input.dim() == 1 ? 0 : 1;
  const int64_t classes = input.size(d);
  check_weight(weight, classes, "cross_entropy: ");
  Tensor p = target;
  if (smoothing > 0)
    p = call_op<"add">(call_op<"mul">(p, 1 - smoothing), smoothing / static_cast<double>(classes));
  Tensor terms = call_op<"mul">(log_softmax(input, d), p);
  if (weight.defined()) terms = call_op<"mul">(terms, broadcast_weight(weight, input, d));
  if (reduction == kNone) return call_op<"neg">(sum_dims(terms, {d}, false));
  const Tensor sum = call_op<"neg">(sum_all(terms));
  if (reduction == kSum) return sum;
  return call_op<"div">(sum, static_cast<double>(input.numel()) / static_cast<double>(classes));
}

Tensor with_smoothing(const Tensor& input, const Tensor& target, const OptTensor& weight,
                      int64_t reduction, int64_t ignore_index, double smoothing) {
  const int d = input.dim() == 1 ? 0 : 1;
  const Tensor logs = log_softmax(input, d);
  const Tensor nll = nll_loss(logs, target, weight, reduction, ignore_index);
  const Tensor terms =
      weight.defined() ? call_op<"mul">(logs, broadcast_weight(weight, input, d)) : logs;
  const Tensor at = positions(input, target), ignored = call_op<"eq">(at, ignore_index);
  Tensor smooth = call_op<"where">(ignored, 0, call_op<"neg">(sum_dims(terms, {d}, false)));
  if (reduction != kNone) smooth = sum_all(smooth);
  if (reduction == kMean) {
    const DType wide = input.dtype() == DType::F64 ? DType::F64 : DType::F32;
    const OptTensor w = weight.defined() ? OptTensor(as_contiguous(weight, wide)) : OptTensor();
    smooth = call_op<"div">(smooth, make_targets(at, input.size(d), w, ignore_index, wide).total);
  }
  return call_op<"add">(call_op<"mul">(nll, 1 - smoothing),
                        call_op<"mul">(smooth, smoothing / static_cast<double>(input.size(d))));
}

Tensor cross_entropy_loss(const Tensor& input, const Tensor& target, const OptTensor& weight,
                          int64_t reduction, int64_t ignore_index, double label_smoothing) {
  check_cpu(input);
  RL_CHECK(label_smoothing >= 0 && label_smoothing <= 1,
           "label_smoothing must be between 0.0 and 1.0. Got: ", label_smoothing);
  if (input.sizes() == target.sizes()) {
    RL_CHECK(is_floating(target.dtype()),
             "Expected floating point type for target with class probabilities, got ",
             info(target.dtype()).type,
             "\nwhy: a target of the input's shape holds probabilities; class indices have one "
             "dimension less.");
    RL_CHECK(ignore_index < 0, "ignore_index is not supported for floating point target");
    RL_CHECK_VALUE(input.dim() > 0, "Expected 1 or more dimensions (got 0)");
    return with_probabilities(input, target, weight, reduction, label_smoothing);
  }
  if (!is_floating(input.dtype())) return log_softmax(input, input.dim() > 1 ? 1 : 0);  // raises
  check_shapes(input, target);
  if (label_smoothing > 0)
    return with_smoothing(input, target, weight, reduction, ignore_index, label_smoothing);
  if (input.dim() <= 2 && size_of(input.dtype()) >= 4 && input.size(input.dim() - 1) > 0)
    return fused(input, target, weight, reduction, ignore_index);
  return nll_loss(log_softmax(input, input.dim() == 1 ? 0 : 1), target, weight, reduction,
                  ignore_index);
}

}  // namespace

void define_cross_entropy(Registry& r) {
  r.op("nll_loss_nd(input, target, weight=None, reduction=0, ignore_index=-100)",
       "-input[target], of log-probabilities [n, classes, ...] and class indices [n, ...].",
       &nll_loss)
      .nn();
  r.op("nll_loss(input, target, weight=None, reduction=0, ignore_index=-100)", "As nll_loss_nd.",
       &nll_loss)
      .nn();
  r.op("cross_entropy_loss(input, target, weight=None, reduction=0, ignore_index=-100, "
       "label_smoothing=0.0)",
       "nll_loss of log_softmax(input), for class indices or class probabilities.",
       &cross_entropy_loss)
      .nn();
}

}  // namespace rl
