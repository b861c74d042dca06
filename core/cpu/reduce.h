// Reductions over strided memory: one skeleton for every quadruple of map, combination, identity
// and finish. It sees sizes, strides and pointers; which dimensions, dtypes and errors is
// ops/reduce's.
#pragma once
#include "base/dims.h"
#include "cpu/reduce_kernels.h"

namespace rl::cpu {

struct ReduceJob {
  Reduce op;
  Dims sizes;  // the input's
  DType dtype;
  const void* data;
  Dims strides;
  DType out_dtype;
  void* out;
  Dims out_strides;  // at `sizes`, 0 where reduced; elements that are not reduced differ
  const void* centre = nullptr;  // one value of the accumulator's type an output, laid out like it
  double divide = 1;             // the finish: acc / divide, then its square root
  bool root = false;
};

/// Results do not depend on the number of threads: long reductions are cut at fixed places.
void reduce(const ReduceJob& job);
/// The accumulator's dtype, or false if the operation has no kernel for `dtype`.
bool has_reduce(Reduce op, DType dtype, DType* acc);

/// index[j] = the first i with x[i, j] equal to value[j] (both NaN counts), over one dimension of
/// `size` elements `stride` apart; `others` and their strides are the remaining ones. With an
/// `extremum` the values are written first, each while its line lies in a cache: of a dtype that
/// has kernels, along memory, 8 elements or more.
struct FindJob {
  int64_t size, stride;
  Dims others, strides;
  DType dtype;
  const void* data;
  void* value;  // contiguous over `others`
  const Reduce* extremum = nullptr;
  int64_t* index;  // contiguous over `others`
};
void find_first(const FindJob& job);

}  // namespace rl::cpu
