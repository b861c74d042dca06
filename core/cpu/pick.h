// RL_PICK: declares a table of kernels that every instruction set fills, and the function that
// gives the one of the set in use.
#pragma once
#include "cpu/kernel_table.h"

#ifdef RL_HAVE_AVX2
#define RL_PICK_AVX2(TYPE, NAME) \
  namespace avx2 {               \
  extern const TYPE NAME;        \
  }
#define RL_PICK_CASE_AVX2(NAME) \
  case Isa::Avx2:               \
    return avx2::NAME;
#else
#define RL_PICK_AVX2(TYPE, NAME)
#define RL_PICK_CASE_AVX2(NAME)
#endif
#ifdef RL_HAVE_AVX512
#define RL_PICK_AVX512(TYPE, NAME) \
  namespace avx512 {               \
  extern const TYPE NAME;          \
  }
#define RL_PICK_CASE_AVX512(NAME) \
  case Isa::Avx512:               \
    return avx512::NAME;
#else
#define RL_PICK_AVX512(TYPE, NAME)
#define RL_PICK_CASE_AVX512(NAME)
#endif

namespace rl::cpu {
/// The kernels for T of a table that has them for float and double.
template <class T, class Table>
const auto& real_kernels(const Table& table) {
  if constexpr (sizeof(T) == sizeof(float))
    return table.f32;
  else
    return table.f64;
}
}  // namespace rl::cpu

/// At namespace scope outside rl: defines rl::cpu::NAME().
#define RL_PICK(TYPE, NAME)     \
  namespace rl {                \
  namespace baseline {          \
  extern const TYPE NAME;       \
  }                             \
  RL_PICK_AVX2(TYPE, NAME)      \
  RL_PICK_AVX512(TYPE, NAME)    \
  namespace cpu {               \
  static const TYPE& NAME() {   \
    switch (isa()) {            \
      RL_PICK_CASE_AVX512(NAME) \
      RL_PICK_CASE_AVX2(NAME)   \
      default:                  \
        return baseline::NAME;  \
    }                           \
  }                             \
  }                             \
  }
