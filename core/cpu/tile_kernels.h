// The table of leaves that no formula's kernel computes, for the tile interpreter (expr/tile).
// Plain data only.
#pragma once
#include "cpu/kernel_table.h"
#include "expr/leaves.h"

namespace rl::cpu {

/// A leaf over tiles, of which those of step 0 are one number. Masks are bytes.
struct TileLeaf {
  PointwiseFn fn;
  bool mask;  // gives masks
};

struct TileTable {
  static constexpr int kTypes = 4;  // F32, F64, I32, I64: the first of Compute
  TileLeaf leaf[kTypes][kLeaves];   // fn null: not here
};

}  // namespace rl::cpu
