// Domain: which dtypes a formula is for. Freestanding: both builds of a formula file include it.
#pragma once
#include "cpu/compute.h"

namespace rl {

/// Bits say which compute classes have kernels; `promotes_int`: integers become the default float.
struct Domain {
  bool real_float, integer, complex, promotes_int;
};

template <bool F, bool I, bool C, bool P>
struct DomainTag {
  static constexpr Domain value{F, I, C, P};
};

/// Where the near form of a formula holds: low <= x < high, or |x| < high if low is 0.
struct Range {
  double low, high;
};

/// A formula whose functions expr/wide.h has for many floats at once.
template <class F>
struct Vectorized : F {
  static constexpr bool vectorized = true;
};
template <class F>
Vectorized(F) -> Vectorized<F>;

inline constexpr DomainTag<true, false, true, true> Float;       // exp, tanh: real or complex
inline constexpr DomainTag<true, false, false, true> RealFloat;  // erf, atan2: real; ints promote
inline constexpr DomainTag<true, false, false, false> Strict;    // gelu: floating tensors only
inline constexpr DomainTag<true, false, true, false> StrictComplex;
inline constexpr DomainTag<true, true, true, false> Number;  // add, mul
inline constexpr DomainTag<true, true, false, false> Real;   // maximum, floor: ordered
inline constexpr DomainTag<false, true, false, false> Bits;  // bitwise_and

constexpr bool covers(const Domain& d, Compute c) {
  switch (c) {
    case Compute::F32:
    case Compute::F64:
      return d.real_float;
    case Compute::I32:
    case Compute::I64:
      return d.integer;
    default:
      return d.complex;
  }
}

}  // namespace rl
