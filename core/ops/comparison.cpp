// Formulas that ask a question: comparisons, tests and logic; and where, which uses the answer.
#include "op/formula.h"

RL_FORMULAS(comparison) {
  r.binary("eq(input, other)", Number, "input == other.",
           [](Value auto x, Value auto o) { return x == o; });
  r.binary("ne(input, other)", Number, "input != other.", [](Value auto x, Value auto o) {
     return x != o;
   }).alias("not_equal");
  r.binary("lt(input, other)", Real, "input < other.", [](Value auto x, Value auto o) {
     return x < o;
   }).alias("less");
  r.binary("le(input, other)", Real, "input <= other.", [](Value auto x, Value auto o) {
     return x <= o;
   }).alias("less_equal");
  r.binary("gt(input, other)", Real, "input > other.", [](Value auto x, Value auto o) {
     return x > o;
   }).alias("greater");
  r.binary("ge(input, other)", Real, "input >= other.", [](Value auto x, Value auto o) {
     return x >= o;
   }).alias("greater_equal");
  r.unary("isnan(input)", Number, "True where input is not a number.",
          [](Value auto x) { return isnan(x); })
      .not_in_place()
      .no_out();
  r.unary("isinf(input)", Number, "True where input is infinite.",
          [](Value auto x) { return isinf(x); })
      .not_in_place()
      .no_out();
  r.unary("isfinite(input)", Number, "True where input is neither infinite nor NaN.",
          [](Value auto x) { return !(isnan(x) || isinf(x)); })
      .not_in_place()
      .no_out();
  r.unary("isposinf(input)", Real, "True where input is +inf.",
          [](Value auto x) { return isinf(x) && x > 0.0; })
      .not_in_place()
      .rejects_complex("isposinf does not support complex inputs.")
      .out_dtype({"isposinf does not support non-boolean outputs."});
  r.unary("isneginf(input)", Real, "True where input is -inf.",
          [](Value auto x) { return isinf(x) && x < 0.0; })
      .not_in_place()
      .rejects_complex("isneginf does not support complex inputs.")
      .out_dtype({"isneginf does not support non-boolean outputs."});
  r.binary("logical_and(input, other)", Number, "True where both are not zero.",
           [](Value auto x, Value auto o) { return x != 0.0 && o != 0.0; })
      .tensors_only();
  r.binary("logical_or(input, other)", Number, "True where one is not zero.",
           [](Value auto x, Value auto o) { return x != 0.0 || o != 0.0; })
      .tensors_only();
  r.binary(
       "logical_xor(input, other)", Number, "True where exactly one is not zero.",
       [](Value auto x, Value auto o) { return (x != 0.0 && o == 0.0) || (x == 0.0 && o != 0.0); })
      .tensors_only();
  r.unary("logical_not(input)", Number, "True where input is zero.",
          [](Value auto x) { return x == 0.0; });
  r.ternary(
       "where(condition, input, other)", Number, "input where the condition holds, else other.",
       [](Value auto c, Value auto x, Value auto o) { return where(c != 0.0, x, o); },
       [](Value auto g, Value auto, Value auto, Value auto, Value auto) { return g * 0.0; },
       [](Value auto g, Value auto c, Value auto, Value auto, Value auto) {
         return where(c != 0.0, g, 0.0);
       },
       [](Value auto g, Value auto c, Value auto, Value auto, Value auto) {
         return where(c != 0.0, 0.0, g);
       })
      .mask_first()
      .not_in_place()
      .not_method()
      .out_dtype({"Expected out type to be %W but got %G"});
  r.unary(
       "_nan_to_num(input, nan=0, posinf=0, neginf=0)", Strict, "nan_to_num, all numbers given.",
       [](Value auto x, Value auto nan, Value auto high, Value auto low) {
         return where(isnan(x), nan, where(isinf(x), where(x > 0.0, high, low), x));
       },
       [](Value auto g, Value auto x, Value auto, Value auto, Value auto, Value auto) {
         return where(isnan(x) || isinf(x), 0.0, g);
       })
      .node("NanToNumBackward0")
      .hidden();
  r.unary(
       "_angle(input)", RealFloat, "The angle of real numbers: 0 or pi.",
       [](Value auto x) { return where(x < 0.0, 3.141592653589793116, where(isnan(x), x, 0.0)); },
       [](Value auto g, Value auto, Value auto) { return g * 0.0; })
      .node("AngleBackward0")
      .hidden();
}
