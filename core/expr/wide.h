// Wide: the value a formula is run on sixteen floats at a time, where the instruction set has wide
// functions (cpu/vmath_wide.h). It knows the leaves that have one, and arithmetic around them.
#pragma once
#include "cpu/vmath_wide.h"

namespace rl::RL_ISA {

/// Does the formula F have a form for vectors of T (Vectorized in expr/domain.h)?
template <class F, class T>
constexpr bool kHasWide = false;

#if defined(__AVX512F__)
template <class F>
  requires requires { F::vectorized; }
inline constexpr bool kHasWide<F, float> = true;

struct Wide {
  using is_value = void;
  WideFloat v;
};

#define RL_WIDE_OPERATOR(symbol)                                                                   \
  RL_INLINE Wide operator symbol(Wide a, Wide b) { return {a.v symbol b.v}; }                      \
  RL_INLINE Wide operator symbol(Wide a, double b) { return {a.v symbol splat<float>(float(b))}; } \
  RL_INLINE Wide operator symbol(double a, Wide b) { return {splat<float>(float(a)) symbol b.v}; }
RL_WIDE_OPERATOR(+)
RL_WIDE_OPERATOR(-)
RL_WIDE_OPERATOR(*)
#undef RL_WIDE_OPERATOR
RL_INLINE Wide operator-(Wide a) { return {-a.v}; }

#define RL_WIDE_LEAF(name) \
  RL_INLINE Wide name(Wide a) { return {wide_##name(a.v)}; }
RL_WIDE_LEAF(exp)
RL_WIDE_LEAF(log)
RL_WIDE_LEAF(sin)
RL_WIDE_LEAF(cos)
RL_WIDE_LEAF(tanh)
RL_WIDE_LEAF(erf)
RL_WIDE_LEAF(sqrt)
RL_WIDE_LEAF(sigmoid)
#undef RL_WIDE_LEAF

/// out[i] = f(in[i]...), the last ones as all others.
template <class F, class... In>
RL_INLINE void wide_loop(int64_t n, float* out, F f, const In*... in) {
  constexpr int64_t w = kLanes<float>;
  int64_t i = 0;
  for (; i + w <= n; i += w) store(out + i, f(Wide{load(in + i)}...).v);
  if (i < n) store_partial(out + i, f(Wide{load_partial(in + i, n - i)}...).v, n - i);
}
#endif

}  // namespace rl::RL_ISA
