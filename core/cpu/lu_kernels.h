// The inner loops of LU factorisations and triangular systems (cpu/lu.h), for one instruction set.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// Column-major blocks of at most kLuBlock columns.
constexpr int64_t kLuBlock = 16;

template <class T>
struct LuKernels {
  /// X (n by k) = T^-1 X for a triangle of n <= kLuBlock: the lower one with ones for a diagonal,
  /// or the upper one with its own.
  void (*substitute)(bool lower, const T* t, int64_t ld, int64_t n, int64_t k, T* x, int64_t ldx);
  /// A (m by n, n <= m, n <= kLuBlock) = P L U by elimination; see factor_lu.
  int64_t (*eliminate)(int64_t m, int64_t n, T* a, int64_t ld, int* pivot);
};

struct LuTable {
  LuKernels<float> f32;
  LuKernels<double> f64;
};

}  // namespace rl::cpu
