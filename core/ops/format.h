// Memory formats of images: results that keep the channels innermost where their input has them so.
#pragma once
#include "tensor/tensor.h"

namespace rl {

/// A fresh, contiguous `out`, or a copy with its channels last if those of `like` are: in the cases
/// in which PyTorch's operations on [n, c, h, w] and [n, c, d, h, w] keep them. Does not record.
Tensor in_format_of(const Tensor& out, const Tensor& like);

}  // namespace rl
