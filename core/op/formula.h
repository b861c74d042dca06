// What a formula file includes. It is compiled once per instruction set, where RL_FORMULAS makes
// the kernels, and once plainly, where it makes the records. Both see the same lambdas, so a
// formula is written once.
//
//   RL_FORMULAS(activations) {
//     r.unary("tanh(input)", Float, "Hyperbolic tangent.",
//             [](Value auto x)                             { return tanh(x); },
//             [](Value auto g, Value auto x, Value auto y) { return (g + g * y) * (1.0 - y); });
//   }
//
// A formula takes the operands and then the run-time scalars of the schema. A gradient, one for
// each operand, takes (g, operands..., y, scalars...); it is written for real numbers, and the
// kernels conjugate for complex ones. Formulas have no branches and no loops: use where(mask, a,
// b), and keep what the branch not taken computes finite, or its gradient's gradient is NaN.
//
// A formula may be an object with a second form, `near`, of the same values for arguments of
// common size (its `range`), where they cost less: kernels take it for a block of such. And it may
// be Vectorized, which says that expr/wide.h has all its functions for many floats at once.
#pragma once
#include "expr/domain.h"

#ifdef RL_KERNELS
#include "expr/kernels.h"
#define RL_FORMULAS(family)                \
  namespace rl::RL_ISA {                   \
  void define_##family(KernelRegistry& r); \
  }                                        \
  void rl::RL_ISA::define_##family([[maybe_unused]] KernelRegistry& r)
#else
#include "op/registry.h"
#define RL_FORMULAS(family)          \
  namespace rl {                     \
  void define_##family(Registry& r); \
  }                                  \
  void rl::define_##family([[maybe_unused]] Registry& r)
#endif

namespace rl {
template <class V>
concept Value = requires { typename V::is_value; };
}  // namespace rl
