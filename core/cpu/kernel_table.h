// What one instruction set offers: tables of plain functions, filled by the sources that are built
// once per set, and chosen once at load.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/compute.h"

namespace rl::cpu {

/// `n` elements from a strided source (stride in elements) into a dense tile of a compute type.
using LoadFn = void (*)(int64_t n, const void* src, int64_t stride, void* dst);
/// A dense tile of the dtype's compute type into a strided destination.
using StoreFn = void (*)(int64_t n, const void* src, void* dst, int64_t stride);
/// dst[i + o * dst_step] = src[i * src_step + o], i < inner and o < outer.
using TransposeFn = void (*)(int64_t inner, int64_t outer, const void* src, int64_t src_step,
                             void* dst, int64_t dst_step);
/// dst[i] = src[-i]
using ReverseFn = void (*)(int64_t n, const void* src, void* dst);
/// A pointwise formula: `in[k]` has step 0 or 1; `params` are values of the compute type.
using PointwiseFn = void (*)(int64_t n, void* out, const void* const* in, const int64_t* step,
                             const void* params);

struct LoadStoreTable {
  LoadFn load[kDTypes][kComputes];
  StoreFn store[kDTypes];
  LoadFn truth[kDTypes];     // x != 0 as bytes
  TransposeFn transpose[2];  // of elements of 4 bytes, and of 8
  ReverseFn reverse[2];      // the same
};

/// One formula's kernels by compute type: its forward, and the gradient for each operand (all
/// inputs of step 1). `result` is the dtype a forward writes, or -1 where the formula has no
/// kernel.
struct FormulaKernels {
  static constexpr int kOperands = 3;
  const char* name;  // the schema, to check that both builds agree
  int result[kComputes];
  PointwiseFn forward[kComputes];
  PointwiseFn backward[kOperands][kComputes];
};

struct FormulaTable {
  static constexpr int kMax = 320;
  FormulaKernels entry[kMax];
  int count = 0;
};

enum class Isa { Baseline, Avx2, Avx512 };
Isa isa();
const char* isa_name();
/// Are there products of bfloat16 (AVX512_BF16)? A set that is chosen by name does without.
bool has_bfloat16();

const LoadStoreTable& load_store();
const FormulaTable& formulas();

}  // namespace rl::cpu
