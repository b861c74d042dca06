// The inner loops of reductions, built once per instruction set: rows (along memory) and columns
// (across it). A reduction is its input, lane and accumulator types, a map and a combination.
#include "cpu/reduce_kernels.h"

#include "cpu/cmath.h"
#include "cpu/compute.h"
#include "cpu/fold.h"

namespace rl::RL_ISA {
namespace {

using cpu::FindKernel;
using cpu::kFolded;
using cpu::ReduceKernel;

constexpr int64_t kRows = 64;  // the same for columns

// ---- types ----

template <class T>
struct Type;
#define RL_TYPE(T, D, LOW, HIGH)                     \
  template <>                                        \
  struct Type<T> {                                   \
    static constexpr DType dtype = DType::D;         \
    static constexpr T lowest = LOW, highest = HIGH; \
  };
RL_TYPE(float, F32, -__builtin_inff(), __builtin_inff())
RL_TYPE(double, F64, -__builtin_inf(), __builtin_inf())
RL_TYPE(int32_t, I32, INT32_MIN, INT32_MAX)
RL_TYPE(int64_t, I64, INT64_MIN, INT64_MAX)
#undef RL_TYPE
template <>
struct Type<uint8_t> {
  static constexpr DType dtype = DType::Bool;
};
template <>
struct Type<Complex<float>> {
  static constexpr DType dtype = DType::C64;
};
template <>
struct Type<Complex<double>> {
  static constexpr DType dtype = DType::C128;
};

template <class A, class L>
RL_INLINE A widen(L x) {
  return A(x);
}
template <class A>
RL_INLINE A widen(Complex<float> x) {
  return {x.re, x.im};
}
template <class A>
RL_INLINE A widen(Complex<double> x) {
  return {x.re, x.im};
}

template <class C, class A>
struct Identity;
template <class A>
struct Identity<Add, A> {
  static constexpr A value{};
};
template <class A>
struct Identity<Multiply, A> {
  static constexpr A value{1};
};
template <class T>
struct Identity<Multiply, Complex<T>> {
  static constexpr Complex<T> value{1, 0};
};
template <class A>
struct Identity<Larger, A> {
  static constexpr A value = Type<A>::lowest;
};
template <class A>
struct Identity<Smaller, A> {
  static constexpr A value = Type<A>::highest;
};

template <class T>
constexpr bool is_number = false;
template <>
constexpr bool is_number<float> = true;
template <>
constexpr bool is_number<double> = true;
template <class V>
constexpr int lanes_of = sizeof(V) / sizeof(V{}[0]);

// ---- maps: of a number or of a vector, x in the lane type; c is the centre ----

struct Same {
  template <class V>
  static RL_INLINE V map(V x, V) {
    return x;
  }
};
struct ZeroNan {
  template <class V>
  static RL_INLINE V map(V x, V) {
    return differs(x, x) ? V{} : x;
  }
};
struct Absolute {
  template <class V>
  static RL_INLINE V map(V x, V) {
    return x < V{} ? -x : x;
  }
};
struct Square {
  template <class V>
  static RL_INLINE V map(V x, V) {
    return x * x;
  }
};
struct Deviation {
  template <class V>
  static RL_INLINE V map(V x, V c) {
    return (x - c) * (x - c);
  }
};
struct Exponential {
  template <class T>
  static RL_INLINE T map(T x, T c) {
    if constexpr (is_number<T>) {
      return vm_exp(x - c);
    } else {
      const T d = x - c;
      T e;
      for (int l = 0; l < lanes_of<T>; ++l) e[l] = vm_exp(d[l]);
      return e;
    }
  }
};

/// Input type, lane type (in which a block is folded), accumulator type, map, combination.
template <class In, class Lane, class Acc, class Map, class Combine>
struct Reduction {
  using I = In;
  using L = Lane;
  using A = Acc;
  using M = Map;
  using C = Combine;
};
template <class T>
constexpr bool has_vectors = true;
template <class T>
constexpr bool has_vectors<Complex<T>> = false;
template <class R>
constexpr bool is_plain = false;  // vectors come straight from memory
template <class T, class A, class C>
constexpr bool is_plain<Reduction<T, T, A, Same, C>> = has_vectors<T>;

// ---- loops ----

template <class R>
void init(int64_t n, void* acc) {
  auto* a = static_cast<typename R::A*>(acc);
  for (int64_t i = 0; i < n; ++i) a[i] = Identity<typename R::C, typename R::A>::value;
}
template <class R>
void merge(int64_t n, const void* from, void* acc) {
  using A = typename R::A;
  const A* f = static_cast<const A*>(from);
  A* a = static_cast<A*>(acc);
  for (int64_t i = 0; i < n; ++i) a[i] = R::C::combine(a[i], f[i]);
}

/// n elements of the input, as many as a vector of lanes holds, in the lane type.
template <class L, class I>
RL_INLINE Vec<L> load_as(const I* x) {
#if defined(__AVX512F__)  // GCC converts in halves, and puts them together
  if constexpr (is_number<I> && is_number<L> && sizeof(I) < sizeof(L))
    return _mm512_cvtps_pd(_mm256_loadu_ps(x));
#endif
  typedef I Narrow
      __attribute__((vector_size(kLanes<L> * sizeof(I)), aligned(alignof(I)), may_alias));
  return __builtin_convertvector(*reinterpret_cast<const Narrow*>(x), Vec<L>);
}
template <class L, class I>
RL_INLINE Vec<L> load_partial_as(const I* x, int64_t n) {
  if constexpr (sizeof(I) == sizeof(L)) {
    return __builtin_convertvector(load_partial(x, n), Vec<L>);
  } else {
    L lanes[kLanes<L>] = {};
    for (int64_t k = 0; k < n; ++k) lanes[k] = L(x[k]);
    return load(lanes);
  }
}
template <class R>
struct Mapped {
  using L = typename R::L;
  const typename R::I* x;
  L c;
  RL_INLINE Vec<L> vector(int64_t i) const { return R::M::map(load_as<L>(x + i), splat(c)); }
  RL_INLINE Vec<L> partial(int64_t i, int64_t m) const {
    return R::M::map(load_partial_as<L>(x + i, m), splat(c));
  }
};

template <class R>
RL_INLINE typename R::A block(const typename R::I* x, int64_t n, typename R::A c) {
  using L = typename R::L;
  if constexpr (has_vectors<L>) {
    return typename R::A(fold_of<typename R::C, L>(n, Mapped<R>{x, L(c)}));
  } else {
    L r = widen<L>(x[0]);
    for (int64_t i = 1; i < n; ++i) r = R::C::combine(r, widen<L>(x[i]));
    return widen<typename R::A>(r);
  }
}

template <class R>
void row(int64_t n, const void* from, const void* centre, void* acc) {
  using A = typename R::A;
  const auto* x = static_cast<const typename R::I*>(from);
  const A c = centre ? *static_cast<const A*>(centre) : A{};
  A r;
  if (n <= kFolded) {
    r = block<R>(x, n, c);
  } else {
    Cascade<typename R::C, A> sum;
    for (int64_t i = 0; i < n; i += kFolded)
      sum.push(block<R>(x + i, n - i < kFolded ? n - i : kFolded, c));
    r = sum.total();
  }
  A* a = static_cast<A*>(acc);
  *a = R::C::combine(*a, r);
}

/// The same for rows that lie `stride` apart: short ones fold as many at once as there are lanes.
template <class R>
void rows(int64_t count, int64_t n, const void* from, int64_t stride, const void* centres,
          int64_t step, void* accs) {
  using L = typename R::L;
  using A = typename R::A;
  const auto* x = static_cast<const typename R::I*>(from);
  const auto* centre = static_cast<const A*>(centres);
  auto* acc = static_cast<A*>(accs);
  int64_t j = 0;
  if constexpr (has_vectors<L>) {
    constexpr int w = kLanes<L>;
    for (; n <= kFolded && j + w <= count; j += w) {
      Vec<L> v[w];
      for (int k = 0; k < w; ++k) {
        const L c = centre ? L(centre[(j + k) * step]) : L(0);
        v[k] = fold_vectors<typename R::C, L>(n, Mapped<R>{x + (j + k) * stride, c});
      }
      L lanes[w];
      store(lanes, fold_square<typename R::C, L>(v));
      for (int k = 0; k < w; ++k) acc[j + k] = R::C::combine(acc[j + k], A(lanes[k]));
    }
  }
  for (; j < count; ++j) row<R>(n, x + j * stride, centre ? centre + j * step : nullptr, acc + j);
}

/// W vectors side by side, down m rows of at most kRows.
template <class R, int W>
RL_INLINE void strip(int64_t m, const typename R::I* x, int64_t stride, const typename R::A* centre,
                     typename R::A* acc) {
  using L = typename R::L;
  constexpr int w = kLanes<L>;
  Vec<L> v[W], c[W];
#pragma GCC unroll 16
  for (int s = 0; s < W; ++s) {
    c[s] = centre ? load_as<L>(centre + s * w) : Vec<L>{};
    v[s] = R::M::map(load_as<L>(x + s * w), c[s]);
  }
  for (int64_t i = 1; i < m; ++i) {
    x += stride;
#pragma GCC unroll 16
    for (int s = 0; s < W * w; s += 64 / sizeof(*x)) __builtin_prefetch(x + W * w + s);
#pragma GCC unroll 16
    for (int s = 0; s < W; ++s) v[s] = R::C::combine(v[s], R::M::map(load_as<L>(x + s * w), c[s]));
  }
  L lanes[W * w];
#pragma GCC unroll 16
  for (int s = 0; s < W; ++s) store(lanes + s * w, v[s]);
  for (int k = 0; k < W * w; ++k) acc[k] = R::C::combine(acc[k], typename R::A(lanes[k]));
}
/// Fewer columns than a vector holds.
template <class R>
RL_INLINE void narrow_strip(int64_t m, int64_t n, const typename R::I* x, int64_t stride,
                            const typename R::A* centre, typename R::A* acc) {
  using L = typename R::L;
  L lanes[kLanes<L>];
  const auto value = [&](int64_t k) {
    if constexpr (has_vectors<L>)
      return R::M::map(L(x[k]), centre ? L(centre[k]) : L(0));
    else
      return widen<L>(x[k]);
  };
  for (int64_t k = 0; k < n; ++k) lanes[k] = value(k);
  for (int64_t i = 1; i < m; ++i) {
    x += stride;
    for (int64_t k = 0; k < n; ++k) lanes[k] = R::C::combine(lanes[k], value(k));
  }
  for (int64_t k = 0; k < n; ++k) acc[k] = R::C::combine(acc[k], widen<typename R::A>(lanes[k]));
}
template <class R>
RL_INLINE void partial_strip(int64_t m, int64_t n, const typename R::I* x, int64_t stride,
                             typename R::A* acc) {
  using L = typename R::L;
  Vec<L> v = load_partial(x, n);
  for (int64_t i = 1; i < m; ++i) v = R::C::combine(v, load_partial(x += stride, n));
  L lanes[kLanes<L>];
  store(lanes, v);
  for (int64_t k = 0; k < n; ++k) acc[k] = R::C::combine(acc[k], typename R::A(lanes[k]));
}

template <class R>
void column(int64_t m, int64_t n, const void* from, int64_t stride, const void* centres,
            void* accs) {
  using L = typename R::L;
  const auto* x = static_cast<const typename R::I*>(from);
  const auto* centre = static_cast<const typename R::A*>(centres);
  auto* acc = static_cast<typename R::A*>(accs);
  constexpr int w = kLanes<L>, wide = is_plain<R> ? kRegisters / 2 : kRegisters / 4;
  for (int64_t i = 0; i < m; i += kRows, x += kRows * stride) {
    const int64_t rows = m - i < kRows ? m - i : kRows;
    const auto at = [=](int64_t j) { return centre ? centre + j : nullptr; };
    int64_t j = 0;
    if constexpr (has_vectors<L>) {
      for (; j + wide * w <= n; j += wide * w) strip<R, wide>(rows, x + j, stride, at(j), acc + j);
      for (; j + w <= n; j += w) strip<R, 1>(rows, x + j, stride, at(j), acc + j);
      if constexpr (is_plain<R>)
        if (j < n) {
          partial_strip<R>(rows, n - j, x + j, stride, acc + j);
          continue;
        }
    }
    for (; j < n; j += w)
      narrow_strip<R>(rows, n - j < w ? n - j : w, x + j, stride, at(j), acc + j);
  }
}

// ---- two sums at once ----

using Pair = Complex<double>;
using Moments = Reduction<float, double, Pair, Same, Add>;

/// W vectors side by side, down m rows.
template <int W>
RL_INLINE void moments_strip(int64_t m, const float* x, int64_t stride, const Pair* centre,
                             Pair* acc) {
  constexpr int w = kLanes<double>;
  double lanes[W * w], squares[W * w];
  for (int k = 0; k < W * w; ++k) lanes[k] = centre[k].re;
  Vec<double> c[W], s[W] = {}, q[W] = {};
#pragma GCC unroll 8
  for (int k = 0; k < W; ++k) c[k] = load(lanes + k * w);
  for (int64_t i = 0; i < m; ++i, x += stride) {
#pragma GCC unroll 8
    for (int k = 0; k < W * w; k += 16) __builtin_prefetch(x + W * w + k);
#pragma GCC unroll 8
    for (int k = 0; k < W; ++k) {
      const Vec<double> d = load_as<double>(x + k * w) - c[k];
      s[k] += d;
      q[k] += d * d;
    }
  }
  for (int k = 0; k < W; ++k) store(lanes + k * w, s[k]), store(squares + k * w, q[k]);
  for (int k = 0; k < W * w; ++k) acc[k] = acc[k] + Pair{lanes[k], squares[k]};
}
RL_INLINE Pair moments_of(float x, Pair centre) {
  const double d = x - centre.re;
  return {d, d * d};
}
void moments_row(int64_t n, const void* from, const void* centre, void* acc) {
  constexpr int W = kRegisters / 8, wide = W * kLanes<double>;
  const auto* x = static_cast<const float*>(from);
  Pair sums[wide] = {}, centres[wide], total = *static_cast<Pair*>(acc);
  for (Pair& c : centres) c = *static_cast<const Pair*>(centre);
  moments_strip<W>(n / wide, x, wide, centres, sums);
  for (const Pair& s : sums) total = total + s;
  for (int64_t i = n / wide * wide; i < n; ++i) total = total + moments_of(x[i], centres[0]);
  *static_cast<Pair*>(acc) = total;
}
void moments_column(int64_t m, int64_t n, const void* from, int64_t stride, const void* centres,
                    void* accs) {
  constexpr int W = kRegisters / 4, w = kLanes<double>;
  const auto* x = static_cast<const float*>(from);
  const auto* c = static_cast<const Pair*>(centres);
  auto* acc = static_cast<Pair*>(accs);
  for (int64_t i = 0; i < m; i += kRows, x += kRows * stride) {
    const int64_t rows = m - i < kRows ? m - i : kRows;
    int64_t j = 0;
    for (; j + W * w <= n; j += W * w) moments_strip<W>(rows, x + j, stride, c + j, acc + j);
    for (; j + w <= n; j += w) moments_strip<1>(rows, x + j, stride, c + j, acc + j);
    for (; j < n; ++j)
      for (int64_t k = 0; k < rows; ++k) acc[j] = acc[j] + moments_of(x[k * stride + j], c[j]);
  }
}

template <class T>
RL_INLINE bool same_value(T a, T b) {
  return (a == b) | (differs(a, a) & differs(b, b));
}
template <class T>
int64_t find_row(int64_t n, const void* from, const void* value) {
  const T* x = static_cast<const T*>(from);
  const T v = *static_cast<const T*>(value);
  constexpr int w = kLanes<T>;
  const Vec<T> wanted = splat(v);
  int64_t i = 0;
  for (; i + 4 * w <= n && v == v; i += 4 * w)
    if (any_lane((load(x + i) == wanted) | (load(x + i + w) == wanted) |
                 (load(x + i + 2 * w) == wanted) | (load(x + i + 3 * w) == wanted)))
      break;
  while (i + w <= n && v == v && !any_lane(load(x + i) == wanted)) i += w;
  while (i < n && !same_value(x[i], v)) ++i;
  return i;
}
template <class T>
void find_column(int64_t n, const void* from, const void* value, int64_t i, int64_t* index) {
  const T* x = static_cast<const T*>(from);
  const T* v = static_cast<const T*>(value);
  for (int64_t j = 0; j < n; ++j) index[j] = (index[j] < 0) & same_value(x[j], v[j]) ? i : index[j];
}

// ---- the table ----

template <class R>
constexpr ReduceKernel kernel() {
  return {Type<typename R::I>::dtype,
          Type<typename R::A>::dtype,
          init<R>,
          row<R>,
          rows<R>,
          column<R>,
          merge<R>};
}
template <class In, class Lane, class Acc, class Map, class Combine>
constexpr ReduceKernel make() {
  return kernel<Reduction<In, Lane, Acc, Map, Combine>>();
}
constexpr ReduceKernel kMoments = {DType::F32, DType::C128,    init<Moments>, moments_row,
                                   nullptr,    moments_column, merge<Moments>};
constexpr ReduceKernel kNone = {DType::F32, DType::F32, nullptr, nullptr,
                                nullptr,    nullptr,    nullptr};
using F = float;
using D = double;
using I = int32_t;
using J = int64_t;
using Z = Complex<float>;
using W = Complex<double>;

template <class T>
constexpr FindKernel find() {
  return {Type<T>::dtype, find_row<T>, find_column<T>};
}

}  // namespace

extern const cpu::ReduceTable reduce_table = {
    {
        // Columns: F32, F64, I32, I64, C64, C128. Rows: cpu::Reduce.
        {make<F, F, D, Same, Add>(), make<D, D, D, Same, Add>(), make<I, J, J, Same, Add>(),
         make<J, J, J, Same, Add>(), make<Z, W, W, Same, Add>(), make<W, W, W, Same, Add>()},
        {make<F, D, D, Same, Add>(), make<D, D, D, Same, Add>(), kNone, kNone, kNone, kNone},
        {make<F, F, D, ZeroNan, Add>(), make<D, D, D, ZeroNan, Add>(), kNone, kNone, kNone, kNone},
        {make<F, F, D, Same, Multiply>(), make<D, D, D, Same, Multiply>(),
         make<I, J, J, Same, Multiply>(), make<J, J, J, Same, Multiply>(),
         make<Z, W, W, Same, Multiply>(), make<W, W, W, Same, Multiply>()},
        {make<F, F, F, Same, Larger>(), make<D, D, D, Same, Larger>(),
         make<I, I, I, Same, Larger>(), make<J, J, J, Same, Larger>(), kNone, kNone},
        {make<F, F, F, Same, Smaller>(), make<D, D, D, Same, Smaller>(),
         make<I, I, I, Same, Smaller>(), make<J, J, J, Same, Smaller>(), kNone, kNone},
        {make<F, D, D, Absolute, Add>(), make<D, D, D, Absolute, Add>(), kNone, kNone, kNone,
         kNone},
        {make<F, D, D, Square, Add>(), make<D, D, D, Square, Add>(), kNone, kNone, kNone, kNone},
        {make<F, D, D, Deviation, Add>(), make<D, D, D, Deviation, Add>(), kNone, kNone, kNone,
         kNone},
        {make<F, F, D, Exponential, Add>(), make<D, D, D, Exponential, Add>(), kNone, kNone, kNone,
         kNone},
        {kMoments, kNone, kNone, kNone, kNone, kNone},
        {make<uint8_t, I, J, Same, Add>(), make<uint8_t, I, J, Same, Add>(),
         make<uint8_t, I, J, Same, Add>(), make<uint8_t, I, J, Same, Add>(),
         make<uint8_t, I, J, Same, Add>(), make<uint8_t, I, J, Same, Add>()},
    },
    {find<F>(), find<D>(), find<I>(), find<J>()}};

}  // namespace rl::RL_ISA
