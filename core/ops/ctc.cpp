// CTC: minus the log-probability of all alignments of a target with a longer sequence (Graves et
// al., "Connectionist Temporal Classification", 2006), by forward and backward variables.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

constexpr const char* kChecking = " (while checking arguments for ctc_loss_allocate_outputs)";

/// The targets of a batch as labels with blanks between them, and the lengths.
struct Targets {
  int64_t time = 0, batch = 0, classes = 0, blank = 0, width = 1;  // width: of the longest path
  std::vector<int64_t> input_length, target_length;
  std::vector<int64_t> path;  // [batch, width]

  const int64_t* row(int64_t n) const { return path.data() + n * width; }
  int64_t states(int64_t n) const { return 2 * target_length[static_cast<size_t>(n)] + 1; }
};

template <class T>
T log_add(T a, T b, T c = -std::numeric_limits<T>::infinity()) {
  const T top = std::max(a, std::max(b, c));
  if (top == -std::numeric_limits<T>::infinity()) return top;
  return std::log(std::exp(a - top) + std::exp(b - top) + std::exp(c - top)) + top;
}

/// alpha[time, width] of one sample; gives the negative log-likelihood.
template <class T>
T forward(const Targets& c, int64_t n, const T* log_probs, T* alpha) {
  const T never = -std::numeric_limits<T>::infinity();
  const int64_t *path = c.row(n), states = c.states(n);
  const int64_t steps = c.input_length[static_cast<size_t>(n)];
  if (steps == 0) return states == 1 ? T(0) : -never;
  const auto emit = [&](int64_t t) { return log_probs + (t * c.batch + n) * c.classes; };
  for (int64_t s = 0; s < c.width; ++s) alpha[s] = s < states && s < 2 ? emit(0)[path[s]] : never;
  for (int64_t t = 1; t < steps; ++t) {
    const T *last = alpha + (t - 1) * c.width, *p = emit(t);
    T* now = alpha + t * c.width;
    for (int64_t s = 0; s < c.width; ++s) {
      if (s >= states) {
        now[s] = never;
        continue;
      }
      // A label may follow the one before without a blank, unless they are equal.
      now[s] = log_add(last[s], s > 0 ? last[s - 1] : never,
                       s > 1 && path[s] != path[s - 2] ? last[s - 2] : never) +
               p[path[s]];
    }
  }
  const T* end = alpha + (steps - 1) * c.width;
  return -(states > 1 ? log_add(end[states - 1], end[states - 2]) : end[0]);
}

/// g times the gradient by the log-probabilities, these being taken as log-softmax made them.
template <class T>
void backward(const Targets& c, int64_t n, const T* log_probs, const T* alpha, T loss, T g,
              T* grad) {
  const T never = -std::numeric_limits<T>::infinity();
  const int64_t *path = c.row(n), states = c.states(n);
  const int64_t steps = c.input_length[static_cast<size_t>(n)];
  std::vector<T> now(static_cast<size_t>(states)), next(now), ways(static_cast<size_t>(c.classes));
  for (int64_t t = steps - 1; t >= 0; --t) {
    const T *p = log_probs + (t * c.batch + n) * c.classes, *a = alpha + t * c.width;
    for (int64_t s = 0; s < states; ++s) {
      const size_t i = static_cast<size_t>(s);
      T sum = never;
      if (t == steps - 1) {
        sum = s >= states - 2 ? T(0) : never;
      } else {
        sum = log_add(next[i], s + 1 < states ? next[i + 1] : never,
                      s + 2 < states && path[s] != path[s + 2] ? next[i + 2] : never);
      }
      now[i] = sum + p[path[s]];
    }
    std::swap(now, next);
    ways.assign(ways.size(), never);
    for (int64_t s = 0; s < states; ++s) {
      T& w = ways[static_cast<size_t>(path[s])];
      w = log_add(w, a[s] + next[static_cast<size_t>(s)]);
    }
    T* to = grad + (t * c.batch + n) * c.classes;
    for (int64_t k = 0; k < c.classes; ++k)
      to[k] = (std::exp(p[k]) - std::exp(ways[static_cast<size_t>(k)] + loss - p[k])) * g;
  }
}

// ---- checks ----

std::vector<int64_t> lengths_of(const Dims& v) { return {v.begin(), v.end()}; }
std::vector<int64_t> lengths_of(const Tensor& v, const char* name) {
  RL_CHECK(is_integral(v.dtype(), false), name, " must be integral");
  const Tensor c = as_contiguous(v, DType::I64);
  return {c.data<int64_t>(), c.data<int64_t>() + c.numel()};
}

/// Every length, and every label: one out of range would read foreign memory.
void check_lengths(const Targets& c, int64_t& sum) {
  RL_CHECK(0 <= c.blank && c.blank < c.classes, "blank must be in label range");
  RL_CHECK(static_cast<int64_t>(c.input_length.size()) == c.batch,
           "input_lengths must be of size batch_size");
  RL_CHECK(static_cast<int64_t>(c.target_length.size()) == c.batch,
           "target_lengths must be of size batch_size");
  for (int64_t n : c.target_length) {
    RL_CHECK(n >= 0, "Expected target_lengths to have value at least 0, but got value ", n,
             kChecking);
    RL_CHECK(n < int64_t{1} << 31, "target_lengths is out of range: ", n);
    sum += n;
  }
  for (int64_t n : c.input_length) {
    RL_CHECK(n >= 0, "Expected input_lengths to have value at least 0, but got value ", n,
             kChecking);
    RL_CHECK(n <= c.time, "Expected input_lengths to have value at most ", c.time,
             ", but got value ", n, kChecking);
  }
}

Targets read_targets(const Tensor& log_probs, const Tensor& targets,
                     std::vector<int64_t> input_lengths, std::vector<int64_t> target_lengths,
                     int64_t blank) {
  check_cpu(log_probs);
  RL_CHECK(log_probs.numel() > 0, "log_probs tensor must not be empty");
  RL_CHECK(log_probs.dim() == 3, "Expected 3-dimensional tensor, but got ", log_probs.dim(),
           "-dimensional tensor for argument #1 'log_probs'", kChecking);
  RL_CHECK(targets.dim() == 1 || targets.dim() == 2, "Expected 1 to 2 dimensions, but got ",
           targets.dim(), "-dimensional tensor for argument #2 'targets'", kChecking);
  RL_CHECK(!is_complex(targets.dtype()), "targets must be integral");
  Targets c;
  c.time = log_probs.size(0), c.batch = log_probs.size(1), c.classes = log_probs.size(2);
  c.blank = blank;
  c.input_length = std::move(input_lengths), c.target_length = std::move(target_lengths);
  int64_t sum = 0, longest = 0;
  check_lengths(c, sum);
  for (int64_t n : c.target_length) longest = std::max(longest, n);
  const bool joined = targets.dim() == 1;
  RL_CHECK(!joined || targets.size(0) == sum, "Expected tensor to have size ", sum,
           " at dimension 0, but got size ", targets.size(0), " for argument #2 'targets'",
           kChecking);
  RL_CHECK(joined || targets.size(0) == c.batch, "Expected tensor to have size ", c.batch,
           " at dimension 0, but got size ", targets.size(0), " for argument #2 'targets'",
           kChecking);
  RL_CHECK(joined || targets.size(1) >= longest, "Expected tensor to have size at least ", longest,
           " at dimension 1, but got size ", targets.size(-1), " for argument #2 'targets'",
           kChecking);
  const Tensor labels = as_contiguous(targets, DType::I64);
  c.width = 2 * longest + 1;
  checked_numel({c.batch, c.time, c.width});
  c.path.assign(static_cast<size_t>(c.batch * c.width), blank);
  const int64_t* at = labels.data<int64_t>();
  for (int64_t n = 0; n < c.batch; ++n) {
    const int64_t* row = joined ? at : labels.data<int64_t>() + n * labels.size(1);
    for (int64_t i = 0; i < c.target_length[static_cast<size_t>(n)]; ++i, ++at) {
      RL_CHECK(row[i] >= 0 && row[i] < c.classes, "ctc_loss: target ", row[i],
               " is out of range: there are ", c.classes, " classes, 0 to ", c.classes - 1);
      c.path[static_cast<size_t>(n * c.width + 2 * i + 1)] = row[i];
    }
  }
  if (log_probs.dtype() != DType::F32 && log_probs.dtype() != DType::F64)
    not_implemented("ctc_loss_cpu", log_probs.dtype());
  return c;
}

// ---- the operation ----

Tensor run_backward(const Targets& c, const Tensor& log_probs, const Tensor& alpha,
                    const Tensor& loss, const Tensor& g, bool zero_infinity) {
  const DType t = log_probs.dtype();
  const Tensor grad = zeros(log_probs.sizes(), t, log_probs.device()), p = as_contiguous(log_probs),
               from = as_contiguous(g, t), a = as_contiguous(alpha), l = as_contiguous(loss);
  const void *pp = p.raw(), *pa = a.raw(), *pl = l.raw(), *pg = from.raw();
  void* to = grad.raw();
  LongKernel off(alpha.numel() * 16);
  typed(t, [&](auto tag) {
    using T = decltype(tag);
    cpu::parallel_for(0, c.batch, 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        const T nll = static_cast<const T*>(pl)[n];
        if (zero_infinity && nll == std::numeric_limits<T>::infinity()) continue;
        backward(c, n, static_cast<const T*>(pp), static_cast<const T*>(pa) + n * c.time * c.width,
                 nll, static_cast<const T*>(pg)[n], static_cast<T*>(to));
      }
    });
  });
  return grad;
}

std::tuple<Tensor, Tensor> ctc(const Tensor& log_probs, const Targets& c, bool zero_infinity) {
  const DType t = log_probs.dtype();
  const Tensor loss = empty({c.batch}, t, log_probs.device()),
               alpha = full({c.batch, c.time, c.width}, -INFINITY, t, log_probs.device()),
               p = as_contiguous(log_probs);
  {
    const void* from = p.raw();
    void *pl = loss.raw(), *pa = alpha.raw();
    LongKernel off(alpha.numel() * 16);
    typed(t, [&](auto tag) {
      using T = decltype(tag);
      cpu::parallel_for(0, c.batch, 1, [&](int64_t begin, int64_t end) {
        for (int64_t n = begin; n < end; ++n)
          static_cast<T*>(pl)[n] = forward(c, n, static_cast<const T*>(from),
                                           static_cast<T*>(pa) + n * c.time * c.width);
      });
    });
  }
  const Tensor recorded = record(loss, "CtcLossBackward0", {&log_probs}, [&] {
    return [c, zero_infinity, p = Saved(log_probs), alpha, value = alias(loss)](const Grads& g,
                                                                                Node& n) -> Grads {
      const Tensor x = p.unpack(&n);
      Tensor grad;
      {
        GradGuard off(false);
        grad = run_backward(c, x, alpha, value, g[0], zero_infinity);
      }
      return {record(grad, "CtcLossBackwardBackward0", {&g[0], &x}, [] {
        return [](const Grads&, Node&) -> Grads {
          raise(ErrorKind::Runtime, "derivative for aten::_ctc_loss_backward is not implemented");
        };
      })};
    };
  });
  return {recorded, alpha};
}

std::tuple<Tensor, Tensor> ctc_of_lists(const Tensor& log_probs, const Tensor& targets,
                                        const Dims& input_lengths, const Dims& target_lengths,
                                        int64_t blank, bool zero_infinity) {
  return ctc(log_probs,
             read_targets(log_probs, targets, lengths_of(input_lengths), lengths_of(target_lengths),
                          blank),
             zero_infinity);
}
std::tuple<Tensor, Tensor> ctc_of_tensors(const Tensor& log_probs, const Tensor& targets,
                                          const Tensor& input_lengths, const Tensor& target_lengths,
                                          int64_t blank, bool zero_infinity) {
  return ctc(log_probs,
             read_targets(log_probs, targets, lengths_of(input_lengths, "input_lengths"),
                          lengths_of(target_lengths, "target_lengths"), blank),
             zero_infinity);
}

/// Of a batch, or of one sample [time, classes].
Tensor reduced(const Tensor& log_probs, const Tensor& targets, std::vector<int64_t> input_lengths,
               const std::vector<int64_t>& target_lengths, int64_t blank, int64_t reduction,
               bool zero_infinity) {
  const bool batched = log_probs.dim() != 2;
  const Tensor p = batched ? log_probs : unsqueeze(log_probs, 1);
  const Targets c = read_targets(p, targets, std::move(input_lengths), target_lengths, blank);
  Tensor loss = std::get<0>(ctc(p, c, zero_infinity));
  if (zero_infinity)
    loss = call_op<"where">(call_op<"eq">(loss, static_cast<double>(INFINITY)), 0.0, loss);
  if (reduction == 1) {
    const Tensor n = empty({c.batch}, loss.dtype(), loss.device());
    for (int64_t i = 0; i < c.batch; ++i) {
      const int64_t count = std::max<int64_t>(target_lengths[static_cast<size_t>(i)], 1);
      typed(n.dtype(),
            [&](auto tag) { n.data<decltype(tag)>()[i] = static_cast<decltype(tag)>(count); });
    }
    return call_op<"mean">(call_op<"div">(loss, n));
  }
  if (reduction == 2) return sum_all(loss);
  return batched ? loss : squeeze_dim(loss, 0);
}

Tensor ctc_loss_of_lists(const Tensor& log_probs, const Tensor& targets, const Dims& input_lengths,
                         const Dims& target_lengths, int64_t blank, int64_t reduction,
                         bool zero_infinity) {
  return reduced(log_probs, targets, lengths_of(input_lengths), lengths_of(target_lengths), blank,
                 reduction, zero_infinity);
}
Tensor ctc_loss_of_tensors(const Tensor& log_probs, const Tensor& targets,
                           const Tensor& input_lengths, const Tensor& target_lengths, int64_t blank,
                           int64_t reduction, bool zero_infinity) {
  return reduced(log_probs, targets, lengths_of(input_lengths, "input_lengths"),
                 lengths_of(target_lengths, "target_lengths"), blank, reduction, zero_infinity);
}

}  // namespace

void define_ctc(Registry& r) {
  const char* doc =
      "Minus the log-probability of the targets [n, length], or of all one after another, under "
      "log_probs [time, n, classes] (Graves et al., 2006). reduction 1 divides each by its "
      "target's length and takes the mean, 2 sums.";
#define RL_CTC "(log_probs, targets, input_lengths, target_lengths, blank=0, "
  r.op("ctc_loss" RL_CTC "reduction=0, zero_infinity=False)", doc, &ctc_loss_of_lists).not_method();
  r.op("ctc_loss" RL_CTC "reduction=0, zero_infinity=False)", doc, &ctc_loss_of_tensors)
      .not_method();
  const char* raw_doc = "The losses, and the logarithms of the forward variables.";
  r.op("_ctc_loss" RL_CTC "zero_infinity=False)", raw_doc, &ctc_of_lists).not_method();
  r.op("_ctc_loss" RL_CTC "zero_infinity=False)", raw_doc, &ctc_of_tensors).not_method();
#undef RL_CTC
}

}  // namespace rl
