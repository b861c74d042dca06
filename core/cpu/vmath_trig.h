// Trigonometric, inverse trigonometric and inverse hyperbolic functions of the CPU leaves.
// Included by vmath.h, which says how they are made.
#pragma once
#include "cpu/vmath.h"

namespace rl::RL_ISA {

// ---- Trigonometric functions ----

/// 2/pi, its first 224 binary places.
constexpr uint32_t vm_two_over_pi[7] = {0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0,
                                        0xdb629599, 0x3c439041, 0xfe5163ab};
/// Three pieces of 2/pi for each exponent of |x| + 1, without the leading bits that only add
/// multiples of 4 to x * 2/pi (Payne and Hanek). A float times one of the first two is exact.
struct VmPieces {
  double hi[129], mid[129], lo[129];
  static constexpr double piece(int first, int count) {  // from place `first`, counted from 1
    double value = 0, place = 1;
    for (int i = 1; i < first + count; i++) place *= 0.5;
    for (int i = first + count - 1; i >= first; i--, place *= 2)
      value += (vm_two_over_pi[(i - 1) / 32] >> (31 - (i - 1) % 32) & 1) * place;
    return value;
  }
  constexpr VmPieces() : hi(), mid(), lo() {
    for (int e = 0; e < 129; e++) {
      const int first = e > 26 ? e - 25 : 1;
      hi[e] = piece(first, 29), mid[e] = piece(first + 29, 29), lo[e] = piece(first + 58, 50);
    }
  }
};
static constexpr VmPieces vm_pieces;

/// sin and cos of x - n * pi/2, in [-pi/4, pi/4], and n mod 4 in the low bits of `quadrant`.
struct VmAngle {
  double sin, cos;
  uint64_t quadrant;
};
RL_INLINE VmAngle vm_angle_pieces(double y, double hi, double mid, double lo) {
  const double q = y * hi, next = y * mid;
  const double t = (q + next) + VmFloat<double>::magic, n = t - VmFloat<double>::magic;
  const double r = ((q - n) + next + y * lo) * 1.57079632679489661923;
  const double z = r * r;
  return {r * vm_poly(z, 1, -0.166666666, 0.00833332937, -0.00019839331, 2.71827477e-06),
          vm_poly(z, 1, -0.5, 0.0416666468, -0.00138873645, 2.44380949e-05), vm_bits(t)};
}
RL_INLINE VmAngle vm_angle(float x) {
  const double y = x;
  const uint64_t e = ((vm_bits(vm_abs(y) + 1) >> 52) + 1) & 255;  // 0 for infinities and NaN
  return vm_angle_pieces(y, vm_pieces.hi[e], vm_pieces.mid[e], vm_pieces.lo[e]);
}
RL_INLINE double vm_sin_of(const VmAngle& v) {
  const double r = v.quadrant & 1 ? v.cos : v.sin;
  return v.quadrant & 2 ? -r : r;
}
RL_INLINE double vm_cos_of(const VmAngle& v) {
  const double r = v.quadrant & 1 ? v.sin : v.cos;
  return (v.quadrant + 1) & 2 ? -r : r;
}
RL_INLINE double vm_tan_of(const VmAngle& v) {
  const bool odd = v.quadrant & 1;
  return (odd ? -v.cos : v.sin) / (odd ? v.sin : v.cos);
}
RL_INLINE float vm_sin_far(float x) { return float(vm_sin_of(vm_angle(x))); }
RL_INLINE float vm_cos_far(float x) { return float(vm_cos_of(vm_angle(x))); }
RL_INLINE float vm_tan(float x) { return float(vm_tan_of(vm_angle(x))); }
// libm in double (scalar): its reduction of huge arguments does not pay as SIMD code.
RL_INLINE double vm_sin_far(double x) { return __builtin_sin(x); }
RL_INLINE double vm_cos_far(double x) { return __builtin_cos(x); }
RL_INLINE double vm_tan(double x) { return __builtin_tan(x); }

// Three to ten times as fast, for x that have vm_is_near(x). What an element becomes follows from
// itself alone: a loop that finds a block of near ones takes the near form for all of it (of one
// range for both types), and any other loop chooses element by element.
RL_INLINE bool vm_is_near(float x) { return vm_abs(x) < 131072.f; }
RL_INLINE bool vm_is_near(double x) { return vm_abs(x) < 1e6; }
/// Reduced in double, the rest in float.
struct VmNearFloat {
  float sin, cos;
  uint32_t quadrant;
};
RL_INLINE VmNearFloat vm_angle_near(float x) {
  const float t = x * 0.636619772f + VmFloat<float>::magic, n = t - VmFloat<float>::magic;
  const float r = float((x - n * 1.57079632673412561417) - n * 6.07710050650619224932e-11);
  const float z = r * r;
  return {r + r * (z * vm_poly(z, -0.166666535, 0.00833208352, -0.000195043234)),
          1.f - (0.5f * z - z * z * vm_poly(z, 0.0416666444, -0.00138872428, 2.44238926e-05)),
          vm_bits(t)};
}
struct VmNear {
  double sin, cos;
  uint64_t quadrant;
  double sin_lo, cos_lo;
};
/// x - n * pi/2 as a pair: three parts of pi/2 whose products with n < 2^20 are exact, and a
/// fourth.
RL_INLINE VmNear vm_angle_near(double x) {
  const double t = x * 0.63661977236758134308 + VmFloat<double>::magic;
  const double n = t - VmFloat<double>::magic;
  constexpr double p1 = 1.57079632673412561417e+00, p2 = 6.07710050630396597660e-11,
                   p3 = 2.02226624871116645580e-21, p4 = 8.47842766036889956997e-32;
  const double a = x - n * p1, w = n * p2, b = a - w, w2 = n * p3;
  const double b_lo = (a - b) - w, c = b - w2, c_lo = ((b - c) - w2) + b_lo - n * p4;
  const double r = c + c_lo, r_lo = (c - r) + c_lo, z = r * r;
  const double p = vm_poly(z, -0.16666666666666666, 0.0083333333333333228, -0.00019841269841255064,
                           2.7557319214188508e-06, -2.5052104911061023e-08, 1.6058366557321858e-10,
                           -7.5786942539187212e-13);
  const double q =
      vm_poly(z, 0.041666666666666602, -0.0013888888888874066, 2.4801587289444451e-05,
              -2.7557314340928382e-07, 2.0875721659445386e-09, -1.1359561153969921e-11);
  const double h = 0.5 * z, c1 = 1 - h;
  const double s_lo = r * (z * p) + r_lo, c_lo2 = ((1 - c1) - h) + (z * z * q - r * r_lo);
  const double sin = r + s_lo, cos = c1 + c_lo2;
  return {sin, cos, vm_bits(t), (r - sin) + s_lo, (c1 - cos) + c_lo2};
}
template <class T>
RL_INLINE T vm_sin_near(T x) {
  const auto v = vm_angle_near(x);
  const T r = v.quadrant & 1 ? v.cos : v.sin;
  return x == 0 ? x : v.quadrant & 2 ? -r : r;
}
template <class T>
RL_INLINE T vm_cos_near(T x) {
  const auto v = vm_angle_near(x);
  const T r = v.quadrant & 1 ? v.sin : v.cos;
  return (v.quadrant + 1) & 2 ? -r : r;
}
template <class T>
RL_INLINE T vm_sin(T x) {
  return vm_is_near(x) ? vm_sin_near(x) : vm_sin_far(x);
}
template <class T>
RL_INLINE T vm_cos(T x) {
  return vm_is_near(x) ? vm_cos_near(x) : vm_cos_far(x);
}
RL_INLINE float vm_tan_near(float x) {
  constexpr double hi = VmPieces::piece(1, 29), mid = VmPieces::piece(30, 29),
                   lo = VmPieces::piece(59, 50);
  return x == 0 ? x : float(vm_tan_of(vm_angle_pieces(x, hi, mid, lo)));
}
RL_INLINE double vm_tan_near(double x) {
  const auto v = vm_angle_near(x);
  const bool odd = v.quadrant & 1;
  const double n = odd ? -v.cos : v.sin, n_lo = odd ? -v.cos_lo : v.sin_lo;
  const double d = odd ? v.sin : v.cos, d_lo = odd ? v.sin_lo : v.cos_lo;
  const double q = n / d, back = q * d;
  const double error = ((n - back) - vm_mul_error(q, d, back) + n_lo - q * d_lo) / d;
  return x == 0 ? x : q + error;
}

// pi/4 in two parts; the first ends in zeros, so that its small multiples are exact.
constexpr double vm_pi_4 = 0.78539816339744828, vm_pi_4_lo = 3.061616997868383e-17;

/// asin(a) / 2-fold angle: for a in [0, 1], {main, rest} of asin(s) with s = a or sqrt((1 - a) /
/// 2).
struct VmAsin {
  double s, rest;
  bool small;
};
template <class P>
RL_INLINE VmAsin vm_asin_core(double a) {
  const bool small = a < 0.5;
  const double z = small ? a * a : (1 - a) * 0.5;
  const double s = small ? a : vm_sqrt(z);
  if constexpr (vm_is_float<P>) {
    return {s,
            s * z *
                vm_poly(z, 0.166666599, 0.0750051212, 0.0445154723, 0.0318198166, 0.0143938023,
                        0.0375781679),
            small};
  } else {
    const double p = vm_poly(z, 0.16666666666666763, 0.074999999999700917, 0.044642857175290894,
                             0.030381942675087734, 0.02237221591050256, 0.017351595428716709,
                             0.013981019283234187, 0.011397287646331909, 0.010789348194059755,
                             0.0036720928007178007, 0.021790852172221615, -0.021116986734236631,
                             0.032702317417069429);
    const double ss = s * s, root_error = ((z - ss) - vm_mul_error(s, s, ss)) / (s + s);
    return {s, s * z * p + (small || z == 0 ? 0. : root_error), small};
  }
}
template <class T>
RL_INLINE T vm_asin(T x) {
  const double a = vm_abs(double(x));
  const auto v = vm_asin_core<T>(a);
  const double big = 2 * vm_pi_4 - 2 * v.s - 2 * (v.rest - vm_pi_4_lo);
  return vm_copysign(T(v.small ? v.s + v.rest : big), x);
}
template <class T>
RL_INLINE T vm_acos(T x) {
  const double y = x;
  const auto v = vm_asin_core<T>(vm_abs(y));
  const double rest = y < 0 ? -v.rest : v.rest;
  const double mid = 2 * vm_pi_4 - (y - (2 * vm_pi_4_lo - rest));
  const double twice = 2 * v.s + 2 * v.rest;
  const double left = 4 * vm_pi_4 - 2 * v.s - 2 * (v.rest - 2 * vm_pi_4_lo);
  return T(v.small ? mid : y < 0 ? left : twice);
}
/// atan(q) for q in [0, 1], in float.
RL_INLINE float vm_atan_poly(float q) {
  const float z = q * q;
  return q +
         q * (z * vm_poly(z, -0.333332991, 0.199985474, -0.142642311, 0.109521257, -0.0840326123,
                          0.0579541339, -0.0311741812, 0.0109125231, -0.00179313057));
}
constexpr float vm_pi_2f = 1.57079637f, vm_pi_2f_lo = -4.37113883e-8f;
RL_INLINE float vm_atan(float x) {
  const float a = vm_abs(x), r = vm_atan_poly(a < 1 ? a : 1.f / a);
  return vm_copysign(a > 1 ? vm_pi_2f - (r - vm_pi_2f_lo) : r, x);
}
RL_INLINE float vm_atan2(float y, float x) {
  constexpr float inf = VmFloat<float>::inf;
  const float ay = vm_abs(y), ax = vm_abs(x);
  const bool swap = ay > ax, negative = vm_copysign(1.f, x) < 0;
  float n = swap ? ax : ay, d = swap ? ay : ax;
  d = n == inf || d == 0 ? 1.f : d;
  n = n == inf ? 1.f : n;
  const float r = vm_atan_poly(n / d), away = negative ? 2 * vm_pi_2f : 0.f;
  const float base = swap ? vm_pi_2f : away, base_lo = swap       ? vm_pi_2f_lo
                                                       : negative ? 2 * vm_pi_2f_lo
                                                                  : 0.f;
  float angle = base + ((swap != negative ? -r : r) + base_lo);
  angle = x != x ? x : angle;
  return vm_copysign(y != y ? y : angle, y);
}

/// atan(n / d) for 0 <= n <= d as base + q + rest: q is a quotient in [-1/3, 1/2], the base 0 or
/// pi/4; the rest also corrects the rounding of q.
struct VmAtan {
  double base, base_lo, q, rest;
};
RL_INLINE VmAtan vm_atan_octant(double n, double d) {
  const bool big = n > 0.5 * d;
  const double num = big ? n - d : n, den = big ? n + d : d;
  const double q = num / den, z = q * q;
  const double p = vm_poly(z, -0.33333333333333331, 0.19999999999999549, -0.14285714285656109,
                           0.11111111107309059, -0.09090908943324727, 0.076923039749070193,
                           -0.06666602558277071, 0.058815703940744195, -0.052562637884022316,
                           0.047176822517103527, -0.041413857119620236, 0.033051498392678832,
                           -0.020458912865449947, 0.0069432275990291914);
  const double den_lo = big ? n - (den - d) : 0., back = q * den;
  const double error = ((num - back) - vm_mul_error(q, den, back) - q * den_lo) / den;
  return {big ? vm_pi_4 : 0., big ? vm_pi_4_lo : 0., q,
          q * z * p + (d < VmFloat<double>::inf ? (n > 1e-250 ? error : 0.) : 0.)};
}
RL_INLINE double vm_angle_sum(double base, double base_lo, double q, double rest) {
  const double r = base + q, r_lo = (base - r) + q;
  return r + (r_lo + (rest + base_lo));
}
RL_INLINE double vm_atan(double x) {
  const double a = vm_clamp(vm_abs(x), 0, 1e100);
  const auto v = vm_atan_octant(a < 1 ? a : 1., a > 1 ? a : 1.);
  const bool swap = a > 1;
  const double base = swap ? 2 * vm_pi_4 - v.base : v.base;
  const double base_lo = swap ? 2 * vm_pi_4_lo - v.base_lo : v.base_lo;
  const double r = vm_angle_sum(base, base_lo, swap ? -v.q : v.q, swap ? -v.rest : v.rest);
  return vm_copysign(x != x ? x : r, x);
}
RL_INLINE double vm_atan2(double y, double x) {
  constexpr double inf = VmFloat<double>::inf;
  const double ay = vm_abs(y), ax = vm_abs(x);
  const bool swap = ay > ax, negative = vm_copysign(1., x) < 0, minus = swap != negative;
  double n = swap ? ax : ay, d = swap ? ay : ax;
  d = n == inf || d == 0 ? 1. : d;
  n = n == inf ? 1. : n;
  const double scale = d > 1e200 ? 0x1p-400 : d < 1e-200 ? 0x1p400 : 1.;
  const auto v = vm_atan_octant(n * scale, d * scale);
  double base = swap ? 2 * vm_pi_4 - v.base : v.base;
  double base_lo = swap ? 2 * vm_pi_4_lo - v.base_lo : v.base_lo;
  base = negative ? 4 * vm_pi_4 - base : base;
  base_lo = negative ? 4 * vm_pi_4_lo - base_lo : base_lo;
  double r = vm_angle_sum(base, base_lo, minus ? -v.q : v.q, minus ? -v.rest : v.rest);
  r = x != x ? x : r;
  return vm_copysign(y != y ? y : r, y);
}

// ---- Inverse hyperbolic functions: a polynomial up to 1/2, a logarithm beyond ----

/// log(u + lo) where |lo| is at most a few ulp of u.
template <class P>
RL_INLINE double vm_log_pair(double u, double lo) {
  const double r = vm_log_core<P>(u);
  if constexpr (vm_is_float<P>) return r;
  return r + lo / u;
}
template <class T>
RL_INLINE T vm_asinh(T x) {
  const double a = vm_abs(double(x)), z = a * a;
  double p;
  if constexpr (vm_is_float<T>)
    p = vm_poly(z, -0.166666653, 0.0749989014, -0.0446134038, 0.0300141505, -0.0199842243,
                0.00917328752);
  else
    p = vm_poly(z, -0.16666666666666663, 0.074999999999989658, -0.044642857141695386,
                0.030381944378661561, -0.022372156889145539, 0.017352716922026699,
                -0.01396414836514738, 0.0115446801728048, -0.009709801348556861,
                0.0081215232967141258, -0.0063251649863188316, 0.003925346411195023,
                -0.0013648890158626708);
  const double q = z + 1, s = vm_sqrt(q), u = a + s, ss = s * s;
  // What rounding took from z + 1, from its root and from the sum.
  const double q_lo = (z > 1 ? 1 - (q - z) : z - (q - 1)) + vm_mul_error(a, a, z);
  const double s_lo = ((q - ss) - vm_mul_error(s, s, ss) + q_lo) / (s + s);
  const double u_lo = (a - (u - s)) + s_lo;
  const bool huge = a > 1e10;
  const double big =
      vm_log_pair<T>(huge ? a : u, huge ? 0. : u_lo) + (huge ? 0.69314718055994531 : 0.);
  const double r = a < 0.5 ? a + a * (z * p) : a < VmFloat<double>::inf ? big : a;
  return vm_copysign(T(r), x);
}
template <class T>
RL_INLINE T vm_acosh(T x) {
  const double a = x, t = a - 1, b = a + 1, q = t * b, s = vm_sqrt(q), ss = s * s;
  const double w = t + s, u = 1 + w;  // acosh(x) = log(1 + t + sqrt(t (x + 1)))
  const double q_lo = vm_mul_error(t, b, q) + t * (1 - (b - a));
  const double s_lo = ((q - ss) - vm_mul_error(s, s, ss) + q_lo) / (s + s);
  const double w_lo = (t < s ? t - (w - s) : s - (w - t)) + (t == 0 ? 0. : s_lo);
  const double u_lo = (w < 1 ? w - (u - 1) : 1 - (u - w)) + w_lo;
  const bool huge = a > 1e10;
  const double r =
      vm_log_pair<T>(huge ? a : u, huge ? 0. : u_lo) + (huge ? 0.69314718055994531 : 0.);
  return T(a >= 1 ? (a < VmFloat<double>::inf ? r : a) : VmFloat<double>::nan);
}
template <class T>
RL_INLINE T vm_atanh(T x) {
  const double a = vm_abs(double(x)), z = a * a;
  double p;
  if constexpr (vm_is_float<T>)
    p = vm_poly(z, 0.333332988, 0.200025938, 0.142213608, 0.118350821, 0.0509407426, 0.177262407);
  else
    p = vm_poly(z, 0.33333333333333282, 0.20000000000018942, 0.142857142833481, 0.11111111260352689,
                0.090909035188946857, 0.076924420220065001, 0.066644649452824112,
                0.059076404922855957, 0.050566109559774801, 0.059629647573279793,
                -0.0055380454016721184, 0.17535380974742681, -0.19661253839837378,
                0.24138960819484437);
  const double n = 1 + a, d = 1 - a, u = n / d, back = u * d;
  const double u_lo = ((n - back) - vm_mul_error(u, d, back) + (a - (n - 1))) / d;
  const double big = 0.5 * vm_log_pair<T>(u, u_lo);
  const double r = a < 0.5  ? a + a * (z * p)
                   : a < 1  ? big
                   : a == 1 ? VmFloat<double>::inf
                            : VmFloat<double>::nan;
  return vm_copysign(T(r), x);
}

}  // namespace rl::RL_ISA
