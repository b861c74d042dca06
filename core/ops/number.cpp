// Operations on single numbers that no formula expresses: gcd, lcm; Poisson and binomial
// draws. Not here: the random streams themselves (cpu/random).
#include <cmath>

#include "cpu/dispatch.h"
#include "cpu/random.h"
#include "cpu/threads.h"
#include "op/call.h"
#include "op/promote.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {

cpu::Generator& default_generator();

namespace {

// ---- gcd and lcm ----

/// Euclid; of the smallest integer the result wraps around, as its absolute value does.
template <class T>
T gcd_of(T a, T b) {
  while (b != 0) {
    const T r = b == static_cast<T>(-1) ? T(0) : static_cast<T>(a % b);
    a = b;
    b = r;
  }
  return a < 0 ? static_cast<T>(-a) : a;
}
template <class T>
T lcm_of(T a, T b) {
  const T g = gcd_of(a, b);
  if (g == 0) return 0;
  const T m = static_cast<T>(a / g * b);
  return m < 0 ? static_cast<T>(-m) : m;
}

template <bool lcm>
Tensor integer_pair(const Tensor& input, const Tensor& other) {
  const Operand both[] = {input, other};
  const DType t = result_type(both, 2);
  if (!is_integral(t) || t == DType::Bool) not_implemented(lcm ? "lcm_cpu" : "gcd_cpu", t);
  const Dims shape = broadcast(input.sizes(), other.sizes());
  const Tensor a = as_contiguous(expand(input, shape), t);
  const Tensor b = as_contiguous(expand(other, shape), t);
  const Tensor out = empty(shape, t, input.device());
  dispatch_real(t, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const T *x = a.data<T>(), *y = b.data<T>();
      T* to = out.data<T>();
      LongKernel off(out.numel() * 16);
      cpu::parallel_for(0, out.numel(), 4096, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) to[i] = lcm ? lcm_of(x[i], y[i]) : gcd_of(x[i], y[i]);
      });
    }
  });
  return out;
}

// ---- Poisson and binomial draws ----

struct Draws {
  cpu::Generator& g;
  double uniform() {
    return static_cast<double>(g.random64() & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
  }
};

/// Transformed rejection (Hoermann, 1993) for rates from 10 on, products of uniforms below.
int64_t poisson_of(double rate, Draws& draws) {
  RL_CHECK(rate >= 0, "invalid Poisson rate, expected rate to be non-negative");
  if (rate == 0) return 0;
  if (rate < 10) {
    const double limit = std::exp(-rate);
    int64_t k = 0;
    for (double product = draws.uniform(); product > limit; product *= draws.uniform()) ++k;
    return k;
  }
  const double root = std::sqrt(rate), log_rate = std::log(rate);
  const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), vr = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = draws.uniform() - 0.5, v = draws.uniform(), us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= vr) return static_cast<int64_t>(k);
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <=
        -rate + k * log_rate - std::lgamma(k + 1))
      return static_cast<int64_t>(k);
  }
}

/// log(k!) less Stirling's formula.
double stirling_tail(double k) {
  if (k <= 9)
    return std::lgamma(k + 1) - ((k + 0.5) * std::log(k + 1) - (k + 1) + 0.91893853320467274178);
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

/// Binomial draws by sums of geometric gaps (Devroye, 1986), for few expected successes.
double binomial_few(double count, double p, Draws& draws) {
  const double log_q = std::log1p(-p);
  double sum = 0, successes = 0;
  for (;; ++successes) {
    sum += std::ceil(std::log(draws.uniform()) / log_q);
    if (sum > count) return successes;
  }
}

/// Binomial draws by transformed rejection (Hoermann, 1993: BTRS), for p <= 1/2 and many.
double binomial_many(double count, double p, Draws& draws) {
  const double deviation = std::sqrt(count * p * (1 - p));
  const double b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double c = count * p + 0.5, vr = 0.92 - 4.2 / b, r = p / (1 - p);
  const double alpha = (2.83 + 5.1 / b) * deviation, m = std::floor((count + 1) * p);
  for (;;) {
    const double u = draws.uniform() - 0.5;
    double v = draws.uniform();
    const double us = 0.5 - std::fabs(u), k = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || k > count) continue;
    v = std::log(v * alpha / (a / (us * us) + b));
    const double bound = (m + 0.5) * std::log((m + 1) / (r * (count - m + 1))) +
                         (count + 1) * std::log((count - m + 1) / (count - k + 1)) +
                         (k + 0.5) * std::log(r * (count - k + 1) / (k + 1)) + stirling_tail(m) +
                         stirling_tail(count - m) - stirling_tail(k) - stirling_tail(count - k);
    if (v <= bound) return k;
  }
}

double binomial_of(double count, double p, Draws& draws) {
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  if (p != p) return p;
  const double q = p <= 0.5 ? p : 1 - p;
  const double k = count * q >= 10 ? binomial_many(count, q, draws) : binomial_few(count, q, draws);
  return p <= 0.5 ? k : count - k;
}

/// out[i] = draw(a[i], b[i]), in order; the gradient is zero.
template <class F>
Tensor drawn(const Tensor& a, const Tensor& b, const char* label, F draw) {
  const Tensor x = as_contiguous(a, DType::F64), y = as_contiguous(b, DType::F64);
  const Tensor wide = empty(a.sizes(), DType::F64);
  for (int64_t i = 0; i < x.numel(); ++i)
    wide.data<double>()[i] = draw(x.data<double>()[i], y.data<double>()[i]);
  return record(as_contiguous(wide, a.dtype()), label, {&a, &b}, [&] {
    return [](const Grads& g, Node&) -> Grads {
      const Tensor zero = call_op<"mul">(g[0], 0.0);
      return {zero, zero};
    };
  });
}

Tensor poisson(const Tensor& input, cpu::Generator* g) {
  if (!is_floating(input.dtype())) not_implemented("poisson_cpu", input.dtype());
  Draws draws{g ? *g : default_generator()};
  return drawn(input, input, "PoissonBackward0",
               [&](double rate, double) { return static_cast<double>(poisson_of(rate, draws)); });
}

Tensor binomial(const Tensor& count, const Tensor& prob, cpu::Generator* g) {
  RL_CHECK_VALUE(
      is_floating(count.dtype()),
      "binomial only supports floating-point dtypes for count, got: ", info(count.dtype()).type);
  RL_CHECK_VALUE(
      is_floating(prob.dtype()),
      "binomial only supports floating-point dtypes for prob, got: ", info(prob.dtype()).type);
  RL_CHECK(count.dtype() == prob.dtype(), "expected scalar type ", info(count.dtype()).type,
           " but found ", info(prob.dtype()).type);
  Draws draws{g ? *g : default_generator()};
  const Dims shape = broadcast(count.sizes(), prob.sizes());
  return drawn(expand(count, shape), expand(prob, shape), "BinomialBackward0",
               [&](double n, double p) { return binomial_of(n, p, draws); });
}

}  // namespace

void define_number(Registry& r) {
  r.op("gcd(input, other)", "The greatest common divisor of integers.", &integer_pair<false>)
      .in_place()
      .in_place_function();
  r.op("lcm(input, other)", "The least common multiple of integers.", &integer_pair<true>)
      .in_place()
      .in_place_function();
  r.op("poisson(input, generator=None)", "Poisson draws with the rates in input.", &poisson)
      .not_method()
      .no_out();
  r.op("binomial(count, prob, generator=None)", "Binomial draws: successes among count trials.",
       &binomial)
      .not_method()
      .no_out();
}

}  // namespace rl
