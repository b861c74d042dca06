// Losses of elements, reduced: a formula of ops/loss.cpp and a mean or a sum. Also glu.
#include <vector>

#include "cpu/loss_kernels.h"
#include "cpu/pick.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

RL_PICK(cpu::LossTable, loss_table)

namespace rl {
namespace {

enum Reduction : int64_t { kNone = 0, kMean = 1, kSum = 2 };

/// Recorded, for losses that are composed of operations.
Tensor reduce(const Tensor& loss, int64_t reduction) {
  if (reduction == kNone) return loss;
  return reduction == kMean ? call_op<"mean">(loss) : sum_all(loss);
}

/// g, the gradient of the reduced loss, for each element of it. Records.
Tensor each_gradient(const Tensor& g, const Dims& sizes, int64_t reduction) {
  if (reduction == kNone) return g;
  double n = 1;
  for (int64_t s : sizes) n *= static_cast<double>(s);
  return expand(reduction == kMean && n > 0 ? call_op<"div">(g, n) : g, sizes);
}

const Formula& formula(const char* name) { return *registry().find(name)->formula; }

/// A formula of two or three operands, times a weight that gets no gradient, reduced.
Tensor formula_loss(const Formula& f, const Operand* operands, const Scalar* scalars,
                    int64_t reduction, const Tensor& weight = {}) {
  RL_CHECK(reduction >= kNone && reduction <= kSum, reduction,
           " is not a valid value for reduction");
  if (reduction == kNone && !weight.defined()) return pointwise(f, operands, scalars);
  Tensor loss, weighted, out;
  {
    GradGuard off(false);
    loss = pointwise(f, operands, scalars);
    weighted = weight.defined() ? call_op<"mul">(loss, weight) : loss;
    out = reduce(weighted, reduction);
  }
  const auto input = [&](int k) {
    return k < f.operands && operands[k].tensor ? *operands[k].tensor : Tensor();
  };
  const Tensor x = input(0), t = input(1), w = input(2);
  return record(out, f.node.c_str(), {&x, &t, &w}, [&] {
    return [inner = formula_node(f, operands, scalars, loss), weight, reduction,
            sizes = weighted.sizes(), own = loss.sizes()](const Grads& grads, Node&) -> Grads {
      Tensor g = each_gradient(grads[0], sizes, reduction);
      if (weight.defined()) g = sum_to(call_op<"mul">(g, weight), own);
      return inner->apply({g});
    };
  });
}

void check_floating(const char* kernel, const Tensor& x, const Tensor& y,
                    bool complex_too = false) {
  const auto fits = [&](const Tensor& t) {
    return is_floating(t.dtype()) || (complex_too && is_complex(t.dtype()));
  };
  check_cpu(x);
  if (!fits(x) && !fits(y)) not_implemented(kernel, x.dtype());
  if (is_complex(x.dtype()) && !complex_too) not_implemented(kernel, x.dtype());
}

void check_no_gradient(const char* name, const char* argument, const Tensor& t) {
  RL_CHECK(!(t.defined() && recording({&t})), "The function '", name,
           "' is not differentiable with respect to argument '", argument,
           "'. This input cannot have requires_grad True.");
}

// ---- mse_loss ----

template <class T>
const cpu::LossKernels<T>& kernels() {
  return cpu::real_kernels<T>(cpu::loss_table());
}

constexpr int64_t kChunk = 32768;  // elements summed at a time, whatever the number of threads

template <class T>
double squared_distance(const T* x, const T* t, int64_t n) {
  if (n <= kChunk) return kernels<T>().squared_distance(n, x, t);
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  std::vector<double> parts(static_cast<size_t>(chunks));
  double sum = 0, *p = parts.data();
  {
    LongKernel off(n);
    cpu::parallel_for(0, chunks, 1, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i)
        p[i] = kernels<T>().squared_distance(i + 1 < chunks ? kChunk : n - i * kChunk,
                                             x + i * kChunk, t + i * kChunk);
    });
  }
  for (double part : parts) sum += part;
  return sum;
}

/// c * (x - t)
template <class T>
Tensor scaled_difference(const Tensor& x, const Tensor& t, double c) {
  const Tensor out = empty(x.sizes(), x.dtype(), x.device());
  const T *a = x.data<T>(), *b = t.data<T>();
  T* o = out.data<T>();
  {
    LongKernel off(x.numel());
    cpu::parallel_for(0, x.numel(), kChunk, [=](int64_t begin, int64_t end) {
      kernels<T>().scaled_difference(end - begin, a + begin, b + begin, static_cast<T>(c),
                                     o + begin);
    });
  }
  return out;
}

bool fusible(const Tensor& x, const Tensor& t) {
  return (x.dtype() == DType::F32 || x.dtype() == DType::F64) && x.dtype() == t.dtype() &&
         x.is_contiguous() && t.is_contiguous() && x.sizes() == t.sizes() &&
         t.device().type == Device::Cpu;
}

/// One pass forward and one backward; a gradient that is itself recorded takes the formula.
template <class T>
Tensor fused_mse(const Tensor& x, const Tensor& t, int64_t reduction) {
  const double n = static_cast<double>(x.numel());
  const double sum = squared_distance(x.data<T>(), t.data<T>(), x.numel());
  const Tensor out = scalar_tensor(reduction == kMean ? sum / n : sum, x.dtype(), x.device());
  return record(out, "MseLossBackward0", {&x, &t}, [&] {
    return [reduction, n, x = Saved(x), t = Saved(t)](const Grads& grads, Node& node) -> Grads {
      const Tensor a = x.unpack(&node), b = t.unpack(&node);
      Grads r(2);
      if (GradMode::enabled) {
        const Tensor g = call_op<"mul">(grads[0], reduction == kMean ? 2 / n : 2.0);
        if (node.needs(0)) r[0] = call_op<"mul">(g, call_op<"sub">(a, b));
        if (node.needs(1)) r[1] = call_op<"mul">(g, call_op<"sub">(b, a));
        return r;
      }
      const double c = 2 * static_cast<double>(*as_contiguous(grads[0], a.dtype()).data<T>()) /
                       (reduction == kMean ? n : 1);
      if (node.needs(0)) r[0] = scaled_difference<T>(a, b, c);
      if (node.needs(1)) r[1] = scaled_difference<T>(b, a, c);
      return r;
    };
  });
}

Tensor mse_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  check_floating("mse_cpu", input, target);
  if ((reduction == kMean || reduction == kSum) && fusible(input, target))
    return input.dtype() == DType::F32 ? fused_mse<float>(input, target, reduction)
                                       : fused_mse<double>(input, target, reduction);
  static const Formula& f = formula("_mse");
  const Operand operands[] = {input, target};
  return formula_loss(f, operands, nullptr, reduction);
}

// ---- distances ----

Tensor l1_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  return reduce(call_op<"abs">(call_op<"sub">(input, target)), reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, int64_t reduction, double beta) {
  RL_CHECK(!(beta < 0), "smooth_l1_loss does not support negative values for beta.");
  check_floating("smooth_l1_cpu", input, target);
  if (beta == 0) return l1_loss(input, target, reduction);
  static const Formula& f = formula("_smooth_l1");
  const Operand operands[] = {input, target};
  const Scalar scalars[] = {beta};
  return formula_loss(f, operands, scalars, reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, int64_t reduction, double delta) {
  RL_CHECK(delta > 0, "huber_loss does not support non-positive values for delta.");
  check_floating("huber_cpu", input, target);
  static const Formula& f = formula("_huber");
  const Operand operands[] = {input, target};
  const Scalar scalars[] = {delta};
  return formula_loss(f, operands, scalars, reduction);
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  check_floating("soft_margin_cpu", input, target);
  check_no_gradient("soft_margin_loss", "target", target);
  static const Formula& f = formula("_soft_margin");
  const Operand operands[] = {input, target};
  return formula_loss(f, operands, nullptr, reduction);
}

// ---- cross-entropy of two classes ----

void check_probabilities(const char* what, const Tensor& t) {
  const Tensor x = as_contiguous(t, t.dtype() == DType::F64 ? DType::F64 : DType::F32);
  bool valid = true;
  const auto scan = [&](const auto* p) {
    for (int64_t i = 0; i < x.numel(); ++i) valid &= (p[i] >= 0) & (p[i] <= 1);
  };
  if (x.dtype() == DType::F64)
    scan(x.data<double>());
  else
    scan(x.data<float>());
  RL_CHECK(valid, "all elements of ", what, " should be between 0 and 1",
           "\nwhy: they are probabilities.\nfix: binary_cross_entropy_with_logits takes scores of "
           "any size.");
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const OptTensor& weight,
                            int64_t reduction) {
  check_cpu(input);
  if (!is_floating(input.dtype())) not_implemented("binary_cross_entropy", input.dtype());
  for (const Tensor* t : {&target, static_cast<const Tensor*>(&weight)})
    RL_CHECK(!t->defined() || t->dtype() == input.dtype(), "Found dtype ",
             info(t->defined() ? t->dtype() : input.dtype()).type, " but expected ",
             info(input.dtype()).type);
  check_no_gradient("binary_cross_entropy", "weight", weight);
  broadcast(input.sizes(), target.sizes());
  check_probabilities("input", input);
  check_probabilities("target", target);
  static const Formula& f = formula("_bce");
  const Operand operands[] = {input, target};
  return formula_loss(f, operands, nullptr, reduction, weight);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const OptTensor& weight, const OptTensor& pos_weight,
                                        int64_t reduction) {
  check_cpu(input);
  if (!is_floating(input.dtype())) not_implemented("log_sigmoid_cpu", input.dtype());
  check_no_gradient("binary_cross_entropy_with_logits", "weight", weight);
  check_no_gradient("binary_cross_entropy_with_logits", "pos_weight", pos_weight);
  static const Formula& f = formula("_bce_logits");
  const Operand operands[] = {input, target,
                              pos_weight.defined() ? Operand(pos_weight) : Operand(1.0)};
  return formula_loss(f, operands, nullptr, reduction, weight);
}

// ---- composed ones ----

Tensor kl_div(const Tensor& input, const Tensor& target, int64_t reduction, bool log_target) {
  RL_CHECK(!is_complex(input.dtype()) && !is_complex(target.dtype()),
           "kl_div: Complex inputs not supported.");
  RL_CHECK(!is_integral(input.dtype()) && !is_integral(target.dtype()),
           "kl_div: Integral inputs not supported.");
  const Tensor loss =
      log_target ? call_op<"mul">(call_op<"exp">(target), call_op<"sub">(target, input))
                 : call_op<"sub">(call_op<"xlogy">(target, target), call_op<"mul">(target, input));
  return reduce(loss, reduction);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin,
                            int64_t reduction) {
  const Tensor hinge = call_op<"clamp_min">(call_op<"sub">(margin, input), Scalar(0.0));
  const Tensor far = call_op<"where">(call_op<"ne">(target, 1), hinge, 0.0);
  const Tensor near = call_op<"where">(call_op<"ne">(target, -1), input, 0.0);
  return reduce(call_op<"add">(far, near), reduction);
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           double margin, int64_t reduction) {
  RL_CHECK(
      input1.dim() == input2.dim() && input1.dim() == target.dim(),
      "margin_ranking_loss: All input tensors should have same dimension but got sizes: input1: ",
      input1.sizes(), ", input2: ", input2.sizes(), ", target: ", target.sizes());
  const Tensor wrong = call_op<"mul">(call_op<"neg">(target), call_op<"sub">(input1, input2));
  return reduce(call_op<"clamp_min">(call_op<"add">(wrong, margin), Scalar(0.0)), reduction);
}

// ---- glu ----

Tensor glu(const Tensor& input, int64_t dim) {
  check_cpu(input);
  RL_CHECK(input.dim() > 0, "glu does not support 0-dimensional tensors");
  const int d = wrap_dim(dim, input.dim());
  const int64_t half = input.size(d) / 2;
  RL_CHECK(input.size(d) % 2 == 0, "Halving dimension must be even, but dimension ", d, " is size ",
           input.size(d));
  if (!is_floating(input.dtype())) not_implemented("glu_cpu", input.dtype());
  Tensor out;
  {
    GradGuard off(false);
    out =
        call_op<"mul">(narrow(input, d, 0, half), call_op<"sigmoid">(narrow(input, d, half, half)));
  }
  return record(out, "GluBackward0", {&input}, [&] {
    return [d, half, x = Saved(input)](const Grads& g, Node& n) -> Grads {
      const Tensor input = x.unpack(&n), a = narrow(input, d, 0, half);
      const Tensor s = call_op<"sigmoid">(narrow(input, d, half, half)),
                   ga = call_op<"mul">(g[0], s);
      const Tensor gb = call_op<"mul">(call_op<"mul">(ga, a), call_op<"sub">(1.0, s));
      return {cat({ga, gb}, d)};
    };
  });
}

}  // namespace

void define_loss_functions(Registry& r) {
  r.op("mse_loss(input, target, reduction=1)",
       "(input - target)^2; reduction: 0 none, 1 mean, 2 sum.", &mse_loss)
      .nn();
  r.op("l1_loss(input, target, reduction=1)", "|input - target|, reduced.", &l1_loss).nn();
  r.op("smooth_l1_loss(input, target, reduction=1, beta=1.0)",
       "d^2 / (2 beta) where d = |input - target| < beta, d - beta / 2 beyond (Girshick, 2015).",
       &smooth_l1_loss)
      .nn();
  r.op("huber_loss(input, target, reduction=1, delta=1.0)",
       "d^2 / 2 where d = |input - target| < delta, delta * (d - delta / 2) beyond (Huber, 1964).",
       &huber_loss)
      .nn();
  r.op("soft_margin_loss(input, target, reduction=1)", "log(1 + exp(-target * input)), reduced.",
       &soft_margin_loss)
      .nn();
  r.op("binary_cross_entropy(input, target, weight=None, reduction=1)",
       "-(t log x + (1 - t) log(1 - x)) of probabilities; logarithms stop at -100.",
       &binary_cross_entropy)
      .nn();
  r.op("binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=1)",
       "binary_cross_entropy of sigmoid(input), exact for large inputs.",
       &binary_cross_entropy_with_logits)
      .not_method()
      .no_out();
  r.op("kl_div(input, target, reduction=1, *, log_target=False)",
       "target * (log target - input), for log-probabilities input.", &kl_div)
      .not_method()
      .no_out();
  r.op("hinge_embedding_loss(input, target, margin=1.0, reduction=1)",
       "input where target is 1, max(0, margin - input) where it is -1.", &hinge_embedding_loss)
      .not_method()
      .no_out();
  r.op("margin_ranking_loss(input1, input2, target, margin=0.0, reduction=1)",
       "max(0, -target * (input1 - input2) + margin).", &margin_ranking_loss)
      .not_method()
      .no_out();
  r.op("glu(input, dim=-1)",
       "The first half of dim times the sigmoid of the second (Dauphin et al., 2017).", &glu)
      .nn();
}

}  // namespace rl
