// Functions of sixteen floats at once, for AVX-512, whose permutations look sixteen indices up in a
// table of 32 numbers in one instruction: with a polynomial for each of 32 intervals few terms do,
// and no division. expr/wide.h makes leaves of them; on other instruction sets those of vmath.h do
// the same work one element at a time.
//
// The compiler computes the tables, from series. Errors stay under 1.1 ulp (erf 1.3, circular
// functions 1.6, sigmoid 2.3), and what an element becomes does not depend on its neighbours.
#pragma once
#include "cpu/simd.h"
#include "cpu/vmath.h"

namespace rl::RL_ISA {

#if defined(__AVX512F__)
using WideFloat = Vec<float>;

// ---- Tables ----

struct WideTanh {
  static constexpr double one_from = 10;
  static constexpr double at(double x) {
    double power = 1, term = 1;  // exp(2x) = exp(2x / 64)^64
    for (int i = 1; i < 14; ++i) power += term *= x / (32 * i);
    for (int i = 0; i < 6; ++i) power *= power;
    return 1 - 2 / (power + 1);
  }
};
struct WideErf {
  static constexpr double one_from = 4;
  static constexpr double at(double x) {  // Abramowitz and Stegun, 7.1.6, divided by exp(x^2)
    double sum = 0, power = 0, term = x, factor = 1;
    for (int n = 0; n < 90; ++n) {
      sum += term, power += factor;
      term *= 2 * x * x / (2 * n + 3), factor *= x * x / (n + 1);
    }
    return 1.1283791670955126 * sum / power;
  }
};

/// y: values at t, then the coefficients of the polynomial through them (Bjoerck and Pereyra,
/// 1970).
template <int N>
constexpr void wide_interpolate(const double* t, double* y) {
  for (int k = 1; k < N; ++k)
    for (int j = N - 1; j >= k; --j) y[j] = (y[j] - y[j - 1]) / (t[j] - t[j - k]);
  for (int k = N - 2; k >= 0; --k)
    for (int j = k; j < N - 1; ++j) y[j] -= t[k] * y[j + 1];
}
constexpr double wide_rounding(double x) { return __builtin_fabs(x - double(float(x))); }

/// An odd function in the 32 quarters of octaves from 1/16 to 16, the first of which begins at 0.
/// Intervals stand where five bits of a float, two of them of the mantissa, say.
template <class F>
struct WideTable {
  float center[32] = {}, c[6][32] = {};
  constexpr WideTable() {
    constexpr double node[] = {-0.965925826289068, -0.707106781186548, -0.258819045102521,
                               0.258819045102521,  0.707106781186548,  0.965925826289068};
    double low = 0.0625;  // of an interval, which is `width` long
    for (int i = 0; i < 32; ++i) {
      const double width = 0.015625 * (1 << i / 4), middle = low + width / 2;
      const int slot = (12 + i) % 32;
      double best = 1, t[6] = {}, y[6] = {};
      if (i == 0) {  // x + x times a polynomial in x^2
        for (int j = 0; j < 3; ++j) {
          const double x = (low + width) * node[3 + j];
          t[j] = x * x, y[j] = F::at(x) / x - 1;
        }
        wide_interpolate<3>(t, y);
        for (int j = 0; j < 3; ++j) c[2 * j + 1][slot] = float(y[j]);
      } else if (low < F::one_from) {
        for (int j = -16; j < 16; ++j) {  // a center whose value is nearly a float
          const float x = float(middle + width * j / 1024);
          const double error = wide_rounding(F::at(x));
          if (error < best) best = error, center[slot] = x;
        }
        for (int j = 0; j < 6; ++j) {
          t[j] = middle - center[slot] + width / 2 * node[j];
          y[j] = F::at(center[slot] + t[j]);
        }
        wide_interpolate<6>(t, y);
        for (int j = 0; j < 6; ++j) c[j][slot] = float(y[j]);
      } else {
        c[0][slot] = 1;
      }
      low += width;
    }
  }
};
template <class F>
static constexpr WideTable<F> wide_table;  // a template: computed where it is used

/// The logarithm in 32nds from 1 to 2: m * scale is near 1, up to 45/32 and above that near 1/2, so
/// that no sum with the exponent cancels; `log` is that of 1 / scale.
struct WideLog {
  float scale[32] = {}, log[32] = {}, more[32] = {};
  constexpr WideLog() {
    for (int i = 0; i < 32; ++i) {
      const double half = i < 13 ? 1 : 0.5, middle = (1 + (i + 0.5) / 32) * half;
      scale[i] = float(half), more[i] = i < 13 ? 0 : 1;
      double best = 1;
      for (int j = -40; j < 40 && i > 0 && i < 31;
           ++j) {  // a scale whose logarithm is nearly a float
        const float s = float(1 / middle + j * 0x1p-14);
        const double z = (1 - double(s)) / (1 + double(s));
        double sum = 0, term = 2 * z;
        for (int k = 1; k < 30; k += 2) sum += term / k, term *= z * z;
        if (wide_rounding(sum) < best)
          best = wide_rounding(sum), scale[i] = s * float(half), log[i] = float(sum);
      }
    }
  }
};
template <class F = WideLog>
static constexpr F wide_logs;

struct WidePowers {                  // of two, in 32nds
  float at[32] = {}, rest[32] = {};  // at * (1 + rest)
  constexpr WidePowers() {
    for (int i = 0; i < 32; ++i) {
      double sum = 1, term = 1;
      for (int k = 1; k < 20; ++k) sum += term *= i * 0.69314718055994531 / 32 / k;
      at[i] = float(sum), rest[i] = float(sum / double(at[i]) - 1);
    }
  }
};
template <class F = WidePowers>
static constexpr F wide_powers;

// ---- Functions ----

RL_INLINE WideFloat wide_add(WideFloat a, WideFloat b, WideFloat c) {  // a * b + c
  return _mm512_fmadd_ps(a, b, c);
}
RL_INLINE WideFloat wide_look_up(const float* table, __m512i index) {
  return _mm512_permutex2var_ps(load(table), index, load(table + 16));
}
template <class... C>
RL_INLINE WideFloat wide_poly(WideFloat x, double c0, C... c) {
  if constexpr (sizeof...(C) == 0)
    return splat(float(c0));
  else
    return wide_add(wide_poly(x, c...), x, splat(float(c0)));
}
RL_INLINE WideFloat wide_flip(WideFloat x, __m512i sign) {
  return (WideFloat)_mm512_xor_si512((__m512i)x, sign);
}

/// tanh and erf. NaN is the second operand of a minimum, which then stays.
template <class F>
RL_INLINE WideFloat wide_odd(WideFloat x) {
  constexpr const WideTable<F>& table = wide_table<F>;
  const __m512i sign = _mm512_and_si512((__m512i)x, _mm512_set1_epi32(int(0x80000000)));
  const WideFloat a = _mm512_min_ps(splat(15.f), wide_flip(x, sign));
  const __m512i low = _mm512_max_epi32((__m512i)a, (__m512i)splat(0.0625f));
  const __m512i index = _mm512_srli_epi32(low, 21);
  const WideFloat r = a - wide_look_up(table.center, index);
  WideFloat p = wide_look_up(table.c[5], index);
#pragma GCC unroll 4
  for (int k = 4; k > 0; --k) p = wide_add(p, r, wide_look_up(table.c[k], index));
  const __mmask16 first = _mm512_cmplt_ps_mask(a, splat(0.078125f));
  const WideFloat base = _mm512_mask_mov_ps(wide_look_up(table.c[0], index), first, a);
  return wide_flip(wide_add(p, r, base), sign);
}
RL_INLINE WideFloat wide_tanh(WideFloat x) { return wide_odd<WideTanh>(x); }
RL_INLINE WideFloat wide_erf(WideFloat x) { return wide_odd<WideErf>(x); }

/// x = n ln(2) + r, n in 32nds, which lie in the low bits of the sum with `round`. Where x is too
/// large for that, r may be anything, and 1 will do: scalef makes 0, infinity or NaN by n.
/// What the powers' rounding left off is added by their mean (1.0 ulp) or one by one (0.53 ulp).
template <bool kFine = false>
RL_INLINE WideFloat wide_exp(WideFloat x) {
  using F = VmFloat<float>;
  const WideFloat round = splat(F::magic / 32);
  const WideFloat t = wide_add(x, splat(1.44269502f), round), n = t - round;
  WideFloat r = wide_add(n, splat(-F::ln2_lo), wide_add(n, splat(-F::ln2_hi), x));
  r = _mm512_range_ps(r, splat(1.f), 2);  // the smaller of both, with the sign of r
  const WideFloat power = wide_look_up(wide_powers<>.at, (__m512i)t);
  const WideFloat rest = kFine ? wide_look_up(wide_powers<>.rest, (__m512i)t) : splat(-2.48e-9f);
  const WideFloat p = wide_add(r, wide_poly(r, 1, 0.5, 0.166666667), rest);
  return _mm512_scalef_ps(wide_add(power, p, power), n);
}

/// getexp and getmant know zero, subnormals, infinities and NaN; of a negative x they make NaN.
RL_INLINE WideFloat wide_log(WideFloat x) {
  const WideFloat m = _mm512_getmant_ps(x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_nan);
  const __m512i index = _mm512_srli_epi32((__m512i)m, 18);
  const WideFloat e = _mm512_getexp_ps(x) + wide_look_up(wide_logs<>.more, index);
  const WideFloat r = wide_add(m, wide_look_up(wide_logs<>.scale, index), splat(-1.f));
  const WideFloat near = wide_add(r * r, wide_poly(r, -0.500000533, 0.333379037, -0.245461444), r);
  return wide_add(e, splat(0.693147182f), wide_look_up(wide_logs<>.log, index) + near);
}

/// The sine of |x| - n * pi/2, or its cosine where n (for kCosine n + 1) is odd.
template <bool kCosine>
RL_INLINE WideFloat wide_circular(WideFloat x) {
  using F = VmFloat<float>;
  const __m512i sign = _mm512_set1_epi32(int(0x80000000));
  const WideFloat a = (WideFloat)_mm512_andnot_si512(sign, (__m512i)x);
  const WideFloat t = wide_add(a, splat(0.636619772f), splat(F::magic)), n = t - splat(F::magic);
  WideFloat r = wide_add(n, splat(-1.57079625f), a);  // pi/2 in three parts
  r = wide_add(n, splat(-7.54978942e-08f), r);
  r = wide_add(n, splat(-5.39030253e-15f), r);
  const WideFloat z = r * r;
  const WideFloat p = wide_poly(z, -0.166666535, 0.00833208352, -0.000195043234);
  const WideFloat q = wide_poly(z, 0.0416666444, -0.00138872428, 2.44238926e-05);
  const WideFloat sine = wide_add(r * z, p, r);
  const WideFloat cosine = wide_add(z * z, q, wide_add(z, splat(-0.5f), splat(1.f)));
  const __m512i turns = _mm512_add_epi32((__m512i)t, _mm512_set1_epi32(kCosine));
  const __mmask16 odd = _mm512_test_epi32_mask(turns, _mm512_set1_epi32(1));
  const __m512i half_turn = _mm512_and_si512(_mm512_slli_epi32(turns, 30), sign);
  WideFloat y = wide_flip(_mm512_mask_mov_ps(sine, odd, cosine), half_turn);
  if (!kCosine) y = wide_flip(y, _mm512_and_si512((__m512i)x, sign));
  __mmask16 far = _mm512_cmpge_epi32_mask((__m512i)a, (__m512i)splat(131072.f));
  for (; __builtin_expect(far, 0); far &= far - 1) {
    const int i = __builtin_ctz(far);
    y[i] = kCosine ? vm_cos_far(x[i]) : vm_sin_far(x[i]);
  }
  return y;
}
RL_INLINE WideFloat wide_sin(WideFloat x) { return wide_circular<false>(x); }
RL_INLINE WideFloat wide_cos(WideFloat x) { return wide_circular<true>(x); }

RL_INLINE WideFloat wide_sigmoid(WideFloat x) {
  const __m512i sign = _mm512_set1_epi32(int(0x80000000));
  const WideFloat e = wide_exp<true>((WideFloat)_mm512_or_si512((__m512i)x, sign));
  const __mmask16 below = _mm512_cmplt_ps_mask(x, WideFloat{});
  return WideFloat(_mm512_mask_mov_ps(splat(1.f), below, e)) / (splat(1.f) + e);
}

/// Newton's steps from 14 bits, the last of which rounds as division by hardware does (Markstein,
/// 1990); the few x too small or too large for them, zero and NaN go to the slower instruction.
RL_INLINE WideFloat wide_sqrt(WideFloat x) {
  const WideFloat y = _mm512_rsqrt14_ps(x), s = x * y, h = y * splat(0.5f);
  const WideFloat e = _mm512_fnmadd_ps(s, h, splat(0.5f));
  const WideFloat root = wide_add(s, e, s), half = wide_add(h, e, h);
  const WideFloat exact = wide_add(_mm512_fnmadd_ps(root, root, x), half, root);
  const __m512i above = _mm512_sub_epi32((__m512i)x, (__m512i)splat(0x1p-100f));
  const __m512i span = _mm512_sub_epi32((__m512i)splat(0x1p127f), (__m512i)splat(0x1p-100f));
  const __mmask16 plain = _mm512_cmplt_epu32_mask(above, span);
  return __builtin_expect(plain == 0xffff, 1) ? exact
                                              : _mm512_mask_sqrt_ps(exact, __mmask16(~plain), x);
}
#endif

}  // namespace rl::RL_ISA
