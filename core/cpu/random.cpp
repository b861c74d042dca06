// mt19937 and PyTorch's ways of drawing from it; see the header for which operation draws what.
// Built with -ffp-contract=off: an fma is here exactly where PyTorch's own build has one, and
// fmaf() is an instruction where there is one and libm's, slower with the same bits, elsewhere.
#include "cpu/random.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

namespace rl::cpu {
namespace {

constexpr int64_t kBlock = 624;  // draws handled at once: a multiple of 16, and 5 kB on the stack
constexpr double kPi = 3.14159265358979323846;

#define RL_BODY inline __attribute__((always_inline))

// ---- loops worth an instruction set: the bodies, then one table of them a set ----

RL_BODY void twist_words(uint32_t* s) {
  constexpr int n = 624, m = 397;
  const auto mix = [](uint32_t u, uint32_t v) {
    return (((u & 0x80000000u) | (v & 0x7fffffffu)) >> 1) ^ ((0u - (v & 1u)) & 0x9908b0dfu);
  };
  for (int i = 0; i < n - m; ++i) s[i] = s[i + m] ^ mix(s[i], s[i + 1]);
  for (int i = n - m; i < n - 1; ++i) s[i] = s[i + m - n] ^ mix(s[i], s[i + 1]);
  s[n - 1] = s[m - 1] ^ mix(s[n - 1], s[0]);
}

RL_BODY void temper_words(const uint32_t* __restrict s, uint32_t* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    uint32_t y = s[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    out[i] = y ^ (y >> 18);
  }
}

RL_BODY float unit(uint32_t v) { return static_cast<float>(int32_t(v & 0xffffffu)) * 0x1p-24f; }
RL_BODY double unit(uint64_t v) {
  return static_cast<double>(int64_t(v & ((1ull << 53) - 1))) * 0x1p-53;
}

RL_BODY void uniform_floats(const uint32_t* __restrict v, float* __restrict out, int64_t n,
                            float from, float to) {
  const float width = to - from;
  if (from == 0 && width == 1) {  // nothing for the fma to round
    for (int64_t i = 0; i < n; ++i) out[i] = unit(v[i]);
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    const float x = __builtin_fmaf(unit(v[i]), width, from);
    out[i] = x == to ? from : x;
  }
}

// The same 53 bits as unit(uint64_t) of a pair, in steps that are exact and vectorise.
RL_BODY void uniform_doubles(const uint32_t* __restrict v, double* __restrict out, int64_t n,
                             double from, double to) {
  const double width = to - from;
  for (int64_t i = 0; i < n; ++i) {
    const double high = static_cast<double>(int32_t(v[2 * i] & 0x1fffffu));
    const double low = static_cast<double>(v[2 * i + 1]);
    const double x = __builtin_fma(high * 0x1p-21 + low * 0x1p-53, width, from);
    out[i] = x == to ? from : x;
  }
}

RL_BODY float bits_float(uint32_t u) { return __builtin_bit_cast(float, u); }
RL_BODY uint32_t float_bits(float f) { return __builtin_bit_cast(uint32_t, f); }

// log(x) for normal x > 0, after Cephes' logf, with the roundings of a compiler that contracts.
RL_BODY float log_cephes(float x) {
  const uint32_t u = float_bits(x);
  float e = static_cast<float>(int32_t(u >> 23) - 126);
  const float m = bits_float((u & 0x007fffffu) | 0x3f000000u);  // in [0.5, 1)
  const bool low = m < 0.707106781186547524f;
  e -= low ? 1.0f : 0.0f;
  const float t = (m - 1.0f) + (low ? m : 0.0f);
  const float z = t * t;
  float p = 7.0376836292e-2f;
  p = __builtin_fmaf(p, t, -1.1514610310e-1f);
  p = __builtin_fmaf(p, t, 1.1676998740e-1f);
  p = __builtin_fmaf(p, t, -1.2420140846e-1f);
  p = __builtin_fmaf(p, t, 1.4249322787e-1f);
  p = __builtin_fmaf(p, t, -1.6668057665e-1f);
  p = __builtin_fmaf(p, t, 2.0000714765e-1f);
  p = __builtin_fmaf(p, t, -2.4999993993e-1f);
  p = __builtin_fmaf(p, t, 3.3333331174e-1f);
  p = __builtin_fmaf(p * t, z, e * -2.12194440e-4f);
  p = __builtin_fmaf(-z, 0.5f, p);
  return __builtin_fmaf(e, 0.693359375f, t + p);
}

// sin(x) and cos(x) for 0 <= x <= 2 pi, after Cephes' sinf and cosf, contracted likewise.
RL_BODY void sincos_cephes(float x, float* sine, float* cosine) {
  const int32_t octant = (static_cast<int32_t>(x * 1.27323954473516f) + 1) & ~1;
  const float y = static_cast<float>(octant);
  x = __builtin_fmaf(y, -0.78515625f, x);
  x = __builtin_fmaf(y, -2.4187564849853515625e-4f, x);
  x = __builtin_fmaf(y, -3.77489497744594108e-8f, x);
  const float z = x * x;
  float c = 2.443315711809948e-5f;
  c = __builtin_fmaf(c, z, -1.388731625493765e-3f);
  c = __builtin_fmaf(c, z, 4.166664568298827e-2f);
  c = __builtin_fmaf(c * z, z, -(z * 0.5f)) + 1.0f;
  float s = -1.9515295891e-4f;
  s = __builtin_fmaf(s, z, 8.3321608736e-3f);
  s = __builtin_fmaf(s, z, -1.6666654611e-1f);
  s = __builtin_fmaf(s * z, x, x);
  const bool straight = (octant & 2) == 0;
  const float a = (straight ? s : c) + 0.0f, b = (straight ? c : s) + 0.0f;  // no -0
  *sine = bits_float(float_bits(a) ^ (uint32_t(octant & 4) << 29));
  *cosine = bits_float(float_bits(b) ^ (uint32_t(~(octant - 2) & 4) << 29));
}

// Box-Muller in blocks of 16: 8 radii, then 8 angles, become 8 cosines, then 8 sines.
RL_BODY void normal_floats(float* x, int64_t n, float mean, float std) {
  for (; n >= 16; n -= 16, x += 16) {
    for (int j = 0; j < 8; ++j) {
      const float radius = __builtin_sqrtf(-2.0f * log_cephes(1.0f - x[j]));
      float s, c;
      sincos_cephes(static_cast<float>(2 * kPi) * x[j + 8], &s, &c);
      x[j] = __builtin_fmaf(radius * c, std, mean);
      x[j + 8] = __builtin_fmaf(radius * s, std, mean);
    }
  }
}

struct Kernels {
  void (*twist)(uint32_t*);
  void (*temper)(const uint32_t*, uint32_t*, int64_t);
  void (*uniform)(const uint32_t*, float*, int64_t, float, float);
  void (*uniform64)(const uint32_t*, double*, int64_t, double, double);
  void (*normal)(float*, int64_t, float, float);
};

#define RL_KERNELS(name, target)                                                               \
  target void twist_##name(uint32_t* s) { twist_words(s); }                                    \
  target void temper_##name(const uint32_t* s, uint32_t* out, int64_t n) {                     \
    temper_words(s, out, n);                                                                   \
  }                                                                                            \
  target void uniform_##name(const uint32_t* v, float* out, int64_t n, float from, float to) { \
    uniform_floats(v, out, n, from, to);                                                       \
  }                                                                                            \
  target void uniform64_##name(const uint32_t* v, double* out, int64_t n, double from,         \
                               double to) {                                                    \
    uniform_doubles(v, out, n, from, to);                                                      \
  }                                                                                            \
  target void normal_##name(float* x, int64_t n, float mean, float std) {                      \
    normal_floats(x, n, mean, std);                                                            \
  }                                                                                            \
  constexpr Kernels k_##name = {twist_##name, temper_##name, uniform_##name, uniform64_##name, \
                                normal_##name};

RL_KERNELS(plain, )
#if defined(__x86_64__)
RL_KERNELS(fma, __attribute__((target("avx2,fma"))))
const Kernels& kernels() {
  static const Kernels& k =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? k_fma : k_plain;
  return k;
}
#else
const Kernels& kernels() { return k_plain; }
#endif

// ---- drawing n numbers at once ----

/// f(i, m, v) for stretches of at most kBlock of n numbers, made from Words draws each: v holds
/// those of numbers i to i + m - 1.
template <int Words, class F>
void draw_blocks(Generator& g, int64_t n, F&& f) {
  uint32_t v[Words * kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    g.random(v, Words * m);
    f(i, m, v);
  }
}

/// f(i, v) for each of n draws of 32 bits.
template <class F>
void draw32(Generator& g, int64_t n, F&& f) {
  draw_blocks<1>(g, n, [&](int64_t i, int64_t m, const uint32_t* v) {
    for (int64_t j = 0; j < m; ++j) f(i + j, v[j]);
  });
}

/// f(i, v) for each of n draws of 64 bits.
template <class F>
void draw64(Generator& g, int64_t n, F&& f) {
  draw_blocks<2>(g, n, [&](int64_t i, int64_t m, const uint32_t* v) {
    for (int64_t j = 0; j < m; ++j) f(i + j, uint64_t{v[2 * j]} << 32 | v[2 * j + 1]);
  });
}

// clang-format off
/// f(T*) with the element type of a floating dtype.
template <class F>
auto with_floating(DType t, void* p, F&& f) {
  switch (t) {
    case DType::F16: return f(static_cast<Half*>(p));
    case DType::BF16: return f(static_cast<BFloat16*>(p));
    case DType::F64: return f(static_cast<double*>(p));
    default: return f(static_cast<float*>(p));
  }
}

/// f(T*) with the element type of any dtype that is not complex.
template <class F>
auto with_real(DType t, void* p, F&& f) {
  switch (t) {
    case DType::Bool: return f(static_cast<bool*>(p));
    case DType::U8: return f(static_cast<uint8_t*>(p));
    case DType::I8: return f(static_cast<int8_t*>(p));
    case DType::I16: return f(static_cast<int16_t*>(p));
    case DType::I32: return f(static_cast<int32_t*>(p));
    case DType::I64: return f(static_cast<int64_t*>(p));
    case DType::U16: return f(static_cast<uint16_t*>(p));
    case DType::U32: return f(static_cast<uint32_t*>(p));
    case DType::U64: return f(static_cast<uint64_t*>(p));
    default: return with_floating(t, p, f);
  }
}

template <class T> constexpr bool is_half = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T> constexpr bool is_float = is_half<T> || std::is_floating_point_v<T>;
template <class T> constexpr int digits = std::numeric_limits<T>::digits;
template <> constexpr int digits<Half> = 11;
template <> constexpr int digits<BFloat16> = 8;
// clang-format on

// A draw outside the target wraps as x86's conversion through 32 bits does.
template <class T>
T from_double(double x) {
  if constexpr (std::is_integral_v<T> && sizeof(T) < 4)
    return static_cast<T>(int32_t(x));
  else
    return static_cast<T>(x);
}

}  // namespace

// ---- the generator ----

void Generator::seed(uint64_t seed) {
  seed_ = seed;
  words_[0] = static_cast<uint32_t>(seed);
  for (uint32_t i = 1; i < kWords; ++i)
    words_[i] = 1812433253u * (words_[i - 1] ^ (words_[i - 1] >> 30)) + i;
  left_ = 1;
  next_ = 0;
  has_normal_ = has_float_normal_ = false;
}

uint32_t Generator::random() {
  uint32_t v;
  random(&v, 1);
  return v;
}

uint64_t Generator::random64() {
  uint32_t v[2];
  random(v, 2);
  return uint64_t{v[0]} << 32 | v[1];
}

// PyTorch refills before a draw, not after one, and counts that draw in left_: a state saved at
// any point must look like its.
void Generator::random(uint32_t* out, int64_t n) {
  while (n > 0) {
    if (left_ == 1) {
      kernels().twist(words_);
      left_ = kWords + 1;
      next_ = 0;
    }
    const int64_t have = left_ - 1, m = n < have ? n : have;
    kernels().temper(words_ + next_, out, m);
    left_ -= static_cast<int32_t>(m);
    next_ += static_cast<uint32_t>(m);
    out += m;
    n -= m;
  }
}

double Generator::normal() {
  if (has_normal_) {
    has_normal_ = false;
    return normal_;
  }
  uint32_t v[4];
  random(v, 4);
  const double u1 = unit(uint64_t{v[0]} << 32 | v[1]), u2 = unit(uint64_t{v[2]} << 32 | v[3]);
  const double radius = std::sqrt(-2.0 * std::log1p(-u2)), angle = 2.0 * kPi * u1;
  normal_ = radius * std::sin(angle);
  has_normal_ = true;
  return radius * std::cos(angle);
}

namespace {
// The bytes of torch.get_rng_state(): a C struct of an older PyTorch, and what came later.
struct State {
  uint64_t seed;
  int32_t left, seeded;
  uint64_t next, words[624];
  double unused_x, normal, unused_rho;
  int32_t has_normal, pad;
  float float_normal;
  uint8_t has_float_normal, pad2[3];
};
static_assert(sizeof(State) == Generator::kStateBytes);
}  // namespace

void Generator::get_state(void* bytes) const {
  State s{};
  s.seed = seed_;
  s.left = left_;
  s.seeded = 1;
  s.next = next_;
  for (int i = 0; i < kWords; ++i) s.words[i] = words_[i];
  s.has_normal = has_normal_;
  s.normal = has_normal_ ? normal_ : 0;
  s.has_float_normal = has_float_normal_;
  s.float_normal = has_float_normal_ ? float_normal_ : 0;
  std::memcpy(bytes, &s, sizeof s);
}

bool Generator::set_state(const void* bytes) {
  State s;
  std::memcpy(&s, bytes, sizeof s);
  if (!s.seeded || s.left < 1 || s.left > kWords || s.next > kWords) return false;
  if (s.next + static_cast<uint64_t>(s.left - 1) > kWords) return false;  // would read past the end
  seed_ = s.seed;
  left_ = s.left;
  next_ = static_cast<uint32_t>(s.next);
  for (int i = 0; i < kWords; ++i) words_[i] = static_cast<uint32_t>(s.words[i]);
  has_normal_ = s.has_normal != 0;
  normal_ = s.normal;
  has_float_normal_ = s.has_float_normal != 0;
  float_normal_ = s.float_normal;
  return true;
}

// ---- uniform, normal and what is made of them ----

void fill_uniform(Generator& g, DType t, void* out, int64_t n, double from, double to) {
  if (is_complex(t)) return fill_uniform(g, real_of(t), out, 2 * n, from, to);
  const float lo = static_cast<float>(from), hi = static_cast<float>(to);
  with_floating(t, out, [&]<class T>(T* x) {
    if constexpr (std::is_same_v<T, double>) {
      draw_blocks<2>(g, n, [=](int64_t i, int64_t m, const uint32_t* v) {
        kernels().uniform64(v, x + i, m, from, to);
      });
    } else if constexpr (std::is_same_v<T, float>) {
      draw_blocks<1>(g, n, [=](int64_t i, int64_t m, const uint32_t* v) {
        kernels().uniform(v, x + i, m, lo, hi);
      });
    } else {
      const T first = static_cast<T>(lo);
      const float last = static_cast<T>(hi);  // to, rounded
      draw_blocks<1>(g, n, [=](int64_t i, int64_t m, const uint32_t* v) {
        float u[kBlock];
        kernels().uniform(v, u, m, lo, hi);
        for (int64_t j = 0; j < m; ++j) {
          const T y = static_cast<T>(u[j]);
          x[i + j] = static_cast<float>(y) == last ? first : y;
        }
      });
    }
  });
}

namespace {

// 16 numbers by Box-Muller in double, laid out as normal_floats lays them out.
void normal_block(double* x, double mean, double std) {
  for (int j = 0; j < 8; ++j) {
    const double radius = std::sqrt(-2 * std::log(1 - x[j])), angle = 2 * kPi * x[j + 8];
    x[j] = std::fma(radius * std::cos(angle), std, mean);
    x[j + 8] = std::fma(radius * std::sin(angle), std, mean);
  }
}

// n is a multiple of 16.
void normal_blocks(Generator& g, double* x, int64_t n, double mean, double std) {
  fill_uniform(g, DType::F64, x, n, 0, 1);
  for (int64_t i = 0; i < n; i += 16) normal_block(x + i, mean, std);
}

template <class T>
void normal_blocks(Generator& g, T* x, int64_t n, double mean, double std) {
  draw_blocks<1>(g, n, [=](int64_t i, int64_t m, const uint32_t* v) {
    float u[kBlock];
    kernels().uniform(v, u, m, 0, 1);
    kernels().normal(u, m, static_cast<float>(mean), static_cast<float>(std));
    for (int64_t j = 0; j < m; ++j) x[i + j] = static_cast<T>(u[j]);
  });
}

}  // namespace

void fill_normal(Generator& g, DType t, void* out, int64_t n, double mean, double std,
                 bool contiguous) {
  if (is_complex(t))
    return fill_normal(g, real_of(t), out, 2 * n, mean, std / std::sqrt(2.0), contiguous);
  with_floating(t, out, [&]<class T>(T* x) {
    if (n < 16 || !contiguous) {
      for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(std::fma(g.normal(), std, mean));
      return;
    }
    // In float and double PyTorch draws the incomplete block too before it overwrites the last 16
    // numbers with a whole new block; in the 16-bit types it does not.
    const int64_t whole = n / 16 * 16;
    normal_blocks(g, x, whole, mean, std);
    if (whole == n) return;
    if constexpr (!is_half<T>) {
      uint32_t skipped[2 * 16];
      g.random(skipped, (n - whole) * (std::is_same_v<T, double> ? 2 : 1));
    }
    normal_blocks(g, x + n - 16, 16, mean, std);
  });
}

void fill_exponential(Generator& g, DType t, void* out, int64_t n, double lambda) {
  const double scale = -1.0 / lambda;
  with_floating(t, out, [&]<class T>(T* x) {
    draw64(g, n,
           [=](int64_t i, uint64_t v) { x[i] = static_cast<T>(scale * std::log1p(-unit(v))); });
  });
}

void fill_cauchy(Generator& g, DType t, void* out, int64_t n, double median, double sigma) {
  with_floating(t, out, [&]<class T>(T* x) {
    draw64(g, n, [=](int64_t i, uint64_t v) {
      x[i] = static_cast<T>(std::fma(sigma, std::tan(kPi * (unit(v) - 0.5)), median));
    });
  });
}

void fill_log_normal(Generator& g, DType t, void* out, int64_t n, double mean, double std) {
  with_floating(t, out, [&]<class T>(T* x) {
    for (int64_t i = 0; i < n; ++i)
      x[i] = static_cast<T>(std::exp(std::fma(g.normal(), std, mean)));
  });
}

void fill_geometric(Generator& g, DType t, void* out, int64_t n, double p) {
  const double scale = std::log1p(-p);
  with_real(t, out, [&]<class T>(T* x) {
    draw64(g, n, [=](int64_t i, uint64_t v) {
      x[i] = from_double<T>(std::ceil(std::log(unit(v)) / scale));
    });
  });
}

// ---- integers ----

void fill_random(Generator& g, DType t, void* out, int64_t n) {
  with_real(t, out, [&]<class T>(T* x) {
    if constexpr (std::is_same_v<T, bool>) {
      draw32(g, n, [=](int64_t i, uint32_t v) { x[i] = v & 1; });
    } else if constexpr (std::is_same_v<T, double>) {
      draw64(g, n, [=](int64_t i, uint64_t v) { x[i] = double(v % ((1ull << 53) + 1)); });
    } else if constexpr (is_float<T>) {
      constexpr uint32_t count = 1 + (1u << digits<T>);
      draw32(g, n, [=](int64_t i, uint32_t v) { x[i] = static_cast<T>(float(v % count)); });
    } else if constexpr (sizeof(T) == 8) {
      constexpr auto mask = static_cast<uint64_t>(std::numeric_limits<T>::max());
      draw64(g, n, [=](int64_t i, uint64_t v) { x[i] = static_cast<T>(v & mask); });
    } else {
      constexpr auto mask = static_cast<uint32_t>(std::numeric_limits<T>::max());
      draw32(g, n, [=](int64_t i, uint32_t v) { x[i] = static_cast<T>(v & mask); });
    }
  });
}

void fill_random_range(Generator& g, DType t, void* out, int64_t n, int64_t from, uint64_t range) {
  const uint64_t base = static_cast<uint64_t>(from);
  with_real(t, out, [&]<class T>(T* x) {
    if (range == 0) {
      draw64(g, n, [=](int64_t i, uint64_t v) { x[i] = static_cast<T>(int64_t(v)); });
    } else if (range >= 1ull << 28) {
      draw64(g, n,
             [=](int64_t i, uint64_t v) { x[i] = static_cast<T>(int64_t(v % range + base)); });
    } else {
      const uint32_t r = static_cast<uint32_t>(range);
      draw32(g, n, [=](int64_t i, uint32_t v) { x[i] = static_cast<T>(int64_t(v % r + base)); });
    }
  });
}

void round_random_bounds(DType t, int64_t* from, int64_t* to) {
  if (!is_floating(t)) return;
  // The distance from a number of this size to the next one inwards: 2^(exponent - digits + 1).
  const auto step = [](int64_t x, int bits) {
    const uint64_t size = static_cast<uint64_t>(x < 0 ? -x : x);
    return int64_t{1} << (63 - __builtin_clzll(size | 1) - bits + 1);
  };
  with_floating(t, nullptr, [&]<class T>(T*) {
    const auto rounded = [](int64_t x) { return static_cast<int64_t>(double(static_cast<T>(x))); };
    if (const int64_t r = rounded(*from + 1); r < *from) *from = r + step(*from + 1, digits<T>);
    if (const int64_t r = rounded(*to - 1); r >= *to) *to = r - step(*to - 1, digits<T>);
  });
}

void fill_randperm(Generator& g, DType t, void* out, int64_t n) {
  with_real(t, out, [&]<class T>(T* x) {
    if (n >= int64_t{0xffffffff} / 20) {  // the remainder of 32 bits would favour small indices
      draw64(g, n, [=](int64_t i, uint64_t v) {
        const auto j = static_cast<int64_t>(v % static_cast<uint64_t>(i + 1));
        x[i] = x[j];
        x[j] = static_cast<T>(i);
      });
      return;
    }
    for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(i);
    draw32(g, n - 1, [=](int64_t i, uint32_t v) {
      const int64_t j = i + v % static_cast<uint32_t>(n - i);
      const T kept = x[i];
      x[i] = x[j];
      x[j] = kept;
    });
  });
}

// ---- yes or no, and which ----

void fill_bernoulli(Generator& g, DType t, void* out, int64_t n, double p) {
  // unit(v) < p without the division: scaling by 2^53 is exact on both sides.
  const auto limit = static_cast<uint64_t>(std::ceil(p * 0x1p53));
  with_real(t, out, [&]<class T>(T* x) {
    const T value[2] = {static_cast<T>(0.0f), static_cast<T>(1.0f)};  // a branch would mispredict
    draw64(g, n, [=](int64_t i, uint64_t v) { x[i] = value[(v & ((1ull << 53) - 1)) < limit]; });
  });
}

bool fill_bernoulli_tensor(Generator& g, DType t, void* out, DType p_type, const void* p,
                           int64_t n) {
  return with_floating(p_type, const_cast<void*>(p), [&]<class P>(P* q) {
    for (int64_t i = 0; i < n; ++i)
      if (!(q[i] >= 0 && q[i] <= 1)) return false;
    with_real(t, out, [&]<class T>(T* x) {
      const T value[2] = {static_cast<T>(0.0f), static_cast<T>(1.0f)};
      if constexpr (std::is_same_v<P, double>)
        draw64(g, n, [=](int64_t i, uint64_t v) { x[i] = value[unit(v) < q[i]]; });
      else
        draw32(g, n, [=](int64_t i, uint32_t v) { x[i] = value[unit(v) < q[i]]; });
    });
    return true;
  });
}

const char* fill_multinomial(Generator& g, DType t, const void* weights, int64_t rows,
                             int64_t categories, int64_t* out, int64_t samples) {
  return with_floating(t, const_cast<void*>(weights), [&]<class T>(T* w) -> const char* {
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const auto edges = std::make_unique<Wide[]>(static_cast<size_t>(categories));
    for (int64_t row = 0; row < rows; ++row, w += categories) {
      Wide sum = 0;
      for (int64_t j = 0; j < categories; ++j) {
        const Wide x = w[j];
        if (!(x >= 0))
          return "invalid multinomial distribution (encountering probability entry < 0)";
        if (std::isinf(x))
          return "invalid multinomial distribution (encountering probability entry = infinity or "
                 "NaN)";
        edges[j] = sum += x;
      }
      if (!(sum > 0)) return "invalid multinomial distribution (sum of probabilities <= 0)";
      for (int64_t j = 0; j < categories; ++j) edges[j] /= sum;
      edges[categories - 1] = 1;
      draw64(g, samples, [&](int64_t, uint64_t v) {
        const double u = unit(v);
        int64_t lo = 0, hi = categories;
        while (lo < hi) {
          const int64_t mid = lo + (hi - lo) / 2;
          if (edges[mid] < u)
            lo = mid + 1;
          else
            hi = mid;
        }
        *out++ = lo;
      });
    }
    return nullptr;
  });
}

}  // namespace rl::cpu
