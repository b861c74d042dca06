// Convolution and pooling on raw pointers: NCHW, contiguous, F32 and F64. Shapes are checked by the
// caller. A 1-d convolution is a 2-d one with h == r == 1. Not here: tensors, other layouts.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace rl::cpu {

/// x[n,c,h,w] with weights[k, c/groups, r, s] gives y[n,k,out_h,out_w].
struct Conv2d {
  int64_t n, c, h, w, k, r, s;
  int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;

  int64_t out_h() const { return (h + 2 * pad_h - dilation_h * (r - 1) - 1) / stride_h + 1; }
  int64_t out_w() const { return (w + 2 * pad_w - dilation_w * (s - 1) - 1) / stride_w + 1; }
};

/// bias[k] may be nullptr.
void conv2d_forward(const Conv2d& v, DType t, const void* x, const void* weight, const void* bias,
                    void* y);
void conv2d_backward_input(const Conv2d& v, DType t, const void* dy, const void* weight, void* dx);
void conv2d_backward_weight(const Conv2d& v, DType t, const void* dy, const void* x, void* dweight);

}  // namespace rl::cpu
