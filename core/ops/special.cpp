// Special functions as formulas over leaves.
#include "op/formula.h"

namespace {
constexpr double kTwoOverSqrtPi = 1.128379167095512573896;
}

RL_FORMULAS(special) {
  r.unary("erf(input)", RealFloat, "The error function.", [](Value auto x) { return erf(x); },
          [](Value auto g, Value auto x, Value auto) { return g * (kTwoOverSqrtPi * exp(-(x * x))); });
  r.unary("erfc(input)", RealFloat, "1 - erf(input), accurate for large input.",
          [](Value auto x) { return erfc(x); },
          [](Value auto g, Value auto x, Value auto) { return -(g * (kTwoOverSqrtPi * exp(-(x * x)))); });
  r.unary("erfinv(input)", RealFloat, "The inverse of erf.", [](Value auto x) { return erfinv(x); },
          [](Value auto g, Value auto, Value auto y) { return g * (0.886226925452758013649 * exp(y * y)); });
  r.unary("lgamma(input)", RealFloat, "log(abs(gamma(input))).", [](Value auto x) { return lgamma(x); },
          [](Value auto g, Value auto x, Value auto) { return g * digamma(x); });
  r.unary("digamma(input)", RealFloat, "The derivative of lgamma.", [](Value auto x) { return digamma(x); })
      .alias("psi");
  r.unary("i0(input)", RealFloat, "The modified Bessel function of order 0.", [](Value auto x) { return i0(x); });
  r.unary("_logit(input)", RealFloat, "log(input / (1 - input)).",
          [](Value auto x) { return log(x / (1.0 - x)); },
          [](Value auto g, Value auto x, Value auto) {
            auto inside = x >= 0.0 && x <= 1.0;
            return where(inside, g / (x * (1.0 - x)), like(g, __builtin_nan("")));
          })
      .hidden().node("LogitBackward0");
  r.ternary("_logit_eps(input, low, high)", RealFloat, "logit of input held between two bounds.",
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
      .hidden().node("LogitBackward0");
}
