// Special functions as formulas over leaves.
#include "op/formula.h"

namespace {
constexpr double kTwoOverSqrtPi = 1.128379167095512573896, kPi = 3.141592653589793238463,
                 kSqrtHalf = 0.707106781186547524401, kSqrt2Pi = 2.506628274631000502416;
}

RL_FORMULAS(special) {
  r.unary(
       "erf(input)", RealFloat, "The error function.",
       rl::Vectorized{[](Value auto x) { return erf(x); }},
       [](Value auto g, Value auto x, Value auto) { return g * (kTwoOverSqrtPi * exp(-(x * x))); })
      .in_place_function()
      .kernel("erf_vml_cpu");
  r.unary(
       "erfc(input)", RealFloat, "1 - erf(input), accurate for large input.",
       [](Value auto x) { return erfc(x); },
       [](Value auto g, Value auto x, Value auto) {
         return -(g * (kTwoOverSqrtPi * exp(-(x * x))));
       })
      .in_place_function()
      .kernel("erfc_vml_cpu");
  r.unary(
       "erfinv(input)", RealFloat, "The inverse of erf.", [](Value auto x) { return erfinv(x); },
       [](Value auto g, Value auto, Value auto y) {
         return g * (0.886226925452758013649 * exp(y * y));
       })
      .kernel("erfinv_vml_cpu");
  r.unary(
       "lgamma(input)", RealFloat, "log(abs(gamma(input))).",
       [](Value auto x) { return lgamma(x); },
       [](Value auto g, Value auto x, Value auto) { return g * digamma(x); })
      .kernel("lgamma_vml_cpu");
  r.unary(
       "digamma(input)", RealFloat, "The derivative of lgamma.",
       [](Value auto x) { return digamma(x); },
       [](Value auto g, Value auto x, Value auto) { return g * _polygamma(1.0, x); })
      .kernel("digamma");
  r.binary(
       "_polygamma(n, input)", RealFloat, "The n-th derivative of digamma.",
       [](Value auto n, Value auto x) { return _polygamma(n, x); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto n, Value auto x, Value auto) {
         return g * _polygamma(n + 1.0, x);
       })
      .hidden()
      .number_first()
      .node("PolygammaBackward0");
  r.binary(
       "zeta(input, other)", RealFloat,
       "Hurwitz's zeta function: the sum of (other + k) ** -input over k = 0, 1, ...",
       [](Value auto x, Value auto q) { return zeta(x, q); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto x, Value auto q, Value auto) {
         return -(g * (x * zeta(x + 1.0, q)));
       })
      .special()
      .not_in_place()
      .number_first()
      .node("SpecialZetaBackward0")
      .no_gradient(0, "the derivative for 'zeta' is not implemented.");
  r.binary(
       "igamma(input, other)", Strict,
       "The regularised lower incomplete gamma function P(input, other), 0 up to 1.",
       [](Value auto a, Value auto x) { return igamma(a, x); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto a, Value auto x, Value auto) {
         return g * exp((a - 1.0) * log(x) - x - lgamma(a));
       })
      .tensors_only()
      .no_gradient(0, "the derivative for 'igamma: input' is not implemented.");
  r.binary(
       "igammac(input, other)", Strict,
       "The regularised upper incomplete gamma function: 1 - igamma, accurate where that is small.",
       [](Value auto a, Value auto x) { return igammac(a, x); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto a, Value auto x, Value auto) {
         return -(g * exp((a - 1.0) * log(x) - x - lgamma(a)));
       })
      .tensors_only()
      .no_gradient(0, "the derivative for 'igammac: input' is not implemented.");

  // The normal distribution, entropy.
  r.unary(
       "erfcx(input)", RealFloat,
       "exp(input ** 2) * erfc(input), which neither over- nor underflows.",
       [](Value auto x) { return erfcx(x); },
       [](Value auto g, Value auto x, Value auto y) { return g * (2.0 * x * y - kTwoOverSqrtPi); })
      .special()
      .not_in_place()
      .node("SpecialErfcxBackward0");
  r.unary(
       "ndtr(input)", RealFloat, "The standard normal distribution function.",
       [](Value auto x) { return ndtr(x); },
       [](Value auto g, Value auto x, Value auto) { return g * (exp(-0.5 * x * x) / kSqrt2Pi); })
      .special()
      .not_in_place()
      .node("SpecialNdtrBackward0")
      .kernel("erf_vml_cpu");
  r.unary(
       "log_ndtr(input)", RealFloat, "log(ndtr(input)), accurate far below zero.",
       [](Value auto x) { return log_ndtr(x); },
       [](Value auto g, Value auto x, Value auto) {
         return g / (erfcx(-kSqrtHalf * x) * (kSqrtHalf / kTwoOverSqrtPi * 2.0));
       })
      .special()
      .not_in_place()
      .node("SpecialLogNdtrBackward0");
  r.unary(
       "ndtri(input)", RealFloat, "The inverse of ndtr.", [](Value auto x) { return ndtri(x); },
       [](Value auto g, Value auto, Value auto y) { return g * (kSqrt2Pi * exp(0.5 * y * y)); })
      .special()
      .not_in_place()
      .node("SpecialNdtriBackward0");
  r.unary(
       "entr(input)", RealFloat, "-input * log(input); 0 at 0, -inf below.",
       [](Value auto x) {
         auto inside = x > 0.0;
         auto outside = where(x == 0.0, like(x, 0.0), where(x < 0.0, -__builtin_inf(), x));
         return where(inside, -(x * log(where(inside, x, 1.0))), outside);
       },
       [](Value auto g, Value auto x, Value auto) { return -(g * (1.0 + log(x))); })
      .special()
      .not_in_place()
      .node("SpecialEntrBackward0");
  r.binary(
       "xlog1py(input, other)", RealFloat,
       "input * log1p(other); 0 where input is, unless other is NaN.",
       [](Value auto x, Value auto o) {
         return where(isnan(o), o, where(x == 0.0, 0.0, x * log1p(o)));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x == 0.0 && o <= -1.0, g * 0.0, g * log1p(o));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) { return g * x / (o + 1.0); })
      .number_first()
      .special()
      .not_in_place()
      .node("SpecialXlog1PyBackward0");

  // Bessel functions: J and Y are solutions of x^2 y'' + x y' + (x^2 - n^2) y = 0, I and K those of
  // the modified equation, with -(x^2 + n^2).
  r.unary(
       "i0(input)", RealFloat, "The modified Bessel function of the first kind, order 0.",
       [](Value auto x) { return i0(x); },
       [](Value auto g, Value auto x, Value auto) { return g * i1(x); })
      .in_place_function()
      .kernel("i0_vml_cpu");
  r.unary(
       "i0e(input)", RealFloat, "exp(-abs(input)) * i0(input).",
       [](Value auto x) { return i0e(x); },
       [](Value auto g, Value auto x, Value auto y) { return g * (i1e(x) - sign(x) * y); })
      .special()
      .not_in_place()
      .node("SpecialI0EBackward0");
  r.unary(
       "i1(input)", RealFloat, "The modified Bessel function of the first kind, order 1.",
       [](Value auto x) { return i1(x); },
       [](Value auto g, Value auto x, Value auto y) {
         auto away = abs(x) > 0.0;
         return g * where(away, i0(x) - y / where(away, x, 1.0), 0.5);
       })
      .special()
      .not_in_place()
      .node("SpecialI1Backward0");
  r.unary(
       "i1e(input)", RealFloat, "exp(-abs(input)) * i1(input).",
       [](Value auto x) { return i1e(x); },
       [](Value auto g, Value auto x, Value auto y) {
         auto away = abs(x) > 0.0;
         return g * where(away, i0e(x) - y * (sign(x) + 1.0 / where(away, x, 1.0)), 0.5);
       })
      .special()
      .not_in_place()
      .node("SpecialI1EBackward0");
#define RL_BESSEL(name, doc)                                                     \
  r.unary(#name "(input)", RealFloat, doc, [](Value auto x) { return name(x); }) \
      .special()                                                                 \
      .not_in_place()
  RL_BESSEL(bessel_j0, "The Bessel function of the first kind, order 0. No gradient.");
  RL_BESSEL(bessel_j1, "The Bessel function of the first kind, order 1. No gradient.");
  RL_BESSEL(bessel_y0,
            "The Bessel function of the second kind, order 0; NaN below 0. No gradient.");
  RL_BESSEL(bessel_y1,
            "The Bessel function of the second kind, order 1; NaN below 0. No gradient.");
  r.unary("modified_bessel_i0(input)", RealFloat, "i0, without a gradient.",
          [](Value auto x) { return i0(x); })
      .special()
      .not_in_place();
  r.unary("modified_bessel_i1(input)", RealFloat, "i1, without a gradient.",
          [](Value auto x) { return i1(x); })
      .special()
      .not_in_place();
  RL_BESSEL(modified_bessel_k0,
            "The modified Bessel function of the second kind, order 0. No gradient.");
  RL_BESSEL(modified_bessel_k1,
            "The modified Bessel function of the second kind, order 1. No gradient.");
  RL_BESSEL(scaled_modified_bessel_k0, "exp(input) * modified_bessel_k0(input). No gradient.");
  RL_BESSEL(scaled_modified_bessel_k1, "exp(input) * modified_bessel_k1(input). No gradient.");
  RL_BESSEL(airy_ai, "Airy's function Ai, the solution of y'' = xy that decays. No gradient.");
#undef RL_BESSEL
  r.unary("spherical_bessel_j0(input)", RealFloat,
          "The spherical Bessel function sin(input) / input. No gradient.",
          [](Value auto x) {
            auto zero = x == 0.0, infinite = isinf(x);
            auto angle = where(zero || infinite, 1.0, x);
            return where(zero, 1.0, where(infinite, 0.0, sin(angle) / angle));
          })
      .special()
      .not_in_place();

  // Orthogonal polynomials of degree n at input; 0 for a negative degree.
#define RL_POLYNOMIAL(name, leaf, at, doc)                                                  \
  r.binary(#name "(input, n)", RealFloat, doc " of degree n, a whole number. No gradient.", \
           [](Value auto x, Value auto n) { return leaf(at, n); })                          \
      .special()                                                                            \
      .not_in_place()                                                                       \
      .number_first()
#define RL_CHEBYSHEV(kind, text)                                                                 \
  RL_POLYNOMIAL(chebyshev_polynomial_##kind, chebyshev_polynomial_##kind, x,                     \
                "Chebyshev's polynomial of the " text " kind");                                  \
  RL_POLYNOMIAL(shifted_chebyshev_polynomial_##kind, chebyshev_polynomial_##kind, 2.0 * x - 1.0, \
                "Chebyshev's polynomial of the " text " kind at 2 input - 1,")
  RL_CHEBYSHEV(t, "first");
  RL_CHEBYSHEV(u, "second");
  RL_CHEBYSHEV(v, "third");
  RL_CHEBYSHEV(w, "fourth");
  RL_POLYNOMIAL(hermite_polynomial_h, hermite_polynomial_h, x,
                "The physicists' Hermite polynomial");
  RL_POLYNOMIAL(hermite_polynomial_he, hermite_polynomial_he, x,
                "The probabilists' Hermite polynomial");
  RL_POLYNOMIAL(laguerre_polynomial_l, laguerre_polynomial_l, x, "Laguerre's polynomial");
  RL_POLYNOMIAL(legendre_polynomial_p, legendre_polynomial_p, x, "Legendre's polynomial");
#undef RL_CHEBYSHEV
#undef RL_POLYNOMIAL

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
      .node("LogitBackward0")
      .kernel("logit_cpu");
}
