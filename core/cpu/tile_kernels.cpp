// The leaves as loops over tiles, for one instruction set. Which leaves there are, and which types
// each takes, is read off expr/leaves.h and expr/lane.h; nothing is listed here.
#include "cpu/tile_kernels.h"

#include "expr/kernels.h"

namespace rl::RL_ISA {
namespace {

using cpu::TileLeaf;
using cpu::TileTable;

struct Do_select {
  template <class T>
  RL_INLINE Lane<T> operator()(Mask m, Lane<T> a, Lane<T> b) const {
    return where(m, a, b);
  }
};

#define X(leaf, op, cuda)                   \
  struct Do_##leaf {                        \
    template <class... A>                   \
    RL_INLINE auto operator()(A... a) const \
      requires requires { leaf(a...); }     \
    {                                       \
      return leaf(a...);                    \
    }                                       \
  };
RL_UNARY_LEAVES(X)
RL_PLAIN_UNARY_LEAVES(X)
RL_BINARY_LEAVES(X)
RL_OPERATOR_LEAVES(X)
#undef X

/// A value of an operand's type: Lane<T>, or Mask.
template <class V>
RL_INLINE V get(const void* p, int64_t i) {
  if constexpr (requires { typename V::type; })
    return at<typename V::type>(p, i);
  else
    return {static_cast<const uint8_t*>(p)[i] != 0};
}

template <class F, class A>
void unary(int64_t n, void* out, const void* a, const void*, const void*) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) put(out, i, F{}(get<A>(a, i)));
}

template <class F, class A, unsigned Numbers>
void binary(int64_t n, void* out, const void* a, const void* b, const void*) {
  const A a0 = get<A>(a, 0), b0 = get<A>(b, 0);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i)
    put(out, i, F{}(Numbers & 1 ? a0 : get<A>(a, i), Numbers & 2 ? b0 : get<A>(b, i)));
}

template <class T, unsigned Numbers>
void select(int64_t n, void* out, const void* m, const void* a, const void* b) {
  const Mask m0 = get<Mask>(m, 0);
  const Lane<T> a0 = at<T>(a, 0), b0 = at<T>(b, 0);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i)
    put(out, i,
        Do_select{}(Numbers & 1 ? m0 : get<Mask>(m, i), Numbers & 2 ? a0 : at<T>(a, i),
                    Numbers & 4 ? b0 : at<T>(b, i)));
}

template <class R>
constexpr bool is_mask = false;
template <>
inline constexpr bool is_mask<Mask> = true;

template <class F, class A>
constexpr TileLeaf unary_leaf() {
  return {{unary<F, A>}, is_mask<decltype(F{}(A{}))>};
}
template <class F, class A>
constexpr TileLeaf binary_leaf() {
  return {{binary<F, A, 0>, binary<F, A, 1>, binary<F, A, 2>}, is_mask<decltype(F{}(A{}, A{}))>};
}

/// The leaf for numbers of type T, or else for masks, or else none.
template <class F, class T>
constexpr TileLeaf one_operand() {
  if constexpr (requires(Lane<T> x) { F{}(x); })
    return unary_leaf<F, Lane<T>>();
  else if constexpr (requires(Mask m) { F{}(m); })
    return unary_leaf<F, Mask>();
  else
    return {};
}
template <class F, class T>
constexpr TileLeaf two_operands() {
  if constexpr (requires(Lane<T> x) { F{}(x, x); })
    return binary_leaf<F, Lane<T>>();
  else if constexpr (requires(Mask m) { F{}(m, m); })
    return binary_leaf<F, Mask>();
  else
    return {};
}

template <class T>
constexpr void fill(TileLeaf* t) {
#define X(leaf, op, cuda) t[static_cast<int>(Leaf::leaf)] = one_operand<Do_##leaf, T>();
  RL_UNARY_LEAVES(X)
  RL_PLAIN_UNARY_LEAVES(X)
#undef X
#define X(leaf, op, cuda) t[static_cast<int>(Leaf::leaf)] = two_operands<Do_##leaf, T>();
  RL_BINARY_LEAVES(X)
  RL_OPERATOR_LEAVES(X)
#undef X
  t[static_cast<int>(Leaf::select)] = {{select<T, 0>, select<T, 1>, select<T, 2>, select<T, 3>,
                                        select<T, 4>, select<T, 5>, select<T, 6>, select<T, 7>},
                                       false};
}

constexpr TileTable make_table() {
  TileTable t{};
  fill<float>(t.leaf[0]);
  fill<double>(t.leaf[1]);
  fill<int32_t>(t.leaf[2]);
  fill<int64_t>(t.leaf[3]);
  return t;
}

}  // namespace

extern const TileTable tile_table = make_table();

}  // namespace rl::RL_ISA
