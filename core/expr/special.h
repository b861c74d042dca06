// Special functions, each written once: the text between the parentheses is compiled here for the
// CPU, and is a string that stands before CUDA kernels (expr/emit.cpp). They compute in double, for
// float too. Not here: their gradients and the operations, which are formulas of ops/special.cpp.
//
// Polynomials were fitted for this file: interpolation at Chebyshev points of mpmath's values, each
// in a variable that runs over [-1, 1]. Scalar code: branches and loops are allowed.
#pragma once
#include "expr/leaves.h"

// clang-format off
#ifdef RL_KERNELS
#include "cpu/vmath.h"
namespace rl::RL_ISA {
#define RL_TWICE(name, ...) __VA_ARGS__
#define RL_FN RL_INLINE
#define RL_FUNCTION inline double
#define RL_INF VmFloat<double>::inf
#define RL_NAN VmFloat<double>::nan
// What CUDA has by these names.
#define RL_NAMED(name) RL_INLINE double name(double x) { return vm_##name(x); }
RL_NAMED(exp) RL_NAMED(expm1) RL_NAMED(log) RL_NAMED(log1p) RL_NAMED(sqrt) RL_NAMED(sin)
    RL_NAMED(cos)
RL_NAMED(tan) RL_NAMED(asin) RL_NAMED(acos) RL_NAMED(erfc) RL_NAMED(trunc) RL_NAMED(floor)
#undef RL_NAMED
RL_INLINE double fabs(double x) { return vm_abs(x); }
RL_INLINE double pow(double x, double y) { return vm_pow(x, y); }
RL_INLINE double copysign(double x, double y) { return vm_copysign(x, y); }
RL_INLINE double tgamma(double x) { return __builtin_tgamma(x); }
RL_INLINE double rl_product_rest(double a, double b, double p) { return vm_mul_error(a, b, p); }
#else
namespace rl {
#define RL_TWICE(name, ...) inline constexpr char name[] = #__VA_ARGS__ "\n";
#endif

RL_TWICE(kSpecialText,

/* c0 + c1 t + c2 t^2 + ... */
RL_FN double rl_poly(double, double c0) { return c0; }
template <class... C> RL_FN double rl_poly(double t, double c0, C... c) { return c0 + t *
    rl_poly(t, c...); }

/* ---- Gamma functions ---- */

/* Recurrence up to 10, then the asymptotic series (DLMF 5.11.2); reflection below 0. */
RL_FUNCTION rl_digamma(double x) {
  if (x == 0) return -copysign(RL_INF, x);
  double r = 0;
  if (x < 0) {
    const double whole = trunc(x);
    if (x == whole) return RL_NAN;
    r = -3.14159265358979323846 / tan(3.14159265358979323846 * (x - whole));
    x = 1 - x;
  }
  for (; x < 10; x += 1) r -= 1 / x;
  const double z = 1 / (x * x);
  return r + log(x) - 0.5 / x - z * rl_poly(z, 1 / 12., -1 / 120., 1 / 252., -1 / 240., 1 /
      132., -691 / 32760., 1 / 12.);
}
/* The same of its derivative (DLMF 5.15.8), which grows as (pi / sin(pi x))^2 on the left. */
RL_FUNCTION rl_trigamma(double x) {
  const double s = sin(3.14159265358979323846 * (x - floor(x)));
  const bool left = x < 0.5;
  double r = 0;
  if (left) x = 1 - x;
  for (; x < 10; x += 1) r += 1 / (x * x);
  const double u = 1 / x;
  const double z = u * u;
  r += u + 0.5 * z + u * z * rl_poly(z, 1 / 6., -1 / 30., 1 / 42., -1 / 30., 5 / 66., -691 /
      2730., 7 / 6.);
  return left ? 9.86960440108935861883 / (s * s) - r : r;
}
/* q^-x for x > 0; where x is whole and small by products of a number and the rest it leaves out */
RL_FUNCTION rl_inverse_power(double q, double x) {
  if (x > 32 || x != floor(x) || !(q > 1e-9 && q < 1e9)) return pow(q, -x);
  double r = 1;
  double r_rest = 0;
  double b = q;
  double b_rest = 0;
  for (int k = int(x); k; k >>= 1) {
    if (k & 1) {
      const double p = r * b;
      r_rest = rl_product_rest(r, b, p) + (r * b_rest + r_rest * b);
      r = p;
    }
    const double p = b * b;
    b_rest = rl_product_rest(b, b, p) + 2 * b * b_rest;
    b = p;
  }
  const double i = 1 / r;
  return i - i * (rl_product_rest(r, i, 1) + r_rest * i);
}
/* Hurwitz's zeta: terms up to q + n > 9, then Euler and Maclaurin's sum (DLMF 25.11.5). A
    negative q
 is moved by whole numbers through the sum over all of them, which knows only the fraction of q. */
RL_FUNCTION rl_zeta_right(double x, double q) {
  const double terms[] = {12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1892437580.3183792,
      74724249600.0,
      -2950130727918.164, 116467828143500.67, -4597978722407473.0, 1.8152105401943546e17,
          -7.166165256175667e18};
  double s = rl_inverse_power(q, x);
  double a = q;
  double b = 0;
  for (int i = 0; i < 9 || a <= 9; ++i) {
    a += 1;
    b = rl_inverse_power(a, x);
    s += b;
    if (b < 1.1e-16 * s) return s;
  }
  s += b * a / (x - 1) - 0.5 * b;
  double f = 1;
  double k = 0;
  for (int i = 0; i < 12; ++i) {
    f *= x + k;
    b /= a;
    const double t = f * b / terms[i];
    s += t;
    if (fabs(t) < 1.1e-16 * fabs(s)) return s;
    f *= x + k + 1;
    b /= a;
    k += 2;
  }
  return s;
}
RL_FUNCTION rl_zeta(double x, double q) {
  if (x == 1) return RL_INF;
  if (x < 1) return RL_NAN;
  if (q > 0) return rl_zeta_right(x, q);
  const double low = floor(q);
  if (q == low) return RL_INF;
  if (x != floor(x) || q != q) return RL_NAN;
  if (x > 1e15) return pow(q - low < 0.5 ? q - low : 1 - (q - low), -x);
  const double mirrored = rl_zeta_right(x, 1 - (q - low)) - rl_zeta_right(x, 1 - q);
  return rl_zeta_right(x, q - low) + (0.5 * x == floor(0.5 * x) ? mirrored : -mirrored);
}
RL_FUNCTION rl__polygamma(double n, double x) {
  if (n == 0) return rl_digamma(x);
  if (n == 1) return rl_trigamma(x);
  const double r = tgamma(n + 1) * rl_zeta(n + 1, x);
  return 0.5 * n == floor(0.5 * n) ? -r : r;
}

/* ---- Incomplete gamma functions, after W. Gautschi, "A computational procedure for incomplete
 gamma functions", 1979, and N. Temme, "The asymptotic expansion of the incomplete gamma
 functions", 1979. ---- */

/* u - log(1 + u) */
RL_FUNCTION rl_log1p_rest(double u, double x_over_a) {
  if (fabs(u) > 0.45) return u - log(x_over_a);
  return u * u * rl_poly(u / 0.45, 0.5, -0.15, 0.05062499999999869, -0.01822499999999943,
      0.0068343750000731535, -0.0026361160714604517, 0.0010379707015240496, -0.0004151882805523153,
      0.00016815127205741404, -6.878915723533012e-05, 2.8375402049738217e-05,
      -1.178670297790016e-05, 4.9257046790453136e-06, -2.0688042325925517e-06,
      8.711793090677251e-07, -3.689517208478333e-07, 1.5999866565775415e-07,
      -6.823739021881356e-08, 2.478827662232227e-08, -1.0596217313478356e-08,
      8.610968749438742e-09, -3.7238407159095424e-09, -8.187440551676692e-10,
      3.6008056305072913e-10, 6.874070823480494e-10, -2.9890648908891296e-10);
}
/* x^a exp(-x) / gamma(a + 1) */
RL_FUNCTION rl_gamma_term(double a, double x) {
  if (a < 140 && x < 1500) {
    const double h = pow(x, 0.5 * a) * exp(-0.5 * x);
    return h * (h / tgamma(a + 1));
  }
  const double u = 1 / a;
  const double corrections = u * rl_poly(u * u, 1 / 12., -1 / 360., 1 / 1260., -1 / 1680., 1 /
      1188., -691 / 360360., 1 / 156., -3617 / 122400.);
  return exp(-a * rl_log1p_rest((x - a) / a, x / a) - corrections) /
      sqrt(6.28318530717958647693 * a);
}
/* The lower one by its power series (DLMF 8.7.1). */
RL_FUNCTION rl_igamma_series(double a, double x) {
  double s = 1;
  double t = 1;
  for (double k = 1; k < 2000 && t > 1e-17 * s; k += 1) {
    t *= x / (a + k);
    s += t;
  }
  return rl_gamma_term(a, x) * s;
}
/* The upper one for small a and x, by the same series without its first term. */
RL_FUNCTION rl_igammac_series(double a, double x) {
  const double lgamma1p = a * (a - 1) * rl_poly(a / 0.625 - 1, 0.46580963736232694,
      -0.08223686955427127, 0.020538838367357024, -0.005906844831707762, 0.0018298211604277214,
      -0.0005927515425896662, 0.00019772475127537208, -6.731837889149788e-05,
      2.3266131075595118e-05, -8.133800013917007e-06, 2.8694098121348515e-06,
      -1.0196684262340612e-06, 3.645823208115197e-07, -1.3116918882058002e-07,
      4.735308370765398e-08, -1.6923661743527087e-08, 6.15234854499505e-09, -2.508585516648934e-09,
      9.18617206510804e-10, -1.5108127503929586e-10, 5.500271769928591e-11, -9.451416629286838e-11,
      3.495322207618065e-11);
  const double e = a * log(x) - lgamma1p;
  double s = 0;
  double t = 1;
  for (double k = 1; k < 100 && fabs(t) > 1e-18; k += 1) {
    t *= -x / k;
    s += t / (a + k);
  }
  return -expm1(e) - exp(e) * a * s;
}
/* The upper one by Legendre's continued fraction (DLMF 8.9.2), from its end. */
RL_FUNCTION rl_igammac_fraction(double a, double x) {
  double f = 0;
  for (double k = floor(30 + 100 / x); k > 0; k -= 1) f = k * (a - k) / (x + (2 * k + 1) - a + f);
  return rl_gamma_term(a, x) * a / (x + 1 - a + f);
}
RL_FUNCTION rl_erfcx(double x);
/* The smaller of the two where x is near a > 20 (DLMF 8.12.3 and 8.12.7). */
RL_FUNCTION rl_igamma_near(double a, double x) {
  const double u = (x - a) / a;
  const double half = rl_log1p_rest(u, x / a);
  const double e = copysign(sqrt(2 * half), u);
  const double s = rl_poly(1 / a, rl_poly(e, -0.3333333333333333, 0.08333333333333333,
      -0.014814814814814815, 0.0011574074074074073, 0.0003527336860670194, -0.0001787551440329218,
      3.919263178522438e-05, -2.185448510679992e-06, -1.85406221071516e-06, 8.296711340953087e-07,
      -1.7665952736826078e-07, 6.707853543401498e-09, 1.0261809784240309e-08,
      -4.382036018453353e-09, 9.14769958223679e-10, -2.5514193994946248e-11), rl_poly(e,
      -0.001851851851851852, -0.003472222222222222, 0.0026455026455026454, -0.0009902263374485596,
      0.00020576131687242798, -4.018775720164609e-07, -1.8098550334489977e-05,
      7.64916091608111e-06, -1.6120900894563446e-06, 4.647127802807434e-09, 1.378633446915721e-07,
      -5.752545603517705e-08, 1.1951628599778148e-08, -1.7543241719747647e-11,
      -1.0091543710600413e-09), rl_poly(e, 0.004133597883597883, -0.0026813271604938273,
      0.0007716049382716049, 2.0093878600823047e-06, -0.0001073665322636516,
      5.2923448829120125e-05, -1.2760635188618728e-05, 3.423578734096138e-08,
      1.3721957309062934e-06, -6.298992138380055e-07, 1.4280614206064242e-07,
      -2.0477098421990866e-10, -1.409252991086752e-08, 6.228974084922022e-09), rl_poly(e,
      0.0006494341563786008, 0.00022947209362139917, -0.0004691894943952557,
      0.00026772063206283885, -7.561801671883977e-05, -2.396505113867297e-07,
      1.1082654115347302e-05, -5.6749528269915965e-06, 1.4230900732435883e-06,
      -2.7861080291528143e-11, -1.6958404091930278e-07, 8.099464905388083e-08,
      -1.9111168485973655e-08), rl_poly(e, -0.0008618882909167117, 0.0007840392217200666,
      -0.0002990724803031902, -1.4638452578843418e-06, 6.641498215465122e-05,
      -3.968365047179435e-05, 1.1375726970678419e-05, 2.507497226237533e-10,
      -1.6954149536558305e-06, 8.907507532205309e-07, -2.292934834000805e-07), rl_poly(e,
      -0.00033679855336635813, -6.972813758365857e-05, 0.0002772753244959392,
      -0.00019932570516188847, 6.797780477937208e-05, 1.419062920643967e-07,
      -1.3594048189768693e-05, 8.018470256334202e-06, -2.291481176508095e-06,
      -3.252473551298454e-10, 3.4652846491085265e-07), rl_poly(e, 0.0005313079364639922,
      -0.0005921664373536939, 0.0002708782096718045, 7.902353232660328e-07, -8.153969367561969e-05,
      5.61168275310625e-05, -1.8329116582843375e-05, -3.0796134506033047e-09,
      3.465155368803609e-06), rl_poly(e, 0.00034436760689237765, 5.171790908260592e-05,
      -0.00033493161081142234, 0.0002812695154763237, -0.00010976582244684731,
      -1.2741009095484485e-07, 2.7744451511563645e-05, -1.8263488805711332e-05), rl_poly(e,
      -0.0006526239185953094, 0.0008394987206720873, -0.000438297098541721, -6.969091458420552e-07,
      0.00016644846642067547, -0.00012783517679769218, 4.629953263691304e-05), rl_poly(e,
      -0.0005967612901927463, -7.204895416020011e-05, 0.0006782308837667328,
      -0.0006401475260262758, 0.00027750107634328704), rl_poly(e, 0.0013324454494800656,
      -0.0019144384985654776, 0.0011089369134596636), rl_poly(e, 0.001579727660730835)) /
      sqrt(6.28318530717958647693 * a);
  return exp(-a * half) * (0.5 * rl_erfcx(sqrt(a * half)) + (u < 0 ? -s : s));
}
/* Where one of them is a limit: 0 or 1 for the lower one, and NaN; 2 elsewhere. */
RL_FUNCTION rl_igamma_limit(double a, double x) {
  if (!(a >= 0) || !(x >= 0)) return RL_NAN;
  if (a == 0) return x > 0 ? 1 : RL_NAN;
  if (x == 0) return 0;
  if (a == RL_INF) return x == RL_INF ? RL_NAN : 0;
  return x == RL_INF ? 1 : 2;
}
RL_FN bool rl_igamma_is_near(double a, double x) { return a > 20 && fabs(x - a) < 0.3 * a; }
/* The upper one is computed itself; the lower one is the rest. */
RL_FN bool rl_igammac_first(double a, double x) {
  if (rl_igamma_is_near(a, x)) return x >= a;
  return x > 1.1 ? x >= a : x > 0.5 ? x * 1.1 >= a : -0.4 / log(x) >= a;
}
RL_FUNCTION rl_igamma_part(double a, double x, bool upper) {
  if (rl_igamma_is_near(a, x)) return rl_igamma_near(a, x);
  return !upper ? rl_igamma_series(a, x) : x > 1.1 ? rl_igammac_fraction(a, x) :
      rl_igammac_series(a, x);
}
RL_FUNCTION rl_igamma(double a, double x) {
  const double limit = rl_igamma_limit(a, x);
  if (limit != 2) return limit;
  if (x <= 1 || x < a) return rl_igamma_is_near(a, x) ? rl_igamma_near(a, x) :
      rl_igamma_series(a, x);
  const bool upper = rl_igammac_first(a, x);
  const double r = rl_igamma_part(a, x, upper);
  return upper ? 1 - r : r;
}
RL_FUNCTION rl_igammac(double a, double x) {
  const double limit = rl_igamma_limit(a, x);
  if (limit != 2) return 1 - limit;
  const bool upper = rl_igammac_first(a, x);
  const double r = rl_igamma_part(a, x, upper);
  return upper ? r : 1 - r;
}

/* ---- The normal distribution ---- */

/* exp(s x^2) where s is a power of 2, the rounding of x^2 put right */
RL_FN double rl_exp_square(double x, double s) {
  const double q = trunc(x * 16) / 16;
  return exp(s * q * q) * exp(s * ((x - q) * (x + q)));
}
/* exp(x^2) erfc(x), for positive x a polynomial over 1 + 2x (M. Shepherd and J. Laframboise,
    1981) */
RL_FUNCTION rl_erfcx(double x) {
  const double a = fabs(x);
  if (a > 1e30) return x > 0 ? 0.564189583547756286948 / x : RL_INF;
  const double r = rl_poly((a - 4) / (a + 4), 1.2329951186255526, -0.13962111684056228,
      0.015379652102619974, 0.06809705425466839, -0.10103906603631811, 0.09373283499911264,
      -0.06633036581186058, 0.037167515526338006, -0.01619773406293477, 0.005031970069102256,
      -0.0007577732435942576, -0.0001992571524726518, 0.00015062142608651945,
      -2.4397731143023292e-05, -1.1221135665965907e-05, 5.70657829924074e-06,
      2.9173425573089733e-07, -8.210647933297337e-07, 7.771943241086912e-08,
      1.0631817593818149e-07, -2.0725802488181963e-08, -1.2338731403798444e-08,
      3.2323973445082033e-09, 9.297625263709659e-10, -2.764120233734578e-10) / (1 + 2 * a);
  return x < 0 ? (x < -27 ? RL_INF : 2 * rl_exp_square(x, 1) - r) : r;
}
/* erfc(a + rest) / 2 at a + rest = -x / sqrt(2): the rest is what the product's rounding and the
 constant's leave out, and -erfc'(a) / erfc(a) nearly a + sqrt(a^2 + 2). No branches: it vectorises. */
RL_FN double rl_ndtr(double x) {
  const double b = x < -40 ? -40 : x;
  const double a = -0.70710678118654757 * b;
  const double rest = rl_product_rest(-0.70710678118654757, b, a) + 4.8336466567264567e-17 * b;
  return 0.5 * erfc(a) * (a > 0 ? 1 - rest * (a + sqrt(a * a + 2)) : 1);
}
RL_FUNCTION rl_log_ndtr(double x) {
  if (x < -1) return log(0.5 * rl_erfcx(-0.707106781186547524401 * x)) - 0.5 * x * x;
  return log1p(-0.5 * erfc(0.707106781186547524401 * x));
}
/* In three pieces, as M. Wichura's AS 241 (1988) has them: by p - 1/2, and by r = sqrt(-2 log
    p). */
RL_FUNCTION rl_ndtri(double p) {
  const double q = p - 0.5;
  if (fabs(q) <= 0.38) return q * rl_poly(q * q / 0.0722 - 1, 2.733802151471394,
      0.2745669701966992, 0.05998751447661213, 0.016348695376729328, 0.004950472438729459,
      0.001594204788576036, 0.0005345139139115597, 0.0001843872776673363, 6.496543517520975e-05,
      2.3265925553711972e-05, 8.440922093597953e-06, 3.0945913507471154e-06, 1.144612713182582e-06,
      4.272580891683189e-07, 1.6022084893495213e-07, 5.911193832836924e-08, 2.238060532740193e-08,
      9.960735132386406e-09, 3.812324597496617e-09, 4.452658765648334e-10, 1.6724583676491166e-10,
      4.704343479471758e-10, 1.823860992789497e-10);
  if (!(fabs(q) <= 0.5)) return RL_NAN;
  const double r = sqrt(-2 * log(p < 0.5 ? p : 1 - p));
  double x = r;
  if (r < 6)
    x = rl_poly((r - 4.025) / 1.975, 3.428516969539547, 2.1577880533809277,
        -0.06546600835304926, 0.024970473031006215, -0.009872730028021396, 0.004001066651137348,
        -0.0016529595379763463, 0.0006940140088524904, -0.00029554527263273185,
        0.00012745418828048188, -5.5585653015216225e-05, 2.448401349805212e-05,
        -1.0879962769437008e-05, 4.875349468343644e-06, -2.197966037774381e-06,
        9.879252586650765e-07, -4.5016705077209023e-07, 2.224052896918919e-07,
        -1.0243471206792313e-07, 2.6315160931747957e-08, -1.2001733192203945e-08,
        2.3917052375647944e-08, -1.1237336155040846e-08, -5.197346211849003e-09,
        2.4670225601245158e-09, 2.323386179006303e-09, -1.0961352447476397e-09);
  else if (r < RL_INF)
    x += rl_poly((1 / r - 0.0962532299741602) / 0.07041343669250646, -0.31652777528157,
        -0.16374707394750687, 0.02371129984550543, -0.006296916131878655, 0.00232417300918345,
        -0.001019595017455808, 0.0004959295777886856, -0.00025854185812652333,
        0.00014162936269065322, -8.050395202091055e-05, 4.708020574514851e-05,
        -2.812758478873612e-05, 1.7137183547384498e-05, -1.0865700354586091e-05,
        6.8300011841302795e-06, -3.0184980667316234e-06, 1.8576712262427756e-06,
        -6.013976449573228e-06, 4.130197802359517e-06, 1.046294462703619e-05,
        -7.373411044508065e-06, -2.2181517861403926e-05, 1.5550456715200132e-05,
        3.150943012643808e-05, -2.210880028079307e-05, -3.368287259862736e-05,
        2.3624324799366503e-05, 2.5474585798813097e-05, -1.786623330487122e-05,
        -1.3149697657206783e-05, 9.219744833398752e-06, 4.137735169975128e-06,
        -2.900394159827701e-06, -6.170368158769187e-07, 4.3224327020338337e-07);
  return p < 0.5 ? -x : x;
}

)

#include "expr/special_bessel.h"

RL_TWICE(kPolynomialText,

/* ---- Orthogonal polynomials by their recurrence in the degree (DLMF 18.9.1), which is the whole
 part of n; 0 for a negative one. Chebyshev's inside (-1, 1) by their angle; of a million degrees
 and more, Laguerre's by DLMF 18.15.19 and Legendre's by Hilb's formula (Szego, "Orthogonal
 Polynomials", 8.21), which are right to some 1e-6 of their greatest values there. ---- */

RL_FUNCTION rl_chebyshev(double x, double n, double p1) {
  double p = 1;
  double q = p1;
  for (double k = 2; k <= n && q == q; k += 1) {
    const double r = 2 * x * q - p;
    p = q;
    q = r;
  }
  return q;
}
RL_FN double rl_degree(double n) { return fabs(n) < 9e18 ? trunc(n) : -1; }
RL_FN double rl_odd_sign(double n) { return 0.5 * n == floor(0.5 * n) ? 1 : -1; }
RL_FUNCTION rl_chebyshev_polynomial_t(double x, double n) {
  n = rl_degree(n);
  if (n <= 0) return n < 0 ? 0 : 1;
  if (fabs(x) == 1) return x > 0 ? 1 : rl_odd_sign(n);
  return n > 6 && fabs(x) < 1 ? cos(n * acos(x)) : rl_chebyshev(x, n, x);
}
RL_FUNCTION rl_chebyshev_polynomial_u(double x, double n) {
  n = rl_degree(n);
  if (n <= 0) return n < 0 ? 0 : 1;
  if (fabs(x) == 1) return (n + 1) * (x > 0 ? 1 : rl_odd_sign(n));
  if (!(n > 8 && fabs(x) < 1)) return rl_chebyshev(x, n, 2 * x);
  const double t = acos(x);
  return sin((n + 1) * t) / sqrt((1 - x) * (1 + x));
}
RL_FUNCTION rl_chebyshev_polynomial_v(double x, double n) {
  n = rl_degree(n);
  if (n <= 0) return n < 0 ? 0 : 1;
  if (fabs(x) == 1) return x > 0 ? 1 : (2 * n + 1) * rl_odd_sign(n);
  if (!(n > 8 && fabs(x) < 1)) return rl_chebyshev(x, n, 2 * x - 1);
  return cos((n + 0.5) * acos(x)) / sqrt(0.5 * (1 + x));
}
RL_FUNCTION rl_chebyshev_polynomial_w(double x, double n) {
  n = rl_degree(n);
  if (n <= 0) return n < 0 ? 0 : 1;
  if (fabs(x) == 1) return x > 0 ? 2 * n + 1 : rl_odd_sign(n);
  if (!(n > 8 && fabs(x) < 1)) return rl_chebyshev(x, n, 2 * x + 1);
  return sin((n + 0.5) * acos(x)) / sqrt(0.5 * (1 - x));
}
/* Physicists' (s = 2) and probabilists' (s = 1) Hermite polynomials */
RL_FUNCTION rl_hermite(double x, double n, double s) {
  n = rl_degree(n);
  if (n <= 0) return n < 0 ? 0 : 1;
  if (n > 512) return RL_NAN;
  double p = 1;
  double q = s * x;
  for (double k = 1; k < n; k += 1) {
    const double r = s * (x * q - k * p);
    p = q;
    q = r;
  }
  return q;
}
RL_FUNCTION rl_hermite_polynomial_h(double x, double n) { return rl_hermite(x, n, 2); }
RL_FUNCTION rl_hermite_polynomial_he(double x, double n) { return rl_hermite(x, n, 1); }
RL_FUNCTION rl_laguerre_polynomial_l(double x, double n) {
  n = rl_degree(n);
  if (n <= 0 || x == 0) return n < 0 ? 0 : 1;
  if (n >= 1e6 && x > 0 && x < 4 * n) {
    const double m = 4 * n + 2;
    const double t = x / m;
    const double u = 0.5 * (sqrt(t - t * t) + asin(sqrt(t)));
    return exp(0.5 * x) * sqrt(u / sqrt(t - t * t)) * rl_bessel_j0(m * u);
  }
  double p = 1;
  double q = 1 - x;
  for (double k = 1; k < n && q == q; k += 1) {
    const double r = ((2 * k + 1 - x) * q - k * p) / (k + 1);
    p = q;
    q = r;
  }
  return q;
}
RL_FUNCTION rl_legendre_polynomial_p(double x, double n) {
  n = rl_degree(n);
  if (n <= 0) return n < 0 ? 0 : 1;
  if (fabs(x) == 1) return x > 0 ? 1 : rl_odd_sign(n);
  if (n >= 1e6 && fabs(x) < 1) {
    const double t = acos(fabs(x));
    return (x < 0 ? rl_odd_sign(n) : 1) * sqrt(t / sin(t)) * rl_bessel_j0((n + 0.5) * t);
  }
  double p = 1;
  double q = x;
  for (double k = 1; k < n && q == q; k += 1) {
    const double r = ((2 * k + 1) * x * q - k * p) / (k + 1);
    p = q;
    q = r;
  }
  return q;
}
)

#undef RL_TWICE
#ifdef RL_KERNELS
#undef RL_FN
#undef RL_FUNCTION
#undef RL_INF
#undef RL_NAN
}  // namespace rl::RL_ISA
#else
}  // namespace rl
#endif
