// Optimiser steps over lists of tensors, in place: what rushlight/optim calls. Not differentiable.
#include <cmath>
#include <vector>

#include "cpu/load_store.h"
#include "cpu/optim_kernels.h"
#include "cpu/pick.h"
#include "cpu/threads.h"
#include "op/call.h"

RL_PICK(cpu::OptimTable, optim_table)

namespace rl {
namespace {

template <class T>
const cpu::OptimKernels<T>& kernels() {
  return cpu::real_kernels<T>(cpu::optim_table());
}

constexpr int64_t kGrain = 16384;

void check_list(const char* name, const char* what, const Tensors& list, const Tensors& params) {
  RL_CHECK(list.size() == params.size(), name, ": expected one of ", what, " for each of the ",
           params.size(), " parameters, but got ", list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const Tensor &t = list[i], &p = params[i];
    RL_CHECK(t.sizes() == p.sizes() && t.dtype() == p.dtype() && t.device().type == Device::Cpu,
             name, ": ", what, " number ", i, " must be a tensor of size ", p.sizes(),
             " and dtype ", name_of(p.dtype()), " as its parameter is, on the CPU");
  }
}

void check_params(const char* name, const Tensors& params) {
  for (const Tensor& p : params) {
    RL_CHECK(p.dtype() == DType::F32 || p.dtype() == DType::F64, name,
             ": parameters must be float32 or float64, not ", name_of(p.dtype()));
    RL_CHECK(p.device().type == Device::Cpu, name, ": parameters must be on the CPU");
  }
}

/// A tensor that a kernel reads and writes as one run of memory: itself, or a copy written back.
class Dense {
 public:
  explicit Dense(const Tensor& t, bool written = true)
      : target_(t), dense_(as_contiguous(t)), written_(written) {
    if (written) check_inplace(t, recording({&t}));
  }
  void* raw() const { return dense_.raw(); }
  void finish() {
    if (!written_) return;
    if (!dense_.same(target_)) write(target_, dense_);
    bump_version(target_);
  }

 private:
  const Tensor& target_;
  Tensor dense_;
  bool written_;
};

/// f(first element, count, pointers) over ranges of parameter i and of the tensors that go with it.
/// The second list, the gradients, is read only; empty lists give null pointers.
template <class T, size_t N, class F>
void over_ranges(const Tensors* const (&lists)[N], size_t i, F f) {
  std::vector<Dense> dense;
  dense.reserve(N);
  T* at[N];
  for (size_t k = 0; k < N; ++k) {
    at[k] = nullptr;
    if (lists[k]->empty()) continue;
    dense.emplace_back((*lists[k])[i], k != 1);
    at[k] = static_cast<T*>(dense.back().raw());
  }
  const int64_t n = (*lists[0])[i].numel();
  if (n <= kGrain) {
    f(n, at);
  } else {
    LongKernel off(n);
    cpu::parallel_for(0, n, kGrain, [&](int64_t begin, int64_t end) {
      T* moved[N];
      for (size_t k = 0; k < N; ++k) moved[k] = at[k] ? at[k] + begin : nullptr;
      f(end - begin, moved);
    });
  }
  for (Dense& d : dense) d.finish();
}

/// Calls f(float{} or double{}, i) for each parameter.
template <class F>
void each(const Tensors& params, F f) {
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].dtype() == DType::F32)
      f(float{}, i);
    else
      f(double{}, i);
  }
}

void fused_adam_(const Tensors& params, const Tensors& grads, const Tensors& exp_avgs,
                 const Tensors& exp_avg_sqs, const Tensors& max_exp_avg_sqs,
                 const Tensors& state_steps, double lr, double beta1, double beta2,
                 double weight_decay, double eps, bool amsgrad, bool maximize, bool adamw) {
  const char* name = "_fused_adam_";
  static const Tensors none;
  const Tensors& largest = amsgrad ? max_exp_avg_sqs : none;
  check_params(name, params);
  check_list(name, "grads", grads, params);
  check_list(name, "exp_avgs", exp_avgs, params);
  check_list(name, "exp_avg_sqs", exp_avg_sqs, params);
  if (amsgrad) check_list(name, "max_exp_avg_sqs", largest, params);
  RL_CHECK(state_steps.size() == params.size(), name, ": expected a step for each of the ",
           params.size(), " parameters");
  for (const Tensor& s : state_steps)
    RL_CHECK(s.numel() == 1 && s.device().type == Device::Cpu, name,
             ": steps must be tensors of one number on the CPU");
  const Tensors* const lists[] = {&params, &grads, &exp_avgs, &exp_avg_sqs, &largest};
  each(params, [&](auto tag, size_t i) {
    using T = decltype(tag);
    const double t = cpu::get(state_steps[i].dtype(), state_steps[i].raw()).real();
    const cpu::AdamStep s{lr / (1 - std::pow(beta1, t)),     beta1,   beta2,
                          std::sqrt(1 - std::pow(beta2, t)), eps,     adamw ? 0 : weight_decay,
                          adamw ? 1 - lr * weight_decay : 1, maximize};
    over_ranges<T>(lists, i, [&s](int64_t n, T** p) {
      kernels<T>().adam(s, n, p[0], p[1], p[2], p[3], p[4]);
    });
  });
}

void fused_sgd_(const Tensors& params, const Tensors& grads, const Tensors& momentum_buffers,
                double weight_decay, double momentum, double lr, double dampening, bool nesterov,
                bool maximize, bool is_first_step) {
  const char* name = "_fused_sgd_";
  static const Tensors none;
  const Tensors& buffers = momentum == 0 ? none : momentum_buffers;
  check_params(name, params);
  check_list(name, "grads", grads, params);
  if (momentum != 0) check_list(name, "momentum_buffers", buffers, params);
  const cpu::SgdStep s{lr, momentum, dampening, weight_decay, nesterov, maximize, is_first_step};
  const Tensors* const lists[] = {&params, &grads, &buffers};
  each(params, [&](auto tag, size_t i) {
    using T = decltype(tag);
    over_ranges<T>(lists, i, [&s](int64_t n, T** p) { kernels<T>().sgd(s, n, p[0], p[1], p[2]); });
  });
}

void fused_rmsprop_(const Tensors& params, const Tensors& grads, const Tensors& square_avgs,
                    const Tensors& grad_avgs, const Tensors& momentum_buffers, double lr,
                    double alpha, double eps, double weight_decay, double momentum, bool centered,
                    bool maximize) {
  const char* name = "_fused_rmsprop_";
  static const Tensors none;
  const Tensors &means = centered ? grad_avgs : none,
                &buffers = momentum > 0 ? momentum_buffers : none;
  check_params(name, params);
  check_list(name, "grads", grads, params);
  check_list(name, "square_avgs", square_avgs, params);
  if (centered) check_list(name, "grad_avgs", means, params);
  if (momentum > 0) check_list(name, "momentum_buffers", buffers, params);
  const cpu::RmspropStep s{lr, alpha, eps, weight_decay, momentum, maximize};
  const Tensors* const lists[] = {&params, &grads, &square_avgs, &means, &buffers};
  each(params, [&](auto tag, size_t i) {
    using T = decltype(tag);
    over_ranges<T>(lists, i, [&s](int64_t n, T** p) {
      kernels<T>().rmsprop(s, n, p[0], p[1], p[2], p[3], p[4]);
    });
  });
}

/// Adds a number to each tensor: the counts of steps are many 0-d tensors.
void foreach_add_(const Tensors& tensors, const Scalar& scalar) {
  for (const Tensor& t : tensors) {
    const bool plain = t.numel() == 1 && t.dtype() == DType::F32 &&
                       t.device().type == Device::Cpu && scalar.kind != Scalar::Complex &&
                       !recording({&t});
    if (!plain) {
      static const Op* add = registry().find("add");
      const Operand operands[] = {t, scalar};
      const Scalar alpha(1);
      pointwise_(*add->formula, operands, &alpha);
      continue;
    }
    check_inplace(t, false);
    *t.data<float>() += static_cast<float>(scalar.real());
    bump_version(t);
  }
}

}  // namespace

void define_optim(Registry& r) {
  r.op("_fused_adam_(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps, *, lr, "
       "beta1, beta2, "
       "weight_decay, eps, amsgrad, maximize, adamw)",
       "A step of Adam on each parameter (Kingma and Ba, 2015); steps are counted beforehand.",
       &fused_adam_)
      .hidden();
  r.op("_fused_sgd_(params, grads, momentum_buffers, *, weight_decay, momentum, lr, dampening, "
       "nesterov, maximize, "
       "is_first_step)",
       "A step of gradient descent on each parameter; a first step fills the buffers.", &fused_sgd_)
      .hidden();
  r.op("_fused_rmsprop_(params, grads, square_avgs, grad_avgs, momentum_buffers, *, lr, alpha, "
       "eps, weight_decay, "
       "momentum, centered, maximize)",
       "A step of RMSprop on each parameter.", &fused_rmsprop_)
      .hidden();
  r.op("_foreach_add_(tensors, scalar)", "Adds a number to each tensor, in place.", &foreach_add_)
      .not_method();
}

}  // namespace rl
