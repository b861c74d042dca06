// The inner loops of factorisations (cpu/lu.h, cpu/qr.h), for one instruction set.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// Column-major blocks of at most kFactorBlock columns.
constexpr int64_t kFactorBlock = 16;

template <class T>
struct FactorKernels {
  /// X (n by k) = T^-1 X for a triangle of n <= kFactorBlock: the lower one with ones for a
  /// diagonal, or the upper one with its own.
  void (*substitute)(bool lower, const T* t, int64_t ld, int64_t n, int64_t k, T* x, int64_t ldx);
  /// A (m by n, n <= m, n <= kFactorBlock) = P L U by elimination; see factor_lu.
  int64_t (*eliminate)(int64_t m, int64_t n, T* a, int64_t ld, int* pivot);
  /// A (m by n, n <= m, n <= kFactorBlock) = Q R by reflections; see factor_qr.
  void (*reflect)(int64_t m, int64_t n, T* a, int64_t ld, T* tau);
};

struct FactorTable {
  FactorKernels<float> f32;
  FactorKernels<double> f64;
};

}  // namespace rl::cpu
