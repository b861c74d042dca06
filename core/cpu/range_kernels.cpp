// The inner loops of arange and linspace, built once per instruction set.
#include "cpu/range_kernels.h"

#include "cpu/isa.h"

namespace rl::RL_ISA {
namespace {

void multiples(double start, double step, int64_t at, int64_t turn, int64_t n, double* out) {
  for (int64_t j = 0; j < n; ++j)
    out[j] = __builtin_fma(step, static_cast<double>(at + turn * j), start);
}

void lines(const double* firsts, double step, int64_t lanes, int64_t n, double* out) {
  for (int64_t i = 0; i < n; ++i) multiples(firsts[i], step, 0, 1, lanes, out + i * lanes);
}

}  // namespace

extern const cpu::RangeTable range_table = {multiples, lines};

}  // namespace rl::RL_ISA
