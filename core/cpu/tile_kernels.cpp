// Leaves as loops over tiles, for one instruction set: those of masks, and those whose operation
// does more than the leaf. Every other leaf is a formula, which has its kernels already.
#include "cpu/tile_kernels.h"

#include "expr/kernels.h"

namespace rl::RL_ISA {
namespace {

using cpu::TileLeaf;
using cpu::TileTable;

// The operations scale by alpha, or turn integers into floats.
struct Sum {
  RL_INLINE auto operator()(auto a, auto b) const { return a + b; }
};
struct Difference {
  RL_INLINE auto operator()(auto a, auto b) const { return a - b; }
};
struct Quotient {
  RL_INLINE auto operator()(auto a, auto b) const { return a / b; }
};

void mask_not_tile(int64_t n, void* out, const void* const* in, const int64_t*, const void*) {
  const auto* a = static_cast<const uint8_t*>(in[0]);
  for (int64_t i = 0; i < n; ++i) put(out, i, Mask{a[i] == 0});
}

template <bool kAnd>
void two_masks(int64_t n, void* out, const void* const* in, const int64_t* step, const void*) {
  const auto *a = static_cast<const uint8_t*>(in[0]), *b = static_cast<const uint8_t*>(in[1]);
  const int64_t a_step = step[0], b_step = step[1];
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const Mask x{a[i * a_step] != 0}, y{b[i * b_step] != 0};
    put(out, i, kAnd ? x && y : x || y);
  }
}

/// Bits are only moved: the type's width is enough.
template <class T, bool kNumberA, bool kNumberB>
void select_of(int64_t n, T* out, const uint8_t* m, const T* a, const T* b) {
  const T a0 = a[0], b0 = b[0];
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T x = kNumberA ? a0 : a[i], y = kNumberB ? b0 : b[i];
    out[i] = m[i] ? x : y;
  }
}
template <class T>
void select_tile(int64_t n, void* to, const void* const* in, const int64_t* step, const void*) {
  T* out = static_cast<T*>(to);
  const auto* m = static_cast<const uint8_t*>(in[0]);
  const T *a = static_cast<const T*>(in[1]), *b = static_cast<const T*>(in[2]);
  if (!step[0]) {
    const int which = m[0] ? 1 : 2;
    const T* from = which == 1 ? a : b;
    for (int64_t i = 0; i < n; ++i) out[i] = from[i * step[which]];
  } else if (!step[1]) {
    (step[2] ? select_of<T, true, false> : select_of<T, true, true>)(n, out, m, a, b);
  } else {
    (step[2] ? select_of<T, false, false> : select_of<T, false, true>)(n, out, m, a, b);
  }
}

template <class T, class Bits>
constexpr void fill(TileLeaf* t) {
  const auto set = [t](Leaf leaf, cpu::PointwiseFn fn, bool mask = false) {
    t[static_cast<int>(leaf)] = {fn, mask};
  };
  set(Leaf::add, forward_loop<T, Sum, 2, 0>);
  set(Leaf::sub, forward_loop<T, Difference, 2, 0>);
  set(Leaf::div, forward_loop<T, Quotient, 2, 0>);
  set(Leaf::mask_not, mask_not_tile, true);
  set(Leaf::mask_and, two_masks<true>, true);
  set(Leaf::mask_or, two_masks<false>, true);
  set(Leaf::select, select_tile<Bits>);
}

constexpr TileTable make_table() {
  TileTable t{};
  fill<float, uint32_t>(t.leaf[0]);
  fill<double, uint64_t>(t.leaf[1]);
  fill<int32_t, uint32_t>(t.leaf[2]);
  fill<int64_t, uint64_t>(t.leaf[3]);
  return t;
}

}  // namespace

extern const TileTable tile_table = make_table();

}  // namespace rl::RL_ISA
