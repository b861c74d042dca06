// The table through which reduce.cpp reaches the kernels of one instruction set.
// Only plain data and declarations: this header is shared by all instruction sets.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace rl::cpu {

/// What a reduction maps and combines. With a centre c: (x - c)^2 and exp(x - c). WideSum is Sum in
/// double from the first addition on, for means that are subtracted. Moments are two sums at once:
/// of x - c as the real part, of its square as the imaginary one.
enum class Reduce : uint8_t {
  Sum,
  WideSum,
  NanSum,
  Prod,
  Max,
  Min,
  SumAbs,
  SumSquares,
  SumDeviations,
  SumExp,
  Moments,
  Count
};
constexpr int kReduces = 12;
constexpr int64_t kFolded = 4096;  // elements of a row folded as lanes before they are accumulated

/// One reduction in one type. Kernels read dense `in` values (Count: bytes that are 0 or 1) and
/// combine into accumulators that already hold a value.
struct ReduceKernel {
  DType in, acc;
  void (*init)(int64_t n, void* acc);
  /// acc[0] gets x[0..n), n >= 1.
  void (*row)(int64_t n, const void* x, const void* centre, void* acc);
  /// acc[j] gets x[j * stride..] for j < count, and has centre[j * step]; null if there is none.
  void (*rows)(int64_t count, int64_t n, const void* x, int64_t stride, const void* centre,
               int64_t step, void* acc);
  /// acc[j] gets x[i * stride + j] for i < m, and has a centre of its own.
  void (*column)(int64_t m, int64_t n, const void* x, int64_t stride, const void* centre,
                 void* acc);
  void (*merge)(int64_t n, const void* from, void* acc);
};

/// Where a value first occurs (NaN finds NaN).
struct FindKernel {
  DType in;
  int64_t (*row)(int64_t n, const void* x, const void* value);  // n if nowhere
  /// index[j] = i where it is negative and x[j] is value[j].
  void (*column)(int64_t n, const void* x, const void* value, int64_t i, int64_t* index);
};

struct ReduceTable {
  ReduceKernel reduce[kReduces][6];  // by compute type; row is null where there is none
  FindKernel find[4];                // F32, F64, I32, I64
};

}  // namespace rl::cpu
