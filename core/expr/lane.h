// Lane: the value a formula is run on inside a CPU loop, one element of a compute type. Loops over
// lanes are written branch-free, so the compiler turns them into vector code for each instruction
// set. Built per set: everything is in rl::RL_ISA.
#pragma once
#include "cpu/cmath.h"
#include "cpu/isa.h"
#include "cpu/vmath.h"
#include "expr/leaves.h"
#include "expr/special.h"

namespace rl::RL_ISA {

struct Mask {
  bool v;
};
RL_INLINE Mask operator&&(Mask a, Mask b) { return {static_cast<bool>(a.v & b.v)}; }
RL_INLINE Mask operator||(Mask a, Mask b) { return {static_cast<bool>(a.v | b.v)}; }
RL_INLINE Mask operator!(Mask a) { return {!a.v}; }
RL_INLINE Mask mask_and(Mask a, Mask b) { return a && b; }
RL_INLINE Mask mask_or(Mask a, Mask b) { return a || b; }
RL_INLINE Mask mask_not(Mask a) { return !a; }

template <class T>
constexpr bool kComplex = false;
template <class T>
constexpr bool kComplex<Complex<T>> = true;
template <class T>
constexpr bool kInteger = false;
template <>
inline constexpr bool kInteger<int32_t> = true;
template <>
inline constexpr bool kInteger<int64_t> = true;

template <class T>
struct Lane {
  using is_value = void;
  using type = T;
  T v;
};

template <class T>
RL_INLINE Lane<T> like(Lane<T>, double c) {
  if constexpr (kComplex<T>)
    return {T{static_cast<decltype(T{}.re)>(c), 0}};
  else
    return {static_cast<T>(c)};
}

#define RL_LANE_MIXED(name, call)            \
  template <class T>                         \
  RL_INLINE auto name(Lane<T> a, double b) { \
    return call(a, like(a, b));              \
  }                                          \
  template <class T>                         \
  RL_INLINE auto name(double a, Lane<T> b) { \
    return call(like(b, a), b);              \
  }

// Operators, each with its leaf's name too. `kind` says which types have it.
#define RL_LANE_OPERATOR(symbol, name, kind)                \
  template <class T>                                        \
    requires(kind)                                          \
  RL_INLINE Lane<T> operator symbol(Lane<T> a, Lane<T> b) { \
    return {static_cast<T>(a.v symbol b.v)};                \
  }                                                         \
  RL_LANE_NAMED(symbol, name, kind)
#define RL_LANE_NAMED(symbol, name, kind)               \
  template <class T>                                    \
    requires(kind)                                      \
  RL_INLINE auto operator symbol(Lane<T> a, double b) { \
    return a symbol like(a, b);                         \
  }                                                     \
  template <class T>                                    \
    requires(kind)                                      \
  RL_INLINE auto operator symbol(double a, Lane<T> b) { \
    return like(b, a) symbol b;                         \
  }                                                     \
  template <class T>                                    \
    requires(kind)                                      \
  RL_INLINE auto name(Lane<T> a, Lane<T> b) {           \
    return a symbol b;                                  \
  }
RL_LANE_OPERATOR(+, add, true)
RL_LANE_OPERATOR(-, sub, true)
RL_LANE_OPERATOR(*, mul, true)
RL_LANE_OPERATOR(&, bit_and, kInteger<T>)
RL_LANE_OPERATOR(|, bit_or, kInteger<T>)
RL_LANE_OPERATOR(^, bit_xor, kInteger<T>)
#undef RL_LANE_OPERATOR

#define RL_LANE_COMPARE(symbol, name, kind)              \
  template <class T>                                     \
    requires(kind)                                       \
  RL_INLINE Mask operator symbol(Lane<T> a, Lane<T> b) { \
    return {static_cast<bool>(a.v symbol b.v)};          \
  }                                                      \
  RL_LANE_NAMED(symbol, name, kind)
RL_LANE_COMPARE(==, eq, true)
RL_LANE_COMPARE(!=, ne, true)
RL_LANE_COMPARE(<, lt, !kComplex<T>)
RL_LANE_COMPARE(<=, le, !kComplex<T>)
RL_LANE_COMPARE(>, gt, !kComplex<T>)
RL_LANE_COMPARE(>=, ge, !kComplex<T>)
#undef RL_LANE_COMPARE

// Division: integers never trap. x / 0 is 0 and INT_MIN / -1 wraps; callers that must raise
// check.
template <class T>
RL_INLINE T safe_divide(T a, T b) {
  if constexpr (kInteger<T>) {
    const T d = b == 0 || b == -1 ? 1 : b;
    const T q = a / d;
    return b == 0 ? T(0) : b == -1 ? static_cast<T>(-a) : q;
  } else {
    return a / b;
  }
}
template <class T>
RL_INLINE Lane<T> operator/(Lane<T> a, Lane<T> b) {
  return {safe_divide(a.v, b.v)};
}
RL_LANE_NAMED(/, div, true)
#undef RL_LANE_NAMED

template <class T>
RL_INLINE Lane<T> operator-(Lane<T> a) {
  return {static_cast<T>(-a.v)};
}
template <class T>
RL_INLINE Lane<T> neg(Lane<T> a) {
  return -a;
}
template <class T>
  requires(kInteger<T>)
RL_INLINE Lane<T> operator~(Lane<T> a) {
  return {static_cast<T>(~a.v)};
}
template <class T>
  requires(kInteger<T>)
RL_INLINE Lane<T> bit_not(Lane<T> a) {
  return ~a;
}

template <class T>
  requires(kInteger<T>)
RL_INLINE Lane<T> operator<<(Lane<T> a, Lane<T> b) {
  constexpr int bits = sizeof(T) * 8;
  return {b.v < 0 || b.v >= bits ? T(0) : static_cast<T>(a.v << (b.v & (bits - 1)))};
}
template <class T>
  requires(kInteger<T>)
RL_INLINE Lane<T> operator>>(Lane<T> a, Lane<T> b) {
  constexpr int bits = sizeof(T) * 8;
  const int s = b.v < 0 || b.v >= bits ? bits - 1 : static_cast<int>(b.v);
  return {static_cast<T>(a.v >> s)};
}
template <class T>
  requires(kInteger<T>)
RL_INLINE Lane<T> shl(Lane<T> a, Lane<T> b) {
  return a << b;
}
template <class T>
  requires(kInteger<T>)
RL_INLINE Lane<T> shr(Lane<T> a, Lane<T> b) {
  return a >> b;
}

// A real number scales a complex one (the gradient of abs).
template <class T>
RL_INLINE Lane<Complex<T>> operator*(Lane<T> a, Lane<Complex<T>> b) {
  return {Complex<T>{a.v * b.v.re, a.v * b.v.im}};
}

// The unary leaves. Integers have the few that make sense for them.
template <class T>
RL_INLINE auto lane_abs(T x) {
  if constexpr (kInteger<T>)
    return static_cast<T>(x < 0 ? -x : x);
  else
    return vm_abs(x);
}
template <class T>
RL_INLINE T lane_sign(T x) {
  if constexpr (kComplex<T>) {
    const auto r = vm_abs(x);
    const auto d = r == 0 ? decltype(r)(1) : r;
    return {x.re / d, x.im / d};
  } else if constexpr (kInteger<T>) {
    return static_cast<T>((x > 0) - (x < 0));
  } else {
    return static_cast<T>((x > 0) - (x < 0));
  }
}
template <class T>
RL_INLINE auto abs(Lane<T> a) {
  auto r = lane_abs(a.v);
  return Lane<decltype(r)>{r};
}
template <class T>
RL_INLINE Lane<T> sign(Lane<T> a) {
  return {lane_sign(a.v)};
}

#define RL_VM_UNARY(name)                    \
  template <class T>                         \
    requires(!kInteger<T>)                   \
  RL_INLINE Lane<T> name(Lane<T> a) {        \
    return {static_cast<T>(vm_##name(a.v))}; \
  }
// clang-format off
RL_VM_UNARY(exp) RL_VM_UNARY(exp2) RL_VM_UNARY(expm1) RL_VM_UNARY(log) RL_VM_UNARY(log2)
RL_VM_UNARY(log10) RL_VM_UNARY(log1p) RL_VM_UNARY(sin) RL_VM_UNARY(cos) RL_VM_UNARY(tan)
RL_VM_UNARY(asin) RL_VM_UNARY(acos) RL_VM_UNARY(atan) RL_VM_UNARY(sinh) RL_VM_UNARY(cosh)
RL_VM_UNARY(tanh) RL_VM_UNARY(asinh) RL_VM_UNARY(acosh) RL_VM_UNARY(atanh) RL_VM_UNARY(erf)
RL_VM_UNARY(erfc) RL_VM_UNARY(erfinv) RL_VM_UNARY(lgamma) RL_VM_UNARY(sigmoid) RL_VM_UNARY(sqrt)
RL_VM_UNARY(rsqrt)
// clang-format on
#undef RL_VM_UNARY

// Special functions compute in double.
template <class T>
concept Floating = !kInteger<T> && !kComplex<T>;
#define X(name)                                      \
  template <Floating T>                              \
  RL_INLINE Lane<T> name(Lane<T> a) {                \
    return {static_cast<T>(rl_##name(double(a.v)))}; \
  }
RL_SPECIAL_UNARY(X)
#undef X
#define X(name)                                                   \
  template <Floating T>                                           \
  RL_INLINE Lane<T> name(Lane<T> a, Lane<T> b) {                  \
    return {static_cast<T>(rl_##name(double(a.v), double(b.v)))}; \
  }                                                               \
  RL_LANE_MIXED(name, name)
RL_SPECIAL_BINARY(X)
#undef X

#define RL_VM_ROUNDING(name)          \
  template <class T>                  \
  RL_INLINE Lane<T> name(Lane<T> a) { \
    if constexpr (kInteger<T>)        \
      return a;                       \
    else                              \
      return {vm_##name(a.v)};        \
  }
RL_VM_ROUNDING(floor)
RL_VM_ROUNDING(ceil)
RL_VM_ROUNDING(trunc)
RL_VM_ROUNDING(round)
#undef RL_VM_ROUNDING

template <class T>
RL_INLINE Lane<T> conj(Lane<T> a) {
  if constexpr (kComplex<T>)
    return {T{a.v.re, -a.v.im}};
  else
    return a;
}
template <class T>
RL_INLINE Mask isnan(Lane<T> a) {
  if constexpr (kInteger<T>)
    return {false};
  else if constexpr (kComplex<T>)
    return {vm_isnan(a.v.re) || vm_isnan(a.v.im)};
  else
    return {static_cast<bool>(a.v != a.v)};
}
template <class T>
RL_INLINE Mask isinf(Lane<T> a) {
  if constexpr (kInteger<T>)
    return {false};
  else if constexpr (kComplex<T>)
    return {vm_isinf(a.v.re) || vm_isinf(a.v.im)};
  else
    return {static_cast<bool>(vm_isinf(a.v))};
}

// The binary leaves.
template <class T>
RL_INLINE Lane<T> pow(Lane<T> a, Lane<T> b) {
  if constexpr (kInteger<T>) {  // by squaring; a negative exponent gives 0 unless the base is ±1
    T base = a.v, e = b.v, r = 1;
    if (e < 0) return {base == 1 ? T(1) : base == -1 ? static_cast<T>(e & 1 ? -1 : 1) : T(0)};
    for (; e; e >>= 1, base = static_cast<T>(base * base))
      if (e & 1) r = static_cast<T>(r * base);
    return {r};
  } else {
    return {vm_pow(a.v, b.v)};
  }
}
template <class T>
RL_INLINE Lane<T> fmod(Lane<T> a, Lane<T> b) {
  if constexpr (kInteger<T>) {
    const T d = b.v == 0 || b.v == -1 ? 1 : b.v;
    return {static_cast<T>(a.v % d)};
  } else {
    return {vm_fmod(a.v, b.v)};
  }
}
template <class T>
RL_INLINE Lane<T> remainder(Lane<T> a, Lane<T> b) {
  const Lane<T> r = fmod(a, b);
  if constexpr (kInteger<T>) {
    return {static_cast<T>(r.v != 0 && ((r.v < 0) != (b.v < 0)) ? r.v + b.v : r.v)};
  } else {
    const T either[] = {r.v, r.v + b.v};  // no branch: signs are as random as coins
    return {either[(r.v != 0) & ((r.v < 0) != (b.v < 0))]};
  }
}
template <class T>
RL_INLINE Lane<T> trunc_divide(Lane<T> a, Lane<T> b) {
  if constexpr (kInteger<T>)
    return a / b;
  else
    return {vm_trunc(a.v / b.v)};
}
template <class T>
RL_INLINE Lane<T> floor_divide(Lane<T> a, Lane<T> b) {
  if constexpr (kInteger<T>) {
    const T q = safe_divide(a.v, b.v);
    const T r = static_cast<T>(a.v - q * b.v);
    return {static_cast<T>(b.v != 0 && r != 0 && ((r < 0) != (b.v < 0)) ? q - 1 : q)};
  } else if constexpr (sizeof(T) == 4) {
    // In double the quotient of two floats lies on the right side of every whole number to 2^28.
    const double x = a.v, y = b.v, q = x / y;
    const bool unlike = (x < 0) != (y < 0);
    const double r = q == 0 && x != 0 && unlike ? -1 : vm_floor(q);  // a finite by an infinite one
    return {static_cast<T>(vm_isinf(x) && y != 0 ? VmFloat<double>::nan : y == 0 ? q : r)};
  } else {  // Python's float floor division, as in CPython's float_divmod
    const T mod = vm_fmod(a.v, b.v);
    T div = (a.v - mod) / b.v;
    div = mod != 0 && ((b.v < 0) != (mod < 0)) ? div - 1 : div;
    T floored = vm_floor(div);
    floored = div - floored > T(0.5) ? floored + 1 : floored;
    const T zero = vm_copysign(T(0), a.v / b.v);
    const T r = div != 0 ? floored : zero;
    return {b.v == 0 ? a.v / b.v : r};
  }
}
#define RL_VM_BINARY(name)                       \
  template <class T>                             \
    requires(!kInteger<T>)                       \
  RL_INLINE Lane<T> name(Lane<T> a, Lane<T> b) { \
    return {vm_##name(a.v, b.v)};                \
  }
RL_VM_BINARY(atan2)
RL_VM_BINARY(hypot)
RL_VM_BINARY(copysign)
RL_VM_BINARY(nextafter)
#undef RL_VM_BINARY

// minimum and maximum carry NaN through; fmin and fmax prefer the number.
template <class T>
RL_INLINE Lane<T> maximum(Lane<T> a, Lane<T> b) {
  const T m = a.v > b.v ? a.v : b.v;
  return {a.v != a.v ? a.v : m};
}
template <class T>
RL_INLINE Lane<T> minimum(Lane<T> a, Lane<T> b) {
  const T m = a.v < b.v ? a.v : b.v;
  return {a.v != a.v ? a.v : m};
}
template <class T>
RL_INLINE Lane<T> fmax(Lane<T> a, Lane<T> b) {
  const T m = b.v > a.v ? b.v : a.v;
  return {a.v != a.v ? b.v : m};
}
template <class T>
RL_INLINE Lane<T> fmin(Lane<T> a, Lane<T> b) {
  const T m = b.v < a.v ? b.v : a.v;
  return {a.v != a.v ? b.v : m};
}
RL_LANE_MIXED(pow, pow)
RL_LANE_MIXED(fmod, fmod)
RL_LANE_MIXED(remainder, remainder)
RL_LANE_MIXED(maximum, maximum)
RL_LANE_MIXED(minimum, minimum)
RL_LANE_MIXED(copysign, copysign)
RL_LANE_MIXED(atan2, atan2)
#undef RL_LANE_MIXED

template <class T>
RL_INLINE Lane<T> where(Mask m, Lane<T> a, Lane<T> b) {
  if constexpr (kComplex<T>)
    return {T{m.v ? a.v.re : b.v.re, m.v ? a.v.im : b.v.im}};
  else
    return {m.v ? a.v : b.v};
}
template <class T>
RL_INLINE Lane<T> where(Mask m, Lane<T> a, double b) {
  return where(m, a, like(a, b));
}
template <class T>
RL_INLINE Lane<T> where(Mask m, double a, Lane<T> b) {
  return where(m, like(b, a), b);
}
template <class T>
RL_INLINE Lane<T> as_number(Mask m, Lane<T> x) {
  return where(m, like(x, 1.0), like(x, 0.0));
}

// The near forms: the same values to the last bit, sooner, for arguments of common size.
#define RL_VM_NEAR(name)                     \
  template <Floating T>                      \
  RL_INLINE Lane<T> name(Lane<T> a) {        \
    return {static_cast<T>(vm_##name(a.v))}; \
  }
RL_VM_NEAR(exp_near)
RL_VM_NEAR(log_near)
RL_VM_NEAR(sigmoid_near)
RL_VM_NEAR(sin_near)
RL_VM_NEAR(cos_near)
#undef RL_VM_NEAR

}  // namespace rl::RL_ISA
