// Program: a formula as data. A flat list of instructions over leaves, made by running a formula
// once on symbols (expr/sym.h). It is printed as CUDA text (expr/emit.h), interpreted on tensors
// for higher derivatives (autograd/pointwise), run by tiles (expr/tile.h), and tells which inputs a
// gradient loads and so what autograd saves.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "expr/leaves.h"

namespace rl {

struct LeafInfo {
  const char* name;
  const char* op;    // the tensor operation with the same meaning
  const char* cuda;  // text with {0}, {1}, {2}
};
const LeafInfo& info(Leaf leaf);

struct Instruction {
  Leaf leaf;
  int16_t a = -1, b = -1, c = -1;  // earlier instructions; for input and param: a is the index
  double value = 0;                // of a constant
  bool operator==(const Instruction&) const = default;
};

struct Program {
  std::vector<Instruction> code;
  int result = -1;  // the instruction whose value is the answer

  /// Adds an instruction, or finds the equal one.
  int emit(Instruction i);
  bool loads(int input) const;
  std::string text() const;  // one instruction a line, for people and for diffs
  /// Drops what the result does not need.
  void prune();
};

}  // namespace rl
