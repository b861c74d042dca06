// Special functions as formulas over leaves.
#include "op/formula.h"

namespace {
constexpr double kTwoOverSqrtPi = 1.128379167095512573896, kPi = 3.141592653589793238463;

/// The derivative of digamma: reflected to the right half-plane, moved up by eight with
/// trigamma(x) = 1/x^2 + trigamma(x + 1), then its asymptotic series (Abramowitz and
/// Stegun, 6.4.12).
auto trigamma(auto input) {
  auto left = input < 0.5;
  auto x = where(left, 1.0 - input, input);
  auto sum = 1.0 / (x * x);
  for (double k = 1; k < 8; ++k) sum = sum + 1.0 / ((x + k) * (x + k));
  auto r = 1.0 / (x + 8.0), q = r * r;
  auto series =
      q * (1.0 / 6 + q * (-1.0 / 30 +
                          q * (1.0 / 42 + q * (-1.0 / 30 + q * (5.0 / 66 + q * (-691.0 / 2730))))));
  sum = sum + r * (1.0 + 0.5 * r + series);
  auto s = sin(kPi * input);
  return where(left, kPi * kPi / (s * s) - sum, sum);
}

/// The modified Bessel function of order 1, the derivative of i0: its power series up to 20, beyond
/// that the asymptotic one (Abramowitz and Stegun, 9.6.10 and 9.7.1).
auto bessel_i1(auto x) {
  auto a = abs(x), low = minimum(a, 20.0), u = 1.0 / maximum(a, 20.0), q = 0.25 * low * low;
  auto near = like(x, 1.0), far = like(x, 1.0);
  for (double k = 42; k > 0; --k) near = 1.0 + near * q * (1 / (k * (k + 1)));
  for (double k = 30; k > 0; --k) far = 1.0 + far * u * (((2 * k - 1) * (2 * k - 1) - 4) / (8 * k));
  auto h = exp(0.5 * a);
  return sign(x) *
         where(a < 20.0, near * (0.5 * a), h * (far * sqrt(u) * 0.398942280401432677940) * h);
}
}  // namespace

RL_FORMULAS(special) {
  r.unary(
      "erf(input)", RealFloat, "The error function.", [](Value auto x) { return erf(x); },
      [](Value auto g, Value auto x, Value auto) { return g * (kTwoOverSqrtPi * exp(-(x * x))); });
  r.unary(
      "erfc(input)", RealFloat, "1 - erf(input), accurate for large input.",
      [](Value auto x) { return erfc(x); },
      [](Value auto g, Value auto x, Value auto) {
        return -(g * (kTwoOverSqrtPi * exp(-(x * x))));
      });
  r.unary(
      "erfinv(input)", RealFloat, "The inverse of erf.", [](Value auto x) { return erfinv(x); },
      [](Value auto g, Value auto, Value auto y) {
        return g * (0.886226925452758013649 * exp(y * y));
      });
  r.unary(
      "lgamma(input)", RealFloat, "log(abs(gamma(input))).", [](Value auto x) { return lgamma(x); },
      [](Value auto g, Value auto x, Value auto) { return g * digamma(x); });
  r.unary(
      "digamma(input)", RealFloat, "The derivative of lgamma.",
      [](Value auto x) { return digamma(x); },
      [](Value auto g, Value auto x, Value auto) { return g * trigamma(x); });
  r.unary(
      "i0(input)", RealFloat, "The modified Bessel function of order 0.",
      [](Value auto x) { return i0(x); },
      [](Value auto g, Value auto x, Value auto) { return g * bessel_i1(x); });
  r.unary(
       "_logit(input)", RealFloat, "log(input / (1 - input)).",
       [](Value auto x) { return log(x / (1.0 - x)); },
       [](Value auto g, Value auto x, Value auto) {
         auto inside = x >= 0.0 && x <= 1.0;
         return where(inside, g / (x * (1.0 - x)), like(g, __builtin_nan("")));
       })
      .hidden()
      .node("LogitBackward0");
  r.ternary(
       "_logit_eps(input, low, high)", RealFloat, "logit of input held between two bounds.",
       [](Value auto x, Value auto lo, Value auto hi) {
         auto c = where(x < lo, lo, where(x > hi, hi, x));
         return log(c / (1.0 - c));
       },
       [](Value auto g, Value auto x, Value auto lo, Value auto hi, Value auto) {
         auto inside = x >= lo && x <= hi;
         auto c = where(inside, x, like(x, 0.5));
         return where(inside, g / (c * (1.0 - c)), 0.0);
       },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto) { return g * 0.0; })
      .hidden()
      .node("LogitBackward0");
}
