// Folding dense runs of numbers into one, with vectors: the inner loops of reductions, softmax and
// normalisation. Only sums, products and extrema; what is folded is mapped beforehand.
#pragma once
#include "cpu/simd.h"

namespace rl::RL_ISA {

/// Vectors are compared lane by lane, numbers as usual; self-comparison finds NaN.
template <class V>
RL_INLINE auto differs(V a, V b) {
  return a != b;
}
struct Add {
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return a + b;
  }
};
struct Multiply {
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return a * b;
  }
};
struct Larger {  // NaN wins
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return ((b > a) | differs(b, b)) ? b : a;
  }
};
struct Smaller {
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return ((b < a) | differs(b, b)) ? b : a;
  }
};

template <class C, class T>
RL_INLINE T fold_lanes(Vec<T> v) {
  T part[kLanes<T>];
  store(part, v);
#pragma GCC unroll 6
  for (int half = kLanes<T> / 2; half > 0; half /= 2)
#pragma GCC unroll 32
    for (int i = 0; i < half; ++i) part[i] = C::combine(part[i], part[i + half]);
  return part[0];
}

/// x[0], ..., x[n-1] combined, n >= 1, in an order that depends on n and the lane count only.
template <class C, class T>
RL_INLINE T fold(const T* x, int64_t n) {
  constexpr int w = kLanes<T>;
  int64_t i = w;
  T r = x[0];
  if (n >= w) {
    Vec<T> a = load(x);
    if (n >= 4 * w) {
      Vec<T> b = load(x + w), c = load(x + 2 * w), d = load(x + 3 * w);
      for (i = 4 * w; i + 4 * w <= n; i += 4 * w) {
        a = C::combine(a, load(x + i));
        b = C::combine(b, load(x + i + w));
        c = C::combine(c, load(x + i + 2 * w));
        d = C::combine(d, load(x + i + 3 * w));
      }
      a = C::combine(C::combine(a, b), C::combine(c, d));
    }
    for (; i + w <= n; i += w) a = C::combine(a, load(x + i));
    r = fold_lanes<C, T>(a);
  } else {
    i = 1;
  }
  for (; i < n; ++i) r = C::combine(r, x[i]);
  return r;
}

/// The sum of f over i < n, where f.vector(i) is a whole vector from i on and f.number(i) is one.
template <class T, class F>
RL_INLINE T sum_of(int64_t n, F f) {
  constexpr int w = kLanes<T>;
  int64_t i = 0;
  T r = 0;
  if (n >= w) {
    Vec<T> a = {}, b = {};
    for (; i + 2 * w <= n; i += 2 * w) {
      a += f.vector(i);
      b += f.vector(i + w);
    }
    if (i + w <= n) a += f.vector(i), i += w;
    r = fold_lanes<Add, T>(a + b);
  }
  for (; i < n; ++i) r += f.number(i);
  return r;
}

/// x[i] * y[i], for sum_of.
template <class T>
struct Products {
  const T *x, *y;
  RL_INLINE Vec<T> vector(int64_t i) const { return load(x + i) * load(y + i); }
  RL_INLINE T number(int64_t i) const { return x[i] * y[i]; }
};

/// Partial results combined pairwise as they come: rounding errors grow with log(n).
template <class C, class A>
class Cascade {
 public:
  RL_INLINE void push(A v) {
    int k = 0;
    for (int64_t c = count_++; c & 1; c >>= 1) v = C::combine(level_[k++], v);
    level_[k] = v;
  }
  RL_INLINE A total() const {  // at least one was pushed
    int k = __builtin_ctzll(static_cast<unsigned long long>(count_));
    A v = level_[k];
    for (int64_t c = (count_ >> k) >> 1; ++k, c; c >>= 1)
      if (c & 1) v = C::combine(level_[k], v);
    return v;
  }

 private:
  A level_[56];
  int64_t count_ = 0;
};

}  // namespace rl::RL_ISA
