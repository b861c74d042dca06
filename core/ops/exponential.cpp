// Exponentials, logarithms and roots.
#include "op/formula.h"

namespace {
using rl::Range, rl::Value, rl::Vectorized;
constexpr double kLn2 = 0.693147180559945309417, kLn10 = 2.302585092994045684018;

struct Exponential {
  static constexpr Range range{0, 86};  // the result is a normal number
  auto operator()(Value auto x) const { return exp(x); }
  auto near(Value auto x) const -> decltype(exp_near(x)) { return exp_near(x); }
};
struct Sigmoid {
  static constexpr Range range = Exponential::range;
  auto operator()(Value auto x) const { return sigmoid(x); }
  auto near(Value auto x) const -> decltype(sigmoid_near(x)) { return sigmoid_near(x); }
};
struct Logarithm {
  static constexpr Range range{1.2e-38, 3.4e38};  // the argument is one
  auto operator()(Value auto x) const { return log(x); }
  auto near(Value auto x) const -> decltype(log_near(x)) { return log_near(x); }
};
}  // namespace

RL_FORMULAS(exponential) {
  r.unary("exp(input)", Float, "e ** input.", Vectorized<Exponential>(),
          [](Value auto g, Value auto, Value auto y) { return g * y; })
      .in_place_function();
  r.unary(
       "exp2(input)", Float, "2 ** input.", [](Value auto x) { return exp2(x); },
       [](Value auto g, Value auto, Value auto y) { return g * y * kLn2; })
      .in_place_function();
  r.unary(
       "expm1(input)", Float, "exp(input) - 1, accurate near zero.",
       [](Value auto x) { return expm1(x); },
       [](Value auto g, Value auto, Value auto y) { return g * (y + 1.0); })
      .in_place_function();
  r.unary("log(input)", Float, "The natural logarithm.", Vectorized<Logarithm>(),
          [](Value auto g, Value auto x, Value auto) { return g / x; })
      .in_place_function();
  r.unary(
       "log2(input)", Float, "The logarithm to base 2.", [](Value auto x) { return log2(x); },
       [](Value auto g, Value auto x, Value auto) { return g / (x * kLn2); })
      .in_place_function();
  r.unary(
       "log10(input)", Float, "The logarithm to base 10.", [](Value auto x) { return log10(x); },
       [](Value auto g, Value auto x, Value auto) { return g / (x * kLn10); })
      .in_place_function();
  r.unary(
       "log1p(input)", Float, "log(1 + input), accurate near zero.",
       [](Value auto x) { return log1p(x); },
       [](Value auto g, Value auto x, Value auto) { return g / (x + 1.0); })
      .in_place_function();
  r.unary("sqrt(input)", Float, "The square root.",
          Vectorized{[](Value auto x) { return sqrt(x); }},
          [](Value auto g, Value auto, Value auto y) { return g / (2.0 * y); })
      .in_place_function();
  r.unary(
       "rsqrt(input)", Float, "1 / sqrt(input).", [](Value auto x) { return rsqrt(x); },
       [](Value auto g, Value auto, Value auto y) { return -0.5 * g * (y * y * y); })
      .in_place_function();
  r.unary("sigmoid(input)", Float, "1 / (1 + exp(-input)).", Vectorized<Sigmoid>(),
          [](Value auto g, Value auto, Value auto y) { return g * (1.0 - y) * y; })
      .in_place_function();
  r.binary(
       "_logaddexp(input, other)", Strict, "logaddexp of real numbers.",
       [](Value auto x, Value auto o) {
         auto m = maximum(x, o);
         auto d = where(x == o, 0.0, minimum(x, o) - m);  // equal infinities differ by zero
         return m + log1p(exp(d));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) { return g / (1.0 + exp(o - x)); },
       [](Value auto g, Value auto x, Value auto o, Value auto) { return g / (1.0 + exp(x - o)); })
      .hidden()
      .tensors_only()
      .not_in_place()
      .node("LogaddexpBackward0");
  r.binary(
       "logaddexp2(input, other)", Strict, "log2(2 ** input + 2 ** other).",
       [](Value auto x, Value auto o) {
         auto m = maximum(x, o);
         auto d = where(x == o, 0.0, minimum(x, o) - m);
         return m + log1p(exp2(d)) / kLn2;
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) { return g / (1.0 + exp2(o - x)); },
       [](Value auto g, Value auto x, Value auto o, Value auto) { return g / (1.0 + exp2(x - o)); })
      .tensors_only()
      .not_in_place();
  r.binary(
       "_pow(input, exponent)", Number, "input ** exponent for any exponent.",
       [](Value auto x, Value auto e) { return pow(x, e); },
       [](Value auto g, Value auto x, Value auto e, Value auto) {
         return where(e == 0.0, g * 0.0, g * (e * pow(x, e - 1.0)));
       },
       [](Value auto g, Value auto x, Value auto e, Value auto y) {
         // At x = 0 the derivative's limit is 0 for e >= 0; log's argument is kept finite there.
         auto flat = x == 0.0 && (sign(e) == 1.0 || e == 0.0);
         return where(flat, g * 0.0, g * (y * log(where(flat, like(x, 1.0), x))));
       })
      .hidden()
      .node("PowBackward1")
      .kernel("pow");
  r.binary(
       "xlogy(input, other)", RealFloat,
       "input * log(other), 0 where input is 0 (NaN of other carries).",
       [](Value auto x, Value auto o) {
         return where(isnan(o), o, where(x == 0.0, 0.0, x * log(o)));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x == 0.0 && o <= 0.0, g * 0.0, g * log(o));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) { return g * x / o; })
      .number_first()
      .in_place_function();
}
