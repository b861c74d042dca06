// Pooling windows over the last one to three dimensions, as three axes of which missing ones have
// size 1, and the kernels that cpu/pool.h does not have. Not for files but pooling.cpp.
#pragma once
#include "ops/linear_map.h"
#include "tensor/tensor.h"

namespace rl {

struct Windows {
  int spatial = 2;
  int64_t planes = 1;
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  bool adaptive = false;  // the windows split the input evenly, and kernel to dilation do not count
  bool include_pad = true;   // an average counts padding
  int64_t divisor = 0;       // an average divides by this, if not 0
  Dims in_sizes, out_sizes;  // of the tensors

  int64_t volume_in() const { return in[0] * in[1] * in[2]; }
  int64_t volume_out() const { return out[0] * out[1] * out[2]; }
};

/// Contiguous x of any real dtype; indices count in the plane or volume. Writes y and indices.
void max_windows(const Windows& w, const Tensor& x, const Tensor& y, const Tensor& indices);
/// Averages, or their transpose; F32, F64 or I64.
void average_windows(const Windows& w, const Tensor& x, const Tensor& y, bool transposed);
/// y[p, i] = x[p, indices[p, i]], or its transpose; F32 or F64.
void pick_windows(const Windows& w, const Tensor& indices, const Tensor& x, const Tensor& y,
                  bool transposed);

/// The elements at given positions of each plane: what a maximum's gradient flows back through.
struct Pick {
  Windows w;
  Tensor indices;  // contiguous
  const char* label(bool transposed) const {
    return transposed ? "MaxPoolBackwardBackward0" : "MaxPoolDoubleBackwardBackward0";
  }
  Tensor run(const Tensor& x, bool transposed) const {
    const DType t = x.dtype() == DType::F64 ? DType::F64 : DType::F32;
    const Tensor y = empty(transposed ? w.in_sizes : w.out_sizes, t, x.device());
    pick_windows(w, indices, as_contiguous(x, t), y, transposed);
    return as_contiguous(y, x.dtype());
  }
};

}  // namespace rl
