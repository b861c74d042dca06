// The inner loops of factorisations for this machine's instruction set, for lu.h and qr.h.
#pragma once
#include "cpu/factor_kernels.h"
#include "cpu/pick.h"

RL_PICK(cpu::FactorTable, factor_table)
