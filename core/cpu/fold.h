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
/// What folding repeats: how two are combined, and what fills lanes that hold nothing (`first` is
/// some element).
struct Add {
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return a + b;
  }
  template <class T>
  static RL_INLINE T fill(T) {
    return T(0);
  }
};
struct Multiply {
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return a * b;
  }
  template <class T>
  static RL_INLINE T fill(T) {
    return T(1);
  }
};
struct Larger {  // NaN wins
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return ((b > a) | differs(b, b)) ? b : a;
  }
  template <class T>
  static RL_INLINE T fill(T first) {
    return first;
  }
};
struct Smaller {
  template <class V>
  static RL_INLINE V combine(V a, V b) {
    return ((b < a) | differs(b, b)) ? b : a;
  }
  template <class T>
  static RL_INLINE T fill(T first) {
    return first;
  }
};

template <int Bytes>
struct LaneIndex;
template <>
struct LaneIndex<4> {
  using type = int32_t;
};
template <>
struct LaneIndex<8> {
  using type = int64_t;
};
template <class Index, int... I>
RL_INLINE Vec<Index> count_lanes(Seq<I...>) {
  return Vec<Index>{Index(I)...};
}
/// The first n lanes of v, and of `rest` the others.
template <class T>
RL_INLINE Vec<T> first_lanes(Vec<T> v, int64_t n, Vec<T> rest) {
  using Index = typename LaneIndex<sizeof(T)>::type;
  return count_lanes<Index>(typename MakeSeq<kLanes<T>>::type{}) < splat(Index(n)) ? v : rest;
}

template <int Half, class V, int... I>
RL_INLINE V rotate_lanes(V v, Seq<I...>) {
  return __builtin_shufflevector(v, v, ((I + Half) % int(sizeof...(I)))...);
}
template <class C, class T, int Half = kLanes<T> / 2>
RL_INLINE T fold_lanes(Vec<T> v) {
  if constexpr (Half == 0) {
    return v[0];
  } else {
    const Vec<T> turned = rotate_lanes<Half>(v, typename MakeSeq<kLanes<T>>::type{});
    return fold_lanes<C, T, Half / 2>(C::combine(v, turned));
  }
}

/// fold_lanes of as many vectors as they have lanes, in the same order.
template <class C, class T, int Half = kLanes<T> / 2>
RL_INLINE Vec<T> fold_square(Vec<T>* v) {
  if constexpr (Half > 0) {
#pragma GCC unroll 8
    for (int i = 0; i < Half; ++i) {
      swap_blocks<Half>(v[i], v[i + Half], typename MakeSeq<kLanes<T>>::type{});
      v[i] = C::combine(v[i], v[i + Half]);
    }
    return fold_square<C, T, Half / 2>(v);
  }
  return v[0];
}

/// f(0), ..., f(n-1) combined to one vector, n >= 1, in an order that depends on n and the lane
/// count only: f.vector(i) is a whole vector from i on, f.partial(i, m) one of which only m lanes
/// count.
template <class C, class T, class F>
RL_INLINE Vec<T> fold_vectors(int64_t n, F f) {
  constexpr int w = kLanes<T>;
  if (n < w) {
    const Vec<T> v = f.partial(0, n);
    return first_lanes<T>(v, n, splat(C::fill(T(v[0]))));
  }
  Vec<T> a = f.vector(0);
  int64_t i = w;
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
  if (i < n) a = first_lanes<T>(C::combine(a, f.partial(i, n - i)), n - i, a);
  return a;
}
template <class C, class T, class F>
RL_INLINE T fold_of(int64_t n, F f) {
  return fold_lanes<C, T>(fold_vectors<C, T>(n, f));
}

/// x[i]
template <class T>
struct Values {
  const T* x;
  RL_INLINE Vec<T> vector(int64_t i) const { return load(x + i); }
  RL_INLINE Vec<T> partial(int64_t i, int64_t m) const { return load_partial(x + i, m); }
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
  RL_INLINE Vec<T> partial(int64_t i, int64_t m) const {
    return load_partial(x + i, m) * load_partial(y + i, m);
  }
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
