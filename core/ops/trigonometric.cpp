// Circular and hyperbolic functions and their inverses.
#include "op/formula.h"

namespace {
using rl::Range, rl::Value, rl::Vectorized;
struct Angles {
  static constexpr Range range{0, 131072};  // few enough turns to subtract in three steps
};
struct Sine : Angles {
  auto operator()(Value auto x) const { return sin(x); }
  auto near(Value auto x) const -> decltype(sin_near(x)) { return sin_near(x); }
};
struct Cosine : Angles {
  auto operator()(Value auto x) const { return cos(x); }
  auto near(Value auto x) const -> decltype(cos_near(x)) { return cos_near(x); }
};
struct SineGradient : Angles {
  auto operator()(Value auto g, Value auto x, Value auto) const { return g * cos(x); }
  auto near(Value auto g, Value auto x, Value auto) const -> decltype(cos_near(x)) {
    return g * cos_near(x);
  }
};
struct CosineGradient : Angles {
  auto operator()(Value auto g, Value auto x, Value auto) const { return -(g * sin(x)); }
  auto near(Value auto g, Value auto x, Value auto) const -> decltype(sin_near(x)) {
    return -(g * sin_near(x));
  }
};
}  // namespace

RL_FORMULAS(trigonometric) {
  r.unary("sin(input)", Float, "Sine, of radians.", Vectorized<Sine>(), Vectorized<SineGradient>())
      .in_place_function();
  r.unary("cos(input)", Float, "Cosine, of radians.", Vectorized<Cosine>(),
          Vectorized<CosineGradient>())
      .in_place_function();
  r.unary(
       "tan(input)", Float, "Tangent, of radians.", [](Value auto x) { return tan(x); },
       [](Value auto g, Value auto, Value auto y) { return g * (1.0 + y * y); })
      .in_place_function();
  r.unary(
       "asin(input)", Float, "Inverse sine.", [](Value auto x) { return asin(x); },
       [](Value auto g, Value auto x, Value auto) { return g * rsqrt(1.0 - x * x); })
      .alias("arcsin")
      .in_place_function();
  r.unary(
       "acos(input)", Float, "Inverse cosine.", [](Value auto x) { return acos(x); },
       [](Value auto g, Value auto x, Value auto) { return -(g * rsqrt(1.0 - x * x)); })
      .alias("arccos")
      .in_place_function();
  r.unary(
       "atan(input)", Float, "Inverse tangent.", [](Value auto x) { return atan(x); },
       [](Value auto g, Value auto x, Value auto) { return g / (x * x + 1.0); })
      .alias("arctan")
      .in_place_function();
  r.unary(
       "sinh(input)", Float, "Hyperbolic sine.", [](Value auto x) { return sinh(x); },
       [](Value auto g, Value auto x, Value auto) { return g * cosh(x); })
      .in_place_function();
  r.unary(
       "cosh(input)", Float, "Hyperbolic cosine.", [](Value auto x) { return cosh(x); },
       [](Value auto g, Value auto x, Value auto) { return g * sinh(x); })
      .in_place_function();
  r.unary("tanh(input)", Float, "Hyperbolic tangent.",
          Vectorized{[](Value auto x) { return tanh(x); }},
          [](Value auto g, Value auto, Value auto y) { return (g + g * y) * (1.0 - y); })
      .in_place_function();
  r.unary(
       "asinh(input)", Float, "Inverse hyperbolic sine.", [](Value auto x) { return asinh(x); },
       [](Value auto g, Value auto x, Value auto) { return g * rsqrt(x * x + 1.0); })
      .alias("arcsinh")
      .in_place_function();
  r.unary(
       "acosh(input)", Float, "Inverse hyperbolic cosine.", [](Value auto x) { return acosh(x); },
       [](Value auto g, Value auto x, Value auto) { return g * rsqrt(x * x - 1.0); })
      .alias("arccosh")
      .in_place_function();
  r.unary(
       "atanh(input)", Float, "Inverse hyperbolic tangent.", [](Value auto x) { return atanh(x); },
       [](Value auto g, Value auto x, Value auto) { return g / (1.0 - x * x); })
      .alias("arctanh")
      .in_place_function();
  r.binary(
       "atan2(input, other)", RealFloat, "The angle of (other, input), in its quadrant.",
       [](Value auto x, Value auto o) { return atan2(x, o); },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         auto d = x * x + o * o;
         return where(d == 0.0, g * 0.0, g * o / where(d == 0.0, like(d, 1.0), d));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         auto d = x * x + o * o;
         return where(d == 0.0, g * 0.0, -(g * x) / where(d == 0.0, like(d, 1.0), d));
       })
      .alias("arctan2")
      .tensors_only();
  r.binary(
       "hypot(input, other)", Strict, "sqrt(input**2 + other**2) without overflow.",
       [](Value auto x, Value auto o) { return hypot(x, o); },
       [](Value auto g, Value auto x, Value auto, Value auto y) { return g * (x / y); },
       [](Value auto g, Value auto, Value auto o, Value auto y) { return g * (o / y); })
      .tensors_only();
  r.binary(
      "copysign(input, other)", RealFloat, "The magnitude of input with the sign of other.",
      [](Value auto x, Value auto o) { return copysign(x, o); },
      [](Value auto g, Value auto x, Value auto, Value auto y) {
        return where(x == 0.0, g * 0.0, g * (y / where(x == 0.0, like(x, 1.0), x)));
      },
      [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; });
  r.binary(
       "nextafter(input, other)", Strict, "The next number after input towards other.",
       [](Value auto x, Value auto o) { return nextafter(x, o); },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x == o, g * 0.0, g);
       },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; })
      .tensors_only();
  r.unary(
       "deg2rad(input)", RealFloat, "Degrees to radians.",
       [](Value auto x) { return x * 0.017453292519943295769; },
       [](Value auto g, Value auto, Value auto) { return g * 0.017453292519943295769; })
      .in_place_function()
      .rejects_complex("deg2rad is not supported for complex tensors.");
  r.unary(
       "rad2deg(input)", RealFloat, "Radians to degrees.",
       [](Value auto x) { return x * 57.295779513082320877; },
       [](Value auto g, Value auto, Value auto) { return g * 57.295779513082320877; })
      .in_place_function()
      .rejects_complex("rad2deg is not supported for complex tensors.");
  r.unary(
       "sinc(input)", Float, "sin(pi x) / (pi x), 1 at zero.",
       [](Value auto x) {
         auto p = x * 3.141592653589793238463;
         auto zero = x == 0.0;
         return where(zero, 1.0, sin(p) / where(zero, like(p, 1.0), p));
       },
       [](Value auto g, Value auto x, Value auto) {
         auto p = x * 3.141592653589793238463;
         auto zero = x == 0.0;
         auto d = where(zero, like(p, 1.0), p);
         return where(zero, g * 0.0,
                      g * (3.141592653589793238463 * (cos(p) * d - sin(p)) / (d * d)));
       })
      .in_place_function();
}
