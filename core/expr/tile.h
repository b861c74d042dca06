// The tile interpreter: runs a Program on the CPU without a compiler, by tiles that stay in the
// first-level cache, each instruction a loop that was compiled beforehand. What follows from
// numbers alone is computed once, not per element. Inputs are contiguous or one number; strides,
// promotion and recording are the caller's.
#pragma once
#include <vector>

#include "cpu/compute.h"
#include "cpu/tile_kernels.h"
#include "expr/program.h"

namespace rl {

class TileProgram {
 public:
  /// For inputs of the compute type (a float or an integer one), of which number[j] are one number.
  /// RuntimeError if the program needs a leaf that is not for this type.
  TileProgram(const Program& program, Compute compute, const std::vector<bool>& number);

  /// out[i] = program(in[0][i], ..., params), in parallel. `params` are values of the compute type.
  /// `out` may be one of the inputs; in[j] is not looked at if the program does not load it.
  void run(int64_t n, void* out, const void* const* in, const void* params) const;

  /// What `out` holds: the compute type's dtype, or Bool.
  DType result() const { return result_; }

 private:
  // Values live in slots: first the inputs, then cells (one number each), then registers (tiles),
  // last the result, which is the caller's memory.
  struct Step {
    cpu::PointwiseFn fn;
    int out, in[3];
    int64_t step[3];  // 0: one number
  };
  struct Cell {
    alignas(16) char bytes[16];
  };
  using Cells = std::vector<Cell>;

  int cell_slot(size_t cell) const { return inputs_ + static_cast<int>(cell); }
  int register_slot(size_t r) const { return cell_slot(cell_of_.size() + r); }
  Step step_for(const Instruction& i, const std::vector<int>& slot,
                const std::vector<bool>& mask) const;
  Cells numbers(const void* const* in, const void* params) const;
  void tiles(int64_t begin, int64_t end, char* out, const void* const* in,
             const Cells& cells) const;

  Compute compute_;
  DType result_;
  int inputs_;
  std::vector<Instruction> cell_of_;    // where each cell's number comes from
  std::vector<Step> number_steps_;      // over cells
  std::vector<Step> steps_;             // over tiles
  std::vector<int64_t> register_size_;  // bytes an element
  int result_slot_ = -1;
};

}  // namespace rl
