// The leaves: every primitive a formula may use, in one list. A leaf is the only mathematics that
// is written twice, as a CPU body (expr/lane.h, cpu/vmath.h) and as the CUDA spelling below; its
// gradient is that of the operation of the same name.
#pragma once

// Special functions: X(name). Their bodies are written once for both (expr/special.h).
// clang-format off
#define RL_SPECIAL_UNARY(X)                                                                       \
  X(digamma) X(i0) X(i0e) X(i1) X(i1e) X(erfcx) X(ndtr) X(log_ndtr) X(ndtri) X(airy_ai)           \
  X(bessel_j0) X(bessel_j1) X(bessel_y0) X(bessel_y1) X(modified_bessel_k0) X(modified_bessel_k1) \
  X(scaled_modified_bessel_k0) X(scaled_modified_bessel_k1)
#define RL_SPECIAL_BINARY(X)                                                                      \
  X(zeta) X(_polygamma) X(igamma) X(igammac) X(chebyshev_polynomial_t) X(chebyshev_polynomial_u)  \
  X(chebyshev_polynomial_v) X(chebyshev_polynomial_w) X(hermite_polynomial_h)                     \
  X(hermite_polynomial_he) X(laguerre_polynomial_l) X(legendre_polynomial_p)
#define RL_SPECIAL_UNARY_LEAF(name) X(name, #name, "rl_" #name "({0})")
#define RL_SPECIAL_BINARY_LEAF(name) X(name, #name, "rl_" #name "({0}, {1})")
// clang-format on

// X(name, tensor operation, CUDA text): {0}, {1}, {2} stand for the operands. The macro that is
// given must be called X.
// clang-format off
#define RL_UNARY_LEAVES(X)                                                                 \
  X(exp, "exp", "exp({0})") X(exp2, "exp2", "exp2({0})") X(expm1, "expm1", "expm1({0})")   \
  X(log, "log", "log({0})") X(log2, "log2", "log2({0})") X(log10, "log10", "log10({0})")   \
  X(log1p, "log1p", "log1p({0})") X(sin, "sin", "sin({0})") X(cos, "cos", "cos({0})")      \
  X(tan, "tan", "tan({0})") X(asin, "asin", "asin({0})") X(acos, "acos", "acos({0})")      \
  X(atan, "atan", "atan({0})") X(sinh, "sinh", "sinh({0})") X(cosh, "cosh", "cosh({0})")   \
  X(tanh, "tanh", "tanh({0})") X(asinh, "asinh", "asinh({0})")                             \
  X(acosh, "acosh", "acosh({0})") X(atanh, "atanh", "atanh({0})")                          \
  X(erf, "erf", "erf({0})") X(erfc, "erfc", "erfc({0})") X(erfinv, "erfinv", "erfinv({0})") \
  X(lgamma, "lgamma", "lgamma({0})") X(sigmoid, "sigmoid", "rl_sigmoid({0})")              \
  X(sqrt, "sqrt", "sqrt({0})") X(rsqrt, "rsqrt", "rsqrt({0})")                             \
  X(floor, "floor", "rl_floor({0})") X(ceil, "ceil", "rl_ceil({0})")                       \
  X(trunc, "trunc", "rl_trunc({0})") X(round, "_round", "rl_round({0})")                   \
  X(abs, "abs", "rl_abs({0})") X(sign, "sgn", "rl_sign({0})")                              \
  RL_SPECIAL_UNARY(RL_SPECIAL_UNARY_LEAF)
// clang-format on

#define RL_PLAIN_UNARY_LEAVES(X)           \
  X(neg, "neg", "(-{0})")                  \
  X(conj, "conj_physical", "rl_conj({0})") \
  X(bit_not, "_bitwise_not", "(~{0})")     \
  X(mask_not, "logical_not", "(!{0})")     \
  X(isnan, "isnan", "rl_isnan({0})") X(isinf, "isinf", "rl_isinf({0})")

#define RL_BINARY_LEAVES(X)                                                          \
  X(pow, "_pow", "rl_pow({0}, {1})")                                                 \
  X(atan2, "atan2", "atan2({0}, {1})")                                               \
  X(fmod, "fmod", "rl_fmod({0}, {1})")                                               \
  X(hypot, "hypot", "hypot({0}, {1})") X(copysign, "copysign", "copysign({0}, {1})") \
      X(nextafter, "nextafter", "nextafter({0}, {1})")                               \
          X(remainder, "remainder", "rl_remainder({0}, {1})")                        \
              X(floor_divide, "floor_divide", "rl_floor_divide({0}, {1})")           \
                  X(trunc_divide, "_trunc_divide", "rl_trunc_divide({0}, {1})")      \
                      X(minimum, "minimum", "rl_minimum({0}, {1})")                  \
                          X(maximum, "maximum", "rl_maximum({0}, {1})")              \
                              X(fmin, "fmin", "rl_fmin({0}, {1})")                   \
                                  X(fmax, "fmax", "rl_fmax({0}, {1})")               \
                                      RL_SPECIAL_BINARY(RL_SPECIAL_BINARY_LEAF)

#define RL_OPERATOR_LEAVES(X)                                                             \
  X(add, "add", "({0} + {1})")                                                            \
  X(sub, "sub", "({0} - {1})")                                                            \
  X(mul, "mul", "({0} * {1})")                                                            \
  X(div, "div", "({0} / {1})")                                                            \
  X(eq, "eq", "({0} == {1})") X(ne, "ne", "({0} != {1})") X(lt, "lt", "({0} < {1})")      \
      X(le, "le", "({0} <= {1})") X(gt, "gt", "({0} > {1})") X(ge, "ge", "({0} >= {1})")  \
          X(bit_and, "bitwise_and", "({0} & {1})") X(bit_or, "bitwise_or", "({0} | {1})") \
              X(bit_xor, "bitwise_xor", "({0} ^ {1})")                                    \
                  X(shl, "bitwise_left_shift", "rl_shl({0}, {1})")                        \
                      X(shr, "bitwise_right_shift", "rl_shr({0}, {1})")                   \
                          X(mask_and, "logical_and", "({0} && {1})")                      \
                              X(mask_or, "logical_or", "({0} || {1})")

#define RL_OTHER_LEAVES(X) \
  X(select, "where", "({0} ? {1} : {2})") X(constant, "", "") X(input, "", "") X(param, "", "")

#define RL_ALL_LEAVES(X) \
  RL_UNARY_LEAVES(X)     \
  RL_PLAIN_UNARY_LEAVES(X) RL_BINARY_LEAVES(X) RL_OPERATOR_LEAVES(X) RL_OTHER_LEAVES(X)

namespace rl {

enum class Leaf : unsigned char {
#define X(name, op, cuda) name,
  RL_ALL_LEAVES(X)
#undef X
};
#define X(name, op, cuda) +1
constexpr int kLeaves = 0 RL_ALL_LEAVES(X);
#undef X

}  // namespace rl
