// Chooses the instruction set at load: the best that was built and that the processor has, or the
// one that RUSHLIGHT_ISA names (baseline, avx2, avx512).
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "cpu/kernel_table.h"

namespace rl {

#define RL_DECLARE(isa)                                       \
  namespace isa {                                             \
  void fill_tables(cpu::LoadStoreTable&, cpu::FormulaTable&); \
  }
RL_DECLARE(baseline)
#ifdef RL_HAVE_AVX2
RL_DECLARE(avx2)
#endif
#ifdef RL_HAVE_AVX512
RL_DECLARE(avx512)
#endif

namespace cpu {
namespace {

bool built(Isa i) {
#ifndef RL_HAVE_AVX2
  if (i == Isa::Avx2) return false;
#endif
#ifndef RL_HAVE_AVX512
  if (i == Isa::Avx512) return false;
#endif
  return i <= Isa::Avx512;
}

bool supported([[maybe_unused]] Isa i) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (i == Isa::Avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
  if (i == Isa::Avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd") && supported(Isa::Avx2);
#endif
  return i == Isa::Baseline;
}

Isa choose() {
  const char* want = std::getenv("RUSHLIGHT_ISA");
  for (Isa i : {Isa::Avx512, Isa::Avx2}) {
    const char* name = i == Isa::Avx512 ? "avx512" : "avx2";
    if (want && std::strcmp(want, name) != 0) continue;
    if (built(i) && supported(i)) return i;
  }
  return Isa::Baseline;
}

struct Tables {
  LoadStoreTable load_store{};
  FormulaTable formulas{};
  Tables() {
    switch (isa()) {
#ifdef RL_HAVE_AVX512
      case Isa::Avx512:
        avx512::fill_tables(load_store, formulas);
        break;
#endif
#ifdef RL_HAVE_AVX2
      case Isa::Avx2:
        avx2::fill_tables(load_store, formulas);
        break;
#endif
      default:
        baseline::fill_tables(load_store, formulas);
    }
  }
};

const Tables& tables() {
  static const Tables* t = new Tables;
  return *t;
}

}  // namespace

Isa isa() {
  static const Isa chosen = choose();
  return chosen;
}
const char* isa_name() {
  return isa() == Isa::Avx512 ? "avx512" : isa() == Isa::Avx2 ? "avx2" : "baseline";
}
bool has_bfloat16() {
#if defined(__x86_64__)
  static const bool has = !std::getenv("RUSHLIGHT_ISA") && __builtin_cpu_supports("avx512bf16");
  return has;
#else
  return false;
#endif
}
const LoadStoreTable& load_store() { return tables().load_store; }
const FormulaTable& formulas() { return tables().formulas; }

}  // namespace cpu
}  // namespace rl
