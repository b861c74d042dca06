// The CUDA text that stands before every emitted kernel: storage types, complex numbers, and the
// leaves that CUDA itself has not (their spelling is in expr/leaves.h, their CPU bodies in
// expr/lane.h and cpu/). It includes nothing, so that NVRTC needs no header. Not here: any kernel.
#pragma once

namespace rl {

inline constexpr const char* kCudaPreamble = R"cuda(
#define RL_FN inline __device__
#define RL_FUNCTION RL_FN double
#define RL_INF __longlong_as_double(0x7ff0000000000000LL)
#define RL_NAN __longlong_as_double(0x7ff8000000000000LL)

// ---- Storage: half and bfloat16 are converted to float at the door ----

struct __align__(2) rl_half { unsigned short bits; };
struct __align__(2) rl_bfloat16 { unsigned short bits; };
template <class T> struct __align__(2 * sizeof(T)) rl_complex {
  T re, im;
  rl_complex() = default;
  __device__ rl_complex(T re, T im = 0) : re(re), im(im) {}
};

template <class T, class S> RL_FN T rl_load(S x) { return T(x); }
template <class T> RL_FN T rl_load(rl_half x) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x.bits));
  return f;
}
template <class T> RL_FN T rl_load(rl_bfloat16 x) {
  return __int_as_float((unsigned)x.bits << 16);
}
template <class S, class T> RL_FN void rl_store(S* to, T x) { *to = S(x); }
RL_FN void rl_store(rl_half* to, float x) {
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to->bits) : "f"(x));
}
RL_FN void rl_store(rl_bfloat16* to, float x) {
#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(to->bits) : "f"(x));
#else
  const unsigned b = __float_as_int(x);
  to->bits = x != x ? 0x7fc0 : (b + 0x7fff + (b >> 16 & 1)) >> 16;
#endif
}

// ---- Complex arithmetic ----

#define RL_COMPLEX template <class T> RL_FN rl_complex<T>
RL_COMPLEX operator+(rl_complex<T> a, rl_complex<T> b) { return {a.re + b.re, a.im + b.im}; }
RL_COMPLEX operator-(rl_complex<T> a, rl_complex<T> b) { return {a.re - b.re, a.im - b.im}; }
RL_COMPLEX operator-(rl_complex<T> a) { return {-a.re, -a.im}; }
RL_COMPLEX operator*(rl_complex<T> a, rl_complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
RL_COMPLEX operator*(T a, rl_complex<T> b) { return {a * b.re, a * b.im}; }
RL_COMPLEX operator/(rl_complex<T> a, rl_complex<T> b) {  // Smith's method
  const bool wide = fabs(b.re) >= fabs(b.im);
  const T big = wide ? b.re : b.im, little = wide ? b.im : b.re;
  const T r = little / big, s = T(1) / (big + little * r);
  const T zero = fabs(b.re) + fabs(b.im);  // then each part is divided by it
  if (zero == 0) return {a.re / zero, a.im / zero};
  return wide ? rl_complex<T>((a.re + a.im * r) * s, (a.im - a.re * r) * s)
              : rl_complex<T>((a.re * r + a.im) * s, (a.im * r - a.re) * s);
}
template <class T> RL_FN bool operator==(rl_complex<T> a, rl_complex<T> b) {
  return a.re == b.re && a.im == b.im;
}
template <class T> RL_FN bool operator!=(rl_complex<T> a, rl_complex<T> b) { return !(a == b); }
RL_COMPLEX rl_conj(rl_complex<T> a) { return {a.re, -a.im}; }
template <class T> RL_FN T rl_conj(T a) { return a; }

// ---- Signs, rounding and classification; integers have the obvious ones ----

template <class T> RL_FN T rl_abs(T x) { return x < 0 ? -x : x; }
template <class T> RL_FN T rl_sign(T x) { return T((x > 0) - (x < 0)); }
template <class T> RL_FN bool rl_isnan(T x) { return x != x; }
template <class T> RL_FN bool rl_isinf(T) { return false; }
template <class T> RL_FN T rl_floor(T x) { return x; }
template <class T> RL_FN T rl_ceil(T x) { return x; }
template <class T> RL_FN T rl_trunc(T x) { return x; }
template <class T> RL_FN T rl_round(T x) { return x; }
#define RL_REAL(T)                                        \
  RL_FN T rl_abs(T x) { return fabs(x); }                 \
  RL_FN bool rl_isinf(T x) { return fabs(x) == T(RL_INF); } \
  RL_FN T rl_floor(T x) { return floor(x); }              \
  RL_FN T rl_ceil(T x) { return ceil(x); }                \
  RL_FN T rl_trunc(T x) { return trunc(x); }              \
  RL_FN T rl_round(T x) { return rint(x); }               \
  RL_FN T rl_pow(T x, T y) { return pow(x, y); }          \
  RL_FN T rl_fmod(T x, T y) { return fmod(x, y); }
RL_REAL(float) RL_REAL(double)
template <class T> RL_FN T rl_abs(rl_complex<T> z) { return hypot(z.re, z.im); }
RL_COMPLEX rl_sign(rl_complex<T> z) {
  const T a = rl_abs(z);
  return {a == 0 ? T(0) : z.re / a, a == 0 ? T(0) : z.im / a};
}
template <class T> RL_FN bool rl_isinf(rl_complex<T> z) { return rl_isinf(z.re) || rl_isinf(z.im); }

// maximum and minimum carry NaN through; fmax and fmin prefer the number.
template <class T> RL_FN T rl_maximum(T a, T b) { return a != a || a > b ? a : b; }
template <class T> RL_FN T rl_minimum(T a, T b) { return a != a || a < b ? a : b; }
template <class T> RL_FN T rl_fmax(T a, T b) { return a != a || b > a ? b : a; }
template <class T> RL_FN T rl_fmin(T a, T b) { return a != a || b < a ? b : a; }

// ---- Powers, quotients, remainders, shifts. Integers: x / 0 is 0, the lowest / -1 wraps ----

template <class T> RL_FN T rl_pow(T base, T e) {
  if (e < 0) return base == 1 ? T(1) : base == -1 ? T(e & 1 ? -1 : 1) : T(0);
  T r = 1;
  for (; e; e >>= 1, base *= base)
    if (e & 1) r *= base;
  return r;
}
template <class T> RL_FN T rl_fmod(T a, T b) { return b == 0 || b == -1 ? T(0) : a % b; }
template <class T> RL_FN T rl_remainder(T a, T b) {
  const T r = rl_fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
template <class T> RL_FN T rl_trunc_divide(T a, T b) {
  return b == 0 ? T(0) : b == -1 ? -a : a / b;
}
RL_FN float rl_trunc_divide(float a, float b) { return truncf(a / b); }
RL_FN double rl_trunc_divide(double a, double b) { return trunc(a / b); }
template <class T> RL_FN T rl_floor_divide(T a, T b) {
  const T q = rl_trunc_divide(a, b), r = a - q * b;
  return b != 0 && r != 0 && (r < 0) != (b < 0) ? q - 1 : q;
}
template <class T> RL_FN T rl_floor_quotient(T a, T b) {  // as Python's //
  if (b == 0) return a / b;
  const T mod = fmod(a, b);
  T div = (a - mod) / b;
  if (mod != 0 && (b < 0) != (mod < 0)) div -= 1;
  if (div == 0) return copysign(T(0), a / b);
  const T low = floor(div);
  return div - low > T(0.5) ? low + 1 : low;
}
RL_FN float rl_floor_divide(float a, float b) { return rl_floor_quotient(a, b); }
RL_FN double rl_floor_divide(double a, double b) { return rl_floor_quotient(a, b); }
template <class T> RL_FN T rl_shl(T a, T b) {
  return b < 0 || b >= T(sizeof(T) * 8) ? T(0) : a << b;
}
template <class T> RL_FN T rl_shr(T a, T b) {
  return a >> (b < 0 || b >= T(sizeof(T) * 8) ? T(sizeof(T) * 8 - 1) : b);
}

// ---- Real functions that CUDA has not ----

template <class T> RL_FN T rl_sigmoid(T x) {  // exp(-|x|) never overflows
  const T e = exp(-fabs(x));
  return (x < 0 ? e : T(1)) / (T(1) + e);
}

RL_FN double rl_product_rest(double a, double b, double p) { return fma(a, b, -p); }

// ---- Complex functions: C99's branch cuts and signed zeros, after W. Kahan, "Branch Cuts for
// Complex Elementary Functions", 1987 ----

RL_COMPLEX rl_times_i(rl_complex<T> z) { return {-z.im, z.re}; }
RL_COMPLEX rl_over_i(rl_complex<T> z) { return {z.im, -z.re}; }
RL_COMPLEX rl_scale(rl_complex<T> z, T s) { return {z.re * s, z.im * s}; }

RL_COMPLEX exp(rl_complex<T> z) {
  const T e = exp(z.re);
  if (z.im == 0) return {e, z.im};
  if (e == 0) return {T(0), T(0)};
  if (!rl_isinf(e)) return {e * cos(z.im), e * sin(z.im)};
  const T h = exp(z.re * T(0.5));  // the product may be finite yet
  return {h * (h * cos(z.im)), h * (h * sin(z.im))};
}
RL_COMPLEX log(rl_complex<T> z) {
  const T x = fabs(z.re), y = fabs(z.im), big = x > y ? x : y, little = x > y ? y : x;
  const T angle = atan2(z.im, z.re);
  if (big > T(0.5) && big < T(2))
    return {T(0.5) * log1p((big - T(1)) * (big + T(1)) + little * little), angle};
  const bool huge = big > T(1e30);
  return {huge ? log(hypot(x * T(0.5), y * T(0.5))) + T(0.69314718055994530942) : log(hypot(x, y)),
          angle};
}
RL_COMPLEX sqrt(rl_complex<T> z) {
  if (z.re == 0 && z.im == 0) return {T(0), z.im};
  if (rl_isinf(z.im)) return {T(RL_INF), z.im};
  const bool huge = fabs(z.re) > T(1e37) || fabs(z.im) > T(1e37);
  const T down = huge ? T(0.25) : T(1), up = huge ? T(2) : T(1), a = z.re * down, b = z.im * down;
  const T t = sqrt((fabs(a) + hypot(a, b)) * T(0.5));
  const T other = fabs(b) / (T(2) * t);
  if (z.re >= 0) return {t * up, copysign(other, z.im) * up};
  return {other * up, copysign(t, z.im) * up};
}
RL_COMPLEX sinh(rl_complex<T> z) {
  if (z.im == 0) return {sinh(z.re), z.im};
  if (z.re == 0) return {z.re, sin(z.im)};
  return {sinh(z.re) * cos(z.im), cosh(z.re) * sin(z.im)};
}
RL_COMPLEX cosh(rl_complex<T> z) {
  if (z.im == 0) return {cosh(z.re), copysign(T(1), z.re) * z.im};
  if (z.re == 0) return {cos(z.im), z.re * copysign(T(1), z.im)};
  return {cosh(z.re) * cos(z.im), sinh(z.re) * sin(z.im)};
}
RL_COMPLEX tanh(rl_complex<T> z) {
  if (fabs(z.re) > T(22)) {  // 1 to the last place; the rest decays as exp(-2|x|)
    const T e = exp(-fabs(z.re));
    return {copysign(T(1), z.re), T(4) * sin(z.im) * cos(z.im) * e * e};
  }
  const T t = tan(z.im), b = T(1) + t * t, s = sinh(z.re), d = T(1) + b * s * s;
  return {b * sqrt(T(1) + s * s) * s / d, t / d};
}
RL_COMPLEX sin(rl_complex<T> z) { return rl_over_i(sinh(rl_times_i(z))); }
RL_COMPLEX cos(rl_complex<T> z) { return cosh(rl_times_i(z)); }
RL_COMPLEX tan(rl_complex<T> z) { return rl_over_i(tanh(rl_times_i(z))); }
RL_COMPLEX asin(rl_complex<T> z) {
  const rl_complex<T> a = sqrt(rl_complex<T>(T(1) - z.re, -z.im));
  const rl_complex<T> b = sqrt(rl_complex<T>(T(1) + z.re, z.im));
  return {atan2(z.re, a.re * b.re - a.im * b.im), asinh(a.re * b.im - a.im * b.re)};
}
RL_COMPLEX acos(rl_complex<T> z) {
  const rl_complex<T> a = sqrt(rl_complex<T>(T(1) - z.re, -z.im));
  const rl_complex<T> b = sqrt(rl_complex<T>(T(1) + z.re, z.im));
  return {T(2) * atan2(a.re, b.re), asinh(b.re * a.im - b.im * a.re)};
}
RL_COMPLEX acosh(rl_complex<T> z) {
  const rl_complex<T> a = sqrt(rl_complex<T>(z.re - T(1), z.im));
  const rl_complex<T> b = sqrt(rl_complex<T>(z.re + T(1), z.im));
  return {asinh(a.re * b.re + a.im * b.im), T(2) * atan2(a.im, b.re)};
}
RL_COMPLEX atanh(rl_complex<T> z) {
  const T x = fabs(z.re), y = fabs(z.im);
  if (x > T(1e8) || y > T(1e8)) {  // 1/z and a quarter turn
    const T big = x > y ? x : y, u = x / big, v = y / big;
    return {copysign(rl_isinf(big) ? T(0) : u / (u * u + v * v) / big, z.re),
            copysign(T(1.57079632679489661923), z.im)};
  }
  const T re = T(0.25) * log1p(T(4) * x / ((T(1) - x) * (T(1) - x) + y * y));
  const T im = T(0.5) * atan2(T(2) * y, (T(1) - x) * (T(1) + x) - y * y);
  return {copysign(re, z.re), copysign(im, z.im)};
}
RL_COMPLEX asinh(rl_complex<T> z) { return rl_over_i(asin(rl_times_i(z))); }
RL_COMPLEX atan(rl_complex<T> z) { return rl_over_i(atanh(rl_times_i(z))); }

RL_COMPLEX rsqrt(rl_complex<T> z) { return rl_complex<T>(T(1)) / sqrt(z); }
RL_COMPLEX log2(rl_complex<T> z) { return rl_scale(log(z), T(1.4426950408889634074)); }
RL_COMPLEX log10(rl_complex<T> z) { return rl_scale(log(z), T(0.43429448190325182765)); }
RL_COMPLEX exp2(rl_complex<T> z) { return exp(rl_scale(z, T(0.69314718055994530942))); }
RL_COMPLEX log1p(rl_complex<T> z) {
  const rl_complex<T> w(T(1) + z.re, z.im);
  if (fabs(z.re) + fabs(z.im) > T(0.75)) return log(w);
  return {T(0.5) * log1p(z.re * (T(2) + z.re) + z.im * z.im), atan2(z.im, w.re)};
}
RL_COMPLEX expm1(rl_complex<T> z) {  // exp(x) cos(y) - 1 = expm1(x) cos(y) - 2 sin(y/2)^2
  const T s = sin(T(0.5) * z.im);
  return {expm1(z.re) * cos(z.im) - T(2) * s * s, exp(z.re) * sin(z.im)};
}
RL_COMPLEX rl_sigmoid(rl_complex<T> z) {
  const rl_complex<T> one(T(1));
  return one / (one + exp(-z));
}
RL_COMPLEX rl_pow(rl_complex<T> x, rl_complex<T> y) {
  if (y.re == 0 && y.im == 0) return {T(1), T(0)};
  if (x.re == 0 && x.im == 0 && y.re > 0) return {T(0), T(0)};
  return exp(y * log(x));
}
)cuda";

}  // namespace rl
