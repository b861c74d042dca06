// The CPU bodies of the mathematical leaves: scalar inline functions without branches, so that the
// compiler turns a loop over them into SIMD code on every instruction set. Here are rounding,
// exponentials and logarithms; vmath_trig.h and vmath_special.h, which this file includes, hold the
// rest, cmath.h the complex ones. Nothing here sees an array.
//
// How they are made: reduce the argument, evaluate a minimax polynomial (fitted for this file with
// the Remez exchange), undo the reduction. A template over T computes in T; where it also has a P
// it needs no more terms than P's precision asks for. Many float functions compute in double, and
// err by half an ulp; the others stay under 1.6 ulp (sigmoid 2.3), double ones under 2 (special
// ones 4). Signs of zero, NaN, infinities and subnormals are those of C's <math.h>. Comparisons and
// selects are kept apart (no && of comparisons): the compiler would not make SIMD code of a stored
// bool.
#pragma once
#include <cstdint>

#include "cpu/isa.h"

namespace rl::RL_ISA {

// ---- Bits, polynomials, exact products ----

template <class T>
struct VmFloat;
template <>
struct VmFloat<float> {
  using U = uint32_t;
  static constexpr int mantissa = 23;
  static constexpr U bias = 127, sqrt_half = 0x3f3504f3u, one = 0x3f800000u;
  static constexpr float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float ln2_hi = 6.9314575195e-1f, ln2_lo = 1.4286067653e-6f;
  static constexpr float log2e_hi = 1.4428710938f, log2e_lo = -1.7605285393e-4f;
  static constexpr float log10e_hi = 4.3432617188e-1f, log10e_lo = -3.1689971365e-5f;
  static constexpr float log10_2_hi = 3.0102920532e-1f, log10_2_lo = 7.9034151668e-7f;
  static constexpr float tiny = 1.17549435e-38f, lift = 33554432.f;  // 2^25
  static constexpr float inf = __builtin_inff(), nan = __builtin_nanf("");
};
template <>
struct VmFloat<double> {
  using U = uint64_t;
  static constexpr int mantissa = 52;
  static constexpr U bias = 1023, sqrt_half = 0x3fe6a09e667f3bcdu, one = 0x3ff0000000000000u;
  static constexpr double magic = 6755399441055744.;  // 1.5 * 2^52
  static constexpr double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;
  static constexpr double log2e_hi = 1.44269504072144627571, log2e_lo = 1.67517131648865118353e-10;
  static constexpr double log10e_hi = 4.34294481878168880939e-01,
                          log10e_lo = 2.50829467116452752298e-11;
  static constexpr double log10_2_hi = 3.01029995663611771306e-01,
                          log10_2_lo = 3.69423907715893078616e-13;
  static constexpr double tiny = 2.2250738585072014e-308, lift = 18014398509481984.;  // 2^54
  static constexpr double inf = __builtin_inf(), nan = __builtin_nan("");
};

template <class T>
constexpr bool vm_is_float = false;
template <>
constexpr bool vm_is_float<float> = true;

RL_INLINE uint32_t vm_bits(float x) { return __builtin_bit_cast(uint32_t, x); }
RL_INLINE uint64_t vm_bits(double x) { return __builtin_bit_cast(uint64_t, x); }
RL_INLINE float vm_from_bits(uint32_t x) { return __builtin_bit_cast(float, x); }
RL_INLINE double vm_from_bits(uint64_t x) { return __builtin_bit_cast(double, x); }

/// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
template <class T, class... C>
RL_INLINE T vm_poly(T x, double c0, C... c) {
  if constexpr (sizeof...(c) == 0)
    return T(c0);
  else
    return vm_poly(x, c...) * x + T(c0);
}

/// a * b + c, rounded once where the machine can: of two products in a sum, which one is fused is
/// said here and not left to the compiler.
template <class T>
RL_INLINE T vm_mul_add(T a, T b, T c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  if constexpr (vm_is_float<T>)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}
/// a * b - p exactly, where p is a * b rounded.
RL_INLINE double vm_mul_error(double a, double b, double p) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fma(a, b, -p);
#else  // Dekker's splitting
  const double ca = 134217729. * a, cb = 134217729. * b;
  const double ah = ca - (ca - a), bh = cb - (cb - b), al = a - ah, bl = b - bh;
  return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
#endif
}

// ---- Rounding, signs, classification ----

RL_INLINE float vm_abs(float x) { return __builtin_fabsf(x); }
RL_INLINE double vm_abs(double x) { return __builtin_fabs(x); }
RL_INLINE float vm_sqrt(float x) { return __builtin_sqrtf(x); }
RL_INLINE double vm_sqrt(double x) { return __builtin_sqrt(x); }
RL_INLINE float vm_floor(float x) { return __builtin_floorf(x); }
RL_INLINE double vm_floor(double x) { return __builtin_floor(x); }
RL_INLINE float vm_ceil(float x) { return __builtin_ceilf(x); }
RL_INLINE double vm_ceil(double x) { return __builtin_ceil(x); }
RL_INLINE float vm_trunc(float x) { return __builtin_truncf(x); }
RL_INLINE double vm_trunc(double x) { return __builtin_trunc(x); }
RL_INLINE float vm_round(float x) { return __builtin_rintf(x); }  // half to even
RL_INLINE double vm_round(double x) { return __builtin_rint(x); }
RL_INLINE float vm_copysign(float x, float y) { return __builtin_copysignf(x, y); }
RL_INLINE double vm_copysign(double x, double y) { return __builtin_copysign(x, y); }
template <class T>
RL_INLINE T vm_rsqrt(T x) {
  return T(1) / vm_sqrt(x);
}
template <class T>
RL_INLINE T vm_frac(T x) {
  return x - vm_trunc(x);
}
template <class T>
RL_INLINE T vm_sign(T x) {  // 0 for NaN, as in PyTorch
  return (x > 0 ? T(1) : T(0)) - (x < 0 ? T(1) : T(0));
}
template <class T>
RL_INLINE bool vm_isnan(T x) {
  return x != x;
}
template <class T>
RL_INLINE bool vm_isinf(T x) {
  return vm_abs(x) == VmFloat<T>::inf;
}

// ---- Exponentials ----

/// x = n ln(2) + r; `bits` holds n in the low bits of magic + n.
template <class T>
struct VmReduced {
  T hi, lo;  // r = hi - lo, |r| <= ln(2) / 2
  typename VmFloat<T>::U bits;
};
template <class T>
RL_INLINE VmReduced<T> vm_exp_reduce(T x) {
  using F = VmFloat<T>;
  const T t = x * T(1.4426950408889634074) + F::magic;
  const T n = t - F::magic;
  return {x - n * F::ln2_hi, n * F::ln2_lo, vm_bits(t)};
}
/// (exp(r) - 1 - r) / r^2
template <class T>
RL_INLINE T vm_exp_tail(T r) {
  if constexpr (vm_is_float<T>)
    return vm_poly(r, 0.499999933, 0.166665189, 0.0416684081, 0.00836892083, 0.00138141634);
  else
    return vm_poly(r, 0.5, 0.16666666666666685, 0.041666666666666075, 0.0083333333333166539,
                   0.001388888888912088, 0.00019841269897345911, 2.4801586920178432e-05,
                   2.7557233882513387e-06, 2.7557584814995602e-07, 2.5112383922570829e-08,
                   2.0826362470381473e-09);
}
/// exp(r) - 1, right to its last place near 0
template <class T>
RL_INLINE T vm_expm1_poly(const VmReduced<T>& v) {
  const T r = v.hi - v.lo;
  return v.hi + (r * r * vm_exp_tail(r) - v.lo);
}
/// exp(r)
template <class T>
RL_INLINE T vm_exp_poly(const VmReduced<T>& v) {
  const T r = v.hi - v.lo;
  return (vm_exp_tail(r) * r + T(1)) * r + T(1);
}
/// 2^(n + shift) where n is in `bits`; the result must be a normal number.
template <class T>
RL_INLINE T vm_pow2(typename VmFloat<T>::U bits, int shift = 0) {
  using F = VmFloat<T>;
  return vm_from_bits((bits + F::bias + typename F::U(shift)) << F::mantissa);
}
/// y * 2^(n + shift) for any n, in two steps, so that subnormals round once and overflow is late.
template <class T>
RL_INLINE T vm_scale(T y, typename VmFloat<T>::U bits, int shift = 0) {
  using F = VmFloat<T>;
  using U = typename F::U;
  const U u = bits - vm_bits(F::magic) + U(2 * F::bias + shift);  // n + shift, with both biases
  const U half = u >> 1, rest = u - half;
  return y * vm_from_bits(half << F::mantissa) * vm_from_bits(rest << F::mantissa);
}
/// y * 2^n where n is in `bits`, for y and a result that are normal numbers.
template <class T>
RL_INLINE T vm_scale_normal(T y, typename VmFloat<T>::U bits) {
  return vm_from_bits(vm_bits(y) + (bits << VmFloat<T>::mantissa));
}
template <class T>
RL_INLINE T vm_at_least(T x, double low) {
  return x < T(low) ? T(low) : x;
}
template <class T>
RL_INLINE T vm_at_most(T x, double high) {  // NaN stays NaN
  return x > T(high) ? T(high) : x;
}
template <class T>
RL_INLINE T vm_clamp(T x, double low, double high) {
  return vm_at_most(vm_at_least(x, low), high);
}
/// exp(x) * 2^shift
template <class T>
RL_INLINE T vm_exp_shifted(T x, int shift) {
  constexpr double low = vm_is_float<T> ? -104 : -746, high = vm_is_float<T> ? 90 : 711;
  const auto v = vm_exp_reduce(vm_clamp(x, low, high));
  const T y = vm_scale(vm_exp_poly(v), v.bits, shift);
  return x < T(low) ? T(0) : y;  // chosen last: to compute it would take slow subnormal numbers
}
/// exp(x) for x in [-87, 88] (double: [-708, 709]) or NaN.
template <class T>
RL_INLINE T vm_exp_inner(T x) {
  const auto v = vm_exp_reduce(x);
  return vm_exp_poly(v) * vm_pow2<T>(v.bits);
}
template <class T>
RL_INLINE T vm_exp(T x) {
  return vm_exp_shifted(x, 0);
}
/// exp(x) for |x| < 86 (double: 708), bit for bit.
template <class T>
RL_INLINE T vm_exp_near(T x) {
  const auto v = vm_exp_reduce(x);
  return vm_scale_normal(vm_exp_poly(v), v.bits);
}
/// 2^r for |r| <= 1/2, in T with the precision of P.
template <class P, class T>
RL_INLINE T vm_exp2_poly(T r) {
  if constexpr (vm_is_float<T>)
    return T(1) + r * vm_poly(r, 0.693147203, 0.240226479, 0.0555033185, 0.00961843979,
                              0.00133991337, 0.000153531676);
  else if constexpr (vm_is_float<P>)
    return T(1) + r * vm_poly(r, 0.693147181, 0.240226511, 0.0555041036, 0.00961803741,
                              0.0013333938, 0.000154670074, 1.51959414e-05);
  else
    return T(1) + r * vm_poly(r, 0.69314718055994529, 0.24022650695910072, 0.055504108664821687,
                              0.009618129107628326, 0.001333355814639212, 0.0001540353039364485,
                              1.5252733854919338e-05, 1.3215486592577695e-06,
                              1.0178051670630038e-07, 7.0549749791833369e-09,
                              4.4566143979095072e-10, 2.5625209472440103e-11);
}
template <class T>
RL_INLINE T vm_exp2(T x) {
  using F = VmFloat<T>;
  x = vm_is_float<T> ? vm_clamp(x, -151, 129) : vm_clamp(x, -1076, 1025);
  const T t = x + F::magic;
  return vm_scale(vm_exp2_poly<T>(x - (t - F::magic)), vm_bits(t));
}
template <class T>
RL_INLINE T vm_expm1(T x) {  // 2^n (e^r - 1) + (2^n - 1), all halved so that 2^n fits
  const auto v = vm_exp_reduce(vm_is_float<T> ? vm_clamp(x, -40, 88.73) : vm_clamp(x, -80, 709.79));
  const T s = vm_pow2<T>(v.bits, -1);
  return vm_copysign(T(2) * (s * vm_expm1_poly(v) + (s - T(0.5))), x);
}
/// sigmoid(x) from exp(-|x|), which never overflows.
template <class T>
RL_INLINE T vm_sigmoid_of(T x, T e) {
  return (x < 0 ? e : T(1)) / (T(1) + e);
}
template <class T>
RL_INLINE T vm_sigmoid(T x) {
  return vm_sigmoid_of(x, vm_exp(-vm_abs(x)));
}
template <class T>
RL_INLINE T vm_sigmoid_near(T x) {
  return vm_sigmoid_of(x, vm_exp_near(-vm_abs(x)));
}
template <class T>
RL_INLINE T vm_tanh(T x) {
  const T a = vm_abs(x), z = a * a;
  T p;
  if constexpr (vm_is_float<T>)
    p = vm_poly(z, -0.33333323, 0.133329952, -0.0539306144, 0.0216682127, -0.00827294292,
                0.00259009621, -0.000458027604);
  else
    p = vm_poly(z, -0.33333333333333309, 0.13333333333330075, -0.053968253966768527,
                0.021869488501795858, -0.0088632350557260268, 0.0035921237639934506,
                -0.0014558078106943419, 0.00058990915143423083, -0.00023874362648426984,
                9.598300572663052e-05, -3.7594096710208722e-05, 1.3645876251157663e-05,
                -4.1677233040127883e-06, 9.0998051501473214e-07, -1.020449852109265e-07);
  const T e = vm_exp_inner(vm_at_most(a + a, 44));
  const T big = T(1) - T(2) / (e + T(1));
  return vm_copysign(a < T(0.9) ? a + a * (z * p) : big, x);
}
template <class T>
RL_INLINE T vm_sinh(T x) {
  const T a = vm_abs(x), z = a * a;
  T p;
  if constexpr (vm_is_float<T>)
    p = vm_poly(z, 0.166666665, 0.00833335065, 0.000198360559, 2.81750155e-06);
  else
    p = vm_poly(z, 0.16666666666666666, 0.0083333333333333332, 0.00019841269841269589,
                2.755731922412091e-06, 2.505210834548313e-08, 1.6059050726391559e-10,
                7.6464749900958627e-13, 2.848435214214535e-15);
  const T half_e = vm_exp_shifted(a, -1);
  return vm_copysign(a < T(1) ? a + a * (z * p) : half_e - T(0.25) / half_e, x);
}
template <class T>
RL_INLINE T vm_cosh(T x) {
  const T half_e = vm_exp_shifted(vm_abs(x), -1);
  return half_e + T(0.25) / half_e;
}

// ---- Logarithms ----

/// x = (1 + f) * 2^k with 1 + f in [sqrt(1/2), sqrt(2)], for positive finite x.
/// log(1 + f) = f - (f^2 / 2 - tail), where tail needs no more than the precision of P.
template <class T>
struct VmLog {
  T k, f, half_f2, tail;
};
template <class P, bool kSubnormals = true, class T>
RL_INLINE VmLog<T> vm_log_reduce(T x) {
  using F = VmFloat<T>;
  using U = typename F::U;
  const bool subnormal = kSubnormals && x < F::tiny;
  const U u = vm_bits(subnormal ? x * F::lift : x) + (F::one - F::sqrt_half);
  const T m = vm_from_bits((u & ((U(1) << F::mantissa) - 1)) + F::sqrt_half);
  constexpr T two_m = T(U(1) << F::mantissa);  // an integer in the low bits of 2^mantissa
  const T k = vm_from_bits((u >> F::mantissa) | vm_bits(two_m)) -
              (two_m + T(F::bias) + (subnormal ? T(vm_is_float<T> ? 25 : 54) : T(0)));
  const T f = m - T(1), h = T(0.5) * f * f;
  if constexpr (vm_is_float<T>)
    return {k, f, h,
            f * f * f *
                vm_poly(f, 0.333333125, -0.250000096, 0.200021259, -0.166680005, 0.142193907,
                        -0.124053743, 0.118892375, -0.11677592, 0.0674656662)};
  else if constexpr (vm_is_float<P>)
    return {k, f, h,
            f * f * f *
                vm_poly(f, 0.3333333389557962, -0.24999997062287616, 0.19999910841180826,
                        -0.16666855756324253, 0.14290190436719982, -0.12498284979564619,
                        0.11014549124740276, -0.0992433548348008, 0.09989743207316004,
                        -0.09864963800494571, 0.053867217769156962)};
  const T s = f / (T(2) + f), z = s * s;
  const T p =
      vm_poly(z, 0.66666666666667351, 0.39999999999407515, 0.28571428744134986, 0.22222198379195246,
              0.18183575125472226, 0.15313756847086712, 0.14799054627789002);
  return {k, f, h, s * (h + z * p)};
}
/// What a logarithm is where x is not positive and finite; `r` elsewhere.
template <class T>
RL_INLINE T vm_log_special(T x, T r) {
  r = x == VmFloat<T>::inf ? x : r;
  return x > 0 ? r : x == 0 ? -VmFloat<T>::inf : VmFloat<T>::nan;
}
/// log(x) for positive finite x, in T with the precision of P.
template <class P, bool kSubnormals = true, class T>
RL_INLINE T vm_log_core(T x) {
  using F = VmFloat<T>;
  const auto v = vm_log_reduce<P, kSubnormals>(x);
  return v.k * F::ln2_hi - ((v.half_f2 - vm_mul_add(v.k, F::ln2_lo, v.tail)) - v.f);
}
template <class T>
RL_INLINE T vm_log(T x) {
  return vm_log_special(x, vm_log_core<T>(x));
}
/// log(x) for positive, finite, normal x.
template <class T>
RL_INLINE T vm_log_near(T x) {
  return vm_log_core<T, false>(x);
}
/// log(x) * (c_hi + c_lo) + k * (b_hi + b_lo), where log(1 + f) is split into short hi and lo.
template <class T>
RL_INLINE T vm_log_base(T x, T c_hi, T c_lo, T b_hi, T b_lo) {
  using U = typename VmFloat<T>::U;
  const auto v = vm_log_reduce<T>(x);
  const U mask = ~((U(1) << (vm_is_float<T> ? 12 : 32)) - 1);
  const T hi = vm_from_bits(vm_bits(v.f - v.half_f2) & mask);
  const T lo = ((v.f - hi) - v.half_f2) + v.tail;
  const T y = v.k * b_hi, value = hi * c_hi, sum = y + value;
  return vm_log_special(x, ((y - sum) + value + (v.k * b_lo + (lo + hi) * c_lo + lo * c_hi)) + sum);
}
template <class T>
RL_INLINE T vm_log2(T x) {
  using F = VmFloat<T>;
  return vm_log_base(x, F::log2e_hi, F::log2e_lo, T(1), T(0));
}
template <class T>
RL_INLINE T vm_log10(T x) {
  using F = VmFloat<T>;
  return vm_log_base(x, F::log10e_hi, F::log10e_lo, F::log10_2_hi, F::log10_2_lo);
}
template <class T>
RL_INLINE T vm_log1p(T x) {  // log(u) + c / u, where u + c is exactly 1 + x
  const T u = T(1) + x;
  const T c = x < T(1) ? x - (u - T(1)) : T(1) - (u - x);
  const T r = vm_log_core<T>(u) + c / u;
  return vm_copysign(vm_log_special(u, r), x != x ? T(1) : x);
}

}  // namespace rl::RL_ISA

#include "cpu/vmath_special.h"
#include "cpu/vmath_trig.h"
