// This instruction set's tables: formulas' kernels in order of definition, and loads and stores.
#include "cpu/isa.h"
#include "expr/kernels.h"
#include "ops/families.h"

namespace rl::RL_ISA {

void fill_load_store(cpu::LoadStoreTable&);
#define X(family) void define_##family(KernelRegistry&);
RL_FORMULA_FAMILIES(X)
#undef X

void fill_tables(cpu::LoadStoreTable& load_store, cpu::FormulaTable& formulas) {
  fill_load_store(load_store);
  KernelRegistry r(formulas);
#define X(family) define_##family(r);
  RL_FORMULA_FAMILIES(X)
#undef X
}

}  // namespace rl::RL_ISA
