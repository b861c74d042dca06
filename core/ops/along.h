// AlongDim: loops over tensors along one dimension, for sorting (a line at a time) and for
// gathering and scattering (an element at a time). Threads share lines, never one line.
#pragma once
#include <algorithm>
#include <initializer_list>

#include "cpu/threads.h"
#include "op/call.h"
#include "tensor/layout.h"

namespace rl {

class AlongDim {
 public:
  static constexpr int kMax = 4;

  /// `sizes` is the common shape (operands may be larger, they are entered at index 0), `dim` the
  /// lines' direction. A 0-d operand counts as one element.
  AlongDim(const Dims& sizes, int dim, std::initializer_list<const Tensor*> operands)
      : length(sizes.size() ? sizes[dim] : 1),
        operands_(static_cast<int>(operands.size())),
        nest_(make(sizes, dim, operands)) {
    for (int d = 1; d < nest_.ndim; ++d) rows_ *= nest_.size[d];
    int k = 0;
    for (const Tensor* t : operands) step[k++] = t->dim() ? t->stride(dim) : 0;
  }

  int64_t count() const { return rows_ * nest_.size[0]; }
  const int64_t length;
  int64_t step[kMax] = {};  // from element to element of a line, for each operand

  /// f(offset) for every line: offset[k] is where operand k's line starts.
  template <class F>
  void each_line(int64_t work_per_line, F f) const {
    if (count() == 0) return;
    const int64_t work = std::max<int64_t>(work_per_line, 1);
    LongKernel off(count() * work);
    cpu::parallel_for(0, count(), 16384 / work + 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        int64_t offset[kMax] = {};
        at(i / nest_.size[0], offset);
        for (int k = 0; k < operands_; ++k) offset[k] += i % nest_.size[0] * nest_.stride[k][0];
        f(offset);
      }
    });
  }

  /// f(o0, o1, o2) for every element, with the operands' offsets. Operands whose bit is set in
  /// `looked_up` do not move along the line. Each line is visited in order.
  template <class F>
  void each(unsigned looked_up, F f) const {
    each_block(looked_up, &f, [](const void* f, Block b) {
      const F visit = *static_cast<const F*>(f);  // its own, so that what it holds is in registers
      for (int64_t l = 0; l < b.lines; ++l) {
        int64_t o = b.at[0], u = b.at[1], v = b.at[2];
        const int64_t by = b.inner[2];
        const bool unit = b.inner[0] == 1 && b.inner[1] == 1;
        if (unit && by == 0) {
#pragma GCC unroll 4
          for (int64_t j = 0; j < b.items; ++j) visit(o + j, u + j, v);
        } else if (unit) {
          for (int64_t j = 0; j < b.items; ++j, v += by) visit(o + j, u + j, v);
        } else if (b.inner[0] == 1 && b.inner[1] == 0 && by == 1) {  // one place for all
          for (int64_t j = 0; j < b.items; ++j) visit(o + j, u, v + j);
        } else {
          for (int64_t j = 0; j < b.items; ++j) {
            visit(o, u, v);
            o += b.inner[0], u += b.inner[1], v += by;
          }
        }
        for (int k = 0; k < 3; ++k) b.at[k] += b.outer[k];
      }
    });
  }

 private:
  /// A part of each(): lines of items, where they start and how far it is to the next.
  struct Block {
    int64_t at[kMax], lines, items;
    const int64_t *outer, *inner;
  };
  void each_block(unsigned looked_up, const void* f, void (*visit)(const void* f, Block)) const {
    if (count() == 0 || length == 0) return;
    int64_t move[kMax] = {}, in[kMax] = {};
    for (int k = 0; k < operands_; ++k) {
      move[k] = looked_up >> k & 1 ? 0 : step[k];
      in[k] = nest_.stride[k][0];
    }
    // AlongDim inside, if neighbouring lines are closer in memory than neighbouring elements.
    const bool across = std::abs(nest_.stride[0][0]) < std::abs(step[0]) && nest_.size[0] > 1;
    const int64_t chunk = 512, chunks = (nest_.size[0] + chunk - 1) / chunk;
    LongKernel off(count() * length / 2);
    const int64_t item = std::min(chunk, nest_.size[0]) * length;
    cpu::parallel_for(0, rows_ * chunks, 16384 / item + 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t first = i % chunks * chunk, n = std::min(chunk, nest_.size[0] - first);
        Block block = {{}, across ? length : n, across ? n : length, move, in};
        if (!across) std::swap(block.outer, block.inner);
        at(i / chunks, block.at);
        for (int k = 0; k < operands_; ++k) block.at[k] += first * in[k];
        visit(f, block);
      }
    });
  }

  static LoopNest make(const Dims& sizes, int dim, std::initializer_list<const Tensor*> operands) {
    Dims others = sizes, strides[kMax];
    const Dims* pointers[kMax];
    if (others.size()) others.erase(dim);
    int k = 0;
    for (const Tensor* t : operands) {
      strides[k] = t->strides();
      if (strides[k].size()) strides[k].erase(dim);
      if (strides[k].size() != others.size()) strides[k] = Dims::filled(others.size(), 0);
      pointers[k] = &strides[k];
      ++k;
    }
    return LoopNest(others, pointers, k);
  }
  void at(int64_t row, int64_t* offset) const {
    for (int d = 1; d < nest_.ndim; ++d) {
      const int64_t i = row % nest_.size[d];
      row /= nest_.size[d];
      for (int k = 0; k < operands_; ++k) offset[k] += i * nest_.stride[k][d];
    }
  }

  int operands_;
  int64_t rows_ = 1;
  LoopNest nest_;
};

}  // namespace rl
