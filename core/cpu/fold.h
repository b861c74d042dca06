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

/// f(0), ..., f(n-1) combined, n >= 1, in an order that depends on n and the lane count only:
/// f.vector(i) is a whole vector from i on, f.number(i) is one.
template <class C, class T, class F>
RL_INLINE T fold_of(int64_t n, F f) {
  constexpr int w = kLanes<T>;
  int64_t i = w;
  if (n < w) {
    T r = f.number(0);
    for (i = 1; i < n; ++i) r = C::combine(r, f.number(i));
    return r;
  }
  Vec<T> a = f.vector(0);
  if (n >= 4 * w) {
    Vec<T> b = f.vector(w), c = f.vector(2 * w), d = f.vector(3 * w);
    for (i = 4 * w; i + 4 * w <= n; i += 4 * w) {
      a = C::combine(a, f.vector(i));
      b = C::combine(b, f.vector(i + w));
      c = C::combine(c, f.vector(i + 2 * w));
      d = C::combine(d, f.vector(i + 3 * w));
    }
    a = C::combine(C::combine(a, b), C::combine(c, d));
  }
  for (; i + w <= n; i += w) a = C::combine(a, f.vector(i));
  T r = fold_lanes<C, T>(a);
  for (; i < n; ++i) r = C::combine(r, f.number(i));
  return r;
}

/// x[i]
template <class T>
struct Values {
  const T* x;
  RL_INLINE Vec<T> vector(int64_t i) const { return load(x + i); }
  RL_INLINE T number(int64_t i) const { return x[i]; }
};
template <class C, class T>
RL_INLINE T fold(const T* x, int64_t n) {
  return fold_of<C, T>(n, Values<T>{x});
}
template <class T, class F>
RL_INLINE T sum_of(int64_t n, F f) {
  return fold_of<Add, T>(n, f);
}

/// x[i] * y[i]
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
