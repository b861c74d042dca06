// Special functions of the CPU leaves: powers, error functions, remainders; expr/special.h has
// more. Included by vmath.h, which says how they are made. Those that a comment calls scalar hold a
// loop, a branch or a call of libm, and a loop over them stays scalar.
#pragma once
#include "cpu/vmath.h"
#include "cpu/vmath_trig.h"

namespace rl::RL_ISA {

// ---- Powers ----

/// p with C's special cases of pow(x, y), where p is |x|^y for ordinary x and y.
template <class T>
RL_INLINE T vm_pow_special(T x, T y, T p) {
  const T a = vm_abs(x), half = y * T(0.5);
  p = a == T(1) ? T(1) : p;  // pow(-1, +-inf) is 1
  const T with_sign = vm_trunc(half) == half ? p : vm_copysign(p, x);
  const T inexact = x < 0 && a < VmFloat<T>::inf ? VmFloat<T>::nan : p;
  p = vm_trunc(y) == y ? with_sign : inexact;
  p = x != x ? x : p;
  p = y != y ? y : p;
  p = y == 0 ? T(1) : p;
  return x == T(1) ? T(1) : p;
}
/// log2 where `value` is log2(a) of ordinary a >= 0: -inf for 0, a for inf and NaN.
RL_INLINE double vm_log2_special(double a, double value) {
  return a == 0 ? -VmFloat<double>::inf : a < VmFloat<double>::inf ? value : a;
}
/// 2^(p + lo)
template <class P>
RL_INLINE double vm_exp2_pair(double p, double lo) {
  lo = vm_abs(p) < 1100 ? lo : 0.;
  p = vm_clamp(p, -1100, 1100);
  const double t = p + VmFloat<double>::magic;
  return vm_scale(vm_exp2_poly<P>((p - (t - VmFloat<double>::magic)) + lo), vm_bits(t));
}
RL_INLINE float vm_pow(float x, float y) {
  const double a = vm_abs(x);
  const auto v = vm_log_reduce<float>(a);
  const double log2 = v.k + (v.f - (v.half_f2 - v.tail)) * 1.4426950408889634074;
  return vm_pow_special(x, y, float(vm_exp2_pair<float>(vm_log2_special(a, log2) * y, 0)));
}
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
/// log2(a) as {hi, lo} to about 2^-65, for positive finite a: log(1 + f) = 2s + 2/3 s^3 + ... with
/// s = f / (2 + f), where all but the higher terms are pairs.
struct VmPair {
  double hi, lo;
};
RL_INLINE VmPair vm_log2_pair(double a) {
  const auto v = vm_log_reduce<float>(a);
  const double d = 2 + v.f, d_lo = v.f - (d - 2), s = v.f / d;
  const double s_lo = (__builtin_fma(-s, d, v.f) - s * d_lo) / d;
  const double z = s * s, z_lo = __builtin_fma(s, s, -z) + 2 * s * s_lo;
  const double p = z * vm_poly(z, 0.40000000000002289, 0.28571428570083685, 0.22222222522887777,
                               0.18181784097275611, 0.15386770206910508, 0.13256508286347451,
                               0.13199284360700256);
  constexpr double third = 0.66666666666666663, third_lo = 3.7007434154171883e-17;
  const double c = third + p, c_lo = (third - c) + p + third_lo;
  const double u = z * c, u_lo = __builtin_fma(z, c, -u) + z * c_lo + z_lo * c;
  const double w = 2 + u, w_lo = (2 - w) + u + u_lo;
  const double log = s * w, log_lo = __builtin_fma(s, w, -log) + s * w_lo + s_lo * w;
  constexpr double log2e = 1.4426950408889634, log2e_lo = 2.0355273740931033e-17;
  const double m = log * log2e;
  const double m_lo = __builtin_fma(log, log2e, -m) + log * log2e_lo + log_lo * log2e;
  const double hi = v.k + m;
  return {hi, (v.k - hi) + m + m_lo};
}
RL_INLINE double vm_pow(double x, double y) {
  const double a = vm_abs(x);
  const auto v = vm_log2_pair(a);
  const double log2 = vm_log2_special(a, v.hi), p = log2 * y;
  return vm_pow_special(x, y, vm_exp2_pair<double>(p, __builtin_fma(log2, y, -p) + v.lo * y));
}
#else
RL_INLINE double vm_pow(double x, double y) { return __builtin_pow(x, y); }  // scalar
#endif

RL_INLINE float vm_hypot(float x, float y) {
  const double a = x, b = y;
  const float r = float(vm_sqrt(a * a + b * b));
  return vm_isinf(x) || vm_isinf(y) ? VmFloat<float>::inf : r;
}
RL_INLINE double vm_hypot(double x, double y) {
  const double a = vm_abs(x), b = vm_abs(y), most = a > b ? a : b;
  const double up = most > 1e150 ? 0x1p-600 : most < 1e-140 ? 0x1p600 : 1.;
  const double down = most > 1e150 ? 0x1p600 : most < 1e-140 ? 0x1p-600 : 1.;
  const double r = vm_sqrt((a * up) * (a * up) + (b * up) * (b * up)) * down;
  return vm_isinf(x) || vm_isinf(y) ? VmFloat<double>::inf : r;
}

// ---- Remainders and neighbours ----

// C's fmod: the remainder has the sign of x. Scalar: a large quotient goes to libm. With a smaller
// one, x - q * y is exact, even if rounding made q one too large.
RL_INLINE float vm_fmod(float x, float y) {
  const double a = x, b = y, q = vm_trunc(a / b);
  if (!(vm_abs(q) < 536870912.) || vm_isinf(y)) return __builtin_fmodf(x, y);  // 2^29
  const double r = a - q * b;
  return vm_copysign(float(r * a < 0 ? r + vm_copysign(b, a) : r), x);
}
RL_INLINE double vm_fmod(double x, double y) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  const double q = vm_trunc(x / y);
  if (!(vm_abs(q) < 4503599627370496.) || vm_isinf(y) || vm_abs(y) < 1e-290)  // 2^52
    return __builtin_fmod(x, y);
  const double r = __builtin_fma(-q, y, x);
  return vm_copysign((r < 0) != (x < 0) && r != 0 ? r + vm_copysign(y, x) : r, x);
#else
  return __builtin_fmod(x, y);
#endif
}

template <class T>
RL_INLINE T vm_nextafter(T x, T y) {
  using U = typename VmFloat<T>::U;
  const bool away = (y > x) == (x > 0);  // from zero
  const T next = vm_from_bits(vm_bits(x) + (away ? U(1) : ~U(0)));
  const T r = x == y ? y : x == 0 ? vm_copysign(vm_from_bits(U(1)), y) : next;
  return x != x || y != y ? VmFloat<T>::nan : r;
}

// ---- Error functions ----

RL_INLINE float vm_erf(float x) {
  const float a = vm_abs(x), z = a * a;
  const float p = vm_poly(z, 0.128379167, -0.376126337, 0.112836939, -0.0268592711, 0.0052006352,
                          -0.000813744771, 8.34526692e-05);
  const float q = vm_poly(vm_at_most(a, 4), -0.00017587949, 1.12952085, 0.633334603, 0.108294003,
                          -0.0251286617, 0.00417465735, -0.000435221891, 2.11621704e-05);
  return vm_copysign(a < 0.925f ? a + a * p : 1.f - vm_exp_inner(-q), x);  // q = -log(erfc(a))
}

RL_INLINE float vm_erfc(float x) {  // exp(-a^2) * polynomial((a - 3) / (a + 3))
  const double a = vm_clamp(double(vm_abs(x)), 0, 10.6), t = (a - 3) / (a + 3);
  const double p = vm_poly(t, 0.17900115118142296, -0.32623356015047306, 0.24560380187868477,
                           -0.15011593083983471, 0.071665830716528475, -0.024392585341296492,
                           0.0042691979452683841, 0.00070832380638595537, -0.00059723027468069922,
                           4.3312425041095319e-05, 6.3885972290450533e-05, -9.6577418662714011e-06,
                           -6.735294897686295e-06);
  const double r = vm_exp_inner(-a * a) * p;
  return float(x < 0 ? 2 - r : r);
}

/// erf(a) for a in [0, 1]
RL_INLINE double vm_erf_small(double a) {
  const double p = vm_poly(a * a, 0.12837916709551259, -0.37612638903183748, 0.11283791670954828,
                           -0.026866170645066682, 0.0052239776247142928, -0.00085483269745873143,
                           0.00012055330874188263, -1.4925589347183424e-05, 1.6460902367170716e-06,
                           -1.6349241739237313e-07, 1.465238181272656e-08, -1.1343597763777079e-09,
                           5.9066545407917978e-11);
  return a + a * p;
}
/// erfc(a) for a >= 1/2: exp(-a^2) / (1 + 2a) * polynomial((a - 4) / (a + 4)). The rounding of a^2
/// is put right; the exponential is lifted by 2^64, so that only the last product can be subnormal.
RL_INLINE double vm_erfc_big(double a) {
  a = vm_clamp(a, 0, 27.3);
  const double t = (a - 4) / (a + 4), z = a * a, z_lo = vm_mul_error(a, a, z);
  const double p = vm_poly(t, 1.2329951186255526, -0.1396211168405625, 0.015379652102619863,
                           0.068097054254688927, -0.10103906603631149, 0.0937328349985148,
                           -0.066330365812049277, 0.037167515534157355, -0.016197734059852857,
                           0.0050319700148748689, -0.00075777327392514591, -0.0001992569430270477,
                           0.00015062161205810009, -2.4398143254992818e-05, -1.1221863041703515e-05,
                           5.7067013921276655e-06, 2.9356261402736699e-07, -8.1981277003550764e-07,
                           7.481135607319278e-08, 1.0350696788574826e-07, -1.7945019474042928e-08,
                           -9.7403318034705998e-09, 1.816708968322681e-09) /
                   (1 + 2 * a);
  return vm_exp_shifted(-z, 64) * (p - p * z_lo) * 0x1p-64;
}
RL_INLINE double vm_erf(double x) {
  const double a = vm_abs(x);
  return vm_copysign(a < 1 ? vm_erf_small(a) : 1 - vm_erfc_big(a), x);
}
RL_INLINE double vm_erfc(double x) {
  const double a = vm_abs(x), small = vm_erf_small(a), big = vm_erfc_big(a);
  return a < 0.5 ? 1 - vm_copysign(small, x) : x < 0 ? 2 - big : big;
}

/// erfinv(x) to about 2^-27, as x times a polynomial in w = -log(1 - x^2) (after M. Giles,
/// "Approximating the erfinv function", 2010).
RL_INLINE double vm_erfinv_core(double x) {
  const double a = vm_abs(x), w = -vm_log_core<float>((1 - a) * (1 + a));
  const double p = vm_poly(w - 2.5, 1.50140935351433, 0.24664028763523743, -0.004177339403658796,
                           -0.0012527446617877568, 0.00021828262897466064, -4.9619112594262034e-06,
                           -3.4346107032497355e-06, 4.6589199234005389e-07, 1.8037037602757443e-08,
                           -8.7728182058783476e-09, 3.3554920769035373e-10);
  const double q =
      vm_poly(vm_sqrt(w) - 4, 3.8397837979166396, 1.009493079182666, 0.0012597945085802977,
              -0.00086723812685252164, 0.00032123498094693641, -0.00012300497070931064,
              5.5449775654443341e-05, -2.5884105947791079e-05, 1.8225223957494201e-05,
              -1.3270642638248478e-05, 3.8079225687876065e-06, 1.0489486410042709e-06,
              -7.3566726866561624e-07, 5.1510552243171512e-08, 1.6806477646377577e-08);
  const double r = a == 1  ? VmFloat<double>::inf
                   : a < 1 ? (w < 5 ? a * p : a * q)
                           : VmFloat<double>::nan;
  return vm_copysign(r, x);
}
RL_INLINE float vm_erfinv(float x) { return float(vm_erfinv_core(x)); }
RL_INLINE double vm_erfinv(double x) {  // one step of Halley's method
  const double y = vm_erfinv_core(x), a = vm_abs(x), b = vm_abs(y);
  const double f = a < 0.5 ? vm_erf_small(b) - a : (1 - a) - vm_erfc_big(b);
  const double u = f * 0.88622692545275801 * vm_exp(b * b);
  return a < 1 ? vm_copysign(b - u / (1 + b * u), x) : y;
}

// ---- The logarithm of gamma (scalar) ----

RL_INLINE double vm_lgamma(double x) { return __builtin_lgamma(x); }
RL_INLINE float vm_lgamma(float x) { return float(__builtin_lgamma(double(x))); }

}  // namespace rl::RL_ISA
