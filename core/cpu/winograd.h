// Convolutions of 3 x 3 filters at stride 1 by Winograd's algorithm, in float. Not here: all
// others.
#pragma once
#include "cpu/conv.h"

namespace rl::cpu {

/// Each does the work of its namesake in cpu/conv.h and returns true; or returns false where it
/// does not apply, does not pay, or met a number that is not finite: then another must do the work.
bool winograd_forward(const Conv2d& v, const float* x, const float* weight, const float* bias,
                      float* y);
bool winograd_backward_input(const Conv2d& v, const float* dy, const float* weight, float* dx);
bool winograd_backward_weight(const Conv2d& v, const float* dy, const float* x, float* dweight);

}  // namespace rl::cpu
