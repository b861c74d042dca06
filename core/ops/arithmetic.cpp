// Arithmetic formulas: sums, products, quotients, rounding, bounds, bits.
#include "op/formula.h"
#ifndef RL_KERNELS
#include "op/arg.h"
#endif

namespace {
[[maybe_unused]] constexpr const char* kBools =
    "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
    "`logical_xor()` operator instead.";
}  // namespace

namespace rl {
namespace {
#ifdef RL_KERNELS  // they have no arguments to look at
[[maybe_unused]] constexpr OutRule kOutAbs = {nullptr}, kOutLerp = kOutAbs;
#else
constexpr OutRule kOutAbs = {.text = nullptr, .by = [](const Arg* args) -> const OutRule& {
                               static constexpr OutRule modulus = {kOutCast.text};
                               return is_complex(args[0].tensor->dtype()) ? modulus
                                                                          : kOutFoundExact;
                             }};
constexpr OutRule kOutLerp = {.text = nullptr, .by = [](const Arg* args) -> const OutRule& {
                                return args[2].tensor ? kOutFoundExact : kOutCast;
                              }};
#endif
}  // namespace
}  // namespace rl

RL_FORMULAS(arithmetic) {
  r.binary(
       "add(input, other, *, alpha=1)", Number, "input + alpha * other.",
       [](Value auto x, Value auto o, Value auto alpha) { return x + alpha * o; },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto) { return g; },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto alpha) { return g * alpha; })
      .number_first()
      .checks_alpha();
  r.binary(
       "sub(input, other, *, alpha=1)", Number, "input - alpha * other.",
       [](Value auto x, Value auto o, Value auto alpha) { return x - alpha * o; },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto) { return g; },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto alpha) {
         return -(g * alpha);
       })
      .alias("subtract")
      .rejects_bool(
          "Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
          "trying to invert a mask, use the `~` or `logical_not()` operator instead.",
          kBools)
      .number_first()
      .checks_alpha();
  r.binary(
       "rsub(input, other, *, alpha=1)", Number, "other - alpha * input.",
       [](Value auto x, Value auto o, Value auto alpha) { return o - alpha * x; },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto alpha) {
         return -(g * alpha);
       },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto) { return g; })
      .node("RsubBackward1")
      .not_in_place()
      .not_method()
      .rejects_bool(
          "Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
          "trying to invert a mask, use the `~` or `logical_not()` operator instead.",
          kBools)
      .checks_alpha()
      .no_out();
  r.binary(
       "mul(input, other)", Number, "input * other.",
       [](Value auto x, Value auto o) { return x * o; },
       [](Value auto g, Value auto, Value auto o, Value auto) { return g * o; },
       [](Value auto g, Value auto x, Value auto, Value auto) { return g * x; })
      .alias("multiply")
      .number_first();
  r.binary(
       "div(input, other)", Float, "input / other, true division: integers become floats.",
       [](Value auto x, Value auto o) { return x / o; },
       [](Value auto g, Value auto, Value auto o, Value auto) { return g / o; },
       [](Value auto g, Value auto, Value auto o, Value auto y) { return -(g * (y / o)); })
      .alias("divide")
      .alias("true_divide")
      .number_first();
  r.binary(
       "floor_divide(input, other)", Real, "floor(input / other).",
       [](Value auto x, Value auto o) { return floor_divide(x, o); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; })
      .checks_zero()
      .number_first()
      .kernel("div_floor_cpu")
      .lacks_bool();
  r.binary(
       "_trunc_divide(input, other)", Real, "trunc(input / other).",
       [](Value auto x, Value auto o) { return trunc_divide(x, o); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto, Value auto, Value auto) { return g * 0.0; })
      .hidden()
      .checks_zero()
      .kernel("div_trunc_cpu")
      .lacks_bool();
  r.binary(
       "remainder(input, other)", Real, "Python's modulus: the sign of other.",
       [](Value auto x, Value auto o) { return remainder(x, o); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g; },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return -(g * floor_divide(x, o));
       })
      .checks_zero()
      .number_first()
      .lacks_bool();
  r.binary(
       "fmod(input, other)", Real, "C's modulus: the sign of input.",
       [](Value auto x, Value auto o) { return fmod(x, o); },
       [](Value auto g, Value auto, Value auto, Value auto) { return g; },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return -(g * trunc_divide(x, o));
       })
      .checks_zero()
      .lacks_bool();
  r.unary(
       "neg(input)", Number, "-input.", [](Value auto x) { return -x; },
       [](Value auto g, Value auto, Value auto) { return -g; })
      .alias("negative")
      .rejects_bool(
          "Negation, the `-` operator, on a bool tensor is not supported. If you are trying "
          "to invert a mask, use the `~` or `logical_not()` operator instead.")
      .out_dtype(kOutFoundExact)
      .in_place_function();
  r.unary(
       "reciprocal(input)", Float, "1 / input.", [](Value auto x) { return 1.0 / x; },
       [](Value auto g, Value auto, Value auto y) { return -(g * (y * y)); })
      .in_place_function();
  r.unary(
       "square(input)", Number, "input * input.", [](Value auto x) { return x * x; },
       [](Value auto g, Value auto x, Value auto) { return g * (2.0 * x); })
      .node("PowBackward0")
      .bool_as_int()
      .in_place_function();
  r.unary(
       "_cube(input)", Number, "input ** 3.", [](Value auto x) { return x * x * x; },
       [](Value auto g, Value auto x, Value auto) { return g * (3.0 * (x * x)); })
      .node("PowBackward0")
      .hidden()
      .bool_as_int();
  r.unary(
       "abs(input)", Number, "Absolute value; of a complex number, its modulus.",
       [](Value auto x) { return abs(x); },
       [](Value auto g, Value auto x, Value auto) { return g * sign(x); })
      .out_dtype(kOutAbs)
      .in_place_function()
      .lacks_bool()
      .alias("absolute");
  r.unary(
       "sign(input)", Real, "-1, 0 or 1.", [](Value auto x) { return sign(x); },
       [](Value auto g, Value auto, Value auto) { return g * 0.0; })
      .out_dtype(kOutFoundExact)
      .rejects_complex(
          "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use "
          "torch.sgn instead.",
          ErrorKind::NotImplemented);
  r.unary(
       "sgn(input)", Number, "sign for complex numbers too: input / abs(input).",
       [](Value auto x) { return sign(x); },
       [](Value auto g, Value auto x, Value auto y) {  // what of g is across x, over abs(x)
         auto zero = x == 0.0 || isnan(x);
         auto along = y * g;
         return where(zero, g * 0.0,
                      (g - conj(y) * (0.5 * (along + conj(along)))) /
                          where(zero, like(x, 1.0), x * conj(y)));
       })
      .out_dtype(kOutFoundExact);
  r.unary(
       "conj_physical(input)", Number, "The complex conjugate, in memory of its own.",
       [](Value auto x) { return conj(x); },
       [](Value auto g, Value auto, Value auto) { return conj(g); })
      .out_dtype(kOutFoundExact)
      .in_place_function();

  r.ternary(
       "addcmul(input, tensor1, tensor2, *, value=1)", Number, "input + value * tensor1 * tensor2.",
       [](Value auto x, Value auto a, Value auto b, Value auto v) { return x + v * a * b; },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto, Value auto) { return g; },
       [](Value auto g, Value auto, Value auto, Value auto b, Value auto, Value auto v) {
         return g * (b * v);
       },
       [](Value auto g, Value auto, Value auto a, Value auto, Value auto, Value auto v) {
         return g * (a * v);
       })
      .tensors_only()
      .kernel("addcmul_cpu_out")
      .lacks_bool();
  r.ternary(
       "addcdiv(input, tensor1, tensor2, *, value=1)", StrictComplex,
       "input + value * tensor1 / tensor2.",
       [](Value auto x, Value auto a, Value auto b, Value auto v) { return x + v * (a / b); },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto, Value auto) { return g; },
       [](Value auto g, Value auto, Value auto, Value auto b, Value auto, Value auto v) {
         return g * (v / b);
       },
       [](Value auto g, Value auto, Value auto a, Value auto b, Value auto, Value auto v) {
         return -(g * (v * a / (b * b)));
       })
      .tensors_only()
      .rejects_int(
          "Integer division with addcdiv is no longer supported, and in a future  release addcdiv "
          "will "
          "perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be "
          "implemented "
          "as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs "
          "and as "
          "(input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is "
          "just the "
          "latter implementation: (input + value * tensor1 / tensor2), for all dtypes.");
  r.ternary(
       "lerp(input, end, weight)", StrictComplex, "input + weight * (end - input).",
       [](Value auto x, Value auto e, Value auto w) {
         return where(abs(w) < 0.5, x + w * (e - x), e - (e - x) * (1.0 - w));
       },
       [](Value auto g, Value auto, Value auto, Value auto w, Value auto) { return g * (1.0 - w); },
       [](Value auto g, Value auto, Value auto, Value auto w, Value auto) { return g * w; },
       [](Value auto g, Value auto x, Value auto e, Value auto, Value auto) { return g * (e - x); })
      .tensors_only(2)
      .out_dtype(kOutLerp)
      .kernel("lerp_kernel_scalar")
      .lacks_bool()
      .same_dtype(1, "end")
      .same_dtype(2, "weight");

  r.binary(
       "maximum(input, other)", Real, "The larger; NaN if either is.",
       [](Value auto x, Value auto o) { return maximum(x, o); },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x == o, g * 0.5, where(x < o, 0.0, g));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x == o, g * 0.5, where(o < x, 0.0, g));
       })
      .tensors_only()
      .not_in_place()
      .rejects_complex("maximum not implemented for complex tensors.");
  r.binary(
       "minimum(input, other)", Real, "The smaller; NaN if either is.",
       [](Value auto x, Value auto o) { return minimum(x, o); },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x == o, g * 0.5, where(o < x, 0.0, g));
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x == o, g * 0.5, where(x < o, 0.0, g));
       })
      .tensors_only()
      .not_in_place()
      .rejects_complex("minimum not implemented for complex tensors.");
  r.binary(
       "fmax(input, other)", Real, "The larger; a number rather than NaN.",
       [](Value auto x, Value auto o) { return fmax(x, o); },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x >= o || isnan(o), g, 0.0);
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x >= o || isnan(o), 0.0, g);
       })
      .tensors_only()
      .not_in_place()
      .rejects_complex("fmax not implemented for complex tensors.");
  r.binary(
       "fmin(input, other)", Real, "The smaller; a number rather than NaN.",
       [](Value auto x, Value auto o) { return fmin(x, o); },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x <= o || isnan(o), g, 0.0);
       },
       [](Value auto g, Value auto x, Value auto o, Value auto) {
         return where(x <= o || isnan(o), 0.0, g);
       })
      .tensors_only()
      .not_in_place()
      .rejects_complex("fmin not implemented for complex tensors.");
  r.ternary(
       "_clamp(input, min, max)", Real, "Bounds on both sides.",
       [](Value auto x, Value auto lo, Value auto hi) { return minimum(maximum(x, lo), hi); },
       [](Value auto g, Value auto x, Value auto lo, Value auto hi, Value auto) {
         return where(x >= lo && x <= hi, g, 0.0);
       },
       [](Value auto g, Value auto x, Value auto lo, Value auto hi, Value auto) {
         return where(lo < hi && x < lo, g, 0.0);
       },
       [](Value auto g, Value auto x, Value auto lo, Value auto hi, Value auto) {
         return where(x > hi || hi < lo, g, 0.0);
       })
      .hidden()
      .node("ClampBackward1")
      .lacks_bool()
      .rejects_complex("clamp is not supported for complex types", ErrorKind::NotImplemented);
  r.binary(
       "_clamp_min(input, min)", Real, "A lower bound.",
       [](Value auto x, Value auto lo) { return maximum(x, lo); },
       [](Value auto g, Value auto x, Value auto lo, Value auto) { return where(x >= lo, g, 0.0); },
       [](Value auto g, Value auto x, Value auto lo, Value auto) { return where(x < lo, g, 0.0); })
      .hidden()
      .node("ClampBackward1")
      .kernel("clamp_cpu")
      .rejects_complex("clamp is not supported for complex types", ErrorKind::NotImplemented);
  r.binary(
       "_clamp_max(input, max)", Real, "An upper bound.",
       [](Value auto x, Value auto hi) { return minimum(x, hi); },
       [](Value auto g, Value auto x, Value auto hi, Value auto) { return where(x <= hi, g, 0.0); },
       [](Value auto g, Value auto x, Value auto hi, Value auto) { return where(x > hi, g, 0.0); })
      .hidden()
      .node("ClampBackward1")
      .kernel("clamp_cpu")
      .rejects_complex("clamp is not supported for complex types", ErrorKind::NotImplemented);

  r.unary(
       "floor(input)", Real, "The integer below.", [](Value auto x) { return floor(x); },
       [](Value auto g, Value auto, Value auto) { return g * 0.0; })
      .out_dtype(kOutFoundExact)
      .in_place_function()
      .kernel("floor_vml_cpu")
      .lacks_bool()
      .rejects_complex("floor is not supported for complex inputs", ErrorKind::NotImplemented);
  r.unary(
       "ceil(input)", Real, "The integer above.", [](Value auto x) { return ceil(x); },
       [](Value auto g, Value auto, Value auto) { return g * 0.0; })
      .out_dtype(kOutFoundExact)
      .in_place_function()
      .kernel("ceil_vml_cpu")
      .lacks_bool()
      .rejects_complex("ceil is not supported for complex inputs", ErrorKind::NotImplemented);
  r.unary(
       "trunc(input)", Real, "The integer towards zero.", [](Value auto x) { return trunc(x); },
       [](Value auto g, Value auto, Value auto) { return g * 0.0; })
      .alias("fix")
      .out_dtype(kOutFoundExact)
      .in_place_function()
      .kernel("trunc_vml_cpu")
      .lacks_bool()
      .rejects_complex("trunc is not supported for complex inputs", ErrorKind::NotImplemented);
  r.unary(
       "_round(input)", Real, "The nearest integer, halves to even.",
       [](Value auto x) { return round(x); },
       [](Value auto g, Value auto, Value auto) { return g * 0.0; })
      .hidden()
      .node("RoundBackward0")
      .kernel("round_vml_cpu")
      .lacks_bool();
  r.unary(
       "frac(input)", Strict, "input - trunc(input).", [](Value auto x) { return x - trunc(x); },
       [](Value auto g, Value auto, Value auto) { return g; })
      .out_dtype(kOutFoundExact)
      .in_place_function();

  r.binary("bitwise_and(input, other)", Bits, "Bitwise and; logical for bool.",
           [](Value auto x, Value auto o) { return x & o; })
      .number_first();
  r.binary("bitwise_or(input, other)", Bits, "Bitwise or; logical for bool.",
           [](Value auto x, Value auto o) { return x | o; })
      .number_first();
  r.binary("bitwise_xor(input, other)", Bits, "Bitwise exclusive or; logical for bool.",
           [](Value auto x, Value auto o) { return x ^ o; })
      .number_first();
  r.unary("_bitwise_not(input)", Bits, "Bitwise not.", [](Value auto x) { return ~x; }).hidden();
  r.binary("bitwise_left_shift(input, other)", Bits, "input << other.",
           [](Value auto x, Value auto o) { return x << o; })
      .number_first()
      .kernel("lshift_cpu")
      .lacks_bool();
  r.binary("bitwise_right_shift(input, other)", Bits, "input >> other, keeping the sign.",
           [](Value auto x, Value auto o) { return x >> o; })
      .number_first()
      .kernel("rshift_cpu")
      .lacks_bool();
}
