// Max and average pooling over planes, on raw pointers: NCHW, contiguous, F32 and F64. Shapes are
// checked by the caller, who also gives the output's size (so ceil_mode needs no flag here).
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace rl::cpu {

/// x[planes, h, w] -> y[planes, out_h, out_w]; planes is batch * channels, 1-d pooling has h == 1.
/// `adaptive` windows split the input evenly and ignore kernel, stride, pad and dilation.
struct Pool2d {
  int64_t planes, h, w, out_h, out_w;
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;  ///< of max pooling only
  bool adaptive = false;
  bool count_include_pad = true;  ///< average pooling: padding counts as elements
  int64_t divisor_override = 0;   ///< average pooling: divides by this instead, if not 0
};

/// indices[planes, out_h, out_w]: where each maximum lies in its plane (row * w + column). NaN
/// wins.
void max_pool2d_forward(const Pool2d& p, DType t, const void* x, void* y, int64_t* indices);
void max_pool2d_backward(const Pool2d& p, DType t, const void* dy, const int64_t* indices,
                         void* dx);
void avg_pool2d_forward(const Pool2d& p, DType t, const void* x, void* y);
void avg_pool2d_backward(const Pool2d& p, DType t, const void* dy, void* dx);

}  // namespace rl::cpu
