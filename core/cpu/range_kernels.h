// The table through which ranges reach the kernels of one instruction set. Plain data only. A
// product and its sum are rounded once, which without an instruction for it takes a library call.
#pragma once
#include <cstdint>

namespace rl::cpu {

struct RangeTable {
  /// out[j] = start + step * (at + turn * j) for n elements.
  void (*multiples)(double start, double step, int64_t at, int64_t turn, int64_t n, double* out);
  /// out[i * lanes + k] = firsts[i] + step * k for n lines.
  void (*lines)(const double* firsts, double step, int64_t lanes, int64_t n, double* out);
};

}  // namespace rl::cpu
