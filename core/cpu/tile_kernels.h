// The table through which the tile interpreter (expr/tile) reaches the leaves of one instruction
// set. Plain data only.
#pragma once
#include <cstdint>

#include "expr/leaves.h"

namespace rl::cpu {

/// One leaf over a tile. Masks are bytes; numbers are of the compute type.
using TileFn = void (*)(int64_t n, void* out, const void* a, const void* b, const void* c);

struct TileLeaf {
  TileFn fn[8];  // by which operands are one number rather than a tile: bit j for operand j
  bool mask;     // gives masks
};

struct TileTable {
  static constexpr int kTypes = 4;  // F32, F64, I32, I64: the first of Compute
  TileLeaf leaf[kTypes][kLeaves];   // fn[0] null: no such leaf for the type
};

}  // namespace rl::cpu
