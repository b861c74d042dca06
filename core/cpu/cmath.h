// Complex numbers and their elementary functions, on the CPU: NumPy's and PyTorch's values, signed
// zeros and branch cuts. The hard functions are libm's C99 ones (scalar code), called in double for
// both precisions, so that complex<float> results are right to half an ulp or so.
#pragma once
#include "cpu/vmath.h"

namespace rl::RL_ISA {

template <class T>
struct Complex {
  T re, im;
};
using VmComplex = Complex<double>;

template <class T>
RL_INLINE VmComplex vm_wide(Complex<T> z) {
  return {double(z.re), double(z.im)};
}
template <class T>
RL_INLINE Complex<T> vm_narrow(VmComplex z) {
  return {T(z.re), T(z.im)};
}

template <class T>
RL_INLINE Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
RL_INLINE Complex<T> operator-(Complex<T> a, Complex<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
RL_INLINE Complex<T> operator-(Complex<T> a) {
  return {-a.re, -a.im};
}
template <class T>
RL_INLINE Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
/// Smith's method: the smaller part is divided by the larger, so nothing overflows needlessly.
template <class T>
RL_INLINE Complex<T> operator/(Complex<T> a, Complex<T> b) {
  const bool wide = vm_abs(b.re) >= vm_abs(b.im);
  const T big = wide ? b.re : b.im, small = wide ? b.im : b.re;
  const T r = small / big, s = T(1) / (big + small * r);
  const T re = wide ? a.re + a.im * r : a.re * r + a.im;
  const T im = wide ? a.im - a.re * r : a.im * r - a.re;
  const T zero = vm_abs(b.re) + vm_abs(b.im);  // then each part is divided by it
  return {zero == 0 ? a.re / zero : re * s, zero == 0 ? a.im / zero : im * s};
}
template <class T>
RL_INLINE bool operator==(Complex<T> a, Complex<T> b) {
  return a.re == b.re && a.im == b.im;
}
template <class T>
RL_INLINE bool operator!=(Complex<T> a, Complex<T> b) {
  return !(a == b);
}
template <class T>
RL_INLINE Complex<T> conj(Complex<T> z) {
  return {z.re, -z.im};
}
template <class T>
RL_INLINE T vm_abs(Complex<T> z) {
  return vm_hypot(z.re, z.im);
}
template <class T>
RL_INLINE T arg(Complex<T> z) {
  return vm_atan2(z.im, z.re);
}
template <class T>
RL_INLINE bool vm_isnan(Complex<T> z) {
  return vm_isnan(z.re) || vm_isnan(z.im);
}
template <class T>
RL_INLINE bool vm_isinf(Complex<T> z) {
  return vm_isinf(z.re) || vm_isinf(z.im);
}
/// z / |z|, 0 for 0 (PyTorch's sgn)
template <class T>
RL_INLINE Complex<T> vm_sign(Complex<T> z) {
  const T a = vm_abs(z);
  return {a == 0 ? T(0) : z.re / a, a == 0 ? T(0) : z.im / a};
}

// ---- libm's functions ----

RL_INLINE __complex__ double vm_to_c99(VmComplex z) {
  __complex__ double w;
  __real__ w = z.re;
  __imag__ w = z.im;
  return w;
}
#define RL_C99(name, builtin)                                    \
  template <class T>                                             \
  RL_INLINE Complex<T> vm_##name(Complex<T> z) {                 \
    const __complex__ double w = builtin(vm_to_c99(vm_wide(z))); \
    return {T(__real__ w), T(__imag__ w)};                       \
  }
RL_C99(exp, __builtin_cexp)
RL_C99(log, __builtin_clog)
RL_C99(sqrt, __builtin_csqrt)
RL_C99(sin, __builtin_csin)
RL_C99(cos, __builtin_ccos)
RL_C99(tan, __builtin_ctan)
RL_C99(sinh, __builtin_csinh)
RL_C99(cosh, __builtin_ccosh)
RL_C99(tanh, __builtin_ctanh)
RL_C99(asin, __builtin_casin)
RL_C99(acos, __builtin_cacos)
RL_C99(atan, __builtin_catan)
RL_C99(asinh, __builtin_casinh)
RL_C99(acosh, __builtin_cacosh)
RL_C99(atanh, __builtin_catanh)
#undef RL_C99

// ---- Functions made of them ----

template <class T>
RL_INLINE Complex<T> vm_reciprocal(Complex<T> z) {
  return Complex<T>{1, 0} / z;
}
template <class T>
RL_INLINE Complex<T> vm_rsqrt(Complex<T> z) {
  return vm_narrow<T>(vm_reciprocal(vm_sqrt(vm_wide(z))));
}
template <class T>
RL_INLINE Complex<T> vm_log2(Complex<T> z) {
  const VmComplex w = vm_log(vm_wide(z));
  return {T(w.re * 1.4426950408889634), T(w.im * 1.4426950408889634)};
}
template <class T>
RL_INLINE Complex<T> vm_log10(Complex<T> z) {
  const VmComplex w = vm_log(vm_wide(z));
  return {T(w.re * 0.4342944819032518), T(w.im * 0.4342944819032518)};
}
template <class T>
RL_INLINE Complex<T> vm_exp2(Complex<T> z) {
  return vm_narrow<T>(vm_exp(VmComplex{z.re * 0.6931471805599453, z.im * 0.6931471805599453}));
}
/// |1 + z|^2 - 1 = 2x + x^2 + y^2 is summed with its rounding errors: the terms may cancel.
template <class T>
RL_INLINE Complex<T> vm_log1p(Complex<T> z) {
  const double x = z.re, y = z.im, xx = x * x, yy = y * y;
  const double a = 2 * x + yy, a_lo = vm_abs(2 * x) > yy ? yy - (a - 2 * x) : 2 * x - (a - yy);
  const double b = a + xx, b_lo = vm_abs(a) > xx ? xx - (b - a) : a - (b - xx);
  const double lo = a_lo + b_lo + vm_mul_error(x, x, xx) + vm_mul_error(y, y, yy);
  const double small = 0.5 * vm_log1p(b + lo);
  const bool near = vm_abs(x) + vm_abs(y) < 0.75;
  return {T(near ? small : vm_log(VmComplex{1 + x, y}).re), T(vm_atan2(y, 1 + x))};
}
/// exp(x) cos(y) - 1 = expm1(x) cos(y) - 2 sin(y/2)^2
template <class T>
RL_INLINE Complex<T> vm_expm1(Complex<T> z) {
  const double x = z.re, y = z.im, s = vm_sin(0.5 * y);
  return {T(vm_expm1(x) * vm_cos(y) - 2 * s * s), T(vm_exp(x) * vm_sin(y))};
}
template <class T>
RL_INLINE Complex<T> vm_sigmoid(Complex<T> z) {
  return vm_narrow<T>(vm_reciprocal(VmComplex{1, 0} + vm_exp(-vm_wide(z))));
}
/// exp(y log(x)); 0^y is 1 for y = 0 and 0 where the real part of y is positive.
template <class T>
RL_INLINE Complex<T> vm_pow(Complex<T> x, Complex<T> y) {
  if (y == Complex<T>{0, 0}) return {1, 0};
  if (x == Complex<T>{0, 0} && y.re > 0) return {0, 0};
  return vm_narrow<T>(vm_exp(vm_wide(y) * vm_log(vm_wide(x))));
}

}  // namespace rl::RL_ISA
