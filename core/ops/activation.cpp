// Activation functions of neural networks.
#include "op/formula.h"

namespace {
using rl::Vectorized;
constexpr double kSqrtHalf = 0.707106781186547524401, kSqrt2OverPi = 0.797884560802865355880;
constexpr double kInvSqrt2Pi = 0.398942280401432677940, kGeluCubic = 0.044715;
}  // namespace

RL_FORMULAS(activation) {
  r.unary(
       "relu(input)", Real, "max(input, 0).", [](Value auto x) { return maximum(x, 0.0); },
       [](Value auto g, Value auto, Value auto y) { return where(y <= 0.0, 0.0, g); })
      .in_place_function()
      .rejects_complex("clamp is not supported for complex types", ErrorKind::NotImplemented)
      .rejects_bool("Boolean inputs not supported for relu")
      .no_out();
  // Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
  r.unary("_gelu(input)", Strict, "x times the normal distribution function.",
          Vectorized{[](Value auto x) { return 0.5 * x * (1.0 + erf(x * kSqrtHalf)); }},
          Vectorized{[](Value auto g, Value auto x, Value auto) {
            return g * (0.5 * (1.0 + erf(x * kSqrtHalf)) + x * (kInvSqrt2Pi * exp(-0.5 * (x * x))));
          }})
      .hidden()
      .node("GeluBackward0")
      .kernel("GeluKernelImpl");
  r.unary("_gelu_tanh(input)", Strict, "gelu by a hyperbolic tangent.",
          Vectorized{[](Value auto x) {
            return 0.5 * x * (1.0 + tanh(kSqrt2OverPi * (x + kGeluCubic * (x * x * x))));
          }},
          Vectorized{[](Value auto g, Value auto x, Value auto) {
            auto t = tanh(kSqrt2OverPi * (x + kGeluCubic * (x * x * x)));
            auto d = kSqrt2OverPi * (1.0 + 3.0 * kGeluCubic * (x * x));
            return g * (0.5 * (1.0 + t) + 0.5 * x * ((1.0 - t * t) * d));
          }})
      .hidden()
      .node("GeluBackward0")
      .kernel("GeluKernelImpl");
  r.unary("silu(input)", StrictComplex, "x * sigmoid(x).",
          Vectorized{[](Value auto x) { return x * sigmoid(x); }},
          Vectorized{[](Value auto g, Value auto x, Value auto) {
            auto s = sigmoid(x);
            return g * (s * (1.0 + x * (1.0 - s)));
          }})
      .nn();
  // Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
  r.unary(
       "mish(input)", Strict, "x * tanh(softplus(x)).",
       [](Value auto x) { return x * tanh(where(x > 20.0, x, log1p(exp(minimum(x, 20.0))))); },
       [](Value auto g, Value auto x, Value auto) {
         auto t = tanh(where(x > 20.0, x, log1p(exp(minimum(x, 20.0)))));
         return g * (t + x * sigmoid(x) * (1.0 - t * t));
       })
      .nn();
  r.unary(
       "elu(input, alpha=1, scale=1, input_scale=1)", Strict,
       "x above zero, alpha * (exp(x) - 1) below.",
       [](Value auto x, Value auto alpha, Value auto scale, Value auto in) {
         return where(x > 0.0, scale * x, scale * (alpha * expm1(minimum(x, 0.0) * in)));
       },
       [](Value auto g, Value auto x, Value auto, Value auto alpha, Value auto scale,
          Value auto in) {
         return where(x <= 0.0, g * (scale * alpha * in * exp(minimum(x, 0.0) * in)), g * scale);
       })
      .nn();
  r.unary(
       "selu(input)", Strict, "Self-normalising elu (Klambauer et al., 2017).",
       [](Value auto x) {
         return where(x > 0.0, 1.0507009873554804934193 * x,
                      1.0507009873554804934193 * 1.6732632423543772848170 * expm1(minimum(x, 0.0)));
       },
       [](Value auto g, Value auto x, Value auto) {
         return where(
             x <= 0.0,
             g * (1.0507009873554804934193 * 1.6732632423543772848170 * exp(minimum(x, 0.0))),
             g * 1.0507009873554804934193);
       })
      .node("EluBackward0")
      .not_method()
      .in_place_function()
      .kernel("elu_cpu")
      .no_out();
  r.unary(
       "celu(input, alpha=1.0)", Strict, "Continuously differentiable elu (Barron, 2017).",
       [](Value auto x, Value auto alpha) {
         return where(x > 0.0, x, alpha * expm1(minimum(x, 0.0) / alpha));
       },
       [](Value auto g, Value auto x, Value auto, Value auto alpha) {
         return where(x <= 0.0, g * exp(minimum(x, 0.0) / alpha), g);
       })
      .node("EluBackward0")
      .not_method()
      .in_place_function()
      .rejects_zero("ZeroDivisionError: alpha cannot be 0 for CELU")
      .kernel("elu_cpu")
      .no_out();
  r.unary(
       "leaky_relu(input, negative_slope=0.01)", Strict, "x above zero, negative_slope * x below.",
       [](Value auto x, Value auto slope) { return where(x > 0.0, x, x * slope); },
       [](Value auto g, Value auto x, Value auto, Value auto slope) {
         return where(x > 0.0, g, g * slope);
       })
      .nn();
  r.binary(
       "_prelu_kernel(input, weight)", Strict, "leaky_relu with a learnt slope.",
       [](Value auto x, Value auto w) { return where(x > 0.0, x, x * w); },
       [](Value auto g, Value auto x, Value auto w, Value auto) {
         return where(x > 0.0, g, g * w);
       },
       [](Value auto g, Value auto x, Value auto, Value auto) {
         return where(x > 0.0, 0.0, g * x);
       })
      .not_in_place()
      .not_method()
      .node("PreluKernelBackward0")
      .tensors_only()
      .kernel("prelu_cpu");
  r.unary(
       "hardtanh(input, min_val=-1, max_val=1)", Real, "x held between two bounds.",
       [](Value auto x, Value auto lo, Value auto hi) { return minimum(maximum(x, lo), hi); },
       [](Value auto g, Value auto x, Value auto, Value auto lo, Value auto hi) {
         return where(x <= lo || x >= hi, 0.0, g);
       })
      .nn()
      .rejects_complex("clamp is not supported for complex types", ErrorKind::NotImplemented)
      .rejects_bool("Bool inputs not supported for hardtanh");
  r.unary(
       "hardswish(input)", Strict, "x * relu6(x + 3) / 6 (Howard et al., 2019).",
       [](Value auto x) { return x * minimum(maximum(x + 3.0, 0.0), 6.0) / 6.0; },
       [](Value auto g, Value auto x, Value auto) {
         return where(x <= -3.0, 0.0, where(x < 3.0, g * (x / 3.0 + 0.5), g));
       })
      .nn();
  r.unary(
       "hardsigmoid(input)", Strict, "relu6(x + 3) / 6.",
       [](Value auto x) { return minimum(maximum(x + 3.0, 0.0), 6.0) / 6.0; },
       [](Value auto g, Value auto x, Value auto) {
         return where(x > -3.0 && x < 3.0, g * 0.16666667163372039795, 0.0);  // 1 / 6 in float
       })
      .nn();
  r.unary(
       "softplus(input, beta=1, threshold=20)", Strict, "log(1 + exp(beta x)) / beta.",
       [](Value auto x, Value auto beta, Value auto threshold) {
         auto z = x * beta;
         return where(z > threshold, x, log1p(exp(minimum(z, threshold))) / beta);
       },
       [](Value auto g, Value auto x, Value auto, Value auto beta, Value auto threshold) {
         auto z = x * beta;
         return where(z > threshold, g, g * sigmoid(z));
       })
      .nn()
      .not_in_place()
      .out_dtype(kOutFoundExact);
  r.unary(
       "softshrink(input, lambd=0.5)", Strict, "x moved towards zero by lambd.",
       [](Value auto x, Value auto l) {
         return where(x > l, x - l, where(x < -l, x + l, x * 0.0));
       },
       [](Value auto g, Value auto x, Value auto, Value auto l) {
         return where(x >= -l && x <= l, 0.0, g);
       })
      .nn()
      .not_in_place()
      .out_dtype(kOutFoundExact)
      .kernel("softshrink_check");
  r.unary(
       "hardshrink(input, lambd=0.5)", Strict, "x, or zero where abs(x) <= lambd.",
       [](Value auto x, Value auto l) { return where(x >= -l && x <= l, 0.0, x); },
       [](Value auto g, Value auto x, Value auto, Value auto l) {
         return where(x >= -l && x <= l, 0.0, g);
       })
      .not_in_place()
      .out_dtype(kOutFoundExact);
  r.unary(
       "threshold(input, threshold, value)", Real, "x where x > threshold, else value.",
       [](Value auto x, Value auto t, Value auto v) { return where(x <= t, v, x); },
       [](Value auto g, Value auto x, Value auto, Value auto t, Value auto) {
         return where(x <= t, 0.0, g);
       })
      .not_method()
      .in_place_function()
      .lacks_bool();
  r.unary(
       "log_sigmoid(input)", Strict, "log(sigmoid(x)).",
       [](Value auto x) { return minimum(x, 0.0) - log1p(exp(-abs(x))); },
       [](Value auto g, Value auto x, Value auto) { return g * sigmoid(-x); })
      .nn()
      .not_in_place()
      .node("LogSigmoidBackward0")
      .out_dtype(kOutScalar);
}
